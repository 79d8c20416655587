"""The events of turns that headers, JSON, and the final URL cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck

from .answers import redirect
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]


def texts(aggregator: Any, server: Server, answers: list[Any], **options: Any) -> list[str]:
    """Return title and text of the events of a check that gets one answer after the other."""
    check = AwesomeCheck('awesome', {}, [{'url': server.url, 'name': 'page', 'send_events': True, **options}])
    for answer in answers:
        server.paths['/'] = answer
        assert check.run() == ''
    return [f'{event["msg_title"]}\n{event["msg_text"]}' for event in aggregator.events]


def test_header_that_goes(aggregator: Any, serve: Serve) -> None:
    answers = [response(b'a', X_Frame_Options='DENY'), response(b'a'), response(b'a', X_Frame_Options='DENY')]

    went, came = texts(aggregator, serve(), answers, search_header={'X-Frame-Options': 'DENY'})

    assert went.startswith('page: OK -> WARNING\n%%%\n`header X-Frame-Options not found; status 200 OK`\n')
    assert '**Next step**: Let the server send X-Frame-Options.' in went
    assert came.startswith('page: WARNING -> OK\n%%%\n`everything required was found and nothing forbidden`\n')


def test_json_that_is_not_true_any_more(aggregator: Any, serve: Serve) -> None:
    answers = [response(b'{"status": "UP"}'), response(b'{"status": "DOWN"}')]

    (event,) = texts(aggregator, serve(), answers, search_json="status == 'UP'")

    assert "status == 'UP' is not true: status is 'DOWN' (18 bytes read)" in event
    assert '**Next step**: Was something deployed?' in event


def test_login_wall(aggregator: Any, serve: Serve) -> None:
    login = serve(response(b'<title>Sign in</title>'))
    page = serve()

    (event,) = texts(
        aggregator, page, [response(b'wiki'), redirect(login.url)], search_string='wiki', final_url=page.url
    )

    assert f'`ended at {login.url}; status 200 OK`' in event
    assert '**Next step**: If that is a login page' in event


def test_sample_changes_no_time(aggregator: Any, serve: Serve) -> None:
    """What is read for an event, after the verdict, is no part of the run."""
    answer = response(b'a', X_Frame_Options='DENY')

    texts(aggregator, serve(), [answer], search_header={'X-Frame-Options': 'DENY'})

    assert 'awesome.page.transfer_time' not in aggregator.metric_names
    assert 'awesome.page.size' not in aggregator.metric_names
