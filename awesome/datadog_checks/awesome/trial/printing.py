"""Results on paper: for people, for monitoring plugins, and as JSON and YAML. Nothing printed controls a terminal."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import unicodedata
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from datadog_checks.awesome.fetching.urls import DEFAULT_PORTS
from datadog_checks.awesome.reporting.explanation import as_yaml
from datadog_checks.awesome.reporting.message import MAX_TITLE, quote
from datadog_checks.awesome.reporting.wording import printable, validity
from datadog_checks.awesome.secrets import MASK
from datadog_checks.base import is_affirmative

from .masking import hides_unknown
from .result import INVALID, PageResult, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from datadog_checks.awesome.reporting.locate import Match

COLOURS = {'OK': 32, 'WARNING': 33, 'CRITICAL': 31, INVALID: 35}
# What monitoring plugins call a configuration of which nothing can be said.
PLUGIN_STATUS = {INVALID: 'UNKNOWN'}
# Of the performance data: a value of the page may have the same name.
PLUGIN_LABELS = ('time', 'size', 'certificate_days_left')
ESCAPE = re.compile(r'\033\[[\d;]*m')
REVERSE, RESET = '\033[7m', '\033[0m'
INDENT = 2
LABEL = 12
STATUS = 8
NOTHING: dict[str, Any] = {'instances': [{}]}
UNITS = {'day': 86400, 'hour': 3600, 'minute': 60}
# A line that a narrow terminal gets is not wrapped: a word a line would be no easier to read.
MIN_COLUMNS = 40


class Paper:
    """Prints to stdout: coloured and wrapped to its width if that is a terminal."""

    def __init__(self) -> None:
        is_terminal = sys.stdout.isatty()
        self._columns = shutil.get_terminal_size().columns if is_terminal else 0
        self._is_coloured = is_terminal and not os.environ.get('NO_COLOR') and os.environ.get('TERM') != 'dumb'

    def result(self, result: Result) -> None:
        """Print all of a result for people."""
        self.headline(result.status, result.message)
        if result.configuration is None:
            return
        print()
        for label, text in lines(result, self._mark):
            self._print(f'{"":{INDENT}}{label:<{LABEL}}', text)
        print()
        print(as_document(result.configuration), end='')

    def headline(self, status: str, *texts: str) -> None:
        """Print a status and what to say of it."""
        self._print(f'{self._coloured(status, status)}  ', '  '.join(printable(text) for text in texts))

    def dated(self, time: datetime, status: str, text: str) -> None:
        """Print when something happened, and what, at once."""
        self._print(f'{time:%Y-%m-%d %H:%M:%S}  {self._coloured(status, status)}  ', printable(text))
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Print what is worth a look, but no reason to fail."""
        self._print('NOTE  ', printable(text))

    def table_line(self, status: str, *texts: str) -> None:
        """Print a status, in a column of its own, and what to say of it."""
        label = self._coloured(status, f'{status:<{STATUS}}')
        self._print(f'{label}  ', '  '.join(printable(text) for text in texts))

    def _coloured(self, status: str, text: str) -> str:
        return f'\033[1;{COLOURS[status]}m{text}{RESET}' if self._is_coloured else text

    def _mark(self, text: str) -> str:
        return f'{REVERSE}{text}{RESET}' if self._is_coloured else f'[[{text}]]'

    def _print(self, label: str, text: str) -> None:
        """Print text beside a label, with a hanging indent where it is wrapped."""
        first, *others = wrap(text, self._columns - columns(label)) if self._columns >= MIN_COLUMNS else [text]
        print(f'{label}{first}'.rstrip())
        for line in others:
            print(f'{"":{columns(label)}}{line}'.rstrip())


def wrap(text: str, width: int) -> list[str]:
    """Return lines of at most `width` columns, but for longer words; what is marked stays marked on each line."""
    lines = ['']
    for word in text.split(' '):
        joined = f'{lines[-1]} {word}' if lines[-1] else word
        if columns(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            is_marked = lines[-1].rfind(REVERSE) > lines[-1].rfind(RESET)
            lines[-1] += RESET if is_marked else ''
            lines.append(f'{REVERSE}{word}' if is_marked else word)
    return lines


def columns(text: str) -> int:
    """Return how many columns text takes on a terminal."""
    shown = ESCAPE.sub('', text)
    return len(shown) + sum(unicodedata.east_asian_width(c) in 'WF' for c in shown if not c.isascii())


def lines(result: Result, mark: Any) -> Iterator[tuple[str, str]]:
    """Yield a label and what to print for each line of what is known, with matches marked."""
    if result.remedy:
        yield 'next step', printable(result.remedy)
    for remark in result.remarks:
        yield 'note', printable(remark)
    for match in result.found or ():
        yield 'found', _place(match, mark)
    for match in result.forbidden or ():
        yield 'forbidden', _place(match, mark)
    for miss in result.missing or ():
        change = f'; set {as_yaml(miss.set)}' if miss.set else ''
        yield 'missing', printable(f'{quote(miss.string, MAX_TITLE)}: {miss.why}{change}')
    if result.undecided:
        strings = ', '.join(quote(string, MAX_TITLE) for string in result.undecided)
        yield 'undecided', printable(f'{strings}: reading ended at what is forbidden')
    for rule in result.unmet or ():
        yield 'unmet', printable(rule)
    for name, value in (result.values or {}).items():
        yield 'value', printable(f'{name}: {(result.unsent or {})[name] if value is None else format(value, ".12g")}')
    yield from _file_lines(result)
    for one in result.addresses or ():
        yield 'address', printable(f'{one.address}: {one.status}  {one.message}'.rstrip())
    if result.not_fetched:
        yield 'address', f'not fetched: {result.not_fetched}'
    yield from _page_lines(result)


def _file_lines(result: Result) -> Iterator[tuple[str, str]]:
    """Yield what became of --against and --save."""
    for difference in result.differences or ():
        yield 'differs', printable(f'{difference.what}: {difference.change}')
    if result.differences == []:
        yield 'differs', 'nothing'
    if result.saved:
        yield 'saved', printable(result.saved)


def _page_lines(result: Result) -> Iterator[tuple[str, str]]:
    page, (instance,) = result.page, (result.configuration or NOTHING)['instances']
    if page.url:
        yield 'url', printable(page.url)
    if not result.addresses and (address := _address(page, page.url or instance.get('url', ''))):
        yield 'address', printable(address)
    if page.status:
        yield 'status', page.status
    if page.encoding:
        yield 'encoding', printable(f'{page.encoding} ({page.encoding_source})')
    if page.title:
        yield 'title', printable(page.title)
    if page.size is not None:
        yield 'size', f'{page.size} bytes read' + (', up to max_body_size' if page.cut_off else '')
    if page.response_time is not None:
        first_byte = '' if page.first_byte_time is None else f', {page.first_byte_time:.3f} s to the first byte'
        yield 'time', f'{page.response_time:.3f} s{first_byte}'
    if parts := _parts(page):
        yield 'of which', parts
    if page.age is not None:
        yield 'modified', _ago(page.age)
    if page.certificate_days_left is not None:
        yield 'certificate', validity(page.certificate_days_left) + _doubt(instance)
    if page.redirects:
        yield 'redirects', str(page.redirects)


def _doubt(instance: dict[str, Any]) -> str:
    """Return what there is to say against a certificate that was accepted."""
    is_verified = instance.get('tls_ca_cert') or is_affirmative(instance.get('tls_verify', True))
    return '' if is_verified else ' (not verified)'


def _ago(seconds: float) -> str:
    for unit, size in UNITS.items():
        if count := int(seconds // size):
            return f'{count:,} {unit}{"s"[: count != 1]} ago'
    return 'less than a minute ago'


def _parts(page: PageResult) -> str:
    """Return what the parts of a run took."""
    parts = {
        'DNS lookup': page.lookup_time,
        'connect': page.connect_time,
        'TLS': page.tls_time,
        'reading the page': page.transfer_time,
    }
    return ', '.join(f'{seconds:.3f} s {name}' for name, seconds in parts.items() if seconds is not None)


def _address(page: PageResult, url: str) -> str:
    """Return the address that answered, with a port that is not in the URL: a proxy's."""
    if not page.address:
        return ', '.join(page.addresses) + ' (not connected)' if page.addresses else ''
    scheme, _, rest = url.partition('://')
    port = re.search(r':(\d+)$', rest.partition('/')[0])
    is_same = page.port == (int(port[1]) if port else DEFAULT_PORTS.get(scheme))
    return page.address if is_same else f'{page.address} port {page.port}'


def _place(match: Match, mark: Any) -> str:
    string = printable(quote(match.string, MAX_TITLE))
    if not match.line:
        return string
    text = match.text if len(match.text) <= MAX_TITLE else f'{match.text[:MAX_TITLE]}...'
    excerpt = f'{printable(match.before)}{mark(printable(text)) if text else ""}{printable(match.after)}'
    return f'{string} in line {match.line}' + (f': {excerpt}' if excerpt else '')


def as_document(configuration: dict[str, Any]) -> str:
    """Return a configuration as YAML; a comment says what a mask in it stands for."""
    as_written, escaped = (
        yaml.safe_dump(configuration, sort_keys=False, allow_unicode=allow, width=2**16) for allow in (True, False)
    )
    document = as_written if as_written.replace('\n', '').isprintable() else escaped
    stands_for = 'a secret, or for the value of an unknown option' if hides_unknown(configuration) else 'a secret'
    comment = f'# {MASK} stands for {stands_for}: put it back in to use this.\n' if MASK in document else ''
    return f"{comment}{document}"


def as_json(result: Result, indent: int | None = 2) -> str:
    """Return a result as one object of JSON."""
    return json.dumps(_plain(asdict(result)), indent=indent)


def _plain(value: Any) -> Any:
    """Return a copy of `value` of what JSON has: YAML has dates, sets and infinity too."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)


def plugin_output(result: Result) -> str:
    """Return what a monitoring plugin prints: https://www.monitoring-plugins.org/doc/guidelines.html#PLUGOUTPUT."""
    data = list(_performance(result))
    status = PLUGIN_STATUS.get(result.status, result.status)
    # A bar begins the performance data.
    first = printable(f'AWESOME {status} - {result.message}').replace('|', '/')
    more = [f'{label}: {text}'.replace('|', '/') for label, text in lines(result, lambda text: f'[[{text}]]')]
    return '\n'.join([f'{first} | {" ".join(data)}' if data else first, *more])


def _performance(result: Result) -> Iterator[str]:
    """Yield the performance data. The names of values need no quotes, and the data has no exponents."""
    page = result.page
    if page.response_time is not None:
        yield f'time={page.response_time:.3f}s;;;0;{result.timeout:g}'
    if page.size is not None:
        yield f'size={page.size}B'
    if page.certificate_days_left is not None:
        yield f'certificate_days_left={page.certificate_days_left:.1f}'
    for name, number in (result.values or {}).items():
        if number is not None:
            yield f'{"value_" * (name in PLUGIN_LABELS)}{name}={Decimal(f"{number:.12g}"):f}'
