from __future__ import annotations

import base64
import codecs
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from datadog_checks.awesome.reading.charsets import decode, text_decoder
from datadog_checks.awesome.reading.content_type import ContentType, parse_content_type
from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.labels import ENCODINGS, encoding_of
from datadog_checks.awesome.reading.prescan import PRESCAN_SIZE

pytestmark = pytest.mark.unit

BROWSER = Path(__file__).parent / 'browser'
PAGES: list[dict[str, str]] = json.loads((BROWSER / 'encodings.json').read_text())
LABELS: dict[str, str] = json.loads((BROWSER / 'labels.json').read_text())
# SHA-256 of what Chromium 156 makes of all sequences of a kind, each decoded alone, joined by line feeds. The keys are
# the encoding and the bytes that come before each sequence.
DECODED: dict[str, str] = json.loads((BROWSER / 'decoded.json').read_text())
# Chromium gives a C1 control and half a surrogate pair for these; the standard has two characters.
TWO_CHARACTERS = {b'\x88\x62': 'Ê̄', b'\x88\x64': 'Ê̌', b'\x88\xa3': 'ê̄', b'\x88\xa5': 'ê̌'}

KOI = b'<meta charset=koi8-r>'
HTML = 'text/html'
XML = b'<?xml version="1.0" encoding="koi8-r"?>'


def read(body: bytes, content_type: str = HTML, option: str | None = None, size: int = 1) -> tuple[str, Decoder]:
    """Return the text of a page that comes in pieces of `size` bytes, and its decoder."""
    decoder = Decoder(content_type, option)
    text = ''.join(decoder.feed(body[i : i + size]) for i in range(0, len(body), size))
    return text + decoder.flush(), decoder


def cases(**named: Any) -> list[Any]:
    return [pytest.param(*values, id=name.replace('_', ' ')) for name, values in named.items()]


@pytest.mark.parametrize('page', PAGES, ids=[page['name'][:60] for page in PAGES])
@pytest.mark.parametrize('size', [1, 7, 1 << 20])
def test_page_has_the_encoding_that_a_browser_sees(page: dict[str, str], size: int) -> None:
    body = base64.b64decode(page['base64'])
    text, decoder = read(body, page['content_type'], size=size)
    assert decoder.encoding == page['encoding'].lower()
    assert text == decode(body, decoder.encoding)


@pytest.mark.parametrize('label', LABELS)
def test_label_means_what_the_standard_says(label: str) -> None:
    encoding = LABELS[label].lower()
    expected = None if encoding in ('replacement', 'x-user-defined') else encoding
    assert encoding_of(label) == encoding_of(f'\t\n\f\r {label.upper()} ') == expected


def test_there_are_as_many_encodings_as_in_the_standard() -> None:
    assert {name.lower() for name in LABELS.values()} == {*ENCODINGS, 'replacement', 'x-user-defined'}


@pytest.mark.parametrize(
    'label',
    [
        'zlib',
        'hex',
        'rot13',
        'idna',
        'punycode',
        'unicode_escape',
        'utf-7',
        'mbcs',
        '',
        'é',
        'koi8-r\xa0',
        '\u212aoi8-r',
    ],
)
def test_label_of_no_web_encoding_means_none(label: str) -> None:
    assert encoding_of(label) is None


def test_labels_leave_nothing_in_the_table_of_codecs() -> None:
    assert encoding_of('awesome-label') is None
    assert read(b'\xe9', 'text/html; charset=awesome-label')[0] == '\ufffd'
    assert 'encodings.awesome_label' not in sys.modules


@pytest.mark.parametrize('kind', DECODED)
def test_every_sequence_becomes_what_a_browser_makes_of_it(kind: str) -> None:
    encoding, _, prefix = kind.partition(' ')
    start = bytes.fromhex(prefix)
    if prefix in ('8f', '1b2442'):
        sequences = [
            bytes([first, second]) for first in range(256) for second in range(256) if (start[0], first) != (27, 27)
        ]
    elif encoding in ('big5', 'euc-jp', 'euc-kr', 'gb18030', 'gbk', 'shift_jis'):
        sequences = [bytes([first, second]) for first in range(128, 256) for second in range(256)]
    else:
        sequences = [bytes([byte]) for byte in range(256)]
    left_out = TWO_CHARACTERS if encoding == 'big5' else {}
    text = '\n'.join(decode(start + sequence, encoding) for sequence in sequences if sequence not in left_out)
    assert hashlib.sha256(text.encode()).hexdigest() == DECODED[kind]


@pytest.mark.parametrize('encoding', ['big5', 'euc-jp', 'euc-kr', 'gb18030', 'gbk', 'shift_jis'])
def test_markup_behind_a_pair_stays_whole(encoding: str) -> None:
    for lead in range(128, 256):
        for trail in range(128, 256):
            assert decode(bytes([lead, trail]) + b'<a>', encoding).endswith('<a>'), (lead, trail)


@pytest.mark.parametrize(
    ('encoding', 'data', 'text'),
    [
        *(('big5', *pair) for pair in TWO_CHARACTERS.items()),
        ('big5', b'\xa1\xfe\xa2A\xa2@\xa2B\xb7R\xb7\xa2A', '／∕＼﹨愛楷A'),
        ('big5', b'\x80\xa2A\xff\xa2B', '\ufffd\u2215\ufffd\ufe68'),
        ('euc-jp', b'\xa1\xc1\xa1\xdd\xad\xa1\xad\xea\xfc\xe2', '～－①㈱髙'),
        ('euc-jp', b'\x8f\xa2\xb7~\x8f\xa2\xb7\x8e\xb1', '～~～ｱ'),
        ('euc-jp', b'\x8f\xa2<\x8f<\xa1<\x8e<', '\ufffd<\ufffd<\ufffd<\ufffd<'),
        ('euc-jp', b'\xa2\xaf<', '\ufffd<'),
        ('iso-2022-jp', b'a\x1b$B!A!]-!-jyb\x1b(Bz', 'a～－①㈱墲z'),
        ('iso-2022-jp', b'\x1b(I1\x1b(J\\~\x1b(B\\~', 'ｱ¥‾\\~'),
        ('iso-2022-jp', b'\x1b$B\x1b(B<', '\ufffd<'),
        ('iso-2022-jp', b'\x1b[<\x0e<\x1b$B!\x1b(B<\x1b', '\ufffd[<\ufffd<\ufffd<\ufffd'),
        ('iso-2022-jp', b'\x1b$B!A\n0!', '～\ufffd亜'),
        ('iso-2022-jp', b'a\x1b$@!A\x1b(J\\\x1b(I1\x1b$B0!\x1b(Bb', 'a～¥ｱ亜b'),
        ('iso-2022-jp', b'a\x1b$x\x1b(x\x1b\x1b$', 'a\ufffd$x\ufffd(x\ufffd\ufffd$'),
        ('iso-2022-jp', b'\x1b$B~!0! \x7f0!~', '\ufffd亜\ufffd\ufffd亜\ufffd'),
        ('gbk', b'\x80\xa2\xe3\x805', '€€€5'),
        ('gb18030', b'\x81\x35\xf4\x37\xa8\xbc\xa6\xd9\xfe\x59\x84\x31\x82\x36', '\ue7c7ḿ︐龴\ufe10'),
        ('gb18030', b'\x810<\x81<\xff<\x84\x32\xa4\x30<\xfe0\x81', '\ufffd0<\ufffd<\ufffd<\ufffd<\ufffd'),
        ('shift_jis', b'\\~\x80\xb1\xf0@\x81<\xa0<\xfd<', '\\~\x80ｱ\ue000\ufffd<\ufffd<\ufffd<'),
        ('euc-kr', b'\xb0\xa1\x81A\x81<\xff<', '가갂\ufffd<\ufffd<'),
        ('koi8-u', b'\xae\xbe', 'ўЎ'),
        ('windows-1255', b'\xca\x81\xd9', '\u05ba\x81\ufffd'),
        ('utf-8', b'\xe2\x82<\xed\xa0\x80\xf0\x9f\x98', '\ufffd<\ufffd\ufffd\ufffd\ufffd'),
        ('utf-16le', b'<\0\x3d\xd8<\0\x3d\xd8\0\xde\x3d', '<\ufffd<😀\ufffd'),
    ],
)
def test_bytes_become_text(encoding: str, data: bytes, text: str) -> None:
    assert decode(data, encoding) == text
    for at in range(len(data)):
        decoder = text_decoder(encoding)
        assert decoder.decode(data[:at]) + decoder.decode(data[at:], True) == text, at


@pytest.mark.parametrize(
    ('body', 'content_type', 'option', 'text', 'encoding', 'decided_by'),
    cases(
        default=('é'.encode(), HTML, None, 'é', 'utf-8', 'the default'),
        no_type=('é'.encode(), '', None, 'é', 'utf-8', 'the default'),
        empty_page=(b'', HTML, None, '', 'utf-8', 'the default'),
        cut_off_character=(b'caf\xc3', HTML, None, 'caf\ufffd', 'utf-8', 'the default'),
        cut_off_mark=(b'\xef\xbb', HTML, None, '\ufffd', 'utf-8', 'the default'),
        header=(b'\x93', 'text/html;charset="ISO-8859-1"', None, '“', 'windows-1252', 'the Content-Type'),
        header_beats_markup=(KOI, 'text/html; charset=big5', None, KOI.decode(), 'big5', 'the Content-Type'),
        markup=(KOI + b'\xc4', HTML, None, KOI.decode() + 'д', 'koi8-r', 'the markup'),
        mark=(b'\xef\xbb\xbfa', 'text/html; charset=koi8-r', None, 'a', 'utf-8', 'the byte order mark'),
        mark_utf_16le=(b'\xff\xfea\0', 'text/html; charset=koi8-r', None, 'a', 'utf-16le', 'the byte order mark'),
        mark_utf_16be=(b'\xfe\xff\0a', HTML, None, 'a', 'utf-16be', 'the byte order mark'),
        no_mark=(b'\xef\xe9', 'text/html; charset=latin1', None, 'ïé', 'windows-1252', 'the Content-Type'),
        option=(b'\xef\xbb\xbf', 'text/html; charset=utf-8', ' L1 ', 'ï»¿', 'windows-1252', 'the option `encoding`'),
        option_with_its_mark=(b'\xef\xbb\xbfa', HTML, 'UTF8', 'a', 'utf-8', 'the option `encoding`'),
        option_utf_16=(b'\xff\xfea\0', HTML, 'unicode', 'a', 'utf-16le', 'the option `encoding`'),
        utf_16_header=(b'a\0', 'text/html; charset=utf-16', None, 'a', 'utf-16le', 'the Content-Type'),
        json=(
            KOI + b'\xc4',
            'application/json; charset=koi8-r',
            None,
            KOI.decode() + '\ufffd',
            'utf-8',
            'the Content-Type',
        ),
        json_mark=(b'\xff\xfe1\0', 'application/problem+json', None, '1', 'utf-16le', 'the byte order mark'),
        json_option=(b'\xc4', 'application/json', 'koi8-r', 'д', 'koi8-r', 'the option `encoding`'),
        utf_16le_xml=('<?xml?><a>é'.encode('utf-16le'), 'text/xml', None, '<?xml?><a>é', 'utf-16le', 'the markup'),
        utf_16be_xml=('<?xml?><a>é'.encode('utf-16be'), '', None, '<?xml?><a>é', 'utf-16be', 'the markup'),
        nul=(b'<\0a>', HTML, None, '<\0a>', 'utf-8', 'the default'),
        sniffed=(b'<pre>' + KOI + b'\xc4', '', None, '<pre>' + KOI.decode() + 'д', 'koi8-r', 'the markup'),
    ),
)
@pytest.mark.parametrize('size', [1, 2, 100])
def test_first_that_knows_decides(
    body: bytes, content_type: str, option: str | None, text: str, encoding: str, decided_by: str, size: int
) -> None:
    found, decoder = read(body, content_type, option, size)
    assert (found, decoder.encoding, decoder.decided_by) == (text, encoding, decided_by)
    assert decoder.head == text


@pytest.mark.parametrize(
    ('header', 'essence', 'charset'),
    [
        ('text/html; charset=koi8-r', 'text/html', 'koi8-r'),
        ('TEXT/HTML;\tCharset="koi8-r" ; a', 'text/html', 'koi8-r'),
        ('text/html;charset="koi8\\-r', 'text/html', 'koi8-r'),
        ('text/html;;charset=koi8-r ;', 'text/html', 'koi8-r'),
        ('text/html; charset=; charset=koi8-r; charset=big5', 'text/html', 'koi8-r'),
        ('text/html; charset = koi8-r', 'text/html', ''),
        ("text/html; charset='koi8-r'", 'text/html', "'koi8-r'"),
        ('text/html; x="charset=koi8-r"', 'text/html', ''),
        ('text/html; x="a,b;charset=big5"; charset=koi8-r', 'text/html', 'koi8-r'),
        ('text/html; xcharset=koi8-r', 'text/html', ''),
        ('text/html, text/plain; charset=koi8-r', 'text/plain', 'koi8-r'),
        ('text/html; charset=koi8-r, text/plain', 'text/plain', ''),
        ('text/html; charset=koi8-r, text/html', 'text/html', 'koi8-r'),
        ('text/html; charset=koi8-r, html; charset=big5, */', 'text/html', 'koi8-r'),
        ('*/*; charset=koi8-r', '', 'koi8-r'),
        ('text/html, */*', 'text/html', ''),
        ('text/html; charset=koi8-r, */*', 'text/html', 'koi8-r'),
        ('text/html; charset=koi8-r, */*; charset=big5', 'text/html', 'big5'),
        ('*/*; charset=koi8-r, text/html', 'text/html', ''),
        ('text/html; x=""; charset=koi8-r', 'text/html', 'koi8-r'),
        ('text/html; x="a", text/plain', 'text/plain', ''),
        ('text/html; x="\\"; charset=big5"; charset=koi8-r', 'text/html', 'koi8-r'),
        ('text/html; x; charset=koi8-r', 'text/html', 'koi8-r'),
        ('text/; charset=koi8-r', '', ''),
        ('/html; charset=koi8-r', '', ''),
        ('text/html/x; charset=koi8-r', '', ''),
        ('charset=koi8-r', '', ''),
        ('', '', ''),
    ],
)
def test_content_type_is_read_as_browsers_do(header: str, essence: str, charset: str) -> None:
    assert parse_content_type(header) == (essence, charset)


# https://mimesniff.spec.whatwg.org/#http-token-code-point
@pytest.mark.parametrize('character', "!#$%&'*+-.^_`|~09azAZ")
def test_character_of_a_type(character: str) -> None:
    essence = f'a{character}/{character}b'

    assert parse_content_type(f'{essence};charset=koi8-r') == (essence.lower(), 'koi8-r')


@pytest.mark.parametrize('character', '()<>@:[]{}?=\\é\x00\x7f')
def test_character_of_no_type(character: str) -> None:
    assert parse_content_type(f'a{character}b/c') == parse_content_type(f'a/b{character}c') == ('', '')


@pytest.mark.parametrize('space', '\t\n\r ')
def test_white_space_in_a_content_type(space: str) -> None:
    header = f'{space}text/html{space};{space}charset=koi8-r{space}'

    assert parse_content_type(header) == ('text/html', 'koi8-r')


@pytest.mark.parametrize('essence', ['', 'unknown/unknown', 'application/unknown'])
def test_type_that_says_nothing(essence: str) -> None:
    assert ContentType(essence).is_unknown
    assert not ContentType('text/unknown').is_unknown


@pytest.mark.parametrize(
    ('essence', 'is_html', 'is_xml', 'is_json'),
    [
        ('text/html', True, False, False),
        ('application/xhtml+xml', False, True, False),
        ('text/xml', False, True, False),
        ('application/ld+json', False, False, True),
        ('application/json', False, False, True),
        ('text/json', False, False, True),
        ('application/xml', False, True, False),
        ('text/plain', False, False, False),
    ],
)
def test_type_is_of_a_kind(essence: str, is_html: bool, is_xml: bool, is_json: bool) -> None:
    found = ContentType(essence)
    assert (found.is_html, found.is_xml, found.is_json) == (is_html, is_xml, is_json)


LONG = b'<!--' + b'x' * 1100 + b'-->'


@pytest.mark.parametrize(
    'body',
    [
        b'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=koi8-r">',
        b'<meta content="text/html; charset=koi8-r" http-equiv=content-type>',
        b'<meta http-equiv=content-type content="charset charset = \'koi8-r\' ">',
        b'<meta http-equiv=content-type content=\'charset="koi8-r"\'>',
        b"<meta/charset='koi8-r'/>",
        b'<meta charset\n=\n" koi8-r ">',
        b'<meta charset=koi8-r charset=big5>',
        b'<meta content="charset=big5" charset=koi8-r>',
        b'<meta charset=nonsense>' + KOI,
        b'<meta http-equiv=content-type content="charset=nonsense">' + KOI,
        b'<!-->' + KOI,
        b'<!--->' + KOI,
        b'<!-- > --!>' + KOI,
        b'<!foo><?foo></ ><!-x><![CDATA[>' + KOI,
        b'< ' + KOI,
        b'<a b="<meta charset=big5>" c=d/e>' + KOI,
        b'<a "b>' + KOI,
        b'<A></A><Z b></Z><z></z>' + KOI,
        b'<p ="x>' + KOI,
        b'<p>x</p>' + KOI,
        b'<title>x</titles></TITLE >' + KOI,
        b'<noscript>' + KOI,
        b'<head><title></title><link><script></script><style></style><base>' + LONG + KOI,
        b'<body><!--' + b'x' * 1000 + b'-->' + KOI,
        b'<?xml encoding="nonsense"?>' + KOI,
        XML,
        b"<?xml encoding = 'koi8-r'>",
        XML + b'<meta charset=nonsense>',
        b'<head>'.ljust(PRESCAN_SIZE - len(KOI)) + KOI,
    ],
)
@pytest.mark.parametrize('size', [1, 1 << 20])
def test_markup_declares_the_encoding(body: bytes, size: int) -> None:
    _, decoder = read(body, size=size)
    assert (decoder.encoding, decoder.decided_by, decoder.unknown_label) == ('koi8-r', 'the markup', '')


@pytest.mark.parametrize(
    ('body', 'content_type'),
    [
        (b'<meta name=description content="charset=koi8-r">', HTML),
        (b'<meta http-equiv=refresh content="0; charset=koi8-r">', HTML),
        (b'<meta http-equiv=content-type content="charset=\'koi8-r">', HTML),
        (b'<a title="<meta charset=koi8-r>">', HTML),
        (b'<a title=' + KOI, HTML),
        (b'</meta charset=koi8-r><metax charset=koi8-r><meta =charset=koi8-r><meta charset=koi8-r', HTML),
        (b'<!-- ' + KOI, HTML),
        (b'<!' + KOI, HTML),
        (b'</ ' + KOI, HTML),
        *(
            (b'<%b>%b</%b>' % (name, KOI, name), HTML)
            for name in b'script style title textarea iframe noembed xmp'.split()
        ),
        (b'<noframes>' + KOI, HTML),
        (b'<plaintext>' + KOI, HTML),
        (b'<body>' + LONG + KOI, HTML),
        (b'<head><p>' + LONG + KOI, HTML),
        (b'</head>' + LONG + KOI, HTML),
        (b'</p>' + LONG + KOI, HTML),
        (b'<head>'.ljust(PRESCAN_SIZE - len(KOI) + 1) + KOI, HTML),
        (b' ' + XML, HTML),
        (b'<?xml x=y?><a encoding="koi8-r">', HTML),
        (KOI, 'text/plain'),
        (KOI, 'application/json'),
        (KOI, 'application/javascript'),
        (XML, 'text/plain'),
        (KOI, 'application/xhtml+xml'),
        (b'<span>' + KOI, ''),
        (b'text ' + KOI, '*/*'),
    ],
)
@pytest.mark.parametrize('size', [1, 10_000, 1 << 20])
def test_what_only_looks_like_a_declaration_declares_nothing(body: bytes, content_type: str, size: int) -> None:
    assert read(body, content_type, size=size)[1].encoding == 'utf-8'


@pytest.mark.parametrize(
    ('body', 'content_type'),
    [
        (XML, 'application/xml'),
        (XML, 'image/svg+xml'),
        (XML, ''),
        (XML + KOI.replace(b'koi8-r', b'big5'), 'application/xhtml+xml'),
        (b'\n <!DOCTYPE html>' + KOI, ''),
        (b'<p>' + KOI, 'html'),
        (b'<!-- -->' + KOI, '*/*'),
    ],
)
@pytest.mark.parametrize('size', [1, 1 << 20])
def test_other_markup_declares_the_encoding(body: bytes, content_type: str, size: int) -> None:
    assert read(body, content_type, size=size)[1].encoding == 'koi8-r'


@pytest.mark.parametrize(
    ('label', 'encoding'), [('utf-16', 'utf-8'), ('utf-16be', 'utf-8'), ('x-user-defined', 'windows-1252')]
)
def test_markup_in_ascii_cannot_declare_some_labels(label: str, encoding: str) -> None:
    decoder = read(f'<meta charset={label}>'.encode())[1]
    assert (decoder.encoding, decoder.decided_by) == (encoding, 'the markup')


@pytest.mark.parametrize(
    ('body', 'content_type', 'option', 'label'),
    cases(
        header=(b'', 'text/html; charset=utf8mb4', None, 'utf8mb4'),
        header_of_text=(b'', 'text/plain; charset=none', None, 'none'),
        header_before_markup=(b'<meta charset=b>', 'text/html; charset=a', None, 'a'),
        markup=(b'<meta charset=a><meta charset=" b ">', HTML, None, 'a'),
        long=(b'<meta charset="' + b'x' * 9000 + b'">', HTML, None, 'x' * 40),
        not_ascii=(b'<meta charset=\xe9>', HTML, None, 'é'),
        markup_knows=(KOI, 'text/html; charset=a', None, ''),
        mark_knows=(codecs.BOM_UTF8, 'text/html; charset=a', None, ''),
        option_knows=(b'', 'text/html; charset=a', 'koi8-r', ''),
        none_declared=(b'<meta charset>', HTML, None, ''),
    ),
)
def test_unknown_label_that_leaves_the_decision_to_the_default_is_named(
    body: bytes, content_type: str, option: str | None, label: str
) -> None:
    assert read(body, content_type, option)[1].unknown_label == label


def test_ascii_does_not_wait_until_the_encoding_is_decided() -> None:
    decoder = Decoder(HTML)
    assert decoder.feed(b'<head><title>Welcome') == '<head><title>Welcome'
    assert decoder.feed(b' b\xc4ck') == ' b'
    assert decoder.feed(b'!</title>') == ''
    assert decoder.feed(KOI) == 'дck!</title>' + KOI.decode()
    assert decoder.feed(b'\xc4') == 'д'


@pytest.mark.parametrize('first', [b'\x1b$B0!\x1b(B', b'\x0e'], ids=['escape', 'shift out'])
def test_what_is_no_ascii_in_iso_2022_jp_waits(first: bytes) -> None:
    decoder = Decoder(HTML)
    assert decoder.feed(b'<p>' + first) == '<p>'
    text = decoder.feed(b'<meta charset=iso-2022-jp>') + decoder.flush()
    assert text.startswith(decode(first, 'iso-2022-jp') + '<meta')


@pytest.mark.parametrize(
    ('start', 'more'),
    cases(
        end_of_the_always_scanned=(b'<body>', b' ' * (1024 - 7)),
        head_ends_behind_it=(b'<head>'.ljust(1024), b'</head>'),
        limit=(b'<head>', b'x' * (PRESCAN_SIZE - 7)),
        plain_text=(b'', b''),
        xml=(b'<?xml version="1.0"?', b'>'),
    ),
)
def test_text_waits_no_longer_than_something_may_declare_its_encoding(start: bytes, more: bytes) -> None:
    decoder = Decoder('text/xml' if start.startswith(b'<?') else HTML if start else 'text/plain')
    text = decoder.feed(start + b'\xc3\xa9') if start else ''
    assert 'é' not in text
    text = decoder.feed(more or b'\xc3\xa9')
    assert 'é' in text


def test_text_without_a_type_waits_until_it_cannot_be_html() -> None:
    decoder = Decoder()
    assert decoder.feed(b' a page\xc3\xa9') == ' a page'
    assert decoder.feed(b' without') == 'é without'


def test_no_more_than_the_first_text_is_kept() -> None:
    decoder = read(b'x' * 50_000, size=1000)[1]
    assert decoder.head == 'x' * 16_384


@pytest.mark.parametrize('mark', [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_whole_byte_order_mark_decides_at_once(mark: bytes) -> None:
    decoder = Decoder(HTML)
    assert decoder.feed(mark) == ''
    assert decoder.decided_by == 'the byte order mark'


@pytest.mark.parametrize(
    'tag',
    'html head script iframe h1 div font table a style title b body br p'.split(),
)
def test_tag_that_tells_html_may_declare_the_encoding_behind_it(tag: str) -> None:
    body = f'<{tag}></{tag}>'.encode() + KOI

    assert (
        read(body, '')[1].encoding == read(body.replace(tag.encode(), tag.upper().encode()), '')[1].encoding == 'koi8-r'
    )


HOSTILE = {
    'tags': b'<a ',
    'quote': b'<a x="' + b'>' * 2000,
    'attributes': b' b=c',
    'angles': b'<',
    'comments': b'<!--',
    'dashes': b'--!',
    'script': b'<script></scrip ',  # codespell:ignore scrip
    'spaces': b' ',
    'equals': b'<a =',
    'charset': b'<meta http-equiv=content-type content="charset charset=',
    'labels': b'<meta charset=x>',
    'xml': b'<?xml encoding ',
}


@pytest.mark.parametrize('piece', HOSTILE.values(), ids=HOSTILE)
def test_scan_of_a_hostile_head_takes_linear_time(piece: bytes) -> None:
    def count_calls(size: int) -> int:
        body = (b'<head>' + piece * size)[:size]
        calls = 0

        def count(_frame: object, _event: str, _argument: object) -> None:
            nonlocal calls
            calls += 1

        decoder = Decoder(HTML)
        sys.setprofile(count)
        try:
            for i in range(size):
                decoder.feed(body[i : i + 1])
        finally:
            sys.setprofile(None)
        return calls

    assert count_calls(8000) < 3 * count_calls(4000)
