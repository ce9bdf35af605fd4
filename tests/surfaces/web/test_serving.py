"""The web application on a socket: what was answered survives kill -9, what was begun is finished at a stop."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import httpx
import orjson
import pytest

from hintsync.bootstrap import open_service
from hintsync.core.errors import FixConfiguration
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import Notice
from hintsync.settings import Settings
from hintsync.surfaces.web import receiver
from hintsync.surfaces.web.serving import listen, serve
from hintsync_emulators.hint import SIGNATURE_HEADER, signature
from tests.surfaces.web.house import KEY, PATH, opened

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tests.surfaces.web.server_process"]


class Burst:
    """Webhooks that are sent at once by several senders, and what came of them."""

    def __init__(self, url: str, practice_id: str) -> None:
        self.url = url
        self.practice_id = practice_id
        self.accepted: list[str] = []
        self.enough = asyncio.Event()

    async def send(self, senders: int, enough: int) -> None:
        """Send without end; `enough` is set at so many 2xx. Ends when the server is gone."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as http:
            await asyncio.gather(*(self._sender(http, number, enough) for number in range(senders)))

    async def _sender(self, http: httpx.AsyncClient, sender: int, enough: int) -> None:
        number = 0
        while True:
            patient_id = f"pat-{sender}-{number}"
            event = {"id": f"evt-{sender}-{number}", "type": "patient.updated", "object": {"id": patient_id}}
            body = orjson.dumps({**event, "practice_id": self.practice_id})
            try:
                answer = await http.post(PATH, content=body, headers={SIGNATURE_HEADER: signature(KEY, body)})
            except httpx.TransportError:
                return
            assert answer.status_code == 200
            self.accepted.append(patient_id)
            if len(self.accepted) >= enough:
                self.enough.set()
            number += 1


async def test_t7_nothing_that_was_answered_is_lost_over_kill_9(tmp_path: Path) -> None:
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*COMMAND, str(tmp_path), "0", cwd=ROOT, **pipes)
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    burst = Burst(told["url"], told["practice_id"])
    sending = asyncio.create_task(burst.send(senders=16, enough=300))
    await asyncio.wait([sending, asyncio.create_task(burst.enough.wait())], return_when=asyncio.FIRST_COMPLETED)
    process.kill()
    await process.wait()
    await sending
    async with open_service(Settings(state=tmp_path)) as service:
        kept = {each.record_id for each in await service.store.dirty("demo", limit=1_000_000)}
    assert len(burst.accepted) >= 300
    assert set(burst.accepted) <= kept


class Gated:
    """A way into the dirty set that waits for a sign."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(
        self, engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
    ) -> TakenIn:
        self.begun.set()
        await self.go_on.wait()
        return await take_in(engine, notices, cursors=cursors)


async def test_requests_under_way_are_finished_when_the_service_stops(tmp_path: Path) -> None:
    gated = Gated()
    async with opened(tmp_path, take_in=gated) as house:
        listener, stop = listen("127.0.0.1", 0), asyncio.Event()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(serve(house.app, listener, stop))
        body = house.envelope("patient.updated", {"id": "pat-1"})
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            asking = asyncio.create_task(
                http.post(PATH, content=body, headers={SIGNATURE_HEADER: signature(KEY, body)})
            )
            await gated.begun.wait()
            stop.set()
            gated.go_on.set()
            assert (await asking).status_code == 200
        await serving
        assert await house.dirty_ids() == ["pat-1"]


async def raw_exchange(url: httpx.URL, sent: bytes) -> bytes:
    """Send bytes as they are and return everything that comes back until the other end closes."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    with closing(writer):
        writer.write(sent)
        await writer.drain()
        return await reader.read()


async def test_what_comes_over_the_wire_is_refused_where_it_must_be(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        listener, stop = listen("127.0.0.1", 0), asyncio.Event()
        url = httpx.URL(f"http://127.0.0.1:{listener.getsockname()[1]}")
        serving = asyncio.create_task(serve(house.app, listener, stop))
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
        too_large = await raw_exchange(url, head + b"Content-Length: 999999999\r\n\r\nonly the start")
        assert too_large.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in too_large
        assert b"server:" not in too_large
        smuggled = await raw_exchange(url, head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert not smuggled.startswith(b"HTTP/1.1 2")
        split = await raw_exchange(url, head + f"{SIGNATURE_HEADER}: a\nX: b\x00\r\nConnection: close\r\n\r\n".encode())
        assert not split.startswith(b"HTTP/1.1 2")
        assert await house.dirty() == []
        stop.set()
        await serving


async def test_t16_a_body_that_does_not_come_or_is_cut_off_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "BODY_SECONDS", 0.2)
    async with opened(tmp_path) as house:
        listener, stop = listen("127.0.0.1", 0), asyncio.Event()
        url = httpx.URL(f"http://127.0.0.1:{listener.getsockname()[1]}")
        serving = asyncio.create_task(serve(house.app, listener, stop))
        start = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{{".encode()
        slow = await raw_exchange(url, start)
        assert slow.startswith(b"HTTP/1.1 408 ")
        assert b'{"error":"too-slow"}' in slow
        monkeypatch.setattr(receiver, "BODY_SECONDS", 600)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(start)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        body = house.envelope("patient.updated", {"id": "pat-1"})
        async with httpx.AsyncClient(base_url=str(url), trust_env=False) as http:
            answer = await http.post(PATH, content=body, headers={SIGNATURE_HEADER: signature(KEY, body)})
        assert answer.status_code == 200
        stop.set()
        await serving  # waits for requests under way: the one that was cut off is over
        assert house.metrics.total("webhook-unreadable") == 2


def test_an_address_that_is_taken_is_said() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FixConfiguration, match=f"port {port}"):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(FixConfiguration, match="cannot listen"):
        listen("192.0.2.1", 0)
