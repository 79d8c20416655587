"""Proxies: the Agent's own settings apply, no environment's, and a proxy counts towards the deadline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.fetching.proxies import public_proxy

from .answers import TIMEOUT, flood, octets, send, silence, trickle
from .conftest import Result
from .leaks import DOORS
from .proxy import both, forward, require_password, socks
from .server import Server, response

pytestmark = pytest.mark.unit

Run = Callable[..., Result]
Serve = Callable[..., Server]

OK, CRITICAL = AwesomeCheck.OK, AwesomeCheck.CRITICAL
PAGE = response(b'nginx')


@pytest.fixture(params=['http', 'https'])
def page(request: Any, ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve) -> dict[str, Any]:
    """An instance that looks at a page which is there."""
    server = serve(PAGE) if request.param == 'http' else serve_tls(ca.issue_cert('127.0.0.1'), PAGE)
    return {'url': server.url, 'search_string': 'nginx', 'tls_ca_cert': trusted, 'timeout': 5}


def test_proxy_of_the_instance(page: dict[str, Any], serve: Serve, run: Run) -> None:
    proxy = serve(forward)

    assert run(**page, proxy=both(proxy.url)).status == OK
    assert len(proxy.requests) == 1


def test_proxy_of_init_config(page: dict[str, Any], serve: Serve, run: Run) -> None:
    proxy = serve(forward)

    assert run(AwesomeCheck('awesome', {'proxy': both(proxy.url)}, [page])).status == OK
    assert len(proxy.requests) == 1


def test_proxy_of_the_agent(
    page: dict[str, Any], serve: Serve, run: Run, datadog_agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(forward)
    monkeypatch.setitem(datadog_agent._config, 'proxy', both(proxy.url))

    assert run(**page).status == OK
    assert len(proxy.requests) == 1


def test_proxy_can_be_passed_by(page: dict[str, Any], serve: Serve, run: Run) -> None:
    proxy = serve(forward)

    assert run(**page, proxy=both(proxy.url), skip_proxy=True).status == OK
    for hosts in (['127.0.0.1'], ['127.0.0.0/8'], [' 127.0.0.1 '], ['*']):
        assert run(**page, proxy=both(proxy.url, no_proxy=hosts)).status == OK
    assert proxy.accepted == 0


@pytest.mark.parametrize('hosts', [['LocalHost'], ['b.example', ' localhost'], 'b.example; localhost'])
@pytest.mark.parametrize('door', DOORS)
def test_hosts_without_a_proxy_are_compared_as_hosts_are(
    door: str, hosts: Any, serve: Serve, run: Run, datadog_agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(datadog_agent._config, 'proxy', both('http://127.0.0.1:1', no_proxy=hosts))
    url = serve(PAGE).url.replace('127.0.0.1', 'localhost')

    assert run(url=url, search_string='nginx', **DOORS[door]).status == OK


def test_long_targets_of_redirects_are_not_kept_where_hosts_have_no_proxy(serve: Serve, run: Run) -> None:
    server = serve(lambda c, _: c.sendall(response(status='302 x', Location=f'/{"x" * 100_000}')))
    cache: Any = urlsplit
    cache.cache_clear()

    run(url=server.url, search_string='nginx', proxy=both('http://127.0.0.1:1', no_proxy=['127.0.0.1']))

    assert cache.cache_info().currsize < 5


def test_environment_has_no_say(
    page: dict[str, Any], serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy = serve(forward)
    for name in ('HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.lower(), proxy.url)
    (tmp_path / 'netrc').write_text('machine 127.0.0.1 login me password secret')
    monkeypatch.setenv('NETRC', str(tmp_path / 'netrc'))
    asking = serve(PAGE)

    assert run(**page).message == ''
    assert run(url=asking.url, search_string='nginx').status == OK
    assert proxy.accepted == 0
    assert b'Authorization' not in asking.requests[0]


PUBLIC = {
    'no login': ('http://proxy:3128', 'http://proxy:3128'),
    'blanks around it': (' http://me:pw@proxy:3128 ', 'http://proxy:3128'),
    'a slash in the password': ('http://me:p/w@proxy:3128', 'http://proxy:3128'),
    'an at sign and slashes in the password': ('socks5h://me:p@://w@proxy', 'socks5h://proxy'),
    'a query and a fragment': ('http://me:p?w@proxy:3128/?key=s#f', 'http://proxy:3128/'),
    'no scheme': ('me:pw@proxy:3128', 'proxy:3128'),
    'no address': ('http://me:pw@', 'http://'),
}


@pytest.mark.parametrize(('url', 'public'), PUBLIC.values(), ids=PUBLIC)
def test_public_url_of_a_proxy_has_no_login(url: str, public: str) -> None:
    assert public_proxy(url) == public


def test_password_reaches_the_proxy_alone(page: dict[str, Any], serve: Serve, run: Run) -> None:
    proxy = serve(require_password)

    result = run(**page, proxy=both(proxy.url.replace('//', '//me:secret@')))

    assert result.status == OK
    assert 'secret' not in str(result.tags)


def test_socks_proxy(page: dict[str, Any], serve: Serve, run: Run) -> None:
    proxy = serve(on_connect=socks)

    assert run(**page, proxy=both(proxy.url.replace('http', 'socks5'))).status == OK
    assert proxy.accepted == 1


def test_proxy_behind_tls(
    page: dict[str, Any],
    ca: trustme.CA,
    serve_tls: Serve,
    run: Run,
) -> None:
    proxy = serve_tls(ca.issue_cert('127.0.0.1'), forward)

    assert run(**page, proxy=both(proxy.url)).status == OK
    assert len(proxy.requests) == 1


WAITING = f'timeout: gave up after {TIMEOUT:g} s while connecting through the proxy'


@pytest.mark.parametrize(
    ('answer', 'message'),
    [
        (
            send(b'HTTP/1.1 502 Bad Gateway\r\n\r\n'),
            'connect: the proxy could not connect: 502 Bad Gateway',
        ),
        (send(), 'connect: the proxy could not connect: it closed the connection without a response'),
        (silence, WAITING),
        (trickle(b'', octets(b'HTTP/1.1 200 OK')), WAITING),
        (trickle(b'HTTP/1.1 200 OK\r\n', [b'X: y\r\n']), WAITING),
        (
            flood(b'HTTP/1.1 200 OK\r\n', b'X: ' + b'x' * 60_000 + b'\r\n'),
            'connect: the proxy could not connect: more than 256 KiB of headers',
        ),
    ],
    ids=['502', 'closed', 'silent', 'trickled', 'trickled headers', 'endless headers'],
)
def test_proxy_that_does_not_connect(answer: Any, message: str, serve: Serve, run: Run) -> None:
    proxy = serve(answer)

    # To read all that the system trusts takes long while many tests run.
    result = run(
        url='https://127.0.0.1:1/', search_string='a', timeout=TIMEOUT, tls_verify=False, proxy=both(proxy.url)
    )

    assert (result.status, result.message) == (CRITICAL, message)


@pytest.mark.parametrize(
    ('proxy', 'message'),
    [
        ('http://127.0.0.1:1', 'connect: connection refused by the proxy 127.0.0.1 port 1'),
        ('socks5://127.0.0.1:1', 'connect: connection refused by the proxy 127.0.0.1 port 1'),
    ],
)
def test_proxy_that_is_not_there(proxy: str, message: str, page: dict[str, Any], run: Run) -> None:
    result = run(**page, proxy=both(proxy))

    assert result.status == CRITICAL
    assert result.message.startswith(message)
    assert 'object at 0x' not in result.message
