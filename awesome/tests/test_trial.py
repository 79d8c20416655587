"""`python -m datadog_checks.awesome`: what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.__main__ import main
from datadog_checks.awesome.reading.search import Rules
from datadog_checks.awesome.reporting.locate import locate

from .alphabets import ALPHABETS
from .answers import silence
from .conftest import Result
from .leaks import SECRETS, echo, leaks_in
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

PAGE = '<!doctype html>\n<title>Café</title>\n<p>Thank you for <b>using</b>\nnginx&#46;</p>'
COMMAND = [sys.executable, '-m', 'datadog_checks.awesome']


@pytest.fixture
def page(serve: Serve) -> str:
    return serve(response(PAGE.encode(), Last_Modified='Tue, 24 Nov 2020 08:49:37 GMT')).url


def test_page_that_is_as_it_should_be(page: str) -> None:
    status, printed = try_page(page, 'Thank you')

    assert status == OK
    assert printed.startswith('OK  the page says what it should\n')
    assert line(printed, 'found').startswith("'Thank you' in line 3: ")
    assert '<title>Café</title> <p>[[Thank you]] for <b>using</b>' in line(printed, 'found')
    assert line(printed, 'url') == page
    assert line(printed, 'status') == '200 OK'
    assert line(printed, 'encoding') == 'utf-8 (the Content-Type)'
    assert line(printed, 'title') == 'Café'
    assert line(printed, 'size') == f'{len(PAGE.encode())} bytes read'
    assert ' to the first byte' in line(printed, 'time')
    assert line(printed, 'modified').endswith(' days ago')


@pytest.mark.parametrize(
    ('arguments', 'explanation'),
    [
        (['THANK YOU'], "'THANK YOU': it is there in different case; set case_sensitive: false"),
        (
            ['using nginx.'],
            "'using nginx.': it is in the visible text, but the source has markup or white space inside it; set sea",
        ),
        (
            ['Café', '--encoding', 'cp1252'],
            "'Café': the page is in utf-8, but was read as windows-1252 (the option `encoding`)",
        ),
        (['Apache'], "'Apache': not on the page; ignoring case, markup, and encoding does not help"),
    ],
)
def test_miss_is_explained(arguments: list[str], explanation: str, page: str) -> None:
    status, printed = try_page(page, *arguments)

    assert status == WARNING
    assert line(printed, 'missing').startswith(explanation)


def test_forbidden_string_is_shown(page: str) -> None:
    status, printed = try_page(page, 'Thank', '--forbidden', 'Café', '--forbidden', 'Traceback')

    assert status == WARNING
    assert line(printed, 'forbidden').startswith("'Café' in line 2: <!doctype html> <title>[[Café]]</title>")


@pytest.mark.parametrize(
    ('url', 'headline'),
    [
        ('http://127.0.0.1:1/', 'CRITICAL  connect: connection refused'),
        ('http://host.invalid/', 'CRITICAL  DNS: host.invalid'),
    ],
)
def test_dead_host(url: str, headline: str) -> None:
    status, printed = try_page(url, 'a')

    assert status == CRITICAL
    assert printed.startswith(headline)
    assert line(printed, 'next step').startswith('Check ')


def test_error_page(serve: Serve) -> None:
    status, printed = try_page(serve(response(b'', '404 x')).url, 'a')

    assert (status, printed.splitlines()[0]) == (CRITICAL, 'CRITICAL  status: 404 Not Found')
    assert line(printed, 'next step') == 'Check the path in `url`.'


def test_certificate(ca: trustme.CA, serve_tls: Serve) -> None:
    url = serve_tls(ca.issue_cert('127.0.0.1'), response(b'nginx')).url

    assert try_page(url, 'nginx')[0] == CRITICAL
    status, printed = try_page(url, 'nginx', '--no-verify')
    assert status == OK
    assert line(printed, 'certificate').startswith('expires in ')


@pytest.mark.parametrize(
    'arguments',
    [
        ['Thank', 'nginx'],
        ['Apache', 'nginx', '--any'],
        ['T[a-z]+k', '--regex'],
        ['thank', '--ignore-case', '--forbidden', '404'],
        ['using nginx.', '--text'],
        ['Café', '--encoding', 'latin1'],
        ['nginx', '--header', 'X-Key: value', '--timeout', '5', '--no-verify'],
    ],
)
def test_yaml_gives_the_same_verdict(arguments: list[str], page: str, run: Run, tmp_path: Path) -> None:
    status, printed = try_page(page, *arguments)
    instance = configuration(printed)

    result = run(**instance)
    assert (result.status, result.message) == (status, '' if status == OK else printed.splitlines()[0][9:])
    assert len(instance) >= 1 + len([argument for argument in arguments if argument.startswith('--')])

    file = tmp_path / 'conf.yaml'
    file.write_text(yaml.safe_dump({'instances': [{'url': 'http://127.0.0.1:1/', 'search_string': 'a'}, instance]}))
    again, printed = try_page('--config', str(file), '--instance', '2')
    assert (again, configuration(printed)) == (status, instance)
    assert try_page('--config', str(file))[0] == CRITICAL


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['http://localhost/'], 'give at least one SEARCH_STRING'),
        (['http://localhost/', 'a', '--config', 'x'], 'give either a URL or --config'),
        (['http://localhost/', 'a', '--instance', '1'], '--instance takes --config'),
        (['http://localhost/', 'a', '--header', 'X'], "--header takes NAME:VALUE, not 'X'"),
        (['http://localhost/', 'a', '--timeout', 'x'], 'invalid float value'),
        (['http://localhost/', 'a', '--timeout', '0'], 'INVALID  timeout: must be a number of seconds above 0'),
        (['localhost', 'a'], 'INVALID  url: must start with http:// or https://'),
        (['http://localhost/', '('], 'INVALID  search_string: '),
    ],
)
def test_flags_that_are_not_valid(arguments: list[str], message: str) -> None:
    if '(' in arguments:
        arguments = [*arguments, '--regex']

    status, printed = try_page(*arguments)

    assert status == INVALID
    assert message in printed


def test_empty_page_of_the_future(serve: Serve) -> None:
    server = serve(response(b'', Last_Modified='Fri, 24 Nov 2190 08:49:37 GMT'))

    printed = try_page(server.url, 'nginx')[1]

    assert line(printed, 'size') == '0 bytes read'
    assert line(printed, 'modified') == '0.0 days ago'


def test_json_has_everything(page: str) -> None:
    status, printed = try_page(page, 'Thank', 'THANK', '--forbidden', 'Apache', '--json')
    result = json.loads(printed)

    assert (status, result['status']) == (WARNING, 'WARNING')
    assert result['message'].startswith("'THANK' not found (")
    assert (result['found'][0]['string'], result['found'][0]['line']) == ('Thank', 3)
    assert result['missing'][0]['set'] == {'case_sensitive': False}
    assert result['page']['title'] == 'Café'
    assert result['metrics']['awesome.search.found'] == 0
    assert result['tags'] == [f'url:{page}', f'instance:{page}']
    assert result['configuration']['instances'][0]['url'] == page
    assert json.loads(try_page('localhost', 'a', '--json')[1])['status'] == 'INVALID'


def test_page_cannot_control_the_terminal(serve: Serve) -> None:
    evil = '\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\x08'
    server = serve(response(f'<title>{evil}</title>{evil}Thank{evil}'.encode()))

    for arguments in (['Thank'], ['THANK'], ['Thank', '--json'], [f'nginx{evil}']):
        printed = try_page(server.url, *arguments)[1]

        assert all(text.isprintable() for text in printed.split('\n'))


def test_nothing_secret_is_printed(serve: Serve) -> None:
    server = serve(echo(b'HTTP/1.1 200 OK\r\n\r\n<title>', b'</title>'))
    url = f'http://me:{SECRETS["user info"]}@127.0.0.1:{server.port}/?t={SECRETS["query"]}'

    for flag in ([], ['--json']):
        printed = try_page(url, 'HTTP', '--header', f'X-Key: {SECRETS["header"]}', *flag)[1]

        assert leaks_in(printed) == []


def test_built_in_page_needs_nothing() -> None:
    status, printed = try_page()

    assert status == OK
    assert "[[Thank you for using nginx.]]" in line(printed, 'found')
    assert 'Try your own page:' in printed


def test_terminal_has_colours(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('sys.stdout.isatty', lambda: True)

    assert '\033[1;32mOK\033[0m  ' in try_page(page, 'Thank')[1]
    assert '\033[7mThank\033[0m' in try_page(page, 'Thank')[1]
    monkeypatch.setenv('NO_COLOR', '1')
    assert '\033' not in try_page(page, 'Thank')[1]


def test_interrupted_run_ends_without_a_traceback(serve: Serve) -> None:
    asked = serve(silence)
    with subprocess.Popen(
        [*COMMAND, asked.url, 'a'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not asked.requests and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        printed = process.communicate()

    assert (process.returncode, printed) == (130, ('', 'interrupted\n'))


def test_command_ends_with_the_status(page: str) -> None:
    ended = subprocess.run([*COMMAND, page, 'Apache'], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (WARNING, '')
    assert ended.stdout.startswith("WARNING  'Apache' not found")


def test_reader_may_hang_up(page: str) -> None:
    with subprocess.Popen([*COMMAND, page, 'Apache'], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()

        assert (process.stderr.read(), process.wait()) == (b'', WARNING)


def test_agent_imports_neither_the_command_nor_what_only_some_options_need() -> None:
    script = 'import datadog_checks.awesome, sys; print(*sys.modules)'

    imported = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True).stdout.split()

    own = {
        f'datadog_checks.awesome.{name}' for name in ('__main__', 'trial', 'locate', 'diagnosis', 'explain', 'recorder')
    }
    assert 'datadog_checks.awesome.check' in imported
    assert not {*own, 'lxml', 'cryptography'} & set(imported)
