"""Lets people in to a window of their own: Log in with Salesforce, come back, log out."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from http import HTTPStatus
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hintsync.bootstrap import Service
from hintsync.core.errors import FixConfiguration, HintsyncError
from hintsync.logins import CANVAS_APP, CanvasApp, unpack_canvas_app
from hintsync.redact import safe_text
from hintsync.state.port import Connection
from hintsync.surfaces.web.access.oidc import Attempt, LoggedIn, NotLoggedIn, authorize_url, redeem
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.access.tokens import Entry, Purpose, Visitor
from hintsync.surfaces.web.pages.cookies import cookie_name, drop_cookie, keep_cookie
from hintsync.surfaces.web.pages.doors import Doors, Problem, problem_of, problem_page
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import html

_log = logging.getLogger(__name__)

LOGIN, START, CALLBACK = "/login", "/login/start", "/login/callback"
_ATTEMPT = ".login"
#: Seconds that a login may take.
_PATIENCE = 600
_NOT_IN = "You are not logged in"


class LoginDoor:
    """The way in from a window of its own."""

    def __init__(self, service: Service, doors: Doors) -> None:
        """Let people in through these doors."""
        self._service = service
        self._doors = doors

    async def ask(self, request: Request) -> Response:
        """Show the page that offers to log in; with several connections, ask which."""
        wanted = safe_path(request.query_params.get("next", ""))
        named = request.query_params.get("connection", "").strip()
        connection = await self._meant(wanted, named)
        shown = {"connection": connection, "wanted": wanted, "named": named, "start": START}
        return html("login.html", shown)

    async def start(self, request: Request) -> Response:
        """Leave for Salesforce; an encrypted cookie remembers the attempt."""
        wanted = safe_path(request.query_params.get("next", ""))
        connection = await self._meant(wanted, request.query_params.get("connection", ""))
        if connection is None:
            return RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
        try:
            app = await self._app(connection)
            attempt = Attempt(connection.id, wanted or f"/c/{connection.id}/")
            async with self._doors.orgs.asked(connection.id) as org:
                url = authorize_url(await org.origin(), app, attempt, self._callback(request))
        except HintsyncError as error:
            return problem_page(problem_of(error))
        answer = RedirectResponse(url, HTTPStatus.SEE_OTHER)
        sealed = self._doors.tokens.seal(json.dumps(asdict(attempt)))
        keep_cookie(answer, self._base(request), _ATTEMPT, sealed, _PATIENCE)
        return answer

    async def back(self, request: Request) -> Response:
        """Take who comes back from Salesforce."""
        try:
            attempt = self._attempt(request)
            connection = await self._service.store.connection(attempt.connection_id)
            if connection is None:
                raise NotLoggedIn("there is no such connection any more")
            person = await self._redeemed(request, connection, attempt)
            if person.org_id != connection.org_id:
                raise NotLoggedIn("you came from another Salesforce org than the one that is connected")
            return await self._let_in(request, connection, person, attempt)
        except NotLoggedIn as error:
            _log.warning("a login failed: %s", error)
            problem = Problem(HTTPStatus.FORBIDDEN, _NOT_IN, f"{error}.".capitalize(), "Go to /login and try again.")
            return problem_page(problem)
        except HintsyncError as error:
            _log.warning("a login could not be finished: %s", safe_text(error))
            return problem_page(problem_of(error))

    async def _redeemed(self, request: Request, connection: Connection, attempt: Attempt) -> LoggedIn:
        app = await self._app(connection)
        async with self._doors.orgs.asked(connection.id) as org:
            answer = dict(request.query_params)
            return await redeem(org.http, await org.origin(), app, attempt, self._callback(request), answer)

    async def _let_in(self, request: Request, connection: Connection, person: LoggedIn, attempt: Attempt) -> Response:
        role = await self._doors.roles.role(connection.id, person.user_id, anew=True)
        if role < Role.USER:
            raise NotLoggedIn("your permission sets in Salesforce do not allow you in")
        now = int(self._service.clock.now().timestamp())
        async with self._doors.orgs.asked(connection.id) as org:
            origin = await org.origin()
        visitor = Visitor(connection.id, person.user_id, person.name, Entry.WINDOW, now, origin)
        answer = RedirectResponse(attempt.wanted, HTTPStatus.SEE_OTHER)
        base, token = self._base(request), self._doors.tokens.make(visitor, Purpose.COOKIE)
        keep_cookie(answer, base, connection.id, token, None)
        drop_cookie(answer, base, _ATTEMPT)
        return answer

    async def _meant(self, wanted: str, named: str) -> Connection | None:
        """Return the connection that is named, or in the address wanted, or the only one; names are not told to strangers."""
        known = await self._service.store.connections()
        parts = wanted.split("/")
        inside = parts[2] if len(parts) > 2 and parts[1] == "c" else ""
        found = [each for each in known if each.id == inside or (named and named in (each.id, each.name))]
        return found[0] if found else (known[0] if len(known) == 1 else None)

    async def _app(self, connection: Connection) -> CanvasApp:
        stored = await self._service.store.secret(connection.id, CANVAS_APP)
        if not stored:
            raise FixConfiguration(
                "our external client app is not installed in the Salesforce org; run hintsync install"
            )
        return unpack_canvas_app(stored)

    def _attempt(self, request: Request) -> Attempt:
        kept = request.cookies.get(cookie_name(self._base(request), _ATTEMPT), "")
        try:
            return Attempt(**json.loads(self._doors.tokens.unseal(kept, _PATIENCE)))
        except (InvalidToken, ValueError, TypeError):
            raise NotLoggedIn("it was not begun in this browser, or long ago") from None

    def _callback(self, request: Request) -> str:
        return self._base(request) + CALLBACK

    def _base(self, request: Request) -> str:
        """Return our own address: as set, or for trials on this machine as the browser calls it."""
        return self._service.settings.public_url or str(request.base_url).rstrip("/")


def safe_path(text: str) -> str:
    """Return a path of ours, or nothing: no other host, no line break, nothing a browser reads as a host."""
    parts = urlsplit(text)
    fine = text.startswith("/c/") and not parts.scheme and not parts.netloc and "\\" not in text and text.isprintable()
    return text if fine else ""


async def log_out(visit: Visit) -> Response:
    """Forget the window's cookie; the page's own token ends by itself."""
    answer = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
    request = visit.request
    base = visit.service.settings.public_url or (str(request.base_url) if request else "")
    drop_cookie(answer, base, visit.connection.id)
    return answer


PLACES: tuple[Place, ...] = (Place("/logout", log_out, Role.USER, method="POST"),)
