"""Rules about headers and the final URL: they are decided before the body, of which nothing is read then."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.reading.headers import HeaderRules, judge_headers
from datadog_checks.awesome.reading.verdict import HeaderMiss
from datadog_checks.base import ConfigurationError

from .answers import HEAD, redirect
from .conftest import Result, error_of
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

PAGE = response(b'nginx', X_Powered_By='PHP/8.1', Cache_Control='no-cache, no-store')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'search_header': {'Cache-Control': 'no-store'}}, '', id='contains'),
        pytest.param({'search_header': {'cache-CONTROL': 'no-store'}}, '', id='name in any case'),
        pytest.param({'search_header': {'Cache-Control': ['no-store', 'no-cache']}}, '', id='several'),
        pytest.param({'search_header': {'Cache-Control': ''}}, '', id='any value'),
        pytest.param({'search_header': {'Cache-Control': 'NO-STORE'}, 'case_sensitive': False}, '', id='any case'),
        pytest.param({'search_header': {'Cache-Control': '^no.*store$'}, 'regex': True}, '', id='regex'),
        pytest.param(
            {'search_header': {'Cache-Control': ['no-cache', 'private']}},
            "'private' not found in header Cache-Control: 'no-cache, no-store'",
            id='does not contain',
        ),
        pytest.param(
            {'search_header': {'Cache-Control': 'NO-STORE'}},
            "'NO-STORE' not found in header Cache-Control: 'no-cache, no-store'",
            id='different case',
        ),
        pytest.param(
            {'search_header': {'X-Frame-Options': 'DENY'}}, 'header X-Frame-Options not found', id='no such header'
        ),
        pytest.param(
            {'forbidden_header': {'X-Powered-By': 'PHP'}},
            "found forbidden 'PHP' in header X-Powered-By: 'PHP/8.1'",
            id='forbidden',
        ),
        pytest.param(
            {'forbidden_header': {'X-Powered-By': ''}},
            "found forbidden header X-Powered-By: 'PHP/8.1'",
            id='forbidden header',
        ),
        pytest.param({'forbidden_header': {'X-Powered-By': 'ASP', 'X-Other': ''}}, '', id='nothing forbidden'),
        pytest.param(
            {'search_header': {'A': 'b'}, 'forbidden_header': {'X-Powered-By': ''}},
            "found forbidden header X-Powered-By: 'PHP/8.1'; header A not found",
            id='both',
        ),
    ],
)
def test_rules(options: dict[str, Any], message: str, serve: Serve, run: Run) -> None:
    options.setdefault('search_header', {'Content-Type': 'html'})

    result = run(url=serve(PAGE).url, **options)

    assert result.message == (f'{message}; status 200 OK' if message else '')
    assert result.status == (AwesomeCheck.WARNING if message else AwesomeCheck.OK)
    assert result.metrics['page.reachable'] == 1
    assert result.metrics['search.found'] == (not message)


def test_each_line_is_judged_by_itself(serve: Serve, run: Run) -> None:
    server = serve(HEAD + b'Link: </a.css>\r\nLink: </b.css>; rel=preload\r\nContent-Length: 0\r\n\r\n')

    assert run(url=server.url, search_header={'Link': 'b.css'}).status == AwesomeCheck.OK
    assert run(url=server.url, search_header={'Link': '^</b'}, regex=True).status == AwesomeCheck.OK
    assert run(url=server.url, search_header={'Link': 'a.css>, <'}).status == AwesomeCheck.WARNING


@pytest.mark.parametrize('encoding', ['utf-8', 'latin-1'])
def test_bytes_beyond_ascii_are_read_in_both_ways(encoding: str, serve: Serve, run: Run) -> None:
    server = serve(HEAD + 'X-City: Zürich\r\n'.encode(encoding) + b'Content-Length: 0\r\n\r\n')

    assert run(url=server.url, search_header={'X-City': 'Zürich'}).status == AwesomeCheck.OK
    assert run(url=server.url, search_header={'X-City': 'ZÜRICH'}, case_sensitive=False).status == AwesomeCheck.OK
    assert "'Zürich'" in run(url=server.url, search_header={'X-City': 'Bern'}).message


@pytest.mark.parametrize(
    'options',
    [
        pytest.param({'forbidden_header': {'X-Powered-By': ''}, 'search_string': 'nginx'}, id='a forbidden header'),
        pytest.param({'search_header': {'X-Frame-Options': ''}, 'search_string': 'nginx'}, id='a missing header'),
        pytest.param({'final_url': 'http://127.0.0.1:1/', 'search_string': 'nginx'}, id='a final URL'),
        pytest.param({'search_header': {'X-Powered-By': 'PHP'}}, id='nothing else to decide'),
    ],
)
def test_body_is_not_read(options: dict[str, Any], serve: Serve, run: Run) -> None:
    """The body never comes: who waited for it would run into the timeout."""
    head = HEAD + b'X-Powered-By: PHP\r\nContent-Length: 1000\r\n\r\n'

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        connection.recv(1)

    result = run(url=serve(answer).url, values={'n': 'a {number}'} if 'search_string' in options else None, **options)

    assert result.status in (AwesomeCheck.OK, AwesomeCheck.WARNING)
    assert 'page.size' not in result.metrics
    assert 'page.transfer_time' not in result.metrics
    assert 'encoding' not in result.message


@pytest.mark.parametrize('name', ['Set-Cookie', 'Set-Cookie2'])
def test_set_cookie_is_never_shown(name: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'a', **{name: 'session=5ecret; Path=/'}))

    missing = run(url=server.url, search_header={name.lower(): 'Secure'}).message
    forbidden = run(url=server.url, search_string='a', forbidden_header={name: 'Path'}).message

    assert missing == f"'Secure' not found in header {name.lower()}; status 200 OK"
    assert forbidden == f"found forbidden 'Path' in header {name}; status 200 OK"


def test_secrets_are_masked_in_a_value(serve: Serve, run: Run) -> None:
    server = serve(response(b'a', X_Echo='Bearer 5ecret-token'))

    result = run(
        url=server.url, search_header={'X-Echo': 'nobody'}, extra_headers={'Authorization': 'Bearer 5ecret-token'}
    )

    assert '5ecret' not in result.message
    assert "in header X-Echo: '" in result.message


@pytest.mark.parametrize('option', ['search_header', 'forbidden_header'])
def test_slow_pattern_ends_in_time(option: str, serve: Serve, run: Run) -> None:
    """The search would take seconds, in which the engine holds the whole Agent."""
    server = serve(response(b'nginx', X_Long='a' * 250_000))

    result = run(
        url=server.url, search_string='nginx', regex=True, timeout=1, **{option: {'X-Long': r'(.{1,50}){40}\d'}}
    )

    assert result.message == 'timeout: gave up while searching the page: it would take longer than 1 s'


def test_long_values_and_many_rules_fit_into_a_message(serve: Serve, run: Run) -> None:
    names = [f'X-{number}' for number in range(100)]
    server = serve(response(b'a', X_0='v' * 10_000))

    message = run(url=server.url, search_header=dict.fromkeys(names, 'w' * 1000)).message

    assert len(message) <= 500
    assert re.search(r"\.\.\.v+'; header X-1 not found", message)
    assert message.endswith(' more; status 200 OK')


def test_pure_judgement() -> None:
    rules = HeaderRules((('A', 'x'), ('B', '')), (('A', 'y'),))
    lines = {'A': ['y', 'z'], 'B': []}

    assert judge_headers(rules, lambda name: lines[name]) == (
        HeaderMiss('A', 'y', True, True, 'y'),
        HeaderMiss('A', 'x', False, True, 'y'),
        HeaderMiss('B', '', False, False, ''),
    )


def test_time_that_is_over_once_a_rule_does_not_hold_does_not_change_the_verdict() -> None:
    ticks = iter([None, None])

    def tick(_: float = 0) -> None:
        if next(ticks, 'over'):
            raise Fault(Kind.TIMEOUT, 'over')

    rules = HeaderRules((('A', 'x'),), (('A', 'y'), ('A', 'z')))

    assert judge_headers(rules, lambda _: ['y'], tick) == (HeaderMiss('A', 'y', True, True, 'y'),)
    with pytest.raises(Fault):
        judge_headers(rules, lambda _: [], tick)


@pytest.mark.parametrize(
    ('location', 'final_url', 'ended_at'),
    [
        ('/home', '/home', ''),
        ('/home/today?a=b', '/home', ''),
        ('/home?a=b', '/home?a=b', ''),
        ('/home?a=c', '/home?a=b', '/home'),
        ('/login?next=%2Fhome', '/home', '/login'),
        ('/%7Ea/%c3%bc', '/~a/%C3%BC', ''),
        ('/~a/%C3%BC', '/%7ea/ü', ''),
        ('/a%2Fb', '/a/b', '/a%2Fb'),
        ('/home', '', ''),
    ],
)
def test_final_url(location: str, final_url: str, ended_at: str, serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx'), paths={'/': redirect(location)})

    result = run(url=server.url, search_string='nginx', final_url=f'{server.url[:-1]}{final_url}')

    assert result.message == (f'ended at {server.url[:-1]}{ended_at}; status 200 OK' if ended_at else '')


def test_final_url_on_another_server(serve: Serve, run: Run) -> None:
    login = serve(response(b'Sign in'))
    server = serve(redirect(f'{login.url}?next=5ecret'))

    result = run(url=server.url, search_string='nginx', final_url=server.url)

    assert (result.status, result.message) == (AwesomeCheck.WARNING, f'ended at {login.url}; status 200 OK')


def test_host_that_only_begins_alike_is_another(serve: Serve, run: Run) -> None:
    server = serve(response(b'nginx'))

    result = run(url=server.url, search_string='nginx', final_url=server.url[:-2])

    assert result.status == AwesomeCheck.WARNING


@pytest.mark.parametrize(('limit', 'redirects'), [(0, 0), (0, 1), (2, 2), (2, 3), (20, 20), (20, 21), (None, 11)])
def test_max_redirects(limit: int | None, redirects: int, serve: Serve, run: Run) -> None:
    hops: dict[str, Any] = {f'/{number}': redirect(f'/{number + 1}') for number in range(redirects)}
    server = serve(response(b'nginx'), paths=hops)

    result = run(url=f'{server.url}0', search_string='nginx', max_redirects=limit)

    allowed = 10 if limit is None else limit
    if redirects <= allowed:
        assert (result.status, result.metrics['page.redirects']) == (AwesomeCheck.OK, redirects)
    else:
        told = f'more than {allowed} in a row' if allowed else f'to {server.url}1, and max_redirects is 0'
        assert result.message.startswith(f'redirect: {told}')
        assert len(server.requests) == allowed + 1


def test_head_suffices_for_headers(serve: Serve, run: Run) -> None:
    server = serve(HEAD + b'Content-Length: 1000\r\n\r\n')

    result = run(url=server.url, method='HEAD', search_header={'Content-Type': 'html'})

    assert result.status == AwesomeCheck.OK
    assert server.requests[0].startswith(b'HEAD ')


MAPPING = 'must be a mapping such as {Cache-Control: no-store}, not '
URL = 'must be the URL of a page, such as http://localhost:8000/'
REDIRECTS = 'must be a number from 0 to 20'


@pytest.mark.parametrize('option', ['search_header', 'forbidden_header'])
@pytest.mark.parametrize(
    ('value', 'reason'),
    [
        ('no-store', f'{MAPPING}a string'),
        (['A: b'], f'{MAPPING}a list'),
        ({}, 'must have at least one header'),
        ({'A b': 'c'}, "'A b' is not the name of a header: it may have letters, digits, and hyphens"),
        ({'A:': 'c'}, "'A:' is not the name of a header: it may have letters, digits, and hyphens"),
        ({'A': 1}, 'A must have a string or a list of strings, in quotes, as its value'),
        ({'A': None}, 'A must have a string or a list of strings, in quotes, as its value'),
        ({'A': ['b', 1]}, 'A must have a string or a list of strings, in quotes, as its value'),
        ({'A': []}, 'A must have at least one string'),
        ({'A': ['b', '\ud800']}, 'must have no half of a surrogate pair (\\ud800 to \\udfff)'),
        ({True: 'b'}, 'has a name that is a boolean, not a string: put it in quotes'),
        ({None: 'b'}, 'has a name that is nothing, not a string: put it in quotes'),
    ],
)
def test_header_rules_that_are_none(option: str, value: Any, reason: str) -> None:
    assert error_of(**{option: value}).splitlines()[1:] == [option, f'  Value error, {reason}']


@pytest.mark.parametrize('option', ['search_header', 'forbidden_header'])
def test_regular_expression_that_does_not_compile(option: str) -> None:
    error = error_of(**{option: {'A': '(b'}}, regex=True)

    assert error.endswith(f"Value error, {option}: '(b' is not a regular expression: unclosed group")


@pytest.mark.parametrize(
    ('option', 'value', 'reason'),
    [
        ('final_url', '', URL),
        ('final_url', 'login', 'must start with http:// or https:// and a host'),
        ('final_url', 1, URL),
        ('max_redirects', -1, REDIRECTS),
        ('max_redirects', 21, REDIRECTS),
        ('max_redirects', '3', REDIRECTS),
        ('max_redirects', True, REDIRECTS),
    ],
)
def test_option_that_is_none(option: str, value: Any, reason: str) -> None:
    assert error_of(**{option: value}).splitlines()[1:] == [option, f'  Value error, {reason}']


@pytest.mark.parametrize(
    'options', [{}, {'search_string': None}, {'forbidden_string': 'a'}, {'values': {'a': '{number}'}}]
)
def test_one_rule_is_required(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match='search_string: is required, or search_header or search_json'):
        AwesomeCheck('awesome', {}, [{}]).check({'url': 'http://localhost/', **options})


@pytest.mark.parametrize(
    'options',
    [
        {'search_string': 'a'},
        {'search_json': 'a'},
        {'search_header': {'A': ''}, 'forbidden_string': 'a'},
        {'search_header': {'A': ''}, 'values': {'a': '{number}'}},
    ],
)
def test_head_gets_no_page_to_search(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match='error, method: HEAD gets no page to search: use GET'):
        AwesomeCheck('awesome', {}, [{}]).check({'url': 'http://localhost/', 'method': 'HEAD', **options})


def diagnosis_of(**instance: Any) -> tuple[str, str, str]:
    """Return the last line of a diagnosis: the step, what it says, and what to do."""
    *_, line = json.loads(AwesomeCheck('awesome', {}, [instance]).get_diagnoses())
    return line['name'], line['diagnosis'], line['remediation']


@pytest.mark.parametrize(
    ('options', 'advice'),
    [
        (
            {'search_header': {'Content-Type': 'HTML'}},
            "'HTML': it is there in different case. Set `case_sensitive: false`.",
        ),
        (
            {'search_header': {'Content-Type': '^TEXT'}, 'regex': True},
            "'^TEXT': it is there in different case. Set `case_sensitive: false`.",
        ),
        ({'search_header': {'Link': 'B.css'}}, "'B.css': it is there in different case. Set `case_sensitive: false`."),
        (
            {'search_header': {'Set-Cookie': 'HttpOnly'}},
            "'HttpOnly': it is there in different case. Set `case_sensitive: false`.",
        ),
        ({'search_header': {'Content-Type': 'T{1}'}, 'regex': True}, 'another Content-Type, or correct'),
        ({'search_header': {'X-Frame-Options': ''}}, 'Let the server send X-Frame-Options.'),
        ({'search_header': {'Content-Type': 'json'}}, 'another Content-Type, or correct `search_header`.'),
        (
            {'search_string': 'a', 'forbidden_header': {'X-Powered-By': ''}},
            'Let the server, or the proxy before it, not send that X-Powered-By.',
        ),
        ({'search_string': 'a', 'final_url': 'http://127.0.0.1:1/'}, 'If that is a login page'),
    ],
)
def test_diagnosis(options: dict[str, Any], advice: str, serve: Serve) -> None:
    lines = b'\r\nLink: </a.css>\r\nLink: </b.css>\r\nSet-Cookie: a=5ecret; httponly\r\n\r\n'
    server = serve(PAGE.replace(b'\r\n\r\n', lines))

    step, message, remedy = diagnosis_of(url=server.url, **options)

    assert step == 'response'
    assert '5ecret' not in f'{message}{remedy}'
    assert message.endswith('; status 200 OK')
    assert advice in remedy
    assert remedy.endswith(f' {server.url}')
