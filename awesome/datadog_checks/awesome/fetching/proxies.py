"""Connections through proxies: HTTP and HTTPS ones by CONNECT (RFC 9110, section 9.3.6), and SOCKS 4, 4a and 5."""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from datadog_checks.awesome.fault import Fault, Kind

from .causes import os_cause
from .connection import Connection

if TYPE_CHECKING:
    from .sockets import Stream

DEFAULT_PORTS = {'http': 80, 'https': 443, 'socks4': 1080, 'socks4a': 1080, 'socks5': 1080, 'socks5h': 1080}
# These look the page's host up here, the others in the proxy.
LOCAL_LOOKUP = ('socks4', 'socks5')
NO_CONNECTION = 'the proxy could not connect: '

SOCKS4_GRANTED = 0x5A
SOCKS4_CAUSES = {
    0x5B: 'request rejected or failed',
    0x5C: 'the proxy cannot ask identd for the user',
    0x5D: 'identd names another user',
}
NO_LOGIN, PASSWORD = 0, 2
IPV4, DOMAIN, IPV6 = 1, 3, 4
# RFC 1928, section 6.
SOCKS5_CAUSES = {
    1: 'general failure',
    2: 'forbidden by its rules',
    3: 'the network is unreachable',
    4: 'no route to the host',
    5: 'connection refused',
    6: 'TTL expired',
    7: 'it does not support the command',
    8: 'it does not support this kind of address',
}
# Of a host name, user name or password in SOCKS 5, in bytes.
MAX_FIELD = 255


@dataclass(frozen=True)
class Proxy:
    """A proxy as its URL describes it."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str

    @property
    def is_socks(self) -> bool:
        return self.scheme.startswith('socks')

    def login(self) -> list[tuple[str, str]]:
        """Return the header line that logs in (RFC 7617), if the URL has user info."""
        if self.user is None:
            return []
        return [('Proxy-Authorization', f'Basic {b64encode(f"{self.user}:{self.password}".encode()).decode()}')]


def public_proxy(url: str) -> str:
    """Return the URL of a proxy, which may be malformed, without its login: a password may have any character."""
    scheme, separator, rest = url.strip().partition('://')
    address = re.split('[?#]', (rest if separator else scheme).rpartition('@')[2])[0]
    return f'{scheme}{separator}{address}' if separator else address


def parse_proxy(url: str) -> Proxy:
    """Return what a proxy's URL says; raise a `connect` fault if it is malformed."""
    scheme, separator, _ = url.strip().partition('://')
    scheme = scheme.lower()
    if not separator:
        raise Fault(Kind.PROXY, 'the URL of the proxy has no scheme: write it as in http://proxy.example:3128')
    if scheme not in DEFAULT_PORTS:
        raise Fault(Kind.PROXY, f'the URL of the proxy must begin with one of {", ".join(DEFAULT_PORTS)}')
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port == 0:
        raise Fault(Kind.PROXY, 'the URL of the proxy has no valid host and port, as in http://proxy.example:3128')
    user = None if parts.username is None else unquote(parts.username)
    return Proxy(scheme, host, port or DEFAULT_PORTS[scheme], user, unquote(parts.password or ''))


def connect_tunnel(stream: Stream, proxy: Proxy, host: str, port: int) -> Stream:
    """Return a stream through an HTTP proxy to `host`; raise `connect` and `timeout` faults."""
    authority = f'{f"[{host}]" if ":" in host else host}:{port}'
    lines = [('Host', authority), *proxy.login()]
    head = ''.join(f'{name}: {value}\r\n' for name, value in lines)
    connection = Connection(stream, is_tls=proxy.scheme == 'https')
    try:
        connection.send(f'CONNECT {authority} HTTP/1.1\r\n{head}\r\n'.encode('latin-1'))
        answer = connection.read_head()
    except Fault as e:
        if e.kind is Kind.TIMEOUT:
            raise
        _, cause, *values = e.args
        raise Fault(Kind.PROXY, NO_CONNECTION + cause.replace('the server', 'it'), *values) from None
    if not 200 <= answer.status <= 299:
        # tinyproxy answers a wrong password with 401.
        kind = Kind.PROXY_LOGIN if answer.status in (401, 407) else Kind.PROXY
        raise Fault(kind, f'{NO_CONNECTION}{{}}', f'{answer.status} {answer.reason}'.rstrip())
    return connection if connection.has_received() else stream


def connect_socks(stream: Stream, proxy: Proxy, host: str, port: int) -> None:
    """Make a SOCKS proxy connect `stream` to `host`; raise `connect` and `timeout` faults."""
    connect = _connect_socks4 if proxy.scheme.startswith('socks4') else _connect_socks5
    try:
        connect(stream, proxy, host, port)
    except ssl.SSLError:
        raise Fault(Kind.PROXY, f'{NO_CONNECTION}its TLS broke off') from None
    except OSError as e:
        raise Fault(Kind.PROXY, f'{NO_CONNECTION}{os_cause(e)}') from None


def _connect_socks4(stream: Stream, proxy: Proxy, host: str, port: int) -> None:
    """Speak SOCKS 4 (https://www.openssh.com/txt/socks4.protocol), for a host name 4a."""
    address = _address(host)
    if isinstance(address, IPv6Address):
        raise Fault(Kind.PROXY, f'{NO_CONNECTION}SOCKS 4 has no IPv6 addresses')
    # An impossible address announces a name.
    packed, name = (address.packed, b'') if address else (b'\0\0\0\1', host.encode() + b'\0')
    user = (proxy.user or '').encode()
    stream.sendall(b'\x04\x01' + port.to_bytes(2) + packed + user + b'\0' + name)
    answer = _receive(stream, 8)
    if answer[0] != 0:
        raise Fault(Kind.PROXY, f'{NO_CONNECTION}it does not speak SOCKS 4')
    if answer[1] != SOCKS4_GRANTED:
        raise Fault(Kind.PROXY, NO_CONNECTION + SOCKS4_CAUSES.get(answer[1], f'error {answer[1]}'))


def _connect_socks5(stream: Stream, proxy: Proxy, host: str, port: int) -> None:
    """Speak SOCKS 5 (RFC 1928)."""
    address = _address(host)
    methods = [NO_LOGIN] if proxy.user is None else [NO_LOGIN, PASSWORD]
    stream.sendall(bytes([5, len(methods), *methods]))
    version, method = _receive(stream, 2)
    if version != 5:
        raise Fault(Kind.PROXY, f'{NO_CONNECTION}it does not speak SOCKS 5')
    if method not in methods:
        raise Fault(Kind.PROXY_LOGIN, f'{NO_CONNECTION}it asks for another login')
    if method == PASSWORD:
        _log_in(stream, proxy)
    if address is None:
        target = bytes([DOMAIN]) + _field(host, 'the host name')
    else:
        target = bytes([IPV4 if address.version == 4 else IPV6]) + address.packed
    stream.sendall(b'\x05\x01\x00' + target + port.to_bytes(2))
    _read_socks5_answer(stream)


def _log_in(stream: Stream, proxy: Proxy) -> None:
    """Send user name and password (RFC 1929)."""
    user, password = _field(proxy.user or '', 'its user name'), _field(proxy.password, 'its password')
    stream.sendall(b'\x01' + user + password)
    if _receive(stream, 2)[1] != 0:
        raise Fault(Kind.PROXY_LOGIN, f'{NO_CONNECTION}it refuses the user name or password')


def _read_socks5_answer(stream: Stream) -> None:
    version, cause, _, kind = _receive(stream, 4)
    if version == 5 and cause != 0:
        raise Fault(Kind.PROXY, NO_CONNECTION + SOCKS5_CAUSES.get(cause, f'error {cause}'))
    if version != 5 or kind not in (IPV4, DOMAIN, IPV6):
        raise Fault(Kind.PROXY, f'{NO_CONNECTION}it does not speak SOCKS 5')
    # The address that the proxy connects from.
    size = _receive(stream, 1)[0] if kind == DOMAIN else 4 if kind == IPV4 else 16
    _receive(stream, size + 2)


def _field(value: str, what: str) -> bytes:
    data = value.encode()
    if len(data) > MAX_FIELD:
        raise Fault(Kind.PROXY, f'{NO_CONNECTION}{what} has more than {MAX_FIELD} bytes')
    return bytes([len(data)]) + data


def _receive(stream: Stream, size: int) -> bytes:
    """Return `size` bytes; raise OSError or a fault."""
    data = b''
    while len(data) < size:
        if not (piece := stream.recv(size - len(data))):
            raise Fault(Kind.PROXY, f'{NO_CONNECTION}it closed the connection')
        data += piece
    return data


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition('%')[0])
    except ValueError:
        return None
