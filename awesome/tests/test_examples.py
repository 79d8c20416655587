"""Every file of the recipes is what it says."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from datadog_checks.awesome import AwesomeCheck, __version__

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / 'examples'
README = (EXAMPLES / 'README.md').read_text()
FILES = sorted(path for path in EXAMPLES.rglob('*') if path.is_file())
IMAGE = 'registry.example.com/datadog-agent-awesome'
WHEEL = f'datadog_awesome-{__version__}-py3-none-any.whl'

# https://docs.datadoghq.com/containers/guide/template_variables/
VARIABLES = {'%%host%%': '10.0.0.1', '%%port%%': '80'}


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def documents(path: str) -> list[Any]:
    return list(yaml.safe_load_all((EXAMPLES / path).read_text()))


KUBERNETES = [path for path in FILES if path.parent.name == 'kubernetes']
# Those whose kinds are Datadog's, for which there is no schema in a package.
OF_DATADOG = {'helm-values.yaml', 'operator.yaml'}


def checks_of(part: Any) -> Iterator[str]:
    """Return the check configurations in annotations and labels."""
    for name, value in part.items():
        if re.fullmatch(r'ad\.datadoghq\.com/[\w-]+\.checks|com\.datadoghq\.ad\.checks', name):
            yield value


def configurations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every configuration of the check in the recipes, as the Agent sees it."""
    yield 'host/conf.yaml', documents('host/conf.yaml')[0]
    for file in ('pod', 'service', 'endpoints'):
        (manifest,) = documents(f'kubernetes/{file}.yaml')
        for annotation in checks_of(manifest['metadata']['annotations']):
            yield f'kubernetes/{file}.yaml', rendered(annotation)
    for annotation in checks_of(documents('docker/compose.yaml')[0]['services']['page']['labels']):
        yield 'docker/compose.yaml', rendered(annotation)
    yield (
        'kubernetes/helm-values.yaml',
        yaml.safe_load(documents('kubernetes/helm-values.yaml')[0]['clusterAgent']['confd']['awesome.yaml']),
    )
    override = documents('kubernetes/operator.yaml')[0]['spec']['override']
    yield (
        'kubernetes/operator.yaml',
        yaml.safe_load(override['clusterAgent']['extraConfd']['configDataMap']['awesome.yaml']),
    )
    yield (
        'kubernetes/init-container.yaml',
        yaml.safe_load(documents('kubernetes/init-container.yaml')[0]['data']['conf.yaml']),
    )


def rendered(annotation: str) -> dict[str, Any]:
    """Return the configuration of the check with the template variables filled in, as the Agent does it."""
    for variable, value in VARIABLES.items():
        annotation = annotation.replace(variable, value)
    assert '%%' not in annotation
    configuration: dict[str, Any] = json.loads(annotation)['awesome']
    return configuration


CONFIGURATIONS = list(configurations())


@pytest.mark.parametrize(('file', 'configuration'), CONFIGURATIONS, ids=[file for file, _ in CONFIGURATIONS])
def test_configuration_is_valid(file: str, configuration: dict[str, Any]) -> None:
    assert configuration['instances']
    for instance in configuration['instances']:
        check = AwesomeCheck('awesome', configuration['init_config'] or {}, [instance])
        check.load_configuration_models()
        assert not check.log_typos_in_options(instance, check.config, 'instances')


def test_cluster_checks_name_no_host() -> None:
    clusterwide = {'kubernetes/service.yaml', 'kubernetes/helm-values.yaml', 'kubernetes/operator.yaml'}

    for file, configuration in CONFIGURATIONS:
        if file in clusterwide:
            assert all(instance['empty_default_hostname'] for instance in configuration['instances'])
            assert configuration.get('cluster_check', file.endswith('service.yaml'))


@pytest.mark.parametrize('path', [path for path in KUBERNETES if path.name not in OF_DATADOG], ids=name_of)
def test_manifest_is_valid(path: Path) -> None:
    for manifest in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(manifest, '1.34', strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**manifest, 'specification': {}}, '1.34', strict=True)


def test_annotation_of_a_pod_names_its_container() -> None:
    (pod,) = documents('kubernetes/pod.yaml')

    (name,) = pod['metadata']['annotations']
    assert name == f'ad.datadoghq.com/{pod["spec"]["containers"][0]["name"]}.checks'


def test_agents_and_runners_have_the_same_image() -> None:
    (values,) = documents('kubernetes/helm-values.yaml')
    (operator,) = documents('kubernetes/operator.yaml')
    images = [values[part]['image'] for part in ('agents', 'clusterChecksRunner')]
    override = operator['spec']['override']

    assert [(image['repository'], image['tag']) for image in images] == [(IMAGE, __version__)] * 2
    assert [override[part]['image']['name'] for part in ('nodeAgent', 'clusterChecksRunner')] == [
        f'{IMAGE}:{__version__}'
    ] * 2


def test_helm_and_operator_look_at_the_same_pages() -> None:
    by_file = dict(CONFIGURATIONS)

    assert by_file['kubernetes/helm-values.yaml'] == by_file['kubernetes/operator.yaml']


def test_dockerfile_installs_the_wheel_of_this_version() -> None:
    instructions = re.sub(r'\\\n', '', (EXAMPLES / 'docker' / 'Dockerfile').read_text()).splitlines()
    steps = [line.split(maxsplit=1) for line in instructions if line and not line.startswith('#')]

    assert [name for name, _ in steps] == ['FROM', 'COPY', 'RUN']
    assert steps[0][1] == 'gcr.io/datadoghq/agent:7'
    assert steps[1][1].split()[0] == WHEEL
    assert steps[2][1].startswith(f'agent integration install -r -w /tmp/{WHEEL} ')


def test_agent_of_the_compose_file_is_the_one_of_the_dockerfile() -> None:
    (compose,) = documents('docker/compose.yaml')

    assert compose['services']['agent']['build'] == '.'
    assert '/var/run/docker.sock:/var/run/docker.sock:ro' in compose['services']['agent']['volumes']


@pytest.mark.parametrize('path', [path for path in FILES if path.suffix == '.sh'], ids=name_of)
def test_script_is_valid(path: Path) -> None:
    subprocess.run(['sh', '-n', path], check=True)


@pytest.mark.parametrize('name', ['linux.sh', 'macos.sh', 'windows.ps1'])
def test_script_removes_then_installs_then_restarts_then_checks(name: str) -> None:
    script = (EXAMPLES / 'host' / name).read_text()

    order = [
        'integration remove datadog-awesome',
        'integration install -r -w ',
        'conf.yaml.example',
        'start',
        'check awesome',
    ]
    positions = [script.rindex(step) for step in order]
    assert positions == sorted(positions)


def test_linux_script_upgrades_and_keeps_the_configuration(tmp_path: Path) -> None:
    """With stand-ins for the commands, which note how they were called."""
    log = tmp_path / 'log'
    for command in ('sudo', 'datadog-agent', 'systemctl'):
        stand_in = tmp_path / command
        stand_in.write_text(f'#!/bin/sh\necho {command} "$@" >>{log}\n')
        stand_in.chmod(0o755)
    wheel = tmp_path / WHEEL
    wheel.touch()

    subprocess.run(['sh', EXAMPLES / 'host' / 'linux.sh', wheel], check=True, env={'PATH': f'{tmp_path}:/usr/bin:/bin'})

    called = log.read_text().splitlines()
    assert called[:2] == [
        'sudo -u dd-agent datadog-agent integration remove datadog-awesome',
        f'sudo -u dd-agent datadog-agent integration install -r -w /tmp/{WHEEL}',
    ]
    assert called[-2:] == ['sudo systemctl restart datadog-agent', 'sudo -u dd-agent datadog-agent check awesome']


def test_every_file_is_in_the_index_and_every_link_leads_somewhere() -> None:
    links = re.findall(r'\]\(([^)#]+)\)', README)

    assert {name_of(path) for path in FILES} - {'README.md'} == {link for link in links if not link.startswith('..')}
    assert all((EXAMPLES / link).exists() for link in links)


def test_figures_of_the_table_are_computed() -> None:
    rows = re.findall(r'^\| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| (\d+) on (\d+) \|', README, re.MULTILINE)

    assert [row[0] for row in rows] == ['100', '1,000', '10,000']
    for number, healthy, dead, threads, runners in rows:
        pages = int(number.replace(',', ''))
        assert float(healthy) == pytest.approx(pages * 0.1 / 15, rel=0.05)
        busy = pages * (0.9 * 0.1 + 0.1 * 5) / 15
        assert float(dead) == pytest.approx(busy, rel=0.05)
        assert int(threads) * int(runners) >= 1.1 * busy


def test_every_mention_of_the_version_is_that_of_the_package() -> None:
    repository = ROOT.parent
    texts = [
        path.read_text()
        for directory in (repository, ROOT, EXAMPLES)
        for path in directory.glob('*.md' if directory != EXAMPLES else '**/*')
        if path.is_file()
    ]
    mentions = [
        version for text in texts for version in re.findall(r'datadog[_-]awesome(?:-|==)(\d[\w.]*?)(?:-py3|\s|$)', text)
    ]

    assert len(mentions) >= 5
    assert set(mentions) == {__version__}
    changelog = re.findall(r'^## (\S+) / \d{4}-\d\d-\d\d$', (ROOT / 'CHANGELOG.md').read_text(), re.MULTILINE)
    assert changelog[0] == __version__
