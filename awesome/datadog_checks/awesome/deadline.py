"""The end of a run: look-up, connect, handshake, headers and body share one deadline.

The timeouts of requests and urllib3 limit each socket operation, so a server that sends a byte now and then is never
late (https://requests.readthedocs.io/en/latest/user/advanced/#timeouts). Here each operation gets what is left.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from .fault import Fault, os_cause
from .sockets import TimedSocket

# A socket's timeout ends about when the run does, not exactly.
ROUNDING = 0.005


class Deadline:
    """The end of a check's current run, shared by all its sockets."""

    def __init__(self) -> None:
        self.doing = ''
        self.busy: socket.socket | None = None
        self._lookup: Lookup | None = None
        self.start(float('inf'))

    def start(self, seconds: float) -> None:
        """Begin a run that ends in `seconds`."""
        self.cancelled = False
        self._seconds = seconds
        self._start = time.monotonic()
        self._end = self._start + seconds

    def cancel(self) -> None:
        """End the run now; called from another thread."""
        self.cancelled = True
        self._end = float('-inf')
        if self._lookup:
            self._lookup.ended.set()
        if self.busy:
            # Wakes the thread that waits in it. Not the method of a TLS socket, which is not made for two threads.
            with suppress(OSError):
                socket.socket.shutdown(self.busy, socket.SHUT_RDWR)

    def elapsed(self) -> float:
        """Give the seconds since the run began."""
        return time.monotonic() - self._start

    def left(self, limit: float | None = None) -> float:
        """Give the seconds that the next operation may take, at most `limit`; raise a `timeout` fault if none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.fault()
        return left if limit is None else min(left, limit)

    def fault(self, limit: float | None = None) -> Fault:
        """Give the fault of an operation that took longer than `left(limit)`."""
        is_over = limit is None or time.monotonic() > self._end - ROUNDING
        seconds = self._seconds if is_over else limit
        return Fault('timeout', f'{seconds:g} s were over while {self.doing}')

    def connect(self, host: str, port: int, limit: float | None) -> TimedSocket:
        """Connect to the first address of `host` that answers, each in a fair share of the time that is left.

        Raises `DNS`, `connect` and `timeout` faults.
        """
        addresses = self.resolve(host, port)
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
        self.left()
        if isinstance(error, TimeoutError):
            raise self.fault(limit)
        raise Fault('connect', f'{os_cause(error)} by {host} port {port}')

    def resolve(self, host: str, port: int) -> list[Any]:
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            self.doing = f'looking up {host}'
        # One thread at most may stay behind: a look-up that does not end is waited for, not doubled.
        if self._lookup is None or self._lookup.result or not self._lookup.is_alive():
            self._lookup = Lookup(host, port)
        self._lookup.ended.wait(self.left())
        self.left()
        if self._lookup.host != host or not self._lookup.result:
            raise self.fault()
        if isinstance(self._lookup.result, str):
            raise Fault('DNS', f'{host}: {self._lookup.result}')
        return self._lookup.result


class Lookup(threading.Thread):
    """Looks up the addresses of `host`: getaddrinfo cannot be interrupted, but it can be left behind."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name=f'look-up of {host}', daemon=True)
        self.host = host
        self.ended = threading.Event()
        self.result: list[Any] | str = []
        self._port = port
        self.start()

    def run(self) -> None:
        try:
            self.result = socket.getaddrinfo(self.host, self._port, type=socket.SOCK_STREAM)
        except OSError as e:
            self.result = str(e.strerror).lower()
        except UnicodeError:
            self.result = 'not a valid host name'
        self.ended.set()
