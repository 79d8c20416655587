"""The commands of a clone: what make does, and what README.md and CONTRIBUTING.md tell the reader to type."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

AWESOME = Path(__file__).parents[1]
CLONE = AWESOME.parent
# Copied into another repository, awesome/ has no Makefile above it: there is nothing to test then, nor to skip.
__test__ = (CLONE / 'Makefile').is_file() and shutil.which('make') is not None

PROGRAMS = ('make', 'python', 'python3', 'git', 'ddev', 'uv', 'pytest')
MISSING_PYTHON = (
    'Python 3.13 is neither here nor can it be downloaded (.venv/log says why). '
    'Install it so that python3.13 is on the PATH, and run make again.'
)


def text_of(name: str) -> str:
    return (CLONE / name).read_text() if __test__ else ''


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands of shell blocks, of sessions, and of code spans that begin with a program."""
    for block in re.findall(r'```shell\n(.+?)```', text, re.DOTALL):
        yield from re.split(r' &&\s+|\n', block.strip())
    yield from re.findall(r'^\$ (.+)', text, re.MULTILINE)
    for span in re.findall(r'`([^`\n]+)`', re.sub(r'```.+?```', '', text, flags=re.DOTALL)):
        for command in span.split(' && '):
            program = command.split()[0]
            if program in PROGRAMS or program.endswith(('/run', '/make')):
                yield command


README = text_of('README.md')
PRINTED = sorted({*commands_in(README), *commands_in(text_of('CONTRIBUTING.md'))})


def run(*command: str, cwd: Path = CLONE) -> subprocess.CompletedProcess[str]:
    """Run a command without what an outer make has put into the environment."""
    environment = {'PATH': os.environ['PATH'], 'HOME': str(Path.home()), 'LC_ALL': 'C.UTF-8'}
    return subprocess.run(command, check=False, cwd=cwd, env=environment, capture_output=True, text=True)


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob('*'))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a directory with the Makefile, in which everything seems to be set up."""
    clone = tmp_path / 'äö' / 'clone'
    (clone / 'awesome').mkdir(parents=True)
    shutil.copy(CLONE / 'Makefile', clone)
    for name in ('awesome/pyproject.toml', '.venv/uv/bin/uv', '.venv/demo/ready', '.venv/ddev/ready'):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    return clone


def script(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(('#!/bin/sh', *lines)))
    path.chmod(0o755)


def test_clean_names_no_absolute_path() -> None:
    program, *arguments = run('make', '-n', 'clean').stdout.split()

    assert program == 'rm'
    assert '.venv' in arguments
    assert not [argument for argument in arguments if argument.startswith('/') or '..' in argument]


def test_clean_removes_what_was_set_up(clone: Path) -> None:
    assert run('make', 'clean', cwd=clone).returncode == 0
    assert files(clone) == ['Makefile', 'awesome', 'awesome/pyproject.toml']


@pytest.mark.parametrize('target', ['clean', 'demo', 'test', 'help'])
@pytest.mark.parametrize(
    ('name', 'found'),
    [
        pytest.param('my files', 'white space', id='space'),
        pytest.param('my files ', 'white space', id='space at the end'),
        pytest.param('my\tfiles', 'white space', id='tab'),
        *[pytest.param(f'my{character}files', character, id=character) for character in '$\'":\\`{}[]*?#%'],
    ],
)
def test_a_path_that_tools_cannot_take(target: str, name: str, found: str, clone: Path) -> None:
    (clone.parent / 'my' / '.venv').mkdir(parents=True)
    clone = clone.rename(clone.parent / name)
    before = files(clone.parent)

    done = run('make', target, cwd=clone)

    assert done.returncode != 0
    assert done.stdout == ''
    assert re.fullmatch(rf'.+ in a path with {re.escape(found)}: clone to another one\.  Stop\.\n', done.stderr)
    assert files(clone.parent) == before


def test_only_the_directory_of_the_makefile_is_cleaned(clone: Path, tmp_path: Path) -> None:
    (tmp_path / '.venv').mkdir()

    done = run('make', '-f', f'{clone}/Makefile', 'clean', cwd=tmp_path)

    assert done.returncode != 0
    assert (tmp_path / '.venv').exists()


@pytest.mark.parametrize(
    ('variables', 'expected'),
    [
        pytest.param([], ['--', ''], id='built-in page'),
        pytest.param(['SEARCH=costs $5 (net)'], ['--', '', 'costs $5 (net)'], id='string of the built-in page'),
        pytest.param(['URL=http://host/?a=$b&c', "SEARCH=it's"], ['--', 'http://host/?a=$b&c', "it's"], id='page'),
    ],
)
def test_demo_passes_on_what_was_typed(variables: list[str], expected: list[str], clone: Path) -> None:
    script(clone / '.venv/demo/bin/python', 'shift 2; for argument; do echo "<$argument>"; done; exit 2')

    done = run('make', 'demo', *variables, cwd=clone)

    assert done.returncode == 0, done.stderr
    assert re.findall('<(.*)>', done.stdout) == expected


def test_demo_fails_on_what_is_invalid(clone: Path) -> None:
    script(clone / '.venv/demo/bin/python', 'exit 3')

    assert run('make', 'demo', cwd=clone).returncode != 0


def test_demo_ends_with_a_command_for_the_same_shell(clone: Path) -> None:
    script(clone / '.venv/demo/bin/python')

    label, _, command = run('make', 'demo', cwd=clone).stdout.splitlines()[-1].partition(':  ')

    assert label == 'Try your own page'
    assert run(*shlex.split(command), cwd=clone).returncode == 0


def test_demo_says_that_the_string_is_missing(clone: Path) -> None:
    shutil.rmtree(clone / '.venv')

    done = run('make', 'demo', 'URL=http://localhost/', cwd=clone)

    assert done.returncode != 0
    assert re.fullmatch(r'.+ SEARCH is missing: make demo .+\n', done.stderr)
    assert not (clone / '.venv').exists()


@pytest.mark.parametrize(
    ('variables', 'expected'),
    [
        pytest.param([], ['--here test --cov awesome', '--here test --lint awesome'], id='all'),
        pytest.param(["ARGS=-k 'a or b'"], ['--here test awesome -- -k a or b'], id='some'),
    ],
)
def test_test_calls_ddev(variables: list[str], expected: list[str], clone: Path) -> None:
    script(clone / '.venv/ddev/bin/ddev', 'echo "$@"')
    run('git', 'init', '-q', cwd=clone)

    assert run('make', 'test', *variables, cwd=clone).stdout.splitlines() == expected


def test_ddev_finds_uv_and_writes_inside_the_clone(clone: Path) -> None:
    script(clone / '.venv/ddev/bin/ddev', 'command -v uv; env')
    script(clone / '.venv/uv/bin/uv')
    (clone / '.venv/ddev/ready').touch()

    uv, *lines = run('make', 'sync', cwd=clone).stdout.splitlines()
    environment = dict(line.split('=', 1) for line in lines if '=' in line)

    assert uv == f'{clone}/.venv/uv/bin/uv'
    assert environment['UV_SYSTEM_CERTS'] == 'true'
    for name in ('UV_CACHE_DIR', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'DDEV_CONFIG', 'HATCH_CONFIG'):
        assert environment[name].startswith(f'{clone}/.venv/'), name


def test_test_wants_git(clone: Path) -> None:
    script(clone / '.venv/ddev/bin/ddev', 'echo "$@"')

    done = run('make', 'test', cwd=clone)

    assert done.stdout == ''
    assert 'ddev needs git and a clone of the repository\n' in done.stderr


def test_missing_python_is_one_line(clone: Path) -> None:
    script(clone / '.venv/uv/bin/uv', 'echo "error: Request failed" >&2; exit 1')
    (clone / '.venv/demo/ready').unlink()

    done = run('make', 'demo', cwd=clone)

    assert done.returncode != 0
    assert done.stderr.splitlines()[:-1] == [MISSING_PYTHON]
    assert done.stderr.splitlines()[-1].startswith('make: ')
    assert (clone / '.venv/log').read_text() == 'error: Request failed\n'


def test_help_names_every_target() -> None:
    (targets,) = re.findall(r'^\.PHONY: (.+)', text_of('Makefile'), re.MULTILINE)

    listed = re.findall(r'^make (\w+) +\w', run('make').stdout, re.MULTILINE)

    assert listed == targets.removesuffix(' git').split()


@pytest.mark.parametrize('command', PRINTED)
def test_printed_command_exists(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == 'make':
        assert run('make', '-n', *arguments).returncode == 0
        for options in (argument.removeprefix('ARGS=') for argument in arguments if argument.startswith('ARGS=')):
            assert_pytest_takes(options)
    elif program in ('python', 'python3'):
        shown = run(sys.executable, *arguments, '--help', cwd=AWESOME)
        assert shown.returncode == 0
    elif '/' in program:
        assert os.access(CLONE / program, os.X_OK)
    else:
        assert run('sh', '-c', 'command -v "$0"', program).returncode == 0


def assert_pytest_takes(options: str) -> None:
    collected = run(
        sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '--collect-only', *shlex.split(options), cwd=AWESOME
    )
    assert collected.returncode == 0, collected.stdout


@contextmanager
def served(commands: str, directory: Path) -> Iterator[str]:
    """Run the commands that serve a page on port 8000, on another port; yield the page's URL."""
    assert ' 8000' in commands
    process = subprocess.Popen(
        ['sh', '-c', commands.replace(' 8000', ' 0 --bind 127.0.0.1')],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, 'TMPDIR': str(directory), 'PYTHONUNBUFFERED': '1'},
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout
            yield 'http://localhost:{}/'.format(*re.findall(r' port (\d+)', process.stdout.readline()))
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_the_sample_is_what_is_printed(tmp_path: Path) -> None:
    (commands,) = (block for block in re.findall(r'```shell\n(.+?)```', README, re.DOTALL) if 'http.server' in block)
    ((string, sample),) = re.findall(
        r"^\$ make demo URL=http://localhost:8000/ SEARCH='([^'\n]+)'\n(.+?)```", README, re.DOTALL | re.MULTILINE
    )

    with served(commands, tmp_path) as url:
        shown = run(sys.executable, '-m', 'datadog_checks.awesome', url, string, cwd=AWESOME).stdout

    assert with_any_time(shown.replace(url, 'http://localhost:8000/')) == with_any_time(sample)


def with_any_time(text: str) -> str:
    return re.sub(r'\d\.\d{3} s', 'TIME', text)


def test_both_readmes_show_the_same_page() -> None:
    (demo,) = re.findall(r'```text\n\$ make demo .*?\n(.+?)```', text_of('README.md'), re.DOTALL)
    (shown,) = re.findall(r'```text\n\$ .*?\n(.+?)```', text_of('awesome/README.md'), re.DOTALL)

    assert demo == shown
