"""Whether a text says what it should; pure: text in, verdict out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

# What the engine lacks, by what its message says, and what to write instead.
REMEDIES = {
    'look-around': 'match what is around it too, or put what must not be there into forbidden_string',
    'backreferences': 'write out what is repeated',
    'size limit': 'use fewer or shorter counted repetitions',
    'unrecognized escape': 'see https://docs.rs/regex/latest/regex/#syntax',
    'unrecognized flag': 'see https://docs.rs/regex/latest/regex/#syntax',
}


# Of a piece of text, in characters: longer than a small page, which is not worth compiling for.
LONG = 32 * 1024
# Of strings, in characters: what compiles in no time.
SHORT = 1000


@dataclass(frozen=True)
class Rules:
    """What a text must and must not contain: strings, or regular expressions where `regex` is true."""

    required: tuple[str, ...]
    forbidden: tuple[str, ...] = ()
    any_suffices: bool = False
    regex: bool = False
    case_sensitive: bool = True

    @cached_property
    def strings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.required, *self.forbidden)))

    @cached_property
    def patterns(self) -> dict[str, SchemaValidator]:
        return {pattern: compile_pattern(pattern, self.case_sensitive) for pattern in self.strings}


@dataclass(frozen=True)
class Verdict:
    """What decided against a text; nothing if it says what it should."""

    missing: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        return not self.missing and not self.forbidden


def judge(rules: Rules, pieces: Iterable[str]) -> Verdict:
    """Apply `rules` to a text that comes in pieces, however it is cut; take no more of them than the verdict needs."""
    matcher = Patterns(rules.patterns) if rules.regex else Literals(rules.strings, rules.case_sensitive)
    seen: set[str] = set()
    for piece in pieces:
        found = matcher.feed(piece)
        if not found:
            continue
        seen.update(found)
        forbidden = tuple(string for string in rules.forbidden if string in seen)
        if forbidden:
            return Verdict(forbidden=forbidden)
        if not rules.forbidden and not _missing(rules, seen):
            return Verdict()
    seen.update(matcher.finish())
    return Verdict(_missing(rules, seen), tuple(string for string in rules.forbidden if string in seen))


def compile_pattern(pattern: str, case_sensitive: bool = True) -> SchemaValidator:
    """Compile a regular expression for `isinstance_python`; raise ValueError saying what is wrong and what to do.

    The engine is Rust's, which every Agent has in pydantic: it takes time in proportion to the text, while Python's can
    take for ever and holds the whole Agent meanwhile.
    """
    flags = '' if case_sensitive else '(?i)'
    try:
        return SchemaValidator(core_schema.str_schema(pattern=flags + pattern, regex_engine='rust-regex'))
    except SchemaError as e:
        reason = str(e).splitlines()[-1].strip().removeprefix('error: ').removeprefix('SchemaError: ').rstrip('.')
        remedy = next((f'; {remedy}' for what, remedy in REMEDIES.items() if what in reason), '')
        raise ValueError(f'{pattern!r} is not a regular expression: {reason}{remedy}') from None


class Literals:
    """Finds strings in a text that comes in pieces, holding no more of it than an overlap."""

    def __init__(self, strings: Iterable[str], case_sensitive: bool) -> None:
        self._case_sensitive = case_sensitive
        self._wanted = {string: self._fold(string) for string in strings}
        self._overlap = max(map(len, self._wanted.values())) - 1
        self._tail = ''

    def feed(self, piece: str) -> list[str]:
        """Give the strings that the next piece completes."""
        piece = self._fold(piece)
        seam = self._tail + piece[: self._overlap]
        self._tail = (self._tail + piece[-self._overlap :])[-self._overlap :] if self._overlap else ''
        # The engine is several times as fast as `in`, but not with other text, which it has to encode first.
        wanted = tuple(self._wanted.values())
        is_fast = len(piece) >= LONG and piece.isascii() and sum(map(len, wanted)) <= SHORT
        if is_fast and not _any_of(wanted)(piece):
            piece = ''
        seen = [string for string, folded in self._wanted.items() if folded in piece or folded in seam]
        for string in seen:
            del self._wanted[string]
        return seen

    def finish(self) -> list[str]:
        return []

    def _fold(self, text: str) -> str:
        return text if self._case_sensitive else text.casefold()


class Patterns:
    """Finds regular expressions in a text that comes in pieces: at its end, since all of it may matter."""

    def __init__(self, patterns: Mapping[str, SchemaValidator]) -> None:
        self._patterns = patterns
        self._pieces: list[str] = []

    def feed(self, piece: str) -> list[str]:
        self._pieces.append(piece)
        return []

    def finish(self) -> list[str]:
        """Give the patterns that the text matches."""
        text = ''.join(self._pieces)
        self._pieces.clear()
        return [pattern for pattern, compiled in self._patterns.items() if compiled.isinstance_python(text)]


@lru_cache
def _any_of(strings: tuple[str, ...]) -> Callable[[str], bool]:
    """Give what tells whether a text has any of `strings`."""
    return compile_pattern('|'.join(map(re.escape, strings))).isinstance_python


def _missing(rules: Rules, seen: set[str]) -> tuple[str, ...]:
    missing = tuple(string for string in rules.required if string not in seen)
    return () if rules.any_suffices and len(missing) < len(rules.required) else missing
