"""One run of the check, and all that there is to say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict
from typing import Any

from .certificate import validity
from .check import AwesomeCheck, tags_of
from .config_models import InstanceConfig
from .diagnosis import after_fault
from .encoding import Decoder
from .explain import as_yaml, explain, impostor, missing_strings
from .fault import Fault
from .locate import locate
from .message import MAX_TITLE, printable, quote, title
from .reading import rules_of, text_of
from .recorder import RecordedPage, Recorder
from .report import Report
from .search import Verdict

STATUSES = ('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')

Result = dict[str, Any]


class Trial(AwesomeCheck):
    """A check that keeps what it found out."""

    options: InstanceConfig
    report: Report

    def __init__(self, init_config: dict[str, Any], instance: dict[str, Any]) -> None:
        super().__init__(name='awesome', init_config=init_config, instances=(instance,))
        self._fetcher = self.recorder = Recorder(instance, init_config, self.log)

    def _submit(self, options: InstanceConfig, report: Report) -> None:
        self.options, self.report = options, report
        super()._submit(options, report)


def try_page(init_config: dict[str, Any], instance: dict[str, Any]) -> Result:
    """Run the check once and give all that there is to say; raise ConfigurationError."""
    check = Trial(init_config, instance)
    check.load_configuration_models()
    check.check(deepcopy(instance))
    options, report, page = check.options, check.report, check.recorder.page
    result: Result = {'status': STATUSES[report.status], 'message': report.message}
    if report.fault:
        result['remedy'] = after_fault(options, report)
    if page and report.decoder and report.verdict:
        result |= _searched(check, report.verdict, page, report.decoder)
    if page:
        result['page'] = _facts(report, page)
    result['metrics'] = {f'awesome.{name}': value for name, value in report.metrics.items() if value is not None}
    result['tags'] = tags_of(options)
    result['configuration'] = ({'init_config': init_config} if init_config else {}) | {'instances': [instance]}
    sanitized: Result = _each_text(result, check.sanitize)
    return sanitized


def _searched(check: Trial, verdict: Verdict, page: RecordedPage, decoder: Decoder) -> Result:
    """Give what was found and where, and what was not and why."""
    options = check.options
    rules = rules_of(options)
    text = _text(options, page)
    reasons = {reason.string: reason for reason in explain(check, options, verdict, page, decoder)}
    missing: list[Result] = []
    for string in missing_strings(options, verdict):
        reason = reasons.get(string)
        why = reason.why if reason else impostor(page, decoder)
        missing.append({'string': string, 'why': why, 'set': reason.options if reason else {}})
    found = [match for string in rules.required if (match := locate(rules, string, text))]
    forbidden = [match for string in verdict.forbidden if (match := locate(rules, string, text))]
    return {'found': list(map(asdict, found)), 'missing': missing, 'forbidden': list(map(asdict, forbidden))}


def _text(options: InstanceConfig, page: RecordedPage) -> str:
    """Give the text that was searched."""
    decoder = Decoder(page.content_type, options.encoding)
    pieces: list[str] = []
    # The rest of what was read, which the verdict did not need, may be broken.
    with suppress(Fault):
        pieces.extend(text_of(options, decoder, page.content_type, [bytes(page.body)]))
    return ''.join(pieces)


def _facts(report: Report, page: RecordedPage) -> Result:
    """Give what is known of the page itself; times in seconds, the size in bytes."""
    decoder, days = report.decoder, report.certificate_days_left
    facts = {
        'url': page.url,
        'status': page.status,
        'encoding': decoder and f'{decoder.encoding} ({decoder.decided_by})',
        'title': decoder and title(decoder.head),
        'size': page.size if decoder else None,
        'cut_off': page.cut_off,
        'first_byte_time': report.first_byte_time,
        'response_time': report.response_time,
        'age': page.age,
        'certificate_days_left': days,
    }
    return {name: fact for name, fact in facts.items() if fact is not None and fact is not False and fact != ''}


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Give a copy of `value` in which each text has been changed, but for the names of what it has."""
    if isinstance(value, dict):
        return {name: _each_text(part, change) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(part, change) for part in value]
    return change(value) if isinstance(value, str) else value


def lines(result: Result, mark: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Give a label and a text for each line of what is known; matches are marked, and nothing controls a terminal."""
    if remedy := result.get('remedy'):
        yield 'to do', printable(remedy)
    for match in result.get('found', []):
        yield 'found', _place(match, mark)
    for match in result.get('forbidden', []):
        yield 'forbidden', _place(match, mark)
    for miss in result.get('missing', []):
        why = miss['why'] or 'neither case, markup, encoding nor size explains it'
        remedy = f'; set {as_yaml(miss["set"])}' if miss['set'] else ''
        yield 'missing', printable(f'{quote(miss["string"], MAX_TITLE)}: {why}{remedy}')
    page = result.get('page', {})
    for name in ('url', 'status', 'encoding', 'title'):
        if name in page:
            yield name, printable(page[name])
    if 'size' in page:
        yield 'size', f'{page["size"]} bytes read' + (', up to max_body_size' if 'cut_off' in page else '')
    if page:
        yield 'time', f'{page["response_time"]:.3f} s, {page["first_byte_time"]:.3f} s to the first byte'
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
