"""Which character encoding a page has, and its bytes as text, in the order and with the names that browsers use."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import partial

from .fault import feed_all

BOMS = {codecs.BOM_UTF8: 'utf-8', codecs.BOM_UTF16_BE: 'utf-16-be', codecs.BOM_UTF16_LE: 'utf-16-le'}
BOM_SIZE = 3
PRESCAN_SIZE = 1024
HEAD_SIZE = 16 * 1024

# The encodings of https://encoding.spec.whatwg.org/#names-and-labels by the names of Python's codecs. Some labels mean
# a superset there. A table, since `codecs.lookup` also knows codecs that are no character encodings, imports a module
# of the name that it is given, and keeps every name that it was ever asked for.
_SUPERSETS = {
    'ascii': 'cp1252',
    'big5': 'big5hkscs',
    'euc_kr': 'cp949',
    'gb2312': 'gb18030',
    'gbk': 'gb18030',
    'iso8859_11': 'cp874',
    'iso8859_9': 'cp1254',
    'latin_1': 'cp1252',
    'shift_jis': 'cp932',
    'tis_620': 'cp874',
    'utf_16': 'utf_16_le',
}
_SAME = (
    'big5hkscs cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp866 cp874 cp932 cp949 euc_jp gb18030'
    ' iso2022_jp iso8859_10 iso8859_13 iso8859_14 iso8859_15 iso8859_16 iso8859_2 iso8859_3 iso8859_4 iso8859_5'
    ' iso8859_6 iso8859_7 iso8859_8 koi8_r koi8_u mac_cyrillic mac_roman utf_16_be utf_16_le utf_8'
)
CODECS = _SUPERSETS | {name: name for name in _SAME.split()}

_CHARSET_PARAMETER = re.compile(r'charset\s*=\s*["\']?([^\s;"\',]+)', re.IGNORECASE)
_COMMENT = re.compile(rb'<!--.*?(?:-->|\Z)', re.DOTALL)
_META_CHARSET = re.compile(rb'<meta\b[^>]*?charset\s*=\s*["\']?\s*([^\s"\'/>;]+)', re.IGNORECASE)
_XML_ENCODING = re.compile(rb'\A<\?xml\b[^>]*?\bencoding\s*=\s*["\']([^"\'>]+)')


def codec(label: str) -> str | None:
    """Give the Python codec that decodes what `label` means on the web; None if it names no such encoding."""
    name = normalize_encoding(label.strip().lower().removeprefix('x-'))
    return CODECS.get(aliases.get(name, name))


class Decoder:
    """Turns a page's bytes into text; `encoding` is its codec once the first text came, `head` how the text begins.

    The first of these decides: `encoding`, a byte order mark, the charset of `content_type`, `<meta charset>` or the
    XML declaration in the first 1024 bytes, else UTF-8. What cannot be decoded becomes U+FFFD.
    """

    def __init__(self, content_type: str = '', encoding: str | None = None) -> None:
        match = _CHARSET_PARAMETER.search(content_type)
        self.encoding = 'utf-8'
        self.decided_by = 'the default'
        """What says that the page has this encoding."""
        self.head = ''
        self._chosen = codec(encoding) if encoding else None
        self._declared = codec(match[1]) if match else None
        self._head = b''
        self._decoder: codecs.IncrementalDecoder | None = None

    def decode(self, chunks: Iterable[bytes]) -> Iterator[str]:
        """Give the text of a page that comes in `chunks`, piece by piece."""
        for text in feed_all(chunks, self._feed, partial(self._feed, b'', final=True)):
            if len(self.head) < HEAD_SIZE:
                self.head += text[: HEAD_SIZE - len(self.head)]
            yield text

    def _feed(self, data: bytes, final: bool = False) -> str:
        if self._decoder is not None:
            return self._decoder.decode(data, final)
        self._head += data
        if not final and len(self._head) < (BOM_SIZE if self._chosen or self._declared else PRESCAN_SIZE):
            return ''
        head = self._head[:PRESCAN_SIZE]
        name, self.decided_by = self._decide(head)
        self.encoding = name.replace('_', '-')
        self._decoder = codecs.getincrementaldecoder(self.encoding)('replace')
        head, self._head = self._head, b''
        return self._decoder.decode(head, final).removeprefix('\ufeff')

    def _decide(self, head: bytes) -> tuple[str, str]:
        if self._chosen:
            return self._chosen, 'the option `encoding`'
        if name := _bom(head):
            return name, 'the byte order mark'
        if self._declared:
            return self._declared, 'the Content-Type'
        if name := _meta(head):
            return name, 'the markup'
        return self.encoding, self.decided_by


def _bom(head: bytes) -> str | None:
    return next((name for bom, name in BOMS.items() if head.startswith(bom)), None)


def _meta(head: bytes) -> str | None:
    """Give the encoding that the markup declares; bytes in which it can be read are no UTF-16, whatever it says."""
    match = _XML_ENCODING.search(head) or _META_CHARSET.search(_COMMENT.sub(b'', head))
    name = codec(match[1].decode('latin-1')) if match else None
    return 'utf-8' if name in ('utf_16_le', 'utf_16_be') else name
