"""What `datadog-agent diagnose` shows of an instance."""

from __future__ import annotations

import datetime
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.reporting.report import Status

from .answers import OPEN, TIMEOUT, flood, redirect, silence, silence_after
from .catalogue import FAULTS
from .leaks import ECHOES, instance_with_secrets, leaks_in
from .proxy import both, forward
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]

PASS, FAIL = 0, 1
UTF_8 = 'encoding utf-8 (the Content-Type)'
SILENCE_IN_BODY = silence_after(OPEN)
PAGE = '<!doctype html><title>Café</title><p>Thank you for <b>using</b>\nnginx&#46;</p><!-- hidden -->'


def diagnose(**instance: Any) -> list[dict[str, Any]]:
    check = AwesomeCheck(name='awesome', init_config={}, instances=[instance])
    lines: list[dict[str, Any]] = json.loads(check.get_diagnoses())
    return lines


def failed(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the last line, and make sure that it alone failed."""
    *before, last = lines
    assert [line['result'] for line in before] == [PASS] * len(before)
    assert last['result'] == FAIL
    return last


def test_healthy_page_passes_every_step(serve: Serve) -> None:
    server = serve(response(PAGE.encode()))

    size = len(PAGE.encode())

    lines = diagnose(url=f'{server.url}?secret', search_string='Thank you', name='welcome')

    assert [(line['result'], line['name'], line['diagnosis'].partition(' after ')[0]) for line in lines] == [
        (PASS, 'resolve', '127.0.0.1 is an address'),
        (PASS, 'connect', f'connected to 127.0.0.1 port {server.port}'),
        (PASS, 'response', 'status 200 OK'),
        (
            PASS,
            'text',
            f'everything required was found and nothing forbidden ({size} bytes read); {UTF_8}',
        ),
    ]
    assert {line['category'] for line in lines} == {f'{server.url} (welcome)'}


def test_diagnosis_during_a_run_leaves_the_run_alone(serve: Serve) -> None:
    is_run_reading, may_end = threading.Event(), threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(OPEN + b'Thank you ')
        if not is_run_reading.is_set():
            is_run_reading.set()
            may_end.wait()
        connection.sendall(b'for using nginx.')

    check = AwesomeCheck('awesome', {}, [{'url': serve(on_connect=answer).url, 'search_string': 'using'}])
    reports: list[Status] = []
    instance = check.instance or {}
    run = threading.Thread(target=lambda: reports.append(check.probe(check.options(instance)).status))
    run.start()
    is_run_reading.wait()

    lines = json.loads(check.get_diagnoses())

    may_end.set()
    run.join()
    assert [line['result'] for line in lines] == [PASS] * 4
    assert reports == [Status.OK]


def test_request_that_changes_something_is_not_repeated(serve: Serve) -> None:
    server = serve(response(b'x' * 100 + b'nginx'))

    failed(diagnose(url=server.url, search_string='nginx', max_body_size=50, method='POST', data='a=1'))

    assert server.accepted == 1


def test_commands_are_safe_to_paste(serve: Serve) -> None:
    server = serve(redirect('/;touch%20x;$(id)'), {'/;touch%20x;$(id)': response(b'another page')})

    line = failed(diagnose(url=server.url, search_string='nginx', case_sensitive=False))

    assert line['remediation'].endswith(f" curl -sS '{server.url};touch%20x;$(id)'")


def test_tls_is_a_step_of_its_own(ca: trustme.CA, trusted: str, serve_tls: Serve) -> None:
    expiry = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=10)
    server = serve_tls(ca.issue_cert('127.0.0.1', not_after=expiry), response(b'nginx'))

    lines = diagnose(url=server.url, search_string='nginx', tls_ca_cert=trusted)

    assert [line['name'] for line in lines] == ['resolve', 'connect', 'TLS', 'response', 'text']
    assert lines[2]['diagnosis'] == 'the certificate expires in 10 days'


def test_host_that_was_looked_up_is_shown(serve: Serve) -> None:
    server = serve(response(b'nginx'))

    resolve, *_ = diagnose(url=f'http://localhost:{server.port}/', search_string='nginx')

    assert resolve['diagnosis'].startswith('localhost is ')
    assert '127.0.0.1' in resolve['diagnosis']


def test_end_of_redirects_is_shown(serve: Serve) -> None:
    server = serve(redirect('/login?token=secret'), {'/login?token=secret': response(b'')})

    lines = diagnose(url=server.url, search_string='nginx')

    assert lines[2]['diagnosis'].startswith(f'status 200 OK from {server.url}login after 0.')


def test_redirect_cannot_control_the_terminal(serve: Serve) -> None:
    server = serve(response(b'<title>\x1b[2J</title>'), {'/': redirect('/\x1b[2J')})

    assert all(
        str(text).isprintable() for line in diagnose(url=server.url, search_string='a') for text in line.values()
    )


@pytest.mark.parametrize(
    ('answer', 'step', 'passed'),
    [
        pytest.param(redirect('http://host.invalid/'), 'resolve', [], id='resolve'),
        pytest.param(redirect('http://127.0.0.1:1/'), 'connect', ['resolve'], id='connect'),
        pytest.param(response(b'', '503 x'), 'response', ['resolve', 'connect'], id='status'),
        pytest.param(redirect('/'), 'response', ['resolve', 'connect'], id='redirect'),
        pytest.param(silence, 'response', ['resolve', 'connect'], id='waiting'),
        pytest.param(SILENCE_IN_BODY, 'text', ['resolve', 'connect', 'response'], id='reading'),
        pytest.param(FAULTS['breaks off'].answer, 'text', ['resolve', 'connect', 'response'], id='body'),
        pytest.param(response(b'Apache'), 'text', ['resolve', 'connect', 'response'], id='text'),
    ],
)
def test_steps_before_the_one_that_failed_passed(answer: Any, step: str, passed: list[str], serve: Serve) -> None:
    timeout = TIMEOUT if answer in (silence, SILENCE_IN_BODY) else 60
    *before, last = diagnose(url=serve(answer).url, search_string='nginx', timeout=timeout)

    # What failed did not at first, but after a redirect.
    assert [line['name'] for line in before] == passed
    assert (last['name'], last['result']) == (step, FAIL)


def test_silent_handshake_fails_at_tls(serve: Serve) -> None:
    server = serve(on_connect=lambda connection: silence(connection, b''))

    # To read all that the system trusts takes long while many tests run.
    options = {'search_string': 'a', 'timeout': TIMEOUT, 'tls_verify': False}
    line = failed(diagnose(url=server.url.replace('http', 'https'), **options))

    assert line['name'] == 'TLS'


def test_expired_certificate_fails_at_tls(ca: trustme.CA, trusted: str, serve_tls: Serve) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    issued = ca.issue_cert('127.0.0.1', not_before=past, not_after=past + datetime.timedelta(days=1))
    server = serve_tls(issued, response(b'nginx'))

    line = failed(diagnose(url=server.url, search_string='nginx', tls_ca_cert=trusted))

    assert (line['name'], line['diagnosis']) == ('TLS', 'TLS: the certificate has expired')
    assert line['remediation'] == "Renew the server's certificate, then reload the server."


def test_proxy_that_fails_is_named(serve: Serve, ca: trustme.CA) -> None:
    proxy = serve(response(b'', '502 x'))

    line = failed(diagnose(url='https://127.0.0.1:1/', search_string='a', proxy=both(proxy.url)))

    assert (line['name'], '`proxy`' in line['remediation']) == ('connect', True)
    assert diagnose(url=serve(response(b'a')).url, search_string='a', proxy=both(serve(forward).url))[-1]['result'] == 0


USER = {'username': 'me', 'password': 'hunter22'}
DIGEST = 'Digest realm="a, Basic b", nonce="1", qop="auth"'


@pytest.mark.parametrize(
    ('challenge', 'login', 'remedy'),
    [
        ('Basic realm="a"', {}, 'The server asks for Basic: set `username` and `password`.'),
        ('basic realm="a"', USER, 'The server refuses the user name or password.'),
        (DIGEST, USER, 'The server asks for Digest: set `auth_type: digest`.'),
        (DIGEST, {}, 'The server asks for Digest: set `auth_type: digest`, `username`, and `password`.'),
        (DIGEST, USER | {'auth_type': 'digest'}, 'The server refuses the user name or password.'),
        (
            'Basic realm="a"',
            USER | {'auth_type': 'digest'},
            'The server asks for Basic: set `auth_type: basic`, `username`, and `password`.',
        ),
        ('Negotiate, NTLM', USER, 'The server asks for Negotiate: set `auth_type: kerberos`.'),
        (
            'Bearer error="expired"',
            {},
            'The server asks for a Bearer token: set `auth_token`, or a header Authorization in `headers`.',
        ),
        (
            'Bearer',
            {'headers': {'authorization': 'Bearer hunter22'}},
            'The server refuses the header Authorization: correct it in `headers`.',
        ),
        (
            'Bearer',
            {'headers': {'Authorization': ''}},
            'The server refuses the header Authorization: correct it in `headers`.',
        ),
        ('Own basic=1, Bearer=2', {}, 'Set `username` and `password`, `auth_token`, or `headers`, or correct them.'),
    ],
)
def test_login_that_the_server_asks_for_is_named(
    challenge: str, login: dict[str, Any], remedy: str, serve: Serve
) -> None:
    server = serve(response(b'', '401 x', WWW_Authenticate=challenge))

    assert failed(diagnose(url=server.url, search_string='a', **login))['remediation'] == remedy


def test_login_that_another_origin_asks_for_is_not_suggested(serve: Serve) -> None:
    other = serve(response(b'', '401 x', WWW_Authenticate='Basic realm="a"'))
    server = serve(redirect(other.url))

    assert 'refuses' not in failed(diagnose(url=server.url, search_string='a', **USER))['remediation']


def test_invalid_configuration_is_the_only_line() -> None:
    (line,) = diagnose(url='ftp://localhost/', search_string='a')

    assert (line['result'], line['name']) == (FAIL, 'configuration')
    assert 'must start with http:// or https://' in line['diagnosis']


@pytest.mark.parametrize(
    ('search', 'remedy'),
    [
        ({'search_string': 'THANK YOU'}, 'in different case. Set `case_sensitive: false`.'),
        ({'search_string': 'using nginx.'}, 'has markup, entities, or white space inside it. Set `search_in: text`.'),
        (
            {'search_string': 'Using Nginx.'},
            'inside it, and in different case. Set `search_in: text, case_sensitive: false`.',
        ),
        ({'search_string': 'hidden', 'search_in': 'text'}, 'where no reader sees it. Set `search_in: source`.'),
        ({'search_string': 'Café', 'encoding': 'cp1252'}, '(the option `encoding`). Set `encoding: utf-8`.'),
        ({'search_string': 'hidden', 'max_body_size': 40}, 'it comes after the first 40 bytes. Set `max_body_size: '),
        ({'search_string': 'THANK .* for', 'regex': True}, 'in different case. Set `case_sensitive: false`.'),
        ({'search_string': 'Apache'}, 'See what the server sends to this machine: curl -sS http://127.0.0.1'),
        ({'search_string': ' \n '}, 'See what the server sends to this machine: curl -sS http://127.0.0.1'),
        ({'search_string': 'nginx', 'forbidden_string': 'Thank'}, 'The page shows what it must not'),
    ],
)
def test_missing_text_is_explained(search: dict[str, Any], remedy: str, serve: Serve) -> None:
    line = failed(diagnose(url=serve(response(PAGE.encode())).url, **search))

    assert line['name'] == 'text'
    assert remedy in line['remediation']


def test_each_missing_string_is_explained(serve: Serve) -> None:
    strings = ['THANK YOU', 'Thank you', 'using nginx.', 'Apache']

    line = failed(diagnose(url=serve(response(PAGE.encode())).url, search_string=strings))

    assert line['remediation'].startswith(
        "'THANK YOU': it is there in different case. Set `case_sensitive: false`. "
        "'using nginx.': it is in the visible text, but the source has markup, entities, or white space inside it. "
        'Set `search_in: text`. '
        'See what the server sends'
    )


@pytest.mark.parametrize('encoding', ['windows-1252', 'utf-16-le', 'shift_jis', 'koi8-r'])
def test_encoding_that_the_page_does_not_declare_is_found(encoding: str, serve: Serve) -> None:
    word = {'koi8-r': 'Спасибо', 'shift_jis': 'ありがとう'}.get(encoding, 'Café')
    server = serve(response(f'<p>{word}</p>'.encode(encoding), Content_Type='text/html'))

    line = failed(diagnose(url=server.url, search_string=word))
    option = line['remediation'].rpartition('`encoding: ')[2].rstrip('`.')

    assert '(the default)' in line['remediation']
    assert diagnose(url=server.url, search_string=word, encoding=option)[-1]['result'] == PASS


def test_options_that_explain_a_miss_find_it(serve: Serve) -> None:
    server = serve(response(b'x' * 9_000_000 + b'nginx'))

    line = failed(diagnose(url=server.url, search_string='nginx'))
    option, value = line['remediation'].rpartition('Set `')[2].rstrip('`.').split(': ')

    assert option == 'max_body_size'
    assert diagnose(url=server.url, search_string='nginx', max_body_size=int(value))[-1]['result'] == PASS


def test_endless_page_is_not_searched_for_ever(serve: Serve) -> None:
    line = failed(diagnose(url=serve(flood(OPEN, b'x' * 65536)).url, search_string='nginx', max_body_size=1000))

    assert 'curl -sS' in line['remediation']


@pytest.mark.parametrize(
    ('page', 'remedy'),
    [
        (
            '<form><input name=user><input name="p" TYPE="password"></form>',
            'this is a login page: it asks for a password',
        ),
        ('<title>502 Bad Gateway</title>', "this is an error page, by its title '502 Bad Gateway'"),
        ('<title>Service Unavailable</title>', "this is an error page, by its title 'Service Unavailable'"),
        ('<title>Terrors of 1502</title>', 'curl -sS'),
    ],
)
def test_page_in_place_of_the_one_that_was_meant(page: str, remedy: str, serve: Serve) -> None:
    line = failed(diagnose(url=serve(response(page.encode())).url, search_string='nginx'))

    assert remedy in line['remediation']


@pytest.mark.parametrize('echo', ECHOES)
def test_nothing_secret_is_shown(echo: str, serve: Serve) -> None:
    shown = json.dumps(diagnose(**instance_with_secrets(serve(ECHOES[echo]))))

    assert 'resolve' in shown
    assert leaks_in(shown) == []


def test_diagnosis_leaves_the_check_as_it_was(serve: Serve, aggregator: Any) -> None:
    server = serve(response(b'nginx'))
    check = AwesomeCheck(name='awesome', init_config={}, instances=[{'url': server.url, 'search_string': 'nginx'}])

    for _ in range(2):
        assert len(json.loads(check.get_diagnoses())) == 4

    assert aggregator.service_check_names == aggregator.metric_names == []
    assert check.run() == ''
    assert len(server.requests) == 3


def test_unforeseen_error_points_to_the_log(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('datadog_checks.awesome.probe.read', lambda *_: 1 / 0)

    line = failed(diagnose(url=serve(response(b'a')).url, search_string='a'))

    assert line['diagnosis'] == "internal error in the check; see the Agent's log"
    assert line['remediation'].startswith('Read the log of the Agent')


def test_secret_that_was_not_resolved_is_named(serve: Serve) -> None:
    headers = {'X-Key': 'ENC[shop_api_key]', 'X-Other': 'a ENC[b] c'}

    warning, *lines = diagnose(
        url=serve(response(b'nginx')).url, search_string='nginx', headers=headers, username='ENC[x]', password='ENC'
    )

    assert (warning['name'], lines[-1]['result']) == ('configuration', PASS)
    assert warning['diagnosis'] == 'the secret of headers, username is still ENC[...]: the Agent did not resolve it'
    assert 'secret_backend_command' in warning['remediation']
