"""HTTP/1.1 over one stream (RFC 9112), as lenient as browsers where that does no harm.

A malformed header line is dropped and the others count, LF alone ends a line, and only the size of everything before
the body is limited, not the number or length of its lines. What is ambiguous about where the body ends is not guessed.
"""

from __future__ import annotations

import re
import ssl
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from datadog_checks.awesome.fault import Fault, Kind

from .causes import os_cause, tls_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .sockets import Stream

# Of all that comes before a body, interim responses included, in bytes: more than any page needs.
HEADER_BUDGET = 256 * 1024
# What the first read of a response takes, in bytes: the whole of most pages.
FIRST_READ = 64 * 1024
# Of the line before a chunk or of a trailer, in bytes.
MAX_LINE = 16 * 1024
# Of the size of a chunk: 64 bits.
MAX_DIGITS = 16
HEXADECIMAL = b'0123456789abcdefABCDEF'
# A line with a name (RFC 9110, section 5.6.2), and blanks behind that which no sender may leave but some do.
FIELD = re.compile(r"^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)", re.MULTILINE)
# A Content-Length of at most 15 digits, after any number of zeros.
LENGTH = re.compile(r'[ \t]*+(?=[0-9])0*+([1-9][0-9]{0,14})?[ \t]*')
START = b'HTTP/1.'
# The fewest bytes that tell an HTTP/2 frame from other protocols: its header (RFC 9113, section 4.1).
FRAME_HEADER = 9
SETTINGS, GOAWAY = 4, 7
# How an alert or a handshake record of any version begins (RFC 8446, section 5.1).
TLS_RECORDS = (b'\x15\x03', b'\x16\x03')

BLANKS = ' \t'


class Headers:
    """The header fields of a response, whose names are looked up in any case."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        # A list for each of 50,000 names would take megabytes more.
        self._first: dict[str, str] = {}
        self._further: dict[str, list[str]] = {}
        for written, value in fields:
            name = written.lower()
            if name in self._first:
                self._further.setdefault(name, []).append(value)
            else:
                self._first[name] = value

    def get(self, name: str, default: str = '') -> str:
        """Return the values of all lines of this name, joined by commas."""
        return ', '.join(self.get_all(name) or [default])

    def get_all(self, name: str) -> list[str]:
        """Return the value of each line of this name."""
        key = name.lower()
        return [self._first[key], *self._further.get(key, ())] if key in self._first else []

    def tokens(self, name: str) -> set[str]:
        """Return the members of a list such as that of Connection, in lower case."""
        return {member.strip(BLANKS) for member in self.get(name).lower().split(',')}


class Head(NamedTuple):
    """What comes before a body."""

    minor_version: int
    status: int
    reason: str
    headers: Headers


class Connection:
    """One connection to a server or proxy, on which responses follow each other."""

    def __init__(self, stream: Stream, is_tls: bool = False) -> None:
        self.stream = stream
        self.chain: list[bytes] = []
        """The certificates that the page's server showed on it."""
        self.is_silent = True
        """Nothing was received since the last request."""
        self.is_of_former_run = False
        """The run that used it last has ended."""
        self._is_tls = is_tls
        self._received = b''

    def send(self, data: bytes) -> None:
        """Send a request; raise a `timeout` fault.

        A server that hangs up may have answered before: so that shows when the response is read.
        """
        self.is_silent = True
        try:
            self.stream.sendall(data)
        except OSError:
            return

    def read_head(self) -> Head:
        """Return the head of the final response; raise `status`, `TLS` and `timeout` faults.

        Interim responses (RFC 9110, section 15.2) are skipped, but for 101, after which no HTTP follows.
        """
        budget = HEADER_BUDGET
        while True:
            data = self._read_section(budget)
            budget -= len(data)
            head = _parse_head(data)
            if head.status >= 200 or head.status == 101:
                return head

    def recv(self, size: int) -> bytes:
        """Return what was received already, or else what is there; b'' at the end; raise OSError or a fault."""
        if not (received := self._received):
            return self.stream.recv(size)
        self._received = received[size:]
        return received[:size]

    def sendall(self, data: bytes) -> None:
        self.stream.sendall(data)

    def put_back(self, data: bytes) -> None:
        """Let `data` be received again."""
        self._received = data + self._received

    def has_received(self) -> bool:
        """Return whether something is left over that nobody asked for."""
        return bool(self._received)

    def has_input(self) -> bool:
        """Return whether something, or the end, can be received at once."""
        return bool(self._received) or self.stream.has_input()

    def close(self) -> None:
        self.stream.close()

    def _read_section(self, budget: int) -> bytes:
        """Return the lines of a head up to the empty one, which is the last of them."""
        data = self._received or self._receive(b'')
        while data[:1] in (b'\r', b'\n'):
            # Some servers end a body with a line break too many.
            stripped = data.lstrip(b'\r\n')
            budget -= len(data) - len(stripped)
            _check_budget(0, budget)
            data = stripped or self._receive(b'')
        self._require_http(data)
        if (end := _end_of_section(data, 0)) < 0:
            data, end = self._read_on(data, budget)
        _check_budget(end, budget)
        self._received = data[end:]
        return data[:end]

    def _read_on(self, start: bytes, budget: int) -> tuple[bytes, int]:
        data = bytearray(start)
        end = -1
        while end < 0:
            _check_budget(len(data), budget)
            known = len(data)
            data += self._receive(data)
            if known < FRAME_HEADER:
                self._require_http(data)
            end = _end_of_section(data, max(0, known - 2))
        return bytes(data), end

    def _require_http(self, data: bytes | bytearray) -> None:
        is_http = data[: len(START)].upper() == START[: len(data)]
        if not is_http and (len(data) >= FRAME_HEADER or b'\n' in data or data[:2] in TLS_RECORDS):
            self._refuse(data)

    def _receive(self, so_far: bytes | bytearray) -> bytes:
        """Return more of a head of which `so_far` is known."""
        try:
            data = self.stream.recv(FIRST_READ)
        except ssl.SSLEOFError:
            data = b''
        except ssl.SSLError as e:
            raise tls_fault(e, '', []) from None
        except OSError as e:
            raise Fault(Kind.RESET, f'{os_cause(e)} before the response') from None
        if data:
            self.is_silent = False
            return data
        if so_far and not so_far.startswith(START[: len(so_far)]):
            self._refuse(so_far)
        if so_far:
            raise Fault(Kind.CLOSED, 'the server closed the connection within the headers')
        raise Fault(Kind.CLOSED, 'the server closed the connection without a response')

    def _refuse(self, data: bytes | bytearray) -> NoReturn:
        """Raise the fault of a server that does not speak HTTP/1."""
        if not self._is_tls and any(record.startswith(data[:2]) for record in TLS_RECORDS):
            raise Fault(Kind.WANTS_TLS, 'the server speaks TLS on this port: use https')
        is_frame = len(data) >= FRAME_HEADER and data[3] in (SETTINGS, GOAWAY) and not any(data[5:FRAME_HEADER])
        if is_frame or data.startswith((b'PRI * HTTP/2', b'HTTP/2')):
            raise Fault(Kind.HTTP2, 'the server speaks only HTTP/2')
        raise not_http(bytes(data))


def not_http(data: bytes) -> Fault:
    """Return the fault of a first line that is not one of HTTP/1."""
    # All of it: to cut it would show the half of a secret.
    line = data.lstrip(b'\r\n').partition(b'\n')[0].rstrip(b'\r').decode('latin-1')
    return Fault(Kind.NOT_HTTP, 'not an HTTP response: {}', repr(line))


def _parse_head(data: bytes) -> Head:
    """Return the parts of a head that ends with an empty line; raise a `status` fault."""
    text = data.decode('latin-1').replace('\r\n', '\n')
    if '\r' in text:
        # RFC 9112, section 2.2.
        text = text.replace('\r', ' ')
    first, _, lines = text.partition('\n')
    version, _, rest = first.partition(' ')
    rest = rest.lstrip(BLANKS)
    code, reason = rest[:3], rest[3:]
    is_code = len(code) == 3 and code.isascii() and code.isdigit() and code >= '100' and not reason[:1].isdigit()
    if not (is_code and len(version) == len(START) + 1 and version[-1] in '0123456789'):
        raise not_http(data)
    return Head(int(version[-1]), int(code), reason.strip(BLANKS), Headers(_fields(lines)))


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of lines, of which a malformed one is dropped."""
    if '\n ' in text or '\n\t' in text or text.startswith((' ', '\t')):
        text = '\n'.join(_unfold(text.split('\n')))
    for match in FIELD.finditer(text):
        yield match[1], match[2].strip(BLANKS)


def _unfold(lines: list[str]) -> list[str]:
    """Return lines with those joined that were folded (RFC 9112, section 5.2)."""
    fields: list[list[str]] = [[]]
    for line in lines:
        if line.startswith((' ', '\t')):
            fields[-1].append(line.strip(BLANKS))
        else:
            fields.append([line])
    # What is folded without a line before it belongs to nothing.
    return [' '.join(field) for field in fields[1:]]


def _end_of_section(data: bytes | bytearray, start: int) -> int:
    """Return where the first empty line ends, -1 if there is none; `start` is in or before the line break before it."""
    with_cr = data.find(b'\n\r\n', start)
    without_cr = data.find(b'\n\n', start, with_cr if with_cr >= 0 else len(data))
    if without_cr >= 0:
        return without_cr + 2
    return with_cr + 3 if with_cr >= 0 else -1


def _check_budget(size: int, budget: int) -> None:
    if size > budget:
        raise Fault(Kind.HEADERS, f'more than {HEADER_BUDGET // 1024} KiB of headers')


class Body(Protocol):
    """The body of a response, as it was sent."""

    @property
    def is_whole(self) -> bool:
        """Whether it was read to its end, and something may follow it on the connection."""

    def read1(self, size: int) -> bytes:
        """Return what is there, at most `size` bytes, b'' at the end; raise `body` and `timeout` faults."""


def open_body(connection: Connection, head: Head, method: str) -> Body:
    """Return the body that follows `head` (RFC 9112, section 6.3); raise a `status` fault if that is ambiguous."""
    if method == 'HEAD' or head.status in (101, 204, 304):
        return SizedBody(connection, 0)
    if 'chunked' in head.headers.tokens('transfer-encoding'):
        return ChunkedBody(connection)
    length = _content_length(head.headers)
    return OpenBody(connection) if length is None else SizedBody(connection, length)


def _content_length(headers: Headers) -> int | None:
    """Return the length that the headers tell; None without a usable one."""
    matches = map(LENGTH.fullmatch, headers.get('content-length').split(','))
    lengths = {int(match[1] or 0) for match in matches if match}
    if len(lengths) > 1:
        raise Fault(Kind.NOT_HTTP, 'not an HTTP response: it has two Content-Lengths, {} and {}', *sorted(lengths)[:2])
    return lengths.pop() if lengths else None


class BegunBody:
    """A body whose beginning was read before."""

    def __init__(self, beginning: bytes, rest: Body) -> None:
        self._beginning = beginning
        self._rest = rest

    @property
    def is_whole(self) -> bool:
        return self._rest.is_whole

    def read1(self, size: int) -> bytes:
        """Return what is there, at most `size` bytes, b'' at the end; raise `body` and `timeout` faults."""
        if not self._beginning:
            return self._rest.read1(size)
        data, self._beginning = self._beginning[:size], self._beginning[size:]
        return data


class OpenBody:
    """A body that ends with the connection."""

    is_whole = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._size = 0

    def read1(self, size: int) -> bytes:
        """Return what is there, b'' at the end; raise `body` and `timeout` faults."""
        try:
            data = self._connection.recv(size)
        except OSError:
            raise _broken_off(self._size) from None
        self._size += len(data)
        return data


class SizedBody:
    """A body of a known number of bytes."""

    def __init__(self, connection: Connection, length: int) -> None:
        self._connection = connection
        self._length = self._remaining = length

    @property
    def is_whole(self) -> bool:
        return not self._remaining

    def read1(self, size: int) -> bytes:
        """Return what is there, b'' at the end; raise `body` and `timeout` faults."""
        if not self._remaining:
            return b''
        try:
            data = self._connection.recv(min(size, self._remaining))
        except OSError:
            data = b''
        if not data:
            raise _broken_off(self._length - self._remaining, self._length)
        self._remaining -= len(data)
        return data


class _Part(Enum):
    SIZE = 'the line before a chunk'
    DATA = 'a chunk'
    END = 'the end of the line that a chunk is'
    TRAILERS = 'lines after the last chunk'
    DONE = 'nothing'


class ChunkedBody:
    """A body in chunks (RFC 9112, section 7.1), whose extensions and trailers are skipped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._part = _Part.SIZE
        self._chunk = 0
        """The bytes of the current chunk that are still to come."""
        self._unparsed = b''
        self._size = 0
        self._trailers = 0
        self._has_ended = False

    @property
    def is_whole(self) -> bool:
        return self._part is _Part.DONE and not self._has_ended

    def read1(self, size: int) -> bytes:
        """Return what is there, b'' at the end; raise `body` and `timeout` faults."""
        while not (data := self._parse()) and self._part is not _Part.DONE:
            self._receive(size)
        self._size += len(data)
        return data

    def _receive(self, size: int) -> None:
        try:
            data = self._connection.recv(size)
        except OSError:
            data = b''
        if data:
            self._unparsed = self._unparsed + data if self._unparsed else data
        elif self._part is _Part.TRAILERS:
            # The last chunk came: the body is whole, though the connection ends too early.
            self._has_ended = True
            self._part = _Part.DONE
        else:
            raise _broken_off(self._size)

    def _parse(self) -> bytes:
        """Return the data of all chunks that were received; what cannot be parsed yet stays."""
        data, position = self._unparsed, 0
        if self._part is _Part.DATA and len(data) < self._chunk:
            self._unparsed = b''
            self._chunk -= len(data)
            return data
        pieces = []
        while position < len(data) and self._part is not _Part.DONE:
            if self._part is _Part.DATA:
                pieces.append(self._take_data(data, position))
                position += len(pieces[-1])
                continue
            end = data.find(b'\n', position, position + MAX_LINE) + 1
            if end and self._take_line(data[position : end - 1].removesuffix(b'\r')):
                position = end
            elif pieces or (not end and len(data) - position < MAX_LINE and self._may_begin(data[position:])):
                # Incomplete; or malformed, but what came before counts.
                break
            else:
                raise Fault(Kind.BROKEN_OFF, f'the chunked coding is malformed after {self._size} bytes')
        self._unparsed = data[position:]
        if self._part is _Part.DONE:
            self._connection.put_back(self._unparsed)
            self._unparsed = b''
        return b''.join(pieces)

    def _may_begin(self, data: bytes) -> bool:
        """Return whether a line that is expected may begin with all of `data`."""
        if self._part is _Part.SIZE:
            return data.lstrip()[:1] in HEXADECIMAL
        return self._part is _Part.TRAILERS or data in b'\r'

    def _take_data(self, data: bytes, position: int) -> bytes:
        piece = data[position : position + self._chunk]
        self._chunk -= len(piece)
        self._part = _Part.DATA if self._chunk else _Part.END
        return piece

    def _take_line(self, line: bytes) -> bool:
        """Go on to the part that follows `line`; return False if it is malformed."""
        if self._part is _Part.END:
            self._part = self._part if line else _Part.SIZE
            return not line
        if self._part is _Part.TRAILERS:
            self._trailers += len(line) + 1
            self._part = _Part.TRAILERS if line else _Part.DONE
            return self._trailers <= HEADER_BUDGET
        digits = line.partition(b';')[0].strip()
        if not digits or digits.strip(HEXADECIMAL) or len(digits.lstrip(b'0')) > MAX_DIGITS:
            return False
        self._chunk = int(digits, 16)
        self._part = _Part.DATA if self._chunk else _Part.TRAILERS
        return True


def _broken_off(size: int, length: int | None = None) -> Fault:
    of = '' if length is None else f' of {length}'
    return Fault(Kind.BROKEN_OFF, f'the connection broke off after {size}{of} bytes')
