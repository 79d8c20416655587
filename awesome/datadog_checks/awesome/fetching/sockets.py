"""Sockets whose every operation ends with the run: a plain one, and TLS over any of them.

TLS runs in memory (`ssl.MemoryBIO`) over a stream instead of in `ssl.SSLSocket`: so the same code serves TLS inside the
TLS of a proxy, only the plain socket has timeouts and is woken, a record takes no system call of its own, and an end
without close_notify, which OP_IGNORE_UNEXPECTED_EOF hides in a socket, shows.
"""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from datadog_checks.awesome.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from .deadline import Deadline

# The longest that is waited at once, in seconds: the system takes no number of any size.
MAX_TIMEOUT = 24 * 60 * 60
# The most that one TLS record carries, in bytes (RFC 8446, section 5.1).
RECORD = 16 * 1024
# What is received at a time for TLS, in bytes.
RECEIVED = 128 * 1024


class Stream(Protocol):
    """What a connection needs of a socket."""

    def recv(self, size: int) -> bytes: ...

    def sendall(self, data: bytes) -> None: ...

    def has_input(self) -> bool: ...

    def close(self) -> None: ...


class TimedSocket:
    """A connected TCP socket that gives each operation what remains of `deadline`, and at most `limit` seconds.

    It does not block, and waits only where it has to: each system call gives other threads a turn, and takes one.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, limit: float | None) -> None:
        self.limit = limit
        self._socket = sock
        self._deadline = deadline
        self._wake = partial(_shut_down, sock)
        self._wait_to_read = waiter(sock, for_reading=True)

    def recv(self, size: int) -> bytes:
        """Return what is there, b'' at the end; raise OSError or a `timeout` fault."""
        data = None
        while data is None:
            self._wait(self._wait_to_read)
            data = self._in_time(self._socket.recv, size)
        if not data:
            # What wakes a thread that waits is a shutdown, which looks like the end.
            self._deadline.check()
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of `data`; raise OSError or a `timeout` fault."""
        view = memoryview(data)
        self._deadline.check()
        while view:
            view = view[self._in_time(self._socket.send, view) or 0 :]
            if view:
                self._wait(waiter(self._socket, for_reading=False))

    def has_input(self) -> bool:
        """Return whether something, or the end, can be received at once."""
        return self._wait_to_read(0)

    def close(self) -> None:
        self._socket.close()

    def _wait(self, wait: Callable[[float], bool]) -> None:
        # In this order: who cancels sets the end before it wakes.
        self._deadline.wake = self._wake
        seconds = min(self._deadline.remaining(self.limit), MAX_TIMEOUT)
        if not wait(seconds):
            raise self._deadline.fault(self.limit)

    def _in_time[T, R](self, operation: Callable[[T], R], argument: T) -> R | None:
        """Return what `operation` returns, None if it would block."""
        try:
            return operation(argument)
        except BlockingIOError:
            return None
        except OSError:
            self._deadline.check()
            raise


def waiter(sock: socket.socket, for_reading: bool) -> Callable[[float], bool]:
    """Return what waits so many seconds until `sock` can be read, or else written, and returns whether it can."""
    # Where there is poll, select takes no socket whose number is above 1,023.
    if hasattr(select, 'poll'):
        poll = select.poll()
        poll.register(sock, select.POLLIN if for_reading else select.POLLOUT)
        return lambda seconds: bool(poll.poll(seconds * 1000))
    reading, writing = ([sock], []) if for_reading else ([], [sock])
    # Windows reports a failed connection as an exceptional condition.
    return lambda seconds: any(select.select(reading, writing, [sock], seconds))


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class TLSSocket:
    """TLS over a stream; `host` is the server name that is sent and, unless `context` says otherwise, verified."""

    def __init__(self, stream: Stream, context: ssl.SSLContext, host: str) -> None:
        self._stream = stream
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=host)
        self._failure: ssl.SSLError | None = None

    def handshake(self) -> None:
        """Do the handshake; raise OSError (ssl.SSLError is one) or a fault.

        What ends it in TLS 1.3 goes out with what is sent next: that spares a packet.
        """
        try:
            self._run(self._tls.do_handshake)
        except ssl.SSLError:
            # The server is told why, as far as it listens.
            with suppress(OSError, Fault):
                self._flush()
            raise

    def chain(self) -> list[bytes]:
        """Return the certificates that the server showed, in DER, its own first: also after a failed handshake."""
        try:
            return self._tls.get_unverified_chain()
        except (ssl.SSLError, ValueError):
            return []

    def names(self) -> list[str]:
        """Return the host names that a verified certificate is valid for."""
        certificate: dict[str, Any] = self._tls.getpeercert() or {}
        return [name for kind, name in certificate.get('subjectAltName', ()) if kind == 'DNS']

    def recv(self, size: int) -> bytes:
        """Return what is there, b'' after close_notify; raise OSError or a fault.

        An end without close_notify raises ssl.SSLEOFError: anybody on the way can cause that.
        """
        if self._failure:
            raise _copy(self._failure)
        try:
            data: bytes = self._run(self._tls.read, min(size, RECORD))
        except ssl.SSLError as e:
            # After a fatal alert, OpenSSL reports an orderly end the next time.
            self._failure = _copy(e)
            raise
        if data and self._received.pending and len(data) < size:
            data += self._read_received(size - len(data))
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of `data`; raise OSError or a fault."""
        view = memoryview(data)
        while view:
            sent: int = self._run(self._tls.write, view)
            view = view[sent:]
            self._flush()

    def has_input(self) -> bool:
        """Return whether something that need not be data of the page, or the end, can be received at once."""
        return bool(self._tls.pending() or self._received.pending) or self._stream.has_input()

    def close(self) -> None:
        self._stream.close()

    def _read_received(self, size: int) -> bytes:
        """Return what was received already, at most `size` bytes."""
        pieces = []
        try:
            while size > 0 and (piece := self._tls.read(min(size, RECORD))):
                pieces.append(piece)
                size -= len(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as e:
            # What came before it counts.
            self._failure = _copy(e)
        return b''.join(pieces)

    def _run(self, operation: Callable[..., Any], *arguments: object) -> Any:
        while True:
            try:
                return operation(*arguments)
            except ssl.SSLWantReadError:
                self._flush()
            if not (data := self._stream.recv(RECEIVED)):
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, 'no close_notify')
            self._received.write(data)

    def _flush(self) -> None:
        if self._to_send.pending:
            self._stream.sendall(self._to_send.read())


def _copy(error: ssl.SSLError) -> ssl.SSLError:
    """Return the same error without a traceback, whose frames would keep the socket alive."""
    copy = type(error)(*error.args)
    vars(copy).update(vars(error))
    return copy
