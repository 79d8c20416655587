"""The rules that spec.yaml cannot say. No message repeats a URL: it may hold a password."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from datadog_checks.awesome.encoding import codec
from datadog_checks.awesome.normalization import normalize
from datadog_checks.awesome.search import compile_pattern

Validator = Callable[..., Any]


def optional(validate: Callable[[Any], Any]) -> Validator:
    """Let `option:` without a value be as if it was not there."""
    return lambda value, **_: None if value is None else validate(value)


def url(value: Any, **_: Any) -> str:
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


def strings(value: Any, **_: Any) -> Any:
    for string in value if isinstance(value, list | tuple) else [value]:
        if text(string) == '':
            raise ValueError('must not be empty: every page contains the empty string')
    if not value:
        raise ValueError('must have at least one string')
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f'must be a string, not {_yaml_type(value)}: put it in quotes')
    return value


def encoding(value: Any) -> str:
    if not codec(text(value)):
        raise ValueError(f'must be an encoding of web pages, such as utf-8, windows-1252 or shift_jis, not {value!r}')
    return value


def status_code(value: Any) -> str:
    try:
        re.compile(text(value))
    except re.error as e:
        raise ValueError(f'must be a regular expression, such as (200|404): {e}') from None
    return value


def seconds(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueError('must be a number of seconds above 0')
    return value


def size(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError('must be a number of bytes, 1 or more')
    return value


def data(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError(f'must be a string or a mapping, not {_yaml_type(value)}')
    return value


instance_url = url
instance_search_string = strings
instance_forbidden_string = optional(strings)
instance_encoding = optional(encoding)
instance_http_response_status_code = optional(status_code)
instance_method = optional(lambda value: text(value).upper())
instance_name = optional(text)
instance_data = optional(data)
instance_max_body_size = optional(size)
instance_timeout = shared_timeout = instance_connect_timeout = instance_read_timeout = optional(seconds)


def check_instance(model: Any) -> Any:
    """Check what depends on more than one option; pydantic does not say where it was, so the messages do."""
    for option in ('search_string', 'forbidden_string'):
        value = getattr(model, option) or ()
        for string in (value,) if isinstance(value, str) else value:
            try:
                if model.regex:
                    compile_pattern(string, model.case_sensitive)
                elif model.search_in == 'text' and not normalize(string):
                    raise ValueError('must not be blank: every text contains white space')
            except ValueError as e:
                raise ValueError(f'{option}: {e}') from None
    return model


def _yaml_type(value: Any) -> str:
    names = {bool: 'a boolean', int: 'a number', float: 'a number', date: 'a date', dict: 'a mapping', list: 'a list'}
    return names.get(type(value), 'nothing')
