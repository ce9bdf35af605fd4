"""The key that an org signs its id_tokens with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:  # an org that signs nothing starts without waiting for it
    from cryptography.hazmat.primitives.asymmetric import rsa


class Signer:
    """An RSA key that is made when it is first needed."""

    def __init__(self) -> None:
        self._made: rsa.RSAPrivateKey | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> Signer:
        """Return itself: a snapshot of an org keeps its key, so that what it has signed stays good."""
        return self

    @property
    def _key(self) -> rsa.RSAPrivateKey:
        if self._made is None:
            from cryptography.hazmat.primitives.asymmetric import rsa

            self._made = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        return self._made

    def jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        kid = hashlib.sha256(modulus).hexdigest()[:16]
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": base64url(modulus), "e": "AQAB"}

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return claims as a JSON Web Token signed with RS256."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        header = {"alg": "RS256", "typ": "JWT", "kid": self.jwk()["kid"]}
        signed = ".".join(base64url(orjson.dumps(part)) for part in (header, dict(claims)))
        return f"{signed}.{base64url(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def base64url(raw: bytes) -> str:
    """Encode bytes for addresses and JSON Web Tokens: no padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest(text: str) -> str:
    """Return the SHA-256 of a text in base64url, by which PKCE compares a verifier with its challenge."""
    return base64url(hashlib.sha256(text.encode()).digest())


def half_digest(text: str) -> str:
    """Return the left half of the SHA-256 of a text in base64url: the ``at_hash`` of an id_token."""
    return base64url(hashlib.sha256(text.encode()).digest()[:16])
