"""Why a text is not found in a page that was read, and which options would find it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .config_models import InstanceConfig
from .encoding import Decoder
from .fault import Fault
from .message import quote, title
from .page import Fetcher
from .reading import read, rules_of, strings
from .recorder import RecordedPage
from .search import Verdict

if TYPE_CHECKING:
    from .check import AwesomeCheck

# Of pages that declare none or another.
ENCODINGS = [
    *('utf-8', 'windows-1252', 'utf-16-le', 'utf-16-be', 'iso-8859-2', 'windows-1251', 'koi8-r'),
    *('shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr'),
]
# How much more of a page is searched than `max_body_size` allows.
FURTHER = 16

PASSWORD_FIELD = re.compile(r'<input\b[^<>]*\btype\s*=\s*["\']?password\b', re.IGNORECASE)
ERROR_TITLE = re.compile(
    r'\b(?:[45]\d\d|error|forbidden|denied|maintenance|not found|unauthorized|unavailable|bad gateway|time-?out)\b',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reason:
    """Why `string` is not found, and the options with which it is."""

    string: str
    why: str
    options: dict[str, Any]


def as_yaml(options: dict[str, Any]) -> str:
    """Give options as in conf.yaml, on one line."""
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in options.items()}
    return ', '.join(f'{name}: {value}' for name, value in values.items())


def explain(
    check: AwesomeCheck, options: InstanceConfig, verdict: Verdict, page: RecordedPage, decoder: Decoder
) -> list[Reason]:
    """Give what explains the strings that a page is missing; nothing for those that nothing explains."""
    missing = missing_strings(options, verdict)
    found: list[Reason] = []
    for why, change in _changes(options, decoder):
        if not missing:
            return found
        there = _search(_looking_for(missing, options, change), missing, page)
        found += [Reason(string, why, change) for string in there]
        missing = [string for string in missing if string not in there]
    if missing and page.cut_off:
        longer = _looking_for(missing, options, {'max_body_size': page.size * FURTHER})
        found += _search_further(check, longer, missing, page.size)
    return found


def missing_strings(options: InstanceConfig, verdict: Verdict) -> list[str]:
    """Give the missing strings as they are configured, not as they were searched."""
    pairs = zip(strings(options.search_string), rules_of(options).required, strict=True)
    return [string for string, required in pairs if required in verdict.missing]


def impostor(page: RecordedPage, decoder: Decoder) -> str:
    """Say what a page is in place of the one that was meant; empty if it does not look so."""
    if PASSWORD_FIELD.search(page.body.decode(decoder.encoding, 'replace')):
        return 'The page asks for a password: it is a login page'
    found = title(decoder.head)
    return f'The title is that of an error page: {quote(found, 80)}' if ERROR_TITLE.search(found) else ''


def _changes(options: InstanceConfig, decoder: Decoder) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what usually explains a miss, the likeliest first."""
    if options.search_in == 'text':
        where, place = 'it is in the source where no reader sees it', {'search_in': 'source'}
    else:
        where, place = 'a reader sees it, but the source has markup or white space in it', {'search_in': 'text'}
    if options.case_sensitive:
        yield 'it is there in other case', {'case_sensitive': False}
    yield where, place
    if options.case_sensitive:
        yield f'{where}, and it is in other case', place | {'case_sensitive': False}
    for encoding in ENCODINGS:
        why = f'the page is in {encoding}, and was read as {decoder.encoding} ({decoder.decided_by})'
        yield why, {'encoding': encoding}


def _looking_for(wanted: Sequence[str], options: InstanceConfig, change: dict[str, Any]) -> InstanceConfig:
    update = {'search_string': tuple(wanted), 'search_mode': 'all', 'forbidden_string': None, **change}
    return options.model_copy(update=update)


def _search(options: InstanceConfig, wanted: Sequence[str], page: RecordedPage) -> list[str]:
    """Give those of the `wanted` strings that the recorded page has."""
    rules = rules_of(options)
    try:
        _, verdict = read(options, rules, page.content_type, [bytes(page.body)])
    except Fault:
        return []
    # White space alone is nothing in the text that a reader sees.
    pairs = zip(wanted, rules.required, strict=True)
    return [string for string, required in pairs if required and required not in verdict.missing]


def _search_further(check: AwesomeCheck, options: InstanceConfig, wanted: Sequence[str], limit: int) -> list[Reason]:
    """Fetch the page again to see whether what is missing comes after `limit`."""
    fetcher = Fetcher(check.instance or {}, check.init_config or {}, check.log)
    report = check.examine(options, rules_of(options), fetcher)
    if not report.page or not report.verdict:
        return []
    still = missing_strings(options, report.verdict)
    why, change = f'it comes after the first {limit} bytes', {'max_body_size': report.page.size}
    return [Reason(string, why, change) for string in wanted if string not in still]
