"""Lookups and connections: in time, one thread at most, and every address is tried."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.fetching import background, dialing
from datadog_checks.awesome.fetching.background import Background
from datadog_checks.awesome.fetching.deadline import Deadline
from datadog_checks.awesome.fetching.dialing import TIMED_OUT, Dialer
from datadog_checks.awesome.fetching.sockets import TimedSocket

from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]

# Of runs that end with it, in seconds.
TIMEOUT = 0.4


@pytest.fixture
def deadline() -> Deadline:
    return Deadline()


@pytest.fixture
def dialer(deadline: Deadline) -> Dialer:
    return Dialer(deadline, Background(deadline))


def fault_of(function: Callable[..., Any], *args: Any) -> tuple[Kind, str]:
    with pytest.raises(Fault) as caught:
        function(*args)
    return caught.value.kind, caught.value.describe()


class Resolver:
    """A getaddrinfo that answers 127.0.0.1 when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.is_asked = threading.Event()
        self.answer = threading.Event()
        self._getaddrinfo = socket.getaddrinfo
        monkeypatch.setattr(socket, 'getaddrinfo', self)

    def __call__(self, host: str, port: int, **options: Any) -> Any:
        if options.get('flags'):
            return self._getaddrinfo(host, port, **options)
        self.asked.append(host)
        self.is_asked.set()
        self.answer.wait()
        return self._getaddrinfo('127.0.0.1', port, **options)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver(monkeypatch)
    yield resolver
    resolver.answer.set()


def cancel_when(event: threading.Event, deadline: Deadline) -> threading.Thread:
    def cancel() -> None:
        event.wait()
        deadline.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    return thread


@pytest.mark.parametrize('host', ['127.0.0.1', '127.0.0.1.', '127.1', '::1'])
def test_address_needs_no_thread(host: str, dialer: Dialer, resolver: Resolver) -> None:
    (info,) = dialer.resolve(host, 80)

    assert info[4][:2] == ('127.0.0.1' if '.' in host else '::1', 80)
    assert resolver.asked == []


def test_address_with_a_zone(dialer: Dialer) -> None:
    index = socket.if_nametoindex('lo')

    assert dialer.resolve('fe80::1%lo', 80)[0][4] == ('fe80::1', 80, 0, index)


def test_host_that_is_looked_up(serve: Serve, dialer: Dialer, resolver: Resolver) -> None:
    resolver.answer.set()
    port = serve().port

    dialer.dial('page.example', port, None).close()

    assert dialer.resolved == ('page.example', ('127.0.0.1',))
    assert dialer.peer == ('127.0.0.1', port)


@pytest.mark.parametrize('host', ['a' * 64 + '.example', 'a..example', '.example', '', 'ü.example', '.'])
def test_host_that_can_be_none(host: str, dialer: Dialer, resolver: Resolver) -> None:
    assert fault_of(dialer.resolve, host, 80) == (Kind.INVALID_HOST, f'DNS: {host}: not a valid host name')
    assert resolver.asked == []


def test_unknown_host(dialer: Dialer) -> None:
    assert fault_of(dialer.resolve, 'host.invalid', 80) == (
        Kind.UNKNOWN_HOST,
        'DNS: host.invalid: name or service not known',
    )


def test_lookup_that_hangs_is_not_doubled(serve: Serve, deadline: Deadline, dialer: Dialer, resolver: Resolver) -> None:
    port = serve().port
    threads = threading.active_count()

    for _ in range(3):
        deadline.start(TIMEOUT / 4)
        assert fault_of(dialer.dial, 'page.example', port, None) == (
            Kind.TIMEOUT,
            f'timeout: gave up after {TIMEOUT / 4:g} s while looking up page.example',
        )
    assert fault_of(dialer.dial, 'other.example', port, None)[0] is Kind.TIMEOUT

    assert resolver.asked == ['page.example']
    # Or as many as before, one of which waited for a call.
    assert threading.active_count() <= threads + 1
    deadline.start(60)
    resolver.answer.set()
    dialer.dial('other.example', port, None).close()
    assert resolver.asked == ['page.example', 'other.example']


def test_lookup_that_was_left_behind_is_waited_for(
    deadline: Deadline, dialer: Dialer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline.start(TIMEOUT / 4)
    assert fault_of(dialer.resolve, 'page.example', 80)[0] is Kind.TIMEOUT
    # Who asks how long to wait waits already.
    monkeypatch.setattr(deadline, 'remaining', lambda *_: resolver.answer.set() or 60)

    assert dialer.resolve('page.example', 80)[0][4] == ('127.0.0.1', 80)
    assert resolver.asked == ['page.example']


def test_cancel_ends_a_lookup(deadline: Deadline, dialer: Dialer, resolver: Resolver) -> None:
    thread = cancel_when(resolver.is_asked, deadline)

    assert fault_of(dialer.resolve, 'page.example', 80)[0] is Kind.TIMEOUT
    thread.join()


def test_no_thread_is_left(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, 'start', refuse)
    monkeypatch.setattr(background, '_idle', [])

    assert fault_of(dialer.resolve, 'page.example', 80)[0] is Kind.RESOURCES


@pytest.mark.parametrize('error', [UnicodeError('idna'), LookupError('no codec'), MemoryError(), SystemError('odd')])
def test_lookup_that_raises_something_odd(error: Exception, dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, 'getaddrinfo', fail)

    assert fault_of(dialer.resolve, 'page.example', 80) == (
        Kind.LOOKUP,
        f'DNS: page.example: the lookup failed ({type(error).__name__})',
    )


def test_name_is_looked_up_in_the_background_alone(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    threads, look_up = [], socket.getaddrinfo

    def resolve(_: str, *args: Any, **options: Any) -> Any:
        threads.append(threading.current_thread())
        return look_up('127.0.0.1', *args, **options)

    monkeypatch.setattr(socket, 'getaddrinfo', resolve)
    dialer.resolve('page.example', 80)

    assert threads
    assert threading.current_thread() not in threads


def test_what_runs_in_the_background_may_look_up_a_host(deadline: Deadline, resolver: Resolver) -> None:
    in_background = Background(deadline)
    dialer = Dialer(deadline, in_background)
    resolver.answer.set()
    deadline.start(60)

    assert in_background.run('login', lambda: dialer.resolve('page.example', 80))[0][4] == ('127.0.0.1', 80)


def test_cancel_ends_the_wait_for_what_used_a_socket(serve: Serve, deadline: Deadline) -> None:
    in_background = Background(deadline)
    dialer = Dialer(deadline, in_background)
    may_end, has_received = threading.Event(), threading.Event()
    port = serve(on_connect=lambda connection: connection.sendall(b'x')).port

    def use() -> None:
        sock = dialer.dial('127.0.0.1', port, None)
        sock.recv(1)
        has_received.set()
        may_end.wait()
        sock.close()

    deadline.start(60)
    thread = cancel_when(has_received, deadline)

    assert fault_of(in_background.run, 'login', use)[0] is Kind.TIMEOUT
    thread.join()
    may_end.set()


def test_background_returns_and_raises(deadline: Deadline) -> None:
    in_background = Background(deadline)

    assert in_background.run('a', lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        in_background.run('a', lambda: 1 / 0)
    assert in_background.run('a', lambda: 2) == 2


def test_next_call_is_made_in_the_same_thread(deadline: Deadline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, '_idle', [])
    threads = [Background(deadline).run(key, threading.current_thread) for key in ('a', 'b')]

    assert threads[0] is threads[1]
    assert threads[0].daemon


def test_thread_that_nobody_needs_ends(deadline: Deadline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, '_idle', [])
    monkeypatch.setattr(background, 'IDLE_SECONDS', 0.01)

    Background(deadline).run('a', threading.current_thread).join(60)

    assert background._idle == []


def test_thread_that_ended_is_not_waited_for(deadline: Deadline, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork, all have."""
    ended = background._Worker()
    monkeypatch.setattr(background, '_idle', [ended, ended])
    deadline.start(60)

    assert Background(deadline).run('a', lambda: 1) == 1


def test_refused_connection(dialer: Dialer) -> None:
    assert fault_of(dialer.dial, '127.0.0.1', 1, None) == (
        Kind.REFUSED,
        'connect: connection refused by 127.0.0.1 port 1',
    )


def test_refused_connection_names_the_addresses(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = [(socket.AF_INET, socket.SOCK_STREAM, 0, '', (f'127.0.0.{number}', 1)) for number in (1, 2)]
    monkeypatch.setattr(dialer, 'resolve', lambda *_: tried)

    assert fault_of(dialer.dial, 'page.example', 1, None) == (
        Kind.REFUSED,
        'connect: connection refused by page.example (127.0.0.1, 127.0.0.2) port 1',
    )


@contextlib.contextmanager
def full_queue() -> Iterator[int]:
    """Yield a port that lets connections wait."""
    with socket.create_server(('127.0.0.1', 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield full.getsockname()[1]


@pytest.mark.parametrize(('seconds', 'limit'), [(TIMEOUT, None), (TIMEOUT, 60), (60, TIMEOUT)])
def test_connection_that_takes_too_long(
    seconds: float, limit: float | None, deadline: Deadline, dialer: Dialer
) -> None:
    with full_queue() as port:
        deadline.start(seconds)

        assert fault_of(dialer.dial, '127.0.0.1', port, limit) == (
            Kind.TIMEOUT,
            f'timeout: gave up after {TIMEOUT:g} s while connecting to 127.0.0.1 port {port}',
        )


def test_cancel_ends_a_connection_that_waits(
    deadline: Deadline, dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = threading.Event()
    wait = dialer._wait
    monkeypatch.setattr(dialer, '_wait', lambda *args: waiting.set() or wait(*args))
    with full_queue() as port:
        thread = cancel_when(waiting, deadline)

        assert fault_of(dialer.dial, '127.0.0.1', port, None)[0] is Kind.TIMEOUT
        thread.join()


def addresses(*ports: int, family: int = socket.AF_INET) -> list[Any]:
    return [(family, socket.SOCK_STREAM, 0, '', ('127.0.0.1', port)) for port in ports]


def test_second_address_is_tried(serve: Serve, dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serve().port
    with full_queue() as full:
        monkeypatch.setattr(dialer, 'resolve', lambda *_: addresses(1, full, port))

        dialer.dial('page.example', port, TIMEOUT).close()


def test_family_that_the_kernel_lacks(serve: Serve, dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serve().port
    lacking = addresses(port, family=max(socket.AddressFamily) + 100)
    monkeypatch.setattr(dialer, 'resolve', lambda *_: lacking + addresses(port))
    dialer.dial('page.example', port, None).close()

    monkeypatch.setattr(dialer, 'resolve', lambda *_: addresses(1) + lacking)
    assert fault_of(dialer.dial, 'page.example', port, None)[0] is Kind.REFUSED
    monkeypatch.setattr(dialer, 'resolve', lambda *_: lacking)
    assert fault_of(dialer.dial, 'page.example', port, None)[0] is Kind.UNREACHABLE


@pytest.mark.parametrize(
    ('numbers', 'message'),
    [
        ((errno.ECONNREFUSED, errno.ENETUNREACH), 'connect: connection refused by page.example (192.0.2.1) port 80'),
        ((errno.ENETUNREACH, errno.ECONNREFUSED), 'connect: connection refused by page.example (192.0.2.2) port 80'),
        ((errno.EHOSTUNREACH, errno.EAFNOSUPPORT), 'connect: page.example (192.0.2.1) port 80: no route to the host'),
        ((TIMED_OUT, errno.EADDRNOTAVAIL), 'timeout: gave up after 0 s while connecting to page.example port 80'),
    ],
    ids=['refused, then no IPv6', 'no IPv6, then refused', 'no route, no family', 'silent, then no IPv6'],
)
def test_what_says_most_about_the_server_is_told(
    numbers: tuple[int, int], message: str, deadline: Deadline, dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, '', (f'192.0.2.{last}', 80)) for last in (1, 2)]
    results = iter(numbers)
    monkeypatch.setattr(dialer, 'resolve', lambda *_: found)
    monkeypatch.setattr(dialer, '_try', lambda *_: (None, next(results)))
    deadline.start(10)

    assert fault_of(dialer.dial, 'page.example', 80, None)[1] == message


def test_no_file_descriptor_is_left(serve: Serve, dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(*args: Any) -> None:
        tried.append(args)
        raise OSError(errno.EMFILE, '')

    monkeypatch.setattr(dialer, 'resolve', lambda *_: addresses(1, 2))
    monkeypatch.setattr(socket, 'socket', refuse)

    assert fault_of(dialer.dial, 'page.example', 1, None) == (
        Kind.RESOURCES,
        'connect: too many open files in the Agent',
    )
    assert len(tried) == 1


@pytest.mark.parametrize('is_cancelled', [False, True], ids=['over', 'cancelled'])
def test_nothing_is_sent_once_the_time_is_over(
    is_cancelled: bool, serve: Serve, deadline: Deadline, dialer: Dialer
) -> None:
    server = serve(response())
    sock = dialer.dial('127.0.0.1', server.port, None)
    deadline.cancel() if is_cancelled else deadline.start(0)

    assert fault_of(sock.sendall, b'GET / HTTP/1.1\r\n\r\n')[0] is Kind.TIMEOUT
    assert fault_of(sock.recv, 1)[0] is Kind.TIMEOUT
    sock.close()
    server.wait_until_idle()
    assert server.requests == []


def test_system_without_poll_and_without_sockets_that_never_block(
    serve: Serve, deadline: Deadline, dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has neither, macOS only poll."""
    monkeypatch.setattr(dialing, 'NONBLOCKING', 0)
    monkeypatch.delattr(select, 'poll')

    def answer(connection: socket.socket) -> None:
        connection.sendall(connection.recv(3))
        connection.recv(1)

    port = serve(on_connect=answer).port
    deadline.start(60)

    sock = dialer.dial('127.0.0.1', port, TIMEOUT)

    sock.sendall(b'GET')
    assert sock.recv(3) == b'GET'
    assert fault_of(sock.recv, 1)[0] is Kind.TIMEOUT
    assert not sock._socket.getblocking()
    sock.close()


def test_limit_of_a_socket_is_how_long_it_may_be_silent(serve: Serve, dialer: Dialer) -> None:
    def answer(connection: socket.socket) -> None:
        for _ in range(4):
            connection.sendall(b'x')
            threading.Event().wait(TIMEOUT / 2)
        connection.recv(1)

    sock = dialer.dial('127.0.0.1', serve(on_connect=answer).port, TIMEOUT)

    assert [sock.recv(1) for _ in range(4)] == [b'x'] * 4
    assert fault_of(sock.recv, 1)[0] is Kind.TIMEOUT
    sock.close()


def test_connection_that_the_system_gave_up_is_no_timeout_of_ours(deadline: Deadline) -> None:
    class GivenUp(socket.socket):
        def recv(self, *_: Any) -> bytes:
            raise TimeoutError(errno.ETIMEDOUT, '')

    with GivenUp() as given_up, pytest.raises(TimeoutError):
        TimedSocket(given_up, deadline, None).recv(1)


@pytest.mark.parametrize('is_cancelled', [False, True], ids=['over', 'cancelled'])
def test_peer_that_does_not_read_is_waited_for(is_cancelled: bool, deadline: Deadline) -> None:
    class Counting(socket.socket):
        sent = 0

        def send(self, *arguments: Any) -> int:
            self.sent += 1
            return super().send(*arguments)

    here, there = socket.socketpair()
    counting = Counting(here.family, here.type, here.proto, here.detach())
    counting.setblocking(False)
    deadline.start(60 if is_cancelled else TIMEOUT)
    if is_cancelled:
        threading.Timer(TIMEOUT, deadline.cancel).start()

    with counting, there:
        assert fault_of(TimedSocket(counting, deadline, None).sendall, b'x' * 50_000_000)[0] is Kind.TIMEOUT
    # Once until nothing more fits, and once to find out; not over and over.
    assert counting.sent < 10
