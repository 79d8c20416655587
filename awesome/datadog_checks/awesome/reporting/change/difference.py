"""What differs between two snapshots of a page, and what differs in every run and so means nothing."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .snapshot import Snapshot, Text

# A time that differs by less, as a factor and in seconds, is as before.
TIME_FACTOR = 2
MIN_TIME = 0.1
# As a share of the size before: what dynamic pages do all the time.
MIN_SIZE = 0.1
# Of the lines of a page, as a share: differences after the last common line mean nothing where both pages go on, since
# what comes after was only moved beyond the end.
MAX_TAIL = 0.25

# In runs: a line that has not changed for so long does not change in every run.
MEMORY = 20
MAX_SHAPES = 500
# In characters.
MAX_SHAPE = 200
_DIGIT = re.compile(r'\d')


@dataclass(frozen=True)
class Fact:
    """Something that is known of a page and differs; empty is what is not there."""

    name: str
    then: str
    now: str


@dataclass(frozen=True)
class Difference:
    """What differs between a page then and now: facts, and the visible lines that went and that came, in order."""

    facts: tuple[Fact, ...] = ()
    went: tuple[str, ...] = ()
    came: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.facts or self.went or self.came)


class Changing:
    """Learns from OK runs which lines change in every run, such as a clock or a number of visitors.

    A line is known by its shape: what it says beside the words with digits in them. What differed between the first two
    runs counts at once; what begins to change later has to do so twice, since a new version changes a line once.
    """

    def __init__(self) -> None:
        self._changes: dict[str, int] = {}
        self._ages: dict[str, int] = {}
        self._is_first = True

    def learn(self, then: Sequence[str], now: Sequence[str]) -> None:
        """Note which lines differ between two OK runs, one after the other."""
        went, came = _lines_that_differ(then, now)
        for shape in set(self._ages):
            self._ages[shape] += 1
            if self._ages[shape] > MEMORY:
                del self._ages[shape], self._changes[shape]
        for shape in {*map(shape_of, went)} & {*map(shape_of, came)}:
            if len(self._changes) < MAX_SHAPES or shape in self._changes:
                self._changes[shape] = self._changes.get(shape, 0) + (2 if self._is_first else 1)
                self._ages[shape] = 0
        self._is_first = False

    def leave_out(self, went: list[str], came: list[str]) -> tuple[list[str], list[str]]:
        """Return the lines that differ without pairs of those that change in every run."""
        shapes = {shape for shape, changes in self._changes.items() if changes > 1}
        if not shapes:
            return went, came
        pairs = Counter(map(shape_of, went)) & Counter(map(shape_of, came))
        pairs = Counter({shape: count for shape, count in pairs.items() if shape in shapes})
        return _without(went, pairs), _without(came, pairs)


def compare(then: Snapshot, now: Snapshot, changing: Changing | None = None) -> Difference:
    """Return what differs between two snapshots of a page."""
    facts = _facts(then.facts, now.facts)
    went: list[str] = []
    came: list[str] = []
    if then.text and now.text:
        facts += _text_facts(then.text, now.text)
        if then.text.lines is not None and now.text.lines is not None:
            tails = then.text.is_cut and now.text.is_cut, now.text.is_cut
            went, came = _lines_that_differ(then.text.lines, now.text.lines, *tails)
            went, came = changing.leave_out(went, came) if changing else (went, came)
            if then.text.title != now.text.title:
                # That is among the facts.
                went, came = _without_title(went, then.text.title), _without_title(came, now.text.title)
    return Difference((*facts, *_times(then.times, now.times)), tuple(went), tuple(came))


def shape_of(line: str) -> str:
    """Return what a line says, with 0 for every word that has a digit."""
    return ' '.join('0' if _DIGIT.search(word) else word for word in line[:MAX_SHAPE].split(' '))


def _lines_that_differ(
    then: Sequence[str], now: Sequence[str], may_come: bool = False, may_go: bool = False
) -> tuple[list[str], list[str]]:
    """Return the lines that went and that came, wherever they stood; `may_come` and `may_go` doubt those at the end."""
    went, came = _only_in(then, now), _only_in(now, then)
    if may_go:
        went = _without_tail(went, len(then))
    if may_come:
        came = _without_tail(came, len(now))
    return [then[place] for place in went], [now[place] for place in came]


def _only_in(lines: Sequence[str], others: Sequence[str]) -> list[int]:
    """Return where the lines stand that are not among the others, or not as often."""
    left = Counter(others)
    places = []
    for place, line in enumerate(lines):
        if left[line] > 0:
            left[line] -= 1
        else:
            places.append(place)
    return places


def _without_tail(places: list[int], count: int) -> list[int]:
    """Return places among `count` lines without those with which the lines end, unless these are many."""
    end = len(places)
    while end and places[end - 1] == count - (len(places) - end) - 1:
        end -= 1
    return places[:end] if len(places) - end <= count * MAX_TAIL else places


def _without_title(lines: list[str], title: str) -> list[str]:
    return lines[1:] if lines[:1] == [title] else lines


def _without(lines: list[str], pairs: Counter[str]) -> list[str]:
    left = Counter(pairs)
    rest = []
    for line in lines:
        shape = shape_of(line)
        if left[shape] > 0:
            left[shape] -= 1
        else:
            rest.append(line)
    return rest


def _facts(then: Mapping[str, str], now: Mapping[str, str]) -> list[Fact]:
    return [Fact(name, value, now[name]) for name, value in then.items() if now.get(name, value) != value]


def _text_facts(then: Text, now: Text) -> list[Fact]:
    facts = _facts({'title': then.title, 'encoding': then.encoding}, {'title': now.title, 'encoding': now.encoding})
    if abs(now.size - then.size) > then.size * MIN_SIZE:
        facts.append(Fact('size', _bytes(then), _bytes(now)))
    return facts


def _bytes(text: Text) -> str:
    return f'{text.size} bytes' + (' or more' if text.is_cut else '')


def _times(then: Mapping[str, float], now: Mapping[str, float]) -> list[Fact]:
    return [
        Fact(name.removeprefix('page.').replace('_', ' '), f'{before:.3f} s', f'{after:.3f} s')
        for name, before in then.items()
        if (after := now.get(name)) is not None
        if max(before, after) >= TIME_FACTOR * min(before, after) and abs(after - before) >= MIN_TIME
    ]
