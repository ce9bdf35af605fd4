"""What people must be told of a connection, and only when it changes: a condition that comes up, one that has gone.

What was told last is a cursor, so that neither a restart nor a second process tells it again; whoever runs this holds the
schedule's lease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from hintsync.engine.context import Engine
from hintsync.engine.detect.way import chosen_way, load_way
from hintsync.ports import Alerts, Urgency
from hintsync.state.live import Stop
from hintsync.state.port import Json

#: Cursor: codes and texts of the conditions that people were told of.
TOLD: Final = "alerts:told"
#: Cursor: seconds since the epoch of the latest thing that went well.
LAST_SUCCESS: Final = "last-success"
#: Seconds between two writes of `LAST_SUCCESS`.
PULSE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """When waiting becomes a condition."""

    #: Seconds that the oldest dirty record may wait.
    queue: float = 1800.0
    #: Seconds that may pass without anything going well (the dead-man's alert).
    silence: float = 6 * 3600.0


class Pulse:
    """Remembers, at most once a minute, that something went well: a pass, a poll, a keepalive, a check of both systems."""

    def __init__(self, engine: Engine) -> None:
        """Take the connection."""
        self._engine = engine
        self._noted = float("-inf")

    async def beat(self) -> None:
        """Note a success."""
        now = self._engine.clock.now().timestamp()
        if abs(now - self._noted) >= PULSE_SECONDS:
            self._noted = now
            await self._engine.store.put_cursor(self._engine.connection.id, LAST_SUCCESS, repr(now))


async def conditions(engine: Engine, limits: Limits = Limits()) -> Mapping[str, str]:
    """Return what is wrong with a connection now: a stable code, and a sentence with ids, counts and field names only."""
    store, connection_id = engine.store, engine.connection.id
    now = engine.clock.now().timestamp()
    found = {_code(stop): f"{stop.guard}: {stop.reason}" for stop in await store.stops(connection_id)}
    backlog = await store.backlog(connection_id)
    if backlog.parked:
        found["parked"] = "records wait for a person after repeated failure; `hintsync status` names them"
    for side, oldest in backlog.oldest.items():
        if now - oldest > limits.queue:
            found[f"queue:{side}"] = f"changes from {side} have been waiting for over {limits.queue / 60:.0f} minutes"
    for kind in _paused(engine):
        found[f"paused:{kind}"] = f"writes of the kind {kind} are paused: the first one was not kept as sent"
    way = await load_way(store, engine.connection)
    if not way.topic and chosen_way(engine.connection).topic:
        found["polling"] = f"change events are out of order, changes in Salesforce are found by polling: {way.reason}"
    if (silent := await _silence(engine, now)) is not None and silent > limits.silence:
        found["silence"] = f"nothing has succeeded for over {limits.silence / 3600:.0f} hours"
    return found


async def tell_changes(engine: Engine, alerts: Alerts, limits: Limits = Limits()) -> Mapping[str, Urgency]:
    """Tell people of conditions that have come up or gone since the last time; return what was told, by code."""
    now = await conditions(engine, limits)
    before = await _told(engine)
    name = engine.connection.name
    told: dict[str, Urgency] = {}
    for code in sorted(now.keys() - before.keys()):
        await alerts.send(f"hintsync {name}: {code}", now[code], Urgency.TROUBLE)
        told[code] = Urgency.TROUBLE
    for code in sorted(before.keys() - now.keys()):
        await alerts.send(f"hintsync {name}: {code} is over", before[code], Urgency.RECOVERED)
        told[code] = Urgency.RECOVERED
    if told:  # after the sending: a crash in between tells twice rather than never
        await engine.store.put_cursor(engine.connection.id, TOLD, orjson.dumps(dict(now)).decode())
    return told


def _code(stop: Stop) -> str:
    return f"stop:{stop.guard}" if stop.side is None else f"stop:{stop.guard}:{stop.side}"


def _paused(engine: Engine) -> list[str]:
    stored: Json = engine.connection.facts.get("paused")
    return [kind for kind in stored if isinstance(kind, str)] if isinstance(stored, list) else []


async def _silence(engine: Engine, now: float) -> float | None:
    """Return the seconds since the latest success; None for a connection that has not begun yet."""
    noted = await engine.store.get_cursor(engine.connection.id, LAST_SUCCESS)
    return None if noted is None else now - float(noted)


async def _told(engine: Engine) -> Mapping[str, str]:
    stored = await engine.store.get_cursor(engine.connection.id, TOLD)
    told = orjson.loads(stored) if stored else {}
    return {str(code): str(text) for code, text in told.items()}
