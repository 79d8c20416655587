"""The wheel, installed and run as the Agent does it."""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

import datadog_checks.base
from datadog_checks.awesome import __version__

from .server import Server, response

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]

# What the Agent's loader does, https://github.com/DataDog/datadog-agent/blob/main/rtloader/three/three.cpp: the first
# class of the module that is a subclass of AgentCheck, constructed by keyword.
LOADER = """
import importlib, inspect, json, sys
from datadog_checks.base import AgentCheck
from datadog_checks.base.stubs import aggregator

module = importlib.import_module('datadog_checks.awesome')
(check_class,) = (c for _, c in inspect.getmembers(module, inspect.isclass) if issubclass(c, AgentCheck))
check = check_class(name='awesome', init_config={}, instances=(json.loads(sys.argv[1]),))
check.check_id = 'awesome:1'
error = check.run()
statuses = [s.status for s in aggregator.service_checks('awesome.search')]
print(json.dumps([module.__file__, module.__version__, error, statuses]))
"""


@pytest.fixture(scope='session')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp('wheel')
    command = [sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = directory.iterdir()
    return path


def test_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    package = ROOT / 'datadog_checks' / 'awesome'
    sources = {str(path.relative_to(ROOT)) for path in package.rglob('*') if path.suffix in ('.py', '.example')}
    metadata = {f'datadog_awesome-{__version__}.dist-info/{name}' for name in ('METADATA', 'RECORD', 'WHEEL')}

    assert set(ZipFile(wheel).namelist()) == sources | metadata


def test_wheel_meets_the_installers_demands(wheel: Path) -> None:
    metadata = ZipFile(wheel).read(f'datadog_awesome-{__version__}.dist-info/METADATA').decode().splitlines()

    assert 'Name: datadog-awesome' in metadata
    assert 'Requires-Python: >=3.13' in metadata
    assert 'Requires-Dist: datadog-checks-base>=37.33.0' in metadata


def test_wheel_is_reproducible(wheel: Path, tmp_path: Path) -> None:
    """Whenever and wherever it is built."""
    copy = tmp_path / 'elsewhere'
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns('tests', '.*', 'dist'), copy_function=shutil.copyfile)
    (copy / 'tests').mkdir()
    command = [sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', str(tmp_path)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)

    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_installed_wheel_runs_as_the_agent_runs_it(wheel: Path, tmp_path: Path, serve: Callable[..., Server]) -> None:
    venv.create(tmp_path / 'agent', with_pip=True)
    python = tmp_path / 'agent' / 'bin' / 'python'
    constraints = tmp_path / 'final_constraints-py3.txt'
    constraints.touch()
    pip: list[str | Path] = [
        python,
        '-m',
        'pip',
        'install',
        '--constraint',
        constraints,
        '--no-cache-dir',
        '--no-index',
        '--no-deps',
    ]
    subprocess.run([*pip, wheel, '--disable-pip-version-check'], check=True, capture_output=True)
    # The Agent's Python has the base package and what it needs; this one borrows them from the tests' Python.
    (site_packages,) = (tmp_path / 'agent').glob('lib/python*/site-packages')
    (site_packages / 'base.pth').write_text(str(Path(datadog_checks.base.__file__).parents[2]))
    instance = json.dumps({'url': serve(response(b'nginx')).url, 'search_string': 'nginx'})

    result = subprocess.run([python, '-c', LOADER, instance], check=True, capture_output=True, text=True, cwd=tmp_path)

    file, version, error, statuses = json.loads(result.stdout)
    assert Path(file).is_relative_to(site_packages)
    assert (version, error, statuses) == (__version__, '', [0])
