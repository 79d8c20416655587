"""What a test's server may answer: short scripts of bytes, silence, and floods."""

from __future__ import annotations

import itertools
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable

from .server import response

Script = Callable[[socket.socket, bytes], None]

HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n'
CHUNKED = HEAD + b'Transfer-Encoding: chunked\r\n\r\n'
OPEN = HEAD + b'\r\n'
GZIP = HEAD + b'Content-Encoding: gzip\r\n\r\n'
# For the runs that end with it only, in seconds: short, so that the suite is quick, and long enough that a slow machine
# gets as far as the message says.
TIMEOUT = 1


def send(*parts: bytes) -> Script:
    """Send parts, then close."""
    return lambda connection, _: connection.sendall(b''.join(parts))


def trickle(start: bytes, then: Iterable[bytes]) -> Script:
    """Send `start`, then a little now and then, forever: never silent for as long as the timeout."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        for piece in itertools.cycle(then):
            connection.sendall(piece)
            time.sleep(TIMEOUT / 20)

    return answer


def flood(start: bytes, then: bytes) -> Script:
    """Send `start`, then the same as fast as it is taken, forever."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(then)

    return answer


def silence(connection: socket.socket, _: bytes) -> None:
    """Answer nothing until the client hangs up."""
    connection.recv(1)


def silence_after(start: bytes) -> Script:
    """Send `start`, then nothing until the client hangs up."""

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(start)
        silence(connection, request)

    return answer


def reset(*parts: bytes) -> Script:
    """Send parts, then end the connection with a reset."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b''.join(parts))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        connection.close()

    return answer


def redirect(location: str, status: str = '302 Found') -> bytes:
    return response(b'', status, Location=location)


def octets(text: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in text]


def raw_deflate(data: bytes) -> bytes:
    """Compress as servers do that take deflate for what it says: without the header of zlib."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()
