"""Tokens and identity."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl

from hintsync_emulators.salesforce.auth import App, Session, read_assertion
from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.errors import OAuthError
from hintsync_emulators.salesforce.storage import Row
from hintsync_emulators.salesforce.web.call import Answer, Call

_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Grants of the real service that are not answered here.
_LEFT_OUT = (
    "authorization_code",
    "password",
    "device",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "hybrid_auth_code",
)


def token(call: Call) -> Answer:
    """Give out a token for a grant."""
    form = _form(call)
    grant = form.get("grant_type", "")
    if grant == _JWT:
        return _jwt(call, form)
    if grant == "client_credentials":
        return _client_credentials(call, form)
    if grant == "refresh_token":
        return _refresh(call, form)
    if grant in _LEFT_OUT:
        raise OAuthError("unsupported_grant_type", f"not emulated: grant_type {grant}")
    raise OAuthError("unsupported_grant_type", "grant type not supported")


def revoke(call: Call) -> Answer:
    """End a session, or a refresh token with its sessions."""
    text = _form(call).get("token") or call.params.get("token", "")
    if not call.org.auth.revoke(text):
        raise OAuthError("unsupported_token_type", "this token type is not supported")
    return Answer(200)


def userinfo(call: Call) -> Answer:
    """Say who a token acts as, in the words of OpenID Connect."""
    session = _session(call)
    if session is None:
        return _bad_token()
    user = _user(call, session.user_id)
    found = {
        "sub": _identity(call, session),
        "user_id": session.user_id,
        "organization_id": call.org.org_id,
        "preferred_username": user["Username"],
        "nickname": user["Alias"],
        "name": user["Name"],
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
        "updated_at": format_datetime(int(str(user["LastModifiedDate"]))),
        "urls": _urls(call),
    }
    return Answer(value=found)


def identity(call: Call) -> Answer:
    """Answer the identity URL."""
    session = _session(call)
    if session is None or call.names["org"][:15] != call.org.org_id[:15]:
        return _bad_token()
    user = _user(call, session.user_id)
    found = {
        "id": _identity(call, session),
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
        "timezone": user["TimeZoneSidKey"],
        "active": bool(user["IsActive"]),
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": 0,
        "last_modified_date": format_datetime(int(str(user["LastModifiedDate"]))),
        "urls": _urls(call),
    }
    return Answer(value=found)


def _form(call: Call) -> dict[str, str]:
    """Return the form of the body, or the query of callers that put it there."""
    return {**call.params, **dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))}


def _credentials(call: Call, form: dict[str, str]) -> tuple[str, str | None]:
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            raise OAuthError("invalid_client", "invalid client credentials") from None
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret")


def _jwt(call: Call, form: dict[str, str]) -> Answer:
    now = call.org.clock().timestamp()
    app, username = read_assertion(call.org.auth, form.get("assertion", ""), [call.origin], now)
    found = call.org.storage.ids_where("User", "Username", username, live_only=False)
    if not found:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return _answer(call, call.org.auth.issue(found[0], app.client_id), app)


def _client_credentials(call: Call, form: dict[str, str]) -> Answer:
    client_id, secret = _credentials(call, form)
    app = call.org.auth.app(client_id, secret or "")
    if app.run_as is None:
        raise OAuthError("invalid_grant", "no client credentials user enabled")
    found = call.org.storage.ids_where("User", "Username", app.run_as, live_only=False)
    if not found:
        raise OAuthError("invalid_grant", "no client credentials user enabled")
    return _answer(call, call.org.auth.issue(found[0], app.client_id), app)


def _refresh(call: Call, form: dict[str, str]) -> Answer:
    client_id, secret = _credentials(call, form)
    app = call.org.auth.app(client_id, secret)
    known = call.org.auth.refresh.get(form.get("refresh_token", ""))
    if known is None or known.client_id != client_id:
        raise OAuthError("invalid_grant", "expired access/refresh token")
    answer = _answer(call, call.org.auth.issue(known.user_id, client_id), app)
    if app.rotate:
        del call.org.auth.refresh[form["refresh_token"]]
        assert isinstance(answer.value, dict)
        answer.value["refresh_token"] = call.org.auth.issue_refresh(known)
    return answer


def _answer(call: Call, session: Session, app: App) -> Answer:
    identity_url = _identity(call, session)
    issued_at = str(int(call.org.clock().timestamp() * 1000))
    value: dict[str, object] = {
        "access_token": session.token,
        "signature": call.org.auth.signature(identity_url, issued_at, app),
        "scope": app.scope,
        "instance_url": call.origin,
        "id": identity_url,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }
    return Answer(value=value, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _identity(call: Call, session: Session) -> str:
    return f"{call.origin}/id/{call.org.org_id}/{session.user_id}"


def _session(call: Call) -> Session | None:
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    text = text if scheme.lower() in ("bearer", "oauth") else call.params.get("oauth_token", "")
    return call.org.auth.sessions.get(text.strip())


def _bad_token() -> Answer:
    return Answer(403, raw=b"Bad_OAuth_Token", content_type="text/html;charset=UTF-8")


def _user(call: Call, user_id: str) -> Row:
    return call.org.storage.fetch("User", [user_id])[user_id]


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
        "profile": f"{call.origin}/{call.org.user_id}",
        "custom_domain": call.origin,
    }
