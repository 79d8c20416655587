"""Dashboard, monitors and service checks: valid for Datadog, and about what the check sends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from datadog_api_client import Configuration
from datadog_api_client.exceptions import ApiAttributeError, ApiTypeError, ApiValueError
from datadog_api_client.model_utils import OpenApiModel, validate_and_convert_types
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.monitor import Monitor

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.awesome.report import Report
from datadog_checks.dev.utils import get_metadata_metrics

from .server import Server, response

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
MANIFEST = json.loads((ROOT / 'manifest.json').read_text())
ASSETS = MANIFEST['assets']
DASHBOARDS = {name: json.loads((ROOT / path).read_text()) for name, path in ASSETS['dashboards'].items()}
MONITORS = {name: json.loads((ROOT / path).read_text()) for name, path in ASSETS['monitors'].items()}
QUERY = re.compile(r'\b(?:avg|max|min):(awesome\.[\w.]+)\{(.*?)\}(?: by \{(.*?)\})?')
TAGS = {'url', 'instance'}


@pytest.fixture(autouse=True)
def without_unknown_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the client of Datadog's API takes any."""
    monkeypatch.setattr(OpenApiModel, 'additional_properties_type', None)


def is_valid(model: type[OpenApiModel], asset: dict[str, Any]) -> bool:
    """Tell whether the client of Datadog's API knows each attribute and value of an asset."""
    try:
        converted = validate_and_convert_types(asset, (model,), [], True, True, configuration=Configuration())
    except (ApiAttributeError, ApiTypeError, ApiValueError):
        return False
    return not converted._unparsed


def changed(asset: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of an asset with another value at `path`."""
    copy = deepcopy(asset)
    part = copy
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return copy


def widgets(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the definitions of all widgets but groups and notes."""
    for group in dashboard['widgets']:
        for widget in group['definition']['widgets']:
            if widget['definition']['type'] != 'note':
                yield widget['definition']


def queries(definition: dict[str, Any]) -> list[str]:
    return [query['query'] for request in definition.get('requests', []) for query in request['queries']]


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_dashboard_is_valid(dashboard: dict[str, Any]) -> None:
    assert is_valid(Dashboard, dashboard)

    query = ('widgets', 2, 'definition', 'widgets', 0, 'definition', 'requests', 0)
    for path, value in [
        (('layout_type',), 'heap'),
        (('widget',), []),
        ((*query, 'response_format'), 'table'),
        ((*query, 'colour'), 'red'),
        ((*query, 'queries', 0, 'aggregator'), 'median of all'),
    ]:
        assert not is_valid(Dashboard, changed(dashboard, path, value))


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_every_query_of_the_dashboard_follows_its_variables(dashboard: dict[str, Any]) -> None:
    variables = {f'${variable["name"]}': variable['prefix'] for variable in dashboard['template_variables']}

    assert set(variables.values()) == TAGS
    for definition in widgets(dashboard):
        if definition['type'] == 'check_status':
            assert (set(definition['tags']), set(definition['group_by'])) == (variables.keys(), TAGS)
        else:
            assert queries(definition)
            for query in queries(definition):
                (_, scope, tags) = QUERY.fullmatch(query).groups()  # type: ignore[union-attr]
                assert set(scope.split(',')) == variables.keys()
                assert set(tags.split(',')) == TAGS


def test_dashboard_shows_every_metric_and_no_other() -> None:
    shown = {
        QUERY.fullmatch(query)[1]  # type: ignore[index]
        for dashboard in DASHBOARDS.values()
        for definition in widgets(dashboard)
        for query in queries(definition)
    }

    assert shown == get_metadata_metrics().keys()


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_widgets_of_the_dashboard_do_not_overlap(dashboard: dict[str, Any]) -> None:
    groups = [(group['layout']['width'], group['definition']['widgets']) for group in dashboard['widgets']]
    for width, members in [(12, dashboard['widgets']), *groups]:
        boxes = [member['layout'] for member in members]
        assert all(box['x'] + box['width'] <= width for box in boxes)
        assert not [pair for pair in combinations(boxes, 2) if _overlap(*pair)]


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one['x'] < other['x'] + other['width']
        and other['x'] < one['x'] + one['width']
        and one['y'] < other['y'] + other['height']
        and other['y'] < one['y'] + one['height']
    )


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_monitor_is_valid(monitor: dict[str, Any]) -> None:
    definition = monitor['definition']

    assert is_valid(Monitor, definition)
    assert not is_valid(Monitor, changed(definition, ('type',), 'metric'))
    assert not is_valid(Monitor, changed(definition, ('options', 'on_missing_data'), 'shrug'))
    assert not is_valid(Monitor, changed(definition, ('options', 'notify'), True))
    assert len(monitor['title']) <= 80
    assert len(monitor['description']) <= 300


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_monitor_alerts_for_each_page_about_a_metric_that_is_sent(monitor: dict[str, Any]) -> None:
    definition = monitor['definition']
    query, _, threshold = re.split(r' ([<>]) ', definition['query'])
    window, _, query = query.partition(':')
    (metric, scope, tags) = QUERY.fullmatch(query).groups()  # type: ignore[union-attr]

    assert re.fullmatch(r'(avg|max|min)\(last_\d+m\)', window)
    assert metric in get_metadata_metrics()
    assert (scope, set(tags.split(','))) == ('*', TAGS)
    assert float(threshold) == definition['options']['thresholds']['critical']


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_monitor_recovers_on_the_good_side_of_its_thresholds(monitor: dict[str, Any]) -> None:
    thresholds = monitor['definition']['options']['thresholds']
    order = [
        thresholds[name]
        for name in ('critical', 'critical_recovery', 'warning', 'warning_recovery')
        if name in thresholds
    ]

    assert order == sorted(order, reverse='>' in monitor['definition']['query'])
    assert len(set(order)) == len(order)


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_message_of_the_monitor_tells_the_page_and_the_command(monitor: dict[str, Any]) -> None:
    message = monitor['definition']['message']
    variables = set(re.findall(r'\{\{(\w+)\.name}}', message))

    assert variables == TAGS
    assert 'Check first:' in message
    assert 'datadog-agent ' in message
    assert '@' not in message
    assert re.findall(r'\{\{[#^](\w+)}}', message) == re.findall(r'\{\{/(\w+)}}', message)


def test_service_checks_are_those_that_are_sent(aggregator: Any) -> None:
    (described,) = json.loads((ROOT / ASSETS['integration']['service_checks']['metadata_path']).read_text())
    with Server(response(b'nginx')) as server:
        found = {'url': server.url, 'search_string': 'nginx', 'name': 'page', 'empty_default_hostname': False}
        check = AwesomeCheck('awesome', {}, [found])
        for instance in (found, found | {'search_string': 'Apache'}, found | {'url': 'http://127.0.0.1:1/'}):
            check.check(instance)
    check.examine = lambda *_: Report(AwesomeCheck.UNKNOWN)  # type: ignore[method-assign]
    check.check(found)

    sent = aggregator.service_checks('awesome.search')
    assert described['check'] == 'awesome.search'
    statuses = ['ok', 'warning', 'critical', 'unknown']
    assert described['statuses'] == [statuses[service_check.status] for service_check in sent]
    # The Agent adds the host.
    assert set(described['groups']) - {'host'} == {tag.partition(':')[0] for tag in sent[0].tags}


def test_every_asset_is_in_the_manifest() -> None:
    for kind in ('dashboards', 'monitors'):
        listed = [str(ROOT / path) for path in ASSETS[kind].values()]
        assert sorted(listed) == sorted(map(str, (ROOT / 'assets' / kind).iterdir()))
    assert {monitor['title']: monitor for monitor in MONITORS.values()} == MONITORS


def test_picture_of_the_tile_is_in_the_repository() -> None:
    assert MANIFEST['tile']['media']
    for medium in MANIFEST['tile']['media']:
        assert (ROOT / medium['image_url']).is_file()
