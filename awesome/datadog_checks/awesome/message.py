"""What the operator reads: facts first, one line, at most 500 characters, since more are not displayed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from reprlib import Repr

from .config_models import InstanceConfig
from .config_models.defaults import instance_http_response_status_code
from .encoding import Decoder
from .page import Page
from .search import Rules, Verdict

MAX_QUOTES = 280
SHORTEST_QUOTE = 24
MAX_TITLE = 80
MAX_MESSAGE = 500

_TITLE_START = re.compile(r'<title\b[^<>]*>', re.IGNORECASE)
_TITLE_END = re.compile(r'</title', re.IGNORECASE)


def miss(rules: Rules, verdict: Verdict, page: Page, decoder: Decoder, sanitize: Callable[[str], str]) -> str:
    """Say what is wrong with a page that was read, and what is known of it; `sanitize` rids its title of secrets."""
    wrong = []
    room = MAX_QUOTES // (2 if verdict.missing and verdict.forbidden else 1)
    if verdict.missing:
        several = rules.any_suffices and len(verdict.missing) > 1
        wrong.append(f'{"none of" if several else "missing"} {_quotes(verdict.missing, room)}')
    if verdict.forbidden:
        wrong.append(f'forbidden {_quotes(verdict.forbidden, room)}')
    searched = f'the first {page.size} bytes (max_body_size)' if page.cut_off else f'{page.size} bytes'
    return (
        f'{", ".join(wrong)} in {searched};'
        f' status {page.status}, encoding {decoder.encoding}, title {quote(sanitize(title(decoder.head)), MAX_TITLE)}'
    )


def title(markup: str) -> str:
    """Give the title of a page on one line; empty if `markup` holds no whole one."""
    start = _TITLE_START.search(markup)
    end = start and _TITLE_END.search(markup, start.end())
    if not start or not end:
        return ''
    return ' '.join(html.unescape(markup[start.end() : end.start()]).split())


def unexpected_status(page: Page, options: InstanceConfig) -> str:
    """Say which status code a page has, and which were expected if that was configured."""
    expected = options.http_response_status_code
    return page.status if expected == instance_http_response_status_code() else f'{page.status}, not {expected}'


def shorten(message: str) -> str:
    """Give a message, in which a server may have had its say, on one line of what is displayed."""
    return printable(message[:MAX_MESSAGE])


def printable(text: str) -> str:
    """Give `text` on one line, without what would control a terminal."""
    return ''.join(character if character.isprintable() else ' ' for character in text)


def _quotes(strings: Sequence[str], room: int) -> str:
    """Quote as many of `strings` as fit into `room` characters, and count the others."""
    size = max(SHORTEST_QUOTE, room // len(strings) - 2)
    shown = strings[: (room - len(', and 99 more')) // (size + 2)] if size == SHORTEST_QUOTE else strings
    others = len(strings) - len(shown)
    return ', '.join([*(quote(string, size) for string in shown), *([f'and {others} more'] if others else [])])


def quote(text: str, size: int) -> str:
    """Quote `text` on one line, shortened in the middle to `size` characters."""
    return Repr(maxstring=size).repr(text)
