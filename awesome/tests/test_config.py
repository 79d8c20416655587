"""Each configuration error names the option, what is wrong with it and what would be right."""

from datetime import date, datetime
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.config_models import validators
from datadog_checks.base import ConfigurationError

from .conftest import error_of

pytestmark = pytest.mark.unit

ENCODINGS = 'such as utf-8, windows-1252 or shift_jis'
VALID = {'url': 'http://localhost:8000/', 'search_string': 'nginx'}


@pytest.mark.parametrize(
    ('url', 'reason'),
    [
        ('', 'must be the URL of a page, such as http://localhost:8000/'),
        (8000, 'must be the URL of a page, such as http://localhost:8000/'),
        ('localhost', 'must start with http:// or https:// and a host'),
        ('/index.html', 'must start with http:// or https:// and a host'),
        ('localhost:8000', 'must start with http:// or https:// and a host'),
        ('ftp://localhost/', 'must start with http:// or https:// and a host'),
        ('http://', 'must have a host'),
        ('http://:8000/', 'must have a host'),
        ('http://localhost:0/', 'must have a port from 1 to 65535, or none'),
        ('http://localhost:65536/', 'must have a port from 1 to 65535, or none'),
        ('http://localhost:http/', 'must have a port from 1 to 65535, or none'),
        ('http://[::1/', 'must have a valid IPv6 address in brackets'),
    ],
)
def test_url(url: Any, reason: str) -> None:
    assert error_of(url=url).splitlines()[1:] == ['url', f'  Value error, {reason}']


STRINGS = [
    ('', 'must not be empty: every page contains the empty string'),
    (['a', ''], 'must not be empty: every page contains the empty string'),
    ([], 'must have at least one string'),
    (404, 'must be a string, not a number: put it in quotes'),
    (1e3, 'must be a string, not a number: put it in quotes'),
    (True, 'must be a string, not a boolean: put it in quotes'),
    (['a', True], 'must be a string, not a boolean: put it in quotes'),
    (['a', None], 'is empty: give the string that the page must contain'),
    (date(2026, 1, 1), 'must be a string, not a date: put it in quotes'),
    ({}, 'must be a string, not a mapping: put it in quotes'),
]
SECONDS = 'must be a number of seconds above 0'
DATA = 'a must be a value of a form, or a list of them: write JSON as a string'
SURROGATE = 'must have no half of a surrogate pair (\\ud800 to \\udfff)'
BYTES = 'must be a number of bytes, 1 or more'
INTERVAL = 'must be a number of seconds, 0 or more'
NAMES = 'has a name that is a boolean, not a string: put it in quotes'
ONE_LINE = 'must be one line without control characters'
ONE_LINE_OPTIONS = [
    *('username', 'password', 'ntlm_domain', 'aws_host', 'aws_region', 'aws_service'),
    *('kerberos_cache', 'kerberos_hostname', 'kerberos_keytab', 'kerberos_principal'),
]
PROXY = 'must be a mapping such as {https: http://proxy:3128}'
VERSIONS = 'TLSv1, TLSv1.1, TLSv1.2, TLSv1.3'


@pytest.mark.parametrize(
    ('option', 'value', 'reason'),
    [
        *(('search_string', value, reason) for value, reason in STRINGS),
        *(('forbidden_string', value, reason) for value, reason in STRINGS),
        ('encoding', 'rot13', f"must be an encoding of web pages, {ENCODINGS}, not 'rot13'"),
        ('encoding', '', f"must be an encoding of web pages, {ENCODINGS}, not ''"),
        ('encoding', 1252, 'must be a string, not a number: put it in quotes'),
        ('max_body_size', 0, BYTES),
        ('max_body_size', 1.5, BYTES),
        ('max_body_size', '4 MB', BYTES),
        ('max_body_size', True, BYTES),
        ('timeout', 0, SECONDS),
        ('timeout', -1, SECONDS),
        ('timeout', float('nan'), SECONDS),
        ('timeout', float('inf'), SECONDS),
        ('timeout', '10s', SECONDS),
        ('timeout', 1e6, SECONDS),
        ('connect_timeout', 0, SECONDS),
        ('read_timeout', 0, SECONDS),
        (
            'http_response_status_code',
            '(2',
            'must be a regular expression, such as (200|404): missing ), unterminated subpattern at position 0',
        ),
        (
            'http_response_status_code',
            '2xx',
            'matches no status code from 100 to 999: must be a regular expression, such as 2..',
        ),
        (
            'http_response_status_code',
            '1xx',
            'matches no status code from 100 to 999: must be a regular expression, such as 1..',
        ),
        (
            'http_response_status_code',
            'OK',
            'matches no status code from 100 to 999: must be a regular expression, such as 2.. or (200|404)',
        ),
        ('http_response_status_code', 200, 'must be a string, not a number: put it in quotes'),
        ('http_response_status_code', [200, 503], "must be a string, not a list, such as '200|503'"),
        ('name', 1, 'must be a string, not a number: put it in quotes'),
        ('name', ['a'], 'must be a string, not a list'),
        ('tags', [{'team': 'shop'}], 'must be a string, not a mapping, such as team:shop'),
        ('tags', [1], 'must be a string, not a number: put it in quotes'),
        ('data', 1, 'must be a string or a mapping, not a number'),
        ('data', {'a': {'b': 'c'}}, DATA),
        ('data', {'a': ['b', ['c']]}, DATA),
        ('data', {'a': '\ud800'}, SURROGATE),
        ('data', '\ud800', SURROGATE),
        ('password', '\ud800', SURROGATE),
        ('service', 1, 'must be a string, not a number: put it in quotes'),
        ('headers', {'X-Key': 'a\nb'}, 'the value of X-Key must be one line without control characters'),
        ('headers', {'X-Key': 'a\x7f'}, 'the value of X-Key must be one line without control characters'),
        (
            'headers',
            {'X-Key': '€'},
            'the value of X-Key must have only characters of ISO-8859-1: encode the others',
        ),
        ('auth_type', 'oauth', "must be one of aws, basic, digest, kerberos, ntlm, not 'oauth'"),
        ('headers', 'X-Key: a', 'must be a mapping such as {X-Key: value}, not a string'),
        ('headers', {'X-Key': ['a']}, 'X-Key must have a string as its value, not a list'),
        ('headers', {'X-Key': {}}, 'X-Key must have a string as its value, not a mapping'),
        ('headers', {'X-Key': None}, 'X-Key must have a string as its value, not nothing'),
        ('headers', {'content-length': '5'}, 'must be without content-length: the check sets it'),
        ('extra_headers', {'Transfer-Encoding': 'chunked'}, 'must be without Transfer-Encoding: the check sets it'),
        ('tls_verify', 'never', "must be true or false, not 'never'"),
        ('use_legacy_auth_encoding', 'latin', "must be true or false, not 'latin'"),
        ('tls_ciphers', 'ALL', 'must be a list, not a string'),
        (
            'tls_protocols_allowed',
            ['TLSv9'],
            "must be a list of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3: 'TLSv9' is none of them",
        ),
        ('proxy', {'no_proxy': 'a,b'}, 'no_proxy: must be a list, not a string'),
        ('proxy', {'htpp': 'http://p:3128'}, f"{PROXY}: 'htpp' is none of http, https, and no_proxy"),
        ('tls_protocols_allowed', ['SSLv3'], f'must have one of {VERSIONS}: no server of today speaks SSLv3'),
        ('tls_verify', b'x', 'must be true or false, not binary data'),
        ('tls_verify', datetime(2026, 1, 1), 'must be true or false, not a date'),
        *((option, 'a\0b', ONE_LINE) for option in ONE_LINE_OPTIONS),
        *((option, 'a\r\nX-Key: b', ONE_LINE) for option in ONE_LINE_OPTIONS),
        *((option, 'é', 'must have only characters of ASCII') for option in ('aws_host', 'aws_region', 'aws_service')),
        ('data', {'\ud800': 'a'}, SURROGATE),
        *((option, {True: 'a'}, NAMES) for option in ('headers', 'extra_headers', 'search_header', 'data')),
        ('data', {None: 'a'}, 'has a name that is nothing, not a string: put it in quotes'),
        *(('min_collection_interval', value, INTERVAL) for value in (-1, True, float('nan'), float('inf'))),
        ('url', 'http://me:a%0Ab@localhost/', 'must have a user name and password without control characters'),
    ],
)
def test_option(option: str, value: Any, reason: str) -> None:
    assert error_of(**{option: value}).splitlines()[1:] == [option, f'  Value error, {reason}']


@pytest.mark.parametrize(
    ('option', 'accepted'),
    [
        ('search_mode', 'all or any'),
        ('search_in', 'source or text'),
        ('addresses', 'all or any'),
        ('ip_protocol', 'any, ip4, or ip6'),
        ('kerberos_auth', 'required, optional, or disabled'),
        ('method', 'GET, POST, PUT, PATCH, DELETE, HEAD, or OPTIONS'),
    ],
)
def test_option_of_few_values(option: str, accepted: str) -> None:
    for value, shown in (('NONSENSE', "'NONSENSE'"), (True, 'a boolean'), (['all'], 'a list')):
        reason = f'must be {accepted}, not {shown}'
        assert error_of(**{option: value}).splitlines()[1:] == [option, f'  Value error, {reason}']


@pytest.mark.parametrize('option', ['search_string', 'forbidden_string'])
def test_regular_expression_that_does_not_compile(option: str) -> None:
    error = error_of(**{option: ['a', '(b']}, regex=True)

    assert error.endswith(f"Value error, {option}: '(b' is not a regular expression: unclosed group")


@pytest.mark.parametrize('option', ['search_string', 'forbidden_string'])
def test_blank_string_in_visible_text(option: str) -> None:
    error = error_of(**{option: ' \n'}, search_in='text')

    assert error.endswith(f'Value error, {option}: must not be blank: every page contains white space')


@pytest.mark.parametrize('option', ['url', 'search_string'])
def test_required_option(option: str) -> None:
    with pytest.raises(ConfigurationError, match=f'error, {option}: is required'):
        AwesomeCheck('awesome', {}, [{}]).check({name: value for name, value in VALID.items() if name != option})


def test_shared_timeout() -> None:
    check = AwesomeCheck('awesome', {'timeout': 0}, [VALID])

    assert 'timeout\\n  Value error, must be a number of seconds above 0' in check.run()


@pytest.mark.parametrize('option', ['encoding', 'max_body_size', 'method', 'regex', 'search_in', 'timeout', 'tags'])
def test_option_without_a_value_is_as_if_not_there(option: str, aggregator: Any) -> None:
    check = AwesomeCheck('awesome', {}, [{'url': 'http://127.0.0.1:1/', 'search_string': 'a', option: None}])

    assert check.run() == ''
    assert 'connection refused' in aggregator.service_checks('awesome.search')[0].message


def test_url_with_a_password_is_not_repeated() -> None:
    assert 'secret' not in error_of(url='http://user:secret@localhost:http/')


def test_nothing_is_submitted_for_an_invalid_instance(aggregator: Any) -> None:
    error_of(url='localhost')

    assert not aggregator.service_check_names
    assert not aggregator.metric_names


@pytest.mark.parametrize('name', ['Authorization: Bearer hunter22', 'hunter22 ', ''])
def test_name_of_a_header_that_is_none_is_not_repeated(name: str) -> None:
    error = error_of(headers={'Accept': '*/*', name: 'hunter22'})

    assert error.endswith('error, must have names of letters, digits, and hyphens: that of header 2 has others')


@pytest.mark.parametrize('character', "!#$%&'*+-.^_`|~09azAZ")
def test_character_of_a_header_name(character: str) -> None:
    headers = {f'X{character}': 'a'}

    assert validators.headers(headers) == validators.header_rules(headers) == headers


@pytest.mark.parametrize('character', ' "(),/:;<=>?@[\\]{}é\n')
def test_character_of_no_header_name(character: str) -> None:
    for validate in (validators.headers, validators.header_rules):
        with pytest.raises(ValueError, match='letters, digits, and hyphens'):
            validate({f'X{character}': 'a'})


@pytest.mark.parametrize('value', [True, False, *'true yes on y 1 false no off n 0 Yes FALSE'.split()])
def test_boolean(value: Any) -> None:
    assert validators.boolean(value) is value


def test_size() -> None:
    assert validators.size(1) == 1


@pytest.mark.parametrize('code', ['100', '999', '(200|404)', '...', '5..'])
def test_status_codes(code: str) -> None:
    assert validators.status_code(code) == code


def test_login_in_the_url_suffices() -> None:
    options = {**VALID, 'url': 'http://me:pw@localhost/', 'auth_type': 'digest'}

    AwesomeCheck('awesome', {}, [options]).load_configuration_models()


@pytest.mark.parametrize('scheme', ['http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h'])
def test_url_of_a_proxy(scheme: str) -> None:
    proxy = {'http': f'{scheme}://me:pw@proxy:1', 'https': f'{scheme}://proxy', 'no_proxy': ['a']}

    assert validators.proxy(proxy) == proxy
    for port in (0, 65536):
        with pytest.raises(ValueError, match='http must be the URL of a proxy'):
            validators.proxy({'http': f'{scheme}://proxy:{port}'})


@pytest.mark.parametrize(
    ('auth_type', 'package'),
    [('aws', 'aws_requests_auth'), ('kerberos', 'requests_kerberos'), ('NTLM', 'requests_ntlm')],
)
def test_login_without_its_package(auth_type: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validators, 'find_spec', lambda name: name != package)
    for other in {'aws', 'basic', 'digest', 'kerberos', 'ntlm'} - {auth_type.lower()}:
        assert validators.auth_type(other) == other

    with pytest.raises(ValueError, match=f'{auth_type} needs the Python package {package}, which is not installed'):
        validators.auth_type(auth_type)


@pytest.mark.parametrize(
    ('option', 'value', 'login'), [('ntlm_domain', 'D\\me', 'ntlm'), ('kerberos_auth', 'required', 'kerberos')]
)
def test_login_that_is_inferred_without_its_package(
    option: str, value: str, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validators, 'find_spec', lambda name: None)

    told = f'{option}: {login} needs the Python package requests_{login}, which is not installed'
    assert told in error_of(**{option: value, 'password': 'p'})


@pytest.mark.parametrize('option', ['username', 'password'])
def test_login_that_iso_8859_1_cannot_send(option: str) -> None:
    login = {'username': 'é', 'password': 'ü', option: '€'}

    assert 'set use_legacy_auth_encoding: false to send them in UTF-8' in error_of(**login)
    AwesomeCheck('awesome', {}, [{**VALID, **login, 'use_legacy_auth_encoding': False}]).load_configuration_models()


@pytest.mark.parametrize(
    ('options', 'missing'),
    [
        ({'auth_type': 'aws', 'aws_host': 'h', 'aws_service': 's'}, 'aws_region'),
        ({'auth_type': 'digest', 'username': 'me'}, 'password'),
        ({'auth_type': 'Digest'}, 'username'),
        ({'auth_type': 'ntlm', 'password': 'p'}, 'ntlm_domain'),
        ({'auth_type': 'ntlm', 'ntlm_domain': 'd\\me'}, 'password'),
        ({'auth_type': 'ntlm', 'ntlm_domain': '', 'password': 'p'}, 'ntlm_domain'),
        ({'auth_type': 'aws', 'aws_host': '', 'aws_region': 'r', 'aws_service': 's'}, 'aws_host'),
    ],
)
def test_login_that_cannot_begin(options: dict[str, Any], missing: str) -> None:
    pytest.importorskip('requests_ntlm')

    assert f'{missing}: is required for auth_type: {options["auth_type"].lower()}' in error_of(**options)


def test_options_that_no_model_has() -> None:
    assert "tls_validate_hostname: must be true or false, not 'yes!'" in error_of(tls_validate_hostname='yes!')
    assert 'tls_intermediate_ca_certs: must be a list, not a number' in error_of(tls_intermediate_ca_certs=5)
    assert 'tls_private_key_password: must be a string, not a list' in error_of(tls_private_key_password=['a'])
    assert 'no_proxy: must be true or false: a list of hosts belongs in `proxy`' in error_of(no_proxy=['localhost'])


@pytest.mark.parametrize('certificate', ['', 'é', '/etc/ssl/ca.pem', 'a\0b'])
def test_intermediate_certificates_that_are_none(certificate: str) -> None:
    reason = 'tls_intermediate_ca_certs: must be a list of certificates in PEM format, not of paths'

    assert reason in error_of(tls_intermediate_ca_certs=[certificate])


def test_private_key_without_a_certificate() -> None:
    assert 'tls_private_key: needs tls_cert, the certificate of the key' in error_of(tls_private_key='/key.pem')


@pytest.mark.parametrize('option', [1, False, None, 1.5])
def test_option_whose_name_is_no_string(option: Any) -> None:
    check = AwesomeCheck('awesome', {}, [{**VALID, option: 'a'}])

    assert f'{option!r} is no option' in check.run()


TOKEN = {'reader': {'type': 'file', 'path': '/t'}, 'writer': {'type': 'header', 'name': 'Authorization'}}
IDLE = [
    ({'username': 'me'}, '`username` does nothing without `password`'),
    ({'password': 'p'}, '`password` does nothing without `username`'),
    ({'kerberos_keytab': '/k'}, '`kerberos_keytab` does nothing beside `auth_type: basic`'),
    ({'aws_host': 'h'}, '`aws_host` does nothing beside `auth_type: basic`'),
    (
        {'auth_type': 'ntlm', 'ntlm_domain': 'd\\me', 'password': 'p', 'username': 'me'},
        '`username` does nothing beside `auth_type: ntlm`',
    ),
    ({'username': 'me', 'auth_token': TOKEN}, '`username` does nothing beside `auth_token`'),
    (
        {'username': 'me', 'password': 'p', 'headers': {'authorization': 'Bearer a'}},
        '`password` does nothing beside a header Authorization',
    ),
    ({'tls_private_key_password': 'p'}, '`tls_private_key_password` does nothing without `tls_cert`'),
    (
        {'tls_use_host_header': True, 'headers': {'X-Key': 'a'}},
        '`tls_use_host_header` does nothing without a header Host',
    ),
    (
        {'max_redirects': 3, 'allow_redirects': False},
        '`max_redirects` does nothing beside `allow_redirects: false`',
    ),
    (
        {'tls_ca_cert': '/ca.pem', 'tls_verify': False},
        '`tls_verify: false` does nothing beside `tls_ca_cert`: certificates are verified',
    ),
]


@pytest.mark.parametrize(('options', 'warning'), IDLE)
def test_option_that_does_nothing_is_warned_about(options: dict[str, Any], warning: str) -> None:
    pytest.importorskip('requests_ntlm')

    assert warnings_about(**options) == [warning]


@pytest.mark.parametrize(
    'options',
    [
        {'username': '', 'password': 'p'},
        {'auth_type': 'digest', 'url': 'http://me:p@127.0.0.1:1/'},
        {'ntlm_domain': 'd\\me', 'password': 'p'},
        {'kerberos_auth': 'required', 'kerberos_keytab': '/k'},
        {'tls_use_host_header': True, 'extra_headers': {'host': 'a'}},
        {'max_redirects': 3, 'allow_redirects': True, 'username': None},
        {'tls_ca_cert': '/ca.pem', 'tls_verify': True},
        {'tls_protocols_allowed': ['SSLv3', 'TLSv1.2', 'TLSv1.3'], 'min_collection_interval': 0},
        {'proxy': {'http': '', 'https': None, 'no_proxy': ['a']}},
    ],
)
def test_options_that_go_together_are_not_warned_about(options: dict[str, Any]) -> None:
    pytest.importorskip('requests_ntlm')

    assert warnings_about(**options) == []


def warnings_about(**options: Any) -> list[str]:
    """Return the warnings of a run that nothing answers."""
    check = AwesomeCheck('awesome', {}, [{'url': 'http://127.0.0.1:1/', 'search_string': 'a', **options}])
    assert check.run() == ''
    return [str(warning) for warning in check.get_warnings()]


def test_misspelt_option_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    AwesomeCheck('awesome', {}, [{**VALID, 'search_strings': 'nginx'}]).load_configuration_models()

    assert '`search_strings`. Did you mean search_string' in caplog.text


@pytest.mark.parametrize(
    'proxy', ['http://proxy:3128', {'http': 'proxy:3128'}, {'https': 'http://'}, {'http': 'http://me:hunter22@[::1'}]
)
def test_proxy(proxy: Any) -> None:
    error = error_of(proxy=proxy)

    assert error.splitlines()[1] == 'proxy'
    assert 'http://proxy:3128' in error
    assert 'hunter22' not in error


def test_option_of_an_instance_in_init_config_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    read_there = {'timeout': 5, 'service': 'web', 'proxy': {}, 'skip_proxy': True}
    read_by_base = {'log_requests': True, 'min_collection_interval': 60, 'tls_ignore_warning': True}
    init_config = {**read_there, 'tls_ca_cert': '/etc/ca.pem', 'name': None, **read_by_base}
    check = AwesomeCheck('awesome', init_config, [{'url': 'http://127.0.0.1:1/', 'search_string': 'a'}])

    check.run()

    assert [record.message for record in caplog.records if 'init_config' in record.message] == [
        'init_config: `tls_ca_cert` does nothing there: move it into the instances'
    ]
