"""An emulator in a process of its own that notes every request, so that whoever measures need not ask it anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.batch.people import Shape
from hintsync_emulators.__main__ import start_hint, start_salesforce
from hintsync_emulators.serve import listen, serve, url_of
from hintsync_emulators.tls import write_certificate

LOG = "/_bench/log"
#: Header of who edits as people do: those requests are nobody's cost.
EDITOR = {"x-bench": "editor"}
#: Whoever steers; one for all, since making one costs more than a request.
HTTP = httpx.Client(timeout=60)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the emulator answered; moments on the machine's monotonic clock."""

    began: float
    ended: float
    method: str
    #: Path and query.
    target: str
    status: int
    body: str

    @property
    def is_write(self) -> bool:
        """Whether it changed a record."""
        return self.method in ("PATCH", "PUT", "DELETE") or (self.method == "POST" and "composite" in self.target)

    @property
    def is_login(self) -> bool:
        """Whether it got a token or looked who the org is; made once, whatever is synced."""
        return "oauth2" in self.target


@dataclass(frozen=True, slots=True)
class Office:
    """A running emulator."""

    url: str
    facts: dict[str, Any]

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Steer it."""
        answer = HTTP.request(method, f"{self.url}/_control{path}", json=body).raise_for_status()
        return answer.json() if answer.content else None

    def calls(self, after: int = 0) -> list[Call]:
        """Return the requests that it got, from the given number on."""
        answer = HTTP.get(f"{self.url}{LOG}", params={"after": after}).raise_for_status()
        return [Call(*each) for each in orjson.loads(answer.content)]

    def count(self) -> int:
        """Return how many requests there were."""
        return int(HTTP.get(f"{self.url}{LOG}", params={"count": 1}).raise_for_status().text)


@contextmanager
def offices(pairs: int) -> Iterator[tuple[Office, Office]]:
    """Start Hint and Salesforce with so many people who are the same on both sides."""
    with ExitStack() as stack:
        hint, org = (stack.enter_context(office(system, pairs)) for system in ("hint", "salesforce"))
        yield hint, org


@contextmanager
def office(system: str, pairs: int) -> Iterator[Office]:
    """Start one of them, a process of its own, with so many people."""
    command = [sys.executable, "-m", "bench.live.office", system, str(pairs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            facts = orjson.loads(process.stdout.readline())
            yield Office(facts["url"], facts)
        finally:
            process.terminate()
            process.wait(20)


class Noting:
    """Notes what passes through to an emulator; what people's edits and steering cost is left out."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app
        self._calls: list[tuple[float, float, str, str, int, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            await self._app(scope, receive, send)
        elif scope["path"] == LOG:
            await self._answer(scope["query_string"], send)
        elif (b"x-bench", b"editor") in scope["headers"]:
            await self._app(scope, receive, send)
        else:
            await self._note(scope, receive, send)

    async def _answer(self, query: bytes, send: Send) -> None:
        name, _, number = query.decode().partition("=")
        body = str(len(self._calls)).encode() if name == "count" else orjson.dumps(self._calls[int(number or 0) :])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def _note(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts: list[bytes] = []
        status = [0]

        async def keep() -> Message:
            message = await receive()
            parts.append(message.get("body", b""))
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        began = time.monotonic()
        await self._app(scope, keep, tell)
        target = scope["path"] + ("?" + scope["query_string"].decode("ascii") if scope["query_string"] else "")
        body = b"".join(parts).decode(errors="replace")
        self._calls.append((began, time.monotonic(), scope["method"], target, status[0], body))


def main(argv: Sequence[str]) -> int:
    """Serve one system until told to stop, or until whoever started it is gone."""
    system, pairs = argv[0], int(argv[1])
    people = Shape(pairs, pairs).populate()
    started = {"hint": start_hint, "salesforce": start_salesforce}[system](people, 1, None)
    listener = listen()
    with ExitStack() as stack:
        facts = {**started.facts, "url": url_of(listener)}
        if started.events is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hintsync-bench-")))
            files = write_certificate(folder)
            facts |= {"ca": str(files.ca), "pubsub": stack.enter_context(started.events(files.read(), 0))}
        sys.stdout.write(orjson.dumps(facts).decode() + "\n")
        sys.stdout.flush()
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        serve(Noting(started.app), listener)
    return 0


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
