"""Streams of a run's progress over a socket: they go on, end with the run, with the role, and with the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from hintsync.engine.runs.ordering import BatchOrder, order_batch
from hintsync.state.port import RunKind
from hintsync.surfaces.order_keeper import OrderKeeper
from hintsync.surfaces.web.pages import streaming
from hintsync.surfaces.web.pages.streaming import Event
from hintsync.surfaces.web.serving import listen, serve
from tests.surfaces.web.pages.desk import Desk, at_desk


def test_an_event_of_several_lines_travels_as_several_lines_of_data() -> None:
    assert Event("part", "<p>\n\n</p>", "7").encode() == b"id: 7\nevent: part\ndata: <p>\ndata: \ndata: </p>\n\n"
    assert Event("done").encode() == b"event: done\ndata: \n\n"
    assert Event("tell", "one\r\nevent: forged").encode() == b"event: tell\ndata: one\ndata: event: forged\n\n"


class Reader:
    """Reads the events of a stream as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self, *names: str) -> dict[str, str]:
        """Return the next event of one of these names, or the next comment as the event ""."""
        event: dict[str, str] = {}
        async for line in self._lines:
            if line.startswith(":"):
                if "" in names:
                    return {"comment": line[1:].strip()}
            elif line:
                field, _, text = line.partition(": ")
                event[field] = f"{event[field]}\n{text}" if field in event else text
            elif event.get("event") in names:
                return event
            else:
                event = {}
        return {}


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Desk, httpx.AsyncClient, asyncio.Event]]:
    async with at_desk(folder) as desk:
        stop = desk.house.app.state.leaving
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(serve(desk.house.app, listener, stop))
        await desk.administrator.open()
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
            yield desk, http, stop
        stop.set()
        async with asyncio.timeout(10):
            await serving


async def ordered(desk: Desk) -> str:
    (engine,) = desk.house.engines.open
    return (await order_batch(engine, BatchOrder(RunKind.BATCH_PATIENTS, dry=True))).id


@asynccontextmanager
async def following(desk: Desk, http: httpx.AsyncClient, run_id: str, last: str = "") -> AsyncIterator[Reader]:
    headers = {"Authorization": f"Bearer {desk.administrator.token}", "Accept": "text/event-stream"}
    if last:
        headers["Last-Event-ID"] = last
    async with http.stream("GET", f"/c/demo/runs/{run_id}/progress", headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield Reader(answer)


async def test_a_run_is_followed_to_its_end(tmp_path: Path) -> None:
    async with served(tmp_path) as (desk, http, _):
        run_id = await ordered(desk)
        async with following(desk, http, run_id) as reader:
            assert reader.answer.headers["content-type"].startswith("text/event-stream")
            assert "no-transform" in reader.answer.headers["cache-control"]
            assert reader.answer.headers["x-accel-buffering"] == "no"
            assert reader.answer.headers["x-hintsync-token"]
            assert "waiting for a worker" in (await reader.next("part"))["data"]
            (engine,) = desk.house.engines.open
            working = asyncio.create_task(OrderKeeper(desk.house.wire.service, engine).work_next(asyncio.Event()))
            assert (await reader.next("done"))["data"] == f"/c/demo/runs/{run_id}"
            assert await reader.next("done") == {}
            await working


async def test_a_stream_that_is_taken_up_again_does_not_repeat_what_was_seen(tmp_path: Path) -> None:
    async with served(tmp_path) as (desk, http, _):
        run_id = await ordered(desk)
        async with following(desk, http, run_id) as reader:
            seen = (await reader.next("part"))["id"]
        async with following(desk, http, run_id, seen) as reader:
            assert (await reader.next("part", "tell"))["event"] == "tell"


async def test_a_stream_says_that_it_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE", 0.05)
    async with served(tmp_path) as (desk, http, _), following(desk, http, await ordered(desk)) as reader:
        assert (await reader.next(""))["comment"] == "begins"
        assert (await reader.next(""))["comment"] == "goes on"


async def test_a_stream_ends_with_the_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "BELIEVED", 0.0)
    monkeypatch.setattr("hintsync.surfaces.web.access.believed.BELIEVED", 0.0)
    async with served(tmp_path) as (desk, http, _), following(desk, http, await ordered(desk)) as reader:
        await reader.next("part")
        org = desk.house.wire.org
        (held,) = org.storage.ids_where(
            "PermissionSetAssignment", "AssigneeId", desk.administrator.user_id, live_only=False
        )
        org.delete("PermissionSetAssignment", held)
        async with asyncio.timeout(20):
            assert await reader.next("done") == {}


async def test_a_stream_ends_by_itself_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "LONGEST", 0.05)
    monkeypatch.setattr(streaming, "KEEP_ALIVE", 0.02)
    async with served(tmp_path) as (desk, http, _), following(desk, http, await ordered(desk)) as reader:
        async with asyncio.timeout(20):
            assert await reader.next("done") == {}


async def test_a_stream_does_not_keep_the_process_from_stopping(tmp_path: Path) -> None:
    async with served(tmp_path) as (desk, http, stop), following(desk, http, await ordered(desk)) as reader:
        await reader.next("part")
        stop.set()
        async with asyncio.timeout(5):  # a third of what requests under way are given
            assert await reader.next("done") == {}


async def test_a_run_of_nobody_is_not_followed(tmp_path: Path) -> None:
    async with at_desk(tmp_path) as desk:
        await desk.administrator.open()
        assert (await desk.administrator.get("/runs/run-404/progress")).status_code == 422
