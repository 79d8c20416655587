"""A real server on 127.0.0.1 whose every byte a test decides."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

Answer = bytes | Callable[[socket.socket, bytes], None]


def response(body: bytes = b'', status: str = '200 OK', **headers: str) -> bytes:
    """Return an HTTP response; `Content_Type='text/html'` is a header, and an empty value leaves a header out."""
    lines = {'Content-Length': str(len(body)), 'Content-Type': 'text/html; charset=utf-8', 'Connection': 'close'}
    lines |= {name.replace('_', '-'): value for name, value in headers.items()}
    head = ''.join(f'{name}: {value}\r\n' for name, value in lines.items() if value)
    return f'HTTP/1.1 {status}\r\n{head}\r\n'.encode('latin-1') + body


class Server:
    """Answers every request with `answer`: bytes, or a function of the connection and the request.

    `paths` gives other answers for some paths. `requests` has what was received, head and body. With a `tls` context
    the server speaks TLS; `on_connect` takes the place of it all.
    """

    def __init__(
        self,
        answer: Answer = b'',
        paths: dict[str, Answer] | None = None,
        tls: ssl.SSLContext | None = None,
        on_connect: Callable[[socket.socket], None] | None = None,
        host: str = '127.0.0.1',
        port: int = 0,
    ) -> None:
        self._answer = answer
        self._tls = tls
        self._on_connect = on_connect or self._serve_requests
        self.paths = paths or {}
        self.requests: list[bytes] = []
        self.accepted = 0
        self._connections: list[socket.socket] = []
        self._serving: list[threading.Thread] = []
        self._starting = threading.Lock()
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.url = f'{"https" if tls else "http"}://{f"[{host}]" if ":" in host else host}:{self.port}/'

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Each thread closes its own socket once it is woken: the number of one that another thread closed may be that
        # of a new connection before the first has noticed.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until every connection so far has ended, and forget them."""
        while thread := self._next_serving():
            thread.join()
        self._connections.clear()

    def _next_serving(self) -> threading.Thread | None:
        with self._starting:
            return self._serving.pop() if self._serving else None

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._starting:
                thread.start()
                self._serving.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        # A client that hangs up early is part of the game.
        with suppress(OSError), connection:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            with connection:
                self._on_connect(connection)

    def _serve_requests(self, connection: socket.socket) -> None:
        while request := _read_request(connection):
            self.requests.append(request)
            answer = self.paths.get(request.split()[1].decode(), self._answer)
            if callable(answer):
                answer(connection, request)
            else:
                connection.sendall(answer)
            if b'\r\nConnection: keep-alive' not in _head(answer):
                return


def _head(answer: Answer) -> bytes:
    return b'' if callable(answer) else answer.partition(b'\r\n\r\n')[0]


def _read_request(connection: socket.socket) -> bytes:
    """Return the next request, b'' when the client has hung up."""
    request = b''
    while b'\r\n\r\n' not in request:
        if not (data := connection.recv(65536)):
            return b''
        request += data
    head, _, body = request.partition(b'\r\n\r\n')
    for line in head.lower().split(b'\r\n'):
        if line.startswith(b'content-length:'):
            while len(body) < int(line.partition(b':')[2]):
                body += connection.recv(65536)
    return head + b'\r\n\r\n' + body
