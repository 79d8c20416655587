from __future__ import annotations

import re
import traceback
from copy import deepcopy
from typing import Any, cast

from datadog_checks.base import AgentCheck
from datadog_checks.base.types import InstanceType
from datadog_checks.base.utils.http import DEFAULT_TIMEOUT, RequestsWrapper

from .config_models import ConfigMixin, InstanceConfig
from .fault import Fault
from .message import miss, shorten, unexpected_status
from .page import Fetcher
from .reading import read, rules_of
from .report import Report
from .search import Rules
from .secrets import secrets
from .urls import public_url


class AwesomeCheck(AgentCheck, ConfigMixin):
    """Tells whether a page says what it should."""

    __NAMESPACE__ = 'awesome'

    _given: InstanceType | None = None
    _options: InstanceConfig
    _rules: Rules
    _fetcher: Fetcher | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.diagnosis.register(self._diagnose)

    def check(self, instance: InstanceType) -> None:
        options, rules = self.validate(instance)
        report = self.examine(options, rules, self.fetcher)
        self._submit(options, report)

    def cancel(self) -> None:
        """End the current run; called by the Agent from another thread."""
        if self._fetcher:
            self._fetcher.deadline.cancel()

    @property
    def http(self) -> RequestsWrapper:
        return self.fetcher.http

    @property
    def fetcher(self) -> Fetcher:
        """Fetches with the HTTP options of the constructor's instance."""
        if self._fetcher is None:
            self._fetcher = Fetcher(self.instance or {}, self.init_config or {}, self.log)
        return self._fetcher

    def validate(self, instance: InstanceType) -> tuple[InstanceConfig, Rules]:
        """Give what `instance`, which need not be the constructor's, asks for; raise ConfigurationError."""
        if instance != self._given:
            given = deepcopy(instance)
            # `option:` without a value counts as not given.
            configured = {option: value for option, value in given.items() if value is not None}
            context = {
                'configured_fields': frozenset(configured),
                'logger': self.log,
                'security_config': self.security_config,
                'warning': self.warning,
            }
            self._options = self.load_configuration_model(
                'datadog_checks.awesome.config_models', 'InstanceConfig', configured, context
            )
            self._rules = rules_of(self._options)
            for secret in secrets(configured, self.init_config or {}) | secrets(self.instance or {}, {}):
                # What is searched for is meant to be read.
                if not any(secret in string for string in self._rules.strings):
                    self.register_secret(secret)
            self._given = given
        return self._options, self._rules

    def examine(self, options: InstanceConfig, rules: Rules, fetcher: Fetcher) -> Report:
        """Do what a run does and report it, whatever happens."""
        report = Report(self.CRITICAL)
        fetcher.deadline.start(self._timeout(options))
        try:
            self._look(options, rules, fetcher, report)
        except Fault as e:
            report.fault = e
            report.message = shorten(self.sanitize(str(e)))
        except Exception:
            # The log is not sanitized by itself, and the message of an exception may hold anything.
            self.log.error('The run failed in an unforeseen way: %s', self.sanitize(traceback.format_exc()))
            report.message = 'unexpected: the check itself failed; the log of the Agent says where'
        finally:
            report.certificate_days_left = fetcher.certificate_days_left
            fetcher.finish()
        if fetcher.deadline.cancelled:
            return Report(self.UNKNOWN, 'the run was cancelled')
        report.response_time = fetcher.deadline.elapsed()
        return report

    def _look(self, options: InstanceConfig, rules: Rules, fetcher: Fetcher, report: Report) -> None:
        """Fetch the page and search it until the verdict is certain; raise a fault if it cannot be had before."""
        with fetcher.open(options.url, str(options.method), options.data) as page:
            report.page, report.first_byte_time = page, fetcher.deadline.elapsed()
            if not re.fullmatch(str(options.http_response_status_code), str(page.status_code)):
                raise Fault('status', unexpected_status(page, options))
            chunks = page.read(cast(int, options.max_body_size))
            report.decoder, report.verdict = read(options, rules, page.content_type, chunks)
        report.status = self.OK if report.verdict.found else self.WARNING
        if not report.verdict.found:
            report.message = miss(rules, report.verdict, page, report.decoder, self.sanitize)

    def _diagnose(self) -> None:
        from .diagnosis import diagnose

        diagnose(self)

    def _timeout(self, options: InstanceConfig) -> float:
        own = options.timeout if 'timeout' in options.model_fields_set else None
        return own or (self.init_config or {}).get('timeout') or DEFAULT_TIMEOUT

    def _submit(self, options: InstanceConfig, report: Report) -> None:
        tags = tags_of(options)
        for name, value in report.metrics.items():
            if value is not None:
                self.gauge(name, value, tags=tags)
        self.service_check('search', report.status, tags=tags, message=report.message)


def tags_of(options: InstanceConfig) -> list[str]:
    """Give a new list of the tags of all that is submitted."""
    name = [f'instance:{options.name}'] if options.name else []
    return [*(options.tags or ()), f'url:{public_url(options.url)}', *name]
