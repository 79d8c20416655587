"""The pipeline from bytes to a verdict: decode, extract what is visible, search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .content_type import parse_content_type
from .encoding import Decoder
from .normalization import Normalizer
from .search import Rules, Verdict, judge
from .stream import drive
from .text import VisibleText, markup_kind

# In characters: how much of a page may say what it is if its Content-Type does not.
SNIFFED_SIZE = 16
# In bytes.
SLICE_SIZE = 64 * 1024


def read(
    rules: Rules, decoder: Decoder, content_type: str, chunks: Iterable[bytes], tick: Callable[[], None]
) -> Verdict:
    """Return the verdict on a page that comes in `chunks`, of which no more are taken than the verdict needs.

    `tick` is called now and then, to raise where the time is over. Raises the faults of `chunks`.
    """
    return judge(rules, text_of(rules, decoder, content_type, chunks), tick)


def text_of(rules: Rules, decoder: Decoder, content_type: str, chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the text that is searched, piece by piece; raise the faults of `chunks`."""
    if rules.visible_text:
        return visible_text(drive(_sliced(chunks), decoder), content_type)
    return drive(chunks, decoder)


def _sliced(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks in slices between which the time is looked at: hostile markup takes long to extract."""
    for chunk in chunks:
        for start in range(0, len(chunk), SLICE_SIZE):
            yield chunk[start : start + SLICE_SIZE]


def visible_text(pieces: Iterable[str], content_type: str) -> Iterator[str]:
    """Yield what a reader sees of a page that comes in `pieces`, normalized as `normalize` does."""
    return drive(drive(pieces, Extraction(content_type)), Normalizer())


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
