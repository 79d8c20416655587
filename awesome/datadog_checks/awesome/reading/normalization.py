"""Text with its characters composed and its white space collapsed, so that strings that look the same are the same."""

from __future__ import annotations

import re
import unicodedata

# https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format: more marks than that in a row are split, since
# bringing them into order takes time that grows with the square of their number.
MAX_MARKS = 30
_SPLITTER = '\u034f'  # COMBINING GRAPHEME JOINER
# Every mark is in here, and no letter of most pages, nor what they have of punctuation and symbols.
_MAYBE_MARK = re.compile(
    '[\u0300-\u1fff\u20d0-\u20ff\u2c00-\u2fff\u302a-\u302f\u3099\u309a\ua000-\uabff\ufb1e\ufe00-\ufe2f\U00010000-\U0010ffff]'
)
# Every mark is in here too, and few other characters come in such long runs.
_MARKS = re.compile(rf'[^\w\s\x00-\u02ff]{{{MAX_MARKS + 1},}}+')
_INVISIBLE = '\u00ad\u200b\u2060\ufeff'  # Soft hyphen, zero-width space, word joiner, zero-width no-break space
_BREAK = re.compile(r'[\n\r\t\f\v\x85\u2028\u2029]')
# One of the invisible characters, which are gone by then.
_MARK = '\ufeff'
_MARKED = re.compile(f' (?:{_MARK} )++')
# Nothing that follows can change these.
_SETTLED = frozenset(' \t\n\r\f!"#$%&\'()*+,-./0123456789:;?@[\\]^_`{|}~')


def normalize(text: str) -> str:
    """Return `text` in NFC and without invisible characters, every run of white space as one space, none around it."""
    return ' '.join(compose(_strip_invisible(text)).split())


def compose(text: str) -> str:
    """Return `text` in NFC, in time that grows with its length (the Stream-Safe Text Process of UAX #15)."""
    return text if text.isascii() else unicodedata.normalize('NFC', _split(text))


class Normalizer:
    """A stage that does what `normalize` does to text in pieces: what the next one may change is held until then.

    With `keeps_breaks`, white space that has a line break or a tab becomes a line break, not a space.
    """

    def __init__(self, keeps_breaks: bool = False) -> None:
        self._keeps_breaks = keeps_breaks
        self._held = ''
        self._is_empty = True
        # What the white space at the end of the last piece becomes.
        self._space = ''

    def feed(self, piece: str) -> str:
        """Return the normalized text that a further piece makes certain."""
        text = self._held + _strip_invisible(piece)
        text = _split(text)
        cut = _find_last_start(text)
        self._held = text[cut:]
        return self._collapse(text[:cut])

    def flush(self) -> str:
        """Return the normalized text that was held."""
        held, self._held = self._held, ''
        return self._collapse(held)

    def _collapse(self, text: str) -> str:
        text = compose(text)
        start = text.lstrip()
        before = self._collapse_space(self._space + text[: len(text) - len(start)])
        if not start:
            self._space = before
            return ''
        words = start.rstrip()
        self._space = self._collapse_space(start[len(words) :])
        if self._is_empty:
            before, self._is_empty = '', False
        return before + self._join(words)

    def _collapse_space(self, space: str) -> str:
        return ('\n' if self._keeps_breaks and _BREAK.search(space) else ' ') if space else ''

    def _join(self, text: str) -> str:
        if not self._keeps_breaks:
            return ' '.join(text.split())
        words = ' '.join(_BREAK.sub(f' {_MARK} ', text).split())
        return _MARKED.sub('\n', words)


def _strip_invisible(text: str) -> str:
    if not text.isascii():
        for character in _INVISIBLE:
            text = text.replace(character, '')
    return text


def _split(text: str) -> str:
    """Return `text` with runs of more than 30 marks split."""
    return text if text.isascii() or not _MAYBE_MARK.search(text) else _MARKS.sub(_split_marks, text)


def _split_marks(run: re.Match[str]) -> str:
    text, parts = run[0], []
    start = marks = 0
    for position, character in enumerate(text):
        marks = marks + 1 if character != _SPLITTER and unicodedata.category(character)[0] == 'M' else 0
        if marks > MAX_MARKS:
            parts.append(text[start:position])
            start, marks = position, 1
    return _SPLITTER.join([*parts, text[start:]])


def _find_last_start(text: str) -> int:
    """Return where the last character begins with which what follows may compose."""
    if text[-1:] in _SETTLED:
        return len(text)
    start = len(text) - 1
    while start > 0 and _may_compose(text[start - 1], text[start]):
        start -= 1
    return max(start, 0)


def _may_compose(before: str, character: str) -> bool:
    """Return whether a character may compose with the one before it: marks may, and parts of Hangul syllables."""
    if '\u1160' <= character <= '\u11a7':
        return '\u1100' <= before <= '\u115f'
    if '\u11a8' <= character <= '\u11ff':
        return '\u1160' <= before <= '\u11a7' or '\uac00' <= before <= '\ud7a3'
    return character != _SPLITTER and unicodedata.category(character)[0] == 'M'
