"""What an instance asks for, parsed once into plain types: nothing below looks into a configuration again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlencode

from datadog_checks.base import ConfigurationError, is_affirmative
from datadog_checks.base.agent import datadog_agent
from datadog_checks.base.utils.headers import get_default_headers

from .config_models import InstanceConfig, SharedConfig, defaults
from .fetching.settings import ClientOptions, merged
from .fetching.urls import parse_url, public_url
from .reading.headers import HeaderRules
from .reading.json_page import NumberAt, compile_expression
from .reading.read import Further
from .reading.search import Rules
from .reading.values import TextValue, count, number_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

DEFAULT_TIMEOUT = float(defaults.instance_timeout())
DEFAULT_REDIRECTS: int = defaults.instance_max_redirects()
# What the base package reads in `init_config` too, though its template does not say so.
SHARED_OPTIONS = {'log_requests', 'min_collection_interval', 'tls_ignore_warning'}
# Options of a login, by how their names begin, and those that each login uses.
LOGIN_PREFIXES = ('auth_type', 'aws_', 'kerberos_', 'ntlm_', 'password', 'username')
USED_BY = {
    'aws': ('aws_',),
    'basic': ('username', 'password'),
    'digest': ('username', 'password'),
    'kerberos': ('kerberos_',),
    'ntlm': ('ntlm_', 'password'),
}
# Options that do nothing alone, by what they need; those of a login too.
NEEDED_WITH_LOGIN = {'tls_private_key_password': 'tls_cert'}
NEEDED = {'username': 'password', 'password': 'username', **NEEDED_WITH_LOGIN}
AUTH_PREFIXES = (*LOGIN_PREFIXES, 'use_legacy_auth_encoding')


@dataclass(frozen=True)
class PageOptions:
    """The page of an instance, and what it must say."""

    url: SplitResult
    rules: Rules
    headers: HeaderRules
    further: Further
    final_url: SplitResult | None
    """What the URL must begin with that redirects end at."""
    max_redirects: int
    encoding: str | None
    max_body_size: int
    """In bytes, after decompression."""
    status_pattern: re.Pattern[str]
    expected_status: str
    """The pattern as it was configured; empty if it was not."""
    method: str
    body: bytes | None
    content_type: str
    """Of `body`."""
    timeout: float
    """Of a whole run, in seconds."""
    all_addresses: bool
    """Whether to fetch the page from each address of its host."""
    ip_protocol: str
    """`any`, `ip4` or `ip6`."""
    name: str
    tags: tuple[str, ...]
    """Of all that is submitted."""
    send_events: bool = False
    """Whether a turn of the verdict is told with what changed on the page."""
    unresolved: tuple[str, ...] = ()
    """The options whose secret was not resolved by the Agent."""

    @property
    def public_url(self) -> str:
        """The URL without user info, query and fragment."""
        return public_url(self.url)

    @property
    def reads_body(self) -> bool:
        """Whether anything is asked of the page besides its headers."""
        return bool(self.rules.required or self.rules.forbidden or self.further.expressions or self.further.values)


def page_options(
    config: InstanceConfig, default_timeout: float | None = None, unresolved: Iterable[str] = ()
) -> PageOptions:
    """Return the options of a valid instance; `default_timeout` is that of `init_config`, in seconds."""
    url = parse_url(config.url)
    default_status = defaults.instance_http_response_status_code()
    status = config.http_response_status_code or default_status
    body, content_type = _body(config.data)
    return PageOptions(
        url=url,
        rules=_rules(config),
        headers=_header_rules(config),
        further=_further(config),
        final_url=parse_url(config.final_url) if config.final_url else None,
        max_redirects=DEFAULT_REDIRECTS if config.max_redirects is None else config.max_redirects,
        encoding=config.encoding,
        max_body_size=config.max_body_size or defaults.instance_max_body_size(),
        status_pattern=re.compile(status),
        expected_status='' if status == default_status else status,
        method=config.method or 'GET',
        body=body,
        content_type=content_type,
        timeout=_timeout(config) or default_timeout or DEFAULT_TIMEOUT,
        all_addresses=config.addresses == 'all',
        ip_protocol=config.ip_protocol or 'any',
        name=config.name or '',
        tags=_tags(config, public_url(url)),
        send_events=bool(config.send_events),
        unresolved=tuple(unresolved),
    )


def client_options(instance: Mapping[str, Any], init_config: Mapping[str, Any]) -> ClientOptions:
    """Return the HTTP options of an instance, with the defaults of the base package's client."""
    # An option without a value is as good as not there.
    given = {name: value for name, value in instance.items() if value is not None}
    default_headers = get_default_headers()
    proxies, no_proxy = _proxies(given, init_config)
    return ClientOptions(
        default_headers=default_headers,
        headers=merged(default_headers, given.get('headers') or {}, given.get('extra_headers') or {}),
        username=given.get('username'),
        password=given.get('password'),
        auth_encoding='latin-1' if is_affirmative(given.get('use_legacy_auth_encoding', True)) else 'utf-8',
        auth_type=_auth_type(given),
        auth_options={name: value for name, value in given.items() if name.startswith(AUTH_PREFIXES)},
        auth_token=given.get('auth_token'),
        tls={name: value for name, value in given.items() if name.startswith('tls_')},
        use_host_header=is_affirmative(given.get('tls_use_host_header')),
        proxies=proxies,
        no_proxy=no_proxy,
        connect_timeout=given.get('connect_timeout'),
        read_timeout=given.get('read_timeout'),
        allow_redirects=is_affirmative(given.get('allow_redirects', True)),
        persist=is_affirmative(given.get('persist_connections')),
        log_requests=is_affirmative(given.get('log_requests', init_config.get('log_requests'))),
    )


def misplaced(init_config: Mapping[str, Any]) -> list[str]:
    """Return, in words, which options of an instance stand in `init_config`, where they do nothing."""
    of_instance = InstanceConfig.model_fields.keys() - SharedConfig.model_fields.keys() - SHARED_OPTIONS
    found = [option for option, value in init_config.items() if option in of_instance and value is not None]
    return [f'init_config: `{option}` does nothing there: move it into the instances' for option in found]


def idle(instance: Mapping[str, Any]) -> Iterator[str]:
    """Yield, in words, which options of a valid instance do nothing beside its others."""
    given = {name: value for name, value in instance.items() if value is not None}
    auth_type = _auth_type(given)
    login = 'auth_token' if 'auth_token' in given else f'auth_type: {auth_type}'
    used = () if 'auth_token' in given else ('auth_type', *USED_BY[auth_type])
    for option in given:
        if option.startswith(LOGIN_PREFIXES) and not option.startswith(used):
            yield f'`{option}` does nothing beside `{login}`'
    for option, needed in (NEEDED if login == 'auth_type: basic' else NEEDED_WITH_LOGIN).items():
        if option in given and needed not in given:
            yield f'`{option}` does nothing without `{needed}`'
    names = {str(name).lower() for option in ('headers', 'extra_headers') for name in given.get(option, ())}
    if is_affirmative(given.get('tls_use_host_header')) and 'host' not in names:
        yield '`tls_use_host_header` does nothing without a header Host'
    if login == 'auth_type: basic' and 'password' in given and 'authorization' in names:
        yield '`password` does nothing beside a header Authorization'
    if 'max_redirects' in given and not is_affirmative(given.get('allow_redirects', True)):
        yield '`max_redirects` does nothing beside `allow_redirects: false`'
    if given.get('tls_ca_cert') and not is_affirmative(given.get('tls_verify', True)):
        yield '`tls_verify: false` does nothing beside `tls_ca_cert`: certificates are verified'


def require_direct(options: PageOptions, proxy: Callable[[SplitResult], str | None]) -> None:
    """Raise ConfigurationError if addresses count and the page has a proxy: most look its host up themselves.

    `proxy` returns that of a URL.
    """
    if (options.all_addresses or options.ip_protocol != 'any') and proxy(options.url):
        option = 'addresses' if options.all_addresses else 'ip_protocol'
        raise ConfigurationError(
            f'{option}, proxy: `{option}` must be `any` for a page behind a proxy of the instance, of init_config,'
            ' or of the Agent: set `skip_proxy: true`, or list the host in `no_proxy`, to reach it directly'
        )


def as_tuple(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return an option that is one string or several as several."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def _timeout(config: InstanceConfig) -> float | None:
    """Return the seconds that are configured, if any are: not the default."""
    return config.timeout if 'timeout' in config.model_fields_set else None


def _tags(config: InstanceConfig, location: str) -> tuple[str, ...]:
    return *(config.tags or ()), f'url:{location}', f'instance:{config.name or location}'


def _rules(config: InstanceConfig) -> Rules:
    return Rules(
        required=as_tuple(config.search_string),
        forbidden=as_tuple(config.forbidden_string),
        any_suffices=config.search_mode == 'any',
        regex=bool(config.regex),
        case_sensitive=config.case_sensitive is not False,
        visible_text=config.search_in == 'text',
    )


def _header_rules(config: InstanceConfig) -> HeaderRules:
    return HeaderRules(
        required=_pairs(config.search_header),
        forbidden=_pairs(config.forbidden_header),
        regex=bool(config.regex),
        case_sensitive=config.case_sensitive is not False,
    )


def _pairs(headers: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Return the name and the string of each rule about a header."""
    return tuple((str(name), string) for name, wanted in (headers or {}).items() for string in as_tuple(wanted))


def _further(config: InstanceConfig) -> Further:
    return Further(
        expressions=tuple(map(compile_expression, as_tuple(config.search_json))),
        values=tuple(_value(str(name), source, config) for name, source in (config.values or {}).items()),
        encoding=config.encoding,
    )


def _value(name: str, source: str | Mapping[str, str], config: InstanceConfig) -> TextValue | NumberAt:
    """Return where a number of the page stands."""
    how = (config.case_sensitive is not False, config.search_in == 'text')
    if isinstance(source, str):
        return number_between(name, source, *how)
    if 'json' in source:
        return NumberAt(name, compile_expression(source['json']))
    return count(name, source['count'], *how)


def _body(data: str | Mapping[str, Any] | None) -> tuple[bytes | None, str]:
    """Return the body of a request and its media type: a string is sent as it is, a mapping as a form."""
    if not data:
        return None, ''
    if isinstance(data, str):
        return data.encode(), ''
    form = {name: value for name, value in data.items() if value is not None}
    return urlencode(form, doseq=True).encode(), 'application/x-www-form-urlencoded'


def _auth_type(given: Mapping[str, Any]) -> str:
    """Return how to log in; the base package infers two of the ways from their own options."""
    auth_type = str(given.get('auth_type', 'basic')).lower()
    if auth_type != 'basic':
        return auth_type
    if given.get('kerberos_auth'):
        return 'kerberos'
    return 'ntlm' if given.get('ntlm_domain') else 'basic'


def _proxies(given: Mapping[str, Any], init_config: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the proxies by scheme and what goes past them: of the instance, of `init_config`, or of the Agent."""
    skip = given.get('skip_proxy', given.get('no_proxy', init_config.get('skip_proxy')))
    if is_affirmative(skip):
        return {}, ()
    found = given.get('proxy') or init_config.get('proxy')
    if not found and is_affirmative(init_config.get('use_agent_proxy', True)):
        found = datadog_agent.get_config('proxy')
    found = found or {}
    no_proxy = found.get('no_proxy') or ()
    if isinstance(no_proxy, str):
        no_proxy = no_proxy.replace(';', ',').split(',')
    hosts = tuple(str(host).strip().lower() for host in no_proxy)
    return {scheme: found[scheme] for scheme in ('http', 'https') if found.get(scheme)}, hosts
