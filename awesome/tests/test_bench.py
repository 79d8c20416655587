"""What the parts cost: `ddev --here test -b awesome`. How the whole compares with its peers: `make bench`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.reading.read import visible_text
from datadog_checks.awesome.reading.search import Rules, Verdict, judge
from datadog_checks.awesome.reporting.change.turns import Turns
from datadog_checks.awesome.reporting.report import PageFacts, Report, Searched, TextFacts
from datadog_checks.awesome.secrets import Mask

from .bench_pages import HEAD, KIB, MIB, NEEDLE, Pages, serve_pages, text

pytestmark = pytest.mark.unit

SIZE = 10 * MIB
CHUNK = 64 * KIB


def chunks(page: str) -> list[str]:
    return [page[start : start + CHUNK] for start in range(0, len(page), CHUNK)]


def near_matches() -> str:
    """Return a page all of which begins like the needle: whoever searches has to look twice."""
    return HEAD + (NEEDLE[:-1] * (SIZE // (len(NEEDLE) - 1)))[: SIZE - len(HEAD)]


SEARCHES: dict[str, tuple[Rules, Callable[[], str], bool]] = {
    'no match': (Rules(('Apache',)), lambda: text(SIZE), False),
    'match first': (Rules((NEEDLE,)), lambda: text(SIZE, 'start'), True),
    'match last': (Rules((NEEDLE,)), lambda: text(SIZE), True),
    'near matches': (Rules((NEEDLE,)), near_matches, False),
    'several strings': (
        Rules((NEEDLE, 'page', '<title>', 'length', '</p>'), ('Apache', 'Traceback', 'Fatal', '502', 'Sorry')),
        lambda: text(SIZE),
        True,
    ),
    'case-insensitive': (Rules((NEEDLE.upper(),), case_sensitive=False), lambda: text(SIZE), True),
    'regular expression': (Rules((r'using nginx[.!]',), regex=True), lambda: text(SIZE), True),
}


@pytest.mark.parametrize('search', SEARCHES)
def test_search(search: str, benchmark: Any) -> None:
    rules, page, found = SEARCHES[search]
    pieces = chunks(page())
    judge(rules, pieces)

    assert benchmark(judge, rules, pieces).passed == found


def test_visible_text(benchmark: Any) -> None:
    pieces = chunks(text(MIB))

    assert ''.join(benchmark(lambda: list(visible_text(pieces, 'text/html')))).endswith(NEEDLE)


TURNS: dict[str, str] = {
    'page': text(MIB),
    'near matches': near_matches()[:MIB],
    'one character': 'n' * MIB,
    'many elements': '<p>n' * (MIB // 4),
    'many lines': 'n\n' * (MIB // 2),
}


@pytest.mark.parametrize('page', TURNS)
def test_turn(page: str, benchmark: Any) -> None:
    instance = {'url': 'http://localhost:8000/', 'search_string': NEEDLE.replace('using', 'choosing')}
    options = AwesomeCheck('awesome', {}, [instance]).options(instance)

    def begin() -> tuple[tuple[Any, ...], dict[str, Any]]:
        turns = Turns(Mask(['Token-in-Header']))
        turns.note(options, searched(Verdict()), text(100 * KIB).replace('length', 'size').encode(), True)
        return (turns, options, searched(Verdict(missing=options.rules.required)), TURNS[page].encode(), False), {}

    told = benchmark.pedantic(Turns.note, setup=begin, rounds=20, warmup_rounds=2)

    assert told.title.endswith('OK -> WARNING')


def searched(verdict: Verdict) -> Report:
    page = PageFacts('http://localhost:8000/', 200, '200 OK', 'text/html; charset=utf-8', 0, None, MIB, False)
    outcome = Searched(page, TextFacts('utf-8', 'the Content-Type', '', 'page'), verdict)
    return Report(
        outcome=outcome,
        response_time=0.1,
        first_byte_time=0.1,
        phases={},
        certificate_days_left=None,
        chain_days_left=None,
        resolved=None,
        peer=None,
    )


@pytest.fixture(scope='module')
def pages() -> Iterator[Pages]:
    with serve_pages() as pages:
        yield pages


@pytest.mark.parametrize('size', ['1k', '100k', '10m'])
@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_run(scheme: str, size: str, pages: Pages, aggregator: Any, benchmark: Any) -> None:
    options = {'search_string': NEEDLE, 'tls_ca_cert': pages.bundle, 'max_body_size': 2 * SIZE}
    check = AwesomeCheck('awesome', {}, [{'url': f'{getattr(pages, scheme)}{size}.html', **options}])
    check.run()

    benchmark.pedantic(check.run, setup=aggregator.reset, rounds=50, warmup_rounds=5)

    (result,) = aggregator.service_checks('awesome.search')
    assert result.status == AwesomeCheck.OK
