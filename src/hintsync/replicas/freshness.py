"""How old what was seen may be when a list that was read with it is written back as a whole (semantics section 10)."""

from __future__ import annotations

from hintsync.core.records import Snapshot
from hintsync.ports import Clock, WriteMode

#: Seconds after which Hint's phone list must be read again before it is written.
FRESH_FOR = {WriteMode.LIVE: 2.0, WriteMode.BATCH: 60.0}


def is_fresh(seen: Snapshot | None, mode: WriteMode, clock: Clock) -> bool:
    """Say whether what was seen is recent enough to write a list back that was read with it."""
    return seen is not None and clock.monotonic() - seen.read_at < FRESH_FOR[mode]
