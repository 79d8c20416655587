"""The options that say what to look for and where, through a real server."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.options import PageOptions, client_options, idle, page_options
from datadog_checks.awesome.reading.json_page import NumberAt, compile_expression
from datadog_checks.awesome.reading.values import count, number_between

from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

KIB = 1024
MIB = 1024 * 1024
OK, WARNING, CRITICAL = AwesomeCheck.OK, AwesomeCheck.WARNING, AwesomeCheck.CRITICAL


def endless(start: bytes) -> Callable[[Any, bytes], None]:
    """Return an answer that begins with `start` and goes on until the client hangs up."""

    def answer(connection: Any, _: bytes) -> None:
        connection.sendall(response(Content_Length='') + start)
        while True:
            connection.sendall(b'.' * (64 * KIB))

    return answer


def test_all_and_any(serve: Serve, run: Run) -> None:
    server = serve(response(b'one two'))

    assert run(url=server.url, search_string=['one', 'two']).status == OK
    assert run(url=server.url, search_string=['one', 'three']).message.startswith("'three' not found (7 bytes read);")
    assert run(url=server.url, search_string=['one', 'three'], search_mode='any').status == OK
    miss = run(url=server.url, search_string=['four', 'three'], search_mode='any')
    assert miss.message.startswith("found none of 'four', 'three' (7 bytes read);")


def test_forbidden_string(serve: Serve, run: Run) -> None:
    result = run(
        url=serve(response(b'one Fatal error')).url, search_string='one', forbidden_string=['Fatal error', 'x']
    )

    assert result.status == WARNING
    assert result.message.startswith("found forbidden 'Fatal error' (15 bytes read);")
    assert result.metrics['search.found'] == 0


def test_missing_and_forbidden_are_both_named(serve: Serve, run: Run) -> None:
    result = run(url=serve(response(b'abc')).url, search_string=r'\d', forbidden_string='a.c', regex=True)

    assert result.message.startswith(r"'\d' not found and found forbidden 'a.c' (3 bytes read);")


@pytest.mark.parametrize('forbidden', [0, 1, 300])
@pytest.mark.parametrize('required', [1, 2, 300])
def test_message_is_never_longer_than_is_displayed(required: int, forbidden: int, serve: Serve, run: Run) -> None:
    page = b'<title>' + b'\x1b' * 900 + b'</title>' + b'f' * 9000
    strings = {'search_string': [f'\t{i}' * 99 for i in range(required)]}
    if forbidden:
        strings['forbidden_string'] = ['f|' + f'{i}x' * 20 for i in range(forbidden)]

    result = run(
        url=serve(response(page, '511 x')).url,
        http_response_status_code='511',
        max_body_size=9000,
        regex=True,
        **strings,
    )

    assert (result.status, len(result.message) <= 500) == (WARNING, True)
    assert ('more' in result.message) == (max(required, forbidden) == 300)


def test_case_does_not_matter_where_it_should_not(serve: Serve, run: Run) -> None:
    server = serve(response('Die Straße'.encode()))

    assert run(url=server.url, search_string='STRASSE').status == WARNING
    assert run(url=server.url, search_string='STRASSE', case_sensitive=False).status == OK
    assert run(url=server.url, search_string='^DIE', regex=True, case_sensitive=False).status == OK


def test_visible_text(serve: Serve, run: Run) -> None:
    server = serve(response(b'<p>Thank you for <b>using</b>\n nginx&#46;'))

    assert run(url=server.url, search_string='Thank you for using nginx.').status == WARNING
    assert run(url=server.url, search_string='Thank you for using nginx.', search_in='text').status == OK
    assert run(url=server.url, search_string=' Thank  you\n', search_in='text').status == OK
    assert run(url=server.url, search_string='using ngin.[.]$', search_in='text', regex=True).status == OK
    assert run(url=server.url, search_string='<b>', search_in='text').status == WARNING


def test_encoding_overrides_what_the_page_declares(serve: Serve, run: Run) -> None:
    server = serve(response('Привет'.encode('koi8-r')))

    assert 'encoding utf-8' in run(url=server.url, search_string='Привет').message
    assert run(url=server.url, search_string='Привет', encoding='KOI8-R').status == OK
    assert 'encoding koi8-r' in run(url=server.url, search_string='Hello', encoding='koi8-r').message


def test_max_body_size_is_read_and_no_more(serve: Serve, run: Run) -> None:
    server = serve(response(b'x' * 1000 + b'nginx'))

    result = run(url=server.url, search_string='nginx', max_body_size=1004)

    assert result.message.startswith("'nginx' not found in the first 1004 bytes (max_body_size);")
    assert result.metrics['page.size'] == 1004
    assert run(url=server.url, search_string='nginx', max_body_size=1005).status == OK


def test_max_body_size_is_4_mib_unless_given(serve: Serve, run: Run) -> None:
    result = run(url=serve(endless(b'')).url, search_string='nginx')

    assert result.status == WARNING
    assert result.metrics['page.size'] == 4 * MIB


def test_little_is_read_of_a_large_page_that_begins_with_the_string(serve: Serve, run: Run) -> None:
    """The reading from the socket, not from the metric, which only counts what was searched."""
    sent = 0

    def gigabyte(connection: Any, _: bytes) -> None:
        nonlocal sent
        connection.sendall(response(Content_Length=str(1024 * MIB)) + b'nginx')
        while sent < 1024 * MIB:
            sent += connection.send(b'.' * (64 * KIB))

    result = run(url=serve(gigabyte).url, search_string='nginx')

    assert result.status == OK
    assert result.metrics['page.size'] <= 64 * KIB
    # What the socket's buffers took, which nobody read.
    assert sent < 16 * MIB


def test_status_code_must_match_as_a_whole(serve: Serve, run: Run) -> None:
    server = serve(response(b'gone', '404 Not Found'))

    assert run(url=server.url, search_string='gone', http_response_status_code='404').status == OK
    result = run(url=server.url, search_string='gone', http_response_status_code='40|(2..)')
    assert (result.status, result.message) == (CRITICAL, 'status: 404 Not Found, not 40|(2..)')


@pytest.mark.parametrize(
    ('data', 'body'),
    [({'a': 'b c', 'd': 1}, b'a=b+c&d=1'), ('<é/>', '<é/>'.encode()), ('', b'')],
)
def test_data_is_sent_with_the_method(data: Any, body: bytes, serve: Serve, run: Run) -> None:
    server = serve(response(b'ok'))

    assert run(url=server.url, search_string='ok', method='post', data=data).status == OK
    assert server.requests[0].startswith(b'POST / HTTP/1.1')
    assert server.requests[0].endswith(b'\r\n\r\n' + body)


@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
def test_method(method: str, serve: Serve, run: Run) -> None:
    server = serve(response())

    assert run(url=server.url, search_string='ok', method=method).status == WARNING
    assert server.requests[0].startswith(method.encode() + b' / ')


@pytest.mark.parametrize(
    ('status', 'method', 'request_line'),
    [
        ('301 x', 'POST', b'GET /b'),
        ('302 x', 'POST', b'GET /b'),
        ('303 x', 'PUT', b'GET /b'),
        ('302 x', 'PUT', b'PUT /b'),
        ('307 x', 'POST', b'POST /b'),
        ('308 x', 'POST', b'POST /b'),
    ],
)
def test_method_after_a_redirect(status: str, method: str, request_line: bytes, serve: Serve, run: Run) -> None:
    """See https://fetch.spec.whatwg.org/#http-redirect-fetch."""
    server = serve(response(b'ok'), {'/a': response(status=status, Location='/b')})

    run(url=server.url + 'a', search_string='ok', method=method, data='d=1')

    assert server.requests[1].startswith(request_line + b' ')
    assert server.requests[1].endswith(b'd=1') == (not request_line.startswith((b'GET', b'HEAD')))


def test_data_does_not_go_to_another_origin(serve: Serve, run: Run) -> None:
    foreign = serve(response(b'ok'))
    own = serve(response(status='307 x', Location=foreign.url))

    result = run(url=own.url, search_string='ok', method='POST', data='secret')

    assert result.message == 'redirect: to another origin, which must not get the data of the request'
    assert foreign.requests == []


def test_instance_is_always_a_tag(serve: Serve, run: Run) -> None:
    server = serve(response(b'ok'))

    assert run(url=server.url, search_string='ok', name='shop').tags == [f'url:{server.url}', 'instance:shop']
    assert run(url=server.url, search_string='ok').tags == [f'url:{server.url}', f'instance:{server.url}']


@pytest.mark.parametrize(
    ('page', 'message'),
    [
        pytest.param(response(), "'a' not found (0 bytes read); status 200 OK, encoding utf-8, no title", id='empty'),
        pytest.param(
            response(status='204 No Content', Content_Length=''),
            "'a' not found (0 bytes read); status 204 No Content, encoding utf-8, no title",
            id='204',
        ),
        pytest.param(
            response(bytes(range(128, 256)), Content_Type=''),
            "'a' not found (128 bytes read); status 200 OK, encoding utf-8, no title",
            id='invalid utf-8 without a Content-Type',
        ),
        pytest.param(
            response(b'\0' * 9, Content_Type='text/html; charset=unicode_escape'),
            "'a' not found (9 bytes read); status 200 OK, encoding utf-8 "
            "(the page declares 'unicode_escape', which is no encoding), no title",
            id='NUL bytes and a charset that is no encoding',
        ),
        pytest.param(
            response(b'<meta charset=koi8-r>', Content_Type='text/html; charset=nonsense'),
            "'z' not found (21 bytes read); status 200 OK, encoding koi8-r, no title",
            id='wrong charset and right meta',
        ),
    ],
)
@pytest.mark.parametrize('search_in', ['source', 'text'])
def test_any_page_can_be_searched(page: bytes, message: str, search_in: str, serve: Serve, run: Run) -> None:
    result = run(url=serve(page).url, search_string=message[1], search_in=search_in)

    assert (result.status, result.message) == (WARNING, message)


@pytest.mark.parametrize('search_in', ['source', 'text'])
@pytest.mark.parametrize('regex', [False, True])
def test_binary_is_no_problem(search_in: str, regex: bool, serve: Serve, run: Run) -> None:
    server = serve(response(os.urandom(300_000), Content_Type='application/octet-stream'))

    assert run(url=server.url, search_string='not in there', search_in=search_in, regex=regex).status == WARNING


P1, P2, P3 = ({'http': f'http://p{number}:1', 'https': f'http://p{number}:2'} for number in (1, 2, 3))


@pytest.mark.parametrize(
    ('instance', 'init_config', 'agent', 'proxies'),
    [
        pytest.param({}, {}, {}, {}, id='none'),
        pytest.param({'proxy': P1}, {'proxy': P2}, P3, P1, id='of the instance'),
        pytest.param({}, {'proxy': P2}, P3, P2, id='of init_config'),
        pytest.param({}, {}, P3, P3, id='of the Agent'),
        pytest.param({'proxy': {}}, {}, P3, P3, id='empty one of the instance'),
        pytest.param({}, {'use_agent_proxy': False}, P3, {}, id='not of the Agent'),
        pytest.param({}, {'use_agent_proxy': False, 'proxy': P2}, P3, P2, id='of init_config, not of the Agent'),
        pytest.param({'skip_proxy': True, 'proxy': P1}, {'proxy': P2}, P3, {}, id='skipped by the instance'),
        pytest.param({'no_proxy': True, 'proxy': P1}, {}, P3, {}, id='skipped by its former name'),
        pytest.param({}, {'skip_proxy': True, 'proxy': P2}, P3, {}, id='skipped by init_config'),
        pytest.param(
            {'skip_proxy': False, 'proxy': P1}, {'skip_proxy': True}, P3, P1, id='not skipped by the instance'
        ),
        pytest.param({'proxy': {'http': 'http://p:1'}}, {}, P3, {'http': 'http://p:1'}, id='of one scheme'),
        pytest.param({'proxy': {'http': '', 'https': None}}, {}, {}, {}, id='empty'),
    ],
)
def test_which_proxy_counts(
    instance: dict[str, Any],
    init_config: dict[str, Any],
    agent: dict[str, str],
    proxies: dict[str, str],
    datadog_agent: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(datadog_agent._config, 'proxy', agent)

    assert client_options(instance, init_config).proxies == proxies


@pytest.mark.parametrize('written', ['a,b,.c', 'a;b,.c', ['a', 'b', '.c']])
def test_hosts_that_go_past_a_proxy(written: Any) -> None:
    options = client_options({'proxy': {'http': 'http://p:1', 'no_proxy': written}}, {})

    assert options.no_proxy == ('a', 'b', '.c')


@pytest.mark.parametrize(
    ('instance', 'auth_type'),
    [
        ({}, 'basic'),
        ({'auth_type': None}, 'basic'),
        ({'auth_type': 'Digest'}, 'digest'),
        ({'ntlm_domain': 'D'}, 'ntlm'),
        ({'kerberos_auth': 'required'}, 'kerberos'),
        ({'auth_type': 'aws', 'ntlm_domain': 'D', 'kerberos_auth': 'required'}, 'aws'),
    ],
)
def test_way_to_log_in(instance: dict[str, Any], auth_type: str) -> None:
    assert client_options(instance, {}).auth_type == auth_type


LOGIN = {
    'auth_type': 'kerberos',
    'aws_host': 'h',
    'kerberos_auth': 'required',
    'ntlm_domain': 'D',
    'password': 'p',
    'username': 'u',
    'use_legacy_auth_encoding': False,
}


def test_base_package_is_given_nothing_but_the_login() -> None:
    others = {
        'url': 'http://localhost/',
        'headers': {},
        'proxy': P1,
        'timeout': 5,
        'tls_verify': False,
        'auth_token': {},
    }

    assert client_options({**others, **LOGIN}, {}).auth_options == LOGIN


@pytest.mark.parametrize('value', [True, False, 'yes', 'no', None])
@pytest.mark.parametrize(
    ('option', 'attribute', 'default'),
    [
        ('allow_redirects', 'allow_redirects', True),
        ('persist_connections', 'persist', False),
        ('tls_use_host_header', 'use_host_header', False),
        ('log_requests', 'log_requests', False),
    ],
)
def test_switch(option: str, attribute: str, default: bool, value: Any) -> None:
    expected = default if value is None else value in (True, 'yes')

    assert getattr(client_options({option: value}, {}), attribute) is expected


@pytest.mark.parametrize(
    ('instance', 'said'),
    [
        ({'max_redirects': 3}, []),
        ({'max_redirects': 3, 'allow_redirects': False}, ['`max_redirects` does nothing beside']),
        ({'allow_redirects': False}, []),
        ({'tls_ca_cert': 'ca'}, []),
        ({'auth_type': 'aws', 'aws_host': 'h', 'aws_region': 'r', 'aws_service': 's'}, []),
        ({'auth_type': 'ntlm', 'ntlm_domain': 'D', 'password': 'p'}, []),
        ({'auth_type': 'kerberos', 'kerberos_keytab': 'k'}, []),
        ({'auth_type': 'digest', 'username': 'u', 'password': 'p', 'ntlm_domain': 'D'}, ['`ntlm_domain` does']),
        ({'username': 'u', 'password': 'p', 'aws_host': 'h'}, ['`aws_host` does nothing beside `auth_type: basic`']),
        ({'username': 'u'}, ['`username` does nothing without `password`']),
    ],
    ids=str,
)
def test_option_that_does_nothing_beside_others(instance: dict[str, Any], said: list[str]) -> None:
    found = list(idle(instance))

    assert len(found) == len(said)
    assert all(remark.startswith(start) for remark, start in zip(found, said, strict=True))


def test_options_of_a_client_that_are_given() -> None:
    token = {'reader': {'type': 'file', 'path': '/token'}, 'writer': {'type': 'header', 'name': 'X'}}
    given = {'username': 'u', 'password': 'p', 'auth_token': token, 'connect_timeout': 1, 'read_timeout': 2}

    options = client_options(given, {})

    assert {name: getattr(options, name) for name in given} == given


def test_other_origins_know_nothing_of_the_client_certificate() -> None:
    private = {'tls_cert': 'c', 'tls_private_key': 'k', 'tls_private_key_password': 'p', 'tls_use_host_header': True}
    shared = {'tls_verify': False, 'tls_ca_cert': 'ca', 'tls_validate_hostname': True, 'tls_ciphers': ['ALL']}

    options = client_options({'url': 'https://localhost/', **private, **shared}, {})

    assert (options.tls, options.shared_tls) == (private | shared, shared)


def test_what_goes_out_unless_it_is_configured() -> None:
    options = client_options({}, {'log_requests': True})

    assert options.headers == options.default_headers
    assert (options.username, options.password, options.auth_token) == (None, None, None)
    assert (options.connect_timeout, options.read_timeout, options.auth_encoding) == (None, None, 'latin-1')
    assert options.log_requests


def test_configured_headers_replace_the_default_ones_in_any_case() -> None:
    options = client_options({'headers': {'accept': 'a', 'X': 1}, 'extra_headers': {'x': 'b'}}, {})

    assert {name: value for name, value in options.headers.items() if name in ('accept', 'Accept', 'X', 'x')} == {
        'accept': 'a',
        'x': 'b',
    }


def page(default_timeout: float | None = None, **options: Any) -> PageOptions:
    check = AwesomeCheck('awesome', {}, [{'url': 'http://localhost/', **options}])
    check.load_configuration_models()
    return page_options(check.config, default_timeout)


@pytest.mark.parametrize(
    ('given', 'default', 'timeout'), [(3, 5.0, 3), (None, 5.0, 5), (3, None, 3), (None, None, 10), (10, 5.0, 10)]
)
def test_timeout_of_the_instance_counts_before_that_of_init_config(
    given: float | None, default: float | None, timeout: float
) -> None:
    options = {} if given is None else {'timeout': given}

    assert page(default, search_string='a', **options).timeout == timeout


@pytest.mark.parametrize(
    ('rules', 'reads_body'),
    [
        ({'search_header': {'X': ''}}, False),
        ({'search_header': {'X': ''}, 'forbidden_header': {'Y': ''}, 'final_url': 'http://h/'}, False),
        ({'search_header': {'X': ''}, 'forbidden_string': 'a'}, True),
        ({'search_header': {'X': ''}, 'values': {'n': '{number}'}}, True),
        ({'search_json': 'a'}, True),
        ({'search_string': 'a'}, True),
    ],
)
def test_body_is_read_for_rules_about_it(rules: dict[str, Any], reads_body: bool) -> None:
    assert page(**rules).reads_body == reads_body


@pytest.mark.parametrize('options', [{}, {'case_sensitive': False}, {'search_in': 'text'}], ids=str)
def test_sources_of_values(options: dict[str, Any]) -> None:
    sources = {'a': 'A: {number}', 'b': {'json': 'b.c'}, 'c': {'count': 'C  c'}}
    in_case, in_text = 'case_sensitive' not in options, 'search_in' in options

    assert page(search_string='a', values=sources, **options).further.values == (
        number_between('a', 'A: {number}', in_case, in_text),
        NumberAt('b', compile_expression('b.c')),
        count('c', 'C  c', in_case, in_text),
    )


@pytest.mark.parametrize(
    ('data', 'body', 'content_type'),
    [
        ('a=é', 'a=é'.encode(), ''),
        ({'a': ['b', 'c'], 'n': None, 'é': 1}, b'a=b&a=c&%C3%A9=1', 'application/x-www-form-urlencoded'),
    ],
)
def test_body_and_its_type(data: Any, body: bytes, content_type: str) -> None:
    options = page(search_string='a', method='POST', data=data)

    assert (options.body, options.content_type) == (body, content_type)


def test_options_of_a_page_that_are_not_given() -> None:
    options = page(search_string='a')

    assert (options.name, options.method, options.ip_protocol, options.encoding) == ('', 'GET', 'any', None)
    assert (options.max_redirects, options.max_body_size, options.expected_status) == (10, 4 * MIB, '')
    assert (options.all_addresses, options.send_events, options.final_url, options.body) == (False, False, None, None)
    assert (options.rules.case_sensitive, options.rules.regex, options.headers.case_sensitive) == (True, False, True)


def test_options_of_a_page_that_are_given() -> None:
    options = page(
        search_string='a',
        search_header={'X': ['b', 'c']},
        name='shop',
        ip_protocol='ip6',
        max_redirects=0,
        addresses='all',
        send_events=True,
        final_url='http://h/',
        regex=True,
        http_response_status_code='200',
        case_sensitive=False,
        tags=['t'],
        method='POST',
        data='d',
    )

    assert (options.name, options.method, options.ip_protocol, options.body) == ('shop', 'POST', 'ip6', b'd')
    assert (options.max_redirects, options.all_addresses, options.send_events) == (0, True, True)
    assert options.final_url == ('http', 'h', '/', '', '')
    assert options.expected_status == options.status_pattern.pattern == '200'
    assert options.tags == ('t', 'url:http://localhost/', 'instance:shop')
    assert options.headers.required == (('X', 'b'), ('X', 'c'))
    assert (options.rules.case_sensitive, options.rules.regex) == (False, True)
    assert (options.headers.case_sensitive, options.headers.regex) == (False, True)
