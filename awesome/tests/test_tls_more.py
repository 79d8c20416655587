"""TLS: configured files, the other ends of a handshake, and what a connection takes with it."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck

from .conftest import Result
from .server import Server, response
from .test_tls import client_certificate  # noqa: F401

pytestmark = pytest.mark.unit

Run = Callable[..., Result]
Serve = Callable[..., Server]

OK, CRITICAL = AwesomeCheck.OK, AwesomeCheck.CRITICAL
PAGE = response(b'nginx')
FUTURE = datetime.datetime(2190, 1, 1, tzinfo=datetime.UTC)


def reset(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def test_certificate_that_is_not_yet_valid(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    certificate = ca.issue_cert('127.0.0.1', not_before=FUTURE, not_after=FUTURE + datetime.timedelta(days=1))
    server = serve_tls(certificate, PAGE)

    result = run(url=server.url, search_string='nginx', tls_ca_cert=trusted)

    assert (result.status, result.message) == (CRITICAL, 'TLS: certificate is not yet valid')
    assert (server.accepted, server.requests) == (1, [])


def test_reset_during_the_handshake(serve: Serve, run: Run) -> None:
    result = run(url=serve(on_connect=reset).url.replace('http', 'https'), search_string='a')

    assert (result.status, result.message) == (CRITICAL, 'TLS: connection reset by peer during the handshake')


def test_http_on_a_port_that_speaks_tls(serve: Serve, run: Run) -> None:
    server = serve(b'\x15\x03\x03\x00\x02\x02\x46')

    result = run(url=server.url, search_string='a')

    assert (result.status, result.message) == (CRITICAL, 'status: the server speaks TLS on this port: use https')


@pytest.mark.parametrize(
    ('option', 'cause'),
    [('tls_ca_cert', 'no certificate or crl found'), ('tls_cert', 'the handshake failed')],
)
def test_configured_file_that_is_no_certificate(
    option: str, cause: str, tmp_path: Path, ca: trustme.CA, serve_tls: Serve, run: Run
) -> None:
    (tmp_path / 'junk').write_text('junk')
    server = serve_tls(ca.issue_cert('127.0.0.1'), PAGE)

    result = run(url=server.url, search_string='nginx', **{option: str(tmp_path / 'junk')})

    assert result.message == f'TLS: a configured certificate or key cannot be used: {cause}'
    assert (result.status, server.accepted) == (CRITICAL, 0)


def test_client_certificate_reaches_no_other_origin_that_would_take_it(
    ca: trustme.CA,
    trusted: str,
    client_certificate: dict[str, str],  # noqa: F811
    serve: Serve,
    serve_tls: Serve,
    run: Run,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_OPTIONAL
    ca.configure_trust(context)
    ca.issue_cert('127.0.0.1').configure_cert(context)
    seen: list[Any] = []

    def record(connection: Any, request: bytes) -> None:
        seen.append((connection.getpeercert(), request))
        connection.sendall(PAGE)

    foreign = serve(record, tls=context)
    own = serve_tls(ca.issue_cert('127.0.0.1'), response(status='302 x', Location=foreign.url), client_ca=ca)
    options = {'search_string': 'nginx', 'tls_ca_cert': trusted, 'headers': {'X-Key': 'k'}, **client_certificate}

    assert run(url=own.url, **options).status == run(url=foreign.url, **options).status == OK
    redirected, direct = seen
    assert not redirected[0] and b'X-Key' not in redirected[1]
    assert direct[0] and b'X-Key: k' in direct[1]


def test_redirect_from_http_to_https_on_another_port_is_another_origin(
    ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    secure = serve_tls(ca.issue_cert('127.0.0.1'), PAGE)
    plain = serve(response(status='302 x', Location=secure.url))

    result = run(url=plain.url, search_string='nginx', tls_ca_cert=trusted, headers={'X-Key': 'k'})

    assert result.status == OK
    assert b'X-Key: k' in plain.requests[0]
    assert b'X-Key' not in secure.requests[0]


def test_host_header_for_the_certificate_does_not_keep_the_connection(
    ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run
) -> None:
    server = serve_tls(ca.issue_cert('page.example'), response(b'nginx', Connection='keep-alive'))
    options = {'tls_ca_cert': trusted, 'tls_use_host_header': True, 'headers': {'Host': 'page.example'}}
    check = AwesomeCheck('awesome', {}, [{'url': server.url, 'search_string': '!', **options}])

    assert [run(check).status for _ in range(3)] == [AwesomeCheck.WARNING] * 3
    assert server.accepted == 3
