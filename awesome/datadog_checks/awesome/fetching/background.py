"""What cannot be interrupted, in a thread that a run waits for until its deadline."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from datadog_checks.awesome.fault import Fault, Kind

from .deadline import SLICE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .deadline import Deadline


# After which a thread that nobody needs ends: some runs of a check.
IDLE_SECONDS = 60


class Background:
    """One call at most a check, in a thread that may stay behind when a run ends."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self._task: _Task | None = None

    def run[T](self, key: Hashable, function: Callable[[], T]) -> T:
        """Return what `function` returns, or raise what it raises; raise a `timeout` fault if it takes too long.

        A call with the same key that an earlier run left behind is waited for again, one with another key is waited for
        before `function` is called.
        """
        if isinstance(threading.current_thread(), _Worker):
            # What runs here already would wait for itself.
            return function()
        if (left_behind := self._task) and left_behind.key != key:
            self._wait(left_behind)
        if self._task is None or self._task.is_done:
            self._task = _start(key, function)
        task = self._task
        self._wait(task)
        self._task = None
        return cast('T', task.take())

    def _wait(self, task: _Task) -> None:
        woken = threading.Event()
        # In this order: a task that ends, or who cancels, does so before it wakes.
        task.wake = self.deadline.wake = woken.set
        while not task.is_done:
            # A task that uses sockets lets a cancellation wake these.
            woken.wait(self.deadline.remaining(SLICE))
        self.deadline.check()


class _Task:
    """A call, and what came of it."""

    def __init__(self, key: Hashable, function: Callable[[], Any]) -> None:
        self.key = key
        self.is_done = False
        self.wake: Callable[[], None] = _nobody
        self._function: Callable[[], Any] | None = function
        self._result: Any = None
        self._error: BaseException | None = None

    def call(self) -> None:
        try:
            self._result = self._function and self._function()
        except BaseException as e:
            self._error = e
        self._function = None

    def end(self) -> None:
        self.is_done = True
        self.wake()

    def take(self) -> Any:
        """Return the result or raise the error."""
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            # Its traceback has this frame: they would keep each other alive.
            del error


def _nobody() -> None:
    """Wake nobody: the call ended before anybody waited for it."""


class _Worker(threading.Thread):
    """A daemon thread that makes calls until there was none for a while: to start one costs as much as a small run."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.tasks: SimpleQueue[_Task] = SimpleQueue()

    def run(self) -> None:
        while task := self._next():
            # For who looks at the threads of an Agent that hangs.
            self.name = f'awesome {task.key}'
            task.call()
            self.name = 'awesome, waiting for a call'
            # In this order: whoever comes after the call finds this thread.
            _idle.append(self)
            task.end()
            # What it holds may be a whole check.
            del task

    def _next(self) -> _Task | None:
        with suppress(Empty):
            return self.tasks.get(timeout=IDLE_SECONDS)
        with suppress(ValueError):
            _idle.remove(self)
            return None
        # Somebody has just taken it from there.
        return self.tasks.get()


# Those that wait for a call, of all checks, the last one last.
_idle: list[_Worker] = []


def _start(key: Hashable, function: Callable[[], Any]) -> _Task:
    task = _Task(key, function)
    try:
        _find_worker().tasks.put(task)
    except RuntimeError:
        raise Fault(Kind.RESOURCES, 'no thread can be started: the Agent has reached a limit of its system') from None
    return task


def _find_worker() -> _Worker:
    """Return a thread that waits for a call, or a new one; raise RuntimeError if the system has none left."""
    with suppress(IndexError):
        while True:
            # In a process that was forked, none goes on.
            if (worker := _idle.pop()).is_alive():
                return worker
    worker = _Worker()
    worker.start()
    return worker
