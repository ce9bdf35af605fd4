"""The Hint emulator as an ASGI application."""

import time
from collections.abc import Callable, Sequence

from starlette.types import Receive, Scope, Send

from hintsync_emulators.control import Controlled, Faults, read_body
from hintsync_emulators.hint.control_routes import control_routes
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.http import Answer, Call, refusal
from hintsync_emulators.hint.limits import RateLimit
from hintsync_emulators.hint.partner_routes import Account
from hintsync_emulators.hint.practice import Practice
from hintsync_emulators.hint.routes import PartnerRoute, ProviderRoute, classify, resolve


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
    return Controlled(hint, faults, classify, control_routes(practices))


class Hint:
    """Answers Hint's API for one partner account."""

    def __init__(self, account: Account, limit: RateLimit) -> None:
        self._account = account
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        reply = self._reply(scope, await read_body(receive))
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.wire_headers()})
        await send({"type": "http.response.body", "body": reply.body})

    def _reply(self, scope: Scope, raw_body: bytes) -> Answer:
        route, ids = resolve(scope["method"], scope["path"])
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
            self._limit.admit()
            with practice.lock:
                return route.handle(practice, call)
        self._check_partner(route, call)
        self._limit.admit()
        return route.handle(self._account, call)

    def _practice_of(self, credential: str | None) -> Practice:
        for practice in self._account.practices:
            if credential is not None and practice.installation.accepts(credential):
                return practice
        if credential == self._account.partner.key:
            raise HintError(428, "This action requires a Practice")
        raise HintError(401, "Unauthorized")

    def _check_partner(self, route: PartnerRoute, call: Call) -> None:
        credential = call.credential()
        if credential != self._account.partner.key:
            if credential is not None and self._opens_a_practice(credential, self._account.practices):
                raise HintError(403, "Access forbidden.")
            raise HintError(401, "Unauthorized")
        if route.newer and b"hint-version" not in call.headers and self._wants_version():
            raise HintError(404, "Not found")

    def _opens_a_practice(self, credential: str, practices: Sequence[Practice]) -> bool:
        return any(practice.installation.accepts(credential) for practice in practices)

    def _wants_version(self) -> bool:
        return self._account.practices[0].switches.version_header_required


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
