"""Requests over connections of our own: plain, over TLS, through proxies, and kept where that is asked for."""

from __future__ import annotations

import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from datadog_checks.awesome.fault import Activity, Fault, Kind

from .causes import name_fault, tls_fault
from .connection import BegunBody, Connection, Head, Headers, open_body
from .dialing import require_host
from .proxies import LOCAL_LOOKUP, Proxy, connect_socks, connect_tunnel, parse_proxy
from .sockets import Stream, TLSSocket
from .urls import host_header, origin, request_target

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from urllib.parse import SplitResult

    from .connection import Body
    from .deadline import Deadline
    from .dialing import Dialer
    from .sockets import TimedSocket

# RFC 9110, section 9.2.2: to send one of them twice does no harm.
IDEMPOTENT = ('GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE')
# A server may wait for the content of these.
WITH_CONTENT = ('POST', 'PUT', 'PATCH')


class Request(NamedTuple):
    """A request: `url` without user info, and `headers` as they are sent, in order, in characters of latin-1.

    Host and Content-Length are added where they are missing.
    """

    method: str
    url: SplitResult
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None


@dataclass(frozen=True)
class Settings:
    """How to reach servers."""

    connect_timeout: float | None
    """In seconds, for each step until the request can be sent: can only shorten what remains of the run."""
    read_timeout: float | None
    """In seconds: how long a server may be silent."""
    proxy: Callable[[SplitResult], str | None]
    """Returns the URL of the proxy for a page, or None."""
    context: Callable[..., ssl.SSLContext]
    """Called with `check_hostname=False` for a host whose name is verified here."""
    server_name: str | None = None
    """The name of the server for TLS, in place of the URL's host."""
    persist: bool = False
    """Whether connections are kept after a response that was read to its end."""
    binds_login: bool = False
    """Whether a login may hold for a connection: then all of its requests go on the same."""


class Route(NamedTuple):
    """Where a connection leads: requests of the same route may share one."""

    scheme: str
    host: str
    port: int
    proxy: str | None
    address: str | None
    """The only one of the host's that is used, if it is pinned."""


class Response:
    """The head of a final response, and its body as it is read."""

    def __init__(self, head: Head, method: str, connection: Connection, release: Callable[[bool], None]) -> None:
        self.status = head.status
        self.reason = head.reason
        self.headers: Headers = head.headers
        self._body: Body = open_body(connection, head, method)
        self._connection = connection
        self._release: Callable[[bool], None] | None = release
        tokens = head.headers.tokens('connection')
        stays = 'close' not in tokens and (head.minor_version > 0 or 'keep-alive' in tokens)
        self._can_stay = stays and head.status != 101

    def read1(self, size: int) -> bytes:
        """Return what is there, at most `size` bytes as they were sent, b'' at the end.

        Raises `body` and `timeout` faults.
        """
        return self._body.read1(size)

    def drain(self, limit: int) -> None:
        """Read at most `limit` bytes of the body, and end the response if that is all; `read1` returns them later."""
        pieces, size = [], 0
        with suppress(Fault):
            while size < limit and (piece := self.read1(limit - size)):
                pieces.append(piece)
                size += len(piece)
        if self._body.is_whole:
            self.close()
        self._body = BegunBody(b''.join(pieces), self._body)

    def close(self) -> None:
        """End the response: its connection stays only if the body was read to its end."""
        release, self._release = self._release, None
        if release:
            release(self._can_stay and self._body.is_whole and not self._connection.has_received())


class Transport:
    """Sends the requests of one check."""

    def __init__(self, deadline: Deadline, dialer: Dialer, settings: Settings) -> None:
        self.chain: list[bytes] = []
        """The certificates that the page's server showed in this run, in DER, its own first."""
        self._deadline = deadline
        self._dialer = dialer
        self._settings = settings
        self._server_name = settings.server_name and _host_part(settings.server_name)
        self._kept: dict[Route, Connection] = {}
        self._used: set[Route] = set()
        """Those of `_kept` that were used in this run."""
        self._responses: set[Response] = set()
        # Of a check that the Agent has forgotten. In its circles of references, a __del__ may come after the sockets'.
        weakref.finalize(self, _close_all, self._kept)

    def send(self, request: Request) -> Response:
        """Return the final response to `request`, whose body is yet to be read; raise faults.

        A request that may be sent twice is, if a kept connection turns out to have ended.
        """
        route = self._route(request.url)
        kept = self._take_kept(route, request.method)
        response = self._send_on_kept(kept, request, route) if kept else None
        return response or self._exchange(self._connect(route), request, route)

    def finish(self) -> None:
        """End a run: close what is not kept."""
        for response in list(self._responses):
            response.close()
        for connection in list(self._kept.values()):
            connection.is_of_former_run = True
        self.chain = []

    def forget_addresses(self) -> None:
        """Close what was kept to addresses that this run did not use: they may be gone."""
        for route in [route for route in self._kept if route.address and route not in self._used]:
            self._kept.pop(route).close()
        self._used.clear()

    def close(self) -> None:
        """Close all connections."""
        self.finish()
        _close_all(self._kept)

    def _route(self, url: SplitResult) -> Route:
        scheme, host, port = origin(url)
        return Route(scheme, host, port, self._settings.proxy(url), self._dialer.pinned(host))

    def _take_kept(self, route: Route, method: str) -> Connection | None:
        """Return a kept connection if it may be used.

        A request that must not be repeated uses a kept connection only if its login was begun there in this run. Input
        that came since the last response belongs to no request: such a connection is closed.
        """
        kept = self._kept.get(route)
        may_repeat = method in IDEMPOTENT
        if not kept or not (may_repeat or (self._settings.binds_login and not kept.is_of_former_run)):
            return None
        del self._kept[route]
        if not kept.has_input():
            return kept
        kept.close()
        return None

    def _send_on_kept(self, kept: Connection, request: Request, route: Route) -> Response | None:
        """Return the response on a kept connection; None if that ended and the request may be repeated."""
        self.chain = kept.chain or self.chain
        may_repeat = request.method in IDEMPOTENT
        try:
            response = self._exchange(kept, request, route)
        except Fault as e:
            if may_repeat and e.kind in (Kind.CLOSED, Kind.RESET) and kept.is_silent:
                return None
            raise
        # So says a server that waited for a request too long (RFC 9110, section 15.5.9).
        if may_repeat and response.status == 408:
            response.close()
            return None
        return response

    def _exchange(self, connection: Connection, request: Request, route: Route) -> Response:
        try:
            self._deadline.begin(Activity.SEND)
            connection.send(_serialize(request, route))
            self._deadline.begin(Activity.WAIT)
            head = connection.read_head()

            def release(is_reusable: bool) -> None:
                self._responses.discard(response)
                self._release(connection, route, is_reusable)

            response = Response(head, request.method, connection, release)
        except BaseException:
            # An interrupt too: nobody else knows the socket yet.
            connection.close()
            raise
        self._responses.add(response)
        return response

    def _release(self, connection: Connection, route: Route, is_reusable: bool) -> None:
        if not (is_reusable and self._settings.persist):
            connection.close()
            return
        if former := self._kept.pop(route, None):
            former.close()
        self._kept[route] = connection
        self._used.add(route)

    def _connect(self, route: Route) -> Connection:
        """Return a connection to the page's server, or to a proxy that forwards."""
        settings, deadline = self._settings, self._deadline
        proxy = parse_proxy(route.proxy) if route.proxy else None
        # Its files may be missing: then nothing is connected.
        is_tls = route.scheme == 'https'
        context = settings.context() if is_tls or (proxy and proxy.scheme == 'https') else None
        host = route.host
        if proxy and proxy.scheme in LOCAL_LOOKUP:
            host = self._look_up(proxy, route)
        sock = self._dial_proxy(proxy) if proxy else self._dialer.dial(route.host, route.port, settings.connect_timeout)
        stream: Stream = sock
        try:
            if proxy:
                deadline.begin(Activity.PROXY)
                stream = _pass_proxy(stream, proxy, context, host, route)
            if is_tls and context:
                deadline.begin(Activity.HANDSHAKE)
                stream = self._secure(stream, context, route.host)
        except BaseException:
            # An interrupt too: nobody else knows the socket yet.
            sock.close()
            raise
        sock.limit = settings.read_timeout
        connection = Connection(stream, is_tls)
        connection.chain = self.chain if is_tls else []
        return connection

    def _dial_proxy(self, proxy: Proxy) -> TimedSocket:
        try:
            with self._dialer.unrestricted():
                return self._dialer.dial(proxy.host, proxy.port, self._settings.connect_timeout)
        except Fault as e:
            raise e.with_proxy(proxy.host, proxy.port) from None

    def _look_up(self, proxy: Proxy, route: Route) -> str:
        """Return the address of the page's host for a SOCKS proxy that takes no names."""
        addresses = [str(info[4][0]) for info in self._dialer.resolve(route.host, route.port)]
        if proxy.scheme == 'socks4':
            addresses = [address for address in addresses if ':' not in address] or addresses
        return addresses[0]

    def _secure(self, stream: Stream, context: ssl.SSLContext, host: str) -> Stream:
        """Return TLS over `stream`, whose certificate is valid for `host` or for the configured name."""
        name = (self._server_name or _without_zone(host)).rstrip('.')
        # OpenSSL lets no wildcard stand for an underscore, browsers do.
        is_matched_here = '_' in name and context.check_hostname
        if is_matched_here:
            context = self._settings.context(check_hostname=False)
        tls = _open_tls(stream, context, name)
        try:
            _shake_hands(tls, name)
        finally:
            self.chain = tls.chain()
        if is_matched_here and not any(_covers(pattern, name) for pattern in tls.names()):
            raise name_fault(name, tls.names())
        return tls


def _pass_proxy(stream: Stream, proxy: Proxy, context: ssl.SSLContext | None, host: str, route: Route) -> Stream:
    """Return a stream to the page's server, or to a proxy that forwards."""
    if proxy.scheme == 'https' and context:
        stream = _secure_proxy(stream, context, proxy)
    if proxy.is_socks:
        connect_socks(stream, proxy, host, route.port)
    elif route.scheme == 'https':
        return connect_tunnel(stream, proxy, _without_zone(host), route.port)
    return stream


def _secure_proxy(stream: Stream, context: ssl.SSLContext, proxy: Proxy) -> Stream:
    host = _without_zone(proxy.host)
    try:
        tls = _open_tls(stream, context, host)
        _shake_hands(tls, host)
    except Fault as e:
        if e.kind is Kind.TIMEOUT:
            raise
        kind, cause, *values = e.args
        fault = Fault(kind, f'the proxy: {cause}', *values)
        fault.of_proxy = proxy.host, proxy.port
        raise fault from None
    return tls


def _open_tls(stream: Stream, context: ssl.SSLContext, name: str) -> TLSSocket:
    require_host(name)
    try:
        return TLSSocket(stream, context, name)
    except ValueError:
        raise Fault(Kind.INVALID_HOST, '{}: not a valid host name', name) from None


def _shake_hands(tls: TLSSocket, name: str) -> None:
    try:
        tls.handshake()
    except OSError as e:
        raise tls_fault(e, name, tls.chain()) from None


def _covers(pattern: str, name: str) -> bool:
    """Return whether a certificate's name is valid for `name` (RFC 6125, section 6.4.3)."""
    pattern, name = pattern.lower(), name.lower()
    return pattern == name or (pattern.startswith('*.') and '.' in name and pattern[1:] == name[name.index('.') :])


def _host_part(name: str) -> str:
    """Return the host of what a Host header may have, in lower case."""
    with suppress(ValueError):
        return urlsplit(f'//{name}').hostname or name
    return name


def _without_zone(host: str) -> str:
    return host.partition('%')[0]


def _close_all(connections: dict[Route, Connection]) -> None:
    while connections:
        connections.popitem()[1].close()


def _serialize(request: Request, route: Route) -> bytes:
    """Return the bytes of a request."""
    target = request_target(request.url)
    lines = list(request.headers)
    names = {name.lower() for name, _ in lines}
    if 'host' not in names:
        lines.insert(0, ('Host', host_header(request.url)))
    if route.proxy and route.scheme == 'http' and not (proxy := parse_proxy(route.proxy)).is_socks:
        target = f'http://{host_header(request.url)}{target}'
        lines += proxy.login()
    if (request.body is not None or request.method in WITH_CONTENT) and 'content-length' not in names:
        lines.append(('Content-Length', str(len(request.body or b''))))
    head = ''.join([f'{name}: {value}\r\n' for name, value in lines])
    return f'{request.method} {target} HTTP/1.1\r\n{head}\r\n'.encode('latin-1') + (request.body or b'')
