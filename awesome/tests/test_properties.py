"""Whatever the cuts, encoding and compression, the answer is that of the plain expression on the whole page.

`ddev --here test awesome -- -k properties --hypothesis-profile thorough` runs 20,000 examples of each.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datadog_checks.awesome.reading import search
from datadog_checks.awesome.reading.decompression import decompress
from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.normalization import Normalizer, normalize
from datadog_checks.awesome.reading.read import visible_text
from datadog_checks.awesome.reading.search import Rules, judge
from datadog_checks.awesome.reading.stream import drive

from .alphabets import ALPHABETS

pytestmark = pytest.mark.unit

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {'identity': bytes, 'gzip': gzip.compress, 'deflate': zlib.compress}
PATTERNS = ['ab', 'a.b', '^a', 'b$', '(?s)a.b', '(?m)^b$', '[^a]b', 'a+b', 'é|漢', '(?i)AB', 'a{2}', r'\n']
MARKUP = [
    '<p>',
    '</p>',
    '<b>',
    '</b>',
    '<br>',
    'a',
    'b c',
    ' ',
    '\n',
    '\xa0',
    'é',
    'e',
    '́',
    '漢',
    '&amp;',
    '&eacute',
    '&#x41;',
    '&',
    '<',
    '>',
    '<!--',
    '-->',
    '<script>',
    '</script>',
    '"',
    '=',
    '/',
    '<a href="',
    '<title>',
    '</title>',
    '<style>',
    '</style>',
    '<textarea>',
    '</textarea>',
    '<template>',
    '</template>',
    '</',
    '\x00',
    'ᄀ',
    'ᅡ',
    'ᆨ',
]


def cut(whole: bytes | str, positions: list[int]) -> Iterator[bytes | str]:
    edges = sorted(position % (len(whole) + 1) for position in positions)
    for start, end in zip([0, *edges], [*edges, len(whole)], strict=True):
        if start < end:
            yield whole[start:end]


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, str]:
    """Return an encoding and a text that it can hold."""
    encoding = draw(st.sampled_from(sorted(ALPHABETS)))
    return encoding, draw(st.text(ALPHABETS[encoding], max_size=60))


@st.composite
def needles(draw: st.DrawFn, text: str, alphabet: str) -> tuple[str, ...]:
    """Return some strings: parts of `text`, in any case, or others."""
    start = draw(st.integers(0, len(text)))
    part = text[start : start + draw(st.integers(1, 5))] or 'a'
    others = draw(st.lists(st.text(alphabet, min_size=1, max_size=3), max_size=2))
    return tuple(draw(st.permutations([draw(st.sampled_from([part, part.upper(), part.swapcase()])), *others])))


def received(text: str, encoding: str, compression: str, cuts: list[int], chosen: bool) -> Iterator[str]:
    """Return a page as the check gets it."""
    body = COMPRESSIONS[compression](text.encode(encoding))
    decoder = Decoder(f'text/plain; charset={encoding}', encoding if chosen and encoding != 'utf-16' else None)
    return drive(decompress(cut(body, cuts), compression, list), decoder)  # type: ignore[arg-type]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@pytest.mark.parametrize('long', [0, search.MIN_PIECE_FOR_ENGINE])
@given(st.data(), pages(), CUTS, st.sampled_from(sorted(COMPRESSIONS)), st.booleans(), st.booleans(), st.booleans())
def test_strings(
    long: int,
    data: st.DataObject,
    page: tuple[str, str],
    cuts: list[int],
    compression: str,
    case_sensitive: bool,
    any_suffices: bool,
    chosen: bool,
) -> None:
    encoding, text = page
    required = data.draw(needles(text, ALPHABETS[encoding]))
    forbidden = data.draw(st.just(()) | needles(text, ALPHABETS[encoding]))
    rules = Rules(required, forbidden, any_suffices, False, case_sensitive)

    with pytest.MonkeyPatch.context() as patch:
        # Long pieces are searched in another way.
        patch.setattr(search, 'MIN_PIECE_FOR_ENGINE', long)
        verdict = judge(rules, received(text, encoding, compression, cuts, chosen))

    fold = str if case_sensitive else str.casefold
    there = [fold(string) in fold(text) for string in required]
    bad = [string for string in forbidden if fold(string) in fold(text)]
    assert verdict.passed == ((any(there) if any_suffices else all(there)) and not bad)
    assert set(verdict.forbidden) <= set(bad)
    assert not set(verdict.missing) & {string for string, found in zip(required, there, strict=True) if found}


@given(pages(), CUTS, st.sampled_from(PATTERNS), st.booleans(), st.sampled_from(sorted(COMPRESSIONS)))
def test_regular_expressions(
    page: tuple[str, str], cuts: list[int], pattern: str, case_sensitive: bool, compression: str
) -> None:
    encoding, text = page

    verdict = judge(
        Rules((pattern,), (), False, True, case_sensitive), received(text, encoding, compression, cuts, False)
    )

    # In Python `$` also matches before the line break at the end.
    python = pattern.replace('$', r'(?![^\n])' if '(?m)' in pattern else r'\Z')
    # The engines fold case differently beyond ASCII, where these patterns hold é alone: É is in no alphabet with them.
    flags = 0 if case_sensitive else re.IGNORECASE
    assert verdict.passed == bool(re.search(python, text, flags))


@given(st.lists(st.sampled_from(MARKUP), max_size=25), CUTS)
def test_visible_text_does_not_depend_on_the_cuts(tokens: list[str], cuts: list[int]) -> None:
    markup = '<p>' + ''.join(tokens)

    whole = ''.join(visible_text([markup], 'text/html'))
    pieces = ''.join(visible_text(cut(markup, cuts), 'text/html'))  # type: ignore[arg-type]

    assert pieces == whole
    assert whole == normalize(whole)


@given(st.text(st.characters(exclude_categories=['Cs'])) | st.text('a \n\xa0é\u0301\u0327e가각각\u2003'), CUTS)
def test_normalized_text_does_not_depend_on_the_cuts(text: str, cuts: list[int]) -> None:
    normalizer = Normalizer()

    pieces = ''.join([*map(normalizer.feed, cut(text, cuts)), normalizer.flush()])  # type: ignore[arg-type]

    assert pieces == normalize(text)


@given(st.binary(max_size=200), CUTS, st.sampled_from(sorted(COMPRESSIONS)))
def test_decompression_does_not_depend_on_the_cuts(body: bytes, cuts: list[int], compression: str) -> None:
    compressed = cut(COMPRESSIONS[compression](body), cuts)

    assert b''.join(decompress(compressed, compression, list)) == body  # type: ignore[arg-type]
