"""What one run saw of a page, in lines and facts that can be kept and compared; nothing in it is secret."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from datadog_checks.awesome.fetching.certificate import expiry, issuer_name
from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.title import title

from .lines import is_binary, visible_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from datadog_checks.awesome.reading.verdict import MaskText
    from datadog_checks.awesome.reporting.report import Report

# In bytes: of a page's decompressed body, how much is compared, and of its compressed lines, how much is kept.
COMPARED_SIZE = 64 * 1024
KEPT_SIZE = 64 * 1024
# A page that has more tags than this in what is compared has no text to speak of, and takes long to read.
MAX_TAGS = 2048
# In characters. Masked is more than is shown, since part of a secret is not recognized.
MAX_FACT = 200
MAX_MASKED = 4096


@dataclass(frozen=True)
class Body:
    """How the body of a page begins, decompressed, and whether it may go on."""

    data: bytes
    content_type: str
    is_cut: bool = False
    encoding: str | None = None
    """The option, which overrides what the page declares."""

    @property
    def goes_on(self) -> bool:
        """Whether there is more than what is compared."""
        return self.is_cut or len(self.data) > COMPARED_SIZE

    def text(self, limit: int | None = None) -> tuple[str, Decoder]:
        """Return the text of the first `limit` bytes, and what decoded them."""
        decoder = Decoder(self.content_type, self.encoding)
        text = decoder.feed(self.data[:limit])
        is_whole = not self.is_cut and len(self.data) <= (limit or len(self.data))
        return (text + decoder.flush() if is_whole else text), decoder


@dataclass(frozen=True)
class Text:
    """The text of a page, as far as pages are compared."""

    title: str
    encoding: str
    lines: tuple[str, ...] | None
    """What a reader sees; None if the page is binary."""
    is_cut: bool
    """Whether the page goes on where the lines end."""
    size: int
    """Of the body, in bytes."""


@dataclass(frozen=True)
class Snapshot:
    """A page at a time."""

    facts: Mapping[str, str]
    """What is known by name; empty is what is known not to be there."""
    times: Mapping[str, float]
    """In seconds, by name."""
    text: Text | None
    """None if no body came."""


@dataclass(frozen=True)
class Packed:
    """A snapshot whose lines are compressed."""

    snapshot: Snapshot
    compressed: bytes | None

    def unpack(self) -> Snapshot:
        """Return the snapshot with its lines."""
        text = self.snapshot.text
        if not text or self.compressed is None:
            return self.snapshot
        joined = zlib.decompress(self.compressed).decode()
        return replace(self.snapshot, text=replace(text, lines=tuple(joined.split('\n')) if joined else ()))


def take_facts(report: Report, mask: MaskText) -> Snapshot:
    """Return what a run knows of a page beside its text."""
    facts = {}
    if page := report.page:
        facts = {'status': page.status, 'URL': page.url[:MAX_FACT], 'Content-Type': _masked(page.content_type, mask)}
    if report.certificate:
        end = expiry(report.certificate)
        facts['certificate'] = f'valid until {end:%Y-%m-%d %H:%M} UTC' if end else ''
        facts['issuer'] = _masked(issuer_name(report.certificate), mask)
    if report.peer:
        facts['address'] = report.peer[0]
    return Snapshot(facts, {name: value for name, value in report.metrics.items() if name.endswith('_time')}, None)


def read_text(body: Body, mask: MaskText, known: Collection[str] = ()) -> Text:
    """Return the text of a body; lines that are `known` have nothing secret, so they need not be masked again."""
    source, decoder = body.text(COMPARED_SIZE)
    lines, is_cut = None, body.goes_on
    if not is_binary(source, body.content_type):
        lines, is_cut = _lines(source, body.content_type, is_cut, mask, known)
    encoding = f'{decoder.encoding} ({decoder.decided_by})'
    return Text(_masked(title(decoder.head), mask), encoding, lines, is_cut, len(body.data[:COMPARED_SIZE]))


def pack(snapshot: Snapshot) -> Packed:
    """Return what to keep of a snapshot: its lines take at most KEPT_SIZE bytes, and what is too much is left out."""
    text = snapshot.text
    if not text or text.lines is None:
        return Packed(snapshot, None)
    lines, is_cut = text.lines, text.is_cut
    while len(compressed := zlib.compress('\n'.join(lines).encode(errors='replace'))) > KEPT_SIZE:
        lines, is_cut = lines[: len(lines) * 3 // 4], True
    return Packed(replace(snapshot, text=replace(text, lines=None, is_cut=is_cut)), compressed)


def _lines(
    source: str, content_type: str, is_cut: bool, mask: MaskText, known: Collection[str]
) -> tuple[tuple[str, ...], bool]:
    """Return the masked lines that a reader sees of a source, and whether the page goes on after them."""
    parts = source.split('<', MAX_TAGS)
    is_cut = is_cut or len(parts) > MAX_TAGS
    lines = visible_lines('<'.join(parts[:MAX_TAGS]), content_type)
    if is_cut and lines:
        # The last line may end anywhere, in the middle of a secret too.
        lines[-1:] = [lines[0][:-MAX_MASKED]] if len(lines) == 1 and len(lines[0]) > MAX_MASKED else []
    return tuple(_masked_lines(lines, mask, known)), is_cut


def _masked_lines(lines: list[str], mask: MaskText, known: Collection[str]) -> Iterator[str]:
    """Yield lines without secrets, which may go from one line on to the next."""
    for is_known, group in groupby(lines, known.__contains__):
        some = list(group)
        yield from some if is_known else mask('\n'.join(some)).split('\n')


def _masked(text: str, mask: MaskText) -> str:
    return mask(text[:MAX_MASKED])[:MAX_FACT]
