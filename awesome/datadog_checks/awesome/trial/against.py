"""What a page is compared with: a body that was kept, or another page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datadog_checks.awesome.probe import Sample
from datadog_checks.awesome.reporting.change.event import MAX_LINES
from datadog_checks.awesome.reporting.change.snapshot import COMPARED_SIZE, Body
from datadog_checks.awesome.reporting.change.summary import compare_bodies, describe
from datadog_checks.base import ConfigurationError

from .configuration import Configured
from .result import DifferenceResult
from .trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

# What holds for another page too. The login, headers, and data of an instance stay with its own page.
SHARED = (
    *('timeout', 'connect_timeout', 'read_timeout', 'encoding', 'max_body_size', 'proxy', 'skip_proxy', 'no_proxy'),
    *('tls_verify', 'tls_ca_cert', 'ip_protocol'),
)


def read_other(configured: Configured, other: str) -> Body:
    """Return the body of a file, or of the page of a URL; raise ConfigurationError if there is none, or OSError."""
    if not other.startswith(('http://', 'https://')):
        with open(other, 'rb') as file:
            return Body(file.read(COMPARED_SIZE + 1), '', encoding=configured.instance.get('encoding'))
    shared = {option: value for option, value in configured.instance.items() if option in SHARED}
    trial, sample = Trial(Configured({**shared, 'url': other, 'search_string': ' '}, configured.init_config)), Sample()
    report = trial.run(sample=sample)
    if body := trial.body(report, sample):
        return body
    raise ConfigurationError(f'--against: {trial.message(report)}')


def differences(other: Body, body: Body | None, mask: Callable[[str], str]) -> list[DifferenceResult]:
    """Return what differs between a page, if it has a body, and the other."""
    if not body:
        return []
    if not other.content_type:
        other = replace(other, content_type=body.content_type)
    found = compare_bodies(other, body, mask)
    shown = replace(found, went=found.went[:MAX_LINES], came=found.came[:MAX_LINES])
    more = len(found.went) + len(found.came) - len(shown.went) - len(shown.came)
    listed = [*describe(shown), *([('lines', f'{more} more')] if more else [])]
    return [DifferenceResult(what=what, change=change) for what, change in listed]
