"""Takes our marks off a record whose link comes to nothing: Hint Patient ID and Synced to Hint, or integration_record_id.

A first sync writes both sides at once, so one may show the link already when the other turns out to be gone.
"""

from __future__ import annotations

from hintsync.core.errors import RetryLater
from hintsync.core.records import RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.writing import Trouble, write_side
from hintsync.ports import Bookkeeping, Update, WriteMode


async def take_marks_back(engine: Engine, side: Side, record_id: RecordId, peer: RecordId) -> bool:
    """Read the record that is left of a link and take off what it shows of the other; false if it must be tried again."""
    try:
        seen = (await engine.replicas[side].read([record_id])).get(record_id)
        return seen is None or await unmark(engine, seen, peer)
    except RetryLater:
        return False


async def unmark(engine: Engine, seen: Snapshot, peer: RecordId | None) -> bool:
    """Empty the peer's id on a record that shows it, and untick a contact; false if it must be tried again."""
    if seen.state not in (RecordState.LIVE, RecordState.ARCHIVED) or not _names(seen, peer):
        return True
    keeping = Bookkeeping(peer_id="", marked=False if seen.side is Side.SALESFORCE else None)
    result = (await write_side(engine, seen.side, [Update(seen.id, {}, None, keeping)], WriteMode.LIVE))[seen.id]
    return result.trouble not in (Trouble.LATER, Trouble.LOOK_AGAIN)


def _names(seen: Snapshot, peer: RecordId | None) -> bool:
    """Say whether a record shows a peer; a patient made by us carries the contact's id and its reservation behind it."""
    return bool(seen.peer_id and peer) and (seen.peer_id or "").partition(".")[0] == peer
