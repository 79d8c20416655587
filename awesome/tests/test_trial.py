"""`python -m datadog_checks.awesome`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
import yaml

from datadog_checks.awesome import __version__
from datadog_checks.awesome.trial.printing import lines
from datadog_checks.awesome.trial.result import PageResult
from datadog_checks.awesome.trial.result import Result as Found

from .answers import silence
from .conftest import Result
from .leaks import SECRETS, echo, leaks_in
from .server import Server, response
from .trials import COMMAND, CRITICAL, INVALID, OK, PAGE, WARNING, configuration, line, try_page

NO_STRING = '--set search_json=... or --set search_header=...'

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]


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
    assert line(printed, 'address') == '127.0.0.1'
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
            "'using nginx.': it is in the visible text, but the source has markup, entities, or white space inside it",
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
    ('markup', 'flags', 'note'),
    [
        ('<p>using <b>nginx</b>', [], 'is in the visible text, but the source has markup, entities, or white space'),
        ('<p>USING nginx', [], 'is there in different case; set case_sensitive: false'),
        ('<p>a<!-- using nginx -->', ['--text'], ''),
        ('<p>nothing', [], ''),
    ],
    ids=['markup', 'case', 'where no reader sees it', 'not there'],
)
def test_forbidden_string_that_the_rules_do_not_see_is_noted(
    markup: str, flags: list[str], note: str, serve: Serve
) -> None:
    url = serve(response(f'<title>Welcome</title>{markup}'.encode())).url

    status, printed = try_page(url, 'Welcome', '--forbidden', 'using nginx', *flags)

    assert status == OK
    noted = [text for text in printed.splitlines() if text.startswith('  note ')]
    assert all(note in text for text in noted)
    assert len(noted) == bool(note)


def test_what_a_forbidden_string_left_undecided_is_named(page: str) -> None:
    printed = try_page(page, 'Thank', 'Apache', '--forbidden', 'Café', '--forbidden', 'Traceback')[1]

    assert line(printed, 'undecided') == "'Apache', 'Traceback': reading ended at what is forbidden"
    assert 'undecided' not in try_page(page, 'Apache', '--forbidden', 'Caf.', '--regex')[1]


def test_port_of_a_proxy_is_shown(serve: Serve) -> None:
    proxy = serve(response(b'nginx'))

    printed = try_page('http://host.invalid/', 'nginx', '--set', f'proxy={{http: "{proxy.url}"}}')[1]

    assert line(printed, 'address') == f'127.0.0.1 port {proxy.port}'


def test_port_of_the_url_is_not_repeated(serve: Serve) -> None:
    assert line(try_page(serve(silence).url, 'a', '--timeout', '0.2')[1], 'address') == '127.0.0.1'


@pytest.mark.parametrize(
    ('url', 'headline', 'address'),
    [
        ('http://127.0.0.1:1/', 'CRITICAL  connect: connection refused', '  address     127.0.0.1 (not connected)\n'),
        ('http://host.invalid/', 'CRITICAL  DNS: host.invalid', ''),
    ],
)
def test_dead_host(url: str, headline: str, address: str) -> None:
    status, printed = try_page(url, 'a')

    assert address in printed
    assert re.search(r'^  time +\d+\.\d{3} s$', printed, re.MULTILINE)

    assert status == CRITICAL
    assert printed.startswith(headline)
    assert line(printed, 'next step').startswith('Check ')


def test_error_page(serve: Serve) -> None:
    status, printed = try_page(serve(response(b'', '404 x')).url, 'a')

    assert (status, printed.splitlines()[0]) == (CRITICAL, 'CRITICAL  status: 404 Not Found')
    assert (
        line(printed, 'next step')
        == 'Check the path in `url`. If this status is right, set `http_response_status_code`.'
    )


def test_certificate(ca: trustme.CA, serve_tls: Serve, tmp_path: Path) -> None:
    url = serve_tls(ca.issue_cert('127.0.0.1'), response(b'nginx')).url

    status, printed = try_page(url, 'nginx')
    assert (status, 'not verified' in printed) == (CRITICAL, False)
    status, printed = try_page(url, 'nginx', '--no-verify')
    assert status == OK
    assert re.fullmatch(r'expires in [\d,]+ days \(not verified\)', line(printed, 'certificate'))
    authority = tmp_path / 'ca.pem'
    ca.cert_pem.write_to_path(str(authority))
    for setting in ('tls_verify=false', 'tls_verify=true'):
        printed = try_page(url, 'nginx', '--set', setting, '--set', f'tls_ca_cert={authority}')[1]
        assert line(printed, 'certificate').endswith(' days')


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
        (['http://localhost/'], f'give at least one SEARCH_STRING for the page to contain, or {NO_STRING}; see --help'),
        (['http://localhost/', '--forbidden', 'a'], f'for the page to contain, or {NO_STRING}; see --help'),
        (['http://localhost/', '--set', 'timeout=3'], 'give at least one SEARCH_STRING'),
        (['http://localhost/', 'a', '--config', 'x'], 'give either a URL or --config'),
        (['', '--config', 'x'], 'give either a URL or --config'),
        (['http://localhost/', 'a', '--instance', '1'], '--instance needs --config'),
        (['http://localhost/', 'a', '--all'], '--all needs --config'),
        (['--config', 'x', '--jobs', '2'], '--jobs needs --all'),
        (['--config', 'x', '--all', '--jobs', '0'], 'argument --jobs: takes a number from 1 to 999, not \'0\''),
        (['--config', 'x', '--text'], '--text does not go with --config: use --set'),
        (['--config', 'x', '--all', '--check-config'], '--all does not go with --check-config'),
        (['--config', 'x', '--all', '--nagios'], '--nagios does not go with --all'),
        (['--json', '--watch', '1'], '--json does not go with --watch'),
        (['--watch', '0'], "argument --watch: takes a number of seconds above 0, not '0'"),
        (['--watch', 'nan'], "argument --watch: takes a number of seconds above 0, not 'nan'"),
        (['--watch', 'x'], "argument --watch: takes a number of seconds above 0, not 'x'"),
        (['http://localhost/', 'a', '--header', 'X'], "argument --header: takes NAME:VALUE, not 'X'"),
        (['--set', 'timeout'], "argument --set: takes OPTION=YAML, not 'timeout'"),
        (['http://localhost/', 'a', '--header', 'X-Key hunter22'], "takes NAME:VALUE, not 'X-Key';"),
        (['--set', 'pass-word=hunter22'], "takes OPTION=YAML, not 'pass-word';"),
        (['--set', 'password=!hunter22'], 'password: line 1: could not determine a constructor for the tag: a value'),
        (['--set', 'tags=['], 'argument --set: tags: line '),
        (['--set', 'tags=' + '[' * 3000], 'argument --set: tags: it is nested more than 50 levels deep'),
        (['http://localhost/', 'a', '--timeout', 'abc'], "--timeout: takes a number of seconds above 0, not 'abc'"),
        (['http://localhost/', 'a', '--timeout', '0'], "--timeout: takes a number of seconds above 0, not '0'"),
        (['http://localhost/', 'a', '--set', 'timeout=0'], 'INVALID  timeout: must be a number of seconds above 0'),
        (['http://localhost/', 'a', '--set', 'proxy=x'], 'INVALID  proxy: must be a mapping'),
        (['http://localhost/', 'a', '--set', 'headers=1'], 'INVALID  headers: must be a mapping'),
        (['localhost', 'a'], 'INVALID  url: must start with http:// or https://'),
        (['http://localhost/', '(', '--regex'], 'INVALID  search_string: '),
        (['--nonsense'], 'unrecognized arguments: --nonsense'),
    ],
)
def test_flags_that_are_not_valid(arguments: list[str], message: str) -> None:
    status, printed = try_page(*arguments)

    assert status == INVALID
    assert message in printed
    assert printed.count('\n') == 1


def test_flags_may_stand_anywhere(page: str) -> None:
    for arguments in (
        [page, '--ignore-case', 'THANK', 'YOU'],
        ['--ignore-case', page, 'THANK', 'YOU'],
        ['--ignore-case', '--', page, 'THANK', 'YOU'],
        [page, '--ignore-case', '--', 'THANK', 'YOU'],
    ):
        status, printed = try_page(*arguments)

        assert (status, configuration(printed)['search_string']) == (OK, ['THANK', 'YOU'])
    assert configuration(try_page(page, '--', '-x')[1])['search_string'] == '-x'


def test_any_option_can_be_set(page: str) -> None:
    status, printed = try_page(
        page, '--set', 'search_string=[THANK, you]', '--set', 'case_sensitive=no', '--set', 'tags=[a:b]'
    )

    assert status == OK
    assert configuration(printed) == {
        'url': page,
        'search_string': ['THANK', 'you'],
        'case_sensitive': False,
        'tags': ['a:b'],
    }


def test_option_that_is_probably_meant_is_named(page: str) -> None:
    settings = ['forbiden_string=nginx', 'password=ENC[handle]', 'extra_headers={X-Key: "ENC[handle]"}']
    printed = try_page(page, 'Thank', *(word for setting in settings for word in ('--set', setting)))[1]

    assert [text[14:] for text in printed.splitlines() if text.startswith('  note ')] == [
        'the option `forbiden_string` is unknown: `forbidden_string` may be meant',
        '`password` is a handle of a secret, which only the Agent resolves: it is used as it is',
        '`extra_headers` is a handle of a secret, which only the Agent resolves: it is used as it is',
        '`password` does nothing without `username`',
    ]


def test_empty_page_of_the_future(serve: Serve) -> None:
    server = serve(response(b'', Last_Modified='Fri, 24 Nov 2190 08:49:37 GMT'))

    printed = try_page(server.url, 'nginx')[1]

    assert line(printed, 'size') == '0 bytes read'
    assert line(printed, 'modified') == 'less than a minute ago'


@pytest.mark.parametrize(
    ('seconds', 'shown'),
    [
        (59, 'less than a minute ago'),
        (61, '1 minute ago'),
        (7199, '1 hour ago'),
        (7201, '2 hours ago'),
        (86400, '1 day ago'),
        (172799, '1 day ago'),
        (86400 * 2000, '2,000 days ago'),
    ],
)
def test_age_is_told_in_the_unit_that_fits(seconds: float, shown: str) -> None:
    found = Found(status='OK', message='', page=PageResult(age=seconds), configuration={'instances': [{'url': ''}]})

    assert dict(lines(found, str))['modified'] == shown


def test_whole_seconds_are_written_as_such(page: str) -> None:
    assert '\n  timeout: 2\n' in try_page(page, 'Thank', '--timeout', '2')[1]
    assert '\n  timeout: 2.5\n' in try_page(page, 'Thank', '--timeout', '2.5')[1]


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
    assert '[[Thank you for using nginx.]]' in line(printed, 'found')
    assert 'Try your own page:' in printed


def test_empty_url_is_the_built_in_page() -> None:
    status, printed = try_page('--', '', 'Apache')

    assert (status, line(printed, 'title')) == (WARNING, 'Welcome to nginx!')
    assert 'Try your own page:' not in printed


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


def test_reader_of_a_stream_may_hang_up(tmp_path: Path) -> None:
    file = tmp_path / 'conf.yaml'
    file.write_text(yaml.safe_dump({'instances': [{'url': 'x', 'search_string': 'a'}] * 9}))

    with subprocess.Popen(
        [*COMMAND, '--config', str(file), '--check-config'], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()

        assert (process.stderr.read(), process.wait()) == (b'', 141)


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs a device that is full')
def test_output_that_is_lost_is_an_error(page: str) -> None:
    with open('/dev/full', 'w') as full:
        ended = subprocess.run([*COMMAND, page, 'Thank'], stdout=full, stderr=subprocess.PIPE, text=True)

    assert (ended.returncode, ended.stderr) == (
        INVALID,
        f'{" ".join(COMMAND[1:])}: No space left on device\n'.replace('-m', 'python -m'),
    )


@pytest.mark.parametrize('flags', [[], ['--json'], ['--nagios']])
def test_what_nobody_foresaw_is_one_line(flags: list[str], page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('datadog_checks.awesome.trial.trial.load', lambda _: 1 / 0)

    status, printed = try_page(page, 'Thank', *flags)

    assert status == INVALID
    assert printed.startswith('AWESOME UNKNOWN - ' if flags == ['--nagios'] else 'python -m datadog_checks.awesome: ')
    assert printed.partition('internal error: ')[2].startswith('ZeroDivisionError in test_trial.py, line ')
    assert printed.count('\n') == 1


def test_error_inside_the_check_is_named(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('datadog_checks.awesome.probe.read', lambda *_: 1 / 0)

    status, printed = try_page(page, 'Thank')

    assert (status, line(printed, 'note')) == (CRITICAL, 'ZeroDivisionError: division by zero')
    assert 'Traceback' not in printed


@pytest.mark.parametrize('flag', ['--save', '--against'])
def test_file_without_a_name(page: str, flag: str) -> None:
    assert try_page(page, 'Thank', flag, '') == (
        INVALID,
        'python -m datadog_checks.awesome: No such file or directory\n',
    )


def test_body_is_saved(page: str, tmp_path: Path) -> None:
    file = tmp_path / 'page.html'

    assert try_page(page, 'Apache', '--save', str(file))[0] == WARNING
    assert file.read_text() == PAGE
    status, printed = try_page(page, 'Thank', '--save', str(tmp_path))
    assert (status, printed) == (INVALID, f'python -m datadog_checks.awesome: {tmp_path}: Is a directory\n')


def test_saved_body_is_told_of(page: str, tmp_path: Path) -> None:
    file = tmp_path / 'page.html'
    size = len(PAGE.encode())

    assert line(try_page(page, 'Thank', '--save', str(file))[1], 'saved') == f'{size} bytes to {file}'
    printed = try_page(page, 'Thank', '--save', str(file), '--json')[1]
    assert json.loads(printed)['saved'] == f'{size} bytes to {file}'
    assert f'saved: {size} bytes to {file}' in try_page(page, 'Thank', '--save', str(file), '--nagios')[1]


def test_page_that_is_not_there_replaces_nothing(tmp_path: Path) -> None:
    file, other = tmp_path / 'page.html', tmp_path / 'other.html'
    file.write_text('good')

    for path in (file, other):
        status, printed = try_page('http://127.0.0.1:1/', 'a', '--save', str(path))
        assert (status, line(printed, 'saved')) == (CRITICAL, 'nothing: no page came')

    assert (file.read_text(), os.listdir(tmp_path)) == ('good', ['page.html'])


def test_empty_page_is_saved(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / 'page.html'
    file.write_text('old')

    assert line(try_page(serve(response(b'')).url, 'a', '--save', str(file))[1], 'saved') == f'0 bytes to {file}'
    assert file.read_text() == ''


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs a device that is full')
def test_saved_page_keeps_its_mode_and_links_and_devices_stay(page: str, tmp_path: Path) -> None:
    file, link = tmp_path / 'page.html', tmp_path / 'link.html'
    file.write_text('old')
    file.chmod(0o604)
    link.symlink_to(file)

    before = file.stat().st_ino
    try_page(page, 'Thank', '--save', str(link))
    assert (link.is_symlink(), file.read_text(), file.stat().st_ino) == (True, PAGE, before)
    try_page(page, 'Thank', '--save', str(file))
    assert (file.stat().st_mode & 0o777, file.stat().st_ino == before) == (0o604, False)
    assert sorted(os.listdir(tmp_path)) == ['link.html', 'page.html']
    assert try_page(page, 'Thank', '--save', '/dev/full')[0] == INVALID
    assert Path('/dev/full').is_char_device()


def test_page_is_compared_with_one_that_was_saved(serve: Serve, tmp_path: Path) -> None:
    server, file = serve(response(b'<title>Shop</title><p>Your order<p>Total')), tmp_path / 'page.html'
    assert try_page(server.url, 'order', '--save', str(file))[0] == OK
    assert line(try_page(server.url, 'order', '--against', str(file))[1], 'differs') == 'nothing'
    server.paths['/'] = response(b'<title>Shop</title><p>Log in<p>Total', '401 x')

    status, printed = try_page(server.url, 'order', '--against', str(file))

    assert status == CRITICAL
    assert re.findall(r'^  differs +(.*)', printed, re.MULTILINE) == ["went: 'Your order'", "came: 'Log in'"]


def test_page_is_compared_with_another_which_gets_no_secret(serve: Serve) -> None:
    other, server = serve(echo(b'HTTP/1.1 200 OK\r\n\r\n')), serve(response(b'nginx'))

    printed = try_page(server.url, 'nginx', '--header', 'X-Key: hunter22', '--json', '--against', other.url)[1]

    assert ['came', "'nginx'"] in [[one['what'], one['change']] for one in json.loads(printed)['differences']]
    assert 'hunter22' not in str(other.requests)


@pytest.mark.parametrize(
    ('other', 'reason'),
    [
        ('/nowhere/page.html', 'python -m datadog_checks.awesome: /nowhere/page.html: No such file or directory\n'),
        ('http://127.0.0.1:1/', 'INVALID  --against: connect: connection refused by 127.0.0.1 port 1\n'),
        ('http://', 'INVALID  url: must have a host\n'),
    ],
)
def test_page_that_cannot_be_compared_with(other: str, reason: str, page: str) -> None:
    status, printed = try_page(page, 'Thank', '--against', other)

    assert status == INVALID
    assert printed.startswith(reason)


def test_help_has_the_exit_statuses() -> None:
    status, printed = try_page('--help')

    assert status == 0
    for code in ('0', '1', '2', '3', '130', '141'):
        assert f'\n{code:>3}  ' in printed
    assert NO_STRING in ' '.join(printed.split())
    assert try_page('--version') == (0, f'awesome {__version__}\n')


@pytest.mark.skipif(sys.platform == 'win32', reason='needs a shell')
def test_closed_streams_leave_the_status(page: str) -> None:
    command = 'exec "$@" >&- 2>&-'

    assert subprocess.run(['sh', '-c', command, 'sh', *COMMAND, page, 'Apache']).returncode == WARNING
    assert subprocess.run(['sh', '-c', command, 'sh', *COMMAND, 'x', 'Apache']).returncode == INVALID


@pytest.mark.skipif(sys.platform == 'win32', reason='needs a shell')
def test_stream_that_is_closed_takes_no_other_along(page: str) -> None:
    command = ['sh', '-c', 'exec "$@" 2>&-', 'sh', *COMMAND, page, 'Apache']

    assert subprocess.run(command, capture_output=True).stdout.startswith(b'WARNING')


def test_what_no_encoding_has_is_invalid(page: str) -> None:
    status, printed = try_page(page, 'Thank', '--set', 'data="\\ud800"')

    assert (status, printed.count('\n')) == (INVALID, 1)
