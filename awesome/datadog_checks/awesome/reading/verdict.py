"""What decided about a page, and which values stood on it: data that reporting puts into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

MaskText = Callable[[str], str]


@dataclass(frozen=True)
class HeaderMiss:
    """A rule about a header that does not hold."""

    name: str
    string: str
    """What the header must contain, or must not if `is_forbidden`; empty if any value does."""
    is_forbidden: bool
    is_there: bool
    """Whether the response has this header."""
    met: str = ''
    """The header's value, foreign text, unless nobody may see that."""
    in_other_case: bool = False
    """Whether the header contains what it must, but for the case."""


@dataclass(frozen=True)
class Side:
    """A part of an expression, and what it was on the page."""

    expression: str
    value: str
    """A string as it was, else a few words; foreign text."""
    is_string: bool
    has_failed: bool = False
    """Whether it could not be computed; `value` says why."""


@dataclass(frozen=True)
class JSONMiss:
    """An expression that is not true of a JSON page, and the parts that decide about it."""

    expression: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Value:
    """A number that was looked for on a page; if there is none, why."""

    name: str
    number: float | None
    why: str = ''
    side: Side | None = None
    """What stood where a number of a JSON page should."""


class Verdict(NamedTuple):
    """What decided against a page; nothing if it says what it should."""

    missing: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    ended_at: str = ''
    """Where redirects ended, if not where they must."""
    headers: tuple[HeaderMiss, ...] = ()
    json: tuple[JSONMiss, ...] = ()
    not_json: str = ''
    """Why no expression can be true of the page."""
    values: tuple[Value, ...] = ()

    @property
    def passed(self) -> bool:
        return not (self.missing or self.forbidden or self.ended_at or self.headers or self.json or self.not_json)

    @property
    def failed_rules(self) -> tuple[object, ...]:
        """What does not hold, whatever was met: the same in every run that ends in the same way."""
        headers = tuple((miss.name, miss.string, miss.is_forbidden) for miss in self.headers)
        expressions = tuple(miss.expression for miss in self.json)
        return self.missing, self.forbidden, self.ended_at, headers, expressions, self.not_json

    def masked(self, mask: MaskText) -> Verdict:
        """Return the verdict with what the server said masked for good."""
        if not (self.ended_at or self.headers or self.json or any(value.side for value in self.values)):
            return self
        return self._replace(
            ended_at=mask(self.ended_at),
            headers=tuple(replace(miss, met=mask(miss.met)) for miss in self.headers),
            json=tuple(replace(miss, sides=tuple(_masked(side, mask) for side in miss.sides)) for miss in self.json),
            values=tuple(replace(value, side=value.side and _masked(value.side, mask)) for value in self.values),
        )


def _masked(side: Side, mask: MaskText) -> Side:
    return replace(side, value=mask(side.value))
