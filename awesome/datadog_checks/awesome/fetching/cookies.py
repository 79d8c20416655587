"""The cookies that servers set in one run, stored and sent as RFC 6265bis says.

The standard library's jar reads RFC 2965, keeps Secure cookies from http://localhost, and bounds neither number nor
size.
Left out is what one run from page to page never needs: SameSite, HttpOnly, and lifetimes other than none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from .urls import request_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from urllib.parse import SplitResult

# In bytes, of name and value, and of an attribute (RFC 6265bis, 5.6).
SIZE_LIMIT = 4096
ATTRIBUTE_LIMIT = 1024
# Of cookies: what a run keeps, and a request sends at most.
COUNT_LIMIT = 50

CONTROL = re.compile(r'[\x00-\x08\x0a-\x1f\x7f]')
BLANKS = ' \t'
LOOPBACK = re.compile(r'(?:.+\.)?localhost\.?|127(?:\.[0-9]+){3}|::1')
ADDRESS = re.compile(r'[0-9.]+|.*:.*')
MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
# The tokens of a date, in the order in which they are looked for (RFC 6265bis, 5.1.1).
DATE_DELIMITERS = re.compile(r'[\t\x20-/;-@\[-`{-~]+')
DATE_TOKENS = {
    'time': re.compile(r'([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])'),
    'day': re.compile(r'([0-9]{1,2})(?![0-9])'),
    'month': re.compile(f'({"|".join(MONTHS)})', re.IGNORECASE),
    'year': re.compile(r'([0-9]{2,4})(?![0-9])'),
}


class Place(NamedTuple):
    """Where a request goes: what a URL means to cookies, of which a response may have thousands."""

    host: str
    path: str
    default_path: str
    """Of the cookies that are set there without a path."""
    is_trusted: bool
    """Whether nobody on the way can read along: TLS, or this very machine."""


@dataclass(frozen=True)
class Cookie:
    """A cookie, and the requests that it goes with."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool

    @property
    def key(self) -> tuple[str, str, bool, str]:
        return self.name, self.domain, self.host_only, self.path

    def is_for(self, place: Place) -> bool:
        """Return whether the cookie goes with a request."""
        is_of_host = place.host == self.domain if self.host_only else _domain_matches(place.host, self.domain)
        return is_of_host and _path_matches(place.path, self.path) and (place.is_trusted or not self.secure)


class Cookies:
    """The cookies of one run: at most 50 of 4 KiB each; what comes beyond is dropped."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, bool, str], Cookie] = {}

    def __bool__(self) -> bool:
        return bool(self._cookies)

    def store(self, url: SplitResult, lines: Sequence[str]) -> None:
        """Keep, replace or delete what the Set-Cookie headers of a response of `url` say."""
        if not lines:
            return
        place = _place(url)
        for line in lines:
            name, value, attributes = _parse(line)
            cookie = None if CONTROL.search(line) else _accept(place, name, value, attributes)
            if cookie and (place.is_trusted or not self._shadows_secure_cookie(cookie)):
                self._keep(cookie, _is_over(attributes))

    def header(self, url: SplitResult, configured: str = '') -> str:
        """Return the value of Cookie for a request of `url`, longest path first, or '' if none was set.

        Those of the value that is `configured` come before them, but for what was set anew.
        """
        place = _place(url)
        found = [cookie for cookie in self._cookies.values() if cookie.is_for(place)]
        if not found:
            return ''
        found.sort(key=lambda cookie: -len(cookie.path))
        pairs = [f'{cookie.name}={cookie.value}' if cookie.name else cookie.value for cookie in found]
        names = {cookie.name for cookie in found}
        further = [pair for part in configured.split(';') if (pair := part.strip(BLANKS)) and pair not in pairs]
        return '; '.join([*(pair for pair in further if _parse(pair)[0] not in names), *pairs])

    def clear(self) -> None:
        """Forget all cookies."""
        self._cookies.clear()

    def _keep(self, cookie: Cookie, is_over: bool) -> None:
        if is_over:
            self._cookies.pop(cookie.key, None)
        elif cookie.key in self._cookies or len(self._cookies) < COUNT_LIMIT:
            self._cookies[cookie.key] = cookie

    def _shadows_secure_cookie(self, cookie: Cookie) -> bool:
        """Return whether a cookie would stand in the place of a Secure one (RFC 6265bis, 5.7, 16)."""
        return any(
            old.secure
            and old.name == cookie.name
            and (_domain_matches(old.domain, cookie.domain) or _domain_matches(cookie.domain, old.domain))
            and _path_matches(cookie.path, old.path)
            for old in self._cookies.values()
        )


def _parse(line: str) -> tuple[str, str, dict[str, str]]:
    """Return name, value and attributes of a Set-Cookie value: of an attribute that is there twice, the last."""
    pair, *further = line.split(';')
    name, equals, value = pair.partition('=')
    name, value = (name.strip(BLANKS), value.strip(BLANKS)) if equals else ('', name.strip(BLANKS))
    attributes = {}
    for attribute in further:
        key, _, text = attribute.partition('=')
        text = text.strip(BLANKS)
        if len(text) <= ATTRIBUTE_LIMIT:
            attributes[key.strip(BLANKS).lower()] = text
    return name, value, attributes


def _place(url: SplitResult) -> Place:
    host = url.hostname or ''
    path = request_path(url)
    is_trusted = url.scheme == 'https' or LOOPBACK.fullmatch(host) is not None
    return Place(host, path, path.rpartition('/')[0] or '/', is_trusted)


def _accept(place: Place, name: str, value: str, attributes: dict[str, str]) -> Cookie | None:
    """Return the cookie that a response from `place` may set, or None."""
    host, secure = place.host, 'secure' in attributes
    domain = attributes.get('domain', '').removeprefix('.').lower()
    # Nobody may set cookies for a whole top-level domain, but a host of one label may name itself.
    host_only = not domain or (domain == host and '.' not in domain)
    path = attributes.get('path', '')
    if not path.startswith('/'):
        path = place.default_path
    cookie = Cookie(name, value, host if host_only else domain, host_only, path, secure)
    is_sized = 0 < len(name) + len(value) <= SIZE_LIMIT
    is_own = host_only or ('.' in domain and _domain_matches(host, domain))
    return cookie if is_sized and is_own and _is_trusted_enough(place, cookie, attributes) else None


def _is_trusted_enough(place: Place, cookie: Cookie, attributes: dict[str, str]) -> bool:
    """Return whether a Secure cookie comes over TLS, and one whose name promises more keeps the promise."""
    if cookie.secure and not place.is_trusted:
        return False
    # A cookie without a name is sent as its value alone, which may look like a name.
    name = (cookie.name or cookie.value).lower()
    if name.startswith('__host-'):
        is_of_host = cookie.host_only and 'domain' not in attributes and attributes.get('path') == '/'
        return bool(cookie.name) and cookie.secure and is_of_host
    return not name.startswith('__secure-') or (bool(cookie.name) and cookie.secure)


def _is_over(attributes: dict[str, str]) -> bool:
    """Return whether the attributes delete a cookie: Max-Age, or without it Expires."""
    if match := re.fullmatch('(-?)([0-9]+)', attributes.get('max-age', '')):
        return bool(match[1]) or not match[2].strip('0')
    expires = _date(attributes.get('expires', ''))
    return expires is not None and expires <= datetime.now(UTC)


def _date(text: str) -> datetime | None:
    """Return a date as lenient as browsers read it (RFC 6265bis, 5.1.1)."""
    found: dict[str, re.Match[str]] = {}
    for token in DATE_DELIMITERS.split(text):
        for key, pattern in DATE_TOKENS.items():
            if key not in found and (match := pattern.match(token)):
                found[key] = match
                break
    if len(found) < len(DATE_TOKENS):
        return None
    year = int(found['year'][1])
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    if year < 1601:
        return None
    month, day = MONTHS.index(found['month'][1].lower()) + 1, int(found['day'][1])
    hour, minute, second = map(int, found['time'].groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _domain_matches(host: str, domain: str) -> bool:
    return host == domain or (host.endswith(f'.{domain}') and not ADDRESS.fullmatch(host))


def _path_matches(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith('/') else f'{prefix}/')
