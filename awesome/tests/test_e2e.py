"""The check in a real Agent: `ddev env test awesome`."""

from collections.abc import Callable
from typing import Any

import pytest

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base.types import InstanceType
from datadog_checks.dev.utils import get_metadata_metrics


@pytest.mark.e2e
def test_e2e(dd_agent_check: Callable[..., Any], instance: InstanceType) -> None:
    aggregator = dd_agent_check(instance)

    aggregator.assert_service_check('awesome.search', AwesomeCheck.OK)
    aggregator.assert_metrics_using_metadata(get_metadata_metrics(), check_symmetric_inclusion=True)
