"""Sends mutated responses into the check and asserts what must hold whatever a server sends.

    python -m tests.fuzz [--examples 100000] [--seed 1] [--only INDEX]

Prints each failure with what was sent; ends with the counts, and with status 1 if anything failed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import socket
import sys
import threading
import time
import zlib
from collections import Counter
from typing import Any

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base.stubs import aggregator

from .server import Server

TIMEOUT = 1
SECRETS = ('query-token', 'header-token', 'login-password')
STEPS = ('DNS: ', 'connect: ', 'TLS: ', 'timeout: ', 'status: ', 'redirect: ', 'body: ')
STATUSES = [
    '200 OK',
    '204 x',
    '206 x',
    '302 Found',
    '301 x',
    '303 x',
    '304 x',
    '401 x',
    '404 x',
    '407 x',
    '500 x',
    '103 x',
    '100 x',
    '101 x',
    '0 x',
    '999',
    '-1 x',
    '200',
    'x y',
    '',
]
HEADERS = [
    'Content-Type: text/html',
    'Content-Type: text/html; charset=shift_jis',
    'Content-Type: text/plain; charset="',
    'Content-Type: application/xml; charset=utf-16',
    'Content-Type: charset=charset=rot13',
    'Content-Length: 5',
    'Content-Length: 99999',
    'Content-Length: -1',
    'Content-Length: x',
    'Content-Length: 1, 2',
    'Content-Length: 5, 5',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Connection: close',
    'Connection: keep-alive',
    'Content-Encoding: gzip',
    'Content-Encoding: deflate',
    'Content-Encoding: br',
    'Content-Encoding: gzip, gzip',
    'Location: /',
    'Location: //',
    'Location: http://',
    'Location: ?a=b#c',
    'Location: http://[::1',
    'Location: \xff\x00',
    'Location: http://127.0.0.1:1/',
    'Location: javascript:alert(1)',
    'Set-Cookie: a=b; expires=x; domain=.1; path="',
    'Set-Cookie: ' + ';' * 500,
    'Set-Cookie: a="\\"b; max-age=-9',
    'Last-Modified: yesterday',
    ': empty',
    'no colon',
    '\x00: \x00',
    ' folded',
    'X: ' + 'y' * 5000,
    'Refresh: 0; url=/',
    'WWW-Authenticate: Basic',
    'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5',
    'WWW-Authenticate: Digest nonce=, qop="x", algorithm=\xff',
    'WWW-Authenticate: Digest',
    'Content-Range: bytes */0',
]
BODIES = [
    b'',
    b'nginx',
    b'say NGINX',
    b'\0' * 50,
    b'\xff\xfen\0g\0i\0n\0x\0',
    b'\xef\xbb\xbfnginx',
    b'<p>ng<b>inx</b>',
    b'<title>t',
    b'<meta charset=utf-7>',
    b'<meta charset="koi8-r"><p>',
    b'<?xml version="1.0" encoding="x"?><a>&b;</a>',
    b'<!--' * 50,
    b'<script>' * 40,
    b'</' * 99,
    b'<a b=' * 99,
    b'&#x110000;&#xd800;&nbsp;&' * 9,
    b'<![CDATA[nginx]]>',
    b'\x1b$B\x1b(B\x1b' * 20,
    b'<!DOCTYPE a [<!ENTITY b "&b;&b;">]><a>&b;',
    b'x' * 70000,
    'é\u0301ᄀ\u1161\u11a8'.encode() * 200,
]
OPTIONS: list[dict[str, Any]] = [
    {'search_string': 'nginx'},
    {'search_string': ['nginx', 'say'], 'search_mode': 'any', 'forbidden_string': 'NGINX'},
    {'search_string': r'ng.*x$', 'regex': True, 'case_sensitive': False},
    {'search_string': 'Nginx', 'case_sensitive': False, 'encoding': 'shift_jis'},
    {'search_string': 'nginx', 'search_in': 'text'},
    {'search_string': r'\w+ng', 'regex': True, 'search_in': 'text', 'forbidden_string': r'\d{9}'},
    {'search_string': 'nginx', 'max_body_size': 7},
    {'search_string': 'nginx', 'allow_redirects': False, 'http_response_status_code': '...'},
    {'search_string': 'nginx', 'persist_connections': True, 'method': 'POST', 'data': 'd'},
    {'search_string': 'ngin\u200bx', 'search_in': 'text', 'persist_connections': True},
]
# Plain options take the direct door, a digest login takes that of the base package's client.
DOORS: list[dict[str, Any]] = [{}, {'auth_type': 'digest', 'username': 'me', 'password': SECRETS[2]}]


def chunked(rng: random.Random, body: bytes) -> bytes:
    sizes = [f'{len(body):x}', '0', '-1', 'zz', 'ffffffffffffffff', '1', f'{len(body):x};a=b']
    return (
        b''.join(f'{rng.choice(sizes)}\r\n'.encode() + body + b'\r\n' for _ in range(rng.randint(0, 2))) + b'0\r\n\r\n'
    )


def example(rng: random.Random) -> bytes:
    """Return what the server sends: sometimes sound, mostly not."""
    body = b''.join(rng.choices(BODIES, k=rng.randint(0, 3)))
    body = rng.choice([bytes, bytes, gzip.compress, zlib.compress, lambda b: chunked(rng, b)])(body)
    version = rng.choice(['HTTP/1.1'] * 8 + ['HTTP/1.0', 'HTTP/9', 'http'])
    status = rng.choice(STATUSES[: rng.choice([1, len(STATUSES)])])
    lines = [f'{version} {status}']
    lines += rng.choices(HEADERS, k=rng.randint(0, 5))
    raw = ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1') + body
    for _ in range(rng.choice([0, 0, 0, 1, 3])):
        at = rng.randrange(len(raw) + 1)
        raw = raw[:at] + rng.randbytes(rng.randint(0, 4)) + raw[at + rng.randint(0, 4) :]
    return raw[: rng.randrange(len(raw) + 1)] if rng.random() < 0.1 else raw


class Fuzzer:
    """A server that sends the current example, and a check for each of the options through each door."""

    def __init__(self) -> None:
        self.rng = random.Random()
        self.raw = b''
        self.server = Server(self.answer).__enter__()
        url = f'{self.server.url}?token={SECRETS[0]}'
        common = {'url': url, 'headers': {'X-Key': SECRETS[1]}, 'timeout': TIMEOUT}
        self.checks = [AwesomeCheck('awesome', {}, [common | options | door]) for options in OPTIONS for door in DOORS]

    def answer(self, connection: socket.socket, _: bytes) -> None:
        at = self.rng.randrange(len(self.raw) + 1)
        connection.sendall(self.raw[:at])
        connection.sendall(self.raw[at:])

    def run(self, seed: int, index: int) -> tuple[str, str, float]:
        """Run one example; give its status, step and seconds, or raise AssertionError."""
        self.rng.seed(f'{seed}/{index}')
        self.raw = example(self.rng)
        aggregator.reset()
        started = time.perf_counter()
        error = self.checks[index % len(self.checks)].run()
        seconds = time.perf_counter() - started
        self.server.requests.clear()
        assert error == '', error
        (result,) = aggregator.service_checks('awesome.search')
        message = result.message
        assert result.status in (0, 1, 2), result
        assert len(message) <= 500 and message.isprintable(), message
        assert not any(secret in message for secret in SECRETS), message
        assert result.status != 2 or message.startswith(STEPS), message
        assert seconds < TIMEOUT + 0.5, seconds
        return (
            ('OK', 'WARNING', 'CRITICAL')[result.status],
            message.partition(':')[0] if result.status == 2 else '',
            seconds,
        )


def left() -> str:
    with open('/proc/self/statm') as statm:
        rss = int(statm.read().split()[1]) * os.sysconf('SC_PAGESIZE') // 2**20
    return f'RSS {rss} MiB, {len(os.listdir("/proc/self/fd"))} file descriptors, {threading.active_count()} threads'


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument('--examples', type=int, default=100_000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only', type=int)
    arguments = parser.parse_args()
    fuzzer, outcomes, failures, slowest = Fuzzer(), Counter[str](), 0, 0.0
    started, before = time.monotonic(), ''
    for index in range(arguments.examples) if arguments.only is None else [arguments.only]:
        try:
            status, step, seconds = fuzzer.run(arguments.seed, index)
        except AssertionError as e:
            failures += 1
            print(f'FAILED --seed {arguments.seed} --only {index}: {e}\n  sent {fuzzer.raw!r}')
        else:
            outcomes[f'{status} {step}'.strip()] += 1
            slowest = max(slowest, seconds)
        if index == 1000:
            before = left()
        if index % 1000 == 0:
            fuzzer.server.wait_until_idle()
    print(
        f'{arguments.examples} examples, {failures} failures, {time.monotonic() - started:.0f} s,'
        f' slowest run {slowest:.2f} s'
    )
    print(', '.join(f'{count} {outcome}' for outcome, count in outcomes.most_common()))
    print(f'after 1,000: {before}\nat the end:  {left()}')
    return int(failures > 0)


if __name__ == '__main__':
    sys.exit(main())
