"""What the command can do: try one instance, watch it, or run or validate all of a configuration."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from datadog_checks.awesome.probe import Sample
from datadog_checks.awesome.reporting.report import Searched, Unreachable, Unread
from datadog_checks.base import ConfigurationError

from .against import differences, read_other
from .all_instances import run_all
from .arguments import DEFAULT_JOBS, EXAMPLE, instance_of
from .built_in import built_in_page
from .configuration import Configured, read_instances, select
from .printing import Paper, as_json, plugin_output
from .progress import Progress
from .result import Result, exit_status, invalid
from .saving import save_body
from .trial import Trial
from .validation import check_config

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from datadog_checks.awesome.reporting.report import Report


def run(given: Namespace) -> int:
    """Do what the arguments ask for, and return the exit status."""
    try:
        if given.check_config:
            return check_config(read_instances(given.config, given.set))
        if given.all:
            return run_all(read_instances(given.config, given.set), given.jobs or DEFAULT_JOBS, given.json)
        with _configured(given) as configured:
            if given.watch:
                watch(Trial(configured), given.watch)
            result = try_once(configured, given.save, given.against)
    except ConfigurationError as e:
        result = invalid(' '.join(str(e).split()))
    # Who hangs up has read enough.
    with suppress(BrokenPipeError):
        show(result, given)
    return exit_status(result.status)


def show(result: Result, given: Namespace) -> None:
    """Print a result in the way that was asked for."""
    if given.json:
        print(as_json(result))
    elif given.nagios:
        print(plugin_output(result))
    else:
        Paper().result(result)
        if given.url is None and given.config is None:
            print(f'\nTry your own page:  {EXAMPLE}')


def try_once(configured: Configured, save: str | None, against: str | None) -> Result:
    """Return the result of one run, and keep the body in the file `save`; raise ConfigurationError."""
    trial, body = Trial(configured), bytearray()
    # A page is read on for whoever wants to see it, whatever the verdict was.
    sample = None if save is None and against is None else Sample()
    other = None if against is None else read_other(configured, against)
    with Progress(trial.activity):
        report = trial.run(body, sample)
        result = trial.result(report, bytes(body))
    if other and sample:
        result = replace(result, differences=differences(other, trial.body(report, sample), trial.mask))
    if save is not None and sample:
        came = trial.body(report, sample) is not None
        saved = save_body(max(body, sample.data, key=len), save) if came else 'nothing: no page came'
        result = replace(result, saved=saved)
    return result


def watch(trial: Trial, seconds: float) -> NoReturn:
    """Run again and again until the user interrupts it, and print a line when the verdict changes."""
    paper, before = Paper(), None
    while True:
        start = time.monotonic()
        with Progress(trial.activity):
            report = trial.run()
        if (verdict := _verdict(report)) != before:
            before = verdict
            paper.dated(datetime.now(), report.status.name, trial.message(report))
        time.sleep(max(start + seconds - time.monotonic(), 0))


@contextmanager
def _configured(given: Namespace) -> Iterator[Configured]:
    """Yield the one instance that is meant; a page that is built in is served meanwhile."""
    if given.config is not None:
        yield select(read_instances(given.config, given.set), given.instance, given.config)
    elif given.url:
        yield Configured({**instance_of(given, given.url), **given.set}, {})
    else:
        with built_in_page() as url:
            yield Configured({**instance_of(given, url), **given.set}, {})


def _verdict(report: Report) -> object:
    """Return what has to differ for a verdict to be another."""
    match report.outcome:
        case Searched(verdict=verdict) | Unread(verdict=verdict):
            return verdict.failed_rules
        case Unreachable(fault):
            return fault.kind, fault.activity
    return None
