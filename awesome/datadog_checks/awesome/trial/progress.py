"""What takes long, on a line of a terminal that is gone when it is done."""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from datadog_checks.awesome.reporting.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# In seconds: most runs are over before anybody wonders what they do.
DELAY = 1.0
INTERVAL = 0.2


class Progress:
    """Shows what `describe` returns on stderr while it is entered, if that is a terminal."""

    def __init__(self, describe: Callable[[], str]) -> None:
        self._describe = describe
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._shown = ''
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            self._thread = threading.Thread(target=self._show, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread:
            self._thread.join()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Leave the terminal to somebody else for a while."""
        with self._lock:
            self._write('')
            yield

    def _show(self) -> None:
        wait = DELAY
        while not self._done.wait(wait):
            wait = INTERVAL
            with self._lock:
                self._write(printable(self._describe()))
        with self._lock:
            self._write('')

    def _write(self, text: str) -> None:
        """Replace what is on the line."""
        text = text[: shutil.get_terminal_size().columns - 1]
        if text != self._shown:
            sys.stderr.write(f'\r{text.ljust(len(self._shown))}\r{text}')
            sys.stderr.flush()
            self._shown = text
