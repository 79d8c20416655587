"""Why a socket or a handshake failed, in words that are the same on each platform and with each OpenSSL.

They come from tables of ours by the errno's name, the code of getaddrinfo and that of the certificate's verification.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Fault, Kind

from .certificate import common_name, days_left, issuer_name, names, starts_later

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Windows has the same names with WSA before them.
OS_CAUSES = {
    'EACCES': 'permission denied',
    'EADDRINUSE': 'no local port is free',
    'EADDRNOTAVAIL': 'no local address or port to connect from',
    'EAFNOSUPPORT': 'the system does not support this kind of address',
    'EAGAIN': 'the system is short of resources',
    'ECONNABORTED': 'connection aborted',
    'ECONNREFUSED': 'connection refused',
    'ECONNRESET': 'connection reset by peer',
    'EHOSTDOWN': 'the host is down',
    'EHOSTUNREACH': 'no route to the host',
    'EINVAL': 'invalid address',
    'EMFILE': 'too many open files in the Agent',
    'ENETDOWN': 'the network is down',
    'ENETRESET': 'connection reset by the network',
    'ENETUNREACH': 'the network is unreachable',
    'ENFILE': 'too many open files in the system',
    'ENOBUFS': 'the system has no buffer space left',
    'ENOMEM': 'the system has no memory left',
    'ENOTCONN': 'connection closed',
    'EPERM': 'not permitted by the system or its firewall',
    'EPIPE': 'connection closed by peer',
    'EPROTONOSUPPORT': 'the system does not support this kind of address',
    'ESHUTDOWN': 'connection closed',
    'ETIMEDOUT': 'connection timed out',
}
UNREACHABLE = {'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENETDOWN', 'ENETUNREACH', 'ETIMEDOUT'}
RESOURCES = {'EADDRINUSE', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'}

LOOKUP_CAUSES = {
    'EAI_NONAME': (Kind.UNKNOWN_HOST, 'name or service not known'),
    'EAI_NODATA': (Kind.UNKNOWN_HOST, 'the name has no address'),
    'EAI_ADDRFAMILY': (Kind.UNKNOWN_HOST, 'the name has no address of a kind that the system supports'),
    'EAI_AGAIN': (Kind.LOOKUP, 'temporary failure in name resolution'),
    'EAI_FAIL': (Kind.LOOKUP, 'the name server failed'),
    'EAI_MEMORY': (Kind.RESOURCES, 'the system has no memory left for the lookup'),
}
# Windows names no code for "the name is valid, but has no data of the type".
WSANO_DATA = 11004

# By the codes of X509_verify_cert (openssl/x509_vfy.h).
NOT_YET_VALID, EXPIRED = 9, 10
WRONG_NAMES = {62, 64}
NO_AUTHORITY = (Kind.CERTIFICATE, 'an issuer in the chain is no certificate authority')
OTHER_NAMES = (Kind.CERTIFICATE, 'an issuer in the chain may issue no certificate for this name')
CERTIFICATE_CAUSES = {
    2: (Kind.UNKNOWN_ISSUER, 'the issuer of the certificate is unknown'),
    7: (Kind.CERTIFICATE, 'a signature in the chain is wrong'),
    18: (Kind.SELF_SIGNED, 'the certificate is self-signed'),
    19: (Kind.SELF_SIGNED, 'the chain ends in a self-signed certificate that is not trusted'),
    20: (Kind.UNKNOWN_ISSUER, 'the issuer of the certificate is unknown'),
    21: (Kind.UNKNOWN_ISSUER, 'the issuer of the certificate is unknown, and the server sends no other'),
    22: (Kind.CERTIFICATE, 'the chain of certificates is too long'),
    23: (Kind.CERTIFICATE, 'the certificate was revoked'),
    # Of OpenSSL 1.1; since 3.0, 79.
    24: NO_AUTHORITY,
    25: (Kind.CERTIFICATE, 'an authority in the chain may have none below it'),
    26: (Kind.CERTIFICATE, 'the certificate is not made for a server'),
    27: (Kind.UNKNOWN_ISSUER, 'the issuer of the certificate is not trusted'),
    34: (Kind.CERTIFICATE, 'the certificate has a critical extension that OpenSSL does not know'),
    47: OTHER_NAMES,
    48: OTHER_NAMES,
    66: (Kind.CERTIFICATE, 'the key of the certificate is too short'),
    67: (Kind.CERTIFICATE, "the key of the issuer's certificate is too short"),
    68: (Kind.CERTIFICATE, 'a signature in the chain uses a hash that is too weak'),
    79: NO_AUTHORITY,
}
# How many of a certificate's names, and of a host's addresses, a message has.
FEW = 3

NO_COMMON_VERSION = 'the server and the Agent have no TLS version in common'
REFUSED_CERTIFICATE = 'the server refuses the client certificate'
# By OpenSSL's names of reasons; what begins with an alert's name came from the server.
HANDSHAKE_CAUSES = {
    'TLSV13_ALERT_CERTIFICATE_REQUIRED': (Kind.CLIENT_CERTIFICATE, 'the server asks for a client certificate'),
    'SSLV3_ALERT_BAD_CERTIFICATE': (Kind.CLIENT_CERTIFICATE, REFUSED_CERTIFICATE),
    'SSLV3_ALERT_CERTIFICATE_EXPIRED': (Kind.CLIENT_CERTIFICATE, f'{REFUSED_CERTIFICATE}: it has expired'),
    'SSLV3_ALERT_CERTIFICATE_REVOKED': (Kind.CLIENT_CERTIFICATE, f'{REFUSED_CERTIFICATE}: it was revoked'),
    'SSLV3_ALERT_CERTIFICATE_UNKNOWN': (Kind.CLIENT_CERTIFICATE, REFUSED_CERTIFICATE),
    'SSLV3_ALERT_NO_CERTIFICATE': (Kind.CLIENT_CERTIFICATE, 'the server asks for a client certificate'),
    'SSLV3_ALERT_UNSUPPORTED_CERTIFICATE': (Kind.CLIENT_CERTIFICATE, REFUSED_CERTIFICATE),
    'TLSV1_ALERT_ACCESS_DENIED': (Kind.CLIENT_CERTIFICATE, f'{REFUSED_CERTIFICATE}: access denied'),
    'TLSV1_ALERT_UNKNOWN_CA': (Kind.CLIENT_CERTIFICATE, f'{REFUSED_CERTIFICATE}: it does not know the issuer'),
    'TLSV1_ALERT_NO_APPLICATION_PROTOCOL': (Kind.HTTP2, 'the server speaks only HTTP/2'),
    'NO_PROTOCOLS_AVAILABLE': (Kind.HANDSHAKE, 'the options allow no TLS version'),
    'SSLV3_ALERT_HANDSHAKE_FAILURE': (
        Kind.HANDSHAKE,
        'the server refused the handshake: no cipher in common, no name that it knows, or no client certificate',
    ),
    'TLSV1_ALERT_INTERNAL_ERROR': (Kind.HANDSHAKE, 'the server reported an internal error during the handshake'),
    'TLSV1_ALERT_INSUFFICIENT_SECURITY': (Kind.HANDSHAKE, 'the server asks for stronger ciphers'),
    'TLSV1_ALERT_PROTOCOL_VERSION': (Kind.HANDSHAKE, NO_COMMON_VERSION),
    'TLSV1_UNRECOGNIZED_NAME': (Kind.HANDSHAKE, 'the server does not know the host name that it was asked for'),
    'SSLV3_ALERT_ILLEGAL_PARAMETER': (Kind.HANDSHAKE, 'the server did not understand the handshake'),
    'UNEXPECTED_MESSAGE': (Kind.HANDSHAKE, 'the server sent a message of TLS out of turn'),
    'UNKNOWN_ERROR': (Kind.HANDSHAKE, 'the handshake failed'),
    'UNSUPPORTED_PROTOCOL': (Kind.HANDSHAKE, NO_COMMON_VERSION),
    'WRONG_SSL_VERSION': (Kind.HANDSHAKE, NO_COMMON_VERSION),
    'DH_KEY_TOO_SMALL': (Kind.HANDSHAKE, "the server's Diffie-Hellman key is too short"),
    'UNSAFE_LEGACY_RENEGOTIATION_DISABLED': (Kind.HANDSHAKE, 'the server lacks secure renegotiation (RFC 5746)'),
} | dict.fromkeys(
    (
        'HTTP_REQUEST',
        'HTTPS_PROXY_REQUEST',
        'PACKET_LENGTH_TOO_LONG',
        'RECORD_LAYER_FAILURE',
        'UNKNOWN_PROTOCOL',
        'WRONG_VERSION_NUMBER',
    ),
    (Kind.NOT_TLS, 'the server does not speak TLS on this port'),
)
ALERT = re.compile('(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(.+)')


def os_cause(error: OSError) -> str:
    """Return why a socket failed, such as "connection refused"."""
    if not error.errno:
        return 'connection closed'
    name = _errno_name(error)
    return OS_CAUSES.get(name, f'system error {name}')


def connect_fault(error: OSError, host: str, port: int, addresses: Sequence[str]) -> Fault:
    """Return the fault of a connection that could not be made to any of the addresses of `host`."""
    name = _errno_name(error)
    if name in RESOURCES:
        return Fault(Kind.RESOURCES, os_cause(error))
    place = _place(host, addresses)
    if name == 'ECONNREFUSED':
        return Fault(Kind.REFUSED, 'connection refused by {} port {}', place, port)
    kind = Kind.UNREACHABLE if name in UNREACHABLE else Kind.CONNECT
    return Fault(kind, f'{{}} port {{}}: {os_cause(error)}', place, port)


def with_addresses(fault: Fault, host: str, addresses: Sequence[str]) -> Fault:
    """Return the fault of a connection as that of several addresses of `host`."""
    kind, cause, _, *values = fault.args
    return Fault(kind, cause, _place(host, addresses), *values)


def _place(host: str, addresses: Sequence[str]) -> str:
    """Return a host with its addresses: "shop.example (10.0.0.7, 10.0.0.8)"; an address stands for itself."""
    if list(addresses) == [host]:
        return host
    few = list(addresses[:FEW])
    if len(addresses) > FEW:
        few.append(f'{len(addresses) - FEW} more')
    return f'{host} ({", ".join(few)})'


def is_out_of_resources(number: int) -> bool:
    """Return whether an errno says that the system lacks something, which another address does not mend."""
    return errno.errorcode.get(number, '').removeprefix('WSA') in RESOURCES


def lookup_fault(error: Exception, host: str) -> Fault:
    """Return the fault of a lookup that failed."""
    if not isinstance(error, OSError):
        return Fault(Kind.LOOKUP, f'{{}}: the lookup failed ({type(error).__name__})', host)
    if not isinstance(error, socket.gaierror):
        kind = Kind.RESOURCES if is_out_of_resources(error.errno or 0) else Kind.LOOKUP
        return Fault(kind, f'{{}}: {os_cause(error)}', host)
    for name, (kind, words) in LOOKUP_CAUSES.items():
        if getattr(socket, name, None) == error.errno:
            return Fault(kind, f'{{}}: {words}', host)
    if error.errno == WSANO_DATA:
        return Fault(Kind.UNKNOWN_HOST, '{}: the name has no address', host)
    return Fault(Kind.LOOKUP, f'{{}}: the lookup failed (code {error.errno})', host)


def tls_fault(error: OSError, host: str, chain: list[bytes]) -> Fault:
    """Return the fault of a handshake with `host`, which showed `chain`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_fault(error.verify_code, host, chain)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Fault(Kind.HANDSHAKE, 'the server closed the connection during the handshake')
    if isinstance(error, ssl.SSLError):
        reason = _reason(error)
        return Fault(*HANDSHAKE_CAUSES.get(reason) or (Kind.HANDSHAKE, _in_words(reason)))
    return Fault(Kind.HANDSHAKE, f'{os_cause(error)} during the handshake')


def name_fault(host: str, valid: list[str]) -> Fault:
    """Return the fault of a certificate that is not valid for `host`, but for others."""
    few = [f"'{name}'" for name in valid[:FEW]]
    if len(valid) > FEW:
        few.append(f'{len(valid) - FEW} more')
    words = f', only for {", ".join(["{}"] * len(few))}' if few else ''
    return Fault(Kind.WRONG_NAME, f'the certificate is not valid for {{}}{words}', f"'{host}'", *few)


def _certificate_fault(code: int, host: str, chain: list[bytes]) -> Fault:
    if code in WRONG_NAMES:
        return name_fault(host, names(chain[0]) if chain else [])
    if code == EXPIRED:
        return _time_fault(
            Kind.EXPIRED, Kind.ISSUER_EXPIRED, 'has expired', chain, lambda der: (days_left(der) or 0) < 0
        )
    if code == NOT_YET_VALID:
        return _time_fault(Kind.NOT_YET_VALID, Kind.NOT_YET_VALID, 'is not yet valid', chain, starts_later)
    kind, words = CERTIFICATE_CAUSES.get(code, (Kind.CERTIFICATE, f'the certificate was refused (code {code})'))
    if kind is Kind.UNKNOWN_ISSUER and chain and (issuer := issuer_name(chain[-1])):
        return Fault(kind, words.replace('the issuer', 'the issuer {}', 1), f"'{issuer}'")
    return Fault(kind, words)


def _time_fault(own: Kind, of_issuer: Kind, words: str, chain: list[bytes], is_wrong: Callable[[bytes], bool]) -> Fault:
    """Return the fault of the certificate in `chain` whose time is wrong, or of the last one's issuer."""
    wrong = list(map(is_wrong, chain))
    if not chain or wrong[0]:
        return Fault(own, f'the certificate {words}')
    issuer = common_name(chain[wrong.index(True)]) if True in wrong else issuer_name(chain[-1])
    return Fault(of_issuer, f"the issuer's certificate {{}} {words}", f"'{issuer}'")


def _in_words(reason: str) -> str:
    """Return what OpenSSL's name of a reason says."""
    alert = ALERT.fullmatch(reason)
    words = (alert[1] if alert else reason).replace('_', ' ').lower()
    return f"the server ended the connection with the TLS alert '{words}'" if alert else words


def _reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's name of why something failed.

    Python has no names for reasons that are newer than its table, such as TLSV1_ALERT_NO_APPLICATION_PROTOCOL in 3.13;
    what OpenSSL says is the same in lower case: "[SSL] tlsv1 alert no application protocol (_ssl.c:1020)".
    """
    text = str(error.args[-1] if error.args else '').partition('] ')[2].partition(' (')[0]
    return error.reason or text.replace(' ', '_').upper() or 'THE_HANDSHAKE_FAILED'


def _errno_name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, str(error.errno)).removeprefix('WSA')
