import codecs

import pytest

from datadog_checks.awesome.encoding import Decoder, codec

pytestmark = pytest.mark.unit

META = b'<!doctype html><html><head><meta charset="windows-1251">'


def decode(body: bytes, content_type: str = 'text/html') -> tuple[str, str]:
    """Give the text of a page that comes byte by byte, and its encoding."""
    decoder = Decoder(content_type)
    text = ''.join(decoder.decode(body[i : i + 1] for i in range(len(body))))
    return text, decoder.encoding


@pytest.mark.parametrize(
    ('body', 'content_type', 'text', 'encoding'),
    [
        pytest.param('café'.encode(), 'text/html', 'café', 'utf-8', id='utf-8 is the default'),
        pytest.param(
            'café'.encode('cp1252'), 'text/html; charset=latin1', 'café', 'cp1252', id='latin-1 is a superset'
        ),
        pytest.param('“€”'.encode('cp1252'), 'text/html;charset="ISO-8859-1"', '“€”', 'cp1252', id='quoted charset'),
        pytest.param('漢€'.encode('gb18030'), 'text/html; charset=gb2312', '漢€', 'gb18030', id='gb2312 is gb18030'),
        pytest.param('①'.encode('cp932'), 'text/html; charset=x-sjis', '①', 'cp932', id='shift_jis is windows-31j'),
        pytest.param(META + 'Да'.encode('cp1251'), 'text/html', META.decode() + 'Да', 'cp1251', id='meta'),
        pytest.param(
            META + 'Да'.encode(), 'text/html; charset=utf-8', META.decode() + 'Да', 'utf-8', id='header first'
        ),
        pytest.param(codecs.BOM_UTF8 + b'a', 'text/html; charset=koi8-r', 'a', 'utf-8', id='byte order mark first'),
        pytest.param('aé'.encode('utf-16'), 'text/html', 'aé', 'utf-16-le', id='utf-16 byte order mark'),
        pytest.param('aé'.encode('utf-16-be'), 'text/html; charset=utf-16be', 'aé', 'utf-16-be', id='utf-16be'),
        pytest.param(b'caf\xe9', 'text/html', 'caf\ufffd', 'utf-8', id='invalid bytes are replaced'),
        pytest.param(b'caf\xc3', 'text/html', 'caf\ufffd', 'utf-8', id='cut-off character is replaced'),
        pytest.param(b'', 'text/html', '', 'utf-8', id='empty page'),
        pytest.param('é'.encode(), '', 'é', 'utf-8', id='no Content-Type'),
        pytest.param('é'.encode(), 'text/html; charset=nonsense', 'é', 'utf-8', id='unknown charset'),
        pytest.param('é'.encode(), 'text/html; charset=rot13', 'é', 'utf-8', id='not a character encoding'),
    ],
)
def test_page_is_decoded_as_browsers_do(body: bytes, content_type: str, text: str, encoding: str) -> None:
    assert decode(body, content_type) == (text, encoding)


@pytest.mark.parametrize(
    ('markup', 'encoding'),
    [
        (b'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=koi8-r">', 'koi8-r'),
        (b"<meta charset='euc-kr'/>", 'cp949'),
        (b'<meta name=x><meta charset=big5>', 'big5hkscs'),
        (b'<?xml version="1.0" encoding="iso-8859-2"?><p>', 'iso8859-2'),
        (b'<!-- <meta charset="koi8-r"> --><p>', 'utf-8'),
        (b'<meta charset="utf-16">', 'utf-8'),
        (b'<meta charset="zlib">', 'utf-8'),
        (b' ' * 1024 + b'<meta charset="koi8-r">', 'utf-8'),
    ],
)
def test_markup_declares_the_encoding(markup: bytes, encoding: str) -> None:
    assert decode(markup)[1] == encoding


@pytest.mark.parametrize(
    'label',
    ['zlib', 'hex', 'rot13', 'idna', 'punycode', 'unicode_escape', 'undefined', 'utf-7', 'mbcs', '', 'é', 'x' * 9000],
)
def test_label_of_no_web_encoding_has_no_codec(label: str) -> None:
    assert codec(label) is None
