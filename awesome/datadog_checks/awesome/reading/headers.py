"""Whether the header lines of a response say what they should; pure, like everything in this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Fault

from .search import compile_pattern, matches
from .stream import no_tick
from .verdict import HeaderMiss

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

    from .stream import Tick

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

    @cached_property
    def _in_any_case(self) -> HeaderRules:
        return replace(self, case_sensitive=False)

    def find_in_other_case(self, string: str, values: list[str], tick: Tick) -> list[str]:
        """Return those of the values that contain `string` but for the case, as far as that is quickly told."""
        if not self.case_sensitive or (self.regex and '{' in string):
            return []
        return self._in_any_case.find(string, values, tick)

    def find(self, string: str, values: list[str], tick: Tick) -> list[str]:
        """Return those of the values that contain `string`."""
        tick()
        if self.regex:
            return [value for value in values if matches(string, self.patterns[string], value, tick)]
        if self.case_sensitive:
            return [value for value in values if string in value]
        return [value for value in values if string.casefold() in value.casefold()]


def judge_headers(rules: HeaderRules, lines: Lines, tick: Tick = no_tick) -> tuple[HeaderMiss, ...]:
    """Return the rules that do not hold; those that are known if `tick`, which is called between them, raises."""
    misses: list[HeaderMiss] = []
    try:
        for name, string in rules.forbidden:
            if met := rules.find(string, _readings(lines(name)), tick):
                misses.append(HeaderMiss(name, string, True, True, _shown(name, met)))
        for name, string in rules.required:
            values = _readings(lines(name))
            if not rules.find(string, values, tick):
                misses.append(HeaderMiss(name, string, False, bool(values), _shown(name, values)))
                if met := rules.find_in_other_case(string, values, tick):
                    misses[-1] = replace(misses[-1], met=_shown(name, met), in_other_case=True)
    except Fault:
        if not misses:
            raise
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
