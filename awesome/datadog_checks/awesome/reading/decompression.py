"""Undoes a response's Content-Encoding, bounded whatever the data claims (RFC 9110, section 8.4)."""

from __future__ import annotations

import zlib
from itertools import chain
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_PIECE = 64 * 1024
MAX_CODINGS = 5

_GZIP = zlib.MAX_WBITS | 16
_RAW = -zlib.MAX_WBITS
# zlib copies what it leaves of its input, for each piece and each member: little input is little to copy.
_MAX_INPUT = 16 * 1024
# How each member of gzip begins (RFC 1952, section 2.3.1).
_MAGIC = b'\x1f\x8b'

_SUPPORTED = ('gzip', 'deflate')
# https://www.iana.org/assignments/http-parameters/http-parameters.xhtml#content-coding, and what was never registered.
_UNSUPPORTED = frozenset(
    'aes128gcm br brotli bz2 bzip2 compress dcb dcz exi lz4 lzma pack200-gzip sdch snappy xz zst zstd'.split(),
)


def decompress(chunks: Iterator[bytes], coding: str, check: Callable[[], object]) -> Iterator[bytes]:
    """Return what `chunks` hold after all compressions of the list `coding` are undone, in pieces of 64 KiB at most.

    `gzip` may have several members, `deflate` may lack its zlib header, as some servers send it, and a word that is no
    compression means none, as in browsers. What follows the data is let be, as in browsers and by gzip itself. Without
    any compression, the chunks are returned as they are.

    `check` is called again and again, for a few KiB may hold hours of work and not a byte of the page; what it raises
    ends the work.

    Raises a fault of kind CODING for a compression that is not supported, and one of kind COMPRESSION, while the pieces
    are read, for data that is cut off or invalid.
    """
    for name in reversed(_compressions(coding)):
        chunks = _inflate(chunks, name, check)
    return chunks


def _compressions(coding: str) -> list[str]:
    names = []
    for written in coding.split(','):
        name = written.strip().lower().removeprefix('x-')
        if name in _UNSUPPORTED:
            raise Fault(Kind.CODING, 'the Content-Encoding is {}, neither gzip nor deflate', written.strip())
        if name in _SUPPORTED:
            names.append(name)
    if len(names) > MAX_CODINGS:
        raise Fault(Kind.CODING, 'the page is compressed {} times; at most {} are undone', len(names), MAX_CODINGS)
    return names


def _inflate(chunks: Iterator[bytes], name: str, check: Callable[[], object]) -> Iterator[bytes]:
    head = b''
    while len(head) < 2 and (chunk := next(chunks, b'')):
        head += chunk
    if not head:
        return
    bits = _GZIP if name == 'gzip' else _deflate_bits(head)
    member = zlib.decompressobj(bits)
    is_first = True
    data = b''
    for chunk in _slices(chain([head], chunks)):
        check()
        data += chunk
        while data and not (member.eof and len(data) < len(_MAGIC)):
            if member.eof:
                if name != 'gzip' or not data.startswith(_MAGIC):
                    return
                member = zlib.decompressobj(bits)
                is_first = False
            try:
                yield from _pieces(member, data)
            except zlib.error:
                if not is_first:
                    return
                raise Fault(Kind.COMPRESSION, 'the data is not valid {}', name) from None
            data = member.unused_data
    if not member.eof:
        raise Fault(Kind.COMPRESSION, 'the {} data is truncated', name)


def _slices(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _MAX_INPUT):
            yield chunk[start : start + _MAX_INPUT]


def _pieces(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    piece = b''
    # A full piece may leave output behind in zlib even when all of `data` was taken, and at its end a member leaves
    # what follows it in `unconsumed_tail` as well as in `unused_data`.
    while not member.eof and (data or len(piece) == MAX_PIECE):
        piece = member.decompress(data, MAX_PIECE)
        data = member.unconsumed_tail
        if piece:
            yield piece


def _deflate_bits(head: bytes) -> int:
    """Return what makes zlib expect the header that `head` is (RFC 1950, section 2.2), or raw deflate data."""
    return zlib.MAX_WBITS if head[0] & 15 == 8 and int.from_bytes(head[:2]) % 31 == 0 else _RAW
