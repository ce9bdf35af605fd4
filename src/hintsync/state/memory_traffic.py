"""Counts by five minutes and living processes, in memory: a part of the store in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from hintsync.core.values import Side
from hintsync.state import changes
from hintsync.state.port import Connection
from hintsync.state.traffic import FORGET_PROCESS, ProcessSeen, Tally

#: Slot, word and side.
_Key = tuple[int, str, Side | None]


class MemoryTraffic:
    """A TrafficStore of dictionaries."""

    _connections: dict[str, Connection]

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._tallies: dict[str, Counter[_Key]] = {}
        self._processes: dict[str, ProcessSeen] = {}

    async def add_tallies(self, connection_id: str, tallies: Sequence[Tally]) -> None:
        """Add to the counts of slots; see the port."""
        if connection_id not in self._connections:
            raise changes.unknown_connection(connection_id)
        counted = self._tallies.setdefault(connection_id, Counter())
        for tally in tallies:
            counted[tally.at, tally.word, tally.side] += tally.number

    async def tallies(self, connection_id: str, *, since: int, words: Collection[str] = ()) -> Sequence[Tally]:
        """Return the counts of the slots from a moment on."""
        found = [
            Tally(at, word, side, number)
            for (at, word, side), number in self._tallies.get(connection_id, {}).items()
            if at >= since and (not words or word in words)
        ]
        return sorted(found, key=lambda tally: (tally.at, tally.word, tally.side or ""))

    async def prune_tallies(self, connection_id: str, before: int) -> int:
        """Forget slots that began before a moment."""
        counted = self._tallies.get(connection_id, Counter())
        gone = [key for key in counted if key[0] < before]
        for key in gone:
            del counted[key]
        return len(gone)

    async def put_process(self, process: ProcessSeen) -> None:
        """Note that a process is alive."""
        oldest = process.seen_at - FORGET_PROCESS
        kept = {name: seen for name, seen in self._processes.items() if seen.seen_at >= oldest}
        self._processes = {**kept, process.name: process}

    async def processes(self) -> Sequence[ProcessSeen]:
        """Return the processes that were seen lately."""
        return [self._processes[name] for name in sorted(self._processes)]
