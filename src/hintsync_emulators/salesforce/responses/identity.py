"""Who a token acts as, and how a client finds out where everything is."""

from __future__ import annotations

from collections.abc import Mapping

from hintsync_emulators.salesforce.auth import Session
from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.storage import Row
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Scopes that the real service names in its discovery document.
SCOPES = tuple(
    """
    openid profile email address phone id api web refresh_token offline_access full lightning visualforce chatter_api
    custom_permissions content wave_api eclair_api mcp_api
    """.split()  # noqa: SIM905 - a list of words is easier to read than a list of strings
)
_CLAIMS = tuple(
    """
    active email email_verified family_name given_name language locale name nickname organization_id
    preferred_username sub updated_at user_id zoneinfo
    """.split()  # noqa: SIM905 - as above
)


def userinfo(call: Call) -> Answer:
    """Say who a token acts as, in the words of OpenID Connect."""
    session = session_of(call)
    if session is None:
        return _bad_token()
    user = user_of(call, session.user_id)
    found = {
        "sub": identity_url(call, session),
        "user_id": session.user_id,
        "organization_id": call.org.org_id,
        "preferred_username": user["Username"],
        "nickname": user["Alias"],
        "name": user["Name"],
        "profile": f"{call.origin}/{session.user_id}",
        "picture": _photos(call)["picture"],
        "photos": _photos(call),
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "locale": user["LocaleSidKey"],
        "language": user["LanguageLocaleKey"],
        "active": bool(user["IsActive"]),
        "user_type": "STANDARD",
        "utcOffset": 0,
        "updated_at": _modified(user),
        "urls": _urls(call),
    }
    return Answer(value=found)


def identity(call: Call) -> Answer:
    """Answer the identity URL."""
    session = session_of(call)
    if session is None or call.names["org"][:15] != call.org.org_id[:15]:
        return _bad_token()
    user = user_of(call, session.user_id)
    found = {
        "id": identity_url(call, session),
        "asserted_user": True,
        "user_id": session.user_id,
        "organization_id": call.org.org_id,
        "username": user["Username"],
        "nick_name": user["Alias"],
        "display_name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "first_name": user["FirstName"],
        "last_name": user["LastName"],
        "photos": _photos(call),
        "timezone": user["TimeZoneSidKey"],
        "active": bool(user["IsActive"]),
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": 0,
        "last_modified_date": _modified(user),
        "urls": _urls(call),
    }
    return Answer(value=found)


def discovery(call: Call) -> Answer:
    """Say where everything is (OpenID Connect Discovery); an org names itself as the issuer."""
    oauth = f"{call.origin}/services/oauth2"
    found: Mapping[str, object] = {
        "issuer": call.origin,
        "authorization_endpoint": f"{oauth}/authorize",
        "token_endpoint": f"{oauth}/token",
        "revocation_endpoint": f"{oauth}/revoke",
        "userinfo_endpoint": f"{oauth}/userinfo",
        "jwks_uri": f"{call.origin}/id/keys",
        "introspection_endpoint": f"{oauth}/introspect",
        "registration_endpoint": f"{oauth}/register",
        "scopes_supported": SCOPES,
        "response_types_supported": ["code", "token", "token id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "display_values_supported": ["page", "popup", "touch"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
        "claims_supported": _CLAIMS,
    }
    return Answer(value=found)


def keys(call: Call) -> Answer:
    """Return the public key that id_tokens are signed with."""
    return Answer(value={"keys": [call.org.auth.signer.jwk()]})


def identity_url(call: Call, session: Session) -> str:
    """Return the address that names a user everywhere."""
    return f"{call.origin}/id/{call.org.org_id}/{session.user_id}"


def session_of(call: Call) -> Session | None:
    """Return the session of a call to an endpoint that takes its token in the header or the address."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    text = text if scheme.lower() in ("bearer", "oauth") else call.params.get("oauth_token", "")
    return call.org.auth.session(text.strip())


def user_of(call: Call, user_id: str) -> Row:
    """Return a user's row."""
    return call.org.storage.fetch("User", [user_id])[user_id]


def _photos(call: Call) -> dict[str, str]:
    """Return where the user's picture would be; an org without pictures names the same ones for all."""
    return {"picture": f"{call.origin}/profilephoto/005/F", "thumbnail": f"{call.origin}/profilephoto/005/T"}


def _bad_token() -> Answer:
    return Answer(403, raw=b"Bad_OAuth_Token", content_type="text/html;charset=UTF-8")


def _modified(user: Row) -> str:
    return format_datetime(int(str(user["LastModifiedDate"])))


def _urls(call: Call) -> dict[str, str]:
    data, soap = f"{call.origin}/services/data/v{{version}}/", f"{call.origin}/services/Soap"
    return {
        "enterprise": f"{soap}/c/{{version}}/{call.org.org_id[:15]}",
        "metadata": f"{soap}/m/{{version}}/{call.org.org_id[:15]}",
        "partner": f"{soap}/u/{{version}}/{call.org.org_id[:15]}",
        "rest": data,
        "sobjects": f"{data}sobjects/",
        "search": f"{data}search/",
        "query": f"{data}query/",
        "recent": f"{data}recent/",
        "tooling_soap": f"{soap}/T/{{version}}/{call.org.org_id[:15]}",
        "tooling_rest": f"{data}tooling/",
        "profile": f"{call.origin}/{call.org.user_id}",
        "custom_domain": call.origin,
    }
