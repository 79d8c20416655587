"""Wherever a page is cut, its visible text and its normalized text are those of the whole page.

`--hypothesis-profile thorough` runs 20,000 examples of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.reading.normalization import Normalizer, normalize
from datadog_checks.awesome.reading.text import VisibleText

pytestmark = pytest.mark.unit

MARKUP = (
    '<p> </p> <b> </b> <b/> <br> </br> <!-- --> --!> <!--> <!doctype <![CDATA[ ]]> <?x ?> [ ] < </ > <! - ! / = " \''
    ' x y &amp; &eacute &notit; &#x41; &#65 &#0 & # ; hidden <p\thidden> <span\tstyle="display:none"> </span> style='
    ' display:none visibility:hidden visibility:visible <a\thref=" <script> </script> <script/> <title> </title>'
    ' <textarea> </textarea> <style> </style> <template> </template> <svg> </svg> <text> <desc> <math> <mi>'
    ' <select> <option> </select> <table> <tr> <td> </table> <li> <dialog> <div> </div> <plaintext> <noscript>'
    ' </noscript> <frameset> é \u0301 漢 \u1100 \u1161 \u11a8 \xad \0 \u200b'
)
TOKENS = st.lists(st.sampled_from([*MARKUP.split(' '), ' ', '\n', '\xa0']), max_size=30).map(''.join)
CUTS = st.lists(st.integers(0, 10_000), max_size=8)
TEXTS = (
    st.text(st.characters(exclude_categories=['Cs']))
    | st.text('a \n\xa0é\u0301\u0327e가각\u1100\u1161\u11a8\u2003\xad\u200b.<\u0338\u09c7\u09be\u0344')
    | st.lists(st.tuples(st.sampled_from('\u0301\u0316\u0903a'), st.integers(1, 70))).map(
        lambda runs: ''.join(character * times for character, times in runs)
    )
)


def cut(whole: str, positions: list[int]) -> Iterator[str]:
    edges = sorted(position % (len(whole) + 1) for position in positions)
    for start, end in zip([0, *edges], [*edges, len(whole)], strict=True):
        yield whole[start:end]


def drive(feed: Callable[[str], str], flush: Callable[[], str], pieces: Iterator[str]) -> str:
    return ''.join([*map(feed, pieces), flush()])


@pytest.mark.parametrize('kind', ['html', 'xml'])
@given(TOKENS, CUTS)
def test_visible_text_does_not_depend_on_the_cuts(kind: str, markup: str, cuts: list[int]) -> None:
    stages = [VisibleText(kind) for _ in range(3)]

    whole = stages[0].feed(markup) + stages[0].flush()

    assert drive(stages[1].feed, stages[1].flush, cut(markup, cuts)) == whole
    assert drive(stages[2].feed, stages[2].flush, iter(markup)) == whole


@given(TEXTS, CUTS)
def test_normalized_text_does_not_depend_on_the_cuts(text: str, cuts: list[int]) -> None:
    normalizers = Normalizer(), Normalizer()

    assert drive(normalizers[0].feed, normalizers[0].flush, cut(text, cuts)) == normalize(text)
    assert drive(normalizers[1].feed, normalizers[1].flush, iter(text)) == normalize(text)


@given(TEXTS, CUTS)
def test_line_breaks_that_are_kept_are_spaces_otherwise(text: str, cuts: list[int]) -> None:
    normalizers = Normalizer(keeps_breaks=True), Normalizer(keeps_breaks=True)

    whole = normalizers[0].feed(text) + normalizers[0].flush()

    assert whole.replace('\n', ' ') == normalize(text)
    assert drive(normalizers[1].feed, normalizers[1].flush, cut(text, cuts)) == whole


@given(TEXTS)
def test_normalized_text_stays_as_it_is(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)
