"""Compares what a run costs with what its peers cost, on the same pages, and with the targets of the design.

    python -m tests.compare [--rounds 30]

Each round runs every subject, in changing order, so that whatever disturbs the machine disturbs all. CPU is that of the
process that does the work: this one, or blackbox_exporter's, or that of the plugin that was started. Memory is what the
peak of a fresh process grows by.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import requests

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.reading.read import visible_text
from datadog_checks.base import AgentCheck
from datadog_checks.base.checks import base

from .bench_pages import GIB, KIB, MIB, NEEDLE, Pages, serve_pages, text, wait_for
from .plain_check import PlainCheck

Run = Callable[[], None]
# For the CPU of another process: what it has used so far, in seconds.
Clock = Callable[[], float]

NODES = ('127.0.0.1', '127.0.0.2', '127.0.0.3')
PLUGINS = Path('/usr/lib/nagios/plugins')
PEERS = {
    'blackbox_exporter': 'prometheus-blackbox-exporter',
    'check_http': 'monitoring-plugins-basic',
    'check_curl': 'monitoring-plugins-basic liburiparser1',
}


class Sink:
    """Takes what a check submits, and costs nothing, as the Agent's own functions nearly do."""

    GAUGE = 0
    status: int | None = None
    size: float | None = None

    def submit_metric(self, check: Any, check_id: str, kind: int, name: str, value: float, *_: Any) -> None:
        if name == 'awesome.page.size':
            self.size = value

    def submit_service_check(self, check: Any, check_id: str, name: str, status: int, *_: Any) -> None:
        self.status = status


SINK = Sink()


@dataclass
class Subject:
    """Something that looks for the needle in a page, and what each of its runs took, in seconds."""

    name: str
    run: Run
    clock: Clock = time.process_time
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def measure(self, runs: int) -> None:
        """Run some times, and note what one of them took."""
        cpu, wall = self.clock(), time.perf_counter()
        for _ in range(runs):
            self.run()
        self.cpu.append((self.clock() - cpu) / runs)
        self.wall.append((time.perf_counter() - wall) / runs)


def run_of(check_class: type[AgentCheck], **instance: Any) -> Run:
    """Return a run of a check, as the Agent does it; it fails if the needle is not found."""
    check = check_class(name='awesome', init_config={}, instances=(instance,))

    def run() -> None:
        SINK.status = None
        error = check.run()
        assert (error, SINK.status) == ('', AgentCheck.OK), error

    return run


def floor(url: str, context: ssl.SSLContext | None = None) -> Run:
    """Return the least that a client in Python can do: the standard library's, without a thought."""
    parts = urlsplit(url)

    def run() -> None:
        if context:
            connection: HTTPConnection = HTTPSConnection(parts.netloc, context=context)
        else:
            connection = HTTPConnection(parts.netloc)
        connection.request('GET', parts.path)
        assert NEEDLE.encode() in connection.getresponse().read()
        connection.close()

    return run


class Blackbox:
    """A running blackbox_exporter."""

    def __init__(self, address: str, pid: int) -> None:
        self._address, self._pid = address, pid
        # Kept, as Prometheus keeps them: a probe on a new one costs it a tenth more.
        self._idle: list[HTTPConnection] = []

    def probe(self, target: str) -> Run:
        query = urlencode({'target': target, 'module': urlsplit(target).scheme})

        def run() -> None:
            connection = self._idle.pop() if self._idle else HTTPConnection(self._address)
            connection.request('GET', f'/probe?{query}')
            assert b'\nprobe_success 1\n' in connection.getresponse().read()
            self._idle.append(connection)

        return run

    def close(self) -> None:
        for connection in self._idle:
            connection.close()

    def cpu(self) -> float:
        tasks = Path(f'/proc/{self._pid}/task').glob('*/schedstat')
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def blackbox(bundle: str) -> Iterator[Blackbox | None]:
    """Start a blackbox_exporter that looks for the needle; None where there is none."""
    if not is_installed('blackbox_exporter'):
        yield None
        return
    http = {'fail_if_body_not_matches_regexp': [NEEDLE], 'preferred_ip_protocol': 'ip4'}
    modules = {scheme: {'prober': 'http', 'http': http} for scheme in ('http', 'https')}
    # As fast as it can be: it reads a `ca_file` in every probe, but the store of the process once, and one thread of Go
    # for one probe at a time spares it the coordination of several.
    environment = os.environ | {'SSL_CERT_FILE': bundle, 'SSL_CERT_DIR': '/nonexistent', 'GOMAXPROCS': '1'}
    with TemporaryDirectory() as directory:
        configuration = Path(directory) / 'blackbox.yml'
        # JSON is YAML too.
        configuration.write_text(json.dumps({'modules': modules}))
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        address = f'127.0.0.1:{port}'
        arguments = [f'--config.file={configuration}', f'--web.listen-address={address}', '--log.level=error']
        command = [PEERS['blackbox_exporter'], *arguments]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
            try:
                wait_for(port)
                with closing(Blackbox(address, process.pid)) as peer:
                    yield peer
            finally:
                process.terminate()


def plugin(name: str, url: str) -> Run | None:
    """Return a run of a monitoring plugin; None where there is none."""
    if not is_installed(name):
        return None
    parts = urlsplit(url)
    arguments = ['-I', '127.0.0.1', '-p', str(parts.port), '-u', parts.path, '-s', NEEDLE]
    arguments += ['-S'] if parts.scheme == 'https' else []

    def run() -> None:
        subprocess.run([PLUGINS / name, *arguments], check=True, stdout=subprocess.DEVNULL)

    return run


def is_installed(peer: str) -> bool:
    if peer == 'blackbox_exporter':
        return bool(shutil.which(PEERS[peer]))
    try:
        # 127: a library that the package only suggests is not there.
        return subprocess.run([PLUGINS / peer, '--version'], check=False, capture_output=True).returncode != 127
    except FileNotFoundError:
        return False


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Reader(HTMLParser):
    """The visible text by the standard library's parser, as one would write it first."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in ('script', 'style')

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ('script', 'style')

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data)

    def read(self, page: str) -> str:
        self.feed(page)
        self.close()
        return ' '.join(''.join(self.text).split())


def plain_pattern(url: str, pattern: str) -> None:
    assert re.search(pattern, requests.get(url, timeout=10).text)


def interleave(title: str, subjects: list[Subject], rounds: int, runs: int) -> dict[str, Subject]:
    """Measure all subjects in turn, print what they took and give them by name."""
    print(f'\n### {title}\n\n| who | CPU a run, ms | wall a run, ms |\n| --- | ---: | ---: |')
    for subject in subjects:
        subject.run()
    order = random.Random(1)
    for _ in range(rounds):
        # In another order each time: whoever comes after a large one finds the caches empty.
        for subject in order.sample(subjects, len(subjects)):
            subject.measure(runs)
    for subject in subjects:
        print(f'| {subject.name} | {_spread(subject.cpu)} | {_spread(subject.wall)} |')
    return {subject.name: subject for subject in subjects}


def _spread(seconds: list[float]) -> str:
    middle, least, most = (plain(value * 1e3) for value in (statistics.median(seconds), min(seconds), max(seconds)))
    return f'{middle} ({least} to {most})'


def plain(number: float) -> str:
    """Return a number with three digits that count: 0.0123, 1.23, 1,230."""
    if number == 0:
        return '0'
    decimals = max(2 - math.floor(math.log10(abs(number))), 0)
    return f'{number:,.{decimals}f}'


def ratio(one: list[float], other: list[float]) -> float:
    return statistics.median(one) / statistics.median(other)


class Targets:
    """The targets of the design, and what was measured of each."""

    def __init__(self) -> None:
        self._rows: list[str] = []

    def add(self, work: str, measured: float, must: float, reach: float, unit: str = '') -> None:
        met = 'reached' if measured <= reach else 'met' if measured <= must else 'not met'
        figures = (f'{plain(value)}{unit}' for value in (measured, must, reach))
        self._rows.append(f'| {work} | {" | ".join(figures)} | {met} |')

    def show(self) -> None:
        print('\n### Targets\n\n| work | measured | must | reach for | |\n| --- | ---: | ---: | ---: | --- |')
        print('\n'.join(self._rows))


def compare_small(pages: Pages, peer: Blackbox | None, targets: Targets, rounds: int) -> None:
    url, secure = f'{pages.http}1k.html', f'{pages.https}1k.html'
    options = {'search_string': NEEDLE}
    context = ssl.create_default_context()
    of_http = [
        Subject('this check', run_of(AwesomeCheck, url=url, **options)),
        Subject('this check, persist_connections', run_of(AwesomeCheck, url=url, persist_connections=True, **options)),
        Subject('plain implementation', run_of(PlainCheck, url=url, **options)),
        Subject('http.client', floor(url)),
    ]
    of_https = [
        Subject('this check', run_of(AwesomeCheck, url=secure, **options)),
        # requests has a store of its own.
        Subject('plain implementation', run_of(PlainCheck, url=secure, tls_ca_cert=pages.bundle, **options)),
        Subject('http.client, cached context', floor(secure, context)),
    ]
    for subjects, target in ((of_http, url), (of_https, secure)):
        if peer:
            subjects.append(Subject('blackbox_exporter', peer.probe(target), peer.cpu))
        for name in ('check_http', 'check_curl'):
            if run := plugin(name, target):
                subjects.append(Subject(name, run, children_cpu))
    http = interleave('1 KB over HTTP', of_http, rounds, 10)
    https = interleave('1 KB over HTTPS', of_https, rounds, 10)
    check, simple = http['this check'].cpu, http['plain implementation'].cpu
    persistent, secured = http['this check, persist_connections'].cpu, https['this check'].cpu
    floor_plain, floor_secure = http['http.client'].cpu, https['http.client, cached context'].cpu
    targets.add('1 KB, HTTP: CPU of the plain implementation', ratio(check, simple), 0.55, 0.40)
    targets.add('1 KB, HTTP: CPU of `http.client`', ratio(check, floor_plain), 1.9, 1.5)
    if peer:
        targets.add('1 KB, HTTP: CPU of blackbox_exporter', ratio(check, http['blackbox_exporter'].cpu), 0.9, 0.7)
    targets.add(
        '1 KB, HTTPS: CPU of the plain implementation', ratio(secured, https['plain implementation'].cpu), 0.065, 0.058
    )
    targets.add('1 KB, HTTPS: CPU of `http.client`', ratio(secured, floor_secure), 1.3, 1.15)
    if peer:
        targets.add('1 KB, HTTPS: CPU of blackbox_exporter', ratio(secured, https['blackbox_exporter'].cpu), 1.25, 1.05)
    targets.add(
        '1 KB, HTTP, `persist_connections`: CPU of the plain implementation', ratio(persistent, simple), 0.45, 0.33
    )


def compare_large(pages: Pages, targets: Targets, rounds: int) -> None:
    url, start = f'{pages.http}10m.html', f'{pages.http}10m-start.html'
    options: dict[str, Any] = {'max_body_size': 2 * GIB}
    required = [NEEDLE, 'page', '<title>', 'length', '</p>']
    forbidden = ['Apache', 'Traceback', 'Fatal error', '502 Bad Gateway', 'Sorry']
    pattern = r'using [a-z]{5}\.'
    early = interleave(
        '10 MB, the string at the start',
        [
            Subject('this check', run_of(AwesomeCheck, url=start, search_string=NEEDLE, **options)),
            Subject('plain implementation', run_of(PlainCheck, url=start, search_string=NEEDLE)),
        ],
        rounds // 3,
        2,
    )
    several = {'search_string': required, 'forbidden_string': forbidden}
    late = interleave(
        '10 MB, the string at the end',
        [
            Subject('this check', run_of(AwesomeCheck, url=url, search_string=NEEDLE, **options)),
            Subject('this check, 5 required, 5 forbidden', run_of(AwesomeCheck, url=url, **several, **options)),
            Subject('this check, regex', run_of(AwesomeCheck, url=url, search_string=pattern, regex=True, **options)),
            Subject('plain implementation', run_of(PlainCheck, url=url, search_string=NEEDLE)),
            Subject('plain implementation, re.search', partial(plain_pattern, url, pattern)),
        ],
        rounds // 3,
        1,
    )
    check, simple = late['this check'].cpu, late['plain implementation'].cpu
    growth, _ = memory('check', url)
    targets.add(
        '10 MB, string at the start: wall time of the plain implementation',
        ratio(early['this check'].wall, early['plain implementation'].wall),
        0.04,
        0.03,
    )
    targets.add('the same: MB read', read_of(start) / 1e6, 1, 1)
    targets.add('10 MB, string at the end: CPU of the plain implementation', ratio(check, simple), 0.25, 0.2)
    targets.add('the same: memory growth', growth, 4, 1, ' MB')
    targets.add(
        'five required and five forbidden strings, 10 MB: CPU of one string',
        ratio(late['this check, 5 required, 5 forbidden'].cpu, check),
        2,
        1.5,
    )
    targets.add(
        'regular expression, 10 MB: CPU of reading it all and `re.search`',
        ratio(late['this check, regex'].cpu, late['plain implementation, re.search'].cpu),
        0.5,
        0.3,
    )


def compare_further(pages: Pages, targets: Targets, rounds: int) -> None:
    """Rules about headers and JSON, and values."""
    small, document = f'{pages.http}1k.html', f'{pages.http}100k.json'
    headers = {'Content-Type': 'charset=utf-8', 'ETag': ''}
    values = {'length': 'some {number}', 'lines': {'count': '<p>'}, 'bold': {'count': '<b>'}}
    expressions = ["status == 'UP'", 'queue.waiting > `100`', 'length(errors) == `0`']
    further = {'search_header': headers, 'values': values}
    subjects = interleave(
        'Headers, JSON, and values',
        [
            Subject('1 KB', run_of(AwesomeCheck, url=small, search_string=NEEDLE)),
            Subject('1 KB, 2 headers, 3 values', run_of(AwesomeCheck, url=small, search_string=NEEDLE, **further)),
            Subject('100 KB of JSON, 3 expressions', run_of(AwesomeCheck, url=document, search_json=expressions)),
        ],
        rounds,
        10,
    )
    plain_run, rich_run = subjects['1 KB'].cpu, subjects['1 KB, 2 headers, 3 values'].cpu
    milliseconds = statistics.median(subjects['100 KB of JSON, 3 expressions'].cpu) * 1e3
    targets.add('two header rules and three values, 1 KB: CPU of a run without', ratio(rich_run, plain_run), 1.25, 1.15)
    targets.add('three expressions, 100 KB of JSON: CPU', milliseconds, 3, 2, ' ms')


def read_of(url: str) -> float:
    """Return the bytes that the check reads of a page."""
    run_of(AwesomeCheck, url=url, search_string=NEEDLE)()
    return SINK.size or 0


def compare_huge(pages: Pages, targets: Targets) -> None:
    """1 GB: once each, in processes of their own."""
    url = f'{pages.http}1g.html'
    print('\n### 1 GB, the string at the end\n\n| who | CPU, s | memory growth, MB |\n| --- | --- | --- |')
    growth, cpu = memory('check', url)
    print(f'| this check | {cpu:.2f} | {growth:.1f} |')
    available = int(re.search(r'MemAvailable: *(\d+)', Path('/proc/meminfo').read_text())[1]) * KIB  # type: ignore[index]
    if available < 4 * GIB:
        print(f'| plain implementation | not run: it takes 4 GB, {available // MIB} MB are there | |')
        return
    plain_growth, plain_cpu = memory('plain', url)
    print(f'| plain implementation | {plain_cpu:.2f} | {plain_growth:.0f} |')
    targets.add('1 GB, string at the end: CPU of the plain implementation', cpu / plain_cpu, 0.10, 0.08)
    targets.add('the same: memory growth', growth, 8, 2, ' MB')


def compare_memory(pages: Pages) -> None:
    print(
        '\n### Memory: by how many MB a run makes the peak of a fresh process grow\n\n| who | 1 KB | 100 KB | 10 MB |'
    )
    print('| --- | --- | --- | --- |')
    for name, kind in {'this check': 'check', 'plain implementation': 'plain', 'http.client': 'floor'}.items():
        grown = [f'{memory(kind, f"{pages.http}{size}.html")[0]:.1f}' for size in ('1k', '100k', '10m')]
        print(f'| {name} | {" | ".join(grown)} |')


@cache
def memory(kind: str, url: str) -> tuple[float, float]:
    """Return by how many MB the memory of a fresh process grows in a run at most, and the CPU of the run in seconds.

    It is measured once, so that two tables say the same.
    """
    command = [sys.executable, '-m', 'tests.compare', '--memory', kind, url]
    growth, cpu = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return growth, cpu


def measure_memory(kind: str, url: str) -> None:
    """Print what `memory` returns: the peak is reset before the run, after one on a small page."""
    options = {'search_string': NEEDLE}
    make = {
        'check': lambda page: run_of(AwesomeCheck, url=page, max_body_size=2 * GIB, timeout=600, **options),
        'plain': lambda page: run_of(PlainCheck, url=page, **options),
        'floor': floor,
    }[kind]
    make(url.replace(url.rpartition('/')[2], '1k.html'))()
    run = make(url)
    Path('/proc/self/clear_refs').write_text('5')
    before, cpu = _kib('VmRSS'), time.process_time()
    run()
    print(json.dumps([(_kib('VmHWM') - before) * KIB / 1e6, time.process_time() - cpu]))


def _kib(name: str) -> int:
    return int(re.search(rf'{name}:\s*(\d+)', Path('/proc/self/status').read_text())[1])  # type: ignore[index]


def require(text: str) -> None:
    assert NEEDLE in text


def compare_text(targets: Targets, rounds: int) -> None:
    page = text(MIB)
    pieces = [page[start : start + 64 * KIB] for start in range(0, len(page), 64 * KIB)]
    subjects = interleave(
        'The visible text of 1 MB',
        [
            Subject('this check', lambda: require(''.join(visible_text(pieces, 'text/html')))),
            Subject('html.parser', lambda: require(Reader().read(page))),
        ],
        rounds // 3,
        1,
    )
    cost = ratio(subjects['this check'].cpu, subjects['html.parser'].cpu)
    targets.add('visible text of 1 MB: CPU of `html.parser`', cost, 0.40, 0.25)


def compare_many(pages: Pages, peer: Blackbox | None, targets: Targets, rounds: int) -> None:
    """1,000 instances on 4 threads."""
    url = f'{pages.http}1k.html'
    instances = [{'url': url, 'search_string': NEEDLE, 'name': str(number)} for number in range(1000)]
    checks = [AwesomeCheck(name='awesome', init_config={}, instances=(instance,)) for instance in instances]

    def run_all(runs: Sequence[Callable[[], str | None]]) -> None:
        # As the Agent's runners do. What an executor takes to hand out a run, a tenth of it, would count as ours.
        left = iter(runs)
        errors: list[str | None] = []
        threads = [Thread(target=lambda: errors.extend(run() for run in left)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(errors) == len(runs)
        assert not any(errors), errors

    subjects = [Subject('this check', lambda: run_all([check.run for check in checks]))]
    if peer:
        subjects.append(Subject('blackbox_exporter', lambda: run_all([peer.probe(url)] * 1000), peer.cpu))
    measured = interleave('1,000 instances on 4 threads, once each', subjects, max(rounds // 10, 3), 1)
    if peer:
        cost = ratio(measured['this check'].cpu, measured['blackbox_exporter'].cpu)
        targets.add('1,000 instances on 4 threads: CPU of blackbox_exporter', cost, 0.8, 0.65)


def names(known: dict[str, Sequence[str]]) -> AbstractContextManager[Any]:
    """Let names resolve to addresses, as a hosts file would."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        found = () if kwargs.get('flags') == socket.AI_NUMERICHOST else known.get(host, ())
        return [info for address in found or (host,) for info in look_up(address, *args, **kwargs)]

    return patch.object(socket, 'getaddrinfo', getaddrinfo)


def compare_addresses(pages: Pages, targets: Targets, rounds: int) -> None:
    """Three addresses of a name, and one of them."""
    with names({'one.example': NODES[:1], 'three.example': NODES}):
        url, three = (pages.http.replace(NODES[0], name) + '1k.html' for name in ('one.example', 'three.example'))
        subjects = [
            Subject('one address', run_of(AwesomeCheck, url=url, search_string=NEEDLE)),
            Subject('three addresses', run_of(AwesomeCheck, url=three, search_string=NEEDLE, addresses='all')),
        ]
        measured = interleave('1 KB over HTTP, from all addresses', subjects, rounds, 10)
    cost = ratio(measured['three addresses'].cpu, measured['one address'].cpu)
    targets.add('1 KB, HTTP, three addresses: CPU of one', cost, 3.2, 3)


LEGEND = """
CPU: milliseconds of the process that does the work, user and system. Wall: milliseconds until the verdict. Both are
medians over the rounds, with minimum and maximum. In "Targets", "must" and "reach for" are upper limits: of a ratio (no
unit) or of the unit that is shown; "met" is within the first, "reached" within the second."""


def describe() -> None:
    found = re.search(r'model name\s*: (.+)', Path('/proc/cpuinfo').read_text())
    model = found[1] if found else platform.machine()
    print(f'{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()},')
    print(f'Python {platform.python_version()}, OpenSSL {ssl.OPENSSL_VERSION.split()[1]}, loopback.')
    for name, package in PEERS.items():
        if not is_installed(name):
            print(f'Not found: {name}. Install it with: apt-get install {package}')
    print(LEGEND)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=30)
    parser.add_argument('--memory', nargs=2, metavar=('KIND', 'URL'), help=argparse.SUPPRESS)
    given = parser.parse_args()
    base.aggregator = SINK
    if given.memory:
        measure_memory(*given.memory)
        return
    describe()
    targets = Targets()
    with ExitStack() as stack:
        pages = stack.enter_context(serve_pages(gigabyte=True, addresses=NODES))
        # The system trusts what is in there.
        stack.enter_context(patch.dict(os.environ, {'SSL_CERT_FILE': pages.bundle}))
        peer = stack.enter_context(blackbox(pages.bundle))
        compare_small(pages, peer, targets, given.rounds)
        compare_large(pages, targets, given.rounds)
        compare_further(pages, targets, given.rounds)
        compare_memory(pages)
        compare_text(targets, given.rounds)
        compare_many(pages, peer, targets, given.rounds)
        compare_addresses(pages, targets, given.rounds)
        compare_huge(pages, targets)
    targets.show()


if __name__ == '__main__':
    main()
