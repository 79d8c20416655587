"""Proxies on 127.0.0.1: an HTTP one that forwards and tunnels, and a SOCKS 5 one."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


def forward(connection: socket.socket, request: bytes) -> None:
    """Serve a request of a client as a forwarding proxy: also CONNECT (RFC 9110, section 9.3.6)."""
    method, target, _ = request.split(maxsplit=2)
    if method == b'CONNECT':
        host, _, port = target.decode().rpartition(':')
        with socket.create_connection((host, int(port))) as server:
            connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
            _join(connection, server)
    else:
        host, _, port = target.split(b'/')[2].decode().rpartition(':')
        with socket.create_connection((host, int(port))) as server:
            server.sendall(request)
            _copy(server, connection)


def socks(connection: socket.socket) -> None:
    """Serve a client as a SOCKS 5 proxy without authentication for IPv4 (RFC 1928)."""
    connection.recv(2 + connection.recv(2)[1] - 2)
    connection.sendall(b'\x05\x00')
    request = connection.recv(10)
    host, port = socket.inet_ntoa(request[4:8]), int.from_bytes(request[8:])
    with socket.create_connection((host, port)) as server:
        connection.sendall(b'\x05\x00\x00\x01' + request[4:])
        _join(connection, server)


def require_password(connection: socket.socket, request: bytes) -> None:
    """Forward what has the password "me:secret"."""
    if b'\r\nProxy-Authorization: Basic bWU6c2VjcmV0' in request:
        forward(connection, request)
    else:
        connection.sendall(b'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')


def _join(one: socket.socket, other: socket.socket) -> None:
    thread = threading.Thread(target=_copy, args=(one, other), daemon=True)
    thread.start()
    _copy(other, one)
    thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def both(url: str, **options: object) -> dict[str, object]:
    """Return the option `proxy` with one proxy for pages of both schemes."""
    return {'http': url, 'https': url, **options}
