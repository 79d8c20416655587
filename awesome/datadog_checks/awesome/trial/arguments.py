"""The arguments of the command, and the instance that they describe."""

from __future__ import annotations

import math
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, Any, NoReturn

from datadog_checks.awesome.__about__ import __version__

from .yaml_files import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM = 'python -m datadog_checks.awesome'
EXAMPLE = f"{PROGRAM} http://localhost:8000/ 'Thank you for using nginx.'"
EXIT_INVALID = 3
DEFAULT_STRING = 'Thank you for using nginx.'
DEFAULT_JOBS = 16
MAX_JOBS = 999
# What takes the place of a SEARCH_STRING.
NO_STRING = '--set search_json=... or --set search_header=...'

DESCRIPTION = """\
Run the check once on a page, and show what it finds, what explains a miss, and the YAML for it.
Without URL and --config the page is one that is built in."""
EPILOG = f"""\
exit status:
  0  OK
  1  WARNING: the page does not say what it should
  2  CRITICAL: the page could not be fetched
  3  a configuration or an argument is invalid, or the command failed
130  interrupted
141  whoever read the output closed it before its end
With --all it is the worst of all instances, and 3 if one is invalid.

example: {EXAMPLE}"""


class Parser(ArgumentParser):
    """Ends with one line and the status 3 where arguments are invalid."""

    is_plugin = False

    def error(self, message: str) -> NoReturn:
        self.exit(fail(f'{" ".join(message.split())}; see --help', self.is_plugin))


def fail(reason: str, is_plugin: bool) -> int:
    """Print why the command ends, where its reader looks for it, and return the exit status."""
    if is_plugin:
        print(f'AWESOME UNKNOWN - {reason}'.replace('|', '/'))
    else:
        print(f'{PROGRAM}: {reason}', file=sys.stderr)
    return EXIT_INVALID


def parse(arguments: Sequence[str]) -> Namespace:
    """Return the arguments; exit with status 3 if they are invalid."""
    parser = _parser()
    # What follows `--` is no flag, wherever argparse would look for one.
    end = arguments.index('--') if '--' in arguments else len(arguments)
    parser.is_plugin = '--nagios' in arguments[:end]
    given = parser.parse_intermixed_args(arguments[:end])
    words = [word for word in (given.url, *given.strings) if word is not None] + list(arguments[end + 1 :])
    given.url, given.strings = (words[0] if words else None), words[1:]
    given.set = dict(given.set)
    if problem := _problem(given):
        parser.error(problem)
    return given


def instance_of(given: Namespace, url: str) -> dict[str, Any]:
    """Return the instance that the flags describe, but for those of --set."""
    found = given.strings or ([] if any(option.startswith('search_') for option in given.set) else [DEFAULT_STRING])
    options = {
        'url': url,
        'search_string': found[0] if len(found) == 1 else found or None,
        'search_mode': 'any' if given.any else None,
        'forbidden_string': given.forbidden,
        'regex': given.regex or None,
        'case_sensitive': False if given.ignore_case else None,
        'search_in': 'text' if given.text else None,
        'encoding': given.encoding,
        'extra_headers': dict(given.header) or None,
        'tls_verify': False if given.no_verify else None,
        'timeout': given.timeout,
    }
    return {name: value for name, value in options.items() if value is not None}


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(':')
    if not colon or not name.strip():
        raise ArgumentTypeError(f'takes NAME:VALUE, not {_first_word(text)!r}')
    return name.strip(), value.strip()


def _setting(text: str) -> tuple[str, Any]:
    option, equals, value = text.partition('=')
    if not equals or not option.isidentifier():
        raise ArgumentTypeError(f'takes OPTION=YAML, not {_first_word(text)!r}')
    try:
        return option, parse_yaml(value)
    except ValueError as e:
        raise ArgumentTypeError(f'{option}: {e}') from None


def _first_word(text: str) -> str:
    """Return how an argument begins: the rest may be secret."""
    return re.split(r'[\s:=]', text, maxsplit=1)[0]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ArgumentTypeError(f'takes a number of seconds above 0, not {text!r}')
    # As it would be written in conf.yaml.
    return int(seconds) if seconds.is_integer() else seconds


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > len(str(MAX_JOBS)) or not 1 <= int(text) <= MAX_JOBS:
        raise ArgumentTypeError(f'takes a number from 1 to {MAX_JOBS}, not {text!r}')
    return int(text)


GROUPS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    'what the page must say': {
        '--forbidden': {'action': 'append', 'metavar': 'STRING', 'help': 'what the page must not contain'},
        '--any': {'action': 'store_true', 'help': 'one of the search strings suffices'},
        '--regex': {'action': 'store_true', 'help': 'all strings are regular expressions'},
        '--ignore-case': {'action': 'store_true', 'help': 'upper and lower case are the same'},
        '--text': {'action': 'store_true', 'help': 'search what a reader sees instead of the source'},
        '--encoding': {'help': 'the encoding of the page, if it declares none or a wrong one'},
    },
    'how to fetch it': {
        '--header': {
            'action': 'append',
            'type': _header,
            'metavar': 'NAME:VALUE',
            'default': [],
            'help': 'send a header',
        },
        '--no-verify': {'action': 'store_true', 'help': 'accept any certificate'},
        '--timeout': {'type': _seconds, 'metavar': 'SECONDS', 'help': 'the maximum duration of a run (10)'},
        '--set': {
            'action': 'append',
            'type': _setting,
            'metavar': 'OPTION=YAML',
            'default': [],
            'help': 'any option as in conf.yaml, in place of a flag or of what the file says',
        },
    },
    'what is configured': {
        '--config': {'metavar': 'FILE|DIRECTORY', 'help': 'take instances from a conf.yaml, or a directory of them'},
        '--instance': {'metavar': 'NAME|N', 'help': 'which of the instances, by name or number from 1 (1)'},
        '--all': {'action': 'store_true', 'help': 'run every instance, and print a line for each'},
        '--jobs': {'type': _count, 'metavar': 'N', 'help': f'how many instances run at a time ({DEFAULT_JOBS})'},
        '--check-config': {'action': 'store_true', 'help': 'fetch nothing, print a line for each invalid instance'},
    },
    'what to print': {
        '--json': {'action': 'store_true', 'help': 'one JSON object with everything; with --all, one a line'},
        '--nagios': {'action': 'store_true', 'help': 'what monitoring plugins print, with performance data'},
        '--watch': {
            'type': _seconds,
            'metavar': 'SECONDS',
            'help': 'run again and again, and print a line when the verdict changes',
        },
        '--save': {
            'metavar': 'FILE',
            'help': 'keep the body of the page, decompressed, as far as it was read, if one came',
        },
        '--against': {
            'metavar': 'FILE|URL',
            'help': 'say in what the page differs from one that was saved, or from another',
        },
    },
}
# Flags for one page, which a file describes where there is one.
PAGE_FLAGS = tuple(flag for group in list(GROUPS)[:2] for flag in GROUPS[group] if flag != '--set')
CONFLICTS = (
    ('--all', '--instance', '--check-config', '--watch'),
    ('--json', '--nagios', '--watch', '--check-config'),
    ('--nagios', '--all'),
    ('--save', '--all', '--check-config', '--watch'),
    ('--against', '--all', '--check-config', '--watch'),
)
NEEDED = {'--instance': '--config', '--all': '--config', '--check-config': '--config', '--jobs': '--all'}


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument('url', nargs='?', metavar='URL', help='the page')
    parser.add_argument(
        'strings',
        nargs='*',
        metavar='SEARCH_STRING',
        help=f'what the page must contain: all of them; not needed with {NO_STRING}',
    )
    parser.add_argument('--version', action='version', version=f'awesome {__version__}')
    for title, flags in GROUPS.items():
        group = parser.add_argument_group(title)
        for flag, settings in flags.items():
            group.add_argument(flag, **settings)
    return parser


def _problem(given: Namespace) -> str:
    """Return what is wrong with flags that are valid by themselves; empty if nothing is."""

    def is_given(flag: str) -> bool:
        return getattr(given, flag[2:].replace('-', '_')) not in (None, False, [])

    for flag, needed in NEEDED.items():
        if is_given(flag) and not is_given(needed):
            return f'{flag} needs {needed}'
    for flags in CONFLICTS:
        if len(both := list(filter(is_given, flags))) > 1:
            return f'{both[0]} does not go with {both[1]}'
    if given.config is not None:
        if given.url is not None:
            return 'give either a URL or --config'
        if extra := next(filter(is_given, PAGE_FLAGS), ''):
            return f'{extra} does not go with --config: use --set'
    elif given.url and not given.strings and not any(option.startswith('search_') for option in given.set):
        return f'give at least one SEARCH_STRING for the page to contain, or {NO_STRING}'
    return ''
