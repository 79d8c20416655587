"""Cookies: which are kept, and with which requests they go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.fetching.cookies import Cookies
from datadog_checks.awesome.fetching.urls import parse_url

pytestmark = pytest.mark.unit

PAST = 'Thu, 01 Jan 1970 00:00:00 GMT'
FUTURE = 'Fri, 31-Dec-2999 23:59:59 GMT'


def sent(url: str, *lines: str, to: str = '') -> str:
    """Return the cookies that go to `to`, or back to `url`, after a response of `url` with these Set-Cookie lines."""
    cookies = Cookies()
    cookies.store(parse_url(url), lines)
    return cookies.header(parse_url(to or url))


LINES = {
    'plain': ('a=b', 'a=b'),
    'white space': (' a = b c\t; x ', 'a=b c'),
    'equals sign in the value': ('a=b=c', 'a=b=c'),
    'quotes': ('a="b c"', 'a="b c"'),
    'comma': ('a=b, c=d', 'a=b, c=d'),
    'no value': ('a=', 'a='),
    'no name': ('=b', 'b'),
    'value alone': ('b', 'b'),
    'raw bytes': ('a=\xc3\xa9\xff', 'a=\xc3\xa9\xff'),
    'tab': ('a=b\tc', 'a=b\tc'),
    'empty': ('', ''),
    'attributes alone': ('; Path=/', ''),
    'equals sign alone': ('=', ''),
    'control in the name': ('a\x01=b', ''),
    'control in the value': ('a=b\x7f', ''),
    'line break': ('a=b\r\nX: y', ''),
    'control in an attribute': ('a=b; x=\x00', ''),
    'largest': (f'a={"b" * 4095}', f'a={"b" * 4095}'),
    'too large': (f'a={"b" * 4096}', ''),
    'too large a name': (f'{"a" * 4097}=', ''),
    'unknown attributes': ('a=b; SameSite=Strict; HttpOnly; Priority=High; ;', 'a=b'),
    'Max-Age': ('a=b; Max-Age=1', 'a=b'),
    'Max-Age 0': ('a=b; Max-Age=0', ''),
    'Max-Age 00': ('a=b; Max-Age=00', ''),
    'negative Max-Age': ('a=b; max-age=-1', ''),
    'odd Max-Age': ('a=b; Max-Age=0x', 'a=b'),
    'future Expires': (f'a=b; Expires={FUTURE}', 'a=b'),
    'past Expires': (f'a=b; Expires={PAST}', ''),
    'past Expires with hyphens': ('a=b; expires=Thu, 01-Jan-1970 00:00:01 GMT', ''),
    'past Expires of two digits': ('a=b; expires=Thursday, 01-Jan-70 00:00:01 GMT', ''),
    'past Expires by asctime': ('a=b; expires=Thu Jan  1 00:00:01 1970', ''),
    'year 0': ('a=b; expires=Thu, 01 Jan 0000 00:00:00 GMT', ''),
    **{
        f'month {month}': (f'a=b; expires=Thu, 02 {month} 1997 00:00:00 GMT', '')
        for month in ('Jan', 'feb', 'MAR', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec')
    },
    'unknown month': ('a=b; expires=Thu, 02 Foo 1997 00:00:00 GMT', 'a=b'),
    'year of three digits': ('a=b; expires=Thu, 02 Jan 997 00:00:00 GMT', 'a=b'),
    'year 68': ('a=b; expires=Thu, 01 Jan 68 00:00:00 GMT', 'a=b'),
    'impossible Expires': ('a=b; expires=Thu, 31 Feb 1970 00:00:00 GMT', 'a=b'),
    'no date': ('a=b; expires=0', 'a=b'),
    'Max-Age before Expires': (f'a=b; Max-Age=9; Expires={PAST}', 'a=b'),
    'Max-Age 0 before Expires': (f'a=b; Max-Age=0; Expires={FUTURE}', ''),
    'the last of two': ('a=b; Max-Age=0; Max-Age=9', 'a=b'),
    'long attribute': (f'a=b; Domain={"x" * 1025}', 'a=b'),
}


@pytest.mark.parametrize(('line', 'expected'), LINES.values(), ids=LINES)
def test_line(line: str, expected: str) -> None:
    assert sent('http://h.example/', line) == expected


DOMAINS = {
    'none': ('http://a.example/', 'a=b', 'http://a.example/', True),
    'none, port': ('http://a.example:8000/', 'a=b', 'http://a.example:9000/', True),
    'none, subdomain': ('http://a.example/', 'a=b', 'http://b.a.example/', False),
    'itself': ('http://a.example/', 'a=b; Domain=a.example', 'http://a.example/', True),
    'itself, subdomain': ('http://a.example/', 'a=b; Domain=A.Example', 'http://b.a.example/', True),
    'parent': ('http://b.a.example/', 'a=b; Domain=.a.example', 'http://c.a.example/', True),
    'parent by its end': ('http://b.a.example/', 'a=b; Domain=a.example', 'http://bada.example/', False),
    'child': ('http://a.example/', 'a=b; Domain=b.a.example', 'http://b.a.example/', False),
    'other': ('http://a.example/', 'a=b; Domain=c.example', 'http://c.example/', False),
    'top-level': ('http://a.example/', 'a=b; Domain=example', 'http://a.example/', False),
    'empty': ('http://a.example/', 'a=b; Domain=', 'http://a.example/', True),
    'empty, subdomain': ('http://a.example/', 'a=b; Domain=', 'http://b.a.example/', False),
    'localhost': ('http://localhost/', 'a=b; Domain=localhost', 'http://localhost/', True),
    'localhost, subdomain': ('http://localhost/', 'a=b; Domain=localhost', 'http://a.localhost/', False),
    'address': ('http://127.0.0.1/', 'a=b; Domain=127.0.0.1', 'http://127.0.0.1/', True),
    'end of an address': ('http://127.0.0.1/', 'a=b; Domain=0.0.1', 'http://127.0.0.1/', False),
    'IPv6': ('http://[::1]/', 'a=b', 'http://[::1]:8000/', True),
    'trailing dot': ('http://a.example./', 'a=b; Domain=a.example', 'http://a.example/', False),
}


@pytest.mark.parametrize(('url', 'line', 'to', 'expected'), DOMAINS.values(), ids=DOMAINS)
def test_domain(url: str, line: str, to: str, expected: bool) -> None:
    assert sent(url, line, to=to) == ('a=b' if expected else '')


PATHS = {
    'default': ('/x/y?z', 'a=b', '/x/', True),
    'default without slash': ('/x/y', 'a=b', '/x', True),
    'default, elsewhere': ('/x/y', 'a=b', '/', False),
    'default of the root': ('/x', 'a=b', '/y', True),
    'default of no path': ('', 'a=b', '/y', True),
    'default of an empty query': ('/x/y?', 'a=b', '/x', True),
    'given': ('/x/y', 'a=b; Path=/', '/', True),
    'itself': ('/', 'a=b; Path=/x', '/x?q', True),
    'below': ('/', 'a=b; Path=/x', '/x/y', True),
    'longer name': ('/', 'a=b; Path=/x', '/xy', False),
    'slash at the end': ('/', 'a=b; Path=/x/', '/x', False),
    'relative': ('/x/y', 'a=b; Path=z', '/x/z', True),
    'empty': ('/x/y', 'a=b; Path=', '/', False),
    'blank in the URL': ('/a b/c', 'a=b', '/a%20b/d', True),
}


@pytest.mark.parametrize(('url', 'line', 'to', 'expected'), PATHS.values(), ids=PATHS)
def test_path(url: str, line: str, to: str, expected: bool) -> None:
    assert sent(f'http://h.example{url}', line, to=f'http://h.example{to}') == ('a=b' if expected else '')


TRUSTED = {
    'https': ('https://a.example/', True),
    'http': ('http://a.example/', False),
    'localhost': ('http://localhost:8000/', True),
    'below localhost': ('http://app.localhost/', True),
    'like localhost': ('http://notlocalhost/', False),
    'loopback': ('http://127.9.8.7/', True),
    'like loopback': ('http://127.0.0.1.example/', False),
    'IPv6 loopback': ('http://[::1]/', True),
    'other IPv6': ('http://[::2]/', False),
}


@pytest.mark.parametrize(('url', 'is_trusted'), TRUSTED.values(), ids=TRUSTED)
def test_secure_is_stored(url: str, is_trusted: bool) -> None:
    assert sent(url, 'a=b; Secure', to=url.replace('http://', 'https://')) == ('a=b' if is_trusted else '')


@pytest.mark.parametrize(('url', 'is_trusted'), TRUSTED.values(), ids=TRUSTED)
def test_secure_is_sent(url: str, is_trusted: bool) -> None:
    assert sent(url.replace('http://', 'https://'), 'a=b; Secure', to=url) == ('a=b' if is_trusted else '')


def test_not_secure_goes_everywhere() -> None:
    assert sent('https://a.example/', 'a=b', to='http://a.example/') == 'a=b'


PREFIXES = {
    'host': ('__Host-a=b; Secure; Path=/', True),
    'host, not secure': ('__Host-a=b; Path=/', False),
    'host, no path': ('__Host-a=b; Secure', False),
    'host, domain': ('__Host-a=b; Secure; Path=/; Domain=a.example', False),
    'host, empty domain': ('__Host-a=b; Secure; Path=/; Domain=', False),
    'host, other case': ('__hOsT-a=b; Path=/', False),
    'secure': ('__Secure-a=b; Secure', True),
    'secure, not so': ('__Secure-a=b', False),
    'secure in the value': ('=__Secure-a=b; Secure', False),
    'host in the value': ('__Host-a; Secure; Path=/', False),
}


@pytest.mark.parametrize(('line', 'expected'), PREFIXES.values(), ids=PREFIXES)
def test_prefix(line: str, expected: bool) -> None:
    assert bool(sent('https://a.example/', line)) == expected


def test_order() -> None:
    lines = ['a=1; Path=/', 'b=2; Path=/x', 'c=3; Path=/x/y', 'd=4; Path=/x']

    assert sent('http://h/x/y', *lines) == 'c=3; b=2; d=4; a=1'


def test_replaced_where_it_was() -> None:
    assert sent('http://h/', 'a=1', 'b=2', 'a=3') == 'a=3; b=2'


def test_same_name_of_another_path_or_domain() -> None:
    assert sent('http://h.example/x', 'a=1', 'a=2; Path=/x', 'a=3; Domain=h.example') == 'a=2; a=1; a=3'


def test_empty_line_is_none() -> None:
    assert sent('http://h/', 'a=1', '') == 'a=1'


def test_deleted() -> None:
    assert sent('http://h/', 'a=1', 'b=2', 'a=; Max-Age=0', 'c=; Max-Age=0') == 'b=2'


INSECURE = {
    'same': ('a=good; Secure; Path=/x', 'a=bad; Path=/x', 'a=good'),
    'below': ('a=good; Secure; Path=/x', 'a=bad; Path=/x/y', 'a=good'),
    'above': ('a=good; Secure; Path=/x', 'a=more; Path=/', 'a=good; a=more'),
    'whole domain': ('a=good; Secure; Path=/x', 'a=bad; Domain=a.example; Path=/x', 'a=good'),
    'single host': ('a=good; Secure; Domain=a.example; Path=/x', 'a=bad; Path=/x', 'a=good'),
    'other name': ('a=good; Secure; Path=/x', 'b=2; Path=/x', 'a=good; b=2'),
    'not secure': ('a=good; Path=/x', 'a=more; Path=/x', 'a=more'),
}


@pytest.mark.parametrize(('secure', 'insecure', 'expected'), INSECURE.values(), ids=INSECURE)
def test_page_without_tls_replaces_no_secure_cookie(secure: str, insecure: str, expected: str) -> None:
    cookies = Cookies()
    cookies.store(parse_url('https://b.a.example/'), [secure])
    cookies.store(parse_url('http://b.a.example/'), [insecure])

    assert cookies.header(parse_url('https://b.a.example/x/y')) == expected


def test_at_most_50() -> None:
    lines = [f'{i}={"x" * 4000}' for i in range(1000)]

    header = sent('http://h/', *lines, '0=', '1=; Max-Age=0', 'new=2', 'more=3')

    assert header.startswith('0=; 2=')
    assert header.endswith('; new=2')
    assert header.count('; ') == 49


CONFIGURED = {
    'other': ('z=1', 'z=1; a=b'),
    'several': ('z=1;y = 2', 'z=1; y = 2; a=b'),
    'set anew': ('a=old; z=1; a=older', 'z=1; a=b'),
    'set anew, with blanks': (' a =old', 'a=b'),
    'another case': ('A=1', 'A=1; a=b'),
    'without a name': ('a', 'a; a=b'),
    'trailing semicolon': ('z=1; ', 'z=1; a=b'),
    'nothing': ('', 'a=b'),
    'nothing but semicolons': (' ;; ', 'a=b'),
}


@pytest.mark.parametrize(('configured', 'expected'), CONFIGURED.values(), ids=CONFIGURED)
def test_configured(configured: str, expected: str) -> None:
    cookies = Cookies()
    url = parse_url('http://h/x')
    cookies.store(url, ['a=b; Path=/x'])

    assert cookies.header(url, configured) == expected
    assert cookies.header(parse_url('http://h/y'), configured) == ''


def test_configured_with_what_was_set_is_the_same() -> None:
    cookies = Cookies()
    url = parse_url('http://h/')
    cookies.store(url, ['=a=b', 'c=d', 'c=e; Path=/x'])

    once = cookies.header(url, 'z=1')
    assert (once, cookies.header(url, once)) == ('z=1; a=b; c=d', once)


def test_clear() -> None:
    cookies = Cookies()
    url = parse_url('http://h/')
    cookies.store(url, ['a=b'])
    cookies.clear()

    assert cookies.header(url) == ''


@given(st.lists(st.text('aA=;,. \t\x00é/-:0123456789' + 'DomainPthSecuExrs', max_size=60), max_size=5))
def test_any_line(lines: list[str]) -> None:
    header = sent('http://h.example/', *lines)

    assert all('\x20' <= c <= '\xff' or c == '\t' for c in header)
