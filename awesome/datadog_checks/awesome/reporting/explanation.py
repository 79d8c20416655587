"""Why a string is not found in a page that was read, and which options would find it."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from datadog_checks.awesome.fault import Fault
from datadog_checks.awesome.fetching.deadline import Deadline
from datadog_checks.awesome.fetching.page import REDIRECTS
from datadog_checks.awesome.options import PageOptions
from datadog_checks.awesome.reading.encoding import Decoder
from datadog_checks.awesome.reading.normalization import compose
from datadog_checks.awesome.reading.read import Further, text_of
from datadog_checks.awesome.reading.search import judge

from .message import MAX_TITLE, quote, shorten_value
from .report import Report, Searched

if TYPE_CHECKING:
    from datadog_checks.awesome.reading.search import Rules

# Of pages that declare none or another.
ENCODINGS = (
    *('utf-8', 'windows-1252', 'utf-16le', 'utf-16be', 'iso-8859-2', 'windows-1250', 'windows-1251', 'koi8-r'),
    *('shift_jis', 'euc-jp', 'gbk', 'big5', 'euc-kr'),
    *('windows-1255', 'windows-1256', 'windows-1253', 'windows-1254', 'windows-1257', 'windows-874'),
)
# By how much more of a page is searched than `max_body_size` allows.
FURTHER_READING = 16
# In characters: a page with less text than this, but with scripts, is made by them.
FEW_CHARACTERS = 200
# In characters: of a longer line nobody copies a part by hand.
MAX_LINE = 100_000
# In characters, of what a message quotes of a page.
MAX_QUOTE = 280

# How files begin that are no text, whatever their Content-Type says.
MAGIC = {
    b'%PDF-': 'a PDF',
    b'\x89PNG': 'a PNG image',
    b'GIF8': 'a GIF image',
    b'\xff\xd8\xff': 'a JPEG image',
    b'PK\x03\x04': 'a ZIP archive',
    b'\x1f\x8b': 'a gzip archive',
}
NO_TEXT = re.compile(r'(?:image/(?!svg)|audio/|video/|font/|application/(?:pdf|zip|gzip|octet-stream|wasm)$).*')
PASSWORD_FIELD = re.compile(r'<input\b[^<>]*\btype\s*=\s*["\']?password\b', re.IGNORECASE)
SCRIPT = re.compile(r'<script\b', re.IGNORECASE)
ERROR_TITLE = re.compile(
    r'\b(?:[45]\d\d|error|forbidden|denied|maintenance|not found|unauthorized|unavailable|bad gateway|time-?out)\b',
    re.IGNORECASE,
)
TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys('‘’‚‛′´`', "'"),
        **dict.fromkeys('“”„‟″«»', '"'),
        **dict.fromkeys('‐‑‒–—―−', '-'),
        '…': '...',
    }
)
RESPELLINGS: dict[str, Callable[[str], str]] = {
    'typographic quotes or dashes': lambda text: text.translate(TYPOGRAPHY),
    'other white space': lambda text: ''.join(text.split()),
    'other white space, and typographic quotes or dashes': lambda text: ''.join(text.translate(TYPOGRAPHY).split()),
}
IN_TEXT: tuple[str, dict[str, Any]] = (
    'it is in the visible text, but the source has markup, entities, or white space inside it',
    {'search_in': 'text'},
)
IN_SOURCE: tuple[str, dict[str, Any]] = ('it is in the source where no reader sees it', {'search_in': 'source'})
# Where Python's regular expressions differ from the engine's without an error: what to look for in a pattern, what to
# write instead to get Python's meaning, and why.
DIALECT = (
    (
        re.compile(r'(?<![\\\[])\$(?=[|)]|$)'),
        r'\\s*$',
        '`$` matches only at the very end, not before a last line break',
    ),
    (re.compile(r'\\([<>])'), r'\1', r'`\<` and `\>` are word boundaries here'),
    (re.compile(r'(?<=[^\[])(&&|--|~~)(?=[^\]]*\])'), r'\\\1', '`&&`, `--` and `~~` in a class are operators here'),
)


@dataclass(frozen=True)
class Reason:
    """Why `string` is not found, and the options with which it is; none if only the string has to change."""

    string: str
    why: str
    options: dict[str, Any]


Rerun = Callable[[PageOptions], Report]


def as_yaml(options: dict[str, Any]) -> str:
    """Return options as in conf.yaml, on one line."""
    return ', '.join(f'{name}: {_value(value, name.endswith("_string"))}' for name, value in options.items())


def _value(value: Any, quoted: bool) -> str:
    if isinstance(value, list):
        return f'[{", ".join(_value(part, quoted) for part in value)}]'
    if isinstance(value, str):
        return quote(value, MAX_QUOTE) if quoted else value
    return json.dumps(value)


class Explainer:
    """Explains what is missing in a page whose body was recorded."""

    def __init__(self, options: PageOptions, found_out: Searched, body: bytes, rerun: Rerun) -> None:
        self._options = options
        self._found_out = found_out
        self._body = body
        self._rerun = rerun
        self._respelled_texts: dict[tuple[bool, str], str] = {}
        self._deadline = Deadline()
        self._deadline.start(options.timeout)

    def reasons(self) -> list[Reason]:
        """Return what explains the missing strings, as far as it is found in the time of a run."""
        found: list[Reason] = []
        with suppress(Fault):
            for reason in self._reasons():
                found.append(reason)
        return found

    def _reasons(self) -> Iterator[Reason]:
        """Yield what explains the missing strings; nothing for those that nothing explains."""
        missing = list(self._found_out.verdict.missing)
        yield from self._explained(missing, self._with_blank_end)
        if self._options.rules.regex:
            yield from self._explained(missing, self._in_other_dialect)
        else:
            yield from self._explained(missing, self._composed)
        for why, change, changed in self._changes():
            if not missing:
                return
            there = self._search(changed, missing)
            yield from (Reason(string, why, change) for string in there)
            missing = [string for string in missing if string not in there]
        if not self._options.rules.regex:
            yield from self._explained(missing, self._respelled)
        if missing and self._found_out.page.cut_off:
            yield from self._search_further(missing)

    def _explained(self, missing: list[str], explain: Callable[[str], Reason | None]) -> Iterator[Reason]:
        """Yield the reasons that `explain` knows, and remove what they explain from `missing`."""
        for string in list(missing):
            self._deadline.check()
            if reason := explain(string):
                yield reason
                missing.remove(string)

    def cause(self) -> str:
        """Return the cause that is known of a page that lacks what is searched for; empty if none is."""
        return next(self._causes(), '')

    def _causes(self) -> Iterator[str]:
        page, text = self._found_out.page, self._found_out.text
        if page.location:
            yield f'this is a redirect to {shorten_value(page.location)}, and `allow_redirects` is false'
        elif page.status_code in REDIRECTS:
            yield 'this is a redirect that leads nowhere: it has no valid target'
        if page.status_code == HTTPStatus.NO_CONTENT:
            yield 'the page is empty, as its status says'
        if not self._source.strip():
            yield 'the page is empty'
        if kind := self._kind():
            yield f'this is no text, but {kind}'
        if PASSWORD_FIELD.search(self._source):
            yield 'this is a login page: it asks for a password'
        if ERROR_TITLE.search(text.title):
            yield f'this is an error page, by its title {quote(text.title, MAX_TITLE)}'
        if SCRIPT.search(self._source) and len(self._visible) < FEW_CHARACTERS:
            yield 'the page loads scripts and has almost no text: look at the URL that the scripts load'
        if text.unknown_label:
            label = quote(text.unknown_label, MAX_TITLE)
            yield f'the page declares the encoding {label}, which no browser knows: set `encoding`'

    def _kind(self) -> str:
        """Return what the page is if it is no text."""
        if kind := next((kind for magic, kind in MAGIC.items() if self._body.startswith(magic)), ''):
            return kind
        declared = self._found_out.page.content_type.partition(';')[0].strip().lower()
        return f'of the type {quote(declared, MAX_TITLE)}' if NO_TEXT.match(declared) else ''

    @cached_property
    def _source(self) -> str:
        return self._text(replace(self._options.rules, visible_text=False), self._options.encoding)

    @cached_property
    def _composed_source(self) -> str:
        return compose(self._source)

    @cached_property
    def _visible(self) -> str:
        return self._text(replace(self._options.rules, visible_text=True), self._options.encoding)

    def _text(self, rules: Rules, encoding: str | None) -> str:
        content_type = self._found_out.page.content_type
        return collect(self._in_time(text_of(rules, Decoder(content_type, encoding), content_type, [self._body])))

    def _in_time(self, pieces: Iterator[str]) -> Iterator[str]:
        """Yield `pieces` until the time is over."""
        for piece in pieces:
            yield piece
            self._deadline.check()

    def _changes(self) -> Iterator[tuple[str, dict[str, Any], PageOptions]]:
        """Yield what usually explains a miss, the likeliest first: why, the options as in conf.yaml, and parsed."""
        options, rules = self._options, self._options.rules
        where, place = IN_SOURCE if rules.visible_text else IN_TEXT
        elsewhere = replace(rules, visible_text=not rules.visible_text)
        any_case: dict[str, Any] = {'case_sensitive': False}
        if rules.case_sensitive:
            change = replace(rules, case_sensitive=False)
            yield 'it is there in different case', any_case, replace(options, rules=change)
        yield where, place, replace(options, rules=elsewhere)
        if rules.case_sensitive:
            change = replace(elsewhere, case_sensitive=False)
            yield f'{where}, and in different case', place | any_case, replace(options, rules=change)
        for encoding in self._encodings():
            why = f'the page is in {encoding}, but was read as {self._read_as()}'
            yield why, {'encoding': encoding}, replace(options, encoding=encoding)

    def _encodings(self) -> Iterator[str]:
        """Yield the encodings in which the page may say something else."""
        for encoding in ENCODINGS:
            if b'\0' in self._body if encoding.startswith('utf-16') else not self._body.isascii():
                yield encoding

    def _read_as(self) -> str:
        text = self._found_out.text
        if not text.unknown_label:
            return f'{text.encoding} ({text.decided_by})'
        return f'{text.encoding}: it declares {quote(text.unknown_label, MAX_TITLE)}, which no browser knows'

    def _search(self, options: PageOptions, wanted: Sequence[str]) -> list[str]:
        """Return those of the `wanted` strings that the recorded page has."""
        rules = replace(options.rules, required=tuple(wanted), forbidden=(), any_suffices=False)
        if options.encoding == self._options.encoding:
            text = self._visible if rules.visible_text else self._source
        else:
            text = self._text(rules, options.encoding)
        verdict = judge(rules, [text], self._deadline.check)
        # White space alone is nothing in the text that a reader sees.
        return [string for string in wanted if rules.needles[string] and string not in verdict.missing]

    def _respelled(self, string: str) -> Reason | None:
        """Return the reason of a string that is there with other quotes, dashes or white space."""
        rules = self._options.rules
        places: list[tuple[str, bool, dict[str, Any]]] = [
            ('', rules.visible_text, {}),
            *([] if rules.visible_text else [(' in the visible text', True, IN_TEXT[1])]),
        ]
        for where, is_visible, place in places:
            for difference, fold in RESPELLINGS.items():
                folded = fold(string) if rules.case_sensitive else fold(string).casefold()
                if folded and folded in self._folded(is_visible, difference):
                    found = original(self._visible if is_visible else self._source, fold, folded)
                    change = self._replaced(string, found) | place if found else {}
                    return Reason(string, f'it is there{where} with {difference}', change)
        return None

    def _folded(self, is_visible: bool, difference: str) -> str:
        """Return the page's text, respelled: for all strings once."""
        if (key := (is_visible, difference)) not in self._respelled_texts:
            folded = RESPELLINGS[difference](self._visible if is_visible else self._source)
            self._respelled_texts[key] = folded if self._options.rules.case_sensitive else folded.casefold()
        return self._respelled_texts[key]

    def _replaced(self, string: str, found: str) -> dict[str, Any]:
        """Return the search strings with `found` in place of `string`."""
        strings = [found if each == string else each for each in self._options.rules.required]
        return {'search_string': strings[0] if len(strings) == 1 else strings}

    def _with_blank_end(self, string: str) -> Reason | None:
        """Return the reason of a string that is there without the white space at its ends, such as that of YAML's |."""
        stripped = string.strip()
        if stripped in ('', string) or stripped.endswith('\\') or not self._search(self._options, [stripped]):
            return None
        end = string[len(string.rstrip()) :]
        what = 'a line break' if '\n' in (end or string[: -len(string.lstrip())]) else 'a blank'
        how = ': write it on one line, or with `>-`' if what == 'a line break' else ''
        why = f'it is there, but the string {"ends" if end else "begins"} with {what}{how}'
        return Reason(string, why, self._replaced(string, stripped))

    def _composed(self, string: str) -> Reason | None:
        """Return the reason of a string whose characters the source writes with combining marks, or the other way."""
        rules, composed = self._options.rules, compose(string)
        if rules.visible_text or self._body.isascii():
            return None
        as_composed = replace(rules, required=(composed,), forbidden=(), any_suffices=False)
        changed = replace(self._options, rules=replace(rules, visible_text=True))
        found = not judge(as_composed, [self._composed_source], self._deadline.check).missing
        if not found or not self._search(changed, [string]):
            return None
        who = 'the page writes' if composed == string else 'the string has'
        return Reason(string, f'{who} characters with combining marks', IN_TEXT[1])

    def _in_other_dialect(self, pattern: str) -> Reason | None:
        """Return the reason of a regular expression that is there as Python reads it."""
        for symptom, instead, why in DIALECT:
            changed = symptom.sub(instead, pattern)
            if changed != pattern and self._search(self._options, [changed]):
                return Reason(pattern, why, self._replaced(pattern, changed))
        return None

    def _search_further(self, wanted: Sequence[str]) -> list[Reason]:
        """Fetch the page again to see whether what is missing comes after `max_body_size`."""
        limit, options = self._found_out.page.size, self._options
        rules = replace(options.rules, required=tuple(wanted), forbidden=(), any_suffices=False)
        # Patterns and visible text take memory in proportion; and what changes something is not sent twice.
        if options.method != 'GET' or rules.regex or rules.visible_text:
            return []
        more = replace(options, max_body_size=limit * FURTHER_READING, all_addresses=False)
        report = self._rerun(replace(more, rules=rules, further=Further()))
        if not isinstance(report.outcome, Searched):
            return []
        size = report.outcome.page.size
        # Pages grow: a power of two that leaves an eighth.
        why, change = f'it comes after the first {limit} bytes', {'max_body_size': 1 << (size + size // 8).bit_length()}
        return [Reason(string, why, change) for string in wanted if string not in report.outcome.verdict.missing]


def original(text: str, fold: Callable[[str], str], folded: str) -> str:
    """Return the part of a line of `text` that `fold` turns into `folded`; empty if none does, or only in part."""
    for line in text.splitlines():
        if len(line) > MAX_LINE or (start := fold(line).find(folded)) < 0:
            continue
        ends = [0, *accumulate(len(fold(character)) for character in line)]
        part = line[bisect_right(ends, start) - 1 : bisect_left(ends, start + len(folded))]
        if fold(part) == folded:
            return part
    return ''


def collect(pieces: Iterator[str]) -> str:
    """Return the text that comes in `pieces`; the rest of what was read may be broken, since no verdict needed it."""
    text = []
    try:
        for piece in pieces:
            text.append(piece)
    except Fault:
        pass
    return ''.join(text)
