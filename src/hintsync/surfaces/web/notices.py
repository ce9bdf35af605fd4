"""From a webhook of Hint's to the engine's notices, read by the same codec as a read of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.records import FieldName, RecordState, Snapshot
from hintsync.core.values import ABSENT, Side
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.replicas.hint.webhook import Envelope, Happened, PatientEvent, patients_of

#: Reads a patient object as a snapshot.
Decode: TypeAlias = Callable[[Mapping[str, object]], Snapshot]

CAUSE = "webhook"

_KINDS: Mapping[Happened, NoticeKind] = {
    Happened.CREATED: NoticeKind.CREATED,
    Happened.UPDATED: NoticeKind.CHANGED,
    Happened.DESTROYED: NoticeKind.DELETED,
    Happened.TOUCHED: NoticeKind.CHANGED,
}


def shown_by_hint(table: FieldTable) -> tuple[FieldName, ...]:
    """Return the fields that a patient's object must show so that nothing can have changed unseen."""
    return tuple(row.name for row in table if Side.HINT not in row.write_only)


def notices_of(envelope: Envelope, decode: Decode, must_show: Sequence[FieldName], at: float) -> Sequence[Notice]:
    """Return one notice for each patient that an envelope tells of; none for a type that tells of none.

    Args:
        envelope: its signature was right.
        decode: reads a patient as this connection's replica does.
        must_show: `shown_by_hint` of the connection's mapping.
        at: seconds since the epoch when it arrived.
    """
    return [_notice(event, envelope.event_id, decode, must_show, at) for event in patients_of(envelope)]


def unread_notices_of(envelope: Envelope, at: float) -> Sequence[Notice]:
    """Return the same with nothing of what the patients show: where no connection is open whose replica could read it."""
    return [_bare_notice(event, envelope.event_id, at) for event in patients_of(envelope)]


def _bare_notice(event: PatientEvent, event_id: str | None, at: float) -> Notice:
    # A membership names several patients with one event.
    if event_id is not None and event.happened is Happened.TOUCHED:
        event_id = f"{event_id}:{event.patient_id}"
    return Notice(Side.HINT, event.patient_id, _KINDS[event.happened], CAUSE, at, event_id)


def _notice(
    event: PatientEvent, event_id: str | None, decode: Decode, must_show: Sequence[FieldName], at: float
) -> Notice:
    bare = _bare_notice(event, event_id, at)
    if event.shown is None:
        return bare
    snapshot = decode(event.shown)
    return replace(
        bare,
        values={name: value for name, value in snapshot.values.items() if value is not ABSENT},
        complete=_is_complete(snapshot, must_show),
        # A key that is shown and empty is a mark that is gone; "" says so.
        peer_id=snapshot.peer_id or ("" if "integration_record_id" in event.shown else None),
    )


def _is_complete(snapshot: Snapshot, must_show: Sequence[FieldName]) -> bool:
    """Say whether the object shows all that could have changed, so that it may be known for an echo without a read.

    Not so for one that was merged, which no value tells, nor where a value cannot be read.
    """
    if snapshot.state is RecordState.MERGED or snapshot.unreadable:
        return False
    values = snapshot.values
    return all(values.get(name, ABSENT) is not ABSENT for name in must_show)
