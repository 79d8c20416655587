"""Validates every instance of a configuration, without a fetch, and says what is odd about them together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from datadog_checks.awesome.fetching.tls import named_files
from datadog_checks.awesome.fetching.urls import parse_url, public_url
from datadog_checks.awesome.secrets import unresolved
from datadog_checks.base import ConfigurationError

from .arguments import EXIT_INVALID
from .configuration import OF_FILE, load, remarks, remarks_on_file
from .printing import Paper
from .result import INVALID

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from .configuration import Configured

CONSEQUENCE = 'so their metrics overwrite each other: give each its own `name`'


def check_config(instances: list[Configured]) -> int:
    """Print a line for each invalid instance and each remark, and return the exit status."""
    paper, faults, notes = Paper(), set[str](), Notes()
    for configured in instances:
        try:
            load(configured)
        except ConfigurationError as e:
            # What is wrong with init_config is wrong for each instance of the file.
            of_file = str(e).startswith(OF_FILE)
            fault = f'{configured.file if of_file else configured.place}: {e}'
            if fault not in faults:
                paper.headline(INVALID, fault)
            faults.add(fault)
        else:
            for note in notes.on(configured):
                paper.note(note)
    if not faults:
        paper.headline('OK', f'{len(instances)} valid instance{"s"[: len(instances) != 1]}')
    return EXIT_INVALID if faults else 0


class Notes:
    """Tells what is probably wrong with valid instances, each thing once."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._first: dict[Hashable, Configured] = {}

    def on(self, configured: Configured) -> Iterator[str]:
        """Yield what was not told yet, with the place."""
        for note in self._all_on(configured):
            if note not in self._told:
                self._told.add(note)
                yield note

    def _all_on(self, configured: Configured) -> Iterator[str]:
        for remark in remarks_on_file(configured):
            yield f'{configured.file}: {remark}'
        for remark in (*remarks(configured), *_absent_files(configured)):
            yield f'{configured.place}: {remark}'
        twin = self._first.setdefault(_tags(configured), configured)
        if twin is not configured:
            yield f'{configured.place}: has the same tags as {twin.place}, {CONSEQUENCE}'


def _tags(configured: Configured) -> Hashable:
    """Return what tells the metrics of a valid instance from those of others."""
    location = public_url(parse_url(configured.instance['url'].strip()))
    return frozenset(configured.instance.get('tags') or ()), location, configured.name or location


def _absent_files(configured: Configured) -> Iterator[str]:
    handles = list(unresolved(configured.instance))
    for option, path in named_files(configured.instance):
        if option not in handles and _is_absent(path):
            # Without the path: somebody may have written the key in its place.
            yield f'`{option}` is a file that does not exist on this machine'


def _is_absent(path: str) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        # Another user may see it.
        return False
    return False
