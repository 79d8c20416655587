"""What explains a rule about headers, JSON, or the final URL that does not hold, and a value that was not found."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.json_page import TOO_LARGE, NotJSON, Walker, compile_expression, parse_json
from datadog_checks.awesome.reading.read import Further, Reading, read, text_of
from datadog_checks.awesome.reading.stream import no_tick
from datadog_checks.awesome.reading.values import NUMBER, NumberBetween, number_between

from .explanation import collect
from .message import MAX_MET, describe_side, quote, quote_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.awesome.reading.verdict import HeaderMiss, JSONMiss, MaskText, Side, Value, Verdict

    from .report import PageFacts, Searched

# Of the keys that an object has: how many may be quoted at most, and in how many characters.
MAX_KEYS = 20
MAX_QUOTED_KEYS = 120
PATH = re.compile(r'[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*')
LITERALS = ('true', 'false', 'null')
ORDERS = frozenset({'lt', 'lte', 'gt', 'gte'})


def advise_on_head(options: PageOptions, page: PageFacts, verdict: Verdict) -> str:
    """Return what to do about a verdict that fell before the body was read."""
    url = shlex.quote(options.public_url)
    headers = f'curl -sS -o /dev/null -D - {url}'
    if verdict.ended_at:
        return (
            'If that is a login page, configure what the page accepts from a machine (`auth_token`, `headers`, or'
            ' `username` and `password`); if the page has moved, correct `final_url`. See where it leads:'
            f' curl -sSL -o /dev/null -D - {url}'
        )
    return f'{" ".join(dict.fromkeys(map(_advise_on_header, verdict.headers)))} See what it sends: {headers}'


def _advise_on_header(miss: HeaderMiss) -> str:
    if miss.is_forbidden:
        return f'Let the server, or the proxy before it, not send that {miss.name}.'
    if not miss.is_there:
        return f'Let the server send {miss.name}.'
    if miss.in_other_case:
        return f'{quote(miss.string, MAX_MET)}: it is there in different case. Set `case_sensitive: false`.'
    return f'Let the server send another {miss.name}, or correct `search_header`.'


def advise_on_json(options: PageOptions, found_out: Searched, body: bytes, mask: MaskText) -> Iterator[str]:
    """Yield what to do about expressions that are not true of a page, of which `body` was read."""
    verdict = found_out.verdict
    if verdict.not_json:
        if found_out.page.cut_off:
            yield 'Raise `max_body_size`: the page goes on.'
        elif verdict.not_json == TOO_LARGE:
            yield 'Look for an address with a smaller document.'
        return
    try:
        document = parse_json(body, options.encoding)
    except NotJSON:
        return
    for miss in verdict.json:
        yield from filter(None, (_advise_on_side(document, miss, side, mask) for side in miss.sides))


def _advise_on_side(document: Any, miss: JSONMiss, side: Side, mask: MaskText) -> str:
    """Return what the author of an expression should change."""
    if side.value == 'null' and not side.is_string:
        if side.expression in LITERALS:
            return f'`{side.expression}` is the name of a key: write it in backticks.'
        if side.expression.startswith('"'):
            return f"{side.expression} is the name of a key: write '{side.expression[1:-1]}'."
        return _nearest(document, side.expression, mask)
    if side.is_string and _is_ordered(
        compile_expression(miss.expression).tree, compile_expression(side.expression).tree
    ):
        return f'{side.expression} is a string: write to_number({side.expression}).'
    return ''


def _is_ordered(node: Mapping[str, Any], side: Mapping[str, Any]) -> bool:
    """Return whether an expression compares one of its sides with < or >."""
    children = [child for child in node.get('children', ()) if isinstance(child, Mapping)]
    is_here = node['type'] == 'comparator' and node['value'] in ORDERS and side in children
    return is_here or any(_is_ordered(child, side) for child in children)


def _nearest(document: Any, path: str, mask: MaskText) -> str:
    """Return where a path such as `queue.waiting` ends in the document."""
    if not PATH.fullmatch(path):
        return f'{path} is null or not on the page.'
    walker, names = Walker(document, no_tick), path.split('.')
    for length in range(len(names) - 1, -1, -1):
        before = '.'.join(names[:length])
        found = walker.evaluate(compile_expression(before or '@'))
        if isinstance(found, dict):
            place, name = f'`{before}`' if before else 'The page', names[length]
            if name in found:
                return f'`{".".join(names[: length + 1])}` is null.'
            keys = [*map(mask, list(found)[:MAX_KEYS]), *list(found)[MAX_KEYS:]]
            return f'{place} has no {name}, but {quote_all(keys, MAX_QUOTED_KEYS)}.' if keys else f'{place} is empty.'
    return f'{path} is not on the page, which is no object.'


def explain_value(options: PageOptions, found_out: Searched, body: bytes, value: Value) -> str:
    """Return why a value was not found in a page, of which `body` was read, and what would find it."""
    if value.side:
        side = describe_side(value.side)
        advice = f': write to_number({value.side.expression})' if value.side.is_string else ''
        return f'{side}, no number{advice}'
    (source,) = (source for source in options.further.values if source.name == value.name)
    why = value.why
    if isinstance(source, NumberBetween):
        for change, changed in _changes(source, options):
            if _finds(changed, found_out, body):
                return change
        if source.before and _has_start(source, options, found_out, body):
            why = f'{quote(source.before, MAX_MET)} is there, but no number follows as the pattern has it'
    page = found_out.page
    return f'{why} in the first {page.size} bytes (max_body_size)' if page.cut_off else why


def _changes(source: NumberBetween, options: PageOptions) -> Iterator[tuple[str, PageOptions]]:
    """Yield what usually explains that a pattern is not found."""
    rules, pattern = options.rules, f'{source.before}{NUMBER}{source.after}'
    place = 'source' if rules.visible_text else 'text'
    elsewhere = replace(options, rules=replace(rules, visible_text=not rules.visible_text))
    there = number_between(source.name, pattern, source.case_sensitive, elsewhere.rules.visible_text)
    any_case = replace(source, case_sensitive=False)
    if source.case_sensitive:
        yield ('it is there in different case: set case_sensitive: false', _looking_for(options, any_case))
    yield f'it is there with search_in: {place}', _looking_for(elsewhere, there)


def _looking_for(options: PageOptions, source: NumberBetween) -> PageOptions:
    return replace(options, further=Further(values=(source,)), rules=replace(options.rules, required=(), forbidden=()))


def _finds(options: PageOptions, found_out: Searched, body: bytes) -> bool:
    page = found_out.page
    decoder, is_cut = Decoder(page.content_type, options.encoding), page.cut_off
    reading = Reading(options.rules, options.further, no_tick, lambda: is_cut)
    verdict = read(reading, decoder, page.content_type, [body])
    return verdict.values[0].number is not None


def _has_start(source: NumberBetween, options: PageOptions, found_out: Searched, body: bytes) -> bool:
    """Return whether the text that was searched has what stands before the number."""
    content_type = found_out.page.content_type
    text = collect(text_of(options.rules, Decoder(content_type, options.encoding), content_type, [body]))
    return source.before in text if source.case_sensitive else source.before.casefold() in text.casefold()
