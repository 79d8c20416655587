"""The rooms of the package and the walls between them, read from the imports, and the words that it avoids."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from datadog_checks.base import AgentCheck

pytestmark = pytest.mark.unit

PACKAGE = 'datadog_checks.awesome'
ROOT = Path(__file__).parents[1] / 'datadog_checks' / 'awesome'
MODULES = {
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('__init__').rstrip('.'): path
    for path in ROOT.rglob('*.py')
}
# What a module of a room must not import; the rooms are what begins with these names.
WALLS = {
    'reading': ('fetching', 'reporting', 'check', 'probe', 'options', 'config_models', 'secrets'),
    'fetching': ('reading', 'reporting', 'check', 'probe', 'config_models', 'secrets'),
    'reporting': ('check', 'config_models', 'secrets'),
    'probe': ('check', 'config_models'),
    'sweep': ('check', 'config_models', 'secrets'),
    'options': ('reporting', 'check', 'probe'),
    'fault': ('fetching', 'reading', 'reporting', 'check', 'probe', 'options', 'config_models', 'secrets'),
}
# What only an option, a diagnosis or the command needs.
LATE = {
    *('__main__', 'trial', 'reporting.diagnosis', 'reporting.explanation', 'reporting.locate', 'reporting.remedies'),
    'sweep',
    *('fetching.client', 'fetching.credentials', 'reporting.change', 'reporting.change.turns'),
}

# What has a plainer word (fetched, different case, text or a string, forever, lookup) or, as a docstring, another verb.
RULED_OUT = re.compile(
    r'\bobtain(?:ed|s|ing)?\b|\b(?:be|is|was|were) had\b|\b(?:in|of|with) other case\b|\bfor ever\b|\blook-ups?\b'
    r'|\b(?:a|another|every) text\b(?![/-])|\bbelongs? into\b|\bless long\b|"""Give\b',
    re.IGNORECASE,
)


@cache
def imports_of(module: str, at_run_time: bool = False) -> frozenset[str]:
    """Return the modules of the package that a module imports; `at_run_time` leaves out those for types alone."""
    tree = ast.parse(MODULES[module].read_text())
    package = module if MODULES[module].name == '__init__.py' else module.rpartition('.')[0]
    found = set()
    for node in ast.walk(without_types(tree) if at_run_time else tree):
        if isinstance(node, ast.ImportFrom):
            base = f'{PACKAGE}.{package}'.rstrip('.') if node.level else ''
            name = '.'.join(filter(None, (base, node.module)))
            if name == PACKAGE or name.startswith(f'{PACKAGE}.'):
                for alias in node.names:
                    inner = f'{name}.{alias.name}'.removeprefix(f'{PACKAGE}.')
                    found.add(inner if inner in MODULES else name.removeprefix(PACKAGE).lstrip('.'))
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix(f'{PACKAGE}.') for alias in node.names if alias.name.startswith(PACKAGE)}
    return frozenset(found - {module})


def without_types(tree: ast.AST) -> ast.AST:
    class Remove(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if ast.unparse(node.test) == 'TYPE_CHECKING' else node

    return Remove().visit(tree)


@pytest.mark.parametrize('room', WALLS)
def test_walls_hold(room: str) -> None:
    broken = {
        f'{module} imports {imported}'
        for module in MODULES
        if module.split('.')[0] == room
        for imported in imports_of(module)
        if imported.split('.')[0] in WALLS[room] and not (room == 'reporting' and imported == 'probe')
    }

    assert broken == set()


@pytest.mark.parametrize('room', ['fetching', 'reading'])
def test_room_stands_alone(room: str) -> None:
    """Whatever a module of these imports, and so on, is of the same room."""
    reached, imported = set(), {module for module in MODULES if module.split('.')[0] == room}
    while imported:
        reached |= imported
        imported = {other for module in imported for other in imports_of(module, at_run_time=True)} - reached

    assert {module.split('.')[0] for module in reached} == {room, 'fault'}


def test_no_import_goes_in_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, ' -> '.join((*path, module))
        if module not in done:
            for imported in imports_of(module, at_run_time=True):
                visit(imported, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_every_room_is_known() -> None:
    rooms = {module.split('.')[0] for module in MODULES}

    assert rooms == {'', '__about__', '__main__', 'trial', 'check', 'config_models', 'secrets', *WALLS}


def test_agent_imports_only_what_every_run_needs() -> None:
    script = 'import datadog_checks.awesome, sys; print(*sys.modules)'

    loaded = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True).stdout.split()

    assert f'{PACKAGE}.check' in loaded
    assert {f'{PACKAGE}.{module}' for module in LATE} & set(loaded) == set()
    assert {'cryptography', 'requests', 'urllib3', 'jmespath', 'socks', 'idna'} & set(loaded) == set()


def test_check_stays_childless_whatever_is_imported() -> None:
    """The Agent's loader skips a class that has children."""
    modules = [f'{PACKAGE}.{module}'.rstrip('.') for module in MODULES if module != '__main__']
    script = f'import {", ".join(modules)}; from {PACKAGE} import AwesomeCheck; print(AwesomeCheck.__subclasses__())'

    printed = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True).stdout

    assert printed == '[]\n'


def test_functions_are_short() -> None:
    lengths = [
        node.end_lineno - node.lineno + 1
        for module, path in MODULES.items()
        if not module.startswith('config_models') or module.endswith('validators')
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    ]

    assert max(lengths) <= 30
    assert sorted(lengths)[len(lengths) // 2] <= 6


def test_only_the_check_submits() -> None:
    calls = {'gauge', 'service_check', 'event'}
    submitting = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in calls
    }

    assert submitting == {'check'}
    assert issubclass(__import__(PACKAGE, fromlist=['AwesomeCheck']).AwesomeCheck, AgentCheck)


def test_words_are_plain() -> None:
    written = [
        path
        for pattern in ('*.md', '*.csv', 'datadog_checks/**/*', 'assets/**/*', 'examples/**/*')
        for path in ROOT.parents[1].glob(pattern)
        if path.suffix in ('.csv', '.example', '.json', '.md', '.ps1', '.py', '.sh', '.yaml')
    ]

    found = [f'{path.name}: {match[0]}' for path in written for match in RULED_OUT.finditer(path.read_text('utf-8'))]

    assert len(written) > len(MODULES)
    assert found == []
