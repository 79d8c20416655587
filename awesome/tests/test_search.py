"""The verdict on a text in pieces, and how soon it comes."""

from collections.abc import Iterator

import pytest

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.reading.search import MIN_PIECE_FOR_ENGINE, Patterns, Rules, Verdict, compile_pattern, judge
from datadog_checks.awesome.reading.stream import drive

pytestmark = pytest.mark.unit

OK = Verdict()


@pytest.mark.parametrize(
    ('rules', 'verdict'),
    [
        (Rules(('a', 'b')), OK),
        (Rules(('a', 'z')), Verdict(missing=('z',))),
        (Rules(('y', 'z')), Verdict(missing=('y', 'z'))),
        (Rules(('a', 'z'), any_suffices=True), OK),
        (Rules(('y', 'z'), any_suffices=True), Verdict(missing=('y', 'z'))),
        (Rules(('a',), ('z',)), OK),
        (Rules(('a',), ('b', 'z')), Verdict(forbidden=('b',))),
        (Rules(('A',)), Verdict(missing=('A',))),
        (Rules(('STRASSE',), case_sensitive=False), OK),
        (Rules(('straße',), case_sensitive=False), OK),
        (Rules((r'a.*e', r'\d'), regex=True), Verdict(missing=(r'\d',))),
        (Rules((r'(?s)a.*1',), (r'\d+',), regex=True), Verdict(missing=('(?s)a.*1',))),
        (Rules(('AB',), regex=True, case_sensitive=False), OK),
        (Rules(('der Straße$',), regex=True), OK),
        (Rules(()), OK),
        (Rules(('a', 'a')), OK),
    ],
)
def test_verdict(rules: Rules, verdict: Verdict) -> None:
    assert judge(rules, ['ab in der ', 'Stra', 'ße']) == verdict


@pytest.mark.parametrize(
    ('rules', 'taken'),
    [
        pytest.param(Rules(('a',)), 1, id='the string came'),
        pytest.param(Rules(('a', 'b')), 2, id='all strings came'),
        pytest.param(Rules(('a', 'z')), 4, id='a string is missing'),
        pytest.param(Rules(('z', 'b'), any_suffices=True), 2, id='one of any came'),
        pytest.param(Rules(('a',), ('z',)), 4, id='a forbidden string may still come'),
        pytest.param(Rules(('a',), ('b',)), 2, id='a forbidden string came'),
        pytest.param(Rules(('bc',)), 3, id='across pieces'),
        pytest.param(Rules(()), 1, id='nothing is asked for'),
        pytest.param(Rules(('a',), regex=True), 4, id='a regular expression needs all'),
    ],
)
def test_no_more_is_taken_than_the_verdict_needs(rules: Rules, taken: int) -> None:
    pieces = iter('abcd')

    judge(rules, pieces)

    assert len(list(pieces)) == 4 - taken


def test_strings_hold_no_more_than_a_piece_and_an_overlap() -> None:
    alive = 0

    class Piece(str):
        def __new__(cls, text: str) -> 'Piece':
            nonlocal alive
            alive += 1
            assert alive <= 2
            return super().__new__(cls, text)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def pieces() -> Iterator[str]:
        for _ in range(100):
            yield Piece('x' * 1000)

    assert not judge(Rules(('needle',)), pieces()).passed


@pytest.mark.parametrize(
    ('pattern', 'reason'),
    [
        (
            '(?=a)b',
            "'(?=a)b' is not a regular expression: look-around, including look-ahead and look-behind, is not supported;"
            ' match what is around it too, or put what must not be there into forbidden_string',
        ),
        (
            r'(?=a)\Z',
            r"'(?=a)\\Z' is not a regular expression:"
            ' look-around, including look-ahead and look-behind, is not supported;'
            ' match what is around it too, or put what must not be there into forbidden_string',
        ),
        (
            r'(a)\1',
            r"'(a)\\1' is not a regular expression: backreferences are not supported; write out what is repeated",
        ),
        ('(', "'(' is not a regular expression: unclosed group"),
        (
            'a{999999}',
            "'a{999999}' is not a regular expression: Compiled regex exceeds size limit of 10485760 bytes;"
            ' use fewer or shorter counted repetitions',
        ),
        (
            r'a\Z',
            r"'a\\Z' is not a regular expression: unrecognized escape sequence;"
            r' write `\z` instead of `\Z`',
        ),
        (
            r'\\Z\K',
            r"'\\\\Z\\K' is not a regular expression: unrecognized escape sequence; leave out `\K`",
        ),
        (
            r'\0',
            r"'\\0' is not a regular expression: backreferences are not supported; write `\x00` instead of `\0`",
        ),
        ('(?>a)', "'(?>a)' is not a regular expression: unrecognized flag; write `(?:` instead of `(?>`"),
        (
            '(?P<n>a)(?P=n)',
            "'(?P<n>a)(?P=n)' is not a regular expression: unrecognized flag; write out what is repeated",
        ),
        ('(?#x)a', "'(?#x)a' is not a regular expression: unrecognized flag; leave out the comment"),
        (
            '{"a": 1}',
            "'{\"a\": 1}' is not a regular expression: repetition operator missing expression;"
            r' write `\` before a `*`, `+`, `?` or `{` that is meant as itself',
        ),
        (
            'a{1',
            "'a{1' is not a regular expression: unclosed counted repetition;"
            r' write `{` that is meant as itself as `\{`',
        ),
        (
            r'a\y',
            r"'a\\y' is not a regular expression: unrecognized escape sequence;"
            ' see https://docs.rs/regex/latest/regex/#syntax',
        ),
        (
            '(?L)a',
            "'(?L)a' is not a regular expression: unrecognized flag; see https://docs.rs/regex/latest/regex/#syntax",
        ),
        (
            'a{,2}',
            "'a{,2}' is not a regular expression: repetition quantifier expects a valid decimal;"
            r' write `{` that is meant as itself as `\{`, and "at most two" as `{0,2}`',
        ),
    ],
)
def test_pattern_that_does_not_compile_is_explained(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match='is not a regular expression') as error:
        compile_pattern(pattern)

    assert str(error.value) == reason


@pytest.mark.parametrize(
    ('escape', 'spelling', 'example'),
    [('Z', r'\z', ''), ('h', r'[ \t]', '\t'), ('R', r'(\r\n|\n|\r)', '\r\n'), ('e', r'\x1b', '\x1b')],
)
def test_escape_of_another_dialect_is_translated(escape: str, spelling: str, example: str) -> None:
    with pytest.raises(ValueError, match='unrecognized escape') as error:
        compile_pattern(f'a\\{escape}')

    assert str(error.value).endswith(f'; write `{spelling}` instead of `\\{escape}`')
    assert judge(Rules((f'^a{spelling}$',), regex=True), [f'a{example}']).passed


@pytest.mark.parametrize('pattern', [r'(a+)+$', r'^(a|a)*$', r'(.*a){20}$', r'(\s*a)+\s*$'])
def test_patterns_that_hang_python_take_no_time(pattern: str) -> None:
    """They would run for years with `re`."""
    assert not judge(Rules((pattern,), regex=True), ['a' * 50_000 + '!\n']).passed


class Clock:
    """A run that has time for two trials, and the seconds that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def __call__(self, seconds: float = 0, /) -> None:
        self.asked.append(seconds)
        if seconds and len(self.asked) > 3:
            raise TimeoutError


def test_counted_repetitions_are_tried_on_pieces_before_the_whole_text() -> None:
    """The engine cannot be interrupted, and this text takes it a minute and a half."""
    clock = Clock()

    with pytest.raises(TimeoutError):
        judge(Rules((r'(.{1,50}){40}\d',), regex=True), ['a' * 4 * 2**20], clock)

    assert clock.asked[0] == 0
    assert clock.asked == sorted(clock.asked)


@pytest.mark.parametrize('text', ['a' * 100_000, 'a' * 99_999 + '1', ''])
def test_trials_change_no_verdict(text: str) -> None:
    asked: list[float] = []

    verdict = judge(Rules((r'^a{3,}1$',), regex=True), [text], lambda seconds=0: asked.append(seconds))

    assert verdict.passed == text.endswith('1')
    assert len(asked) > (1 if text else 0)


class Engine:
    """Takes `seconds` for each character, by a clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.searches: list[tuple[int, float]] = []
        self._seconds = seconds

    def isinstance_python(self, text: str) -> bool:
        took = len(text) * self._seconds
        self.now += took
        self.searches.append((len(text), took))
        return False


@pytest.mark.parametrize('seconds', [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4])
def test_trials_are_short_and_tell_what_the_whole_takes(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, asked = Engine(seconds), list[float]()
    monkeypatch.setattr('time.monotonic', lambda: engine.now)
    patterns = Patterns({'a{2}': engine}, lambda seconds=0: asked.append(seconds))  # type: ignore[dict-item]
    for _ in range(3):
        patterns.feed('a' * 2**20)

    assert patterns.flush() == []

    *trials, (whole, took) = engine.searches
    assert sum(size for size, _ in trials) == whole == 3 * 2**20
    assert asked[-1] == asked[-2] == pytest.approx(took)
    assert trials[0][0] == 1024
    assert all(took < 0.02 or size == 1024 for size, took in trials)
    # They are as large as they may be, so that there are few.
    assert all(took > 0.002 or size == 256 * 1024 for size, took in trials[9:-1])


@pytest.mark.parametrize('string', ['a.b', 'a|b', '(', '\\', ' a', '\n', '\0', '#', '-', 'é'])
@pytest.mark.parametrize('filler', ['.', 'é'])
def test_long_pieces_are_searched_for_the_very_string(string: str, filler: str) -> None:
    filler *= 2 * MIN_PIECE_FOR_ENGINE

    assert judge(Rules((string,)), [filler + string + filler]).passed
    assert judge(Rules((string,)), [filler, filler]).passed == (string in filler)
    assert judge(Rules((string,)), [filler + string[:1], string[1:] + filler]).passed
    assert judge(Rules((string,), ('x' * 2000,)), [filler, filler + string]).passed


def test_strings_that_would_take_long_to_compile_are_searched_as_they_are() -> None:
    strings = tuple(f'{"x" * 200_000}{number}' for number in range(10))
    page = '.' * MIN_PIECE_FOR_ENGINE

    assert judge(Rules(strings), [page, *strings, page]).passed
    assert judge(Rules(strings), [page, page]).missing == strings


class Hold:
    """A stage that returns each piece only when the next one comes."""

    def __init__(self) -> None:
        self._held = ''

    def feed(self, piece: str) -> str:
        held, self._held = self._held, piece
        return held

    def flush(self) -> str:
        return self.feed('')


def test_what_a_stage_holds_comes_at_the_end() -> None:
    assert ''.join(drive(drive('abc', Hold()), Hold())) == 'abc'


def test_fault_comes_after_what_the_stages_hold() -> None:
    def pieces() -> Iterator[str]:
        yield from 'abc'
        raise Fault(Kind.BROKEN_OFF, 'the connection broke off')

    found = []

    with pytest.raises(Fault, match='broke off'):
        for piece in drive(drive(pieces(), Hold()), Hold()):
            found.append(piece)

    assert ''.join(found) == 'abc'
