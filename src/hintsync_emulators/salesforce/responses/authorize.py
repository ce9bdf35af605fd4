"""The page on which somebody lets an app act for them: the first half of the web server flow.

Who is logged in to the org's pages only presses a button; anybody else chooses a user first, and is logged in from then
on. A test posts the same form without a cookie: ``username=…&decision=allow``.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from hintsync_emulators.salesforce.auth import App
from hintsync_emulators.salesforce.codes import Code
from hintsync_emulators.salesforce.errors import OAuthError
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click, Form, person_of
from hintsync_emulators.salesforce.pages.visitors import comes_from_here, kept
from hintsync_emulators.salesforce.responses.oauth import Form as Parameters
from hintsync_emulators.salesforce.responses.oauth import form_of, user_named
from hintsync_emulators.salesforce.web.call import Answer, Call

_HTML = "text/html;charset=UTF-8"
#: Values of ``prompt`` that ask for another user than the one who is logged in.
_CHOOSING = ("login", "select_account")


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
    person = None if form.get("prompt") in _CHOOSING else person_of(call)
    return frame.show(
        Click(call, person, Form({})),
        "authorize.html",
        sends_to=[_source(redirect_uri)],
        title="Allow access?",
        client=app.client_id,
        scope=scope,
        users=_usernames(call),
        chosen=form.get("login_hint", ""),
        action=f"{call.path}?{urlencode(call.params)}",
        another=f"{call.path}?{urlencode({**call.params, 'prompt': 'login'})}",
    )


def _source(redirect_uri: str) -> str:
    """Return the source of a Content-Security-Policy that lets the form lead on to the app."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def decide(call: Call) -> Answer:
    """Send the user back to the app, with a code if they agreed."""
    try:
        app, redirect_uri = _trusted(call)
    except OAuthError as problem:
        return _refused(problem)
    form = form_of(call)
    try:
        scope = _checked(app, form)
        if form.get("decision") not in ("allow", "deny") or not _is_ours(call, form):
            return show(call)
        if form["decision"] == "deny":
            raise OAuthError("access_denied", "end-user denied authorization")
        user_id = _agreeing(call, app, form)
    except OAuthError as problem:
        return _sent_back(redirect_uri, form, error=problem.error, error_description=problem.description)
    answer = _sent_back(redirect_uri, form, code=_code(call, app, user_id, redirect_uri, scope))
    person = person_of(call)
    if person is None or person.id != user_id:
        token, _ = call.org.visitors.sit(user_id)
        answer.headers["Set-Cookie"] = kept(call, token)
    return answer


def _is_ours(call: Call, form: Parameters) -> bool:
    """Say whether the form was sent from our page, or by a program that has no cookie to misuse."""
    if person_of(call) is None or form.get("prompt") in _CHOOSING:
        return comes_from_here(call)
    return call.org.visitors.is_ours(call, form.get("csrf", ""))


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


def _checked(app: App, form: Parameters) -> str:
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


def _check_challenge(app: App, form: Parameters) -> None:
    challenge = form.get("code_challenge")
    if challenge is None:
        if app.requires_pkce:
            raise OAuthError("invalid_request", "missing required code challenge")
        return
    if form.get("code_challenge_method", "S256") != "S256":
        raise OAuthError("invalid_request", "invalid code challenge method")
    if not 43 <= len(challenge) <= 128:
        raise OAuthError("invalid_request", "invalid code challenge")


def _agreeing(call: Call, app: App, form: Parameters) -> str:
    """Return the id of the user who agrees: the one who was chosen, or who is logged in.

    Raises:
        OAuthError: there is none, or the app is not open to them.
    """
    person = person_of(call)
    logged_in = str(person.row["Username"]) if person is not None else ""
    username = form.get("username", logged_in)
    if app.approved is not None and username not in app.approved:
        raise OAuthError("OAUTH_APPROVAL_ERROR_GENERIC", "user is not admin approved to access this app")
    return user_named(call, username)


def _code(call: Call, app: App, user_id: str, redirect_uri: str, scope: str) -> str:
    form, auth = form_of(call), call.org.auth
    challenge, nonce = form.get("code_challenge"), form.get("nonce")
    return auth.issue_code(Code(user_id, app.client_id, redirect_uri, scope, challenge, nonce, auth.now()))


def _usernames(call: Call) -> list[str]:
    found = call.org.storage.rows('SELECT Username FROM "User" WHERE IsActive = 1 ORDER BY _row')
    return [str(row[0]) for row in found]


def _sent_back(redirect_uri: str, form: Parameters, **answer: str) -> Answer:
    if "state" in form:
        answer["state"] = form["state"]
    glue = "&" if urlsplit(redirect_uri).query else "?"
    return Answer(302, headers={"Location": f"{redirect_uri}{glue}{urlencode(answer)}", "Cache-Control": "no-store"})


def _refused(problem: OAuthError) -> Answer:
    text = urlencode({"error": problem.error, "error_description": problem.description})
    return Answer(400, raw=text.encode(), content_type=_HTML)
