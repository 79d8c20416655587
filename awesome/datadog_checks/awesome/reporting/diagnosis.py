"""What `datadog-agent diagnose` shows: a line for each step of a run; the first that fails says why and what to do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Step
from datadog_checks.awesome.fetching.urls import origin
from datadog_checks.awesome.probe import Sample
from datadog_checks.base import ConfigurationError

from .advice import advise_on_head, advise_on_json, explain_value
from .change.summary import summarize
from .comparison import describe_rest, place
from .explanation import Explainer, as_yaml
from .message import message, quote, shorten
from .remedies import remedy
from .report import Addresses, Report, Searched, Status, Unreachable, Unread
from .wording import ALL_FOUND, SAYS_WRONG, printable, validity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.awesome.probe import Probe
    from datadog_checks.base.utils.diagnose import Diagnosis

    from .change.difference import Difference

    type Compare = Callable[[PageOptions, Report, Sample], Difference | None]

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
    'Configure a secret backend (`secret_backend_command` or `secret_backend_type` in datadog.yaml), then check it'
    ' with: datadog-agent secret'
)


def diagnose(
    validate: Callable[[], PageOptions], probe: Callable[[], Probe], diagnosis: Diagnosis, compare: Compare
) -> None:
    """Do what a run does, and record a line for each step up to the first that fails."""
    try:
        options = validate()
    except ConfigurationError as e:
        remediation = 'Correct conf.yaml; conf.yaml.example says what each option takes.'
        diagnosis.fail('configuration', str(e), remediation=remediation)
    else:
        diagnose_page(options, probe(), diagnosis, compare)


def diagnose_page(options: PageOptions, probe: Probe, diagnosis: Diagnosis, compare: Compare) -> None:
    """Record a line for each step of a run up to the first that fails, or for each address of the page's host.

    What changed since the last OK run follows a step that failed.
    """
    body, sample = bytearray(), Sample() if options.send_events else None
    report = probe(options, body, sample)
    category = f'{options.public_url} ({options.name})' if options.name else options.public_url
    if options.unresolved:
        what = f'the secret of {", ".join(options.unresolved)} is still ENC[...]: the Agent did not resolve it'
        diagnosis.warning('configuration', what, category=category, remediation=NO_BACKEND)
    lines = _address_lines if report.addresses and len(report.addresses.reports) > 1 else _step_lines
    for step, line, advice in lines(options, report, probe, bytes(body)):
        if advice:
            diagnosis.fail(step, shorten(line), category=category, remediation=printable(advice))
        else:
            diagnosis.success(step, shorten(line), category=category)
    for name, line in _warnings(options, report, bytes(body), sample, compare):
        diagnosis.warning(name, shorten(line), category=category)


def _warnings(
    options: PageOptions, report: Report, body: bytes, sample: Sample | None, compare: Compare
) -> Iterator[tuple[str, str]]:
    """Yield what is worth knowing beside the steps: values that are not sent, and what changed."""
    if isinstance(report.outcome, Searched):
        for value in report.outcome.verdict.values:
            if value.number is None:
                yield 'values', f'{value.name} is not sent: {explain_value(options, report.outcome, body, value)}'
    if sample and _failed_step(report) and (difference := compare(options, report, sample)):
        yield 'change', f'since the last OK run: {summarize(difference)}'


def _step_lines(options: PageOptions, report: Report, probe: Probe, body: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield a step, what to say of it, and what to do if it failed; the last one is that which failed."""
    failed = _failed_step(report)
    for step, line in _passed(options, report):
        if step == failed:
            break
        yield step, line, ''
    if failed:
        yield failed, message(report, options.rules), _advice(options, report, probe, body)


def _address_lines(options: PageOptions, report: Report, probe: Probe, body: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield for each address the step that it got to, what to say of it, and what to do if it failed."""
    resolve, line = next(_passed(options, report))
    addresses = report.addresses or Addresses((), 0)
    yield resolve, f'{line}{describe_rest(addresses.not_fetched)}', ''
    for address, one in addresses.reports:
        failed, name = _failed_step(one), place(address)
        if not failed:
            *_, (step, line) = _passed(options, one)
            yield step, f'{name}: {line}', ''
        elif isinstance(one.outcome, Searched) and one.outcome is not report.outcome:
            # Only the body of the worst was kept.
            yield failed, f'{name}: {message(one, options.rules)}', _request_to(options, name)
        else:
            yield failed, f'{name}: {message(one, options.rules)}', _advice(options, one, probe, body)


def _request_to(options: PageOptions, address: str) -> str:
    _, host, port = origin(options.url)
    resolved, url = (shlex.quote(text) for text in (f'{host}:{port}:{address}', options.public_url))
    return f'See what this address sends: curl -sS --resolve {resolved} {url}'


def _failed_step(report: Report) -> str:
    """Return the step that failed; empty if none did."""
    if report.status is Status.OK:
        return ''
    if isinstance(report.outcome, Unreachable):
        return STEPS.get(report.outcome.fault.step, 'text')
    return 'response' if isinstance(report.outcome, Unread) else 'text'


def _passed(options: PageOptions, report: Report) -> Iterator[tuple[str, str]]:
    """Yield what to say of each step if it passed, in their order."""
    page, proxy = report.page, ' (the proxy)' if report.is_through_proxy else ''
    if report.resolved:
        host, addresses = report.resolved
        found = ', '.join(addresses)
        yield 'resolve', f'{host}{proxy} is an address' if host == found else f'{host}{proxy} is {found}'
    if report.peer:
        yield 'connect', 'connected to {} port {}'.format(*report.peer) + proxy
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
            f'{ALL_FOUND} ({page.size} bytes read); encoding {text.encoding} ({text.decided_by})',
        )
    if report.values:
        yield 'values', ', '.join(f'{name} is {value:g}' for name, value in report.values.items())


def _advice(options: PageOptions, report: Report, probe: Probe, body: bytes) -> str:
    """Return what to do about a run that failed."""
    match report.outcome:
        case Unreachable(fault):
            return remedy(fault, options)
        case Unread(page, verdict):
            return advise_on_head(options, page, verdict)
        case Searched(page, _, verdict):
            explainer = Explainer(options, report.outcome, body, probe)
            reasons, advice = list(_reasons(explainer)), list(advise_on_json(options, report.outcome, body, probe.mask))
            if len(verdict.missing) > len(reasons) or (not advice and (verdict.json or verdict.not_json)):
                advice.append(
                    explainer.cause() or f'See what the server sends to this machine: curl -sS {shlex.quote(page.url)}'
                )
            return ' '.join([*reasons, *advice]) or SAYS_WRONG
    return SAYS_WRONG


def _reasons(explainer: Explainer) -> Iterator[str]:
    """Yield why strings are missing, and what would find them."""
    for reason in explainer.reasons():
        change = f' Set `{as_yaml(reason.options)}`.' if reason.options else ''
        yield f'{quote(reason.string, MAX_STRING)}: {reason.why}.{change}'
