"""Emulators that start fresh in no time: a process fills one, and a fork of it serves each way of the benchmark.

Filling an org takes longer than most of what is measured here. A fork begins with the very same records, and what is
written to it is gone when it ends.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self, TextIO

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.batch.people import Shape
from hintsync_emulators.__main__ import Started, start_hint, start_salesforce
from hintsync_emulators.serve import listen, serve, url_of

RECORDED = "/_bench/recorded"


@dataclass(frozen=True, slots=True)
class Emulator:
    """One that serves now."""

    url: str
    #: What a caller needs to speak to it.
    facts: Mapping[str, Any]


class Nursery:
    """The process that holds one filled emulator; used as a context."""

    def __init__(self, system: str, shape: Shape) -> None:
        """Begin to fill it; `ready` waits for the end of that."""
        command = [sys.executable, "-m", "bench.batch.nursery", system, json.dumps(asdict(shape))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def ready(self) -> None:
        """Wait until it is filled."""
        self._answer()

    def start(self) -> Emulator:
        """Serve a fresh copy."""
        facts = self._ask("start")
        return Emulator(facts["url"], facts)

    def stop(self) -> float:
        """End the copy that serves; return the seconds of processor it took."""
        return float(self._ask("stop")["cpu"])

    def _ask(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("an emulator ended; its own message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Recorder:
    """Keeps every request that an emulator gets, for the floor to send again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests: list[tuple[str, str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            await self._app(scope, receive, send)
        elif scope["path"] == RECORDED:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": orjson.dumps(self._requests)})
        else:
            await self._record(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts: list[bytes] = []

        async def keep() -> Message:
            message = await receive()
            parts.append(message.get("body", b""))
            return message

        await self._app(scope, keep, send)
        target = scope["raw_path"].decode("ascii").partition("?")[0]
        if scope["query_string"]:
            target = f"{target}?{scope['query_string'].decode('ascii')}"
        self._requests.append((scope["method"], target, b"".join(parts).decode(errors="replace")))


def main(argv: list[str]) -> int:
    """Fill the emulator, then start and stop copies of it as standard input says, until that closes."""
    started = _fill(argv[0], Shape(**json.loads(argv[1])))
    # What was filled is there to stay: spares the copies from looking it over, and so from copying its memory.
    gc.collect()
    gc.freeze()
    _say(sys.stdout, {"ready": True})
    child = 0
    for line in sys.stdin:
        if line == "start\n":
            child = _fork(started)
        elif line == "stop\n":
            _say(sys.stdout, {"cpu": _end(child)})
            child = 0
    if child:
        _end(child)
    return 0


def _fill(system: str, shape: Shape) -> Started:
    gc.disable()
    start = {"hint": start_hint, "salesforce": start_salesforce}[system]
    started = start(shape.populate(), shape.seed, None)
    gc.enable()
    return started


def _fork(started: Started) -> int:
    listener = listen()
    child = os.fork()
    if child:
        listener.close()
        return child
    try:
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        _say(sys.stdout, {"url": url_of(listener), **started.facts})
        serve(Recorder(started.app), listener)
    finally:
        os._exit(0)


def _end(child: int) -> float:
    os.kill(child, signal.SIGTERM)
    _, _, used = os.wait4(child, 0)
    return _seconds(used)


def _seconds(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def _say(out: TextIO, answer: Mapping[str, object]) -> None:
    out.write(f"{json.dumps(answer)}\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
