"""What `datadog-agent diagnose` shows; a line for each step of a run: the first that fails says why and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Step
from datadog_checks.awesome.fetching.certificate import validity
from datadog_checks.base import ConfigurationError

from .change.summary import summarize
from .explanation import Explainer, as_yaml
from .message import message, printable, quote, shorten
from .remedies import remedy
from .report import Report, Searched, Status, Unreachable

if TYPE_CHECKING:
    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.awesome.probe import Probe
    from datadog_checks.base.utils.diagnose import Diagnosis

    from .change.difference import Difference

    type Compare = Callable[[PageOptions, Report, bytes], Difference | None]

# In characters.
MAX_STRING = 80
STEPS = {
    Step.DNS: 'resolve',
    Step.CONNECT: 'connect',
    Step.TLS: 'TLS',
    Step.STATUS: 'response',
    Step.REDIRECT: 'response',
}
NO_BACKEND = (
    'Configure a secret backend (`secret_backend_command` or `secret_backend_type` in datadog.yaml), then check it with:'
    ' datadog-agent secret'
)
NOT_THERE = 'not on the page; ignoring case, markup, and encoding does not help'


def diagnose(
    validate: Callable[[], PageOptions], probe: Callable[[], Probe], diagnosis: Diagnosis, compare: Compare
) -> None:
    """Do what a run does, and record a line for each step up to the first that fails."""
    try:
        options = validate()
    except ConfigurationError as e:
        remedy = 'Correct conf.yaml; conf.yaml.example says what each option takes.'
        diagnosis.fail('configuration', str(e), remediation=remedy)
    else:
        diagnose_page(options, probe(), diagnosis, compare)


def diagnose_page(options: PageOptions, probe: Probe, diagnosis: Diagnosis, compare: Compare) -> None:
    """Record a line for each step of a run up to the first that fails, and what changed since the last OK run."""
    body = bytearray()
    report = probe(options, body)
    category = f'{options.public_url} ({options.name})' if options.name else options.public_url
    if options.unresolved:
        what = f'the secret of {", ".join(options.unresolved)} is still ENC[...]: the Agent did not resolve it'
        diagnosis.warning('configuration', what, category=category, remediation=NO_BACKEND)
    failed = _failed_step(report)
    for step, line in _passed(options, report):
        if step == failed:
            break
        diagnosis.success(step, shorten(line), category=category)
    if failed:
        advice = _advice(options, report, probe, bytes(body))
        diagnosis.fail(failed, message(report, options.rules), category=category, remediation=printable(advice))
        if difference := compare(options, report, bytes(body)):
            diagnosis.warning('change', shorten(f'since the last OK run: {summarize(difference)}'), category=category)


def _failed_step(report: Report) -> str:
    """Return the step that failed; empty if none did."""
    if report.status is Status.OK:
        return ''
    return STEPS.get(report.outcome.fault.step, 'text') if isinstance(report.outcome, Unreachable) else 'text'


def _passed(options: PageOptions, report: Report) -> Iterator[tuple[str, str]]:
    """Yield what to say of each step if it passed, in their order."""
    page = report.page
    if report.resolved:
        host, addresses = report.resolved
        found = ', '.join(addresses)
        yield 'resolve', f'{host} is an address' if host == found else f'{host} is {found}'
    if report.peer:
        yield 'connect', 'connected to {} port {}'.format(*report.peer)
    if (page.url if page else options.public_url).startswith('https:'):
        days = report.certificate_days_left
        yield 'TLS', 'handshake done' if days is None else f'the certificate {validity(days)}'
    if page:
        redirected = f' from {page.url}' if page.url != options.public_url else ''
        yield 'response', f'status {page.status}{redirected} after {report.first_byte_time:.3f} s'
    if page and isinstance(report.outcome, Searched):
        text = report.outcome.text
        yield (
            'text',
            f'everything required was found and nothing forbidden ({page.size} bytes read);'
            f' encoding {text.encoding} ({text.decided_by})',
        )


def _advice(options: PageOptions, report: Report, probe: Probe, body: bytes) -> str:
    """Return what to do about a run that failed."""
    match report.outcome:
        case Unreachable(fault):
            return remedy(fault, options)
        case Searched(page, _, verdict) if verdict.missing:
            explainer = Explainer(options, report.outcome, body, probe)
            found = explainer.reasons()
            remedies = [
                f'{quote(reason.string, MAX_STRING)}: {reason.why}.'
                + (f' Set `{as_yaml(reason.options)}`.' if reason.options else '')
                for reason in found
            ]
            if len(found) < len(verdict.missing):
                remedies.append(explainer.cause() or f'See what the server sends to this machine: curl -sS {page.url}')
            return ' '.join(remedies)
    return 'The page shows what it must not: look at it, and read the log of its server.'
