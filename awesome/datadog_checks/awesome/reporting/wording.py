"""What any words go through before an operator reads them, and words that several places say."""

from __future__ import annotations

ALL_FOUND = 'everything required was found and nothing forbidden'
SAYS_WRONG = 'The page shows what it must not: look at it, and read the log of its server.'


def cut(text: str, size: int) -> str:
    """Return how `text` begins, in at most `size` characters."""
    return text if len(text) <= size else f'{text[: size - 3]}...'


def printable(text: str) -> str:
    """Return `text` on one line, without what would control a terminal."""
    return ''.join(character if character.isprintable() else ' ' for character in text)
