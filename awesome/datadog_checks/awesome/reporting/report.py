"""What one run found out, in types that say what is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from datadog_checks.awesome.fault import Fault
from datadog_checks.awesome.reading.search import Verdict


class Status(IntEnum):
    """The status of the service check, with the Agent's numbers."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class PageFacts:
    """What is known of a final response."""

    url: str
    """Where redirects ended, without user info, query and fragment."""
    status_code: int
    status: str
    """With its standard phrase."""
    content_type: str
    age: float | None
    """Seconds since the page was last modified."""
    size: int
    """Bytes read, after decompression."""
    cut_off: bool
    """Whether reading ended at `max_body_size`."""


@dataclass(frozen=True)
class TextFacts:
    """What is known of a text that was decoded."""

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
class Unreachable:
    """The page could not be fetched or read before the verdict was certain; `page` is known if a response came."""

    fault: Fault
    page: PageFacts | None


@dataclass(frozen=True)
class Cancelled:
    """The Agent ended the run."""


Outcome = Searched | Unreachable | Cancelled


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run found out; times are in seconds since it began."""

    outcome: Outcome
    response_time: float
    first_byte_time: float | None
    certificate_days_left: float | None
    resolved: tuple[str, tuple[str, ...]] | None
    """The last host that was looked up, and its addresses."""
    peer: tuple[str, int] | None
    """The address and port of the last connection."""
    certificate: bytes | None = None
    """The certificate that the server showed, in DER."""

    @property
    def status(self) -> Status:
        match self.outcome:
            case Searched(verdict=verdict):
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
        """The metrics that are known, by name: the one place that names them."""
        if isinstance(self.outcome, Cancelled):
            return {}
        page, searched = self.page, isinstance(self.outcome, Searched)
        values: dict[str, float | None] = {
            'certificate.days_left': self.certificate_days_left,
            'page.age': page.age if page else None,
            'page.first_byte_time': self.first_byte_time,
            'page.reachable': int(searched),
            'page.response_time': self.response_time,
            'page.size': page.size if page and searched else None,
            'page.status_code': page.status_code if page else None,
            'search.found': int(self.status is Status.OK) if searched else None,
        }
        return {name: value for name, value in values.items() if value is not None}
