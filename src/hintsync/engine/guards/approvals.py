"""Ending the stop of guard G3: the kept plan is approved, or the guards look anew; and what an approval covers.

An approval seals the plan, ends the stop and marks its records. Live work then does what still has the approved fingerprint;
what changed since goes through the guards like anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hintsync.core.errors import BadInput
from hintsync.core.guards import check_made_with
from hintsync.core.records import FieldName, Fingerprint, RecordId
from hintsync.core.seal import Prints
from hintsync.core.values import Side
from hintsync.engine.batch.sealing import made_with, seal_run
from hintsync.engine.context import Engine
from hintsync.engine.guards.held import alone, drop_plan
from hintsync.engine.guards.stops import Place, lift
from hintsync.engine.guards.watch import NEVER
from hintsync.state.live import Lane, Mark, Stop
from hintsync.state.port import AuditEvent, Commit, Run, RunKind, RunRow, RunStatus

#: Name of the cursor that lists approved plans, newest last.
_APPROVED = "approved-plans"
#: Seconds that an approval is good for.
APPROVAL_AGE = 48 * 3600.0
#: Records of one look-up.
_AT_ONCE = 500


async def approve(place: Place, run_id: str, *, seal: str | None = None) -> int:
    """Approve a kept plan: its stop ends, its records are marked, and live work does what it still fits.

    Doing so again, after a crash in between, finishes what is left of it.

    Args:
        place: The connection.
        run_id: The plan, a run of the kind HELD.
        seal: What the person saw, if they said (`seal_of`): a plan that grew since is refused.

    Returns:
        The number of records marked.

    Raises:
        BadInput: no such plan, one that was dropped or approved before, or another seal.
    """
    stop = await _stop_of(place, await _kept(place, run_id))
    async with alone(place, run_id) as run:
        found = await seal_run(place, run)
        if seal is not None and found != seal:
            raise BadInput(f"plan {run_id} is not what was seen: its seal is {found}; look again")
        if run.status is RunStatus.RUNNING:
            run = await _seal(place, run, found)
    marks = await _mark_rows(place, run)
    if stop is not None and stop.side is not None:
        await forget_window(place, stop.side)
        await lift(place, stop.guard, stop.side)
    return marks


async def _stop_of(place: Place, run: Run) -> Stop | None:
    """Return the stop that a plan belongs to; None if it was lifted although the plan still waits."""
    stops = await place.store.stops(place.connection.id)
    stop = next((stop for stop in stops if stop.run_id == run.id), None)
    if stop is None and run.status is RunStatus.DONE:
        raise BadInput(f"plan {run.id} was approved already, by {run.approved_by}")
    return stop


async def forget_window(place: Place, changed: Side) -> None:
    """Begin the count of one side's changes anew: a person has looked at what led to its stop."""
    now = place.clock.now().timestamp()
    await place.store.forget_intents(place.connection.id, before=now + 1, side=changed.other)
    place.watch.window_until = NEVER


async def _run(place: Place, run_id: str) -> Run:
    run = await place.store.run(run_id)
    if run is None or run.connection_id != place.connection.id:
        raise BadInput(f"no run {run_id}; `hintsync runs` lists them")
    return run


async def _kept(place: Place, run_id: str) -> Run:
    run = await _run(place, run_id)
    if run.kind is not RunKind.HELD:
        raise BadInput(f"{run_id} is not a plan that a guard kept; `hintsync status` names those that wait")
    if run.status not in (RunStatus.RUNNING, RunStatus.DONE):
        raise BadInput(f"plan {run_id} is {run.status}: {run.reason or 'it is not kept any more'}")
    return run


async def seal_of(place: Place, run_id: str) -> str:
    """Return the seal over a plan's rows as they are now: what an approval may name."""
    return await seal_run(place, await _kept(place, run_id))


async def _seal(place: Place, run: Run, seal: str) -> Run:
    known = (await place.store.get_cursor(place.connection.id, _APPROVED) or "").split()
    await place.store.put_cursor(place.connection.id, _APPROVED, " ".join([*known[-19:], run.id]))
    sealed = replace(
        run,
        status=RunStatus.DONE,
        seal=seal,
        approved_by=place.actor,
        finished_at=place.now(),
        details={**run.details, "phase": "approved"},
    )
    audit = AuditEvent(
        connection_id=place.connection.id,
        chain=f"run:{run.id}",
        at=place.now(),
        actor=place.actor,
        action="approved",
        run_id=run.id,
        rule="G3",
        reason=f"seal {seal}",
    )
    await place.store.commit(Commit(audits=[audit], run=sealed))
    return sealed


async def _mark_rows(place: Place, run: Run) -> int:
    """Mark the records of a plan dirty again; they waited unparked, so this only makes them due now."""
    at, marks = place.clock.now().timestamp(), list[Mark]()
    async for row in place.store.rows(run.id):
        marks.append(Mark(row.side, row.record_id, "person", at, Lane.CATCH_UP))
    for start in range(0, len(marks), _AT_ONCE):
        await place.store.mark(place.connection.id, marks[start : start + _AT_ONCE])
    return len(marks)


async def approved_prints(engine: Engine, link_id: str) -> Prints | None:
    """Return what an administrator approved for one link within the last two days; None if nothing.

    A side whose fields are empty stands for an approved suspension. Costs one small read a second, whatever the link.
    """
    writes = await approved_writes(engine)
    found = {side: writes[link_id, side] for side in Side if (link_id, side) in writes}
    return found or None


async def approved_writes(engine: Engine) -> Mapping[tuple[str, Side], Mapping[FieldName, Fingerprint]]:
    """Return every write that an approval in force covers, by link and written side."""
    watch, now = engine.watch, engine.clock.monotonic()
    if now - watch.approved_at < 1.0:
        return watch.approved
    ids = await engine.store.get_cursor(engine.connection.id, _APPROVED) or ""
    basis = f"{ids}|{made_with(engine)}|{int(now // 600)}"
    if basis != watch.approved_basis:
        watch.approved = {}
        for run_id in ids.split():
            watch.approved = {**watch.approved, **await _writes_of(engine, run_id)}
        watch.approved_basis = basis
    watch.approved_at = now
    return watch.approved


async def _writes_of(engine: Engine, run_id: str) -> dict[tuple[str, Side], Mapping[FieldName, Fingerprint]]:
    """Return the writes of one approved plan: none if it is too old, not what was sealed, or made with another mapping."""
    run = await engine.store.run(run_id)
    if run is None or run.seal is None or run.status is not RunStatus.DONE or run.finished_at is None:
        return {}
    age = engine.clock.now().timestamp() - datetime.fromisoformat(run.finished_at).timestamp()
    then = run.details.get("made_with")
    outdated = not isinstance(then, list) or check_made_with(then, made_with(engine)) is not None
    if age > APPROVAL_AGE or outdated or await seal_run(engine, run) != run.seal:
        return {}
    rows = [row async for row in engine.store.rows(run_id)]
    links = await _links_of(engine, rows)
    return {
        (links[row.record_id], row.side.other): row.prints.get(row.side.other, {})
        for row in rows
        if row.record_id in links
    }


async def _links_of(engine: Engine, rows: Sequence[RunRow]) -> Mapping[RecordId, str]:
    """Return the live links of a plan's records, by record; a link with another record by now is left out."""
    found: dict[RecordId, str] = {}
    for start in range(0, len(rows), _AT_ONCE):
        chunk = rows[start : start + _AT_ONCE]
        for side in {row.side for row in chunk}:
            ids = [row.record_id for row in chunk if row.side is side]
            states = await engine.store.live_links(engine.connection.id, side, ids)
            found.update({record_id: state.link.id for record_id, state in states.items()})
    return found


async def acknowledge(place: Place, guard: str, side: Side | None = None) -> list[Stop]:
    """End the stops of a guard, of one side's changes or of both, without approving what was held back.

    What was held back is due at once and goes through the guards anew: enough of it stops again.

    Raises:
        BadInput: no such stop is in force.
    """
    known = await place.store.stops(place.connection.id)
    wanted = [stop for stop in known if stop.guard == guard and side in (None, stop.side)]
    if not wanted:
        raise BadInput(f"no stop of {guard}{f' for {side}' if side else ''} is in force; `hintsync status` shows them")
    for stop in wanted:
        if stop.run_id is not None:
            await drop_plan(place, stop.run_id, "the stop was lifted without an approval")
            await _mark_rows(place, await _run(place, stop.run_id))
        if stop.side is not None:
            await forget_window(place, stop.side)
        await lift(place, stop.guard, stop.side)
    return wanted
