"""The words and kinds of what fails: the same on each platform."""

from __future__ import annotations

import errno
import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from datadog_checks.awesome.fault import Kind
from datadog_checks.awesome.fetching import causes
from datadog_checks.awesome.fetching.causes import connect_fault, lookup_fault, os_cause, tls_fault
from datadog_checks.awesome.fetching.certificate import chain_days_left, common_name, days_left, names
from datadog_checks.awesome.reporting.wording import validity

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ('number', 'kind', 'message'),
    [
        (errno.ECONNREFUSED, Kind.REFUSED, 'connect: connection refused by a.example (10.0.0.7) port 80'),
        (errno.EHOSTUNREACH, Kind.UNREACHABLE, 'connect: a.example (10.0.0.7) port 80: no route to the host'),
        (errno.ENETUNREACH, Kind.UNREACHABLE, 'connect: a.example (10.0.0.7) port 80: the network is unreachable'),
        (errno.ETIMEDOUT, Kind.UNREACHABLE, 'connect: a.example (10.0.0.7) port 80: connection timed out'),
        (errno.EMFILE, Kind.RESOURCES, 'connect: too many open files in the Agent'),
        (errno.ENOBUFS, Kind.RESOURCES, 'connect: the system has no buffer space left'),
        (errno.EACCES, Kind.CONNECT, 'connect: a.example (10.0.0.7) port 80: permission denied'),
        (errno.EDOM, Kind.CONNECT, 'connect: a.example (10.0.0.7) port 80: system error EDOM'),
        (99_999, Kind.CONNECT, 'connect: a.example (10.0.0.7) port 80: system error 99999'),
    ],
)
def test_connection_that_fails(number: int, kind: Kind, message: str) -> None:
    fault = connect_fault(OSError(number, 'strerror'), 'a.example', 80, ['10.0.0.7'])

    assert (fault.kind, fault.describe()) == (kind, message)


@pytest.mark.parametrize(
    ('addresses', 'place'),
    [
        (['10.0.0.7'], 'a.example (10.0.0.7)'),
        (['10.0.0.7', '2001:db8::7'], 'a.example (10.0.0.7, 2001:db8::7)'),
        ([f'10.0.0.{number}' for number in range(1, 6)], 'a.example (10.0.0.1, 10.0.0.2, 10.0.0.3, 2 more)'),
        (['a.example'], 'a.example'),
    ],
)
def test_connection_that_fails_names_the_addresses(addresses: list[str], place: str) -> None:
    fault = connect_fault(OSError(errno.ECONNREFUSED, ''), 'a.example', 80, addresses)

    assert fault.describe() == f'connect: connection refused by {place} port 80'


def test_windows_has_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(errno.errorcode, 10061, 'WSAECONNREFUSED')
    monkeypatch.setitem(errno.errorcode, 10024, 'WSAEMFILE')

    assert connect_fault(OSError(10061, ''), 'a', 80, []).kind is Kind.REFUSED
    assert connect_fault(OSError(10024, ''), 'a', 80, []).kind is Kind.RESOURCES
    assert os_cause(OSError(10061, '')) == 'connection refused'


def test_socket_that_was_closed() -> None:
    assert os_cause(OSError()) == 'connection closed'


@pytest.mark.parametrize(
    ('error', 'kind', 'message'),
    [
        (socket.gaierror(socket.EAI_NONAME, 'x'), Kind.UNKNOWN_HOST, 'DNS: a.example: name or service not known'),
        (socket.gaierror(11004, 'x'), Kind.UNKNOWN_HOST, 'DNS: a.example: the name has no address'),
        (socket.gaierror(socket.EAI_AGAIN, 'x'), Kind.LOOKUP, 'DNS: a.example: temporary failure in name resolution'),
        (socket.gaierror(socket.EAI_FAIL, 'x'), Kind.LOOKUP, 'DNS: a.example: the name server failed'),
        (socket.gaierror(12345, 'x'), Kind.LOOKUP, 'DNS: a.example: the lookup failed (code 12345)'),
        (OSError(errno.EMFILE, 'x'), Kind.RESOURCES, 'connect: a.example: too many open files in the Agent'),
        (OSError(errno.EACCES, 'x'), Kind.LOOKUP, 'DNS: a.example: permission denied'),
    ],
)
def test_lookup_that_fails(error: OSError, kind: Kind, message: str) -> None:
    fault = lookup_fault(error, 'a.example')

    assert (fault.kind, fault.describe()) == (kind, message)


def ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, 'text of OpenSSL')
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ('reason', 'kind', 'message'),
    [
        ('WRONG_VERSION_NUMBER', Kind.NOT_TLS, 'TLS: the server does not speak TLS on this port'),
        (
            'TLSV13_ALERT_CERTIFICATE_REQUIRED',
            Kind.CLIENT_CERTIFICATE,
            'TLS: the server asks for a client certificate',
        ),
        (
            'TLSV1_ALERT_UNKNOWN_CA',
            Kind.CLIENT_CERTIFICATE,
            'TLS: the server refuses the client certificate: it does not know the issuer',
        ),
        ('TLSV1_ALERT_NO_APPLICATION_PROTOCOL', Kind.HTTP2, 'status: the server speaks only HTTP/2'),
        (
            'TLSV1_ALERT_PROTOCOL_VERSION',
            Kind.HANDSHAKE,
            'TLS: the server and the Agent have no TLS version in common',
        ),
        ('UNEXPECTED_MESSAGE', Kind.HANDSHAKE, 'TLS: the server sent a message of TLS out of turn'),
        *(
            (reason, Kind.HANDSHAKE, f"TLS: the server ended the connection with the TLS alert '{alert}'")
            for reason, alert in (
                ('SSLV3_ALERT_UNEXPECTED_MESSAGE', 'unexpected message'),
                ('TLSV1_ALERT_DECODE_ERROR', 'decode error'),
                ('TLSV1_UNSUPPORTED_EXTENSION', 'unsupported extension'),
                ('TLSV13_ALERT_MISSING_EXTENSION', 'missing extension'),
            )
        ),
        ('UNKNOWN_ERROR', Kind.HANDSHAKE, 'TLS: the handshake failed'),
        ('SOME_NEW_REASON', Kind.HANDSHAKE, 'TLS: some new reason'),
        ('', Kind.HANDSHAKE, 'TLS: the handshake failed'),
    ],
)
def test_handshake_that_fails(reason: str, kind: Kind, message: str) -> None:
    fault = tls_fault(ssl_error(reason), 'a.example', [])

    assert (fault.kind, fault.describe()) == (kind, message)


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (ssl.SSLEOFError(), 'TLS: the server closed the connection during the handshake'),
        (ssl.SSLZeroReturnError(), 'TLS: the server closed the connection during the handshake'),
        (OSError(errno.ECONNRESET, ''), 'TLS: connection reset by peer during the handshake'),
    ],
)
def test_connection_that_ends_during_the_handshake(error: OSError, message: str) -> None:
    fault = tls_fault(error, 'a.example', [])

    assert (fault.kind, fault.describe()) == (Kind.HANDSHAKE, message)


def verification_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, 'text of OpenSSL')
    error.verify_code, error.verify_message = code, 'text of OpenSSL'
    return error


def certificate(name: str, days: float, hosts: tuple[str, ...] = ()) -> bytes:
    """Return a certificate in DER that expires in `days`, and is valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    end = datetime.now(UTC) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - timedelta(days=1))
        .not_valid_after(end)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(x509.DNSName, hosts)), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


LEAF, OLD_LEAF, OLD_ISSUER = certificate('leaf', 9), certificate('leaf', -3), certificate('Old CA', -1)
VALID = certificate('valid', 0.5)


@pytest.mark.parametrize(
    ('code', 'chain', 'kind', 'message'),
    [
        (10, [OLD_LEAF, OLD_ISSUER], Kind.EXPIRED, 'the certificate has expired'),
        (10, [LEAF, OLD_ISSUER], Kind.ISSUER_EXPIRED, "the issuer's certificate 'Old CA' has expired"),
        (10, [LEAF], Kind.ISSUER_EXPIRED, "the issuer's certificate 'leaf' has expired"),
        (10, [], Kind.EXPIRED, 'the certificate has expired'),
        (9, [LEAF], Kind.NOT_YET_VALID, 'the certificate is not yet valid'),
        (9, [LEAF, OLD_ISSUER], Kind.NOT_YET_VALID, 'the certificate is not yet valid'),
        (9, [VALID, LEAF], Kind.NOT_YET_VALID, "the issuer's certificate 'leaf' is not yet valid"),
        (9, [VALID], Kind.NOT_YET_VALID, "the issuer's certificate 'valid' is not yet valid"),
        (9, [], Kind.NOT_YET_VALID, 'the certificate is not yet valid'),
        (18, [LEAF], Kind.SELF_SIGNED, 'the certificate is self-signed'),
        (20, [LEAF], Kind.UNKNOWN_ISSUER, "the issuer 'leaf' of the certificate is unknown"),
        (2, [VALID, LEAF], Kind.UNKNOWN_ISSUER, "the issuer 'leaf' of the certificate is unknown"),
        (27, [LEAF, VALID], Kind.UNKNOWN_ISSUER, "the issuer 'valid' of the certificate is not trusted"),
        (20, [b'junk'], Kind.UNKNOWN_ISSUER, 'the issuer of the certificate is unknown'),
        (20, [], Kind.UNKNOWN_ISSUER, 'the issuer of the certificate is unknown'),
        (23, [LEAF], Kind.CERTIFICATE, 'the certificate was revoked'),
        (24, [LEAF], Kind.CERTIFICATE, 'an issuer in the chain is no certificate authority'),
        (79, [LEAF], Kind.CERTIFICATE, 'an issuer in the chain is no certificate authority'),
        (77, [LEAF], Kind.CERTIFICATE, 'the certificate was refused (code 77)'),
        (62, [b'junk'], Kind.WRONG_NAME, "the certificate is not valid for 'a.example'"),
        (
            62,
            [certificate('x', 9, ('b.example', '*.c.example'))],
            Kind.WRONG_NAME,
            "the certificate is not valid for 'a.example', only for 'b.example', '*.c.example'",
        ),
        (
            64,
            [certificate('x', 9, ('b', 'c', 'd', 'e', 'f'))],
            Kind.WRONG_NAME,
            "the certificate is not valid for 'a.example', only for 'b', 'c', 'd', 2 more",
        ),
    ],
)
def test_certificate_that_is_refused(code: int, chain: list[bytes], kind: Kind, message: str) -> None:
    fault = tls_fault(verification_error(code), 'a.example', chain)

    assert (fault.kind, fault.describe()) == (kind, f'TLS: {message}')


def test_each_word_of_a_table_is_told() -> None:
    tables: list[Any] = [causes.LOOKUP_CAUSES, causes.CERTIFICATE_CAUSES, causes.HANDSHAKE_CAUSES]

    assert all(isinstance(kind, Kind) and words.isprintable() for table in tables for kind, words in table.values())
    assert not (causes.UNREACHABLE | causes.RESOURCES) - set(causes.OS_CAUSES)


def test_days_left() -> None:
    assert days_left(LEAF) == pytest.approx(9, abs=0.1)
    assert days_left(OLD_LEAF) == pytest.approx(-3, abs=0.1)
    assert days_left(b'junk') is None
    assert chain_days_left([LEAF, OLD_LEAF, b'junk']) == pytest.approx(-3, abs=0.1)
    assert chain_days_left([]) is None


def test_names_of_a_certificate() -> None:
    issued = trustme.CA().issue_cert('a.example', '127.0.0.1', common_name='me').cert_chain_pems[0].bytes().decode()
    der = ssl.PEM_cert_to_DER_cert(issued)

    assert (names(der), common_name(der)) == (['a.example', '127.0.0.1'], 'me')
    assert (names(LEAF), names(b'junk'), common_name(b'junk')) == ([], [], '')


@pytest.mark.parametrize(
    ('days', 'words'),
    [
        (0.06, 'expires in 0.1 days'),
        (2, 'expires in 2.0 days'),
        (2.6, 'expires in 3 days'),
        (355_417.2, 'expires in 355,417 days'),
        (-1.25, 'expired 1.2 days ago'),
        (-30.4, 'expired 30 days ago'),
    ],
)
def test_validity(days: float, words: str) -> None:
    assert validity(days) == words
