"""What one run found out, in types that say what is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from datadog_checks.awesome.fault import Activity, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datadog_checks.awesome.reading.verdict import Verdict

PHASES = {
    'page.lookup_time': Activity.LOOKUP,
    'page.connect_time': Activity.CONNECT,
    'page.tls_time': Activity.HANDSHAKE,
    'page.transfer_time': Activity.READ,
}
# What a proxy does instead of the check.
PROXIED = frozenset({Activity.LOOKUP, Activity.CONNECT})


class Status(IntEnum):
    """The status of the service check, with the Agent's numbers."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class PageFacts(NamedTuple):
    """What is known of a final response."""

    url: str
    """Where redirects ended, without user info, query and fragment."""
    status_code: int
    status: str
    """With its standard phrase."""
    content_type: str
    redirects: int
    """How many were followed."""
    age: float | None
    """Seconds since the page was last modified."""
    size: int
    """Bytes read, after decompression."""
    cut_off: bool
    """Whether reading ended at `max_body_size`."""
    location: str = ''
    """Where a redirect leads that is not followed, without user info, query and fragment."""


class TextFacts(NamedTuple):
    """What is known of text that was decoded."""

    encoding: str
    decided_by: str
    """What says that the page has this encoding."""
    unknown_label: str
    """The encoding that the page declares, if no browser knows it."""
    title: str


@dataclass(frozen=True)
class Searched:
    """The page was read until the verdict was certain."""

    page: PageFacts
    text: TextFacts
    verdict: Verdict


@dataclass(frozen=True)
class Unread:
    """The verdict was certain before the body, of which nothing was read."""

    page: PageFacts
    verdict: Verdict


@dataclass(frozen=True)
class Unreachable:
    """The page could not be fetched or read before the verdict was certain; `page` is known if a response came."""

    fault: Fault
    page: PageFacts | None


@dataclass(frozen=True)
class Cancelled:
    """The Agent ended the run."""


Outcome = Searched | Unread | Unreachable | Cancelled


class Report(NamedTuple):
    """What one run found out; times are in seconds since it began."""

    outcome: Outcome
    response_time: float
    first_byte_time: float | None
    phases: Mapping[str, float]
    """The seconds that parts of the run took, by the name of their metric."""
    certificate_days_left: float | None
    chain_days_left: float | None
    """Of the certificate in the chain that expires first."""
    resolved: tuple[str, tuple[str, ...]] | None
    """The last host that was looked up, and its addresses."""
    peer: tuple[str, int] | None
    """The address and port of the last connection."""
    is_through_proxy: bool = False
    """Whether `resolved` and `peer` are those of a proxy."""
    certificate: bytes | None = None
    """The certificate that the server showed, in DER."""
    addresses: Addresses | None = None
    """What each address of the page's host said, if all of them were asked."""

    @property
    def status(self) -> Status:
        match self.outcome:
            case Searched(verdict=verdict) | Unread(verdict=verdict):
                return Status.OK if verdict.passed else Status.WARNING
            case Unreachable():
                return Status.CRITICAL
            case Cancelled():
                return Status.UNKNOWN

    @property
    def page(self) -> PageFacts | None:
        """What is known of the final response, if one came."""
        return None if isinstance(self.outcome, Cancelled) else self.outcome.page

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that are known, by name; PHASES names those of the parts of a run."""
        if isinstance(self.outcome, Cancelled):
            return {}
        page, reachable = self.page, not isinstance(self.outcome, Unreachable)
        values: dict[str, float | None] = {
            'certificate.chain_days_left': self.chain_days_left,
            'certificate.days_left': self.certificate_days_left,
            'page.age': page.age if page else None,
            'page.first_byte_time': self.first_byte_time,
            'page.reachable': int(reachable),
            'page.redirects': page.redirects if page else None,
            'page.response_time': self.response_time,
            'page.size': page.size if page and isinstance(self.outcome, Searched) else None,
            'page.status_code': page.status_code if page else None,
            'search.found': int(self.status is Status.OK) if reachable else None,
            **self.phases,
        }
        if self.addresses:
            values |= {'addresses.total': len(self.addresses.reports), 'addresses.ok': self.addresses.ok}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def values(self) -> dict[str, float]:
        """The numbers that were found on the page, by the name that the configuration gives them."""
        found = self.outcome.verdict.values if isinstance(self.outcome, Searched) else ()
        return {value.name: value.number for value in found if value.number is not None}


def phases(times: Mapping[Activity, float], is_through_proxy: bool) -> dict[str, float]:
    """Return the times of the parts of a run that the check itself did; `times` are in seconds."""
    unknown = PROXIED if is_through_proxy else frozenset()
    return {name: times[part] for name, part in PHASES.items() if part in times and part not in unknown}


@dataclass(frozen=True)
class Addresses:
    """What each address of a host said."""

    reports: tuple[tuple[str, Report], ...]
    """By the address."""
    not_fetched: int
    """How many more addresses the host has."""

    @property
    def ok(self) -> int:
        """The number of addresses where the page says what it should."""
        return sum(report.status is Status.OK for _, report in self.reports)
