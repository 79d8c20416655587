"""The README's examples do what it says."""

from __future__ import annotations

import datetime
import json
import re
import socket
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import trustme
import yaml
from datadog_api_client import Configuration
from datadog_api_client.model_utils import validate_and_convert_types
from datadog_api_client.v1.model.monitor import Monitor

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.__main__ import main
from datadog_checks.awesome.config_models import InstanceConfig
from datadog_checks.awesome.fault import Kind
from datadog_checks.awesome.reporting.remedies import REMEDIES
from datadog_checks.dev.utils import get_metadata_metrics

from .conftest import Result
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]

README = (Path(__file__).parents[1] / 'README.md').read_text()
SECTION = README.partition('\n## What can I look for?\n')[2].partition('\n## ')[0]
EXAMPLES = re.findall(r'\n### (.+?)\n.*?```yaml\n(.+?)```', SECTION, re.DOTALL)

# For each example a page that is as it should be, and one that is not.
PAGES = {
    'A phrase': ('Thank you for using nginx.', 'Thank you for using Apache.'),
    'Any of two translations': ('<button>In den Warenkorb</button>', '<button>Ajouter au panier</button>'),
    'A page that must not say "Traceback" or "Fatal error"': ('Your order', 'Your order: Fatal error'),
    'A version number': ('{"version": "2.10.3"}', '{"version": "2.9.3"}'),
    'Text copied from a browser': (
        '<p>Thank you for <b>using</b>\nnginx&#46;</p>',
        '<!-- Thank you for using nginx. -->',
    ),
    'An old page in another encoding': ('<p>Öffnungszeiten', '<p>Oeffnungszeiten'),
    'A page behind a login form': ('<h1>Your orders</h1>', '<h1>Wrong password</h1>'),
    'A page behind a password or a token': ('<h1>Monthly reports</h1>', '<h1>Weekly reports</h1>'),
    'Every node of a load balancer': ('version 2.4', 'version 2.3'),
    'IPv6 beside IPv4': ('Add to cart', 'Sold out'),
}


def test_every_example_has_pages() -> None:
    assert [title for title, _ in EXAMPLES] == list(PAGES)


@pytest.mark.parametrize(('title', 'example'), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_example(title: str, example: str, serve: Serve, run: Callable[..., Result]) -> None:
    for instance in yaml.safe_load(example)['instances']:
        encoding = instance.get('encoding', 'utf-8')
        host = '::1' if instance.get('ip_protocol') == 'ip6' else '127.0.0.1'

        statuses = []
        for page in PAGES[title]:
            instance['url'] = serve(response(page.encode(encoding), Content_Type='text/html'), host=host).url
            statuses.append(run(**instance).status)

        assert statuses == [AwesomeCheck.OK, AwesomeCheck.WARNING]


@pytest.mark.parametrize('block', re.findall(r'```yaml\n(.+?)```', README, re.DOTALL))
def test_yaml_is_a_valid_configuration(block: str) -> None:
    configuration: dict[str, Any] = yaml.safe_load(dedent(block))

    for instance in configuration['instances']:
        check = AwesomeCheck('awesome', configuration.get('init_config', {}), [instance])
        check.load_configuration_models()
        assert not check.log_typos_in_options(instance, check.config, 'instances')


def test_every_option_of_the_table_exists() -> None:
    table = README.partition('\n## All options\n')[2].partition('\n\n`proxy`')[0]
    options = set(re.findall(r'`(\w+)`', table))

    assert options
    assert options <= InstanceConfig.model_fields.keys()


def test_metrics_are_those_of_the_metadata() -> None:
    section = README.partition('\n### Metrics\n')[2].partition('\n### ')[0]
    metrics = re.findall(r'^\| `(.+?)` \| (second|byte|day|)', section, re.MULTILINE)

    assert dict(metrics) == {name: metric['unit_name'] for name, metric in get_metadata_metrics().items()}


EVENTS = README.partition('\n### Events\n')[2].partition('\n### ')[0]
DIAGNOSES = re.findall(r'```text\n(  FAIL .+?)```', README, re.DOTALL)
PAGE = b'<title>Welcome</title>Thank you for <b>using</b>\nnginx.</html>'
DEMO = b'<title>Welcome</title><p>Thank you for using <b>nginx</b>.</p>'
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def test_diagnoses_are_those_of_the_agent(ca: trustme.CA, trusted: str, serve: Serve, serve_tls: Serve) -> None:
    expired = serve_tls(ca.issue_cert('127.0.0.1', not_before=PAST, not_after=PAST + datetime.timedelta(1)), b'')
    with Server() as ended:
        pass
    welcome = serve(response(PAGE)).url

    shown = [
        diagnose(url='http://host.invalid/', search_string='a'),
        diagnose(url=ended.url, search_string='a'),
        diagnose(url=expired.url, search_string='a', tls_ca_cert=trusted),
        diagnose(url=serve(response(b'', '503 x')).url, search_string='a'),
        diagnose(url=welcome, search_string='thank you'),
        diagnose(url=welcome, search_string='using nginx'),
    ]

    assert shown == DIAGNOSES


def diagnose(**instance: Any) -> str:
    """Return the last line of a diagnosis as the Agent shows it, of a page that is on port 8000."""
    *_, line = json.loads(AwesomeCheck('awesome', {}, [instance]).get_diagnoses())
    shown = f"""\
  FAIL [awesome] [{line['category']}] {line['name']}
  Diagnosis: {line['diagnosis']}
  Remediation: {line['remediation']}
"""
    return re.sub(r'(?<=127\.0\.0\.1)(:| port )\d+', r'\g<1>8000', shown)


def test_event_is_the_one_that_is_sent(serve: Serve, aggregator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r'````text\n(.+?)````', EVENTS, re.DOTALL)
    (instance,) = yaml.safe_load(re.findall(r'```yaml\n(.+?)```', EVENTS, re.DOTALL)[0])['instances']
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="stylesheet" href="/shop.css">'
        '<title>Checkout</title><h1>Your order</h1><p>Total: 12.50<p>Prices include VAT.<p>It is {}'
    )
    servers = [serve(host=host) for host in ('127.0.0.1', '127.0.0.2')]
    turns = [(servers[0], page.format('9:15:00')), (servers[0], page.format('9:15:15'))]
    turns.append((servers[1], page.format('9:15:30').replace('order', 'older').replace('<p>Total: 12.50', '')))
    look_up, at = socket.getaddrinfo, [servers[0]]

    def resolve(host: str, port: int, **kwargs: Any) -> Any:
        is_address = kwargs.get('flags', 0) & socket.AI_NUMERICHOST
        return look_up(*((host, port) if is_address else (at[0].host, at[0].port)), **kwargs)

    monkeypatch.setattr(socket, 'getaddrinfo', resolve)
    check = AwesomeCheck('awesome', {}, [instance | {'url': instance['url'].replace('https:', 'http:')}])

    for server, text in turns:
        at[0], server.paths['/checkout'] = server, response(text.encode())
        check.run()

    (event,) = aggregator.events
    text = event['msg_text'].removeprefix('%%%\n').removesuffix('%%%')
    text = re.sub(r'\d+ seconds? ago', '15 seconds ago', text)
    text = re.sub(r'127\.0\.0\.(\d)', lambda address: f'10.0.0.{int(address[1]) + 6}', text)
    assert f'{event["msg_title"]}\n\n{text}' == shown


def test_monitor_of_the_events_is_valid() -> None:
    (shown,) = re.findall(r'```json\n(.+?)```', EVENTS, re.DOTALL)
    monitor = json.loads(shown)

    converted = validate_and_convert_types(monitor, (Monitor,), [], True, True, configuration=Configuration())

    assert not converted._unparsed
    assert str(converted.type) == 'event-v2 alert'
    assert 'source:awesome ' in monitor['query']


def test_trial_prints_what_is_shown(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = re.findall(r'```text\n\$ .*?\n(.+?)```', README, re.DOTALL)
    # As `python3 -m http.server` answers.
    answer = response(DEMO, Content_Type='text/html', Last_Modified=formatdate(usegmt=True))
    url = serve(answer).url.replace('127.0.0.1', 'localhost')

    main([url, 'using nginx'])

    printed = re.sub(r'\d\.\d{3} s', 'N s', capsys.readouterr().out.replace(url, 'http://localhost:8000/'))
    assert printed == re.sub(r'\d\.\d{3} s', 'N s', shown)


def test_every_kind_of_fault_is_explained() -> None:
    section = README.partition('\n### What each message means\n')[2].partition('\n## ')[0]
    rows = re.findall(r'^\| `(.+?)` \| .+? \| (.+) \|$', section, re.MULTILINE)
    details = {'host': 'shop.example.com', 'authority': 'shop.example.com:443', 'url': 'https://shop.example.com/'}

    assert [remedy for _, remedy in rows] == [REMEDIES[kind].format(**details) for kind in Kind]
    for (message, _), kind in zip(rows, Kind, strict=True):
        assert message.startswith(str(kind.step))


def test_token_from_a_file(serve: Serve, run: Callable[..., Result], tmp_path: Path) -> None:
    section = SECTION.partition('\n### A page behind a password or a token\n')[2].partition('\n### ')[0]
    _, example = (
        yaml.safe_load(block)['instances'][0] for block in re.findall(r'```yaml\n(.+?)```', section, re.DOTALL)
    )
    path = tmp_path / 'token'
    path.write_text('t0ken')
    example['auth_token']['reader']['path'] = str(path)
    server = serve(response(b'{"status": "UP"}'))

    assert run(**example | {'url': server.url}).status == AwesomeCheck.OK
    assert b'\r\nAuthorization: Bearer t0ken\r\n' in server.requests[0]


def test_login_by_form(serve: Serve, run: Callable[..., Result]) -> None:
    (example,) = (yaml.safe_load(example)['instances'][0] for title, example in EXAMPLES if 'login form' in title)
    server = serve(response(b'<h1>Sign in</h1>'))

    def orders(connection: Any, request: bytes) -> None:
        is_known = b'\r\nCookie: session=1' in request
        connection.sendall(response(b'<h1>Your orders</h1>' if is_known else b'<h1>Sign in</h1>'))

    server.paths['/login'] = response(status='302 Found', Location='/orders', Set_Cookie='session=1; HttpOnly')
    server.paths['/orders'] = orders
    check = AwesomeCheck('awesome', {}, [example | {'url': f'{server.url}login'}])

    assert [run(check).status for _ in range(2)] == [AwesomeCheck.OK] * 2
    assert server.requests[0].endswith(b'\r\n\r\nuser=monitor&password=%3CPASSWORD%3E')
    assert b'Cookie' not in server.requests[2]
