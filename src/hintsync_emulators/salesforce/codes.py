"""Authorization codes: given to a redirect address once somebody has agreed, good for one exchange."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from hintsync_emulators.salesforce.errors import OAuthError
from hintsync_emulators.salesforce.signing import digest

#: Seconds that a code may wait for its exchange.
LIFETIME = 900


@dataclass(frozen=True, slots=True)
class Code:
    """What somebody agreed to."""

    user_id: str
    client_id: str
    redirect_uri: str
    #: Scopes, separated by spaces.
    scope: str
    #: PKCE challenge (S256) that the exchange must have the verifier of.
    challenge: str | None
    #: Comes back inside the id_token.
    nonce: str | None
    #: Epoch seconds.
    made: float


def check_exchange(code: Code | None, client_id: str, redirect_uri: str, verifier: str, now: float) -> Code:
    """Return the code if this exchange may have it.

    Raises:
        OAuthError: invalid_grant or redirect_uri_mismatch.
    """
    if code is None or code.client_id != client_id:
        raise OAuthError("invalid_grant", "invalid authorization code")
    if now - code.made > LIFETIME:
        raise OAuthError("invalid_grant", "expired authorization code")
    if code.redirect_uri != redirect_uri:
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    if code.challenge is not None and not hmac.compare_digest(digest(verifier).encode(), code.challenge.encode()):
        raise OAuthError("invalid_grant", "invalid code verifier")
    return code
