from __future__ import annotations

import re
import time
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from reprlib import Repr

from datadog_checks.base import AgentCheck
from datadog_checks.base.types import InstanceType, ServiceCheckStatus
from datadog_checks.base.utils.http import DEFAULT_TIMEOUT, RequestsWrapper

from .config_models import ConfigMixin, InstanceConfig
from .deadline import Fault
from .encoding import Decoder
from .page import Fetcher, public_url
from .search import Searcher
from .text import title

REACHABLE_STATUS_CODE = re.compile(r'[123]\d\d')
TITLE_WITHIN = 16 * 1024

_quotes = Repr(maxstring=80)


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

    def check(self, instance: InstanceType) -> None:
        options = self._validate(instance)
        report = self._examine(options)
        self._submit(options, report)

    @property
    def http(self) -> RequestsWrapper:
        return self._fetcher.http

    @cached_property
    def _fetcher(self) -> Fetcher:
        return Fetcher(self.instance or {}, self.init_config or {}, self.log)

    def _validate(self, instance: InstanceType) -> InstanceConfig:
        """Give the options of `instance`, which need not be the constructor's; raise ConfigurationError."""
        if instance != self._given:
            given = deepcopy(instance)
            context = {
                'configured_fields': frozenset(given),
                'logger': self.log,
                'security_config': self.security_config,
                'warning': self.warning,
            }
            self._options = self.load_configuration_model(
                'datadog_checks.awesome.config_models', 'InstanceConfig', given, context
            )
            self._given = given
        return self._options

    def _examine(self, options: InstanceConfig) -> Report:
        started = time.perf_counter()
        report = Report(self.CRITICAL)
        try:
            self._look(options, report)
        except Fault as e:
            report.message = str(e)
        except Exception:
            self.log.exception('The run ended in a way that the check does not know')
            report.message = 'unexpected: the check failed; the log of the Agent says where'
        finally:
            self._fetcher.finish()
        report.response_time = time.perf_counter() - started
        return report

    def _look(self, options: InstanceConfig, report: Report) -> None:
        """Fetch the page and look for the string until the verdict is certain; raise a fault if it cannot be had."""
        self._fetcher.deadline.start(self._timeout(options))
        page = self._fetcher.open(options.url)
        report.status_code = page.status_code
        if not REACHABLE_STATUS_CODE.fullmatch(str(page.status_code)):
            raise Fault('status', page.status)
        decoder, searcher, head = Decoder(page.content_type), Searcher(options.search_string), ''
        for text in decoder.decode(page.read()):
            if searcher.feed(text):
                break
            head += text[: TITLE_WITHIN - len(head)]
        report.size = page.size
        report.status = self.OK if searcher.found else self.WARNING
        if not searcher.found:
            report.message = (
                f'{_quotes.repr(options.search_string)} is not in the page: {page.size} bytes searched,'
                f' status {page.status}, encoding {decoder.encoding}, title {_quotes.repr(title(head))}'
            )

    def _timeout(self, options: InstanceConfig) -> float:
        own = options.timeout if 'timeout' in options.model_fields_set else None
        return own or (self.init_config or {}).get('timeout') or DEFAULT_TIMEOUT

    def _submit(self, options: InstanceConfig, report: Report) -> None:
        tags = [*(options.tags or ()), f'url:{public_url(options.url)}']
        found = {self.OK: 1, self.WARNING: 0}.get(report.status)
        metrics = {
            'page.reachable': int(report.status != self.CRITICAL),
            'page.response_time': report.response_time,
            'page.size': report.size,
            'page.status_code': report.status_code,
            'search.found': found,
        }
        for name, value in metrics.items():
            if value is not None:
                self.gauge(name, value, tags=tags)
        self.service_check('search', report.status, tags=tags, message=report.message)
