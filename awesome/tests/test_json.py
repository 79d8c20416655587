"""Rules about a page that is JSON: what is true of it, what is not and why, and what no page can do to the check."""

from __future__ import annotations

import gzip
import json
import re
import socket
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.reading import json_page
from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.json_page import (
    MAX_JSON,
    JSONBody,
    NotJSON,
    NumberAt,
    Walker,
    compile_expression,
    parse_json,
)
from datadog_checks.awesome.reading.read import Further, Reading, read
from datadog_checks.awesome.reading.search import Rules
from datadog_checks.awesome.reading.stream import no_tick
from datadog_checks.awesome.reading.verdict import JSONMiss, Side, Value, Verdict
from datadog_checks.base import ConfigurationError

from .answers import HEAD
from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

DOCUMENT = {
    'status': 'DOWN',
    'queue': {'waiting': 120, 'oldest': None, 'limit': '100'},
    'errors': ['disk', 'cpu'],
    'ratio': 0.5,
    'healthy': False,
    'up': True,
    'none': [],
    'zero': 0,
}
PAGE = json.dumps(DOCUMENT).encode()


@pytest.mark.parametrize(
    ('expression', 'miss'),
    [
        ("status == 'DOWN'", ''),
        ('queue.waiting < `200` && length(errors) == `2`', ''),
        ('up', ''),
        ('zero', ''),
        ('errors', ''),
        ("errors[?@ == 'disk']", ''),
        ('!healthy', ''),
        ("status == 'UP'", "status == 'UP' is not true: status is 'DOWN'"),
        ('queue.waiting < `100`', 'queue.waiting < `100` is not true: queue.waiting is 120'),
        ('`100` > queue.waiting', '`100` > queue.waiting is not true: queue.waiting is 120'),
        ('length(errors) == `0`', 'length(errors) == `0` is not true: length(errors) is 2'),
        ("status == 'UP' && ratio > `1`", "status == 'UP' && ratio > `1` is not true: status is 'DOWN', ratio is 0.5"),
        ("errors[0] == 'a' || !up", "errors[0] == 'a' || !up is not true: errors[0] is 'disk', up is true"),
        ('queue.waiting < ratio', 'queue.waiting < ratio is not true: queue.waiting is 120, ratio is 0.5'),
        ('healthy', 'healthy is false'),
        ('none', 'none is a list of 0'),
        ('nothing.here', 'nothing.here is null'),
        ("errors == 'a'", "errors == 'a' is not true: errors is a list of 2"),
        ('queue == `1`', 'queue == `1` is not true: queue is an object with 3 keys'),
        ("errors | [0] == 'a'", "errors | [0] == 'a' is not true: errors | [0] is 'disk'"),
        ('queue.limit < `200`', "queue.limit < `200` is not true: queue.limit is '100'"),
        ('length(up) > `1`', 'length(up) > `1` is not true: length(up) is not what length() takes, up is true'),
        ("(status == 'UP')", "(status == 'UP') is not true: status is 'DOWN'"),
        (
            "!(status == 'DOWN' || (up && `1` < ratio))",
            "!(status == 'DOWN' || (up && `1` < ratio)) is not true: status is 'DOWN', up is true, ratio is 0.5",
        ),
        ('ratio > `1` && ratio < `2`', 'ratio > `1` && ratio < `2` is not true: ratio is 0.5'),
        ("contains(status, 'UP')", "contains(status, 'UP') is not true: status is 'DOWN'"),
        ("!starts_with (status, 'D')", "!starts_with (status, 'D') is not true: status is 'DOWN'"),
        ("contains('UP', 'D')", "contains('UP', 'D') is not true"),
        ('contains(nothing, status)', "contains(nothing, status) is not true: nothing is null, status is 'DOWN'"),
        ('contains(errors, `1`)[0]', 'contains(errors, `1`)[0] is null'),
        (
            'sort_by(nothing, &a)',
            'sort_by(nothing, &a) is not true: sort_by(nothing, &a) is not what sort_by() takes, nothing is null',
        ),
        ('[0] | [1] && up', '[0] | [1] && up is not true: [0] | [1] is null, [0] | up is null'),
        (' queue == `1`\n', 'queue == `1` is not true: queue is an object with 3 keys'),
        ('queue.{a: limit} == `1`', 'queue.{a: limit} == `1` is not true: queue.{a: limit} is an object with 1 key'),
        ('up == &up', 'up == &up is not true: up is true'),
        ('not_null(&up) == `1`', 'not_null(&up) == `1` is not true: not_null(&up) is an expression'),
        ("length([ratio, status, zero][?@ > `0`]) == `1`", ''),
        ("!(status > `0`)", ''),
    ],
)
def test_expressions(expression: str, miss: str, serve: Serve, run: Run) -> None:
    result = run(url=serve(response(PAGE)).url, search_json=expression)

    assert result.message.partition(f' ({len(PAGE)} bytes read)')[0] == miss
    assert result.status == (AwesomeCheck.WARNING if miss else AwesomeCheck.OK)


@pytest.mark.parametrize(
    ('expression', 'miss'),
    [
        (
            'sum([digits, digits]) < `1`',
            'sum([digits, digits]) is more than can be computed, [digits, digits] is a list of 2',
        ),
        ('digits < `1`', f'digits is {"9" * 57}...'),
        ('join(text, words)', 'join(text, words) is more than can be computed'),
    ],
)
def test_what_is_too_large_is_not_computed(expression: str, miss: str, serve: Serve, run: Run) -> None:
    text, words = json.dumps('x' * 100_000), json.dumps(['x'] * 100_000)
    page = f'{{"digits": {"9" * 4300}, "text": {text}, "words": {words}}}'

    result = run(url=serve(response(page.encode())).url, search_json=expression)

    assert result.message.startswith(f'{expression} is not true: {miss}')


@pytest.mark.parametrize('operator', ['||', '&&', '==', '!=', '<=', '>=', '<', '>'])
@pytest.mark.parametrize('space', ['', ' ', '\n  '])
def test_sides_of_an_operator(operator: str, space: str) -> None:
    sides = compile_expression(f'aa{space}{operator}{space}!bb').sides

    assert [side.text for side in sides] == ['aa', 'bb']


@pytest.mark.parametrize(
    ('document', 'is_true'),
    [
        *((document, False) for document in ('null', 'false', '""', '[]', '{}')),
        *((document, True) for document in ('true', '0', '0.0', '"a"', '" "', '[null]', '{"a": null}')),
    ],
)
def test_what_is_true(document: str, is_true: bool) -> None:
    walker = Walker(parse_json(document.encode(), None), no_tick)

    assert bool(walker.judge([compile_expression('@')])) != is_true


def test_byte_order_mark_is_no_error() -> None:
    for encoding in (None, 'utf-8', 'utf-16le'):
        body = '\ufeff{"a": 1}'.encode(encoding.replace('le', '-le') if encoding else 'utf-8')

        assert parse_json(body, encoding) == {'a': 1}


def test_number_has_at_most_4300_digits() -> None:
    assert parse_json(b'1' * 4300, None) == int('1' * 4300)
    with pytest.raises(NotJSON, match='a number of more than 4300 digits'):
        parse_json(b'1' * 4301, None)


@pytest.mark.parametrize(
    'function', ['not_null(a, b, c)', 'merge(a, b, c)', 'not_null(a)', 'length(a)', 'contains(a, b)']
)
@pytest.mark.parametrize(
    'context', ['{}', 'x.{}', 'x[?{}]', '!{}', '[{}, `1`]', '{{a: {}}}', 'to_string({})', 'x | {}']
)
def test_function_with_its_arguments(function: str, context: str) -> None:
    assert compile_expression(context.format(function)).text == context.format(function)


@pytest.mark.parametrize(
    ('function', 'reason'),
    [
        ('length(a, b)', 'length() takes 1 argument, not 2'),
        ('contains(a)', 'contains() takes 2 arguments, not 1'),
        ('merge()', 'merge() takes 1 argument, not 0'),
        ('size(a)', 'there is no function size()'),
    ],
)
@pytest.mark.parametrize(
    'context', ['{}', 'x.{}', 'x[?{}]', '!{}', '[{}, `1`]', '{{a: {}}}', 'to_string({})', 'x | {}']
)
def test_function_with_other_arguments(function: str, reason: str, context: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        compile_expression(context.format(function))


@pytest.mark.parametrize('operator', ['||', '&&', '==', '<'])
def test_copies_on_both_sides_of_an_operator_do_not_multiply(operator: str) -> None:
    copies = f'[{", ".join("@" * 9)}]'

    assert compile_expression(f'!{copies} {operator} {copies}').sides


@pytest.mark.parametrize(('expression', 'reason'), [('', 'it is empty'), (' ', 'it is incomplete')])
def test_expression_without_anything(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f'^{expression!r} is not a JMESPath expression: {reason}$'):
        compile_expression(expression)


def test_all_expressions_must_be_true(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(PAGE)).url, search_json=['up', 'healthy', "status == 'UP'"])

    assert result.message.startswith("healthy is false; status == 'UP' is not true: status is 'DOWN' (")


def test_json_and_strings_are_one_verdict(serve: Serve, run: Run) -> None:
    url = serve(response(PAGE)).url

    assert run(url=url, search_json='up', search_string='DOWN').status == AwesomeCheck.OK
    assert run(url=url, search_json='up', forbidden_string='DOWN').message.startswith("found forbidden 'DOWN' (")
    both = run(url=url, search_json='healthy', search_string='UP', search_header={'Content-Type': 'html'}).message
    assert both.startswith("'UP' not found and healthy is false (")


@pytest.mark.parametrize(
    ('body', 'message'),
    [
        (b'', 'the page is empty, not JSON'),
        (b' \n', 'the page is empty, not JSON'),
        (b'<title>Sign in</title>', 'the page is not JSON: error in line 1, column 1'),
        (b'{"a": 1,\n "b": x}', 'the page is not JSON: error in line 2, column 7'),
        (b'{"a": 1} {', 'the page is not JSON: error in line 1, column 10'),
        (b'{"a": "\xff"}', 'the page is not JSON: it is not valid UTF-8'),
        (b'[NaN]', 'the page is not JSON: NaN is no number there'),
        (b'[-Infinity]', 'the page is not JSON: -Infinity is no number there'),
        (b'[' * 100_000, 'the page nests too deeply to be read as JSON'),
        (b'{"a":' * 100_000, 'the page nests too deeply to be read as JSON'),
        (b'[' + b'1' * 5000 + b']', 'the page has a number of more than 4300 digits'),
        (b'[-' + b'1' * 4301 + b']', 'the page has a number of more than 4300 digits'),
        (b'"' + b'a' * MAX_JSON + b'"', 'the page is larger than 1048576 bytes, too large to be read as JSON'),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else '',
)
def test_page_that_is_not_json(body: bytes, message: str, serve: Serve, run: Run) -> None:
    result = run(url=serve(response(body)).url, search_json='@', values={'n': {'json': 'n'}})

    assert result.status == AwesomeCheck.WARNING
    assert result.message.startswith(f'{message} (')
    assert result.values == {}


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-32'])
def test_encodings_of_json(encoding: str, serve: Serve, run: Run) -> None:
    body = json.dumps({'city': 'Zürich'}, ensure_ascii=False).encode(encoding)

    assert run(url=serve(response(body)).url, search_json="city == 'Zürich'").status == AwesomeCheck.OK


def test_option_overrides_the_encoding(serve: Serve, run: Run) -> None:
    url = serve(response('{"city": "Zürich"}'.encode('latin-1'))).url

    assert run(url=url, search_json="city == 'Zürich'", encoding='latin1').status == AwesomeCheck.OK
    assert run(url=url, search_json="city == 'Zürich'").status == AwesomeCheck.WARNING


def test_json_is_read_after_decompression(serve: Serve, run: Run) -> None:
    bomb = serve(response(gzip.compress(b'"' + b'a' * 50_000_000), Content_Encoding='gzip'))
    page = serve(response(gzip.compress(PAGE), Content_Encoding='gzip'))

    assert run(url=page.url, search_json='up').status == AwesomeCheck.OK
    result = run(url=bomb.url, search_json='up')
    assert result.message.startswith('the page is larger than 1048576 bytes')
    assert result.metrics['page.size'] <= MAX_JSON + 64 * 1024


def test_page_that_is_cut_off_says_so(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(PAGE)).url, search_json='up', max_body_size=10)

    assert result.message.startswith('the page is not JSON: error in line 1, column 11 in the first 10 bytes')


@pytest.mark.parametrize(
    ('expression', 'reason'),
    [
        ('', 'it is empty'),
        ('a.', 'it is incomplete'),
        ('a ==', 'it is incomplete'),
        ("status = 'UP'", "unexpected '=' after 7 characters: compare with =="),
        ('queue.waiting < 100', 'write the number as `100`, in backticks'),
        ('a or b', 'unexpected \'or\' after 2 characters: write || for "or"'),
        ('a not b', 'unexpected \'not\' after 2 characters: write ! for "not"'),
        ('a and b', 'unexpected \'and\' after 2 characters: write && for "and"'),
        ('a b', "unexpected 'b' after 2 characters"),
        ('#', "unexpected '#' after 0 characters"),
        ('lenght(a)', 'there is no function lenght()'),  # codespell:ignore lenght
        ('length()', 'length() takes 1 argument, not 0'),
        ('length(a, b)', 'length() takes 1 argument, not 2'),
        ('|'.join(['[@, @]'] * 7), 'it returns more than 64 copies of what it selects'),
        ('a.[b, {c: @, d: @}][]' + ' | [@[0], @[1]]' * 5, 'it returns more than 64 copies of what it selects'),
        (
            'map(&[@, @, @, @, @, @, @, @, @], map(&[@, @, @, @, @, @, @, @], @))',
            'it returns more than 64 copies of what it selects',
        ),
        ('(' * 10_000, 'it nests too deeply'),
    ],
    ids=lambda value: value[:30],
)
def test_expression_that_does_not_compile(expression: str, reason: str) -> None:
    for option, value in (('search_json', [expression]), ('values', {'n': {'json': expression}})):
        with pytest.raises(ConfigurationError) as error:
            AwesomeCheck('awesome', {}, [{}]).check({'url': 'http://localhost/', 'search_string': 'a', option: value})

        if expression:
            assert str(error.value).splitlines()[1] == option
            assert str(error.value).endswith(f'is not a JMESPath expression: {reason}')


@pytest.mark.parametrize(
    ('value', 'reason'),
    [
        ([], 'must have at least one expression'),
        (True, 'must be a string, not a boolean: put it in quotes'),
        (['a', 1], 'must be a string, not a number: put it in quotes'),
        ({'status': 'UP'}, 'must be an expression in quotes, such as "status == \'UP\'", not a mapping'),
        (['a', ['b']], 'must be an expression in quotes, such as "status == \'UP\'", not a list'),
    ],
)
def test_option_that_is_none(value: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        AwesomeCheck('awesome', {}, [{}]).check({'url': 'http://localhost/', 'search_json': value})

    assert str(error.value).splitlines()[1:] == ['search_json', f'  Value error, {reason}']


@pytest.mark.parametrize(
    ('expression', 'number'),
    [
        ('queue.waiting', 120),
        ('ratio', 0.5),
        ('zero', 0),
        ('length(errors)', 2),
        ('to_number(queue.limit)', 100),
        ('queue.limit', None),
        ('up', None),
        ('nothing', None),
        ('errors', None),
        ('length(up)', None),
        ('huge', None),
        ('digits', None),
    ],
)
def test_values(expression: str, number: float | None) -> None:
    huge = b', "huge": 1e999, "digits": ' + b'1' * 4000 + b'}'
    walker = Walker(parse_json(PAGE[:-1] + huge, None), no_tick)

    value = walker.number(NumberAt('n', compile_expression(expression)))

    assert value.number == number
    assert bool(value.side) == (number is None)


def test_secrets_are_masked_in_a_value(serve: Serve, run: Run) -> None:
    body = json.dumps({'echo': 'Bearer 5ecret-token', 'list': ['5ecret-token']}).encode()

    result = run(
        url=serve(response(body)).url,
        search_json=["echo == 'a'", "list[0] == 'a'"],
        extra_headers={'Authorization': 'Bearer 5ecret-token'},
    )

    assert '5ecret' not in result.message
    assert "echo is '********'" in result.message


def test_strings_are_shown_on_one_line_and_shortened(serve: Serve, run: Run) -> None:
    body = json.dumps({'a': 'x\n\x1b[31m\ud800' + 'y' * 100_000}).encode()

    message = run(url=serve(response(body)).url, search_json="a == 'b'").message

    assert message.isprintable()
    assert len(message) < 200
    assert r'a is "x\n\e[31m\ud800yyy' in message


def looking(chunks: Any, tick: Any = no_tick, **further: Any) -> Any:
    rules = further.pop('rules', Rules(()))
    return read(Reading(rules, Further(**further), tick), Decoder('application/json'), 'application/json', chunks)


def breaking_off(*chunks: bytes) -> Any:
    yield from chunks
    raise Fault(Kind.BROKEN_OFF, 'broke off')


EXPRESSION = compile_expression('a > `0`')
NUMBER = NumberAt('n', compile_expression('a'))


def test_fault_before_the_end_counts_while_an_expression_may_be_true() -> None:
    with pytest.raises(Fault):
        looking(breaking_off(b'{"a": 1}'), expressions=(EXPRESSION,))


def test_fault_after_the_verdict_does_not_change_it() -> None:
    rules = Rules(('a',))

    verdict = looking(breaking_off(b'{"a": 1}'), rules=rules, values=(NUMBER,))

    assert verdict.passed
    assert verdict.values == (Value('n', None, 'the page was not read to its end'),)


def test_page_is_done_as_soon_as_nothing_can_change() -> None:
    forbidden = Reading(Rules((), ('x',)), Further(expressions=(EXPRESSION,)), no_tick)
    assert list(forbidden.collect([b'x'])) == [b'x']

    assert not forbidden.is_done
    forbidden.feed('x')
    assert forbidden.is_done

    number = Reading(Rules(('x',)), Further(values=(NUMBER,)), no_tick)
    number.feed('x')
    assert not number.is_done
    assert list(number.collect([b'1' * (MAX_JSON + 1)]))
    assert number.is_done


def test_time_is_looked_at_with_each_piece() -> None:
    def tick(_: float = 0, /) -> None:
        raise Fault(Kind.TIMEOUT, 'gave up')

    reading = Reading(Rules(()), Further(), tick)

    with pytest.raises(Fault):
        reading.feed('x')


def test_time_that_is_over_while_a_value_is_computed_does_not_change_the_verdict() -> None:
    deep = NumberAt('n', compile_expression('length(b[?@ > `0`])'))
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks > 5:
            raise Fault(Kind.TIMEOUT, 'over')

    body = json.dumps({'a': 1, 'b': [1] * 100_000}).encode()

    verdict = looking([body], tick, expressions=(EXPRESSION,), values=(deep,))

    assert verdict.passed
    assert verdict.values[0].number is None


def ticking(times: int) -> Any:
    """Return what raises when it is called once more than so many times."""
    ticks = iter([None] * times)

    def tick(_: float = 0) -> None:
        if next(ticks, 'over'):
            raise Fault(Kind.TIMEOUT, 'over')

    return tick


def test_time_that_is_over_once_an_expression_is_not_true_does_not_change_the_verdict() -> None:
    slow, ticks = compile_expression('length([?@ > `0`]) == `0`'), list[float]()
    Walker([1] * 10_000, lambda _=0: ticks.append(0)).evaluate(slow)
    walker = Walker([1] * 10_000, ticking(len(ticks) + 1))

    assert walker.judge([slow, compile_expression('[0] == `2`')]) == (JSONMiss(slow.text, ()),)


def test_time_that_is_over_once_a_string_is_missing_does_not_change_the_verdict() -> None:
    slow = compile_expression('length([?@ > `0`]) == `0`')
    body = json.dumps([1] * 10_000).encode()

    with pytest.raises(Fault):
        looking([body], ticking(5), expressions=(slow,))
    assert looking([body], ticking(5), expressions=(slow,), rules=Rules(('a',))) == Verdict(('a',))


def test_walk_through_a_page_ends_in_time(serve: Serve, run: Run) -> None:
    """The expression takes seconds on the largest page of small numbers."""
    page = serve(response(b'[' + b'0,' * (MAX_JSON // 2 - 2) + b'0]'))
    slow = ' && '.join(['length([?@ == `1` || @ == `2` || @ == `3`]) == `0`'] * 20)

    result = run(url=page.url, search_json=slow, timeout=1)

    assert result.message == 'timeout: gave up after 1 s while searching the page'


def test_collected_body_is_bounded_and_passed_on() -> None:
    body = JSONBody()
    chunks = [b'x' * 64 * 1024] * 100

    tracemalloc.start()
    try:
        sizes = []
        for chunk in body.pass_on(iter(chunks)):
            sizes.append(len(chunk))
            # Threads of other tests may hold something of their own.
            traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, json_page.__file__)]).traces
            assert sum(trace.size for trace in traces) < 2 * MAX_JSON
    finally:
        tracemalloc.stop()

    assert sum(sizes) == 6_553_600
    with pytest.raises(NotJSON, match='larger than'):
        body.parse(None)


def test_page_of_exactly_the_limit_is_read(serve: Serve, run: Run) -> None:
    page = b'[' + b' ' * (MAX_JSON - 2) + b']'

    assert run(url=serve(response(page)).url, search_json='length(@) == `0`').status == AwesomeCheck.OK
    assert 'too large' in run(url=serve(response(page + b' ')).url, search_json='length(@) == `0`').message


def test_broken_body_is_critical(serve: Serve, run: Run) -> None:
    server = serve(HEAD + b'Content-Length: 100\r\n\r\n' + PAGE[:10])

    assert run(url=server.url, search_json='up').status == AwesomeCheck.CRITICAL


def test_values_go_on_after_the_strings_are_decided(serve: Serve, run: Run) -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b'\r\n' + PAGE[:20])
        connection.sendall(PAGE[20:])

    result = run(url=serve(answer).url, search_string='status', values={'waiting': {'json': 'queue.waiting'}})

    assert (result.status, result.values) == (AwesomeCheck.OK, {'waiting': 120})


def test_misses_have_what_decided() -> None:
    walker = Walker({'a': 1}, no_tick)

    assert walker.judge([compile_expression('a == `2`')]) == (JSONMiss('a == `2`', (Side('a', '1', False),)),)


@pytest.mark.parametrize(
    ('expression', 'advice'),
    [
        ('status == "UP"', '"UP" is the name of a key: write \'UP\'.'),
        ('healthy == true', '`true` is the name of a key: write it in backticks.'),
        ('queue.wating < `3`', "`queue` has no wating, but 'waiting', 'oldest', 'limit'."),  # codespell:ignore wating
        ('que.waiting', "The page has no que, but 'status', 'queue'"),
        ('queue.oldest', '`queue.oldest` is null.'),
        ('queue.limit < `200`', 'queue.limit is a string: write to_number(queue.limit).'),
        ("(status == 'UP' && `200` >= queue.limit)", 'queue.limit is a string: write to_number(queue.limit).'),
        ("contains(queue.wating, 'a')", "`queue` has no wating, but 'waiting'"),  # codespell:ignore wating
        ('length(error) > `0`', "The page has no error, but 'status'"),
        ('errors[5]', 'errors[5] is null or not on the page.'),
        ("status == 'UP'", 'See what the server sends to this machine: curl -sS http'),
    ],
)
def test_diagnosis(expression: str, advice: str, serve: Serve) -> None:
    instance = {'url': serve(response(PAGE)).url, 'search_json': expression}

    *_, line = json.loads(AwesomeCheck('awesome', {}, [instance]).get_diagnoses())

    assert line['name'] == 'text'
    assert line['remediation'].startswith(advice)


def test_string_that_comes_later_is_looked_for_without_the_expressions(serve: Serve) -> None:
    page = b'{"a": "' + b'x' * MAX_JSON + b'"}'
    instance = {
        'url': serve(response(page)).url,
        'search_string': ['y', '"}'],
        'search_json': 'b',
        'max_body_size': MAX_JSON - 100,
    }

    *_, line = json.loads(AwesomeCheck('awesome', {}, [instance]).get_diagnoses())

    assert "'\"}': it comes after the first" in line['remediation']
    assert "'y': it comes after" not in line['remediation']


@pytest.mark.parametrize(
    ('body', 'options', 'advice'),
    [
        (PAGE, {'max_body_size': 10}, 'Raise `max_body_size`: the page goes on.'),
        (b'"' + b'a' * MAX_JSON, {}, 'Look for an address with a smaller document.'),
        (b'<input type=password>', {}, 'this is a login page: it asks for a password'),
    ],
)
def test_diagnosis_of_a_page_that_is_not_json(body: bytes, options: dict[str, Any], advice: str, serve: Serve) -> None:
    instance = {'url': serve(response(body)).url, 'search_json': 'up', **options}

    *_, line = json.loads(AwesomeCheck('awesome', {}, [instance]).get_diagnoses())

    assert line['remediation'] == advice
