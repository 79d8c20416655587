"""All addresses of a name, and one verdict: servers on several addresses behind one name."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.__main__ import main
from datadog_checks.awesome.reporting.comparison import describe_addresses
from datadog_checks.awesome.reporting.report import Cancelled, Report
from datadog_checks.awesome.sweep import _merge
from datadog_checks.base import ConfigurationError
from datadog_checks.base.stubs.datadog_agent import datadog_agent

from .answers import redirect, silence, silence_after
from .conftest import Result
from .proxy import forward
from .server import Answer, Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Run = Callable[..., Result]

OK, WARNING, CRITICAL, UNKNOWN = range(4)
HOST = 'shop.example'
ONE, TWO, THREE, SIX = '127.0.0.1', '127.0.0.2', '127.0.0.3', '::1'
NEW, OLD = response(b'<title>New</title>version 2'), response(b'<title>Old</title>version 1')
KEPT = response(b'version 2', Connection='keep-alive')
DEAD: Answer = b''


class Resolver:
    """A getaddrinfo that knows one name, and counts who asks for it."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.asked = 0
        self.seconds = 0.0
        self._getaddrinfo = socket.getaddrinfo

    def __call__(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host != HOST or kwargs.get('flags') == socket.AI_NUMERICHOST:
            return self._getaddrinfo(host, port, *args, **kwargs)
        self.asked += 1
        time.sleep(self.seconds)
        return [info for address in self.addresses for info in self._getaddrinfo(address, port, *args, **kwargs)]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    resolver = Resolver()
    monkeypatch.setattr(socket, 'getaddrinfo', resolver)
    return resolver


class Nodes:
    """Servers on one port of several addresses, to which a name resolves in this order."""

    def __init__(self, resolver: Resolver, stack: ExitStack) -> None:
        self.resolver = resolver
        self.servers: dict[str, Server] = {}
        self._stack = stack

    def start(self, answers: Mapping[str, Answer], **options: Any) -> str:
        """Start a server for each address whose answer is not DEAD, and return the URL of all."""
        port = 0
        for address, answer in answers.items():
            if answer is not DEAD:
                server = self._stack.enter_context(Server(answer, host=address, port=port, **options))
                self.servers[address] = server
                port = server.port
        self.resolver.addresses = list(answers)
        return f'http://{HOST}:{port}/'

    def requests(self) -> dict[str, int]:
        return {address: len(server.requests) for address, server in self.servers.items()}


@pytest.fixture
def nodes(resolver: Resolver) -> Iterator[Nodes]:
    with ExitStack() as stack:
        yield Nodes(resolver, stack)


def options_of(url: str, **options: Any) -> dict[str, Any]:
    return {'url': url, 'search_string': 'version 2', 'addresses': 'all'} | options


def counts(result: Result) -> tuple[float, float]:
    return result.metrics['addresses.ok'], result.metrics['addresses.total']


def test_page_is_fetched_once_from_each_address(nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: NEW, TWO: NEW, THREE: NEW, SIX: NEW})

    result = run(**options_of(url))

    assert (result.status, result.message, counts(result)) == (OK, '', (4, 4))
    assert nodes.requests() == {ONE: 1, TWO: 1, THREE: 1, SIX: 1}
    assert nodes.resolver.asked == 1
    host = f'\r\nHost: {url[7:-1]}\r\n'.encode()
    assert all(host in request for server in nodes.servers.values() for request in server.requests)
    assert result.tags == [f'url:{url}', f'instance:{url}']


def test_one_address_is_fetched_unless_all_are_asked_for(nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: NEW, TWO: OLD})

    for addresses in ({}, {'addresses': 'any'}):
        result = run(url=url, search_string='version 2', **addresses)

        assert result.status == OK
        assert not [name for name in result.metrics if name.startswith('addresses')]
    assert nodes.requests() == {ONE: 2, TWO: 0}
    assert nodes.resolver.asked == 2


@pytest.mark.parametrize(
    ('answers', 'status', 'message', 'ok'),
    [
        pytest.param(
            {ONE: NEW, TWO: OLD, THREE: NEW},
            WARNING,
            "2 of 3 addresses: OK; 127.0.0.2: 'version 2' not found (27 bytes read), title 'Old'",
            2,
            id='one old',
        ),
        pytest.param(
            {ONE: NEW, TWO: NEW, THREE: DEAD},
            CRITICAL,
            '2 of 3 addresses: OK; 127.0.0.3: connection refused',
            2,
            id='one dead',
        ),
        pytest.param(
            {ONE: NEW, TWO: OLD, SIX: DEAD},
            CRITICAL,
            "1 of 3 addresses: OK; 127.0.0.2: 'version 2' not found (27 bytes read), title 'Old';"
            ' [::1]: connection refused',
            1,
            id='one old, one dead',
        ),
        pytest.param(
            {ONE: OLD, TWO: OLD, THREE: DEAD},
            CRITICAL,
            "0 of 3 addresses: OK; 127.0.0.1, 127.0.0.2: 'version 2' not found (27 bytes read), title 'Old';"
            ' 127.0.0.3: connection refused',
            0,
            id='two alike',
        ),
        pytest.param(
            {ONE: response(b'', '503 x'), TWO: NEW},
            CRITICAL,
            '1 of 2 addresses: OK; 127.0.0.1: status: 503 Service Unavailable',
            1,
            id='one fails',
        ),
        pytest.param(
            {ONE: OLD, TWO: OLD},
            WARNING,
            "'version 2' not found (27 bytes read); status 200 OK, encoding utf-8, title 'Old'",
            0,
            id='all old',
        ),
        pytest.param(
            {ONE: redirect('http://127.0.0.1:1/'), TWO: redirect('http://127.0.0.1:1/')},
            CRITICAL,
            'connect: connection refused by 127.0.0.1 port 1',
            0,
            id='all lead to a dead server',
        ),
        pytest.param(
            {ONE: redirect('http://127.0.0.1:1/'), TWO: NEW},
            CRITICAL,
            '1 of 2 addresses: OK; 127.0.0.1: connect: connection refused by 127.0.0.1 port 1',
            1,
            id='one leads to a dead server',
        ),
    ],
)
def test_worst_address_is_the_result(
    answers: dict[str, Answer], status: int, message: str, ok: int, nodes: Nodes, run: Run
) -> None:
    result = run(**options_of(nodes.start(answers)))

    assert (result.status, result.message, counts(result)) == (status, message, (ok, len(answers)))
    assert result.metrics['page.reachable'] == (status != CRITICAL)


def test_all_dead_are_named(resolver: Resolver, run: Run) -> None:
    resolver.addresses = [ONE, TWO]

    result = run(**options_of(f'http://{HOST}:1/'))

    assert result.message == f'connect: connection refused by {HOST} (127.0.0.1, 127.0.0.2) port 1'
    assert counts(result) == (0, 2)


@pytest.mark.parametrize('where', [ONE, TWO, THREE])
def test_silent_address_leaves_time_for_the_others(where: str, nodes: Nodes, run: Run) -> None:
    answers = {ONE: NEW, TWO: NEW, THREE: NEW} | {where: silence}

    result = run(**options_of(nodes.start(answers), timeout=1.5))

    assert (result.status, counts(result)) == (CRITICAL, (2, 3))
    assert nodes.requests() == {ONE: 1, TWO: 1, THREE: 1}
    told = rf'2 of 3 addresses: OK; {where}: timeout: gave up after ([\d.]+) s while waiting for the response'
    found = re.fullmatch(told, result.message)
    # The quick ones leave their time.
    least, most = {ONE: (0.5, 0.5), TWO: (0.55, 0.75), THREE: (0.8, 1.5)}[where]
    assert found and least <= float(found[1]) <= most


def test_all_silent_share_one_timeout(nodes: Nodes, run: Run) -> None:
    url = nodes.start(dict.fromkeys((ONE, TWO, THREE, SIX), silence))

    result = run(**options_of(url, timeout=1))

    assert counts(result) == (0, 4)
    seconds = [float(found) for found in re.findall(r'gave up after ([\d.]+) s', result.message)]
    assert seconds and max(seconds) < 0.3
    assert nodes.requests() == {ONE: 1, TWO: 1, THREE: 1, SIX: 1}


def test_quick_redirect_then_silence_ends_with_the_share(nodes: Nodes, run: Run) -> None:
    """The share is that of all that is fetched from an address."""
    url = nodes.start({ONE: redirect('/next'), TWO: NEW}, paths={'/next': silence_after(b'HTTP/1.1 200 OK\r\n')})

    result = run(**options_of(url, timeout=1))

    assert counts(result) == (1, 2)


@pytest.mark.parametrize('door', [{}, {'auth_type': 'digest', 'username': 'user', 'password': 'secret'}])
def test_cancel_in_the_middle(door: dict[str, str], nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: NEW, TWO: silence, THREE: NEW})
    check = AwesomeCheck('awesome', {}, [options_of(url, timeout=60, **door)])
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(run(check)))
    thread.start()
    while thread.is_alive() and not nodes.servers[TWO].requests:
        time.sleep(0.01)

    check.cancel()
    thread.join(30)

    assert (results[0].status, results[0].message, results[0].metrics) == (UNKNOWN, 'the run was cancelled', {})
    assert nodes.requests() == {ONE: 1, TWO: 1, THREE: 0}
    nodes.resolver.addresses = [ONE, THREE]
    assert run(check).status == OK


def test_cancel_before_the_first_address(nodes: Nodes, run: Run) -> None:
    check = AwesomeCheck('awesome', {}, [options_of(nodes.start({ONE: NEW, TWO: NEW}))])
    check.cancel()

    assert [run(check).status for _ in range(2)] == [UNKNOWN, OK]
    assert nodes.requests() == {ONE: 1, TWO: 1}


def by_address(failing: set[str]) -> Callable[[socket.socket, bytes], None]:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OLD if connection.getsockname()[0] in failing else NEW)

    return answer


TWENTY = [f'127.0.0.{number}' for number in range(1, 21)]


@pytest.mark.parametrize(
    ('failing', 'status', 'message'),
    [
        ([], OK, ''),
        (
            ['127.0.0.16'],
            WARNING,
            "15 of 16 addresses: OK; 127.0.0.16: 'version 2' not found (27 bytes read), title 'Old'; not fetched: 4",
        ),
        (
            TWENTY,
            WARNING,
            "0 of 16 addresses: OK; 127.0.0.1, 127.0.0.2, 127.0.0.3, 13 more: 'version 2' not found (27 bytes read),"
            " title 'Old'; not fetched: 4",
        ),
        (['127.0.0.17'], OK, ''),
    ],
    ids=['all good', 'one old', 'all old', 'one old that is not fetched'],
)
def test_twenty_addresses(
    failing: list[str], status: int, message: str, serve: Serve, resolver: Resolver, run: Run
) -> None:
    server = serve(by_address(set(failing)), host='0.0.0.0')
    resolver.addresses = TWENTY

    result = run(**options_of(f'http://{HOST}:{server.port}/'))

    assert (result.status, result.message) == (status, message)
    assert counts(result) == (len(set(TWENTY[:16]) - set(failing)), 16)
    assert server.accepted == 16


def test_address_that_is_given_twice_counts_once(nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: NEW, TWO: NEW})
    nodes.resolver.addresses *= 2

    assert counts(run(**options_of(url))) == (2, 2)
    assert nodes.requests() == {ONE: 1, TWO: 1}


def test_literal_address_counts_as_one(serve: Serve, run: Run) -> None:
    assert counts(run(**options_of(serve(NEW).url))) == (1, 1)
    old = run(**options_of(serve(OLD, host=SIX).url))
    assert (counts(old), old.message[:19]) == ((0, 1), "'version 2' not fou")


def test_unknown_host(run: Run) -> None:
    result = run(**options_of('http://host.invalid/'))

    assert result.message == 'DNS: host.invalid: name or service not known'
    assert result.metrics.keys() == {'page.lookup_time', 'page.reachable', 'page.response_time'}


def test_lookups_of_redirects_count_too() -> None:
    report = Report(
        outcome=Cancelled(),
        response_time=1,
        first_byte_time=None,
        phases={'page.lookup_time': 0.5, 'page.connect_time': 0.25},
        certificate_days_left=None,
        chain_days_left=None,
        resolved=None,
        peer=None,
    )

    assert _merge([report], 0.25, True).phases == {'page.lookup_time': 0.75, 'page.connect_time': 0.25}
    assert _merge([report], 0.25, False).phases == report.phases


def test_redirect_to_the_same_host_stays_on_the_address(nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: redirect('/next'), TWO: redirect('/next')}, paths={'/next': NEW})
    other = Nodes(nodes.resolver, nodes._stack)
    elsewhere = other.start({ONE: redirect(f'{url}next'), TWO: redirect(f'{url}next')})

    for start in (url, elsewhere):
        assert run(**options_of(start)).status == OK

    assert (nodes.requests(), other.requests()) == ({ONE: 3, TWO: 3}, {ONE: 1, TWO: 1})


def test_redirect_to_another_name_goes_where_that_leads(nodes: Nodes, serve: Serve, run: Run) -> None:
    other = serve(NEW)
    url = nodes.start(dict.fromkeys((ONE, TWO), redirect(f'http://localhost:{other.port}/')))

    assert counts(run(**options_of(url))) == (2, 2)
    assert len(other.requests) == 2


def test_each_address_starts_clean(nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: response(b'version 2', Set_Cookie='node=one'), TWO: NEW})

    assert run(**options_of(url)).status == OK

    assert b'node=one' not in nodes.servers[TWO].requests[0]


def test_certificates_of_all_addresses_count(
    ca: trustme.CA, trusted: str, nodes: Nodes, serve_tls: Serve, run: Run
) -> None:
    good, soon = (
        ca.issue_cert(HOST, not_after=datetime.now(UTC) + timedelta(days=days, minutes=30)) for days in (90, 5)
    )
    servers = [serve_tls(good, NEW, host=ONE)]
    port = servers[0].port
    servers += [
        serve_tls(soon, NEW, host=TWO, port=port),
        serve_tls(ca.issue_cert('other.example'), NEW, host=THREE, port=port),
    ]
    url = f'https://{HOST}:{port}/'

    nodes.resolver.addresses = [ONE, TWO, THREE]
    other = run(**options_of(url, tls_ca_cert=trusted))
    nodes.resolver.addresses = [TWO, ONE]
    fine = run(**options_of(url, tls_ca_cert=trusted))

    assert (other.status, counts(other), other.message) == (
        CRITICAL,
        (2, 3),
        "2 of 3 addresses: OK; 127.0.0.3: TLS: the certificate is not valid for 'shop.example',"
        " only for 'other.example'",
    )
    for result in (other, fine):
        assert int(result.metrics['certificate.days_left']) == 5
    assert (fine.status, [len(server.requests) for server in servers]) == (OK, [2, 2, 0])


@pytest.mark.parametrize('addresses', ['any', 'all'])
@pytest.mark.parametrize(('protocol', 'expected'), [('ip4', [1, 0]), ('ip6', [0, 1])])
def test_one_protocol(addresses: str, protocol: str, expected: list[int], nodes: Nodes, run: Run) -> None:
    for order in ([ONE, SIX], [SIX, ONE]):
        url = nodes.start(dict.fromkeys(order, NEW))

        result = run(**options_of(url, addresses=addresses, ip_protocol=protocol))

        assert result.status == OK
        assert [nodes.requests()[address] for address in (ONE, SIX)] == expected


@pytest.mark.parametrize('addresses', ['any', 'all'])
@pytest.mark.parametrize(
    ('host', 'known', 'protocol', 'name'),
    [
        (HOST, [ONE], 'ip6', 'IPv6'),
        (HOST, [SIX], 'ip4', 'IPv4'),
        (ONE, [], 'ip6', 'IPv6'),
        ('[::1]', [], 'ip4', 'IPv4'),
    ],
)
def test_host_without_an_address_of_the_protocol(
    addresses: str, host: str, known: list[str], protocol: str, name: str, resolver: Resolver, run: Run
) -> None:
    resolver.addresses = known

    options = options_of(f'http://{host}:1/', addresses=addresses, ip_protocol=protocol)
    result = run(**options)
    *_, line = json.loads(AwesomeCheck('awesome', {}, [options]).get_diagnoses())

    assert line['remediation'].endswith(f'or change `ip_protocol`: getent ahosts {host.strip("[]")}')
    told = f'DNS: {host.strip("[]")}: no {name} address, as ip_protocol asks for'
    assert (result.status, result.message) == (CRITICAL, told)


def test_redirect_keeps_to_the_protocol(nodes: Nodes, serve: Serve, run: Run) -> None:
    url = nodes.start({SIX: redirect(serve(NEW).url)})

    result = run(**options_of(url, addresses='any', ip_protocol='ip6'))

    assert result.message == 'DNS: 127.0.0.1: no IPv6 address, as ip_protocol asks for'


def test_token_may_come_over_another_protocol(nodes: Nodes, serve: Serve, run: Run) -> None:
    issuer = serve(
        response(b'{"access_token": "Token-of-Issuer", "expires_in": 3600}', Content_Type='application/json')
    )
    reader = {'type': 'oauth', 'url': issuer.url, 'client_id': 'id', 'client_secret': 'Secret-of-Client'}
    writer = {'type': 'header', 'name': 'Authorization', 'value': 'Bearer <TOKEN>'}
    url = nodes.start({SIX: NEW})

    result = run(**options_of(url, ip_protocol='ip6', auth_token={'reader': reader, 'writer': writer}))

    assert (result.status, result.message) == (OK, '')
    assert b'Bearer Token-of-Issuer' in nodes.servers[SIX].requests[0]


PROXY = {'http': 'http://127.0.0.1:1'}


@pytest.mark.parametrize('options', [{'addresses': 'all'}, {'ip_protocol': 'ip4'}], ids=['addresses', 'ip_protocol'])
@pytest.mark.parametrize('where', ['instance', 'init_config', 'Agent'])
def test_proxy_that_applies_is_an_error(where: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    base = {'url': f'http://{HOST}/', 'search_string': 'a'}
    if where == 'Agent':
        monkeypatch.setitem(datadog_agent._config, 'proxy', PROXY)
    check = AwesomeCheck(
        'awesome',
        {'proxy': PROXY} if where == 'init_config' else {},
        [base | options | ({'proxy': PROXY} if where == 'instance' else {})],
    )

    for _ in range(2):
        with pytest.raises(ConfigurationError) as error:
            check.check(check.instances[0])

        (option,) = options
        assert str(error.value).startswith(f'{option}, proxy: `{option}` must be `any` for a page behind a proxy')
    (line,) = json.loads(check.get_diagnoses())
    assert line['diagnosis'] == str(error.value)


@pytest.mark.parametrize(
    'direct',
    [{'skip_proxy': True}, {'proxy': PROXY | {'no_proxy': [HOST]}}, {'proxy': {'https': 'http://127.0.0.1:1'}}],
)
def test_proxy_that_does_not_apply_is_none(direct: dict[str, Any], nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: NEW, TWO: NEW})

    assert counts(run(**options_of(url, **({'proxy': PROXY} | direct)))) == (2, 2)


def test_proxy_may_be_reached_over_any_protocol(
    ca: trustme.CA, trusted: str, nodes: Nodes, serve: Serve, serve_tls: Serve, run: Run
) -> None:
    """Nothing is between the Agent and the page, but a proxy is before what that redirects to."""
    page, proxy = serve_tls(ca.issue_cert(HOST), NEW, host=SIX), serve(forward)
    url = nodes.start({SIX: redirect(f'https://{HOST}:{page.port}/')})

    result = run(**options_of(url, ip_protocol='ip6', proxy={'https': proxy.url}, tls_ca_cert=trusted))

    assert (result.status, result.message, len(proxy.requests)) == (OK, '', 1)


def test_connections_are_kept_for_each_address(nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: KEPT, TWO: KEPT})
    check = AwesomeCheck('awesome', {}, [options_of(url, persist_connections=True)])

    for _ in range(3):
        assert counts(run(check)) == (2, 2)

    assert [server.accepted for server in nodes.servers.values()] == [1, 1]
    nodes.resolver.addresses = [TWO]
    assert counts(run(check)) == (1, 1)
    # What was kept to an address that is gone was closed.
    nodes.resolver.addresses = [ONE, TWO]
    assert counts(run(check)) == (2, 2)
    assert [server.accepted for server in nodes.servers.values()] == [2, 1]


def test_run_over_one_address_follows_one_over_all(nodes: Nodes, run: Run) -> None:
    """No address stays pinned."""
    url = nodes.start({ONE: NEW, TWO: NEW})
    instance = options_of(url)
    check = AwesomeCheck('awesome', {}, [instance])
    assert counts(run(check)) == (2, 2)

    check.check({**instance, 'addresses': 'any'})

    assert nodes.requests() == {ONE: 2, TWO: 1}


def test_metrics_are_those_of_the_worst(nodes: Nodes, run: Run) -> None:
    url = nodes.start({ONE: response(b'x' * 99), TWO: NEW, THREE: response(b'', '404 x')})

    result = run(**options_of(url))

    assert result.metrics['page.status_code'] == 404
    assert {'page.size', 'search.found'} & result.metrics.keys() == set()


def test_slowest_is_the_worst_of_those_that_are_equally_good(nodes: Nodes, run: Run) -> None:
    def slow(connection: socket.socket, _: bytes) -> None:
        time.sleep(0.2)
        connection.sendall(response(b'version 2, slowly'))

    result = run(**options_of(nodes.start({ONE: NEW, TWO: slow, THREE: NEW})))

    assert (result.status, result.metrics['page.size']) == (OK, len('version 2, slowly'))


@pytest.mark.parametrize('addresses', ['any', 'all'])
def test_times_count_the_lookup(addresses: str, nodes: Nodes, run: Run) -> None:
    nodes.resolver.seconds = 0.2

    metrics = run(**options_of(nodes.start({ONE: NEW, TWO: NEW}), addresses=addresses)).metrics

    assert metrics['page.response_time'] > metrics['page.first_byte_time'] > 0.2


def test_diagnosis_has_a_line_for_each_address(nodes: Nodes) -> None:
    url = nodes.start({ONE: NEW, TWO: OLD, THREE: response(b'<b>VERSION 2</b>'), SIX: DEAD})
    port = url[:-1].rpartition(':')[2]

    def lines() -> list[tuple[int, str, str, str | None]]:
        check = AwesomeCheck('awesome', {}, [options_of(url)])
        found = json.loads(check.get_diagnoses())
        return [(line['result'], line['name'], line['diagnosis'], line.get('remediation')) for line in found]

    resolve, one, two, three, six = lines()

    assert resolve[:3] == (0, 'resolve', f'{HOST} is 127.0.0.1, 127.0.0.2, 127.0.0.3, ::1')
    assert (one[:2], one[2][:46]) == ((0, 'text'), '127.0.0.1: everything required was found and n')
    assert (two[:2], two[2][:45]) == ((1, 'text'), "127.0.0.2: 'version 2' not found (27 bytes re")
    assert two[3] == f'See what this address sends: curl -sS --resolve {HOST}:{port}:127.0.0.2 {url}'
    assert three[:2] == (1, 'text')
    assert six[:3] == (1, 'connect', f'[::1]: connect: connection refused by {HOST} (::1) port {port}')
    nodes.resolver.addresses = [ONE, THREE]
    assert lines()[2][3] == "'version 2': it is there in different case. Set `case_sensitive: false`."
    # What explains a miss is the body of the address that has it.
    nodes.resolver.addresses = [ONE, TWO]
    assert lines()[2][3] == f'See what the server sends to this machine: curl -sS {url}'


def test_diagnosis_says_how_many_are_not_fetched(serve: Serve, resolver: Resolver) -> None:
    resolver.addresses = TWENTY
    url = f'http://{HOST}:{serve(NEW, host="0.0.0.0").port}/'

    resolve, *others = json.loads(AwesomeCheck('awesome', {}, [options_of(url)]).get_diagnoses())

    assert resolve['diagnosis'].endswith('; not fetched: 4')
    assert [line['result'] for line in others] == [0] * 16


def test_command_has_a_line_for_each_address(nodes: Nodes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = nodes.start({ONE: NEW, TWO: DEAD})
    port = url[:-1].rpartition(':')[2]
    file = tmp_path / 'conf.yaml'
    file.write_text(json.dumps({'instances': [options_of(url)]}))

    assert main(['--config', str(file)]) == CRITICAL

    printed = capsys.readouterr().out
    assert printed.startswith('CRITICAL  1 of 2 addresses: OK; 127.0.0.2: connection refused\n')
    told = [line.split(maxsplit=1)[1] for line in printed.splitlines() if line.startswith('  address ')]
    assert told == [
        '127.0.0.1: OK',
        f'127.0.0.2: CRITICAL  connect: connection refused by {HOST} (127.0.0.2) port {port}',
    ]


LONG = [(f'10.0.0.{number}', f'{number:03}' * 100) for number in range(9)]


@pytest.mark.parametrize(
    ('said', 'not_fetched', 'message'),
    [
        ([('10.0.0.7', 'a'), ('::1', '')], 0, '1 of 2 addresses: OK; 10.0.0.7: a'),
        ([('10.0.0.7', 'a'), ('::1', 'a'), ('::2', 'b')], 0, '0 of 3 addresses: OK; 10.0.0.7, [::1]: a; [::2]: b'),
        ([('10.0.0.7', 'a'), ('::1', '')], 3, '1 of 2 addresses: OK; 10.0.0.7: a; not fetched: 3'),
        (
            LONG,
            3,
            f'0 of 9 addresses: OK; 10.0.0.0: {("000" * 100)[:197]}...; 10.0.0.1: {("001" * 100)[:197]}...'
            '; also failing: 7; not fetched: 3',
        ),
    ],
    ids=['one', 'alike', 'not fetched', 'long'],
)
def test_comparison(said: list[tuple[str, str]], not_fetched: int, message: str) -> None:
    assert describe_addresses(said, not_fetched, 500) == message


@pytest.mark.parametrize('budget', range(60, 501, 20))
def test_comparison_keeps_its_budget(budget: int) -> None:
    assert len(describe_addresses(LONG, 3, budget)) <= budget
