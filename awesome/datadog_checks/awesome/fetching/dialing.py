"""From a host and port to a connected socket, in time."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from datadog_checks.awesome.fault import Activity, Fault, Kind

from .causes import connect_fault, is_out_of_resources, lookup_fault, os_cause
from .deadline import SLICE
from .sockets import TimedSocket, waiter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .background import Background
    from .deadline import Deadline

# Family, type, protocol, canonical name and address, as socket.getaddrinfo returns them.
type AddressInfo = tuple[int, int, int, str, Any]

# Where there is such a type of socket, it spares a system call, and other threads a turn.
NONBLOCKING = getattr(socket, 'SOCK_NONBLOCK', 0)
IN_PROGRESS = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR}
# Of a kernel without IPv6, or without an address of that family.
NO_FAMILY = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EADDRNOTAVAIL}
# Of a network without IPv6.
NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH}
MAX_LABEL = 63
FAMILIES = {'ip4': (socket.AF_INET, 'IPv4'), 'ip6': (socket.AF_INET6, 'IPv6')}


class Dialer:
    """Looks up hosts and connects to them, for one check."""

    def __init__(self, deadline: Deadline, background: Background) -> None:
        self._deadline = deadline
        self._background = background
        self.resolved: tuple[str, tuple[str, ...]] | None = None
        """The last host that was looked up, and its addresses."""
        self.peer: tuple[str, int] | None = None
        """Address and port of the last connection."""
        self.ip_protocol = 'any'
        """Which addresses are used: `any`, `ip4` or `ip6`."""
        self.pin: tuple[str, AddressInfo] | None = None
        """A host, and the one of its addresses that is used."""

    def resolve(self, host: str, port: int) -> list[AddressInfo]:
        """Return the addresses of `host`, in the order in which to try them; raise `DNS` and `timeout` faults."""
        if self.pin and self.pin[0] == host:
            addresses = [_with_port(self.pin[1], port)]
        else:
            addresses = self._of_protocol(self._look_up(host, port), host)
        self.resolved = host, tuple(str(info[4][0]) for info in addresses)
        return addresses

    def dial(self, host: str, port: int, limit: float | None) -> TimedSocket:
        """Return a socket that is connected to the first address of `host` that answers.

        All of them share `limit` seconds. Raises `DNS`, `connect` and `timeout` faults.
        """
        addresses = self.resolve(host, port)
        self._deadline.begin(Activity.CONNECT, host, port)
        start = time.monotonic()
        end = start + self._deadline.remaining(limit)
        # Numbers, no exceptions: one that is kept would keep all frames.
        failures: list[tuple[int, str]] = []
        for untried in range(len(addresses), 0, -1):
            info = addresses[-untried]
            sock, number = self._try(info, (end - time.monotonic()) / untried)
            if sock:
                self.peer = str(info[4][0]), port
                return TimedSocket(sock, self._deadline, limit)
            failures.append((number, str(info[4][0])))
            if is_out_of_resources(number):
                break
        if {number for number, _ in failures} == {TIMED_OUT}:
            raise self._deadline.fault(limit)
        raise self._fault(failures, host, port, time.monotonic() - start)

    @contextmanager
    def unrestricted(self) -> Iterator[None]:
        """Use all addresses for a while: what is asked of the page's host does not concern a proxy."""
        restrictions = self.ip_protocol, self.pin
        self.ip_protocol, self.pin = 'any', None
        try:
            yield
        finally:
            self.ip_protocol, self.pin = restrictions

    def pinned(self, host: str) -> str | None:
        """Return the one address of `host` that is used, if it is pinned."""
        return str(self.pin[1][4][0]) if self.pin and self.pin[0] == host else None

    def _fault(self, failures: list[tuple[int, str]], host: str, port: int, seconds: float) -> Fault:
        """Return the fault of a host none of whose addresses could be connected to in so many `seconds`."""
        # What says more about the server than about this machine, and of that the last.
        number, _ = max(
            reversed(failures), key=lambda failure: (failure[0] not in NO_FAMILY, failure[0] not in NO_ROUTE)
        )
        if number == TIMED_OUT:
            return self._deadline.fault(round(seconds, 1))
        error, alike = OSError(number, ''), [address for other, address in failures if other == number]
        fault = connect_fault(error, host, port, alike)
        if self.pinned(host) and fault.kind is not Kind.RESOURCES:
            fault.brief = os_cause(error)
        return fault

    def _look_up(self, host: str, port: int) -> list[AddressInfo]:
        # A name is not even asked about here, whatever stands in for the resolver of the system.
        literal = host.removesuffix('.')
        if ':' in literal or literal.rpartition('.')[2][:1].isdigit():
            with suppress(Exception):
                return list(_literal(literal, port))
        require_host(host)
        self._deadline.begin(Activity.LOOKUP, host)
        try:
            return self._background.run(('lookup', host, port), partial(_addresses, host, port))
        except Fault:
            raise
        except Exception as e:
            # Resolvers of the system and codecs of Python have surprises of their own.
            raise lookup_fault(e, host) from None

    def _of_protocol(self, addresses: list[AddressInfo], host: str) -> list[AddressInfo]:
        if self.ip_protocol == 'any':
            return addresses
        family, name = FAMILIES[self.ip_protocol]
        if not (found := [info for info in addresses if info[0] == family]):
            raise Fault(Kind.NO_ADDRESS, f'{{}}: no {name} address, as ip_protocol asks for', host)
        return found

    def _try(self, info: AddressInfo, seconds: float) -> tuple[socket.socket | None, int]:
        """Return a socket that is connected within `seconds`, or why there is none."""
        family, kind, protocol, _, address = info
        try:
            sock = socket.socket(family, kind | NONBLOCKING, protocol)
        except OSError as e:
            return None, e.errno or errno.EAFNOSUPPORT
        try:
            if not NONBLOCKING:
                sock.setblocking(False)
            number = sock.connect_ex(address)
            if number in IN_PROGRESS:
                number = self._wait(sock, seconds)
            if number:
                sock.close()
                return None, number
            # Else the second of two short writes, as at the end of a TLS handshake, waits for an answer to the first.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock, 0
        except BaseException:
            # An interrupt too: nobody else knows the socket yet.
            sock.close()
            raise

    def _wait(self, sock: socket.socket, seconds: float) -> int:
        end, wait = time.monotonic() + seconds, waiter(sock, for_reading=False)
        # Nothing wakes a socket that is not connected yet.
        while (left := min(end - time.monotonic(), self._deadline.remaining())) > 0:
            if wait(min(left, SLICE)):
                return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return TIMED_OUT


# Of a connection that took longer than it may: no errno.
TIMED_OUT = -1


@lru_cache
def _literal(host: str, port: int) -> tuple[AddressInfo, ...]:
    """Return what `host` means as an address; raise OSError if it is a name, which is kept in no cache."""
    return tuple(_addresses(host, port, socket.AI_NUMERICHOST))


def _addresses(host: str, port: int, flags: int = 0) -> list[AddressInfo]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))


def _with_port(info: AddressInfo, port: int) -> AddressInfo:
    address, _, *rest = info[4]
    return (*info[:4], (address, port, *rest))


def require_host(host: str) -> None:
    """Raise a `DNS` fault unless `host` can be looked up (RFC 1123, section 2.1, but lenient about characters)."""
    labels = host.removesuffix('.').split('.')
    if ':' not in host and not (host.isascii() and all(0 < len(label) <= MAX_LABEL for label in labels)):
        raise Fault(Kind.INVALID_HOST, '{}: not a valid host name', host)
