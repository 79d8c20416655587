"""Why a page could not be obtained, in plain words."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterable, Iterator

NOT_TLS = ('HTTP_REQUEST', 'PACKET_LENGTH_TOO_LONG', 'RECORD_LAYER_FAILURE', 'UNKNOWN_PROTOCOL', 'WRONG_VERSION_NUMBER')


class Fault(Exception):
    """The step that failed and its cause; what a server says in it may be hostile and of any length."""

    def __init__(self, step: str, cause: str) -> None:
        super().__init__(f'{step}: {cause}')
        self.step = step


def feed_all[T](pieces: Iterable[T], feed: Callable[[T], str], flush: Callable[[], str]) -> Iterator[str]:
    """Feed all pieces, then flush: also when a fault ends the pieces, since what came before may have decided."""
    fault = None
    try:
        for piece in pieces:
            yield feed(piece)
    except Fault as e:
        fault = e
    yield flush()
    if fault:
        raise fault


def os_cause(error: OSError) -> str:
    """Give the plain cause of a socket's error, such as "connection refused"."""
    return os.strerror(error.errno).lower() if error.errno else 'connection closed'


def tls_cause(error: OSError) -> str:
    """Give the plain cause of a TLS error, such as "certificate has expired"."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return 'the server closed the connection during the handshake'
    if isinstance(error, ssl.SSLError):
        reason = error.reason or 'the handshake failed'
        return 'the server does not speak TLS on this port' if reason in NOT_TLS else reason.replace('_', ' ').lower()
    return f'{os_cause(error)} during the handshake'
