"""What must not be shown, and the mask that hides it in text that others had a say in."""

from __future__ import annotations

import binascii
import html
import json
import re
import sys
import unicodedata
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, unquote_plus, urlsplit

from datadog_checks.base.agent import datadog_agent

MASK = '********'
# In characters. A shorter secret is hidden only where it stands alone: to replace each "a" would make words unreadable
# and betray it. A value that is merely likely to be secret has to be as long as this.
MIN_LENGTH = 4
# Of the secrets that were fetched, such as tokens: a run sends fewer.
MAX_FETCHED = 16
# How many times text may be escaped: percent-encoded in a URL that is quoted in HTML is twice, and not at all is one.
MAX_ESCAPES = 3

UNFOLDED = re.compile(r'[\s+]{2,}|[^\S ]|\+|[\ud800-\udbff][\udc00-\udfff]|[^\x00-\xff]')
NOT_ASCII = re.compile(r'[^\x00-\x7f]+')
TAG = re.compile(r'</?[a-z][^<>]*+>', re.IGNORECASE)
ESCAPE = re.compile(
    r'(?-i:\\U)(?P<long>00[0-9a-f]{6})|\\u\{(?P<braced>[0-9a-f]{1,6})\}|[%\\]u(?P<unicode>[0-9a-f]{4})'
    r'|%(?P<octet>[0-9a-f]{2})|\\x(?P<hex>[0-9a-f]{2})|\\(?P<octal>[0-3][0-7]{2})'
    r'|&(?P<entity>\#?[0-9a-z]{1,40});|\\(?P<character>[\\/"\'bfnrt])',
    re.IGNORECASE,
)
CONTROLS = {'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
# Values in a body that is neither a form nor JSON, such as XML or a query: between tags, and in quotes.
IN_DATA = re.compile(r""">([^<>]+)<|"([^"<>]+)"|'([^'<>]+)'""")

HARMLESS_HEADERS = frozenset(
    {'accept', 'accept-encoding', 'accept-language', 'cache-control', 'content-type', 'host', 'origin', 'user-agent'}
)
# Options that are secret by themselves, wherever they stand.
SECRET_OPTIONS = ('password', 'tls_private_key_password')
# Settings of `auth_token` that only say how a token is fetched.
HARMLESS_SETTINGS = frozenset(
    'audience basic_auth client_id expiration grant_type name path pattern placeholder private_key_path'
    ' resource scope service_account type'.split()
)
# How UTF-8 is misread: browsers take ISO-8859-1 for windows-1252.
MISREAD = ('latin-1', 'cp1252')
# Words before a secret in a header.
SCHEMES = frozenset({'apikey', 'basic', 'bearer', 'digest', 'key', 'token'})
# What the Agent replaces before a check sees it, if a secret backend is configured.
HANDLE = re.compile(r'ENC\[.*\]')


class Mask:
    """Hides secrets in text, in each spelling that a server may repeat them in."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._configured: set[str] = set()
        self._fetched: deque[set[str]] = deque(maxlen=MAX_FETCHED)
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Hide secrets of the configuration from now on."""
        for secret in secrets:
            self._configured |= _spellings(secret)

    def add_fetched(self, secret: str) -> None:
        """Hide a secret that was fetched, such as a token, until many others came after it."""
        if (spellings := _spellings(secret)) not in self._fetched:
            self._fetched.append(spellings)

    def __call__(self, text: str) -> str:
        # Most instances have no secret, and many a page no title and no redirect.
        if not text or not (self._configured or self._fetched):
            return text
        spans = sorted(set(self._spans(text)))
        if not spans:
            return text
        pieces, position = [], 0
        for start, end in spans:
            if start >= position:
                pieces += [text[position:start], MASK]
            position = max(position, end)
        return ''.join([*pieces, text[position:]])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where secrets begin and end in `text`, as it is and with its escapes undone, also those of escapes."""
        secrets = self._configured.union(*self._fetched)
        # The numbers say where each character begins in `text`.
        unescaped = text, cast('Sequence[int]', range(len(text) + 1))
        for _ in range(MAX_ESCAPES):
            for folded, starts in _folds(*unescaped):
                for secret in secrets:
                    for first in _find(secret, folded):
                        last = starts[first + len(secret) - 1]
                        # One character may have become several.
                        yield starts[first], starts[bisect_right(starts, last)]
            escaped, unescaped = unescaped, _replace(ESCAPE, _unescape, *unescaped)
            if escaped == unescaped:
                break


def secrets_of(instance: Mapping[str, Any], init_config: Mapping[str, Any]) -> set[str]:
    """Return the secrets of a configuration: passwords, tokens, query, cookies, header values, and data."""
    found = {value for option in SECRET_OPTIONS for value in leaves(instance.get(option))}
    likely = {*_of_url(instance.get('url')), *_of_headers(instance), *_of_data(instance.get('data'))}
    for proxy in (instance.get('proxy'), init_config.get('proxy'), datadog_agent.get_config('proxy')):
        for url in proxy.values() if isinstance(proxy, Mapping) else ():
            found.update(_credentials(url))
    found.update(_credentials(instance.get('url')), _of_auth_token(instance.get('auth_token')))
    if instance.get('username') and instance.get('password'):
        found.update(_basic(str(instance['username']), str(instance['password'])))
    return {secret for secret in found if secret.strip()} | {secret for secret in likely if len(secret) >= MIN_LENGTH}


def unresolved(instance: Mapping[str, Any]) -> list[str]:
    """Return the options with a value that is a handle of the Agent's secret backend, which nobody has resolved."""
    return [name for name, value in instance.items() if any(map(HANDLE.fullmatch, leaves(value)))]


def _of_url(url: object) -> Iterator[str]:
    """Yield the query and the fragment of a URL, whole and in parts."""
    parts = _split(url)
    yield from (parts.query, parts.fragment)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        yield value or name
    for part in re.split('[&;]', parts.query):
        yield part.partition('=')[2]


def _credentials(url: object) -> Iterator[str]:
    """Yield the user info of a URL: the password, or the name of a user who has none, which is a token then."""
    parts = _split(url)
    username, password = unquote(parts.username or ''), unquote(parts.password or '')
    if parts.username or parts.password:
        yield from (parts.netloc.rpartition('@')[0], password or username, *_basic(username, password))
        # Without a scheme, a proxy's URL is not understood; what it holds is as secret.
        yield parts.password or ''


def _split(url: object) -> SplitResult:
    text = str(url or '')
    try:
        return urlsplit(text if '://' in text else f'//{text}')
    except ValueError:
        return urlsplit('')


def _basic(username: str, password: str) -> set[str]:
    return _base64(f'{username}:{password}')


def _base64(text: str) -> set[str]:
    """Return text as base64 of UTF-8 and of Latin-1, also as URLs have it, with and without padding."""
    encoded = {b64encode(data).decode() for data in (_utf_8(text), text.encode('latin-1', 'replace'))}
    encoded |= {text.replace('+', '-').replace('/', '_') for text in encoded}
    return encoded | {text.rstrip('=') for text in encoded}


def _of_headers(instance: Mapping[str, Any]) -> Iterator[str]:
    for option in ('headers', 'extra_headers'):
        headers = instance.get(option)
        for name, value in headers.items() if isinstance(headers, Mapping) else ():
            if str(name).lower() not in HARMLESS_HEADERS:
                yield str(value)
                yield from _of_header(str(value))


def _of_header(value: str) -> Iterator[str]:
    """Yield the secrets in a header: the token of "Bearer TOKEN", each cookie of "a=1; b=2", a password in base64."""
    scheme, _, rest = value.strip().partition(' ')
    yield from (rest.strip(),) if scheme.lower() in SCHEMES else ()
    yield from (cookie.partition('=')[2].strip() for cookie in value.split(';'))
    for word in re.split(r'[\s;,]+|(?<=[^=])=(?=[^=])', value):
        if word.lower() not in SCHEMES:
            yield from {word, word.strip('"\'')}
            with suppress(binascii.Error, UnicodeDecodeError):
                yield b64decode(word, validate=True).decode().partition(':')[2]


def _of_data(data: object) -> Iterator[str]:
    """Yield the body of a request, and all values in it, be it a form, JSON, XML, or a query."""
    texts = list(leaves(data))
    if isinstance(data, str):
        texts += [value for _, value in parse_qsl(data)]
        with suppress(ValueError, RecursionError):
            texts += leaves(document := json.loads(data))
            texts = texts[1:] if isinstance(document, dict | list) else texts
            yield data
    for text in texts:
        yield text
        for match in IN_DATA.finditer(text):
            yield match[match.lastindex or 0].strip()


def _of_auth_token(auth_token: object) -> Iterator[str]:
    if not isinstance(auth_token, Mapping):
        return
    # Late: few instances need what gets tokens.
    from .fetching.credentials import PLACEHOLDER

    for part in auth_token.values():
        if isinstance(part, Mapping) and part.get('client_secret'):
            yield from _basic(str(part.get('client_id', '')), str(part['client_secret']))
        for name, value in part.items() if isinstance(part, Mapping) else ():
            if name == 'value':
                yield from _of_header(str(value).replace(str(part.get('placeholder') or PLACEHOLDER), ' ', 1))
            elif str(name).endswith('url'):
                yield from _credentials(value)
                yield from _of_url(value)
            elif name == 'options':
                yield from _of_auth_token({name: value})
            elif name not in HARMLESS_SETTINGS:
                yield from leaves(value)


def leaves(value: object) -> Iterator[str]:
    """Yield every value that is no mapping and no list as a string."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from leaves(part)
    elif value is not None and not isinstance(value, bool):
        # Python writes no number of more than 4,300 digits.
        with suppress(ValueError):
            yield str(value)


def _spellings(secret: str) -> set[str]:
    """Return a secret as it is, decoded, in base64, respelled, and misread, all of them folded."""
    spellings = {secret, unquote(secret), unquote_plus(secret), html.unescape(secret)}
    if len(secret) >= MIN_LENGTH:
        spellings |= {encoded for spelling in spellings for encoded in _base64(spelling)}
    if not secret.isascii():
        spellings |= {unicodedata.normalize(form, secret) for form in ('NFC', 'NFD')}
        spellings |= {change(spelling) for spelling in spellings for change in (str.upper, str.lower)}
        spellings.add(secret.encode('ascii', 'replace').decode())
        spellings |= {_utf_8(spelling).decode(charset, 'replace') for spelling in spellings for charset in MISREAD}
    unescaped = {_replace(ESCAPE, _unescape, spelling, range(len(spelling) + 1))[0] for spelling in spellings}
    # With what follows it, a backslash at the end is an escape; in the path of a URL, each is a slash.
    spellings |= unescaped | {spelling.rstrip('\\') for spelling in unescaped}
    spellings |= {spelling.replace('\\', '/') for spelling in (secret, json.dumps(secret)[1:-1])}
    return {folded for spelling in spellings for folded in _folded(spelling)}


def _folded(spelling: str) -> Iterator[str]:
    """Yield a spelling as it is looked for: whole, and without what `_folds` drops, if enough is left."""
    whole, *parts = [text.strip() for text, _ in _folds(spelling, range(len(spelling) + 1))]
    yield from filter(None, [whole])
    yield from (part for part in parts if len(part) >= max(MIN_LENGTH, len(spelling) / 3))


def _find(secret: str, text: str) -> Iterator[int]:
    """Yield where `secret` begins in `text`: a short one only where it stands alone."""
    start = text.find(secret)
    while start >= 0:
        around = text[max(start - 1, 0) : start] + text[start + len(secret) :][:1]
        if len(secret) >= MIN_LENGTH or not re.search(r'\w', around):
            yield start
        start = text.find(secret, start + 1)


def _folds(text: str, starts: Sequence[int]) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield `text` in lower case and Latin-1 with single blanks, and where in the original each character begins.

    Text that is not ASCII comes once more, without what a wrong encoding changes and what nobody sees, and text with
    markup without that.
    """
    text, starts = _replace(UNFOLDED, _fold_match, text, starts)
    text = text.lower()
    yield text, starts
    for dropped in (NOT_ASCII, TAG):
        if dropped.search(text):
            text, starts = _replace(dropped, lambda _: '', text, starts)
            yield text, starts


def _fold_match(match: re.Match[str]) -> str:
    # To a form, a plus is a blank.
    if match[0].replace('+', ' ').isspace():
        return ' '
    # JSON has two escapes for one character of these.
    character = match[0].encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')
    return _utf_8(character.lower()).decode('latin-1')


def _unescape(match: re.Match[str]) -> str:
    """Return what an escape of URLs, HTML, JSON, or Python stands for: bytes as characters of Latin-1."""
    if match['octal']:
        return chr(int(match['octal'], 8))
    if code := next(filter(None, match.group('long', 'braced', 'unicode', 'octet', 'hex')), ''):
        return chr(min(int(code, 16), sys.maxunicode))
    if match['entity']:
        return html.unescape(match[0])
    return CONTROLS.get(match['character'], match['character'])


def _replace(
    pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str, starts: Sequence[int]
) -> tuple[str, Sequence[int]]:
    """Return `text` with each match replaced, and where in the original each character begins."""
    pieces: list[str] = []
    numbers: list[int] = []
    position = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        replaced = replace(match)
        pieces += [text[position:start], replaced]
        numbers += starts[position:start]
        numbers += [starts[start]] * len(replaced)
        position = end
    if not pieces:
        return text, starts
    return ''.join([*pieces, text[position:]]), [*numbers, *starts[position:]]


def _utf_8(text: str) -> bytes:
    return text.encode(errors='surrogatepass')
