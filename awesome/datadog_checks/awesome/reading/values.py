"""Numbers in text that comes in pieces, and how often a string occurs in it: in time that grows with the text alone.

The expressions are made here, of literal text around the grammar of a number, which is bounded; Python's engine cannot
be made to go back and forth by them. No more of the text is held than the longest match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Protocol

from .normalization import normalize
from .verdict import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .stream import Tick

NUMBER = '{number}'
# Why there is no number.
NOT_WHOLE = 'the page was not read to its end'
# In characters, of a number with its separators, exponent, and percent sign.
MAX_NUMBER = 200
# What stands between groups of thousands, in the source of a page too.
_REFERENCE = r'&(?:nbsp|thinsp|#(?:160|8201|8239|[xX](?:[aA]0|2009|202[fF])));'
_SEPARATOR = rf"(?:[,.' \xa0\u2009\u202f\u2019]|{_REFERENCE})"
# Groups of thousands, all apart by the same character, then decimals by another; or digits and decimals. Possessive, so
# that what does not match is not tried again in another way.
_GROUPED = rf'[0-9]{{1,3}}+(?:(?P<group>{_SEPARATOR})[0-9]{{3}}(?![0-9]))(?:(?P=group)[0-9]{{3}}(?![0-9])){{0,6}}+'
_DECIMALS = r'(?:(?!(?P=group))[.,][0-9]{1,60}+(?![0-9]))?+'
# As in India: 12,34,567.
_GROUPED_BY_TWO = r'[0-9]{1,2}+(?:,[0-9]{2}(?![0-9])){1,8}+,[0-9]{3}(?![0-9])(?:\.[0-9]{1,60}+(?![0-9]))?+'
_PLAIN = r'[0-9]{1,30}+(?![0-9])(?:[.,][0-9]{1,60}+(?![0-9]))?+'
# What a full stop after a word begins is no fraction.
_FRACTION = r'(?<![\w.,])\.[0-9]{1,60}+(?![0-9])'
_EXPONENT = r'(?:[eE][-+]?[0-9]{1,3}+(?![0-9]))?+'
_UNSIGNED = rf'(?:{_GROUPED}{_DECIMALS}|{_GROUPED_BY_TWO}|{_PLAIN}|{_FRACTION}){_EXPONENT}'
# To look ahead saves trying each kind in vain.
_NUMBER = rf'(?P<number>(?=[-+\u2212]?\.?[0-9])[-+\u2212]?{_UNSIGNED})'
_SPACE = r'[ \xa0\u202f]?'
# What may be the beginning of what a number goes on with.
_MAY_GO_ON = re.compile(rf'(?:[-+0-9eE%]|{_SEPARATOR})*+(?:&[#0-9A-Za-z]*+)?+')
# A number does not begin inside of another, which two characters before it tell.
_NOT_INSIDE = r'(?<![0-9])(?<![0-9][,.])'
_CONTEXT = 2
# Stands for the number while the text around it is normalized; nothing composes with it.
_PLACE = '\ue000'


@dataclass(frozen=True)
class NumberBetween:
    """A number between two strings, either of which may be empty, in the text that is searched."""

    name: str
    before: str
    after: str
    case_sensitive: bool = True
    visible_text: bool = False
    """Whether the text has a line break for each space between two lines."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What matches the number with what is around it, in text that is folded as they are."""
        before, after = (re.escape(_fold(text, self.case_sensitive)) for text in (self.before, self.after))
        if self.visible_text:
            before, after = before.replace(r'\ ', '[ \n]'), after.replace(r'\ ', '[ \n]')
        percent = _SPACE if self.after.startswith('%') else f'(?:{_SPACE}%)?'
        return re.compile(f'{before or _NOT_INSIDE}{_NUMBER}{percent}{after}')

    @cached_property
    def overlap(self) -> int:
        """The characters that a match takes at most, with what it looks at behind it."""
        # Folding makes some characters three.
        return 3 * (len(self.before) + len(self.after)) + MAX_NUMBER + 2


@dataclass(frozen=True)
class Count:
    """How often a string occurs in the text that is searched, each time beginning after the last."""

    name: str
    string: str
    case_sensitive: bool = True
    visible_text: bool = False
    """As of a number."""


TextValue = NumberBetween | Count


def number_between(name: str, pattern: str, case_sensitive: bool, visible_text: bool) -> NumberBetween:
    """Return where a number stands: `pattern` has `{number}` in its place."""
    if visible_text:
        pattern = normalize(pattern.replace(NUMBER, _PLACE)).replace(_PLACE, NUMBER)
    before, _, after = pattern.partition(NUMBER)
    return NumberBetween(name, before, after, case_sensitive, visible_text)


def count(name: str, string: str, case_sensitive: bool, visible_text: bool) -> Count:
    """Return how often to look for `string`."""
    return Count(name, normalize(string) if visible_text else string, case_sensitive, visible_text)


class _Search(Protocol):
    """Looks for one value in pieces of text."""

    is_found: bool

    def feed(self, piece: str) -> None: ...

    def result(self, is_whole: bool, is_cut: bool) -> Value: ...


class ValueSearch:
    """Looks for values in text that comes in pieces."""

    def __init__(self, sources: Sequence[TextValue]) -> None:
        self._searches: list[_Search] = [
            _CountSearch(source) if isinstance(source, Count) else _NumberSearch(source) for source in sources
        ]

    @property
    def is_done(self) -> bool:
        """Whether nothing to come changes any value."""
        return all(search.is_found for search in self._searches)

    def feed(self, piece: str, tick: Tick) -> None:
        """Search the next piece."""
        for search in self._searches:
            if not search.is_found:
                tick()
                search.feed(piece)

    def results(self, is_whole: bool, is_cut: bool = False) -> tuple[Value, ...]:
        """Return what was found; `is_whole` tells whether the text ended, `is_cut` whether the page goes on then."""
        return tuple(search.result(is_whole, is_cut) for search in self._searches)


class _NumberSearch:
    def __init__(self, source: NumberBetween) -> None:
        self.is_found = False
        self._source = source
        self._after = _fold(source.after, source.case_sensitive)
        self._held = ''
        self._start = 0
        self._number: float | None = None

    def feed(self, piece: str) -> None:
        text = self._held + _fold(piece, self._source.case_sensitive)
        # What begins after that may go on in the next piece.
        self._search(text, len(text) - self._source.overlap)

    def result(self, is_whole: bool, is_cut: bool) -> Value:
        if not self.is_found and is_whole:
            self._search(self._held, len(self._held), is_cut)
        return Value(self._source.name, self._number, '' if self.is_found else self._why(is_whole))

    def _search(self, text: str, end: int, is_cut: bool = False) -> None:
        """Search for a match that begins before `end`, and hold what may belong to one that begins there."""
        start = max(end, self._start)
        # To look for a string is much faster than to look for numbers before it.
        has_after = self._after in (text.replace('\n', ' ') if self._source.visible_text else text)
        for match in self._source.pattern.finditer(text, self._start) if has_after else ():
            if match.start() >= end or (is_cut and _MAY_GO_ON.fullmatch(text, match.end('number'))):
                break
            self._number = parse_number(match['number'])
            if self._number is not None:
                self.is_found, self._held = True, ''
                return
            start = max(end, match.end())
        cut = max(start - _CONTEXT, 0)
        self._held, self._start = text[cut:], start - cut

    def _why(self, is_whole: bool) -> str:
        return 'not on the page' if is_whole else NOT_WHOLE


class _CountSearch:
    is_found = False

    def __init__(self, source: Count) -> None:
        self._source = source
        self._string = _fold(source.string, source.case_sensitive)
        self._held = ''
        self._count = 0

    def feed(self, piece: str) -> None:
        if self._source.visible_text:
            piece = piece.replace('\n', ' ')
        *before, rest = (self._held + _fold(piece, self._source.case_sensitive)).split(self._string)
        self._count += len(before)
        self._held = rest[max(len(rest) - len(self._string) + 1, 0) :]

    def result(self, is_whole: bool, is_cut: bool) -> Value:
        if is_whole:
            return Value(self._source.name, self._count)
        return Value(self._source.name, None, NOT_WHOLE)


def parse_number(text: str) -> float | None:
    """Return the number that `text` is, as people in most countries write it; None if it is larger than any.

    The last of several kinds of separators is that of the decimals. One comma before three digits separates thousands
    (1,234), unless that makes no sense (0,123); one full stop never does (1.234).
    """
    text = re.sub(_REFERENCE, ' ', text.replace('\u2212', '-'))
    separators = re.sub(r'[-+0-9]|[eE].*', '', text)
    decimal = ''
    is_alone = len(separators) == 1 and not _separates_thousands(text)
    if separators and separators[-1] in ',.' and (is_alone or len(set(separators)) > 1):
        decimal = separators[-1]
    digits = ''.join('.' if c == decimal else c for c in text if c in '+-0123456789eE' or c == decimal)
    number = float(digits)
    return number if isfinite(number) else None


def _separates_thousands(text: str) -> bool:
    return bool(re.match(r'[-+]?[1-9][0-9]{0,2}[^.0-9][0-9]{3}(?![0-9])', text))


def _fold(text: str, case_sensitive: bool) -> str:
    return text if case_sensitive else text.casefold()
