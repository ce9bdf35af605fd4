"""Stands where Caddy stands: gives each request to one of the web processes, and to another one if that is gone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

#: Told the body of each webhook that was accepted, in a thread, before the sender hears of it.
Accepted = Callable[[bytes], None]


@dataclass(slots=True)
class Front:
    """Where webhooks come in."""

    upstreams: Sequence[str]
    accepted: Accepted
    #: Answers by status, those of the front itself included.
    answers: dict[str, list[int]] = field(default_factory=dict)
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    def app(self) -> Starlette:
        """Return the application to serve."""
        passing: Callable[[Request], Awaitable[Response]] = self._pass
        return Starlette(routes=[Route("/webhooks/{rest:path}", passing, methods=["POST", "GET"])])

    async def _pass(self, request: Request) -> Response:
        first, body = next(self._turn), await request.body()
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        async with httpx.AsyncClient(timeout=20) as http:
            for number in range(len(self.upstreams)):
                upstream = self.upstreams[(first + number) % len(self.upstreams)]
                target = f"{upstream}{request.url.path}?{request.url.query}"
                try:
                    answer = await http.request(request.method, target, content=body, headers=headers)
                except httpx.ConnectError:
                    continue  # it is not there: nothing was sent
                except httpx.TransportError:
                    break  # it may have taken the request in before it died; the sender will say so again
                return await self._answered(upstream, request, body, answer)
        return Response(status_code=502)

    async def _answered(self, upstream: str, request: Request, body: bytes, answer: httpx.Response) -> Response:
        self.answers.setdefault(upstream, []).append(answer.status_code)
        if request.method == "POST" and answer.is_success:
            await asyncio.to_thread(self.accepted, body)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


def event_of(body: bytes) -> tuple[str, dict[str, object]]:
    """Return the id of a webhook's event and the patient that it shows."""
    read = orjson.loads(body)
    return str(read["id"]), read["object"]
