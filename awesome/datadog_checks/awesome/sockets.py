"""Sockets whose every operation ends with the run."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

from .fault import Fault, tls_cause

if TYPE_CHECKING:
    from .deadline import Deadline

# Of one response, or of what comes before it: more than any page needs, little for an Agent to hold.
MAX_HEADERS = 256 * 1024
# By how many seconds an operation may end late.
SLACK = 0.1


class _Timed:
    """Gives each operation of a socket what is left of `deadline`, and at most the timeout that was set.

    `room` is how many bytes may still be received.
    """

    deadline: Deadline
    room: float = MAX_HEADERS
    _limit: float | None = None
    _set = -1.0

    def settimeout(self, value: float | None) -> None:
        self._limit = value

    def gettimeout(self) -> float:
        return self.deadline.left(self._limit)

    def recv_into(self, *args: Any) -> int:
        received = self._in_time('recv_into', *args)
        self.room -= received
        if self.room < 0:
            raise Fault('status', f'more than {MAX_HEADERS // 1024} KiB of headers')
        return received

    def recv(self, *args: Any) -> bytes:
        return self._in_time('recv', *args)

    def send(self, *args: Any) -> int:
        return self._in_time('send', *args)

    def _in_time(self, operation: str, *args: Any) -> Any:
        self.deadline.busy = self  # type: ignore[assignment]
        left = self.gettimeout()
        # Each change takes a system call, around which the threads of the Agent change places.
        if not left <= self._set <= left + SLACK:
            super().settimeout(left)  # type: ignore[misc]
            self._set = left
        try:
            return getattr(super(), operation)(*args)
        except TimeoutError:
            raise self.deadline.fault(self._limit) from None


class TimedSocket(_Timed, socket.socket):
    """A TCP socket that ends in time."""

    def open(self, deadline: Deadline, address: Any, seconds: float) -> None:
        """Connect within `seconds`; raise OSError, which is TimeoutError after that time."""
        self.deadline = deadline
        deadline.busy = self
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        socket.socket.settimeout(self, seconds)
        self._set = seconds
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
