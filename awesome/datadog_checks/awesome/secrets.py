"""What must not be shown, and the mask that hides it in text that others had a say in."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, unquote_plus, urlsplit

from datadog_checks.base.agent import datadog_agent

MASK = '********'
# In characters. A shorter secret is hidden only where it stands alone: to replace each "a" would make words unreadable
# and betray it. A value that is merely likely to be secret has to be as long as this.
MIN_LENGTH = 4
# In characters: of a longer secret its beginning stands for the whole, whatever follows it.
MAX_LENGTH = 1024

HARMLESS_HEADERS = frozenset(
    {'accept', 'accept-encoding', 'accept-language', 'cache-control', 'content-type', 'host', 'origin', 'user-agent'}
)
# Options that are secret by themselves, wherever they stand.
SECRET_OPTIONS = ('password', 'tls_private_key_password')
# Settings of `auth_token` that only say how a token is got.
HARMLESS_SETTINGS = frozenset(
    'audience basic_auth client_id expiration grant_type login_url name path pattern placeholder private_key_path resource'
    ' scope service_account type url'.split()
)
# Words before a secret in a header.
SCHEMES = frozenset({'', 'apikey', 'basic', 'bearer', 'digest', 'key', 'token'})
# What the Agent replaces before a check sees it, if a secret backend is configured.
HANDLE = re.compile(r'ENC\[.*\]')


class Mask:
    """Hides secrets in text, in each spelling that a server may repeat them in."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Hide `secrets` from now on."""
        new = {spelling for secret in secrets for spelling in _spellings(secret)} - self._secrets
        if new:
            self._secrets |= new
            # The longest first: one secret may begin another.
            longest_first = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
            self._pattern = re.compile('|'.join(map(_pattern, longest_first)), re.IGNORECASE)

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text


def secrets_of(instance: Mapping[str, Any], init_config: Mapping[str, Any]) -> set[str]:
    """Return the secrets of a configuration: passwords, tokens, query, cookies, header values, and data."""
    found = {value for option in SECRET_OPTIONS for value in leaves(instance.get(option))}
    likely = {*_of_url(instance.get('url')), *_of_headers(instance), *_of_data(instance.get('data'))}
    for proxy in (instance.get('proxy'), init_config.get('proxy'), datadog_agent.get_config('proxy')):
        for url in proxy.values() if isinstance(proxy, Mapping) else ():
            found.update(_credentials(url))
    found.update(_credentials(instance.get('url')), _of_auth_token(instance.get('auth_token')))
    if instance.get('username') and instance.get('password'):
        found.add(_basic(str(instance['username']), str(instance['password'])))
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
    for part in parts.query.split('&'):
        yield part.partition('=')[2]


def _credentials(url: object) -> Iterator[str]:
    """Yield the user info of a URL: the password, or the name of a user who has none, which is a token then."""
    parts = _split(url)
    username, password = unquote(parts.username or ''), unquote(parts.password or '')
    if parts.username or parts.password:
        yield from (parts.netloc.rpartition('@')[0], password or username, _basic(username, password))
        # Without a scheme, a proxy's URL is not understood; what it holds is as secret.
        yield parts.password or ''


def _split(url: object) -> SplitResult:
    text = str(url or '')
    try:
        return urlsplit(text if '://' in text else f'//{text}')
    except ValueError:
        return urlsplit('')


def _basic(username: str, password: str) -> str:
    return b64encode(f'{username}:{password}'.encode()).decode()


def _of_headers(instance: Mapping[str, Any]) -> Iterator[str]:
    for option in ('headers', 'extra_headers'):
        headers = instance.get(option)
        for name, value in headers.items() if isinstance(headers, Mapping) else ():
            if str(name).lower() not in HARMLESS_HEADERS:
                yield str(value)
                # Of "Bearer TOKEN" the token is secret by itself, of "a=1; b=2" each cookie's value.
                words = re.split(r'[\s;,]+|(?<=[^=])=(?=[^=])', str(value))
                yield from (word for word in words if word.lower() not in SCHEMES)


def _of_data(data: object) -> Iterator[str]:
    """Yield the body of a request, and all values in it, be it a form or JSON."""
    yield from leaves(data)
    if isinstance(data, str):
        for _, value in parse_qsl(data):
            yield value
        try:
            yield from leaves(json.loads(data))
        except (ValueError, RecursionError):
            pass


def _of_auth_token(auth_token: object) -> Iterator[str]:
    for part in auth_token.values() if isinstance(auth_token, Mapping) else ():
        for name, value in part.items() if isinstance(part, Mapping) else ():
            if name == 'value':
                # Beside the placeholder of the token.
                yield from (word for word in str(value).split() if '<' not in word and word.lower() not in SCHEMES)
            elif name.endswith('url'):
                yield from _credentials(value)
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
        yield str(value)


def _spellings(secret: str) -> set[str]:
    """Return a secret as it is and decoded, and what it is in base64."""
    spellings = {secret, unquote(secret), unquote_plus(secret), html.unescape(secret)}
    spellings |= {
        b64encode(spelling.encode()).decode().rstrip('=') for spelling in spellings if len(secret) >= MIN_LENGTH
    }
    return {' '.join(spelling.split())[:MAX_LENGTH] for spelling in spellings if spelling.strip()}


def _pattern(secret: str) -> str:
    """Return an expression for a secret in which each character may be escaped in the way of URLs, HTML, or JSON."""
    body = ''.join(map(_character, secret))
    return body if len(secret) >= MIN_LENGTH else rf'(?<!\w){body}(?!\w)'


def _character(character: str) -> str:
    if character == ' ':
        return r'(?:\s|%20|\+)+'
    raw, code = character.encode(), ord(character)
    spelled = [re.escape(character), ''.join(f'%{byte:02x}' for byte in raw), rf'&#0*{code};', rf'&#x0*{code:x};']
    spelled += [rf'\\u{code:04x}', rf'\\{re.escape(character)}'] if not character.isalnum() or code > 127 else []
    if code > 127:
        # UTF-8 that was read as Latin-1, raw and as Python shows bytes.
        spelled += [re.escape(raw.decode('latin-1')), ''.join(rf'\\x{byte:02x}' for byte in raw), rf'\\x{code:02x}']
    elif named := html.escape(character)[1:]:
        spelled.append(f'&{named}')
    return f'(?:{"|".join(spelled)})'
