"""The end of a run: credentials, lookup, connect, handshake, headers and body share one deadline.

The timeouts of most clients limit each socket operation, so a server that sends a byte now and then is never late. Here
each operation gets what remains of the whole.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Activity, Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

# In seconds: a socket's timeout ends about when the run does, not exactly.
ROUNDING = 0.005
# The longest that a cancellation waits where nothing wakes what the run waits for, in seconds.
SLICE = 0.2


class Deadline:
    """The end of a check's current run, what the run is doing, and how to wake it; a clock that knows no socket."""

    def __init__(self) -> None:
        self.cancelled = False
        self.wake: Callable[[], None] | None = None
        """Ends what the run is blocked by; called from another thread."""
        self.start(float('inf'))

    def start(self, seconds: float) -> None:
        """Begin a run that ends in `seconds`; a cancellation that came before it counts."""
        self._seconds = seconds
        self._start = self._since = time.monotonic()
        self._end = self._start + seconds
        self.spent: dict[Activity, float] = {}
        """The seconds that each activity took so far."""
        self.activity = Activity.START
        self._details: tuple[object, ...] = ()
        if self.cancelled:
            self._end = float('-inf')

    @property
    def details(self) -> tuple[object, ...]:
        """What fills in the phrase of `activity`: foreign values, which may be secret."""
        return self._details

    def finish(self) -> None:
        """End the run: what is cancelled from now on is the next."""
        self.cancelled, self.wake = False, None

    def cancel(self) -> None:
        """End the current run now, or the next as soon as it begins; called from another thread."""
        self.cancelled = True
        self._end = float('-inf')
        if wake := self.wake:
            wake()

    def begin(self, activity: Activity, *details: object) -> None:
        """Note what the run is doing from now on: `details` fill in the phrase of `activity`."""
        now = time.monotonic()
        self.spent[self.activity] = self.spent.get(self.activity, 0) + now - self._since
        self._since, self.activity, self._details = now, activity, details

    def times(self) -> dict[Activity, float]:
        """Return the seconds that each activity took so far, the current one included."""
        current = self.spent.get(self.activity, 0) + time.monotonic() - self._since
        return self.spent | {self.activity: current}

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self._start

    def remaining(self, limit: float | None = None) -> float:
        """Return the seconds that the next operation may take, at most `limit`; raise a `timeout` fault if none."""
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise self.fault()
        return remaining if limit is None else min(remaining, limit)

    def check(self, seconds: float = 0, /) -> None:
        """Raise a `timeout` fault if fewer than `seconds` remain, or the run was cancelled."""
        if self.remaining() < seconds:
            raise self._fault(f'gave up {self.activity.phrase}: it would take longer than {self._seconds:g} s')

    def fault(self, limit: float | None = None) -> Fault:
        """Return the fault of an operation that took longer than `remaining(limit)`."""
        is_over = limit is None or time.monotonic() > self._end - ROUNDING
        seconds = self._seconds if is_over else limit
        return self._fault(f'gave up after {seconds:g} s {self.activity.phrase}')

    def _fault(self, what: str) -> Fault:
        fault = Fault(Kind.TIMEOUT, what, *self._details)
        fault.activity = self.activity
        return fault
