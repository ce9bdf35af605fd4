"""Route, session, limits, handler: the way of every call, whether it comes alone or inside a composite request."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from hintsync_emulators.salesforce.auth import Session
from hintsync_emulators.salesforce.errors import ApiError, Refused, not_emulated, not_found
from hintsync_emulators.salesforce.org import Org
from hintsync_emulators.salesforce.responses.urls import ROUTES
from hintsync_emulators.salesforce.web.call import Answer, Call
from hintsync_emulators.salesforce.web.router import Found, Route, Router
from hintsync_emulators.salesforce.web.versions import FIRST_VERSION, LAST_VERSION

_ROUTER = Router(ROUTES)
#: Resources of the real API, below the version, that the emulator does not answer.
_KNOWN = frozenset(
    """
    actions analytics appmenu apps async-queries chatter commerce composite connect consent dedupe domino einstein
    emails event eventschema folders graphql iot jobs knowledgemanagement lightningusage localizedvalue metadata
    named-query parameterizedsearch payments process query quickactions recent scheduling search sites sobjects
    support tabs theme tooling ui-api wave
    """.split()  # noqa: SIM905 - a list of words is easier to read than a list of strings
)


def unanswered() -> list[str]:
    """Name the resources below the version that have no route at all."""
    routed = {route.path.split("/")[4] for route in ROUTES if route.path.startswith("/services/data/vXX.X/")}
    return sorted(_KNOWN - routed)


def classify(method: str, path: str) -> str:
    """Name the kind of a call for the counters of the control API."""
    route = _ROUTER.find(method, f"/{path.strip('/')}").route
    return route.kind if route else "other"


class Dispatcher:
    """Answers calls to one org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def dispatch(self, call: Call) -> Answer:
        """Answer a call from outside.

        Raises:
            ApiError: or OAuthError, to be answered as they say.
        """
        found = _ROUTER.find(call.method, call.path)
        route = found.route
        if route is None:
            raise self._with_limits(_no_route(call, found))
        _name(call, found)
        call.forward = _answer_inner
        if not route.counted:
            return route.handler(call)
        try:
            self._admit(call, route)
            with self._org.seen_by(call.session):
                answer = route.handler(call)
            if answer.steps is not None:
                answer.steps = self._as_seen(call.session, answer.steps)
        except ApiError as problem:
            raise self._with_limits(problem) from None
        except Refused as refusal:
            raise self._with_limits(ApiError.of(refusal.fault)) from None
        answer.headers.update(self._limit_info())
        return answer

    def _as_seen(self, session: Session | None, steps: Iterator[None]) -> Iterator[None]:
        """Do each piece of the work with the eyes of who asked for it."""
        while True:
            with self._org.seen_by(session):
                try:
                    next(steps)
                except StopIteration:
                    return
            yield

    def _admit(self, call: Call, route: Route) -> None:
        if call.version:
            check_version(call.version)
        if call.headers.get("accept") in ("application/xml", "text/xml"):
            raise not_emulated("answers in XML")
        if route.guarded:
            call.session = self._session(call)
        limits = self._org.limits
        if limits.used >= limits.daily:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        limits.used += 1
        client = call.client()
        if client:
            self._org.clients[client] = self._org.clients.get(client, 0) + 1

    def _session(self, call: Call) -> Session:
        session = self._org.auth.session(bearer(call))
        if session is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return session

    def _limit_info(self) -> dict[str, str]:
        limits = self._org.limits
        return {"Sforce-Limit-Info": f"api-usage={limits.used}/{limits.daily}"}

    def _with_limits(self, problem: ApiError) -> ApiError:
        problem.headers.update(self._limit_info())
        return problem


def _answer_inner(call: Call) -> Answer:
    """Answer a part of a composite request, which has its session and is not counted."""
    found = _ROUTER.find(call.method, call.path)
    if found.route is None:
        raise _no_route(call, found)
    _name(call, found)
    check_version(call.version)
    answer = found.route.handler(call)
    answer.finish()
    return answer


def _name(call: Call, found: Found) -> None:
    call.names = {name: unquote(value) for name, value in found.names.items() if value is not None}
    call.version = call.names.get("version", "")


def bearer(call: Call) -> str:
    """Return the token a call brings, or nothing."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""


def check_version(version: str) -> None:
    """Refuse versions that were retired or do not exist yet.

    Raises:
        ApiError: 410, 404 or NOT_EMULATED.
    """
    number = int(version.partition(".")[0])
    if number <= 30:
        raise ApiError(410, "UNSUPPORTED_API_VERSION", f"API version {version} has been retired")
    if number > LAST_VERSION or not version.endswith(".0"):
        raise not_found()
    if number < FIRST_VERSION:
        raise not_emulated(f"API version {version}")


def _no_route(call: Call, found: Found) -> ApiError:
    if found.allowed:
        allowed = ",".join(sorted({*found.allowed, *(["HEAD"] if "GET" in found.allowed else [])}))
        text = f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}"
        return ApiError(405, "METHOD_NOT_ALLOWED", text, headers={"Allow": allowed})
    parts = call.path.lower().split("/")
    known = parts[1:2] == ["services"] and parts[2:3] != ["data"]
    if known or (parts[1:3] == ["services", "data"] and len(parts) > 4 and parts[4] in _KNOWN):
        return not_emulated(f"{call.method} {call.path}")
    return not_found()
