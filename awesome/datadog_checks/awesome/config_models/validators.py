"""The rules that spec.yaml cannot say. Their messages never repeat a URL: it may hold a password."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlsplit


def instance_url(value: Any, **_: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError('must be the URL of a page, such as http://localhost:8000/')
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError('must have a host and, if any, a port from 1 to 65535') from None
    if parts.scheme not in ('http', 'https'):
        raise ValueError(f'must start with http:// or https://, not with {parts.scheme or "a host or a path"}')
    if not parts.hostname or port == 0:
        raise ValueError('must have a host and, if any, a port from 1 to 65535')
    return value


def instance_search_string(value: Any, **_: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f'must be a string, not {_yaml_type(value)}: put it in quotes')
    if not value:
        raise ValueError('must not be empty: every page contains the empty string')
    return value


def _yaml_type(value: Any) -> str:
    names = {bool: 'a boolean', int: 'a number', float: 'a number', date: 'a date', dict: 'a mapping', list: 'a list'}
    return names.get(type(value), 'nothing')
