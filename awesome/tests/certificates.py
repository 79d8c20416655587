"""Certificates that servers of the tests show, beside those of a sound authority."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import trustme


class SelfSigned:
    """A certificate that is its own authority."""

    def __init__(self, _: trustme.CA | None = None) -> None:
        self._own = trustme.CA()

    def configure_cert(self, context: ssl.SSLContext) -> None:
        with self._own.private_key_pem.tempfile() as key, self._own.cert_pem.tempfile() as certificate:
            context.load_cert_chain(certificate, key)


def lasting(ca: trustme.CA, days: float, host: str = '127.0.0.1') -> trustme.LeafCert:
    """Issue a certificate that expires in `days` and some minutes."""
    expiry = datetime.now(UTC) + timedelta(days=days, minutes=30)
    return ca.issue_cert(host, not_before=expiry - timedelta(days=900), not_after=expiry)
