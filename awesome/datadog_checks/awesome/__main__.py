"""Tries a page: runs the check once, as the Agent does, and shows what it found, what explains a miss, and the YAML.

The exit status is that of monitoring plugins: 0 OK, 1 WARNING, 2 CRITICAL, and 3 if nothing could be said of the page
(https://www.monitoring-plugins.org/doc/guidelines.html).
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, NoReturn

import yaml

from datadog_checks.base import ConfigurationError

from .reporting.message import printable
from .reporting.report import Status
from .trial import Result, lines, try_page

COLOURS = {'OK': 32, 'WARNING': 33, 'CRITICAL': 31, 'INVALID': 35}
INVALID = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells have it.
WELCOME = b'<!doctype html>\n<title>Welcome to nginx!</title>\n<p>Thank you for using nginx.</p>\n'
EXAMPLE = "python -m datadog_checks.awesome http://localhost:8000/ 'Thank you for using nginx.'"


def show(result: Result, coloured: bool) -> None:
    """Print a result for people."""
    label, mark = result['status'], '[[{}]]'
    if coloured:
        label, mark = f'\033[1;{COLOURS[label]}m{label}\033[0m', '\033[7m{}\033[0m'
    print(label, printable(result['message'] or 'the page says what it should'), sep='  ')
    if 'configuration' not in result:
        return
    print()
    for name, text in lines(result, mark.format):
        print(f'  {name:<12}{text}')
    print()
    as_written, escaped = (
        yaml.safe_dump(result['configuration'], sort_keys=False, allow_unicode=allow, width=2**16)
        for allow in (True, False)
    )
    print(as_written if as_written.replace('\n', '').isprintable() else escaped, end='')


@contextmanager
def built_in_page() -> Iterator[str]:
    """Serve a page on 127.0.0.1 and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('Content-Type', 'text/html; charset=utf-8')
            self.send_header('Content-Length', str(len(WELCOME)))
            self.end_headers()
            self.wfile.write(WELCOME)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(('127.0.0.1', 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/'
        server.shutdown()


class Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(INVALID, f'{self.prog}: {message}; see --help\n')


def parse(arguments: Sequence[str] | None) -> Namespace:
    parser = Parser(
        prog='python -m datadog_checks.awesome',
        description='Run the check once on a page, and show what it finds, what explains a miss, and the YAML for it. '
        'Without URL and --config the page is one that is built in.',
        epilog=f'Example: {EXAMPLE}',
    )
    parser.add_argument('url', nargs='?', metavar='URL', help='the page')
    parser.add_argument('strings', nargs='*', metavar='SEARCH_STRING', help='what the page must contain: all of them')
    parser.add_argument('--forbidden', action='append', metavar='STRING', help='what the page must not contain')
    parser.add_argument('--any', action='store_true', help='one of the search strings suffices')
    parser.add_argument('--regex', action='store_true', help='all strings are regular expressions')
    parser.add_argument('--ignore-case', action='store_true', help='upper and lower case are the same')
    parser.add_argument('--text', action='store_true', help='search what a reader sees instead of the source')
    parser.add_argument('--encoding', help='the encoding of the page, if it declares none or a wrong one')
    parser.add_argument('--header', action='append', metavar='NAME:VALUE', help='send a header', default=[])
    parser.add_argument('--no-verify', action='store_true', help='accept any certificate')
    parser.add_argument('--timeout', type=float, metavar='SECONDS', help='how long a run may take (10)')
    parser.add_argument('--config', metavar='FILE', help='take everything from a conf.yaml')
    parser.add_argument('--instance', type=int, metavar='N', help='which of its instances, from 1 on (1)')
    parser.add_argument('--json', action='store_true', help='print one JSON object with everything')
    given = parser.parse_args(arguments)
    if given.url and not given.strings and not given.config:
        parser.error('give at least one SEARCH_STRING for the page to contain')
    if given.config and given.url:
        parser.error('give either a URL or --config')
    if given.instance and not given.config:
        parser.error('--instance takes --config')
    for header in given.header:
        if ':' not in header:
            parser.error(f'--header takes NAME:VALUE, not {header!r}')
    return given


def instance_of(given: Namespace, url: str) -> dict[str, Any]:
    """Return the instance that the flags describe."""
    found = given.strings or ['Thank you for using nginx.']
    headers = {name.strip(): value.strip() for name, _, value in (header.partition(':') for header in given.header)}
    options = {
        'url': url,
        'search_string': found[0] if len(found) == 1 else found,
        'search_mode': 'any' if given.any else None,
        'forbidden_string': given.forbidden,
        'regex': given.regex or None,
        'case_sensitive': False if given.ignore_case else None,
        'search_in': 'text' if given.text else None,
        'encoding': given.encoding,
        'extra_headers': headers or None,
        'tls_verify': False if given.no_verify else None,
        'timeout': given.timeout,
    }
    return {name: value for name, value in options.items() if value is not None}


def configured(path: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the `init_config` and an instance of a file; raise ConfigurationError."""
    try:
        with open(path, encoding='utf-8') as file:
            configuration = yaml.safe_load(file)
        instances = configuration['instances']
        init_config = configuration.get('init_config') or {}
        if not 1 <= number <= len(instances):
            raise ConfigurationError(f'{path} has {len(instances)} instances: there is no number {number}')
        return dict(init_config), dict(instances[number - 1])
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as e:
        reason = ' '.join(str(e).split())
        raise ConfigurationError(f'{path} cannot be read: {reason}') from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigurationError(f'{path} is no configuration of the check: it has no list of `instances`') from None


def main(arguments: Sequence[str] | None = None) -> int:
    given = parse(arguments)
    coloured = sys.stdout.isatty() and 'NO_COLOR' not in os.environ
    # What a terminal cannot show must not end the run.
    sys.stdout.reconfigure(errors='replace')  # type: ignore[union-attr]
    # urllib3 warns of each connection that is not verified.
    warnings.simplefilter('ignore')
    try:
        if given.config:
            result = try_page(*configured(given.config, given.instance or 1))
        elif given.url:
            result = try_page({}, instance_of(given, given.url))
        else:
            with built_in_page() as url:
                result = try_page({}, instance_of(given, url))
    except ConfigurationError as e:
        result = {'status': 'INVALID', 'message': _one_line(str(e))}
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return INTERRUPTED
    try:
        if given.json:
            print(json.dumps(result, indent=2))
        else:
            show(result, coloured)
        if not given.json and not given.config and not given.url:
            print(f'\nTry your own page:  {EXAMPLE}')
        sys.stdout.flush()
    except BrokenPipeError:
        # As https://docs.python.org/3/library/signal.html#note-on-sigpipe has it: the interpreter flushes again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return INVALID if result['status'] == 'INVALID' else Status[result['status']]


def _one_line(error: str) -> str:
    """Return a configuration error on one line: "url: must have a host"."""
    found = [line.removeprefix('  Value error,').strip() for line in error.splitlines()]
    pairs = zip(found[1::2], found[2::2], strict=False)
    return '; '.join(f'{option}: {reason}' if option else reason for option, reason in pairs) or error


if __name__ == '__main__':
    sys.exit(main())
