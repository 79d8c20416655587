"""Markup as what a reader sees of it, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from .fault import Fault, feed_all
from .normalization import Normalizer

HIDDEN = frozenset({'noscript', 'script', 'style', 'template'})
# https://html.spec.whatwg.org/multipage/dom.html#phrasing-content, without `br` and `option`, which begin a line, and
# with its obsolete names and the elements of metadata, which show nothing.
INLINE = HIDDEN | frozenset(
    [
        'a',
        'abbr',
        'acronym',
        'area',
        'audio',
        'b',
        'base',
        'bdi',
        'bdo',
        'big',
        'button',
        'canvas',
        'cite',
        'code',
        'data',
        'del',
        'dfn',
        'em',
        'embed',
        'font',
        'i',
        'iframe',
        'img',
        'input',
        'ins',
        'kbd',
        'label',
        'link',
        'map',
        'mark',
        'math',
        'meta',
        'meter',
        'nobr',
        'object',
        'output',
        'picture',
        'progress',
        'q',
        'rb',
        'rp',
        'rt',
        'ruby',
        's',
        'samp',
        'select',
        'slot',
        'small',
        'source',
        'span',
        'strike',
        'strong',
        'sub',
        'sup',
        'svg',
        'time',
        'track',
        'tt',
        'u',
        'var',
        'video',
        'wbr',
    ]
)
# Beyond these, markup is made to be slow or large: an unmatched end tag is looked for on every level, and an attribute
# takes some 200 bytes.
MAX_DEPTH = 2000
MAX_SEPARATORS = 200_000
SEPARATORS = ' \t\r\n\f/='


def visible_text(pieces: Iterable[str], content_type: str) -> Iterator[str]:
    """Give the text of a page that comes in `pieces`, normalized like `normalize` does.

    Raises a `body` fault for markup that no page has, but for its depth or its number of attributes.
    """
    pieces = iter(pieces)
    head = next((piece for piece in pieces if not piece.isspace() and piece), '')
    kind = markup_kind(content_type, head)
    text: Iterable[str] = chain([head], pieces)
    if kind:
        text = Extractor().extract(text, kind)
    normalizer = Normalizer()
    yield from feed_all(text, normalizer.feed, normalizer.flush)


def markup_kind(content_type: str, head: str) -> str:
    """Tell whether a page that begins with `head` is `html`, `xml` or, empty, no markup."""
    media_type = content_type.partition(';')[0].strip().lower()
    if media_type == 'text/html' or (not media_type and head.lstrip().startswith('<')):
        return 'html'
    return 'xml' if media_type.endswith(('/xml', '+xml')) else ''


class Extractor:
    """Extracts what is visible from markup: a target of lxml's parser."""

    def __init__(self) -> None:
        self._visible: list[str] = []
        self._depth = 0
        self._hidden = 0
        self._separators = 0

    def extract(self, pieces: Iterable[str], kind: str) -> Iterator[str]:
        """Give the text of `html` or `xml`, with a space where a block begins or ends; raise a `body` fault."""
        # Slow to import, and needed by one option alone.
        from lxml import etree

        if kind == 'html':
            parser: Any = etree.HTMLParser(target=self, huge_tree=True)
        else:
            parser = etree.XMLParser(target=self, recover=True, resolve_entities='internal', no_network=True)

        def feed(piece: str) -> str:
            parser.feed(piece)
            self._guard(piece)
            return self._take()

        def flush() -> str:
            with suppress(etree.LxmlError):  # The page is empty.
                parser.close()
            return self._take()

        return feed_all(pieces, feed, flush)

    def start(self, tag: str, _: Any) -> None:
        self._separators = 0
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Fault('body', f'its markup has more than {MAX_DEPTH} levels')
        self._pass(tag, 1)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._pass(tag, -1)

    def data(self, text: str) -> None:
        self._separators = 0
        if not self._hidden:
            self._visible.append(text)

    def close(self) -> None:
        """End the page, as lxml asks of a target."""

    def _pass(self, tag: str, step: int) -> None:
        name = tag.rpartition('}')[2]
        if name in HIDDEN:
            self._hidden += step
        elif not self._hidden and name not in INLINE and '-' not in name:
            self._visible.append(' ')

    def _take(self) -> str:
        text = ''.join(self._visible)
        self._visible.clear()
        return text

    def _guard(self, piece: str) -> None:
        self._separators += sum(map(piece.count, SEPARATORS))
        if self._separators > MAX_SEPARATORS:
            raise Fault('body', f'its markup has a tag or comment of more than {MAX_SEPARATORS} words')
