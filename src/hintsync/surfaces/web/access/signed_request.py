"""Opens the signed request with which Salesforce opens our pages inside itself (its Canvas Developer Guide describes it).

Nothing in it says when it was made, so it cannot be told from a copy of itself: who takes one must ask the org whether the
session that it carries still lives.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

#: Characters beyond which nothing is read; real ones have some 5,000.
LONGEST = 65_536
#: The one algorithm that we take. What the envelope says of itself never chooses another.
ALGORITHM = "HMACSHA256"

_Object: TypeAlias = Mapping[str, object]


class BadSignedRequest(Exception):
    """It is not a request of our org's: one of our own words says why, and nothing of what was sent."""


@dataclass(frozen=True, slots=True)
class CanvasRequest:
    """What we need of a signed request that holds."""

    #: 18 characters.
    user_id: str
    #: 18 characters.
    org_id: str
    #: For showing to the person only.
    user_name: str
    #: Scheme and host of the org.
    instance_url: str
    #: Lives as long as the person's session; for asking whose it is.
    oauth_token: str = field(repr=False)
    #: Which of our pages is meant, as the place in Salesforce says; empty: the first.
    view: str = ""
    #: Id of the record that the place stands on, if any.
    record_id: str | None = None


def claimed_org(text: str) -> str:
    """Return the org that a request says it comes from, UNCHECKED: for finding the secret to check it with.

    Raises:
        BadSignedRequest: it has no such form.
    """
    return _read(_decoded(_halves(text)[1])).org_id


def open_signed_request(text: str, secret: str) -> CanvasRequest:
    """Check a signed request and return what it says.

    Args:
        text: the form field `signed_request`: signature and envelope in base64 of either alphabet, parted by a dot.
        secret: consumer secret of our app in that org.

    Raises:
        BadSignedRequest: it has another form, or another secret signed it.
    """
    signature, envelope = _halves(text)
    expected = hmac.new(secret.encode(), envelope.encode(), hashlib.sha256).digest()
    if not secret or not hmac.compare_digest(_bytes(signature), expected):
        raise BadSignedRequest("its signature is wrong")
    content = _decoded(envelope)
    if content.get("algorithm", ALGORITHM) != ALGORITHM:
        raise BadSignedRequest("it names another algorithm")
    return _read(content)


def _halves(text: str) -> tuple[str, str]:
    if len(text) > LONGEST:
        raise BadSignedRequest("it is too long")
    signature, dot, envelope = text.partition(".")
    if not (dot and signature and envelope and text.isascii()):
        raise BadSignedRequest("it does not have two halves")
    return signature, envelope


def _bytes(encoded: str) -> bytes:
    standard = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadSignedRequest("a half of it is no base64") from None


def _decoded(envelope: str) -> _Object:
    try:
        content = json.loads(_bytes(envelope))
    except (ValueError, RecursionError):
        raise BadSignedRequest("its envelope is no JSON") from None
    if not isinstance(content, dict):
        raise BadSignedRequest("its envelope is no object")
    return content


def _read(content: _Object) -> CanvasRequest:
    client, context = _part(content, "client"), _part(content, "context")
    user, environment = _part(context, "user"), _part(context, "environment")
    parameters, record = _maybe(environment, "parameters"), _maybe(environment, "record")
    record_id = record.get("Id")
    return CanvasRequest(
        user_id=_text(user, "userId"),
        org_id=_text(_part(context, "organization"), "organizationId"),
        user_name=str(user.get("fullName") or ""),
        instance_url=_text(client, "instanceUrl"),
        oauth_token=_text(client, "oauthToken"),
        view=str(parameters.get("view") or ""),
        record_id=record_id if isinstance(record_id, str) and record_id else None,
    )


def _part(content: _Object, name: str) -> _Object:
    found = content.get(name)
    if not isinstance(found, dict):
        raise BadSignedRequest(f"it has no {name}")
    return found


def _maybe(content: _Object, name: str) -> _Object:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def _text(content: _Object, name: str) -> str:
    found = content.get(name)
    if not isinstance(found, str) or not found:
        raise BadSignedRequest(f"it has no {name}")
    return found
