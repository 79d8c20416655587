from __future__ import annotations

from copy import deepcopy
from functools import cached_property, partial
from typing import Any

from datadog_checks.base import AgentCheck

from . import config_models
from .fetching.deadline import Deadline
from .fetching.fetcher import Fetcher
from .options import PageOptions, client_options, idle, misplaced, page_options, require_direct
from .probe import Probe, Sample
from .reporting.events import Events
from .reporting.message import message
from .secrets import Mask, secrets_of, unresolved


class AwesomeCheck(AgentCheck, config_models.ConfigMixin):
    """Tells whether a page says what it should."""

    __NAMESPACE__ = 'awesome'

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # With an empty section, it is None.
        self.init_config = self.init_config or {}  # type: ignore[has-type]
        self._deadline = Deadline()
        self._mask = Mask()
        self._given: dict[str, Any] | None = None
        self._events = Events(self._mask, self.log)
        self.diagnosis.register(self._diagnose)

    def check(self, instance: dict[str, Any]) -> None:
        options = self.options(instance)
        sample = Sample() if options.send_events else None
        report = self.probe(options, sample=sample)
        tags = list(options.tags)
        for name, value in report.metrics.items():
            self.gauge(name, value, tags=tags)
        for name, number in report.values.items():
            self.gauge('page.value', number, tags=[*tags, f'value:{name}'])
        self.service_check('search', report.status, tags=tags, message=message(report, options.rules))
        for event in self._events.of(options, report, sample) if sample else ():
            self.event(event)

    def cancel(self) -> None:
        """End the current run; called by the Agent from another thread."""
        self._deadline.cancel()

    def options(self, instance: dict[str, Any]) -> PageOptions:
        """Return what `instance`, which need not be the constructor's, asks for; raise ConfigurationError."""
        if instance != self._given:
            # An option without a value counts as not given.
            configured = {option: value for option, value in instance.items() if value is not None}
            model = self.load_configuration_model(
                config_models.__name__, 'InstanceConfig', configured, self._get_config_model_context(configured)
            )
            self._mask.add(*secrets_of(configured, self.init_config))
            options = page_options(model, self.init_config.get('timeout'), unresolved(configured))
            require_direct(options, self.probe.fetcher.proxy)
            for remark in (*misplaced(self.init_config), *idle(configured)):
                self.warning('%s', remark)
            self._given, self._options, self._events = deepcopy(instance), options, Events(self._mask, self.log)
        return self._options

    @cached_property
    def probe(self) -> Probe:
        """Probes pages with the HTTP options of the constructor's instance."""
        return self._make_probe(self._deadline)

    def _make_probe(self, deadline: Deadline) -> Probe:
        instance, init_config = self.instance or {}, self.init_config
        self._mask.add(*secrets_of(instance, init_config))
        fetcher = Fetcher(client_options(instance, init_config), deadline, self.log, self._mask)
        return Probe(fetcher, self._mask, self.log)

    def _diagnose(self) -> None:
        from .reporting.diagnosis import diagnose

        # With a probe of its own: the Agent may diagnose while it runs the check.
        validate, probe = partial(self.options, self.instance or {}), partial(self._make_probe, Deadline())
        diagnose(validate, probe, self.diagnosis, self._events.difference)
