"""Where a text has what was found in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.reading.search import Rules
from datadog_checks.awesome.reporting.locate import locate

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
        ('a$', 'a a', None, ''),
        (r'a\b', 'ab a', None, ''),
    ],
)
def test_patterns_are_located_or_no_place_is_told(pattern: str, text: str, line: int | None, match: str) -> None:
    found = locate(Rules((pattern,), regex=True), pattern, text)

    assert found is not None
    assert (found.line, found.text) == (line, match)
    assert locate(Rules(('z',), regex=True), 'z', text) is None


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
