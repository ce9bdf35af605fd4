"""How far a side's changes are known: where the next reading of changes begins, and when one last came to its end.

Two cursors a side. `<side>:poll` is a moment of the side's own time, taken from the stamps of what it showed, so that a clock
of ours that is wrong passes nobody over; `<side>:caught-up` is when, by our clock, everything up to there was taken in. The
first says where to read on, the second whether the side still keeps what was deleted since.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hintsync.core.records import Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine

#: How far before the cursor each reading begins: rows turn up late, with an earlier stamp.
OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Position:
    """What is known of a side's changes."""

    #: By the side's own stamps; None: nothing has been read yet.
    read_to: datetime | None
    #: By our clock; None: never.
    caught_up: datetime | None


def position_name(side: Side) -> str:
    """Return the name of the cursor that holds where reading goes on."""
    return f"{side}:poll"


def caught_up_name(side: Side) -> str:
    """Return the name of the cursor that holds when everything was last taken in."""
    return f"{side}:caught-up"


async def load_position(engine: Engine, side: Side) -> Position:
    """Return how far a side's changes are known."""
    store, connection_id = engine.store, engine.connection.id
    read_to = _moment(await store.get_cursor(connection_id, position_name(side)))
    caught_up = _moment(await store.get_cursor(connection_id, caught_up_name(side)))
    return Position(read_to, caught_up if caught_up is not None else read_to)


async def move_position(engine: Engine, side: Side, newest: datetime | None, started: datetime, took: float) -> None:
    """Remember that everything a side had changed before a reading began was taken in.

    Args:
        engine: The connection.
        side: The side that was read to its end.
        newest: The latest stamp it showed; None if it showed none that tells a moment.
        started: When the reading began, by our clock.
        took: Seconds that the reading took. The position stays as much behind the latest stamp: a record that was read early
            may have changed while later ones were read.
    """
    store, connection_id = engine.store, engine.connection.id
    before = (await load_position(engine, side)).read_to
    reached = None if newest is None else newest - timedelta(seconds=took)
    if reached is not None and (before is None or reached > before or before > started + OVERLAP):
        await store.put_cursor(connection_id, position_name(side), _text(reached))
    await store.put_cursor(connection_id, caught_up_name(side), _text(started))


def newest_of(records: Iterable[Snapshot], before: datetime | None = None) -> datetime | None:
    """Return the latest moment among records' stamps and an earlier result."""
    moments = [moment for record in records if (moment := moment_of(record.stamp)) is not None]
    return max(moments if before is None else [*moments, before], default=None)


def moment_of(stamp: str) -> datetime | None:
    """Return the moment that a stamp tells, on the clock of the side that gave it; None for one that tells none."""
    try:
        moment = datetime.fromisoformat(stamp.partition("#")[0])  # what follows the sign only keeps stamps apart
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def _moment(cursor: str | None) -> datetime | None:
    return moment_of(cursor) if cursor else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
