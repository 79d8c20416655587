"""Undoes a response's Content-Encoding, bounded whatever the data claims (RFC 9110, section 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain

from .fault import Fault

MAX_PIECE = 64 * 1024
GZIP = zlib.MAX_WBITS | 16
RAW = -zlib.MAX_WBITS


def decompress(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Give what `chunks` hold in pieces of 64 KiB at most; raise a `body` fault for data that is not `encoding`.

    `gzip` may have several members. `deflate` may lack its zlib header, as some servers send it.
    """
    encoding = encoding.strip().lower().removeprefix('x-')
    if encoding in ('', 'identity'):
        return chunks
    if encoding not in ('gzip', 'deflate'):
        raise Fault('body', f'its Content-Encoding is {encoding!r}, neither gzip nor deflate')
    return _inflate(chunks, encoding)


def _inflate(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    head = b''
    while len(head) < 2 and (chunk := next(chunks, b'')):
        head += chunk
    if not head:
        return
    bits = GZIP if encoding == 'gzip' else _deflate_bits(head)
    member = zlib.decompressobj(bits)
    members = 0
    for chunk in chain([head], chunks):
        data = chunk
        while data:
            if member.eof:
                member = zlib.decompressobj(bits)
                members += 1
            try:
                yield from _pieces(member, data)
            except zlib.error:
                if members:
                    return  # Like browsers and gzip itself, let what follows a whole member be.
                raise Fault('body', f'it is not valid {encoding} data') from None
            data = member.unused_data
    if not member.eof:
        raise Fault('body', f'its {encoding} data ends too early')


def _pieces(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    piece = None
    # A full piece may leave output behind in zlib even when all of `data` was taken, and at its end a member leaves
    # what follows it in `unconsumed_tail` as well as in `unused_data`.
    while not member.eof and (data or (piece and len(piece) == MAX_PIECE)):
        piece = member.decompress(data, MAX_PIECE)
        data = member.unconsumed_tail
        if piece:
            yield piece


def _deflate_bits(head: bytes) -> int:
    """Tell whether `head` is a zlib header (RFC 1950, section 2.2) or raw deflate data."""
    return zlib.MAX_WBITS if head[0] & 15 == 8 and int.from_bytes(head[:2]) % 31 == 0 else RAW
