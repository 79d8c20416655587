"""What each part of a run took, and when the first certificate of a chain expires."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.fault import Activity
from datadog_checks.awesome.fetching.deadline import Deadline
from datadog_checks.awesome.reporting.report import phases

from .answers import OPEN, redirect
from .certificates import lasting
from .conftest import Result
from .proxy import both, forward, socks
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

PAGE = response(b'nginx')
PHASES = {'page.connect_time', 'page.lookup_time', 'page.tls_time', 'page.transfer_time'}
# In seconds: what is slow here takes as long, whatever the machine.
PAUSE = 0.2


def phases_of(result: Result) -> set[str]:
    return result.metrics.keys() & PHASES


def named(url: str) -> str:
    return url.replace('127.0.0.1', 'localhost')


def test_every_part_of_a_run(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    url = named(serve_tls(ca.issue_cert('localhost'), PAGE).url)

    result = run(url=url, search_string='nginx', tls_ca_cert=trusted)

    assert result.status == AwesomeCheck.OK
    assert phases_of(result) == PHASES
    assert 0 < sum(result.metrics[name] for name in PHASES) < result.metrics['page.response_time']


def test_parts_that_there_are_not(serve: Serve, run: Run) -> None:
    assert phases_of(run(url=serve(PAGE).url, search_string='nginx')) == {'page.connect_time', 'page.transfer_time'}


def test_connection_that_is_kept_is_not_made(serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx', Connection='keep-alive'), paths={'/last': PAGE})
    options = {'url': server.url, 'search_string': '!', 'persist_connections': True}
    check = AwesomeCheck('awesome', {}, [options])

    first = run(check)
    options['url'] = f'{server.url}last'
    second = run(check)

    assert server.accepted == 1
    assert 'page.connect_time' in phases_of(first)
    assert phases_of(second) == {'page.transfer_time'}


@pytest.mark.parametrize('kind', ['http', 'socks5'])
@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_what_a_proxy_does_is_not_known(
    kind: str, scheme: str, ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    page = serve(PAGE) if scheme == 'http' else serve_tls(ca.issue_cert('127.0.0.1'), PAGE)
    server = serve(forward) if kind == 'http' else serve(on_connect=socks)

    result = run(
        url=page.url, search_string='nginx', tls_ca_cert=trusted, proxy=both(f'{kind}://localhost:{server.port}')
    )

    assert result.status == AwesomeCheck.OK, result.message
    assert phases_of(result) == {'page.transfer_time', *(['page.tls_time'] if scheme == 'https' else [])}


def test_proxy_that_does_not_answer_is_not_the_page(serve: Serve, run: Run) -> None:
    with Server() as ended:
        pass

    result = run(url=serve(PAGE).url, search_string='nginx', proxy=both(f'http://localhost:{ended.port}'))

    assert result.status == AwesomeCheck.CRITICAL
    assert phases_of(result) == set()


def test_run_after_one_through_a_proxy_knows_its_times(serve: Serve, run: Run) -> None:
    page = serve(PAGE)
    options = {
        'url': page.url,
        'search_string': 'nginx',
        'proxy': {'http': serve(forward).url, 'no_proxy': ['localhost']},
    }
    check = AwesomeCheck('awesome', {}, [options])

    assert phases_of(run(check)) == {'page.transfer_time'}
    options['url'] = named(page.url)
    assert phases_of(run(check)) == PHASES - {'page.tls_time'}


def test_times_of_redirects_are_added(monkeypatch: pytest.MonkeyPatch, serve: Serve, run: Run) -> None:
    look_up = socket.getaddrinfo

    def slow(*args: Any, **kwargs: Any) -> Any:
        time.sleep(PAUSE)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, 'getaddrinfo', slow)
    page = serve(PAGE)
    server = serve(redirect(named(page.url)))

    result = run(url=named(server.url), search_string='nginx')

    assert result.metrics['page.redirects'] == 1
    assert result.metrics['page.lookup_time'] >= 2 * PAUSE
    assert (
        result.metrics['page.connect_time'] + result.metrics['page.transfer_time']
        < result.metrics['page.response_time'] - 2 * PAUSE
    )


def test_body_that_comes_slowly(serve: Serve, run: Run) -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN)
        time.sleep(PAUSE)
        connection.sendall(b'nginx')

    result = run(url=serve(answer).url, search_string='nginx')

    # The server counts from before its first byte has come.
    assert result.metrics['page.transfer_time'] > PAUSE / 2


def test_time_of_what_is_not_finished_counts() -> None:
    deadline = Deadline()
    deadline.start(10)
    deadline.begin(Activity.CONNECT)
    deadline.begin(Activity.READ)
    deadline.begin(Activity.CONNECT)
    done = deadline.spent[Activity.CONNECT]

    times = deadline.times()

    assert times[Activity.CONNECT] > done
    assert phases(times, is_through_proxy=True) == {'page.transfer_time': times[Activity.READ]}


@pytest.mark.parametrize('verify', [True, False])
def test_chain(verify: bool, ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    """The certificate of the server lasts longer than another that the server sends."""
    leaf, other = lasting(ca, 20, '127.0.0.1'), lasting(ca, 10, 'other')
    pems = (leaf.private_key_pem, *leaf.cert_chain_pems, *other.cert_chain_pems)
    leaf.private_key_and_cert_chain_pem = trustme.Blob(b''.join(pem.bytes() for pem in pems))
    options = {'tls_ca_cert': trusted} if verify else {'tls_verify': False}

    result = run(url=serve_tls(leaf, PAGE).url, search_string='nginx', **options)

    assert result.status == AwesomeCheck.OK
    assert int(result.metrics['certificate.days_left']) == 20
    assert int(result.metrics['certificate.chain_days_left']) == 10


def test_chain_of_a_page_without_tls_is_not_sent(serve: Serve, run: Run) -> None:
    assert 'certificate.chain_days_left' not in run(url=serve(PAGE).url, search_string='nginx').metrics


def test_lookup_of_all_addresses_counts(serve: Serve, run: Run) -> None:
    url = named(serve(PAGE).url)

    result = run(url=url, search_string='nginx', addresses='all', ip_protocol='ip4')

    assert result.status == AwesomeCheck.OK
    assert phases_of(result) == PHASES - {'page.tls_time'}


def test_chain_of_the_worst_address_counts(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    url = named(serve_tls(lasting(ca, 20, 'localhost'), PAGE).url)

    result = run(url=url, search_string='nginx', addresses='all', ip_protocol='ip4', tls_ca_cert=trusted)

    assert int(result.metrics['certificate.chain_days_left']) == 20
