"""Runs every instance of a configuration once, several at a time."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from datadog_checks.base import ConfigurationError

from .printing import COLOURS, Paper, as_json, columns
from .progress import Progress
from .result import INVALID, Result, exit_status, invalid
from .trial import Trial
from .validation import Notes

if TYPE_CHECKING:
    from .configuration import Configured

# In columns: longer names are not waited for.
MAX_WIDTH = 40


def run_all(instances: list[Configured], jobs: int, is_json: bool) -> int:
    """Run the instances, print a line for each in their order, and return the worst exit status."""
    crew, statuses = Crew(), list[str]()
    table = None if is_json else Table(instances)
    executor = ThreadPoolExecutor(jobs)
    with Progress(lambda: f'{crew.done} of {len(instances)} instances done') as progress:
        try:
            results = executor.map(partial(crew.run, explains=is_json), instances)
            for configured, result in zip(instances, results, strict=True):
                statuses.append(result.status)
                with progress.hidden():
                    if table:
                        table.row(configured, result)
                    else:
                        print(as_json(result, indent=None), flush=True)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            crew.cancel()
    if table:
        table.end(statuses)
    return max(map(exit_status, statuses))


class Table:
    """Prints a row for each instance, and at the end what is probably wrong with them, and how many are how."""

    def __init__(self, instances: list[Configured]) -> None:
        self._paper, self._notes, self._noted = Paper(), Notes(), list[str]()
        self._count = Counter(configured.label for configured in instances)
        labels = map(self._label, instances)
        self._width = min(max(map(columns, labels), default=0), MAX_WIDTH)

    def row(self, configured: Configured, result: Result) -> None:
        """Print what one run found out."""
        label = self._label(configured)
        self._paper.table_line(result.status, label + ' ' * (self._width - columns(label)), result.message)
        if result.status != INVALID:
            self._noted += self._notes.on(configured)

    def end(self, statuses: list[str]) -> None:
        """Print what there is to say of all of them."""
        for note in self._noted:
            self._paper.note(note)
        found = Counter(statuses)
        shown = ', '.join(f'{found[status]} {status}' for status in COLOURS if found[status])
        print(f'{len(statuses)} instance{"s"[: len(statuses) != 1]}: {shown}')

    def _label(self, configured: Configured) -> str:
        """Return what to call an instance: with its place where several would have the same name."""
        is_unique = self._count[configured.label] == 1 or not configured.number
        return configured.label if is_unique else f'{configured.short_place} {configured.label}'


class Crew:
    """Runs instances in several threads, and can end all their runs at once."""

    def __init__(self) -> None:
        self.done = 0
        self._running: set[Trial] = set()
        self._is_cancelled = False
        self._lock = threading.Lock()

    def run(self, configured: Configured, explains: bool) -> Result:
        """Return what one run found out, with all that there is to say of it where `explains` is true."""
        try:
            trial = Trial(configured)
        except ConfigurationError as e:
            return invalid(str(e), file=configured.file, number=configured.number, name=configured.name)
        with self._lock:
            self._running.add(trial)
            if self._is_cancelled:
                trial.cancel()
        try:
            body = bytearray()
            if explains:
                return trial.result(trial.run(body), bytes(body))
            return trial.summary(trial.run())
        finally:
            with self._lock:
                self._running.remove(trial)
                self.done += 1

    def cancel(self) -> None:
        """End all runs now."""
        with self._lock:
            self._is_cancelled = True
            for trial in self._running:
                trial.cancel()
