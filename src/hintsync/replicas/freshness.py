"""When Hint's phone list, which is written back as a whole, must be read again first, and what that reading says then.

Semantics section 10 bounds the time in which somebody's edit can be overwritten; a reading before the write spares it altogether.
"""

from __future__ import annotations

from hintsync.core.records import FieldName, Snapshot
from hintsync.ports import Clock, Update, WriteMode

#: Seconds after which Hint's phone list must be read again before it is written.
FRESH_FOR = {WriteMode.LIVE: 2.0, WriteMode.BATCH: 60.0}


def is_fresh(seen: Snapshot | None, mode: WriteMode, clock: Clock) -> bool:
    """Say whether what was seen is recent enough to write a list back that was read with it."""
    return seen is not None and clock.monotonic() - seen.read_at < FRESH_FOR[mode]


def moved_since(update: Update, now: Snapshot) -> bool:
    """Say whether a person changed, since the decision was made, what the update is about to overwrite."""
    seen = update.seen
    if seen is None:
        return False
    return any(_differs(name, seen, now) for name in update.values) or _phones_differ(update, now)


def _differs(name: FieldName, seen: Snapshot, now: Snapshot) -> bool:
    return seen.values.get(name) != now.values.get(name)


def _phones_differ(update: Update, now: Snapshot) -> bool:
    """The entry to be replaced need not be the first of its type: it must still be there."""
    numbers = {entry.canonical for entry in now.phones}
    return any(number and number not in numbers for number in update.replaced_phones.values())
