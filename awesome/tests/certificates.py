"""Certificates that servers of the tests show, beside those of a sound authority."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

UNKNOWN_ISSUER = "the issuer 'OU=Shop,O=Example' of the certificate is unknown"


def other_authority() -> trustme.CA:
    """Return an authority that nobody trusts, of which UNKNOWN_ISSUER is said."""
    return trustme.CA(organization_name='Example', organization_unit_name='Shop')


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


def early_intermediate(host: str) -> tuple[bytes, bytes]:
    """Return in PEM a chain for `host`, with its key, whose issuer is not yet valid, and the root of that."""
    now, day = datetime.now(UTC), timedelta(days=1)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ('Root', 'New CA', 'page')]
    made = []
    for number, start in enumerate((now - day, now + day, now - day)):
        issuer = max(number - 1, 0)
        builder = x509.CertificateBuilder(names[issuer], names[number], keys[number].public_key(), number + 1)
        builder = builder.not_valid_before(start).not_valid_after(now + 9 * day)
        builder = builder.add_extension(x509.BasicConstraints(number < 2, None), critical=True)
        if number == 2:
            valid = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
            builder = builder.add_extension(valid, critical=False)
        made.append(builder.sign(keys[issuer], hashes.SHA256()).public_bytes(Encoding.PEM))
    key = keys[2].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made[2] + made[1] + key, made[0]
