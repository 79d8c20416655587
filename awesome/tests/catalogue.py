"""The catalogue of faults: what a server may do, and what the run says of it. It is also a table in faults.md."""

from __future__ import annotations

import gzip
import os
import random
from typing import NamedTuple

from datadog_checks.awesome.fault import Kind

from .answers import (
    CHUNKED,
    GZIP,
    HEAD,
    OPEN,
    TIMEOUT,
    Script,
    flood,
    octets,
    redirect,
    reset,
    send,
    silence,
    silence_after,
    trickle,
)
from .server import response

WAITING = f'timeout: gave up after {TIMEOUT:g} s while waiting for the response'
READING = f'timeout: gave up after {TIMEOUT:g} s while reading the page'
TOO_MANY_HEADERS = 'status: more than 256 KiB of headers'
BAD_TARGET = 'redirect: the target has no valid host and port'


class Catalogued(NamedTuple):
    """What a server does, and what a run says of it; a message that ends in a blank goes on."""

    answer: Script | bytes
    kind: Kind
    message: str


FAULTS: dict[str, Catalogued] = {
    fault: Catalogued._make(row)
    for fault, row in {
        # Before the response
        'closes without an answer': (
            send(),
            Kind.CLOSED,
            'status: the server closed the connection without a response',
        ),
        'resets without an answer': (reset(), Kind.RESET, 'status: connection reset by peer before the response'),
        'is silent': (silence, Kind.TIMEOUT, WAITING),
        'trickles the status line': (trickle(b'', octets(b'HTTP/1.1 200 OK')), Kind.TIMEOUT, WAITING),
        'trickles a header': (trickle(HEAD, octets(b'x')), Kind.TIMEOUT, WAITING),
        'trickles header lines': (trickle(HEAD, [b'X-A: b\r\n']), Kind.TIMEOUT, WAITING),
        'trickles interim responses': (
            trickle(b'', [b'HTTP/1.1 102 Processing\r\n\r\n']),
            Kind.TIMEOUT,
            WAITING,
        ),
        'floods with headers': (flood(HEAD, b'X-A: b\r\n' * 50), Kind.HEADERS, TOO_MANY_HEADERS),
        'floods with one header': (flood(HEAD + b'X: ', b'x' * 9000), Kind.HEADERS, TOO_MANY_HEADERS),
        'floods with continue': (
            flood(b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
            Kind.HEADERS,
            TOO_MANY_HEADERS,
        ),
        'floods with early hints': (
            flood(b'', b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
            Kind.HEADERS,
            TOO_MANY_HEADERS,
        ),
        'floods with a status line': (
            flood(b'HTTP/1.1 200 ', b'x' * 9000),
            Kind.HEADERS,
            TOO_MANY_HEADERS,
        ),
        'speaks another protocol': (
            send(b'SSH-2.0-OpenSSH_9.2\r\n'),
            Kind.NOT_HTTP,
            "status: not an HTTP response: 'SSH-2.0-OpenSSH_9.2'",
        ),
        'speaks HTTP/0.9': (send(b'<html>\n'), Kind.NOT_HTTP, "status: not an HTTP response: '<html>'"),
        'speaks TLS': (
            send(b'\x15\x03\x01\x00\x02\x02F'),
            Kind.WANTS_TLS,
            'status: the server speaks TLS on this port: use https',
        ),
        'has no status code': (
            send(b'HTTP/1.1 OK\r\n\r\n'),
            Kind.NOT_HTTP,
            "status: not an HTTP response: 'HTTP/1.1 OK'",
        ),
        'has a status code that is none': (
            send(b'HTTP/1.1 99 x\r\n\r\n'),
            Kind.NOT_HTTP,
            "status: not an HTTP response: 'HTTP/1.1 99 x'",
        ),
        'has two lengths': (
            send(HEAD + b'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
            Kind.NOT_HTTP,
            'status: not an HTTP response: ',
        ),
        'words its answer as a fault': (
            send(b'certificate has expired, connection refused\r\n'),
            Kind.NOT_HTTP,
            "status: not an HTTP response: 'certificate has expired, connection refused'",
        ),
        # Status
        'is out of order': (response(b'nginx', '503 Oops'), Kind.UNAVAILABLE, 'status: 503 Service Unavailable'),
        'limits requests': (response(b'nginx', '429 x'), Kind.TOO_MANY_REQUESTS, 'status: 429 Too Many Requests'),
        'has an unknown status': (response(b'nginx', '599 Oops'), Kind.SERVER_ERROR, 'status: 599'),
        'floods with an error page': (
            flood(b'HTTP/1.1 500 x\r\n\r\n', b'x' * 65536),
            Kind.SERVER_ERROR,
            'status: 500 Internal Server Error',
        ),
        # Redirects
        'redirects in a circle': (
            redirect('/'),
            Kind.TOO_MANY_REDIRECTS,
            'redirect: more than 10 in a row, the last to ',
        ),
        'redirects to a file': (redirect('file:///etc/passwd'), Kind.REDIRECT_TARGET, 'redirect: '),
        'redirects to another protocol': (
            redirect('gopher://localhost/'),
            Kind.REDIRECT_TARGET,
            "redirect: target scheme 'gopher' is neither http nor https",
        ),
        'redirects to a bad port': (redirect('http://localhost:70000/'), Kind.REDIRECT_TARGET, BAD_TARGET),
        'redirects to nowhere': (
            redirect('http://127.0.0.1:1/'),
            Kind.REFUSED,
            'connect: connection refused by 127.0.0.1 port 1',
        ),
        'redirects to an unknown host': (
            redirect('http://host.invalid/'),
            Kind.UNKNOWN_HOST,
            'DNS: host.invalid: name or service not known',
        ),
        'redirects to a host that is none': (
            redirect(f'http://{"a" * 64}.example/'),
            Kind.REDIRECT_TARGET,
            BAD_TARGET,
        ),
        'redirects with an endless body': (
            flood(b'HTTP/1.1 302 x\r\nLocation: /\r\n\r\n', b'x' * 65536),
            Kind.TOO_MANY_REDIRECTS,
            'redirect: more than 10 in a row, the last to ',
        ),
        # Body
        'breaks off': (
            send(HEAD + b'Content-Length: 100000\r\n\r\n', b'x' * 5000),
            Kind.BROKEN_OFF,
            'body: the connection broke off after 5000 of 100000 bytes',
        ),
        'breaks off in a chunk': (
            send(CHUNKED + b'10\r\nabc'),
            Kind.BROKEN_OFF,
            'body: the connection broke off after 3 bytes',
        ),
        'breaks off between chunks': (
            send(CHUNKED + b'3\r\nabc\r\n'),
            Kind.BROKEN_OFF,
            'body: the connection broke off after 3 bytes',
        ),
        'resets in the body': (
            reset(HEAD + b'Content-Length: 9\r\n\r\n'),
            Kind.BROKEN_OFF,
            'body: the connection broke off after 0 of 9 bytes',
        ),
        'has a bad chunk size': (
            send(CHUNKED + b'zz\r\nabc\r\n'),
            Kind.BROKEN_OFF,
            'body: the chunked coding is malformed after 0 bytes',
        ),
        'has a negative chunk size': (
            send(CHUNKED + b'-5\r\nabc\r\n'),
            Kind.BROKEN_OFF,
            'body: the chunked coding is malformed after 0 bytes',
        ),
        'has an endless chunk size': (
            flood(CHUNKED, b'0' * 9000),
            Kind.BROKEN_OFF,
            'body: the chunked coding is malformed after 0 bytes',
        ),
        'is silent in the body': (silence_after(OPEN), Kind.TIMEOUT, READING),
        'trickles the body': (trickle(OPEN, [b'x']), Kind.TIMEOUT, READING),
        'trickles chunks': (trickle(CHUNKED, [b'1\r\nx\r\n']), Kind.TIMEOUT, READING),
        'trickles a chunk size': (trickle(CHUNKED, [b'0']), Kind.TIMEOUT, READING),
        'truncates gzip': (
            send(GZIP, gzip.compress(os.urandom(9000))[:-9]),
            Kind.COMPRESSION,
            'body: the gzip data is truncated',
        ),
        'corrupts gzip': (
            send(GZIP, gzip.compress(b'x')[:10] + b'\xff' * 99),
            Kind.COMPRESSION,
            'body: the data is not valid gzip',
        ),
        'sends text as gzip': (send(GZIP, b'text'), Kind.COMPRESSION, 'body: the data is not valid gzip'),
        'compresses as nobody asked': (
            send(HEAD + b'Content-Encoding: br\r\n\r\n'),
            Kind.CODING,
            'body: ',
        ),
        'sends random bytes': (
            send(random.Random(1).randbytes(100)),
            Kind.NOT_HTTP,
            'status: not an HTTP response: ',
        ),
    }.items()
}
SLOW = [fault for fault, (_, kind, _) in FAULTS.items() if kind is Kind.TIMEOUT]


def table() -> str:
    """Return the catalogue as a table in Markdown."""
    rows = [
        f'| {fault} | {kind.name} | `{message.replace("|", "&#124;")}` |'
        for fault, (_, kind, message) in FAULTS.items()
    ]
    return '\n'.join(['| The server ... | Kind | Message |', '| --- | --- | --- |', *rows])
