"""The pipeline from bytes to a verdict: decode, extract what is visible, search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from .encoding import Decoder
from .normalization import Normalizer
from .search import Rules, Verdict, judge
from .stream import drive
from .text import VisibleText, markup_kind


def read(
    rules: Rules, decoder: Decoder, content_type: str, chunks: Iterable[bytes], tick: Callable[[], None]
) -> Verdict:
    """Return the verdict on a page that comes in `chunks`, of which no more are taken than the verdict needs.

    `tick` is called now and then, to raise where the time is over. Raises the faults of `chunks`.
    """
    return judge(rules, text_of(rules, decoder, content_type, chunks), tick)


def text_of(rules: Rules, decoder: Decoder, content_type: str, chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the text that is searched, piece by piece; raise the faults of `chunks`."""
    text = drive(chunks, decoder)
    return visible_text(text, content_type) if rules.visible_text else text


def visible_text(pieces: Iterable[str], content_type: str) -> Iterator[str]:
    """Yield what a reader sees of a page that comes in `pieces`, normalized as `normalize` does."""
    pieces = iter(pieces)
    head = next((piece for piece in pieces if piece and not piece.isspace()), '')
    kind = markup_kind(content_type, head)
    text: Iterable[str] = chain([head], pieces)
    if kind:
        text = drive(text, VisibleText(kind))
    return drive(text, Normalizer())
