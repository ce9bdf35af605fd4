"""Stops: what keeps a connection from being written to, until a person lets it go on.

Guards trip, people pause. A stop is a row, so that it holds for every worker on every host within a second, and outlives
them all. Nothing that waits is lost: marks stay dirty, runs may be resumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TypeAlias

from hintsync.core.errors import BadInput, SafetyStop
from hintsync.core.guards import Pin, Trip, check_identity
from hintsync.core.values import Side
from hintsync.engine.basis import keep_up
from hintsync.engine.context import Engine
from hintsync.engine.guards.watch import NEVER, Watch
from hintsync.ports import Clock
from hintsync.state.live import Stop
from hintsync.state.port import AuditEvent, Commit, Connection, LogEntry, LogLevel, StateStore

#: Name of a stop that a person set.
PAUSE = "pause"
#: Name of the stop while another integration with Hint is installed in the org, and nobody said that it was ended (M21).
OTHER = "other-integration"
#: Guards whose stop holds for people too: what they would write might reach the wrong systems.
_FOR_EVERYBODY = frozenset({"G1"})

#: Seconds that knowledge of stops serves.
REFRESH = 1.0
#: Seconds after which both systems are asked again who they are (guard G1); two calls.
IDENTITY_AGE = 600.0


@dataclass(slots=True)
class Desk:
    """Enough of a connection to stop it and to let it go on, whether or not its systems answer."""

    connection: Connection
    store: StateStore
    clock: Clock
    actor: str
    watch: Watch = field(default_factory=Watch)

    def now(self) -> str:
        """Return the time as the store writes it: ISO 8601, UTC, seconds."""
        return self.clock.now().astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


#: Where stops are handled: at a connection at work, or at its rows alone.
Place: TypeAlias = Engine | Desk


@dataclass(frozen=True, slots=True)
class Stops:
    """The stops in force, oldest first, asked by who wants to write."""

    in_force: tuple[Stop, ...] = ()

    @property
    def of_people(self) -> Stop | None:
        """What keeps even a person from writing."""
        return next((stop for stop in self.in_force if stop.guard in _FOR_EVERYBODY), None)

    @property
    def of_work(self) -> Stop | None:
        """What keeps all automatic work from writing: a pause, or a guard that does not ask for sides."""
        return next((stop for stop in self.in_force if stop.side is None), None)

    def of_changes(self, side: Side) -> Stop | None:
        """What keeps automatic work from carrying the changes of one side to the other."""
        return self.of_work or next((stop for stop in self.in_force if stop.side is side), None)


async def may_write(engine: Engine) -> Stops:
    """Return the stops in force as known within the last second; makes sure first that these are the pinned systems.

    Keeps up with settings and fields besides (guard G5). Costs nothing within a second, and every ten minutes two calls to
    ask who the systems are (guard G1) and those of their describes.

    Raises:
        HintsyncError: a system, asked who it is, does not answer.
    """
    async with engine.watch.lock:
        await keep_up(engine)
        stops = await stops_in_force(engine)
        if stops.of_people is None and _older(engine, engine.watch.pinned_at, IDENTITY_AGE):
            await _look_who_it_is(engine)
            stops = Stops(engine.watch.stops)
    return stops


async def stops_in_force(place: Place) -> Stops:
    """Return the stops in force as known within the last second; no system is called."""
    watch = place.watch
    if _older(place, watch.stops_at, REFRESH):
        watch.stops = tuple(await place.store.stops(place.connection.id))
        watch.stops_at = place.clock.monotonic()
    return Stops(watch.stops)


async def ensure_pinned(engine: Engine) -> None:
    """Let nobody write, people included, unless both systems are the pinned ones (guard G1).

    Raises:
        SafetyStop: one is another, or was, and no administrator has looked at it since.
    """
    _refuse((await may_write(engine)).of_people)


async def ensure_running(engine: Engine) -> None:
    """Let a pass go on that a person started and does not wait for.

    Raises:
        SafetyStop: a stop of all automatic work is in force.
    """
    _refuse((await may_write(engine)).of_work)


def _refuse(stop: Stop | None) -> None:
    if stop is not None:
        raise SafetyStop(stop.guard, f"{stop.reason} (since {stop.at})")


async def trip(place: Place, stop: Stop) -> bool:
    """Put a stop in force and tell of it; one that is in force already stays as it is.

    Returns:
        Whether it is new.
    """
    new = await place.store.put_stop(stop)
    place.watch.stops_at = NEVER
    if new:
        action = "paused" if stop.guard == PAUSE else "stopped"
        await _tell(
            place, action, stop, f"{stop.guard} {'stops' if stop.guard != PAUSE else 'by a person:'} {stop.reason}"
        )
    return new


async def pause(place: Place, reason: str = "") -> bool:
    """Stop all automatic writes of all workers within seconds; people may go on. Return whether it was not paused yet."""
    why = reason.strip() or "paused by a person"
    return await trip(place, Stop(place.connection.id, PAUSE, None, why, place.now()))


async def resume(place: Place) -> bool:
    """End a pause; return whether there was one."""
    return await lift(place, PAUSE, None)


async def lift(place: Place, guard: str, side: Side | None) -> bool:
    """End a stop and tell of it; return whether it was in force."""
    known = next((s for s in await place.store.stops(place.connection.id) if (s.guard, s.side) == (guard, side)), None)
    ended = await place.store.clear_stop(place.connection.id, guard, side)
    place.watch.stops_at = NEVER
    if known is not None and ended:
        await _tell(place, "resumed", known, f"{guard} was acknowledged by {place.actor}")
    return ended


async def repin(engine: Engine) -> Connection:
    """Pin the connection to the systems that answer now, and end the stop of guard G1: an administrator has looked.

    Links keep the ids of the records they were made of; whoever pins another org or practice should know why.
    """
    seen = await seen_identity(engine)
    stored = await engine.store.connection(engine.connection.id) or engine.connection  # others learn facts meanwhile
    connection = replace(stored, org_id=seen.org_id, org_sandbox=seen.org_sandbox, practice_id=seen.practice_id)
    if pin_of(connection) != pin_of(stored):
        await engine.store.put_connection(connection)
        reason = f"org {seen.org_id} (sandbox: {seen.org_sandbox}), practice {seen.practice_id}"
        await engine.store.commit(Commit(audits=[_audit(engine, "pinned", "G1", None, reason)]))
    engine.connection = connection
    engine.watch.pinned_at = engine.clock.monotonic()
    await lift(engine, "G1", None)
    return connection


async def acknowledge_identity(engine: Engine) -> bool:
    """End the stop of guard G1 if the pinned systems are back; return whether it was in force.

    Raises:
        BadInput: they are not; says who answers.
    """
    trip_now = check_identity(pin_of(engine.connection), await seen_identity(engine))
    if trip_now is not None:
        raise BadInput(f"{trip_now.reason}; `hintsync resume --guard G1 --repin` pins what answers now")
    return await lift(engine, "G1", None)


def pin_of(connection: Connection) -> Pin:
    """Return which systems a connection is pinned to."""
    return Pin(connection.org_id, connection.org_sandbox, connection.practice_id)


async def seen_identity(engine: Engine) -> Pin:
    """Ask both systems who they are. Two calls."""
    org, practice = await engine.salesforce.identify(), await engine.hint.identify()
    return Pin(org.id, org.sandbox, practice.id)


async def _look_who_it_is(engine: Engine) -> None:
    found = check_identity(pin_of(engine.connection), await seen_identity(engine))
    if found is None:
        engine.watch.pinned_at = engine.clock.monotonic()
        return
    await trip(engine, stop_of(engine, found, None))
    await stops_in_force(engine)


def stop_of(place: Place, found: Trip, side: Side | None, run_id: str | None = None) -> Stop:
    """Return the stop that a tripped guard asks for."""
    return Stop(place.connection.id, found.guard, side, found.reason, place.now(), run_id)


def _older(place: Place, learned: float, age: float) -> bool:
    return place.clock.monotonic() - learned >= age


async def _tell(place: Place, action: str, stop: Stop, message: str) -> None:
    # A guard that trips is an error; what a person did on purpose is none.
    level = LogLevel.ERROR if action == "stopped" else LogLevel.DEBUG
    entry = LogEntry(place.connection.id, place.now(), level, f"automatic-work-{action}", message, run_id=stop.run_id)
    audit = _audit(place, action, stop.guard, stop.side, stop.reason, stop.run_id)
    await place.store.commit(Commit(audits=[audit], logs=[entry]))


def _audit(
    place: Place, action: str, guard: str, side: Side | None, reason: str, run_id: str | None = None
) -> AuditEvent:
    return AuditEvent(
        connection_id=place.connection.id,
        chain="connection",
        at=place.now(),
        actor=place.actor,
        action=action,
        run_id=run_id,
        rule=guard,
        side=side,
        reason=reason,
    )
