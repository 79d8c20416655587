"""Every metric: when it is sent, and what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.fetching.certificate import days_left
from datadog_checks.awesome.reporting.wording import validity
from datadog_checks.dev.utils import get_metadata_metrics

from .catalogue import FAULTS
from .certificates import lasting
from .conftest import Result
from .proxy import both, forward, socks
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

NOW = datetime.now(UTC)
PAGE = response(b'nginx', Last_Modified=format_datetime(NOW, usegmt=True))
ALWAYS = {'page.connect_time', 'page.reachable', 'page.response_time'}
RESPONSE = ALWAYS | {'page.first_byte_time', 'page.redirects', 'page.status_code'}
VERDICT = RESPONSE | {'page.size', 'page.transfer_time', 'search.found'}


def test_metrics_are_those_of_the_metadata(
    ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run, aggregator: Any
) -> None:
    url = serve_tls(ca.issue_cert('localhost', '127.0.0.1'), PAGE).url
    instance = {'search_string': 'nginx', 'tls_ca_cert': trusted, 'values': {'n': {'count': 'n'}}}
    for further in ({'url': url, 'addresses': 'all'}, {'url': url.replace('127.0.0.1', 'localhost')}):
        assert AwesomeCheck(name='awesome', init_config={}, instances=[instance | further]).run() == ''

    aggregator.assert_metrics_using_metadata(
        get_metadata_metrics(), check_submission_type=True, check_symmetric_inclusion=True
    )


@pytest.mark.parametrize(
    ('answer', 'metrics'),
    [
        pytest.param(response(b'nginx'), VERDICT, id='OK'),
        pytest.param(response(b'Apache'), VERDICT, id='WARNING'),
        pytest.param(PAGE, VERDICT | {'page.age'}, id='modified'),
        pytest.param(response(b'nginx', '503 x'), RESPONSE, id='status'),
        pytest.param(FAULTS['breaks off'].answer, RESPONSE | {'page.transfer_time'}, id='body'),
        pytest.param(FAULTS['redirects in a circle'].answer, ALWAYS, id='redirect'),
        pytest.param(FAULTS['speaks HTTP/0.9'].answer, ALWAYS, id='no response'),
    ],
)
def test_metrics_that_are_known_are_sent(answer: Any, metrics: set[str], serve: Serve, run: Run) -> None:
    assert run(url=serve(answer).url, search_string='nginx').metrics.keys() == metrics


def test_times_count_from_the_start_of_the_run(serve: Serve, run: Run) -> None:
    metrics = run(url=serve(response(b'nginx')).url, search_string='nginx').metrics

    assert 0 < metrics['page.first_byte_time'] < metrics['page.response_time'] < 60


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv('TZ', 'AAA-12')
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures('far_from_greenwich')
@pytest.mark.parametrize('days', [0, 1, 10_000])
@pytest.mark.parametrize(
    'form',
    ['%a, %d %b %Y %H:%M:%S GMT', '%A, %d-%b-%y %H:%M:%S GMT', '%a %b %e %H:%M:%S %Y', '%d %b %Y %H:%M:%S +0000'],
)
def test_age(days: int, form: str, serve: Serve, run: Run) -> None:
    modified = (NOW - timedelta(days=days)).strftime(form)

    age = run(url=serve(response(b'a', Last_Modified=modified)).url, search_string='a').metrics['page.age']

    assert 0 <= age - timedelta(days=days).total_seconds() < 3600


def test_page_of_the_future_is_new(serve: Serve, run: Run) -> None:
    modified = format_datetime(NOW + timedelta(days=1), usegmt=True)

    assert run(url=serve(response(b'a', Last_Modified=modified)).url, search_string='a').metrics['page.age'] == 0


@pytest.mark.parametrize(
    'modified',
    [
        '0',
        'yesterday',
        'Tue, 99 Nov 2026 08:49:37 GMT',
        'Tue, 24 Nov 99999 08:49:37 GMT',
        'Sun, 06 Nov 1994 08:49:3777770200',
        'Sun, 06 Nov 1994 08:49:37 +99999999999',
        '\xe9' * 60_000,
    ],
)
def test_age_is_not_sent_without_a_valid_time(modified: str, serve: Serve, run: Run) -> None:
    result = run(url=serve(response(b'a', Last_Modified=modified)).url, search_string='a')

    assert result.status == AwesomeCheck.OK
    assert 'page.age' not in result.metrics


@pytest.mark.parametrize(('days', 'verify'), [(10, True), (10, False), (-10, False)])
def test_days_left(days: float, verify: bool, ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    server = serve_tls(lasting(ca, days), PAGE)
    options = {'tls_ca_cert': trusted} if verify else {'tls_verify': False}

    result = run(url=server.url, search_string='nginx', **options)

    assert result.status == AwesomeCheck.OK
    assert days < result.metrics['certificate.days_left'] < days + 0.1


def test_days_left_over_ipv6(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    server = serve_tls(lasting(ca, 10, '::1'), PAGE, host='::1')

    result = run(url=server.url, search_string='nginx', tls_ca_cert=trusted)

    assert (result.status, int(result.metrics['certificate.days_left'])) == (AwesomeCheck.OK, 10)


@pytest.mark.parametrize('kind', ['http', 'https', 'socks5'])
@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_days_left_are_those_of_the_page_not_of_a_proxy(
    kind: str, scheme: str, ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    page = serve(PAGE) if scheme == 'http' else serve_tls(lasting(ca, 10), PAGE)
    proxies = {
        'http': lambda: serve(forward),
        'https': lambda: serve_tls(lasting(ca, 20), forward),
        'socks5': lambda: serve(on_connect=socks),
    }
    proxy = f'{kind}://127.0.0.1:{proxies[kind]().port}'

    result = run(url=page.url, search_string='nginx', tls_ca_cert=trusted, proxy=both(proxy))

    assert result.status == AwesomeCheck.OK
    days = int(result.metrics.get('certificate.days_left', 0))
    assert days == (10 if scheme == 'https' else 0)


def test_days_left_are_known_of_a_page_that_fails(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    server = serve_tls(lasting(ca, 10), response(b'', '503 x'))

    assert 'certificate.days_left' in run(url=server.url, search_string='a', tls_ca_cert=trusted).metrics


def test_days_left_are_not_those_of_another_origin(
    ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    foreign = serve_tls(lasting(ca, 10), PAGE)
    own = serve(response(status='302 x', Location=foreign.url))

    result = run(url=own.url, search_string='nginx', tls_ca_cert=trusted)

    assert result.status == AwesomeCheck.OK
    assert 'certificate.days_left' not in result.metrics


def test_days_left_are_those_of_each_run(ca: trustme.CA, trusted: str, serve_tls: Serve, run: Run) -> None:
    server = serve_tls(lasting(ca, 10), response(b'nginx', Connection='keep-alive'))
    options = {'url': server.url, 'search_string': '!', 'tls_ca_cert': trusted, 'persist_connections': True}
    check = AwesomeCheck('awesome', {}, [options])

    assert ['certificate.days_left' in run(check).metrics for _ in range(2)] == [True, True]
    assert server.accepted == 1
    options['url'] = 'https://127.0.0.1:1/'
    assert run(check).metrics.keys() == ALWAYS


def test_validity_in_words() -> None:
    assert [validity(days) for days in (10, 0, -3.25)] == [
        'expires in 10 days',
        'expires in 0.0 days',
        'expired 3 days ago',
    ]


def test_certificate_that_cannot_be_read_does_not_count() -> None:
    assert days_left(b'no certificate') is None
