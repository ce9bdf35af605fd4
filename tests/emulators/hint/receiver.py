"""A partner's app that receives what Hint posts, and answers as it is told."""

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from hintsync_emulators.control import read_body


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def is_signed_with(self, key: str) -> bool:
        """Checks the signature as a partner would, without the emulator's own code."""
        expected = hmac.new(key.encode(), self.body, hashlib.sha256).hexdigest()
        return self.headers["x-hint-signature"] == f"sha256={expected}"


@dataclass
class Receiver:
    """An ASGI application.

    Attributes:
        statuses: what the next requests are answered with; 200 when none is left.
        answer: the body of every answer.
        hangs: never answers.
    """

    statuses: list[int] = field(default_factory=list)
    answer: bytes = b""
    hangs: bool = False
    got: list[Received] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.got.append(Received(scope["path"], headers, await read_body(receive)))
        if self.hangs:
            await asyncio.Event().wait()
        status = self.statuses.pop(0) if self.statuses else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": self.answer})

    @property
    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(self)

    @property
    def types(self) -> list[str]:
        return [each.json["type"] for each in self.got]

    def names(self) -> list[str]:
        """First names of the patients that arrived, in order."""
        return [each.json["object"]["first_name"] for each in self.got]
