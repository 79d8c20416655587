"""Words that several places use, and how any text is cut and made printable."""

from __future__ import annotations

ALL_FOUND = 'everything required was found and nothing forbidden'
SAYS_WRONG = 'The page shows what it must not: look at it, and read the log of its server.'
# Days from which on a decimal tells nothing.
MANY = 2


def validity(days: float) -> str:
    """Return in words how long a certificate is valid, or since when it is not."""
    number = f'{abs(days):.1f}' if abs(days) <= MANY else f'{abs(days):,.0f}'
    return f'expires in {number} days' if days >= 0 else f'expired {number} days ago'


def cut(text: str, size: int) -> str:
    """Return how `text` begins, in at most `size` characters."""
    return text if len(text) <= size else f'{text[: size - 3]}...'


def printable(text: str) -> str:
    """Return `text` on one line, without what would control a terminal."""
    return ''.join(character if character.isprintable() else ' ' for character in text)
