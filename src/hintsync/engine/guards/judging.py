"""Puts planned pairs to the guards before they are written (G3, G7): bars sides, holds fields, keeps what was held back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hintsync.core.errors import SafetyStop
from hintsync.core.loops import without_loops
from hintsync.core.records import Link, LinkStatus
from hintsync.core.seal import prints_of
from hintsync.core.values import Side
from hintsync.engine.batch.planned import version_text
from hintsync.engine.context import Engine
from hintsync.engine.guards.held import HeldWrite, keep_back
from hintsync.engine.guards.window import Judged, admit
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.pairs.settling import Settled
from hintsync.state.live import Intent, Stop
from hintsync.state.port import Commit, LogLevel


def intents_of(engine: Engine, planned: Iterable[Settled]) -> list[Intent]:
    """Return what is about to be written to pairs, side by side; barred sides and pairs without writes are left out."""
    at, intents = engine.clock.now().timestamp(), list[Intent]()
    for settled in planned:
        if settled.changed_since:
            continue
        state = settled.pair.state
        prints = prints_of(settled.plan.writes, engine.fingerprinter(state.link.salt))
        intents.extend(
            Intent(state.link.id, side, at, written) for side, written in prints.items() if side not in settled.barred
        )
    return intents


def is_existing(settled: Settled) -> bool:
    """Say whether guard G3 counts a pair: it was linked before this pass, and nobody approved what is planned for it."""
    state = settled.pair.state
    return state.link.status is LinkStatus.ACTIVE and bool(state.base) and settled.pair.approved is None


async def guard_writes(engine: Engine, planned: Sequence[Settled]) -> Judged:
    """Judge planned pairs; bar the sides that may not be written, hold fields that go in circles.

    What goes on is noted (`Judged.noted`); the caller withdraws what comes to nothing. What is held back is kept in the plan
    of its stop; the caller puts barred pairs off: they stay to be done.
    """
    existing = [settled for settled in planned if is_existing(settled)]
    judged = await admit(engine, intents_of(engine, existing))
    kept: dict[Stop, list[HeldWrite]] = {}
    for settled in existing:
        for side in Side:
            stop = judged.stop(settled.pair.state.link.id, side)
            if stop is not None:
                settled.barred |= {side}
                kept.setdefault(stop, []).append(_held_write(engine, settled, side))
    closed = {stop for stop, writes in kept.items() if not await keep_back(engine, stop, writes)}
    for settled in existing:
        stops = {judged.stop(settled.pair.state.link.id, side) for side in settled.barred}
        settled.kept = bool(stops) and not stops & closed
    await _hold_loops(engine, existing, judged)
    return judged


async def guard_suspensions(engine: Engine, links: Sequence[Link], gone: Side) -> Stop | None:
    """Judge the suspension of links because one side's records are gone; return the stop that holds them back, if any.

    What is held back is kept in the plan of the stop. Only if nothing is, the suspensions are counted from now on.
    """
    at = engine.clock.now().timestamp()
    intents = [Intent(link.id, gone.other, at) for link in links]
    judged = await admit(engine, intents)
    stops = set(judged.held.values())
    for stop in stops:
        held = [link for link in links if judged.stop(link.id, gone.other) == stop]
        await keep_back(engine, stop, [HeldWrite(link, gone.other, {}) for link in held])
    if stops and judged.noted:
        await engine.store.withdraw(engine.connection.id, judged.noted)  # none of them is suspended for now
    return next(iter(stops), None)


async def stop_at_guards(engine: Engine, planned: Sequence[Settled]) -> None:
    """Judge the pairs of a pass over many, and count what it goes on to write to those that were linked before.

    Raises:
        SafetyStop: guard G3 holds some of them back; nothing of this round is written.
    """
    judged = await guard_writes(engine, planned)
    if judged.held:
        await engine.store.withdraw(engine.connection.id, judged.noted)
        stop = next(iter(judged.held.values()))
        raise SafetyStop(stop.guard, stop.reason)


async def stop_suspensions(engine: Engine, links: Mapping[Side, Sequence[Link]]) -> None:
    """Judge the links that a pass over many would suspend, by the side whose records are gone.

    Raises:
        SafetyStop: guard G3 holds them back; none is suspended.
    """
    for gone, suspended in links.items():
        stop = await guard_suspensions(engine, suspended, gone) if suspended else None
        if stop is not None:
            raise SafetyStop(stop.guard, stop.reason)


def _held_write(engine: Engine, settled: Settled, side: Side) -> HeldWrite:
    pair = settled.pair
    fp = engine.fingerprinter(pair.state.link.salt)
    prints = prints_of(settled.plan.writes, fp).get(side, {})
    versions = {seen.side: version_text(seen, fp) for seen in (pair.hint, pair.salesforce)}
    return HeldWrite(pair.state.link, side, prints, versions)


async def _hold_loops(engine: Engine, planned: Sequence[Settled], judged: Judged) -> None:
    """Guard G7: hold two-way fields, leave and report one-way ones."""
    logs = []
    for settled in planned:
        pair, link = settled.pair, settled.pair.state.link
        names = judged.loops.get(link.id)
        if not names:
            continue
        fp = engine.fingerprinter(link.salt)
        settled.plan = without_loops(settled.plan, names, engine.table, pair.hint, pair.salesforce, pair.state.base, fp)
        logs.append(
            Scribe(engine, f"link:{link.id}").log(
                LogLevel.ERROR,
                "written-in-circles",
                "fields were written too often within an hour, or to and fro; something else keeps changing them (G7)",
                contact_id=link.contact_id,
                patient_id=link.patient_id,
                fields=sorted(names),
            )
        )
    if logs:
        await engine.store.commit(Commit(logs=logs))
