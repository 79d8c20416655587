"""Runs every instance of a configuration once, several at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from datadog_checks.base import ConfigurationError

from .printing import Paper, as_json, columns
from .progress import Progress
from .result import Result, exit_status, invalid
from .trial import Trial

if TYPE_CHECKING:
    from .configuration import Configured

# In columns: longer names are not waited for.
MAX_WIDTH = 40


def run_all(instances: list[Configured], jobs: int, is_json: bool) -> int:
    """Run the instances, print a line for each in their order, and return the worst exit status."""
    crew, paper, worst = Crew(), Paper(), 0
    width = min(max((columns(configured.label) for configured in instances), default=0), MAX_WIDTH)
    executor = ThreadPoolExecutor(jobs)
    with Progress(lambda: f'{crew.done} of {len(instances)} instances done') as progress:
        try:
            results = executor.map(partial(crew.run, explains=is_json), instances)
            for configured, result in zip(instances, results, strict=True):
                worst = max(worst, exit_status(result.status))
                with progress.hidden():
                    if is_json:
                        print(as_json(result, indent=None), flush=True)
                    else:
                        label = configured.label + ' ' * (width - columns(configured.label))
                        paper.table_line(result.status, label, result.message)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            crew.cancel()
    return worst


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
