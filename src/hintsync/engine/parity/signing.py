"""Ends a parity check: puts the report together, signs it, and says in log and audit trail what it came to."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from hintsync.core.plan import Outcome
from hintsync.engine.audit.trail import TrailReader, figure_of
from hintsync.engine.context import Engine
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.parity.counts import Counts
from hintsync.engine.parity.report import LATEST, REPORT, latest_report, sign_report
from hintsync.engine.runs.life import RunKeeper
from hintsync.engine.workers import worker_name
from hintsync.state.port import Json, LogLevel

#: Moves when the members of a report do.
VERSION = 1
#: Seconds that a lease on the signing lasts, and until it is asked for again; it is held for two reads and a commit.
_LEASE = 15.0
_AGAIN = 0.5


async def sign_and_log(engine: Engine, keeper: RunKeeper, counts: Counts, *, repair: bool) -> None:
    """Sign the report, and commit it with a log entry and an audit event that carry its seal.

    The event comes behind the part of the trail that the report seals, so that trail and reports hold each other.
    """
    await keeper.phase("signing")
    trail = await _audit(engine)  # reads all of it, so before anybody is kept waiting
    async with _alone(engine):
        report = await _report(engine, keeper, counts, repair=repair, trail=trail)
        signed = replace(keeper.run, details={**keeper.run.details, REPORT: report})
        seal = sign_report(engine.store.fingerprint_key(engine.connection.id), signed)
        keeper.run = replace(signed, seal=seal)
        scribe = Scribe(engine, f"run:{keeper.run.id}", keeper.run.id)
        missed = _number(report, "missed")
        level = LogLevel.ERROR if missed else LogLevel.DEBUG
        log = scribe.log(level, "parity-checked", f"{_sentence(counts, missed)}; {_figure(engine, report)}")
        event = scribe.audit("checked", reason=f"report {seal}")
        await keeper.commit([], audits=[event], logs=[log], cursors={LATEST: keeper.run.id})


@asynccontextmanager
async def _alone(engine: Engine) -> AsyncIterator[None]:
    """Wait until no other check is signing: each report names the one before, so two may not name the same."""
    store, connection_id = engine.store, engine.connection.id
    worker, name = f"{worker_name()}/{secrets.token_hex(4)}", f"{LATEST}:signing"
    while True:
        now = engine.clock.now().timestamp()
        if await store.lease_links(connection_id, [name], worker, now, now + _LEASE):
            break
        await engine.clock.sleep(_AGAIN)
    try:
        yield
    finally:
        await store.release_links(connection_id, [name], worker)


async def _report(
    engine: Engine, keeper: RunKeeper, counts: Counts, *, repair: bool, trail: dict[str, Json]
) -> dict[str, Json]:
    connection = engine.connection
    rows = await engine.store.outcome_counts(keeper.run.id)  # of all attempts, if the run was resumed
    before = await latest_report(engine.store, connection.id)
    return {
        "version": VERSION,
        "run": keeper.run.id,
        "connection": connection.id,
        "org": connection.org_id,
        "practice": connection.practice_id,
        "at": engine.now(),
        "mapping": engine.table.digest(),
        **counts.to_json(),
        "missed": rows.get(Outcome.DIFFERS, 0) + rows.get(Outcome.NOT_FOUND, 0),
        "repair": repair,
        "audit": trail,
        "previous": before.seal if before is not None else None,
    }


async def _audit(engine: Engine) -> dict[str, Json]:
    store, connection_id = engine.store, engine.connection.id
    faults: list[Json] = [*await store.verify_audit(connection_id)]
    reader = TrailReader(store, connection_id)
    await reader.read()
    return {"entries": reader.last, "chains": len(reader.chains), "digest": reader.digest, "faults": faults}


def _sentence(counts: Counts, missed: int) -> str:
    told = f"{counts.agreed} pairs agree, {counts.queued} wait"
    if missed:
        told += f", {missed} differed and nobody knew"
    return told


def _figure(engine: Engine, report: Mapping[str, Json]) -> str:
    """Name the trail's digest: whoever keeps this line elsewhere can tell later whether the trail was rewritten."""
    audit, key = report["audit"], engine.store.fingerprint_key(engine.connection.id)
    return figure_of(key, audit["entries"], audit["digest"]) if isinstance(audit, dict) else ""


def _number(report: Mapping[str, Json], name: str) -> int:
    value = report[name]
    return value if isinstance(value, int) else 0
