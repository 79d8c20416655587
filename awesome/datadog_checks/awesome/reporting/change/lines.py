"""The visible text of a page as lines, as people compare pages: a block of the page is a line."""

from __future__ import annotations

import re

from datadog_checks.awesome.reading.content_type import parse_content_type
from datadog_checks.awesome.reading.normalization import normalize
from datadog_checks.awesome.reading.text import VisibleText, markup_kind

# The visible text has spaces between blocks too. In the markup, form feeds are the same as spaces.
_SPACES = str.maketrans(dict.fromkeys(' \t\n\r', '\f'))
_SPACES_IN_PREFORMATTED = str.maketrans(dict.fromkeys(' \t\r', '\f'))
_PREFORMATTED = re.compile(
    r'(<(?:pre|textarea|xmp|plaintext)[\s>].*?(?:</(?:pre|textarea|xmp)[\s>]|\Z))', re.IGNORECASE | re.DOTALL
)
_BREAK = re.compile(r'[ \n]+')
# JSON often comes on one line.
_JSON_BREAK = re.compile(r'(?<=[\[{,])[ \t]*+(?=[\[{"\d\-])')

_BINARY_KINDS = frozenset({'image', 'audio', 'video', 'font'})
_BINARY_TYPES = frozenset({'application/pdf', 'application/zip', 'application/gzip', 'application/octet-stream'})
# Text has hardly any of these; of binary data, one byte in ten is one.
_CONTROL = re.compile(r'[\x00-\x08\x0e-\x1a\x1c-\x1f]')
_SAMPLE_SIZE = 4096
_MAX_SHARE = 1 / 50
_MAX_COUNT = 8


def visible_lines(text: str, content_type: str) -> list[str]:
    """Return the lines of a page that a reader sees, normalized and none of them empty; `text` is its source."""
    kind = markup_kind(content_type, text)
    if kind:
        stage = VisibleText(kind)
        visible = stage.feed(_mark_spaces(text)) + stage.flush()
        lines = _BREAK.split(visible)
    elif parse_content_type(content_type).is_json:
        lines = _JSON_BREAK.sub('\n', text).splitlines()
    else:
        lines = text.splitlines()
    return [line for line in map(normalize, lines) if line]


def is_binary(text: str, content_type: str) -> bool:
    """Return whether a page that was decoded to `text` is for programs, not for readers."""
    essence = parse_content_type(content_type).essence
    if essence.partition('/')[0] in _BINARY_KINDS or essence in _BINARY_TYPES:
        return True
    sample = text[:_SAMPLE_SIZE]
    return len(_CONTROL.findall(sample)) > max(len(sample) * _MAX_SHARE, _MAX_COUNT)


def _mark_spaces(markup: str) -> str:
    """Return markup in which only line breaks of preformatted text are spaces or line breaks still."""
    parts = _PREFORMATTED.split(markup)
    parts[::2] = [part.translate(_SPACES) for part in parts[::2]]
    parts[1::2] = [part.translate(_SPACES_IN_PREFORMATTED) for part in parts[1::2]]
    return ''.join(parts)
