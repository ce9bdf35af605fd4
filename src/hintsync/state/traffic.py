"""What the pages of health show of the last days: counts by five minutes, and which processes are alive. Numbers only.

`StateStore` contains this Protocol.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from hintsync.core.values import Side

#: Seconds of one slot of counts.
SLOT: Final = 300


def slot_of(moment: float) -> int:
    """Return the slot that a moment (seconds since the epoch) lies in: its first second."""
    return int(moment) // SLOT * SLOT


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened within a slot, over all processes."""

    #: First second of the slot, since the epoch.
    at: int
    #: A word of `metrics.COUNTED`, or one that `engine.health.traffic` makes of lags.
    word: str
    side: Side | None
    number: int


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """A process of the service that said it is alive."""

    #: As `engine.workers.worker_name` makes it.
    name: str
    #: "web", "worker", "subscriber".
    roles: tuple[str, ...]
    version: str
    #: Seconds since the epoch.
    started_at: float
    seen_at: float


class TrafficStore(Protocol):
    """The part of the store that health is read from. Safe for many tasks and, on PostgreSQL, many processes."""

    async def add_tallies(self, connection_id: str, tallies: Sequence[Tally]) -> None:
        """Add to the counts of slots; what several processes add sums up.

        Raises:
            BadInput: the store does not know the connection.
        """
        ...

    async def tallies(self, connection_id: str, *, since: int, words: Collection[str] = ()) -> Sequence[Tally]:
        """Return the counts of the slots from a moment on, oldest first; only of some words, if any are given."""
        ...

    async def prune_tallies(self, connection_id: str, before: int) -> int:
        """Forget slots that began before a moment; return how many counts went."""
        ...

    async def put_process(self, process: ProcessSeen) -> None:
        """Note that a process is alive; those that were not seen for a day before it are forgotten."""
        ...

    async def processes(self) -> Sequence[ProcessSeen]:
        """Return the processes that were seen within a day of the latest one, by name."""
        ...


#: Seconds after which a process that was not seen counts as dead: three signs of life are missing then.
DEAD_AFTER: Final = 45.0
#: Seconds after which a process that was not seen is forgotten.
FORGET_PROCESS: Final = 86_400.0
