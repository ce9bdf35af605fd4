"""Seals a finished dry run: one hash over all its rows, so that what was approved is what is carried out."""

from __future__ import annotations

import json
from typing import Protocol

from hintsync.core.seal import Sealer
from hintsync.engine.context import Engine
from hintsync.state.port import Json, Run, StateStore


class HasStore(Protocol):
    """An engine, or whatever else holds the store."""

    @property
    def store(self) -> StateStore:
        """What is remembered."""
        ...


async def seal_run(engine: HasStore, run: Run) -> str:
    """Return the seal of a run's rows, with the mapping and both describes they were made with."""
    sealer = Sealer(run.id, run.connection_id, str(run.kind), json.dumps(run.details.get("made_with")))
    async for row in engine.store.rows(run.id):
        sealer.add(row)
    return sealer.seal()


def made_with(engine: Engine) -> list[Json]:
    """Return what a plan depends on besides the records: mapping, both describes (guard G5)."""
    return [engine.table.digest(), *(engine.described[side].digest for side in sorted(engine.described))]
