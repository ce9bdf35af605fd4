"""The page on which somebody lets an app act for them: the first half of the web server flow.

A person chooses a user and presses a button. A test posts the same form: ``username=…&decision=allow``.
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode, urlsplit

from hintsync_emulators.salesforce.auth import App
from hintsync_emulators.salesforce.codes import Code
from hintsync_emulators.salesforce.errors import OAuthError
from hintsync_emulators.salesforce.responses.oauth import Form, form_of, user_named
from hintsync_emulators.salesforce.web.call import Answer, Call

_HTML = "text/html;charset=UTF-8"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Allow access?</title></head>
<body style="font: 16px/1.5 sans-serif; max-width: 28rem; margin: 3rem auto; padding: 0 1rem">
<h1 style="font-size: 1.3rem">Allow access?</h1>
<p><strong>{client}</strong> asks to use this emulated Salesforce org ({scope}).</p>
<form method="post" action="{action}">
<p><label>User <select name="username">{users}</select></label></p>
<p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></p>
</form>
</body>
</html>
"""


def show(call: Call) -> Answer:
    """Ask whether the app may have what it asks for."""
    try:
        app, redirect_uri = _trusted(call)
    except OAuthError as problem:
        return _refused(problem)
    form = form_of(call)
    try:
        scope = _checked(app, form)
        if form.get("prompt") == "none" or form.get("immediate") == "true":
            raise OAuthError("immediate_unsuccessful", "the user has not been asked yet")
    except OAuthError as problem:
        return _sent_back(redirect_uri, form, error=problem.error, error_description=problem.description)
    page = _PAGE.format(
        client=escape(app.client_id),
        scope=escape(scope),
        users=_options(call, form.get("login_hint", "")),
        action=escape(f"{call.path}?{urlencode(call.params)}"),
    )
    return Answer(raw=page.encode(), content_type=_HTML)


def decide(call: Call) -> Answer:
    """Send the user back to the app, with a code if they agreed."""
    try:
        app, redirect_uri = _trusted(call)
    except OAuthError as problem:
        return _refused(problem)
    form = form_of(call)
    try:
        scope = _checked(app, form)
        if form.get("decision") not in ("allow", "deny"):
            return show(call)
        if form["decision"] == "deny":
            raise OAuthError("access_denied", "end-user denied authorization")
        code = _agreed(call, app, redirect_uri, scope)
    except OAuthError as problem:
        return _sent_back(redirect_uri, form, error=problem.error, error_description=problem.description)
    return _sent_back(redirect_uri, form, code=code)


def _trusted(call: Call) -> tuple[App, str]:
    """Return the app and the address to go back to.

    Raises:
        OAuthError: nobody may be sent to that address, so the error must stay here.
    """
    form = form_of(call)
    app = call.org.auth.app(form.get("client_id", ""), None)
    redirect_uri = form.get("redirect_uri", "")
    if not redirect_uri:
        raise OAuthError("invalid_request", "missing required parameter: redirect_uri")
    if redirect_uri not in app.redirect_uris:
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    return app, redirect_uri


def _checked(app: App, form: Form) -> str:
    """Return the scope asked for."""
    kind = form.get("response_type", "")
    if kind in ("token", "token id_token"):
        raise OAuthError("unsupported_response_type", f"not emulated: response_type {kind}")
    if kind != "code":
        raise OAuthError("unsupported_response_type", "response type not supported")
    _check_challenge(app, form)
    scope = form.get("scope") or app.scope
    if not app.allows(scope):
        raise OAuthError("invalid_scope", "the requested scope is not allowed")
    return scope


def _check_challenge(app: App, form: Form) -> None:
    challenge = form.get("code_challenge")
    if challenge is None:
        if app.requires_pkce:
            raise OAuthError("invalid_request", "missing required code challenge")
        return
    if form.get("code_challenge_method", "S256") != "S256":
        raise OAuthError("invalid_request", "invalid code challenge method")
    if not 43 <= len(challenge) <= 128:
        raise OAuthError("invalid_request", "invalid code challenge")


def _agreed(call: Call, app: App, redirect_uri: str, scope: str) -> str:
    form, auth = form_of(call), call.org.auth
    username = form.get("username", "")
    if app.approved is not None and username not in app.approved:
        raise OAuthError("OAUTH_APPROVAL_ERROR_GENERIC", "user is not admin approved to access this app")
    user_id = user_named(call, username)
    challenge, nonce = form.get("code_challenge"), form.get("nonce")
    return auth.issue_code(Code(user_id, app.client_id, redirect_uri, scope, challenge, nonce, auth.now()))


def _options(call: Call, chosen: str) -> str:
    found = call.org.storage.rows('SELECT Username FROM "User" WHERE IsActive = 1 ORDER BY _row')
    names = [str(row[0]) for row in found]
    return "".join(f"<option{' selected' if name == chosen else ''}>{escape(name)}</option>" for name in names)


def _sent_back(redirect_uri: str, form: Form, **answer: str) -> Answer:
    if "state" in form:
        answer["state"] = form["state"]
    glue = "&" if urlsplit(redirect_uri).query else "?"
    return Answer(302, headers={"Location": f"{redirect_uri}{glue}{urlencode(answer)}", "Cache-Control": "no-store"})


def _refused(problem: OAuthError) -> Answer:
    text = urlencode({"error": problem.error, "error_description": problem.description})
    return Answer(400, raw=text.encode(), content_type=_HTML)
