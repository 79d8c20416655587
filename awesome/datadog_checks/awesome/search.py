"""Whether a text contains what it should; pure: text in, verdict out."""

from __future__ import annotations


class Searcher:
    """Looks for a string in a text that comes in pieces, wherever it is cut."""

    def __init__(self, string: str) -> None:
        self._string = string
        self._tail = ''
        self.found = False

    def feed(self, text: str) -> bool:
        """Take the next piece and tell whether the string has been seen."""
        window = self._tail + text
        self.found = self.found or self._string in window
        self._tail = window[max(len(window) - len(self._string) + 1, 0) :]
        return self.found
