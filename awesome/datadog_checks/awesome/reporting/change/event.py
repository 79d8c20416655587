"""The event of a turn: its title, its text in Markdown, and by what Datadog groups it.

Foreign text stands in code spans and code blocks alone, where it means nothing but itself: what would end one of them,
or Datadog's Markdown, is replaced.
"""

from __future__ import annotations

import hashlib
import os.path
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datadog_checks.awesome.reading.normalization import normalize
from datadog_checks.awesome.reporting.advice import advise_on_head
from datadog_checks.awesome.reporting.explanation import ERROR_TITLE, PASSWORD_FIELD
from datadog_checks.awesome.reporting.message import message, quote
from datadog_checks.awesome.reporting.remedies import remedy
from datadog_checks.awesome.reporting.report import Searched, Status, Unreachable, Unread
from datadog_checks.awesome.reporting.wording import ALL_FOUND, SAYS_WRONG, cut, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.awesome.reporting.report import Report

    from .difference import Difference, Fact
    from .nearest import Near

# In characters: what Datadog shows of an event, and the longest key that it takes.
MAX_TEXT = 4000
MAX_TITLE = 100
MAX_KEY = 100
# In characters.
MAX_LINE = 160
MAX_FACT = 60
MAX_STEP = 500
MAX_QUOTE = 60
# So many facts leave room for the lines.
MAX_FACTS = 10
# Of lines that went, and of lines that came.
MAX_LINES = 20
# In characters: of two long lines that begin alike, how much of that is shown.
MAX_COMMON = 40
# Of the visible lines of a page that cannot be compared.
EXCERPT_BEFORE, EXCERPT_LINES = 3, 10

ALERT_TYPES = {Status.OK: 'success', Status.WARNING: 'warning', Status.CRITICAL: 'error'}
# Datadog notifies `@somebody`; the sign in an e-mail address is harmless. A wide one in its place looks the same.
MENTION = re.compile(r'(?<!\w)@(?=\w)')
UNITS = (('day', 86400), ('hour', 3600), ('minute', 60))
START, END = '%%%\n', '\n%%%'
DIAGNOSE = (
    'On the host of the Agent, `datadog-agent diagnose --verbose --include check-datadog` tries what usually hides a'
    ' string.'
)
DEPLOYED = 'Was something deployed? See what the server sends to the machine of the Agent:'
LOGIN_PAGE = (
    'This is a login page: it asks for a password. Check whether the page should need a login, and how the Agent logs'
    ' in (`username`, `auth_token`, `headers`).'
)
ERROR_PAGE = 'This is an error page, by its title: read the log of its server.'
# By the first fact that differs.
CAUSES = {
    'encoding': 'The page is in another encoding than before, or says so: let the server declare the right one, or set'
    ' `encoding`.',
    'URL': 'The page is redirected to another URL than before: check that this is meant.',
    'address': 'Another server answers than before: check what is deployed there.',
}


@dataclass(frozen=True)
class Turn:
    """The verdict of a run that differs from the one before, and what is known of why."""

    before: Status | None
    """None in the first run."""
    lasted: float
    """For how long the verdict was as before, in seconds."""
    since_ok: float | None
    """The seconds since the last OK run; None if there was none."""
    difference: Difference | None
    """From the last OK run; None if nothing was kept of it."""
    nearest: Sequence[tuple[str, Near | None]]
    """The strings that are missing, and what is nearest to each."""
    lines: Sequence[str] | None
    """What a reader sees of the page now; None if it is not known."""
    source: str
    """How the source of the page begins now."""


@dataclass(frozen=True)
class TurnEvent:
    """The event of a turn as data, to be sent with the tags of the instance."""

    title: str
    text: str
    """At most 4,000 characters of Markdown."""
    alert_type: str
    aggregation_key: str
    """What the events of an instance have in common."""


def event(options: PageOptions, report: Report, turn: Turn) -> TurnEvent:
    """Return the event of a run whose verdict turned."""
    title, text = _title(options, turn.before, report.status), _text(options, report, turn)
    return TurnEvent(title, text, ALERT_TYPES[report.status], _aggregation_key(options))


def _title(options: PageOptions, before: Status | None, now: Status) -> str:
    turn = f': {before.name} -> {now.name}' if before is not None else f': {now.name} in the first run'
    name = printable(options.name or options.public_url)
    return cut(name, MAX_TITLE - len(turn)) + turn


def _aggregation_key(options: PageOptions) -> str:
    """Return the value of the instance's tag, which ends as a hash if it is long."""
    instance = f'awesome:{options.name or options.public_url}'
    if len(instance) <= MAX_KEY:
        return instance
    digest = hashlib.sha256(instance.encode(errors='replace')).hexdigest()[:16]
    return f'{instance[: MAX_KEY - len(digest) - 1]} {digest}'


def _text(options: PageOptions, report: Report, turn: Turn) -> str:
    step = _next_step(options, report, turn)
    sections = [*_message(options, report, turn), *_nearest(options, turn), *_facts(turn)]
    room = MAX_TEXT - len(START) - len(END) - sum(len(section) + 2 for section in (*sections, *step))
    sections += [*_lines(turn, room), *step]
    return START + '\n\n'.join(sections) + END


def duration(seconds: float) -> str:
    """Return a duration in its largest unit: "5 minutes"."""
    for unit, size in UNITS:
        if seconds >= 2 * size:
            return f'{seconds / size:.0f} {unit}s'
    return f'{seconds:.0f} second{"" if round(seconds) == 1 else "s"}'


def _message(options: PageOptions, report: Report, turn: Turn) -> list[str]:
    read = f' ({report.page.size} bytes read)' if report.page and isinstance(report.outcome, Searched) else ''
    found = f'{ALL_FOUND}{read}'
    said = [_code(message(report, options.rules) or found)]
    if turn.before is not None and turn.before is not Status.OK:
        said.append(f'The page was {turn.before.name} for {duration(turn.lasted)}.')
    if turn.since_ok is None and report.status is not Status.OK:
        said.append('There was no OK run to compare with.')
    return said


def _nearest(options: PageOptions, turn: Turn) -> list[str]:
    if not turn.nearest:
        return []
    place = 'visible line' if options.rules.visible_text else 'line'
    return ['**Nearest text**', '\n'.join(_near(string, near, place) for string, near in turn.nearest)]


def _near(string: str, near: Near | None, place: str) -> str:
    wanted = _code(quote(string, MAX_QUOTE))
    if not near:
        return f'- {wanted}: nothing like it'
    line = _code(cut(near.line, MAX_LINE))
    return f'- {wanted}: {_code(quote(near.text, MAX_QUOTE))}, {near.likeness} %, in {place} {near.line_number}: {line}'


def _facts(turn: Turn) -> list[str]:
    if turn.since_ok is None or turn.difference is None:
        return []
    if not turn.difference and turn.lines is None:
        return [f'The last OK run was {duration(turn.since_ok)} ago.']
    if not turn.difference:
        return [f'**Nothing else differs from the last OK run**, {duration(turn.since_ok)} ago.']
    heading = f'**What differs from the last OK run**, {duration(turn.since_ok)} ago'
    facts = '\n'.join(map(_fact, turn.difference.facts[:MAX_FACTS]))
    return [heading, *([facts] if facts else [])]


def _fact(fact: Fact) -> str:
    then, now = (_code(cut(value, MAX_FACT)) if value else 'none' for value in (fact.then, fact.now))
    return f'- {fact.name}: {then} -> {now}'


def _lines(turn: Turn, room: int) -> list[str]:
    """Return the lines that went and that came, or an excerpt, in `room` characters."""
    if turn.difference is None:
        heading, lines = '**What the page says**', [f'  {_line(line)}' for line in _excerpt(turn)]
        total = len(lines)
    else:
        went, came = turn.difference.went, turn.difference.came
        heading = f'**Visible lines**: {len(went)} went (-), {len(came)} came (+)'
        lines, total = _marked(went, came), len(went) + len(came)
    if not lines:
        return []
    room -= len(heading) + len('\n\n```\n\n```\n\nand 100000 more lines\n\n')
    shown = _fitting(lines, room)
    if not shown:
        return [heading]
    more = [f'and {total - len(shown)} more lines'] if total > len(shown) else []
    return [heading, '```\n' + '\n'.join(shown) + '\n```', *more]


def _marked(went: Sequence[str], came: Sequence[str]) -> list[str]:
    pairs = [_cut_common(*pair) for pair in zip(went, came, strict=False)]
    went = [pair[0] for pair in pairs] + list(went[len(pairs) :])
    came = [pair[1] for pair in pairs] + list(came[len(pairs) :])
    return [f'- {_line(line)}' for line in went[:MAX_LINES]] + [f'+ {_line(line)}' for line in came[:MAX_LINES]]


def _cut_common(one: str, other: str) -> tuple[str, str]:
    """Return two lines that may be too long to be shown, from shortly before where they differ."""
    common = len(os.path.commonprefix((one, other))) - MAX_COMMON
    if max(len(one), len(other)) <= MAX_LINE or common <= 0:
        return one, other
    return f'...{one[common:]}', f'...{other[common:]}'


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """Return as many lines as fit: of those that went and of those that came by turns, in their order."""
    went = [place for place, line in enumerate(lines) if line[0] == '-']
    came = [place for place, line in enumerate(lines) if line[0] != '-']
    by_turns = sorted((order, place) for places in (went, came) for order, place in enumerate(places))
    chosen = []
    for _, place in by_turns:
        room -= len(lines[place]) + 1
        if room < 0:
            break
        chosen.append(place)
    return [lines[place] for place in sorted(chosen)]


def _excerpt(turn: Turn) -> Sequence[str]:
    """Return visible lines around the nearest text, or those with which the page begins."""
    start, lines = 0, turn.lines or ()
    near = next((near for _, near in turn.nearest if near), None)
    if near and (wanted := normalize(near.text)):
        place = next((place for place, line in enumerate(lines) if wanted in line), 0)
        start = max(place - EXCERPT_BEFORE, 0)
    return lines[start : start + EXCERPT_LINES]


def _next_step(options: PageOptions, report: Report, turn: Turn) -> list[str]:
    match report.outcome:
        case Unreachable(fault):
            step = remedy(fault, options)
        case Unread(page, verdict) if not verdict.passed:
            step = advise_on_head(options, page, verdict)
        case Searched(_, text, verdict) if verdict.missing or verdict.json or verdict.not_json:
            see = _code(cut(f'curl -sS {shlex.quote(options.public_url)}', MAX_LINE))
            step = _cause(text.title, turn) or f'{DEPLOYED} {see}. {DIAGNOSE}'
        case Searched(_, _, verdict) if verdict.forbidden:
            step = SAYS_WRONG
        case _:
            return []
    return [f'**Next step**: {cut(step, MAX_STEP)}']


def _cause(title: str, turn: Turn) -> str:
    """Return what seems to be wrong with a page that lacks a string, and what to do; empty if nothing tells."""
    if PASSWORD_FIELD.search(turn.source):
        return LOGIN_PAGE
    if ERROR_TITLE.search(title):
        return ERROR_PAGE
    differing = {fact.name for fact in turn.difference.facts} if turn.difference else set()
    return next((cause for name, cause in CAUSES.items() if name in differing), '')


def _code(text: str) -> str:
    return f'`{_harmless(text)}`'


def _line(line: str) -> str:
    return _harmless(cut(line, MAX_LINE))


def _harmless(text: str) -> str:
    """Return foreign text on one line, without what ends a code span or block or Datadog's Markdown, or notifies."""
    return MENTION.sub('\uff20', printable(text).replace('%%%', '%% ').replace('`', "'"))
