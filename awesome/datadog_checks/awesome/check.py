from __future__ import annotations

import re
import time
import traceback
import unicodedata
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import cast

from datadog_checks.base import AgentCheck
from datadog_checks.base.types import InstanceType, ServiceCheckStatus
from datadog_checks.base.utils.http import DEFAULT_TIMEOUT, RequestsWrapper

from .config_models import ConfigMixin, InstanceConfig
from .encoding import Decoder
from .fault import Fault
from .message import miss, shorten, unexpected_status
from .normalization import normalize
from .page import Fetcher
from .search import Rules, judge
from .secrets import secrets
from .text import visible_text
from .urls import public_url


@dataclass
class Report:
    """What a run found out; None is not known."""

    status: ServiceCheckStatus
    message: str = ''
    response_time: float | None = None
    status_code: int | None = None
    size: int | None = None


class AwesomeCheck(AgentCheck, ConfigMixin):
    """Tells whether a page says what it should."""

    __NAMESPACE__ = 'awesome'

    _given: InstanceType | None = None
    _options: InstanceConfig
    _rules: Rules
    _fetcher: Fetcher | None = None

    def check(self, instance: InstanceType) -> None:
        options = self._validate(instance)
        report = self._examine(options)
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

    def _validate(self, instance: InstanceType) -> InstanceConfig:
        """Give the options of `instance`, which need not be the constructor's; raise ConfigurationError."""
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
            self._rules = _rules(self._options)
            for secret in secrets(configured, self.init_config or {}) | secrets(self.instance or {}, {}):
                # What is searched for is meant to be read.
                if not any(secret in string for string in self._rules.strings):
                    self.register_secret(secret)
            self._given = given
        return self._options

    def _examine(self, options: InstanceConfig) -> Report:
        """Do what a run does and report it, whatever happens."""
        fetcher = self.fetcher
        started = time.perf_counter()
        report = Report(self.CRITICAL)
        fetcher.deadline.start(self._timeout(options))
        try:
            self._look(fetcher, options, report)
        except Fault as e:
            report.message = shorten(self.sanitize(str(e)))
        except Exception:
            # The log is not sanitized by itself, and the message of an exception may hold anything.
            self.log.error('The run failed in an unforeseen way: %s', self.sanitize(traceback.format_exc()))
            report.message = 'unexpected: the check itself failed; the log of the Agent says where'
        finally:
            fetcher.finish()
        if fetcher.deadline.cancelled:
            return Report(self.UNKNOWN, 'the run was cancelled')
        report.response_time = time.perf_counter() - started
        return report

    def _look(self, fetcher: Fetcher, options: InstanceConfig, report: Report) -> None:
        """Fetch the page and search it until the verdict is certain; raise a fault if it cannot be had before."""
        with fetcher.open(options.url, str(options.method), options.data) as page:
            report.status_code = page.status_code
            if not re.fullmatch(str(options.http_response_status_code), str(page.status_code)):
                raise Fault('status', unexpected_status(page, options))
            decoder = Decoder(page.content_type, options.encoding)
            text = decoder.decode(page.read(cast(int, options.max_body_size)))
            if options.search_in == 'text':
                text = visible_text(text, page.content_type)
            verdict = judge(self._rules, text)
        report.size = page.size
        report.status = self.OK if verdict.found else self.WARNING
        if not verdict.found:
            report.message = miss(self._rules, verdict, page, decoder, self.sanitize)

    def _timeout(self, options: InstanceConfig) -> float:
        own = options.timeout if 'timeout' in options.model_fields_set else None
        return own or (self.init_config or {}).get('timeout') or DEFAULT_TIMEOUT

    def _submit(self, options: InstanceConfig, report: Report) -> None:
        tags = [*(options.tags or ()), f'url:{public_url(options.url)}']
        if options.name:
            tags.append(f'instance:{options.name}')
        metrics = {
            'page.reachable': {self.OK: 1, self.WARNING: 1, self.CRITICAL: 0}.get(report.status),
            'page.response_time': report.response_time,
            'page.size': report.size,
            'page.status_code': report.status_code,
            'search.found': {self.OK: 1, self.WARNING: 0}.get(report.status),
        }
        for name, value in metrics.items():
            if value is not None:
                self.gauge(name, value, tags=tags)
        self.service_check('search', report.status, tags=tags, message=report.message)


def _rules(options: InstanceConfig) -> Rules:
    required, forbidden = _strings(options.search_string), _strings(options.forbidden_string)
    if options.search_in == 'text':
        prepare = partial(unicodedata.normalize, 'NFC') if options.regex else normalize
        required, forbidden = tuple(map(prepare, required)), tuple(map(prepare, forbidden))
    return Rules(required, forbidden, options.search_mode == 'any', bool(options.regex), bool(options.case_sensitive))


def _strings(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
