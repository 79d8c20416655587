"""One run of the check, and all that there is to say of it; composes a check instead of inheriting from it.

The Agent's loader skips a class that has children, so nobody may inherit from AwesomeCheck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .check import AwesomeCheck
from .fetching.certificate import validity
from .reading.encoding import Decoder
from .reading.read import text_of
from .reporting.diagnosis import NOT_THERE
from .reporting.explanation import Explainer, as_yaml, collect
from .reporting.locate import locate
from .reporting.message import MAX_TITLE, message, printable, quote
from .reporting.remedies import remedy
from .reporting.report import Searched, Unreachable

if TYPE_CHECKING:
    from .options import PageOptions
    from .probe import Probe
    from .reporting.report import Report

Result = dict[str, Any]


def try_page(init_config: dict[str, Any], instance: dict[str, Any]) -> Result:
    """Run the check once and return all that there is to say; raise ConfigurationError."""
    check = AwesomeCheck(name='awesome', init_config=init_config, instances=(instance,))
    check.load_configuration_models()
    options, probe, body = check.options(instance), check.probe, bytearray()
    report = probe(options, body)
    result: Result = {'status': report.status.name, 'message': message(report, options.rules)}
    match report.outcome:
        case Unreachable(fault):
            result['remedy'] = remedy(fault, options)
        case Searched():
            result |= _searched(options, report.outcome, probe, bytes(body))
    result['page'] = _facts(report)
    result['metrics'] = {f'awesome.{name}': value for name, value in report.metrics.items()}
    result['tags'] = list(options.tags)
    result['configuration'] = ({'init_config': init_config} if init_config else {}) | {'instances': [instance]}
    masked: Result = _each_text(result, probe.mask)
    return masked


def _searched(options: PageOptions, found_out: Searched, probe: Probe, body: bytes) -> Result:
    """Return what was found and where, and what was not and why."""
    rules, verdict = options.rules, found_out.verdict
    decoder = Decoder(found_out.page.content_type, options.encoding)
    text = collect(text_of(rules, decoder, found_out.page.content_type, [body]))
    explainer = Explainer(options, found_out, body, probe)
    reasons = {reason.string: reason for reason in explainer.reasons()}
    missing: list[Result] = []
    for string in verdict.missing:
        reason = reasons.get(string)
        why = reason.why if reason else explainer.cause() or NOT_THERE
        missing.append({'string': string, 'why': why, 'set': reason.options if reason else {}})
    found = [match for string in rules.required if (match := locate(rules, string, text))]
    forbidden = [match for string in verdict.forbidden if (match := locate(rules, string, text))]
    return {'found': list(map(asdict, found)), 'missing': missing, 'forbidden': list(map(asdict, forbidden))}


def _facts(report: Report) -> Result:
    """Return what is known of the page itself; times in seconds, the size in bytes."""
    facts: Result = {'response_time': report.response_time, 'first_byte_time': report.first_byte_time}
    facts['certificate_days_left'] = report.certificate_days_left
    page = report.page
    if page:
        facts |= {'url': page.url, 'status': page.status, 'age': page.age}
    if page and isinstance(report.outcome, Searched):
        text = report.outcome.text
        facts |= {'size': page.size, 'cut_off': page.cut_off or None, 'title': text.title or None}
        facts['encoding'] = f'{text.encoding} ({text.decided_by})'
    return {name: fact for name, fact in facts.items() if fact is not None}


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return a copy of `value` in which each text has been changed, but for the names of what it has."""
    if isinstance(value, dict):
        return {name: _each_text(part, change) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(part, change) for part in value]
    return change(value) if isinstance(value, str) else value


def lines(result: Result, mark: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Yield a label and a text for each line of what is known; matches are marked, and nothing controls a terminal."""
    if advice := result.get('remedy'):
        yield 'next step', printable(advice)
    for match in result.get('found', []):
        yield 'found', _place(match, mark)
    for match in result.get('forbidden', []):
        yield 'forbidden', _place(match, mark)
    for miss in result.get('missing', []):
        change = f'; set {as_yaml(miss["set"])}' if miss['set'] else ''
        yield 'missing', printable(f'{quote(miss["string"], MAX_TITLE)}: {miss["why"]}{change}')
    yield from _page_lines(result['page'])


def _page_lines(page: Result) -> Iterator[tuple[str, str]]:
    for name in ('url', 'status', 'encoding', 'title'):
        if name in page:
            yield name, printable(page[name])
    if 'size' in page:
        yield 'size', f'{page["size"]} bytes read' + (', up to max_body_size' if 'cut_off' in page else '')
    first_byte = f', {page["first_byte_time"]:.3f} s to the first byte' if 'first_byte_time' in page else ''
    yield 'time', f'{page["response_time"]:.3f} s{first_byte}'
    if 'age' in page:
        yield 'modified', f'{page["age"] / 86400:.1f} days ago'
    if 'certificate_days_left' in page:
        yield 'certificate', validity(page['certificate_days_left'])


def _place(match: Result, mark: Callable[[str], str]) -> str:
    string = printable(quote(match['string'], MAX_TITLE))
    if not match['line']:
        return string
    text = match['text'] if len(match['text']) <= MAX_TITLE else f'{match["text"][:MAX_TITLE]}...'
    excerpt = f'{printable(match["before"])}{mark(printable(text))}{printable(match["after"])}'
    return f'{string} in line {match["line"]}: {excerpt}'
