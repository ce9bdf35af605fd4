"""JWT bearer assertions, as odd as real clients write them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson

from hintsync_emulators.salesforce.auth import App, Auth
from hintsync_emulators.salesforce.errors import OAuthError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

#: Hosts that a JWT's audience may name beside the org's own.
_LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")


def read_assertion(auth: Auth, assertion: str, hosts: Iterable[str], now: float) -> tuple[App, str]:
    """Check a JWT bearer assertion and return its app and username.

    Real clients write `exp` as a number, as text or in milliseconds, and `aud` with and without a slash at the end;
    Salesforce takes them all.

    Args:
        auth: the org's apps.
        assertion: three parts of base64url, joined by dots.
        hosts: audiences that mean this org, without a slash at the end.
        now: epoch seconds.

    Raises:
        OAuthError: invalid_grant, invalid_client_id or invalid_app_access.
    """
    signed, _, signature = assertion.rpartition(".")
    header, claims = (_decode_part(part) for part in _two(signed))
    if header.get("alg") != "RS256":
        raise OAuthError("invalid_grant", "invalid assertion")
    app = auth.app(str(claims.get("iss")), None)
    _check_signature(app, signed, signature)
    audience = str(claims.get("aud", "")).rstrip("/")
    if audience not in (*_LOGIN_HOSTS, *hosts):
        raise OAuthError("invalid_grant", "audience is invalid")
    if _expiry(claims.get("exp")) <= now:
        raise OAuthError("invalid_grant", "assertion expired")
    username = str(claims.get("sub") or claims.get("prn") or "")
    if app.approved is not None and username not in app.approved:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return app, username


def _two(signed: str) -> tuple[str, str]:
    header, dot, claims = signed.partition(".")
    if not dot or "." in claims:
        raise OAuthError("invalid_grant", "invalid assertion")
    return header, claims


def _decode_part(text: str) -> dict[str, object]:
    try:
        found = orjson.loads(_unpadded(text))
    except ValueError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    if not isinstance(found, dict):
        raise OAuthError("invalid_grant", "invalid assertion")
    return found


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _expiry(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    if not math.isfinite(seconds):
        raise OAuthError("invalid_grant", "invalid assertion")
    return seconds / 1000 if seconds > 10**11 else seconds


def _check_signature(app: App, signed: str, signature: str) -> None:
    # Imported late: an org that nobody shows an assertion to starts without waiting for it.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    if app.certificate is None:
        raise OAuthError("invalid_grant", "invalid assertion")
    key = read_public_key(app.certificate)
    try:
        key.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise OAuthError("invalid_grant", "invalid assertion") from None


def read_public_key(pem: str) -> rsa.RSAPublicKey:
    """Return the key of a certificate, or one that stands by itself.

    Raises:
        ValueError: the text holds neither.
        TypeError: it is no RSA key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    raw = pem.encode()
    certified = b"BEGIN CERTIFICATE" in raw
    key = x509.load_pem_x509_certificate(raw).public_key() if certified else serialization.load_pem_public_key(raw)
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("an app's certificate must hold an RSA key")
    return key
