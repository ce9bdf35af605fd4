"""What a person orders of runs, from wherever they are: a batch begins, goes on, stops.

An order is a run's row that nobody works yet; the workers find it there (`engine.runs.ordered`). So it outlives whoever took it.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from hintsync.core.errors import BadInput, RetryLater
from hintsync.engine.batch.approved import load_approved
from hintsync.engine.batch.contact_list import keep_input, load_input
from hintsync.engine.batch.csv_ids import CsvIds
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import Place
from hintsync.engine.runs.life import let_go, reopen, settle_abort
from hintsync.engine.runs.ordered import ORDERED_BY, Standing, standing_of
from hintsync.engine.workers import worker_name
from hintsync.state.port import AuditEvent, Commit, Json, Run, RunHeld, RunKind, RunStatus

#: The two batches.
BATCHES = (RunKind.BATCH_PATIENTS, RunKind.BATCH_CONTACTS)
#: Kinds of runs that a person goes on with; the schedule goes on with the others by itself.
RESUMED_BY_PEOPLE = frozenset({*BATCHES, RunKind.SYNC})

#: Seconds that taking an order may take at most.
_TURN = 10.0


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """A batch as a person wants it."""

    kind: RunKind
    #: Plan only.
    dry: bool = False
    #: Contacts of a batch of contacts.
    listed: CsvIds | None = None
    #: Create contacts for patients without a match; None: as the connection has it.
    create_contacts: bool | None = None
    #: Plan to be carried out, and nothing else.
    plan: str | None = None


async def order_batch(engine: Engine, order: BatchOrder) -> Run:
    """Leave a batch to the workers and return its run; its id, the Batch Sync ID, is there at once.

    Raises:
        BadInput: a batch of this kind is under way, or a batch of contacts has no list.
        RetryLater: somebody else orders one at this very moment.
    """
    if order.kind is RunKind.BATCH_CONTACTS and order.listed is None:
        raise BadInput("no list of contacts was given; choose a file")
    async with _alone(engine, f"order:{order.kind}"):
        await _refuse_second(engine, order.kind)
        creates = engine.options.create_contacts if order.create_contacts is None else order.create_contacts
        details: dict[str, Json] = {ORDERED_BY: engine.actor, "approved": order.plan, "create_contacts": creates}
        run = Run(
            id=engine.new_id("run"),
            connection_id=engine.connection.id,
            kind=order.kind,
            status=RunStatus.RUNNING,
            dry=order.dry,
            started_at=engine.now(),
            started_by=engine.actor,
            details=details,
        )
        if order.listed is not None:
            await keep_input(engine, run.id, order.listed)  # first: whoever finds the run finds its list
        await engine.store.start_run(run)
    await _note(engine, run, "started", "dry run" if order.dry else f"plan {order.plan}" if order.plan else None)
    return run


async def order_plan(engine: Engine, plan_id: str, seal: str) -> Run:
    """Leave it to the workers to do what a dry run planned, and nothing else; return the run that will.

    Args:
        engine: The connection.
        plan_id: The dry run.
        seal: What the person saw.

    Raises:
        BadInput: no such finished dry run, another seal, or the mapping or the fields changed since (guard G5).
    """
    plan = await engine.store.run(plan_id)
    if plan is None or plan.connection_id != engine.connection.id or plan.kind not in BATCHES:
        raise BadInput(f"{plan_id} is not a batch's dry run")
    if plan.seal is None or plan.seal != seal:
        raise BadInput(f"the plan {plan_id} is not what was seen; look at it again")
    await load_approved(engine, plan_id, plan.kind)
    listed = await load_input(engine, plan_id) if plan.kind is RunKind.BATCH_CONTACTS else None
    creates = plan.details.get("create_contacts")
    order = BatchOrder(plan.kind, False, listed, creates if isinstance(creates, bool) else None, plan_id)
    run = await order_batch(engine, order)
    await engine.store.save_run(replace(plan, approved_by=engine.actor))
    await _note(engine, plan, "approved", f"seal {seal}")
    return run


async def order_resume(place: Place, run: Run) -> None:
    """Leave it to the workers to go on with a run that was stopped, aborted, or left by its process.

    Raises:
        BadInput: the run is done, is under way, or is of a kind that people do not go on with.
    """
    if run.kind not in RESUMED_BY_PEOPLE:
        raise BadInput(f"run {run.id} is of the kind {run.kind}: the service goes on with it by itself")
    if standing_of(run, place.clock.now().timestamp()) in (Standing.WAITING, Standing.WORKED):
        raise BadInput(f"run {run.id} is under way already")
    async with _alone(place, f"order:{run.kind}"):
        await _refuse_second(place, run.kind, besides=run.id)
        try:
            reopened = await reopen(place, run.id, run.kind)
        except RunHeld:
            raise BadInput(f"run {run.id} is under way already") from None
        ordered = replace(reopened, details={**reopened.details, ORDERED_BY: place.actor, "tries": 0})
        await place.store.save_run(ordered)
        await let_go(place, run.id)
    await _note(place, run, "resumed", None)


async def order_abort(place: Place, run: Run) -> bool:
    """Ask a run to stop, wherever it runs; return whether it has ended already. Else it ends after the chunk in hand.

    Raises:
        BadInput: it is not under way.
    """
    if not await place.store.ask_abort(run.id):
        raise BadInput(f"run {run.id} is {run.status}: there is nothing to abort")
    await _note(place, run, "aborted", None)
    return await settle_abort(place, run.id)


async def under_way(place: Place, kind: RunKind) -> Run | None:
    """Return the latest run of a kind that a worker has or will have; None if there is none."""
    active = (RunStatus.RUNNING, RunStatus.ABORTING)
    now = place.clock.now().timestamp()
    for run in await place.store.runs(place.connection.id, kinds=[kind], statuses=active):
        if standing_of(run, now) in (Standing.WAITING, Standing.WORKED):
            return run
    return None


async def _refuse_second(place: Place, kind: RunKind, besides: str = "") -> None:
    other = await under_way(place, kind)
    if other is not None and other.id != besides:
        raise BadInput(f"run {other.id} of the same kind is under way; abort it, or wait for its end")


async def _note(place: Place, run: Run, action: str, reason: str | None) -> None:
    audit = AuditEvent(
        connection_id=place.connection.id,
        chain=f"run:{run.id}",
        at=place.now(),
        actor=place.actor,
        action=action,
        run_id=run.id,
        reason=reason,
    )
    await place.store.commit(Commit(audits=[audit]))


@asynccontextmanager
async def _alone(place: Place, name: str) -> AsyncIterator[None]:
    """Take one order of a name at a time, over all processes."""
    worker, now = f"{worker_name()}/{secrets.token_hex(4)}", place.clock.now().timestamp()
    if name not in await place.store.lease_links(place.connection.id, [name], worker, now, now + _TURN):
        raise RetryLater(None, "somebody else starts a batch at this moment")
    try:
        yield
    finally:
        await place.store.release_links(place.connection.id, [name], worker)
