"""Numbers on a page: which are understood, where they are looked for, and what is sent."""

from __future__ import annotations

import json
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.reading import values
from datadog_checks.awesome.reading.stream import no_tick
from datadog_checks.awesome.reading.values import Count, ValueSearch, number_between, parse_number

from .answers import HEAD, OPEN
from .conftest import Result, error_of
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]


def value_of(pattern: str, *pieces: str, case_sensitive: bool = True, visible_text: bool = False) -> float | None:
    search = ValueSearch([number_between('n', pattern, case_sensitive, visible_text)])
    for piece in pieces:
        search.feed(piece, no_tick)
    (value,) = search.results(is_whole=True)
    return value.number


@pytest.mark.parametrize(
    ('text', 'number'),
    [
        ('0', 0),
        ('007', 7),
        ('12', 12),
        ('-3', -3),
        ('\u22123', -3),
        ('+3', 3),
        ('1.5', 1.5),
        ('-0.25', -0.25),
        ('3,5', 3.5),
        ('0,123', 0.123),
        ('1.234', 1.234),
        ('1234,567', 1234.567),
        ('10234,5', 10234.5),
        ('90999,5', 90999.5),
        ('1,2345', 1.2345),
        ('1,234', 1234),
        ('1 234', 1234),
        ('1\xa0234', 1234),
        ('1\u202f234,5', 1234.5),
        ("1'234", 1234),
        ('1\u2019234.5', 1234.5),
        ('0 123', 123),
        ('1.234,5', 1234.5),
        ('1,234.5', 1234.5),
        ('-1,234', -1234),
        ('+1,034', 1034),
        ('123,456', 123_456),
        ('900,009', 900_009),
        ('99,990', 99_990),
        ('1,234,567', 1_234_567),
        ('1.234.567', 1_234_567),
        ('1 234 567,89', 1_234_567.89),
        ('1.5e3', 1500),
        ('1.027E+03', 1027),
        ('2e-3', 0.002),
        ('1' * 30, float('1' * 30)),
        ('1&nbsp;234&nbsp;567,5', 1_234_567.5),
        ('1&#8239;234', 1234),
        ('1&#xA0;234', 1234),
        ('.5', 0.5),
        ('-.5', -0.5),
        ('1,00,000', 100_000),
        ('12,34,567.5', 1_234_567.5),
        (f'0.{"1" * 40}', 1 / 9),
    ],
)
def test_numbers_that_are_understood(text: str, number: float) -> None:
    assert parse_number(text) == number
    assert value_of('a {number} b', f'a {text} b') == number
    assert value_of('{number}', f'{text}; 9') == number


@pytest.mark.parametrize(
    ('text', 'number'),
    [
        ('12 %', 12),
        ('12%', 12),
        ('5.', 5),
        ('5,', 5),
        ('12, 34', 12),
        ('12 34', 12),
        ('1.2.3', 1.2),
        ('12,345,6', 12345),
        ('1,234,56', 1234),
        ('3 of 5', 3),
        ('2026-11-25', 2026),
        ('1,23,4567', 1.23),
        ('the end.5', 5),
    ],
)
def test_a_number_ends_where_it_makes_sense(text: str, number: float) -> None:
    assert value_of('{number}', f'a {text}') == number


@pytest.mark.parametrize('text', ['', 'a', '-', '.', '%', '1e999', '1' * 31, '\u0663'])
def test_what_is_no_number(text: str) -> None:
    assert value_of('a {number}', f'a {text}') is None


@pytest.mark.parametrize(
    ('pattern', 'text', 'number'),
    [
        ('Jobs: {number}', 'Jobs: none. Jobs: 5', 5),
        ('Jobs: {number}', 'Jobs: 1e999 Jobs: 5', 5),
        ('{number} jobs', '3 cores, 12 jobs', 12),
        ('{number} jobs', '1,234 jobs', 1234),
        ('{number} jobs', '5 of 1234567,5 jobs', 1234567.5),
        ('load {number}%', 'load 12%', 12),
        ('load {number}%', 'load 12 %', 12),
        ('load {number} of', 'load 12 % of', 12),
        ('aaa{number}', 'aaaaa7', 7),
        ('1{number}', 'x 12', 2),
        ('a{number}b', 'a1 a2 a3b', 3),
        ('jobs: {number}', 'Jobs: 3', None),
        ('a.c{number}', 'abc5 a.c6', 6),
        ('<b>{number}</b>', '<b>\n7</b> <b>8</b>', 8),
        ('Zürich {number}', 'Zürich 9', 9),
        ('{number} beta', '1.2.3 beta', None),
        ('{number} beta', f'{"1" * 31} beta', None),
        ('{number} ' + 'x' * 300, '12345 ' + 'x' * 300, 12345),
        ('x' * 300 + ' {number}', 'x' * 300 + ' 12345', 12345),
    ],
    ids=lambda value: str(value)[:30],
)
def test_patterns(pattern: str, text: str, number: float | None) -> None:
    assert value_of(pattern, text) == number
    assert value_of(pattern, *text) == number


def test_different_case() -> None:
    assert value_of('STRASSE {number}', 'straße 5', case_sensitive=False) == 5
    assert value_of('straße {number}', 'STRASSE 5E2', case_sensitive=False) == 500


def test_characters_that_become_three_in_the_other_case() -> None:
    text = 'ΐ' * 200 + ' 12345'

    assert value_of('ΐ' * 200 + ' {number}', *text, case_sensitive=False) == 12345


def test_pattern_is_normalized_for_visible_text() -> None:
    assert value_of(' Jobs \n waiting:  {number} ', 'Jobs waiting: 5', visible_text=True) == 5
    assert value_of('cafe\u0301{number}', 'caf\xe95', visible_text=True) == 5


def counted(string: str, *pieces: str, case_sensitive: bool = True) -> float | None:
    search = ValueSearch([Count('n', string, case_sensitive)])
    for piece in pieces:
        search.feed(piece, no_tick)
    return search.results(is_whole=True)[0].number


@pytest.mark.parametrize(
    ('string', 'text', 'number'),
    [
        *(('a', 'banana', 3), ('aa', 'aaaaa', 2), ('ana', 'banana', 1), ('x', 'banana', 0), ('ab', 'a', 0)),
        *(('X', 'XaX', 2), ('banana', 'bananabanana', 2), ('aaab', 'aaaabaaab', 2)),
    ],
)
def test_occurrences(string: str, text: str, number: int) -> None:
    assert counted(string, text) == number
    assert counted(string, *text) == number


def test_occurrences_in_different_case() -> None:
    assert counted('ERROR', 'error Error', case_sensitive=False) == 2


PAGE = '<title>Jobs</title><p>Jobs <b>waiting</b>: 1,234</p><!-- Jobs waiting: 5 --> ERROR, error, ERROR'


@pytest.mark.parametrize(
    ('options', 'values'),
    [
        ({'values': {'jobs': 'Jobs waiting: {number}'}}, {'jobs': 5}),
        ({'values': {'jobs': 'Jobs waiting: {number}'}, 'search_in': 'text'}, {'jobs': 1234}),
        ({'values': {'jobs': 'JOBS WAITING: {number}'}, 'case_sensitive': False}, {'jobs': 5}),
        ({'values': {'errors': {'count': 'ERROR'}}}, {'errors': 2}),
        ({'values': {'errors': {'count': 'ERROR'}}, 'case_sensitive': False}, {'errors': 3}),
        ({'values': {'b': {'count': '<b>'}}, 'search_in': 'text'}, {'b': 0}),
        ({'values': {'errors': {'count': 'ERROR'}, 'absent': 'x {number}'}, 'regex': True}, {'errors': 2}),
        ({'values': {'errors': {'count': 'ERROR'}}, 'max_body_size': len(PAGE) - 1}, {'errors': 1}),
        ({'values': {'json': {'json': 'a'}}}, {}),
    ],
)
def test_values_are_sent(options: dict[str, Any], values: dict[str, float], serve: Serve, run: Run) -> None:
    result = run(url=serve(response(PAGE.encode())).url, search_string='Jobs', **options)

    assert (result.status, result.values) == (AwesomeCheck.OK, values)


def test_values_are_sent_with_a_warning(serve: Serve, run: Run) -> None:
    url = serve(response(PAGE.encode())).url
    values = {'errors': {'count': 'ERROR'}}

    for rule in ({'search_string': 'x'}, {'search_string': 'Jobs', 'forbidden_string': 'title'}):
        result = run(url=url, values=values, **rule)
        assert (result.status, result.values) == (AwesomeCheck.WARNING, {'errors': 2})


def test_no_more_is_read_than_verdict_and_values_need(serve: Serve, run: Run) -> None:
    """The page never ends: who waited for that would run into the timeout."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN + b'nginx ')
        connection.sendall(b'Jobs: 5 jobs' + b'.' * 1000)
        connection.recv(1)

    result = run(url=serve(answer).url, search_string='nginx', values={'jobs': 'Jobs: {number} jobs'}, timeout=60)

    assert (result.status, result.values) == (AwesomeCheck.OK, {'jobs': 5})


@pytest.mark.parametrize('source', ['Jobs: {number}', {'count': 'ERROR'}])
def test_fault_after_the_verdict_does_not_change_it(source: Any, serve: Serve, run: Run) -> None:
    server = serve(HEAD + b'Content-Length: 1000\r\n\r\nnginx ERROR')

    result = run(url=server.url, search_string='nginx', values={'n': source})
    undecided = run(url=server.url, search_string='nginx', forbidden_string='Apache', values={'n': source})

    assert (result.status, result.values, result.message) == (AwesomeCheck.OK, {}, '')
    assert (undecided.status, undecided.values) == (AwesomeCheck.CRITICAL, {})


def test_number_at_the_end_of_a_page_that_is_cut_off(serve: Serve, run: Run) -> None:
    server = serve(response(b'Jobs: 5678'))

    assert run(url=server.url, search_string='Jobs', values={'n': 'Jobs: {number}'}).values == {'n': 5678}


@pytest.mark.parametrize(
    'body',
    [
        '<table><tr><td>Jobs:<td>5<td>200</table>',
        '<p>Jobs: 5</p><p>200 workers</p>',
        '<p>Jobs:\n5<br>200 workers',
        '<ul><li>Jobs:<li>5<li>200 workers</ul>',
        '<pre>Jobs: 5\n200 workers</pre>',
        '<p>Jobs:\t5\t200',
    ],
)
def test_number_ends_with_its_line_of_visible_text(body: str, serve: Serve, run: Run) -> None:
    values = {'jobs': 'Jobs: {number}', 'before': 'Jobs: {number} 200', 'count': {'count': 'Jobs: 5 200'}}

    result = run(url=serve(response(body.encode())).url, search_string='Jobs: 5 200', search_in='text', values=values)

    assert (result.status, result.values) == (AwesomeCheck.OK, {'jobs': 5, 'before': 5, 'count': 1})


def test_white_space_within_a_line_of_visible_text(serve: Serve, run: Run) -> None:
    url = serve(response(b'<p>Jobs  <b>waiting</b>:&nbsp;1&#8239;234 &nbsp;of&thinsp;5')).url

    result = run(url=url, search_string='Jobs', search_in='text', values={'jobs': 'Jobs waiting: {number} of'})

    assert result.values == {'jobs': 1234}


def test_reference_that_is_cut_off_may_separate_thousands(serve: Serve, run: Run) -> None:
    options = {'url': serve(response(b'Jobs: 1&nbsp;234')).url, 'search_string': 'Jobs'}

    for size in range(7, 15):
        assert run(**options, values={'jobs': 'Jobs: {number}'}, max_body_size=size).values == {}


@pytest.mark.parametrize(('size', 'number'), [(9, None), (11, None), (14, None), (15, 1234), (50, 1234)])
def test_number_that_may_go_on_after_the_limit_is_not_sent(
    size: int, number: float | None, serve: Serve, run: Run
) -> None:
    url = serve(response(b'Jobs: 1,234 % waiting')).url
    values = {'jobs': 'Jobs: {number}'}
    options = {'url': url, 'search_string': 'Jobs', 'values': values, 'max_body_size': size}

    assert run(**options).values.get('jobs') == number
    (said,) = [
        each['diagnosis']
        for each in json.loads(AwesomeCheck('awesome', {}, [options]).get_diagnoses())
        if each['name'] == 'values'
    ]
    why = "'Jobs: ' is there, but no number follows as the pattern has it"
    assert said in ('jobs is 1234', f'jobs is not sent: {why} in the first {size} bytes (max_body_size)')


@pytest.mark.parametrize(
    'end',
    [
        *'0123456789-+eE%,. \'',
        '\xa0',
        '\u2009',
        '\u202f',
        '\u2019',
        '&',
        '&n',
        '&nbs',
        '&#1',
        '&#x20',
        '&#XA',
        '&az',
        '&Z',
        ',345,6',
        ',345,99',
    ],
)
def test_number_may_go_on_after_the_limit(end: str) -> None:
    search = ValueSearch([number_between('n', 'Jobs: {number}', True, False)])

    search.feed(f'Jobs: 12{end}', no_tick)

    assert search.results(is_whole=True, is_cut=True)[0].number is None


@pytest.mark.parametrize('end', ['<', ' <', 'x', ' x', ';', '/', '& ', '&nbsp;x', '\n', ')'])
def test_number_that_has_ended_before_the_limit(end: str) -> None:
    search = ValueSearch([number_between('n', 'Jobs: {number}', True, False)])

    search.feed(f'Jobs: 12{end}', no_tick)

    assert search.results(is_whole=True, is_cut=True)[0].number == 12


@pytest.mark.parametrize('is_cut', [False, True])
def test_no_value_of_a_page_that_was_not_read_to_its_end(is_cut: bool) -> None:
    search = ValueSearch([number_between('n', 'Jobs: {number}', True, False), Count('c', 'Jobs')])

    search.feed('Jobs: 12', no_tick)

    assert [(value.number, value.why) for value in search.results(is_whole=False, is_cut=is_cut)] == [
        (None, 'the page was not read to its end')
    ] * 2


def test_memory_is_flat() -> None:
    search = ValueSearch(
        [
            number_between('after', '{number} jobs', True, False),
            number_between('before', 'Jobs: {number}', False, False),
            Count('count', 'a' * 1000),
        ]
    )

    def pieces() -> Iterator[str]:
        for _ in range(100):
            yield '1' * 100_000
            yield 'a jobs' * 20_000

    tracemalloc.start()
    try:
        for number, piece in enumerate(pieces()):
            search.feed(piece, no_tick)
            if number % 20 == 0:
                # Threads of other tests may hold something of their own.
                traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, values.__file__)]).traces
                assert sum(trace.size for trace in traces) < 100_000
    finally:
        tracemalloc.stop()

    assert [value.number for value in search.results(is_whole=True)] == [None, None, 0]


ONCE = "must have {number} once, where the number stands, such as 'Jobs waiting: {number}'"
KINDS = "must be a string with {number}, {json: queue.waiting}, or {count: 'ERROR'}"
NAME = 'must be a name for a tag: up to 100 letters, digits, and `_`, `-`, `.`'


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ('{number}', "must be a mapping such as {jobs: 'Jobs waiting: {number}'}, not a string"),
        ({'n': 'Jobs'}, f'n: {ONCE}'),
        ({'n': '{number} {number}'}, f'n: {ONCE}'),
        ({'n': ''}, f'n: {ONCE}'),
        ({'n': 5}, f'n: {KINDS}'),
        ({'n': None}, f'n: {KINDS}'),
        ({'n': {}}, f'n: {KINDS}'),
        ({'n': {'regex': 'a'}}, f'n: {KINDS}'),
        ({'n': {'json': 'a', 'count': 'b'}}, f'n: {KINDS}'),
        ({'n': {'count': ''}}, 'n: count must not be empty'),
        ({'n': {'json': ''}}, 'n: json must not be empty'),
        ({'n': {'count': 5}}, 'n: must be a string, not a number: put it in quotes'),
        ({'n': '\ud800{number}'}, 'n: must have no half of a surrogate pair (\\ud800 to \\udfff)'),
        ({False: '{number}'}, 'has a name that is a boolean, not a string: put it in quotes'),
        ({None: '{number}'}, 'has a name that is nothing, not a string: put it in quotes'),
        ({'a b': '{number}'}, f"'a b' {NAME}"),
        ({'': '{number}'}, f"'' {NAME}"),
        ({'ä': '{number}'}, f"'ä' {NAME}"),
        ({'a:b': '{number}'}, f"'a:b' {NAME}"),
        ({'a' * 101: '{number}'}, f"'{'a' * 101}' {NAME}"),
    ],
)
def test_values_that_are_none(values: Any, reason: str) -> None:
    assert error_of(values=values).splitlines()[1:] == ['values', f'  Value error, {reason}']


def test_blank_count_in_visible_text() -> None:
    error = error_of(values={'n': {'count': ' \n'}}, search_in='text')

    assert error.endswith('Value error, values: n: count must not be blank: every page contains white space')


@pytest.mark.parametrize(
    ('body', 'source', 'options', 'line'),
    [
        (PAGE, 'Jobs waiting: {number}', {}, (0, 'n is 5')),
        (PAGE, 'jobs waiting: {number}', {}, (2, 'it is there in different case: set case_sensitive: false')),
        ('<p>Jobs <b>7', 'Jobs {number}', {}, (2, 'it is there with search_in: text')),
        ('<i>Jobs</i> 7', '<i>Jobs</i> {number}', {'search_in': 'text'}, (2, 'it is there with search_in: source')),
        ('<p>Jobs\n7', 'Jobs {number}', {}, (2, 'it is there with search_in: text')),
        (PAGE, 'Jobs {number}', {}, (2, "'Jobs ' is there, but no number follows as the pattern has it")),
        (PAGE, 'Tasks {number}', {}, (2, 'not on the page')),
        (PAGE, {'json': 'Jobs'}, {}, (2, 'the page is not JSON: error in line 1, column 1')),
        ('{"Jobs": "5"}', {'json': 'Jobs'}, {}, (2, "Jobs is '5', no number: write to_number(Jobs)")),
        ('{"Jobs": 5}', {'json': 'Job'}, {}, (2, 'Job is null, no number')),
    ],
)
def test_diagnosis(body: str, source: Any, options: dict[str, Any], line: tuple[int, str], serve: Serve) -> None:
    url = serve(response(body.encode())).url
    check = AwesomeCheck('awesome', {}, [{'url': url, 'search_string': 'Jobs', 'values': {'n': source}, **options}])

    (found,) = [each for each in json.loads(check.get_diagnoses()) if each['name'] == 'values']

    result, what = line
    assert (found['result'], found['diagnosis']) == (result, f'n is not sent: {what}' if result else what)
