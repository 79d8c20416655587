"""Decoders that turn bytes into the text that browsers show (https://encoding.spec.whatwg.org/).

Python's C codecs do the work. What they lack or see in another way is mended in three places: error handlers have the
characters that a codec does not know and consume of an invalid sequence what browsers consume, `repairs` replaces
characters after decoding, and `confused` holds the sequences that a codec gives the character of another one.
"""

from __future__ import annotations

import codecs
import re
from functools import cache, partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPLACEMENT = '\ufffd'

_UNICODE = {
    'utf-8': codecs.getincrementaldecoder('utf_8'),
    'utf-16be': codecs.getincrementaldecoder('utf_16_be'),
    'utf-16le': codecs.getincrementaldecoder('utf_16_le'),
}
_SINGLE_BYTE = {
    'iso-8859-8-i': 'iso8859_8',
    'macintosh': 'mac_roman',
    'windows-874': 'cp874',
    'x-mac-cyrillic': 'mac_cyrillic',
}
_SINGLE_BYTE_REPAIRS = {'koi8-u': {0xAE: 'ў', 0xBE: 'Ў'}, 'windows-1255': {0xCA: '\u05ba'}}


class TextDecoder(Protocol):
    """Turns bytes that come in pieces into text; invalid ones become U+FFFD."""

    def decode(self, data: bytes, final: bool = False, /) -> str: ...


def text_decoder(encoding: str) -> TextDecoder:
    """Return a decoder for `encoding`, a lower-case name of the Encoding Standard."""
    if encoding in _UNICODE:
        return _UNICODE[encoding]('replace')
    if encoding == 'iso-2022-jp':
        return _Iso2022Jp()
    if encoding in _MULTI_BYTE:
        return _MultiByte(_MULTI_BYTE[encoding])
    return _SingleByte(encoding)


def decode(data: bytes, encoding: str) -> str:
    """Return `data` as the text that it is in `encoding`, a lower-case name of the Encoding Standard."""
    return text_decoder(encoding).decode(data, True)


class _SingleByte:
    def __init__(self, encoding: str) -> None:
        self._table = _table(encoding)

    def decode(self, data: bytes, _final: bool = False, /) -> str:
        return codecs.charmap_decode(data, 'replace', self._table)[0]


@cache
def _table(encoding: str) -> str:
    """Return the 256 characters of a single-byte encoding; bytes from 80 to 9F that are unassigned are C1 controls."""
    codec = _SINGLE_BYTE.get(encoding) or encoding.replace('windows-', 'cp')
    table = list(bytes(range(256)).decode(codec, 'replace'))
    for byte in range(0x80, 0xA0):
        table[byte] = chr(byte) if table[byte] == REPLACEMENT else table[byte]
    for byte, character in _SINGLE_BYTE_REPAIRS.get(encoding, {}).items():
        table[byte] = character
    return ''.join(table)


class _Codec:
    """A C codec for characters of several bytes, and what browsers see in another way."""

    def __init__(
        self,
        name: str,
        unknown: Callable[[bytes], tuple[str, int]],
        repairs: Mapping[str, str] | None = None,
        character: bytes = b'',
        confused: Mapping[bytes, str] | None = None,
    ) -> None:
        """Take the codec's name, and what a sequence that it does not know means, and how many bytes of it.

        `character` is the pattern of one character where some sequences are `confused`.
        """
        self.name = name
        self.errors = f'{__name__}.{name}'
        self.confused = confused or {}
        sequences = b'|'.join(map(re.escape, self.confused))
        self.split = re.compile(b'((?:(?!%b)(?:%b))*+)(%b)?' % (sequences, character, sequences), re.DOTALL)
        self._repairs = repairs or {}
        self._broken = re.compile(f'[{"".join(self._repairs)}]') if repairs else None
        codecs.register_error(self.errors, partial(_mend, unknown))

    def repair(self, text: str) -> str:
        return self._broken.sub(lambda match: self._repairs[match[0]], text) if self._broken else text


def _mend(unknown: Callable[[bytes], tuple[str, int]], error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    text, size = unknown(error.object[error.start : error.start + 4])
    return text, error.start + size


class _MultiByte:
    def __init__(self, codec: _Codec) -> None:
        self._codec = codec
        self._decoder = codecs.getincrementaldecoder(codec.name)(codec.errors)

    def decode(self, data: bytes, final: bool = False, /) -> str:
        if self._codec.confused:
            data = self._decoder.getstate()[0] + data
            self._decoder.reset()
            if any(sequence in data for sequence in self._codec.confused):
                return ''.join(self._split(data)) + self._decode(b'', final)
        return self._decode(data, final)

    def _decode(self, data: bytes, final: bool) -> str:
        text = self._decoder.decode(data, final)
        # Python's decoders stop at the first error in what the end of the data has cut off.
        while final and self._decoder.getstate()[0]:
            text += self._decoder.decode(b'', True)
        return self._codec.repair(text)

    def _split(self, data: bytes) -> Iterator[str]:
        for match in self._codec.split.finditer(data):
            # A codec waits for more behind some invalid bytes that a confused sequence ends.
            yield self._decode(match[1], final=match[2] is not None)
            yield self._codec.confused.get(match[2], '')


def _pair(lead: bytes, sequence: bytes) -> tuple[str, int]:
    """Return U+FFFD for a `lead` and its invalid trail, or for one byte if that trail is ASCII: no `<` is swallowed."""
    return REPLACEMENT, 2 if sequence[0] in lead and sequence[1:2] >= b'\x80' else 1


def _euc_jp(sequence: bytes) -> tuple[str, int]:
    """Return what cp932 has for a pair that Python's codec lacks: NEC's and IBM's rows."""
    lead, trail, *_ = *sequence, 0, 0
    if lead == 0x8F and 0xA1 <= trail <= 0xFE:
        return REPLACEMENT, 3 if sequence[2:3] >= b'\x80' else 2
    if 0xA1 <= lead <= 0xFE and 0xA1 <= trail <= 0xFE:
        row, column = divmod((lead - 0xA1) * 94 + trail - 0xA1, 188)
        pair = bytes([row + (0x81 if row < 0x1F else 0xC1), column + (0x40 if column < 0x3F else 0x41)])
        character = pair.decode('cp932', 'replace')
        return character if len(character) == 1 else REPLACEMENT, 2
    return _pair(_EUC_JP_LEADS, sequence)


def _gb18030(sequence: bytes) -> tuple[str, int]:
    """Return the euro sign of windows-936 for 80; four bytes of the right form are one invalid sequence."""
    if sequence[0] == 0x80:
        return '€', 1
    if _FOUR_BYTES.fullmatch(sequence):
        return REPLACEMENT, len(sequence)
    return _pair(_LEADS, sequence)


def _big5(sequence: bytes) -> tuple[str, int]:
    """Return the characters of HKSCS-2008, and those of older editions, that Python's codec lacks."""
    character = _BIG5.get(sequence[:2])
    return (character, 2) if character else _pair(_LEADS, sequence)


_LEADS = bytes(range(0x81, 0xFF))
_EUC_JP_LEADS = bytes([0x8E, 0x8F, *range(0xA1, 0xFF)])
_SHIFT_JIS_LEADS = bytes([*range(0x81, 0xA0), *range(0xE0, 0xFD)])

# The page may end within four bytes: then they are one invalid sequence too.
_FOUR_BYTES = re.compile(rb'[\x81-\xfe](?:[0-9](?:[\x81-\xfe][0-9]?)?)?')

_BIG5_CODES = bytes.fromhex(
    '877a877b877c877d877e87a187a287a387a487a587a687a787a887a987aa87ab87ac87ad87ae87af87b087b187b287b387b487b587b687b7'
    '87b887b987ba87bb87bc87bd87be87bf87c087c187c287c387c487c587c687c787c887c987ca87cb87cc87cd87ce87cf87d087d187d287d3'
    '87d487d587d687d787d887d987da87db87dc87dd87de87df8e698e6f8e7e8eab8eb48ecd8ed08f578f698f6e8fcb8fcc8ffe906d907a90dc'
    '90f191bf924492af92b092b192b292c892d1944794ca95d9964496ed96fc9b769b789b7b9bc69bde9bec9bf69c429c539c629c689c6b9c77'
    '9cbc9cbd9cd09d579d5a9dc49ea99eef9efd9f609f669fcb9fd8a063a077a0d5a0dfa0e4a3c0a3c1a3c2a3c3a3c4a3c5a3c6a3c7a3c8a3c9'
    'a3caa3cba3cca3cda3cea3cfa3d0a3d1a3d2a3d3a3d4a3d5a3d6a3d7a3d8a3d9a3daa3dba3dca3dda3dea3dfa3e0a3e1c6cfc6d3c6d5c6d7'
    'c6dec6dffa5ffa66fabdfac5fad5fb48fbb8fbf3fbf9fc4ffc6cfcb9fce2fcf1fdb7fdb8fdbbfdf1fe52fe6ffeaafedd'
)
_BIG5_CHARACTERS = (
    '㡵𡵓𣚞𦀡㻬𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆㓦珄𥶹瓆鿇垳'
    '䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋箸簆糎緒縝者耨菁蒨萏覦覩'
    '起都銹靜響鼖蔃兙兛兝兞鍮瑹浧禛邗靝瀞嬨爁矗纇駖釔惞澶輶侻營鄄鷰菏尐秣婧輋筑拐恢痹'
    '汊鬮鼗僭弌蠏拎瑨煢牐␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝'
    '␞␟␡€廴无癶隶〃仝倩偽包卄卿嘅婷幵廐彘悤撐晴杞沜渝港煮猪瑜瓩砉'
)
_BIG5 = {_BIG5_CODES[2 * i : 2 * i + 2]: character for i, character in enumerate(_BIG5_CHARACTERS)}

# Python has these where Unicode had nothing when GB 18030-2000 came out, and the other way round for U+1E3F.
_GB18030_REPAIRS = dict(
    zip(
        '\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7\u1e3f'
        '\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864',
        '\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f\ue7c7'
        '\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb',
        strict=True,
    )
)
_EUC_JP_REPAIRS = dict(zip('\u301c\u2016\u2212¢£¬', '\uff5e\u2225\uff0d\uffe0\uffe1\uffe2', strict=True))
_BIG5_REPAIRS = dict(
    zip(
        '\u2022\uff64\u203e\u223c\u2641\u2609¥¢£',
        '\u2027\ufe51¯\uff5e\u2295\u2299\uffe5\uffe0\uffe1',
        strict=True,
    )
)
_SHIFT_JIS_REPAIRS = dict.fromkeys('\uf8f0\uf8f1\uf8f2\uf8f3', REPLACEMENT)

_GB18030 = _Codec('gb18030', _gb18030, _GB18030_REPAIRS)
_EUC_JP = _Codec(
    'euc_jp',
    _euc_jp,
    _EUC_JP_REPAIRS,
    rb'\x8f[\xa1-\xfe][\x80-\xff]|[\x8e\x8f\xa1-\xfe][\x80-\xff]|.',
    {b'\x8f\xa2\xb7': '\uff5e'},
)
_MULTI_BYTE = {
    'big5': _Codec(
        'big5hkscs',
        _big5,
        _BIG5_REPAIRS,
        rb'[\x81-\xfe][@-~\x80-\xff]|.',
        {b'\xa2A': '\u2215', b'\xa2B': '\ufe68'},
    ),
    'euc-jp': _EUC_JP,
    'euc-kr': _Codec('cp949', partial(_pair, _LEADS)),
    'gb18030': _GB18030,
    'gbk': _GB18030,
    'shift_jis': _Codec('cp932', partial(_pair, _SHIFT_JIS_LEADS), _SHIFT_JIS_REPAIRS),
}


class _Iso2022Jp:
    """ISO-2022-JP: what its escape sequences choose is decoded by tables, or by EUC-JP, which has the same pairs."""

    _ESCAPE = re.compile(rb'\x1b(?:(\([BIJ])|\$[@B])')
    _PAIRS = re.compile(rb'((?:[!-~]{2})++)|[!-~][^!-~]|.', re.DOTALL)
    _HIGH = bytes(byte | 0x80 for byte in range(256))
    _TABLES: dict[bytes, str]

    def __init__(self) -> None:
        self._set = b'(B'
        self._held = b''
        self._was_escape = False

    def decode(self, data: bytes, final: bool = False, /) -> str:
        data, self._held = self._held + data, b''
        out = []
        position = 0
        while position < len(data):
            end = data.find(b'\x1b', position)
            if end == position:
                text, position = self._escape(data, position, final)
            else:
                end = len(data) if end < 0 else end
                text = self._characters(data[position:end], whole=final or end < len(data))
                position = end
            out.append(text)
        return ''.join(out)

    def _escape(self, data: bytes, position: int, final: bool) -> tuple[str, int]:
        match = self._ESCAPE.match(data, position)
        if match:
            # An escape sequence right behind another is an error, lest an attacker hide something between them.
            text = REPLACEMENT if self._was_escape else ''
            self._was_escape = True
            self._set = match[1] or b'$B'
            return text, match.end()
        if not final and data[position:] in (b'\x1b', b'\x1b(', b'\x1b$'):
            self._held = data[position:]
            return '', len(data)
        self._was_escape = False
        return REPLACEMENT, position + 1

    def _characters(self, data: bytes, whole: bool) -> str:
        self._was_escape = False
        if self._set in self._TABLES:
            return codecs.charmap_decode(data, 'replace', self._TABLES[self._set])[0]
        return ''.join(self._pairs(data, whole))

    def _pairs(self, data: bytes, whole: bool) -> Iterator[str]:
        for match in self._PAIRS.finditer(data):
            if match[1]:
                yield _EUC_JP.repair(match[1].translate(self._HIGH).decode('euc_jp', _EUC_JP.errors))
            elif not whole and match.end() == len(data) and b'!' <= match[0] <= b'~':
                self._held = match[0]
            else:
                yield REPLACEMENT


def _iso_2022_jp_table(changes: Mapping[int, str], first: int = 0, last: int = 0x7F) -> str:
    """Return the 256 characters of a set of ISO-2022-JP, which has `changes` between the bytes `first` and `last`."""
    allowed = set(range(first, last + 1)) - {0x0E, 0x0F}
    return ''.join(changes.get(byte, chr(byte)) if byte in allowed else REPLACEMENT for byte in range(256))


_Iso2022Jp._TABLES = {
    b'(B': _iso_2022_jp_table({}),
    b'(J': _iso_2022_jp_table({0x5C: '¥', 0x7E: '\u203e'}),
    b'(I': _iso_2022_jp_table({byte: chr(byte + 0xFF40) for byte in range(0x21, 0x60)}, 0x21, 0x5F),
}
