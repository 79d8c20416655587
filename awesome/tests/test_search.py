import pytest

from datadog_checks.awesome.search import Searcher

pytestmark = pytest.mark.unit


@pytest.mark.parametrize('cut', range(len('say nginx!') + 1))
def test_string_is_found_wherever_the_text_is_cut(cut: int) -> None:
    searcher = Searcher('nginx')
    searcher.feed('say nginx!'[:cut])

    assert searcher.feed('say nginx!'[cut:])


def test_string_is_found_in_single_characters() -> None:
    searcher = Searcher('aab')

    assert [searcher.feed(character) for character in 'aaab'] == [False, False, False, True]


def test_string_stays_found() -> None:
    searcher = Searcher('a')
    searcher.feed('a')

    assert searcher.feed('b')


def test_pieces_that_are_no_neighbours_do_not_match() -> None:
    searcher = Searcher('ab')

    assert not any(searcher.feed(piece) for piece in ('a', '', 'a', 'xb'))
