from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datadog_checks.awesome.reading.charsets import REPLACEMENT, decode, text_decoder
from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.labels import ENCODINGS

pytestmark = pytest.mark.unit

TWO_BYTES = ('big5', 'euc-jp', 'euc-kr', 'gb18030', 'gbk', 'shift_jis')
PARTS = [
    *(b'\xef\xbb\xbf', b'\xff\xfe', b'\xfe\xff', b'<\0?\0x\0', b'\0<\0?\0x', b'\0'),
    *(
        b'<head>',
        b'</head>',
        b'<meta charset=koi8-r>',
        b'<meta charset=big5>',
        b'<meta charset=iso-2022-jp>',
        b'<meta ',
    ),
    *(b'<meta http-equiv=content-type content="text/html; charset=euc-jp">', b'<?xml encoding="gbk"?>', b'<body>'),
    *(
        b'<!--',
        b'-->',
        b'--!>',
        b'<script>',
        b'</script>',
        b'<title>',
        b'</title>',
        b'"',
        b"'",
        b'<a b="',
        b'=',
        b'>',
        b'<',
    ),
    *(b'\x1b(B', b'\x1b$B', b'\x1b(I', b'\x1b(J', b'\x1b$', b'\x1b(', b'\x1b', b'\x0e', b'!A', b'0!'),
    *(
        b'\x8f\xa2\xb7',
        b'\x8f',
        b'\x8e',
        b'\x80',
        b'\xff',
        b'\xa2A',
        b'\xa2B',
        b'\xa1\xc1',
        b'\x810\x81',
        b'\x81\x35\xf4\x37',
    ),
    *('é'.encode(), '日本'.encode(), '😀'.encode(), 'é😀'.encode('utf-16le'), b'x' * 1000, b' ' * 15000),
]
BODIES = st.lists(st.sampled_from(PARTS) | st.binary(max_size=4), max_size=20).map(b''.join)
CUTS = st.lists(st.integers(0, 200), max_size=8)
TYPES = [
    'text/html',
    'text/plain',
    'text/xml',
    '',
    'application/json',
    *(f'text/html; charset={name}' for name in ENCODINGS),
]


def cut(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


@given(BODIES, CUTS, st.sampled_from(TYPES))
@example(b'<', [0, 1], 'text/html')
@example(b'<\0?\0x\0', [1, 2, 3], 'text/html')
def test_page_is_read_alike_in_whatever_pieces_it_comes(body: bytes, cuts: list[int], content_type: str) -> None:
    whole, pieces = Decoder(content_type), Decoder(content_type)
    text = whole.feed(body) + whole.flush()
    assert ''.join(map(pieces.feed, cut(body, cuts))) + pieces.flush() == text
    assert (pieces.encoding, pieces.decided_by, pieces.unknown_label, pieces.head) == (
        whole.encoding,
        whole.decided_by,
        whole.unknown_label,
        whole.head,
    )


@given(BODIES, CUTS, st.sampled_from(TYPES))
def test_nothing_changes_for_what_is_returned_before_the_encoding_is_decided(
    body: bytes, cuts: list[int], content_type: str
) -> None:
    decoder = Decoder(content_type)
    text = ''.join(map(decoder.feed, cut(body, cuts))) + decoder.flush()
    marks = {'utf-8': b'\xef\xbb\xbf', 'utf-16le': b'\xff\xfe', 'utf-16be': b'\xfe\xff'}
    assert text == decode(body.removeprefix(marks.get(decoder.encoding, b'none')), decoder.encoding)


@given(st.sampled_from(ENCODINGS), BODIES, CUTS)
def test_decoder_gives_the_same_for_all_cuts(encoding: str, body: bytes, cuts: list[int]) -> None:
    decoder = text_decoder(encoding)
    assert ''.join(map(decoder.decode, cut(body, cuts))) + decoder.decode(b'', True) == decode(body, encoding)


@given(st.sampled_from([name for name in ENCODINGS if not name.startswith('utf-16')]), BODIES, st.binary(max_size=3))
def test_markup_behind_invalid_bytes_survives(encoding: str, body: bytes, invalid: bytes) -> None:
    # Digits may belong to four bytes of GB 18030, letters to two; the sets of ISO-2022-JP have a `<` of their own.
    escape = b'\x1b(B' if encoding == 'iso-2022-jp' else b''
    assert decode(body + invalid + escape + b'<!', encoding).endswith('<!')


def repertoire(encoding: str) -> dict[str, bytes]:
    """Return the characters that one or two bytes mean in `encoding`."""
    single = [bytes([byte]) for byte in range(256)]
    double = [bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF)]
    found = {}
    for sequence in single + (double if encoding in TWO_BYTES else []):
        text = decode(sequence, encoding)
        if len(text) == 1 and text != REPLACEMENT:
            found[text] = sequence
    return found


REPERTOIRES = {name: repertoire(name) for name in ENCODINGS if not name.startswith(('utf-', 'iso-2022'))}


@given(st.data(), st.sampled_from(list(REPERTOIRES)), CUTS)
def test_text_of_an_encoding_is_read_as_it_was_written(data: st.DataObject, encoding: str, cuts: list[int]) -> None:
    characters = REPERTOIRES[encoding]
    text = ''.join(data.draw(st.lists(st.sampled_from(sorted(characters)), max_size=40)))
    decoder = Decoder(f'text/plain; charset={encoding}')
    body = b'a' + b''.join(characters[character] for character in text)
    assert ''.join(map(decoder.feed, cut(body, cuts))) + decoder.flush() == f'a{text}'


@given(st.text(), CUTS, st.sampled_from(['utf-8', 'utf-16le', 'utf-16be']))
def test_unicode_is_read_as_it_was_written(text: str, cuts: list[int], encoding: str) -> None:
    decoder = Decoder('', encoding)
    body = f'a{text}'.encode(encoding)
    assert ''.join(map(decoder.feed, cut(body, cuts))) + decoder.flush() == f'a{text}'


@given(st.binary(max_size=300), st.sampled_from(['iso2022_jp', 'iso2022_jp_1']))
def test_iso_2022_jp_of_other_writers_is_read(data: bytes, codec: str) -> None:
    text = ''.join(chr(0x3041 + byte % 80) if byte > 60 else chr(0x20 + byte) for byte in data)
    assert decode(text.encode(codec), 'iso-2022-jp') == text
