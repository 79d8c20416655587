"""What the command shows of rules about headers, JSON, and the final URL, of values, and of the parts of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome.reading.verdict import HeaderMiss, JSONMiss, Side, Value, Verdict

from .answers import redirect
from .server import Server, response
from .trials import CRITICAL, OK, WARNING, line, try_page

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]

PAGE = response(b'{"status": "DOWN", "queue": {"waiting": 120}}', X_Powered_By='PHP/8.1')


def result_of(*arguments: str) -> tuple[int, dict[str, Any]]:
    status, printed = try_page(*arguments, '--json')
    result: dict[str, Any] = json.loads(printed)
    return status, result


def test_headers(serve: Serve) -> None:
    arguments = (serve(PAGE).url, '--set', 'search_header={X-Frame-Options: DENY}')

    status, printed = try_page(*arguments)
    _, result = result_of(*arguments)

    assert status == WARNING
    assert printed.startswith('WARNING  header X-Frame-Options not found; status 200 OK\n')
    assert line(printed, 'unmet') == 'header X-Frame-Options not found'
    assert line(printed, 'next step').startswith('Let the server send X-Frame-Options.')
    assert result['unmet'] == ['header X-Frame-Options not found']
    assert (result['page']['status_code'], result['page']['size']) == (200, None)


def test_headers_that_are_as_they_should_be(serve: Serve) -> None:
    status, result = result_of(serve(PAGE).url, '--set', 'search_header={X-Powered-By: PHP}')

    assert (status, result['unmet'], result['remedy']) == (OK, [], None)


def test_json_and_values(serve: Serve) -> None:
    arguments = (
        *(serve(PAGE).url, '--set', "search_json=[status == 'UP', que.waiting < `100`]"),
        *('--set', "values={waiting: {json: queue.waiting}, errors: {json: errors}, zeros: 'x {number}'}"),
    )

    status, printed = try_page(*arguments)
    _, result = result_of(*arguments)

    assert status == WARNING
    assert result['unmet'] == [
        "status == 'UP' is not true: status is 'DOWN'",
        'que.waiting < `100` is not true: que.waiting is null',
    ]
    assert result['remedy'] == "The page has no que, but 'status', 'queue'."
    assert result['values'] == {'waiting': 120, 'errors': None, 'zeros': None}
    assert result['unsent'] == {'errors': 'errors is null, no number', 'zeros': 'not on the page'}
    assert '  value       waiting: 120\n  value       errors: errors is null, no number\n' in printed


def test_final_url(serve: Serve) -> None:
    server = serve(response(b'Sign in'), paths={'/': redirect('/login')})

    status, result = result_of(server.url, 'nginx', '--set', f'final_url={server.url}home')

    assert (status, result['unmet']) == (WARNING, [f'ended at {server.url}login'])
    assert result['page']['redirects'] == 1
    assert result['remedy'].startswith('If that is a login page')


def test_secret_of_the_final_url_is_masked_in_the_yaml(serve: Serve) -> None:
    printed = try_page(serve(PAGE).url, 'DOWN', '--set', 'final_url=http://me:5ecret@127.0.0.1/?key=5ecret')[1]

    assert '5ecret' not in printed


def test_parts_of_a_run(serve: Serve) -> None:
    url = serve(PAGE).url.replace('127.0.0.1', 'localhost')

    printed = try_page(url, 'DOWN')[1]
    _, result = result_of(url, 'DOWN')

    assert re.fullmatch(
        r'\d\.\d{3} s DNS lookup, \d\.\d{3} s connect, \d\.\d{3} s reading the page', line(printed, 'of which')
    )
    page = result['page']
    assert page['tls_time'] is None
    assert 0 < page['lookup_time'] + page['connect_time'] + page['transfer_time'] < page['response_time']


def test_nothing_is_known_of_a_page_that_is_not_there() -> None:
    status, result = result_of('http://127.0.0.1:1/', '--set', 'search_json=a')

    assert status == CRITICAL
    assert (result['unmet'], result['values'], result['unsent'], result['page']['redirects']) == (None,) * 4


def test_same_rules_fail_whatever_was_met() -> None:
    """Else who watches a page would get a line for each number that changes."""

    def verdict(met: str) -> Verdict:
        return Verdict(
            headers=(HeaderMiss('A', 'a', False, True, met),),
            json=(JSONMiss('a', (Side('a', met, True),)),),
            values=(Value('n', len(met)),),
        )

    assert verdict('a').failed_rules == verdict('bc').failed_rules
    assert verdict('a').failed_rules != Verdict().failed_rules
