"""TLS contexts: what the options make of them, and what is said of files that are no good."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat as Format

from datadog_checks.awesome.fault import Fault, Kind
from datadog_checks.awesome.fetching.tls import TLSContexts, check_ciphers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Result

pytestmark = pytest.mark.unit

AUTHORITY = trustme.CA()
ISSUED = AUTHORITY.issue_cert('localhost')
CERTIFICATE = ISSUED.cert_chain_pems[0].bytes()
KEY = ISSUED.private_key_pem.bytes()
JUNK = b'-----BEGIN %b-----\nAAAA\n-----END %b-----\n'
PASSWORD = 'correct horse'
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


def encrypt(password: str = PASSWORD, form: Format = Format.PKCS8) -> bytes:
    """Return the key with a password on it."""
    key = serialization.load_pem_private_key(KEY, None)
    encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


ENCRYPTED = encrypt()
OTHER_KEY = AUTHORITY.issue_cert('localhost').private_key_pem.bytes()
RSA_KEY = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, Format.PKCS8, serialization.NoEncryption()
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'file.pem'


@pytest.fixture
def authority(tmp_path: Path) -> str:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / 'ca.pem'))
    return str(tmp_path / 'ca.pem')


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    (tmp_path / 'cert.pem').write_bytes(CERTIFICATE)
    return str(tmp_path / 'cert.pem')


def cause_of(option: str, path: Path, **options: Any) -> str:
    """Return what is said of the file at `path`, without option and path, which have to come first."""
    with pytest.raises(Fault) as fault:
        TLSContexts({option: str(path), **options})()
    assert fault.value.kind is Kind.FILE
    message = fault.value.describe()
    assert message.startswith(f'TLS: {option} {path}: ')
    return message.removeprefix(f'TLS: {option} {path}: ')


def test_defaults() -> None:
    context = TLSContexts({})()

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


VERIFICATION = {
    'off': ({'tls_verify': False}, ssl.CERT_NONE, False),
    'off in words': ({'tls_verify': 'no'}, ssl.CERT_NONE, False),
    'left empty': ({'tls_verify': None}, ssl.CERT_REQUIRED, True),
    'name off': ({'tls_validate_hostname': False}, ssl.CERT_REQUIRED, False),
    'name off in words': ({'tls_validate_hostname': 'false'}, ssl.CERT_REQUIRED, False),
}


@pytest.mark.parametrize(('options', 'mode', 'name'), VERIFICATION.values(), ids=VERIFICATION)
def test_verification(options: dict[str, Any], mode: ssl.VerifyMode, name: bool) -> None:
    context = TLSContexts(options)()

    assert (context.verify_mode, context.check_hostname) == (mode, name)


def test_authority_turns_verification_on(authority: str) -> None:
    context = TLSContexts({'tls_verify': False, 'tls_ca_cert': authority})()

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_home_directory(authority: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', str(Path(authority).parent))

    assert TLSContexts({'tls_ca_cert': '~/ca.pem'})().get_ca_certs()


VERSIONS = {
    '1.2': (['TLSv1.2'], 'TLSv1_2', 'TLSv1_2'),
    '1.3': (('TLSv1.3',), 'TLSv1_3', 'TLSv1_3'),
    'both': (['TLSv1.3', 'TLSv1.2'], 'TLSv1_2', 'TLSv1_3'),
    'with those that nobody has': (['SSLv3', 'TLSv9', 'TLSv1.3'], 'TLSv1_3', 'TLSv1_3'),
}


@pytest.mark.parametrize(('names', 'low', 'high'), VERSIONS.values(), ids=VERSIONS)
def test_versions(names: Any, low: str, high: str) -> None:
    context = TLSContexts({'tls_protocols_allowed': names})()

    assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion[low], ssl.TLSVersion[high])


def test_kept() -> None:
    contexts = TLSContexts({})

    assert contexts() is contexts()
    assert contexts(check_hostname=False) is contexts(check_hostname=False)
    assert contexts(check_hostname=False) is not contexts()
    assert not contexts(check_hostname=False).check_hostname


CHANGES = {
    'longer': lambda path: path.write_bytes(path.read_bytes() + b'\n'),
    'replaced': lambda path: (
        path.with_suffix('.new').write_bytes(path.read_bytes()),
        path.with_suffix('.new').rename(path),
    ),
    'touched': lambda path: os.utime(path, (1, 1)),
}


@pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)
def test_changed_file(authority: str, change: Any) -> None:
    contexts = TLSContexts({'tls_ca_cert': authority})
    first = contexts()
    assert contexts() is first

    change(Path(authority))

    assert contexts() is not first


def test_file_comes_and_goes(path: Path, authority: str) -> None:
    contexts = TLSContexts({'tls_ca_cert': str(path)})
    for _ in range(2):
        with pytest.raises(Fault):
            contexts()
        path.write_bytes(Path(authority).read_bytes())
        assert contexts()
        path.unlink()


def test_certificate_with_key_of_its_own_file(path: Path, certificate: str) -> None:
    path.write_bytes(KEY)

    assert shows_certificate(TLSContexts({'tls_cert': certificate, 'tls_private_key': str(path)}))


def test_certificate_with_key(path: Path) -> None:
    path.write_bytes(KEY + CERTIFICATE)

    assert shows_certificate(TLSContexts({'tls_cert': str(path)}))


@pytest.mark.parametrize('password', [PASSWORD, 1234], ids=['text', 'number'])
@pytest.mark.parametrize('form', [Format.PKCS8, Format.TraditionalOpenSSL], ids=['PKCS8', 'traditional'])
def test_encrypted_key(path: Path, certificate: str, form: Format, password: Any) -> None:
    path.write_bytes(encrypt(str(password), form))
    options = {'tls_cert': certificate, 'tls_private_key': str(path), 'tls_private_key_password': password}

    assert shows_certificate(TLSContexts(options))


def shows_certificate(contexts: TLSContexts) -> bool:
    """Return whether a server that asks for a certificate of the authority gets one."""
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.verify_mode = ssl.CERT_REQUIRED
    ISSUED.configure_cert(server_context)
    AUTHORITY.configure_trust(server_context)
    context = contexts(check_hostname=False)
    AUTHORITY.configure_trust(context)
    near, far = socket.socketpair()
    with near, far:
        shown: list[Any] = []
        thread = threading.Thread(target=lambda: shown.append(_accept(server_context, far)))
        thread.start()
        with context.wrap_socket(near) as connection:
            connection.recv(1)
        thread.join()
    return bool(shown[0])


def _accept(context: ssl.SSLContext, far: socket.socket) -> Any:
    with context.wrap_socket(far, server_side=True) as connection:
        return connection.getpeercert()


def let_anybody_in(path: Path) -> None:
    """Let other users into the folders above a path that pytest has made."""
    root = Path(tempfile.gettempdir())
    for parent in path.parents:
        if root in parent.parents:
            parent.chmod(0o755)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user who may read nothing of the tests' files."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize('option', ['tls_ca_cert', 'tls_cert', 'tls_private_key'])
class TestFile:
    """What is the same for each option."""

    @pytest.fixture(autouse=True)
    def _options(self, option: str, certificate: str) -> None:
        self.options = {'tls_cert': certificate} if option == 'tls_private_key' else {}

    def test_missing(self, option: str, path: Path) -> None:
        assert cause_of(option, path, **self.options) == 'it does not exist'

    def test_below_a_file(self, option: str, path: Path) -> None:
        path.touch()

        assert cause_of(option, path / 'x', **self.options) == 'it does not exist'

    def test_null_character(self, option: str, path: Path) -> None:
        assert cause_of(option, Path(f'{path}\0'), **self.options) == 'it does not exist'

    def test_name_too_long(self, option: str, path: Path) -> None:
        assert cause_of(option, path.with_name('x' * 300), **self.options) == 'it cannot be read (ENAMETOOLONG)'

    def test_unreadable(self, option: str, path: Path) -> None:
        if option == 'tls_private_key':
            let_anybody_in(path)
        path.write_bytes(KEY + CERTIFICATE)
        path.chmod(0)
        with as_nobody():
            assert cause_of(option, path, **self.options) == 'the user of the Agent may not read it'

    def test_fifo(self, option: str, path: Path) -> None:
        os.mkfifo(path)

        assert cause_of(option, path, **self.options) == 'it is not a regular file'

    def test_device(self, option: str, path: Path) -> None:
        assert cause_of(option, Path('/dev/zero'), **self.options) == 'it is not a regular file'

    def test_empty(self, option: str, path: Path) -> None:
        path.touch()

        assert cause_of(option, path, **self.options) == 'it is empty'

    def test_too_large(self, option: str, path: Path) -> None:
        with path.open('wb') as file:
            file.truncate(2**40)

        assert cause_of(option, path, **self.options) == 'it has more than 16 MiB'

    def test_junk(self, option: str, path: Path) -> None:
        path.write_bytes(b'junk')
        kind = 'private key' if option == 'tls_private_key' else 'certificate'

        assert cause_of(option, path, **self.options) == f'it has no {kind} in PEM format'

    def test_damaged(self, option: str, path: Path) -> None:
        kind = b'PRIVATE KEY' if option == 'tls_private_key' else b'CERTIFICATE'
        path.write_bytes(JUNK % (kind, kind) + (b'' if option == 'tls_private_key' else KEY))

        assert cause_of(option, path, **self.options) == 'it is damaged, or of a kind that OpenSSL does not know'

    def test_directory(self, option: str, tmp_path: Path) -> None:
        expected = 'it is a directory, not a file'
        if option == 'tls_ca_cert':
            expected = 'the directory has no certificates as `openssl rehash` names them'

        assert cause_of(option, tmp_path, **self.options) == expected


def test_directory_of_authorities(tmp_path: Path) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / '0123abcd.0'))

    assert TLSContexts({'tls_ca_cert': str(tmp_path)})().verify_mode == ssl.CERT_REQUIRED


def test_unreadable_directory(tmp_path: Path) -> None:
    directory = tmp_path / 'ca'
    let_anybody_in(directory)
    directory.mkdir(0)
    with as_nobody():
        assert cause_of('tls_ca_cert', directory) == 'the user of the Agent may not read it'
    directory.chmod(0o700)


KEYS: dict[str, tuple[bytes, dict[str, str], str]] = {
    'of another certificate': (OTHER_KEY, {}, 'the key is not that of the certificate'),
    'of another type': (RSA_KEY, {}, 'the key is not that of the certificate'),
    'no password': (ENCRYPTED, {}, 'the key is encrypted, and tls_private_key_password is not set'),
    'no password, old form': (
        encrypt(form=Format.TraditionalOpenSSL),
        {},
        'the key is encrypted, and tls_private_key_password is not set',
    ),
    'empty password': (
        ENCRYPTED,
        {'tls_private_key_password': ''},
        'the key is encrypted, and tls_private_key_password is not set',
    ),
    'wrong password': (
        ENCRYPTED,
        {'tls_private_key_password': 'wrong'},
        'the key cannot be decrypted with tls_private_key_password',
    ),
    'password of 2,000 letters': (
        ENCRYPTED,
        {'tls_private_key_password': 'x' * 2000},
        'the key cannot be decrypted with tls_private_key_password',
    ),
}


@pytest.mark.parametrize(('key', 'options', 'cause'), KEYS.values(), ids=KEYS)
def test_key(path: Path, certificate: str, key: bytes, options: dict[str, str], cause: str) -> None:
    path.write_bytes(key)

    assert cause_of('tls_private_key', path, tls_cert=certificate, **options) == cause


def test_certificate_without_key(certificate: str) -> None:
    expected = 'it has no private key in PEM format, and tls_private_key is not set'

    assert cause_of('tls_cert', Path(certificate)) == expected


def test_weak_certificate(path: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'weak')])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, BEGIN, END)
    encoding = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(encoding, Format.PKCS8, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(encoding)
    )

    assert cause_of('tls_cert', path, tls_ciphers='DEFAULT:@SECLEVEL=2') == 'its key is too short for OpenSSL'


def test_damaged_certificate_with_key_elsewhere(path: Path, certificate: str) -> None:
    path.write_bytes(JUNK % (b'CERTIFICATE', b'CERTIFICATE'))
    key = Path(certificate).with_name('key.pem')
    key.write_bytes(KEY)

    assert cause_of('tls_cert', path, tls_private_key=str(key)).startswith('it is damaged')


def test_never_asks_on_the_terminal(path: Path, certificate: str) -> None:
    """OpenSSL asks on /dev/tty, so this process has a terminal, on which nobody types."""
    path.write_bytes(ENCRYPTED)
    code = (
        'import os, pty, sys\n'
        'from datadog_checks.awesome.fault import Fault\n'
        'from datadog_checks.awesome.fetching.tls import TLSContexts\n'
        'pid, terminal = pty.fork()\n'
        'if pid == 0:\n'
        '    try: TLSContexts({"tls_cert": sys.argv[1], "tls_private_key": sys.argv[2]})()\n'
        '    except Fault: os._exit(7)\n'
        'print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n'
    )
    command = [sys.executable, '-W', 'ignore', '-c', code, certificate, str(path)]

    assert subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout == '7\n'


def test_no_secret_in_the_log(path: Path, certificate: str, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(ENCRYPTED)
    options = {'tls_cert': certificate, 'tls_private_key': str(path), 'tls_private_key_password': PASSWORD}
    with caplog.at_level(logging.DEBUG):
        TLSContexts(options)()

    assert caplog.records
    assert all(PASSWORD not in f'{record.getMessage()} {record.args}' for record in caplog.records)


USABLE: dict[str, Any] = {
    'text': 'AES256-SHA',
    'all': 'ALL',
    'list': ['ECDHE-RSA-AES256-GCM-SHA384'],
    'all in a list': ['NONSENSE', 'ALL'],
    'of both versions': ('TLS_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'),
    'none': [],
}


@pytest.mark.parametrize('ciphers', USABLE.values(), ids=USABLE)
def test_ciphers(ciphers: Any) -> None:
    check_ciphers(ciphers)

    assert TLSContexts({'tls_ciphers': ciphers})().get_ciphers()


UNUSABLE: dict[str, Any] = {
    'unknown': ['NONSENSE'],
    'of TLS 1.3 alone': ['TLS_AES_256_GCM_SHA384'],
    'null character': ['a\0b'],
    'surrogate': ['\ud800'],
    'text': 'NONSENSE',
}


@pytest.mark.parametrize('ciphers', UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_ciphers(ciphers: Any) -> None:
    with pytest.raises(ValueError, match=r'must have at least one cipher of TLS 1\.2 that OpenSSL knows'):
        check_ciphers(ciphers)
    with pytest.raises(Fault) as fault:
        TLSContexts({'tls_ciphers': ciphers})()

    assert fault.value.describe().startswith('TLS: tls_ciphers must have at least one cipher')


def test_file_that_never_comes_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result], tmp_path: Path
) -> None:
    is_over, path = threading.Event(), tmp_path / 'ca.pem'
    monkeypatch.setattr('datadog_checks.awesome.fetching.tls._stat', lambda *_: is_over.wait())

    result = run(url='https://127.0.0.1:1/', search_string='x', timeout=0.3, tls_ca_cert=str(path))

    is_over.set()
    assert result.message == f'timeout: gave up after 0.3 s while reading {path}'
