"""Whether text says what it should; pure: text in, verdict out."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from pydantic_core import SchemaError, SchemaValidator, core_schema

from .normalization import compose, normalize
from .stream import no_tick
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .stream import Tick

# What the engine lacks, by what its message says, and what to write instead.
REMEDIES = {
    'look-around': 'match what is around it too, or put what must not be there into forbidden_string',
    'backreferences': 'write out what is repeated',
    'size limit': 'use fewer or shorter counted repetitions',
    'unrecognized escape': 'see https://docs.rs/regex/latest/regex/#syntax',
    'unrecognized flag': 'see https://docs.rs/regex/latest/regex/#syntax',
    'repetition operator': 'write `\\` before a `*`, `+`, `?` or `{` that is meant as itself',
    'unclosed counted repetition': 'write `{` that is meant as itself as `\\{`',
    'repetition quantifier': 'write `{` that is meant as itself as `\\{`, and "at most two" as `{0,2}`',
}
# What other dialects have, and how the engine spells it or what to do without it.
SPELLINGS = {r'\Z': r'\z', r'\h': r'[ \t]', r'\R': r'(\r\n|\n|\r)', r'\e': r'\x1b', r'\0': r'\x00', '(?>': '(?:'}
WITHOUT = {r'\K': r'leave out `\K`', '(?#': 'leave out the comment', '(?P=': REMEDIES['backreferences']}
_TOKEN = re.compile(r'\\0[0-7]*|\\.|\(\?(?:>|#|P=)', re.DOTALL)

# In characters: a piece that is shorter is not worth compiling for, and strings that are longer take long to compile.
MIN_PIECE_FOR_ENGINE = 32 * 1024
MAX_STRINGS_FOR_ENGINE = 1000
# How many strings are looked for between two calls of `tick`: a few milliseconds.
STRINGS_PER_TICK = 200

# The size of the pieces on which a slow pattern is timed, in characters: at first, and at most.
FIRST_TRIAL, MAX_TRIAL = 1024, 256 * 1024
# How long the next piece may take at the rate of the one before, in seconds.
TRIAL_TIME = 0.02


@dataclass(frozen=True)
class Rules:
    """What a page must and must not contain: strings, or regular expressions where `regex` is true."""

    required: tuple[str, ...]
    forbidden: tuple[str, ...] = ()
    any_suffices: bool = False
    regex: bool = False
    case_sensitive: bool = True
    visible_text: bool = False
    """Whether the text that a reader sees is searched instead of the source."""

    @cached_property
    def needles(self) -> dict[str, str]:
        """What is looked for in the text for each string: the string as the text is normalized."""
        prepare = (compose if self.regex else normalize) if self.visible_text else str
        return {string: prepare(string) for string in (*self.required, *self.forbidden)}

    @cached_property
    def patterns(self) -> dict[str, SchemaValidator]:
        """What tells for each string, a regular expression, whether text matches it."""
        return {string: compile_pattern(needle, self.case_sensitive) for string, needle in self.needles.items()}


def judge(rules: Rules, pieces: Iterable[str], tick: Tick = no_tick) -> Verdict:
    """Apply `rules` to text that comes in pieces, however it is cut; take no more of them than the verdict needs.

    `tick` is called for each piece and between patterns; what it raises ends the search.
    """
    judgement = Judgement(rules, tick)
    for piece in pieces:
        tick()
        judgement.feed(piece)
        if judgement.verdict:
            return judgement.verdict
    return judgement.flush()


class Judgement:
    """Applies rules to text that comes in pieces, until the verdict is certain."""

    def __init__(self, rules: Rules, tick: Tick) -> None:
        self.verdict: Verdict | None = None
        """Known as soon as it is certain."""
        self._rules = rules
        self._seen: set[str] = set()
        self._matcher: Patterns | Literals
        if not rules.required and not rules.forbidden:
            self.verdict = Verdict()
        elif rules.regex:
            self._matcher = Patterns(rules.patterns, tick)
        else:
            self._matcher = Literals(rules.needles, rules.case_sensitive, tick)

    def feed(self, piece: str) -> None:
        """Search the next piece, if the verdict needs it."""
        if self.verdict is None and (found := self._matcher.feed(piece)):
            self._seen.update(found)
            self.verdict = self._decide()

    def flush(self) -> Verdict:
        """Return the verdict on text that has ended."""
        if self.verdict is None:
            self._seen.update(self._matcher.flush())
            missing, forbidden = _missing(self._rules, self._seen), _seen(self._rules.forbidden, self._seen)
            self.verdict = Verdict(missing, forbidden)
        return self.verdict

    def _decide(self) -> Verdict | None:
        """Return the verdict that nothing to come can change, if there is one."""
        if forbidden := _seen(self._rules.forbidden, self._seen):
            return Verdict(forbidden=forbidden)
        return None if self._rules.forbidden or _missing(self._rules, self._seen) else Verdict()


def compile_pattern(pattern: str, case_sensitive: bool = True) -> SchemaValidator:
    """Compile a regular expression for `isinstance_python`; raise ValueError saying what is wrong and what to do.

    The engine is Rust's, which every Agent has in pydantic: it takes time in proportion to the text, while Python's can
    take forever and holds the whole Agent meanwhile.
    """
    flags = '' if case_sensitive else '(?i)'
    try:
        return SchemaValidator(core_schema.str_schema(pattern=flags + pattern, regex_engine='rust-regex'))
    except SchemaError as e:
        reason = str(e).splitlines()[-1].strip().removeprefix('error: ').removeprefix('SchemaError: ').rstrip('.')
        remedy = _remedy(pattern, reason)
        raise ValueError(f'{pattern!r} is not a regular expression: {reason}{remedy}') from None


def _remedy(pattern: str, reason: str) -> str:
    start = '(' if 'flag' in reason else '\\'
    if 'unrecognized' in reason or 'backreferences' in reason:
        for token in _TOKEN.findall(pattern):
            if token in SPELLINGS and token.startswith(start):
                return f'; write `{SPELLINGS[token]}` instead of `{token}`'
            if token in WITHOUT and token.startswith(start):
                return f'; {WITHOUT[token]}'
    return next((f'; {remedy}' for what, remedy in REMEDIES.items() if what in reason), '')


class Literals:
    """Finds strings in text that comes in pieces, holding no more of it than an overlap."""

    def __init__(self, needles: Mapping[str, str], case_sensitive: bool, tick: Tick) -> None:
        self._case_sensitive = case_sensitive
        self._tick = tick
        self._wanted = {string: self._fold(needle) for string, needle in needles.items()}
        self._overlap = max(map(len, self._wanted.values())) - 1
        self._tail = ''

    def feed(self, piece: str) -> list[str]:
        """Return the strings that the next piece completes."""
        piece = self._fold(piece)
        seam = self._tail + piece[: self._overlap]
        self._tail = (self._tail + piece[-self._overlap :])[-self._overlap :] if self._overlap else ''
        if self._has_none(piece):
            piece = ''
        seen = self._find(piece, seam)
        for string in seen:
            del self._wanted[string]
        return seen

    def flush(self) -> list[str]:
        return []

    def _find(self, piece: str, seam: str) -> list[str]:
        seen, wanted = [], iter(self._wanted.items())
        while batch := list(islice(wanted, STRINGS_PER_TICK)):
            self._tick()
            seen += [string for string, needle in batch if needle in piece or needle in seam]
        return seen

    def _has_none(self, piece: str) -> bool:
        """Tell whether the engine finds none of the strings: several times as fast as `in` for long ASCII text."""
        # It has to encode other text first.
        if len(piece) < MIN_PIECE_FOR_ENGINE or not piece.isascii():
            return False
        wanted = tuple(self._wanted.values())
        return sum(map(len, wanted)) <= MAX_STRINGS_FOR_ENGINE and not _any_of(wanted)(piece)

    def _fold(self, text: str) -> str:
        return text if self._case_sensitive else text.casefold()


class Patterns:
    """Finds regular expressions in text that comes in pieces: at its end, since all of it may matter."""

    def __init__(self, patterns: Mapping[str, SchemaValidator], tick: Tick) -> None:
        self._patterns = patterns
        self._tick = tick
        self._pieces: list[str] = []

    def feed(self, piece: str) -> list[str]:
        self._pieces.append(piece)
        return []

    def flush(self) -> list[str]:
        """Return the patterns that the text matches."""
        text = ''.join(self._pieces)
        self._pieces.clear()
        seen = []
        for pattern, compiled in self._patterns.items():
            if matches(pattern, compiled, text, self._tick):
                seen.append(pattern)
        return seen


def matches(pattern: str, compiled: SchemaValidator, text: str, tick: Tick) -> bool:
    """Return whether `text` matches a compiled pattern; raise a fault if the run ends before that is known."""
    # Nothing else makes the engine slow.
    tick(_time_search(compiled, text, tick) if '{' in pattern else 0)
    return compiled.isinstance_python(text)


def _time_search(compiled: SchemaValidator, text: str, tick: Tick) -> float:
    """Return about how many seconds the search in `text` will take; raise a fault if the run ends before.

    The engine cannot be interrupted and holds the whole Agent. What it takes for `(.{1,50}){40}` depends on the text,
    by a factor of 10,000: so the text is searched in pieces that begin small.
    """
    total, position, size = 0.0, 0, FIRST_TRIAL
    while position < len(text):
        start = time.monotonic()
        compiled.isinstance_python(text[position : position + size])
        took = time.monotonic() - start
        position, total = position + size, total + took
        tick(total)
        size = min(size * 2 if took < TRIAL_TIME / 2 else max(FIRST_TRIAL, size // 2), MAX_TRIAL)
    return total


@lru_cache(maxsize=64)
def _any_of(strings: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what tells whether text has any of `strings`."""
    return compile_pattern('|'.join(map(re.escape, strings))).isinstance_python


def _seen(strings: tuple[str, ...], seen: set[str]) -> tuple[str, ...]:
    return tuple(string for string in strings if string in seen)


def _missing(rules: Rules, seen: set[str]) -> tuple[str, ...]:
    missing = tuple(string for string in rules.required if string not in seen)
    return () if rules.any_suffices and len(missing) < len(rules.required) else missing
