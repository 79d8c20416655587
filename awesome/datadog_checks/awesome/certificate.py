"""What a server's certificate says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache


def days_left(certificate: bytes) -> float | None:
    """Give the days until a certificate in DER expires, negative after that; None if it cannot be read."""
    end = _end(certificate)
    return (end - datetime.now(UTC)) / timedelta(days=1) if end else None


def validity(days: float) -> str:
    """Say in words what `days_left` gave."""
    return f'expires in {days:.1f} days' if days >= 0 else f'expired {-days:.1f} days ago'


@lru_cache
def _end(certificate: bytes) -> datetime | None:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        return None
