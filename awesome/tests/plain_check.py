"""What Datadog's guide to Agent-based integrations begins with, to compare with."""

from __future__ import annotations

import requests

from datadog_checks.base import AgentCheck
from datadog_checks.base.types import InstanceType


class PlainCheck(AgentCheck):
    def check(self, instance: InstanceType) -> None:
        try:
            response = requests.get(instance['url'], verify=instance.get('tls_ca_cert', True), timeout=10)
            response.raise_for_status()
        except requests.RequestException as e:
            self.service_check('awesome.search', self.CRITICAL, message=str(e))
        else:
            found = instance['search_string'] in response.text
            self.service_check('awesome.search', self.OK if found else self.WARNING)
