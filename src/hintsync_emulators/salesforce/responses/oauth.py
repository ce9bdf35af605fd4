"""Tokens: the grants they are given for, what they are worth, their end."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import parse_qsl

from hintsync_emulators.salesforce.assertions import read_assertion
from hintsync_emulators.salesforce.auth import App, Session
from hintsync_emulators.salesforce.codes import check_exchange
from hintsync_emulators.salesforce.errors import OAuthError
from hintsync_emulators.salesforce.responses.identity import identity_url, user_of
from hintsync_emulators.salesforce.signing import half_digest
from hintsync_emulators.salesforce.web.call import Answer, Call

Form = dict[str, str]
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Grants of the real service that are not answered here.
_LEFT_OUT = (
    "device",
    "hybrid_auth_code",
    "hybrid_refresh",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
#: Seconds that an id_token is good for.
_ID_TOKEN_LIFE = 120


def token(call: Call) -> Answer:
    """Give out a token for a grant."""
    form = form_of(call)
    grant = form.get("grant_type", "")
    if form.get("format", "json") != "json":
        raise OAuthError("invalid_request", f"not emulated: format {form['format']}")
    if grant in _GRANTS:
        return _GRANTS[grant](call, form)
    if grant in _LEFT_OUT:
        raise OAuthError("unsupported_grant_type", f"not emulated: grant_type {grant}")
    raise OAuthError("unsupported_grant_type", "grant type not supported")


def revoke(call: Call) -> Answer:
    """End a session, or a refresh token with its sessions."""
    text = form_of(call).get("token") or call.params.get("token", "")
    if not call.org.auth.revoke(text):
        raise OAuthError("unsupported_token_type", "this token type is not supported")
    return Answer(200)


def introspect(call: Call) -> Answer:
    """Say whether a token is still good (RFC 7662), to the app that it was given to."""
    form = form_of(call)
    client_id, secret = _credentials(call, form)
    app = call.org.auth.app(client_id, secret or "")
    text = form.get("token", "")
    session = call.org.auth.session(text) or call.org.auth.refresh.get(text)
    if session is None or session.client_id != app.client_id:
        return Answer(value={"active": False})
    issued = int(session.issued)
    found: dict[str, object] = {
        "active": True,
        "scope": session.scope,
        "client_id": session.client_id,
        "username": user_of(call, session.user_id)["Username"],
        "sub": identity_url(call, session),
        "token_type": "access_token" if text in call.org.auth.sessions else "refresh_token",
        "iat": issued,
        "nbf": issued,
    }
    if call.org.auth.lifetime is not None:
        found["exp"] = int(session.issued + call.org.auth.lifetime)
    return Answer(value=found)


def form_of(call: Call) -> Form:
    """Return the form of the body, or the query of callers that put it there."""
    return {**call.params, **dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))}


def user_named(call: Call, username: str) -> str:
    """Return the id of an active user.

    Raises:
        OAuthError: invalid_grant or inactive_user.
    """
    found = call.org.storage.ids_where("User", "Username", username, live_only=False)
    if not found:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    if not user_of(call, found[0])["IsActive"]:
        raise OAuthError("inactive_user", "user is inactive")
    return found[0]


def _credentials(call: Call, form: Form) -> tuple[str, str | None]:
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            raise OAuthError("invalid_client", "invalid client credentials") from None
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret")


def _presented(call: Call, form: Form) -> App:
    """Return the app that speaks; those that keep a secret must show it."""
    client_id, secret = _credentials(call, form)
    app = call.org.auth.app(client_id, secret)
    if secret is None and app.requires_secret:
        raise OAuthError("invalid_client", "invalid client credentials")
    return app


def _jwt(call: Call, form: Form) -> Answer:
    now = call.org.clock().timestamp()
    app, username = read_assertion(call.org.auth, form.get("assertion", ""), [call.origin], now)
    return _begin(call, app, user_named(call, username), _without_refresh(app.scope))


def _client_credentials(call: Call, form: Form) -> Answer:
    client_id, secret = _credentials(call, form)
    app = call.org.auth.app(client_id, secret or "")
    if app.run_as is None:
        raise OAuthError("invalid_grant", "no client credentials user enabled")
    if not call.org.storage.ids_where("User", "Username", app.run_as, live_only=False):
        raise OAuthError("invalid_grant", "no client credentials user enabled")
    return _begin(call, app, user_named(call, app.run_as), _without_refresh(app.scope))


def _password(call: Call, form: Form) -> Answer:
    client_id, secret = _credentials(call, form)
    app = call.org.auth.app(client_id, secret or "")
    username = form.get("username", "")
    if not call.org.auth.check_password(username, form.get("password", "")):
        raise OAuthError("invalid_grant", "authentication failure")
    return _begin(call, app, user_named(call, username), _without_refresh(app.scope))


def _code(call: Call, form: Form) -> Answer:
    app, auth = _presented(call, form), call.org.auth
    known = auth.codes.pop(form.get("code", ""), None)
    verifier = form.get("code_verifier", "")
    code = check_exchange(known, app.client_id, form.get("redirect_uri", ""), verifier, auth.now())
    session = auth.issue(code.user_id, app.client_id, scope=code.scope)
    answer = _answer(call, session, app, code.nonce)
    if session.may("refresh_token"):
        answer["refresh_token"] = auth.issue_refresh(session)
    return _sent(answer)


def _refresh(call: Call, form: Form) -> Answer:
    app, auth = _presented(call, form), call.org.auth
    known, successor = auth.redeem_refresh(form.get("refresh_token", ""), app)
    answer = _answer(call, auth.issue(known.user_id, app.client_id, scope=known.scope or app.scope), app)
    if successor is not None:
        answer["refresh_token"] = successor
    return _sent(answer)


_GRANTS: dict[str, Callable[[Call, Form], Answer]] = {
    _JWT: _jwt,
    "authorization_code": _code,
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh,
}


def _without_refresh(scope: str) -> str:
    return " ".join(one for one in scope.split() if one not in ("refresh_token", "offline_access"))


def _begin(call: Call, app: App, user_id: str, scope: str) -> Answer:
    return _sent(_answer(call, call.org.auth.issue(user_id, app.client_id, scope=scope), app))


def _answer(call: Call, session: Session, app: App, nonce: str | None = None) -> dict[str, object]:
    where = identity_url(call, session)
    issued_at = str(int(call.org.clock().timestamp() * 1000))
    found: dict[str, object] = {
        "access_token": session.token,
        "signature": call.org.auth.signature(where, issued_at, app),
        "scope": session.scope,
        "instance_url": call.origin,
        "id": where,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }
    if session.may("openid"):
        found["id_token"] = _id_token(call, session, where, nonce)
    return found


def _id_token(call: Call, session: Session, subject: str, nonce: str | None) -> str:
    issued = int(session.issued)
    claims: dict[str, object] = {
        "iss": call.origin,
        "sub": subject,
        "aud": session.client_id,
        "iat": issued,
        "exp": issued + _ID_TOKEN_LIFE,
        "at_hash": half_digest(session.token),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return call.org.auth.signer.sign(claims)


def _sent(value: dict[str, object]) -> Answer:
    return Answer(value=value, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
