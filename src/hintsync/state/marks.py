"""What becomes of a dirty record, decided purely: every store keeps the same promises from one text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.state.live import CROSSED, Dirty, Lane, Mark

#: What one row of the dirty set stands for, within a connection.
Place: TypeAlias = tuple[Side, RecordId]

#: Letters of a cause from which on it is not kept behind the next.
LONGEST_CAUSE = 2000
#: Seconds that the id of an event is remembered (semantics section 8).
EVENT_MEMORY = 7 * 24 * 3600.0


def place(dirty: Dirty | Mark) -> Place:
    """Return what a mark, or a dirty record, is about."""
    return (dirty.side, dirty.record_id)


def urgency(dirty: Dirty) -> tuple[Lane, float, Side, RecordId]:
    """Return the key that puts dirty records in the order in which they are claimed."""
    return (dirty.lane, dirty.since, dirty.side, dirty.record_id)


def free_at(dirty: Dirty) -> float:
    """Return the moment from which an unparked record can be claimed."""
    return max(dirty.due, dirty.leased_until)


def marked(stored: Dirty | None, connection_id: str, mark: Mark) -> Dirty:
    """Return what a record becomes when it is marked; None stands for one that was clean."""
    if stored is None:
        return Dirty(connection_id, mark.side, mark.record_id, mark.lane, mark.cause, since=mark.at, due=mark.at)
    again = mark.at if stored.again is None else min(stored.again, mark.at)
    return replace(
        stored,
        lane=min(stored.lane, mark.lane),
        cause=cause_again(stored.cause, mark.cause),
        since=min(stored.since, mark.at),
        due=mark.at,
        attempts=0,
        revision=stored.revision + 1,
        again=None if stored.worker is None else again,
        parked=None,
    )


def cause_again(stored: str, latest: str) -> str:
    """Return the cause of a dirty record that is marked again: the latest, and behind it the edits that earlier ones showed."""
    place = stored.find(CROSSED)
    return latest + stored[place:] if place >= 0 and len(stored) < LONGEST_CAUSE else latest


def folded(connection_id: str, marks: Iterable[Mark]) -> Mapping[Place, Dirty]:
    """Return what marks make of clean records, by place: marks of one record coalesce."""
    result: dict[Place, Dirty] = {}
    for mark in marks:
        result[place(mark)] = marked(result.get(place(mark)), connection_id, mark)
    return result


def claimed(stored: Dirty, worker: str, until: float) -> Dirty:
    """Return a free record as leased by a worker; a lease that ran out before counts as a pass that failed."""
    failed = stored.worker is not None
    return replace(stored, worker=worker, leased_until=until, attempts=stored.attempts + failed, again=None)


def released(stored: Dirty) -> Dirty:
    """Return a record without its lease."""
    return replace(stored, worker=None, leased_until=0.0, again=None)


def is_held(stored: Dirty, given: Dirty) -> bool:
    """Say whether a record is still leased by the worker that claimed it as given."""
    return stored.worker == given.worker


def finished(stored: Dirty, given: Dirty) -> Dirty | None:
    """Return what a held record becomes when its pass is finished: clean (None), or released if it was marked meanwhile."""
    if stored.revision == given.revision:
        return None
    return replace(released(stored), since=stored.since if stored.again is None else stored.again)


def put_off(stored: Dirty, given: Dirty, due: float, *, failed: bool, parked: str | None) -> Dirty:
    """Return what a held record becomes when its pass did not end well; one marked meanwhile is merely released."""
    if stored.revision != given.revision:
        return released(stored)
    return replace(released(stored), due=due, attempts=stored.attempts + failed, parked=parked)


def replayed(stored: Dirty, now: float) -> Dirty:
    """Return a parked record as one that may be worked at once."""
    return replace(stored, due=now, attempts=0, parked=None)
