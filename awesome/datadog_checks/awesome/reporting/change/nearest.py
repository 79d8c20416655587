"""The text of a page that is nearest to a string that is not there, in time that grows with the page.

Exact pieces of the string say where to look, and only there is the distance computed: the number of characters to
insert, delete or replace, in which the page may have anything before and after (G. Myers, "A fast bit-vector algorithm
for approximate string matching based on dynamic programming", Journal of the ACM 46(3), 1999).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# In characters: of a shorter string everything is a neighbour, of a longer one its beginning is looked for.
MIN_LENGTH = 4
MAX_LENGTH = 200
# In percent: what is less like the string only confuses.
MIN_LIKENESS = 60
# In characters, on each side.
CONTEXT = 40
# In characters, on each side of a match: as much as a secret may extend beyond what is shown.
_MASKED_AROUND = 4096

_PIECES = 5
_MIN_PIECE = 3
# Where a piece is found more often, the page repeats itself, and any of the places will do.
_MAX_PLACES = 64
_MAX_WINDOWS = 12


@dataclass(frozen=True)
class Near:
    """The text nearest to a string: how like it is in percent, the number of its line from 1 on, and the line."""

    text: str
    likeness: int
    line_number: int
    line: str
    """The line of the match, or as much of it as stands around the match."""


def nearest(string: str, text: str, mask: Callable[[str], str] = str, case_sensitive: bool = True) -> Near | None:
    """Return what is nearest to `string` in `text`, masked; None if nothing is like it."""
    string = string[:MAX_LENGTH]
    if len(string) < MIN_LENGTH:
        return None
    span = _nearest_span(string, text, case_sensitive)
    if not span:
        return None
    line_number = text.count('\n', 0, span[0]) + 1
    start = max(span[0] - _MASKED_AROUND, 0)
    around = text[start : span[1] + _MASKED_AROUND]
    span = span[0] - start, span[1] - start
    masked = mask(around)
    if masked != around:
        around = masked
        span = _align(string, around, case_sensitive)[1]
    return _near(string, around, span, line_number, case_sensitive)


def _near(string: str, text: str, span: tuple[int, int], line_number: int, case_sensitive: bool) -> Near | None:
    start, end = span
    likeness = _likeness(string, text[start:end], case_sensitive)
    if likeness < MIN_LIKENESS:
        return None
    line_start = text.rfind('\n', 0, start) + 1
    line_end = text.find('\n', end)
    before = text[max(line_start, start - CONTEXT) : start]
    after = text[end : min(len(text) if line_end < 0 else line_end, end + CONTEXT)]
    return Near(text[start:end], likeness, line_number, (before + text[start:end] + after).strip())


def _nearest_span(string: str, text: str, case_sensitive: bool) -> tuple[int, int] | None:
    """Return where the nearest text begins and ends, if any piece of the string is there."""
    slack = max(len(string) // 4, 2)
    found: list[tuple[int, tuple[int, int]]] = []
    for place in _likely_places(string, text, slack):
        start = max(place - slack, 0)
        distance, (begin, end) = _align(string, text[start : place + len(string) + 2 * slack], case_sensitive)
        found.append((distance, (start + begin, start + end)))
        if distance == 0:
            break
    return min(found)[1] if found else None


def _likely_places(string: str, text: str, slack: int) -> list[int]:
    """Return where the string would begin if it were there: where most of its pieces say so comes first."""
    folded, wanted = text.lower(), string.lower()
    if len(folded) != len(text) or len(wanted) != len(string):
        folded, wanted = text, string
    size = max(len(wanted) // _PIECES, _MIN_PIECE)
    votes: Counter[int] = Counter()
    for offset in range(0, len(wanted) - size + 1, size):
        piece = wanted[offset : offset + size]
        votes.update({max(place - offset, 0) // slack for place in _places(piece, folded)})
    return [bucket * slack for bucket, _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))][:_MAX_WINDOWS]


def _places(piece: str, text: str) -> Iterator[int]:
    place = text.find(piece)
    for _ in range(_MAX_PLACES):
        if place < 0:
            return
        yield place
        place = text.find(piece, place + 1)


def _align(string: str, window: str, case_sensitive: bool) -> tuple[int, tuple[int, int]]:
    """Return the least distance of the string from any part of `window`, and where that part begins and ends."""
    if not case_sensitive:
        string, window = _fold(string), _fold(window)
    distance, end = _least_distance(string, window, anywhere=True)
    _, length = _least_distance(string[::-1], window[:end][::-1], anywhere=False)
    return distance, (end - length, end)


def _likeness(string: str, text: str, case_sensitive: bool) -> int:
    """Return how like a string text is, in percent: below 100 unless they are the same."""
    if not case_sensitive:
        string, text = _fold(string), _fold(text)
    # The whole of the text has to count.
    sentinel = '\0'
    distance, end = _least_distance(string + sentinel, text + sentinel, anywhere=False)
    distance += len(text) + 1 - end
    return max(100 * (len(string) - distance) // len(string), 0)


def _fold(text: str) -> str:
    folded = text.lower()
    return folded if len(folded) == len(text) else text


def _least_distance(string: str, text: str, anywhere: bool) -> tuple[int, int]:
    """Return the least distance of `string` from a part of `text`, and where that part first ends.

    The part begins at the beginning of `text`, or `anywhere`; of equal ones, that which is as long as the string is
    better than a shorter one then. Each bit of the numbers is a character of the string.
    """
    bits: dict[str, int] = {}
    for number, character in enumerate(string):
        bits[character] = bits.get(character, 0) | 1 << number
    every = (1 << len(string)) - 1
    last = 1 << (len(string) - 1)
    more, less, distance = every, 0, len(string)
    best = distance, 0
    for position, character in enumerate(text, 1):
        equal = bits.get(character, 0)
        vertical = equal | less
        horizontal = (((equal & more) + more) ^ more) | equal
        up = less | (every & ~(horizontal | more))
        down = more & horizontal
        distance += bool(up & last) - bool(down & last)
        up = up << 1 | (not anywhere)
        more = (down << 1 | ~(vertical | up)) & every
        less = up & vertical
        if distance < best[0] or (distance == best[0] and not anywhere and position <= len(string)):
            best = distance, position
    return best
