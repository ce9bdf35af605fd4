"""The second way: the same pages and the same writes by a bare client that decides nothing and remembers nothing.

It uses the HTTP clients that hintsync uses, with as many requests at once, and parses every answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson

from bench.batch.replay import Floor
from bench.batch.way import Result, Stopwatch, Task, begin, tell
from hintsync.replicas.wire import open_transport
from hintsync.runtime import run

Item = TypeVar("Item")


class Side:
    """One system, as a client without any logic sees it."""

    def __init__(self, url: str, token: str, at_once: int, transport: httpx.AsyncBaseTransport) -> None:
        self._url = httpx.URL(url)
        self._headers = [
            (b"host", self._url.netloc),
            (b"authorization", f"Bearer {token}".encode()),
            (b"accept-encoding", b"gzip"),
        ]
        self.at_once = at_once
        self._transport = transport

    async def send(self, method: str, target: str, body: str = "") -> Any:
        """Make one request and parse its answer.

        Raises:
            RuntimeError: it was refused.
        """
        url = self._url.copy_with(raw_path=target.encode())
        raw = body.encode()
        headers = [*self._headers, (b"sforce-query-options", b"batchSize=2000")]
        if raw:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]
        request = httpx.Request(method, url, headers=headers, stream=httpx.ByteStream(raw))
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.RemoteProtocolError:  # a connection that was idle for long was closed as it was taken
            response = await self._transport.handle_async_request(request)
        content = await response.aread()
        await response.aclose()
        if response.status_code >= 300:
            raise RuntimeError(f"{method} {target[:60]} was answered {response.status_code}")
        return orjson.loads(content)


async def each(items: Iterable[Item], do: Callable[[Item], Awaitable[object]], *, at_once: int) -> None:
    """Do something for every item, so many at a time."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


async def send_all(task: Task) -> Result:
    """Read both sides, then write both sides."""
    plan = Floor.load(Path(task.path))
    hint, org = _sides(task)

    async def scan() -> None:
        page = await org.send("GET", plan.contact_scan)
        while not page["done"]:
            page = await org.send("GET", page["nextRecordsUrl"])

    async def read_and_write(group: tuple[str, str]) -> None:
        await org.send("GET", group[0])
        await org.send("PATCH", "/services/data/v67.0/composite/sobjects", group[1])

    begin(task.hint_url, task.salesforce_url)
    watch = Stopwatch()
    pages = each(plan.patient_pages, lambda page: hint.send("GET", page), at_once=hint.at_once)
    await asyncio.gather(scan(), pages)
    read = watch.result(0).seconds
    patches = each(plan.patches, lambda patch: hint.send("PATCH", *patch), at_once=hint.at_once)
    await asyncio.gather(each(plan.contact_groups, read_and_write, at_once=org.at_once), patches)
    return watch.result(len(plan.patches), read=read)


def _sides(task: Task) -> tuple[Side, Side]:
    limits = httpx.Limits(max_connections=task.salesforce_concurrency)
    return (
        Side(task.hint_url, task.hint_token, task.hint_concurrency, open_transport(task.hint_concurrency)),
        Side(
            task.salesforce_url,
            task.salesforce_token,
            task.salesforce_concurrency,
            httpx.AsyncHTTPTransport(limits=limits),
        ),
    )


if __name__ == "__main__":
    tell(run(send_all(Task.from_argv())))
