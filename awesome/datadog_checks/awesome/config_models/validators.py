"""The rules that spec.yaml cannot say. No message repeats a URL, a header, or data: they may hold a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from importlib.util import find_spec
from typing import Any, get_args
from urllib.parse import urlsplit

from datadog_checks.awesome.fetching.urls import basic_auth, parse_url
from datadog_checks.awesome.reading.json_page import compile_expression
from datadog_checks.awesome.reading.labels import encoding_of
from datadog_checks.awesome.reading.normalization import normalize
from datadog_checks.awesome.reading.search import compile_pattern
from datadog_checks.awesome.reading.values import NUMBER

Validator = Callable[..., Any]

# RFC 9110, section 5.6.2.
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r'[\x00-\x1f\x7f]')
PROXY_SCHEMES = ('http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h')
# Of each way to log in, the package that the base package's client needs for it.
AUTH_PACKAGES = {
    'aws': 'aws_requests_auth',
    'basic': '',
    'digest': 'requests',
    'kerberos': 'requests_kerberos',
    'ntlm': 'requests_ntlm',
}
# The options without which a login cannot even begin.
LOGIN_OPTIONS = {
    'aws': ('aws_host', 'aws_region', 'aws_service'),
    'digest': ('username', 'password'),
    'ntlm': ('ntlm_domain', 'password'),
}
# The base package's client takes these for an `auth_type`.
INFERRED_LOGINS = {'kerberos_auth': 'kerberos', 'ntlm_domain': 'ntlm'}
# These say where a request ends: with other values than the check's, the server would wait for the rest.
FRAMING = ('content-length', 'transfer-encoding')
# The base package's list has it by default; it is left out.
OBSOLETE = 'SSLv3'
# What both pydantic and the base package take as a boolean.
BOOLEANS = ('true', 'yes', 'on', 'y', '1', 'false', 'no', 'off', 'n', '0')
CODES = [str(code) for code in range(100, 1000)]
# What becomes a tag as it is: Datadog changes other characters, or, where they are upper case, the case.
VALUE_NAME = re.compile(r'[A-Za-z0-9_.-]{1,100}')
MAX_REDIRECTS = 20
# What an instance asks of a page: one of these is required.
RULES = ('search_string', 'search_header', 'search_json')
BODY_RULES = ('search_string', 'forbidden_string', 'search_json', 'values')


def optional(validate: Callable[[Any], Any]) -> Validator:
    """Let `option:` without a value be as if it was not there."""
    return lambda value, **_: None if value is None else validate(value)


def url(value: Any, **_: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError('must be the URL of a page, such as http://localhost:8000/')
    if CONTROL.search(''.join(basic_auth(parse_url(value)) or ())):
        raise ValueError('must have a user name and password without control characters')
    return value.strip()


def strings(value: Any, **_: Any) -> Any:
    for string in value if isinstance(value, list | tuple) else [value]:
        if string is None:
            raise ValueError('is empty: give the string that the page must contain')
        if text(string) == '':
            raise ValueError('must not be empty: every page contains the empty string')
    if not value:
        raise ValueError('must have at least one string')
    return value


def text(value: Any, example: str = '') -> str:
    if not isinstance(value, str):
        # A mapping may be a string that lacks quotes, such as `Status: OK`, but no list is one.
        advice = '' if isinstance(value, list | tuple) else ': put it in quotes'
        if example and isinstance(value, list | tuple | Mapping):
            advice = f', such as {example}'
        raise ValueError(f'must be a string, not {_yaml_type(value)}{advice}')
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError('must have no half of a surrogate pair (\\ud800 to \\udfff)') from None
    return value


def line(value: Any) -> str:
    if CONTROL.search(text(value)):
        raise ValueError('must be one line without control characters')
    return str(value)


def printable_ascii(value: Any) -> str:
    if not line(value).isascii():
        raise ValueError('must have only characters of ASCII')
    return str(value)


def encoding(value: Any) -> Any:
    if not encoding_of(text(value)):
        raise ValueError(f'must be an encoding of web pages, such as utf-8, windows-1252 or shift_jis, not {value!r}')
    return value


def status_code(value: Any) -> Any:
    try:
        pattern = re.compile(text(value, "'200|503'"))
    except re.error as e:
        raise ValueError(f'must be a regular expression, such as (200|404): {e}') from None
    if not any(map(pattern.fullmatch, CODES)):
        example = f', such as {pattern_of(value)}' if re.fullmatch('[1-9]xx', value) else ', such as 2.. or (200|404)'
        raise ValueError(f'matches no status code from 100 to 999: must be a regular expression{example}')
    return value


def pattern_of(value: str) -> str:
    """Return the regular expression that somebody means who writes 2xx."""
    return value.replace('x', '.')


def seconds(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueError('must be a number of seconds above 0')
    return value


def interval(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError('must be a number of seconds, 0 or more')
    return value


def size(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError('must be a number of bytes, 1 or more')
    return value


def choice(value: Any, *, field: Any, **_: Any) -> Any:
    """Check the value of an option that has few, which its model lists."""
    choices = get_args(get_args(field.annotation)[0])
    if value is not None and value not in choices:
        *others, last = choices
        accepted = f'{", ".join(others)}{"," * (len(others) > 1)} or {last}'
        raise ValueError(f'must be {accepted}, not {repr(value) if isinstance(value, str) else _yaml_type(value)}')
    return value


def method(value: Any, **keywords: Any) -> Any:
    return choice(value.upper() if isinstance(value, str) else value, **keywords)


def boolean(value: Any) -> Any:
    if not isinstance(value, bool | str):
        raise ValueError(f'must be true or false, not {_yaml_type(value)}')
    if isinstance(value, str) and value.lower() not in BOOLEANS:
        raise ValueError(f'must be true or false, not {value!r}')
    return value


def data(value: Any) -> Any:
    if isinstance(value, Mapping):
        for name, part in value.items():
            check_name(name)
            for item in part if isinstance(part, list | tuple) else [part]:
                if isinstance(item, Mapping | list | tuple):
                    raise ValueError(f'{name} must be a value of a form, or a list of them: write JSON as a string')
                text(str(item))
    elif not isinstance(value, str):
        raise ValueError(f'must be a string or a mapping, not {_yaml_type(value)}')
    else:
        text(value)
    return value


def headers(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f'must be a mapping such as {{X-Key: value}}, not {_yaml_type(value)}')
    for number, (name, header) in enumerate(value.items(), 1):
        check_name(name)
        if not TOKEN.fullmatch(str(name)):
            # Not shown: somebody may have written "Authorization: Bearer ..." as one.
            raise ValueError(f'must have names of letters, digits, and hyphens: that of header {number} has others')
        if str(name).lower() in FRAMING:
            raise ValueError(f'must be without {name}: the check sets it')
        if header is None or isinstance(header, Mapping | list | tuple):
            raise ValueError(f'{name} must have a string as its value, not {_yaml_type(header)}')
        _check_header_value(str(name), str(header))
    return value


def _check_header_value(name: str, value: str) -> None:
    if re.search(r'[\x00-\x08\x0a-\x1f\x7f]', value):
        raise ValueError(f'the value of {name} must be one line without control characters')
    try:
        value.encode('latin-1')
    except UnicodeEncodeError:
        raise ValueError(f'the value of {name} must have only characters of ISO-8859-1: encode the others') from None


def proxy(value: Any) -> Any:
    example = 'must be a mapping such as {https: http://proxy:3128}'
    if not isinstance(value, Mapping):
        raise ValueError(example)
    for scheme, location in value.items():
        if scheme not in ('http', 'https', 'no_proxy'):
            raise ValueError(f'{example}: {scheme!r} is none of http, https, and no_proxy')
        if scheme == 'no_proxy':
            with_name('no_proxy', optional(list_of_strings), location)
        if scheme == 'no_proxy' or location in (None, ''):
            continue
        try:
            parts = urlsplit(location if isinstance(location, str) else '')
            valid = parts.scheme in PROXY_SCHEMES and parts.hostname and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(f'{scheme} must be the URL of a proxy, such as http://proxy:3128 or socks5h://proxy:1080')
    return value


def header_rules(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f'must be a mapping such as {{Cache-Control: no-store}}, not {_yaml_type(value)}')
    if not value:
        raise ValueError('must have at least one header')
    for name, wanted in value.items():
        check_name(name)
        if not TOKEN.fullmatch(str(name)):
            raise ValueError(f'{name!r} is not the name of a header: it may have letters, digits, and hyphens')
        if not isinstance(wanted, str | list | tuple) or not all(isinstance(string, str) for string in wanted):
            raise ValueError(f'{name} must have a string or a list of strings, in quotes, as its value')
        if isinstance(wanted, list | tuple) and not wanted:
            raise ValueError(f'{name} must have at least one string')
        for string in (wanted,) if isinstance(wanted, str) else wanted:
            text(string)
    return value


def check_name(name: Any) -> None:
    """Raise ValueError for the key of a mapping that YAML reads as something else, such as `on` and `no`."""
    if name is None or isinstance(name, bool):
        raise ValueError(f'has a name that is {_yaml_type(name)}, not a string: put it in quotes')
    text(str(name))


def expressions(value: Any) -> Any:
    for expression in value if isinstance(value, list | tuple) else [value]:
        if isinstance(expression, Mapping | list | tuple):
            # In quotes, a mapping would be an expression that is true of every page.
            example = """such as "status == 'UP'\""""
            raise ValueError(f'must be an expression in quotes, {example}, not {_yaml_type(expression)}')
        compiled_by_jmespath(text(expression))
    if not value:
        raise ValueError('must have at least one expression')
    return value


def compiled_by_jmespath(expression: str) -> None:
    """Raise ValueError unless an expression compiles, with the package that the Agent has."""
    if not find_spec('jmespath'):
        raise ValueError('needs the Python package jmespath, which is not installed')
    compile_expression(expression)


def value_sources(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping such as {{jobs: 'Jobs waiting: {NUMBER}'}}, not {_yaml_type(value)}")
    for name, source in value.items():
        check_name(name)
        if not VALUE_NAME.fullmatch(str(name)):
            raise ValueError(f'{name!r} must be a name for a tag: up to 100 letters, digits, and `_`, `-`, `.`')
        with_name(str(name), check_value_source, source)
    return value


def check_value_source(source: Any) -> None:
    if isinstance(source, str):
        if text(source).count(NUMBER) != 1:
            raise ValueError(f"must have {NUMBER} once, where the number stands, such as 'Jobs waiting: {NUMBER}'")
        return
    if not isinstance(source, Mapping) or len(source) != 1 or not source.keys() <= {'json', 'count'}:
        raise ValueError(f"must be a string with {NUMBER}, {{json: queue.waiting}}, or {{count: 'ERROR'}}")
    ((kind, wanted),) = source.items()
    if not text(wanted):
        raise ValueError(f'{kind} must not be empty')
    if kind == 'json':
        compiled_by_jmespath(wanted)


def redirects(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_REDIRECTS:
        raise ValueError(f'must be a number from 0 to {MAX_REDIRECTS}')
    return value


def auth_type(value: Any) -> Any:
    package = AUTH_PACKAGES.get(text(value).lower())
    if package is None:
        raise ValueError(f'must be one of {", ".join(AUTH_PACKAGES)}, not {value!r}')
    if package and not find_spec(package):
        raise ValueError(f'{value} needs the Python package {package}, which is not installed')
    return value


def auth_token(value: Any) -> Any:
    from datadog_checks.awesome.fetching.credentials import check_auth_token

    check_auth_token(value)
    return value


def ciphers(value: Any) -> Any:
    from datadog_checks.awesome.fetching.tls import check_ciphers

    check_ciphers(list_of_strings(value))
    return value


def protocols(value: Any) -> Any:
    from datadog_checks.awesome.fetching.tls import VERSIONS

    for name in list_of_strings(value):
        if name not in (*VERSIONS, OBSOLETE):
            raise ValueError(f'must be a list of {", ".join(VERSIONS)}: {name!r} is none of them')
    if value and not set(value) - {OBSOLETE}:
        raise ValueError(f'must have one of {", ".join(VERSIONS)}: no server of today speaks {OBSOLETE}')
    return value


def certificates(value: Any) -> Any:
    from datadog_checks.awesome.fetching.tls import check_certificates

    check_certificates(list_of_strings(value))
    return value


def no_proxy(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        raise ValueError('must be true or false: a list of hosts belongs in `proxy`, as its no_proxy')
    return boolean(value)


def list_of_strings(value: Any, example: str = '') -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError(f'must be a list, not {_yaml_type(value)}')
    for item in value:
        text(item, example)
    return value


instance_url = url
instance_search_string = instance_forbidden_string = optional(strings)
instance_search_header = instance_forbidden_header = optional(header_rules)
instance_search_json = optional(expressions)
instance_values = optional(value_sources)
instance_final_url = optional(url)
instance_max_redirects = optional(redirects)
instance_encoding = optional(encoding)
instance_http_response_status_code = optional(status_code)
instance_method = method
instance_addresses = instance_ip_protocol = instance_kerberos_auth = instance_search_in = instance_search_mode = choice
instance_data = optional(data)
instance_max_body_size = optional(size)
instance_headers = instance_extra_headers = optional(headers)
instance_proxy = shared_proxy = optional(proxy)
instance_auth_type = optional(auth_type)
instance_auth_token = optional(auth_token)
instance_tls_ciphers = optional(ciphers)
instance_tags = optional(lambda value: list_of_strings(value, 'team:shop'))
instance_tls_protocols_allowed = optional(protocols)
instance_timeout = shared_timeout = instance_connect_timeout = instance_read_timeout = optional(seconds)
instance_min_collection_interval = optional(interval)
instance_name = instance_service = shared_service = optional(text)
instance_username = instance_password = instance_ntlm_domain = optional(line)
instance_tls_ca_cert = instance_tls_cert = instance_tls_private_key = optional(text)
instance_case_sensitive = instance_regex = instance_allow_redirects = instance_persist_connections = optional(boolean)
instance_send_events = optional(boolean)
instance_tls_verify = instance_tls_use_host_header = instance_skip_proxy = instance_log_requests = optional(boolean)
instance_tls_ignore_warning = instance_use_legacy_auth_encoding = shared_skip_proxy = optional(boolean)
instance_kerberos_delegate = instance_kerberos_force_initiate = optional(boolean)
instance_kerberos_cache = instance_kerberos_hostname = instance_kerberos_keytab = optional(line)
instance_kerberos_principal = optional(line)
instance_aws_host = instance_aws_region = instance_aws_service = optional(printable_ascii)


# No model has them, but the base package's client and TLS.
OTHERS = {
    'no_proxy': no_proxy,
    'tls_intermediate_ca_certs': certificates,
    'tls_private_key_password': text,
    'tls_validate_hostname': boolean,
}


def initialize_instance(values: dict[str, Any]) -> dict[str, Any]:
    """Check what is required: pydantic says it in words of its own."""
    for option in values:
        if not isinstance(option, str):
            raise ValueError(f'{option!r} is no option')
    if 'url' not in values:
        raise ValueError('url: is required')
    if not any(values.get(option) is not None for option in RULES):
        raise ValueError(f'{RULES[0]}: is required, or {" or ".join(RULES[1:])}')
    for option, validate in OTHERS.items():
        with_name(option, optional(validate), values.get(option))
    return values


def check_instance(model: Any) -> Any:
    """Check what depends on more than one option; pydantic does not say where it was, so the messages do."""
    for option in ('search_string', 'forbidden_string'):
        value = getattr(model, option) or ()
        for string in (value,) if isinstance(value, str) else value:
            with_name(option, check_string, model, string)
    for option in ('search_header', 'forbidden_header'):
        for wanted in (getattr(model, option) or {}).values():
            for string in (wanted,) if isinstance(wanted, str) else wanted:
                with_name(option, check_header_string, model, string)
    with_name('values', check_values, model)
    if model.method == 'HEAD' and any(getattr(model, option) for option in BODY_RULES):
        raise ValueError('method: HEAD gets no page to search: use GET')
    with_name('username, password', check_credentials, model)
    check_login(model)
    if model.tls_private_key and not model.tls_cert:
        raise ValueError('tls_private_key: needs tls_cert, the certificate of the key')
    return model


def check_login(model: Any) -> None:
    login = (model.auth_type or 'basic').lower()
    for option, inferred in INFERRED_LOGINS.items():
        is_given = option in model.model_fields_set and getattr(model, option)
        if login == 'basic' and is_given and not model.auth_token:
            login = inferred
            with_name(option, auth_type, login)
    has_user_info = basic_auth(parse_url(model.url)) is not None
    for option in () if model.auth_token else LOGIN_OPTIONS.get(login, ()):
        is_personal = option in ('username', 'password')
        value = getattr(model, option)
        if (value is None and not (has_user_info and is_personal)) or (value == '' and not is_personal):
            raise ValueError(f'{option}: is required for auth_type: {login}')


def with_name(option: str, check: Callable[..., None], *arguments: Any) -> None:
    """Put the name of an option into the error of its check."""
    try:
        check(*arguments)
    except ValueError as e:
        raise ValueError(f'{option}: {e}') from None


def check_string(model: Any, string: str) -> None:
    if model.regex:
        compile_pattern(string, model.case_sensitive)
    elif model.search_in == 'text' and not normalize(string):
        raise ValueError('must not be blank: every page contains white space')


def check_header_string(model: Any, string: str) -> None:
    if model.regex:
        compile_pattern(string, model.case_sensitive)


def check_values(model: Any) -> None:
    for name, source in (model.values or {}).items():
        wanted = source.get('count') if isinstance(source, Mapping) else None
        if wanted and model.search_in == 'text' and not normalize(wanted):
            raise ValueError(f'{name}: count must not be blank: every page contains white space')


def check_credentials(model: Any) -> None:
    if model.use_legacy_auth_encoding is False:
        return
    try:
        f'{model.username or ""}{model.password or ""}'.encode('latin-1')
    except UnicodeEncodeError:
        raise ValueError(
            'have characters outside ISO-8859-1: set use_legacy_auth_encoding: false to send them in UTF-8'
        ) from None


def _yaml_type(value: Any) -> str:
    names = {bool: 'a boolean', int: 'a number', float: 'a number', str: 'a string', bytes: 'binary data'}
    if value is None:
        return 'nothing'
    if isinstance(value, Mapping):
        return 'a mapping'
    if isinstance(value, date):
        return 'a date'
    return names.get(type(value), 'a list' if isinstance(value, Iterable) else 'a value of another type')
