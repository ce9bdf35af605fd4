"""What each guard has seen of late, gathered for people: the stops in force, and what the guards do that stop nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hintsync.core.limits import Purpose
from hintsync.core.records import FieldName
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.way import Way, load_way
from hintsync.engine.guards.budgets import short_side
from hintsync.engine.health.figures import MOST_REVIEWS
from hintsync.state.live import Stop
from hintsync.state.port import Connection, ReviewKind, Run, RunStatus, StateStore

#: Latest runs among which those are looked for that a guard ended.
_RUNS = 30


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """What is known of a connection's guards now."""

    stops: Sequence[Stop]
    #: The latest run that an empty side ended (G2).
    empty_side: Run | None
    #: Open reviews of overlays (G4), and of fields that were written in circles (G7).
    overlays: int
    loops: int
    #: Mapped fields that a side does not have or lets nobody write (G5); of an open engine.
    unusable: Mapping[Side, frozenset[FieldName]]
    #: Kinds of work that a side's calls of the day do not suffice for (G6), with the side.
    short: Mapping[Purpose, Side]
    way: Way
    #: Kinds of writes that are paused, because the first one was not kept as sent.
    paused_writes: tuple[str, ...]


async def guard_facts(store: StateStore, connection: Connection, engine: Engine | None) -> GuardFacts:
    """Read what the guards have seen; no remote call.

    Args:
        store: The store.
        connection: Whose guards.
        engine: The connection at work; None while it is not open.
    """
    reviews = await store.reviews(connection.id, limit=MOST_REVIEWS)
    runs = await store.runs(connection.id, limit=_RUNS)
    ended = (run for run in runs if run.status is RunStatus.STOPPED and "G2:" in (run.reason or ""))
    return GuardFacts(
        stops=await store.stops(connection.id),
        empty_side=next(ended, None),
        overlays=sum(each.kind is ReviewKind.OVERLAY for each in reviews),
        loops=sum(each.details.get("rule") == "G7" for each in reviews),
        unusable=_unusable(engine) if engine else {},
        short=_short(engine) if engine else {},
        way=await load_way(store, connection),
        paused_writes=_paused(connection),
    )


def _unusable(engine: Engine) -> Mapping[Side, frozenset[FieldName]]:
    never_written = {
        Side.HINT: frozenset(row.name for row in engine.table if row.one_way),
        Side.SALESFORCE: frozenset(),
    }
    found = {
        side: described.missing | (described.read_only - never_written[side])
        for side, described in engine.described.items()
    }
    return {side: names for side, names in found.items() if names}


def _short(engine: Engine) -> Mapping[Purpose, Side]:
    found = {purpose: short_side(engine, purpose) for purpose in Purpose}
    return {purpose: side for purpose, side in found.items() if side is not None}


def _paused(connection: Connection) -> tuple[str, ...]:
    stored = connection.facts.get("paused")
    return tuple(kind for kind in stored if isinstance(kind, str)) if isinstance(stored, list) else ()
