"""Finds the encoding that a page's own first bytes declare, as browsers do.

https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding asks for the first
1024 bytes. Like Chromium this goes on to the end of the head, and takes what script, style, title and their like
contain for text. Each byte is looked at once, in however many pieces the page comes: the scan is a generator that waits
where it has come to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .content_type import HTML_STARTS
from .labels import encoding_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from .content_type import ContentType

    type _Steps[T] = Generator[None, None, T]

PRESCAN_SIZE = 16 * 1024
"""How many bytes may declare the encoding, at most."""
_ALWAYS_SCANNED = 1024

_SPACE = rb'\t\n\f\r '
_UTF_16_XML = {b'<\0?\0x\0': 'utf-16le', b'\0<\0?\0x': 'utf-16be'}
_XML_ENCODING = re.compile(rb'encoding[%b]*+=[%b]*+(?:"([^"]*+)"|\'([^\']*+)\')' % (_SPACE, _SPACE))
_SNIFFED_HTML = re.compile(b'<(?:%b)' % '|'.join(HTML_STARTS).encode(), re.IGNORECASE)
_SNIFF_SIZE = 1 + max(map(len, HTML_STARTS))
_CONTENT_CHARSET = re.compile(
    rb'charset[%b]*+=[%b]*+(?:"([^"]*+)"|\'([^\']*+)\'|([^%b;"\'][^%b;]*+)|)' % (_SPACE, _SPACE, _SPACE, _SPACE),
    re.IGNORECASE,
)

_MARKUP = re.compile(rb'<(?:(!--)|(/?[a-zA-Z])|([?]|![^-]|!-[^-]|/.)|[^!?/])', re.DOTALL)
_COMMENT_END = re.compile(rb'-->|(?<!<!)--!>')
_TAG_END = re.compile(rb'>')
_NAME_END = re.compile(rb'[%b/>]' % _SPACE)
_ATTRIBUTE = re.compile(rb'[^%b/]' % _SPACE)
_ATTRIBUTE_END = re.compile(rb'[%b/>=]' % _SPACE)
_NO_SPACE = re.compile(rb'[^%b]' % _SPACE)
_VALUE_END = re.compile(rb'[%b>]' % _SPACE)
_QUOTES = {b'"': re.compile(rb'"'), b"'": re.compile(rb"'")}

# What Chromium takes for a part of the head.
_HEAD = frozenset(b'base head html link meta noscript object script style title'.split())
_RAW_TEXT = {
    name: re.compile(rb'</%b(?=[%b/>])' % (name, _SPACE), re.IGNORECASE)
    for name in b'iframe noembed noframes script style textarea title xmp'.split()
}


class Prescan:
    """Finds the declared encoding in bytes that are fed; `unknown_label` is the first label that names none."""

    def __init__(self, content_type: ContentType) -> None:
        """Take the type that the server named: HTML, XML, or none, which is sniffed; no other declares anything."""
        self.done = False
        self.encoding: str | None = None
        self.unknown_label = ''
        self._data = bytearray()
        self._head_size = PRESCAN_SIZE
        self._steps = self._scan(content_type)

    @property
    def may_be_utf_16(self) -> bool:
        """Whether what was fed begins UTF-16, which alone reads ASCII bytes in another way."""
        return any(start.startswith(self._data) for start in _UTF_16_XML)

    def feed(self, data: bytes) -> bool:
        """Scan on, and return whether the encoding is known or nothing behind `data` can declare it."""
        if not self.done:
            self._data += data[: PRESCAN_SIZE - len(self._data)]
            waits = next(self._steps, self) is None
            self.done = not waits or len(self._data) >= PRESCAN_SIZE
        return self.done

    def _scan(self, content_type: ContentType) -> _Steps[None]:
        if not (content_type.is_unknown or content_type.is_html or content_type.is_xml):
            return
        while self.may_be_utf_16:
            yield
        self.encoding = next((name for start, name in _UTF_16_XML.items() if self._data.startswith(start)), None)
        if not self.encoding:
            yield from self._xml_declaration()
            if content_type.is_html or (content_type.is_unknown and (yield from self._looks_like_html())):
                yield from self._tags()

    def _looks_like_html(self) -> _Steps[bool]:
        start = yield from self._until(_NO_SPACE, 0)
        while not (match := _SNIFFED_HTML.match(self._data, start)) and len(self._data) < start + _SNIFF_SIZE:
            yield
        return match is not None

    def _xml_declaration(self) -> _Steps[None]:
        while len(self._data) < len(b'<?xml') and b'<?xml'.startswith(self._data):
            yield
        if self._data.startswith(b'<?xml'):
            end = yield from self._until(_TAG_END, 0)
            if match := _XML_ENCODING.search(self._data, 0, end):
                self.encoding = self._known(match[1] or match[2] or b'')

    def _tags(self) -> _Steps[None]:
        position = 0
        while (start := (yield from self._next_markup(position))) >= 0:
            while not (match := _MARKUP.match(self._data, start)):
                yield
            comment, tag, bogus = match.groups()
            if comment:
                position = yield from self._until(_COMMENT_END, start + 2, length=4)
            elif bogus:
                position = yield from self._until(_TAG_END, start)
            elif not tag:
                position = start + 1
            elif (position := (yield from self._tag(start + 1))) < 0:
                return

    def _next_markup(self, position: int) -> _Steps[int]:
        while (start := self._data.find(b'<', position, self._head_size)) < 0 and len(self._data) < self._head_size:
            position = max(position, len(self._data))
            yield
        return start

    def _tag(self, start: int) -> _Steps[int]:
        """Read a tag, and the text of an element that has nothing else; return -1 if that ends the search."""
        end = yield from self._until(_NAME_END, start + 1)
        name = bytes(self._data[start:end]).lower()
        attributes: dict[bytes, bytes] = {}
        position = yield from self._attributes(end, attributes)
        if name == b'meta' and (encoding := self._meta(attributes)):
            self.encoding = encoding
            return -1
        if name.lstrip(b'/') not in _HEAD or name in (b'/head', b'/html'):
            self._head_size = _ALWAYS_SCANNED
        if name in _RAW_TEXT:
            return (yield from self._until(_RAW_TEXT[name], position, length=len(name) + 3))
        return -1 if name == b'plaintext' else position

    def _attributes(self, position: int, attributes: dict[bytes, bytes]) -> _Steps[int]:
        while self._data[start := (yield from self._until(_ATTRIBUTE, position))] != ord('>'):
            end = yield from self._until(_ATTRIBUTE_END, start + 1)
            name = bytes(self._data[start:end]).lower()
            position = yield from self._until(_NO_SPACE, end)
            value = b''
            if self._data[position] == ord('='):
                position, value = yield from self._value(position + 1)
            attributes.setdefault(name, value)
        return start

    def _value(self, position: int) -> _Steps[tuple[int, bytes]]:
        start = yield from self._until(_NO_SPACE, position)
        if quote := _QUOTES.get(bytes(self._data[start : start + 1])):
            end = yield from self._until(quote, start + 1)
            return end + 1, bytes(self._data[start + 1 : end])
        end = yield from self._until(_VALUE_END, start)
        return end, bytes(self._data[start:end])

    def _meta(self, attributes: dict[bytes, bytes]) -> str | None:
        if b'charset' in attributes:
            return self._known(attributes[b'charset'])
        if attributes.get(b'http-equiv', b'').lower() == b'content-type':
            match = _CONTENT_CHARSET.search(attributes.get(b'content', b''))
            return self._known(match[1] or match[2] or match[3] or b'') if match else None
        return None

    def _known(self, label: bytes) -> str | None:
        """Return the encoding that a declaration of ASCII bytes means: it cannot be UTF-16."""
        name = label.decode('latin-1')
        if name.strip().lower() == 'x-user-defined':
            return 'windows-1252'
        encoding = encoding_of(name)
        if not encoding:
            self.unknown_label = self.unknown_label or name.strip()
        return 'utf-8' if encoding in ('utf-16le', 'utf-16be') else encoding

    def _until(self, pattern: re.Pattern[bytes], position: int, length: int = 1) -> _Steps[int]:
        """Return where `pattern`, of at most `length` bytes, begins; wait until it is there."""
        while not (match := pattern.search(self._data, position)):
            position = max(position, len(self._data) - length + 1)
            yield
        return match.start()
