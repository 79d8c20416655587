"""Runs one check at a time many thousand times, and tells what its runs leave behind.

    python -m tests.soak [--runs 20000]

A tenth of the runs comes before what is measured. What is dear, a handshake with an authority of one's own and a digest
login, runs a quarter as often. Ends with status 1 if memory grew by more than 1 MiB, if file descriptors, threads or
objects did, or if a ResourceWarning came.
"""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base import AgentCheck
from datadog_checks.base.stubs import aggregator

from .bench_pages import NEEDLE, Pages, serve_pages
from .server import Server, response

MAX_GROWTH = 1024
# What the interpreter itself keeps or drops now and then.
MAX_OBJECTS = 20
STATUSES: list[int] = []


class Left(NamedTuple):
    """What a process holds."""

    kib: int
    file_descriptors: int
    threads: int
    objects: int


class Kind(NamedTuple):
    """A check that runs again and again; `share` of the runs are enough."""

    name: str
    instance: dict[str, Any]
    status: int = AgentCheck.OK
    share: float = 1


def left() -> Left:
    gc.collect()
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    kib = pages * os.sysconf('SC_PAGESIZE') // 1024
    return Left(kib, len(os.listdir('/proc/self/fd')), threading.active_count(), len(gc.get_objects()))


def digest(connection: socket.socket, request: bytes) -> None:
    if b'\r\nAuthorization: Digest' in request:
        connection.sendall(response(NEEDLE.encode()))
    else:
        challenge = 'Digest realm="pages", nonce="once", qop="auth"'
        connection.sendall(response(status='401 Unauthorized', WWW_Authenticate=challenge))


def kinds(pages: Pages, login: str, token: str) -> list[Kind]:
    page = {'url': f'{pages.http}1k.html', 'search_string': NEEDLE}
    reader = {'type': 'file', 'path': token}
    writer = {'type': 'header', 'name': 'Authorization', 'value': 'Bearer <TOKEN>'}
    return [
        Kind('string', page),
        Kind('pattern', page | {'search_string': 'using [a-z]+', 'regex': True}),
        Kind('visible text', page | {'search_in': 'text'}),
        Kind('missing string', page | {'search_string': 'Apache'}, AgentCheck.WARNING),
        Kind('kept connection', page | {'persist_connections': True}),
        Kind('host name', page | {'url': page['url'].replace('127.0.0.1', 'localhost')}),
        Kind('token from a file', page | {'auth_token': {'reader': reader, 'writer': writer}}),
        Kind('nothing listens', page | {'url': 'http://127.0.0.1:1/'}, AgentCheck.CRITICAL),
        Kind(
            'digest login', page | {'url': login, 'auth_type': 'digest', 'username': 'u', 'password': 'p'}, share=1 / 4
        ),
        Kind('HTTPS', page | {'url': f'{pages.https}1k.html', 'tls_ca_cert': pages.bundle}, share=1 / 4),
    ]


def soak(kind: Kind, runs: int, clean: Callable[[], None]) -> bool:
    """Run a check, print what is left behind, and return whether that is nothing."""
    check = AwesomeCheck('awesome', {}, [kind.instance])

    def run(times: int) -> Left:
        for number in range(times):
            assert check.run() == ''
            assert STATUSES.pop() == kind.status
            if number % 100 == 0:
                clean()
        clean()
        return left()

    before, started = run(runs // 10), time.perf_counter()
    after = run(runs)
    seconds = time.perf_counter() - started
    kib, *others, objects = (now - then for now, then in zip(after, before, strict=True))
    print(
        f'{kind.name}: {runs} runs in {seconds:.0f} s, {kib:+} KiB, {others[0]:+} file descriptors,'
        f' {others[1]:+} threads, {objects:+} objects',
        flush=True,
    )
    return kib <= MAX_GROWTH and max(others) <= 0 and objects <= MAX_OBJECTS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=20_000)
    runs = parser.parse_args().runs
    # The stub of the aggregator keeps all that it gets.
    aggregator.submit_metric = lambda *_, **__: None
    aggregator.submit_service_check = lambda _, __, ___, status, *____: STATUSES.append(status)
    with warnings.catch_warnings(record=True) as caught, serve_pages() as pages, Server(digest) as server:
        warnings.simplefilter('always', ResourceWarning)

        def clean() -> None:
            server.wait_until_idle()
            server.requests.clear()

        with NamedTemporaryFile('w', suffix='.token') as token:
            token.write('token')
            token.flush()
            clean_ends = [soak(kind, int(runs * kind.share), clean) for kind in kinds(pages, server.url, token.name)]
    for warning in caught:
        print(warning.message)
    return int(not all(clean_ends) or bool(caught))


if __name__ == '__main__':
    sys.exit(main())
