"""TLS: what is accepted, what is not, and what is said of it."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import trustme
from cryptography import x509

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base.utils import tls

from .answers import TIMEOUT, octets, silence, trickle
from .certificates import UNKNOWN_ISSUER, SelfSigned, early_intermediate, other_authority
from .conftest import Result
from .leaks import DOORS
from .server import Server, response

pytestmark = pytest.mark.unit

Run = Callable[..., Result]
Serve = Callable[..., Server]

OK, CRITICAL = AwesomeCheck.OK, AwesomeCheck.CRITICAL
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
FUTURE = datetime.datetime(2190, 1, 1, tzinfo=datetime.UTC)
PAGE = response(b'nginx')


def test_trusted_certificate(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    server = serve_tls(ca.issue_cert('127.0.0.1'), PAGE)

    assert run(url=server.url, search_string='nginx', tls_ca_cert=trusted).status == OK


BAD: dict[str, tuple[Callable[[trustme.CA], Any], str]] = {
    'of another authority': (
        lambda _: other_authority().issue_cert('127.0.0.1'),
        f'TLS: {UNKNOWN_ISSUER}',
    ),
    'self-signed': (SelfSigned, 'TLS: the certificate is self-signed'),
    'expired': (
        lambda ca: ca.issue_cert('127.0.0.1', not_before=PAST, not_after=PAST + datetime.timedelta(days=1)),
        'TLS: the certificate has expired',
    ),
    'of another host': (
        lambda ca: ca.issue_cert('example.com'),
        "TLS: the certificate is not valid for '127.0.0.1', only for 'example.com'",
    ),
}


@pytest.mark.parametrize('kind', BAD)
def test_bad_certificate(kind: str, ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    issue, message = BAD[kind]
    server = serve_tls(issue(ca), PAGE)

    result = run(url=server.url, search_string='nginx', tls_ca_cert=trusted)

    assert (result.status, result.message) == (CRITICAL, message)
    assert (server.accepted, server.requests) == (1, [])
    assert run(url=server.url, search_string='nginx', tls_verify=False).status == OK


def test_address_that_a_bad_certificate_names_is_not_fetched(serve: Serve, serve_tls: Serve, run: Run) -> None:
    """The base package's client fetches missing certificates from there."""
    issuer = serve(response(b''))
    server = serve_tls(WithIssuer(issuer.url), PAGE)

    assert run(url=server.url, search_string='nginx').message == 'TLS: the certificate is self-signed'
    assert (server.accepted, issuer.accepted) == (1, 0)


class WithIssuer:
    """A self-signed certificate that names an address of its issuer."""

    def __init__(self, url: str) -> None:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'page')])
        issuer = x509.AccessDescription(
            x509.AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url)
        )
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(PAST)
            .not_valid_after(datetime.datetime(2200, 1, 1, tzinfo=datetime.UTC))
            .add_extension(x509.AuthorityInformationAccess([issuer]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ) + certificate.public_bytes(serialization.Encoding.PEM)

    def configure_cert(self, context: ssl.SSLContext) -> None:
        with trustme.Blob(self._pem).tempfile() as path:
            context.load_cert_chain(path)


def trickled_handshake(connection: socket.socket) -> None:
    # A handshake record of 16 KiB, whose bytes come now and then.
    trickle(b'\x16\x03\x03\x40\x00\x02', [b'\x00'])(connection, b'')


@pytest.mark.parametrize(
    ('first', 'message'),
    [
        pytest.param(
            lambda c: c.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n'),
            'TLS: the server does not speak TLS on this port',
            id='plain text',
        ),
        pytest.param(lambda c: None, 'TLS: the server closed the connection during the handshake', id='closed'),
        pytest.param(
            lambda c: silence(c, b''), f'timeout: gave up after {TIMEOUT:g} s during the TLS handshake', id='silent'
        ),
        pytest.param(
            trickled_handshake, f'timeout: gave up after {TIMEOUT:g} s during the TLS handshake', id='trickled'
        ),
    ],
)
def test_handshake_that_fails(first: Callable[[socket.socket], None], message: str, serve: Serve, run: Run) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        first(connection)

    server = serve(on_connect=answer)

    # To read all that the system trusts takes long while many tests run.
    result = run(url=server.url.replace('http:', 'https:'), search_string='a', timeout=TIMEOUT, tls_verify=False)

    assert (result.status, result.message) == (CRITICAL, message)
    assert server.accepted == 1


@pytest.mark.parametrize('start', [b'', b'HTTP/1.1 200 OK\r\n\r\n'], ids=['headers', 'body'])
def test_trickling_over_tls_ends_in_time(
    start: bytes, ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run
) -> None:
    server = serve_tls(ca.issue_cert('127.0.0.1'), trickle(start, octets(b'HTTP/1.1 200 OK')))

    result = run(url=server.url, search_string='a', tls_ca_cert=trusted, timeout=TIMEOUT)

    assert result.message.startswith(f'timeout: gave up after {TIMEOUT:g} s while ')


@pytest.fixture
def client_certificate(ca: trustme.CA, tmp_path: Path) -> dict[str, str]:
    issued = ca.issue_cert('client@example.com')
    issued.private_key_pem.write_to_path(str(tmp_path / 'key.pem'))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / 'cert.pem'))
    return {'tls_cert': str(tmp_path / 'cert.pem'), 'tls_private_key': str(tmp_path / 'key.pem')}


def test_client_certificate(
    ca: trustme.CA, trusted: str, client_certificate: dict[str, str], serve_tls: Serve, run: Run
) -> None:
    server = serve_tls(ca.issue_cert('127.0.0.1'), PAGE, client_ca=ca)
    options = {'url': server.url, 'search_string': 'nginx', 'tls_ca_cert': trusted}

    assert run(**options, **client_certificate).status == OK
    assert run(**options).message == 'TLS: the server asks for a client certificate'


def test_client_certificate_and_headers_stay_with_their_origin(
    ca: trustme.CA, trusted: str, client_certificate: dict[str, str], serve_tls: Serve, run: Run
) -> None:
    foreign = serve_tls(ca.issue_cert('127.0.0.1'), PAGE, client_ca=ca)
    own = serve_tls(ca.issue_cert('127.0.0.1'), response(status='302 x', Location=foreign.url), client_ca=ca)

    result = run(url=own.url, search_string='a', tls_ca_cert=trusted, headers={'X-Key': 'k'}, **client_certificate)

    assert result.message == 'TLS: the server asks for a client certificate'
    assert b'X-Key: k' in own.requests[0]
    assert foreign.requests == []


def test_host_header_can_name_the_certificate(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    server = serve_tls(ca.issue_cert('page.example'), PAGE)
    options = {'tls_validate_hostname': False, 'tls_use_host_header': True, 'headers': {'Host': 'page.example'}}

    assert run(url=server.url, search_string='nginx', tls_ca_cert=trusted, **options).status == OK
    options['headers'] = {'Host': 'other.example'}
    assert run(url=server.url, search_string='nginx', tls_ca_cert=trusted, **options).message.startswith(
        "TLS: the certificate is not valid for 'other.example'"
    )


@pytest.mark.parametrize(('persist', 'connections'), [(False, 3), (True, 1)])
def test_connections_are_fresh_and_the_context_is_built_once(
    persist: bool,
    connections: int,
    ca: trustme.CA,
    trusted: str,
    serve_tls: Serve,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create = Mock(wraps=tls.create_ssl_context)
    monkeypatch.setattr(tls, 'create_ssl_context', create)
    server = serve_tls(ca.issue_cert('127.0.0.1'), response(b'nginx', Connection='keep-alive'))
    instance = {'url': server.url, 'search_string': '!', 'tls_ca_cert': trusted, 'persist_connections': persist}
    check = AwesomeCheck('awesome', {}, [instance])

    for _ in range(3):
        assert run(check).message.startswith("'!' not found")

    assert (server.accepted, create.call_count) == (connections, 1)


def reset(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def test_certificate_that_is_not_yet_valid(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    certificate = ca.issue_cert('127.0.0.1', not_before=FUTURE, not_after=FUTURE + datetime.timedelta(days=1))
    server = serve_tls(certificate, PAGE)

    result = run(url=server.url, search_string='nginx', tls_ca_cert=trusted)

    assert (result.status, result.message) == (CRITICAL, 'TLS: the certificate is not yet valid')
    assert (server.accepted, server.requests) == (1, [])


@pytest.mark.parametrize('door', DOORS)
def test_intermediate_certificate_that_is_not_yet_valid(door: str, tmp_path: Path, serve: Serve, run: Run) -> None:
    chain, root = early_intermediate('127.0.0.1')
    (tmp_path / 'chain.pem').write_bytes(chain)
    (tmp_path / 'root.pem').write_bytes(root)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / 'chain.pem')

    url, trusted = serve(PAGE, tls=context).url, str(tmp_path / 'root.pem')
    result = run(url=url, search_string='nginx', tls_ca_cert=trusted, **DOORS[door])

    assert result.message == "TLS: the issuer's certificate 'New CA' is not yet valid"
    assert result.metrics['certificate.days_left'] > 0


def test_reset_during_the_handshake(serve: Serve, run: Run) -> None:
    result = run(url=serve(on_connect=reset).url.replace('http', 'https'), search_string='a')

    assert (result.status, result.message) == (CRITICAL, 'TLS: connection reset by peer during the handshake')


def test_http_on_a_port_that_speaks_tls(serve: Serve, run: Run) -> None:
    server = serve(b'\x15\x03\x03\x00\x02\x02\x46')

    result = run(url=server.url, search_string='a')

    assert (result.status, result.message) == (CRITICAL, 'status: the server speaks TLS on this port: use https')


@pytest.mark.parametrize(
    ('option', 'cause'),
    [
        ('tls_ca_cert', 'it has no certificate in PEM format'),
        ('tls_cert', 'it has no certificate in PEM format'),
    ],
)
def test_configured_file_that_is_no_certificate(
    option: str, cause: str, tmp_path: Path, ca: trustme.CA, serve_tls: Serve, run: Run
) -> None:
    (tmp_path / 'junk').write_text('junk')
    server = serve_tls(ca.issue_cert('127.0.0.1'), PAGE)

    result = run(url=server.url, search_string='nginx', **{option: str(tmp_path / 'junk')})

    assert result.message == f'TLS: {option} {tmp_path / "junk"}: {cause}'
    assert (result.status, server.accepted) == (CRITICAL, 0)


def test_client_certificate_reaches_no_other_origin_that_would_take_it(
    ca: trustme.CA,
    trusted: str,
    client_certificate: dict[str, str],
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
