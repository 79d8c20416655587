"""TLS contexts from the options of an instance, and what is wrong with the files that these name.

The base package makes the context, with its defaults. It goes on without a missing file, lets OpenSSL ask for the
password of a key on the terminal, and logs all options; so the files are looked at first, and the client's certificate
is loaded here.
"""

from __future__ import annotations

import errno
import os
import re
import ssl
import stat
from typing import TYPE_CHECKING, Any

from datadog_checks.awesome.fault import Activity, Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .background import Background

# In bytes. The bundle of all public authorities has 250 KB.
SIZE_LIMIT = 16 * 1024 * 1024
VERSIONS = {
    'TLSv1': ssl.TLSVersion.TLSv1,
    'TLSv1.1': ssl.TLSVersion.TLSv1_1,
    'TLSv1.2': ssl.TLSVersion.TLSv1_2,
    'TLSv1.3': ssl.TLSVersion.TLSv1_3,
}
CERTIFICATE = re.compile(b'-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----')
KEY = re.compile(b'-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----')
ENCRYPTED = re.compile(b'-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED', re.MULTILINE)
# The names that `openssl rehash` gives.
HASHED = re.compile(r'[0-9a-f]{8}\.[0-9]+')
# Reasons of OpenSSL, which are the same in all its versions; the last is that of a key of another type.
MISMATCHES = frozenset({'KEY_VALUES_MISMATCH', 'KEY_TYPE_MISMATCH', 'NO_CERTIFICATE_ASSIGNED'})
WEAKNESSES = {
    'EE_KEY_TOO_SMALL': 'its key is too short for OpenSSL',
    'CA_MD_TOO_WEAK': 'its signature is too weak for OpenSSL',
}
NO_CERTIFICATE = 'it has no certificate in PEM format'
NO_KEY = 'it has no private key in PEM format'
DAMAGED = 'it is damaged, or of a kind that OpenSSL does not know'

Stamp = tuple[tuple[int, ...], ...]


class TLSContexts:
    """The contexts of one check, each made once and again when a file that the options name has changed."""

    def __init__(self, options: Mapping[str, Any], background: Background | None = None) -> None:
        """Take TLS options, and where files are read: a network file system may never answer."""
        self._options = {name: value for name, value in options.items() if value is not None}
        self._paths = named_files(self._options)
        self._background = background
        self._contexts: dict[bool, tuple[Stamp, ssl.SSLContext]] = {}

    def __call__(self, check_hostname: bool = True) -> ssl.SSLContext:
        """Return the context that verifies the server's name, or not; raise a fault that names the option and file."""
        paths = [path for _, path in self._paths]
        if not paths or not self._background:
            return self._current(check_hostname)
        deadline = self._background.deadline
        activity, details = deadline.activity, deadline.details
        deadline.begin(Activity.FILES, ', '.join(paths))
        context = self._background.run(('TLS files', *paths, check_hostname), lambda: self._current(check_hostname))
        deadline.begin(activity, *details)
        return context

    def _current(self, check_hostname: bool) -> ssl.SSLContext:
        """Return the kept context, or a new one if a file has changed."""
        stamp = tuple(_stamp(option, path) for option, path in self._paths)
        kept = self._contexts.get(check_hostname)
        if kept and kept[0] == stamp:
            return kept[1]
        context = self._build(check_hostname)
        self._contexts[check_hostname] = stamp, context
        return context

    def _build(self, check_hostname: bool) -> ssl.SSLContext:
        paths = dict(self._paths)
        if 'tls_ca_cert' in paths:
            _check_authorities(paths['tls_ca_cert'])
        context = self._context(check_hostname)
        if 'tls_cert' in paths:
            self._load_certificate(context, paths['tls_cert'], paths.get('tls_private_key'))
        self._limit_versions(context)
        return context

    def _context(self, check_hostname: bool) -> ssl.SSLContext:
        from datadog_checks.base.config import is_affirmative
        from datadog_checks.base.utils.tls import create_ssl_context

        options = {
            'tls_ca_cert': self._options.get('tls_ca_cert'),
            'tls_ciphers': self._options.get('tls_ciphers', 'ALL'),
            'tls_intermediate_ca_certs': self._options.get('tls_intermediate_ca_certs'),
            'tls_validate_hostname': check_hostname
            and is_affirmative(self._options.get('tls_validate_hostname', True)),
            'tls_verify': bool(self._options.get('tls_ca_cert'))
            or is_affirmative(self._options.get('tls_verify', True)),
        }
        try:
            check_ciphers(options['tls_ciphers'])
        except ValueError as e:
            raise Fault(Kind.HANDSHAKE, f'tls_ciphers {e}') from None
        try:
            context: ssl.SSLContext = create_ssl_context(options)
        except OSError:
            raise _file_fault('tls_ca_cert', os.path.expanduser(options['tls_ca_cert']), DAMAGED) from None
        return context

    def _load_certificate(self, context: ssl.SSLContext, certificate: str, key: str | None) -> None:
        _read('tls_cert', certificate, CERTIFICATE, NO_CERTIFICATE)
        option, path = ('tls_private_key', key) if key else ('tls_cert', certificate)
        text = _read(option, path, KEY, NO_KEY if key else f'{NO_KEY}, and tls_private_key is not set')
        # With None, OpenSSL would ask on the terminal.
        password = str(self._options.get('tls_private_key_password', ''))
        try:
            context.load_cert_chain(certificate, path, password)
        except (OSError, ValueError) as e:
            reason = getattr(e, 'reason', None)
            raise self._certificate_fault(certificate, option, path, text, reason) from None

    def _certificate_fault(self, certificate: str, option: str, path: str, key: bytes, reason: str | None) -> Fault:
        if reason in MISMATCHES:
            return _file_fault(option, path, 'the key is not that of the certificate')
        if reason in WEAKNESSES or not _is_certificate(certificate):
            return _file_fault('tls_cert', certificate, WEAKNESSES.get(reason or '', DAMAGED))
        if not ENCRYPTED.search(key):
            return _file_fault(option, path, DAMAGED)
        if self._options.get('tls_private_key_password'):
            return _file_fault(option, path, 'the key cannot be decrypted with tls_private_key_password')
        return _file_fault(option, path, 'the key is encrypted, and tls_private_key_password is not set')

    def _limit_versions(self, context: ssl.SSLContext) -> None:
        """Keep to `tls_protocols_allowed`: the base looks at it only where it fetches certificates."""
        allowed = [VERSIONS[name] for name in self._options.get('tls_protocols_allowed', ()) if name in VERSIONS]
        if allowed:
            context.minimum_version, context.maximum_version = min(allowed), max(allowed)


def named_files(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the options that name a file, with its path."""
    # The base reads the key only where there is a certificate.
    names = ('tls_ca_cert', 'tls_cert', 'tls_private_key') if options.get('tls_cert') else ('tls_ca_cert',)
    return [(name, os.path.expanduser(path)) for name in names if (path := options.get(name))]


def check_ciphers(ciphers: str | Sequence[str]) -> None:
    """Raise ValueError, in words for its author, if OpenSSL can use none of `tls_ciphers`."""
    names = ciphers if isinstance(ciphers, str) else ':'.join(ciphers)
    try:
        # The base takes any list with ALL as ALL, and an empty one as the default.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers('ALL' if 'ALL' in ciphers else names or 'DEFAULT')
    except (ssl.SSLError, ValueError):
        raise ValueError(
            'must have at least one cipher of TLS 1.2 that OpenSSL knows, such as ECDHE-RSA-AES256-GCM-SHA384;'
            ' those of TLS 1.3 are always allowed'
        ) from None


def check_certificates(certificates: Sequence[str]) -> None:
    """Raise ValueError, in words for its author, if `tls_intermediate_ca_certs` are none that OpenSSL can read."""
    try:
        if certificates:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata='\n'.join(certificates))
    except (ssl.SSLError, TypeError, ValueError):
        raise ValueError('must be a list of certificates in PEM format, not of paths') from None


def _stamp(option: str, path: str) -> tuple[int, ...]:
    """Return what changes when the file does, its permissions included."""
    status = _stat(option, path)
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _stat(option: str, path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except (OSError, ValueError) as e:
        raise _file_fault(option, path, why_unreadable(e)) from None


def _read(option: str, path: str, kind: re.Pattern[bytes], missing: str) -> bytes:
    """Return the content of a regular file that has a part of a kind; what may block is never opened."""
    mode = _stat(option, path).st_mode
    if not stat.S_ISREG(mode):
        cause = 'it is a directory, not a file' if stat.S_ISDIR(mode) else 'it is not a regular file'
        raise _file_fault(option, path, cause)
    try:
        with open(path, 'rb') as file:
            text = file.read(SIZE_LIMIT + 1)
    except OSError as e:
        raise _file_fault(option, path, why_unreadable(e)) from None
    if len(text) > SIZE_LIMIT:
        raise _file_fault(option, path, 'it has more than 16 MiB')
    if not kind.search(text):
        raise _file_fault(option, path, missing if text else 'it is empty')
    return text


def _check_authorities(path: str) -> None:
    """Raise a fault if `tls_ca_cert` has no certificate; of a directory, OpenSSL would say nothing."""
    if not stat.S_ISDIR(_stat('tls_ca_cert', path).st_mode):
        _read('tls_ca_cert', path, CERTIFICATE, NO_CERTIFICATE)
        return
    try:
        with os.scandir(path) as entries:
            is_usable = any(HASHED.fullmatch(entry.name) for entry in entries)
    except OSError as e:
        raise _file_fault('tls_ca_cert', path, why_unreadable(e)) from None
    if not is_usable:
        raise _file_fault('tls_ca_cert', path, 'the directory has no certificates as `openssl rehash` names them')


def _is_certificate(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        return False
    return True


def why_unreadable(error: Exception) -> str:
    """Return in our words why a file could not be opened or read."""
    if isinstance(error, PermissionError):
        return 'the user of the Agent may not read it'
    if isinstance(error, IsADirectoryError):
        return 'it is a directory, not a file'
    # A name with a null character is a ValueError.
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return 'it does not exist'
    code = error.errno if isinstance(error, OSError) else None
    return f'it cannot be read ({errno.errorcode.get(code or 0, "unknown error")})'


def _file_fault(option: str, path: str, cause: str) -> Fault:
    return Fault(Kind.FILE, f'{option} {{}}: {cause}', path)
