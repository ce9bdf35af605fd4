"""Opens our pages inside Salesforce: takes the signed request, and answers with the page that is meant."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from hintsync.bootstrap import Service
from hintsync.core.errors import HintsyncError
from hintsync.logins import CANVAS_APP, unpack_canvas_app
from hintsync.redact import safe_text
from hintsync.state.port import Connection
from hintsync.surfaces.web.access.frames import frames_of
from hintsync.surfaces.web.access.signed_request import (
    LONGEST,
    BadSignedRequest,
    CanvasRequest,
    claimed_org,
    open_signed_request,
)
from hintsync.surfaces.web.access.tokens import Entry, Visitor
from hintsync.surfaces.web.pages.doors import Doors, Problem
from hintsync.surfaces.web.pages.place import Place
from hintsync.surfaces.web.pages.places import PLACES
from hintsync.surfaces.web.pages.render import html
from hintsync.surfaces.web.receiver import Refused, read_body
from hintsync.surfaces.web.sparing import Sparing

_log = logging.getLogger(__name__)

CANVAS = "/canvas"
#: What a place in Salesforce calls a page, and its path; with a record, or without.
_RECORD_VIEWS = {
    "panel": "/contacts/{contact}",
    "sync": "/contacts/{contact}/sync",
    "unlink": "/contacts/{contact}/unlink",
}
HOME = "/"
#: A base64 text in a form is quoted: at worst three characters for one.
_LARGEST = 3 * LONGEST

_REFUSED = Problem(
    HTTPStatus.FORBIDDEN,
    "Salesforce’s request was not accepted",
    "It was not signed by the Salesforce org that is connected here, or its session has ended.",
    "Reload the Salesforce page. If it stays, whoever runs hintsync looks with: hintsync doctor. If this org took the place of"
    " the one that was connected, such as a refreshed sandbox, it is pinned with: hintsync resume --guard G1 --repin, and then"
    " hintsync install.",
)
_LATER = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Salesforce does not answer",
    "Who you are cannot be checked at the moment.",
    "Reload the Salesforce page in a moment.",
)


class CanvasDoor:
    """The way in from inside Salesforce."""

    def __init__(self, service: Service, doors: Doors) -> None:
        """Let people in through these doors."""
        self._service = service
        self._doors = doors
        self._noted = Sparing()

    async def open(self, request: Request) -> Response:
        """Answer a signed request with the page that is meant, once it is sure who asks."""
        frames: tuple[str, ...] = ()
        try:
            text = await _signed(request)
            connections = await self._claimed(text, request.path_params.get("connection"))
            frames = await self._frames(connections)
            connection, asked = await self._check(text, connections)
            return await self._show(connection, asked)
        except BadSignedRequest as error:
            left_out = self._noted.left_out()
            if left_out is not None:
                _log.warning("a signed request was refused: %s (%d more since the last line)", error, left_out)
            return html("problem.html", {"problem": _REFUSED, "framed": True}, status=_REFUSED.status, frames=frames)
        except Refused as refused:
            problem = Problem(refused.status, _REFUSED.title, f"It is {refused.code}.", _REFUSED.remedy)
            return html("problem.html", {"problem": problem, "framed": True}, status=refused.status)
        except HintsyncError as error:
            _log.warning("a signed request could not be checked: %s", safe_text(error))
            return html("problem.html", {"problem": _LATER, "framed": True}, status=_LATER.status, frames=frames)

    async def _claimed(self, text: str, named: str | None) -> list[Connection]:
        """Return the connections whose org a request says to come from; nothing is checked yet."""
        org_id = claimed_org(text)
        known = await self._service.store.connections()
        return [each for each in known if each.org_id == org_id and named in (None, each.id, each.name)]

    async def _frames(self, connections: list[Connection]) -> tuple[str, ...]:
        """Return who may frame the answer; a connection whose org cannot be asked adds nobody."""
        found: list[str] = []
        for each in connections:
            try:
                async with self._doors.orgs.asked(each.id) as org:
                    found += frames_of(await org.origin())
            except HintsyncError as error:
                _log.info("connection %s cannot say who frames it: %s", each.id, safe_text(error))
        return tuple(dict.fromkeys(found))

    async def _check(self, text: str, connections: list[Connection]) -> tuple[Connection, CanvasRequest]:
        """Return the connection that a request belongs to, signed by its org and with a session that lives.

        Raises:
            BadSignedRequest: none of them signed it, or the session is nobody's or another's.
            HintsyncError: the org does not answer.
        """
        problem = BadSignedRequest("no connection of that org")
        for connection in connections:
            stored = await self._service.store.secret(connection.id, CANVAS_APP)
            if not stored:
                problem = BadSignedRequest(f"connection {connection.id} knows no external client app; install again")
                continue
            try:
                asked = open_signed_request(text, unpack_canvas_app(stored).consumer_secret)
            except BadSignedRequest as error:
                problem = error
                continue
            async with self._doors.orgs.asked(connection.id) as org:
                owner = await org.owner_of(asked.oauth_token)
            if owner is None or (owner.user_id, owner.org_id) != (asked.user_id, asked.org_id):
                raise BadSignedRequest("its session has ended, or is another person's")
            return connection, asked
        raise problem

    async def _show(self, connection: Connection, asked: CanvasRequest) -> Response:
        async with self._doors.orgs.asked(connection.id) as org:
            origin = await org.origin()
        visitor = Visitor(
            connection_id=connection.id,
            user_id=asked.user_id,
            name=asked.user_name,
            entry=Entry.FRAME,
            came_in=int(self._service.clock.now().timestamp()),
            org_origin=origin,
        )
        place, names = _meant(asked)
        return await self._doors.admit(visitor, place, connection, names=names)


def _meant(asked: CanvasRequest) -> tuple[Place, Mapping[str, str]]:
    path = _RECORD_VIEWS.get(asked.view) if asked.record_id else None
    place = next(each for each in PLACES if each.method == "GET" and each.path == (path or HOME))
    return place, ({"contact": asked.record_id or ""} if path else {})


async def _signed(request: Request) -> str:
    body = await read_body(request, _LARGEST)
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=10)
    except ValueError:
        raise BadSignedRequest("it came in no form") from None
    found = [value for name, value in fields if name == "signed_request"]
    if len(found) != 1:
        raise BadSignedRequest("the form has no signed_request, or several")
    return found[0]
