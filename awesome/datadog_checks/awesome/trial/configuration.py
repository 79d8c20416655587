"""The instances of configuration files, and what is wrong with them."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datadog_checks.awesome.check import AwesomeCheck
from datadog_checks.awesome.config_models import InstanceConfig, SharedConfig
from datadog_checks.awesome.config_models.validators import OTHERS
from datadog_checks.awesome.fetching.urls import parse_url, public_url
from datadog_checks.awesome.options import SHARED_OPTIONS, idle, misplaced
from datadog_checks.awesome.reporting.wording import printable
from datadog_checks.awesome.secrets import unresolved
from datadog_checks.base import ConfigurationError

from .yaml_files import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

SUFFIXES = ('.yaml', '.yml')
# How alike two names of options have to be, from 0 to 1, for one to be a typing error of the other.
LIKENESS = 0.8
OPTIONS = InstanceConfig.model_fields.keys() | OTHERS.keys()
# https://docs.datadoghq.com/containers/guide/template_variables/
TEMPLATE = re.compile(r'%%\w+%%')
SHARED = SharedConfig.model_fields.keys() | SHARED_OPTIONS | {'use_agent_proxy'}
TOP_LEVEL = ('init_config', 'instances')
# How the fault of a file begins: it is the same for each of its instances.
OF_FILE = 'init_config: '
# Of a name or URL, in characters.
MAX_LABEL = 80


@dataclass(frozen=True)
class Configured:
    """An instance, and where it stands; `fault` says why there is none."""

    instance: Mapping[str, Any]
    init_config: Mapping[str, Any]
    file: str | None = None
    number: int | None = None
    """Which one of its file it is, from 1 on."""
    fault: str = ''
    keys: tuple[Any, ...] = ()
    """The keys of its file."""

    @property
    def name(self) -> str | None:
        """The option `name`."""
        name = self.instance.get('name')
        return name if isinstance(name, str) and name else None

    @property
    def label(self) -> str:
        """What to call the instance on one line: its name, or its URL without secrets, or its place."""
        if self.name:
            return printable(self.name[:MAX_LABEL])
        url = self.instance.get('url')
        try:
            # In what is no URL, a password may stand anywhere.
            shown = public_url(parse_url(url))[:MAX_LABEL] if isinstance(url, str) else ''
        except ValueError:
            shown = ''
        return printable(shown) or (self.short_place if self.number else self.file or 'instance')

    @property
    def short_place(self) -> str:
        """Which instance of which file it is."""
        return printable(f'{os.path.basename(self.file or "")}#{self.number}')

    @property
    def place(self) -> str:
        """Where to look for the instance: its file, number and name."""
        parts = [self.file, f'instance {self.number}' if self.number else '', f'({self.name})' if self.name else '']
        return printable(' '.join(filter(None, parts)))


def read_instances(path: str, settings: Mapping[str, Any]) -> list[Configured]:
    """Return the instances of a file, or of all YAML files of a directory, with `settings` in place of theirs.

    A file that is no configuration counts as one instance with a fault. Raises ConfigurationError if there are none.
    """
    found = [configured for file in _files(path) for configured in _instances(file)]
    if not found:
        raise ConfigurationError(f'{path} has no instances')
    return [replace(each, instance={**each.instance, **settings}) if not each.fault else each for each in found]


def select(instances: list[Configured], wanted: str | None, path: str) -> Configured:
    """Return the instance with a name or a number from 1 on, by default the first; raise ConfigurationError."""
    for configured in instances:
        if configured.number is None:
            raise ConfigurationError(f'{configured.file}: {configured.fault}')
    named = [configured for configured in instances if wanted is not None and configured.name == wanted]
    if len(named) > 1:
        raise ConfigurationError(f'{path} has {len(named)} instances with the name {wanted!r}: give a number')
    selected = named[0] if named else _numbered(instances, wanted, path)
    if selected.fault:
        raise ConfigurationError(f'{selected.place}: {selected.fault}')
    return selected


def _numbered(instances: list[Configured], wanted: str | None, path: str) -> Configured:
    if wanted is None:
        return instances[0]
    if not wanted.isdecimal():
        raise ConfigurationError(f'{path} has no instance with the name {wanted!r}')
    if len({configured.file for configured in instances}) > 1:
        raise ConfigurationError(f'{path} has several files: give one of them, or the name of an instance')
    number = int(wanted[:9])
    if not 1 <= number <= len(instances):
        count = f'only {len(instances)} instance{"s"[: len(instances) != 1]}'
        raise ConfigurationError(f'{path} has {count}' if number else 'instances are numbered from 1 on')
    return instances[number - 1]


def load(configured: Configured) -> AwesomeCheck:
    """Return a check for a valid instance; raise ConfigurationError saying what is wrong with it, on one line."""
    if configured.fault:
        raise ConfigurationError(configured.fault)
    instance, init_config = dict(configured.instance), dict(configured.init_config)
    try:
        with on_one_line():
            check = AwesomeCheck(name='awesome', init_config=init_config, instances=(instance,))
            check.load_configuration_models()
    except ConfigurationError as e:
        hints = () if str(e).startswith(OF_FILE) else (*_misspelt(instance, OPTIONS), *_templates(instance))
        raise ConfigurationError('; '.join((str(e), *hints))) from None
    return check


@contextmanager
def on_one_line() -> Iterator[None]:
    """Turn whatever is raised about an instance into a ConfigurationError on one line."""
    try:
        yield
    except ConfigurationError as e:
        raise ConfigurationError(_one_line(str(e))) from None
    except Exception as e:
        raise ConfigurationError(f'cannot be understood ({type(e).__name__})') from None


def remarks(configured: Configured) -> Iterator[str]:
    """Yield what is probably wrong with a valid instance."""
    yield from _misspelt(configured.instance, OPTIONS)
    for option in unresolved(configured.instance):
        yield f'`{option}` is a handle of a secret, which only the Agent resolves: it is used as it is'
    yield from idle(configured.instance)


def remarks_on_file(configured: Configured) -> Iterator[str]:
    """Yield what is probably wrong with the file of an instance beside its instances."""
    yield from _misspelt(configured.keys, TOP_LEVEL)
    for remark in _misspelt(configured.init_config, SHARED | OPTIONS):
        yield f'{OF_FILE}{remark}'
    yield from misplaced(configured.init_config)


def _misspelt(given: Iterable[Any], known: Collection[str]) -> Iterator[str]:
    for option in given:
        if option not in known and (meant := get_close_matches(str(option).lower(), known, 1, LIKENESS)):
            yield f'the option `{option}` is unknown: `{meant[0]}` may be meant'


def _templates(instance: Mapping[str, Any]) -> Iterator[str]:
    if variable := TEMPLATE.search(str(instance.get('url'))):
        yield f'{variable[0]} is a template variable, which only the Agent fills in'


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    try:
        found = sorted(str(file) for file in Path(path).iterdir() if file.suffix in SUFFIXES)
    except OSError as e:
        raise ConfigurationError(f'{path}: cannot be read: {e.strerror}') from None
    if not found:
        raise ConfigurationError(f'{path} has no *.yaml')
    return found


def _instances(file: str) -> list[Configured]:
    try:
        content = read_yaml(file)
    except ValueError as e:
        return [Configured({}, {}, file, fault=f'cannot be read: {e}')]
    instances = content.get('instances') if isinstance(content, dict) else None
    if not isinstance(instances, list):
        fault = '; '.join(('is not a configuration of the check: it has no list of `instances`', *_no_list(content)))
        return [Configured({}, {}, file, fault=fault)]
    init_config = content.get('init_config') or {}
    if not isinstance(init_config, dict):
        return [Configured({}, {}, file, fault='is not a configuration of the check: `init_config` must be a mapping')]
    return [
        Configured(instance, init_config, file, number, keys=tuple(content))
        if isinstance(instance, dict)
        else Configured({}, init_config, file, number, fault='must be a mapping of options')
        for number, instance in enumerate(instances, 1)
    ]


def _no_list(content: Any) -> Iterator[str]:
    """Yield why a file has no list of instances."""
    if not isinstance(content, dict):
        return
    instances = content.get('instances')
    if isinstance(instances, dict) and instances:
        yield f'put "- " before `{next(iter(instances))}`, its first option'
    yield from _misspelt(content, TOP_LEVEL)


def _one_line(error: str) -> str:
    """Return a configuration error on one line: "url: must have a host"."""
    found = [line.removeprefix('  Value error,').strip() for line in error.splitlines()]
    pairs = list(zip(found[1::2], found[2::2], strict=False))
    where = OF_FILE if found and 'SharedConfig' in found[0] else ''
    reason = '; '.join(f'{option}: {reason}' if option else reason for option, reason in pairs)
    return where + (reason or ' '.join(error.split()))
