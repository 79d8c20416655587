"""What the operator reads: facts first, one line, at most 500 characters, since more are not displayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .comparison import describe_addresses
from .report import PageFacts, Report, Searched, Status, TextFacts, Unreachable, Unread
from .wording import cut, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datadog_checks.awesome.reading.search import Rules
    from datadog_checks.awesome.reading.verdict import HeaderMiss, JSONMiss, Side, Verdict

# In characters.
MAX_QUOTES = 280
MIN_QUOTE = 24
MAX_TITLE = 80
MAX_VALUE = 200
MAX_MET = 60
MAX_EXPRESSION = 100
MAX_MESSAGE = 500

# In a double-quoted scalar of YAML: what is not shown as it is.
_ESCAPES = {'\\': '\\\\', '"': '\\"', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\0': '\\0', '\x1b': '\\e'}


def message(report: Report, rules: Rules) -> str:
    """Return the message of the service check: empty if the page says what it should."""
    if report.addresses and report.status is not Status.OK:
        said = [(address, describe_briefly(one, rules)) for address, one in report.addresses.reports]
        if report.addresses.not_fetched or len({words for _, words in said}) > 1:
            return printable(describe_addresses(said, report.addresses.not_fetched, MAX_MESSAGE))
    match report.outcome:
        case Searched(page, text, verdict):
            if verdict.passed:
                return ''
            found_out = f'{describe_miss(rules, verdict, page)}; status {page.status}'
            return shorten(f'{found_out}, {_describe_text(text)}')
        case Unread(page, verdict):
            return shorten(f'{describe_miss(rules, verdict, page)}; status {page.status}') if not verdict.passed else ''
        case Unreachable(fault):
            return shorten(fault.describe(shorten_value))
    return 'the run was cancelled'


def _describe_text(text: TextFacts) -> str:
    encoding = f'encoding {text.encoding}'
    if text.unknown_label:
        encoding += f' (the page declares {quote(text.unknown_label, MAX_TITLE)}, which is no encoding)'
    return f'{encoding}, {describe_title(text)}'


def describe_briefly(report: Report, rules: Rules) -> str:
    """Return what one of several addresses said, where the address is told already: empty if it is OK."""
    match report.outcome:
        case Searched(page, text, verdict):
            return '' if verdict.passed else f'{describe_miss(rules, verdict, page)}, {describe_title(text)}'
        case Unreachable(fault):
            return fault.brief or fault.describe(shorten_value)
    return message(report, rules)


def describe_title(text: TextFacts) -> str:
    """Return the title of a page, in words."""
    return f'title {quote(text.title, MAX_TITLE)}' if text.title else 'no title'


def describe_miss(rules: Rules, verdict: Verdict, page: PageFacts) -> str:
    """Return what is wrong with a page that was fetched, and how much was read if that decided."""
    if verdict.ended_at:
        return f'ended at {verdict.ended_at[:MAX_VALUE]}'
    if verdict.headers:
        return _join([describe_header(miss) for miss in verdict.headers])
    read = f'in the first {page.size} bytes (max_body_size)' if page.cut_off else f'({page.size} bytes read)'
    return f'{" and ".join([*_describe_strings(rules, verdict), *_describe_json(verdict)])} {read}'


def describe_header(miss: HeaderMiss) -> str:
    """Return which rule about a header does not hold, and the value that was met."""
    met = f': {quote(miss.met, MAX_MET)}' if miss.met else ''
    string = quote(miss.string, MAX_MET) if miss.string else ''
    if miss.is_forbidden:
        return (
            f'found forbidden {string} in header {miss.name}{met}'
            if string
            else f'found forbidden header {miss.name}{met}'
        )
    return f'{string} not found in header {miss.name}{met}' if miss.is_there else f'header {miss.name} not found'


def describe_expression(miss: JSONMiss) -> str:
    """Return that an expression is not true, and what decided about that."""
    sides = ', '.join(map(describe_side, miss.sides))
    if [side.expression for side in miss.sides] == [miss.expression]:
        return sides
    expression = _middle(miss.expression, MAX_EXPRESSION)
    return f'{expression} is not true: {sides}' if sides else f'{expression} is not true'


def describe_side(side: Side) -> str:
    """Return what a part of an expression is."""
    value = quote(side.value, MAX_MET) if side.is_string else cut(side.value, MAX_MET)
    return f'{_middle(side.expression, MAX_EXPRESSION)} is {value}'


def _describe_json(verdict: Verdict) -> list[str]:
    if verdict.not_json:
        return [verdict.not_json]
    return [_join([describe_expression(miss) for miss in verdict.json])] if verdict.json else []


def _describe_strings(rules: Rules, verdict: Verdict) -> list[str]:
    budget = MAX_QUOTES // (2 if verdict.missing and verdict.forbidden else 1)
    wrong = []
    if verdict.missing:
        quotes = quote_all(verdict.missing, budget)
        several = rules.any_suffices and len(verdict.missing) > 1
        wrong.append(f'found none of {quotes}' if several else f'{quotes} not found')
    if verdict.forbidden:
        wrong.append(f'found forbidden {quote_all(verdict.forbidden, budget)}')
    return wrong


def _join(misses: Sequence[str]) -> str:
    """Return the first of `misses` and as many others as fit, and count the rest."""
    shown = [misses[0]]
    for miss in misses[1:]:
        if len('; '.join([*shown, miss])) > MAX_QUOTES:
            break
        shown.append(miss)
    others = len(misses) - len(shown)
    return '; '.join([*shown, *([f'and {others} more'] if others else [])])


def shorten_value(value: str) -> str:
    """Return a value of a fault, of which a server may have sent any length, as far as it is displayed."""
    return cut(value, MAX_VALUE)


def shorten(text: str) -> str:
    """Return a message, in which a server may have had its say, on one line of what is displayed."""
    return printable(cut(text, MAX_MESSAGE))


def quote_all(strings: Sequence[str], budget: int) -> str:
    """Quote as many of `strings` as fit into `budget` characters, and count the others."""
    size = max(MIN_QUOTE, budget // len(strings) - 2)
    shown = strings[: (budget - len(', and 99 more')) // (size + 2)] if size == MIN_QUOTE else strings
    others = len(strings) - len(shown)
    return ', '.join([*(quote(string, size) for string in shown), *([f'and {others} more'] if others else [])])


def _middle(text: str, size: int) -> str:
    """Return `text` without its middle if it is longer than `size` characters."""
    half = (size - 3) // 2
    return text if len(text) <= size else f'{text[:half]}...{text[-half:]}'


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
