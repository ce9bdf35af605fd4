"""Turns what was read of a record into the notice that an event about it would be."""

from __future__ import annotations

from hintsync.core.records import FieldName, RecordState, Snapshot
from hintsync.core.values import ABSENT, Canonical, Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.notices import Notice, NoticeKind

_GONE = frozenset({RecordState.DELETED, RecordState.MERGED})


def notice_of(engine: Engine, record: Snapshot, cause: str) -> Notice:
    """Return what a record, read as a whole, says; intake tells our own echo by it and drops it.

    It carries no event id: a record may change twice within one stamp, and both must count.

    Args:
        engine: The connection; its clock tells when we learned of it.
        record: The record as it was read.
        cause: "catch-up", "parity" or "poll".
    """
    shown: dict[FieldName, Canonical] = {name: value for name, value in record.values.items() if value is not ABSENT}
    return Notice(
        record.side,
        record.id,
        NoticeKind.DELETED if record.state in _GONE else NoticeKind.CHANGED,
        cause,
        engine.clock.now().timestamp(),
        values=shown,
        complete=True,
        peer_id=record.peer_id or "",
        marks_changed=True,
        marked=record.marked if record.side is Side.SALESFORCE else None,
    )
