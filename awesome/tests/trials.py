"""Runs the command in this process."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import yaml

from datadog_checks.awesome.__main__ import main

COMMAND = [sys.executable, '-m', 'datadog_checks.awesome']
PAGE = '<!doctype html>\n<title>Café</title>\n<p>Thank you for <b>using</b>\nnginx&#46;</p>'
OK, WARNING, CRITICAL, INVALID = range(4)


class Output(io.TextIOWrapper):
    """What the command prints, to a pipe or to a terminal."""

    def __init__(self, is_terminal: bool = False) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, 'utf-8', write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def printed(self) -> str:
        return self._bytes.getvalue().decode()


def try_page(*arguments: str, is_terminal: bool = False) -> tuple[int, str]:
    """Run the command; return its exit status and what it printed."""
    output = Output(is_terminal)
    with redirect_stdout(output), redirect_stderr(output):
        try:
            status = main(arguments)
        except SystemExit as e:
            status = int(e.code or 0)
    return status, output.printed()


def line(printed: str, label: str) -> str:
    """Return the one line with a label."""
    (text,) = (text for text in printed.splitlines() if text.startswith(f'  {label:<12}'))
    return text[14:]


def configuration(printed: str) -> dict[str, Any]:
    """Return the instance of the YAML that was printed."""
    document = re.split(r'\n\n(?:# .+\n)?(?=instances:|init_config:)', printed)[1].partition('\n\n')[0]
    (instance,) = yaml.safe_load(document)['instances']
    assert isinstance(instance, dict)
    return instance
