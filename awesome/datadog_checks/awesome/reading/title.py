"""The title of a page, from the markup with which it begins."""

from __future__ import annotations

import html
import re

_START = re.compile(r'<title\b[^<>]*>', re.IGNORECASE)
_END = re.compile(r'</title', re.IGNORECASE)


def title(markup: str) -> str:
    """Return the title of a page on one line; empty if `markup` holds no whole one."""
    start = _START.search(markup)
    end = start and _END.search(markup, start.end())
    if not start or not end:
        return ''
    return ' '.join(html.unescape(markup[start.end() : end.start()]).split())
