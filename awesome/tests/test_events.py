# ruff: noqa: E501 - Events are shown as they are sent.
"""The events of a turn: eight stories from real servers, with all that is sent, and when nothing is."""

from __future__ import annotations

import datetime
import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.probe import Sample

from .answers import TIMEOUT, redirect
from .conftest import Result
from .leaks import ECHOES, SECRETS, echo, instance_with_secrets, leaks_in
from .server import Server, response

pytestmark = pytest.mark.unit

Serve = Callable[..., Server]
Event = dict[str, Any]

SHOP = """\
<!doctype html>
<title>Checkout</title>
<nav><a href="/">Home</a> <a href="/help">Help</a></nav>
<h1>Your order</h1>
<table>
  <tr><td>Coffee, 500 g</td><td>12.50</td></tr>
  <tr><td>Total</td><td>12.50</td></tr>
</table>
<form><button>Place your order</button></form>
<p>Prices include VAT.</p>
<footer>Served in 7 ms, 24 November 2026</footer>
"""


class Story:
    """A check that is run on one answer after the other, and the events that it sends."""

    def __init__(self, aggregator: Any, check: AwesomeCheck) -> None:
        self._aggregator = aggregator
        self.check = check

    def run(self) -> list[Event]:
        """Run the check once and return the events that it sent."""
        self._aggregator.reset()
        assert self.check.run() == ''
        events: list[Event] = self._aggregator.events
        return events


@pytest.fixture(autouse=True)
def times_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time differ: on a machine that is busy, each does."""
    monkeypatch.setattr('datadog_checks.awesome.reporting.change.difference.MIN_TIME', 60)


@pytest.fixture
def story(aggregator: Any) -> Callable[..., Story]:
    def begin(**instance: Any) -> Story:
        return Story(
            aggregator, AwesomeCheck('awesome', {}, [{'send_events': True, 'name': 'shop checkout', **instance}])
        )

    return begin


def told(event: Event) -> str:
    """Return the title and the text of an event, without what is another in each run of the tests."""
    text = f'{event["msg_title"]} ({event["alert_type"]})\n{event["msg_text"]}'
    text = re.sub(r'(?<=127\.0\.0\.[12])(:| port )\d+', r'\g<1>8000', text)
    return re.sub(r'\d+ seconds?(?= ago|\.)', 'N seconds', text)


HEAD = '<!doctype html>\n<title>Checkout</title>\n'
ORDER = {'search_string': ['Your order', 'Total'], 'search_in': 'text'}
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def page(text: str, **changes: Any) -> bytes:
    return response(text.encode(), **changes)


def served_in(milliseconds: int) -> bytes:
    """Return the page of the shop as it is a moment later."""
    return page(SHOP.replace('7 ms', f'{milliseconds} ms'))


def test_deploy_that_broke_the_template(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve()
    runs = story(url=f'{server.url}checkout', **ORDER)
    for milliseconds in (7, 12):
        server.paths['/checkout'] = served_in(milliseconds)
        assert runs.run() == []
    broken = (
        SHOP.replace('Your order', '{{ order.title }}').replace('12.50', '{{ line.price }}').replace('7 ms', '3 ms')
    )
    server.paths['/checkout'] = page(broken)

    (event,) = runs.run()

    assert (
        told(event)
        == """\
shop checkout: OK -> WARNING (warning)
%%%
`'Your order' not found (375 bytes read); status 200 OK, encoding utf-8, title 'Checkout'`

**Nearest text**

- `'Your order'`: `'your order'`, 90 %, in visible line 8: `Place your order`

**What differs from the last OK run**, N seconds ago

**Visible lines**: 3 went (-), 3 came (+)

```
- Your order
- 12.50
- 12.50
+ {{ order.title }}
+ {{ line.price }}
+ {{ line.price }}
```

**Next step**: Was something deployed? See what the server sends to the machine of the Agent: `curl -sS http://127.0.0.1:8000/checkout`. On the host of the Agent, `datadog-agent diagnose --verbose --include check-datadog` tries what usually hides a string.
%%%"""
    )


def test_login_wall(serve: Serve, story: Callable[..., Story]) -> None:
    login = '<title>Sign in</title><h1>Sign in</h1><form>Name <input name=n> Password <input type=password></form>'
    server = serve(paths={'/checkout': page(SHOP), '/login?next=checkout': page(login)})
    runs = story(url=f'{server.url}checkout', **ORDER)
    assert runs.run() == []
    server.paths['/checkout'] = redirect('/login?next=checkout')

    (event,) = runs.run()

    assert (
        told(event)
        == """\
shop checkout: OK -> WARNING (warning)
%%%
`'Your order', 'Total' not found (101 bytes read); status 200 OK, encoding utf-8, title 'Sign in'`

**Nearest text**

- `'Your order'`: nothing like it
- `'Total'`: nothing like it

**What differs from the last OK run**, N seconds ago

- URL: `http://127.0.0.1:8000/checkout` -> `http://127.0.0.1:8000/login`
- title: `Checkout` -> `Sign in`
- size: `346 bytes` -> `101 bytes`

**Visible lines**: 9 went (-), 2 came (+)

```
- Home Help
- Your order
- Coffee, 500 g
- 12.50
- Total
- 12.50
- Place your order
- Prices include VAT.
- Served in 7 ms, 24 November 2026
+ Sign in
+ Name Password
```

**Next step**: This is a login page: it asks for a password. Check whether the page should need a login, and how the Agent logs in (`username`, `auth_token`, `headers`).
%%%"""
    )


def test_maintenance_page(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(paths={'/checkout': page(SHOP)})
    runs = story(url=f'{server.url}checkout', **ORDER)
    assert runs.run() == []
    server.paths['/checkout'] = page('<title>Maintenance</title><p>We are back at 6:00.', status='503 x')

    (event,) = runs.run()

    assert (
        told(event)
        == """\
shop checkout: OK -> CRITICAL (error)
%%%
`status: 503 Service Unavailable`

**What differs from the last OK run**, N seconds ago

- status: `200 OK` -> `503 Service Unavailable`
- title: `Checkout` -> `Maintenance`
- size: `346 bytes` -> `49 bytes`

**Visible lines**: 9 went (-), 1 came (+)

```
- Home Help
- Your order
- Coffee, 500 g
- 12.50
- Total
- 12.50
- Place your order
- Prices include VAT.
- Served in 7 ms, 24 November 2026
+ We are back at 6:00.
```

**Next step**: The server is overloaded, starting, or in maintenance: check it, and the servers behind it.\
 If this status is right, set `http_response_status_code`.
%%%"""
    )


def test_old_backend(serve: Serve, story: Callable[..., Story], monkeypatch: pytest.MonkeyPatch) -> None:
    health = '{"status": "UP", "version": "2.5.0", "commit": "8f3a9c", "checks": ["database", "queue"]}'
    new, old = (
        serve(page(health, Content_Type='application/json')),
        serve(
            page(health.replace('2.5.0', '2.4.1').replace('8f3a9c', '01d7be'), Content_Type='application/json'),
            host='127.0.0.2',
        ),
    )
    at: list[tuple[str, int]] = [('127.0.0.1', new.port)]
    look_up = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        is_address = kwargs.get('flags', 0) & socket.AI_NUMERICHOST
        return look_up(*((host, port) if is_address else at[0]), *args, **kwargs)

    monkeypatch.setattr(socket, 'getaddrinfo', resolve)
    runs = story(url='http://shop.example/health', search_string='"version": "2.5.')
    assert runs.run() == []
    at[0] = '127.0.0.2', old.port

    (event,) = runs.run()

    assert (
        told(event)
        == """\
shop checkout: OK -> WARNING (warning)
%%%
`'"version": "2.5.' not found (89 bytes read); status 200 OK, encoding utf-8, no title`

**Nearest text**

- `'"version": "2.5.'`: `'"version": "2.4.'`, 93 %, in line 1: `{"status": "UP", "version": "2.4.1", "commit": "01d7be", "checks": ["data`

**What differs from the last OK run**, N seconds ago

- address: `127.0.0.1` -> `127.0.0.2`

**Visible lines**: 2 went (-), 2 came (+)

```
- "version": "2.5.0",
- "commit": "8f3a9c",
+ "version": "2.4.1",
+ "commit": "01d7be",
```

**Next step**: Another server answers than before: check what is deployed there.
%%%"""
    )


def test_expired_certificate(ca: trustme.CA, trusted: str, serve: Serve, story: Callable[..., Story]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert('127.0.0.1', not_after=datetime.datetime(2050, 1, 1, tzinfo=datetime.UTC)).configure_cert(context)
    runs = story(url=f'{serve(page(SHOP), tls=context).url}checkout', tls_ca_cert=trusted, **ORDER)
    assert runs.run() == []
    ca.issue_cert('127.0.0.1', not_before=PAST, not_after=PAST + datetime.timedelta(days=90)).configure_cert(context)

    (event,) = runs.run()

    assert (
        told(event)
        == """\
shop checkout: OK -> CRITICAL (error)
%%%
`TLS: the certificate has expired`

**What differs from the last OK run**, N seconds ago

- certificate: `valid until 2050-01-01 00:00 UTC` -> `valid until 2020-03-31 00:00 UTC`

**Next step**: Renew the server's certificate, then reload the server.
%%%"""
    )


def test_truncated_page(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(paths={'/checkout': page(SHOP)})
    runs = story(url=f'{server.url}checkout', **ORDER)
    assert runs.run() == []
    server.paths['/checkout'] = page(SHOP)[:-220]

    (event,) = runs.run()

    assert (
        told(event)
        == """\
shop checkout: OK -> CRITICAL (error)
%%%
`body: the connection broke off after 126 of 346 bytes`

**What differs from the last OK run**, N seconds ago

- size: `346 bytes` -> `126 bytes`

**Visible lines**: 7 went (-), 0 came (+)

```
- Coffee, 500 g
- 12.50
- Total
- 12.50
- Place your order
- Prices include VAT.
- Served in 7 ms, 24 November 2026
```

**Next step**: The server or a proxy before it cut the page off: read their logs.
%%%"""
    )


def test_wrong_encoding_after_a_server_change(serve: Serve, story: Callable[..., Story]) -> None:
    hours = '<title>Öffnungszeiten</title><h1>Öffnungszeiten</h1><p>täglich 9–18 Uhr<p>Wir freuen uns auf Sie.'
    server = serve(paths={'/': response(hours.encode('cp1252'), Content_Type='text/html; charset=windows-1252')})
    runs = story(url=server.url, name='', search_string='Öffnungszeiten')
    assert runs.run() == []
    server.paths['/'] = response(hours.encode('cp1252'), Content_Type='text/html')

    (event,) = runs.run()

    assert (
        told(event)
        == """\
http://127.0.0.1:8000/: OK -> WARNING (warning)
%%%
`'Öffnungszeiten' not found (97 bytes read); status 200 OK, encoding utf-8, title '�ffnungszeiten'`

**Nearest text**

- `'Öffnungszeiten'`: `'�ffnungszeiten'`, 92 %, in line 1: `<title>�ffnungszeiten</title><h1>�ffnungszeiten</h1><p>t�glic`

**What differs from the last OK run**, N seconds ago

- Content-Type: `text/html; charset=windows-1252` -> `text/html`
- title: `Öffnungszeiten` -> `�ffnungszeiten`
- encoding: `windows-1252 (the Content-Type)` -> `utf-8 (the default)`

**Visible lines**: 2 went (-), 2 came (+)

```
- Öffnungszeiten
- täglich 9–18 Uhr
+ �ffnungszeiten
+ t�glich 9�18 Uhr
```

**Next step**: The page is in another encoding than before, or says so: let the server declare the right one, or set `encoding`.
%%%"""
    )


def test_recovery(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(paths={'/checkout': page(SHOP)})
    runs = story(url=f'{server.url}checkout', **ORDER)
    assert runs.run() == []
    server.paths['/checkout'] = page('', status='502 x')
    runs.run()
    server.paths['/checkout'] = page(SHOP.replace('Prices include VAT.', 'Prices include 19 % VAT.'))

    (event,) = runs.run()

    assert (
        told(event)
        == """\
shop checkout: CRITICAL -> OK (success)
%%%
`everything required was found and nothing forbidden (351 bytes read)`

The page was CRITICAL for N seconds.

**What differs from the last OK run**, N seconds ago

**Visible lines**: 1 went (-), 1 came (+)

```
- Prices include VAT.
+ Prices include 19 % VAT.
```
%%%"""
    )


def test_event_is_one_for_datadog(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(page(SHOP, status='503 x'))

    (event,) = story(url=f'{server.url}?token=secret', search_string='a', tags=['team:shop']).run()

    text, timestamp = event.pop('msg_text'), event.pop('timestamp')
    assert event == {
        'event_type': 'awesome.search',
        'msg_title': 'shop checkout: CRITICAL in the first run',
        'alert_type': 'error',
        'aggregation_key': 'awesome:shop checkout',
        'source_type_name': 'awesome',
        'tags': ['team:shop', f'url:{server.url}', 'instance:shop checkout'],
    }
    assert text.startswith('%%%\n')
    assert abs(timestamp - time.time()) < 60


FOUND, LOST, BROKEN = page('nginx'), page('Apache'), page('nginx', status='500 x')


@pytest.mark.parametrize(
    ('answers', 'turns'),
    [
        pytest.param([FOUND, FOUND], [None, None], id='OK says nothing'),
        pytest.param([LOST], ['WARNING in the first run'], id='WARNING from the beginning'),
        pytest.param([BROKEN], ['CRITICAL in the first run'], id='CRITICAL from the beginning'),
        pytest.param([LOST, LOST, LOST], ['WARNING in the first run', None, None], id='same verdict'),
        pytest.param(
            [FOUND, LOST, BROKEN, LOST, FOUND, BROKEN, FOUND],
            [
                None,
                'OK -> WARNING',
                'WARNING -> CRITICAL',
                'CRITICAL -> WARNING',
                'WARNING -> OK',
                'OK -> CRITICAL',
                'CRITICAL -> OK',
            ],
            id='every direction',
        ),
        pytest.param(
            [FOUND, LOST] * 3, [None, *['OK -> WARNING', 'WARNING -> OK'] * 2, 'OK -> WARNING'], id='flapping'
        ),
    ],
)
def test_each_turn_is_one_event(
    answers: list[bytes], turns: list[str | None], serve: Serve, story: Callable[..., Story]
) -> None:
    server = serve()
    runs = story(url=server.url, search_string='nginx')

    told = []
    for answer in answers:
        server.paths['/'] = answer
        told.append([event['msg_title'].removeprefix('shop checkout: ') for event in runs.run()])

    assert told == [[turn] if turn else [] for turn in turns]


def test_nothing_is_sent_or_kept_without_the_option(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(FOUND)
    runs = story(url=server.url, search_string='nginx', send_events=False)
    runs.run()
    server.paths['/'] = LOST

    assert runs.run() == []
    assert runs.check._events._turns is None


def test_cancelled_run_is_no_turn(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(FOUND)
    runs = story(url=server.url, search_string='nginx')
    runs.run()
    runs.check.cancel()
    assert runs.run() == []
    server.paths['/'] = LOST

    (event,) = runs.run()

    assert event['msg_title'] == 'shop checkout: OK -> WARNING'


def test_changed_configuration_starts_anew(serve: Serve, aggregator: Any) -> None:
    instance = {'url': serve(FOUND).url, 'search_string': 'nginx', 'send_events': True}
    check = AwesomeCheck('awesome', {}, [instance])
    check.check(instance)
    instance['search_string'] = 'Apache'

    check.check(instance)

    (event,) = aggregator.events
    assert event['msg_title'].endswith('WARNING in the first run')
    assert '- nginx' not in event['msg_text']


def test_two_instances_on_one_page_have_events_of_their_own(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(LOST)
    long = 'n' * 200
    keys = [
        event['aggregation_key']
        for name in ('one', 'other', f'{long}1', f'{long}2')
        for event in story(url=server.url, search_string='nginx', name=name).run()
    ]

    assert len(set(keys)) == 4
    assert max(map(len, keys)) == 100


def test_title_is_short(serve: Serve, story: Callable[..., Story]) -> None:
    (event,) = story(url=serve(LOST).url, search_string='nginx', name='n' * 200).run()

    assert len(event['msg_title']) == 100
    assert event['msg_title'].endswith('n...: WARNING in the first run')


HOSTILE = {
    'fence': '```\n\n**bold**\n```',
    'span': '` [click](http://evil.example/) `',
    'end of Markdown': '%%% %%%%%%% %%%%',
    'mention': '@oncall @slack-shop (@all) a@example.com',
    'terminal': '\x1b[2J\x07\u202e',
    'many': ''.join(f'<p>{"%" * 150}{number}' for number in range(100_000)),
    'one line': '<p>' + '`%' * 2_000_000,
    'surrogates': '&#xd800;&#0;&#x1b;',
}


@pytest.mark.parametrize('text', HOSTILE.values(), ids=HOSTILE)
def test_page_cannot_break_out_of_its_blocks(text: str, serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(FOUND)
    runs = story(url=server.url, search_string=['nginx', f'Thank you {text[:50]}'], search_mode='any')
    runs.run()
    server.paths['/'] = page(f'<title>{text[:2000]}</title><p>{text}<p>Thank you, {text[:50]}')

    (event,) = runs.run()

    shown = event['msg_text']
    assert 'Visible lines' in shown
    assert len(shown) <= 4000
    assert shown.startswith('%%%\n')
    assert shown.endswith('\n%%%')
    assert '%%%' not in shown[3:-3]
    assert not re.search(r'(?<!\w)@', shown)
    assert shown.replace('\n', '').isprintable()
    assert shown.count('\n```\n') == shown.count('```') == 2
    outside = re.sub('`[^`\n]*`', '', re.sub(r'\n```\n.*?\n```\n', '', shown, flags=re.DOTALL))
    assert '`' not in outside
    assert 'evil' not in outside
    assert '**bold' not in outside


def test_text_fits_whatever_differs(ca: trustme.CA, trusted: str, serve: Serve, story: Callable[..., Story]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert('127.0.0.1').configure_cert(context)
    long = {letter: letter * 300 for letter in 'abcdefgh'}
    server = serve(page(f'<title>{long["a"]}</title>{long["b"]}'), tls=context)
    strings = [long['b'], f'{long["c"]}1', f'{long["d"]}1', f'{long["e"]}1']
    runs = story(url=server.url, search_string=strings[0], search_mode='any', tls_ca_cert=trusted)
    runs.run()
    ca.issue_cert('127.0.0.1', not_after=PAST.replace(year=2050)).configure_cert(context)
    lines = ''.join(f'<p>{letters}{number}' for number in range(9) for letters in long.values() if letters != long['b'])
    redirected = page(f'<title>{long["f"]}</title>{lines}', Content_Type=f'text/html; charset=koi8-r; x={long["g"]}')
    server.paths |= {'/': redirect(f'/{long["h"]}'), f'/{long["h"]}': redirected}

    (event,) = runs.run()

    assert 3800 <= len(event['msg_text']) <= 4000
    assert event['msg_text'].count('\n+ ') == 14
    assert event['msg_text'].endswith(' or set `encoding`.\n%%%')


@pytest.mark.parametrize(
    ('options', 'text', 'step'),
    [
        pytest.param({}, '<title>502 Bad Gateway</title>', 'This is an error page, by its title', id='error page'),
        pytest.param({}, '<title>a</title><input type=password>', 'This is a login page', id='login page'),
        pytest.param({}, 'a', 'Was something deployed?', id='anything'),
        pytest.param(
            {'forbidden_string': 'Traceback'}, 'nginx Traceback', 'The page shows what it must', id='forbidden'
        ),
    ],
)
def test_next_step(options: dict[str, Any], text: str, step: str, serve: Serve, story: Callable[..., Story]) -> None:
    (event,) = story(url=serve(page(text)).url, search_string='nginx', **options).run()

    assert f'\n\n**Next step**: {step}' in event['msg_text']


def test_excerpt_is_around_the_nearest_text(serve: Serve, story: Callable[..., Story]) -> None:
    lines = ''.join(f'<p>line {number}' for number in range(50))
    server = serve(page(lines.replace('<p>line 30', '<p>Your older')))

    (event,) = story(url=server.url, search_string='Your order').run()

    excerpt = event['msg_text'].partition('```\n')[2].partition('\n```')[0].split('\n')
    assert excerpt == [f'  {"Your older" if number == 30 else f"line {number}"}' for number in range(27, 37)]


def test_nothing_is_near_to_a_regular_expression(serve: Serve, story: Callable[..., Story]) -> None:
    (event,) = story(url=serve(page('Your older')).url, search_string='Your orders?', regex=True).run()

    assert 'Nearest' not in event['msg_text']


def test_empty_page_has_lost_all_lines(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(FOUND)
    runs = story(url=server.url, search_string='nginx')
    runs.run()
    server.paths['/'] = page('')

    (event,) = runs.run()

    assert '- size: `5 bytes` -> `0 bytes`' in event['msg_text']
    assert '\n- nginx\n```' in event['msg_text']


def test_events_show_nothing_secret(serve: Serve, story: Callable[..., Story]) -> None:
    shown = ''
    echoes = ECHOES | {'as the type': echo(b'HTTP/1.1 200 OK\r\nContent-Type: text/html; x=', b'\r\n\r\nnot that')}
    for answer in echoes.values():
        server = serve(page('not there'))
        instance = instance_with_secrets(server)
        runs = story(**instance)
        shown += repr(runs.run())
        path = f'/?t={SECRETS["query"]}'
        server.paths[path] = answer
        shown += repr(runs.run())
        server.paths[path] = LOST
        shown += repr(runs.run())

    assert 'Visible lines' in shown
    assert leaks_in(shown) == []


def test_secret_that_becomes_known_later_is_masked(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(page('nginx Token-that-is-obtained'))
    runs = story(url=server.url, search_string='nginx')
    runs.run()
    runs.check.probe.mask.add('Token-that-is-obtained')
    server.paths['/'] = LOST

    (event,) = runs.run()

    assert '- nginx ********' in event['msg_text']


def test_binary_page_is_told_without_its_bytes(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(FOUND)
    runs = story(url=server.url, search_string='nginx')
    runs.run()
    server.paths['/'] = response(bytes(range(256)) * 99, Content_Type='image/png')

    (event,) = runs.run()

    assert '- Content-Type: `text/html; charset=utf-8` -> `image/png`' in event['msg_text']
    assert 'Visible lines' not in event['msg_text']


def test_lines_that_are_too_many_are_counted(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(page('nginx' + ''.join(f'<p>old {number}' for number in range(40))))
    runs = story(url=server.url, search_string='nginx')
    runs.run()
    server.paths['/'] = page(''.join(f'<p>new {number}' for number in range(30)))

    (event,) = runs.run()

    assert '**Visible lines**: 41 went (-), 30 came (+)' in event['msg_text']
    assert event['msg_text'].count('\n- old') == 19
    assert event['msg_text'].count('\n+ new') == 20
    assert 'and 31 more lines' in event['msg_text']


def test_long_lines_are_shown_where_they_differ(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(page('<p>nginx' + 'a' * 1000 + 'old' + 'b' * 1000))
    runs = story(url=server.url, search_string='nginx')
    runs.run()
    server.paths['/'] = page('<p>nginx' + 'a' * 1000 + 'new' + 'b' * 1000, status='500 x')

    (event,) = runs.run()

    assert re.search(r'\n- \.\.\.a{40}oldb+\.\.\.\n\+ \.\.\.a{40}newb+\.\.\.\n', event['msg_text'])


def test_fault_of_the_event_leaves_the_run_as_it_was(
    serve: Serve, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr('datadog_checks.awesome.reporting.change.turns.event', lambda *_: 1 / 0)

    result = run(url=serve(LOST).url, search_string='nginx', send_events=True)

    assert result.status == AwesomeCheck.WARNING
    assert 'ZeroDivisionError' in caplog.text


def long_page(then: Callable[[socket.socket], None]) -> Callable[[socket.socket, bytes], None]:
    """Return an answer that sends the string, waits until the client took it, and goes on as `then` says."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999999\r\n\r\nnginx')
        then(connection)

    return answer


def go_on_forever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b'x' * 1000)


@pytest.mark.parametrize(
    'then',
    [
        pytest.param(lambda connection: None, id='breaks off'),
        pytest.param(go_on_forever, id='endless'),
        pytest.param(lambda connection: connection.recv(1), id='silent'),
    ],
)
def test_reading_on_changes_nothing(
    then: Callable[[socket.socket], None], serve: Serve, run: Callable[..., Result]
) -> None:
    result = run(url=serve(long_page(then)).url, search_string='nginx', send_events=True, timeout=TIMEOUT)

    assert (result.status, result.message) == (AwesomeCheck.OK, '')
    assert result.metrics['page.response_time'] < TIMEOUT
    assert result.metrics['search.found'] == 1


def test_page_that_is_ok_is_read_on_to_64_kib_and_no_further(serve: Serve) -> None:
    options = {'search_string': 'nginx', 'send_events': True}
    small, large, limited = (
        sampled(url=serve(answer).url, **options, **more)
        for answer, more in (
            (page('nginx' + 'x' * 1000), {}),
            (long_page(go_on_forever), {}),
            (page('nginx' + 'x' * 1000), {'max_body_size': 500}),
        )
    )

    assert (len(small.data), small.is_cut) == (1005, False)
    assert (65536 <= len(large.data) < 65536 + 256 * 1024, large.is_cut) == (True, True)
    assert (len(limited.data), limited.is_cut) == (500, True)


def test_page_that_is_not_ok_is_sampled_to_1_mib(serve: Serve) -> None:
    sample = sampled(url=serve(page('x' * 3_000_000)).url, search_string='nginx')

    assert len(sample.data) == 1024 * 1024


def sampled(**instance: Any) -> Sample:
    check, sample = AwesomeCheck('awesome', {}, [instance]), Sample()
    check.probe(check.options(instance), sample=sample)
    return sample


def test_diagnosis_of_a_page_that_is_read_in_part_invents_no_change(serve: Serve, story: Callable[..., Story]) -> None:
    lines = ''.join(f'<p>line {number}' for number in range(1000))
    server = serve(page(f'<title>Shop</title>Your order{lines}'))
    runs = story(url=server.url, search_string='Your order', forbidden_string='Sorry')
    assert runs.run() == []
    server.paths['/'] = page(f'<title>Shop</title>Your order<p>Sorry{lines}')

    *_, change = json.loads(runs.check.get_diagnoses())

    assert change['diagnosis'] == "since the last OK run: came 'Sorry'"


def test_diagnosis_shows_what_changed(serve: Serve, story: Callable[..., Story]) -> None:
    server = serve(page(SHOP))
    runs = story(url=server.url, **ORDER)
    runs.run()
    assert [line['name'] for line in json.loads(runs.check.get_diagnoses())][-1] == 'text'
    server.paths['/'] = page('<title>Sign in</title><p>Password')

    *_, text, change = json.loads(runs.check.get_diagnoses())

    assert (text['name'], change['name'], change['category']) == ('text', 'change', f'{server.url} (shop checkout)')
    assert change['diagnosis'] == (
        "since the last OK run: title 'Checkout' -> 'Sign in'; size '346 bytes' -> '33 bytes';"
        " went 'Home Help', 'Your order', 'Coffee, 500 g', and 6 more; came 'Password'"
    )
