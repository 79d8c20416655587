"""URLs: where they lead, what goes out, and which may know what is configured for another."""

from __future__ import annotations

import gc
import re
from contextlib import suppress
from itertools import product
from urllib.parse import SplitResult, unquote_to_bytes, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.fetching.urls import (
    basic_auth,
    comparable_target,
    host_header,
    origin,
    parse_url,
    public_url,
    redirect_target,
    request_path,
    request_target,
    same_origin,
)

pytestmark = pytest.mark.unit

HOSTS = {
    'upper case': ('ExAmPle.COM', 'example.com'),
    'umlaut': ('bücher.example', 'xn--bcher-kva.example'),
    'upper-case umlaut': ('BÜCHER.example', 'xn--bcher-kva.example'),
    'decomposed umlaut': ('bu\u0308cher.example', 'xn--bcher-kva.example'),
    'sharp s': ('faß.de', 'xn--fa-hia.de'),
    'emoji': ('😀.example', 'xn--e28h.example'),
    'variation selector': ('☃\ufe0f.net', 'xn--n3h.net'),
    'full width': ('ｅｘａｍｐｌｅ．com', 'example.com'),
    'ideographic dot': ('日本語。jp', 'xn--wgv71a119e.jp'),
    'full-width address': ('１２７.0.0.1', '127.0.0.1'),
    'percent-encoded': ('b%C3%BCcher.ex%61mple', 'xn--bcher-kva.example'),
    'underscore': ('my_app.ü', 'my_app.xn--tda'),
    'trailing dot': ('example.com.', 'example.com.'),
    'short IPv4': ('127.1', '127.1'),
    'hexadecimal IPv4': ('0x7f000001', '0x7f000001'),
    'IPv6': ('[::1]', '::1'),
    'long IPv6': ('[2001:DB8:0:0:0:0:0:1]', '2001:db8::1'),
    'zone': ('[fe80::1%25eth0]', 'fe80::1%eth0'),
    'unescaped zone': ('[fe80::1%eth0]', 'fe80::1%eth0'),
    'zone of a number': ('[fe80::1%251]', 'fe80::1%1'),
    'longest label': ('a' * 63, 'a' * 63),
    'longest host': ('a.' * 126 + 'b', 'a.' * 126 + 'b'),
    'longest host with a trailing dot': ('a.' * 126 + 'b.', 'a.' * 126 + 'b.'),
}


@pytest.mark.parametrize(('host', 'expected'), HOSTS.values(), ids=HOSTS)
def test_host(host: str, expected: str) -> None:
    parts = parse_url(f'http://{host}:8080/')

    assert (parts.hostname, parts.port) == (expected, 8080)
    assert parse_url(parts.geturl()) == parts


INVALID = {
    'no scheme': ('example.com', 'http:// or https://'),
    'other scheme': ('ftp://example.com/', 'http:// or https://'),
    'one slash': ('http:/example.com/', 'http:// or https://'),
    'no host': ('http:///path', 'must have a host$'),
    'user info alone': ('http://me@/', 'must have a host$'),
    'port alone': ('http://:80/', 'must have a host$'),
    'soft hyphen alone': ('http://\xad/', 'must have a host$'),
    'port 0': ('http://h:0/', 'port from 1 to 65535'),
    'port too high': ('http://h:65536/', 'port from 1 to 65535'),
    'port of 5,000 digits': (f'http://h:{"1" * 5000}/', 'port from 1 to 65535'),
    'port in other digits': ('http://h:٨٠/', 'port from 1 to 65535'),
    'port that is a word': ('http://h:http/', 'port from 1 to 65535'),
    'word after IPv6': ('http://[::1]80/', 'port from 1 to 65535'),
    'IPv6 cut off': ('http://[::1/', 'IPv6'),
    'IPv6 without brackets': ('http://::1/', 'host'),
    'IPv6 too long': ('http://[1:2:3:4:5:6:7:8:9]/', 'IPv6'),
    'future address': ('http://[v1.x]/', 'IPv6'),
    'empty zone': ('http://[fe80::1%]/', 'network interface'),
    'long zone': (f'http://[fe80::1%25{"a" * 65}]/', 'network interface'),
    'odd zone': ('http://[fe80::1%25a b]/', 'network interface'),
    'empty label': ('http://a..b/', '1 to 63 letters'),
    'label of 64': (f'http://{"a" * 64}.com/', '1 to 63 letters'),
    'label of 64 in punycode': (f'http://{"ü" * 60}.com/', '1 to 63 letters'),
    'host of 254': (f'http://{"a." * 126}ab/', '253'),
    'international host of 100,000': (f'http://{"ü" * 100_000}/', '253'),
    'blank inside': ('http://a b/', 'characters'),
    'slash in disguise': ('http://a\u2100b.com/', 'characters'),
    'percent': ('http://100%/', 'characters'),
    'private use': ('http://\ue000.com/', 'characters'),
    'surrogate': ('http://\ud800.com/', 'characters'),
    'not UTF-8': ('http://caf%E9.example/', 'UTF-8'),
}


@pytest.mark.parametrize(('url', 'reason'), INVALID.values(), ids=INVALID)
def test_invalid_url(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r'^must ') as error:
        parse_url(url)

    assert re.search(reason, str(error.value))
    assert len(str(error.value)) < 100


@pytest.mark.parametrize('character', [*map(chr, range(33)), *'#%/:<>?@[\\]^|', '\x7f'], ids=ascii)
def test_character_that_no_host_has(character: str) -> None:
    with pytest.raises(ValueError, match='characters that no host name can have'):
        parse_url(f'http://a%{ord(character):02x}b/')


PORTS = {
    'none': ('', None),
    'colon alone': (':', None),
    'first': (':1', 1),
    'last': (':65535', 65535),
    '080': (':080', 80),
    'nines': (':9999', 9999),
}


@pytest.mark.parametrize(('suffix', 'port'), PORTS.values(), ids=PORTS)
def test_port(suffix: str, port: int | None) -> None:
    assert parse_url(f'http://h{suffix}/').port == port


@given(st.text())
def test_any_url(text: str) -> None:
    for url in (text, f'http://{text}', f'http://h/{text}'):
        with suppress(ValueError):
            parts = parse_url(url)._replace(fragment='f')
            assert parts.hostname
            assert parse_url(parts.geturl()) == parts
            assert all('!' <= c <= '~' for c in f'{request_target(parts)}{host_header(parts)}')


TARGETS = {
    'no path': ('http://h', '/'),
    'query without path': ('http://h?q', '/?q'),
    'empty query': ('http://h/p?', '/p?'),
    'empty query without path': ('http://h?', '/?'),
    'fragment': ('http://h/p#f', '/p'),
    'empty query and fragment': ('http://h/p?#f', '/p?'),
    'second question mark': ('http://h/p?a?b', '/p?a?b'),
    '%u': ('http://h/%u00fc', '/%u00fc'),
    'lone percent': ('http://h/100%', '/100%'),
    'encoded dots': ('http://h/a/%2e%2e/b', '/a/%2e%2e/b'),
    'dots': ('http://h/a/../b', '/a/../b'),
    'lower-case hexadecimal': ('http://h/%c3%bc?%c3%bc', '/%c3%bc?%c3%bc'),
    'reserved': ("http://h/!$&'()*+,;=:@[]~?!$&'()*+,;=:@[]/", "/!$&'()*+,;=:@[]~?!$&'()*+,;=:@[]/"),
    'blank': ('http://h/a b?c d', '/a%20b?c%20d'),
    'non-ASCII': ('http://h/ü?é', '/%C3%BC?%C3%A9'),
    'control': ('http://h/\x01\x7f', '/%01%7F'),
    'surrogate': ('http://h/\ud800', '/%3F'),
    'not in a URI': ('http://h/{a}|"<>^`', '/%7Ba%7D%7C%22%3C%3E%5E%60'),
    'backslash': ('http://h\\a\\b?c\\d', '/a/b?c%5Cd'),
    'line break': ('http://h/a\r\nb', '/ab'),
    'white space around': (' \thttp://h/a\n', '/a'),
    'two slashes': ('http://h//a', '//a'),
}


@pytest.mark.parametrize(('url', 'target'), TARGETS.values(), ids=TARGETS)
def test_request_target(url: str, target: str) -> None:
    parts = parse_url(url)

    assert request_target(parts) == target
    assert request_path(parts) == target.partition('?')[0]
    assert parse_url(parts.geturl()) == parts


COMPARABLE = {
    'unreserved': ('/%61%5a%30%2D%2e%5F%7e', '/aZ0-._~'),
    'reserved': ('/%2f%3F%3a%40%26', '/%2F%3F%3A%40%26'),
    'not ASCII': ('/%c3%bC?%aB%cD%eF', '/%C3%BC?%AB%CD%EF'),
    'written out': ('/ü~', '/%C3%BC~'),
    'no escape': ('/%u00fc%', '/%u00fc%'),
}


@pytest.mark.parametrize(('path', 'target'), COMPARABLE.values(), ids=COMPARABLE)
def test_comparable_target(path: str, target: str) -> None:
    assert comparable_target(parse_url(f'http://h{path}')) == target


HOST_HEADERS = {
    'plain': ('http://Example.com/', 'example.com'),
    'default port': ('http://h:80/', 'h'),
    'default port of https': ('https://h:443/', 'h'),
    'port of the other scheme': ('http://h:443/', 'h:443'),
    'other port': ('https://me:pw@h:8443/', 'h:8443'),
    'IPv6': ('http://[::1]:8000/', '[::1]:8000'),
    'zone': ('http://[fe80::1%25eth0]/', '[fe80::1]'),
    'international': ('http://bücher.example/', 'xn--bcher-kva.example'),
}


@pytest.mark.parametrize(('url', 'value'), HOST_HEADERS.values(), ids=HOST_HEADERS)
def test_host_header(url: str, value: str) -> None:
    assert host_header(parse_url(url)) == value


CREDENTIALS = {
    'none': ('http://h/', None),
    'empty': ('http://@h/', None),
    'empty with colon': ('http://:@h/', None),
    'name': ('http://key@h/', ('key', '')),
    'name with colon': ('http://key:@h/', ('key', '')),
    'password alone': ('http://:pw@h/', ('', 'pw')),
    'both': ('http://me:pw:x@h/', ('me', 'pw:x')),
    'at sign': ('http://me@home:pw@h/', ('me@home', 'pw')),
    'percent-encoded': ('http://m%40e:p%3Aw%C3%BC@h/', ('m@e', 'p:wü')),
    'percent-encoded ISO-8859-1': ('http://me:%FC@h/', ('me', 'ü')),
}


@pytest.mark.parametrize(('url', 'expected'), CREDENTIALS.values(), ids=CREDENTIALS)
def test_basic_auth(url: str, expected: tuple[str, str] | None) -> None:
    assert basic_auth(parse_url(url)) == expected


PUBLIC = {
    'everything': ('HTTPS://me:pw@h:8443/p;x?q=1#f', 'https://h:8443/p;x'),
    'at sign in a path': ('http://h/@me', 'http://h/@me'),
    'at sign in a query': ('http://h?a@b', 'http://h'),
    'fragment': ('http://h/p#f', 'http://h/p'),
    'backslash': ('http://me:pw@h\\p', 'http://h/p'),
    'two at signs': ('http://me@home:pw@h/', 'http://h/'),
    'long': (f'http://me@h/{"a" * 5000}?q', f'http://h/{"a" * 5000}'),
}


@pytest.mark.parametrize(('url', 'public'), PUBLIC.values(), ids=PUBLIC)
def test_public_url(url: str, public: str) -> None:
    assert public_url(parse_url(url)) == public


def test_long_urls_are_not_kept() -> None:
    """Neither by us nor by the caches of the standard library."""
    marker = 'very-long-target'
    start = parse_url('http://h/')
    for i in range(20):
        target = redirect_target(start, [f'/{i}/{marker * 4000}'], start)
        assert public_url(target)
        del target
    gc.collect()

    kept = [referent for cached in gc.get_objects() for referent in gc.get_referents(cached) if type(referent) is str]
    assert not [text for text in kept if marker * 2 in text and len(text) > 60_000]


BASE = 'http://h:8000/a/b/c?q#f'
LOCATIONS = {
    'absolute': ('http://other/x', 'http://other/x#f'),
    'https': ('https://h:8000/x', 'https://h:8000/x#f'),
    'upper-case scheme': ('HTTPS://Other/X', 'https://other/X#f'),
    'same scheme without slashes': ('http:x', 'http://h:8000/a/b/x#f'),
    'other scheme without slashes': ('https:other/x', 'https://other/x#f'),
    'three slashes': ('http:///other/x', 'http://other/x#f'),
    'of the same scheme': ('//other/x', 'http://other/x#f'),
    'backslashes': ('\\\\other\\x', 'http://other/x#f'),
    'absolute path': ('/x', 'http://h:8000/x#f'),
    'relative path': ('x', 'http://h:8000/a/b/x#f'),
    'parent': ('../x', 'http://h:8000/a/x#f'),
    'above the root': ('../../../../x', 'http://h:8000/x#f'),
    'directory': ('.', 'http://h:8000/a/b/#f'),
    'parent directory': ('..', 'http://h:8000/a/#f'),
    'encoded dots': ('/%2e%2e/x', 'http://h:8000/%2e%2e/x#f'),
    'query': ('?x', 'http://h:8000/a/b/c?x#f'),
    'empty query': ('?', 'http://h:8000/a/b/c?#f'),
    'empty query of a path': ('x?', 'http://h:8000/a/b/x?#f'),
    'fragment': ('#x', 'http://h:8000/a/b/c?q#x'),
    'fragment of a path': ('/x#y', 'http://h:8000/x#y'),
    'empty': ('', 'http://h:8000/a/b/c?q#f'),
    'colon in a path': ('./a:b', 'http://h:8000/a/b/a:b#f'),
    'white space': (' \t/a\t b\r ', 'http://h:8000/a b#f'),
    'UTF-8': ('/caf\xc3\xa9', 'http://h:8000/café#f'),
    'ISO-8859-1': ('/caf\xe9', 'http://h:8000/caf%E9#f'),
    'windows-1252': ('/\x80', 'http://h:8000/%80#f'),
    'UTF-8 host': ('http://b\xc3\xbccher.example/', 'http://xn--bcher-kva.example/#f'),
}


@pytest.mark.parametrize(('location', 'expected'), LOCATIONS.values(), ids=LOCATIONS)
def test_redirect_target(location: str, expected: str) -> None:
    url = parse_url(BASE)

    assert redirect_target(url, [location], url).geturl() == expected


def test_redirect_from_empty_query() -> None:
    url = parse_url('http://h/p?')

    assert request_target(redirect_target(url, ['#x'], url)) == '/p?'
    assert request_target(redirect_target(url, ['?y'], url)) == '/p?y'


def test_redirect_sent_as_raw_bytes() -> None:
    url = parse_url(BASE)

    assert unquote_to_bytes(request_target(redirect_target(url, ['/caf\xe9'], url))) == b'/caf\xe9'


def test_repeated_location_is_one() -> None:
    url = parse_url(BASE)

    assert redirect_target(url, ['/b', ' /b'], url).path == '/b'


NOWHERE = {
    'two': (['/a', '/b'], 'redirect: the response has two Location headers that differ'),
    'scheme': (['Gopher://h/'], "redirect: target scheme 'gopher' is neither http nor https"),
    'host and port as scheme': (['localhost:80/'], "redirect: target scheme 'localhost' is neither http nor https"),
    'no host': (['http://'], 'redirect: the target has no valid host and port'),
    'port': (['http://h:99999/'], 'redirect: the target has no valid host and port'),
    'label of 64': ([f'http://{"a" * 64}/'], 'redirect: the target has no valid host and port'),
    'raw bytes in the host': (['http://caf\xe9.example/'], 'redirect: the target has no valid host and port'),
}


@pytest.mark.parametrize(('locations', 'message'), NOWHERE.values(), ids=NOWHERE)
def test_redirect_to_nowhere(locations: list[str], message: str) -> None:
    url = parse_url(BASE)

    with pytest.raises(Fault) as fault:
        redirect_target(url, locations, url)

    assert fault.value.kind is Kind.REDIRECT_TARGET
    assert fault.value.describe() == message


def test_value_of_server_is_masked() -> None:
    url = parse_url(BASE)

    with pytest.raises(Fault) as fault:
        redirect_target(url, ['s3cret:x'], url)

    assert 's3cret' not in fault.value.describe(lambda _: '***')
    assert 's3cret' not in str(fault.value)


USER_INFO = {
    'same origin': ('/x', 'me:pw@h'),
    'upgrade': ('https://h/x', 'me:pw@h'),
    'own user info': ('http://you@h/x', 'you@h'),
    'other host': ('http://other/x', 'other'),
    'other port': ('http://h:8000/x', 'h:8000'),
    'subdomain': ('http://a.h/x', 'a.h'),
}


@pytest.mark.parametrize(('location', 'netloc'), USER_INFO.values(), ids=USER_INFO)
def test_user_info(location: str, netloc: str) -> None:
    start = parse_url('http://me:pw@h/')

    assert redirect_target(start._replace(netloc='h'), [location], start).netloc == netloc


def test_user_info_comes_back() -> None:
    """A page that another origin redirects back to gets it again; the other one never had it."""
    start, other = parse_url('http://me:pw@h/'), parse_url('http://other/')

    assert redirect_target(other, ['http://h/x'], start).netloc == 'me:pw@h'
    assert redirect_target(other, ['/x'], start).netloc == 'other'


def test_same_origin() -> None:
    """The same port of the same scheme and host, and of others only the upgrade from http:80 to https:443."""
    ends = list(product(('http', 'https'), ('h', 'H', 'h.', 'other'), ('', ':80', ':443', ':8080')))
    for a, b in product(ends, repeat=2):
        (one, other) = (_end(*a), _end(*b))
        upgrade = one[0] == ('http', 80) and other[0] == ('https', 443)
        expected = one[1] == other[1] and (one[0] == other[0] or upgrade)

        assert same_origin(_parts(*a), _parts(*b)) == expected, (a, b)


def _parts(scheme: str, host: str, port: str) -> SplitResult:
    return parse_url(f'{scheme}://{host}{port}/')


def _end(scheme: str, host: str, port: str) -> tuple[tuple[str, int], str]:
    return (scheme, int(port[1:] or {'http': 80, 'https': 443}[scheme])), host.lower()


def test_origin() -> None:
    assert origin(parse_url('https://me@Example.com/p')) == ('https', 'example.com', 443)


@given(st.text('ab/.?#:\\ ', max_size=20))
def test_joined_as_the_standard_library_does(location: str) -> None:
    """Where RFC 3986 and the URL standard agree."""
    url = parse_url('http://h/a/b/c?q')
    if '\\' in location or '//' in location or location.strip() != location or ':' in location or '?' in location:
        return
    expected = urlsplit(urljoin(url.geturl(), location))

    target = redirect_target(url, [location], url)

    assert target._replace(path=target.path or '/') == expected._replace(path=expected.path or '/')
