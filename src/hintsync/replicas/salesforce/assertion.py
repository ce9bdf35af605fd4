"""The signed assertion of the JWT bearer flow (OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hintsync.core.errors import FixConfiguration

#: Salesforce takes assertions that expire within three minutes.
LIFE = timedelta(minutes=3)


def jwt_assertion(private_key: str, client_id: str, username: str, audience: str, now: datetime) -> str:
    """Sign the assertion that this app may act for this user, with RS256.

    Args:
        private_key: RSA key in PEM, without a password.
        client_id: consumer key of the app.
        username: whom the tokens will stand for.
        audience: login address, without a slash at the end.
        now: current time; the assertion expires three minutes later (claim `exp`, whole seconds).

    Raises:
        FixConfiguration: the key cannot be read or is not an RSA key.
    """
    claims = {"iss": client_id, "sub": username, "aud": audience, "exp": int((now + LIFE).timestamp())}
    signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = _load(private_key).sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{_base64(signature)}"


def _load(private_key: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FixConfiguration("salesforce: the private key is not a PEM key without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise FixConfiguration("salesforce: the private key is not an RSA key, which JWT bearer needs")
    return key


def _part(content: dict[str, object]) -> str:
    return _base64(orjson.dumps(content))


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
