"""The kept plan of guard G3: what was held back, one row a pair, until an administrator approves it or lets it be.

The plan is a dry run of the kind HELD: ids, Versions, field names and fingerprints, no value. While it waits, later pairs are
added to it. An approval seals it, ends the stop and marks its records; live work then does what still has the approved
fingerprint, and what changed since goes through the guards like anything else.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from hintsync.core.errors import BadInput
from hintsync.core.guards import check_made_with
from hintsync.core.plan import Outcome
from hintsync.core.records import FieldName, Fingerprint, Link, RecordId
from hintsync.core.seal import Prints
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.sealing import made_with, seal_run
from hintsync.engine.stops import Place, lift
from hintsync.engine.watch import NEVER
from hintsync.engine.workers import worker_name
from hintsync.state.live import Lane, Mark, Stop
from hintsync.state.port import AuditEvent, Commit, Run, RunHeld, RunKind, RunRow, RunStatus

#: Name of the cursor that lists approved plans, newest last.
_APPROVED = "approved-plans"
#: Seconds that an approval is good for.
APPROVAL_AGE = 48 * 3600.0
#: Seconds that a plan is leased for while rows are added to it, and between two tries to get the lease.
_LEASE, _PATIENCE = 30.0, 0.05
#: Records of one look-up.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class HeldWrite:
    """A write that a guard held back."""

    link: Link
    #: The side that would be written.
    side: Side
    #: What would be written; empty: the link would be suspended.
    prints: Mapping[FieldName, Fingerprint]
    #: Versions of the records it was decided on, as text.
    versions: Mapping[Side, str] = field(default_factory=dict)


async def start_plan(engine: Engine, side: Side) -> Run:
    """Start the plan that keeps what the changes of one side would do."""
    run = Run(
        id=engine.new_id("run"),
        connection_id=engine.connection.id,
        kind=RunKind.HELD,
        status=RunStatus.RUNNING,
        dry=True,
        started_at=engine.now(),
        started_by=engine.actor,
        details={"made_with": made_with(engine), "side": str(side), "phase": "waits for an approval"},
    )
    await engine.store.start_run(run)
    return run


async def drop_plan(place: Place, run_id: str, reason: str) -> None:
    """End a plan that nobody is going to approve."""
    async with _alone(place, run_id) as run:
        if run.status is RunStatus.RUNNING:
            await place.store.save_run(
                replace(run, status=RunStatus.ABORTED, reason=reason, finished_at=place.now(), worker=None)
            )


async def keep_back(engine: Engine, stop: Stop, held: Sequence[HeldWrite]) -> bool:
    """Add writes to the plan that a stop names; a pair that is in it already is replaced.

    Returns:
        Whether they are kept. A stop without a plan keeps nothing, and a plan that was approved or dropped meanwhile takes
        no more: the pair must come again, and is judged anew.
    """
    if stop.run_id is None:
        return False
    async with _alone(engine, stop.run_id) as run:
        if run.status is not RunStatus.RUNNING:
            return False
        await engine.store.commit(Commit(rows=[_row(run.id, write) for write in held], run=run))
        return True


def _row(run_id: str, write: HeldWrite) -> RunRow:
    side, link = write.side.other, write.link
    ids = {Side.HINT: link.patient_id or "", Side.SALESFORCE: link.contact_id or ""}
    return RunRow(
        run_id,
        _position(link.id),
        side,
        ids[side],
        Outcome.SYNCED if write.prints else Outcome.SUSPENDED,
        "G3",
        peers=(ids[write.side],),
        written={write.side: tuple(sorted(write.prints))},
        prints={write.side: write.prints} if write.prints else {},
        versions=write.versions,
    )


def _position(link_id: str) -> int:
    """Return a link's place in a plan: 52 bits of a hash, so that workers need not agree on the next free place."""
    return int.from_bytes(hashlib.sha256(link_id.encode()).digest()[:7], "big") >> 4


@asynccontextmanager
async def _alone(place: Place, run_id: str) -> AsyncIterator[Run]:
    """Hold a plan, so that nothing is added while it is sealed; waits for whoever holds it."""
    worker = f"{worker_name()}:{secrets.token_hex(4)}"
    while True:
        now = place.clock.now().timestamp()
        try:
            run = await place.store.lease_run(run_id, worker, now, now + _LEASE)
            break
        except RunHeld:
            await place.clock.sleep(_PATIENCE)
    try:
        yield run
    finally:
        await _release(place, run_id, worker)


async def _release(place: Place, run_id: str, worker: str) -> None:
    """Let go of a plan; one that has ended, or whose lease ran out and went to another, is let go of already."""
    run = await place.store.run(run_id)
    if run is not None and run.worker == worker:
        now = place.clock.now().timestamp()
        await place.store.lease_run(run_id, worker, now, now)


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
    async with _alone(place, run_id) as run:
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
