"""What one run submits, seen from the Agent."""

import errno
import gc
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck

from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

PAGE = b'<html><title>Welcome to\n nginx!</title><p>Thank you for using nginx.</p></html>'


def test_string_in_the_page_is_ok_without_a_message(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(PAGE)).url, search_string='Thank you for using nginx.')

    assert (result.status, result.message) == (AwesomeCheck.OK, '')
    assert result.metrics['page.reachable'] == 1
    assert result.metrics['search.found'] == 1


def test_string_not_in_the_page_is_a_warning_that_tells_what_was_searched(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(PAGE)).url, search_string='Apache')

    assert result.status == AwesomeCheck.WARNING
    assert result.message == (
        f"'Apache' not found ({len(PAGE)} bytes read); status 200 OK, encoding utf-8, title 'Welcome to nginx!'"
    )
    assert result.metrics['page.reachable'] == 1
    assert result.metrics['search.found'] == 0
    assert result.metrics['page.size'] == len(PAGE)
    assert result.metrics['page.status_code'] == 200


def test_unreachable_page_is_critical(run: Run) -> None:
    with Server() as server:
        url = server.url

    result = run(url=url, search_string='nginx')

    assert result.status == AwesomeCheck.CRITICAL
    assert result.message == f'connect: connection refused by 127.0.0.1 port {server.port}'
    assert result.metrics.keys() == {'page.connect_time', 'page.reachable', 'page.response_time'}
    assert result.metrics['page.reachable'] == 0


def test_empty_init_config(serve: Serve) -> None:
    instance = {'url': serve(response(PAGE)).url, 'search_string': 'nginx'}

    assert AwesomeCheck('awesome', None, [instance]).run() == ''


def test_run_that_cannot_be_ended_has_its_verdict(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError

    check = AwesomeCheck('awesome', {}, [{'url': serve(response(PAGE)).url, 'search_string': 'nginx'}])
    monkeypatch.setattr(check.probe.fetcher._same_origin, 'close', fail)

    assert run(check).status == AwesomeCheck.OK
    monkeypatch.undo()
    assert run(check).status == AwesomeCheck.OK


def test_error_status_is_critical_whatever_the_page_says(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(b'nginx', '503 Sorry, out of order')).url, search_string='nginx')

    assert (result.status, result.message) == (AwesomeCheck.CRITICAL, 'status: 503 Service Unavailable')
    assert result.metrics['page.status_code'] == 503


def test_long_search_string_and_title_are_shortened_in_the_middle(serve: Serve, run: Run) -> None:
    server = serve(response(b'<title>' + b't' * 9000 + b'</title>'))

    result = run(url=server.url, search_string='first' + 's' * 9000 + 'last')

    assert len(result.message) <= 500
    assert result.message.startswith("'first")
    assert "last' not found (" in result.message


def test_message_is_one_line_without_control_characters(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(b'<title>\x1b[31m red \x00</title>')).url, search_string='two\nlines')

    assert result.message.isprintable()
    assert r'"two\nlines" not found' in result.message


def test_every_submission_has_the_tags_of_the_instance_and_the_public_part_of_the_url(serve: Serve, run: Run) -> None:
    server = serve(response(PAGE))

    result = run(
        url=f'http://user:pass@127.0.0.1:{server.port}/path?token=secret#part', search_string='nginx', tags=['team:web']
    )

    page = f'http://127.0.0.1:{server.port}/path'
    assert result.tags == ['team:web', f'url:{page}', f'instance:{page}']
    assert b'GET /path?token=secret HTTP/1.1' in server.requests[0]
    assert b'Authorization: Basic dXNlcjpwYXNz' in server.requests[0]


def test_reading_stops_at_the_string(serve: Serve, run: Run) -> None:
    endless: list[int] = []

    def answer(connection: Any, _: bytes) -> None:
        connection.sendall(response(status='200 OK', Content_Length='') + b'nginx')
        while True:
            connection.sendall(b'.' * 65536)
            endless.append(65536)

    result = run(url=serve(answer).url, search_string='nginx')

    assert result.status == AwesomeCheck.OK
    assert result.metrics['page.size'] <= 2 * 65536


def test_http_options_reach_the_server(serve: Serve, run: Run) -> None:
    server = serve(response(PAGE))

    run(url=server.url, search_string='nginx', username='me', password='pass', extra_headers={'X-Key': 'k'})

    assert b'Authorization: Basic bWU6cGFzcw==' in server.requests[0]
    assert b'X-Key: k' in server.requests[0]


def test_environment_has_no_say(serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(response(b'from the proxy'))
    monkeypatch.setenv('HTTP_PROXY', proxy.url)

    assert run(url=serve(response(PAGE)).url, search_string='nginx').status == AwesomeCheck.OK
    assert proxy.requests == []


def test_each_run_has_a_connection_of_its_own(serve: Serve, run: Run) -> None:
    server = serve(response(PAGE, Connection='keep-alive'))
    check = AwesomeCheck('awesome', {}, [{'url': server.url, 'search_string': '</html>'}])

    assert [run(check).status for _ in range(3)] == [AwesomeCheck.OK] * 3
    assert server.accepted == 3


def test_run_knows_nothing_of_the_one_before(serve: Serve) -> None:
    server = serve(response(b'nginx'))
    check = AwesomeCheck('awesome', {}, [{'url': server.url, 'search_string': 'nginx'}])
    options = check.options(check.instance)
    assert check.probe(options).peer == ('127.0.0.1', server.port)
    elsewhere = replace(options, url=options.url._replace(netloc='host.invalid'))

    report = check.probe(elsewhere)

    assert (report.status, report.resolved, report.peer) == (2, None, None)


def test_persist_connections_keeps_the_connection(serve: Serve, run: Run) -> None:
    server = serve(response(PAGE, Connection='keep-alive'))
    instance = {'url': server.url, 'search_string': '</html>', 'persist_connections': True}
    check = AwesomeCheck('awesome', {}, [instance])

    assert [run(check).status for _ in range(3)] == [AwesomeCheck.OK] * 3
    assert server.accepted == 1


def test_forgotten_check_closes_the_kept_connection(serve: Serve) -> None:
    server = serve(response(b'nginx', Connection='keep-alive'))
    check = AwesomeCheck('awesome', {}, [{'url': server.url, 'search_string': '!', 'persist_connections': True}])
    assert check.run() == ''

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        del check
        gc.collect()

    server.wait_until_idle()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


def test_instance_is_left_as_it_was(serve: Serve, run: Run) -> None:
    instance = {'url': serve(response(PAGE)).url, 'search_string': 'nginx', 'tags': ['team:web']}
    before = deepcopy(instance)

    AwesomeCheck('awesome', {}, [instance]).check(instance)

    assert instance == before


def test_given_instance_counts_not_the_constructors(serve: Serve, aggregator: Any) -> None:
    instance = {'url': serve(response(PAGE)).url, 'search_string': 'nginx', 'tags': ['a:1']}
    check = AwesomeCheck('awesome', {}, [{}])

    check.check(instance)
    instance['tags'].append('b:2')  # type: ignore[attr-defined]
    check.check(instance)

    first, second = aggregator.service_checks('awesome.search')
    assert (first.tags[:-2], second.tags[:-2]) == (['a:1'], ['a:1', 'b:2'])


def test_unforeseen_error_is_critical_and_logged(
    serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise LookupError('nobody thought of this')

    monkeypatch.setattr('datadog_checks.awesome.probe.read', fail)

    result = run(url=serve(response(PAGE)).url, search_string='nginx')

    assert result.status == AwesomeCheck.CRITICAL
    assert result.message == "internal error in the check; see the Agent's log"
    assert 'nobody thought of this' in caplog.text


def test_import_that_fails_for_want_of_files(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, 'Too many open files', 'sweep.py')

    monkeypatch.setattr('datadog_checks.awesome.probe.Probe._sweep', fail)

    result = run(url='http://127.0.0.1:1/', search_string='nginx', addresses='all')

    assert result.message == 'connect: too many open files in the Agent'
