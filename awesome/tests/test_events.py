# ruff: noqa: E501 - Events are shown as they are sent.
"""The events of a turn: eight stories from real servers, with all that is sent, and when nothing is."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from datadog_checks.awesome import AwesomeCheck

from .answers import redirect
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
        self._check = check

    def run(self) -> list[Event]:
        """Run the check once and return the events that it sent."""
        self._aggregator.reset()
        assert self._check.run() == ''
        events: list[Event] = self._aggregator.events
        return events


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
    text = re.sub(r'\d+ seconds?(?= ago|\.)', 'N seconds', text)
    return re.sub(r'\d\.\d{3} s', 'N s', text)


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

**Next step**: The server is overloaded, starting, or in maintenance: check it, and the servers behind it.
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
        return look_up(*at[0], *args, **kwargs) if host == 'shop.example' else look_up(host, port, *args, **kwargs)

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
