"""HTTP/1.1: what is read leniently, what is refused, and where a body ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.fetching.connection import Connection, Head, Headers, open_body

pytestmark = pytest.mark.unit

OK = b'HTTP/1.1 200 OK\r\n'
CHUNKED = OK + b'Transfer-Encoding: chunked\r\n\r\n'


class Pieces:
    """A stream that gives the pieces of a list, one each time that something is received."""

    def __init__(self, pieces: Iterable[bytes | Exception]) -> None:
        self._pieces = iter(pieces)
        self._rest = b''
        self.sizes: list[int] = []

    def recv(self, size: int) -> bytes:
        self.sizes.append(size)
        piece = self._rest or next(self._pieces, b'')
        if isinstance(piece, Exception):
            raise piece
        self._rest = piece[size:]
        return piece[:size]

    def sendall(self, data: bytes) -> None:
        pass

    def has_input(self) -> bool:
        return False

    def close(self) -> None:
        pass


def read(*pieces: bytes | Exception, method: str = 'GET', size: int = 65536) -> tuple[Head, bytes]:
    """Return the head and the whole body of a response in pieces."""
    connection = Connection(Pieces(pieces))
    head = connection.read_head()
    body = open_body(connection, head, method)
    read_pieces = list(iter(lambda: body.read1(size), b''))
    assert all(len(piece) <= size for piece in read_pieces)
    return head, b''.join(read_pieces)


def fault_of(*pieces: bytes | Exception) -> tuple[Kind, str]:
    with pytest.raises(Fault) as caught:
        read(*pieces)
    return caught.value.kind, caught.value.describe()


def bytewise(data: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in data]


@pytest.mark.parametrize(
    ('lines', 'items'),
    [
        pytest.param(b'A: 1\r\nb:2\r\n', [('A', '1'), ('b', '2')], id='plain'),
        pytest.param(b'X-Powered-By : x\r\nA: 1\r\n', [('X-Powered-By', 'x'), ('A', '1')], id='blank before the colon'),
        pytest.param(b'no colon\r\nA: 1\r\n', [('A', '1')], id='no colon'),
        pytest.param(b'My Param: None\r\nA: 1\r\n', [('A', '1')], id='blank in a name'),
        pytest.param(b': x\r\nA: 1\r\n', [('A', '1')], id='no name'),
        pytest.param(b'\xc3\xa9: x\r\nA: 1\r\n', [('A', '1')], id='name beyond ASCII'),
        pytest.param(b'A: 1\r\n 2\r\n\t3\r\nB: 4\r\n', [('A', '1 2 3'), ('B', '4')], id='folded'),
        pytest.param(b' 0\r\nA: 1\r\n', [('A', '1')], id='folded first line'),
        pytest.param(b'bad\r\n 1\r\nA: 1\r\n', [('A', '1')], id='folded after a dropped line'),
        pytest.param(b'A: 1\nB: 2\n', [('A', '1'), ('B', '2')], id='LF alone'),
        pytest.param(b'A: 1\rB: 2\r\n', [('A', '1 B: 2')], id='CR alone'),
        pytest.param(b'A:  \t1 \t\r\nB:\r\n', [('A', '1'), ('B', '')], id='blanks around a value'),
        pytest.param(b'A: \xfc\x85\r\n', [('A', 'ü\x85')], id='raw bytes'),
        pytest.param(b'A: 1\r\n' * 1000, [('A', '1')] * 1000, id='1,000 lines'),
        pytest.param(b'A: ' + b'x' * 200_000 + b'\r\n', [('A', 'x' * 200_000)], id='a long line'),
    ],
)
def test_header_lines(lines: bytes, items: list[tuple[str, str]]) -> None:
    head, body = read(OK + lines + b'\r\n', b'body')

    assert vars(head.headers) == vars(Headers(items))
    assert body == b'body'


def test_headers_are_looked_up_in_any_case() -> None:
    head, _ = read(OK + b'Set-Cookie: a\r\nset-cookie: b\r\n\r\n')

    assert head.headers.get('SET-Cookie') == 'a, b'
    assert head.headers.get_all('SET-Cookie') == ['a', 'b']
    assert (head.headers.get('x'), head.headers.get('x', 'y'), head.headers.get_all('x')) == ('', 'y', [])


@pytest.mark.parametrize(
    ('line', 'status', 'reason'),
    [
        pytest.param(b'HTTP/1.1 200 OK\r\n', 200, 'OK', id='plain'),
        pytest.param(b'HTTP/1.0 404 Not Found\n', 404, 'Not Found', id='LF alone'),
        pytest.param(b'HTTP/1.1 200\r\n', 200, '', id='no reason'),
        pytest.param(b'HTTP/1.1   200   OK \r\n', 200, 'OK', id='blanks'),
        pytest.param(b'http/1.1 200 ok\r\n', 200, 'ok', id='lower case'),
        pytest.param(b'\r\nHTTP/1.1 200 OK\r\n', 200, 'OK', id='empty line before'),
        pytest.param(b'HTTP/1.1 999 \xe9\r\n', 999, 'é', id='999'),
    ],
)
def test_status_line(line: bytes, status: int, reason: str) -> None:
    for pieces in ([line + b'\r\n'], bytewise(line + b'\r\n')):
        head, _ = read(*pieces)

        assert (head.status, head.reason) == (status, reason)


SETTINGS = b'\x00\x00\x12\x04\x00\x00\x00\x00\x00' + bytes(18)
GOAWAY = b'\x00\x00\x08\x07\x00\x00\x00\x00\x00' + bytes(8)


@pytest.mark.parametrize(
    ('data', 'kind', 'message'),
    [
        pytest.param(b'', Kind.CLOSED, 'the server closed the connection without a response', id='nothing'),
        pytest.param(OK + b'A: b', Kind.CLOSED, 'the server closed the connection within the headers', id='cut off'),
        pytest.param(b'SSH-2.0-x\r\n', Kind.NOT_HTTP, "not an HTTP response: 'SSH-2.0-x'", id='SSH'),
        pytest.param(b'<html>\n', Kind.NOT_HTTP, "not an HTTP response: '<html>'", id='HTTP/0.9'),
        pytest.param(b'220', Kind.NOT_HTTP, "not an HTTP response: '220'", id='few bytes'),
        pytest.param(b'ICY 200 OK\r\n\r\n', Kind.NOT_HTTP, "not an HTTP response: 'ICY 200 OK'", id='ICY'),
        pytest.param(b'a\x1b[2J\n', Kind.NOT_HTTP, "not an HTTP response: 'a\\x1b[2J'", id='escape'),
        pytest.param(b'x' * 999 + b'\n', Kind.NOT_HTTP, f"not an HTTP response: '{'x' * 999}'", id='long first line'),
        pytest.param(b'HTTP/1.1 OK\r\n\r\n', Kind.NOT_HTTP, "not an HTTP response: 'HTTP/1.1 OK'", id='no status code'),
        pytest.param(b'HTTP/1.1 099 x\r\n\r\n', Kind.NOT_HTTP, "not an HTTP response: 'HTTP/1.1 099 x'", id='099'),
        pytest.param(b'HTTP/1.1 2000\r\n\r\n', Kind.NOT_HTTP, "not an HTTP response: 'HTTP/1.1 2000'", id='2000'),
        pytest.param(b'HTTP/1.10 200\r\n\r\n', Kind.NOT_HTTP, "not an HTTP response: 'HTTP/1.10 200'", id='1.10'),
        pytest.param(
            b'HTTP/1.1 \xb2\xb2\xb2\r\n\r\n', Kind.NOT_HTTP, "not an HTTP response: 'HTTP/1.1 ²²²'", id='superscripts'
        ),
        pytest.param(
            b'\x15\x03\x01\x00\x02\x02F', Kind.WANTS_TLS, 'the server speaks TLS on this port: use https', id='alert'
        ),
        pytest.param(
            b'\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03',
            Kind.WANTS_TLS,
            'the server speaks TLS on this port: use https',
            id='handshake record',
        ),
        pytest.param(SETTINGS, Kind.HTTP2, 'the server speaks only HTTP/2', id='SETTINGS'),
        pytest.param(GOAWAY, Kind.HTTP2, 'the server speaks only HTTP/2', id='GOAWAY'),
        pytest.param(b'HTTP/2.0 200 OK\r\n\r\n', Kind.HTTP2, 'the server speaks only HTTP/2', id='HTTP/2 in words'),
        pytest.param(b'HTTP/1.1 200 ' + b'x' * 2**19, Kind.HEADERS, 'more than 256 KiB of headers', id='status line'),
        pytest.param(OK + b'A: b\r\n' * 99_999, Kind.HEADERS, 'more than 256 KiB of headers', id='lines'),
        pytest.param(b'\r\n' * 2**19, Kind.HEADERS, 'more than 256 KiB of headers', id='empty lines'),
        pytest.param(b'HTTP/1.1 100 x\r\n\r\n' * 2**15, Kind.HEADERS, 'more than 256 KiB of headers', id='interim'),
    ],
)
def test_no_response(data: bytes, kind: Kind, message: str) -> None:
    assert fault_of(data) == (kind, f'status: {message}')
    assert len(data) > 999 or fault_of(*bytewise(data))[0] is kind


def test_other_protocol_is_told_before_its_server_ends() -> None:
    assert fault_of(b'SSH-2.0-x\r\n', AssertionError())[0] is Kind.NOT_HTTP
    assert fault_of(SETTINGS, AssertionError())[0] is Kind.HTTP2
    assert fault_of(b'\x15\x03\x01', AssertionError())[0] is Kind.WANTS_TLS
    assert fault_of(b'\x15', b'\x03', AssertionError())[0] is Kind.WANTS_TLS


def test_reset_before_the_response() -> None:
    assert fault_of(ConnectionResetError(104, '')) == (
        Kind.RESET,
        'status: connection reset by peer before the response',
    )


def test_interim_responses_are_skipped() -> None:
    interim = b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'

    for pieces in ([interim + OK + b'\r\nbody'], bytewise(interim + OK + b'\r\nbody')):
        head, body = read(*pieces)
        assert (head.status, body) == (200, b'body')
    assert read(b'HTTP/1.1 101 Switching Protocols\r\n\r\n\x81')[0].status == 101


@pytest.mark.parametrize(
    ('data', 'body'),
    [
        pytest.param(OK + b'Content-Length: 4\r\n\r\nbodyrest', b'body', id='length'),
        pytest.param(OK + b'Content-Length: 4\r\nContent-Length: 4\r\n\r\nbodyrest', b'body', id='the same twice'),
        pytest.param(OK + b'Content-Length: 4, 4\r\n\r\nbodyrest', b'body', id='the same in a list'),
        pytest.param(
            OK + b'Content-Length: ' + b'0' * 5000 + b'4\r\n\r\nbodyrest', b'body', id='zeros before a length'
        ),
        pytest.param(OK + b'Content-Length: 4\r\nContent-Length: 04\r\n\r\nbodyrest', b'body', id='two that are equal'),
        pytest.param(OK + b'Content-Length: 000\r\n\r\nrest', b'', id='zeros alone'),
        pytest.param(OK + b'Content-Length: -4\r\n\r\nbody', b'body', id='negative length'),
        pytest.param(OK + b'Content-Length: ' + b'9' * 5000 + b'\r\n\r\nbody', b'body', id='impossible length'),
        pytest.param(OK + b'\r\nbody', b'body', id='until the end'),
        pytest.param(b'HTTP/1.1 204 x\r\nContent-Length: 4\r\n\r\nbody', b'', id='204'),
        pytest.param(b'HTTP/1.1 304 x\r\nContent-Length: 4\r\n\r\nbody', b'', id='304'),
        pytest.param(CHUNKED + b'4\r\nbody\r\n0\r\n\r\nrest', b'body', id='chunks'),
        pytest.param(CHUNKED + b'4\nbo\ny\n0\n\nrest', b'bo\ny', id='chunk lines with LF alone'),
        pytest.param(CHUNKED + b'4 ;a="b"\r\nbody\r\n0;x\r\n\r\n', b'body', id='chunk extensions'),
        pytest.param(
            CHUNKED + b'0' * 5000 + b'4\r\nbody\r\n' + b'0' * 99 + b'\r\n\r\n', b'body', id='zeros before a size'
        ),
        pytest.param(CHUNKED + b'4\r\nbody\r\n0\r\nA: b\r\n\r\nrest', b'body', id='trailers'),
        pytest.param(CHUNKED + b'4\r\nbody\r\n0\r\n', b'body', id='without the last line'),
        pytest.param(CHUNKED + b'A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n', b'0123456789' * 2, id='hexadecimal'),
        pytest.param(
            OK + b'Content-Length: 3\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
            b'body',
            id='chunks in spite of a length',
        ),
        pytest.param(OK + b'Transfer-Encoding: identity\r\n\r\nbody', b'body', id='identity'),
    ],
)
def test_end_of_a_body(data: bytes, body: bytes) -> None:
    assert read(data)[1] == body
    assert read(*bytewise(data))[1] == body
    assert read(data, size=3)[1] == body


def test_answer_to_head_has_no_body() -> None:
    assert read(OK + b'Content-Length: 4\r\n\r\n', method='HEAD')[1] == b''


RESET = ConnectionResetError(104, '')
OFF = 'the connection broke off after '
BAD = 'the chunked coding is malformed after '


@pytest.mark.parametrize(
    ('pieces', 'body', 'message'),
    [
        pytest.param([OK + b'Content-Length: 9\r\n\r\n', b'body'], b'body', f'{OFF}4 of 9 bytes', id='length'),
        pytest.param([OK + b'Content-Length: 9\r\n\r\n', RESET], b'', f'{OFF}0 of 9 bytes', id='reset'),
        pytest.param([OK + b'\r\n', b'body', RESET], b'body', f'{OFF}4 bytes', id='reset without length'),
        pytest.param([CHUNKED + b'9\r\nbody'], b'body', f'{OFF}4 bytes', id='in a chunk'),
        pytest.param([CHUNKED + b'4\r\nbody\r\n'], b'body', f'{OFF}4 bytes', id='between chunks'),
        pytest.param([CHUNKED + b'4\r\nbody\r\nzz\r\n'], b'body', f'{BAD}4 bytes', id='no number'),
        pytest.param([CHUNKED + b'4\r\nbody\r\n-5\r\nnginx'], b'body', f'{BAD}4 bytes', id='negative'),
        pytest.param([CHUNKED + b'4\r\nbody\r\n0x5\r\nnginx'], b'body', f'{BAD}4 bytes', id='0x'),
        pytest.param([CHUNKED + b'4\r\nbody5\r\nnginx'], b'body', f'{BAD}4 bytes', id='no end of line after a chunk'),
        pytest.param([CHUNKED + b'\r\n'], b'', f'{BAD}0 bytes', id='no size'),
        pytest.param([CHUNKED + b'<p>', AssertionError()], b'', f'{BAD}0 bytes', id='page without chunks'),
        pytest.param([CHUNKED, b' ', b'-', AssertionError()], b'', f'{BAD}0 bytes', id='blank and sign'),
        pytest.param([CHUNKED + b'4\r\nbody', b'5', AssertionError()], b'body', f'{BAD}4 bytes', id='longer chunk'),
        pytest.param([CHUNKED + b'1' * 17 + b'\r\n'], b'', f'{BAD}0 bytes', id='size beyond 64 bits'),
        pytest.param([CHUNKED + b'0' * 20_000], b'', f'{BAD}0 bytes', id='endless size'),
        pytest.param([CHUNKED + b'1;' + b'x' * 20_000], b'', f'{BAD}0 bytes', id='endless extension'),
        pytest.param([CHUNKED + b'0\r\n' + b'A: b\r\n' * 99_999], b'', f'{BAD}0 bytes', id='endless trailers'),
    ],
)
def test_body_that_breaks_off(pieces: list[bytes | Exception], body: bytes, message: str) -> None:
    connection = Connection(Pieces(pieces))
    response = open_body(connection, connection.read_head(), 'GET')
    received = b''

    with pytest.raises(Fault) as caught:
        while piece := response.read1(65536):
            received += piece

    assert (caught.value.kind, caught.value.describe()) == (Kind.BROKEN_OFF, f'body: {message}')
    assert received == body
    assert not response.is_whole


def test_two_lengths() -> None:
    assert fault_of(OK + b'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab') == (
        Kind.NOT_HTTP,
        'status: not an HTTP response: it has two Content-Lengths, 1 and 2',
    )


@pytest.mark.parametrize(
    ('data', 'is_whole'),
    [
        (OK + b'Content-Length: 4\r\n\r\nbody', True),
        (CHUNKED + b'4\r\nbody\r\n0\r\n\r\n', True),
        (CHUNKED + b'4\r\nbody\r\n0\r\n', False),
        (OK + b'\r\nbody', False),
    ],
    ids=['length', 'chunks', 'chunks without the last line', 'until the end'],
)
def test_connection_can_be_used_again(data: bytes, is_whole: bool) -> None:
    connection = Connection(Pieces([data, b'']))
    body = open_body(connection, connection.read_head(), 'GET')

    while body.read1(65536):
        assert not (body.is_whole and connection.has_received())
    assert body.is_whole == is_whole


def test_next_response_follows_the_chunks_of_the_first() -> None:
    connection = Connection(Pieces([CHUNKED + b'4\r\nbody\r\n0\r\n\r\nHTTP/1.1 404 x\r\n\r\n']))
    body = open_body(connection, connection.read_head(), 'GET')

    assert b''.join(iter(lambda: body.read1(65536), b'')) == b'body'
    assert body.read1(65536) == b''
    assert connection.has_received()
    assert connection.read_head().status == 404
    assert not connection.has_received()


def test_large_chunk_is_handed_on_as_it_is_received() -> None:
    stream = Pieces([CHUNKED + b'100000\r\n', *[bytes(2**18)] * 4, b'\r\n0\r\n\r\n'])
    connection = Connection(stream)
    body = open_body(connection, connection.read_head(), 'GET')

    assert [len(piece) for piece in iter(lambda: body.read1(2**18), b'')] == [2**18] * 4
    assert set(stream.sizes[1:]) == {2**18}


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(1, 60), min_size=1), st.data())
def test_chunks_in_any_pieces(chunks: list[bytes], cuts: list[int], data: st.DataObject) -> None:
    ends = st.sampled_from([b'\r\n', b'\n'])
    coded = b''.join(b'%x' % len(chunk) + data.draw(ends) + chunk + data.draw(ends) for chunk in chunks)
    whole = CHUNKED + coded + b'0\r\n\r\n'
    pieces, rest = [], whole
    for cut in itertools.cycle(cuts):
        if not rest:
            break
        pieces.append(rest[:cut])
        rest = rest[cut:]

    assert read(*pieces)[1] == b''.join(chunks)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_give_a_response_or_a_fault(pieces: list[bytes]) -> None:
    for start in (b'', OK, CHUNKED):
        try:
            head, _ = read(start, *(piece for piece in pieces if piece))
            assert 100 <= head.status <= 999
        except Fault as fault:
            assert fault.describe().isprintable()
