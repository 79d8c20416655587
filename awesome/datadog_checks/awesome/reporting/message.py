"""What the operator reads: facts first, one line, at most 500 characters, since more are not displayed."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.reading.search import Rules, Verdict

from .report import PageFacts, Report, Searched, Unreachable

# In characters.
MAX_QUOTES = 280
MIN_QUOTE = 24
MAX_TITLE = 80
MAX_VALUE = 200
MAX_MESSAGE = 500

STATUS_KINDS = {kind.value[1]: kind for kind in Kind if kind.value[1] >= 100}
_TITLE_START = re.compile(r'<title\b[^<>]*>', re.IGNORECASE)
_TITLE_END = re.compile(r'</title', re.IGNORECASE)
# In a double-quoted scalar of YAML: what is not shown as it is.
_ESCAPES = {'\\': '\\\\', '"': '\\"', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\0': '\\0', '\x1b': '\\e'}


def message(report: Report, rules: Rules) -> str:
    """Return the message of the service check: empty if the page says what it should."""
    match report.outcome:
        case Searched(page, text, verdict):
            if verdict.passed:
                return ''
            found_out = f'{describe_miss(rules, verdict, page)}; status {page.status}'
            encoding = f'encoding {text.encoding}'
            if text.unknown_label:
                encoding += f' (the page declares {quote(text.unknown_label, MAX_TITLE)}, which is no encoding)'
            named = f'title {quote(text.title, MAX_TITLE)}' if text.title else 'no title'
            return shorten(f'{found_out}, {encoding}, {named}')
        case Unreachable(fault):
            return shorten(fault.describe(shorten_value))
    return 'the run was cancelled'


def describe_miss(rules: Rules, verdict: Verdict, page: PageFacts) -> str:
    """Return what is wrong with a page that was searched, and how much was searched."""
    budget = MAX_QUOTES // (2 if verdict.missing and verdict.forbidden else 1)
    read = f'in the first {page.size} bytes (max_body_size)' if page.cut_off else f'({page.size} bytes read)'
    wrong = []
    if verdict.missing:
        quotes = quote_all(verdict.missing, budget)
        several = rules.any_suffices and len(verdict.missing) > 1
        wrong.append(f'found none of {quotes}' if several else f'{quotes} not found')
    if verdict.forbidden:
        wrong.append(f'found forbidden {quote_all(verdict.forbidden, budget)}')
    return f'{" and ".join(wrong)} {read}'


def title(markup: str) -> str:
    """Return the title of a page on one line; empty if `markup` holds no whole one."""
    start = _TITLE_START.search(markup)
    end = start and _TITLE_END.search(markup, start.end())
    if not start or not end:
        return ''
    return ' '.join(html.unescape(markup[start.end() : end.start()]).split())


def unexpected_status(code: int, status: str, expected: str) -> Fault:
    """Return the fault of a page with a status that does not count; `expected` is what does if that is configured."""
    kind = STATUS_KINDS.get(code) or {3: Kind.NOT_FOLLOWED, 5: Kind.SERVER_ERROR}.get(code // 100, Kind.STATUS)
    if expected:
        return Fault(kind, '{}, not {}', status, expected)
    return Fault(kind, '{}', status)


def shorten_value(value: str) -> str:
    """Return a value of a fault, of which a server may have sent any length, as far as it is displayed."""
    return value if len(value) <= MAX_VALUE else f'{value[: MAX_VALUE - 3]}...'


def shorten(text: str) -> str:
    """Return a message, in which a server may have had its say, on one line of what is displayed."""
    return printable(text if len(text) <= MAX_MESSAGE else f'{text[: MAX_MESSAGE - 3]}...')


def printable(text: str) -> str:
    """Return `text` on one line, without what would control a terminal."""
    return ''.join(character if character.isprintable() else ' ' for character in text)


def quote_all(strings: Sequence[str], budget: int) -> str:
    """Quote as many of `strings` as fit into `budget` characters, and count the others."""
    size = max(MIN_QUOTE, budget // len(strings) - 2)
    shown = strings[: (budget - len(', and 99 more')) // (size + 2)] if size == MIN_QUOTE else strings
    others = len(strings) - len(shown)
    return ', '.join([*(quote(string, size) for string in shown), *([f'and {others} more'] if others else [])])


def quote(text: str, size: int) -> str:
    """Quote `text` on one line as YAML would, shortened in the middle to `size` characters."""
    for length in range(size - 2, 3, -1):
        half = (length - 3) // 2
        shown = text if len(text) <= length else f'{text[: half + (length - 3) % 2]}...{text[len(text) - half :]}'
        quoted = _scalar(shown)
        if len(quoted) <= size:
            return quoted
    return '...'


def _scalar(text: str) -> str:
    """Return a string as a quoted scalar of YAML: in single quotes unless something needs an escape."""
    if text.isprintable():
        return "'{}'".format(text.replace("'", "''"))
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}' if code < 0x10000 else f'\\U{code:08x}'
