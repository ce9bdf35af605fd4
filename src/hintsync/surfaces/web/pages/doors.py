"""Lets people in to the pages: token, connection, role, in this order, before a page's own code runs."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hintsync.bootstrap import Service
from hintsync.core.errors import AskPerson, BadInput, FixConfiguration, HintsyncError, RetryLater, StopRun
from hintsync.core.records import RecordId
from hintsync.redact import safe_text
from hintsync.replicas.salesforce.people import RecordAccess
from hintsync.state.port import Connection
from hintsync.surfaces.cli.record_ids import contact_id
from hintsync.surfaces.log_keeper import logged_for
from hintsync.surfaces.web.access.contacts import ContactAccess
from hintsync.surfaces.web.access.orgs import Orgs
from hintsync.surfaces.web.access.roles import Role, Roles
from hintsync.surfaces.web.access.tokens import BadToken, Entry, Purpose, Tokens, Visitor
from hintsync.surfaces.web.engines import Engines
from hintsync.surfaces.web.pages.cookies import cookie_name
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import TOKEN_HEADER, frames_for, html, zone_of
from hintsync.surfaces.web.receiver import Refused

_log = logging.getLogger(__name__)

#: The script says with this that it fetches a page, rather than the browser opening one.
FETCHED = "X-Hintsync-Fetch"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a page says when something cannot be done: never more than our own words."""

    status: HTTPStatus
    title: str
    text: str
    #: What the person may do about it.
    remedy: str


NO_SUCH_PAGE = Problem(
    HTTPStatus.NOT_FOUND, "There is no such page", "The address is not one of ours.", "Go back and try again."
)
ENDED = Problem(
    HTTPStatus.UNAUTHORIZED,
    "This page has ended",
    "It was open for a long time without being used, or was not opened from Salesforce.",
    "Reload the Salesforce page around it, or log in again.",
)
NOT_ALLOWED = Problem(
    HTTPStatus.FORBIDDEN,
    "You may not do this",
    "Your permission sets in Salesforce do not allow it.",
    "An administrator can assign “Hint Sync User” or “Hint Sync Administrator” in Setup; it counts within a minute.",
)
NO_SUCH_CONTACT = Problem(
    HTTPStatus.NOT_FOUND,
    "There is no such contact",
    "Salesforce does not show it to hintsync: it was deleted or merged, or the address has a slip in it.",
    "Look for the contact in Salesforce, and open it from there.",
)
NOT_SHARED = Problem(
    HTTPStatus.FORBIDDEN,
    "You may not see this contact",
    "Salesforce does not share it with you.",
    "Ask its owner or an administrator to share it with you, and reload this page.",
)
READ_ONLY = Problem(
    HTTPStatus.FORBIDDEN,
    "You may only look at this contact",
    "Salesforce does not let you edit it, so nothing was done.",
    "Ask its owner or an administrator to let you edit it, and try again.",
)

#: What people are told by kind of error; the first that fits, with our own text in the middle.
_TOLD: tuple[tuple[type[HintsyncError], HTTPStatus, str, str], ...] = (
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY, "This cannot be used", "Correct it and try again; nothing was done."),
    (AskPerson, HTTPStatus.CONFLICT, "Somebody must decide this first", "The review queue shows what to decide."),
    (RetryLater, HTTPStatus.SERVICE_UNAVAILABLE, "Not now", "Try again in a moment; nothing is lost."),
    (StopRun, HTTPStatus.CONFLICT, "This was stopped", "The safety stops show why, and what to do."),
    (
        FixConfiguration,
        HTTPStatus.CONFLICT,
        "Something is not set up",
        "An administrator can set it right on the Hint Health page.",
    ),
)


class Doors:
    """Guards every page of a service."""

    def __init__(self, service: Service, engines: Engines) -> None:
        """Guard with the service's keys and its orgs' permission sets."""
        self._service = service
        self._engines = engines
        self.orgs = Orgs(service)
        self.roles = Roles(self.orgs, service.clock)
        self._contacts = ContactAccess(self.orgs, service.clock)
        self.tokens = Tokens(service.store, service.clock)

    def guarded(self, place: Place) -> Callable[[Request], Awaitable[Response]]:
        """Return the place's answer to a request, behind the guards."""

        async def answer(request: Request) -> Response:
            return await self._answer(request, place)

        return answer

    async def admit(
        self,
        visitor: Visitor,
        place: Place,
        connection: Connection,
        *,
        names: Mapping[str, str],
        request: Request | None = None,
    ) -> Response:
        """Show a place to a visitor who is who they say; role, and access to the contact if it is about one, are checked here.

        Args:
            visitor: known for sure.
            place: where to.
            connection: the visitor's.
            names: parts of the address.
            request: carries the query and the form; none where Salesforce opened the page.
        """
        try:
            role = await self.roles.role(connection.id, visitor.user_id, anew=request is None)
            if role < max(place.needs, Role.USER):
                return problem_page(NOT_ALLOWED, visitor)
            if "contact" in names and role < Role.ADMINISTRATOR:
                denied = await self._denied(visitor, place, contact_id(names["contact"]), anew=request is None)
                if denied is not None:
                    return problem_page(denied, visitor)
            visit = Visit(
                place=place,
                visitor=visitor,
                role=role,
                connection=connection,
                service=self._service,
                engines=self._engines,
                orgs=self.orgs,
                roles=self.roles,
                contacts=self._contacts,
                names=names,
                query=dict(request.query_params) if request else {},
                request=request,
            )
            with logged_for(connection.id):
                answer = await place.handler(visit)
        except (HintsyncError, Refused) as error:
            answer = problem_page(problem_of(error), visitor, zone_of(connection))
        except Exception as error:
            incident = secrets.token_hex(4)
            with logged_for(connection.id):
                told = {"incident": incident, "code": "page-failed"}
                _log.error("page %s failed, incident %s: %s", place.path, incident, safe_text(error), extra=told)
            answer = problem_page(_unforeseen(incident), visitor)
        if TOKEN_HEADER not in answer.headers:
            answer.headers[TOKEN_HEADER] = self.tokens.make(visitor, Purpose.PAGE)
        return answer

    async def _denied(self, visitor: Visitor, place: Place, contact: RecordId, *, anew: bool) -> Problem | None:
        """Return what keeps a person from a place about a contact: here they may do what they may do in Salesforce."""
        needed = place.needs_access
        access = await self._contacts.access(visitor.connection_id, visitor.user_id, contact, needed, anew=anew)
        if access is None:
            return NO_SUCH_CONTACT
        if access is RecordAccess.NONE:
            return NOT_SHARED
        return None if access >= needed else READ_ONLY

    async def aclose(self) -> None:
        """Close the ways into the orgs."""
        await self.orgs.aclose()

    async def _answer(self, request: Request, place: Place) -> Response:
        names = {name: str(value) for name, value in request.path_params.items()}
        if not all(each.isprintable() for each in (*names.values(), *request.query_params.values())):
            return problem_page(
                NO_SUCH_PAGE
            )  # nobody types these; PostgreSQL refuses some, and logs suffer from others
        connection_id = names.pop("connection")
        connection = await self._service.store.connection(connection_id)
        visitor = self._visitor(request, connection_id, place) if connection else None
        if visitor is None or connection is None:
            return _not_in(request, place)
        return await self.admit(visitor, place, connection, names=names, request=request)

    def _visitor(self, request: Request, connection_id: str, place: Place) -> Visitor | None:
        """Return who asks. A cookie alone only ever shows a page; it never acts (CSRF)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if scheme:
                return self.tokens.open(token, connection_id, Purpose.PAGE) if scheme.lower() == "bearer" else None
            base = self._service.settings.public_url or str(request.base_url)
            kept = request.cookies.get(cookie_name(base, connection_id), "")
            if place.method == "GET" and kept:
                return self.tokens.open(kept, connection_id, Purpose.COOKIE)
        except BadToken:
            return None
        return None


def problem_page(problem: Problem, visitor: Visitor | None = None, zone: str = "UTC") -> Response:
    """Answer with what went wrong and what to do."""
    frames = frames_for(visitor) if visitor else ()
    shown = {"problem": problem, "framed": bool(visitor and visitor.entry is Entry.FRAME)}
    return html("problem.html", shown, status=problem.status, frames=frames, zone=zone)


def problem_of(error: HintsyncError | Refused) -> Problem:
    """Return what a person is told of an error of ours."""
    if isinstance(error, Refused):
        return Problem(error.status, "This was not taken", f"What was sent is {error.code}.", "Send less, or again.")
    for kind, status, title, remedy in _TOLD:
        if isinstance(error, kind):
            return Problem(status, title, str(error), remedy)
    return Problem(HTTPStatus.CONFLICT, "This was not done", str(error), "Look at the record and try again.")


def _unforeseen(incident: str) -> Problem:
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong",
        f"It was noted as incident {incident}.",
        "Try again; if it stays, tell whoever runs hintsync the number of the incident.",
    )


def _not_in(request: Request, place: Place) -> Response:
    """Answer somebody we do not know: a browser that opens a page goes to log in, anybody else is told."""
    if place.method == "GET" and FETCHED not in request.headers and "authorization" not in request.headers:
        wanted = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        return RedirectResponse(f"/login?next={wanted}", HTTPStatus.SEE_OTHER)
    return problem_page(ENDED)
