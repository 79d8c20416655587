"""What one run found out."""

from __future__ import annotations

from dataclasses import dataclass

from datadog_checks.base import AgentCheck
from datadog_checks.base.types import ServiceCheckStatus

from .encoding import Decoder
from .fault import Fault
from .page import Page
from .search import Verdict


@dataclass
class Report:
    """What a run found out; None is not known. Times are in seconds since the run began."""

    status: ServiceCheckStatus
    message: str = ''
    fault: Fault | None = None
    response_time: float | None = None
    first_byte_time: float | None = None
    certificate_days_left: float | None = None
    page: Page | None = None
    decoder: Decoder | None = None
    verdict: Verdict | None = None

    @property
    def metrics(self) -> dict[str, float | None]:
        """All metrics by their names; those of None are not sent."""
        page = self.page
        return {
            'certificate.days_left': self.certificate_days_left,
            'page.age': page.age if page else None,
            'page.first_byte_time': self.first_byte_time,
            'page.reachable': {AgentCheck.OK: 1, AgentCheck.WARNING: 1, AgentCheck.CRITICAL: 0}.get(self.status),
            'page.response_time': self.response_time,
            'page.size': page.size if page and self.verdict else None,
            'page.status_code': page.status_code if page else None,
            'search.found': {AgentCheck.OK: 1, AgentCheck.WARNING: 0}.get(self.status),
        }
