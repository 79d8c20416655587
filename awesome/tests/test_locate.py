"""Where a text has what was found in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.reading.search import Rules
from datadog_checks.awesome.reporting.locate import Match, locate

from .alphabets import ALPHABETS

pytestmark = pytest.mark.unit


@given(text=st.text(ALPHABETS['utf-8']), string=st.text(ALPHABETS['utf-8'], min_size=1, max_size=3), fold=st.booleans())
def test_strings_are_located_where_they_are(text: str, string: str, fold: bool) -> None:
    match = locate(Rules((string,), case_sensitive=not fold), string, text)

    if fold:
        assert bool(match) == (string.casefold() in text.casefold())
        assert match is None or string.casefold() in match.text.casefold()
    else:
        start = text.find(string)
        assert bool(match) == (start >= 0)
        assert match is None or (match.text, match.line) == (string, text.count('\n', 0, start) + 1)
    assert match is None or f'{match.before}{match.text}{match.after}' in text


@pytest.mark.parametrize(
    ('pattern', 'text', 'line', 'match'),
    [
        ('a+b', 'x\naab', 2, 'ab'),
        ('(?m)^b', 'ab\nb', 2, 'b'),
        ('^a', 'aa', 1, 'a'),
        ('(?s)a.*c', 'a\nb\nc', 1, 'a\nb\nc'),
        ('a|b', 'xb', 1, 'b'),
        ('a*', 'xa', 1, ''),
        (r'a\d', 'xa1 a2', 1, 'a1'),
        ('a$', 'a a', None, ''),
        (r'a\b', 'ab a', None, ''),
    ],
)
def test_patterns_are_located_or_no_place_is_told(pattern: str, text: str, line: int | None, match: str) -> None:
    found = locate(Rules((pattern,), regex=True), pattern, text)

    assert found is not None
    assert (found.line, found.text) == (line, match)
    assert locate(Rules(('z',), regex=True), 'z', text) is None


DIGITS = '0123456789' * 5


@pytest.mark.parametrize(
    'rules',
    [Rules(('needle',)), Rules(('NEEDLE',), case_sensitive=False), Rules((r'n\w+dle',), regex=True)],
    ids=['string', 'folded', 'pattern'],
)
@pytest.mark.parametrize(('before', 'after'), [('', ''), ('ab ', ' cd'), (f'{DIGITS} ', f' {DIGITS}')])
def test_excerpt_has_thirty_characters_on_each_side(rules: Rules, before: str, after: str) -> None:
    (wanted,) = rules.required

    match = locate(rules, wanted, f'{before}needle{after}')

    assert match == Match(wanted, 1, before[-30:], 'needle', after[:30])


def test_excerpt_of_an_empty_match() -> None:
    assert locate(Rules(('x*',), regex=True), 'x*', 'abc') == Match('x*', 1, '', '', 'abc')


@pytest.mark.parametrize(('gap', 'hidden'), [(0, True), (5_000, True), (20_000, False)])
@pytest.mark.parametrize('place', ['before', 'after', 'first'])
def test_only_secrets_that_may_reach_into_an_excerpt_hide_it(place: str, gap: int, hidden: bool) -> None:
    gaps = '.' * gap
    text = {
        'first': f'SECRET{gaps}needle',
        'before': f'{"-" * 20_000}SECRET{gaps}needle',
        'after': f'needle{gaps}SECRET{"-" * 20_000}',
    }[place]

    match = locate(Rules(('needle',)), 'needle', text, lambda shown: shown.replace('SECRET', '***'))

    assert match is not None
    assert (match.before + match.after == '') == hidden


@pytest.mark.parametrize(
    ('rules', 'text'),
    [
        pytest.param(Rules(('Welcome',)), 'key=SECRET Welcome', id='before'),
        pytest.param(Rules(('Welcome',)), f'SEC{"x" * 40}Welcome', id='cut by the excerpt'),
        pytest.param(Rules(('Welcome',)), 'Welcome SECRET', id='after'),
        pytest.param(Rules(('.ECR',), regex=True), 'key=SECRET', id='in the match'),
    ],
)
def test_half_a_secret_is_not_shown(rules: Rules, text: str) -> None:
    match = locate(
        rules, rules.required[0], text, lambda shown: shown.replace('SECRET', '***').replace('x' * 40, '***')
    )

    assert match is not None
    assert (match.line, match.before, match.after) == (1, '', '')
    assert match.text in ('Welcome', '')
