"""Certificates for emulators on this machine: an authority of their own and a server certificate, made at start.

Some clients refuse plain http. Point them at the authority's file: ``REQUESTS_CA_BUNDLE`` (Python), ``NODE_EXTRA_CA_CERTS``
(Node), ``SSL_CERT_FILE`` (OpenSSL), or a gRPC channel's root certificates.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NAMES = ("localhost",)
_ADDRESSES = ("127.0.0.1", "::1")
_LIFE = timedelta(days=30)
#: Machines' clocks differ.
_EARLIER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows and what its clients trust, as PEM."""

    #: The authority that clients are to trust.
    ca: bytes
    #: The server's certificate, followed by the authority's.
    chain: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate in files, for libraries and clients that want paths."""

    ca: Path
    chain: Path
    key: Path

    def read(self) -> Certificate:
        """Return what the files hold."""
        return Certificate(self.ca.read_bytes(), self.chain.read_bytes(), self.key.read_bytes())


def make_certificate() -> Certificate:
    """Make a new authority and a certificate of it for localhost and the loopback addresses, good for thirty days."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    server = _server(key, ca, ca_key)
    ca_pem = ca.public_bytes(serialization.Encoding.PEM)
    return Certificate(ca_pem, server.public_bytes(serialization.Encoding.PEM) + ca_pem, _pem(key))


def write_certificate(folder: Path) -> CertificateFiles:
    """Make a certificate and write it into a folder that exists; nobody else may read the key."""
    made = make_certificate()
    files = CertificateFiles(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    files.key.touch(mode=0o600)
    for path, pem in ((files.ca, made.ca), (files.chain, made.chain), (files.key, made.key)):
        path.write_bytes(pem)
    return files


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("hintsync emulators, local authority")
    return (
        _builder(name, name, key.public_key(), key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
    return (
        _builder(_name("localhost"), ca.subject, key.public_key(), ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, issuer_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
