"""Whether a text says what it should; pure: text in, verdict out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import StringIO

from pydantic_core import SchemaError, SchemaValidator, core_schema

# What the engine lacks, by what its message says, and what to write instead.
REMEDIES = {
    'look-around': 'match what is around it too, or put what must not be there into forbidden_string',
    'backreferences': 'write out what is repeated',
    'size limit': 'use fewer or shorter counted repetitions',
    'unrecognized escape': 'see https://docs.rs/regex/latest/regex/#syntax',
    'unrecognized flag': 'see https://docs.rs/regex/latest/regex/#syntax',
}


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
        seen.update(matcher.feed(piece))
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
        window = self._tail + self._fold(piece)
        self._tail = window[-self._overlap :] if self._overlap else ''
        seen = [string for string, folded in self._wanted.items() if folded in window]
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
        self._text = StringIO(newline='')

    def feed(self, piece: str) -> list[str]:
        self._text.write(piece)
        return []

    def finish(self) -> list[str]:
        """Give the patterns that the text matches."""
        text = self._text.getvalue()
        return [pattern for pattern, compiled in self._patterns.items() if compiled.isinstance_python(text)]


def _missing(rules: Rules, seen: set[str]) -> tuple[str, ...]:
    missing = tuple(string for string in rules.required if string not in seen)
    return () if rules.any_suffices and len(missing) < len(rules.required) else missing
