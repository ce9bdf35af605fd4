"""The kept plan of guard G3: what was held back, one row a pair, until somebody ends its stop (`engine.guards.approvals`).

The plan is a dry run of the kind HELD: ids, Versions, field names and fingerprints, no value. While it waits, later pairs are
added to it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from hintsync.core.plan import Outcome
from hintsync.core.records import FieldName, Fingerprint, Link
from hintsync.core.values import Side
from hintsync.engine.batch.sealing import made_with
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import Place
from hintsync.engine.workers import worker_name
from hintsync.state.live import Stop
from hintsync.state.port import Commit, Run, RunHeld, RunKind, RunRow, RunStatus

#: Seconds that a plan is leased for while rows are added to it, and between two tries to get the lease.
_LEASE, _PATIENCE = 30.0, 0.05


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
    async with alone(place, run_id) as run:
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
    async with alone(engine, stop.run_id) as run:
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
async def alone(place: Place, run_id: str) -> AsyncIterator[Run]:
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
