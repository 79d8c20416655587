"""Each configuration error names the option, what is wrong with it and what would be right."""

from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base import ConfigurationError

pytestmark = pytest.mark.unit

VALID = {'url': 'http://localhost:8000/', 'search_string': 'nginx'}


def error_of(**options: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        AwesomeCheck('awesome', {}, [{}]).check({**VALID, **options})
    return str(error.value)


@pytest.mark.parametrize(
    ('url', 'reason'),
    [
        ('', 'must be the URL of a page, such as http://localhost:8000/'),
        (None, 'must be the URL of a page, such as http://localhost:8000/'),
        (8000, 'must be the URL of a page, such as http://localhost:8000/'),
        ('localhost', 'must start with http:// or https://, not with a host or a path'),
        ('/index.html', 'must start with http:// or https://, not with a host or a path'),
        ('localhost:8000', 'must start with http:// or https://, not with localhost'),
        ('ftp://localhost/', 'must start with http:// or https://, not with ftp'),
        ('http://', 'must have a host and, if any, a port from 1 to 65535'),
        ('http://:8000/', 'must have a host and, if any, a port from 1 to 65535'),
        ('http://localhost:0/', 'must have a host and, if any, a port from 1 to 65535'),
        ('http://localhost:65536/', 'must have a host and, if any, a port from 1 to 65535'),
        ('http://localhost:http/', 'must have a host and, if any, a port from 1 to 65535'),
        ('http://[::1/', 'must have a host and, if any, a port from 1 to 65535'),
    ],
)
def test_url(url: Any, reason: str) -> None:
    assert error_of(url=url).splitlines()[1:] == ['url', f'  Value error, {reason}']


@pytest.mark.parametrize(
    ('search_string', 'reason'),
    [
        ('', 'must not be empty: every page contains the empty string'),
        (None, 'must be a string, not nothing: put it in quotes'),
        (404, 'must be a string, not a number: put it in quotes'),
        (1e3, 'must be a string, not a number: put it in quotes'),
        (True, 'must be a string, not a boolean: put it in quotes'),
        ({}, 'must be a string, not a mapping: put it in quotes'),
    ],
)
def test_search_string(search_string: Any, reason: str) -> None:
    assert error_of(search_string=search_string).splitlines()[1:] == ['search_string', f'  Value error, {reason}']


def test_url_with_a_password_is_not_repeated() -> None:
    assert 'secret' not in error_of(url='http://user:secret@localhost:http/')


def test_nothing_is_submitted_for_an_invalid_instance(aggregator: Any) -> None:
    error_of(url='localhost')

    assert not aggregator.service_check_names
    assert not aggregator.metric_names


def test_misspelt_option_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    AwesomeCheck('awesome', {}, [{**VALID, 'search_strings': 'nginx'}]).load_configuration_models()

    assert '`search_strings`. Did you mean search_string' in caplog.text
