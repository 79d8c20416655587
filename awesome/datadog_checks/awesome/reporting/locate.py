"""Where text has what was found in it, for people to see."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from datadog_checks.awesome.reading.search import Rules

# In characters: what is shown on each side, and how far a secret can reach into that.
CONTEXT = 30
SECRET_CONTEXT = 8192
# Patterns that look at what follows a match: the end of a match cannot be told from text that is cut.
LOOKS_AHEAD = re.compile(r'\$|\\[zbB]')


@dataclass(frozen=True)
class Match:
    """Where text has `string`: the line, from 1 on, and an excerpt; nothing if the place cannot be told."""

    string: str
    line: int | None = None
    before: str = ''
    text: str = ''
    after: str = ''


def locate(rules: Rules, string: str, text: str, mask: Callable[[str], str] = str) -> Match | None:
    """Return the first match of one of the strings of `rules` in `text`; None if there is none.

    Near what `mask` changes there is no excerpt but for the string itself: half a secret is no secret any more.
    """
    if rules.regex:
        if not rules.patterns[string].isinstance_python(text):
            return None
        if LOOKS_AHEAD.search(string):
            return Match(string)
        start, end = _pattern_span(rules, string, text)
    elif span := _literal_span(rules, rules.needles[string], text):
        start, end = span
    else:
        return None
    line = text.count('\n', 0, start) + 1
    wide = text[max(start - SECRET_CONTEXT, 0) : end + SECRET_CONTEXT]
    if mask(wide) != wide:
        return Match(string, line, text='' if rules.regex else text[start:end])
    return Match(string, line, text[max(start - CONTEXT, 0) : start], text[start:end], text[end : end + CONTEXT])


def _literal_span(rules: Rules, string: str, text: str) -> tuple[int, int] | None:
    if rules.case_sensitive:
        start = text.find(string)
        return None if start < 0 else (start, start + len(string))
    folded, wanted = text.casefold(), string.casefold()
    start = folded.find(wanted)
    if start < 0:
        return None
    if len(folded) == len(text):
        return start, start + len(wanted)
    # Folding makes some characters longer.
    lengths = [0]
    for character in text[: start + len(wanted)]:
        lengths.append(lengths[-1] + len(character.casefold()))
    return bisect_left(lengths, start + 1) - 1, bisect_left(lengths, start + len(wanted))


def _pattern_span(rules: Rules, pattern: str, text: str) -> tuple[int, int]:
    """Return the match that ends first, as short as it is found: the engine itself only tells that there is one."""
    matches = rules.patterns[pattern].isinstance_python
    end = bisect_left(range(len(text)), True, key=lambda end: matches(text[:end]))
    start = bisect_left(range(end), True, key=lambda start: not matches(text[start:end])) - 1
    return max(start, 0), end
