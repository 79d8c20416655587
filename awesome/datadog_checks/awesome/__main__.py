"""Tries a page: runs the check once, as the Agent does, and shows what it found, what explains a miss, and the YAML.

The exit status is that of monitoring plugins: 0 OK, 1 WARNING, 2 CRITICAL, and 3 if nothing could be said of the page
(https://www.monitoring-plugins.org/doc/guidelines.html).
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING

from .trial.arguments import fail, parse
from .trial.modes import run

if TYPE_CHECKING:
    from collections.abc import Sequence

# 128 and the number of the signal, as shells have it.
INTERRUPTED = 130
HUNG_UP = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for, and return the exit status: 3 for whatever nobody foresaw."""
    # Whoever closed a stream wants nothing from it.
    if sys.stdout is None or sys.stderr is None:
        nowhere = open(os.devnull, 'w')  # noqa: SIM115 - it stays open until the end
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    try:
        given = parse(sys.argv[1:] if arguments is None else arguments)
        prepare()
        return _flushed(run(given))
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return _flushed(HUNG_UP)
    except Exception as e:
        return _flushed(fail(reason_of(e), '--nagios' in (sys.argv if arguments is None else arguments)))


def prepare() -> None:
    """Keep libraries' output off the terminal, and replace characters that it cannot show."""
    sys.stdout.reconfigure(errors='replace')  # type: ignore[union-attr]
    # urllib3 warns of each connection that is not verified.
    warnings.simplefilter('ignore')
    logging.getLogger().addHandler(logging.NullHandler())


def reason_of(error: Exception) -> str:
    """Return on one line what ended the command; the text of an error that is ours may have a secret."""
    if isinstance(error, OSError):
        return ': '.join(filter(None, (str(error.filename or ''), error.strerror or type(error).__name__)))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f'internal error: {type(error).__name__} in {os.path.basename(frame.filename)}, line {frame.lineno}'


def _flushed(status: int) -> int:
    """Return the status once all is printed, or what it is if it cannot be."""
    try:
        sys.stdout.flush()
    except OSError as e:
        # As https://docs.python.org/3/library/signal.html#note-on-sigpipe has it: the interpreter flushes again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(e, BrokenPipeError):
            return fail(reason_of(e), is_plugin=False)
    return status


if __name__ == '__main__':
    sys.exit(main())
