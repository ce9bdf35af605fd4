"""The Hint emulator as an ASGI application."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence

from starlette.types import Receive, Scope, Send

from hintsync_emulators.clock import http_date
from hintsync_emulators.control import Controlled, ControlRoute, Faults, raw_path, read_body
from hintsync_emulators.hint.control_routes import control_routes
from hintsync_emulators.hint.delivery import keep_delivering
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.http import Answer, Call, refusal
from hintsync_emulators.hint.limits import RateLimit
from hintsync_emulators.hint.openapi import openapi
from hintsync_emulators.hint.pages import hint_site
from hintsync_emulators.hint.partner_routes import Account
from hintsync_emulators.hint.practice import Practice
from hintsync_emulators.hint.routes import PartnerRoute, ProviderRoute, classify, resolve
from hintsync_emulators.hint.steering import HintSteering
from hintsync_emulators.lab import lab_site
from hintsync_emulators.steering import steering_routes

#: Two spellings are in use: a date, and this name.
_NAMED_VERSION = b"marketplace_endpoints"
_FIRST_NEW_VERSION = b"2026-07-01"
_DATED_VERSION = re.compile(rb"\d{4}-\d\d-\d\d")


def create_app(
    *practices: Practice, faults: Faults | None = None, monotonic: Callable[[], float] = time.monotonic
) -> Controlled:
    """Builds an emulator that serves the given practices, all connected to one partner.

    Args:
        *practices: at least one; several must have been made with the same `Partner`.
        faults: the state behind the control API; made fresh if not given.
        monotonic: seconds for the limit of requests in a second.

    Returns:
        The application; its ``faults`` attribute holds latency, failures, limits (``per_second`` 20 and ``per_day``
        500,000 at first, None lifts one) and the counts of calls by kind.

    Raises:
        ValueError: no practice, or practices of different partners.
    """
    if len({id(practice.partner) for practice in practices}) != 1:
        raise ValueError("serve at least one practice, and several only if they share one partner")
    faults = Faults() if faults is None else faults
    hint = Hint(Account(practices[0].partner, practices), RateLimit(faults, monotonic, practices[0].clock))
    described = ControlRoute("GET", "/openapi.json", lambda _: openapi(), "the emulated API as OpenAPI 3.1")
    routes = [*control_routes(practices), *steering_routes(HintSteering(practices)), described]
    end_faults = practices[0].partner.requests.end_faults
    return Controlled(
        hint, faults, classify, routes, on_reset=end_faults, sites=[hint_site(practices), lab_site("Hint")]
    )


class Hint:
    """Answers Hint's API for one partner account."""

    def __init__(self, account: Account, limit: RateLimit) -> None:
        self._account = account
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        reply = self._reply(scope, await read_body(receive))
        told = (b"date", http_date(int(self._account.partner.clock().timestamp())))
        await send({"type": "http.response.start", "status": reply.status, "headers": [told, *reply.wire_headers()]})
        await send({"type": "http.response.body", "body": reply.body})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Delivers webhooks from the start of the server to its end."""
        delivering: asyncio.Task[None] | None = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                delivering = asyncio.create_task(keep_delivering(self._account.partner))
            elif delivering is not None:
                delivering.cancel()
                await asyncio.wait([delivering])
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def _reply(self, scope: Scope, raw_body: bytes) -> Answer:
        route, ids = resolve(scope["method"], raw_path(scope))
        query = scope["query_string"].decode("latin-1")
        call = Call(scope["method"], scope["path"], query, dict(scope["headers"]), raw_body, ids)
        try:
            return self._carry_out(route, call)
        except HintError as error:
            return refusal(error)

    def _carry_out(self, route: ProviderRoute | PartnerRoute | None, call: Call) -> Answer:
        if route is None:
            raise HintError(501, f"not emulated: {call.method} {call.path}")
        if isinstance(route, ProviderRoute):
            practice = self._practice_of(call.credential())
            self._limit.admit(detail=call.method == "GET" and bool(call.ids))
            with practice.lock:
                return route.handle(practice, call)
        self._check_partner(route, call)
        self._limit.admit()
        return route.handle(self._account, call)

    def _practice_of(self, credential: str | None) -> Practice:
        for practice in self._account.practices:
            if credential is not None and practice.installation.use(credential, self._account.partner.now()):
                return practice
        if self._account.partner.accepts(credential):
            raise HintError(428, "This action requires a Practice")
        raise HintError(401, "Unauthorized")

    def _check_partner(self, route: PartnerRoute, call: Call) -> None:
        credential = call.credential()
        if not self._account.partner.accepts(credential):
            if credential is not None and self._opens_a_practice(credential, self._account.practices):
                raise HintError(self._account.switches.practice_token_on_partner_status, "Access forbidden.")
            raise HintError(401, "Unauthorized")
        if route.newer and self._account.switches.version_header_required and not _names_new_version(call):
            raise HintError(404, "Not found")

    def _opens_a_practice(self, credential: str, practices: Sequence[Practice]) -> bool:
        return any(practice.installation.accepts(credential) for practice in practices)


def _names_new_version(call: Call) -> bool:
    """Tells whether a call asks for a version of the API that has the newer routes."""
    version = call.headers.get(b"hint-version", b"")
    return version == _NAMED_VERSION or bool(_DATED_VERSION.fullmatch(version) and version >= _FIRST_NEW_VERSION)
