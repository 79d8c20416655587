"""One run over all addresses of a page's host: the page is fetched from each, and the worst of them is the result."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from .fault import Activity
from .fetching.causes import with_addresses
from .fetching.urls import origin
from .reporting.report import Addresses, Cancelled, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .options import PageOptions
    from .probe import Probe, Sample
    from .reporting.report import Report

MAX_ADDRESSES = 16


def sweep(probe: Probe, options: PageOptions, record: bytearray | None, sample: Sample | None) -> Report:
    """Return what the addresses of a page's host said, one after the other until the deadline, which has begun.

    Each gets its share of what remains, so that one that is silent leaves time for the others. `record` and `sample`
    get what they are for from the worst. Raises the `DNS` and `timeout` faults of the lookup.
    """
    fetcher = probe.fetcher
    found = fetcher.addresses(options)
    resolved, lookup_time = fetcher.dialer.resolved, fetcher.deadline.elapsed()
    was_looked_up = Activity.LOOKUP in fetcher.deadline.times()
    end = time.monotonic() + fetcher.deadline.remaining()
    fetched = found[:MAX_ADDRESSES]
    reports: list[Report] = []
    for info in fetched:
        fetcher.pin(options, info)
        fetcher.deadline.start(_share(end, len(fetched) - len(reports)))
        body, part = bytearray(), replace(sample, data=bytearray()) if sample else None
        reports.append(probe.fetch(options, None if record is None else body, part))
        if isinstance(reports[-1].outcome, Cancelled):
            return reports[-1]
        if _worst(reports) is reports[-1]:
            _keep(record, sample, body, part)
    names = [str(info[4][0]) for info in fetched]
    addresses = Addresses(tuple(zip(names, reports, strict=True)), len(found) - len(fetched))
    report = _merge(reports, lookup_time, was_looked_up)._replace(resolved=resolved, addresses=addresses)
    return _with_one_fault(report, probe.mask(origin(options.url)[1]), names)


def _keep(record: bytearray | None, sample: Sample | None, body: bytearray, part: Sample | None) -> None:
    if record is not None:
        record[:] = body
    if sample and part:
        sample.data, sample.is_cut = part.data, part.is_cut


def _share(end: float, parts: int) -> float:
    """Return the seconds that the next of so many `parts` gets until `end`: rounded, since messages have them."""
    seconds = max(end - time.monotonic(), 0) / parts
    return round(seconds, 1 if seconds >= 1 else 2)


def _worst(reports: Sequence[Report]) -> Report:
    """Return the worst of some reports: of those that are equally bad, the slowest."""
    return max(reports, key=lambda report: (report.status, report.response_time))


def _merge(reports: Sequence[Report], lookup_time: float, was_looked_up: bool) -> Report:
    """Return the worst of some reports, whose times begin after the lookup, with the certificates that expire first."""
    worst = _worst(reports)
    first_byte_time = worst.first_byte_time
    # Redirects may have led to other hosts.
    lookup = {'page.lookup_time': lookup_time + worst.phases.get('page.lookup_time', 0)}
    return worst._replace(
        response_time=worst.response_time + lookup_time,
        first_byte_time=None if first_byte_time is None else first_byte_time + lookup_time,
        phases={**worst.phases, **lookup} if was_looked_up else worst.phases,
        certificate_days_left=_least(report.certificate_days_left for report in reports),
        chain_days_left=_least(report.chain_days_left for report in reports),
    )


def _least(days: Iterable[float | None]) -> float | None:
    return min((each for each in days if each is not None), default=None)


def _with_one_fault(report: Report, host: str, names: Sequence[str]) -> Report:
    """Return a report whose fault names all addresses, if none of them takes a connection for the same reason."""
    causes = {_connect_cause(one) for _, one in report.addresses.reports} if report.addresses else set()
    if len(causes) > 1 or None in causes or not isinstance(report.outcome, Unreachable):
        return report
    return report._replace(outcome=Unreachable(with_addresses(report.outcome.fault, host, names), None))


def _connect_cause(report: Report) -> str | None:
    """Return why no connection could be made; None if one could."""
    return report.outcome.fault.brief or None if isinstance(report.outcome, Unreachable) else None
