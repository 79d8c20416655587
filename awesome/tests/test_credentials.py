"""Tokens: where they come from, how long they are kept, and what is said when there is none."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import threading
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from datadog_checks.awesome.fault import Activity, Fault, Kind, Step
from datadog_checks.awesome.fetching.background import Background
from datadog_checks.awesome.fetching.credentials import DEFAULT_LIFETIME, TokenSource, check_auth_token
from datadog_checks.awesome.fetching.deadline import Deadline
from datadog_checks.awesome.fetching.dialing import Dialer
from datadog_checks.awesome.fetching.tls import TLSContexts
from datadog_checks.awesome.fetching.transport import Settings, Transport

from .server import Server, response

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unit

SECONDS = 20
BRIEF = 0.3
WRITER = {'type': 'header', 'name': 'Authorization', 'value': 'Bearer <TOKEN>'}
KEY = rsa.generate_private_key(65537, 2048)


class Client:
    """A token source as a check has it: with a deadline and a transport of its own, and what it gave away as secret."""

    def __init__(
        self, reader: dict[str, Any], writer: dict[str, Any] = WRITER, read_timeout: float | None = None
    ) -> None:
        check_auth_token({'reader': reader, 'writer': writer})
        self.secrets: list[str] = []
        self.deadline = Deadline()
        self.deadline.start(SECONDS)
        background = Background(self.deadline)
        settings = Settings(None, read_timeout, proxy=lambda _: None, context=TLSContexts({}))
        self.transport = Transport(self.deadline, Dialer(self.deadline, background), settings)
        options = {'reader': reader, 'writer': writer}
        self.source = TokenSource(options, self.transport.send, background, self.deadline, self.secrets.append)

    def fault(self) -> Fault:
        with pytest.raises(Fault) as fault:
            self.source.header()
        self.transport.close()
        return fault.value

    def cause(self) -> str:
        """Return why there is no token, without the place that has to come first."""
        fault = self.fault()
        assert fault.kind is Kind.TOKEN
        place, cause = fault.describe().removeprefix('connect: no token from ').split(': ', 1)
        assert place
        return cause


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'token'


def file(path: Path, **options: Any) -> dict[str, Any]:
    return {'type': 'file', 'path': str(path), **options}


def oauth(server: Server, **options: Any) -> dict[str, Any]:
    url = f'{server.url}token?tenant=1'
    return {'type': 'oauth', 'url': url, 'client_id': 'me', 'client_secret': 's3cret&', **options}


def answer(fields: Any, status: str = '200 OK', **headers: str) -> bytes:
    return response(json.dumps(fields).encode(), status, Content_Type='application/json', **headers)


class TestFile:
    def test_token(self, path: Path) -> None:
        path.write_text('\n token-1 \n')
        client = Client(file(path))

        assert client.source.header() == ('Authorization', 'Bearer token-1')
        assert client.secrets == ['token-1']

    def test_kept_until_renewed(self, path: Path) -> None:
        path.write_text('token-1')
        client = Client(file(path))
        client.source.header()
        path.write_text('token-2')

        assert client.source.header()[1] == 'Bearer token-1'
        assert client.source.header(renew=True)[1] == 'Bearer token-2'
        assert client.secrets == ['token-1', 'token-2']

    def test_refused_token_is_not_used_again(self, path: Path) -> None:
        path.write_text('token-1')
        client = Client(file(path))
        client.source.header()
        path.unlink()
        with pytest.raises(Fault):
            client.source.header(renew=True)

        assert client.fault().kind is Kind.TOKEN

    @pytest.mark.parametrize('pattern', ['token: "(.+)"', 'token: "(.+)"$', '(?<=")(.+)(?=")', r'"(.+)"\s*\Z'])
    def test_pattern(self, path: Path, pattern: str) -> None:
        path.write_text('user: me\ntoken: "token-1"\n')

        assert Client(file(path, pattern=pattern)).source.header()[1] == 'Bearer token-1'

    def test_byte_order_mark(self, path: Path) -> None:
        path.write_text('token-1', encoding='utf-8-sig')

        assert Client(file(path)).source.header()[1] == 'Bearer token-1'

    def test_writer(self, path: Path) -> None:
        path.write_text('token-1')
        writer = {'type': 'header', 'name': 'X-Key', 'value': 'X a X b', 'placeholder': 'X'}

        assert Client(file(path), writer).source.header() == ('X-Key', 'token-1 a X b')
        assert Client(file(path), {'type': 'header', 'name': 'X-Key'}).source.header() == ('X-Key', 'token-1')

    CONTENTS: ClassVar[dict[str, tuple[bytes, dict[str, str], str]]] = {
        'empty': (b' \n', {}, 'the token is empty'),
        'not UTF-8': (b'\xff\xfe', {}, 'it is no text in UTF-8'),
        'too large': (b'x' * 65537, {}, 'it has more than 64 KiB'),
        'two lines': (b'a\nb', {}, 'the token has characters that a header cannot carry'),
        'not in ISO-8859-1': ('€'.encode(), {}, 'the token has characters that a header cannot carry'),
        'no match, whatever is tried': (b'a' * 100, {'pattern': '^((?:a+)+)b$'}, 'reader.pattern does not match'),
        'no match': (b'x', {'pattern': 'y(z)'}, 'reader.pattern does not match'),
        'no match of the group': (b'x', {'pattern': 'x(y)?'}, 'reader.pattern does not match'),
    }

    @pytest.mark.parametrize(('content', 'options', 'cause'), CONTENTS.values(), ids=CONTENTS)
    def test_content(self, path: Path, content: bytes, options: dict[str, str], cause: str) -> None:
        path.write_bytes(content)

        assert Client(file(path, **options)).cause() == cause

    def test_largest(self, path: Path) -> None:
        path.write_bytes(b'x' * 65536)

        assert Client(file(path)).source.header()[1] == f'Bearer {"x" * 65536}'

    def test_missing(self, path: Path) -> None:
        assert Client(file(path)).fault().describe() == f'connect: no token from {path}: it does not exist'

    def test_directory(self, tmp_path: Path) -> None:
        assert Client(file(tmp_path)).cause() == 'it is a directory, not a file'

    def test_null_character(self) -> None:
        assert Client(file(Path('a\0b'))).cause() == 'it does not exist'

    def test_endless(self) -> None:
        assert Client(file(Path('/dev/zero'))).cause() == 'it has more than 64 KiB'

    def test_fifo(self, path: Path) -> None:
        os.mkfifo(path)
        client = Client(file(path))
        client.deadline.start(BRIEF)

        fault = client.fault()
        path.write_text('let the thread that waits go on')

        assert fault.activity is Activity.TOKEN
        assert fault.describe() == f'timeout: gave up after 0.3 s while getting a token from {path}'


class TestOAuth:
    def test_token(self, server: Server) -> None:
        server.paths['/token?tenant=1'] = answer({'access_token': 'token-1', 'token_type': 'bearer'})
        client = Client(
            oauth(server, options={'scope': ['a', 'b'], 'audience': 'ü', 'n': 1, 'include_client_id': True})
        )

        assert client.source.header() == ('Authorization', 'Bearer token-1')
        assert client.secrets == ['token-1']
        head, _, body = server.requests[0].decode().partition('\r\n\r\n')
        assert head.startswith('POST /token?tenant=1 HTTP/1.1\r\n')
        assert 'Authorization' not in head
        assert '\r\nContent-Type: application/x-www-form-urlencoded' in head
        assert '\r\nUser-Agent: Datadog Agent/' in head
        assert '\r\nAccept-Encoding: identity' in head
        assert parse_qs(body) == {
            'grant_type': ['client_credentials'],
            'client_id': ['me'],
            'client_secret': ['s3cret&'],
            'scope': ['a b'],
            'audience': ['ü'],
            'n': ['1'],
        }

    @pytest.mark.parametrize('options', [{}, {'basic_auth': False}, {'basic_auth': True}], ids=str)
    def test_basic_auth(self, options: dict[str, Any], server: Server) -> None:
        server.paths['/token?tenant=1'] = answer({'access_token': 'token-1'})
        Client(oauth(server, **options)).source.header()

        head, _, body = server.requests[0].partition(b'\r\n\r\n')
        assert b'\r\nAuthorization: Basic ' + base64.b64encode(b'me:s3cret&') in head
        assert parse_qs(body.decode()) == {'grant_type': ['client_credentials']}

    LIFETIMES: ClassVar[dict[str, tuple[dict[str, Any], bool]]] = {
        'unknown': ({}, True),
        'long': ({'expires_in': 3600}, True),
        'fraction': ({'expires_in': 3599.5}, True),
        'text': ({'expires_in': '3600'}, True),
        'zero': ({'expires_in': 0}, False),
        'zero as text': ({'expires_in': '0'}, False),
        'negative': ({'expires_in': -1}, False),
        'word': ({'expires_in': 'soon'}, True),
        'null': ({'expires_in': None}, True),
        'list': ({'expires_in': [0]}, True),
        'no number': ({'expires_in': float('nan')}, True),
        'immense': ({'expires_in': 10**400}, True),
    }

    @pytest.mark.parametrize(('fields', 'is_kept'), LIFETIMES.values(), ids=LIFETIMES)
    def test_kept_until_it_expires(self, server: Server, fields: dict[str, Any], is_kept: bool) -> None:
        server.paths['/token?tenant=1'] = answer({'access_token': 'token-1', **fields})
        client = Client(oauth(server))

        assert [client.source.header()[1] for _ in range(2)] == ['Bearer token-1'] * 2
        assert len(server.requests) == (1 if is_kept else 2)

    def test_default_lifetime(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        server.paths['/token?tenant=1'] = answer({'access_token': 'token-1'})
        client = Client(oauth(server))
        client.source.header()
        now = time.monotonic
        for seconds, requests in ((DEFAULT_LIFETIME - 10, 1), (DEFAULT_LIFETIME + 1, 2)):
            monkeypatch.setattr(time, 'monotonic', lambda seconds=seconds: now() + seconds)
            client.deadline.start(SECONDS)
            client.source.header()
            assert len(server.requests) == requests

    def test_renewed(self, server: Server) -> None:
        server.paths['/token?tenant=1'] = answer({'access_token': 'token-1'})
        client = Client(oauth(server))
        client.source.header()
        client.source.header(renew=True)

        assert len(server.requests) == 2

    ANSWERS: ClassVar[dict[str, tuple[bytes, str]]] = {
        'error': (answer({'error': 'invalid_client'}, '401 Unauthorized'), "status 401, error 'invalid_client'"),
        'error with status 200': (answer({'error': 'invalid_scope'}), "status 200, error 'invalid_scope'"),
        'error beside a token': (answer({'access_token': 'x', 'error': 'e'}), "status 200, error 'e'"),
        'error with braces': (answer({'error': '{}{0}'}), "status 200, error '{}{0}'"),
        'status': (response(b'<html>', '503 Service Unavailable'), 'status 503'),
        'token with status 500': (answer({'access_token': 'x'}, '500 Oops'), 'status 500'),
        'redirect': (
            answer({'access_token': 'x'}, '307 Temporary Redirect', Location='http://other.invalid/'),
            'status 307: redirects of the endpoint are not followed',
        ),
        'markup': (response(b'<html>'), 'the answer is not JSON with a string access_token'),
        'empty': (response(), 'the answer is not JSON with a string access_token'),
        'list': (answer([1]), 'the answer is not JSON with a string access_token'),
        'no token': (answer({}), 'the answer is not JSON with a string access_token'),
        'number': (answer({'access_token': 1}), 'the answer is not JSON with a string access_token'),
        'brackets': (response(b'[' * 60000), 'the answer is not JSON with a string access_token'),
        'digits': (response(b'9' * 60000), 'the answer is not JSON with a string access_token'),
        'not UTF-8': (response(b'{"access_token": "\xff"}'), 'the answer is not JSON with a string access_token'),
        'empty token': (answer({'access_token': ''}), 'the token is empty'),
        'line break': (answer({'access_token': 'a\r\nX: y'}), 'the token has characters that a header cannot carry'),
        'too large': (answer({'access_token': 'x' * 65536}), 'the answer has more than 64 KiB'),
        'endless': (
            response(b'{}' * 500_000, Content_Length=str(10**12)),
            'the answer has more than 64 KiB',
        ),
        'broken off': (
            response(b'{"access', Content_Length='100'),
            'the connection broke off after 8 of 100 bytes',
        ),
    }

    @pytest.mark.parametrize(('sent', 'cause'), ANSWERS.values(), ids=ANSWERS)
    def test_no_token(self, server: Server, sent: bytes, cause: str) -> None:
        server.paths['/token?tenant=1'] = sent
        client = Client(oauth(server))

        assert client.cause() == cause
        assert len(server.requests) == 1

    def test_echo_of_a_secret_is_masked(self, server: Server) -> None:
        server.paths['/token?tenant=1'] = answer({'error': 's3cret'})
        fault = Client(oauth(server)).fault()

        assert fault.describe(lambda text: text.replace('s3cret', '***')).endswith("error '***'")
        assert 's3cret' not in str(fault)

    def test_refused_connection(self, server: Server) -> None:
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        reader = oauth(server, url=f'http://127.0.0.1:{port}/')
        fault = Client(reader).fault()

        assert fault.kind is Kind.TOKEN
        assert fault.describe().startswith('connect: no token from 127.0.0.1: ')
        assert str(port) in fault.describe()
        assert '127.0.0.1' not in fault.describe(lambda _: '***')

    def test_silence(self, server: Server) -> None:
        server.paths['/token?tenant=1'] = lambda connection, _: void(connection.recv(1))
        client = Client(oauth(server))
        client.deadline.start(BRIEF)

        fault = client.fault()

        assert (fault.kind, fault.step) == (Kind.TIMEOUT, Step.CONNECT)
        assert fault.describe() == 'timeout: gave up after 0.3 s while getting a token from 127.0.0.1'

    def test_trickle(self, server: Server) -> None:
        """One byte now and then is never silence."""
        stop = threading.Event()

        def trickle(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
            while not stop.wait(0.01):
                connection.sendall(b' ')

        server.paths['/token?tenant=1'] = trickle
        client = Client(oauth(server))
        client.deadline.start(BRIEF)

        fault = client.fault()
        stop.set()

        assert fault.describe() == 'timeout: gave up after 0.3 s while getting a token from 127.0.0.1'

    def test_read_timeout(self, server: Server) -> None:
        """A run that still has time was not ended by it: no token is what is wrong."""
        server.paths['/token?tenant=1'] = lambda connection, _: void(connection.recv(1))

        assert Client(oauth(server), read_timeout=BRIEF).cause().startswith('gave up after 0.3 s')

    def test_cancelled(self, server: Server) -> None:
        client = Client(oauth(server))

        def cancel(connection: socket.socket, _: bytes) -> None:
            client.deadline.cancel()
            connection.recv(1)

        server.paths['/token?tenant=1'] = cancel

        assert client.fault().kind is Kind.TIMEOUT


def void(_: object) -> None:
    """Let a lambda return nothing."""


class TestDCOS:
    @pytest.fixture
    def reader(self, server: Server, path: Path) -> dict[str, Any]:
        form = serialization.PrivateFormat.PKCS8
        path.write_bytes(KEY.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        server.paths['/login'] = answer({'token': 'token-1'})
        url = f'{server.url}login'
        return {'type': 'dcos_auth', 'login_url': url, 'service_account': 'me', 'private_key_path': str(path)}

    def test_token(self, server: Server, reader: dict[str, Any]) -> None:
        client = Client({**reader, 'expiration': 60})

        assert client.source.header() == ('Authorization', 'Bearer token-1')
        assert client.secrets == ['token-1']
        head, _, body = server.requests[0].partition(b'\r\n\r\n')
        assert b'\r\nContent-Type: application/json' in head
        login = json.loads(body)
        text, _, signature = login.pop('token').rpartition('.')
        KEY.public_key().verify(decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        header, claims = (json.loads(decode(part)) for part in text.split('.'))
        assert header == {'alg': 'RS256', 'typ': 'JWT'}
        assert claims == login
        assert login['uid'] == 'me'
        assert isinstance(login['exp'], int)

    def test_kept_until_renewed(self, server: Server, reader: dict[str, Any]) -> None:
        client = Client(reader)
        for renew in (False, False, True):
            client.source.header(renew)

        assert len(server.requests) == 2

    def test_no_token(self, server: Server, reader: dict[str, Any]) -> None:
        server.paths['/login'] = answer({'title': 'Bad Request'}, '401 Unauthorized')

        assert Client(reader).cause() == 'status 401'

    KEYS: ClassVar[dict[str, tuple[bytes, str]]] = {
        'junk': (b'junk', 'it has no private key in PEM format without a password'),
        'password': (
            KEY.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b'x'),
            ),
            'it has no private key in PEM format without a password',
        ),
        'of another type': (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            'its key is not an RSA key',
        ),
    }

    @pytest.mark.parametrize(('key', 'cause'), KEYS.values(), ids=KEYS)
    def test_key(self, server: Server, reader: dict[str, Any], path: Path, key: bytes, cause: str) -> None:
        path.write_bytes(key)

        assert Client(reader).fault().describe() == f'connect: no token from {path}: {cause}'
        assert not server.requests

    def test_missing_key(self, reader: dict[str, Any], path: Path) -> None:
        path.unlink()

        assert Client(reader).fault().describe() == f'connect: no token from {path}: it does not exist'


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


FILE = {'type': 'file', 'path': '/x'}
OAUTH = {'type': 'oauth', 'url': 'https://h/', 'client_id': 'me', 'client_secret': 'pw'}
DCOS = {'type': 'dcos_auth', 'login_url': 'https://h/', 'service_account': 'me', 'private_key_path': '/x'}
WRONG: dict[str, tuple[Any, str]] = {
    'nothing': (None, 'must be a mapping with the mappings reader and writer'),
    'text': ('Bearer x', 'must be a mapping with the mappings reader and writer'),
    'no writer': ({'reader': FILE}, 'must be a mapping with the mappings reader and writer'),
    'reader that is text': (
        {'reader': 'file', 'writer': WRITER},
        'must be a mapping with the mappings reader and writer',
    ),
    'no type': ({'reader': {}, 'writer': WRITER}, 'reader.type must be file, oauth or dcos_auth'),
    'list as type': ({'reader': {'type': []}, 'writer': WRITER}, 'reader.type must be file, oauth or dcos_auth'),
    'unknown writer': ({'reader': FILE, 'writer': {'type': 'cookie'}}, 'writer.type must be header'),
}
SURROGATE = 'must have no half of a surrogate pair (\\ud800 to \\udfff)'
WRONG_READERS: dict[str, tuple[dict[str, Any], str]] = {
    'no path': ({'type': 'file'}, 'path is required'),
    'empty path': ({**FILE, 'path': ''}, 'path must be a string that is not empty'),
    'pattern that is a number': ({**FILE, 'pattern': 1}, 'pattern must be a string'),
    'bad pattern': (
        {**FILE, 'pattern': '('},
        'pattern must be a regular expression: missing ), unterminated subpattern',
    ),
    'deep pattern': ({**FILE, 'pattern': '(' * 9999 + ')' * 9999}, 'pattern must be a regular expression'),
    'pattern without group': ({**FILE, 'pattern': 'x'}, 'pattern must have one group, which is the token, not 0'),
    'pattern of two groups': ({**FILE, 'pattern': '(x)(y)'}, 'pattern must have one group, which is the token, not 2'),
    'no secret': ({**OAUTH, 'client_secret': None}, 'client_secret is required'),
    'number as secret': ({**OAUTH, 'client_secret': 123}, 'client_secret must be a string that is not empty'),
    'bad url': ({**OAUTH, 'url': 'h/token'}, 'url must start with http:// or https:// and a host'),
    'bad login url': ({**DCOS, 'login_url': 'http://h:x/'}, 'login_url must have a port from 1 to 65535, or none'),
    'basic_auth in words': ({**OAUTH, 'basic_auth': 'yes'}, 'basic_auth must be true or false'),
    'options that are a list': (
        {**OAUTH, 'options': ['scope']},
        'options must be a mapping such as {audience: https://example.com}',
    ),
    'options of the library': (
        {**OAUTH, 'options': {'verify': False}},
        'options must be parameters for the endpoint: verify is none',
    ),
    'option that is a mapping': (
        {**OAUTH, 'options': {'a': {}}},
        'options.a must be a string, a number or a list of them',
    ),
    'option without a string as its name': (
        {**OAUTH, 'options': {True: 'a'}},
        'options must have strings as names: put them in quotes',
    ),
    'half a surrogate': ({**OAUTH, 'client_secret': '\ud800'}, f'client_secret {SURROGATE}'),
    'half a surrogate in a list': (
        {**OAUTH, 'options': {'a': ['\ud800']}},
        f'options {SURROGATE}',
    ),
    'expiration of ages': (
        {**DCOS, 'expiration': 1 << 20000},
        'expiration must be a whole number of seconds above 0',
    ),
    'no account': ({**DCOS, 'service_account': ''}, 'service_account must be a string that is not empty'),
    'expiration in words': ({**DCOS, 'expiration': '60'}, 'expiration must be a whole number of seconds above 0'),
    'expiration of 0': ({**DCOS, 'expiration': 0}, 'expiration must be a whole number of seconds above 0'),
    'boolean as expiration': ({**DCOS, 'expiration': True}, 'expiration must be a whole number of seconds above 0'),
}
WRONG_WRITERS: dict[str, tuple[dict[str, Any], str]] = {
    'no name': ({}, 'name is required'),
    'blank in the name': ({'name': 'X Key'}, 'name must be the name of a header, such as Authorization'),
    'number as value': ({'name': 'X', 'value': 1}, 'value must be a string that is not empty'),
    'empty placeholder': ({'name': 'X', 'placeholder': ''}, 'placeholder must be a string that is not empty'),
    'value without placeholder': (
        {'name': 'X', 'value': 'Bearer'},
        'value must contain the placeholder of the token (writer.placeholder, or <TOKEN>)',
    ),
    'line break': (
        {'name': 'X', 'value': 'a\r\nb<TOKEN>'},
        'value must have only characters that a header can carry: ISO-8859-1, one line',
    ),
}
WRONG |= {
    f'reader, {name}': ({'reader': reader, 'writer': WRITER}, f'reader.{reason}')
    for name, (reader, reason) in WRONG_READERS.items()
}
WRONG |= {
    f'writer, {name}': ({'reader': FILE, 'writer': {'type': 'header', **writer}}, f'writer.{reason}')
    for name, (writer, reason) in WRONG_WRITERS.items()
}


@pytest.mark.parametrize(('config', 'reason'), WRONG.values(), ids=WRONG)
def test_wrong_option(config: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r'\S') as error:
        check_auth_token(config)

    assert str(error.value) == reason


@pytest.mark.parametrize(
    'reader', [FILE, {**FILE, 'pattern': '(x)'}, OAUTH, DCOS], ids=['file', 'pattern', 'oauth', 'dcos']
)
def test_right_option(reader: dict[str, Any]) -> None:
    check_auth_token({'reader': reader, 'writer': WRITER})
    check_auth_token(MappingProxyType({'reader': MappingProxyType(reader), 'writer': MappingProxyType(WRITER)}))


def test_header_of_a_token_or_a_login_is_sent_once(serve: Any, run: Any, tmp_path: Path) -> None:
    server, path = serve(response(b'nginx')), tmp_path / 'token'
    path.write_text('token-1')
    token = {'reader': {'type': 'file', 'path': str(path)}, 'writer': {'type': 'header', 'name': 'authorization'}}

    run(url=server.url, search_string='nginx', headers={'Authorization': 'mine'}, auth_token=token)
    run(url=server.url, search_string='nginx', headers={'authorization': 'mine'}, username='me', password='p')

    sent = [re.findall(rb'authorization: (.*)\r', head, re.IGNORECASE) for head in server.requests]
    assert sent == [[b'token-1'], [b'mine']]
