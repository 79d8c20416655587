"""One run: fetch the page, read it, judge it, and report what is known; knows no Agent."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .fault import Activity, Fault, Kind, unexpected_status
from .fetching.causes import is_out_of_resources, os_cause
from .fetching.certificate import chain_days_left, days_left
from .reading.decompression import decompress
from .reading.encoding import Decoder
from .reading.headers import judge_headers
from .reading.read import Reading, read
from .reading.title import title
from .reading.verdict import Verdict
from .reporting.report import Cancelled, PageFacts, Report, Searched, TextFacts, Unreachable, Unread, phases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datadog_checks.base.log import CheckLoggingAdapter

    from .fetching.fetcher import Fetcher
    from .fetching.page import Page
    from .options import PageOptions
    from .reporting.report import Outcome
    from .secrets import Mask

# Of a page's body, in bytes: little for an Agent to hold, more than an explanation usually takes.
MAX_RECORD = 16 * 1024 * 1024
# Of the body that an event is made of, in bytes: of a page that is OK, enough to compare it with the next one, and of
# any other what was read, up to enough to find what is like the strings that are missing.
SAMPLE_SIZE = 64 * 1024
MAX_SAMPLE = 1024 * 1024


@dataclass
class Sample:
    """How a page's decompressed body begins, read a little further than the verdict needs."""

    data: bytearray = field(default_factory=bytearray)
    is_cut: bool = False
    """Whether the page may go on."""


class Probe:
    """Probes pages with one fetcher, and shows nothing secret of them."""

    def __init__(self, fetcher: Fetcher, mask: Mask, log: CheckLoggingAdapter) -> None:
        self.fetcher = fetcher
        self.mask = mask
        self._log = log

    def __call__(self, options: PageOptions, record: bytearray | None = None, sample: Sample | None = None) -> Report:
        """Return what one run found out, whatever happens.

        `record` gets the beginning of the decompressed body, as far as the verdict takes it. `sample` gets more of it,
        which is read after the verdict and changes neither that nor a time.
        """
        self.fetcher.deadline.start(options.timeout)
        try:
            fetch = self._sweep if options.all_addresses else self.fetch
            report = fetch(options, record, sample)
        except Fault as e:
            report = self._report(Unreachable(e.masked(self.mask), None), None)
        except Exception as e:
            report = self._report(Unreachable(self._unforeseen(e), None), None)
        try:
            self.fetcher.finish()
        except Exception as e:
            # What it leaves open, the next run closes.
            self._unforeseen(e)
        return report

    def _unforeseen(self, error: Exception) -> Fault:
        """Return the fault of an error that is none; even an import may fail for want of files."""
        if isinstance(error, OSError) and is_out_of_resources(error.errno or 0):
            return Fault(Kind.RESOURCES, os_cause(error))
        self._log.error('The run failed in an unforeseen way: %s', self.mask(traceback.format_exc()))
        return Fault(Kind.INTERNAL, "internal error in the check; see the Agent's log")

    def fetch(self, options: PageOptions, record: bytearray | None, sample: Sample | None) -> Report:
        """Return what one fetch found out until the deadline, which has begun."""
        run = Run(options, self.fetcher, self.mask, record, sample)
        try:
            outcome: Outcome = run.search()
        except Fault as e:
            e.proxy = self.fetcher.last_proxy
            outcome = Unreachable(e.masked(self.mask), run.facts(run.page) if run.page else None)
        return self._report(outcome, run)

    def _sweep(self, options: PageOptions, record: bytearray | None, sample: Sample | None) -> Report:
        from .sweep import sweep

        return sweep(self, options, record, sample)

    def _report(self, outcome: Outcome, run: Run | None) -> Report:
        deadline, dialer, chain = self.fetcher.deadline, self.fetcher.dialer, self.fetcher.chain
        cancelled, response_time = deadline.cancelled, (run and run.response_time) or deadline.elapsed()
        return Report(
            outcome=Cancelled() if cancelled else outcome,
            response_time=response_time,
            first_byte_time=run.first_byte_time if run else None,
            phases=phases((run and run.times) or deadline.times(), self.fetcher.is_through_proxy),
            certificate_days_left=days_left(chain[0]) if chain else None,
            chain_days_left=chain_days_left(chain),
            resolved=dialer.resolved,
            peer=dialer.peer,
            is_through_proxy=bool(self.fetcher.last_proxy),
            certificate=chain[0] if chain else None,
        )


class Run:
    """What becomes known in the course of one run."""

    def __init__(
        self,
        options: PageOptions,
        fetcher: Fetcher,
        mask: Callable[[str], str],
        record: bytearray | None,
        sample: Sample | None,
    ) -> None:
        self._options = options
        self._fetcher = fetcher
        self._mask = mask
        self._record = record
        self._sample = sample
        self._size = 0
        self._cut_off = False
        self.page: Page | None = None
        self.first_byte_time: float | None = None
        self.response_time: float | None = None
        """When the verdict was certain, if there was more to read."""
        self.times: dict[Activity, float] = {}
        """What each activity took until then."""

    def search(self) -> Searched | Unread:
        """Fetch the page and search it until the verdict is certain; raise a fault if it cannot be fetched before."""
        options, deadline = self._options, self._fetcher.deadline
        with self._fetcher.open(options) as page:
            self.page, self.first_byte_time, body = page, deadline.elapsed(), self._body(page)
            if not options.status_pattern.fullmatch(str(page.status_code)):
                self._read_on(body)
                raise self._unexpected_status(page)
            verdict = self._judge_head(page)
            if not verdict.passed or not options.reads_body:
                self._read_on(body)
                return Unread(self.facts(page), verdict.masked(self._mask))
            decoder = Decoder(page.content_type, options.encoding)
            reading = Reading(options.rules, options.further, deadline.check, lambda: self._cut_off)
            verdict = read(reading, decoder, page.content_type, body)
            found_out = Searched(self.facts(page), self._text_facts(page, decoder), verdict.masked(self._mask))
            self._read_on(body)
        return found_out

    def _unexpected_status(self, page: Page) -> Fault:
        url = self._options.url
        fault = unexpected_status(page.status_code, page.status, self._options.expected_status)
        # Another origin gets no login.
        if fault.kind is Kind.UNAUTHORIZED and page.is_of_origin(url):
            fault.challenges, fault.login = page.header_lines('WWW-Authenticate'), self._fetcher.login(url)
        fault.location = page.location
        return fault

    def _judge_head(self, page: Page) -> Verdict:
        """Return the verdict on what comes before the body."""
        deadline = self._fetcher.deadline
        deadline.begin(Activity.SEARCH)
        if self._options.final_url and not page.begins_with(self._options.final_url):
            return Verdict(ended_at=page.url)
        return Verdict(headers=judge_headers(self._options.headers, page.header_lines, deadline.check))

    def facts(self, page: Page) -> PageFacts:
        """Return what is known of a page."""
        return PageFacts(
            url=self._mask(page.url),
            status_code=page.status_code,
            status=page.status,
            content_type=page.content_type,
            redirects=page.redirects,
            age=page.age,
            size=self._size,
            cut_off=self._cut_off,
            location=self._mask(page.location),
        )

    def _text_facts(self, page: Page, decoder: Decoder) -> TextFacts:
        label = decoder.unknown_label
        # It may be a part of a secret, which is known only as a whole.
        if label and any(self._mask(text) != text for text in (page.content_type, decoder.head)):
            label = ''
        return TextFacts(decoder.encoding, decoder.decided_by, label, self._mask(title(decoder.head)))

    def _read_on(self, body: Iterator[bytes]) -> None:
        """Read on to SAMPLE_SIZE if a sample is wanted; whatever happens meanwhile, the verdict stands."""
        if sample := self._sample:
            deadline = self._fetcher.deadline
            self.response_time, self.times = deadline.elapsed(), deadline.times()
            sample.is_cut = True
            with suppress(Exception):
                has_ended = all(len(sample.data) < SAMPLE_SIZE for _ in body)
                sample.is_cut = not has_ended or self._cut_off

    def _body(self, page: Page) -> Iterator[bytes]:
        """Yield the decompressed body piece by piece, up to the size that is configured; raise `body` faults."""
        deadline, limit = self._fetcher.deadline, self._options.max_body_size
        for piece in decompress(page.receive(), page.content_encoding, deadline.check):
            deadline.check()
            chunk = piece[: limit - self._size]
            self._size += len(chunk)
            if self._record is not None:
                self._record += chunk[: MAX_RECORD - len(self._record)]
            if self._sample:
                self._sample.data += chunk[: MAX_SAMPLE - len(self._sample.data)]
            deadline.begin(Activity.SEARCH)
            yield chunk
            deadline.begin(Activity.READ)
            if self._size == limit:
                self._cut_off = True
                break
        deadline.begin(Activity.SEARCH)
