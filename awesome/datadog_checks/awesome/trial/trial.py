"""One check, composed from a configuration, whose runs are told in full."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from datadog_checks.awesome.fault import Kind
from datadog_checks.awesome.reporting.advice import advise_on_head
from datadog_checks.awesome.reporting.change.turns import body_of
from datadog_checks.awesome.reporting.message import message
from datadog_checks.awesome.reporting.remedies import remedy
from datadog_checks.awesome.reporting.report import Searched, Unreachable, Unread

from .configuration import Configured, load, on_one_line, remarks, remarks_on_file
from .masking import masked
from .result import (
    Result,
    address_results,
    forbidden_after_all,
    further_result,
    page_result,
    search_result,
    unmet_rules,
)

if TYPE_CHECKING:
    from datadog_checks.awesome.probe import Sample
    from datadog_checks.awesome.reporting.change.snapshot import Body
    from datadog_checks.awesome.reporting.report import Report


class Trial:
    """Runs the check of one instance; the constructor raises ConfigurationError if that is not valid."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured
        self._check = load(configured)
        with on_one_line():
            self._options = self._check.options(self._check.instance or {})
            self._probe = self._check.probe
        self._log = _Log()
        self.mask = self._probe.mask
        self._is_done = False

    def run(self, record: bytearray | None = None, sample: Sample | None = None) -> Report:
        """Return the report of one run; `record` and `sample` get the beginning of the decompressed body."""
        logger = self._check.log.logger
        self._log.thread = threading.get_ident()
        logger.addHandler(self._log)
        try:
            return self._probe(self._options, record, sample)
        finally:
            logger.removeHandler(self._log)
            self._is_done = True

    def body(self, report: Report, sample: Sample) -> Body | None:
        """Return the body of a run's page; None if none came."""
        return body_of(self._options, report, bytes(sample.data), sample.is_cut)

    def cancel(self) -> None:
        """End the current run; called from another thread."""
        self._check.cancel()

    def message(self, report: Report) -> str:
        """Return the message of the service check, or what stands for the empty one."""
        return message(report, self._options.rules) or 'the page says what it should'

    def summary(self, report: Report) -> Result:
        """Return the status and the message of a run, without what explains them."""
        return Result(status=report.status.name, message=self.message(report))

    def result(self, report: Report, body: bytes) -> Result:
        """Return all that there is to say of a run."""
        configured, options, details = self._configured, self._options, dict[str, Any]()
        match report.outcome:
            case Unreachable(fault):
                details['remedy'] = remedy(fault, options)
            case Unread(page, verdict):
                details['unmet'] = unmet_rules(verdict)
                details['remedy'] = None if verdict.passed else advise_on_head(options, page, verdict)
            case Searched() as searched:
                details |= search_result(options, searched, self._probe, body)
                details |= further_result(options, searched, self._probe, body)
        if report.addresses:
            details |= address_results(options, report.addresses)
        init_config = {'init_config': masked(configured.init_config)} if configured.init_config else {}
        return Result(
            **details,
            status=report.status.name,
            message=self.message(report),
            remarks=self._remarks(report, body),
            page=page_result(report, self.mask),
            metrics={f'awesome.{name}': value for name, value in report.metrics.items()},
            tags=list(options.tags),
            timeout=options.timeout,
            file=configured.file,
            number=configured.number,
            name=configured.name,
            configuration=init_config | {'instances': [masked(configured.instance)]},
        )

    def activity(self) -> str:
        """Return what the run is doing, and for how long: "waiting for the response, 3 of 10 s"."""
        if self._is_done:
            return 'looking for an explanation'
        deadline = self._probe.fetcher.deadline
        details = [self.mask(str(detail)) for detail in deadline.details]
        # Another thread may be about to change both.
        details += [''] * deadline.activity.phrase.count('{}')
        phrase = deadline.activity.phrase.format(*details).removeprefix('while ')
        return f'{phrase}, {deadline.elapsed():.0f} of {self._options.timeout:g} s'

    def _remarks(self, report: Report, body: bytes) -> list[str]:
        found = [*remarks(self._configured), *remarks_on_file(self._configured)]
        if isinstance(report.outcome, Searched):
            found += forbidden_after_all(self._options, report.outcome, self._probe, body)
        if isinstance(report.outcome, Unreachable) and report.outcome.fault.kind is Kind.INTERNAL:
            found.append(self._log.last)
        return found


class _Log(logging.Handler):
    """Keeps the last line of the last error: what an internal error of the check was."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ''
        self.thread = 0
        """Of the run."""

    def emit(self, record: logging.LogRecord) -> None:
        # All instances have the same logger, and each a thread.
        if record.thread == self.thread:
            self.last = record.getMessage().strip().rpartition('\n')[2]
