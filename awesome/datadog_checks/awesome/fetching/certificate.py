"""What certificates in DER say: until when they are valid, and for whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509


def days_left(certificate: bytes) -> float | None:
    """Return the days until a certificate expires, negative after that; None if it cannot be read."""
    end = expiry(certificate)
    return (end - datetime.now(UTC)) / timedelta(days=1) if end else None


def starts_later(certificate: bytes) -> bool:
    """Return whether a certificate becomes valid in the future."""
    return bool(_read(certificate, lambda parsed: parsed.not_valid_before_utc > datetime.now(UTC)))


# Servers show the same ones in each run. One may have 100 KB, to which OpenSSL limits a chain.
@lru_cache(maxsize=64)
def expiry(certificate: bytes) -> datetime | None:
    """Return when a certificate expires; None if it cannot be read."""
    return _read(certificate, lambda parsed: parsed.not_valid_after_utc)


def chain_days_left(chain: list[bytes]) -> float | None:
    """Return the days until the first certificate of a chain expires; None if none can be read."""
    return min((days for certificate in chain if (days := days_left(certificate)) is not None), default=None)


def common_name(certificate: bytes) -> str:
    """Return for whom a certificate was issued: the CN of its subject, or else all of that; '' if it has none."""
    return _read(certificate, lambda parsed: _name(parsed.subject)) or ''


def issuer_name(certificate: bytes) -> str:
    """Return by whom a certificate was issued, as `common_name` does."""
    return _read(certificate, lambda parsed: _name(parsed.issuer)) or ''


def names(certificate: bytes) -> list[str]:
    """Return the host names and addresses that a certificate is valid for."""
    return _read(certificate, _alternative_names) or []


def _read[T](certificate: bytes, read: Callable[[x509.Certificate], T]) -> T | None:
    """Return what `read` returns; None for a certificate that is malformed, in a part that is parsed late too."""
    from cryptography import x509

    try:
        return read(x509.load_der_x509_certificate(certificate))
    except (ValueError, x509.InvalidVersion, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    from cryptography import x509

    valid = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = valid.get_values_for_type(x509.IPAddress)
    return [*valid.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)]


def _name(name: x509.Name) -> str:
    from cryptography.x509 import NameOID

    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    value = common[0].value if common else name.rfc4514_string()
    return value if isinstance(value, str) else value.decode('latin-1')
