"""Remembers which patients were there when a connection was made: only others are new (row L8)."""

from __future__ import annotations

from dataclasses import replace

from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import KNOWN_TAKEN
from hintsync.state.port import Json


async def take_known_patients(engine: Engine) -> int | None:
    """List every patient once and remember the ids; done once for a connection, at connect or before live sync starts.

    A run that was cut off is done again as a whole. Until it is done, patients without a link wait.

    Returns:
        How many patients there are; None if it was done before.
    """
    stored = await engine.store.connection(engine.connection.id)
    if stored is not None and KNOWN_TAKEN in stored.facts:
        engine.connection = replace(engine.connection, facts={**engine.connection.facts, **stored.facts})
        return None
    began, count = engine.now(), 0
    async for rows in engine.hint.scan_keys():
        await engine.store.take_known(engine.connection.id, [row.id for row in rows])
        count += len(rows)
    await _remember(engine, began)
    return count


async def _remember(engine: Engine, began: str) -> None:
    """Keep the fact beside whatever other processes learned meanwhile."""
    stored = await engine.store.connection(engine.connection.id) or engine.connection
    facts: dict[str, Json] = {**stored.facts, KNOWN_TAKEN: began}
    await engine.store.put_connection(replace(stored, facts=facts))
    engine.connection = replace(engine.connection, facts={**engine.connection.facts, KNOWN_TAKEN: began})
