"""The value of a Content-Type header, read as https://fetch.spec.whatwg.org/#concept-header-extract-mime-type does."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_VALUE = re.compile(r'(?:[^",]++|"(?:[^"\\]|\\.)*+"?)++', re.DOTALL)
_ESSENCE = re.compile(r"[\t\n\r ]*+([\w!#$%&'*+.^`|~-]++/[\w!#$%&'*+.^`|~-]++)(?=[\t\n\r ;]|\Z)", re.ASCII)
_PARAMETER = re.compile(r';[\t\n\r ]*+([^;=]*+)=(?:"((?:[^"\\]|\\.)*+)"?[^;]*+|([^;]*+))', re.DOTALL)
# With what a page begins that is HTML although nobody says so; like Chromium, whatever follows.
# https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type
HTML_STARTS = (
    *('!--', '!doctype html', 'html', 'head', 'script', 'iframe', 'h1', 'div', 'font', 'table', 'a', 'style', 'title'),
    *('b', 'p'),
)

# In characters: a longer header is parsed each time, so that no server fills the cache with megabytes.
KEPT_LENGTH = 256


class ContentType(NamedTuple):
    """The media type, such as "text/html", in lower case, and its charset as written; each '' if there is none."""

    essence: str = ''
    charset: str = ''

    @property
    def is_unknown(self) -> bool:
        """Whether only the page itself says what it is (https://mimesniff.spec.whatwg.org/)."""
        return self.essence in ('', 'unknown/unknown', 'application/unknown')

    @property
    def is_html(self) -> bool:
        return self.essence == 'text/html'

    @property
    def is_xml(self) -> bool:
        return self.essence in ('text/xml', 'application/xml') or self.essence.endswith('+xml')

    @property
    def is_json(self) -> bool:
        return self.essence in ('application/json', 'text/json') or self.essence.endswith('+json')


def parse_content_type(header: str) -> ContentType:
    """Return the last valid type of a list; its charset may be that of the same type before it in the list."""
    return _kept(header) if len(header) <= KEPT_LENGTH else _parse(header)


@lru_cache
def _kept(header: str) -> ContentType:
    return _parse(header)


def _parse(header: str) -> ContentType:
    found = ContentType()
    for value in _VALUE.findall(header):
        if match := _ESSENCE.match(value):
            # A wildcard says no type, but its charset counts in browsers.
            essence = '' if match[1] == '*/*' else match[1].lower()
            inherited = found.charset if essence in ('', found.essence) else ''
            found = ContentType(essence or found.essence, _charset(value) or inherited)
    return found


def _charset(value: str) -> str:
    for name, quoted, plain in _PARAMETER.findall(value):
        if name.lower() == 'charset' and (charset := re.sub(r'\\(.)', r'\1', quoted) or plain.strip()):
            return str(charset)
    return ''
