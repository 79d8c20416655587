"""How much the Agent's process grows at most: 16 MiB for strings, 24 times `max_body_size` for the rest."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .answers import flood
from .server import Answer, Server, response

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(not Path('/proc/self/clear_refs').exists(), reason='needs Linux, which can measure a peak'),
]

MIB = 1024 * 1024
LITERAL = 16 * MIB
REST = 24 * 4 * MIB

# A process of its own, since the peak is that of a process. The first run loads what every run needs.
MEASURE = """
import json, sys
from pathlib import Path
from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base.stubs import aggregator

def memory(name):
    (line,) = (line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024

instance = json.loads(sys.argv[1])
warm_up = {**instance, 'url': sys.argv[2]}
AwesomeCheck('awesome', {}, [warm_up]).check(warm_up)
before = memory('VmRSS')
Path('/proc/self/clear_refs').write_text('5')
AwesomeCheck('awesome', {}, [instance]).check(instance)
print(json.dumps([memory('VmHWM') - before, aggregator.service_checks('awesome.search')[-1].message]))
"""


def bomb(size: int) -> Iterator[bytes]:
    """Return `size` zeros as gzip, in pieces of which each becomes 16 MiB."""
    compressor = zlib.compressobj(9, wbits=31)
    zeros = bytes(16 * MIB)
    for _ in range(size // len(zeros)):
        yield compressor.compress(zeros)
    yield compressor.flush()


def send_bomb(connection: Any, _: bytes) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n')
    for piece in bomb(10 * 1024 * MIB):
        connection.sendall(piece)


def page(body: str) -> bytes:
    return response(body.encode())


EMOJI = page('é\U0001f600 ' * (4 * MIB // 7))
ATTRIBUTES = page('<p ' + ' '.join(map('{:x}'.format, range(1_000_000)))[: 4 * MIB])
HEADERS = flood(b'HTTP/1.1 200 OK\r\n', b'X: ' + b'x' * 60_000 + b'\r\n')
NAMES = b''.join(b'%x:\n' % number for number in range(40_000))
TEXT = {'search_in': 'text'}
DIGEST = {'auth_type': 'digest', 'username': 'me', 'password': 'secret'}
EVENTS = {'send_events': True}


@pytest.mark.parametrize(
    ('answer', 'options', 'limit'),
    [
        pytest.param(send_bomb, {}, LITERAL, id='bomb of 10 GiB'),
        pytest.param(send_bomb, {'max_body_size': 256 * MIB}, LITERAL, id='256 MiB of a bomb'),
        pytest.param(
            flood(b'HTTP/1.1 200 OK\r\n\r\n', b'x' * 65536), {'max_body_size': 256 * MIB}, LITERAL, id='endless'
        ),
        pytest.param(flood(b'HTTP/1.1 302 x\r\nLocation: /\r\n\r\n', b'x' * 65536), {}, LITERAL, id='endless redirect'),
        pytest.param(flood(b'HTTP/1.1 500 x\r\n\r\n', b'x' * 65536), {}, LITERAL, id='endless error page'),
        pytest.param(HEADERS, {}, LITERAL, id='endless headers'),
        pytest.param(
            b'HTTP/1.1 302 x\r\nLocation: /\r\nContent-Length: 0\r\n' + NAMES + b'\r\n', {}, LITERAL, id='header names'
        ),
        pytest.param(
            b'HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n' + NAMES + b'\r\n',
            DIGEST,
            LITERAL,
            id='header names of a refusal',
        ),
        pytest.param(EMOJI, {'case_sensitive': False}, LITERAL, id='wide characters'),
        pytest.param(EMOJI, EVENTS, LITERAL, id='event of wide characters'),
        pytest.param(send_bomb, EVENTS, LITERAL, id='event of a bomb'),
        pytest.param(page('<p>not theme' * MIB), EVENTS, LITERAL, id='event of a million elements'),
        pytest.param(EMOJI, {'regex': True}, REST, id='regular expression on wide characters'),
        pytest.param(EMOJI, TEXT, LITERAL, id='text of wide characters'),
        pytest.param(send_bomb, {'regex': True}, REST, id='regular expression on a bomb'),
        pytest.param(send_bomb, TEXT, REST, id='text of a bomb'),
        pytest.param(ATTRIBUTES, TEXT, REST, id='text of a million attributes'),
        pytest.param(page('<p>a' * MIB), {**TEXT, 'regex': True}, REST, id='text of a million elements'),
        pytest.param(page('<!--' + 'x' * 4 * MIB), TEXT, REST, id='text of an endless comment'),
    ],
)
def test_growth_is_bounded(answer: Answer, options: dict[str, Any], limit: int, serve: Callable[..., Server]) -> None:
    instance = {'url': serve(answer).url, 'search_string': 'not there', 'timeout': 30, **options}
    warm_up = serve(page('<p>small</p>'))
    command = [sys.executable, '-c', MEASURE, json.dumps(instance), warm_up.url]

    result = subprocess.run(command, check=True, capture_output=True, text=True)

    growth, message = json.loads(result.stdout)
    assert not message.startswith('unexpected')
    assert growth <= limit, f'{growth / MIB:.0f} MiB: {message}'
