from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.reading.decompression import decompress

from .answers import raw_deflate

pytestmark = pytest.mark.unit

PAGE = b'<h1>Welcome</h1>' * 40
BIG = bytes(range(256)) * 4096


def undo(data: bytes, coding: str, size: int = 1 << 20) -> bytes:
    return b''.join(decompress(pieces(data, size), coding, nothing))


def nothing() -> None:
    """Do not end the work."""


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize('size', [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ('coding', 'compress'),
    [
        ('gzip', gzip.compress),
        ('GZIP', gzip.compress),
        (' x-gzip ', gzip.compress),
        ('deflate', zlib.compress),
        ('deflate', raw_deflate),
        ('gzip', lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        ('gzip', lambda data: gzip.compress(data) + b'\0\0garbage'),
        ('gzip', lambda data: gzip.compress(data) + b'\n'),
        ('gzip', lambda data: gzip.compress(data) + b'\r\n'),
        ('gzip', lambda data: gzip.compress(data) + b'\x1f'),
        ('gzip', lambda data: gzip.compress(data) + b'\x1f\x8c'),
        ('deflate', lambda data: zlib.compress(data) + b'\n'),
        ('deflate', lambda data: raw_deflate(data) + b'\n'),
        ('deflate', lambda data: raw_deflate(data) + b'\0\0\0'),
        ('deflate', lambda data: zlib.compress(data) * 2),
        ('gzip, identity', gzip.compress),
        ('identity,gzip', gzip.compress),
        ('gzip,', gzip.compress),
        (',aws-chunked, gzip', gzip.compress),
        ('gzip, gzip', lambda data: gzip.compress(gzip.compress(data))),
        ('deflate, gzip', lambda data: gzip.compress(zlib.compress(data))),
        ('gzip,deflate', lambda data: raw_deflate(gzip.compress(data))),
        ('gzip,' * 5, lambda data: gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(data)))))),
    ],
)
def test_compressions_are_undone(coding: str, compress: Callable[[bytes], bytes], size: int) -> None:
    assert undo(compress(PAGE), coding, size) == PAGE


@pytest.mark.parametrize(
    ('coding', 'compress'),
    [('gzip', gzip.compress), ('deflate', zlib.compress), ('deflate', raw_deflate)],
    ids=['gzip', 'deflate', 'raw'],
)
def test_last_piece_is_not_lost_when_the_one_before_is_full(coding: str, compress: Callable[[bytes], bytes]) -> None:
    for size in range(65_530, 66_100):
        assert len(undo(compress(bytes(size)), coding)) == size


@pytest.mark.parametrize(
    'block',
    [
        pytest.param(b'\x08\x05\0\xfa\xffhello', id='first byte of zlib'),
        pytest.param(b'\0\x1f\0\xe0\xff' + b'x' * 31, id='checksum of zlib'),
    ],
)
def test_raw_deflate_that_looks_like_zlib(block: bytes) -> None:
    assert undo(block + b'\x01\0\0\xff\xff', 'deflate') == block[5:]


@pytest.mark.parametrize(
    'coding', ['', 'identity', 'none', 'utf-8', 'binary', 'aws-chunked', ', ,', 'gzipped', 'nonsense']
)
def test_word_that_is_no_compression_means_none(coding: str) -> None:
    chunks = iter([PAGE])
    assert decompress(chunks, coding, nothing) is chunks


@pytest.mark.parametrize('coding', ['gzip', 'deflate', 'gzip, gzip'])
def test_empty_body_is_empty(coding: str) -> None:
    assert undo(b'', coding) == b''


@pytest.mark.parametrize(
    'name',
    [
        *('br', 'BR', 'zstd', 'compress', 'x-compress', 'dcb', 'dcz', 'bzip2', 'x-bzip2', 'lzma', 'xz', 'exi'),
        *('pack200-gzip', 'sdch', 'aes128gcm', 'brotli', 'bz2', 'lz4', 'snappy', 'zst'),
    ],
)
@pytest.mark.parametrize('coding', ['{}', 'gzip, {}', '{},gzip'])
def test_other_compression_is_named_as_the_server_wrote_it(name: str, coding: str) -> None:
    with pytest.raises(Fault) as caught:
        decompress(iter([PAGE]), coding.format(name), nothing)
    assert caught.value.kind is Kind.CODING
    assert caught.value.describe() == f'body: the Content-Encoding is {name}, neither gzip nor deflate'


def test_more_than_five_compressions_are_refused() -> None:
    with pytest.raises(Fault) as caught:
        decompress(iter([]), 'gzip,' * 6, nothing)
    assert caught.value.kind is Kind.CODING
    assert caught.value.describe() == 'body: the page is compressed 6 times; at most 5 are undone'


@pytest.mark.parametrize('size', [1, 1 << 20])
@pytest.mark.parametrize(
    ('coding', 'data', 'cause'),
    [
        ('gzip', gzip.compress(PAGE)[:-1], 'the gzip data is truncated'),
        ('gzip', gzip.compress(PAGE)[:1], 'the gzip data is truncated'),
        ('gzip', gzip.compress(PAGE) + gzip.compress(PAGE)[:30], 'the gzip data is truncated'),
        ('deflate', zlib.compress(PAGE)[:-1], 'the deflate data is truncated'),
        ('deflate', raw_deflate(PAGE)[:-1], 'the deflate data is truncated'),
        ('gzip, deflate', zlib.compress(gzip.compress(PAGE)[:-1]), 'the gzip data is truncated'),
        ('gzip', PAGE, 'the data is not valid gzip'),
        ('gzip', gzip.compress(PAGE)[:-8] + bytes(8), 'the data is not valid gzip'),
        ('deflate', b'\xff' * 9, 'the data is not valid deflate'),
        ('deflate, gzip', gzip.compress(b'\xff' * 9), 'the data is not valid deflate'),
    ],
)
def test_bad_data_is_a_fault(coding: str, data: bytes, cause: str, size: int) -> None:
    with pytest.raises(Fault) as caught:
        undo(data, coding, size)
    assert caught.value.kind is Kind.COMPRESSION
    assert caught.value.describe() == f'body: {cause}'


def test_what_came_before_bad_data_is_not_lost() -> None:
    piece = next(decompress(iter([gzip.compress(BIG, 0)[:-9]]), 'gzip', nothing))
    assert piece
    assert BIG.startswith(piece)


@pytest.mark.parametrize(
    ('coding', 'bomb'),
    [
        ('gzip', gzip.compress(bytes(1 << 26))),
        ('deflate', raw_deflate(bytes(1 << 26))),
        ('gzip, gzip', gzip.compress(gzip.compress(bytes(1 << 26)))),
    ],
    ids=['gzip', 'deflate', 'double'],
)
def test_bomb_stays_bounded(coding: str, bomb: bytes) -> None:
    tracemalloc.start()
    try:
        sizes = [len(piece) for piece in decompress(iter([bomb]), coding, nothing)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 1 << 26
    assert max(sizes) == 65_536
    assert peak < 1 << 20


def test_chunks_are_read_only_when_they_are_needed() -> None:
    read = []

    def chunks() -> Iterator[bytes]:
        for chunk in pieces(gzip.compress(BIG, 0), 1000):
            read.append(chunk)
            yield chunk

    found = decompress(chunks(), 'gzip', nothing)
    assert not read
    next(found)
    assert len(read) == 1


def test_many_empty_members_are_nothing() -> None:
    assert undo(gzip.compress(b'') * 20_000 + gzip.compress(PAGE), 'gzip') == PAGE


@pytest.mark.parametrize(
    ('coding', 'data'),
    [
        ('gzip, gzip', gzip.compress(gzip.compress(b'') * 100_000)),
        ('gzip, gzip, gzip', gzip.compress(gzip.compress(gzip.compress(b'') * 100_000))),
        ('deflate, gzip', gzip.compress(b'\0\0\0\xff\xff' * 400_000 + b'\x01\0\0\xff\xff')),
        ('deflate, deflate', zlib.compress(b'\0\0\0\xff\xff' * 400_000 + b'\x01\0\0\xff\xff')),
    ],
)
def test_work_without_result_is_looked_after(coding: str, data: bytes) -> None:
    assert len(data) < 16 * 1024
    ticks: list[None] = []
    assert not b''.join(decompress(iter([data]), coding, lambda: ticks.append(None)))
    assert len(ticks) > 100
