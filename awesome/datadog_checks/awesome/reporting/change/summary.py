"""What differs between two pages, in words: for the command and the diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datadog_checks.awesome.reporting.message import quote
from datadog_checks.awesome.reporting.wording import printable

from .difference import Difference, compare
from .snapshot import Snapshot, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datadog_checks.awesome.reading.verdict import MaskText

    from .snapshot import Body

# In characters, of a value or a line.
MAX_QUOTE = 80
# Of the lines that went, and of those that came, on one line.
MAX_LINES = 3


def compare_bodies(then: Body, now: Body, mask: MaskText = str) -> Difference:
    """Return what differs between the bodies of two pages, or of one page then and now."""
    return compare(_snapshot(then, mask), _snapshot(now, mask))


def describe(difference: Difference) -> Iterator[tuple[str, str]]:
    """Yield a label and what to say for each fact that differs and each line that went or came."""
    for fact in difference.facts:
        yield fact.name, f'{_value(fact.then)} -> {_value(fact.now)}'
    for label, lines in (('went', difference.went), ('came', difference.came)):
        for line in lines:
            yield label, printable(quote(line, MAX_QUOTE))


def summarize(difference: Difference) -> str:
    """Return on one line what differs: all facts, and the first lines; that nothing does if so."""
    found = [f'{fact.name} {_value(fact.then)} -> {_value(fact.now)}' for fact in difference.facts]
    found += [
        f'{label} {_some(lines)}' for label, lines in (('went', difference.went), ('came', difference.came)) if lines
    ]
    return printable('; '.join(found) or 'nothing differs')


def _snapshot(body: Body, mask: MaskText) -> Snapshot:
    return Snapshot({'Content-Type': mask(body.content_type)}, {}, read_text(body, mask))


def _some(lines: Sequence[str]) -> str:
    others = len(lines) - MAX_LINES
    shown = ', '.join(quote(line, MAX_QUOTE) for line in lines[:MAX_LINES])
    return f'{shown}, and {others} more' if others > 0 else shown


def _value(value: str) -> str:
    return quote(value, MAX_QUOTE) if value else 'none'
