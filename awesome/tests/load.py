"""Runs 1,000 instances on 4 threads for some minutes, as the Agent does, and tells what it cost.

    python -m tests.load [--minutes 3]

Each instance is due every 15 s. 930 pages are healthy, 30 take a second, 30 are dead (nothing listens), 7 never answer
and 3 trickle a byte now and then, with a `timeout` of 2 s: 30 x 1 s + 10 x 2 s = 50 s of waiting in 4 x 15 s. Ends with
status 1 if a run was late, or if sockets or threads were left behind.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import multiprocessing
import os
import socket
import sys
import threading
import time
from typing import Any

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base.stubs import aggregator

from .server import Answer, Server, response

INTERVAL = 15
THREADS = 4
TIMEOUT = 2
MIX = {'healthy': 930, 'slow': 30, 'dead': 30, 'silent': 7, 'trickling': 3}
BODY = b'<title>page</title>' + b'x' * 1000 + b'nginx'


def slow(connection: socket.socket, _: bytes) -> None:
    time.sleep(1)
    connection.sendall(response(BODY))


def silent(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


def trickling(connection: socket.socket, _: bytes) -> None:
    while True:
        connection.sendall(b'H')
        time.sleep(0.1)


def serve(pipe: Any) -> None:
    """Serve the pages, in a process of its own."""
    paths: dict[str, Answer] = {'/slow': slow, '/silent': silent, '/trickling': trickling}
    with Server(response(BODY), paths) as server:
        pipe.send(server.url)
        while not pipe.poll(10):
            server.requests.clear()
            server.wait_until_idle()


class Scheduler:
    """Runs each check when it is due, on a few threads."""

    def __init__(self, checks: list[AwesomeCheck]) -> None:
        now = time.monotonic()
        self.due = [(now + i * INTERVAL / len(checks), i) for i in range(len(checks))]
        self.checks = checks
        self.lock = threading.Lock()
        self.end = float('inf')
        self.runs = itertools.count()
        self.errors = 0
        self.delay = 0.0

    def work(self) -> None:
        while True:
            with self.lock:
                due, index = self.due[0]
                heapq.heapreplace(self.due, (due + INTERVAL, index))
            if due > self.end:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            self.delay = max(self.delay, time.monotonic() - due)
            self.errors += bool(self.checks[index].run())
            next(self.runs)


def left() -> dict[str, int]:
    with open('/proc/self/statm') as statm:
        rss = int(statm.read().split()[1]) * os.sysconf('SC_PAGESIZE') // 2**20
    return {
        'RSS in MiB': rss,
        'file descriptors': len(os.listdir('/proc/self/fd')),
        'threads': threading.active_count(),
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument('--minutes', type=float, default=3)
    minutes = parser.parse_args().minutes
    # The stub of the aggregator keeps all that it gets.
    aggregator.submit_metric = aggregator.submit_service_check = lambda *_, **__: None
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs,))
    process.start()
    url = ours.recv()
    pages = [kind for kind, count in MIX.items() for _ in range(count)]
    urls = [f'http://127.0.0.1:1/{i}' if kind == 'dead' else f'{url}{kind}' for i, kind in enumerate(pages)]
    instances = [{'url': page, 'search_string': 'nginx', 'timeout': TIMEOUT} for page in urls]
    # Kinds evenly spread over the interval, as an Agent spreads its checks.
    order = sorted(range(len(instances)), key=lambda i: i * 619 % len(instances))
    scheduler = Scheduler([AwesomeCheck('awesome', {}, [instances[i]]) for i in order])
    before_threads = left()['threads']
    scheduler.end = time.monotonic() + minutes * 60
    threads = [threading.Thread(target=scheduler.work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(2 * INTERVAL)
    first, cpu = left(), time.process_time()
    print(f'after two rounds: {first}')
    for thread in threads:
        thread.join()
    last = left()
    runs = next(scheduler.runs)
    per_run = (time.process_time() - cpu) / (runs * (1 - 2 * INTERVAL / (minutes * 60)))
    print(f'at the end: {last}')
    print(
        f'{runs} runs, {scheduler.errors} errors, longest delay {scheduler.delay:.2f} s,'
        f' {per_run * 1e3:.2f} ms of CPU a run'
    )
    ours.send('end')
    process.join()
    late = scheduler.delay > INTERVAL
    grown = last['threads'] > before_threads or last['file descriptors'] > first['file descriptors'] + THREADS
    return int(late or grown or scheduler.errors > 0)


if __name__ == '__main__':
    sys.exit(main())
