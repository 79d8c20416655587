"""Whether the header lines of a response say what they should; pure, like everything in this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from .search import compile_pattern
from .verdict import HeaderMiss

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

# Of what the server knows its visitors by: never shown.
SECRET_HEADERS = frozenset({'set-cookie', 'set-cookie2'})

# Returns the value of each line of a header, whose name may be in any case; bytes read as ISO-8859-1.
Lines = Callable[[str], list[str]]


@dataclass(frozen=True)
class HeaderRules:
    """What header lines must and must not contain: pairs of a name and a string, or a regular expression."""

    required: tuple[tuple[str, str], ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    regex: bool = False
    case_sensitive: bool = True

    @cached_property
    def patterns(self) -> dict[str, SchemaValidator]:
        """What tells for each regular expression whether a value matches it."""
        return {string: compile_pattern(string, self.case_sensitive) for _, string in (*self.required, *self.forbidden)}

    def match(self, string: str, value: str) -> bool:
        """Return whether the value of one line contains `string`."""
        if self.regex:
            return self.patterns[string].isinstance_python(value)
        return string in value if self.case_sensitive else string.casefold() in value.casefold()


def judge_headers(rules: HeaderRules, lines: Lines) -> tuple[HeaderMiss, ...]:
    """Return the rules that do not hold."""
    misses = []
    for name, string in rules.forbidden:
        values = _readings(lines(name))
        if met := [value for value in values if rules.match(string, value)]:
            misses.append(HeaderMiss(name, string, True, True, _shown(name, met)))
    for name, string in rules.required:
        values = _readings(lines(name))
        if not any(rules.match(string, value) for value in values):
            misses.append(HeaderMiss(name, string, False, bool(values), _shown(name, values)))
    return tuple(misses)


def _readings(lines: list[str]) -> list[str]:
    """Return the value of each line as UTF-8 if it is that, and as ISO-8859-1: no standard says which it is."""
    values = []
    for line in lines:
        if not line.isascii() and (text := _as_utf_8(line)):
            values.append(text)
        values.append(line)
    return values


def _as_utf_8(line: str) -> str:
    try:
        return line.encode('latin-1').decode()
    except UnicodeError:
        return ''


def _shown(name: str, values: list[str]) -> str:
    return values[0] if values and name.lower() not in SECRET_HEADERS else ''
