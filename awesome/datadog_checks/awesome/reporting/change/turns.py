"""Notices the turns of an instance's verdict, and keeps what its last OK run saw to say what changed since."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from datadog_checks.awesome.reporting.report import Searched, Status

from .difference import Changing, Difference, compare
from .event import MAX_LINES, Turn, event
from .nearest import nearest
from .snapshot import COMPARED_SIZE, Body, pack, read_text, take_facts

if TYPE_CHECKING:
    from datadog_checks.awesome.options import PageOptions
    from datadog_checks.awesome.reading.verdict import MaskText
    from datadog_checks.awesome.reporting.report import Report

    from .event import TurnEvent
    from .nearest import Near
    from .snapshot import Packed, Snapshot, Text

# Missing strings that the nearest text is looked for: each takes a few milliseconds on a page of 1 MB.
MAX_STRINGS = 3


class Turns:
    """Compares the runs of one instance while its configuration does not change."""

    def __init__(self, mask: MaskText) -> None:
        self._mask = mask
        self._status: Status | None = None
        self._since = 0.0
        self._kept: Packed | None = None
        self._kept_at = 0.0
        self._fingerprint = b''
        self._changing = Changing()

    def note(self, options: PageOptions, report: Report, data: bytes, is_cut: bool) -> TurnEvent | None:
        """Return the event of a run, if its verdict is another than that of the run before.

        `data` is how the decompressed body begins, and `is_cut` whether it may go on. A cancelled run has no verdict,
        and an instance that is OK from the beginning has nothing to say.
        """
        status = report.status
        if status is Status.UNKNOWN or (status is self._status and status is not Status.OK):
            return None
        body = body_of(options, report, data, is_cut)
        snapshot = self._snapshot(report, body)
        turn = None
        if status is not self._status:
            if self._status is not None or status is not Status.OK:
                turn = self._turn(options, report, body, snapshot)
            self._status, self._since = status, time.monotonic()
        if status is Status.OK:
            self._keep(snapshot, body)
        return event(options, report, turn) if turn else None

    def difference(self, options: PageOptions, report: Report, data: bytes, is_cut: bool) -> Difference | None:
        """Return what differs from the last OK run; None if there was none."""
        return self._difference(self._snapshot(report, body_of(options, report, data, is_cut)))

    def _difference(self, snapshot: Snapshot) -> Difference | None:
        if not self._kept:
            return None
        found = compare(self._kept.unpack(), snapshot, self._changing)
        return replace(found, went=self._masked(found.went), came=self._masked(found.came))

    def _masked(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        """Return lines without secrets that have become known since they were kept, as far as they may be shown."""
        return (*map(self._mask, lines[:MAX_LINES]), *lines[MAX_LINES:])

    def _snapshot(self, report: Report, body: Body | None) -> Snapshot:
        return replace(take_facts(report, self._mask), text=self._text(body) if body else None)

    def _text(self, body: Body) -> Text:
        kept = self._kept.unpack().text if self._kept else None
        if kept and self._fingerprint == _fingerprint(body):
            return kept
        return read_text(body, self._mask, frozenset(kept.lines or ()) if kept else ())

    def _keep(self, snapshot: Snapshot, body: Body | None) -> None:
        fingerprint = _fingerprint(body) if body else b''
        if self._kept and self._fingerprint == fingerprint:
            self._changing.learn((), ())
            self._kept = replace(self._kept, snapshot=replace(snapshot, text=self._kept.snapshot.text))
        else:
            if self._kept:
                self._changing.learn(_lines(self._kept.unpack()), _lines(snapshot))
            self._kept = pack(snapshot)
        self._kept_at, self._fingerprint = time.monotonic(), fingerprint

    def _turn(self, options: PageOptions, report: Report, body: Body | None, snapshot: Snapshot) -> Turn:
        text = snapshot.text
        return Turn(
            before=self._status,
            lasted=time.monotonic() - self._since,
            since_ok=time.monotonic() - self._kept_at if self._kept else None,
            difference=self._difference(snapshot),
            nearest=self._nearest(options, report, body, snapshot) if body else (),
            lines=text.lines if text else None,
            source=body.text(COMPARED_SIZE)[0] if body else '',
        )

    def _nearest(
        self, options: PageOptions, report: Report, body: Body, snapshot: Snapshot
    ) -> list[tuple[str, Near | None]]:
        """Return what is nearest to each missing string, in the text that was searched as far as it is known."""
        rules = options.rules
        if not isinstance(report.outcome, Searched) or rules.regex:
            return []
        missing = [string for string in report.outcome.verdict.missing if string in rules.needles][:MAX_STRINGS]
        text = '\n'.join(_lines(snapshot)) if rules.visible_text else body.text()[0] if missing else ''
        return [(string, nearest(rules.needles[string], text, self._mask, rules.case_sensitive)) for string in missing]


def body_of(options: PageOptions, report: Report, data: bytes, is_cut: bool = False) -> Body | None:
    """Return the body of a run's page; None if it is not known, as that of a page that broke off before it began."""
    if report.page and (data or isinstance(report.outcome, Searched)):
        return Body(bytes(data), report.page.content_type, is_cut, options.encoding)
    return None


def _fingerprint(body: Body) -> bytes:
    compared = body.data[:COMPARED_SIZE] + f'{body.content_type}{body.goes_on}'.encode(errors='replace')
    return hashlib.sha256(compared).digest()


def _lines(snapshot: Snapshot) -> tuple[str, ...]:
    return (snapshot.text and snapshot.text.lines) or ()
