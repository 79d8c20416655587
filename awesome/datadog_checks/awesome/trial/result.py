"""What there is to say of one run, with the same names in every outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from datadog_checks.awesome.fault import Step
from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.read import text_of
from datadog_checks.awesome.reading.verdict import Verdict
from datadog_checks.awesome.reporting.advice import advise_on_json, explain_value
from datadog_checks.awesome.reporting.comparison import place
from datadog_checks.awesome.reporting.explanation import IN_SOURCE, MAX_QUOTE, Explainer, as_yaml, collect
from datadog_checks.awesome.reporting.locate import Match, locate
from datadog_checks.awesome.reporting.message import describe_expression, describe_header, message, quote
from datadog_checks.awesome.reporting.report import Searched, Status, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.awesome.probe import Probe
    from datadog_checks.awesome.reporting.report import Addresses, Report

NOT_THERE = 'not on the page; ignoring case, markup, and encoding does not help'
# The status of what is not valid, which no service check has.
INVALID = 'INVALID'


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A string that the page lacks, why, and the options with which it would be found."""

    string: str
    why: str
    set: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class AddressResult:
    """What one of several addresses of the page's host said."""

    address: str
    status: str
    message: str


@dataclass(frozen=True, kw_only=True)
class DifferenceResult:
    """In what a page differs from the one that it is compared with: a fact, or a line that went or came."""

    what: str
    change: str


@dataclass(frozen=True, kw_only=True)
class PageResult:
    """What is known of the page; times in seconds, sizes in bytes."""

    url: str | None = None
    status: str | None = None
    status_code: int | None = None
    content_type: str | None = None
    encoding: str | None = None
    encoding_source: str | None = None
    title: str | None = None
    size: int | None = None
    cut_off: bool | None = None
    age: float | None = None
    response_time: float | None = None
    first_byte_time: float | None = None
    lookup_time: float | None = None
    connect_time: float | None = None
    tls_time: float | None = None
    transfer_time: float | None = None
    redirects: int | None = None
    certificate_days_left: float | None = None
    certificate_chain_days_left: float | None = None
    address: str | None = None
    port: int | None = None
    addresses: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one run found out, or why there was none."""

    version: int = 1
    status: str
    message: str
    remedy: str | None = None
    remarks: list[str] = field(default_factory=list)
    found: list[Match] | None = None
    missing: list[Miss] | None = None
    forbidden: list[Match] | None = None
    undecided: list[str] | None = None
    unmet: list[str] | None = None
    values: dict[str, float | None] | None = None
    unsent: dict[str, str] | None = None
    addresses: list[AddressResult] | None = None
    not_fetched: int | None = None
    differences: list[DifferenceResult] | None = None
    saved: str | None = None
    page: PageResult = field(default_factory=PageResult)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: list[str] | None = None
    timeout: float | None = None
    file: str | None = None
    number: int | None = None
    name: str | None = None
    configuration: dict[str, Any] | None = None


def invalid(message: str, **known: Any) -> Result:
    """Return the result of what is not valid."""
    return Result(status=INVALID, message=message, **known)


def exit_status(status: str) -> int:
    """Return the exit status for the status of a run: that of monitoring plugins."""
    return 3 if status == INVALID else int(Status[status])


def page_result(report: Report, mask: Callable[[str], str]) -> PageResult:
    """Return what a report knows of the page."""
    page, searched = report.page, report.outcome if isinstance(report.outcome, Searched) else None
    address, port = _peer(report) or (None, None)
    return PageResult(
        url=page.url if page else None,
        status=page.status if page else None,
        status_code=page.status_code if page else None,
        content_type=mask(page.content_type) or None if page else None,
        encoding=searched.text.encoding if searched else None,
        encoding_source=searched.text.decided_by if searched else None,
        title=searched.text.title or None if searched else None,
        size=searched.page.size if searched else None,
        cut_off=searched.page.cut_off if searched else None,
        age=page.age if page else None,
        response_time=report.response_time,
        first_byte_time=report.first_byte_time,
        **{name.removeprefix('page.'): seconds for name, seconds in report.phases.items()},
        redirects=page.redirects if page else None,
        certificate_days_left=report.certificate_days_left,
        certificate_chain_days_left=report.chain_days_left,
        address=address,
        port=port,
        addresses=list(report.resolved[1]) if report.resolved and not _is_unresolved(report) else None,
    )


def address_results(options: PageOptions, addresses: Addresses) -> dict[str, Any]:
    """Return what each address of the page's host said."""
    said = [
        AddressResult(address=place(address), status=one.status.name, message=message(one, options.rules))
        for address, one in addresses.reports
    ]
    return {'addresses': said, 'not_fetched': addresses.not_fetched}


def search_result(options: PageOptions, searched: Searched, probe: Probe, body: bytes) -> dict[str, Any]:
    """Return what was found and where, what was not and why, and what was left undecided."""
    rules, verdict = options.rules, searched.verdict
    content_type = searched.page.content_type
    text = collect(text_of(rules, Decoder(content_type, options.encoding), content_type, [body]))

    def find(strings: tuple[str, ...]) -> list[Match]:
        return [match for string in strings if (match := locate(rules, string, text, probe.mask))]

    found, forbidden = find(rules.required), find(verdict.forbidden)
    return {
        'found': found,
        'missing': list(_misses(options, searched, probe, body)),
        'forbidden': forbidden,
        'values': {value.name: value.number for value in verdict.values} or None,
        'undecided': _undecided(options, searched, {match.string for match in (*found, *forbidden)}),
    }


def forbidden_after_all(options: PageOptions, searched: Searched, probe: Probe, body: bytes) -> Iterator[str]:
    """Yield which forbidden strings a page has that is OK, in a way that the rules do not look at."""
    rules, page = options.rules, searched.page
    if not (searched.verdict.passed and rules.forbidden):
        return
    wanted = replace(options, rules=replace(rules, required=rules.forbidden, forbidden=(), any_suffices=False))
    # What comes later nobody has to read now.
    found_out = replace(searched, page=page._replace(cut_off=False), verdict=Verdict(missing=rules.forbidden))
    for reason in Explainer(wanted, found_out, body, probe).reasons():
        # Where no reader sees it, nobody minds it.
        if reason.options != IN_SOURCE[1]:
            names = {'search_string': 'forbidden_string'}
            change = as_yaml({names.get(name, name): value for name, value in reason.options.items()})
            yield f'forbidden {quote(reason.string, MAX_QUOTE)}: {probe.mask(reason.why)}{change and f"; set {change}"}'


def further_result(options: PageOptions, searched: Searched, probe: Probe, body: bytes) -> dict[str, Any]:
    """Return which other rules do not hold and what to do about them, and why values are not sent."""
    unsent = [value for value in searched.verdict.values if value.number is None]
    return {
        'unmet': unmet_rules(searched.verdict),
        'remedy': ' '.join(advise_on_json(options, searched, body, probe.mask)) or None,
        'unsent': {value.name: explain_value(options, searched, body, value) for value in unsent},
    }


def unmet_rules(verdict: Verdict) -> list[str]:
    """Return which rules about headers, JSON, and the final URL do not hold, each with what was met."""
    ended = [f'ended at {verdict.ended_at}'] if verdict.ended_at else []
    not_json = [verdict.not_json] if verdict.not_json else []
    headers, expressions = map(describe_header, verdict.headers), map(describe_expression, verdict.json)
    return [*ended, *headers, *not_json, *expressions]


def _misses(options: PageOptions, searched: Searched, probe: Probe, body: bytes) -> list[Miss]:
    if not searched.verdict.missing:
        return []
    explainer = Explainer(options, searched, body, probe)
    reasons = {reason.string: reason for reason in explainer.reasons()}
    misses = []
    for string in searched.verdict.missing:
        if reason := reasons.get(string):
            misses.append(Miss(string=string, why=probe.mask(reason.why), set=reason.options))
        else:
            misses.append(Miss(string=string, why=probe.mask(explainer.cause()) or NOT_THERE, set={}))
    return misses


def _undecided(options: PageOptions, searched: Searched, seen: set[str]) -> list[str]:
    """Return the strings that nobody looked for any more once a forbidden one was found."""
    rules, verdict = options.rules, searched.verdict
    if rules.regex or not verdict.forbidden or verdict.missing:
        return []
    required = () if rules.any_suffices and seen & set(rules.required) else rules.required
    return [string for string in (*required, *rules.forbidden) if string not in seen]


def _peer(report: Report) -> tuple[str, int] | None:
    """Return the last address and port that were connected to, if that is where the run ended."""
    outcome, peer = report.outcome, report.peer
    if isinstance(outcome, Unreachable) and outcome.fault.step in (Step.DNS, Step.CONNECT):
        return None
    return peer


def _is_unresolved(report: Report) -> bool:
    return isinstance(report.outcome, Unreachable) and report.outcome.fault.step is Step.DNS
