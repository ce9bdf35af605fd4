"""The nouns of the pages: a Place that can be visited, and a Visit to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, RetryLater
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import Desk
from hintsync.replicas.salesforce.people import RecordAccess
from hintsync.state.port import Connection
from hintsync.surfaces.web.access.contacts import ContactAccess
from hintsync.surfaces.web.access.orgs import Orgs
from hintsync.surfaces.web.access.roles import Role, Roles
from hintsync.surfaces.web.access.tokens import Visitor
from hintsync.surfaces.web.engines import Engines
from hintsync.surfaces.web.receiver import Refused, read_body

#: Below this lies every page; what follows is the connection's id.
ROOT = "/c/{connection}"
#: Bytes of a form beyond which it is refused.
LARGEST_FORM = 65_536
_FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Visit:
    """One visit to a place by a person who may be there."""

    place: Place
    visitor: Visitor
    role: Role
    connection: Connection
    service: Service
    engines: Engines
    #: Asks the orgs about people and records, whether or not the connection's engine is open.
    orgs: Orgs
    #: Says again what the visitor may do, for what lasts longer than a moment.
    roles: Roles
    #: Says which contacts the visitor may see and change.
    contacts: ContactAccess
    #: Parts of the address, such as `contact`.
    names: Mapping[str, str] = field(default_factory=dict)
    #: What follows the question mark; the last of several of one name.
    query: Mapping[str, str] = field(default_factory=dict)
    #: The request; none where Salesforce opened the page by a signed request.
    request: Request | None = None
    _form: Mapping[str, str] | None = None

    @property
    def engine(self) -> Engine:
        """The connection's engine, acting in the visitor's name.

        Raises:
            RetryLater: it is not open: not connected yet, or one of the systems does not answer.
        """
        engine = self.engines.engine(self.connection.id)
        if engine is None:
            problem = self.engines.closed.get(self.connection.id, "opening")
            raise RetryLater(None, f"the connection is not open ({problem}); try again in a moment")
        return replace(engine, actor=self.actor)

    @property
    def is_open(self) -> bool:
        """Whether both systems are connected and the engine runs."""
        return self.engines.engine(self.connection.id) is not None

    @property
    def actor(self) -> str:
        """Who acts, as the audit trail names people: the id of the Salesforce user."""
        return f"user:{self.visitor.user_id}"

    @property
    def desk(self) -> Desk:
        """The connection's rows, acted on in the visitor's name, whether or not both systems answer."""
        return Desk(self.connection, self.service.store, self.service.clock, self.actor)

    async def may_stay(self) -> bool:
        """Say whether the visitor may still be here, as the org said within the last minute.

        Raises:
            HintsyncError: the org does not answer.
        """
        return await self.roles.role(self.connection.id, self.visitor.user_id) >= self.place.needs

    async def org_origin(self) -> str:
        """Return scheme and host of the org, for links to its pages.

        Raises:
            HintsyncError: we cannot sign in to it.
        """
        if self.visitor.org_origin:
            return self.visitor.org_origin
        async with self.orgs.asked(self.connection.id) as org:
            return await org.origin()

    @property
    def here(self) -> str:
        """The address of the place visited, without what follows a question mark."""
        return self.url(self.place.path.format_map(self.names))

    def url(self, path: str = "/", **query: str | int | None) -> str:
        """Return the address of a page of this connection; `path` begins with a slash and is quoted here."""
        asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        return f"/c/{quote(self.connection.id)}{quote(path)}" + (f"?{asked}" if asked else "")

    async def form(self) -> Mapping[str, str]:
        """Return the fields of a form that was sent; the last of several of one name, see `form_list`.

        Raises:
            Refused: it is too large, or cut off.
            BadInput: it is no form.
        """
        if self._form is None:
            self._form = dict(await self.form_list())
        return self._form

    async def form_list(self) -> list[tuple[str, str]]:
        """Return all fields of a form in their order.

        Raises:
            Refused: it is too large, or cut off.
            BadInput: it is no form.
        """
        return [] if self.request is None else await read_form(self.request)

    async def body(self, most: int) -> bytes:
        """Return what was sent, as it is.

        Raises:
            Refused: it is larger than `most` bytes, cut off, or came too slowly.
        """
        return b"" if self.request is None else await read_body(self.request, most)


async def read_form(request: Request) -> list[tuple[str, str]]:
    """Return all fields of the form that a request sent, in their order.

    Raises:
        Refused: it is too large, or cut off.
        BadInput: it is no form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise BadInput(f"the form came in another shape; expected {_FORM}")
    body = await read_body(request, LARGEST_FORM)
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise BadInput("the form cannot be read; expected UTF-8 and at most 1,000 fields") from None
    if any("\x00" in value for _, value in fields):
        raise BadInput("the form holds a sign that nobody types, and no database keeps")
    return fields


#: Answers a visit.
Handler: TypeAlias = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Place:
    """An address that can be visited."""

    #: Below the connection's root, such as `/contacts/{contact}`.
    path: str
    handler: Handler
    needs: Role
    #: A POST acts, and is only taken with the page's token in a header; a GET only shows.
    method: Literal["GET", "POST"] = "GET"
    #: A POST that changes nothing all the same, such as a search while somebody types.
    only_shows: bool = False
    #: Word in the bar of pages; empty: it is not in there.
    nav: str = ""

    @property
    def route(self) -> str:
        """The whole address with its parts to be filled."""
        return ROOT + self.path

    @property
    def needs_access(self) -> RecordAccess:
        """What a person must be allowed to do in the org with the record that the place is about."""
        return RecordAccess.READ if self.method == "GET" or self.only_shows else RecordAccess.EDIT


__all__ = ["LARGEST_FORM", "ROOT", "Handler", "Place", "Refused", "Visit", "read_form"]
