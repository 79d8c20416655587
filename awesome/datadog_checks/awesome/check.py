from __future__ import annotations

import time
import traceback
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from datadog_checks.base import AgentCheck, ConfigurationError
from datadog_checks.base.types import InstanceType

from .config_models import ConfigMixin
from .fetching.deadline import Deadline
from .fetching.fetcher import Fetcher
from .options import PageOptions, client_options, misplaced, page_options
from .probe import Probe, Sample
from .reporting.message import message
from .reporting.report import Report
from .secrets import Mask, secrets_of, unresolved

if TYPE_CHECKING:
    from .reporting.change.difference import Difference
    from .reporting.change.event import TurnEvent
    from .reporting.change.turns import Turns


class AwesomeCheck(AgentCheck, ConfigMixin):
    """Tells whether a page says what it should."""

    __NAMESPACE__ = 'awesome'

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = Deadline()
        self._mask = Mask()
        self._given: InstanceType | None = None
        self._turns: Turns | None = None
        self.diagnosis.register(self._diagnose)

    def check(self, instance: InstanceType) -> None:
        options = self.options(instance)
        sample = Sample() if options.send_events else None
        report = self.probe(options, sample=sample)
        self._submit(options, report)
        if sample is not None:
            self._tell(options, report, sample)

    def cancel(self) -> None:
        """End the current run; called by the Agent from another thread."""
        self._deadline.cancel()

    def options(self, instance: InstanceType) -> PageOptions:
        """Return what `instance`, which need not be the constructor's, asks for; raise ConfigurationError."""
        if instance != self._given:
            # An option without a value counts as not given.
            configured = {option: value for option, value in instance.items() if value is not None}
            model = self.load_configuration_model(
                'datadog_checks.awesome.config_models',
                'InstanceConfig',
                configured,
                self._get_config_model_context(configured),
            )
            self._mask.add(*secrets_of(configured, self.init_config or {}))
            options = page_options(model, (self.init_config or {}).get('timeout'))
            if options.all_addresses or options.ip_protocol != 'any':
                self._require_no_proxy(options)
            self._options = replace(options, unresolved=tuple(unresolved(configured)))
            for option in misplaced(self.init_config or {}):
                self.warning('init_config: `%s` does nothing there: move it into the instances', option)
            self._given, self._turns = deepcopy(instance), None
        return self._options

    def _require_no_proxy(self, options: PageOptions) -> None:
        """Raise ConfigurationError if there is a proxy: most look the page's host up themselves."""
        if self.probe.fetcher.proxy(options.url):
            option = 'addresses' if options.all_addresses else 'ip_protocol'
            raise ConfigurationError(
                f'{option}, proxy: `{option}` must be `any` for a page behind a proxy of the instance, of init_config,'
                ' or of the Agent: set `skip_proxy: true`, or list the host in `no_proxy`, to reach it directly'
            )

    @cached_property
    def probe(self) -> Probe:
        """Probes pages with the HTTP options of the constructor's instance."""
        instance, init_config = self.instance or {}, self.init_config or {}
        self._mask.add(*secrets_of(instance, init_config))
        fetcher = Fetcher(client_options(instance, init_config), self._deadline, self.log, self._mask)
        return Probe(fetcher, self._mask, self.log)

    def _submit(self, options: PageOptions, report: Report) -> None:
        for name, value, further in report.gauges():
            self.gauge(name, value, tags=[*options.tags, *further])
        self.service_check('search', report.status, tags=list(options.tags), message=message(report, options.rules))

    def _tell(self, options: PageOptions, report: Report, sample: Sample) -> None:
        """Send an event if the verdict is another than that of the run before."""
        from .reporting.change.turns import Turns

        self._turns = self._turns or Turns(self._mask)
        try:
            event = self._turns.note(options, report, bytes(sample.data), sample.is_cut)
        except Exception:
            self.log.error('No event could be made: %s', self._mask(traceback.format_exc()))
        else:
            if event:
                self._send(options, event)

    def _send(self, options: PageOptions, event: TurnEvent) -> None:
        # The Agent adds the host, unless the instance says that there is none.
        sent: Any = {
            'timestamp': int(time.time()),
            'event_type': 'awesome.search',
            'msg_title': event.title,
            'msg_text': event.text,
            'alert_type': event.alert_type,
            'aggregation_key': event.aggregation_key,
            'tags': list(options.tags),
        }
        self.event(sent)

    def _diagnose(self) -> None:
        from .reporting.diagnosis import diagnose

        diagnose(lambda: self.options(self.instance or {}), lambda: self.probe, self.diagnosis, self._compare)

    def _compare(self, options: PageOptions, report: Report, body: bytes) -> Difference | None:
        return self._turns.difference(options, report, body) if self._turns else None
