from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hintsync.core.errors import FixConfiguration
from hintsync.replicas.salesforce.assertion import jwt_assertion

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_assertion_is_signed_by_the_key_and_names_app_user_and_audience() -> None:
    key = rsa.generate_private_key(65_537, 2_048)
    header, claims, signature = jwt_assertion(_pem(key), "key", "sync@example.org", "https://x.test", NOW).split(".")
    key.public_key().verify(_decoded(signature), f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
    assert orjson.loads(_decoded(header))["alg"] == "RS256"
    assert orjson.loads(_decoded(claims)) == {
        "iss": "key",
        "sub": "sync@example.org",
        "aud": "https://x.test",
        "exp": int(NOW.timestamp()) + 180,
    }


@pytest.mark.parametrize("pem", ["not a key", _pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_cannot_sign_is_named_as_the_problem(pem: str) -> None:
    with pytest.raises(FixConfiguration, match="private key") as raised:
        jwt_assertion(pem, "key", "sync@example.org", "https://x.test", NOW)
    assert pem not in str(raised.value)
