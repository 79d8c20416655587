"""From the bytes of a page to a verdict, as the options of an instance say."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from .config_models import InstanceConfig
from .encoding import Decoder
from .normalization import normalize
from .search import Rules, Verdict, judge
from .text import visible_text


def read(options: InstanceConfig, rules: Rules, content_type: str, chunks: Iterable[bytes]) -> tuple[Decoder, Verdict]:
    """Decode and search a page that comes in `chunks`, no more of them than the verdict needs; raise `body` faults."""
    decoder = Decoder(content_type, options.encoding)
    return decoder, judge(rules, text_of(options, decoder, content_type, chunks))


def text_of(options: InstanceConfig, decoder: Decoder, content_type: str, chunks: Iterable[bytes]) -> Iterator[str]:
    """Give the text that is searched, piece by piece; raise `body` faults."""
    text = decoder.decode(chunks)
    return visible_text(text, content_type) if options.search_in == 'text' else text


def rules_of(options: InstanceConfig) -> Rules:
    """Give what the page must and must not contain, in the form in which its text is searched."""
    required, forbidden = strings(options.search_string), strings(options.forbidden_string)
    if options.search_in == 'text':
        prepare = partial(unicodedata.normalize, 'NFC') if options.regex else normalize
        required, forbidden = tuple(map(prepare, required)), tuple(map(prepare, forbidden))
    return Rules(required, forbidden, options.search_mode == 'any', bool(options.regex), bool(options.case_sensitive))


def strings(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Give an option that is one string or several as several."""
    return (value,) if isinstance(value, str) else tuple(value or ())
