"""Ends a parity check: puts the report together, signs it, and says in log and audit trail what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hintsync.core.plan import Outcome
from hintsync.engine.audit.trail import TrailReader, figure_of
from hintsync.engine.context import Engine
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.parity.counts import Counts
from hintsync.engine.parity.report import LATEST, REPORT, latest_report, sign_report
from hintsync.engine.runs.life import RunKeeper
from hintsync.state.port import Json, LogLevel

#: Moves when the members of a report do.
VERSION = 1


async def sign_and_log(engine: Engine, keeper: RunKeeper, counts: Counts, *, repair: bool) -> None:
    """Sign the report, and commit it with a log entry and an audit event that carry its seal.

    The event comes behind the part of the trail that the report seals, so that trail and reports hold each other.
    """
    await keeper.phase("signing")
    report = await _report(engine, keeper, counts, repair=repair)
    await keeper.note(**{REPORT: report})
    seal = sign_report(engine.store.fingerprint_key(engine.connection.id), keeper.run)
    keeper.run = replace(keeper.run, seal=seal)
    scribe = Scribe(engine, f"run:{keeper.run.id}", keeper.run.id)
    missed = _number(report, "missed")
    level = LogLevel.ERROR if missed else LogLevel.DEBUG
    log = scribe.log(level, "parity-checked", f"{_sentence(counts, missed)}; {_figure(engine, report)}")
    event = scribe.audit("checked", reason=f"report {seal}")
    await keeper.commit([], audits=[event], logs=[log])
    await engine.store.put_cursor(engine.connection.id, LATEST, keeper.run.id)


async def _report(engine: Engine, keeper: RunKeeper, counts: Counts, *, repair: bool) -> dict[str, Json]:
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
        "audit": await _audit(engine),
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
