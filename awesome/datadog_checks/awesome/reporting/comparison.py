"""What several addresses of a host said, in one message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .wording import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

# How much of what one group of addresses said is shown, and how many addresses of a group, if there are others.
MAX_WORDS = 200
MAX_ADDRESSES = 3


def describe_addresses(said: Sequence[tuple[str, str]], not_fetched: int, budget: int) -> str:
    """Return what addresses said, those that said the same together, in at most `budget` characters.

    `said` has each address and its words, none if it is OK: "2 of 3 addresses: OK; 10.0.0.7: connection refused". What
    does not fit is counted.
    """
    groups: dict[str, list[str]] = {}
    for address, words in said:
        groups.setdefault(words, []).append(address)
    ok = len(groups.pop('', []))
    text = f'{ok} of {len(said)} addresses: OK'
    rest = describe_rest(not_fetched)
    untold = len(said) - ok
    for words, addresses in groups.items():
        part = f'; {_names(addresses)}: {cut(words, MAX_WORDS)}'
        if len(text) + len(part) + len(_also_failing(untold)) + len(rest) > budget:
            return f'{text}{_also_failing(untold)}{rest}'
        text += part
        untold -= len(addresses)
    return text + rest


def describe_rest(not_fetched: int) -> str:
    """Return how many more addresses there are, to be appended; empty if there are none."""
    return f'; not fetched: {not_fetched}' if not_fetched else ''


def place(address: str) -> str:
    """Return an address as URLs have it."""
    return f'[{address}]' if ':' in address else address


def _also_failing(number: int) -> str:
    return f'; also failing: {number}'


def _names(addresses: Sequence[str]) -> str:
    few = [place(address) for address in addresses[:MAX_ADDRESSES]]
    if len(addresses) > MAX_ADDRESSES:
        few.append(f'{len(addresses) - MAX_ADDRESSES} more')
    return ', '.join(few)
