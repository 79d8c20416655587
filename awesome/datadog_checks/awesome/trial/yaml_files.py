"""Reads YAML that anybody may have written, within bounds of size, depth, and what its aliases expand to."""

from __future__ import annotations

import os
import re
import stat
from typing import Any

import yaml

# In bytes: a file of 10,000 instances has a tenth of this.
MAX_SIZE = 16 * 1024 * 1024
# Counted with what aliases stand for.
MAX_VALUES = 500_000
MAX_CHARACTERS = 4 * MAX_SIZE
MAX_DEPTH = 50
# In characters: a reason may repeat what is in the file.
MAX_REASON = 200
NAMES = re.compile(r'\b(alias|anchor|tag|tag handle) [\'"].*')
# What PyYAML says at the second document.
MORE = 'but found another document'
# Elsewhere PyYAML was built without libyaml, which is ten times as fast.
LOADER: type[Any] = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


def read_yaml(path: str) -> Any:
    """Return what a file holds; raise ValueError saying why it cannot be read, on one line."""
    try:
        # Before it is opened: a pipe would block, and a device may do anything.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError('it is not a file')
        with open(path, 'rb') as file:
            content = file.read(MAX_SIZE + 1)
    except OSError as e:
        raise ValueError(e.strerror or type(e).__name__) from None
    if len(content) > MAX_SIZE:
        raise ValueError(f'it is larger than {MAX_SIZE} bytes')
    try:
        return parse_yaml(content.decode('utf-8-sig'))
    except UnicodeDecodeError as e:
        raise ValueError(f'byte {e.start + 1} is not UTF-8') from None


def parse_yaml(text: str) -> Any:
    """Return the value of a document; raise ValueError saying what is wrong with it, on one line."""
    try:
        _measure(text)
        return yaml.load(text, LOADER)  # noqa: S506 - either loader is safe
    except yaml.MarkedYAMLError as e:
        place = f'line {e.problem_mark.line + 1}: ' if e.problem_mark else ''
        # A password that begins with ! or & is a name to YAML, which repeats it.
        if e.problem == MORE:
            raise ValueError(f'{place}it has more than one document (---)') from None
        problem = NAMES.sub(r'\1: a value that begins like this needs quotes', e.problem or e.context or '')
        raise ValueError(f'{place}{problem}'[:MAX_REASON]) from None
    except yaml.YAMLError as e:
        raise ValueError(' '.join(str(e)[:MAX_REASON].split())) from None
    except _TooMuchError as e:
        raise ValueError(str(e)) from None
    except Exception as e:
        # A value that does not fit its tag, such as `!!bool x`, raises whatever Python raises.
        raise ValueError(f'a value does not fit its type ({type(e).__name__})') from None


class _TooMuchError(Exception):
    """More than a configuration may hold."""


def _measure(text: str) -> None:
    """Raise an error if a document is nested too deep, or has too many values where aliases are expanded.

    It is measured while it is parsed: nothing grows before it is known by how much.
    """
    meter = _Meter()
    for event in yaml.parse(text, LOADER):
        meter.read(event)


class _Meter:
    """Counts the values and characters of a document, and those that its aliases stand for."""

    def __init__(self) -> None:
        self._values = self._characters = 0
        self._anchored: dict[str, tuple[int, int]] = {}
        self._open: list[tuple[str, int, int]] = []

    def read(self, event: yaml.Event) -> None:
        """Count an event; raise an error if that is too much."""
        if isinstance(event, yaml.AliasEvent):
            self._grow(*self._anchored.get(event.anchor, (1, 0)))
        elif isinstance(event, yaml.ScalarEvent):
            self._anchored[event.anchor or ''] = 1, len(event.value)
            self._grow(1, len(event.value))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor or '', self._values, self._characters))
            # What holds itself has no end.
            self._anchored[event.anchor or ''] = MAX_VALUES, 0
            self._grow(1, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, values, characters = self._open.pop()
            self._anchored[anchor] = self._values - values, self._characters - characters

    def _grow(self, values: int, characters: int) -> None:
        self._values += values
        self._characters += characters
        if len(self._open) > MAX_DEPTH:
            raise _TooMuchError(f'it is nested more than {MAX_DEPTH} levels deep')
        if self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            raise _TooMuchError(f'with its aliases it has more than {MAX_VALUES} values or {MAX_CHARACTERS} characters')
