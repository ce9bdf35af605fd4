"""Seals a finished dry run: one hash over all its rows, so that what was approved is what is carried out."""

from __future__ import annotations

import hashlib
import json

from hintsync.engine.context import Engine
from hintsync.state.port import Json, Run, RunRow


async def seal_run(engine: Engine, run: Run) -> str:
    """Return the seal of a run's rows, with the mapping and both describes they were made with."""
    digest = hashlib.sha256()
    digest.update(json.dumps([run.id, run.connection_id, str(run.kind), run.details.get("made_with")]).encode())
    async for row in engine.store.rows(run.id):
        digest.update(_line(row))
    return digest.hexdigest()


def _line(row: RunRow) -> bytes:
    prints = {str(side): {name: value.hex() for name, value in fields.items()} for side, fields in row.prints.items()}
    versions = {str(side): version for side, version in row.versions.items()}
    parts = [row.position, str(row.side), row.record_id, str(row.outcome), row.rule, list(row.peers), prints, versions]
    return json.dumps(parts, sort_keys=True).encode() + b"\n"


def made_with(engine: Engine) -> list[Json]:
    """Return what a plan depends on besides the records: mapping, both describes (guard G5)."""
    return [engine.table.digest(), *(engine.described[side].digest for side in sorted(engine.described))]
