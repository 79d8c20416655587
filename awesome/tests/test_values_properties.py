"""Whatever the cuts, case, and encoding, values and rules about headers are those of the whole page or line.

`ddev --here test awesome -- -k properties --hypothesis-profile thorough` runs 20,000 examples of each.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

import jmespath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.headers import HeaderRules, judge_headers
from datadog_checks.awesome.reading.json_page import FAILURES, NotJSON, NumberAt, Walker, compile_expression, parse_json
from datadog_checks.awesome.reading.read import Further, Reading, read
from datadog_checks.awesome.reading.search import Rules
from datadog_checks.awesome.reading.stream import no_tick
from datadog_checks.awesome.reading.values import (
    MAX_NUMBER,
    Count,
    NumberBetween,
    ValueSearch,
    count,
    number_between,
    parse_number,
)
from datadog_checks.awesome.reading.verdict import Value

pytestmark = pytest.mark.unit

CUTS = st.lists(st.integers(0, 300), max_size=8)
# Much of what matters to numbers, and little else.
TEXT = st.text('0123456789.,-+ %eEaAßS\xa0\u2212:', max_size=200)
LITERALS = st.text('0123456789.,- %eaAßs:', max_size=4)
ENCODINGS = {'utf-8': 'utf-8', 'windows-1252': 'cp1252', 'utf-16le': 'utf-16-le'}


def cut(page: str | bytes, cuts: list[int]) -> Iterator[str | bytes]:
    at = 0
    for size in cuts:
        yield page[at : at + size]
        at += size
    yield page[at:]


def searched(source: NumberBetween | Count, pieces: Iterator[str]) -> Value:
    search = ValueSearch([source])
    for piece in pieces:
        search.feed(piece, no_tick)
    return search.results(is_whole=True)[0]


@given(TEXT, LITERALS, LITERALS, st.booleans(), CUTS)
# What is held begins inside of a number that is too large, and of one that is too long.
@example('12e999', '', '', True, [MAX_NUMBER + 2 + 3])
@example('1' * 40, '', '', True, [MAX_NUMBER + 2 + 10])
@example('1,234', '', '', True, [2, 1])
def test_number_does_not_depend_on_the_cuts(
    text: str, before: str, after: str, case_sensitive: bool, cuts: list[int]
) -> None:
    source = number_between('n', f'{before}{{number}}{after}', case_sensitive, visible_text=False)
    # Longer than any match, or else the text that is held is the whole.
    text = f'{text}{"x" * 150}{text}'

    assert searched(source, cut(text, cuts)) == searched(source, iter([text]))  # type: ignore[arg-type]


@given(TEXT, LITERALS, LITERALS, st.booleans(), st.integers(0, 200))
def test_number_of_a_page_that_is_cut_is_that_of_the_whole(
    text: str, before: str, after: str, case_sensitive: bool, size: int
) -> None:
    source = number_between('n', f'{before}{{number}}{after}', case_sensitive, visible_text=False)
    search = ValueSearch([source])

    search.feed(text[:size], no_tick)

    found = search.results(is_whole=True, is_cut=True)[0].number
    assert found in (None, searched(source, iter([text])).number)


@given(TEXT, LITERALS, LITERALS, st.booleans())
@example('1E309', '', '', False)
def test_number_is_where_the_pattern_says(text: str, before: str, after: str, case_sensitive: bool) -> None:
    source = number_between('n', f'{before}{{number}}{after}', case_sensitive, visible_text=False)
    fold = str if case_sensitive else str.casefold

    value = searched(source, iter([text]))

    around = rf'{re.escape(fold(before))}([-+\u2212]?\.?[0-9][-+0-9., \xa0e]*?) ?\xa0?%?{re.escape(fold(after))}'
    if value.number is not None:
        assert re.search(around, fold(text))
    elif not after and not re.search('[0-9]{31}|[0-9]e', fold(text)):
        # Neither too long nor, by an exponent, too large.
        assert not re.search(rf'{re.escape(fold(before))}[0-9]', fold(text))


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from(['en', 'de', 'fr', 'plain']))
def test_number_as_people_write_it(number: float, language: str) -> None:
    number = round(math.fmod(number, 1e15), 2)
    separators = {'en': ',.', 'de': '.,', 'fr': '\u202f,', 'plain': ' .'}[language]
    written = f'{number:,.2f}'.translate(str.maketrans(',.', separators))

    found = searched(number_between('n', 'a {number} b', True, False), iter([f'a {written} b']))

    assert found.number == number


@given(TEXT, st.text('0123aAßs ', min_size=1, max_size=3), st.booleans(), CUTS)
def test_occurrences_are_those_of_the_whole(text: str, string: str, case_sensitive: bool, cuts: list[int]) -> None:
    fold = str if case_sensitive else str.casefold

    found = searched(Count('n', string, case_sensitive), cut(text, cuts))  # type: ignore[arg-type]

    assert found.number == fold(text).count(fold(string))


@given(
    st.text('0123456789. aä\n', max_size=100), st.sampled_from(sorted(ENCODINGS)), st.booleans(), st.booleans(), CUTS
)
def test_values_of_a_page_in_any_encoding(
    text: str, encoding: str, visible_text: bool, required: bool, cuts: list[int]
) -> None:
    page = f'ä {text} ä: 12 äää'
    sources = (
        number_between('number', 'ä: {number} ä', True, visible_text),
        count('count', 'ä', True, visible_text),
        NumberAt('json', compile_expression('a')),
    )
    rules = Rules(('ä',) if required else (), visible_text=visible_text)
    reading = Reading(rules, Further(values=sources), no_tick)
    body = page.encode(ENCODINGS[encoding])

    verdict = read(reading, Decoder('text/plain', encoding), 'text/plain', cut(body, cuts))  # type: ignore[arg-type]

    numbers = {value.name: value.number for value in verdict.values}
    assert verdict.passed
    assert numbers == {'number': 12, 'count': page.count('ä'), 'json': None}


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from('abc'), inner, max_size=3),
    max_leaves=10,
)
EXPRESSIONS = ['a', 'a.b', 'a > `1`', "a == 'x' && b", 'length(a) == b', 'a[*].b', 'sum(a)', 'sort_by(a, &b)', '@']


@given(DOCUMENTS, st.sampled_from(EXPRESSIONS), CUTS)
def test_document_of_any_shape_has_a_verdict(document: object, expression: str, cuts: list[int]) -> None:
    compiled = compile_expression(expression)
    further = Further((compiled,), (NumberAt('n', compiled),))
    body = json.dumps(document).encode()
    pieces = cut(body, cuts)

    verdict = read(Reading(Rules(()), further, no_tick), Decoder(), 'application/json', pieces)  # type: ignore[arg-type]

    walker = Walker(json.loads(body), no_tick)
    assert (verdict.json, verdict.values) == (walker.judge((compiled,)), (walker.number(NumberAt('n', compiled)),))
    assert verdict.passed == (not verdict.json)


PARTS = st.recursive(
    st.sampled_from(['a', 'b', '"c"', '@', '`1`', "'x'"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(['==', '!=', '<', '>=', '&&', '||', '|']), inner).map(' '.join)
        | st.tuples(st.sampled_from(['({})', '!{}', 'length({})', 'to_number({})', '{}[0]', '{}[*].a']), inner).map(
            lambda part: part[0].format(part[1])
        )
        | st.tuples(inner, inner).map(lambda pair: f'contains({pair[0]}, {pair[1]})')
    ),
    max_leaves=6,
)


@given(DOCUMENTS, PARTS)
def test_expression_is_true_where_jmespath_says_so(document: object, text: str) -> None:
    expression = compile_expression(text)

    misses = Walker(document, no_tick).judge((expression,))

    for side in expression.sides:
        compile_expression(side.text)
    try:
        found = jmespath.search(text, document)
    except FAILURES:
        # A string was compared with a number, or a function got what it does not take.
        return
    assert bool(misses) == (found is None or found is False or found in ('', [], {}))


@given(st.binary(max_size=50) | st.text('[]{}",:0123456789eE.-tfnNaI \\u', max_size=30).map(str.encode))
def test_json_is_what_the_standard_library_reads(body: bytes) -> None:
    try:
        expected = json.dumps(json.loads(body.decode(json.detect_encoding(body)).removeprefix('\ufeff')))
    except ValueError:
        expected = 'NaN'
    if 'NaN' in expected or 'Infinity' in expected:
        # These two are no JSON, but 1e999 is.
        expected = ''

    try:
        assert json.dumps(parse_json(body, None)) == expected or b'e' in body.lower()
    except NotJSON:
        assert not expected


LINES = st.lists(st.text(st.characters(max_codepoint=255, exclude_characters='\r\n'), max_size=20), max_size=3)


@given(LINES, st.text('aAbäßéÉ\xa0 ', max_size=3), st.booleans(), st.booleans())
def test_header_is_judged_by_the_plain_expression(
    lines: list[str], string: str, case_sensitive: bool, as_utf_8: bool
) -> None:
    sent = [line.encode().decode('latin-1') for line in lines] if as_utf_8 else lines
    rules = HeaderRules((('A', string),), (('A', string),), case_sensitive=case_sensitive)
    fold = str if case_sensitive else str.casefold

    misses = judge_headers(rules, lambda _: sent)

    readings = {*sent, *(utf_8 for line in sent if (utf_8 := decoded(line)))}
    is_there = any(fold(string) in fold(line) for line in readings)
    assert [miss.is_forbidden for miss in misses] == [is_there]
    if as_utf_8 and lines:
        assert any(fold(string) in fold(line) for line in lines) <= is_there


def decoded(line: str) -> str:
    return line.encode('latin-1').decode(errors='surrogateescape') if is_utf_8(line) else ''


def is_utf_8(line: str) -> bool:
    try:
        line.encode('latin-1').decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.text('0123456789', min_size=1, max_size=30))
def test_digits_are_a_number(digits: str) -> None:
    assert parse_number(digits) == float(digits)
