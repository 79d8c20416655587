"""A configuration as it may be shown: what an option keeps secret is masked there, and the rest is as it was written.

The mask for what servers send would also change a search string that happens to be the value of a query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult

from datadog_checks.awesome.config_models import InstanceConfig
from datadog_checks.awesome.fetching.urls import parse_url
from datadog_checks.awesome.secrets import (
    HANDLE,
    HARMLESS_HEADERS,
    HARMLESS_SETTINGS,
    MASK,
    SECRET_OPTIONS,
    Mask,
    secrets_of,
)

# No model has the others.
KNOWN = InstanceConfig.model_fields.keys() | {'no_proxy', 'tls_intermediate_ca_certs'}


def masked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of an instance or of an `init_config` without its secrets."""
    return {option: _option(str(option), value) for option, value in options.items()}


def hides_unknown(configuration: Mapping[str, Any]) -> bool:
    """Return whether the value of an option that nobody knows is masked."""
    return any(
        option not in KNOWN and option not in SECRET_OPTIONS and MASK in str(value)
        for options in (configuration.get('init_config', {}), *configuration['instances'])
        for option, value in options.items()
    )


def _option(option: str, value: Any) -> Any:
    if option in SECRET_OPTIONS or option == 'data':
        return _each_leaf(value, _hide)
    if option in ('headers', 'extra_headers') and isinstance(value, Mapping):
        return {
            name: header if str(name).lower() in HARMLESS_HEADERS else _hide(header) for name, header in value.items()
        }
    if option in ('url', 'final_url') and isinstance(value, str):
        return _url(value)
    if option == 'auth_token':
        return _auth_token(value)
    if option == 'proxy':
        return _each_leaf(value, _mask_of({'proxy': value}))
    # An option that nobody knows may be a misspelt one, with a secret.
    return _each_leaf(value, lambda leaf: _hide(leaf) if option not in KNOWN and isinstance(leaf, str) else leaf)


def _auth_token(value: Any, name: str = '', placeholder: Any = None) -> Any:
    """Mask all settings but those that only say how a token is fetched."""
    if isinstance(value, Mapping):
        return {name: _auth_token(part, str(name), value.get('placeholder')) for name, part in value.items()}
    if name == 'value' or name.endswith('url'):
        # Beside a placeholder, or in a URL: part of the text.
        return _each_leaf(value, _mask_of({'auth_token': {'writer': {name: value, 'placeholder': placeholder}}}))
    return _each_leaf(value, (lambda leaf: leaf) if name in HARMLESS_SETTINGS else _hide)


def _url(url: str) -> str:
    try:
        parts = parse_url(url)
    except ValueError:
        return str(_mask_of({'url': url})(url))
    if not (parts.query or parts.fragment or '@' in parts.netloc):
        return url
    host = parts.netloc.rpartition('@')[2]
    netloc = f'{MASK}@{host}' if '@' in parts.netloc else host
    query, fragment = (part and MASK for part in (parts.query, parts.fragment))
    return SplitResult(parts.scheme, netloc, parts.path, query, fragment).geturl()


def _mask_of(options: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return what hides in text the secrets of some options, and no others."""
    mask = Mask(secrets_of(options, {}))
    # The handle of a secret that the Agent keeps elsewhere is none.
    return lambda leaf: mask(leaf) if isinstance(leaf, str) and not HANDLE.fullmatch(leaf) else leaf


def _hide(value: Any) -> Any:
    if value is None or isinstance(value, bool) or (isinstance(value, str) and HANDLE.fullmatch(value)):
        return value
    return MASK


def _each_leaf(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of `value` in which each part that has no parts has been changed."""
    if isinstance(value, Mapping):
        return {name: _each_leaf(part, change) for name, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [_each_leaf(part, change) for part in value]
    return change(value)
