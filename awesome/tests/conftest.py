from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trustme
from hypothesis import settings

from datadog_checks.awesome import AwesomeCheck
from datadog_checks.base import ConfigurationError
from datadog_checks.base.types import InstanceType
from datadog_checks.dev import docker_run, get_docker_hostname
from datadog_checks.dev.conditions import CheckEndpoints

from .server import Answer, Server

settings.register_profile('suite', deadline=None, derandomize=True, max_examples=200)
settings.register_profile('thorough', deadline=None, max_examples=20_000)
settings.load_profile('suite')

# In characters.
MAX_ID = 80
HERE = Path(__file__).parent
URL = f'http://{get_docker_hostname()}:8000'
INSTANCE: InstanceType = {'url': URL, 'search_string': 'Thank you for using nginx.'}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Return a short id for a long or binary parameter; None leaves it to pytest."""
    is_short = isinstance(val, str) and len(val) <= MAX_ID
    return f'{argname} of {len(val)}' if isinstance(val, str | bytes) and not is_short else None


@pytest.fixture(scope='session')
def dd_environment() -> Iterator[InstanceType]:
    """NGINX on port 8000: in Docker, or without an engine an `nginx` of this machine."""
    nginx = shutil.which('nginx', path=f'{os.environ["PATH"]}{os.pathsep}/usr/sbin')
    require_free_port()
    if docker_answers():
        with docker_run(str(HERE / 'docker-compose.yml'), endpoints=[URL]):
            yield INSTANCE
    elif nginx:
        with local_nginx(nginx):
            yield INSTANCE
    else:
        pytest.skip('needs a web server: install Docker with Compose v2, or NGINX (apt-get install nginx-light)')


def require_free_port() -> None:
    """Fail in one line if something listens on the port of the environment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', 8000))
        except OSError:
            pytest.fail('port 8000 is taken: stop what listens there (ss -ltnp sport = :8000)', pytrace=False)


def docker_answers() -> bool:
    try:
        commands = (['docker', 'info'], ['docker', 'compose', 'version'])
        return all(subprocess.run(command, check=False, capture_output=True).returncode == 0 for command in commands)
    except FileNotFoundError:
        return False


@contextmanager
def local_nginx(nginx: str) -> Iterator[None]:
    with TemporaryDirectory() as prefix, ExitStack() as stack:
        shutil.copy(HERE / 'nginx' / 'nginx.conf', prefix)
        os.mkdir(f'{prefix}/www')
        shutil.copy(HERE / 'nginx' / 'index.html', f'{prefix}/www')
        # The workers of an NGINX that root started are of another user.
        os.chmod(prefix, 0o755)
        process = stack.enter_context(subprocess.Popen([nginx, '-p', prefix, '-c', 'nginx.conf']))
        stack.callback(process.terminate)
        CheckEndpoints([URL], attempts=50, wait=0.1)()
        assert process.poll() is None
        yield


@pytest.fixture
def instance() -> InstanceType:
    return INSTANCE.copy()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server that gives the same answer to each request: see `Server`."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(Server(*args, **kwargs))


@pytest.fixture(scope='session')
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(ca: trustme.CA, tmp_path: Path) -> str:
    """The file that makes an instance trust the tests' authority."""
    path = tmp_path / 'ca.pem'
    ca.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def serve_tls(serve: Callable[..., Server]) -> Callable[..., Server]:
    """Start a server that speaks TLS with the certificate of `issued`, and asks clients for one of `client_ca`."""

    def start(issued: trustme.LeafCert, answer: Answer, client_ca: trustme.CA | None = None, **kwargs: Any) -> Server:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issued.configure_cert(context)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            client_ca.configure_trust(context)
        return serve(answer, tls=context, **kwargs)

    return start


@pytest.fixture
def run(aggregator: Any) -> Callable[..., Result]:
    """Run a check as the Agent does, on the instance that the options make, and give what it submitted."""

    def run_once(check: AwesomeCheck | None = None, **options: Any) -> Result:
        aggregator.reset()
        check = check or AwesomeCheck(name='awesome', init_config={}, instances=[options])
        error = check.run()
        assert error == ''
        return Result(aggregator)

    return run_once


class Result:
    """What one run submitted."""

    def __init__(self, aggregator: Any) -> None:
        (service_check,) = aggregator.service_checks('awesome.search')
        self.status = service_check.status
        self.message = service_check.message
        self.tags = service_check.tags
        self.metrics = {}
        self.values = {
            metric.tags[-1].removeprefix('value:'): metric.value for metric in aggregator.metrics('awesome.page.value')
        }
        for name in aggregator.metric_names:
            if name == 'awesome.page.value':
                assert all(metric.tags[:-1] == self.tags for metric in aggregator.metrics(name))
                continue
            (metric,) = aggregator.metrics(name)
            assert metric.tags == self.tags
            self.metrics[name.removeprefix('awesome.')] = metric.value


def error_of(**options: Any) -> str:
    """Return the configuration error of an instance that is valid but for `options`."""
    with pytest.raises(ConfigurationError) as error:
        AwesomeCheck('awesome', {}, [{}]).check({'url': 'http://localhost:8000/', 'search_string': 'nginx', **options})
    return str(error.value)
