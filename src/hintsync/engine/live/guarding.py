"""What stands between a live plan and its writes: the guards, and the note of what is about to be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from hintsync.engine.context import Engine
from hintsync.engine.guards.judging import guard_writes, intents_of, is_existing
from hintsync.engine.pairs.settling import Settled
from hintsync.engine.pairs.writing import Trouble
from hintsync.state.live import Intent

#: What surely kept a write from being carried out.
_NOT_WRITTEN = frozenset({Trouble.LATER, Trouble.REFUSED, Trouble.GONE})


class Gate:
    """Passed to `pairs.settle`: judges every round of writes, then notes what goes on, so that echoes are recognised."""

    def __init__(self, engine: Engine, exempt: Collection[str] = ()) -> None:
        """Take the links that no guard over many may hold back, since a person waits for them."""
        self._engine = engine
        self._exempt = frozenset(exempt)
        self._noted: dict[str, list[Intent]] = defaultdict(list)

    async def __call__(self, planned: Sequence[Settled]) -> None:
        """Judge a round of writes and note what is left of it; what an earlier round noted for these pairs is taken back."""
        await self._take_back([intent for one in planned for intent in self._noted.pop(one.pair.state.link.id, ())])
        judged = await guard_writes(self._engine, [one for one in planned if not self._is_exempt(one)])
        free = intents_of(self._engine, [one for one in planned if is_existing(one) and self._is_exempt(one)])
        if free:
            await self._engine.store.intend(self._engine.connection.id, free)
        for intent in (*judged.noted, *free):
            self._noted[intent.link_id].append(intent)

    def _is_exempt(self, one: Settled) -> bool:
        return one.pair.state.link.id in self._exempt

    async def close(self, settled: Sequence[Settled]) -> None:
        """Take back what was noted for writes that were surely not carried out."""
        missed = []
        for one in settled:
            failed = {side for side, result in one.results.items() if result.trouble in _NOT_WRITTEN}
            missed += [intent for intent in self._noted.get(one.pair.state.link.id, ()) if intent.side in failed]
        await self._take_back(missed)

    async def _take_back(self, intents: Sequence[Intent]) -> None:
        if intents:
            await self._engine.store.withdraw(self._engine.connection.id, intents)
