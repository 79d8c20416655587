"""The README's recipes for headers, JSON, values, the final URL and slow parts do what it says."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.dev.utils import get_metadata_metrics

from .answers import redirect
from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

README = (Path(__file__).parents[1] / 'README.md').read_text()
SECTION = README.partition('\n## More from the same fetch\n')[2].partition('\n## ')[0]
RECIPES = dict(re.findall(r'\n### (.+?)\n.*?```yaml\n(.+?)```', SECTION, re.DOTALL))
QUERIES = re.findall(r'```text\n(.+?)\n```', SECTION)


def instance_of(title: str) -> dict[str, Any]:
    (instance,) = yaml.safe_load(RECIPES[title])['instances']
    return dict(instance)


def test_every_recipe_is_tested() -> None:
    assert list(RECIPES) == [
        'A health endpoint',
        'Security headers',
        'The length of a queue',
        'A login wall',
        'A slow name server',
    ]


def test_health_endpoint(serve: Serve, run: Run) -> None:
    instance = instance_of('A health endpoint')

    def health(waiting: int, status: str) -> Result:
        body = json.dumps({'status': 'UP', 'errors': [], 'queue': {'waiting': waiting}}).encode()
        return run(**instance | {'url': serve(response(body, status)).url})

    assert health(99, '200 OK').status == AwesomeCheck.OK
    unhealthy = health(120, '503 Service Unavailable')
    assert unhealthy.status == AwesomeCheck.WARNING
    assert unhealthy.message.startswith('queue.waiting < `100` is not true: queue.waiting is 120 (')
    assert '``queue.waiting < `100` is not true: queue.waiting is 120``' in SECTION


def test_security_headers(serve: Serve, run: Run) -> None:
    instance = instance_of('Security headers')
    headers = {
        'Strict-Transport-Security': 'MAX-AGE=31536000',
        'X-Content-Type-Options': 'nosniff',
        'Content-Security-Policy': "default-src 'self'",
    }

    good = run(**instance | {'url': serve(response(b'', **headers)).url})
    bad = run(**instance | {'url': serve(response(b'', **headers, Server='apache/2.4')).url})

    assert good.status == AwesomeCheck.OK
    assert bad.message == "found forbidden 'Apache/2' in header Server: 'apache/2.4'; status 200 OK"


def test_length_of_a_queue(serve: Serve, run: Run) -> None:
    instance = instance_of('The length of a queue')
    page = b'<h1>Job queue</h1><p>Jobs <b>waiting</b>: 1,234</p><td>FAILED</td><td>FAILED</td>'

    result = run(**instance | {'url': serve(response(page)).url})

    assert (result.status, result.values) == (AwesomeCheck.OK, {'jobs_waiting': 1234, 'jobs_failed': 2})


def test_login_wall(serve: Serve, run: Run) -> None:
    instance = instance_of('A login wall')
    login = serve(response(b'Welcome! Sign in'))
    wiki = serve(response(b'Welcome'), paths={'/wiki': redirect('/wiki/Main_Page'), '/': redirect(login.url)})

    def ended(url: str, final_url: str) -> Result:
        return run(**instance | {'url': url, 'final_url': final_url})

    assert ended(f'{wiki.url}wiki', f'{wiki.url}wiki').status == AwesomeCheck.OK
    assert ended(wiki.url, f'{wiki.url}wiki').message == f'ended at {login.url}; status 200 OK'
    assert ended(wiki.url, login.url).status == AwesomeCheck.OK


def test_slow_name_server(monkeypatch: pytest.MonkeyPatch, serve: Serve, run: Run) -> None:
    instance = instance_of('A slow name server')
    look_up = socket.getaddrinfo

    def slow(host: str, *args: Any, **kwargs: Any) -> Any:
        # Addresses are no names.
        time.sleep(0.2 if host == 'localhost' and not kwargs.get('flags') else 0)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, 'getaddrinfo', slow)
    url = serve(response(b'Your order')).url.replace('127.0.0.1', 'localhost')

    metrics = run(**instance | {'url': url}).metrics

    assert metrics['page.lookup_time'] > metrics['page.response_time'] / 2


def test_queries_of_monitors_are_about_metrics_that_are_sent() -> None:
    assert len(QUERIES) == 2
    for query in QUERIES:
        metric, scope = re.search(r'max:(awesome\.[\w.]+)\{(.*?)\} by \{url,instance\} > \d+$', query).groups()  # type: ignore[union-attr]
        assert metric in get_metadata_metrics()
        name = scope.removeprefix('value:')
        assert scope == '*' or name in instance_of('The length of a queue')['values']
