"""Sockets that end in time: look-up, connect, handshake, headers and body share one deadline.

The timeouts of requests and urllib3 limit each socket operation, so a server that sends a byte now and then is never
late (https://requests.readthedocs.io/en/latest/user/advanced/#timeouts). Here each operation gets what is left.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from typing import Any


class Fault(Exception):
    """Why a page could not be obtained: the step that failed and its plain cause, without a secret."""

    def __init__(self, step: str, cause: str) -> None:
        super().__init__(f'{step}: {cause}')


class Deadline:
    """The end of a check's current run, shared by all its sockets."""

    def __init__(self) -> None:
        self.doing = ''
        self._lookup: Lookup | None = None
        self.start(float('inf'))

    def start(self, seconds: float) -> None:
        """Begin a run that ends in `seconds`."""
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self, limit: float | None = None) -> float:
        """Give the seconds that the next operation may take, at most `limit`; raise a `timeout` fault if none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.fault()
        return left if limit is None else min(left, limit)

    def fault(self, limit: float | None = None) -> Fault:
        """Give the fault of an operation that took longer than `left(limit)`."""
        seconds = self._seconds if limit is None else min(self._seconds, limit)
        return Fault('timeout', f'{seconds:g} s were over while {self.doing}')

    def connect(self, host: str, port: int, limit: float | None) -> TimedSocket:
        """Connect to the first address of `host` that answers, each in a fair share of the time that is left.

        Raises `DNS`, `connect` and `timeout` faults.
        """
        addresses = self._resolve(host, port)
        self.doing = f'connecting to {host} port {port}'
        for remaining in range(len(addresses), 0, -1):
            family, kind, protocol, _, address = addresses[-remaining]
            sock = TimedSocket(family, kind, protocol)
            try:
                sock.open(self, address, self.left(limit) / remaining)
                return sock
            except OSError as e:
                sock.close()
                error = e
        if isinstance(error, TimeoutError):
            raise self.fault(limit)
        raise Fault('connect', f'{os_cause(error)} by {host} port {port}')

    def _resolve(self, host: str, port: int) -> list[Any]:
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            self.doing = f'looking up {host}'
        if self._lookup is None or not self._lookup.is_alive():
            self._lookup = Lookup(host, port)
        self._lookup.join(self.left())
        if self._lookup.is_alive() or self._lookup.name != host:
            raise self.fault()
        if isinstance(self._lookup.result, str):
            raise Fault('DNS', f'{host}: {self._lookup.result}')
        return self._lookup.result


class Lookup(threading.Thread):
    """Looks up the addresses of `host`: getaddrinfo cannot be interrupted, but it can be left behind."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name=host, daemon=True)
        self._port = port
        self.result: list[Any] | str = 'the look-up failed'
        self.start()

    def run(self) -> None:
        try:
            self.result = socket.getaddrinfo(self.name, self._port, type=socket.SOCK_STREAM)
        except socket.gaierror as e:
            self.result = str(e.strerror).lower()
        except UnicodeError:
            self.result = 'not a valid host name'


class _Timed:
    """Gives each operation of a socket what is left of `deadline`, and at most the timeout that was set."""

    deadline: Deadline
    _limit: float | None = None

    def settimeout(self, value: float | None) -> None:
        self._limit = value

    def gettimeout(self) -> float:
        return self.deadline.left(self._limit)

    def recv_into(self, *args: Any) -> int:
        return self._in_time('recv_into', *args)

    def send(self, *args: Any) -> int:
        return self._in_time('send', *args)

    def _in_time(self, operation: str, *args: Any) -> Any:
        super().settimeout(self.gettimeout())  # type: ignore[misc]
        try:
            return getattr(super(), operation)(*args)
        except TimeoutError:
            raise self.deadline.fault(self._limit) from None


class TimedSocket(_Timed, socket.socket):
    """A TCP socket that ends in time."""

    def open(self, deadline: Deadline, address: Any, seconds: float) -> None:
        self.deadline = deadline
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        socket.socket.settimeout(self, seconds)
        self.connect(address)

    def sendall(self, *args: Any) -> None:
        self._in_time('sendall', *args)


class TimedTLSSocket(_Timed, ssl.SSLSocket):
    """A TLS socket that ends in time; its context carries the deadline."""

    @property
    def deadline(self) -> Deadline:  # type: ignore[override]
        return self.context.deadline  # type: ignore[attr-defined]

    def do_handshake(self, block: bool = False) -> None:
        self.deadline.doing = 'in the TLS handshake'
        try:
            self._in_time('do_handshake', block)
        except OSError as e:
            raise Fault('TLS', tls_cause(e)) from None


def os_cause(error: OSError) -> str:
    """Give the plain cause of a socket's error, such as "connection refused"."""
    return os.strerror(error.errno).lower() if error.errno else 'connection closed'


def tls_cause(error: OSError) -> str:
    """Give the plain cause of a failed handshake, such as "certificate has expired"."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLEOFError):
        return 'the server closed the connection during the handshake'
    if isinstance(error, ssl.SSLError):
        if error.reason in ('WRONG_VERSION_NUMBER', 'RECORD_LAYER_FAILURE', 'UNKNOWN_PROTOCOL', 'HTTP_REQUEST'):
            return 'the server does not speak TLS on this port'
        return (error.reason or 'the handshake failed').replace('_', ' ').lower()
    return f'{os_cause(error)} during the handshake'
