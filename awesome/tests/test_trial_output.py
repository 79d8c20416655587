"""What the command prints for machines and on terminals, and what it hides."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from datadog_checks.awesome.__main__ import main
from datadog_checks.awesome.trial import progress
from datadog_checks.awesome.trial.masking import masked
from datadog_checks.awesome.trial.printing import columns, wrap

from .answers import silence
from .server import Server, response
from .trials import COMMAND, CRITICAL, INVALID, OK, PAGE, WARNING, configuration, try_page

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]

README = (Path(__file__).parents[1] / 'README.md').read_text()
TABLE = dict(
    re.findall(r'^\| `([\w.]+)` \| (.+) \|$', README.partition('\n### JSON\n')[2].partition('\n## ')[0], re.MULTILINE)
)
MASK = '********'
COMMENT_ON_UNKNOWN = (
    f'# {MASK} stands for a secret, or for the value of an unknown option: put it back in to use this.\n'
)
COMMENT = f'# {MASK} stands for a secret: put it back in to use this.\n'


@pytest.fixture
def page(serve: Serve) -> str:
    return serve(response(PAGE.encode(), Last_Modified='Tue, 24 Nov 2020 08:49:37 GMT')).url


def test_json_has_everything(page: str) -> None:
    status, printed = try_page(page, 'Thank', 'THANK', '--forbidden', 'Apache', '--json')
    result = json.loads(printed)

    assert (status, result['version'], result['status']) == (WARNING, 1, 'WARNING')
    assert result['message'].startswith("'THANK' not found (")
    assert (result['found'][0]['string'], result['found'][0]['line']) == ('Thank', 3)
    assert result['missing'] == [
        {'string': 'THANK', 'why': 'it is there in different case', 'set': {'case_sensitive': False}}
    ]
    assert (result['page']['title'], result['page']['address']) == ('Café', '127.0.0.1')
    assert (result['page']['status'], result['page']['status_code']) == ('200 OK', 200)
    assert (result['page']['encoding'], result['page']['encoding_source']) == ('utf-8', 'the Content-Type')
    assert isinstance(result['page']['response_time'], float)
    assert result['metrics']['awesome.search.found'] == 0
    assert result['tags'] == [f'url:{page}', f'instance:{page}']
    assert result['configuration']['instances'][0]['url'] == page


@pytest.mark.parametrize(
    ('arguments', 'status'),
    [
        pytest.param(['Thank'], OK, id='ok'),
        pytest.param(['Thank', '--set', 'addresses=all', '--set', 'values={n: {count: Thank}}'], OK, id='all'),
        pytest.param(['Apache', '--forbidden', 'Thank'], WARNING, id='warning'),
        pytest.param(['Apache'], WARNING, id='missing'),
        pytest.param(['a', '--set', 'url=http://127.0.0.1:1/'], CRITICAL, id='critical'),
        pytest.param(['a', '--set', 'http_response_status_code="404"'], CRITICAL, id='status'),
        pytest.param(['a', '--set', 'url=x'], INVALID, id='invalid'),
    ],
)
def test_json_has_the_keys_of_the_table(arguments: list[str], status: int, page: str) -> None:
    ended, printed = try_page(page, *arguments, '--json')
    result = json.loads(printed)

    lists = ('found', 'missing', 'addresses')
    assert ended == status
    assert set(result) | {f'page.{key}' for key in result['page']} == {
        key for key in TABLE if not key.startswith(tuple(f'{name}.' for name in lists))
    }
    for name in lists:
        for entry in result[name] or ():
            assert {f'{name}.{key}' for key in entry} == {key for key in TABLE if key.startswith(f'{name}.')}
    for entry in result['forbidden'] or ():
        assert {f'found.{key}' for key in entry} == {key for key in TABLE if key.startswith('found.')}
    assert result['version'] == 1


def test_plugin_output_is_that_of_the_readme(serve: Serve) -> None:
    (sample,) = re.findall(r'```text\n(AWESOME .+?)```', README, re.DOTALL)

    status, printed = try_page(serve(response(b'Page not found')).url, 'Welcome', '--nagios')
    first, *more = printed.splitlines()

    assert status == WARNING
    assert re.sub(r'time=[\d.]+', 'time=0.003', f'{first}\n') == sample
    assert more[0].startswith("missing: 'Welcome': ")


@pytest.mark.parametrize(
    ('arguments', 'status', 'first'),
    [
        pytest.param(
            ['a|b', '--timeout', '5'], WARNING, r"AWESOME WARNING - 'a/b' .+ \| time=\S+s;;;0;5 size=\d+B", id='bar'
        ),
        pytest.param(
            ['Thank'], OK, r'AWESOME OK - the page says what it should \| time=\S+s;;;0;10 size=\d+B', id='ok'
        ),
        pytest.param(
            ['a', '--set', 'url=http://127.0.0.1:1/'],
            CRITICAL,
            r'AWESOME CRITICAL - connect: .+ \| time=\S+',
            id='dead',
        ),
        pytest.param(['a', '--set', 'url=x'], INVALID, r'AWESOME UNKNOWN - url: must start with [^|]+', id='invalid'),
    ],
)
def test_plugin_output(arguments: list[str], status: int, first: str, page: str) -> None:
    ended, printed = try_page(page, *arguments, '--nagios')
    line, *more = printed.splitlines()

    assert ended == status
    assert re.fullmatch(first, line)
    assert '|' not in ''.join(more)


def test_plugin_output_has_values_and_the_certificate(ca: trustme.CA, serve_tls: Serve) -> None:
    url = serve_tls(ca.issue_cert('127.0.0.1'), response(b'Waiting: 1,234\nAge: -0.5\nBig: 1' + b'0' * 20)).url
    wanted = {
        'jobs.waiting': 'Waiting: {number}',
        'time': 'Age: {number}',
        'big': 'Big: {number}',
        'no': 'No: {number}',
    }

    printed = try_page(url, 'Waiting', '--no-verify', '--nagios', '--set', f'values={json.dumps(wanted)}')[1]

    first = printed.splitlines()[0]
    assert first.count('|') == 1
    assert re.search(rf'B certificate_days_left=\d+\.\d jobs\.waiting=1234 value_time=-0\.5 big=1{"0" * 20}$', first)


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        pytest.param(['http://localhost/'], 'give at least one SEARCH_STRING', id='no string'),
        pytest.param(['a', 'b', '--timeout'], 'argument --timeout: expected one argument', id='no value'),
        pytest.param(['--config', 'x', '--all'], '--nagios does not go with --all', id='conflict'),
        pytest.param(['--a|b'], 'unrecognized arguments: --a/b', id='bar'),
    ],
)
@pytest.mark.parametrize('is_first', [False, True])
def test_plugin_says_which_argument_is_wrong(
    arguments: list[str], reason: str, is_first: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(['--nagios', *arguments] if is_first else [*arguments, '--nagios'])

    printed = capsys.readouterr()
    assert (ended.value.code, printed.err, printed.out.count('\n')) == (INVALID, '', 1)
    assert printed.out.startswith(f'AWESOME UNKNOWN - {reason}')


def test_terminal_has_colours(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = try_page(page, 'Thank', is_terminal=True)[1]

    assert '\033[1;32mOK\033[0m  ' in printed
    assert '\033[7mThank\033[0m' in printed
    assert '\033' not in try_page(page, 'Thank')[1]
    monkeypatch.setenv('NO_COLOR', '1')
    assert '\033' not in try_page(page, 'Thank', is_terminal=True)[1]


def test_terminal_wraps_lines(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('COLUMNS', '60')
    monkeypatch.setenv('NO_COLOR', '1')

    printed = try_page(page, 'using nginx.', is_terminal=True)[1]
    text = printed.partition('\ninstances:')[0]

    assert max(map(len, text.splitlines())) <= 60
    assert "\n  missing     'using nginx.': it is in the visible text, but\n" + ' ' * 14 + 'the source has ' in text
    assert text.startswith("WARNING  'using nginx.' not found (")
    assert text.splitlines()[1].startswith(' ' * 9)
    assert max(map(len, try_page(page, 'using nginx.')[1].splitlines())) > 60


def test_yaml_is_not_wrapped(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('COLUMNS', '60')

    printed = try_page(page, 'a b ' * 40, is_terminal=True)[1]

    assert configuration(printed)['search_string'] == 'a b ' * 40
    assert f"  search_string: '{'a b ' * 40}'\n" in printed


@pytest.mark.parametrize(
    ('text', 'width', 'lines'),
    [
        pytest.param('a bc d', 4, ['a bc', 'd'], id='words'),
        pytest.param('abcdef g', 3, ['abcdef', 'g'], id='long word'),
        pytest.param('日本 語', 4, ['日本', '語'], id='wide characters'),
        pytest.param('a \033[7mb c\033[0m', 3, ['a \033[7mb\033[0m', '\033[7mc\033[0m'], id='mark'),
        pytest.param('', 9, [''], id='nothing'),
    ],
)
def test_lines_are_wrapped(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines
    assert columns(text) >= columns(lines[0])


SECRET_OPTIONS = {
    'url': 'http://me:Pass1@127.0.0.1:1/a?q=Query2',
    'search_string': 'Query2',
    'tags': ['Header3:Data4'],
    'username': 'me',
    'password': 'Password5',
    'passwort': {'old': ['Unknown7', 7, None]},
    'headers': {'X-Key': 'Header3', 'Accept': 'text/html', 'Authorization': 'k'},
    'data': {'user': 'Data4', 'more': ['Data4']},
    'proxy': {'http': 'http://me:Proxy6@127.0.0.1:1', 'no_proxy': ['localhost']},
    'tls_private_key_password': 'ENC[key[0]]',
}
SHOWN_OPTIONS = {
    'url': f'http://{MASK}@127.0.0.1:1/a?{MASK}',
    'search_string': 'Query2',
    'tags': ['Header3:Data4'],
    'username': 'me',
    'password': MASK,
    'passwort': {'old': [MASK, 7, None]},
    'headers': {'X-Key': MASK, 'Accept': 'text/html', 'Authorization': MASK},
    'data': {'user': MASK, 'more': [MASK]},
    'proxy': {'http': f'http://{MASK}@127.0.0.1:1', 'no_proxy': ['localhost']},
    'tls_private_key_password': 'ENC[key[0]]',
}


def test_configuration_is_masked_by_option(tmp_path: Path) -> None:
    file = tmp_path / 'conf.yaml'
    file.write_text(yaml.safe_dump({'init_config': {'proxy': SECRET_OPTIONS['proxy']}, 'instances': [SECRET_OPTIONS]}))

    printed = try_page('--config', str(file))[1]
    shown = yaml.safe_load(printed[printed.index('init_config:') :])

    assert printed.count(COMMENT_ON_UNKNOWN) == 1
    assert shown == {'init_config': {'proxy': SHOWN_OPTIONS['proxy']}, 'instances': [SHOWN_OPTIONS]}
    assert json.loads(try_page('--config', str(file), '--json')[1])['configuration'] == shown


def test_comment_names_what_is_masked(page: str) -> None:
    assert COMMENT in try_page(page, 'Thank', '--set', 'password=abcdef')[1]
    assert COMMENT in try_page(page, 'Thank', '--set', 'password=abcdef', '--set', 'nonsense=1')[1]


def test_token_is_masked() -> None:
    token = {
        'reader': {'type': 'oauth', 'url': 'http://me:Secret@h/', 'client_id': 'id', 'client_secret': 'abc'},
        'writer': {'type': 'header', 'name': 'X', 'value': 'Bearer <TOKEN>', 'placeholder': '<TOKEN>'},
    }

    shown = masked({'auth_token': token})['auth_token']

    assert shown['reader'] == token['reader'] | {'url': f'http://{MASK}@h/', 'client_secret': MASK}
    assert shown['writer'] == token['writer']
    assert (
        masked({'auth_token': {'writer': {'value': 'Bearer abcdef'}}})['auth_token']['writer']['value']
        == f'Bearer {MASK}'
    )
    writer = {'value': 'Key <b> $', 'placeholder': '$'}
    assert masked({'auth_token': {'writer': writer}})['auth_token']['writer']['value'] == f'Key {MASK} $'


def test_configuration_without_secrets_has_no_comment(page: str) -> None:
    assert COMMENT not in try_page(page, 'Thank')[1]


def test_slow_run_says_what_it_does(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, 'DELAY', 0.01)
    monkeypatch.setattr(progress, 'INTERVAL', 0.01)

    printed = try_page(serve(silence).url, 'a', '--timeout', '0.5', is_terminal=True)[1]
    before, _, after = printed.rpartition('\r')

    assert '\rwaiting for the response, 0 of 0.5 s' in before
    assert re.search(r'\r {20,}$', before)
    assert after.startswith('\033[1;31mCRITICAL')


def test_quick_run_shows_no_progress(page: str) -> None:
    assert '\r' not in try_page(page, 'Thank', is_terminal=True)[1]


def test_watch_tells_when_the_verdict_changes(serve: Serve) -> None:
    pages = iter([b'Welcome', b'Welcome', b'Error', b'Error 2', b'Welcome'])

    def answer(connection: Any, _: bytes) -> None:
        connection.sendall(response(next(pages, b'Welcome')))

    url = serve(answer).url
    with subprocess.Popen(
        [*COMMAND, url, 'Welcome', '--watch', '0.01'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest = process.communicate()

    assert [re.sub(r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ', '', line) for line in lines] == [
        'OK  the page says what it should\n',
        "WARNING  'Welcome' not found (5 bytes read); status 200 OK, encoding utf-8, no title\n",
        'OK  the page says what it should\n',
    ]
    assert (process.returncode, rest) == (130, ('', 'interrupted\n'))


def test_interrupt_ends_all_runs(serve: Serve, tmp_path: Path) -> None:
    servers = [serve(silence) for _ in range(3)]
    file = tmp_path / 'conf.yaml'
    instances = [{'url': server.url, 'search_string': 'a', 'timeout': 600} for server in servers]
    file.write_text(yaml.safe_dump({'instances': instances}))

    with subprocess.Popen(
        [*COMMAND, '--config', str(file), '--all'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not all(server.requests for server in servers) and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        printed = process.communicate()

    assert (process.returncode, printed) == (130, ('', 'interrupted\n'))
