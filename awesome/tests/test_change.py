"""What differs between two pages, and what is nearest to a string that is missing."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.reporting.change.difference import Changing, Difference, compare
from datadog_checks.awesome.reporting.change.lines import is_binary, visible_lines
from datadog_checks.awesome.reporting.change.nearest import MAX_LENGTH, Near, nearest
from datadog_checks.awesome.reporting.change.snapshot import KEPT_SIZE, Body, Snapshot, pack, read_text
from datadog_checks.awesome.reporting.change.summary import compare_bodies, describe, summarize
from datadog_checks.awesome.secrets import Mask

pytestmark = pytest.mark.unit

HTML = 'text/html; charset=utf-8'


@pytest.mark.parametrize(
    ('content_type', 'source', 'lines'),
    [
        pytest.param(HTML, '<h1>Your\n  order</h1><p>Total <b>12</b>', ['Your order', 'Total 12'], id='blocks'),
        pytest.param(HTML, '<p>a<br>b<ul><li>c<li>d</ul>', ['a', 'b', 'c', 'd'], id='break and list'),
        pytest.param(HTML, '<p>a<script>x\ny</script><p hidden>b</p><!-- c\nd --><p>e', ['a', 'e'], id='invisible'),
        pytest.param(HTML, '<p>a\nb<pre>c  d\ne</pre>\nf\ng', ['a b', 'c d', 'e', 'f g'], id='preformatted'),
        pytest.param(HTML, '<p\n  title="a  b"\n>c\n</p >', ['c'], id='white space in tags'),
        pytest.param(HTML, '<p>a&nbsp;&amp;\u00ad b', ['a & b'], id='normalized'),
        pytest.param('application/xml', '<?xml version="1.0"?>\n<a>\n <b>x\ny</b></a>', ['x y'], id='XML'),
        pytest.param(
            'application/json', '{"a":1, "b":["x, y","z"]}', ['{', '"a":1,', '"b":[', '"x, y",', '"z"]}'], id='JSON'
        ),
        pytest.param('text/plain', 'a <b>\r\n\n  c\td ', ['a <b>', 'c d'], id='plain text'),
        pytest.param(HTML, ' \n ', [], id='empty'),
    ],
)
def test_visible_lines(content_type: str, source: str, lines: list[str]) -> None:
    assert visible_lines(source, content_type) == lines


@pytest.mark.parametrize(
    ('content_type', 'text', 'binary'),
    [
        pytest.param('text/html', 'Öffnungszeiten\ttäglich\r\n', False, id='text'),
        pytest.param('text/html', '\ufffd' * 50 + 'ffnungszeiten', False, id='in another encoding'),
        pytest.param('text/html', '\x1b$B%"\x1b(B' * 9, False, id='escapes of ISO-2022-JP'),
        pytest.param('', bytes(range(256)).decode('latin-1'), True, id='bytes'),
        pytest.param('image/png', 'abc', True, id='image'),
        pytest.param('Application/PDF', '%PDF-1.7', True, id='PDF'),
        pytest.param('text/html', '', False, id='nothing'),
    ],
)
def test_binary_pages(content_type: str, text: str, binary: bool) -> None:
    assert is_binary(text, content_type) == binary


PAGE = '<title>Welcome</title>\n<p>Thank you for usjng nginx.</p>\n<p>Total: 12</p>\n'


@pytest.mark.parametrize(
    ('string', 'text', 'near'),
    [
        pytest.param(
            'Thank you for using nginx',
            PAGE,
            Near('Thank you for usjng nginx', 96, 2, '<p>Thank you for usjng nginx.</p>'),
            id='replaced',
        ),
        pytest.param('Total: 120', PAGE, Near('Total: 12', 90, 3, '<p>Total: 12</p>'), id='missing'),
        pytest.param('for us nginx', PAGE, Near('for usjng n', 75, 2, '<p>Thank you for usjng nginx.</p>'), id='more'),
        pytest.param('thank you', PAGE, Near('Thank you', 88, 2, '<p>Thank you for usjng nginx.</p>'), id='case'),
        pytest.param(
            'Your order', '<h1>Your\norder</h1>', Near('Your\norder', 90, 1, '<h1>Your\norder</h1>'), id='break'
        ),
        pytest.param('Apache', PAGE, None, id='nothing like it'),
        pytest.param('Tot', 'Tos', None, id='short'),
        pytest.param('Total', '', None, id='empty page'),
    ],
)
def test_nearest(string: str, text: str, near: Near | None) -> None:
    assert nearest(string, text) == near


def test_nearest_of_a_comparison_without_case() -> None:
    near = nearest('THANK YOU FOR USING', PAGE, case_sensitive=False)

    assert near
    assert (near.text, near.likeness) == ('Thank you for usjng', 94)


def test_nearest_is_the_likest_of_several() -> None:
    near = nearest('Your order', 'Your older\n' * 99 + 'Your  order\n' + 'Our orders\n' * 99)

    assert near
    assert (near.text, near.likeness, near.line_number) == ('Your older', 90, 1)


def test_nearest_is_where_most_pieces_of_the_string_are() -> None:
    near = nearest('Thank you for using nginx', 'Thank me. ' * 50 + 'Thank you for us, nginx. ' + 'using them. ' * 50)

    assert near
    assert near.text == 'Thank you for us, nginx'


def test_line_of_the_nearest_is_shown_around_it() -> None:
    near = nearest('Thank you', 'a' * 5000 + ' thank you ' + 'b' * 5000)

    assert near
    assert near.line == f'{"a" * 39} thank you {"b" * 39}'


def test_only_the_beginning_of_a_long_string_is_looked_for() -> None:
    text = 'x' * 9000 + ''.join(random.Random(1).choices(string.ascii_letters, k=9000))

    near = nearest(text[9000:] + '!', text)

    assert near
    assert near.text == text[9000 : 9000 + MAX_LENGTH]


def distance(one: str, other: str) -> int:
    """Return the distance of two strings, computed the slow way."""
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        before, row = row, [number]
        for place, wanted in enumerate(other, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (character != wanted)))
    return row[-1]


@given(st.text('abc', min_size=4, max_size=12), st.text('abc\n', max_size=40))
def test_likeness_is_that_of_the_distance(string: str, text: str) -> None:
    near = nearest(string, text)
    parts = {text[start:end] for start in range(len(text)) for end in range(start, len(text) + 1)}

    if near:
        assert near.text in parts
        assert near.likeness == 100 * (len(string) - distance(string, near.text)) // len(string)
        assert (near.likeness == 100) == (string in text)
    else:
        assert string not in text


def test_secret_is_masked_before_anything_is_cut() -> None:
    secret = 'Secret-Token-0123456789'
    mask = Mask([secret])

    for before in range(60):
        near = nearest('Thank you', f'{secret}{"." * before}Thank yau{"." * (60 - before)}{secret}', mask)
        assert near
        assert near.text == 'Thank yau'
        assert not {secret[start : start + 4] for start in range(len(secret) - 3)} & {
            near.line[start : start + 4] for start in range(len(near.line))
        }


def snapshot(*lines: str, title: str = '', is_cut: bool = False, **facts: str) -> Snapshot:
    body = Body('\n'.join(lines).encode(), 'text/plain', is_cut)
    text = read_text(body, str)
    return Snapshot(facts, {}, text)


def lines_of(difference: Any) -> tuple[list[str], list[str]]:
    return list(difference.went), list(difference.came)


@pytest.mark.parametrize(
    ('then', 'now', 'went', 'came'),
    [
        pytest.param('a b c', 'a x c', ['b'], ['x'], id='replaced'),
        pytest.param('a b c', 'c a b', [], [], id='moved'),
        pytest.param('a b b', 'a b', ['b'], [], id='once less'),
        pytest.param('', 'a b', [], ['a', 'b'], id='from nothing'),
        pytest.param('a b', '', ['a', 'b'], [], id='to nothing'),
    ],
)
def test_lines_that_went_and_came(then: str, now: str, went: list[str], came: list[str]) -> None:
    assert lines_of(compare(snapshot(*then.split()), snapshot(*now.split()))) == (went, came)


def test_what_was_moved_over_the_end_of_what_is_compared_is_no_difference() -> None:
    short = [f'line {number}' for number in range(9000)]
    long = ['a new line'] * 9 + short

    assert lines_of(compare(read(short), read(long))) == ([], ['a new line'] * 9)
    assert lines_of(compare(read(long), read(short))) == (['a new line'] * 9, [])


def test_end_of_a_page_that_was_truncated_went() -> None:
    lines = [f'line {number}' for number in range(9000)]

    went, came = lines_of(compare(read(lines), read(lines[:3000])))

    assert (went[0], len(went) > 2000, came) == ('line 3000', True, [])


def test_title_is_a_fact_and_no_line() -> None:
    def page(title: str, *lines: str) -> Snapshot:
        source = f'<title>{title}</title>{"".join(f"<p>{line}" for line in lines)}'
        return Snapshot({}, {}, read_text(Body(source.encode(), HTML), str))

    assert lines_of(compare(page('Shop', 'Shop', 'a'), page('Shop', 'a'))) == (['Shop'], [])
    assert lines_of(compare(page('Shop', 'Shop', 'a'), page('Login', 'Login', 'a'))) == (['Shop'], ['Login'])
    assert [fact.name for fact in compare(page('Shop', 'a'), page('Stop', 'a')).facts] == ['title']


def test_another_page_that_is_as_long_is_all_different() -> None:
    then, now = read([f'line {number}' for number in range(9000)]), read([f'other {number}' for number in range(9000)])

    went, came = lines_of(compare(then, now))

    assert then.text
    assert len(went) == len(then.text.lines or ()) > 5000
    assert len(came) > 5000


def read(lines: list[str]) -> Snapshot:
    return Snapshot({}, {}, read_text(Body('\n'.join(lines).encode(), 'text/plain'), str))


def test_facts_that_differ_are_told_where_both_are_known() -> None:
    difference = compare(
        snapshot(status='200 OK', address='::1', certificate=''),
        snapshot(status='404 Not Found', issuer='x', address='::1'),
    )

    assert [(fact.name, fact.then, fact.now) for fact in difference.facts] == [('status', '200 OK', '404 Not Found')]


@pytest.mark.parametrize(
    ('then', 'now', 'told'),
    [(0.1, 0.19, False), (0.1, 0.21, True), (0.001, 0.02, False), (3.0, 1.0, True), (1.0, 1.9, False)],
)
def test_times_count_when_they_differ_much(then: float, now: float, told: bool) -> None:
    difference = compare(
        Snapshot({}, {'page.first_byte_time': then}, None), Snapshot({}, {'page.first_byte_time': now}, None)
    )

    assert bool(difference) is told
    assert [fact.name for fact in difference.facts] == ['first byte time'] * told


CLOCK = ['Your order', 'It is 12:00:01', 'Session 8f3a9c']
LATER = ['Your order', 'It is 12:00:16', 'Session 77b0d1']


def test_lines_that_change_in_every_run_are_left_out() -> None:
    changing = Changing()
    changing.learn(CLOCK, LATER)

    assert not compare(snapshot(*LATER), snapshot('Your order', 'It is 13:01:00', 'Session 00e001'), changing)
    assert lines_of(compare(snapshot(*LATER), snapshot('Your order', 'Session 000'), changing)) == (
        ['It is 12:00:16'],
        [],
    )
    assert lines_of(compare(snapshot(*LATER), snapshot(*LATER, 'Order 5'), changing)) == ([], ['Order 5'])


def test_line_that_changed_once_is_told_unless_that_was_in_the_beginning() -> None:
    changing = Changing()
    changing.learn(['v 1'], ['v 1'])
    changing.learn(['v 1'], ['v 2'])
    assert compare(snapshot('v 2'), snapshot('v 3'), changing)

    changing.learn(['v 2'], ['v 3'])
    assert not compare(snapshot('v 3'), snapshot('v 4'), changing)


def test_line_that_no_longer_changes_is_told_again() -> None:
    changing = Changing()
    changing.learn(CLOCK, LATER)
    for _ in range(20):
        changing.learn(LATER, LATER)
    assert not compare(snapshot(*LATER), snapshot(*CLOCK), changing)

    changing.learn(LATER, LATER)
    assert compare(snapshot(*LATER), snapshot(*CLOCK), changing)


def test_what_is_learned_is_bounded() -> None:
    names = [f'{number:b}'.translate({48: 'a', 49: 'b'}) for number in range(2000)]
    changing = Changing()
    changing.learn([f'{name} 1' for name in names], [f'{name} 2' for name in names])

    difference = compare(
        snapshot(*(f'{name} 2' for name in names)), snapshot(*(f'{name} 3' for name in names)), changing
    )

    assert len(difference.went) == len(difference.came) == 1500


def test_lines_that_are_kept_are_bounded() -> None:
    han = random.Random(1).choices(range(0x4E00, 0x9FA0), k=32768)
    source = ''.join('\n' if place % 40 == 0 else chr(code) for place, code in enumerate(han))
    seen = read_text(Body(source.encode('gb18030'), 'text/plain; charset=gb18030'), str)

    packed = pack(Snapshot({}, {}, seen))

    assert packed.compressed
    assert len(packed.compressed) <= KEPT_SIZE
    kept = packed.unpack().text
    assert kept
    assert kept.is_cut
    assert kept.lines
    assert kept.lines == (seen.lines or ())[: len(kept.lines)]


@pytest.mark.parametrize(
    'source', ['', 'a', 'a\nb', '\ud800'.encode('utf-8', 'surrogatepass')], ids=['empty', 'line', 'lines', 'surrogate']
)
def test_what_is_kept_is_what_was_seen(source: str | bytes) -> None:
    body = source if isinstance(source, bytes) else source.encode()
    seen = Snapshot({'status': '200 OK'}, {'page.response_time': 1.0}, read_text(Body(body, 'text/plain'), str))

    assert pack(seen).unpack() == seen


@pytest.mark.parametrize(
    'source', [b'a\n' * 100_000, b'<p>a' * 100_000, b'x' * 4_000_000, b'<' * 100_000, bytes(100_000)]
)
def test_huge_pages_are_cut(source: bytes) -> None:
    text = read_text(Body(source, 'text/html'), str)

    assert text.is_cut
    assert text.size == 65536
    assert sum(map(len, text.lines or ())) <= 65536
    assert len(text.lines or ()) <= 32768


def test_page_with_too_many_tags_is_read_no_further() -> None:
    assert read_text(Body(b'<p>a' * 2047, HTML), str).lines == ('a',) * 2047
    text = read_text(Body(b'<p>a' * 9000, HTML), str)
    assert (len(text.lines or ()), text.is_cut) == (2046, True)


def test_last_line_of_a_page_that_goes_on_is_left_out_since_it_may_end_in_a_secret() -> None:
    mask = Mask(['Secret-Token'])
    page = b'a\n' + b'x' * 65530 + b'Secret-Token\nb'

    assert read_text(Body(page, 'text/plain'), mask).lines == ('a',)
    (line,) = read_text(Body(page[2:], 'text/plain'), mask).lines or ()
    assert line == 'x' * len(line)


def test_secret_that_goes_over_several_lines_is_masked() -> None:
    page = b'<p>it is</p><p>correct</p><p>horse&#10;battery</p><p>now</p>'

    assert read_text(Body(page, 'text/html'), Mask(['correct horse battery'])).lines == ('it is', '********', 'now')


def test_lines_are_masked() -> None:
    text = read_text(
        Body(b'<title>Secret-Token</title><p>key: Secret-Token<p>Secret%2DToken', HTML), Mask(['Secret-Token'])
    )

    assert text.lines == ('********', 'key: ********', '********')
    assert text.title == '********'


def test_bodies_are_compared_for_the_command() -> None:
    then = Body(b'<title>Shop</title><p>Your order<p>Total', HTML)
    now = Body(b'<title>Shop</title><p>Secret-Token<p>\x1b[2JTotal', 'text/html')

    described = list(describe(compare_bodies(then, now, Mask(['Secret-Token']))))

    assert described == [
        ('Content-Type', "'text/html; charset=utf-8' -> 'text/html'"),
        ('encoding', "'utf-8 (the Content-Type)' -> 'utf-8 (the default)'"),
        ('size', "'40 bytes' -> '46 bytes'"),
        ('went', "'Your order'"),
        ('went', "'Total'"),
        ('came', "'********'"),
        ('came', '"\\e[2JTotal"'),
    ]


def test_summary_is_one_line() -> None:
    assert summarize(Difference()) == 'nothing differs'
    assert summarize(Difference(came=('a', 'b', 'c', 'd', 'e'))) == "came 'a', 'b', 'c', and 2 more"
