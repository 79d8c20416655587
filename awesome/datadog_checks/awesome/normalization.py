"""Text with its characters composed and its white space collapsed, so that what looks the same is the same."""

from __future__ import annotations

import unicodedata

# More marks than any character has; a text of nothing else must not be kept.
MAX_UNSETTLED = 256


def normalize(text: str) -> str:
    """Give `text` in NFC, with every run of white space as one space and none around it."""
    return ' '.join(unicodedata.normalize('NFC', text).split())


class Normalizer:
    """Does what `normalize` does to a text that comes in pieces: what the next may change is kept until then."""

    def __init__(self) -> None:
        self._kept = ''
        self._empty = True
        self._spaced = False

    def feed(self, piece: str) -> str:
        text = self._kept + piece
        cut = len(text) - 1
        # A mark, or a vowel or final consonant of Hangul, may compose with what is before it (UAX #15).
        while cut > 0 and (unicodedata.category(text[cut])[0] == 'M' or '\u1160' <= text[cut] <= '\u11ff'):
            cut -= 1
        if len(text) - cut > MAX_UNSETTLED:
            cut = len(text)
        self._kept = text[cut:]
        return self._normalize(text[:cut])

    def flush(self) -> str:
        return self._normalize(self._kept)

    def _normalize(self, text: str) -> str:
        words = unicodedata.normalize('NFC', text).split()
        spaced = self._spaced or text[:1].isspace()
        self._spaced = text[-1:].isspace() or (spaced and not words)
        if not words:
            return ''
        before = ' ' if spaced and not self._empty else ''
        self._empty = False
        return before + ' '.join(words)
