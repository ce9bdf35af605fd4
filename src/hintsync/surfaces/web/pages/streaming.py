"""Server-sent events for a visit: a page follows what goes on, for as long as it is open and its reader may see it.

The page asks by fetch, with its token in a header. A stream ends when the reader goes, when the process is about to stop, and
now and then by itself; the page takes it up again, with a fresh token and a fresh look at what the reader may do.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import cast

from starlette.responses import Response, StreamingResponse

from hintsync.core.errors import HintsyncError
from hintsync.surfaces.web.access.believed import BELIEVED
from hintsync.surfaces.web.pages.place import Visit
from hintsync.surfaces.web.pages.render import frames_for, guards

#: Seconds without an event after which a comment says that the stream is alive; proxies close what is silent for a minute.
KEEP_ALIVE = 15.0
#: Seconds after which a stream ends by itself: the page's token is good for half an hour, and each answer brings a new one.
LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    #: `part`: HTML that takes the place of the element's content; `tell`: words for a screen reader; `done`: the last one,
    #: with the address of a page to go to, or none.
    name: str
    data: str = ""
    #: What the page sends when it takes the stream up again (`Last-Event-ID`).
    id: str = ""

    def encode(self) -> bytes:
        """Return the event as it travels."""
        lines = [f"id: {self.id}"] if self.id else []
        lines.append(f"event: {self.name}")
        lines.extend(f"data: {line}" for line in self.data.splitlines() or [""])
        return ("\n".join(lines) + "\n\n").encode()


def stream(visit: Visit, events: AsyncIterator[Event]) -> Response:
    """Answer with a stream of events; the iterator is closed when it ends, however that comes.

    Args:
        visit: by GET, to a place that stays open to the visitor while the role lasts.
        events: ends by itself after an event `done`, or goes on; what it raises of ours ends the stream, and the page asks anew.
    """
    headers = {
        **guards(frames_for(visit.visitor)),
        "Cache-Control": "no-store, no-transform",
        "X-Accel-Buffering": "no",  # nginx would gather the events into larger pieces
    }
    return StreamingResponse(_flow(visit, events), headers=headers, media_type="text/event-stream")


def last_event_id(visit: Visit) -> str:
    """Return the id of the last event that the page saw before its stream broke; empty at the first time."""
    return visit.request.headers.get("last-event-id", "") if visit.request is not None else ""


async def _flow(visit: Visit, events: AsyncIterator[Event]) -> AsyncGenerator[bytes, None]:
    clock = asyncio.get_running_loop().time
    began = checked = clock()
    leaving = asyncio.ensure_future(_leaving(visit))
    coming = asyncio.ensure_future(_next(events))
    yield b": begins\n\n"  # sends the headers
    try:
        while clock() - began < LONGEST:
            await asyncio.wait([coming, leaving], timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED)
            if clock() - checked >= BELIEVED:
                checked = clock()
                if not await visit.may_stay():
                    return
            if coming.done():
                event = coming.result()
                if event is None:
                    return
                yield event.encode()
                coming = asyncio.ensure_future(_next(events))
            elif leaving.done():
                return
            else:
                yield b": goes on\n\n"
    except HintsyncError:  # the page asks anew, and is told what is the matter
        return
    finally:
        leaving.cancel()
        coming.cancel()
        await asyncio.gather(leaving, coming, return_exceptions=True)
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _next(events: AsyncIterator[Event]) -> Event | None:
    """Return the next event; None if there are no more."""
    return await anext(events, None)


async def _leaving(visit: Visit) -> Event | None:
    """Wait until the process is about to stop."""
    assert visit.request is not None, "streams are asked for by GET"
    await cast(asyncio.Event, visit.request.app.state.leaving).wait()
    return None
