"""How a signed request is written down (Canvas Developer Guide, "Signed Request Authentication")."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

import orjson


def signed_request(envelope: Mapping[str, object], secret: str) -> str:
    """Return the base64 of an HMAC-SHA256 under the consumer secret, a dot, and the base64 that it was made over.

    Both halves are written in the standard alphabet with padding, as the guide's samples are.
    """
    encoded = base64.b64encode(orjson.dumps(envelope))
    signature = hmac.new(secret.encode(), encoded, hashlib.sha256).digest()
    return f"{base64.b64encode(signature).decode()}.{encoded.decode()}"
