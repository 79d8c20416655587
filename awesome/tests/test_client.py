"""The client door: logins that are a conversation, led by the base package's client over our own connections."""

from __future__ import annotations

import base64
import gzip
import importlib
import os
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.fetching.dialing import Dialer
from datadog_checks.awesome.fetching.environment import Environment

from .answers import TIMEOUT, flood, silence
from .conftest import Result
from .leaks import DOORS, echo
from .proxy import both, forward
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

OK, WARNING, CRITICAL = AwesomeCheck.OK, AwesomeCheck.WARNING, AwesomeCheck.CRITICAL
FAILED = 'status: 401 Unauthorized; the digest login failed: '
LOGIN = {'auth_type': 'digest', 'username': 'me', 'password': 'hunter22'}
CHALLENGE = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'


def digest(page: bytes, challenge: str = CHALLENGE, body: bytes = b'who are you?', **headers: str) -> Any:
    """Answer requests that have a digest with `page`, and others with a challenge."""
    refusal = response(body, '401 Unauthorized', WWW_Authenticate=challenge, **headers)

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(page if b'\r\nAuthorization: Digest username="me"' in request else refusal)

    return answer


def test_digest(serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx')))

    result = run(url=f'{server.url}a%2e?b=%u00fc&', search_string='nginx', **LOGIN)

    assert (result.status, result.message) == (OK, '')
    assert [request.split(b'\r\n')[0] for request in server.requests] == [b'GET /a%2e?b=%u00fc& HTTP/1.1'] * 2
    assert b'uri="/a%2e?b=%u00fc&"' in server.requests[1]
    assert b'hunter22' not in b''.join(server.requests)


TARGETS = {
    'p?': '/p?',
    '?': '/?',
    'p;a?b;c': '/p;a?b;c',
    'a b?c d': '/a%20b?c%20d',
    'ü/€?ü': '/%C3%BC/%E2%82%AC?%C3%BC',
    '"<{|}>"': '/%22%3C%7B%7C%7D%3E%22',
    '/x//%2e%2e': '//x//%2e%2e',
}


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize(('path', 'target'), TARGETS.items())
def test_target_is_the_same_through_each_door(path: str, target: str, door: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx'))

    assert run(url=server.url + path, search_string='nginx', **DOORS[door]).status == OK
    assert server.requests[0].startswith(f'GET {target} HTTP/1.1\r\n'.encode())


def signed(request: bytes) -> dict[str, bytes]:
    """Return the parameters of a digest, with what the response should be as `expected` (RFC 7616, section 3.4)."""
    line = request.partition(b'\r\nAuthorization: Digest ')[2].split(b'\r\n')[0]
    found = {
        name.decode(): re.sub(rb'\\(.)', rb'\1', quoted) or plain
        for name, quoted, plain in re.findall(rb'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^",]*))', line)
    }
    if found:
        login = md5(b':'.join([found['username'], found['realm'], LOGIN['password'].encode()])).hexdigest()
        method, target, _ = request.split(b' ', 2)
        asked = md5(method + b':' + target).hexdigest()
        parts = [login.encode(), found['nonce'], found['nc'], found['cnonce'], b'auth', asked.encode()]
        found['expected'] = md5(b':'.join(parts)).hexdigest().encode()
    return found


@pytest.mark.parametrize('path', [path for path in TARGETS if not path.endswith('?')])
def test_digest_signs_the_target_that_is_sent(path: str, serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx')))

    assert run(url=server.url + path, search_string='nginx', **LOGIN).status == OK
    parameters = signed(server.requests[1])
    assert parameters['uri'] == server.requests[1].split()[1] == TARGETS[path].encode()
    assert parameters['response'] == parameters['expected']


def test_empty_query_is_not_sent_where_requests_does_not_sign_it(serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx')))

    assert run(url=f'{server.url}p?', search_string='nginx', **LOGIN).status == OK
    assert [request.split()[1] for request in server.requests] == [b'/p?', b'/p']
    assert signed(server.requests[1])['uri'] == b'/p'


@pytest.mark.parametrize(('user', 'realm'), [('mé', 'r'), ('m€', 'r'), ('me', 'Zürich €')])
def test_digest_is_one_of_utf_8(user: str, realm: str, serve: Serve, run: Run) -> None:
    challenge = CHALLENGE.replace('"r"', f'"{realm}"').encode()
    refusal = b'HTTP/1.1 401 x\r\nContent-Length: 0\r\nWWW-Authenticate: ' + challenge + b'\r\n\r\n'
    server = serve(lambda c, request: c.sendall(response(b'nginx') if signed(request) else refusal))

    login = LOGIN | {'username': user, 'use_legacy_auth_encoding': False}
    assert run(url=server.url, search_string='nginx', **login).status == OK
    parameters = signed(server.requests[1])
    assert (parameters['username'], parameters['realm']) == (user.encode(), realm.encode())
    assert parameters['response'] == parameters['expected']


@pytest.mark.parametrize('door', DOORS)
def test_host_may_be_one_that_requests_refuses(
    door: str, serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(response(b'nginx'))
    info = socket.getaddrinfo('127.0.0.1', server.port, type=socket.SOCK_STREAM)
    monkeypatch.setattr(Dialer, 'resolve', lambda *_: info)

    assert run(url=f'http://*.example:{server.port}/', search_string='nginx', **DOORS[door]).status == OK
    assert f'\r\nHost: *.example:{server.port}\r\n'.encode() in server.requests[0]


@pytest.mark.parametrize('door', DOORS)
def test_blanks_around_a_header_are_no_part_of_it(door: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx'))

    result = run(url=server.url, search_string='nginx', extra_headers={'X-A': ' b\t', 'X-C': ' '}, **DOORS[door])

    assert result.status == OK
    assert b'\r\nX-A: b\r\nX-C: \r\n' in server.requests[0]


@pytest.mark.parametrize('door', DOORS)
def test_configured_cookie_yields_to_what_a_redirect_sets(door: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx'), {'/': response(status='302 x', Location='/next', Set_Cookie='consent=yes')})

    headers = {'COOKIE': 'consent=no; z=1;'}
    assert run(url=server.url, search_string='nginx', extra_headers=headers, **DOORS[door]).status == OK
    assert cookies(server) == [b'consent=no; z=1;', b'z=1; consent=yes']


def cookies(server: Server) -> list[bytes]:
    """Return the value of Cookie of each request."""
    return [re.split(rb'\r\ncookie: ', head, flags=re.IGNORECASE)[1].split(b'\r\n')[0] for head in server.requests]


def test_cookies_of_a_refusal_come_along(serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx'), Set_Cookie='node=7; Path=/; HttpOnly'))

    assert run(url=server.url, search_string='nginx', extra_headers={'cookie': 'z=1'}, **LOGIN).status == OK
    assert cookies(server) == [b'z=1', b'z=1; node=7']


def test_user_info_of_the_url_counts(serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx')))

    assert run(url=server.url.replace('//', '//me:hunter22@'), search_string='nginx', auth_type='digest').status == OK


def test_data_is_sent_again_with_the_digest(serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx')))

    result = run(url=server.url, search_string='nginx', method='POST', data={'a': 'b c'}, **LOGIN)

    assert result.status == OK
    assert all(request.endswith(b'\r\n\r\na=b+c') for request in server.requests)
    assert b'\r\nContent-Type: application/x-www-form-urlencoded' in server.requests[1]
    assert server.requests[1].lower().count(b'\r\ncontent-length:') == 1


def test_server_may_hang_up_between_the_steps_of_a_digest(serve: Serve, run: Run) -> None:
    def answer(connection: socket.socket, request: bytes) -> None:
        digest(response(b'nginx'), Connection='keep-alive')(connection, request)
        # Whatever comes next on this connection gets no answer.
        connection.recv(1)

    server = serve(answer)

    assert run(url=server.url, search_string='nginx', method='POST', data='a', **LOGIN).status == OK
    assert [b'\r\nAuthorization: ' in request for request in server.requests] == [False, True]


def test_digest_through_a_proxy(serve: Serve, run: Run) -> None:
    page, proxy = serve(digest(response(b'nginx'))), serve(forward)

    assert run(url=page.url, search_string='nginx', proxy=both(proxy.url), **LOGIN).status == OK
    assert len(proxy.requests) == 2


def test_login_stays_with_its_origin(serve: Serve, run: Run) -> None:
    foreign = serve(digest(response(b'nginx')))
    own = serve(digest(response(status='302 x', Location=foreign.url)))

    result = run(url=own.url, search_string='nginx', **LOGIN)

    assert (result.status, result.message) == (CRITICAL, 'status: 401 Unauthorized')
    assert b'Authorization' not in foreign.requests[0]


def test_login_follows_a_redirect_within_the_origin(serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx')))
    server.paths['/'] = digest(response(status='302 x', Location='/next'))

    assert run(url=server.url, search_string='nginx', **LOGIN).status == OK


@pytest.mark.parametrize(
    ('challenge', 'cause'),
    [
        ('Digest', "the challenge lacks 'realm'"),
        ('Digest realm="r"', "the challenge lacks 'nonce'"),
        ('Digest nonce="n"', "the challenge lacks 'realm'"),
        ('Digest \xff', "the challenge lacks 'realm'"),
        ('Digest realm="r", nonce="n", algorithm=SHA-512-256', 'the algorithm SHA-512-256 is not supported'),
        ('Digest realm="r", nonce="n", qop="auth-int"', 'qop auth-int is not supported'),
        (f'Digest realm="r", nonce="{"n" * 16384}"', 'the challenge is longer than 16 KiB'),
    ],
)
def test_challenge_that_makes_no_sense(challenge: str, cause: str, serve: Serve, run: Run) -> None:
    result = run(url=serve(digest(response(b'nginx'), challenge)).url, search_string='nginx', **LOGIN)

    assert (result.status, result.message) == (CRITICAL, FAILED + cause)


@pytest.mark.parametrize('challenge', ['', 'Basic realm="digest "', 'realm="r", nonce="n"', 'Digestive realm="r"', ','])
def test_refusal_without_a_digest_is_one(challenge: str, serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx'), challenge))

    result = run(url=server.url, search_string='nginx', **LOGIN)

    assert (result.status, result.message) == (CRITICAL, 'status: 401 Unauthorized')
    assert len(server.requests) == 1


CHALLENGES = {
    'any case': ('dIGEST REALM="r", Nonce="n", QOP="Auth", ALGORITHM=md5', 'r', 'n'),
    'blanks': ('Digest\t realm = "r" ,, nonce= n,\tqop =auth ,', 'r', 'n'),
    'list of qop': ('Digest realm="r", nonce="n", qop="auth-int, auth"', 'r', 'n'),
    'after another scheme': ('Basic realm="b", charset="UTF-8", Digest realm="r", nonce="n", qop="auth"', 'r', 'n'),
    'after a scheme alone': ('Negotiate, NTLM, Digest realm="r", nonce="n", qop="auth"', 'r', 'n'),
    'after a token': ('NTLM TlRMTVNTUAACAAAA==, Digest realm="r", nonce="n", qop="auth"', 'r', 'n'),
    'before another scheme': ('Digest realm="r", nonce="n", qop="auth", Basic realm="b"', 'r', 'n'),
    'first that can be answered': (
        'Digest realm="a", nonce="1", algorithm=SHA-512-256, qop=auth, Digest realm="b", nonce="2", qop="auth-int", '
        'Digest realm="r", nonce="n", algorithm=MD5, qop="auth", Digest realm="c", nonce="3", qop="auth"',
        'r',
        'n',
    ),
    'comma and scheme in quotes': ('Digest realm="x, Basic y", nonce="n=,", qop="auth"', 'x, Basic y', 'n=,'),
    'quotes in quotes': (r'Digest realm="a \"b\" \\c", nonce="\"\\\\", qop="auth"', r'a "b" \c', '"\\\\'),
    'quotes that do not end': ('Digest nonce="n", qop=auth, realm="r', 'r', 'n'),
    'unknown parameters': ('Digest realm="r", stale=FALSE, nonce="n", domain="/ /x", qop="auth"', 'r', 'n'),
}


@pytest.mark.parametrize(('challenge', 'realm', 'nonce'), CHALLENGES.values(), ids=CHALLENGES)
def test_challenge_is_read_as_servers_write_it(challenge: str, realm: str, nonce: str, serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx'), challenge))

    assert run(url=server.url, search_string='nginx', **LOGIN).status == OK
    parameters = signed(server.requests[1])
    assert (parameters['realm'], parameters['nonce']) == (realm.encode(), nonce.encode())
    assert parameters['response'] == parameters['expected']


def test_challenge_may_have_lines_of_its_own(serve: Serve, run: Run) -> None:
    head = f'Basic realm="b"\r\nWWW-Authenticate: {CHALLENGE}\r\nWWW-Authenticate: Digest realm="s", nonce="m"'
    server = serve(digest(response(b'nginx'), head))

    assert run(url=server.url, search_string='nginx', **LOGIN).status == OK
    parameters = signed(server.requests[1])
    assert (parameters['realm'], parameters['response']) == (b'r', parameters['expected'])


def test_challenge_that_made_no_sense_is_forgotten(serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx'), 'Digest nonce="n"'))
    check = AwesomeCheck('awesome', {}, [{'url': server.url, 'search_string': 'nginx', **LOGIN}])

    assert run(check).status == CRITICAL
    server.paths['/'] = digest(response(b'nginx'))
    assert run(check).status == OK


@pytest.mark.parametrize(
    ('body', 'headers'),
    [
        pytest.param(b'x' * 5_000_000, {}, id='large'),
        pytest.param(gzip.compress(bytes(50_000_000)), {'Content_Encoding': 'gzip'}, id='bomb'),
        pytest.param(b'cut', {'Content_Length': '9'}, id='cut off'),
        pytest.param(b'\xff\x00', {'Content_Encoding': 'gzip'}, id='not gzip'),
    ],
)
def test_body_of_a_refusal_does_not_matter(body: bytes, headers: dict[str, str], serve: Serve, run: Run) -> None:
    server = serve(digest(response(b'nginx'), CHALLENGE, body, **headers))

    assert run(url=server.url, search_string='nginx', **LOGIN).status == OK


def test_endless_body_of_a_refusal_is_not_read(serve: Serve, run: Run) -> None:
    head = f'HTTP/1.1 401 x\r\nWWW-Authenticate: {CHALLENGE}\r\n\r\n'.encode()

    def answer(connection: socket.socket, request: bytes) -> None:
        if b'Authorization' in request:
            connection.sendall(response(b'nginx'))
        else:
            flood(head, b'x' * 65536)(connection, request)

    assert run(url=serve(answer).url, search_string='nginx', **LOGIN).status == OK


def test_refusal_can_be_the_page(serve: Serve, run: Run) -> None:
    server = serve(response(b'who are you?', '401 x', Content_Encoding=''))

    result = run(url=server.url, search_string='who are you?', http_response_status_code='401', **LOGIN)

    assert result.status == OK


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize('status', [401, 407])
def test_large_refusal_can_be_the_page(status: int, door: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'x' * 200_000 + b'nginx', f'{status} x'))
    options = {'url': server.url, 'http_response_status_code': str(status), **DOORS[door]}

    assert run(search_string='nginx', **options).status == OK
    assert run(search_string='x', forbidden_string='nginx', **options).status == WARNING


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize('size', [5, 100_000])
def test_refusal_that_breaks_off_is_no_page(size: int, door: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'x' * size, '401 x', Content_Length='200000'))

    result = run(url=server.url, search_string='nginx', http_response_status_code='401', **DOORS[door])

    assert (result.status, result.message) == (
        CRITICAL,
        f'body: the connection broke off after {size} of 200000 bytes',
    )


def test_long_targets_of_redirects_are_not_kept(serve: Serve, run: Run) -> None:
    lengths = iter(range(100_000, 200_000))

    def redirect(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response(b'', '302 x', Location=f'/{"x" * next(lengths)}'))

    run(url=serve(redirect).url, search_string='nginx', **LOGIN)

    cache: Any = urlsplit
    assert cache.cache_info().currsize < 10


def test_client_door_ends_in_time(serve: Serve, run: Run) -> None:
    result = run(url=serve(silence).url, search_string='a', timeout=TIMEOUT, **LOGIN)

    assert result.message == f'timeout: gave up after {TIMEOUT:g} s while waiting for the response'


NTLM = {'auth_type': 'ntlm', 'ntlm_domain': 'DOMAIN\\me', 'password': 'hunter22'}


def ntlm_challenge() -> str:
    """Return a type 2 message (MS-NLMP, section 2.2.1.2)."""
    target = 'DOMAIN'.encode('utf-16-le')
    fields = struct.pack('<HHI', len(target), len(target), 56)
    info = struct.pack('<HHI', 4, 4, 56 + len(target))
    message = b'NTLMSSP\0' + struct.pack('<I', 2) + fields + struct.pack('<I', 0x00828201) + b'12345678' + bytes(8)
    return base64.b64encode(message + info + bytes(8) + target + bytes(4)).decode()


def ntlm(connection: socket.socket, request: bytes, requests: list[bytes] | None = None, **headers: str) -> None:
    """Lead a client through the three steps on this one connection."""
    keep = {'Connection': 'keep-alive', **headers}
    while True:
        if requests is not None:
            requests.append(request)
        sent = request.partition(b'\r\nAuthorization: NTLM ')[2].split(b'\r\n')[0]
        if not sent:
            connection.sendall(response(b'', '401 x', WWW_Authenticate='NTLM', **keep))
        elif base64.b64decode(sent)[8] == 1:
            connection.sendall(response(b'', '401 x', WWW_Authenticate=f'NTLM {ntlm_challenge()}', **keep))
        else:
            connection.sendall(response(b'nginx', **keep))
        if not (request := connection.recv(65536)):
            return


def test_ntlm_keeps_its_connection(serve: Serve, run: Run) -> None:
    server = serve(ntlm)

    result = run(url=server.url, search_string='nginx', **NTLM)

    assert (result.status, result.message, server.accepted) == (OK, '', 1)


def test_ntlm_keeps_its_connection_for_data_too(serve: Serve, run: Run) -> None:
    server = serve(ntlm)

    result = run(url=server.url, search_string='nginx', method='POST', data='a', **NTLM)

    assert (result.status, result.message, server.accepted) == (OK, '', 1)


def test_cookies_of_ntlm_come_along_without_their_attributes(serve: Serve, run: Run) -> None:
    requests: list[bytes] = []
    server = serve(lambda c, request: ntlm(c, request, requests, Set_Cookie='node=7; Path=/; HttpOnly'))

    assert run(url=server.url, search_string='nginx', extra_headers={'Cookie': 'z=1'}, **NTLM).status == OK
    server.requests[:] = requests
    assert cookies(server) == [b'z=1', b'z=1; node=7', b'z=1; node=7']


def test_login_does_not_go_to_a_proxy(serve: Serve, run: Run) -> None:
    proxy = serve(response(status='407 x', Proxy_Authenticate='NTLM'))

    result = run(url='http://127.0.0.1:1/', search_string='nginx', proxy=both(proxy.url), **NTLM)

    assert (result.status, result.message) == (CRITICAL, 'status: 407 Proxy Authentication Required')
    assert len(proxy.requests) == 1


UNREADABLE = [b'x' * 50, b'NTLMSSP\0\2\0\0\0', b'']


@pytest.mark.parametrize('message', [f'NTLM {base64.b64encode(data).decode()}' for data in UNREADABLE] + ['NTLM !!!!'])
def test_ntlm_message_that_cannot_be_read(message: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'', '401 x', WWW_Authenticate=message))

    result = run(url=server.url, search_string='nginx', **NTLM)

    failed = 'status: 401 Unauthorized; the ntlm login failed: '
    assert result.message.startswith(failed)
    assert result.message.removeprefix(failed) in (
        'the challenge is malformed',
        'Invalid NTLM Challenge raw byte length',
        'Access denied: Server did not respond with NTLM challenge token',
    )


@pytest.mark.parametrize('answer', [f'NTLM {base64.b64encode(os.urandom(90)).decode()}', 'NTLM !', 'NTLM'])
def test_ntlm_garbage(answer: str, serve: Serve, run: Run) -> None:
    def refuse(connection: socket.socket, request: bytes) -> None:
        connection.sendall(response(b'', '401 x', WWW_Authenticate=answer if b'Authorization' in request else 'NTLM'))

    result = run(url=serve(refuse).url, search_string='nginx', **NTLM)

    assert result.status == CRITICAL
    assert result.message.startswith('status: 401 Unauthorized')


AWS = {'auth_type': 'aws', 'aws_host': '127.0.0.1', 'aws_region': 'us-east-1', 'aws_service': 'execute-api'}


def test_aws_signs_the_request(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', 'key')
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'hunter22')
    server = serve(response(b'nginx'))

    assert run(url=server.url, search_string='nginx', **AWS).status == OK
    assert b'\r\nAuthorization: AWS4-HMAC-SHA256 Credential=key/' in server.requests[0]


def test_aws_without_credentials_is_one_fault(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('AWS_EC2_METADATA_DISABLED', 'true')
    server = serve(response(b'nginx'))
    check = AwesomeCheck('awesome', {}, [{'url': server.url, 'search_string': 'nginx', **AWS}])

    result = run(check)

    assert (result.status, server.requests) == (CRITICAL, [])
    assert result.message.startswith('connect: no credentials for the aws login: none in the environment')

    monkeypatch.setenv('AWS_ACCESS_KEY_ID', 'key')
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'hunter22')
    assert run(check).status == OK


def test_login_that_may_block_finds_a_host_by_its_name(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', 'key')
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'hunter22')
    server = serve(response(b'nginx'))

    result = run(url=server.url.replace('127.0.0.1', 'localhost'), search_string='nginx', timeout=TIMEOUT, **AWS)

    assert (result.status, result.message) == (OK, '')


def test_session_token_of_aws_is_hidden(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', 'key')
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'hunter22')
    monkeypatch.setenv('AWS_SESSION_TOKEN', 'Token-of-Session')

    result = run(url=serve(echo(b'', b'\r\n\r\n')).url, search_string='nginx', **AWS)

    assert result.message.startswith('status: not an HTTP response: ')
    assert 'Token-of-Session' not in result.message


STAND_IN = """
import os

REQUIRED, OPTIONAL, DISABLED = range(3)
SEEN = []


class HTTPKerberosAuth:
    def __init__(self, **options):
        pass

    def __call__(self, request):
        SEEN.append((os.environ.get('KRB5_CLIENT_KTNAME'), os.environ.get('KRB5CCNAME')))
        return request
"""


def test_kerberos_takes_its_environment_back(
    serve: Serve, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library needs the headers of Kerberos to be installed.
    (tmp_path / 'requests_kerberos.py').write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'requests_kerberos', raising=False)
    stand_in = importlib.import_module('requests_kerberos')
    monkeypatch.setattr('datadog_checks.base.utils.http.requests_kerberos', stand_in)
    refusal = response(b'', '401 x', WWW_Authenticate='Negotiate')
    login = {'auth_type': 'kerberos', 'kerberos_keytab': '/keytab', 'kerberos_cache': '/cache'}

    for runs in (1, 2):
        assert run(url=serve(refusal).url, search_string='nginx', **login).status == CRITICAL
        assert [seen for seen in stand_in.SEEN if seen != ('/keytab', '/cache')] == []
        assert len(stand_in.SEEN) == runs
        assert {'KRB5_CLIENT_KTNAME', 'KRB5CCNAME'} & set(os.environ) == set()


def test_contexts_of_the_environment_may_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('A', 'before')
    monkeypatch.delenv('B', raising=False)
    first, second = Environment({'A': '1', 'B': '1'}), Environment({'A': '2'})
    seen = []

    for step in (first.__enter__, second.__enter__, first.__exit__, second.__exit__):
        step()
        seen.append((os.environ.get('A'), os.environ.get('B')))

    assert seen == [('1', '1'), ('2', '1'), ('2', None), ('before', None)]


def test_variable_that_cannot_be_set_leaves_the_environment_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('A', 'before')

    with pytest.raises(ValueError, match='null byte'):
        Environment({'A': '1', 'B': '\0'}).__enter__()

    assert os.environ['A'] == 'before'
    with Environment({'B': '2'}):
        assert os.environ['B'] == '2'


def test_login_whose_modules_are_imported_for_too_long(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr('datadog_checks.awesome.fetching.fetcher._import_client', is_over.wait)
    login = {'auth_type': 'digest', 'username': 'me', 'password': 'p'}

    result = run(url='http://127.0.0.1:1/', search_string='nginx', timeout=0.3, **login)

    is_over.set()
    assert result.message == 'timeout: gave up after 0.3 s while starting'
