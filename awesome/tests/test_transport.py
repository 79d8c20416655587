"""Requests over real connections: TLS, names, certificates, kept connections, proxies, and the end of a run."""

from __future__ import annotations

import datetime
import gc
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest
import trustme

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.fetching.certificate import chain_days_left

from .certificates import UNKNOWN_ISSUER, SelfSigned, other_authority
from .client import Client, Contexts
from .proxy import forward, require_password
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]

PAGE = response(b'page')
KEPT = response(b'page', Connection='keep-alive')
# Of runs that end with it, in seconds.
TIMEOUT = 0.4


def fault_of(url: str | SplitResult, **options: Any) -> tuple[Kind, str]:
    with Client(**options) as client, pytest.raises(Fault) as caught:
        client.fetch(url)
    return caught.value.kind, caught.value.describe()


def https(server: Server, host: str = '127.0.0.1') -> str:
    return f'https://{host}:{server.port}/'


# Requests


def test_request_is_sent_as_it_is_given(serve: Serve) -> None:
    server = serve(PAGE)

    with Client() as client:
        client.fetch(f'{server.url}a%2e?b=%u00fc&c=100%', headers=[('X-B', 'ü'), ('x-a', '1')])

    host = f'127.0.0.1:{server.port}'
    head = f'GET /a%2e?b=%u00fc&c=100% HTTP/1.1\r\nHost: {host}\r\nX-B: ü\r\nx-a: 1\r\n\r\n'
    assert server.requests == [head.encode('latin-1')]


def test_host_and_length_of_the_caller_count(serve: Serve) -> None:
    server = serve(PAGE)

    with Client() as client:
        client.fetch(server.url, 'POST', headers=[('host', 'a.example'), ('content-length', '4')], body=b'data')

    assert server.requests == [b'POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 4\r\n\r\ndata']


@pytest.mark.parametrize(
    ('method', 'body', 'line'),
    [('POST', b'data', b'4'), ('POST', None, b'0'), ('PUT', b'', b'0'), ('GET', b'x', b'1'), ('GET', None, None)],
)
def test_length_of_a_request(method: str, body: bytes | None, line: bytes | None, serve: Serve) -> None:
    server = serve(PAGE)

    with Client() as client:
        client.fetch(server.url, method, body=body)

    assert (f'\r\nContent-Length: {(line or b"").decode()}\r\n'.encode() in server.requests[0]) == (line is not None)
    assert server.requests[0].endswith(b'\r\n\r\n' + (body or b''))


def test_target_cannot_break_out_of_its_line(serve: Serve) -> None:
    server = serve(PAGE)

    with Client() as client:
        client.fetch(f'{server.url}a b\x0bü?c d')

    assert server.requests[0].startswith(b'GET /a%20b%0B%C3%BC?c%20d HTTP/1.1\r\n')


def test_large_request_and_response(serve: Serve) -> None:
    server = serve(response(b'x' * 3_000_000))

    with Client() as client:
        assert client.fetch(server.url, 'POST', body=b'y' * 3_000_000) == b'x' * 3_000_000
    assert server.requests[0].endswith(b'y' * 3_000_000)


def test_answer_before_the_whole_request_was_read(serve: Serve) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(response(status='413 Content Too Large'))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with Client() as client:
        assert client.send(serve(on_connect=refuse).url, 'POST', body=b'y' * 3_000_000).status == 413


def test_ipv6(serve: Serve) -> None:
    server = serve(PAGE, host='::1')

    with Client() as client:
        assert client.fetch(server.url) == b'page'
        assert client.dialer.peer == ('::1', server.port)
    assert f'Host: [::1]:{server.port}\r\n'.encode() in server.requests[0]


@pytest.mark.parametrize('percent', ['%', '%25'])
def test_zone_of_an_address_is_connected_to_but_not_sent(
    percent: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(PAGE)
    dialed = []

    with Client() as client:
        dial = client.dialer.dial
        monkeypatch.setattr(
            client.dialer, 'dial', lambda host, port, limit: dialed.append(host) or dial('127.0.0.1', port, limit)
        )
        client.fetch(f'http://[fe80::1{percent}eth0]:{server.port}/')

    assert dialed == ['fe80::1%eth0']
    assert f'Host: [fe80::1]:{server.port}\r\n'.encode() in server.requests[0]


# TLS


def test_page_over_tls(ca: trustme.CA, serve_tls: Serve) -> None:
    issued = ca.issue_cert('127.0.0.1')
    server = serve_tls(issued, response(b'x' * 3_000_000))

    with Client(ca) as client:
        assert client.fetch(server.url) == b'x' * 3_000_000
        assert client.transport.chain == [ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())]


def test_pieces_over_tls_are_larger_than_its_records(ca: trustme.CA, serve_tls: Serve) -> None:
    has_sent = threading.Event()

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response(b'x' * 60_000))
        has_sent.set()

    server = serve_tls(ca.issue_cert('127.0.0.1'), answer)

    with Client(ca) as client:
        page = client.send(server.url)
        has_sent.wait()
        sizes = [len(piece) for piece in iter(lambda: page.read1(2**18), b'')]
    assert sum(sizes) == 60_000
    assert max(sizes) > 16_384


PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ('issue', 'kind', 'message'),
    [
        pytest.param(
            lambda _: other_authority().issue_cert('127.0.0.1'),
            Kind.UNKNOWN_ISSUER,
            UNKNOWN_ISSUER,
            id='of another authority',
        ),
        pytest.param(SelfSigned, Kind.SELF_SIGNED, 'the certificate is self-signed', id='self-signed'),
        pytest.param(
            lambda ca: ca.issue_cert('127.0.0.1', not_before=PAST, not_after=PAST + DAY),
            Kind.EXPIRED,
            'the certificate has expired',
            id='expired',
        ),
        pytest.param(
            lambda ca: ca.issue_cert('127.0.0.1', not_before=PAST + 99_999 * DAY, not_after=PAST + 100_000 * DAY),
            Kind.NOT_YET_VALID,
            'the certificate is not yet valid',
            id='not yet valid',
        ),
        pytest.param(
            lambda ca: ca.issue_cert('b.example', '*.c.example'),
            Kind.WRONG_NAME,
            "the certificate is not valid for '127.0.0.1', only for 'b.example', '*.c.example'",
            id='of another host',
        ),
    ],
)
def test_bad_certificate(issue: Any, kind: Kind, message: str, ca: trustme.CA, serve_tls: Serve) -> None:
    server = serve_tls(issue(ca), PAGE)

    with Client(ca) as client:
        with pytest.raises(Fault) as caught:
            client.fetch(server.url)
        assert (caught.value.kind, caught.value.describe()) == (kind, f'TLS: {message}')
        assert len(client.transport.chain) == 1
    assert (server.accepted, server.requests) == (1, [])
    with Client() as client:
        assert client.fetch(server.url) == b'page'


def test_expired_certificate_is_measured(ca: trustme.CA, serve_tls: Serve) -> None:
    server = serve_tls(ca.issue_cert('127.0.0.1', not_before=PAST, not_after=PAST + DAY), PAGE)

    with Client(ca) as client:
        with pytest.raises(Fault):
            client.fetch(server.url)
        days = chain_days_left(client.transport.chain)
    assert days is not None and days < -365


@pytest.mark.parametrize(
    ('name', 'issued_for', 'is_valid'),
    [
        ('page.example', 'page.example', True),
        ('Page.Example:8443', 'page.example', True),
        ('page.example.', 'page.example', True),
        ('page.example.:8443', 'page.example', True),
        ('other.example', 'page.example', False),
        ('my_page.example', '*.example', True),
        ('my_page.sub.example', '*.example', False),
        ('my_page.example', '*.other.example', False),
        ('my_page', '*.example', False),
    ],
)
def test_server_name(name: str, issued_for: str, is_valid: bool, ca: trustme.CA, serve: Serve) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(issued_for).configure_cert(context)
    asked: list[str | None] = []
    context.sni_callback = lambda _, asked_for, __: asked.append(asked_for)
    server = serve(PAGE, tls=context)

    if is_valid:
        with Client(ca, server_name=name) as client:
            assert client.fetch(server.url) == b'page'
    else:
        assert fault_of(server.url, ca=ca, server_name=name)[0] is Kind.WRONG_NAME
    assert asked == [name.lower().partition(':')[0].removesuffix('.')]


def test_name_with_an_underscore_is_not_verified_where_none_is(serve_tls: Serve) -> None:
    server = serve_tls(other_authority().issue_cert('other.example'), PAGE)

    with Client(server_name='my_page.example') as client:
        assert client.fetch(server.url) == b'page'


def test_host_that_ends_in_a_dot(ca: trustme.CA, serve_tls: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve_tls(ca.issue_cert('page.example'), PAGE)

    with Client(ca) as client:
        resolve = client.dialer.resolve
        monkeypatch.setattr(client.dialer, 'resolve', lambda _, port: resolve('127.0.0.1', port))
        assert client.fetch(https(server, 'page.example.')) == b'page'
    assert f'Host: page.example.:{server.port}\r\n'.encode() in server.requests[0]


def test_client_certificate_that_is_missing(ca: trustme.CA, serve_tls: Serve) -> None:
    server = serve_tls(ca.issue_cert('127.0.0.1'), PAGE, client_ca=ca)

    assert fault_of(server.url, ca=ca) == (
        Kind.CLIENT_CERTIFICATE,
        'TLS: the server asks for a client certificate',
    )


def test_server_that_speaks_only_http2(ca: trustme.CA, serve: Serve) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert('127.0.0.1').configure_cert(context)
    server = serve(b'', tls=context, on_connect=lambda c: c.sendall(b'\0\0\0\4\0\0\0\0\0') or (c.recv(9999) and None))

    assert fault_of(server.url, ca=ca) == (Kind.HTTP2, 'status: the server speaks only HTTP/2')


@pytest.mark.parametrize(
    ('first', 'kind', 'message'),
    [
        pytest.param(
            b'HTTP/1.1 400 Bad Request\r\n\r\n', Kind.NOT_TLS, 'the server does not speak TLS on this port', id='HTTP'
        ),
        pytest.param(b'', Kind.HANDSHAKE, 'the server closed the connection during the handshake', id='closed'),
        # Fatal alerts (RFC 8446, section 6): no_application_protocol and protocol_version.
        pytest.param(b'\x15\x03\x03\x00\x02\x02\x78', Kind.HTTP2, 'the server speaks only HTTP/2', id='HTTP/2'),
        pytest.param(
            b'\x15\x03\x03\x00\x02\x02\x46',
            Kind.HANDSHAKE,
            'the server and the Agent have no TLS version in common',
            id='version',
        ),
        pytest.param(
            b'\x15\x03\x03\x00\x02\x02\x50',
            Kind.HANDSHAKE,
            'the server reported an internal error during the handshake',
            id='internal error',
        ),
    ],
)
def test_handshake_that_fails(first: bytes, kind: Kind, message: str, serve: Serve) -> None:
    server = serve(on_connect=lambda c: c.recv(65536) and c.sendall(first))

    assert fault_of(https(server)) == (kind, f'{kind.step}: {message}')


def test_server_is_told_why_the_handshake_failed(ca: trustme.CA, serve: Serve) -> None:
    told = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    other_authority().issue_cert('127.0.0.1').configure_cert(context)

    def shake_hands(connection: socket.socket) -> None:
        try:
            context.wrap_socket(connection, server_side=True)
        except ssl.SSLError as e:
            told.append(e.reason)

    server = serve(on_connect=shake_hands)
    fault_of(https(server), ca=ca)

    server.wait_until_idle()
    assert told == ['TLSV1_ALERT_UNKNOWN_CA']


def reset(connection: socket.socket, *_: object) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def test_reset(serve: Serve) -> None:
    server = serve(on_connect=lambda c: c.recv(65536) and reset(c))

    assert fault_of(server.url) == (Kind.RESET, 'status: connection reset by peer before the response')
    assert fault_of(https(server)) == (Kind.HANDSHAKE, 'TLS: connection reset by peer during the handshake')


@pytest.mark.parametrize('is_closed', [False, True], ids=['cut off', 'closed'])
def test_body_over_tls_without_a_length(is_closed: bool, ca: trustme.CA, serve_tls: Serve) -> None:
    def answer(connection: Any, _: bytes) -> None:
        connection.sendall(response(b'page', Content_Length=''))
        if is_closed:
            connection.unwrap()

    server = serve_tls(ca.issue_cert('127.0.0.1'), answer)

    if is_closed:
        with Client(ca) as client:
            assert client.fetch(server.url) == b'page'
    else:
        assert fault_of(server.url, ca=ca) == (Kind.BROKEN_OFF, 'body: the connection broke off after 4 bytes')


def test_what_came_before_a_fault_of_tls_counts(ca: trustme.CA, serve_tls: Serve) -> None:
    may_send, has_sent = threading.Event(), threading.Event()

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response(Content_Length=''))
        may_send.wait()
        connection.sendall(b'page')
        with suppress(ssl.SSLError):
            # Answers what it cannot decrypt with a fatal alert.
            connection.recv(1)
        has_sent.set()

    server = serve_tls(ca.issue_cert('127.0.0.1'), answer)

    with Client(ca) as client:
        page = client.send(server.url)
        plain: Any = page._connection.stream
        plain._stream.sendall(b'\x17\x03\x03\x00\x20' + bytes(32))
        may_send.set()
        has_sent.wait()
        assert page.read1(65536) == b'page'
        for _ in range(2):
            with pytest.raises(Fault) as caught:
                page.read1(65536)
            assert caught.value.kind is Kind.BROKEN_OFF


def test_sessions_are_not_resumed(ca: trustme.CA, serve: Serve) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert('127.0.0.1').configure_cert(context)
    contexts = Contexts(ca)()
    server = serve(PAGE, tls=context)

    with Client(context=lambda **_: contexts) as client:
        for _ in range(3):
            client.fetch(server.url)
            assert len(client.transport.chain) == 1
    assert context.session_stats()['hits'] == 0


# The end of a run


def test_silent_server(serve: Serve) -> None:
    server = serve(on_connect=lambda c: c.recv(65536) and c.recv(1) and None)
    message = f'timeout: gave up after {TIMEOUT:g} s '

    assert fault_of(server.url, seconds=TIMEOUT) == (Kind.TIMEOUT, f'{message}while waiting for the response')
    assert fault_of(server.url, read_timeout=TIMEOUT) == (Kind.TIMEOUT, f'{message}while waiting for the response')
    assert fault_of(https(server), seconds=TIMEOUT) == (Kind.TIMEOUT, f'{message}during the TLS handshake')
    assert fault_of(https(server), connect_timeout=TIMEOUT) == (Kind.TIMEOUT, f'{message}during the TLS handshake')


@pytest.mark.parametrize('is_tls', [False, True], ids=['http', 'https'])
@pytest.mark.parametrize('start', [b'', response(Content_Length='9')], ids=['head', 'body'])
def test_cancel(is_tls: bool, start: bytes, ca: trustme.CA, serve: Serve, serve_tls: Serve) -> None:
    with Client(ca) as client:

        def answer(connection: socket.socket, _: bytes) -> None:
            connection.sendall(start)
            client.deadline.cancel()
            connection.recv(1)

        server = serve_tls(ca.issue_cert('127.0.0.1'), answer) if is_tls else serve(answer)

        with pytest.raises(Fault) as caught:
            client.fetch(server.url)
    assert caught.value.kind is Kind.TIMEOUT


def test_context_that_cannot_be_built_comes_before_the_connection(serve: Serve) -> None:
    def refuse(**_: object) -> ssl.SSLContext:
        raise Fault(Kind.FILE, 'no such file')

    server = serve(PAGE)

    assert fault_of(https(server), context=refuse)[0] is Kind.FILE
    assert server.accepted == 0


FAILING: dict[str, bytes] = {
    'closed': b'',
    'not HTTP': b'SSH-2.0-x\r\n',
    'two lengths': b'HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n',
    'broken off': response(b'page', Content_Length='9'),
}


def errors() -> int:
    """Return how many errors of any kind are alive."""
    return sum(isinstance(thing, Exception) for thing in gc.get_objects())


@pytest.mark.parametrize('answer', FAILING.values(), ids=FAILING)
def test_failing_request_leaves_nothing_behind(answer: bytes, serve: Serve) -> None:
    server, closing = serve(answer), serve(on_connect=lambda c: c.recv(65536) and None)
    gc.collect()
    before = errors()
    gc.disable()
    try:
        for url in (server.url, 'http://127.0.0.1:1/', 'http://host.invalid/', https(closing)):
            with Client() as client, suppress(Fault):
                client.fetch(url)
        assert errors() == before
    finally:
        gc.enable()


# Kept connections


def test_connection_is_kept_after_the_whole_body(serve: Serve) -> None:
    server = serve(KEPT)

    with Client(persist=True) as client:
        for _ in range(3):
            assert client.fetch(server.url) == b'page'
            client.transport.finish()
    assert (server.accepted, len(server.requests)) == (1, 3)


@pytest.mark.parametrize(
    'answer',
    [
        pytest.param(PAGE, id='the server closes'),
        pytest.param(response(b'page', Connection='keep-alive', Content_Length=''), id='no length'),
        pytest.param(KEPT + b'x', id='more than the body'),
        pytest.param(KEPT.replace(b'1.1', b'1.0').replace(b'keep-alive', b'x'), id='HTTP/1.0'),
    ],
)
def test_connection_is_not_kept(answer: bytes, serve: Serve) -> None:
    def send(connection: socket.socket, _: bytes) -> None:
        connection.sendall(answer)

    server = serve(send)

    with Client(persist=True) as client:
        for _ in range(2):
            assert client.fetch(server.url).startswith(b'page')
    assert server.accepted == 2


def test_connection_is_not_kept_unread_nor_unless_asked_for(serve: Serve) -> None:
    server = serve(KEPT)

    with Client(persist=True) as client:
        client.send(server.url).close()
        client.send(server.url)
        client.transport.finish()
        client.fetch(server.url)
    with Client() as client:
        client.fetch(server.url)
        client.fetch(server.url)
    assert server.accepted == 5


def test_chain_is_known_on_a_kept_connection(ca: trustme.CA, serve: Serve, serve_tls: Serve) -> None:
    server = serve_tls(ca.issue_cert('127.0.0.1'), KEPT)

    with Client(ca, persist=True) as client:
        for _ in range(2):
            client.fetch(server.url)
            assert len(client.transport.chain) == 1
            client.transport.finish()
            assert client.transport.chain == []
    assert server.accepted == 1


class Closing:
    """Serves one request of each connection, then closes or resets it when it is told to."""

    def __init__(self, end: Callable[[socket.socket], object], first: bytes = b'') -> None:
        self.may_end = threading.Event()
        self._end = end
        self._first = first

    def __call__(self, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(KEPT)
        self.may_end.wait()
        if self._first:
            connection.recv(65536)
            connection.sendall(self._first)
        self._end(connection)


@pytest.mark.parametrize('end', [lambda _: None, reset], ids=['closed', 'reset'])
def test_request_on_a_connection_that_ended_is_sent_again(end: Any, serve: Serve) -> None:
    serving = Closing(end)
    server = serve(on_connect=serving)

    with Client(persist=True) as client:
        client.fetch(server.url)
        serving.may_end.set()
        server.wait_until_idle()
        assert client.fetch(server.url) == b'page'
    assert server.accepted == 2


def test_request_is_not_sent_again_after_a_part_of_its_answer(serve: Serve) -> None:
    serving = Closing(lambda _: None, first=b'HTTP/1.1 2')
    server = serve(on_connect=serving)

    with Client(persist=True) as client:
        client.fetch(server.url)
        serving.may_end.set()
        with pytest.raises(Fault, match='within the headers'):
            client.fetch(server.url)
    assert server.accepted == 1


def test_request_that_must_not_be_sent_twice_gets_a_new_connection(serve: Serve) -> None:
    server = serve(KEPT)

    with Client(persist=True) as client:
        client.fetch(server.url)
        client.transport.finish()
        client.fetch(server.url, 'POST', body=b'data')
    assert server.accepted == 2


@pytest.mark.parametrize('binds_login', [True, False])
def test_steps_of_a_login_share_a_connection_where_it_logs_that_in(binds_login: bool, serve: Serve) -> None:
    server = serve(KEPT)

    with Client(persist=True, binds_login=binds_login) as client:
        for _ in range(2):
            client.fetch(server.url, 'POST', body=b'data')
    assert server.accepted == (1 if binds_login else 2)


REQUEST_TIMEOUT = response(b'', '408 Request Timeout')


@pytest.mark.parametrize('unasked', [b'\r\n', b'junk', REQUEST_TIMEOUT, KEPT], ids=['blank', 'junk', '408', 'a page'])
@pytest.mark.parametrize('is_tls', [False, True], ids=['http', 'https'])
def test_what_nobody_asked_for_ends_a_kept_connection(
    unasked: bytes, is_tls: bool, ca: trustme.CA, serve: Serve, serve_tls: Serve
) -> None:
    may_send, has_sent = threading.Event(), threading.Event()

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response(f'page {server.accepted}'.encode(), Connection='keep-alive'))
        may_send.wait()
        connection.sendall(unasked)
        has_sent.set()
        connection.recv(65536)

    server = serve_tls(ca.issue_cert('127.0.0.1'), answer) if is_tls else serve(answer)

    with Client(ca, persist=True) as client:
        assert client.fetch(server.url) == b'page 1'
        may_send.set()
        has_sent.wait()
        assert client.fetch(server.url) == b'page 2'


def test_request_timeout_of_a_kept_connection_is_not_the_answer(serve: Serve) -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(KEPT)
        if server.accepted == 1:
            connection.recv(65536)
            connection.sendall(REQUEST_TIMEOUT)

    server = serve(answer)

    with Client(persist=True) as client:
        assert client.fetch(server.url) == b'page'
        assert client.fetch(server.url) == b'page'
    assert server.accepted == 2


# Proxies


@pytest.fixture(params=['http', 'https'])
def page(request: Any, ca: trustme.CA, serve: Serve, serve_tls: Serve) -> Server:
    return serve(PAGE) if request.param == 'http' else serve_tls(ca.issue_cert('127.0.0.1'), PAGE)


@pytest.fixture(params=['http', 'https'])
def serve_proxy(request: Any, ca: trustme.CA, serve: Serve, serve_tls: Serve) -> Serve:
    if request.param == 'http':
        return serve
    return lambda *args, **kwargs: serve_tls(ca.issue_cert('127.0.0.1'), *args, **kwargs)


def test_http_and_https_proxies(page: Server, serve_proxy: Serve, ca: trustme.CA) -> None:
    proxy = serve_proxy(forward)

    with Client(ca, proxy.url) as client:
        assert client.fetch(page.url) == b'page'
        assert len(client.transport.chain) == page.url.startswith('https')
    start = f'CONNECT 127.0.0.1:{page.port} ' if page.url.startswith('https') else f'GET {page.url} '
    assert proxy.requests[0].decode().startswith(start)


def test_password_of_a_proxy(page: Server, serve_proxy: Serve, ca: trustme.CA) -> None:
    proxy = serve_proxy(require_password)

    with Client(ca, proxy.url.replace('//', '//me:s%65cret@')) as client:
        assert client.fetch(page.url) == b'page'
    assert b'secret' not in page.requests[0]
    if page.url.startswith('https'):
        assert b'Proxy-Authorization' not in page.requests[0]


def test_large_page_through_two_layers_of_tls(ca: trustme.CA, serve_tls: Serve) -> None:
    proxy = serve_tls(ca.issue_cert('127.0.0.1'), forward)
    page = serve_tls(ca.issue_cert('127.0.0.1'), response(b'x' * 3_000_000))

    with Client(ca, proxy.url) as client:
        assert client.fetch(page.url) == b'x' * 3_000_000


def test_bad_certificate_of_a_proxy_or_of_the_page_behind_it(page: Server, ca: trustme.CA, serve_tls: Serve) -> None:
    bad = serve_tls(other_authority().issue_cert('127.0.0.1'), forward)
    good = serve_tls(ca.issue_cert('127.0.0.1'), forward)

    assert fault_of(page.url, ca=ca, proxy=bad.url) == (Kind.UNKNOWN_ISSUER, f'TLS: the proxy: {UNKNOWN_ISSUER}')
    assert fault_of(bad.url, ca=ca, proxy=good.url) == (Kind.UNKNOWN_ISSUER, f'TLS: {UNKNOWN_ISSUER}')
    assert page.requests == bad.requests == []


def sending(data: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, _: connection.sendall(data)


@pytest.mark.parametrize(
    ('answer', 'kind', 'cause'),
    [
        pytest.param(sending(b'HTTP/1.1 502 Bad Gateway\r\n\r\n'), Kind.PROXY, '502 Bad Gateway', id='502'),
        pytest.param(sending(b'HTTP/1.1 407 Login\r\n\r\n'), Kind.PROXY_LOGIN, '407 Login', id='407'),
        pytest.param(sending(b'HTTP/1.1 401 Login\r\n\r\n'), Kind.PROXY_LOGIN, '401 Login', id='401'),
        pytest.param(sending(b''), Kind.PROXY, 'it closed the connection without a response', id='closed'),
        pytest.param(reset, Kind.PROXY, 'connection reset by peer before the response', id='reset'),
        pytest.param(sending(b'SSH-2.0\r\n'), Kind.PROXY, "not an HTTP response: 'SSH-2.0'", id='not HTTP'),
        pytest.param(
            sending(b'HTTP/1.1 200 OK\r\n' + b'A: b\r\n' * 99_999),
            Kind.PROXY,
            'more than 256 KiB of headers',
            id='flood',
        ),
    ],
)
def test_proxy_that_does_not_connect(answer: Any, kind: Kind, cause: str, serve: Serve) -> None:
    assert fault_of('https://127.0.0.1:1/', proxy=serve(answer).url) == (
        kind,
        f'connect: the proxy could not connect: {cause}',
    )


def test_proxy_that_is_silent(serve: Serve) -> None:
    proxy = serve(lambda connection, _: connection.recv(1) and None)

    assert fault_of('https://127.0.0.1:1/', proxy=proxy.url, seconds=TIMEOUT) == (
        Kind.TIMEOUT,
        f'timeout: gave up after {TIMEOUT:g} s while connecting through the proxy',
    )


def test_proxy_that_answers_as_a_web_server(serve: Serve) -> None:
    assert fault_of('https://127.0.0.1:1/', proxy=serve(response(b'<html>page</html>')).url)[0] is Kind.NOT_TLS


def test_407_of_a_proxy_that_forwards_is_a_response(serve: Serve) -> None:
    with Client(proxy=serve(response(status='407 Login')).url) as client:
        assert client.send('http://a.example/').status == 407


@pytest.mark.parametrize('scheme', ['http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h'])
def test_proxy_that_is_not_there(scheme: str) -> None:
    assert fault_of('https://127.0.0.1:2/', proxy=f'{scheme}://127.0.0.1:1') == (
        Kind.REFUSED,
        'connect: connection refused by the proxy 127.0.0.1 port 1',
    )


@pytest.mark.parametrize(
    ('proxy', 'message'),
    [
        ('localhost:3128', 'the URL of the proxy has no scheme: write it as in http://proxy.example:3128'),
        ('me:secret@localhost', 'the URL of the proxy has no scheme: write it as in http://proxy.example:3128'),
        (
            'ftp://localhost',
            'the URL of the proxy must begin with one of http, https, socks4, socks4a, socks5, socks5h',
        ),
        ('http://', 'the URL of the proxy has no valid host and port, as in http://proxy.example:3128'),
        ('http://a:99999', 'the URL of the proxy has no valid host and port, as in http://proxy.example:3128'),
    ],
)
def test_malformed_proxy(proxy: str, message: str) -> None:
    assert fault_of('http://a.example/', proxy=proxy) == (Kind.PROXY, f'connect: {message}')


def test_long_label_behind_a_proxy(serve: Serve) -> None:
    host = 'a' * 64 + '.example'
    proxy = serve(sending(b'HTTP/1.1 200 OK\r\n\r\n'))

    assert fault_of(urlsplit(f'https://{host}/'), proxy=proxy.url) == (
        Kind.INVALID_HOST,
        f'DNS: {host}: not a valid host name',
    )


class Socks:
    """A SOCKS proxy that connects to `port` of 127.0.0.1, and notes what it was asked for."""

    def __init__(self, port: int, password: bytes = b'') -> None:
        self.asked: list[bytes] = []
        self._port = port
        self._password = password

    def __call__(self, connection: socket.socket) -> None:
        if connection.recv(1) == b'\x04':
            self.asked.append(connection.recv(512))
            connection.sendall(b'\0\x5a' + bytes(6))
        else:
            self._negotiate(connection)
            self.asked.append(connection.recv(512))
            connection.sendall(b'\x05\0\0\x03\x05proxy\0\0')
        with socket.create_connection(('127.0.0.1', self._port)) as server:
            threads = [
                threading.Thread(target=_copy, args=pair) for pair in ((connection, server), (server, connection))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _negotiate(self, connection: socket.socket) -> None:
        methods = connection.recv(512)
        if not self._password:
            connection.sendall(b'\x05\0')
            return
        assert 2 in methods[1:]
        connection.sendall(b'\x05\x02')
        connection.sendall(b'\x01' + (b'\0' if connection.recv(512) == self._password else b'\x01'))


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.mark.parametrize(
    ('scheme', 'host', 'asked'),
    [
        ('socks4', 'localhost', b'\x01%s\x7f\0\0\x01\0'),
        ('socks4a', 'localhost', b'\x01%s\0\0\0\x01\0localhost\0'),
        ('socks4a', '127.0.0.1', b'\x01%s\x7f\0\0\x01\0'),
        ('socks5', '127.0.0.1', b'\x05\x01\0\x01\x7f\0\0\x01%s'),
        ('socks5h', 'localhost', b'\x05\x01\0\x03\x09localhost%s'),
        ('socks5h', '[::1]', b'\x05\x01\0\x04' + bytes(15) + b'\x01%s'),
    ],
)
@pytest.mark.parametrize('is_tls', [False, True], ids=['http', 'https'])
def test_socks_proxies(
    scheme: str, host: str, asked: bytes, is_tls: bool, ca: trustme.CA, serve: Serve, serve_tls: Serve
) -> None:
    page = serve_tls(ca.issue_cert('127.0.0.1', 'localhost', '::1'), PAGE) if is_tls else serve(PAGE)
    socks = Socks(page.port)
    proxy = serve(on_connect=socks)

    with Client(ca, proxy.url.replace('http', scheme)) as client:
        assert client.fetch(page.url.replace('127.0.0.1', host)) == b'page'
    assert socks.asked == [asked.replace(b'%s', page.port.to_bytes(2))]


def test_password_of_a_socks_proxy(serve: Serve) -> None:
    page = serve(PAGE)
    proxy = serve(on_connect=Socks(page.port, b'\x01\x02me\x06secret')).url.replace('http://', 'socks5://{}@')

    with Client(proxy=proxy.format('me:s%65cret')) as client:
        assert client.fetch(page.url) == b'page'
    assert fault_of(page.url, proxy=proxy.format('me:wrong')) == (
        Kind.PROXY_LOGIN,
        'connect: the proxy could not connect: it refuses the user name or password',
    )
    assert fault_of(page.url, proxy=proxy.format('me:' + 'x' * 256))[0] is Kind.PROXY


def socks_answer(*answers: bytes) -> Callable[[socket.socket], None]:
    def serve_client(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(512)
            connection.sendall(answer)

    return serve_client


@pytest.mark.parametrize(
    ('scheme', 'answers', 'kind', 'cause'),
    [
        ('socks5', [b'\x05\0', b'\x05\x05\0\x01' + bytes(6)], Kind.PROXY, 'connection refused'),
        ('socks5', [b'\x05\0', b'\x05\x63\0\x01' + bytes(6)], Kind.PROXY, 'error 99'),
        ('socks5', [b'\x05\0', b'\x05\0\0\x09' + bytes(6)], Kind.PROXY, 'it does not speak SOCKS 5'),
        ('socks5', [b'\x05\xff'], Kind.PROXY_LOGIN, 'it asks for another login'),
        ('socks5', [b'HTTP/1.1 400 x\r\n\r\n'], Kind.PROXY, 'it does not speak SOCKS 5'),
        ('socks5', [b''], Kind.PROXY, 'it closed the connection'),
        ('socks4', [b'\0\x5b' + bytes(6)], Kind.PROXY, 'request rejected or failed'),
        ('socks4', [b'HTTP/1.1 400 x\r\n\r\n'], Kind.PROXY, 'it does not speak SOCKS 4'),
    ],
)
def test_socks_proxy_that_does_not_connect(
    scheme: str, answers: list[bytes], kind: Kind, cause: str, serve: Serve
) -> None:
    proxy = serve(on_connect=socks_answer(*answers)).url.replace('http', scheme)

    assert fault_of('http://127.0.0.1:1/', proxy=proxy) == (kind, f'connect: the proxy could not connect: {cause}')


def test_socks_proxy_that_is_silent(serve: Serve) -> None:
    proxy = serve(on_connect=lambda c: c.recv(512) and c.recv(1) and None).url.replace('http', 'socks5')

    assert fault_of('http://127.0.0.1:1/', proxy=proxy, seconds=TIMEOUT) == (
        Kind.TIMEOUT,
        f'timeout: gave up after {TIMEOUT:g} s while connecting through the proxy',
    )


def test_socks_4_prefers_an_address_that_it_can_carry(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    page = serve(PAGE)
    socks = Socks(page.port)

    with Client(proxy=serve(on_connect=socks).url.replace('http', 'socks4')) as client:
        resolve = client.dialer.resolve
        both = [*resolve('::1', page.port), *resolve('127.0.0.1', page.port)]
        monkeypatch.setattr(
            client.dialer, 'resolve', lambda host, port: both if host == 'page.example' else resolve(host, port)
        )
        assert client.fetch(f'http://page.example:{page.port}/') == b'page'
    assert socks.asked[0].endswith(b'\x7f\0\0\x01\0')


def test_ipv6_needs_socks_5() -> None:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        proxy = f'socks4://127.0.0.1:{listener.getsockname()[1]}'

        assert fault_of('http://[::1]:1/', proxy=proxy) == (
            Kind.PROXY,
            'connect: the proxy could not connect: SOCKS 4 has no IPv6 addresses',
        )


def test_transport_imports_no_client() -> None:
    script = 'import sys, datadog_checks.awesome.fetching.transport; print(*sys.modules)'
    loaded = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True, env=os.environ)

    assert not {'requests', 'urllib3', 'http.client', 'cryptography', 'socks'} & set(loaded.stdout.split())
