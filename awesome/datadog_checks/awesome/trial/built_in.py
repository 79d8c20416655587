"""The page that is tried where none is given."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WELCOME = b'<!doctype html>\n<title>Welcome to nginx!</title>\n<p>Thank you for using nginx.</p>\n'


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(WELCOME)))
        self.end_headers()
        self.wfile.write(WELCOME)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def built_in_page() -> Iterator[str]:
    """Serve a page on 127.0.0.1 and yield its URL."""
    # No HTTPServer, which asks a name server for the name of this machine.
    with TCPServer(('127.0.0.1', 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f'http://127.0.0.1:{server.server_address[1]}/'
        finally:
            server.shutdown()
