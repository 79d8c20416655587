"""Runs the check as the Agent does and prints what it would submit: on the page at $URL, or else on one served here."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base.stubs import aggregator

PAGE = b'<!doctype html><title>Welcome to nginx!</title><p>Thank you for using nginx.</p>'
COLOURS = {'OK': 32, 'WARNING': 33, 'CRITICAL': 31, 'ERROR': 35}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served_page() -> Iterator[str]:
    server = HTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()
    server.server_close()


def show(instance: dict[str, str]) -> str:
    """Run the check once, print the result and give its status."""
    aggregator.reset()
    check = AwesomeCheck(name='awesome', init_config={}, instances=(instance,))
    error = check.run()
    if error:
        headline('ERROR', explain(json.loads(error)[0]['message']))
        return 'ERROR'
    (result,) = aggregator.service_checks('awesome.search')
    status = ('OK', 'WARNING', 'CRITICAL')[result.status]
    headline(status, result.message or f'{instance["search_string"]!r} is in the page')
    print(f'          service check  awesome.search               {status}')
    for name in aggregator.metric_names:
        (metric,) = aggregator.metrics(name)
        print(f'          gauge          {name:<27}  {metric.value:g}')
    print(f'          tags           {", ".join(result.tags)}')
    return status


def headline(status: str, text: str) -> None:
    label = f'{status:<8}'
    if sys.stdout.isatty():
        label = f'\033[1;{COLOURS[status]}m{label}\033[0m'
    print(f'{label}  {text}')


def explain(message: str) -> str:
    """Give a configuration error on one line: "url: must have a host"."""
    lines = [line.removeprefix('  Value error,').strip() for line in message.splitlines()]
    return '; '.join(f'{option}: {reason}' for option, reason in zip(lines[1::2], lines[2::2], strict=False))


def main() -> int:
    given = {option: os.environ[name] for option, name in OPTIONS.items() if name in os.environ}
    if 'url' in given:
        show(given)
        return 0
    with served_page() as url:
        if given:
            show({'url': url, **given})
            return 0
        shown = [
            show({'url': url, 'search_string': 'Thank you for using nginx.'}),
            show({'url': url, 'search_string': 'Apache'}),
            show({'url': 'http://127.0.0.1:1/', 'search_string': 'Apache'}),
        ]
    print("\nTry your own page:  make demo URL=http://localhost:8000/ SEARCH='Welcome'")
    return int(shown != ['OK', 'WARNING', 'CRITICAL'])


OPTIONS = {'url': 'URL', 'search_string': 'SEARCH'}

if __name__ == '__main__':
    sys.exit(main())
