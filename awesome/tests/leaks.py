"""An instance full of secrets, and servers that repeat them."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from .server import Server

SECRETS = {
    'user info': 'Pass%20Word-in-URL',
    'query': 'Token-in-Query',
    'header': 'Key-in-Header',
    'bearer': 'Token-in-Bearer',
    'fragment': 'Secret-in-Fragment',
    'data': 'Secret-in-Data',
}
LEAKS = [*SECRETS.values(), 'Pass Word-in-URL', b64encode(b'me:Pass Word-in-URL').decode()]
# Schemes and hosts are shown in lower case.
LEAKS += [secret.lower() for secret in LEAKS]

# The direct door, and the one of the base package's client, for which a login is enough that no server asks for.
DOORS = {'direct': {}, 'client': {'auth_type': 'digest', 'username': 'user', 'password': 'Password-of-Digest'}}


def instance_with_secrets(server: Server) -> dict[str, Any]:
    return {
        'url': f'http://me:{SECRETS["user info"]}@127.0.0.1:{server.port}/?t={SECRETS["query"]}#{SECRETS["fragment"]}',
        'search_string': 'not there',
        'timeout': 60,
        'method': 'POST',
        'data': {'password': SECRETS['data']},
        'headers': {'X-Key': SECRETS['header']},
        'extra_headers': {'X-Authorization': f'Bearer {SECRETS["bearer"]}'},
        'log_requests': True,
    }


def echo(prefix: bytes, suffix: bytes = b'') -> Callable[[socket.socket, bytes], None]:
    """Send everything that the client sent back to it."""

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(prefix + b' '.join(request.split()) + suffix)

    return answer


ECHOES = {
    'in the title': echo(b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>', b'</title>'),
    'as the status line': echo(b'', b'\r\n\r\n'),
    'as the reason': echo(b'HTTP/1.1 500 ', b'\r\n\r\n'),
    'as a header that is none': echo(b'HTTP/1.1 200 OK\r\n\x00', b'\r\n\r\n'),
    'as the length': echo(b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: ', b'\r\n\r\n'),
    'as the encoding': echo(b'HTTP/1.1 200 OK\r\nContent-Encoding: ', b'\r\n\r\n'),
    'as the location': echo(b'HTTP/1.1 302 x\r\nLocation: ', b'\r\n\r\n'),
    'as a protocol': lambda c, _: c.sendall(f'HTTP/1.1 302 x\r\nLocation: {SECRETS["header"]}:/\r\n\r\n'.encode()),
    'as a host': lambda c, _: c.sendall(f'HTTP/1.1 302 x\r\nLocation: http://{SECRETS["header"]}/\r\n\r\n'.encode()),
}


def leaks_in(text: str) -> list[str]:
    """Return the secrets that are in a text."""
    return [secret for secret in LEAKS if secret in text]
