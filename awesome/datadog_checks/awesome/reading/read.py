"""The pipeline from bytes to a verdict: decode, extract what is visible, search, and judge what is JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from datadog_checks.awesome.fault import Fault

from .content_type import parse_content_type
from .json_page import TOO_LARGE, Expression, JSONBody, NotJSON, NumberAt, Walker
from .normalization import Normalizer
from .search import Judgement, Rules
from .stream import drive
from .text import VisibleText, markup_kind
from .values import NOT_WHOLE, TextValue, ValueSearch
from .verdict import Value, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .encoding import Decoder
    from .stream import Tick


@dataclass(frozen=True)
class Further:
    """What else is asked of a page than its strings."""

    expressions: tuple[Expression, ...] = ()
    """What must be true of a JSON page."""
    values: tuple[TextValue | NumberAt, ...] = ()
    encoding: str | None = None
    """The label that a JSON page is decoded by, if it is not what JSON has to be."""

    @cached_property
    def needs_json(self) -> bool:
        return bool(self.expressions or self.numbers)

    @cached_property
    def numbers(self) -> tuple[NumberAt, ...]:
        """The values that are looked for in a JSON document."""
        return tuple(value for value in self.values if isinstance(value, NumberAt))

    @cached_property
    def in_text(self) -> tuple[TextValue, ...]:
        """The values that are looked for in the text."""
        return tuple(value for value in self.values if not isinstance(value, NumberAt))


# In characters: how much of a page may say what it is if its Content-Type does not.
SNIFFED_SIZE = 16
# In bytes.
SLICE_SIZE = 64 * 1024


def read(reading: Reading, decoder: Decoder, content_type: str, chunks: Iterable[bytes]) -> Verdict:
    """Return the verdict on a page that comes in `chunks`, of which no more are taken than verdict and values need.

    Raises the faults of `chunks` that come before the verdict is certain; one that comes later ends the search for
    values.
    """
    try:
        for piece in text_of(reading.rules, decoder, content_type, reading.collect(chunks), reading.keeps_breaks):
            reading.feed(piece)
            if reading.is_done:
                break
        else:
            reading.flush()
    except Fault:
        if not reading.verdict:
            raise
    return reading.result()


class Reading:
    """What becomes known of a page in one pass; `tick` is called now and then, to raise where the time is over.

    `is_cut` tells at the end whether the page goes on.
    """

    def __init__(self, rules: Rules, further: Further, tick: Tick, is_cut: Callable[[], bool] = lambda: False) -> None:
        self.rules = rules
        self.verdict: Verdict | None = None
        """On the rules, without values; known as soon as it is certain."""
        self._further = further
        self._tick = tick
        self._is_cut = is_cut
        self._strings = Judgement(rules, tick)
        self._values = ValueSearch(further.in_text)
        self.keeps_breaks = rules.visible_text and bool(further.in_text)
        """Whether the pieces of visible text must tell lines apart: a number ends with its line."""
        self._json = JSONBody() if further.needs_json else None
        self._is_whole = False
        self._numbers: tuple[Value, ...] = ()
        self._why_no_number = NOT_WHOLE

    @property
    def is_done(self) -> bool:
        """Whether nothing to come can change anything."""
        return bool(self.verdict) and self._values.is_done and not (self._further.numbers and self._is_json_open)

    def collect(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        """Return `chunks`, of which is kept what is to be read as JSON."""
        return self._json.pass_on(chunks) if self._json else chunks

    def feed(self, piece: str) -> None:
        """Judge a further piece of the text."""
        self._tick()
        if not self.verdict:
            self._strings.feed(piece.replace('\n', ' ') if self.keeps_breaks else piece)
            self.verdict = self._decide()
        self._values.feed(piece, self._tick)

    def flush(self) -> None:
        """Judge what only the end of the page makes certain."""
        self._is_whole = True
        walker = self._walker()
        if not self.verdict:
            verdict, expressions = self._strings.flush(), self._further.expressions
            if walker:
                verdict = self._judge_json(verdict, walker)
            elif expressions:
                verdict = verdict._replace(not_json=self._why_no_number)
            self.verdict = verdict
        if walker:
            self._numbers = tuple(map(walker.number, self._further.numbers))

    def _judge_json(self, verdict: Verdict, walker: Walker) -> Verdict:
        """Return a verdict on strings with that on the expressions, if it comes in time or must."""
        try:
            return verdict._replace(json=walker.judge(self._further.expressions))
        except Fault:
            if verdict.passed:
                raise
            return verdict

    def result(self) -> Verdict:
        """Return the verdict with the values, in the order in which they are configured."""
        if not self._further.values:
            return self.verdict or Verdict()
        values = self._values.results(self._is_whole, self._is_cut())
        if self._further.numbers:
            found = {value.name: value for value in (*values, *self._number_results())}
            values = tuple(found[source.name] for source in self._further.values)
        return (self.verdict or Verdict())._replace(values=values)

    def _number_results(self) -> Sequence[Value]:
        why = TOO_LARGE if self._json and self._json.is_too_large else self._why_no_number
        return self._numbers or [Value(number.name, None, why) for number in self._further.numbers]

    @property
    def _is_json_open(self) -> bool:
        return self._json is not None and not self._json.is_too_large

    def _decide(self) -> Verdict | None:
        """Return the verdict that nothing to come can change, if there is one."""
        strings = self._strings.verdict
        if self._further.expressions and (not strings or strings.passed):
            return None if self._is_json_open else Verdict(not_json=TOO_LARGE)
        return strings

    def _walker(self) -> Walker | None:
        """Return what walks through the document, if there is one."""
        if self._json:
            try:
                return Walker(self._json.parse(self._further.encoding), self._tick)
            except NotJSON as e:
                self._why_no_number = str(e)
        return None


def text_of(
    rules: Rules, decoder: Decoder, content_type: str, chunks: Iterable[bytes], keeps_breaks: bool = False
) -> Iterator[str]:
    """Yield the text that is searched, piece by piece; raise the faults of `chunks`.

    With `keeps_breaks`, the lines of visible text end in line breaks, not in spaces.
    """
    if rules.visible_text:
        return visible_text(drive(_sliced(chunks), decoder), content_type, keeps_breaks)
    return drive(chunks, decoder)


def _sliced(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks in slices between which the time is looked at: hostile markup takes long to extract."""
    for chunk in chunks:
        for start in range(0, len(chunk), SLICE_SIZE):
            yield chunk[start : start + SLICE_SIZE]


def visible_text(pieces: Iterable[str], content_type: str, keeps_breaks: bool = False) -> Iterator[str]:
    """Yield what a reader sees of a page that comes in `pieces`, normalized as `normalize` does."""
    return drive(drive(pieces, Extraction(content_type)), Normalizer(keeps_breaks))


class Extraction:
    """A stage that extracts what is visible from markup, once it is known whether a page has any."""

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type
        self._sniffed_size = SNIFFED_SIZE if parse_content_type(content_type).is_unknown else 0
        self._head = ''
        self._is_decided = False
        self._markup: VisibleText | None = None

    def feed(self, piece: str) -> str:
        """Return the text that a further piece makes certain."""
        if not self._is_decided:
            self._head += piece
            if len(self._head.lstrip()) < self._sniffed_size:
                return ''
            piece = self._decide()
        return self._markup.feed(piece) if self._markup else piece

    def flush(self) -> str:
        """Return the text that was held."""
        text = '' if self._is_decided else self._decide()
        return self._markup.feed(text) + self._markup.flush() if self._markup else text

    def _decide(self) -> str:
        """Return what was held until it was known what the page is."""
        head, self._head, self._is_decided = self._head, '', True
        if kind := markup_kind(self._content_type, head):
            self._markup = VisibleText(kind)
        return head
