"""No secret of the configuration is in any tag, message, log line or error, whatever a server does with it."""

from __future__ import annotations

import logging
import socket
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck

from .server import Server, response
from .test_faults import FAULTS, TIMEOUT

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]

SECRETS = {
    'user info': 'Pass%20Word-in-URL',
    'query': 'Token-in-Query',
    'header': 'Key-in-Header',
    'bearer': 'Token-in-Bearer',
    'fragment': 'Secret-in-Fragment',
    'data': 'Secret-in-Data',
}
LEAKS = [*SECRETS.values(), 'Pass Word-in-URL', b64encode(b'me:Pass Word-in-URL').decode()]
# Schemes and hosts are shown in lower case.
LEAKS += [secret.lower() for secret in LEAKS]


def instance_of(server: Server) -> dict[str, Any]:
    return {
        'url': f'http://me:{SECRETS["user info"]}@127.0.0.1:{server.port}/?t={SECRETS["query"]}#{SECRETS["fragment"]}',
        'search_string': 'not there',
        'timeout': TIMEOUT,
        'method': 'POST',
        'data': {'password': SECRETS['data']},
        'headers': {'X-Key': SECRETS['header']},
        'extra_headers': {'X-Authorization': f'Bearer {SECRETS["bearer"]}'},
        'log_requests': True,
    }


def echo(prefix: bytes, suffix: bytes = b'') -> Callable[[socket.socket, bytes], None]:
    """Send everything that the client sent back to it."""

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(prefix + b' '.join(request.split()) + suffix)

    return answer


ECHOES = {
    'in the title': echo(b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>', b'</title>'),
    'as the status line': echo(b'', b'\r\n\r\n'),
    'as the reason': echo(b'HTTP/1.1 500 ', b'\r\n\r\n'),
    'as a header that is none': echo(b'HTTP/1.1 200 OK\r\n\x00', b'\r\n\r\n'),
    'as the length': echo(b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: ', b'\r\n\r\n'),
    'as the encoding': echo(b'HTTP/1.1 200 OK\r\nContent-Encoding: ', b'\r\n\r\n'),
    'as the location': echo(b'HTTP/1.1 302 x\r\nLocation: ', b'\r\n\r\n'),
    'as a protocol': lambda c, _: c.sendall(f'HTTP/1.1 302 x\r\nLocation: {SECRETS["header"]}:/\r\n\r\n'.encode()),
    'as a host': lambda c, _: c.sendall(f'HTTP/1.1 302 x\r\nLocation: http://{SECRETS["header"]}/\r\n\r\n'.encode()),
}
ANSWERS: dict[str, Any] = {fault: answer for fault, (answer, _) in FAULTS.items()} | ECHOES


@pytest.mark.parametrize('answer', ANSWERS)
def test_nothing_secret_is_seen(
    answer: str, serve: Serve, aggregator: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    # Not ours: at its debug level urllib3 logs every request line, of all checks.
    caplog.set_level(logging.INFO, 'urllib3.connectionpool')
    server = serve(ANSWERS[answer])
    check = AwesomeCheck(name='awesome', init_config={}, instances=[instance_of(server)])

    error = check.run()

    assert error == ''
    assert SECRETS['header'].encode() in server.requests[0]
    (result,) = aggregator.service_checks('awesome.search')
    assert result.status in (AwesomeCheck.WARNING, AwesomeCheck.CRITICAL)
    assert [
        secret for secret in LEAKS if secret in f'{result.message} {result.tags} {caplog.text} {capfd.readouterr()}'
    ] == []


def test_nothing_secret_is_in_the_traceback_of_an_unforeseen_error(
    serve: Serve, aggregator: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise LookupError(' '.join(LEAKS))

    monkeypatch.setattr('datadog_checks.awesome.check.read', fail)

    check = AwesomeCheck(name='awesome', init_config={}, instances=[instance_of(serve(response(b'x')))])

    assert check.run() == ''
    assert 'LookupError' in caplog.text
    assert [secret for secret in LEAKS if secret in caplog.text] == []


def test_nothing_secret_is_in_a_configuration_error() -> None:
    check = AwesomeCheck('awesome', {}, [{}])
    options = {
        'search_string': 1,
        'method': 'x',
        'encoding': 'y',
        'password': ['secret'],
        'proxy': 'http://me:secret@p',
    }

    for url in ('http://me:secret@h:x/?secret', 'ftp://me:secret@h/?secret', 'http://me:secret@/'):
        with pytest.raises(Exception, match='url') as error:
            check.check({'url': url, 'headers': {'X-Key': 'secret'}, **options})
        assert 'secret' not in str(error.value)


def test_search_string_stays_readable_even_if_it_is_in_the_query(serve: Serve, aggregator: Any) -> None:
    instance = {'url': f'{serve(response(b"x")).url}?q=datadog', 'search_string': 'datadog agent'}

    AwesomeCheck('awesome', {}, [instance]).check(instance)

    assert "missing 'datadog agent'" in aggregator.service_checks('awesome.search')[0].message


def test_what_is_too_short_or_no_secret_stays_readable(serve: Serve, aggregator: Any) -> None:
    server = serve(response(b'<title>1 text/html page</title>'))
    instance = {'url': f'{server.url}?a=1', 'search_string': 'x y', 'headers': {'Accept': 'text/html'}}

    AwesomeCheck('awesome', {}, [instance]).check(instance)

    assert "title '1 text/html page'" in aggregator.service_checks('awesome.search')[0].message
