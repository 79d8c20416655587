"""Redirects and compression, through the check."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from datadog_checks.awesome import AwesomeCheck

from .answers import raw_deflate
from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

TEXT = b'start ' + b'nothing to see ' * 20_000 + b'the end'


def redirect(location: str, status: str = '302 Found') -> bytes:
    return response(b'go away', status, Location=location)


@pytest.mark.parametrize(
    ('encoding', 'body'),
    [
        pytest.param('gzip', gzip.compress(TEXT), id='gzip'),
        pytest.param('x-gzip', gzip.compress(TEXT), id='x-gzip'),
        pytest.param('gzip', gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]), id='two gzip members'),
        pytest.param('gzip', gzip.compress(TEXT[:200_000]) + gzip.compress(TEXT[200_000:]), id='large gzip members'),
        pytest.param('gzip', gzip.compress(TEXT) + b'\0\0garbage', id='garbage behind gzip'),
        pytest.param('deflate', zlib.compress(TEXT), id='deflate'),
        pytest.param('deflate', raw_deflate(TEXT), id='raw deflate'),
        pytest.param('identity', TEXT, id='identity'),
    ],
)
def test_compressed_page_is_searched_to_its_end(encoding: str, body: bytes, serve: Serve, run: Run) -> None:
    result = run(url=serve(response(body, Content_Encoding=encoding)).url, search_string='the end')

    assert (result.status, result.metrics['page.size']) == (AwesomeCheck.OK, len(TEXT))


@pytest.mark.parametrize(
    ('encoding', 'body', 'cause'),
    [
        pytest.param('gzip', gzip.compress(TEXT)[:-9], 'the gzip data is truncated', id='truncated gzip'),
        pytest.param('gzip', TEXT, 'the data is not valid gzip', id='not gzip'),
        pytest.param('deflate', zlib.compress(TEXT)[:-9], 'the deflate data is truncated', id='truncated deflate'),
        pytest.param('br', TEXT, 'the Content-Encoding is br, neither gzip nor deflate', id='unknown encoding'),
    ],
)
def test_body_that_cannot_be_decompressed_is_critical(
    encoding: str, body: bytes, cause: str, serve: Serve, run: Run
) -> None:
    result = run(url=serve(response(body, Content_Encoding=encoding)).url, search_string='not there')

    assert (result.status, result.message) == (AwesomeCheck.CRITICAL, f'body: {cause}')


def test_body_that_is_hours_of_work_and_holds_nothing_ends_in_time(serve: Serve, run: Run) -> None:
    nothing = gzip.compress(gzip.compress(b'') * 100_000)
    body = gzip.compress(nothing * 2000)
    assert len(body) < 100_000

    result = run(url=serve(response(body, Content_Encoding='gzip, gzip, gzip')).url, search_string='x', timeout=0.2)

    assert (result.status, result.message) == (
        AwesomeCheck.CRITICAL,
        'timeout: gave up after 0.2 s while reading the page',
    )


def test_string_before_the_fault_counts(serve: Serve, run: Run) -> None:
    truncated = gzip.compress(TEXT)[:-9]

    assert run(url=serve(response(truncated, Content_Encoding='gzip')).url, search_string='start').status == 0


def test_body_that_breaks_off_is_critical(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(b'x' * 5000, Content_Length='100000')).url, search_string='nginx')

    assert (result.status, result.message) == (
        AwesomeCheck.CRITICAL,
        'body: the connection broke off after 5000 of 100000 bytes',
    )


def test_redirects_are_followed(serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx'), {'/a': redirect('b?c#d')})
    server.paths['/b?c'] = redirect(f'//127.0.0.1:{server.port}/e')

    result = run(url=server.url + 'a', search_string='nginx')

    assert result.status == AwesomeCheck.OK
    assert [request.split()[1] for request in server.requests] == [b'/a', b'/b?c', b'/e']
    assert result.tags == [f'url:{server.url}a', f'instance:{server.url}a']


def test_thousands_of_cookies_of_a_long_url_are_read_in_time(serve: Serve, run: Run) -> None:
    path = '/' + 'a/' * 30_000
    cookies = b''.join(b'Set-Cookie: %d\r\n' % number for number in range(12_000))
    server = serve(
        response(b'nginx'), {'/': redirect(path), path: response(b'nginx').replace(b'\r\n', b'\r\n' + cookies, 1)}
    )

    assert run(url=server.url, search_string='nginx', timeout=5).status == AwesomeCheck.OK


def test_redirect_that_is_not_followed_is_the_page(serve: Serve, run: Run) -> None:
    result = run(url=serve(redirect('/elsewhere')).url, search_string='go away', allow_redirects=False)

    assert (result.status, result.metrics['page.status_code']) == (AwesomeCheck.OK, 302)


@pytest.mark.parametrize(
    ('location', 'cause'),
    [
        ('ftp://localhost/', "target scheme 'ftp' is neither http nor https"),
        ('file:///etc/passwd', "target scheme 'file' is neither http nor https"),
        ('mailto:me@localhost', "target scheme 'mailto' is neither http nor https"),
        ('https:///', 'the target has no valid host and port'),
        ('http://[::1', 'the target has no valid host and port'),
        ('http://localhost:99999/', 'the target has no valid host and port'),
        ('http://localhost:0/', 'the target has no valid host and port'),
    ],
)
def test_bad_redirect_is_critical(location: str, cause: str, serve: Serve, run: Run) -> None:
    result = run(url=serve(redirect(location)).url, search_string='nginx')

    assert (result.status, result.message) == (AwesomeCheck.CRITICAL, f'redirect: {cause}')


def test_redirect_without_a_target_is_the_page(serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx', '302 Found').replace(b'\r\n\r\n', b'\r\nLocation: \r\n\r\n'))

    assert run(url=server.url, search_string='nginx').status == AwesomeCheck.OK


def test_endless_redirects_are_critical_and_name_the_last(serve: Serve, run: Run) -> None:
    server = serve(redirect('/again?secret'))

    result = run(url=server.url, search_string='nginx')

    assert (result.status, result.message) == (
        AwesomeCheck.CRITICAL,
        f'redirect: more than 10 in a row, the last to {server.url}again',
    )
    assert len(server.requests) == 11


def test_credentials_stay_with_their_origin(serve: Serve, run: Run) -> None:
    foreign = serve(response(b'nginx'))
    own = serve(redirect(foreign.url))

    result = run(
        url=f'http://user:secret@127.0.0.1:{own.port}/', search_string='nginx', extra_headers={'X-Key': 'secret'}
    )

    assert result.status == AwesomeCheck.OK
    assert b'X-Key: secret' in own.requests[0]
    assert b'Authorization: Basic' in own.requests[0]
    assert b'secret' not in foreign.requests[0]
    assert b'Authorization' not in foreign.requests[0]


def test_credentials_follow_a_redirect_within_the_origin(serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx'))
    server.paths['/'] = redirect(f'{server.url}next')

    run(url=f'http://user:secret@127.0.0.1:{server.port}/', search_string='nginx')

    assert b'GET /next' in server.requests[1]
    assert b'Authorization: Basic' in server.requests[1]
