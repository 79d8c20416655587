"""Pages of all sizes on a local NGINX, over HTTP and HTTPS."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
import trustme

KIB, MIB, GIB = 1024, 1024**2, 1024**3
NEEDLE = 'Thank you for using nginx.'
LINE = '<p>A page of <b>some</b> length, which says many a thing that nobody looks for &amp; more.</p>\n'
HEAD = '<!doctype html>\n<title>page</title>\n'

CONFIGURATION = """
daemon off;
pid nginx.pid;
error_log stderr;
worker_processes 1;
events {{}}
http {{
    types {{ text/html html; }}
    charset utf-8;
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    scgi_temp_path tmp;
    uwsgi_temp_path tmp;
    server {{
        {listen}
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate server.pem;
        ssl_certificate_key server.pem;
        root www;
    }}
}}
"""


@dataclass(frozen=True)
class Pages:
    """Where the pages are; `bundle` is a file with all that the system trusts and the authority of the server."""

    http: str
    https: str
    bundle: str


def text(size: int, needle_at: str = 'end') -> str:
    """Return a page of `size` bytes with the needle at its `start` or `end`."""
    needle = f'<p>{NEEDLE}</p>\n'
    filler = (LINE * (size // len(LINE) + 1))[: size - len(HEAD) - len(needle)]
    return HEAD + (needle + filler if needle_at == 'start' else filler + needle)


def document(size: int) -> str:
    """Return a JSON page of about `size` bytes, as a queue would tell about its jobs."""
    jobs: list[dict[str, object]] = []
    while len(jobs) * 100 < size:
        number = len(jobs)
        jobs.append({'id': number, 'name': f'job-{number}', 'state': 'waiting', 'tries': 0, 'tags': ['a', 'b']})
    return json.dumps({'status': 'UP', 'queue': {'waiting': len(jobs)}, 'errors': [], 'jobs': jobs}, indent=1)


@contextmanager
def serve_pages(gigabyte: bool = False, addresses: Sequence[str] = ('127.0.0.1',)) -> Iterator[Pages]:
    """Serve 1k.html, 100k.html, 100k.json, 10m.html and 10m-start.html on each of `addresses`.

    1g.html too if asked for.
    """
    nginx = shutil.which('nginx', path=f'{os.environ["PATH"]}{os.pathsep}/usr/sbin')
    assert nginx, 'needs NGINX: apt-get install nginx-light'
    with TemporaryDirectory() as directory:
        root = Path(directory)
        root.chmod(0o755)
        (root / 'www').mkdir()
        for name, size in {'1k': KIB, '100k': 100 * KIB, '10m': 10 * MIB}.items():
            (root / 'www' / f'{name}.html').write_text(text(size))
        (root / 'www' / '100k.json').write_text(document(100 * KIB))
        (root / 'www' / '10m-start.html').write_text(text(10 * MIB, 'start'))
        if gigabyte:
            with open(root / 'www' / '1g.html', 'w') as file:
                block = text(10 * MIB, 'start').replace(NEEDLE, '')
                for _ in range(GIB // len(block)):
                    file.write(block)
                file.write(NEEDLE)
        authority = trustme.CA()
        authority.issue_cert('127.0.0.1').private_key_and_cert_chain_pem.write_to_path(str(root / 'server.pem'))
        bundle = root / 'bundle.pem'
        bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        ports = _free_ports()
        listen = ' '.join(f'listen {address}:{ports[0]}; listen {address}:{ports[1]} ssl;' for address in addresses)
        (root / 'nginx.conf').write_text(CONFIGURATION.format(listen=listen))
        pages = Pages(f'http://127.0.0.1:{ports[0]}/', f'https://127.0.0.1:{ports[1]}/', str(bundle))
        with subprocess.Popen([nginx, '-p', directory, '-c', 'nginx.conf']) as process:
            try:
                wait_for(ports[0])
                yield pages
            finally:
                process.terminate()


def wait_for(port: int) -> None:
    """Wait until something listens on a port of 127.0.0.1; raise OSError if nothing does."""
    for attempt in range(100):
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            if attempt == 99:
                raise
            time.sleep(0.05)


def _free_ports() -> tuple[int, int]:
    with socket.create_server(('127.0.0.1', 0)) as one, socket.create_server(('127.0.0.1', 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]
