"""The control API that both emulators share: faults, latency, limits and a count of calls.

`Controlled` wraps an emulator's ASGI application and answers everything below `/_control` by itself, without
authentication, so that a test in any language can steer the emulator it talks to. ``GET /_control`` lists every route
of an emulator with an example to copy. Some of what ``PUT /_control/faults`` takes:

    {"latency_ms": 20}
    {"limits": {"per_second": null}}                  null lifts a limit
    {"fail_next": [{"status": 503, "times": 2, "match": "^GET /api/provider/patients"}]}
    {"fail_next": [{"match": "^PATCH ", "after_commit": true, "drop": true}]}   a lost reply

An emulator adds routes of its own (people, switches, tokens, its clock, snapshots) through `extra_routes`. In Python
the same is done directly on the `Faults` object, which the routes above only translate.
"""

import asyncio
import inspect
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import parse_qsl, quote

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The scope extension through which `serve` lets an application cut its own connection.
DROP_EXTENSION = "hintsync_emulators.drop"
CONTROL_PREFIX = "/_control"

_EXAMPLE_FAULTS = {
    "latency_ms": 20,
    "fail_next": [{"match": "^PATCH ", "times": 2, "status": 503, "after_commit": False, "drop": False}],
}

Classify = Callable[[str, str], str]
"""Names the kind of a call from its method and path, for instance ``patients.list``."""


class ControlError(Exception):
    """A control request that cannot be carried out; the message says what was expected."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class Failure:
    """One fault that waits for the calls it matches."""

    #: HTTP status of the injected answer; unused when the connection is dropped.
    status: int = 500
    #: JSON value of the injected answer, or a string sent as plain text; None sends an empty body.
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    #: Regular expression searched in ``METHOD /path?query``; empty matches every call.
    match: str = ""
    #: How many matching calls fail before this fault is used up.
    times: int = 1
    #: How many matching calls pass untouched first.
    skip: int = 0
    #: Carry the request out and then lose its answer: the caller cannot know what happened.
    after_commit: bool = False
    #: Close the connection instead of answering with ``status``.
    drop: bool = False

    @classmethod
    def from_json(cls, raw: object) -> "Failure":
        """Builds a failure from a control request.

        Raises:
            ControlError: a key is unknown, a value has the wrong type or the expression does not compile.
        """
        if not isinstance(raw, dict):
            raise ControlError(400, "fail_next: each entry must be an object")
        unknown = set(raw) - {each.name for each in fields(cls)}
        if unknown:
            raise ControlError(400, f"fail_next: unknown key {sorted(unknown)[0]!r}")
        failure = cls(**raw)
        failure.check()
        return failure

    def check(self) -> None:
        """Refuses values of the wrong type, so that a typing error does not become a fault that never fires."""
        expected = {"status": int, "times": int, "skip": int, "match": str, "after_commit": bool, "drop": bool}
        for name, kind in expected.items():
            if type(getattr(self, name)) is not kind:
                raise ControlError(400, f"fail_next: {name} must be of type {kind.__name__}")
        if not isinstance(self.headers, dict):
            raise ControlError(400, "fail_next: headers must be an object")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ControlError(400, f"fail_next: match is not a regular expression: {error}") from error

    def to_json(self) -> dict[str, object]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(slots=True)
class Faults:
    """What an emulator does to its callers at the moment, and how often they called."""

    #: Milliseconds added before each call is carried out.
    latency_ms: float = 0.0
    #: Tried from the front; a used-up failure leaves the list.
    fail_next: list[Failure] = field(default_factory=list)
    #: Named limits the emulator enforces (for instance ``per_second``); None lifts one.
    limits: dict[str, float | None] = field(default_factory=dict)
    #: Calls by kind since the last reset, failed ones included; control calls are not counted.
    counts: Counter[str] = field(default_factory=Counter)
    _limits_at_start: dict[str, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._limits_at_start = dict(self.limits)

    @property
    def total(self) -> int:
        """All calls since the last reset."""
        return self.counts.total()

    def declare_limits(self, limits: Mapping[str, float | None]) -> None:
        """Names the limits the emulator enforces, with the values `reset` returns to; set ones stay."""
        self._limits_at_start = {**limits, **self._limits_at_start}
        self.limits = {**limits, **self.limits}

    def reset(self) -> None:
        """Forgets every fault and count and restores the limits of the start."""
        self.latency_ms = 0.0
        self.fail_next.clear()
        self.counts.clear()
        self.limits = dict(self._limits_at_start)

    def take(self, call: str) -> Failure | None:
        """Returns the failure due for this call (``METHOD /path?query``) and uses it up once."""
        for failure in self.fail_next:
            if not re.search(failure.match, call):
                continue
            if failure.skip > 0:
                failure.skip -= 1
                continue
            failure.times -= 1
            if failure.times <= 0:
                self.fail_next.remove(failure)
            return failure
        return None

    def to_json(self) -> dict[str, object]:
        return {
            "latency_ms": self.latency_ms,
            "fail_next": [each.to_json() for each in self.fail_next],
            "limits": self.limits,
        }

    def update_from_json(self, raw: object) -> None:
        """Changes what a control request names and leaves the rest; on an error nothing changes.

        Raises:
            ControlError: a key is unknown or a value has the wrong type.
        """
        if not isinstance(raw, dict):
            raise ControlError(400, "faults: the body must be an object")
        unknown = set(raw) - {"latency_ms", "fail_next", "limits"}
        if unknown:
            raise ControlError(400, f"faults: unknown key {sorted(unknown)[0]!r}")
        latency = _number(raw.get("latency_ms", self.latency_ms), "latency_ms")
        failures = raw.get("fail_next", self.fail_next)
        if not isinstance(failures, list):
            raise ControlError(400, "faults: fail_next must be a list")
        parsed = [each if isinstance(each, Failure) else Failure.from_json(each) for each in failures]
        limits = self._merged_limits(raw.get("limits", {}))
        self.latency_ms, self.fail_next, self.limits = latency, parsed, limits

    def _merged_limits(self, raw: object) -> dict[str, float | None]:
        if not isinstance(raw, dict):
            raise ControlError(400, "faults: limits must be an object")
        unknown = set(raw) - set(self.limits)
        if unknown:
            known = ", ".join(sorted(self.limits)) or "none"
            raise ControlError(400, f"limits: unknown limit {sorted(unknown)[0]!r}; this emulator has: {known}")
        changed = {name: None if value is None else _number(value, name) for name, value in raw.items()}
        return {**self.limits, **changed}


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ControlError(400, f"{name} must be a number that is not negative")
    return value


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """A control call, parsed."""

    #: The JSON body; None when there was none.
    body: object
    query: dict[str, str]
    #: Values of the ``{names}`` in the route's path.
    path: dict[str, str]
    #: Where the emulator is reached, for instance ``http://127.0.0.1:8081``.
    origin: str = ""

    def object(self) -> dict[str, object]:
        """Returns the body, which must be an object (an absent one counts as empty)."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise ControlError(400, "the body must be a JSON object")
        return self.body


Handler = Callable[[ControlRequest], object | Awaitable[object]]


@dataclass(frozen=True, slots=True)
class ControlRoute:
    """One route below ``/_control``."""

    method: str
    #: Path after ``/_control``, with ``{name}`` for one segment, for instance ``/patients/{id}``.
    path: str
    #: Gets the parsed request; what it returns (or awaits) is sent as JSON, None as 204.
    handler: Handler
    #: One line for the list of routes.
    help: str
    #: A body that makes sense; None where no body is needed.
    example: object = None

    def to_json(self, origin: str) -> dict[str, object]:
        """Returns the route as the list shows it, with a command that can be copied."""
        body = "" if self.example is None else f" -d '{json.dumps(self.example, ensure_ascii=False)}'"
        verb = "" if self.method == "GET" else f"-X {self.method} "
        address = f"{origin}{CONTROL_PREFIX}{self.path}"
        return {
            "method": self.method,
            "path": f"{CONTROL_PREFIX}{self.path}",
            "does": self.help,
            "example": f"curl {verb}{address}{body}",
        }

    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


@dataclass(frozen=True, slots=True)
class Site:
    """Pages of an emulator's own, which are no calls of its API: never counted, slowed down or made to fail."""

    #: Tells whether a path is one of theirs.
    owns: Callable[[str], bool]
    #: Makes the application that shows them; called when the first page is asked for.
    make: Callable[["Controlled"], ASGIApp]


class Controlled:
    """Wraps an emulator with the control API, latency, injected failures and the count of calls.

    A dropped connection really closes the socket under `serve`; in process, through httpx's ASGI transport, it is
    raised as ``httpx.RemoteProtocolError``, which is what httpx raises for a server that hung up.

    Attributes:
        faults: the live state; a test may change it at any time.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        classify: Classify,
        extra_routes: Iterable[ControlRoute] = (),
        on_reset: Callable[[], None] | None = None,
        sites: Iterable[Site] = (),
    ) -> None:
        """Wraps an application.

        Args:
            extra_routes: control routes of this emulator alone.
            on_reset: ends faults that the emulator keeps itself, when all faults are to end.
            sites: pages to look at and click, tried in this order.
        """
        self.app = app
        self.faults = faults
        self._classify = classify
        self._on_reset = on_reset
        self.routes = (*self._own_routes(), *extra_routes)
        self._patterns = [(route, route.pattern()) for route in self.routes]
        self._sites = tuple(sites)
        self._made: dict[int, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(CONTROL_PREFIX):
            await self._control(scope, receive, send)
            return
        page = self._page(path)
        if page is not None:
            await page(scope, receive, send)
            return
        faults = self.faults
        faults.counts[self._classify(scope["method"], raw_path(scope))] += 1
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        failure = faults.take(_call_text(scope)) if faults.fail_next else None
        if failure is None:
            await self.app(scope, receive, send)
        else:
            await self._fail(failure, scope, receive, send)

    def _page(self, path: str) -> ASGIApp | None:
        """Returns what shows a path, if it belongs to a page."""
        for number, site in enumerate(self._sites):
            if site.owns(path):
                if number not in self._made:
                    self._made[number] = site.make(self)
                return self._made[number]
        return None

    async def _fail(self, failure: Failure, scope: Scope, receive: Receive, send: Send) -> None:
        if failure.after_commit:
            await self.app(scope, receive, _discard)
        if failure.drop:
            await _drop(scope, receive)
        else:
            await _answer(send, failure.status, failure.body, failure.headers)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body = await self._carry_out(scope, receive)
        except ControlError as error:
            status, body = error.status, {"error": error.message}
        await _answer(send, status, body, {})

    async def _carry_out(self, scope: Scope, receive: Receive) -> tuple[int, object]:
        headers = dict(scope["headers"])
        origin = f"{scope.get('scheme', 'http')}://{headers.get(b'host', b'127.0.0.1').decode('latin-1')}"
        if headers.get(b"origin", origin.encode("latin-1")) != origin.encode("latin-1"):
            raise ControlError(403, "the control API is not for pages of other sites")
        query = dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True))
        path = scope["path"].removeprefix(CONTROL_PREFIX).rstrip("/")
        result = await self.steer(scope["method"], path, _parse(await read_body(receive)), query, origin)
        return (204 if result is None else 200), result

    async def steer(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None, origin: str = ""
    ) -> object:
        """Carries out a control call and returns what it answers, None for an answer without a body.

        Args:
            path: after ``/_control``, for instance ``/faults``.
            body: as parsed from JSON.

        Raises:
            ControlError: there is no such route, or it refuses.
        """
        handler, path_values = self._find(method, path)
        result = handler(ControlRequest(body, dict(query or {}), path_values, origin))
        return await result if inspect.isawaitable(result) else result

    def _find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        for route, pattern in self._patterns:
            found = pattern.fullmatch(path)
            if found and route.method == method:
                return route.handler, found.groupdict()
        raise ControlError(404, f"no control route {method} {CONTROL_PREFIX}{path}; GET {CONTROL_PREFIX} lists them")

    def _own_routes(self) -> list[ControlRoute]:
        return [
            ControlRoute("GET", "", self._listing, "this list"),
            ControlRoute("GET", "/faults", lambda _: self.faults.to_json(), "faults, latency and limits set now"),
            ControlRoute("PUT", "/faults", self._put_faults, "change what is named, leave the rest", _EXAMPLE_FAULTS),
            ControlRoute("GET", "/counts", lambda _: self._counts(), "calls by kind since the last reset"),
            ControlRoute("DELETE", "/counts", lambda _: self.faults.counts.clear(), "start counting from zero"),
            ControlRoute("POST", "/reset", lambda _: self.reset(), "no faults, first limits, counts at zero"),
        ]

    def reset(self) -> None:
        """Ends every fault, restores the first limits and counts from zero; the records stay."""
        self.faults.reset()
        if self._on_reset is not None:
            self._on_reset()

    def _put_faults(self, request: ControlRequest) -> object:
        self.faults.update_from_json(request.body)
        return self.faults.to_json()

    def _counts(self) -> dict[str, object]:
        return {"total": self.faults.total, "by_kind": dict(self.faults.counts)}

    def _listing(self, request: ControlRequest) -> list[dict[str, object]]:
        return [route.to_json(request.origin) for route in self.routes]


def raw_path(scope: Scope) -> str:
    """Returns the path as it was sent: a slash inside an id is still ``%2F``."""
    raw = scope.get("raw_path")
    return raw.decode("latin-1").partition("?")[0] if raw else quote(scope["path"])


async def read_body(receive: Receive) -> bytes:
    """Reads the whole body of a request."""
    message = await receive()
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = [message.get("body", b"")]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


def _parse(raw: bytes) -> object:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ControlError(400, f"the body is not JSON: {error}") from error


def _call_text(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['method']} {scope['path']}{'?' if query else ''}{query}"


async def _discard(message: Message) -> None:
    """Takes the answer of a request whose reply is to be lost."""


async def _drop(scope: Scope, receive: Receive) -> None:
    """Closes the caller's connection without a word."""
    extension = scope.get("extensions", {}).get(DROP_EXTENSION)
    if extension is None:
        import httpx  # only who calls in process needs it, and has it

        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
    extension["abort"]()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, body: object, headers: Mapping[str, str]) -> None:
    raw, content_type = _encode(body)
    pairs = {"content-type": content_type, **{name.lower(): value for name, value in headers.items()}}
    pairs["content-length"] = str(len(raw))
    if status == 204:
        del pairs["content-length"], pairs["content-type"]
    wire = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": wire})
    await send({"type": "http.response.body", "body": raw})


def _encode(body: object) -> tuple[bytes, str]:
    if body is None:
        return b"", "text/plain; charset=utf-8"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return orjson.dumps(body), "application/json; charset=utf-8"
