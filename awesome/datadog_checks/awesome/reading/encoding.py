"""Which character encoding a page has, and its bytes as text, in the order and with the names that browsers use."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from .charsets import text_decoder
from .content_type import parse_content_type
from .labels import encoding_of
from .prescan import Prescan

if TYPE_CHECKING:
    from .charsets import TextDecoder

HEAD_SIZE = 16 * 1024
MAX_LABEL = 40

_BOMS = {codecs.BOM_UTF8: 'utf-8', codecs.BOM_UTF16_BE: 'utf-16be', codecs.BOM_UTF16_LE: 'utf-16le'}
_BOM_OF = {encoding: bom for bom, encoding in _BOMS.items()}
_BOM_STARTS = frozenset(bom[:size] for bom in _BOMS for size in range(len(bom)))

# Each encoding but UTF-16 reads all other bytes as ASCII, wherever they begin a character. These three mean something
# else in ISO-2022-JP.
_NOT_ASCII = re.compile(rb'[\x0e\x0f\x1b\x80-\xff]')


class Decoder:
    """Turns the bytes of a page into text; what cannot be decoded becomes U+FFFD.

    The first of these decides: the option, a byte order mark, the charset of the Content-Type, what the markup declares
    (`Prescan`), else UTF-8. JSON is UTF-8 whatever the Content-Type says (RFC 8259, section 8.1).
    """

    def __init__(self, content_type: str = '', encoding: str | None = None) -> None:
        """Take the value of the header and the label that the option gives."""
        self.encoding = 'utf-8'
        """The encoding's lower-case name in the Encoding Standard; it counts once something was decoded."""
        self.decided_by = 'the default'
        """What says that the page has this encoding."""
        self.unknown_label = ''
        """The label that was declared though it names no encoding, if that left the decision to the default."""
        self.head = ''
        """How the text begins: its first 16 KiB."""
        self._option = encoding_of(encoding) if encoding else None
        self._type = parse_content_type(content_type)
        self._prescan: Prescan | None = None
        """Made once the start has not decided."""
        self._undecided = b''
        self._decoder: TextDecoder | None = None

    def feed(self, data: bytes) -> str:
        """Return the text of what can be decoded."""
        return self._keep_head(self._decode(data, final=False))

    def flush(self) -> str:
        """Return the text that is left at the end of the page."""
        return self._keep_head(self._decode(b'', final=True))

    def _keep_head(self, text: str) -> str:
        if len(self.head) < HEAD_SIZE:
            self.head += text[: HEAD_SIZE - len(self.head)]
        return text

    def _decode(self, data: bytes, final: bool) -> str:
        if self._decoder is None:
            self._undecided += data
            if not self._decide(data, final):
                return self._ascii()
            self._decoder = text_decoder(self.encoding)
            data, self._undecided = self._undecided, b''
        return self._decoder.decode(data, final)

    def _ascii(self) -> str:
        """Return what is the same text in whatever encoding, so that nobody waits for it while nothing is decided.

        A byte order mark and everything else that encodings see in their own way begins with a byte that is not ASCII,
        so a decoder that starts there ends up with the text that it would have made of the whole.
        """
        if not self._prescan or self._prescan.may_be_utf_16:
            return ''
        match = _NOT_ASCII.search(self._undecided)
        size = match.start() if match else len(self._undecided)
        text = self._undecided[:size].decode('ascii')
        self._undecided = self._undecided[size:]
        return text

    def _decide(self, data: bytes, final: bool) -> bool:
        """Return whether the encoding is decided: nothing that is still to come can change it."""
        if not self._prescan:
            if not final and len(self._undecided) < len(codecs.BOM_UTF8) and self._undecided in _BOM_STARTS:
                return False
            if self._decide_by_start(self._undecided):
                return True
            data, self._prescan = self._undecided, Prescan(self._type)
        if not (self._prescan.feed(data) or final):
            return False
        if self._prescan.encoding:
            return self._settle(self._prescan.encoding, 'the markup')
        self.unknown_label = (self.unknown_label or self._prescan.unknown_label)[:MAX_LABEL]
        return True

    def _decide_by_start(self, start: bytes) -> bool:
        if self._option:
            self._undecided = start.removeprefix(_BOM_OF.get(self._option, b''))
            return self._settle(self._option, 'the option `encoding`')
        if bom := next(filter(start.startswith, _BOMS), b''):
            self._undecided = start[len(bom) :]
            return self._settle(_BOMS[bom], 'the byte order mark')
        if self._type.is_json:
            return self._settle('utf-8', 'the Content-Type')
        if encoding := encoding_of(self._type.charset):
            return self._settle(encoding, 'the Content-Type')
        self.unknown_label = self._type.charset
        return False

    def _settle(self, encoding: str, decided_by: str) -> bool:
        self.encoding, self.decided_by, self.unknown_label = encoding, decided_by, ''
        return True
