"""The events of an instance as the Agent takes them; nothing that goes wrong here touches the verdict."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.awesome.probe import Sample
    from datadog_checks.base.log import CheckLoggingAdapter

    from .change.difference import Difference
    from .change.turns import Turns
    from .report import Report


class Events:
    """Makes an event of each run whose verdict is another than that of the run before, while nothing is reconfigured.

    What compares pages is imported with the first sample: few instances send events.
    """

    def __init__(self, mask: Callable[[str], str], log: CheckLoggingAdapter) -> None:
        self._mask = mask
        self._log = log
        self._turns: Turns | None = None

    def of(self, options: PageOptions, report: Report, sample: Sample) -> list[Any]:
        """Return the events of a run, at most one."""
        from .change.turns import Turns

        self._turns = self._turns or Turns(self._mask)
        try:
            event = self._turns.note(options, report, bytes(sample.data), sample.is_cut)
        except Exception:
            self._log.error('No event could be made: %s', self._mask(traceback.format_exc()))
            return []
        if not event:
            return []
        # The Agent adds the host, unless the instance says that there is none.
        sent = {
            'timestamp': int(time.time()),
            'event_type': 'awesome.search',
            'msg_title': event.title,
            'msg_text': event.text,
            'alert_type': event.alert_type,
            'aggregation_key': event.aggregation_key,
            'tags': list(options.tags),
        }
        return [sent]

    def difference(self, options: PageOptions, report: Report, sample: Sample) -> Difference | None:
        """Return what differs from the last OK run; None if there was none."""
        turns = self._turns
        return turns.difference(options, report, bytes(sample.data), sample.is_cut) if turns else None
