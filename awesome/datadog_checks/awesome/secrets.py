"""What of the configuration must appear nowhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from datadog_checks.base.agent import datadog_agent

# Replacing every "1" of a message would protect nothing.
MIN_LENGTH = 6
HARMLESS_HEADERS = frozenset(
    {'accept', 'accept-encoding', 'accept-language', 'cache-control', 'content-type', 'host', 'origin', 'user-agent'}
)


def secrets(instance: Mapping[str, Any], init_config: Mapping[str, Any]) -> set[str]:
    """Give the passwords, query strings, header values and data of a configuration, as a server may repeat them."""
    found = {*_of_url(instance.get('url', '')), *_of_credentials(instance.get('username'), instance.get('password'))}
    for option in ('headers', 'extra_headers'):
        for name, value in (instance.get(option) or {}).items():
            if str(name).lower() not in HARMLESS_HEADERS:
                # Of "Bearer TOKEN", the token alone is secret too.
                found.update([str(value), *str(value).split()])
    data = instance.get('data') or ''
    found.update([data] if isinstance(data, str) else map(str, data.values()))
    for proxy in (instance.get('proxy'), init_config.get('proxy'), datadog_agent.get_config('proxy')):
        for url in (proxy or {}).values():
            found.update(_of_url(url) if isinstance(url, str) else ())
    # The scheme and the host that a server redirects to are shown in lower case.
    found.update({secret.lower() for secret in found})
    return {secret for secret in found if len(secret) >= MIN_LENGTH}


def _of_url(url: str) -> Iterator[str]:
    parts = urlsplit(url if '://' in url else f'//{url}')
    yield from _of_credentials(parts.username, parts.password)
    yield parts.query
    yield parts.fragment
    for _, value in parse_qsl(parts.query):
        yield value


def _of_credentials(username: str | None, password: str | None) -> Iterator[str]:
    if password:
        yield from (password, unquote(password))
        yield b64encode(f'{unquote(username or "")}:{unquote(password)}'.encode()).decode()
