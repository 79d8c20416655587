"""The options that say what to look for and where, through a real server."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck

from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

KIB = 1024
MIB = 1024 * 1024
OK, WARNING, CRITICAL = AwesomeCheck.OK, AwesomeCheck.WARNING, AwesomeCheck.CRITICAL


def endless(start: bytes) -> Callable[[Any, bytes], None]:
    """Return an answer that begins with `start` and goes on until the client hangs up."""

    def answer(connection: Any, _: bytes) -> None:
        connection.sendall(response(Content_Length='') + start)
        while True:
            connection.sendall(b'.' * (64 * KIB))

    return answer


def test_all_and_any(serve: Serve, run: Run) -> None:
    server = serve(response(b'one two'))

    assert run(url=server.url, search_string=['one', 'two']).status == OK
    assert run(url=server.url, search_string=['one', 'three']).message.startswith("'three' not found (7 bytes read);")
    assert run(url=server.url, search_string=['one', 'three'], search_mode='any').status == OK
    miss = run(url=server.url, search_string=['four', 'three'], search_mode='any')
    assert miss.message.startswith("found none of 'four', 'three' (7 bytes read);")


def test_forbidden_string(serve: Serve, run: Run) -> None:
    result = run(
        url=serve(response(b'one Fatal error')).url, search_string='one', forbidden_string=['Fatal error', 'x']
    )

    assert result.status == WARNING
    assert result.message.startswith("found forbidden 'Fatal error' (15 bytes read);")
    assert result.metrics['search.found'] == 0


def test_missing_and_forbidden_are_both_named(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(b'abc')).url, search_string=r'\d', forbidden_string='a.c', regex=True)

    assert result.message.startswith(r"'\d' not found and found forbidden 'a.c' (3 bytes read);")


@pytest.mark.parametrize('forbidden', [0, 1, 300])
@pytest.mark.parametrize('required', [1, 2, 300])
def test_message_is_never_longer_than_is_displayed(required: int, forbidden: int, serve: Serve, run: Run) -> None:
    page = b'<title>' + b'\x1b' * 900 + b'</title>' + b'f' * 9000
    strings = {'search_string': [f'\t{i}' * 99 for i in range(required)]}
    if forbidden:
        strings['forbidden_string'] = ['f|' + f'{i}x' * 20 for i in range(forbidden)]

    result = run(
        url=serve(response(page, '511 x')).url,
        http_response_status_code='511',
        max_body_size=9000,
        regex=True,
        **strings,
    )

    assert (result.status, len(result.message) <= 500) == (WARNING, True)
    assert ('more' in result.message) == (max(required, forbidden) == 300)


def test_case_does_not_matter_where_it_should_not(serve: Serve, run: Run) -> None:
    server = serve(response('Die Straße'.encode()))

    assert run(url=server.url, search_string='STRASSE').status == WARNING
    assert run(url=server.url, search_string='STRASSE', case_sensitive=False).status == OK
    assert run(url=server.url, search_string='^DIE', regex=True, case_sensitive=False).status == OK


def test_visible_text(serve: Serve, run: Run) -> None:
    server = serve(response(b'<p>Thank you for <b>using</b>\n nginx&#46;'))

    assert run(url=server.url, search_string='Thank you for using nginx.').status == WARNING
    assert run(url=server.url, search_string='Thank you for using nginx.', search_in='text').status == OK
    assert run(url=server.url, search_string=' Thank  you\n', search_in='text').status == OK
    assert run(url=server.url, search_string='using ngin.[.]$', search_in='text', regex=True).status == OK
    assert run(url=server.url, search_string='<b>', search_in='text').status == WARNING


def test_encoding_overrides_what_the_page_declares(serve: Serve, run: Run) -> None:
    server = serve(response('Привет'.encode('koi8-r')))

    assert 'encoding utf-8' in run(url=server.url, search_string='Привет').message
    assert run(url=server.url, search_string='Привет', encoding='KOI8-R').status == OK
    assert 'encoding koi8-r' in run(url=server.url, search_string='Hello', encoding='koi8-r').message


def test_max_body_size_is_read_and_no_more(serve: Serve, run: Run) -> None:
    server = serve(response(b'x' * 1000 + b'nginx'))

    result = run(url=server.url, search_string='nginx', max_body_size=1004)

    assert result.message.startswith("'nginx' not found in the first 1004 bytes (max_body_size);")
    assert result.metrics['page.size'] == 1004
    assert run(url=server.url, search_string='nginx', max_body_size=1005).status == OK


def test_max_body_size_is_4_mib_unless_given(serve: Serve, run: Run) -> None:
    result = run(url=serve(endless(b'')).url, search_string='nginx')

    assert result.status == WARNING
    assert result.metrics['page.size'] == 4 * MIB


def test_little_is_read_of_a_large_page_that_begins_with_the_string(serve: Serve, run: Run) -> None:
    """The reading from the socket, not from the metric, which only counts what was searched."""
    sent = 0

    def gigabyte(connection: Any, _: bytes) -> None:
        nonlocal sent
        connection.sendall(response(Content_Length=str(1024 * MIB)) + b'nginx')
        while sent < 1024 * MIB:
            sent += connection.send(b'.' * (64 * KIB))

    result = run(url=serve(gigabyte).url, search_string='nginx')

    assert result.status == OK
    assert result.metrics['page.size'] <= 64 * KIB
    # What the socket's buffers took, which nobody read.
    assert sent < 16 * MIB


def test_status_code_must_match_as_a_whole(serve: Serve, run: Run) -> None:
    server = serve(response(b'gone', '404 Not Found'))

    assert run(url=server.url, search_string='gone', http_response_status_code='404').status == OK
    result = run(url=server.url, search_string='gone', http_response_status_code='40|(2..)')
    assert (result.status, result.message) == (CRITICAL, 'status: 404 Not Found, not 40|(2..)')


@pytest.mark.parametrize(
    ('data', 'body'),
    [({'a': 'b c', 'd': 1}, b'a=b+c&d=1'), ('<é/>', '<é/>'.encode()), ('', b'')],
)
def test_data_is_sent_with_the_method(data: Any, body: bytes, serve: Serve, run: Run) -> None:
    server = serve(response(b'ok'))

    assert run(url=server.url, search_string='ok', method='post', data=data).status == OK
    assert server.requests[0].startswith(b'POST / HTTP/1.1')
    assert server.requests[0].endswith(b'\r\n\r\n' + body)


@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
def test_method(method: str, serve: Serve, run: Run) -> None:
    server = serve(response())

    assert run(url=server.url, search_string='ok', method=method).status == WARNING
    assert server.requests[0].startswith(method.encode() + b' / ')


@pytest.mark.parametrize(
    ('status', 'method', 'request_line'),
    [
        ('301 x', 'POST', b'GET /b'),
        ('302 x', 'POST', b'GET /b'),
        ('303 x', 'PUT', b'GET /b'),
        ('302 x', 'PUT', b'PUT /b'),
        ('307 x', 'POST', b'POST /b'),
        ('308 x', 'POST', b'POST /b'),
    ],
)
def test_method_after_a_redirect(status: str, method: str, request_line: bytes, serve: Serve, run: Run) -> None:
    """See https://fetch.spec.whatwg.org/#http-redirect-fetch."""
    server = serve(response(b'ok'), {'/a': response(status=status, Location='/b')})

    run(url=server.url + 'a', search_string='ok', method=method, data='d=1')

    assert server.requests[1].startswith(request_line + b' ')
    assert server.requests[1].endswith(b'd=1') == (not request_line.startswith((b'GET', b'HEAD')))


def test_data_does_not_go_to_another_origin(serve: Serve, run: Run) -> None:
    foreign = serve(response(b'ok'))
    own = serve(response(status='307 x', Location=foreign.url))

    result = run(url=own.url, search_string='ok', method='POST', data='secret')

    assert result.message == 'redirect: to another origin, which must not get the data of the request'
    assert foreign.requests == []


def test_instance_is_always_a_tag(serve: Serve, run: Run) -> None:
    server = serve(response(b'ok'))

    assert run(url=server.url, search_string='ok', name='shop').tags == [f'url:{server.url}', 'instance:shop']
    assert run(url=server.url, search_string='ok').tags == [f'url:{server.url}', f'instance:{server.url}']


@pytest.mark.parametrize(
    ('page', 'message'),
    [
        pytest.param(response(), "'a' not found (0 bytes read); status 200 OK, encoding utf-8, no title", id='empty'),
        pytest.param(
            response(status='204 No Content', Content_Length=''),
            "'a' not found (0 bytes read); status 204 No Content, encoding utf-8, no title",
            id='204',
        ),
        pytest.param(
            response(bytes(range(128, 256)), Content_Type=''),
            "'a' not found (128 bytes read); status 200 OK, encoding utf-8, no title",
            id='invalid utf-8 without a Content-Type',
        ),
        pytest.param(
            response(b'\0' * 9, Content_Type='text/html; charset=unicode_escape'),
            "'a' not found (9 bytes read); status 200 OK, encoding utf-8 "
            "(the page declares 'unicode_escape', which is no encoding), no title",
            id='NUL bytes and a charset that is no encoding',
        ),
        pytest.param(
            response(b'<meta charset=koi8-r>', Content_Type='text/html; charset=nonsense'),
            "'z' not found (21 bytes read); status 200 OK, encoding koi8-r, no title",
            id='wrong charset and right meta',
        ),
    ],
)
@pytest.mark.parametrize('search_in', ['source', 'text'])
def test_any_page_can_be_searched(page: bytes, message: str, search_in: str, serve: Serve, run: Run) -> None:
    result = run(url=serve(page).url, search_string=message[1], search_in=search_in)

    assert (result.status, result.message) == (WARNING, message)


@pytest.mark.parametrize('search_in', ['source', 'text'])
@pytest.mark.parametrize('regex', [False, True])
def test_binary_is_no_problem(search_in: str, regex: bool, serve: Serve, run: Run) -> None:
    server = serve(response(os.urandom(300_000), Content_Type='application/octet-stream'))

    assert run(url=server.url, search_string='not in there', search_in=search_in, regex=regex).status == WARNING
