"""Faults: whatever a server does, a run ends in time, says why, shows nothing secret, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import gc
import gzip
import json
import logging
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.fault import Fault, Kind, unexpected_status
from datadog_checks.awesome.fetching.dialing import Dialer
from datadog_checks.awesome.reporting.remedies import REMEDIES, remedy

from .answers import (
    CHUNKED,
    GZIP,
    HEAD,
    OPEN,
    TIMEOUT,
    Script,
    flood,
    octets,
    reset,
    send,
    silence,
    trickle,
)
from .catalogue import FAULTS, SLOW, WAITING, table
from .conftest import Result
from .leaks import DOORS, instance_with_secrets, leaks_in
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

OK, WARNING, CRITICAL = AwesomeCheck.OK, AwesomeCheck.WARNING, AwesomeCheck.CRITICAL


def test_catalogue_is_the_one_of_the_documentation() -> None:
    assert table() in (Path(__file__).parent / 'faults.md').read_text()


def test_every_kind_has_a_remedy() -> None:
    assert REMEDIES.keys() == set(Kind)


@pytest.mark.parametrize(
    ('code', 'kind'),
    [
        (200, Kind.STATUS),
        (301, Kind.NOT_FOLLOWED),
        (401, Kind.UNAUTHORIZED),
        (403, Kind.FORBIDDEN),
        (404, Kind.NOT_FOUND),
        (407, Kind.PROXY_UNAUTHORIZED),
        (418, Kind.STATUS),
        (429, Kind.TOO_MANY_REQUESTS),
        (500, Kind.SERVER_ERROR),
        (502, Kind.BAD_GATEWAY),
        (503, Kind.UNAVAILABLE),
        (504, Kind.GATEWAY_TIMEOUT),
    ],
)
def test_kind_of_a_status(code: int, kind: Kind) -> None:
    assert unexpected_status(code, str(code), '').kind is kind


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize('fault', [fault for fault in FAULTS if fault not in SLOW])
def test_fault_is_critical_says_why_and_what_to_do(
    fault: str, door: str, serve: Serve, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer, kind, message = FAULTS[fault]
    instance = instance_with_secrets(serve(answer)) | DOORS[door] | {'timeout': 60, 'method': 'GET', 'data': None}
    check = AwesomeCheck(name='awesome', init_config={}, instances=[instance])

    result = run(check)
    *passed, failed = json.loads(check.get_diagnoses())

    assert (result.status, result.metrics['page.reachable']) == (CRITICAL, 0)
    assert matches(result.message, message)
    assert len(result.message) <= 500 and result.message.isprintable()
    assert {line['result'] for line in passed} <= {0}
    assert (failed['result'], failed['diagnosis']) == (1, result.message)
    assert failed['remediation'] == remedy(Fault(kind, ''), check.options(instance))
    assert leaks_in(f'{result.message} {result.tags} {caplog.text} {passed} {failed}') == []


@pytest.mark.parametrize('fault', SLOW)
def test_fault_that_takes_all_the_time(fault: str, serve: Serve, run: Run) -> None:
    answer, _, message = FAULTS[fault]

    result = run(url=serve(answer).url, search_string='not there', timeout=TIMEOUT)

    assert (result.status, result.message) == (CRITICAL, message)


def matches(message: str, expected: str) -> bool:
    """Tell whether a message is the expected one, of which one that ends in a blank is only the beginning."""
    return message == expected or (expected.endswith(' ') and message.startswith(expected))


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

    assert result.message == f'timeout: gave up after {TIMEOUT:g} s while connecting to 127.0.0.1 port {port}'


def test_second_address_is_tried(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(response(b'nginx'))
    dead, alive = (socket.getaddrinfo('127.0.0.1', port, type=socket.SOCK_STREAM)[0] for port in (1, server.port))
    monkeypatch.setattr(Dialer, 'resolve', lambda *_: [dead, alive])

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
        # Other threads of the process have hosts of their own.
        if host != 'page.example' or kwargs.get('flags') == socket.AI_NUMERICHOST:
            return self._getaddrinfo(host, *args, **kwargs)
        self.asked += 1
        self.answer.wait()
        return self._getaddrinfo('127.0.0.1', *args, **kwargs)


def test_lookup_that_hangs_ends_with_the_run_and_is_not_doubled(
    serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = StuckResolver(monkeypatch)
    server = serve(response(b'nginx'))
    url = f'http://page.example:{server.port}/'
    check = AwesomeCheck('awesome', {}, [{'url': url, 'search_string': 'nginx', 'timeout': TIMEOUT}])
    threads = threading.active_count()

    messages = {run(check).message for _ in range(3)}

    assert messages == {f'timeout: gave up after {TIMEOUT:g} s while looking up page.example'}
    assert resolver.asked == 1
    # Or as many as before, one of which waited for a call.
    assert threading.active_count() <= threads + 1
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


def test_cancel_ends_a_lookup(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = StuckResolver(monkeypatch)
    check = AwesomeCheck('awesome', {}, [{'url': 'http://page.example/', 'search_string': 'a', 'timeout': 600}])

    assert cancelled(check, run, until=lambda: bool(resolver.asked)).status == AwesomeCheck.UNKNOWN
    resolver.answer.set()


def test_cancel_that_comes_before_a_run_ends_it_and_no_other(serve: Serve, run: Run) -> None:
    check = AwesomeCheck('awesome', {}, [{'url': serve(response(b'nginx')).url, 'search_string': 'nginx'}])

    check.cancel()

    assert [run(check).status for _ in range(2)] == [AwesomeCheck.UNKNOWN, OK]


def cancelled(check: AwesomeCheck, run: Run, until: Callable[[], bool]) -> Result:
    """Run a check, cancel it once `until` holds, and return its result; fail if it does not end by far."""
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(run(check)))
    thread.start()
    while not until():
        time.sleep(0.01)
    check.cancel()
    thread.join(30)
    assert not thread.is_alive(), vars(check.probe.fetcher.deadline)
    return results[0]


def test_thousand_runs_leave_nothing_behind(serve: Serve, run: Run) -> None:
    pages = [
        response(b'nginx'),
        response(b'x' * 200_000),
        *(FAULTS[fault].answer for fault in ('breaks off', 'corrupts gzip')),
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
    tracemalloc.start(25)

    for check in checks * 125:
        run(check)

    server.requests.clear()
    server.wait_until_idle()
    gc.collect()
    files, threads = left()
    assert files == before[0]
    # Those of earlier tests that waited for a call may have ended.
    assert threads <= before[1]
    # What passes through the package: plugins of the test runner have threads of their own.
    ours = tracemalloc.Filter(True, '*/datadog_checks/awesome/*', all_frames=True)
    traces = tracemalloc.take_snapshot().filter_traces([ours])
    tracemalloc.stop()
    assert sum(statistic.size for statistic in traces.statistics('filename')) < 200_000


def test_run_after_an_unforeseen_error_starts_clean(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    check = AwesomeCheck('awesome', {}, [{'url': serve(response(b'nginx')).url, 'search_string': 'nginx'}])
    with monkeypatch.context() as patch:
        patch.setattr('datadog_checks.awesome.probe.read', lambda *_: 1 / 0)
        assert run(check).status == CRITICAL

    assert run(check).status == OK
