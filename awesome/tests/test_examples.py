"""Every file of the recipes is what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from datadog_api_client.model_utils import OpenApiModel
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.service_level_objective_request import ServiceLevelObjectiveRequest
from datadog_api_client.v2.model.downtime_create_request import DowntimeCreateRequest

from datadog_checks.awesome import AwesomeCheck, __version__
from datadog_checks.dev.utils import get_metadata_metrics

from .datadog_api import is_valid
from .server import Server, response

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / 'examples'
README = (EXAMPLES / 'README.md').read_text()
FILES = sorted(path for path in EXAMPLES.rglob('*') if path.is_file() and path.suffix != '.pyc')
MONITORS = {path.stem: path for path in sorted((ROOT / 'assets' / 'monitors').iterdir())}
WHEEL = f'datadog_awesome-{__version__}-py3-none-any.whl'
# Of Datadog's images, and of those that the Dockerfile makes of them.
AGENT = '7.85.5'
IMAGE = 'registry.example.com/datadog-agent-awesome'
TAG = f'{AGENT}-{__version__}'

# https://docs.datadoghq.com/containers/guide/template_variables/
VARIABLES = {'%%host%%': '10.0.0.1', '%%port%%': '80'}


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def documents(path: str) -> list[Any]:
    return list(yaml.safe_load_all((EXAMPLES / path).read_text()))


def python(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, EXAMPLES / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


KUBERNETES = [path for path in FILES if path.parent.name == 'kubernetes']
# Those whose kinds are Datadog's, for which there is no schema in a package.
OF_DATADOG = {'helm-values.yaml', 'operator.yaml'}


def checks_of(part: Any) -> Iterator[str]:
    """Yield the check configurations in annotations and labels."""
    for name, value in part.items():
        if re.fullmatch(r'ad\.datadoghq\.com/[\w-]+\.checks|com\.datadoghq\.ad\.checks', name):
            yield value


def configurations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every configuration of the check in the recipes, as the Agent sees it."""
    yield 'host/conf.yaml', documents('host/conf.yaml')[0]
    yield 'fleet/search.yaml', documents('fleet/search.yaml')[0]
    yield from table()
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


def table() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the generator makes of its table."""
    with tempfile.TemporaryDirectory() as directory:
        assert not python('fleet/pages.py', EXAMPLES / 'fleet' / 'pages.csv', directory).stderr
        for file in sorted(Path(directory).iterdir()):
            yield f'fleet/pages.csv: {file.stem}', yaml.safe_load(file.read_text())


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


def test_pages_whose_address_changes_have_a_name() -> None:
    changing = [configuration for file, configuration in CONFIGURATIONS if '10.0.0.1' in str(configuration)]

    assert len(changing) == 4
    assert all(instance['name'] for configuration in changing for instance in configuration['instances'])


# The options of the chart and of the Operator that the recipes use. They were looked up in the chart's values.yaml and
# in the schema of the DatadogAgent, in the versions that README.md names, and the recipes were rendered with these.
DOCUMENTED = {
    'helm-values.yaml': {
        'agents.image.doNotCheckTag',
        'agents.image.repository',
        'agents.image.tag',
        'clusterAgent.confd',
        'clusterAgent.volumeMounts',
        'clusterAgent.volumes',
        'clusterChecksRunner.enabled',
        'clusterChecksRunner.env',
        'clusterChecksRunner.image.repository',
        'clusterChecksRunner.image.tag',
        'clusterChecksRunner.replicas',
        'datadog.apiKeyExistingSecret',
        'datadog.clusterChecks.enabled',
        'datadog.clusterName',
        'datadog.secretBackend.command',
        'datadog.secretBackend.enableGlobalPermissions',
    },
    'operator.yaml': {
        'apiVersion',
        'kind',
        'metadata.name',
        'spec.features.clusterChecks.enabled',
        'spec.features.clusterChecks.useClusterChecksRunners',
        'spec.global.clusterName',
        'spec.global.credentials.apiSecret.keyName',
        'spec.global.credentials.apiSecret.secretName',
        'spec.global.secretBackend.command',
        'spec.global.secretBackend.enableGlobalPermissions',
        'spec.override.clusterAgent.containers.cluster-agent.volumeMounts',
        'spec.override.clusterAgent.extraConfd.configDataMap',
        'spec.override.clusterAgent.volumes',
        'spec.override.clusterChecksRunner.env',
        'spec.override.clusterChecksRunner.image.name',
        'spec.override.clusterChecksRunner.replicas',
        'spec.override.nodeAgent.image.name',
    },
}


def leaves(part: Any, path: str = '') -> Iterator[str]:
    """Yield the dotted names of the options in a document; what a map of files or a list has is no option."""
    if not isinstance(part, dict) or path.endswith(('confd', 'configDataMap')):
        yield path
        return
    for name, value in part.items():
        yield from leaves(value, f'{path}.{name}'.removeprefix('.'))


@pytest.mark.parametrize('file', DOCUMENTED)
def test_options_of_the_chart_and_of_the_operator_are_documented_ones(file: str) -> None:
    (document,) = documents(f'kubernetes/{file}')

    assert set(leaves(document)) == DOCUMENTED[file]


def test_agents_and_runners_have_the_same_image() -> None:
    (values,) = documents('kubernetes/helm-values.yaml')
    (operator,) = documents('kubernetes/operator.yaml')
    images = [values[part]['image'] for part in ('agents', 'clusterChecksRunner')]
    override = operator['spec']['override']

    assert [(image['repository'], image['tag']) for image in images] == [(IMAGE, TAG)] * 2
    assert [override[part]['image']['name'] for part in ('nodeAgent', 'clusterChecksRunner')] == [f'{IMAGE}:{TAG}'] * 2


def test_helm_and_operator_watch_the_same_pages_in_the_same_cluster() -> None:
    by_file = dict(CONFIGURATIONS)
    (values,) = documents('kubernetes/helm-values.yaml')
    (operator,) = documents('kubernetes/operator.yaml')

    assert by_file['kubernetes/helm-values.yaml'] == by_file['kubernetes/operator.yaml']
    # The monitor of silent Agents is grouped by it where there is no host.
    assert values['datadog']['clusterName'] == operator['spec']['global']['clusterName']


def test_secrets_of_cluster_checks_are_resolved_by_the_cluster_agent() -> None:
    (values,) = documents('kubernetes/helm-values.yaml')
    (operator,) = documents('kubernetes/operator.yaml')
    override = operator['spec']['override']['clusterAgent']
    handles = {
        handle
        for file, configuration in CONFIGURATIONS
        if file.startswith('kubernetes/')
        for handle in re.findall(r'ENC\[(.*?)]', str(configuration))
    }

    for backend, volumes, mounts in [
        (values['datadog']['secretBackend'], values['clusterAgent']['volumes'], values['clusterAgent']['volumeMounts']),
        (
            operator['spec']['global']['secretBackend'],
            override['volumes'],
            override['containers']['cluster-agent']['volumeMounts'],
        ),
    ]:
        assert backend == {'command': '/readsecret_multiple_providers.sh', 'enableGlobalPermissions': False}
        assert [volume['name'] for volume in volumes] == [mount['name'] for mount in mounts]
        assert handles == {f'file@{mount["mountPath"]}/api-key' for mount in mounts}


def test_secrets_of_a_host_are_resolved_by_its_backend() -> None:
    """Every handle is one of the first level of a file, which is all that this backend knows."""
    (agent,) = documents('host/datadog.yaml')
    handles = re.findall(r'ENC\[(.*?)]', str(dict(CONFIGURATIONS)['host/conf.yaml']))

    assert handles
    assert all(re.fullmatch(r'\w+', handle) and f'`{handle}: ...`' in backend_comment() for handle in handles)
    assert agent['secret_backend_type'] == 'file.yaml'
    assert Path(agent['secret_backend_config']['file_path']).is_absolute()


def backend_comment() -> str:
    return (EXAMPLES / 'host' / 'datadog.yaml').read_text()


def test_no_other_recipe_has_a_secret() -> None:
    with_handles = {name_of(path) for path in FILES if 'ENC[' in path.read_text() and path.suffix != '.md'}

    assert with_handles == {
        'host/conf.yaml',
        'host/datadog.yaml',
        'kubernetes/helm-values.yaml',
        'kubernetes/operator.yaml',
    }


def test_agent_for_pages_alone_runs_no_other_check(tmp_path: Path) -> None:
    """With the directory of the Agent's configuration somewhere else, and a stand-in for the Agent."""
    (_, deployment) = documents('kubernetes/init-container.yaml')
    (container,) = deployment['spec']['template']['spec']['containers']
    for file in ('cpu.d/conf.yaml.default', 'awesome.d/conf.yaml'):
        (tmp_path / 'conf.d' / file).parent.mkdir(parents=True)
        (tmp_path / 'conf.d' / file).touch()
    stand_in(tmp_path / 'agent', 'echo "$@"')

    command: list[str] = [*container['command'], *container['args']]
    ran = subprocess.run(
        [word.replace('/etc/datadog-agent', str(tmp_path)) for word in command],
        env={'PATH': f'{tmp_path}:/usr/bin:/bin'},
        capture_output=True,
        check=True,
    )

    assert ran.stdout == b'run\n'
    assert [path.name for path in (tmp_path / 'conf.d').rglob('*.*') if path.is_file()] == ['conf.yaml']
    assert deployment['spec']['strategy']['type'] == 'Recreate'


def test_images_of_the_recipes_are_of_one_agent() -> None:
    texts = [path.read_text() for path in FILES]
    versions = {
        version
        for text in texts
        for version in re.findall(r'(?:datadoghq/agent:|AGENT_VERSION=|awesome:|tag: |1:)(\d[\d.]*)', text)
    }

    assert versions == {AGENT}
    assert not [text for text in texts if re.search(r'datadoghq/agent:7\s', text)]


def test_dockerfile_installs_the_wheel_of_this_version() -> None:
    instructions = re.sub(r'\\\n', '', (EXAMPLES / 'docker' / 'Dockerfile').read_text()).splitlines()
    steps = [line.split(maxsplit=1) for line in instructions if line and not line.startswith('#')]

    assert [name for name, _ in steps] == ['ARG', 'FROM', 'COPY', 'RUN']
    assert steps[0][1] == f'AGENT_VERSION={AGENT}'
    assert steps[1][1] == 'gcr.io/datadoghq/agent:${AGENT_VERSION}'
    assert steps[2][1].split()[0] == WHEEL
    assert steps[3][1].startswith(f'agent integration install -r -w /tmp/{WHEEL} ')


def test_agent_of_the_compose_file_is_the_one_of_the_dockerfile() -> None:
    (compose,) = documents('docker/compose.yaml')

    assert compose['services']['agent']['build'] == '.'
    assert '/var/run/docker.sock:/var/run/docker.sock:ro' in compose['services']['agent']['volumes']


@pytest.mark.parametrize('path', [path for path in FILES if path.suffix == '.sh'], ids=name_of)
def test_script_is_valid(path: Path) -> None:
    subprocess.run(['sh', '-n', path], check=True)


def stand_in(path: Path, script: str) -> None:
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)


class Host:
    """A host without an Agent: stand-ins note how they are called, and its files are in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.pages = directory / 'conf.d' / 'awesome.d' / 'conf.yaml'
        self.pages.parent.mkdir(parents=True)
        self.wheel = directory / WHEEL
        self.wheel.touch()
        bin_ = directory / 'bin'
        bin_.mkdir()
        note = f'echo "${{0##*/}} $*" >>{directory}/log'
        for command in ('datadog-agent', 'systemctl', 'launchctl', 'apt-get', 'installer', 'python3'):
            stand_in(bin_ / command, f'{note}\ntest ! -e {directory}/fails-"${{0##*/}}"')
        # `pip3 install ... --target DIRECTORY WHEEL`
        stand_in(
            bin_ / 'pip3',
            f'{note}\nshift 5\nmkdir -p "$1/datadog_checks/awesome/data"\n'
            'touch "$1/datadog_checks/awesome/data/conf.yaml.example"',
        )
        # Everything here belongs to who runs the tests.
        stand_in(bin_ / 'install', 'while [ "${1#-}" != "$1" ]; do shift 2; done\ncp "$@"')
        stand_in(bin_ / 'sudo', 'if [ "$1" = -u ]; then shift 2; fi\nexec "$@"')

    def break_(self, command: str) -> None:
        (self._directory / f'fails-{command}').touch()

    def run(self, script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        for source in sorted((EXAMPLES / 'host').glob('*.sh')):
            text = source.read_text().replace('/opt/datadog-agent/embedded/bin/', '')
            for etc in ('/etc/datadog-agent', '/opt/datadog-agent/etc'):
                text = text.replace(etc, str(self._directory))
            (self._directory / source.name).write_text(text)
        (self._directory / 'tmp').mkdir(exist_ok=True)
        return subprocess.run(
            ['sh', self._directory / script, *arguments],
            env={'PATH': f'{self._directory}/bin:/usr/bin:/bin', 'TMPDIR': str(self._directory / 'tmp')},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def called(self) -> list[str]:
        """What was called, without the changing names of copies and without what is always the same."""
        lines = (self._directory / 'log').read_text().replace(f'{self._directory}/', '').splitlines()
        lines = [re.sub(r'tmp/\S*/', '', line).replace('datadog-agent integration ', '') for line in lines]
        return [re.sub(r' --config .*', ' --check-config', line) for line in lines]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


REMOVE = 'remove datadog-awesome'
INSTALL = f'install -r -w {WHEEL}'
VALIDATE = 'python3 -m datadog_checks.awesome --check-config'
RUN = 'datadog-agent check awesome'
RESTART = {
    'linux.sh': 'systemctl restart datadog-agent',
    'macos.sh': 'launchctl kickstart -k system/com.datadoghq.agent',
}


@pytest.mark.parametrize('script', RESTART)
def test_script_without_configuration_restarts_nothing_and_says_what_to_do(script: str, host: Host) -> None:
    ran = host.run(script, host.wheel)

    assert ran.returncode == 0
    assert host.called == [REMOVE, INSTALL]
    assert f'Next, write {host.pages}, then run: sudo {RESTART[script]}' in ran.stdout
    assert not host.pages.exists()


@pytest.mark.parametrize('script', RESTART)
def test_script_installs_the_configuration_that_it_is_given(script: str, host: Host, tmp_path: Path) -> None:
    conf = tmp_path / 'mine.yaml'
    conf.write_text('new')
    host.pages.write_text('old')

    assert host.run(script, host.wheel, conf).returncode == 0

    assert host.called == [REMOVE, INSTALL, VALIDATE, RESTART[script], RUN]
    assert (conf.read_text(), host.pages.read_text()) == ('new', 'new')


@pytest.mark.parametrize('script', RESTART)
def test_script_leaves_an_invalid_configuration_out(script: str, host: Host, tmp_path: Path) -> None:
    conf = tmp_path / 'mine.yaml'
    conf.write_text('new')
    host.pages.write_text('old')
    host.break_('python3')

    assert host.run(script, host.wheel, conf).returncode != 0

    assert host.called == [REMOVE, INSTALL, VALIDATE]
    assert host.pages.read_text() == 'old'


@pytest.mark.parametrize('script', RESTART)
def test_script_upgrades_and_keeps_the_configuration(script: str, host: Host) -> None:
    host.pages.write_text('old')

    assert host.run(script, host.wheel).returncode == 0

    assert host.called == [REMOVE, INSTALL, RESTART[script], RUN]
    assert host.pages.read_text() == 'old'


@pytest.mark.parametrize('script', [*RESTART, 'checks.d.sh'])
def test_script_keeps_a_wheel_that_lies_among_temporary_files(script: str, host: Host, tmp_path: Path) -> None:
    wheel = tmp_path / 'tmp' / WHEEL
    wheel.parent.mkdir()
    wheel.write_text('wheel')

    assert host.run(script, wheel).returncode == 0

    assert list((tmp_path / 'tmp').iterdir()) == [wheel]
    assert wheel.read_text() == 'wheel'


@pytest.mark.parametrize('script', [*RESTART, 'checks.d.sh', 'upgrade-agent-linux.sh'])
def test_script_removes_nothing_when_the_wheel_is_missing(script: str, host: Host, tmp_path: Path) -> None:
    assert host.run(script, tmp_path / 'none.whl').returncode != 0
    assert not (tmp_path / 'log').exists()


def test_check_outside_of_the_agents_python_comes_with_its_example(host: Host, tmp_path: Path) -> None:
    host.pages.write_text('old')

    assert host.run('checks.d.sh', host.wheel).returncode == 0

    options = '--no-index --no-deps --upgrade --target'
    assert host.called == [REMOVE, f'pip3 install {options} checks.d {WHEEL}', RESTART['linux.sh'], RUN]
    assert (host.pages.parent / 'conf.yaml.example').exists()
    assert host.pages.read_text() == 'old'


UPGRADES: dict[str, tuple[str, list[str], str, list[str]]] = {
    'the newest for Linux': (
        'upgrade-agent-linux.sh',
        [],
        'apt-get',
        ['apt-get update', 'apt-get install -y --allow-downgrades datadog-agent'],
    ),
    'an older one for Linux': (
        'upgrade-agent-linux.sh',
        ['1:7.84.0-1'],
        'apt-get',
        ['apt-get update', 'apt-get install -y --allow-downgrades datadog-agent=1:7.84.0-1'],
    ),
    'macOS': ('upgrade-agent-macos.sh', ['agent.pkg'], 'installer', ['installer -pkg agent.pkg -target /']),
}


@pytest.mark.parametrize(('script', 'arguments', 'installer', 'steps'), UPGRADES.values(), ids=UPGRADES)
def test_upgrade_of_the_agent_keeps_the_check(
    script: str, arguments: list[str], installer: str, steps: list[str], host: Host
) -> None:
    host.pages.write_text('old')

    assert host.run(script, host.wheel, *arguments).returncode == 0

    restart = RESTART[script.removeprefix('upgrade-agent-')]
    # Installing removes first what is there, which is nothing then.
    assert host.called == [REMOVE, *steps, REMOVE, INSTALL, restart, RUN]
    assert host.pages.read_text() == 'old'


@pytest.mark.parametrize(('script', 'arguments', 'installer', 'steps'), UPGRADES.values(), ids=UPGRADES)
def test_failed_upgrade_of_the_agent_keeps_the_check_and_fails(
    script: str, arguments: list[str], installer: str, steps: list[str], host: Host
) -> None:
    host.pages.write_text('old')
    host.break_(installer)

    assert host.run(script, host.wheel, *arguments).returncode != 0
    assert host.called[-2:] == [RESTART[script.removeprefix('upgrade-agent-')], RUN]


def test_scripts_for_windows_do_the_same_in_the_same_order() -> None:
    install = (EXAMPLES / 'host' / 'windows.ps1').read_text()
    upgrade = (EXAMPLES / 'host' / 'upgrade-agent-windows.ps1').read_text()

    for script, steps in [
        (
            install,
            [
                'Test-Path $Wheel',
                'integration remove',
                'integration install',
                '--check-config',
                'restart-service',
                'check awesome',
            ],
        ),
        (upgrade, ['Test-Path $Wheel', 'integration remove', 'msiexec', 'windows.ps1', 'exit $upgrade.ExitCode']),
    ]:
        positions = [script.rindex(step) for step in steps]
        assert positions == sorted(positions)
    assert 'conf.yaml.example' not in install


def test_no_recipe_for_hosts_rolls_an_example_out() -> None:
    for path in FILES:
        if path.parent.name in ('host', 'fleet'):
            assert 'localhost' not in path.read_text()


def test_commands_of_the_recipes_have_the_flags_that_they_use() -> None:
    command = [sys.executable, '-m', 'datadog_checks.awesome', '--help']
    usage = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = [re.sub(r'\\?\n\s+(?=--)', ' ', path.read_text()) for path in FILES]
    used = {
        flag
        for text in texts
        for line in re.findall(r'-m datadog_checks\.awesome([^`\n]*)', text)
        for flag in re.findall(r'--[\w-]+', line)
    }

    assert {'--config', '--check-config'} <= used
    assert all(flag in usage for flag in used)


Table = Callable[[str], Path]


@pytest.fixture
def pages(tmp_path: Path) -> Table:
    def write(text: str) -> Path:
        (tmp_path / 'pages.csv').write_text(text, encoding='utf-8-sig')
        (tmp_path / 'awesome.d').mkdir(exist_ok=True)
        return tmp_path / 'pages.csv'

    return write


def test_table_becomes_a_file_per_team(pages: Table, tmp_path: Path) -> None:
    table = pages(
        'team,name,url,search_string,regex,min_collection_interval,tags\n'
        'shop,a,http://a/,404,,60,\n'
        'help,b,http://b/,"Öffnungszeiten\nKontakt",true,,site:berlin\n'
    )

    assert python('fleet/pages.py', table, tmp_path / 'awesome.d').returncode == 0

    files = {path.name: yaml.safe_load(path.read_text('utf-8')) for path in (tmp_path / 'awesome.d').iterdir()}
    shop = {'name': 'a', 'url': 'http://a/', 'search_string': '404', 'min_collection_interval': 60}
    other = {'name': 'b', 'url': 'http://b/', 'search_string': ['Öffnungszeiten', 'Kontakt'], 'regex': True}
    assert files == {
        'shop.yaml': {'init_config': {}, 'instances': [shop | {'tags': ['team:shop']}]},
        'help.yaml': {'init_config': {}, 'instances': [other | {'tags': ['team:help', 'site:berlin']}]},
    }


def test_table_replaces_its_own_files_alone(pages: Table, tmp_path: Path) -> None:
    table = pages('team,name,url\nshop,a,http://a/\n')
    (tmp_path / 'awesome.d' / 'search.yaml').write_text('instances: []')
    python('fleet/pages.py', table, tmp_path / 'awesome.d')
    pages('team,name,url\nhelp,a,http://a/\n')

    python('fleet/pages.py', table, tmp_path / 'awesome.d')

    assert {path.name for path in (tmp_path / 'awesome.d').iterdir()} == {'help.yaml', 'search.yaml'}


TABLES = {
    'no team': ('team,name,url\n,a,http://a/\n', 'line 2: too many cells, or no team'),
    'no column for the team': ('name,url\na,http://a/\n', 'line 2: too many cells, or no team'),
    'a team that is no file name': ('team,name,url\n../x,a,http://a/\n', 'line 2: too many cells, or no team'),
    'an unquoted comma': ('team,name,url\nx,a,http://a/,b\n', 'line 2: too many cells, or no team'),
    'no name': ('team,name,url\nx,,http://a/\n', 'line 2: the name is missing or taken'),
    'a name twice': ('team,name,url\nx,a,http://a/\ny,a,http://b/\n', 'line 3: the name is missing or taken'),
}


@pytest.mark.parametrize(('text', 'error'), TABLES.values(), ids=TABLES)
def test_table_that_is_wrong_is_refused(text: str, error: str, pages: Table, tmp_path: Path) -> None:
    ran = python('fleet/pages.py', pages(text), tmp_path / 'awesome.d')

    assert ran.returncode == 1
    assert error in ran.stderr
    assert not list((tmp_path / 'awesome.d').iterdir())


def test_table_of_2000_pages_is_valid(pages: Table, tmp_path: Path) -> None:
    rows = [f'team-{number % 20},page-{number},http://localhost/{number},nginx\n' for number in range(2000)]

    python('fleet/pages.py', pages(''.join(['team,name,url,search_string\n', *rows])), tmp_path / 'awesome.d')

    files = [path.read_text('utf-8') for path in (tmp_path / 'awesome.d').iterdir()]
    assert (len(files), sum(text.count('- name: ') for text in files)) == (20, 2000)


def needed_metrics() -> set[str]:
    """Return the metrics of the monitors."""
    return {metric for path in MONITORS.values() for metric in re.findall(r':(awesome\.[\w.]+)\{', path.read_text())}


def test_shared_options_send_what_the_monitors_need_and_no_more(aggregator: Any) -> None:
    (configuration,) = documents('fleet/search.yaml')
    answer = response(b'Results', Last_Modified='Wed, 21 Oct 2015 07:28:00 GMT')

    with Server(answer) as server:
        instance = configuration['instances'][0] | {'url': server.url}
        AwesomeCheck('awesome', {}, [instance]).check(instance)
        (request,) = server.requests

    sent = set(aggregator.metric_names)
    of_others = ('awesome.certificate.', 'awesome.addresses.')
    assert sent == {metric for metric in needed_metrics() if not metric.startswith(of_others)}
    assert set(re.findall(r'awesome\\\.[^$\n]+\$', README)) == set(
        re.findall(r'awesome\\\.[^$\n]+\$', (EXAMPLES / 'fleet' / 'search.yaml').read_text())
    )
    assert b'User-Agent: awesome (web-operations@example.com)' in request


def test_pages_of_a_team_share_what_is_written_once() -> None:
    first, *others = documents('fleet/search.yaml')[0]['instances']

    assert others
    for page in others:
        assert page['tags'] == first['tags'] == ['team:search']
        assert page['metric_patterns'] == first['metric_patterns']
        assert {page['name'], page['url']}.isdisjoint({first['name'], first['url']})


def test_monitors_of_a_team_watch_its_pages_and_notify_it() -> None:
    ran = python('fleet/monitors.py', 'shop', '@slack-shop', *MONITORS.values())
    bodies = [json.loads(line) for line in ran.stdout.splitlines()]

    assert len(bodies) == len(MONITORS)
    for body in bodies:
        assert is_valid(Monitor, body)
        scopes = re.findall(r'\{([^}]*)} by|over\("(.*?)"\)', body['query'])
        assert scopes
        assert all('team:shop' in metric + check for metric, check in scopes)
        assert '{*}' not in body['query']
        assert body['message'].endswith('\n@slack-shop')
        assert 'team:shop' in body['tags']


@pytest.mark.parametrize(
    ('file', 'model'),
    [('slo.json', ServiceLevelObjectiveRequest), ('downtime.json', DowntimeCreateRequest)],
    ids=['slo', 'downtime'],
)
def test_request_to_the_api_is_valid(file: str, model: type[OpenApiModel]) -> None:
    body = json.loads((EXAMPLES / 'fleet' / file).read_text())

    assert is_valid(model, body)
    assert not is_valid(model, body | {'colour': 'red'})


def test_objective_counts_unreachable_pages_as_bad() -> None:
    """An unreachable page sends no awesome.search.found, and a slice without data would count as good."""
    specification = json.loads((EXAMPLES / 'fleet' / 'slo.json').read_text())['sli_specification']['time_slice']
    (query,) = specification['query']['queries']
    (formula,) = specification['query']['formulas']

    assert re.fullmatch(r'min:awesome\.search\.found\{team:\w+} by \{instance}', query['query'])
    assert formula['formula'] == f'default_zero({query["name"]})'
    assert (specification['comparator'], specification['threshold']) == ('>=', 1)
    assert query['query'].split(':')[1].split('{')[0] in get_metadata_metrics()


def test_downtime_mutes_the_monitors_of_a_team() -> None:
    """A scope of team:shop would mute nothing: the monitors are grouped by url and instance."""
    attributes = json.loads((EXAMPLES / 'fleet' / 'downtime.json').read_text())['data']['attributes']

    assert attributes['monitor_identifier']['monitor_tags'] == ['integration:awesome', 'team:shop']
    assert attributes['scope'] == '*'


def test_pull_request_to_the_configuration_is_validated() -> None:
    (workflow,) = documents('fleet/validate.yaml')
    (job,) = workflow['jobs'].values()
    runs = [step['run'] for step in job['steps'] if 'run' in step]

    assert workflow[True] == {'pull_request': None}  # YAML takes `on` for a boolean
    assert [run.split()[0] for run in runs] == ['pip', 'python', 'test', 'python']
    assert f'{WHEEL}[deps]' in runs[0]
    assert runs[1] == 'python pages.py pages.csv awesome.d'
    assert runs[3].endswith('--config awesome.d --check-config')


def test_playbook_goes_on_from_host_to_host_only_if_all_is_well() -> None:
    ((play,),) = documents('fleet/playbook.yaml')
    names = [task['name'] for task in play['tasks']]
    steps = ['Remove another version', 'Install the wheel', 'Validate', 'Put the', 'Restart the Agent now', 'Run every']
    positions = [next(i for i, name in enumerate(names) if name.startswith(step)) for step in steps]

    assert play['serial'][0] == 1
    assert play['max_fail_percentage'] == 0
    assert positions == sorted(positions)
    assert play['vars']['wheel'] == WHEEL
    assert {task['notify'] for task in play['tasks'] if 'notify' in task} == {play['handlers'][0]['name']}


def test_every_file_is_in_the_guide_and_every_link_leads_somewhere() -> None:
    links = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', README)

    assert {name_of(path) for path in FILES} - {'README.md'} == {link for link in links if not link.startswith('..')}
    assert all((EXAMPLES / link).resolve().is_relative_to(ROOT) for link in links)
    assert all((EXAMPLES / link).exists() for link in links)


@pytest.mark.parametrize('readme', [EXAMPLES / 'README.md', ROOT / 'README.md'], ids=['examples', 'check'])
def test_every_anchor_is_a_heading(readme: Path) -> None:
    text = readme.read_text()
    anchors = {
        path: [re.sub(r'[^\w -]', '', heading).replace(' ', '-').lower() for heading in headings(path)]
        for path in (readme, ROOT / 'README.md')
    }

    for link, anchor in re.findall(r'\]\(([\w./]*)#([^)]+)\)', text):
        assert anchor in anchors[(readme.parent / link).resolve() if link else readme]


def headings(path: Path) -> list[str]:
    return re.findall(r'^#+ (.+)$', path.read_text(), re.MULTILINE)


def test_figures_of_the_table_are_computed() -> None:
    pattern = r'^\| ([\d,]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| (\d+) on (\d+) \|'
    rows = re.findall(pattern, README, re.MULTILINE)

    assert [row[0] for row in rows] == ['100', '1,000', '2,000', '10,000', '10,000']
    for number, interval, healthy, dead, threads, agents in rows:
        pages = int(number.replace(',', ''))
        assert float(healthy) == pytest.approx(pages * 0.1 / int(interval), rel=0.05)
        busy = pages * (0.9 * 0.1 + 0.1 * 5) / int(interval)
        assert float(dead) == pytest.approx(busy, rel=0.05)
        assert int(threads) * int(agents) >= 1.1 * busy


def test_figures_of_cost_and_intervals_are_those_of_the_assets() -> None:
    metrics = len(get_metadata_metrics())
    needed = needed_metrics()
    windows = [int(minutes) for path in MONITORS.values() for minutes in re.findall(r'last_(\d+)m', path.read_text())]

    text = ' '.join(README.split())
    assert f'sends up to {metrics} metrics' in text
    assert f'up to {2000 * metrics:,} time series' in text
    assert f'monitors need {len(needed)} of the {metrics}' in text
    assert f'two intervals of up to {min(windows) * 60 // 2} seconds' in text


def test_monitors_that_the_guide_names_exist() -> None:
    titles = {json.loads(path.read_text())['title'] for path in MONITORS.values()}
    named = re.findall(r'\*\*((?:No data|Page)[^*]+)\*\*', README)

    assert named
    assert {' '.join(name.split()) for name in named} <= titles


def test_every_mention_of_the_version_is_that_of_the_package() -> None:
    texts = [path.read_text() for path in [*ROOT.glob('*.md'), *FILES]]
    mentions = [
        version for text in texts for version in re.findall(r'datadog[_-]awesome(?:-|==)(\d[\w.]*?)(?:-py3|\s|$)', text)
    ]

    assert len(mentions) >= 5
    assert set(mentions) == {__version__}
    changelog = re.findall(r'^## (\S+) / \d{4}-\d\d-\d\d$', (ROOT / 'CHANGELOG.md').read_text(), re.MULTILINE)
    assert changelog[0] == __version__
