"""The ASGI application of one org."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterable, Mapping
from typing import Protocol
from urllib.parse import parse_qsl, quote

import orjson
from starlette.types import Receive, Scope, Send

from hintsync_emulators.clock import http_date
from hintsync_emulators.control import read_body
from hintsync_emulators.salesforce.errors import ApiError, OAuthError
from hintsync_emulators.salesforce.org import Org
from hintsync_emulators.salesforce.web.call import Answer, Call
from hintsync_emulators.salesforce.web.dispatch import Dispatcher

#: Longest address, in bytes (REST API Developer Guide, status code 414).
LONGEST_URI = 16_384
#: Answers below this many bytes are not compressed.
_GZIP_FROM = 1_024


class Answering(Protocol):
    """What finds the answer to a call."""

    def dispatch(self, call: Call) -> Answer:
        """Answer a call."""


class Application:
    """Speaks HTTP for an org; what it answers is its dispatcher's, by default that of the API."""

    def __init__(self, org: Org, dispatcher: Answering | None = None) -> None:
        self.org = org
        self.dispatcher = dispatcher or Dispatcher(org)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = await read_body(receive)
        with self.org.guard:
            answer = self._answer(scope, headers, body)
        while answer.steps is not None:
            await asyncio.sleep(0)
            with self.org.guard:
                answer = _go_on(answer)
        status, raw, wire = self._wire(answer, headers)
        await send({"type": "http.response.start", "status": status, "headers": wire})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else raw})

    def _answer(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> Answer:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        override = headers.get("x-http-method-override") or _override(scope["query_string"])
        try:
            if len(_raw_path(scope)) + len(scope["query_string"]) + 1 > LONGEST_URI:
                raise ApiError(414, "URI_TOO_LONG", f"The URI is longer than {LONGEST_URI} bytes")
            call = Call(
                org=self.org,
                method=override.upper() if override and method == "POST" else method,
                path=_raw_path(scope).rstrip("/") or "/",
                params=_params(scope["query_string"]),
                headers=headers,
                body=_inflated(body, headers),
                origin=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
            )
            return self.dispatcher.dispatch(call)
        except (ApiError, OAuthError) as problem:
            return answer_of(problem)
        except RecursionError:
            return answer_of(ApiError(400, "QUERY_TOO_COMPLICATED", "The request is nested too deeply"))

    def _wire(self, answer: Answer, headers: Mapping[str, str]) -> tuple[int, bytes, Iterable[tuple[bytes, bytes]]]:
        raw = answer.raw
        if raw is None:
            raw = b"" if answer.value is None else _dump(answer.value, headers)
        extra = dict(answer.headers)
        if raw:
            extra["Content-Type"] = answer.content_type
        if len(raw) >= _GZIP_FROM and "gzip" in headers.get("accept-encoding", ""):
            raw = _deflated(raw)
            extra["Content-Encoding"] = "gzip"
            extra["Vary"] = "Accept-Encoding"
        if answer.status not in (204, 304):
            extra["Content-Length"] = str(len(raw))
        wire = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in extra.items()]
        return answer.status, raw, [(b"Date", http_date(int(self.org.auth.now()))), *wire]


def _go_on(answer: Answer) -> Answer:
    """Do a piece of the work that an answer waits for."""
    assert answer.steps is not None
    try:
        next(answer.steps)
    except StopIteration:
        answer.steps = None
    except ApiError as problem:
        problem.headers.update(answer.headers)
        return answer_of(problem)
    return answer


def answer_of(problem: ApiError | OAuthError) -> Answer:
    """Return the answer that an error is."""
    if isinstance(problem, OAuthError):
        body = {"error": problem.error, "error_description": problem.description}
        return Answer(problem.status, body)
    return Answer(problem.status, [fault.as_error() for fault in problem.faults], dict(problem.headers))


def _dump(value: object, headers: Mapping[str, str]) -> bytes:
    pretty = headers.get("x-prettyprint", "").lower() in ("1", "true")
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if pretty else None)


def _deflated(raw: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(raw) + packer.flush()


def _inflated(body: bytes, headers: Mapping[str, str]) -> bytes:
    encoding = headers.get("content-encoding", "").lower()
    if not body or encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding '{encoding}' is not supported")
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        raise ApiError(400, "INVALID_REQUEST", "The request body is not valid gzip") from None


def _raw_path(scope: Scope) -> str:
    """Return the path as it was sent: a slash inside an external id is still ``%2F``.

    Clients that were given an address with a slash at its end send two at the beginning; Salesforce takes them as one.
    """
    raw = scope.get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if raw else quote(scope["path"])
    return f"/{path.lstrip('/')}"


def _params(query: bytes) -> dict[str, str]:
    if not query:
        return {}
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _override(query: bytes) -> str | None:
    return dict(parse_qsl(query.decode("latin-1"))).get("_HttpMethod") if b"_HttpMethod" in query else None


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
