"""Proxies: TLS inside TLS, SOCKS faults, deadlines and the proxy's password."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck

from .answers import TIMEOUT, silence, trickle
from .certificates import UNKNOWN_ISSUER, other_authority
from .conftest import Result
from .proxy import both, forward, socks
from .server import Server, response

pytestmark = pytest.mark.unit

Run = Callable[..., Result]
Serve = Callable[..., Server]

OK, CRITICAL = AwesomeCheck.OK, AwesomeCheck.CRITICAL
PAGE = response(b'nginx')
IN_SOCKS = f'timeout: gave up after {TIMEOUT:g} s while connecting through the proxy'


def as_socks(proxy: Server) -> dict[str, Any]:
    return both(proxy.url.replace('http', 'socks5'))


@pytest.mark.parametrize('secure_proxy', [False, True], ids=['http proxy', 'https proxy'])
def test_bad_certificate_of_the_page_is_named_as_such(
    secure_proxy: bool, ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    proxy = serve_tls(ca.issue_cert('127.0.0.1'), forward) if secure_proxy else serve(forward)
    page = serve_tls(other_authority().issue_cert('127.0.0.1'), PAGE)

    result = run(url=page.url, search_string='nginx', tls_ca_cert=trusted, proxy=both(proxy.url), timeout=5)

    assert (result.status, result.message) == (CRITICAL, f'TLS: {UNKNOWN_ISSUER}')
    assert page.requests == []


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_bad_certificate_of_the_proxy(scheme: str, ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    proxy = serve_tls(other_authority().issue_cert('127.0.0.1'), forward)

    result = run(url=f'{scheme}://127.0.0.1:1/', search_string='a', tls_ca_cert=trusted, proxy=both(proxy.url))

    assert (result.status, result.message) == (CRITICAL, f'TLS: the proxy: {UNKNOWN_ISSUER}')
    assert proxy.requests == []


def test_server_behind_a_tls_proxy_that_closes_during_the_handshake(
    ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    proxy = serve_tls(ca.issue_cert('127.0.0.1'), forward)
    page = serve(on_connect=lambda c: c.recv(65536) and None)

    result = run(
        url=page.url.replace('http', 'https'), search_string='a', tls_ca_cert=trusted, proxy=both(proxy.url), timeout=5
    )

    assert result.message == 'TLS: the server closed the connection during the handshake'


def test_ca_certificate_option_of_a_tls_proxy_that_is_missing(ca: trustme.CA, serve_tls: Serve, run: Run) -> None:
    proxy = serve_tls(ca.issue_cert('127.0.0.1'), forward)

    result = run(url='http://127.0.0.1:1/', search_string='a', tls_ca_cert='/does/not/exist', proxy=both(proxy.url))

    assert (result.status, result.message) == (CRITICAL, 'TLS: tls_ca_cert /does/not/exist: it does not exist')


def after_greeting(then: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    def serve_client(connection: socket.socket) -> None:
        connection.recv(3)
        then(connection)

    return serve_client


def answer(reply: bytes) -> Callable[[socket.socket], None]:
    """Accept no authentication, then answer the request."""

    def serve_client(connection: socket.socket) -> None:
        connection.sendall(b'\x05\x00')
        connection.recv(10)
        connection.sendall(reply)

    return after_greeting(serve_client)


def trickled_address(connection: socket.socket) -> None:
    answer(b'\x05\x00\x00\x03\xff')(connection)
    trickle(b'', [b'a'])(connection, b'')


@pytest.mark.parametrize(
    ('proxy', 'message'),
    [
        pytest.param(after_greeting(lambda c: silence(c, b'')), IN_SOCKS, id='silent'),
        pytest.param(trickled_address, IN_SOCKS, id='trickled'),
        pytest.param(
            answer(b'\x05\x05\x00\x01' + b'\x00' * 6),
            'connect: the proxy could not connect: connection refused',
            id='page refused',
        ),
        pytest.param(
            after_greeting(lambda c: c.sendall(b'\x05\xff')),
            'connect: the proxy could not connect: it asks for another login',
            id='authentication',
        ),
        pytest.param(
            after_greeting(lambda c: None),
            'connect: the proxy could not connect: it closed the connection',
            id='closed',
        ),
        pytest.param(
            after_greeting(lambda c: c.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')),
            'connect: the proxy could not connect: it does not speak SOCKS 5',
            id='not SOCKS',
        ),
    ],
)
def test_socks_proxy_that_does_not_connect(
    proxy: Callable[[socket.socket], None], message: str, serve: Serve, run: Run
) -> None:
    server = serve(on_connect=proxy)

    result = run(url='http://127.0.0.1:1/', search_string='a', timeout=TIMEOUT, proxy=as_socks(server))

    assert (result.status, result.message) == (CRITICAL, message)


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_socks_proxy_that_is_not_there(scheme: str, run: Run) -> None:
    result = run(url=f'{scheme}://127.0.0.1:2/', search_string='a', proxy=both('socks5://127.0.0.1:1'))

    assert (result.status, result.message) == (CRITICAL, 'connect: connection refused by the proxy 127.0.0.1 port 1')


@pytest.mark.parametrize(
    ('proxy', 'message', 'advice'),
    [
        pytest.param(
            'http://127.0.0.1:1',
            'connect: connection refused by the proxy 127.0.0.1 port 1',
            'Check the `proxy` options of the instance',
            id='refused',
        ),
        pytest.param(
            'http://noproxy.invalid:3128',
            'DNS: the proxy noproxy.invalid: name or service not known',
            'the host in the `proxy` option, and whether this machine can resolve it: getent hosts noproxy.invalid',
            id='unknown',
        ),
    ],
)
def test_proxy_that_cannot_be_reached_is_named(proxy: str, message: str, advice: str) -> None:
    options = {'url': 'http://localhost:2/', 'search_string': 'a', 'proxy': both(proxy)}
    *_, line = json.loads(AwesomeCheck('awesome', {}, [options]).get_diagnoses())

    assert line['diagnosis'] == message
    assert advice in line['remediation']


def test_next_step_about_the_certificate_of_a_proxy_leads_to_the_proxy(serve_tls: Serve, trusted: str) -> None:
    proxy = serve_tls(other_authority().issue_cert('127.0.0.1'), forward)
    options = {'url': 'http://localhost:2/', 'search_string': 'a', 'tls_ca_cert': trusted, 'proxy': both(proxy.url)}
    *_, line = json.loads(AwesomeCheck('awesome', {}, [options]).get_diagnoses())

    assert f'-connect 127.0.0.1:{proxy.port} ' in line['remediation']


def test_next_step_about_a_proxy_that_hangs_asks_it_too(serve: Serve) -> None:
    proxy = serve(silence)
    secret = proxy.url.replace('//', '//me:hunter22@')
    options = {'url': 'http://localhost:2/', 'search_string': 'a', 'timeout': TIMEOUT, 'proxy': both(secret)}
    resolve, connect, line = json.loads(AwesomeCheck('awesome', {}, [options]).get_diagnoses())

    assert resolve['diagnosis'] == '127.0.0.1 (the proxy) is an address'
    assert connect['diagnosis'] == f'connected to 127.0.0.1 port {proxy.port} (the proxy)'
    assert line['remediation'].startswith('Find out whether the proxy or the server is slow, or raise `timeout`.')
    assert line['remediation'].endswith(f': time curl -x {proxy.url} -sS -o /dev/null http://localhost:2/')


def test_cancel_ends_a_run_that_waits_for_a_socks_proxy(serve: Serve, run: Run) -> None:
    waiting = threading.Event()

    def wait(connection: socket.socket) -> None:
        waiting.set()
        silence(connection, b'')

    server = serve(on_connect=after_greeting(wait))
    instance = {'url': 'http://127.0.0.1:1/', 'search_string': 'a', 'timeout': 60, 'proxy': as_socks(server)}
    check = AwesomeCheck('awesome', {}, [instance])

    def cancel() -> None:
        waiting.wait()
        check.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()

    assert run(check).message == 'the run was cancelled'
    canceller.join()


def repeat_password(connection: socket.socket, request: bytes) -> None:
    _, _, sent = request.partition(b'Proxy-Authorization: Basic ')
    connection.sendall(b'HTTP/1.1 407 hunter22 ' + sent.split()[0] + b'\r\nContent-Length: 0\r\n\r\n')


@pytest.mark.parametrize('source', ['instance', 'init_config', 'agent'])
def test_password_of_the_proxy_is_in_no_message(
    source: str, serve: Serve, run: Run, datadog_agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = {'proxy': both(serve(repeat_password).url.replace('//', '//me:hunter22@'))}
    if source == 'agent':
        monkeypatch.setitem(datadog_agent._config, 'proxy', proxy['proxy'])
    instance = {'url': 'https://127.0.0.1:1/', 'search_string': 'a', **(proxy if source == 'instance' else {})}

    result = run(AwesomeCheck('awesome', proxy if source == 'init_config' else {}, [instance]))

    cause = 'the proxy could not connect: 407 ******** ********'
    assert (result.status, result.message) == (CRITICAL, f'connect: {cause}')


def test_skipped_proxy_stays_skipped_behind_a_redirect(serve: Serve, run: Run) -> None:
    proxy = serve(forward)
    page = serve(response(status='302 x', Location=serve(PAGE).url))

    for option in ({'skip_proxy': True}, {'no_proxy': True}):
        assert run(url=page.url, search_string='nginx', proxy=both(proxy.url), **option).status == OK
    assert proxy.accepted == 0


def test_large_page_through_both_layers_of_tls(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    proxy = serve_tls(ca.issue_cert('127.0.0.1'), forward)
    page = serve_tls(ca.issue_cert('127.0.0.1'), response(b'x' * 3_000_000 + b'nginx'))

    assert run(url=page.url, search_string='nginx', tls_ca_cert=trusted, proxy=both(proxy.url)).status == OK


def test_407_of_the_proxy(serve: Serve, run: Run) -> None:
    proxy = serve(response(status='407 Proxy Authentication Required'))

    messages = [
        run(url=f'{scheme}://127.0.0.1:1/', search_string='a', proxy=both(proxy.url)).message
        for scheme in ('http', 'https')
    ]

    assert messages == [
        'status: 407 Proxy Authentication Required',
        'connect: the proxy could not connect: 407 Proxy Authentication Required',
    ]


def test_socks_proxy_for_a_bad_certificate(
    ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    page = serve_tls(other_authority().issue_cert('127.0.0.1'), PAGE)

    result = run(url=page.url, search_string='a', tls_ca_cert=trusted, proxy=as_socks(serve(on_connect=socks)))

    assert result.message == f'TLS: {UNKNOWN_ISSUER}'
