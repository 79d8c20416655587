"""What markup means to a reader."""

from __future__ import annotations

import html
import re

_TITLE_START = re.compile(r'<title\b[^<>]*>', re.IGNORECASE)
_TITLE_END = re.compile(r'</title', re.IGNORECASE)


def title(markup: str) -> str:
    """Give the title of a page on one line; empty if `markup` holds no whole one."""
    start = _TITLE_START.search(markup)
    end = start and _TITLE_END.search(markup, start.end())
    if not start or not end:
        return ''
    return ' '.join(html.unescape(markup[start.end() : end.start()]).split())
