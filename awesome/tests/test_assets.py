"""Dashboard, monitors and service checks: valid for Datadog, and about what the check sends."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import reduce
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.monitor import Monitor

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.dev.utils import get_metadata_metrics

from .datadog_api import is_valid
from .server import Server, response

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
MANIFEST = json.loads((ROOT / 'manifest.json').read_text())
ASSETS = MANIFEST['assets']
DASHBOARDS = {name: json.loads((ROOT / path).read_text()) for name, path in ASSETS['dashboards'].items()}
MONITORS = {name: json.loads((ROOT / path).read_text()) for name, path in ASSETS['monitors'].items()}
QUERY = re.compile(r'\b(avg|max|min):(awesome\.[\w.]+)\{(.*?)\}(?: by \{(.*?)\})?')
EVALUATION = re.compile(r'(avg|max|min)\(last_(\d+)m\):(.+) ([<>]) ([\d.]+)')
# What a page is told by, and what a dashboard can be narrowed down to.
TAGS = {'url', 'instance'}
VARIABLES = TAGS | {'host', 'team', 'env', 'service'}
SILENCE = 'No data about pages from a host'
REASON = 'Page search fails, with the reason'
ON_METRICS = {title: monitor for title, monitor in MONITORS.items() if title != REASON}


def changed(asset: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of an asset with another value at `path`."""
    copy = deepcopy(asset)
    part = copy
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return copy


def widgets(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the definitions of all widgets but groups and notes."""
    for group in dashboard['widgets']:
        for widget in group['definition']['widgets']:
            if widget['definition']['type'] != 'note':
                yield widget['definition']


def graphs(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the definitions of the widgets that show metrics."""
    return (definition for definition in widgets(dashboard) if 'requests' in definition)


def queries(definition: dict[str, Any]) -> list[str]:
    return [query['query'] for request in definition['requests'] for query in request['queries']]


def parts(query: str) -> list[tuple[str, str, set[str], set[str]]]:
    """Return aggregator, metric, scope and group-bys of each metric in a query."""
    found = [match.groups() for match in QUERY.finditer(query)]
    assert found
    return [
        (aggregator, metric, set(scope.split(',')), set((tags or '').split(',')))
        for (aggregator, metric, scope, tags) in found
    ]


def groups(monitor: dict[str, Any]) -> set[str]:
    """Return the tags that a monitor is grouped by."""
    query = monitor['definition']['query']
    if monitor['definition']['type'] == 'service check':
        return set(re.findall(r'"(\w+)"', re.search(r'\.by\((.*?)\)', query)[1]))  # type: ignore[index]
    (tags,) = {frozenset(tags) for (_, _, _, tags) in parts(query)}
    return set(tags)


def tags_of_the_smallest_instance(aggregator: Any) -> set[str]:
    """Return the tags that the quick start's two options give, and the host that the Agent adds."""
    check = AwesomeCheck('awesome', {}, [{'url': 'http://127.0.0.1:1/', 'search_string': 'nginx'}])
    check.check(check.instances[0])
    (sent,) = aggregator.metrics('awesome.page.reachable')
    return {tag.partition(':')[0] for tag in sent.tags} | {'host'}


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

    assert set(variables.values()) == VARIABLES
    for definition in graphs(dashboard):
        for query in queries(definition):
            ((_, _, scope, tags),) = parts(query)
            assert scope == variables.keys()
            assert tags in (TAGS, {'host'}, TAGS | {'value'})
            assert ('value' in tags) == ('page.value' in query)
    (status,) = [definition for definition in widgets(dashboard) if definition['type'] == 'check_status']
    assert (set(status['tags']), set(status['group_by'])) == (set(variables), TAGS)


def test_dashboard_shows_every_metric_and_no_other() -> None:
    shown = {
        metric
        for dashboard in DASHBOARDS.values()
        for definition in graphs(dashboard)
        for query in queries(definition)
        for (_, metric, _, _) in parts(query)
    }

    assert shown == get_metadata_metrics().keys()


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_dashboard_stacks_nothing_that_hides_an_outage(dashboard: dict[str, Any]) -> None:
    """An area of many pages that are 1 or 0 looks the same with one page less."""
    for definition in graphs(dashboard):
        if definition['type'] == 'timeseries':
            for request in definition['requests']:
                assert request['display_type'] in ('line', 'bars')
                counts = [formula['formula'].startswith('count_') for formula in request['formulas']]
                assert counts == [request['display_type'] == 'bars']


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_dashboard_stays_readable_with_2000_pages(dashboard: dict[str, Any]) -> None:
    limits = {'timeseries': 10, 'toplist': 25, 'query_table': 100}
    for definition in graphs(dashboard):
        for request in definition['requests']:
            formula = request['formulas'][0]
            if definition['type'] in limits and not formula['formula'].startswith('count_'):
                assert formula['limit']['count'] <= limits[definition['type']], definition['title']


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_dashboard_shows_nothing_twice(dashboard: dict[str, Any]) -> None:
    contents = [
        (definition['type'], query, request['formulas'][0]['formula'])
        for definition in graphs(dashboard)
        for request in definition['requests']
        for query in queries(definition)
    ]
    titles = [definition['title'] for definition in widgets(dashboard)]

    assert len(set(contents)) == len(contents)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_dashboard_shows_the_monitors_and_begins_latency_with_the_slowest_pages(dashboard: dict[str, Any]) -> None:
    (summary,) = [definition for definition in widgets(dashboard) if definition['type'] == 'manage_status']
    latency = [definition for definition in graphs(dashboard) if 'response_time' in queries(definition)[0]]

    assert all(f'tag:"{tag}"' == summary['query'] for monitor in MONITORS.values() for tag in monitor['tags'])
    assert (latency[0]['type'], latency[0]['requests'][0]['formulas'][0]['limit']['order']) == ('toplist', 'desc')
    assert 'heatmap' in {definition['type'] for definition in latency}


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


@pytest.mark.parametrize('monitor', ON_METRICS.values(), ids=ON_METRICS)
def test_monitor_is_about_a_metric_that_is_sent(monitor: dict[str, Any]) -> None:
    definition = monitor['definition']
    (_, _, expression, _, threshold) = EVALUATION.fullmatch(definition['query']).groups()  # type: ignore[union-attr]

    assert {metric for (_, metric, _, _) in parts(expression)} <= get_metadata_metrics().keys()
    assert float(threshold) == definition['options']['thresholds']['critical']


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_monitor_sees_the_smallest_instance(monitor: dict[str, Any], aggregator: Any) -> None:
    """A group that lacks one of the tags is never alerted."""
    assert groups(monitor) == ({'host'} if monitor['title'] == SILENCE else TAGS)
    assert groups(monitor) <= tags_of_the_smallest_instance(aggregator)


@pytest.mark.parametrize('dashboard', DASHBOARDS.values(), ids=DASHBOARDS)
def test_dashboard_sees_the_smallest_instance(dashboard: dict[str, Any], aggregator: Any) -> None:
    tags = tags_of_the_smallest_instance(aggregator)

    for definition in graphs(dashboard):
        for query in queries(definition):
            # An instance without values has no graph of them.
            assert all(by - {'value'} <= tags for (_, _, _, by) in parts(query))


OVER: dict[str, Callable[[Iterable[float]], float]] = {'avg': fmean, 'max': max, 'min': min}
HEALTHY = {f'host{number}': [1.0] * 5 for number in range(49)}
EVALUATIONS = {
    'one dead host of 50': ('Page is unreachable', {'page.reachable': HEALTHY | {'dead': [0] * 5}}, True),
    'one failed run': ('Page is unreachable', {'page.reachable': HEALTHY | {'host0': [1, 1, 0, 1, 1]}}, False),
    'one host with an old copy': (
        'Page does not say what it should',
        {'search.found': HEALTHY | {'old': [0] * 5}},
        True,
    ),
    'one wrong answer': ('Page does not say what it should', {'search.found': {'host': [1, 0, 1, 1, 1]}}, False),
    'slow for one host': (
        'Page answers slowly',
        {
            'page.response_time': {'near': [0.1] * 5, 'far': [6] * 5},
            'page.reachable': {'near': [1] * 5, 'far': [1] * 5},
        },
        True,
    ),
    'timed out, not slow': (
        'Page answers slowly',
        {'page.response_time': {'host': [10] * 5}, 'page.reachable': {'host': [0] * 5}},
        False,
    ),
    'one host with the old certificate': (
        'Certificate of a page expires soon',
        {'certificate.days_left': {'new': [89] * 5, 'old': [3] * 5}},
        True,
    ),
    'renewed a minute ago': (
        'Certificate of a page expires soon',
        {'certificate.days_left': {'host': [3, 3, 3, 3, 89]}},
        False,
    ),
    'one host with an old issuer': (
        'Certificate chain of a page expires soon',
        {'certificate.chain_days_left': {'new': [89] * 5, 'old': [10] * 5}},
        True,
    ),
    'one host with a stale copy': (
        'Page is stale',
        {'page.age': {'fresh': [60] * 5, 'stale': [200_000] * 5}},
        True,
    ),
    'written a minute ago': ('Page is stale', {'page.age': {'host': [2e5, 2e5, 2e5, 2e5, 60]}}, False),
    'one of three addresses fails for one host': (
        'Some addresses of a page fail',
        {
            'addresses.total': {'host1': [3] * 5, 'host2': [2] * 5},
            'addresses.ok': {'host1': [2] * 5, 'host2': [2] * 5},
        },
        True,
    ),
    'hosts that know different addresses': (
        'Some addresses of a page fail',
        {
            'addresses.total': {'host1': [3] * 5, 'host2': [2] * 5},
            'addresses.ok': {'host1': [3] * 5, 'host2': [2] * 5},
        },
        False,
    ),
    'address that failed in one run': (
        'Some addresses of a page fail',
        {'addresses.total': {'host': [3] * 5}, 'addresses.ok': {'host': [3, 2, 3, 3, 3]}},
        False,
    ),
    'unreachable is not silent': (SILENCE, {'page.reachable': {'host': [0] * 5}}, False),
}


@pytest.mark.parametrize(('title', 'sent', 'alert'), EVALUATIONS.values(), ids=EVALUATIONS)
def test_monitor_alerts_for_the_worst_host_and_not_for_one_run(
    title: str, sent: dict[str, dict[str, list[float]]], alert: bool
) -> None:
    """Evaluate a query as Datadog does: first over hosts, minute by minute, then over time."""
    evaluation = EVALUATION.fullmatch(MONITORS[title]['definition']['query'])
    assert evaluation
    (over_time, _, expression, comparator, threshold) = evaluation.groups()
    values = [
        [OVER[over_hosts](minute) for minute in zip(*sent[metric.removeprefix('awesome.')].values(), strict=True)]
        for (over_hosts, metric, _, _) in parts(expression)
    ]
    combine = operator.sub if ' - ' in expression else operator.mul
    value = OVER[over_time]([reduce(combine, minute) for minute in zip(*values, strict=True)])

    assert (value < float(threshold) if comparator == '<' else value > float(threshold)) == alert


def test_monitor_of_staleness_watches_only_pages_that_ask_for_it() -> None:
    ((_, _, scope, _),) = parts(MONITORS['Page is stale']['definition']['query'])

    assert scope == {'freshness:daily'}


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_only_the_monitor_of_silence_notifies_about_missing_data(monitor: dict[str, Any]) -> None:
    options = monitor['definition']['options']
    silence = monitor['title'] == SILENCE

    assert (options.get('on_missing_data') == 'show_and_notify_no_data') == silence
    assert ('{{#is_no_data}}' in monitor['definition']['message']) == silence
    assert not options.get('notify_no_data')


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_monitor_names_how_often_it_notifies_again(monitor: dict[str, Any]) -> None:
    options = monitor['definition']['options']

    assert options['renotify_interval'] >= 60
    assert options['renotify_statuses']


@pytest.mark.parametrize('monitor', ON_METRICS.values(), ids=ON_METRICS)
def test_window_of_the_monitor_holds_two_intervals(monitor: dict[str, Any]) -> None:
    """A page may be checked every 150 seconds without a word about it; above, the description says what to do."""
    minutes = int(EVALUATION.fullmatch(monitor['definition']['query'])[2])  # type: ignore[index]

    assert minutes * 60 >= 2 * 150
    if minutes * 60 == 2 * 150:
        assert 'every 150 seconds, widen the window to two intervals' in monitor['description']


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_monitor_recovers_on_the_good_side_of_its_thresholds(monitor: dict[str, Any]) -> None:
    thresholds = monitor['definition']['options']['thresholds']
    order = [
        thresholds[name]
        for name in ('critical', 'critical_recovery', 'warning', 'warning_recovery')
        if name in thresholds
    ]

    if monitor in ON_METRICS.values():
        assert order == sorted(order, reverse='>' in monitor['definition']['query'])
        assert len(set(order)) == len(order)


def test_monitor_with_the_reason_begins_with_it() -> None:
    definition = MONITORS[REASON]['definition']
    (last,) = re.findall(r'\.last\((\d+)\)\.count_by_status\(\)$', definition['query'])

    assert definition['type'] == 'service check'
    assert definition['query'].startswith('"awesome.search".over("*")')
    assert definition['message'].startswith('{{check_message}}\n')
    # Datadog wants one run more than any threshold counts.
    assert int(last) == max(definition['options']['thresholds'].values()) + 1
    assert f'{definition["options"]["thresholds"]["critical"]} runs in a row' in definition['message']


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_message_of_the_monitor_tells_the_page_and_the_command(monitor: dict[str, Any]) -> None:
    message = monitor['definition']['message']
    variables = set(re.findall(r'\{\{(\w+)\.name}}', message))

    assert variables == groups(monitor)
    assert 'Check first' in message
    assert 'datadog-agent ' in message
    assert re.findall(r'\{\{[#^](\w+)', message) == balanced(re.findall(r'\{\{([#^/])(\w+)', message))


def balanced(marks: list[tuple[str, str]]) -> list[str]:
    """Return the names of conditions in the order in which they open, if each closes where it must."""
    opened: list[str] = []
    stack: list[str] = []
    for kind, name in marks:
        if kind == '/':
            assert stack.pop() == name
        else:
            opened.append(name)
            stack.append(name)
    assert not stack
    return opened


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_message_of_the_monitor_links_the_dashboard_and_has_a_place_for_the_team(monitor: dict[str, Any]) -> None:
    message = monitor['definition']['message']
    (dashboard,) = DASHBOARDS
    headings = re.findall(r'^## (.+)$', (ROOT / 'README.md').read_text(), re.MULTILINE)

    assert f'(https://app.datadoghq.com/dashboard/lists?q={dashboard.replace(" ", "%20")})' in message
    assert '/awesome/README.md#troubleshooting)' in message
    assert 'Troubleshooting' in headings
    assert re.search(r"\{\{!-- Add your team's handle here.*--}}$", message)
    assert '@' not in message


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_widgets_that_a_message_names_are_on_the_dashboard(monitor: dict[str, Any]) -> None:
    named = re.findall(r'"([A-Z][\w ,]+?)" (?:names|on the dashboard)', monitor['definition']['message'])

    titles = {definition['title'] for dashboard in DASHBOARDS.values() for definition in widgets(dashboard)}
    assert set(named) <= titles
    assert named or groups(monitor) == {'host'} or 'then one `host` after another' in monitor['definition']['message']


@pytest.mark.parametrize('monitor', MONITORS.values(), ids=MONITORS)
def test_numbers_of_the_monitor_are_rounded_and_its_name_has_none(monitor: dict[str, Any]) -> None:
    message = monitor['definition']['message']

    assert '{{value}}' not in message
    assert 'value' not in monitor['definition']['name']
    for expression in re.findall(r'\{\{eval "(.+?)"}}', message):
        assert expression.startswith('round(')
        assert ('/ 3600' in expression) == ('hours' in message)


@pytest.mark.parametrize('title', [title for title in MONITORS if title.startswith('Certificate')])
def test_expired_certificate_is_not_said_to_expire(title: str) -> None:
    """Datadog compares with numbers only for equality: abs(value) - value is 0 unless the value is negative."""
    message = MONITORS[title]['definition']['message']
    condition = 'is_exact_match (eval "abs(value) - value") "0"'

    (ahead,) = re.findall(rf'{{{{#{re.escape(condition)}}}}}(.*?){{{{/is_exact_match}}}}', message, re.DOTALL)
    (past,) = re.findall(rf'{{{{\^{re.escape(condition)}}}}}(.*?){{{{/is_exact_match}}}}', message, re.DOTALL)
    assert ' expires in ' in ahead
    assert ' has expired' in past
    assert 'abs(value)' in past


def test_readme_lists_the_monitors_with_their_limits() -> None:
    readme = (ROOT / 'README.md').read_text()
    rows = dict(re.findall(r'^\| ([A-Z].+?) \| (.+) \|$', readme, re.MULTILINE))
    thresholds = {title: monitor['definition']['options']['thresholds'] for title, monitor in MONITORS.items()}

    assert rows.keys() >= MONITORS.keys()
    for title, monitor in ON_METRICS.items():
        minutes = EVALUATION.fullmatch(monitor['definition']['query'])[2]  # type: ignore[index]
        assert title.startswith('Certificate') or title == 'Page is stale' or f'{minutes} minutes' in rows[title]
    assert f'{thresholds[REASON]["critical"]} runs in a row' in rows[REASON]
    assert f'{thresholds["Page answers slowly"]["critical"]} seconds' in rows['Page answers slowly']
    assert f'fewer than {thresholds["Certificate of a page expires soon"]["critical"]} days' in str(rows)
    assert f'fewer than {thresholds["Certificate chain of a page expires soon"]["critical"]} days' in str(rows)
    assert f'more than {thresholds["Page is stale"]["critical"] // 3600} hours ago' in rows['Page is stale']
    assert '`freshness:daily`' in rows['Page is stale']
    numbers = 'no one two three four five six seven eight nine ten'.split()
    assert f'There are {numbers[len(MONITORS)]} monitors' in readme


def test_dataflows_say_what_is_submitted() -> None:
    (flow,) = yaml.safe_load((ROOT / 'assets' / 'dataflows.yaml').read_text())['provides']

    assert (flow['data_type'], flow['direction'], flow['always_on']) == ('metrics', 'inbound', True)
    assert f'Submitted Data Type::{flow["data_type"].title()}' in MANIFEST['tile']['classifier_tags']
    assert flow['id'] == f'{MANIFEST["app_id"]}-{flow["data_type"]}'


def test_service_checks_are_those_that_are_sent(aggregator: Any) -> None:
    (described,) = json.loads((ROOT / ASSETS['integration']['service_checks']['metadata_path']).read_text())
    with Server(response(b'nginx')) as server:
        found = {'url': server.url, 'search_string': 'nginx', 'name': 'page', 'empty_default_hostname': False}
        check = AwesomeCheck('awesome', {}, [found])
        for instance in (found, found | {'search_string': 'Apache'}, found | {'url': 'http://127.0.0.1:1/'}):
            check.check(instance)
    check.cancel()
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
