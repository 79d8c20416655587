"""The command on configuration files: which instance it takes, and what it says of files that are none."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .answers import silence
from .conftest import Result
from .server import Server, response
from .trials import CRITICAL, INVALID, OK, WARNING, configuration, try_page

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]
Write = Callable[..., str]

README = (Path(__file__).parents[1] / 'README.md').read_text()
VALID = {'url': 'http://127.0.0.1:1/', 'search_string': 'a'}
LAUGHS = 'a: &a [x, x, x, x, x, x, x, x, x, x]\n' + ''.join(
    f'{name}: &{name} [{", ".join([f"*{before}"] * 10)}]\n' for before, name in zip('abcdefgh', 'bcdefghi', strict=True)
)
MERGES = (
    LAUGHS.replace('[x, x', '{x: [x, x', 1).replace(']\n', ']}\n', 1).replace(' [*', ' {<<: [*').replace(']\n', ']}\n')
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write instances, or a text, to a file; return its path."""

    def write_file(content: str | bytes | list[Any], name: str = 'conf.yaml', **others: Any) -> str:
        if isinstance(content, list):
            content = str(yaml.safe_dump({**others, 'instances': content}, sort_keys=False))
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    return write_file


def test_init_config_of_a_file_counts(serve: Serve, write: Write) -> None:
    instance = {'url': serve(silence).url, 'search_string': 'a'}

    printed = try_page('--config', write([instance], init_config={'timeout': 0.2}))[1]

    assert printed.startswith('CRITICAL  timeout: gave up after 0.2 s')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        pytest.param('a: [', 'cannot be read: line ', id='syntax'),
        pytest.param('\x00', 'cannot be read: ', id='control character'),
        pytest.param(b'a: \xe4', 'cannot be read: byte 4 is not UTF-8', id='not UTF-8'),
        pytest.param('[' * 3000, 'cannot be read: it is nested more than 50 levels deep', id='brackets'),
        pytest.param(LAUGHS, 'cannot be read: with its aliases it has more than 500000 values', id='aliases'),
        pytest.param(MERGES, 'cannot be read: with its aliases it has more than 500000 values', id='merges'),
        pytest.param('&a [*a]', 'cannot be read: with its aliases it has more than 500000 values', id='circle'),
        pytest.param(b'#' * 16777217, 'cannot be read: it is larger than 16777216 bytes', id='size'),
        pytest.param('a: !hunter22', 'for the tag: a value that begins like this needs quotes', id='tag'),
        pytest.param('a: !!bool x', 'cannot be read: a value does not fit its type (KeyError)', id='type'),
        pytest.param(f'!{"x" * 9999}', 'cannot be read: line 1: ', id='long error'),
        pytest.param('a: b\n---\na: c', 'cannot be read: line 2: it has more than one document (---)', id='documents'),
        pytest.param('', 'it has no list of `instances`', id='empty'),
        pytest.param('a: b', 'it has no list of `instances`', id='mapping'),
        pytest.param('instances:', 'it has no list of `instances`', id='nothing'),
        pytest.param('init_config: [a]\ninstances: [a]', '`init_config` must be a mapping', id='init_config'),
        pytest.param('instances: [a]', 'conf.yaml instance 1', id='instance'),
        pytest.param('instances: [{1: a}]', '1 is no option', id='number as an option'),
        pytest.param('instances: [{no: a}]', 'False is no option', id='boolean as an option'),
        pytest.param('instances: [{null: a}]', 'None is no option', id='nothing as an option'),
        pytest.param('instances: [{url: "http://a/"}]', 'search_string: is required', id='option'),
        pytest.param('init_config: {timeout: x}\ninstances: [{}]', 'init_config: timeout: ', id='shared option'),
    ],
)
def test_file_that_is_no_configuration(content: str | bytes, message: str, write: Write) -> None:
    path = write(content)

    for flags in ([], ['--check-config']):
        status, printed = try_page('--config', path, *flags)

        assert (status, len(printed.splitlines())) == (INVALID, 1)
        assert message in printed
        assert len(printed) < 500
        assert 'hunter22' not in printed


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        pytest.param(
            'instances: [{url: "http://a/", search_strings: a}]',
            'search_string: is required, or search_header or search_json; '
            'the option `search_strings` is unknown: `search_string` may be meant\n',
            id='required option',
        ),
        pytest.param(
            'instances: [{URL: "http://a/", search_string: a}]',
            'url: is required; the option `URL` is unknown: `url` may be meant\n',
            id='case',
        ),
        pytest.param(
            'instance: [{url: "http://a/", search_string: a}]',
            'it has no list of `instances`; the option `instance` is unknown: `instances` may be meant\n',
            id='top level',
        ),
        pytest.param(
            'instances:\n  url: http://a/\n  search_string: a',
            'it has no list of `instances`; put "- " before `url`, its first option\n',
            id='no dash',
        ),
        pytest.param(
            'instances: [{url: "http://%%host%%:%%port%%/", search_string: a}]',
            '; %%host%% is a template variable, which only the Agent fills in\n',
            id='template',
        ),
        pytest.param('instances: [{url: x, search_string: a, nonsense: b}]', 'and a host\n', id='nothing alike'),
    ],
)
def test_what_may_be_meant_is_named_beside_the_fault(content: str, message: str, write: Write) -> None:
    for flags in ([], ['--check-config'], ['--all']):
        status, printed = try_page('--config', write(content), *flags)

        assert (status, printed.count('INVALID  ')) == (INVALID, 1)
        assert printed.removesuffix('1 instance: 1 INVALID\n').endswith(message)


def test_fault_of_a_file_is_told_once_whatever_is_misspelt(write: Write) -> None:
    path = write([VALID, {**VALID, 'tagss': ['a']}], init_config={'timeout': -1})

    assert try_page('--config', path, '--check-config')[1].count('\n') == 1


def test_file_without_instances(write: Write) -> None:
    path = write('instances: []')

    assert try_page('--config', path) == (INVALID, f'INVALID  {path} has no instances\n')
    for flag in ('--all', '--check-config'):
        assert try_page('--config', path, flag) == (INVALID, f'INVALID  {path} has no instances\n')


def test_file_that_is_none_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'pipe')

    for name, reason in (('pipe', 'it is not a file'), ('nothing', 'No such file or directory')):
        status, printed = try_page('--config', str(tmp_path / name))

        assert (status, printed) == (INVALID, f'INVALID  {tmp_path / name}: cannot be read: {reason}\n')
    assert try_page('--config', '/dev/zero')[1] == 'INVALID  /dev/zero: cannot be read: it is not a file\n'
    assert try_page('--config', str(tmp_path / 'nothing'), '--nagios')[1].startswith('AWESOME UNKNOWN - ')


def test_aliases_and_odd_types_are_fine(write: Write) -> None:
    path = write(
        'x: &x {url: "http://127.0.0.1:1/", search_string: a}\n'
        'instances: [{<<: *x, tags: [a], data: {day: 2026-11-24, n: .inf, b: !!binary aGk=, s: !!set {c}}}]'
    )

    status, printed = try_page('--config', path, '--json')

    assert status == CRITICAL
    assert json.loads(printed)['configuration']['instances'][0]['tags'] == ['a']
    assert try_page('--config', path)[0] == CRITICAL
    assert json.loads(try_page('--config', path, '--set', 'day=2026-11-24', '--json')[1])['configuration']


@pytest.mark.parametrize(
    ('wanted', 'found'),
    [
        pytest.param([], 'http://127.0.0.1:1/', id='first'),
        pytest.param(['--instance', '2'], 'http://127.0.0.1:2/', id='number'),
        pytest.param(['--instance', 'three'], 'http://127.0.0.1:3/', id='name'),
        pytest.param(['--instance', '1'], 'http://127.0.0.1:4/', id='name before number'),
    ],
)
def test_instance_is_chosen(wanted: list[str], found: str, write: Write) -> None:
    instances = [{**VALID, 'url': f'http://127.0.0.1:{port}/'} for port in range(1, 5)]
    instances[2]['name'] = 'three'
    if found.endswith(':4/'):
        instances[3]['name'] = '1'

    printed = try_page('--config', write(instances), *wanted)[1]

    assert configuration(printed)['url'] == found


@pytest.mark.parametrize(
    ('wanted', 'message'),
    [
        pytest.param('3', 'has only 2 instances', id='number'),
        pytest.param('0', 'instances are numbered from 1 on', id='zero'),
        pytest.param('x', "has no instance with the name 'x'", id='name'),
        pytest.param('twin', "has 2 instances with the name 'twin': give a number", id='twins'),
    ],
)
def test_instance_that_is_not_there(wanted: str, message: str, write: Write) -> None:
    status, printed = try_page('--config', write([{**VALID, 'name': 'twin'}] * 2), '--instance', wanted)

    assert (status, message in printed) == (INVALID, True)


def test_settings_replace_those_of_the_file(write: Write) -> None:
    printed = try_page('--config', write([VALID]), '--set', 'search_string=b', '--set', 'timeout=3')[1]

    assert configuration(printed) == {**VALID, 'search_string': 'b', 'timeout': 3}


def test_directory_is_all_its_files(write: Write, tmp_path: Path) -> None:
    write([{**VALID, 'name': 'b'}], 'b.yaml')
    write([{**VALID, 'name': 'a'}, {**VALID, 'url': 'x'}], 'a.yml')
    write('- a', 'c.yaml')
    write('junk: [', 'conf.yaml.example')
    directory = str(tmp_path)

    status, printed = try_page('--config', directory, '--check-config')

    assert status == INVALID
    assert printed == (
        f'INVALID  {directory}/a.yml instance 2: url: must start with http:// or https:// and a host\n'
        f'INVALID  {directory}/c.yaml: is not a configuration of the check: it has no list of `instances`\n'
    )
    (tmp_path / 'c.yaml').unlink()
    assert configuration(try_page('--config', directory, '--instance', 'b')[1])['name'] == 'b'
    assert 'has several files' in try_page('--config', directory, '--instance', '2')[1]
    (tmp_path / 'empty').mkdir()
    assert try_page('--config', f'{directory}/empty')[1] == f'INVALID  {directory}/empty has no *.yaml\n'


def test_every_invalid_instance_is_named(write: Write) -> None:
    instances: list[Any] = [{**VALID, 'name': f'page {number}'} for number in range(1, 2001)]
    instances[6] |= {'regex': True, 'search_string': '('}
    instances[8] |= {'timeout': 0, 'max_body_size': 0}
    instances[1999] = 'page'
    path = write(instances)

    status, printed = try_page('--config', path, '--check-config')

    assert status == INVALID
    assert printed == (
        f"INVALID  {path} instance 7 (page 7): search_string: '(' is not a regular expression: unclosed group\n"
        f'INVALID  {path} instance 9 (page 9): max_body_size: must be a number of bytes, 1 or more; '
        'timeout: must be a number of seconds above 0\n'
        f'INVALID  {path} instance 2000: must be a mapping of options\n'
    )


def test_valid_configuration_holds(write: Write) -> None:
    path = write([VALID, {**VALID, 'name': 'typo', 'forbiden_string': 'b'}])

    status, printed = try_page('--config', path, '--check-config')

    assert status == OK
    assert printed == (
        f'NOTE  {path} instance 2 (typo): the option `forbiden_string` is unknown: `forbidden_string` may be meant\n'
        'OK  2 valid instances\n'
    )


def test_instances_with_the_same_tags_are_named(write: Write) -> None:
    """The query is no part of the tags, and their order does not count."""
    page = VALID['url']
    instances = [
        VALID,
        {**VALID, 'url': f'{page}?q=1', 'name': 'one'},
        {**VALID, 'url': f'{page}?q=2'},
        {**VALID, 'tags': ['a', 'b']},
        {**VALID, 'tags': ['b', 'a'], 'name': page},
        {**VALID, 'name': 'one', 'tags': ['a']},
    ]
    path = write(instances)

    status, printed = try_page('--config', path, '--check-config')

    assert status == OK
    assert printed == (
        f'NOTE  {path} instance 3: has the same tags as {path} instance 1, '
        'so their metrics overwrite each other: give each its own `name`\n'
        f'NOTE  {path} instance 5 ({page}): has the same tags as {path} instance 4, '
        'so their metrics overwrite each other: give each its own `name`\n'
        'OK  6 valid instances\n'
    )


def test_file_in_the_home_directory_is_there(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('USERPROFILE', str(tmp_path))
    (tmp_path / 'ca.pem').touch()
    path = write([{**VALID, 'tls_ca_cert': '~/ca.pem'}])

    assert try_page('--config', path, '--check-config') == (OK, 'OK  1 valid instance\n')


def test_files_that_are_not_there_are_named(write: Write, tmp_path: Path) -> None:
    absent = str(tmp_path / 'absent.pem')
    path = write([{**VALID, 'tls_ca_cert': absent, 'tls_cert': str(tmp_path)}, {**VALID, 'tls_ca_cert': 'ENC[ca]'}])

    printed = try_page('--config', path, '--check-config')[1]

    assert f'NOTE  {path} instance 1: `tls_ca_cert` is a file that does not exist on this machine\n' in printed
    assert printed.count('does not exist') == 1


def test_what_is_misspelt_outside_the_instances_is_told_once(write: Write) -> None:
    path = write([VALID, {**VALID, 'name': 'b'}], init_config={'timeouts': 5, 'skip_proxy': True}, init_confg=None)
    notes = (
        'the option `init_confg` is unknown: `init_config` may be meant',
        'init_config: the option `timeouts` is unknown: `timeout` may be meant',
    )

    printed = try_page('--config', path, '--check-config')[1]

    assert printed == ''.join(f'NOTE  {path}: {note}\n' for note in notes) + 'OK  2 valid instances\n'
    assert all(f'  note        {note}\n' in try_page('--config', path)[1] for note in notes)


def test_shared_fault_is_told_once(write: Write) -> None:
    path = write([VALID] * 3, init_config={'timeout': -1})

    status, printed = try_page('--config', path, '--check-config')

    assert (status, printed) == (
        INVALID,
        f'INVALID  {path}: init_config: timeout: must be a number of seconds above 0\n',
    )


@pytest.fixture
def shop(serve: Serve, write: Write) -> str:
    """A configuration with an instance for each status."""
    page = serve(response(b'Page not found'))
    broken = serve(response(b'', '503 x'))
    return write(
        [
            {'url': page.url, 'search_string': 'Page', 'name': 'checkout'},
            {'url': page.url, 'search_string': 'Welcome', 'name': 'start'},
            {'url': broken.url, 'search_string': 'a', 'name': 'api'},
            {'url': 'x', 'search_string': 'a', 'name': 'search'},
        ]
    )


def test_all_instances_run(shop: str) -> None:
    (sample,) = re.findall(r'```text\n(OK .+?)```', README, re.DOTALL)

    status, printed = try_page('--config', shop, '--all')

    assert (status, printed) == (INVALID, sample)


@pytest.mark.parametrize(('count', 'worst'), [(1, OK), (2, WARNING), (3, CRITICAL)])
def test_worst_status_is_the_exit_status(count: int, worst: int, shop: str, write: Write) -> None:
    instances = yaml.safe_load(Path(shop).read_text())['instances'][:count]

    for order in (instances, instances[::-1]):
        assert try_page('--config', write(order, 'some.yaml'), '--all', '--jobs', '2')[0] == worst


def test_all_instances_run_at_the_same_time(serve: Serve, write: Write) -> None:
    """Each of the servers answers only when all have been asked."""
    count = 4
    asked = [serve() for _ in range(count)]

    def answer(connection: Any, _: bytes) -> None:
        while not all(server.requests for server in asked):
            pass
        connection.sendall(response(b'a'))

    for server in asked:
        server.paths['/'] = answer
    path = write([{'url': server.url, 'search_string': 'a'} for server in asked])

    status, printed = try_page('--config', path, '--all', '--jobs', str(count))

    assert (status, printed.count('OK  ')) == (OK, count)
    assert printed.endswith(f'\n{count} instances: {count} OK\n')


def test_all_instances_as_json(shop: str) -> None:
    status, printed = try_page('--config', shop, '--all', '--json')
    results = [json.loads(text) for text in printed.splitlines()]

    assert status == INVALID
    assert [(result['name'], result['number'], result['status']) for result in results] == [
        ('checkout', 1, 'OK'),
        ('start', 2, 'WARNING'),
        ('api', 3, 'CRITICAL'),
        ('search', 4, 'INVALID'),
    ]
    assert {result['file'] for result in results} == {shop}
    assert results[1]['missing'][0]['string'] == 'Welcome'


def test_file_without_instances_is_a_line_of_all(write: Write) -> None:
    path = write('a: b')

    assert try_page('--config', path, '--all') == (
        INVALID,
        f'INVALID   {path}  is not a configuration of the check: it has no list of `instances`\n'
        '1 instance: 1 INVALID\n',
    )


def test_rows_with_the_same_name_can_be_told_apart(serve: Serve, write: Write, tmp_path: Path) -> None:
    instance = {'url': serve(response(b'a')).url, 'search_string': 'a'}
    write([{**instance, 'name': 'shop'}, {**instance, 'name': 'shop', 'url': 'x'}, {'url': 5}], 'a.yaml')
    write([{**instance, 'name': 'shop', 'tagss': ['a']}, {**instance, 'name': 'b'}], 'b.yaml')

    status, printed = try_page('--config', str(tmp_path), '--all')

    assert status == INVALID
    assert [re.split(' {2,}', text)[:2] for text in printed.splitlines()] == [
        ['OK', 'a.yaml#1 shop'],
        ['INVALID', 'a.yaml#2 shop'],
        ['INVALID', 'a.yaml#3'],
        ['OK', 'b.yaml#1 shop'],
        ['OK', 'b'],
        ['NOTE', f'{tmp_path}/b.yaml instance 1 (shop): the option `tagss` is unknown: `tags` may be meant'],
        [
            'NOTE',
            f'{tmp_path}/b.yaml instance 1 (shop): has the same tags as {tmp_path}/a.yaml instance 1 (shop), '
            'so their metrics overwrite each other: give each its own `name`',
        ],
        ['5 instances: 3 OK, 2 INVALID'],
    ]


def test_label_hides_what_a_url_hides(serve: Serve, write: Write) -> None:
    server = serve(response(b'a'))

    printed = try_page('--config', write([{'url': f'{server.url}?key=secret', 'search_string': 'a'}]), '--all')[1]

    assert printed == f'OK        {server.url}  the page says what it should\n1 instance: 1 OK\n'
