"""The catalogue of faults: what a server may do, and what the run says of it. It is also a table in DEVELOPERS.md."""

from __future__ import annotations

import contextlib
import gc
import gzip
import itertools
import os
import random
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.deadline import Deadline

from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]
Script = Callable[[socket.socket, bytes], None]

OK, WARNING, CRITICAL = AwesomeCheck.OK, AwesomeCheck.WARNING, AwesomeCheck.CRITICAL
HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n'
CHUNKED = HEAD + b'Transfer-Encoding: chunked\r\n\r\n'
OPEN = HEAD + b'\r\n'
# For the runs that end with it only, in seconds: short, so that the suite is quick, and long enough that a slow machine
# gets as far as the message says.
TIMEOUT = 1


def send(*parts: bytes) -> Script:
    """Send parts, then close."""
    return lambda connection, _: connection.sendall(b''.join(parts))


def trickle(start: bytes, then: Iterable[bytes]) -> Script:
    """Send `start`, then a little now and then, for ever: never silent for as long as the timeout."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        for piece in itertools.cycle(then):
            connection.sendall(piece)
            time.sleep(TIMEOUT / 20)

    return answer


def flood(start: bytes, then: bytes) -> Script:
    """Send `start`, then the same as fast as it is taken, for ever."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(then)

    return answer


def silence(connection: socket.socket, _: bytes) -> None:
    """Answer nothing until the client hangs up."""
    connection.recv(1)


def silence_after(start: bytes) -> Script:
    """Send `start`, then nothing until the client hangs up."""

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(start)
        silence(connection, request)

    return answer


def reset(*parts: bytes) -> Script:
    """Send parts, then end the connection with a reset."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b''.join(parts))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        connection.close()

    return answer


def redirect(location: str, status: str = '302 Found') -> bytes:
    return response(b'', status, Location=location)


def octets(text: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in text]


WAITING = f'timeout: {TIMEOUT:g} s were over while waiting for the response'
READING = f'timeout: {TIMEOUT:g} s were over while reading the page'
TOO_MANY_HEADERS = 'status: more than 256 KiB of headers'
GZIP = HEAD + b'Content-Encoding: gzip\r\n\r\n'

FAULTS: dict[str, tuple[Script | bytes, str]] = {
    # Before the response
    'closes without an answer': (send(), 'status: the server closed the connection without a response'),
    'resets without an answer': (reset(), 'status: connection reset by peer before the response'),
    'is silent': (silence, WAITING),
    'trickles the status line': (trickle(b'', octets(b'HTTP/1.1 200 OK')), WAITING),
    'trickles a header': (trickle(HEAD, octets(b'x')), WAITING),
    'trickles header lines': (trickle(HEAD, [b'X-A: b\r\n']), WAITING),
    'trickles interim responses': (trickle(b'', [b'HTTP/1.1 102 Processing\r\n\r\n']), WAITING),
    'floods with headers': (flood(HEAD, b'X-A: b\r\n' * 50), 'status: not an HTTP response: got more than 100 headers'),
    'floods with one header': (
        flood(HEAD + b'X: ', b'x' * 9000),
        'status: not an HTTP response: got more than 65536 bytes when reading header line',
    ),
    'floods with long headers': (flood(HEAD, b'X: ' + b'x' * 60_000 + b'\r\n'), TOO_MANY_HEADERS),
    'floods with continue': (flood(b'', b'HTTP/1.1 100 Continue\r\n\r\n'), TOO_MANY_HEADERS),
    'floods with early hints': (flood(b'', b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'), TOO_MANY_HEADERS),
    'floods with a status line': (
        flood(b'HTTP/1.1 200 ', b'x' * 9000),
        'status: not an HTTP response: got more than 65536 bytes when reading status line',
    ),
    'speaks another protocol': (
        send(b'SSH-2.0-OpenSSH_9.2\r\n'),
        "status: not an HTTP response: 'SSH-2.0-OpenSSH_9.2\\r\\n'",
    ),
    'speaks HTTP/0.9': (send(b'<html>\n'), "status: not an HTTP response: '<html>\\n'"),
    'speaks TLS': (send(b'\x15\x03\x01\x00\x02\x02F'), 'status: the server speaks TLS on this port: use https'),
    'has no status code': (send(b'HTTP/1.1 OK\r\n\r\n'), "status: not an HTTP response: 'HTTP/1.1 OK\\r\\n'"),
    'has a status code that is none': (
        send(b'HTTP/1.1 99 x\r\n\r\n'),
        "status: not an HTTP response: 'HTTP/1.1 99 x\\r\\n'",
    ),
    'has two lengths': (
        send(HEAD + b'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
        'status: not an HTTP response: Content-Length contained multiple unmatching values (1, 2)',
    ),
    # Status
    'is out of order': (response(b'nginx', '503 Oops'), 'status: 503 Service Unavailable'),
    'has an unknown status': (response(b'nginx', '599 Oops'), 'status: 599'),
    'floods with an error page': (flood(b'HTTP/1.1 500 x\r\n\r\n', b'x' * 65536), 'status: 500 Internal Server Error'),
    # Redirects
    'redirects in a circle': (redirect('/'), 'redirect: more than 10 in a row'),
    'redirects to a file': (redirect('file:///etc/passwd'), 'redirect: to a URL without a valid host and port'),
    'redirects to another protocol': (
        redirect('gopher://localhost/'),
        "redirect: to a URL that is 'gopher', neither http nor https",
    ),
    'redirects to a bad port': (
        redirect('http://localhost:70000/'),
        'redirect: to a URL without a valid host and port',
    ),
    'redirects to nowhere': (redirect('http://127.0.0.1:1/'), 'connect: connection refused by 127.0.0.1 port 1'),
    'redirects to an unknown host': (
        redirect('http://host.invalid/'),
        'DNS: host.invalid: name or service not known',
    ),
    'redirects to a host that is none': (
        redirect(f'http://{"a" * 64}.example/'),
        f'DNS: {"a" * 64}.example: not a valid host name',
    ),
    'redirects with an endless body': (
        flood(b'HTTP/1.1 302 x\r\nLocation: /\r\n\r\n', b'x' * 65536),
        'redirect: more than 10 in a row',
    ),
    # Body
    'breaks off': (
        send(HEAD + b'Content-Length: 100000\r\n\r\n', b'x' * 5000),
        'body: it broke off after 5000 of 100000 bytes',
    ),
    'breaks off in a chunk': (send(CHUNKED + b'10\r\nabc'), 'body: it broke off after 3 bytes'),
    'breaks off between chunks': (send(CHUNKED + b'3\r\nabc\r\n'), 'body: it broke off after 3 bytes'),
    'resets in the body': (reset(HEAD + b'Content-Length: 9\r\n\r\n'), 'body: it broke off after 0 of 9 bytes'),
    'has a bad chunk size': (send(CHUNKED + b'zz\r\nabc\r\n'), 'body: it broke off after 0 bytes'),
    'has a negative chunk size': (send(CHUNKED + b'-5\r\nabc\r\n'), 'body: it broke off after 5 bytes'),
    'has an endless chunk size': (flood(CHUNKED, b'0' * 9000), 'body: it broke off after 0 bytes'),
    'is silent in the body': (silence_after(OPEN), READING),
    'trickles the body': (trickle(OPEN, [b'x']), READING),
    'trickles chunks': (trickle(CHUNKED, [b'1\r\nx\r\n']), READING),
    'trickles a chunk size': (trickle(CHUNKED, [b'0']), READING),
    'truncates gzip': (send(GZIP, gzip.compress(os.urandom(9000))[:-9]), 'body: its gzip data ends too early'),
    'corrupts gzip': (send(GZIP, gzip.compress(b'x')[:10] + b'\xff' * 99), 'body: it is not valid gzip data'),
    'sends text as gzip': (send(GZIP, b'text'), 'body: it is not valid gzip data'),
    'compresses twice': (
        send(HEAD + b'Content-Encoding: gzip, gzip\r\n\r\n'),
        "body: its Content-Encoding is 'gzip, gzip', neither gzip nor deflate",
    ),
    'sends random bytes': (send(random.Random(1).randbytes(100)), 'status: not an HTTP response: '),
}


def table() -> str:
    """Give the catalogue as a table in Markdown."""
    rows = [f'| {fault} | CRITICAL | `{message.replace("|", "&#124;")}` |' for fault, (_, message) in FAULTS.items()]
    return '\n'.join(['| The server ... | Verdict | Message |', '| --- | --- | --- |', *rows])


def test_catalogue_is_the_one_of_the_documentation() -> None:
    assert table() in (Path(__file__).parents[2] / 'DEVELOPERS.md').read_text()


@pytest.mark.parametrize('fault', FAULTS)
def test_fault_is_critical_and_says_why(fault: str, serve: Serve, run: Run) -> None:
    answer, message = FAULTS[fault]

    timeout = TIMEOUT if message.startswith('timeout') else 60
    result = run(url=serve(answer).url, search_string='not there', timeout=timeout)

    assert result.status == CRITICAL
    assert result.message == message or (message.endswith(': ') and result.message.startswith(message))
    assert result.metrics['page.reachable'] == 0
    assert len(result.message) <= 500
    assert result.message.isprintable()


@pytest.mark.parametrize(
    'answer',
    [
        pytest.param(send(CHUNKED + b'5\r\nnginx\r\n'), id='breaks off'),
        pytest.param(send(CHUNKED + b'5\r\nnginx\r\nzz\r\n'), id='has a bad chunk size'),
        pytest.param(reset(HEAD + b'Content-Length: 9\r\n\r\nnginx'), id='resets'),
        pytest.param(trickle(response(Content_Length=''), octets(b'nginx')), id='trickles'),
        pytest.param(send(GZIP, gzip.compress(b'nginx' + os.urandom(9000))[:-9]), id='truncates gzip'),
    ],
)
@pytest.mark.parametrize('search_in', ['source', 'text'])
def test_rules_that_were_decided_before_a_fault_count(answer: Script, search_in: str, serve: Serve, run: Run) -> None:
    assert run(url=serve(answer).url, search_string='nginx', search_in=search_in, timeout=3).status == OK


def test_interim_responses_are_skipped(serve: Serve, run: Run) -> None:
    interim = b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'

    result = run(url=serve(interim + response(b'nginx')).url, search_string='nginx')

    assert (result.status, result.metrics['page.status_code']) == (OK, 200)


def test_nothing_listens(run: Run) -> None:
    assert (
        run(url='http://127.0.0.1:1/', search_string='a').message == 'connect: connection refused by 127.0.0.1 port 1'
    )


def test_unknown_host(run: Run) -> None:
    result = run(url='http://host.invalid/', search_string='a')

    assert result.message == 'DNS: host.invalid: name or service not known'


def test_host_that_takes_no_connection(run: Run) -> None:
    with socket.create_server(('127.0.0.1', 0), backlog=0) as full, contextlib.ExitStack() as stack:
        # A full queue of connections that nobody accepts: the next ones get no answer.
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        port = full.getsockname()[1]

        result = run(url=f'http://127.0.0.1:{port}/', search_string='a', timeout=TIMEOUT)

    assert result.message == f'timeout: {TIMEOUT:g} s were over while connecting to 127.0.0.1 port {port}'


def test_second_address_is_tried(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(response(b'nginx'))
    dead, alive = (socket.getaddrinfo('127.0.0.1', port, type=socket.SOCK_STREAM)[0] for port in (1, server.port))
    monkeypatch.setattr(Deadline, 'resolve', lambda *_: [dead, alive])

    assert run(url=server.url, search_string='nginx').status == OK


@pytest.mark.parametrize('option', ['connect_timeout', 'read_timeout'])
def test_timeout_of_a_step_only_shortens(option: str, serve: Serve, run: Run) -> None:
    server = serve(silence)

    assert run(url=server.url, search_string='a', timeout=TIMEOUT, **{option: 60}).message == WAITING
    if option == 'read_timeout':
        assert run(url=server.url, search_string='a', timeout=60, read_timeout=TIMEOUT).message == WAITING


def test_shared_timeout_holds_where_an_instance_has_none(serve: Serve, run: Run) -> None:
    instance = {'url': serve(silence).url, 'search_string': 'a'}

    assert run(AwesomeCheck('awesome', {'timeout': TIMEOUT}, [instance])).message == WAITING


class StuckResolver:
    """A getaddrinfo that answers when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer = threading.Event()
        self.asked = 0
        self._getaddrinfo = socket.getaddrinfo
        monkeypatch.setattr(socket, 'getaddrinfo', self)

    def __call__(self, host: str, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get('flags') == socket.AI_NUMERICHOST:
            return self._getaddrinfo(host, *args, **kwargs)
        self.asked += 1
        self.answer.wait()
        return self._getaddrinfo('127.0.0.1', *args, **kwargs)


def test_look_up_that_hangs_ends_with_the_run_and_is_not_doubled(
    serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = StuckResolver(monkeypatch)
    server = serve(response(b'nginx'))
    url = f'http://page.example:{server.port}/'
    check = AwesomeCheck('awesome', {}, [{'url': url, 'search_string': 'nginx', 'timeout': TIMEOUT}])
    threads = threading.active_count()

    messages = {run(check).message for _ in range(3)}

    assert messages == {f'timeout: {TIMEOUT:g} s were over while looking up page.example'}
    assert (resolver.asked, threading.active_count()) == (1, threads + 1)
    resolver.answer.set()
    assert run(check).status == OK


@pytest.mark.parametrize(
    'answer',
    [
        pytest.param(silence, id='waiting for the response'),
        pytest.param(trickle(HEAD, [b'X: y\r\n']), id='headers'),
        pytest.param(flood(OPEN, b'x' * 65536), id='body'),
        pytest.param(flood(HEAD + b'Content-Encoding: gzip\r\n\r\n', gzip.compress(bytes(10**7))), id='gzip'),
    ],
)
def test_cancel_ends_a_run_at_once(answer: Script, serve: Serve, run: Run) -> None:
    server = serve(answer)
    instance = {'url': f'{server.url}mine', 'search_string': 'not there', 'timeout': 600, 'max_body_size': 2**40}
    check = AwesomeCheck('awesome', {}, [instance])

    result = cancelled(check, run, until=lambda: any(b'GET /mine' in request for request in server.requests))

    assert (result.status, result.message, result.metrics) == (AwesomeCheck.UNKNOWN, 'the run was cancelled', {})


def test_cancel_ends_a_look_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = StuckResolver(monkeypatch)
    check = AwesomeCheck('awesome', {}, [{'url': 'http://page.example/', 'search_string': 'a', 'timeout': 600}])

    assert cancelled(check, run, until=lambda: bool(resolver.asked)).status == AwesomeCheck.UNKNOWN
    resolver.answer.set()


def test_cancel_before_the_first_run_does_nothing(serve: Serve, run: Run) -> None:
    check = AwesomeCheck('awesome', {}, [{'url': serve(response(b'nginx')).url, 'search_string': 'nginx'}])

    check.cancel()

    assert run(check).status == OK


def cancelled(check: AwesomeCheck, run: Run, until: Callable[[], bool]) -> Result:
    """Run a check, cancel it once `until` holds, and give its result; fail if it does not end by far."""
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(run(check)))
    thread.start()
    while not until():
        time.sleep(0.01)
    check.cancel()
    thread.join(30)
    assert not thread.is_alive(), vars(check.fetcher.deadline)
    return results[0]


def test_thousand_runs_leave_nothing_behind(serve: Serve, run: Run) -> None:
    pages = [
        response(b'nginx'),
        response(b'x' * 200_000),
        *(FAULTS[fault][0] for fault in ('breaks off', 'corrupts gzip')),
    ]
    server = serve(response(b''), {f'/{i}': page for i, page in enumerate(pages)})
    checks = [
        AwesomeCheck('awesome', {}, [{'url': f'{server.url}{i}', 'search_string': 'nginx', 'search_in': where}])
        for i in range(len(pages))
        for where in ('source', 'text')
    ]

    def left() -> tuple[int, int]:
        return len(os.listdir('/proc/self/fd')), threading.active_count()

    for check in checks * 2:
        run(check)
    server.wait_until_idle()
    before = left()
    tracemalloc.start()

    for check in checks * 125:
        run(check)

    server.requests.clear()
    server.wait_until_idle()
    gc.collect()
    assert left() == before
    # The measuring of coverage keeps something of each thread of the server.
    traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, '*/coverage/*')])
    tracemalloc.stop()
    assert sum(statistic.size for statistic in traces.statistics('filename')) < 200_000


def test_run_after_an_unforeseen_error_starts_clean(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    check = AwesomeCheck('awesome', {}, [{'url': serve(response(b'nginx')).url, 'search_string': 'nginx'}])
    with monkeypatch.context() as patch:
        patch.setattr('datadog_checks.awesome.check.read', lambda *_: 1 / 0)
        assert run(check).status == CRITICAL

    assert run(check).status == OK
