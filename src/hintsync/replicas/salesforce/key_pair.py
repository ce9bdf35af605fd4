"""The key by which we sign in to an org without a secret, and the certificate of it that an external client app is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hintsync.core.errors import FixConfiguration

_BITS: Final = 2048
_EXPONENT: Final = 65_537
#: How long a new certificate is good for. Salesforce is known to go on taking one that is past its end; others look at it.
LIFE: Final = timedelta(days=730)
#: How long before its end a new one should be made.
RENEW_BEFORE: Final = timedelta(days=45)
#: Clocks differ: a certificate is good from a while before it was made.
_EARLIER: Final = timedelta(hours=1)
#: Longest name that a certificate takes (RFC 5280, ub-common-name).
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key with its self-signed certificate, both as PEM."""

    #: Without a password; to be kept encrypted.
    private_key: str = field(repr=False)
    #: Anybody may see it.
    certificate: str


def new_signing_key(name: str, now: datetime) -> SigningKey:
    """Make a key and a certificate of it for two years. Takes a moment of computing.

    Args:
        name: what the certificate is called, for people; shortened to 64 characters.
        now: current time, zone-aware.
    """
    key = rsa.generate_private_key(_EXPONENT, _BITS)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + LIFE)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return SigningKey(private, certificate.public_bytes(Encoding.PEM).decode("ascii"))


def valid_until(certificate: str) -> datetime:
    """Return the end of a certificate, UTC.

    Raises:
        FixConfiguration: the text holds no certificate.
    """
    return _read(certificate).not_valid_after_utc


def thumbprint(certificate: str) -> str:
    """Return the SHA-256 fingerprint of a certificate as other tools show it: pairs of hex digits, joined by colons.

    Raises:
        FixConfiguration: the text holds no certificate.
    """
    return _read(certificate).fingerprint(SHA256()).hex(":").upper()


def _read(certificate: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate.encode())
    except ValueError:
        raise FixConfiguration("salesforce: the certificate kept with the key cannot be read") from None
