"""Batch stamps: Last Batch Sync ID, outcome and reason on every contact of a batch, written in bulk, counted apart.

Contacts that the run changed carry their stamps already; these are the others. Bookkeeping only: no mapped field, no
link, no write to Hint. Written after all else, so that a run that stops early can be resumed without harm.
"""

from __future__ import annotations

from hintsync.core.plan import Outcome
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.settling import LOOKS
from hintsync.engine.runs.life import RunKeeper
from hintsync.ports import Bookkeeping, Later, Unknown, Update, WriteMode, Written
from hintsync.state.port import RunKind, RunRow

#: Contacts of one write; above 2,000 the replica uses the Bulk API.
MOST = 10_000
#: Outcomes about one contact only, for a patient's row; others name candidates that may be stamped by their own row.
_ONE_CONTACT = frozenset({Outcome.SYNCED, Outcome.ALREADY_LINKED, Outcome.FROZEN, Outcome.SUSPENDED, Outcome.FAILED})


async def stamp_contacts(engine: Engine, keeper: RunKeeper) -> None:
    """Write the stamps of all rows that did not carry them along, and note how many."""
    pending: dict[RecordId, Update] = {}
    written = refused = 0
    # Of a patient's rows only these name a contact to be stamped; most of a large batch need not even be read.
    outcomes = tuple(_ONE_CONTACT) if keeper.run.kind is RunKind.BATCH_PATIENTS else ()
    async for row in engine.store.rows(keeper.run.id, outcomes=outcomes):
        contact_id = contact_of(row)
        if contact_id is None or _carried(row):
            continue
        pending[contact_id] = Update(contact_id, {}, None, _stamps(keeper, row))
        if len(pending) >= MOST:
            counts = await _write(engine, pending)
            written, refused = written + counts[0], refused + counts[1]
            pending.clear()
            await keeper.breathe()
    counts = await _write(engine, pending)
    await keeper.note(stamped=written + counts[0], stamps_refused=refused + counts[1])


def contact_of(row: RunRow) -> RecordId | None:
    """Return the contact that a row is about, if it is about one; a patient's row may name several."""
    if row.side is Side.SALESFORCE:
        return None if row.outcome in (Outcome.NOT_FOUND, Outcome.BAD_ID, Outcome.REPEATED) else row.record_id
    return row.peers[0] if row.outcome in _ONE_CONTACT and row.peers else None


def _carried(row: RunRow) -> bool:
    """Say whether the contact was written by the run and took its stamps along; they told of success."""
    return Side.SALESFORCE in row.written and row.outcome is not Outcome.FAILED


def _stamps(keeper: RunKeeper, row: RunRow) -> Bookkeeping:
    return Bookkeeping(batch_id=keeper.run.id, batch_outcome=str(row.outcome), batch_reason=row.reason or "")


async def _write(engine: Engine, pending: dict[RecordId, Update]) -> tuple[int, int]:
    if not pending:
        return 0, 0
    todo, written = list(pending.values()), 0
    for _ in range(LOOKS):  # stamps may be sent twice without harm, so a lost reply needs no look
        answers = await engine.salesforce.update(todo, WriteMode.BATCH)
        written += sum(1 for answer in answers if isinstance(answer, Written))
        doubtful = {answer.record_id for answer in answers if isinstance(answer, Unknown | Later)}
        todo = [update for update in todo if update.record_id in doubtful]
        if not todo:
            break
    return written, len(pending) - written
