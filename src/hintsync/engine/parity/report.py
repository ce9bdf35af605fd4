"""The signed report of a parity check: what was counted, where the audit trail stood, and the seal that binds both.

    seal = HMAC-SHA256( key, canonical JSON of the report and of the run it belongs to ), in hex

The key is derived from the connection's fingerprint key, which comes from the store's root and never lies in the database in
clear: whoever can write rows can neither change a figure nor put a new trail under an old report. Every report names the seal of
the one before, so that none can be taken away.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from hintsync.engine.audit.trail import TrailReader
from hintsync.engine.context import Engine
from hintsync.state.port import Json, Run, RunKind, RunStatus, StateStore

#: Cursor: id of the run that made the latest report.
LATEST: Final = "parity:report"
#: Detail of a run that holds its report.
REPORT: Final = "report"

_PURPOSE: Final = b"hintsync parity reports"
#: Parity runs that are looked through for reports: the nights of 27 years.
_RUNS: Final = 10_000


def sign_report(fingerprint_key: bytes, run: Run) -> str:
    """Return the seal of a run's report; only what never changes again goes into it."""
    key = hmac.digest(fingerprint_key, _PURPOSE, "sha256")
    bound: dict[str, Json] = {
        "run": run.id,
        "connection": run.connection_id,
        "kind": str(run.kind),
        "started_at": run.started_at,
        "report": run.details.get(REPORT),
    }
    text = json.dumps(bound, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def verify_report(engine: Engine, run: Run) -> bool:
    """Say whether a parity run's report is as it was signed; false for a run without one."""
    return is_signed(engine.store, run)


def is_signed(store: StateStore, run: Run) -> bool:
    """Say whether a run's report is as it was signed, with nothing but the store at hand."""
    if run.kind is not RunKind.PARITY or run.seal is None or not isinstance(run.details.get(REPORT), Mapping):
        return False
    return hmac.compare_digest(run.seal, sign_report(store.fingerprint_key(run.connection_id), run))


async def latest_report(store: StateStore, connection_id: str) -> Run | None:
    """Return the run that made the latest report."""
    run_id = await store.get_cursor(connection_id, LATEST)
    return await store.run(run_id) if run_id else None


async def reports(store: StateStore, connection_id: str) -> list[Run]:
    """Return the runs that came to a report, newest first; one that was signed just now may not have ended yet."""
    runs = await store.runs(connection_id, kinds=[RunKind.PARITY], limit=_RUNS)
    return [run for run in runs if run.seal is not None or run.status is RunStatus.DONE]


async def anchors_of(store: StateStore, connection_id: str) -> list[dict[str, Json]]:
    """Return what the signed reports say of the audit trail, oldest first: run, seal, entries and digest."""
    told: list[dict[str, Json]] = []
    for run in reversed(await reports(store, connection_id)):
        entries, digest = _trail(run)
        told.append({"run": run.id, "seal": run.seal, "entries": entries, "digest": digest})
    return told


async def verify_reports(store: StateStore, connection_id: str) -> list[str]:
    """Check every report and the trail that each was signed over; return one sentence for each fault."""
    latest = await store.get_cursor(connection_id, LATEST)  # before the runs: a report may be signed in between
    found = await reports(store, connection_id)
    faults = [f"the report of {run.id} is not as it was signed" for run in found if not is_signed(store, run)]
    faults += _chain_faults(found)
    if latest is not None and latest not in {run.id for run in found}:
        faults.append(f"the latest report, {latest}, is missing")
    return faults + await _trail_faults(store, connection_id, found)


def _chain_faults(found: Sequence[Run]) -> list[str]:
    """Follow what each report names as the one before it.

    Checks may overlap and end in another order than they began, so the order of the runs says nothing.
    """
    sealed = {run.seal: run.id for run in found}
    missing = [run for run in found if (seal := _previous(run)) is not None and seal not in sealed]
    faults = [f"the report before that of {run.id} is missing" for run in missing]
    for seal, count in Counter(map(_previous, found)).items():
        if count > 1 and (seal is None or seal in sealed):
            before = "none" if seal is None else f"that of {sealed[seal]}"
            faults.append(f"{count} reports name {before} as the one before")
    return faults


def _previous(run: Run) -> str | None:
    previous = _report(run).get("previous")
    return previous if isinstance(previous, str) else None


async def _trail_faults(store: StateStore, connection_id: str, found: Sequence[Run]) -> list[str]:
    """Compare the trail, read once from its beginning, with what each report says of it."""
    sealed = {run.id: _trail(run) for run in found if is_signed(store, run)}
    reader = TrailReader(store, connection_id, marks={entries for entries, _ in sealed.values()})
    shown = await reader.read()
    return [
        f"the audit trail up to entry {entries} is not the one that {run_id} was signed over"
        for run_id, (entries, digest) in sealed.items()
        if shown.get(entries) != digest
    ]


def _trail(run: Run) -> tuple[int, str]:
    audit = _report(run).get("audit")
    if not isinstance(audit, dict):
        return 0, ""
    entries, digest = audit.get("entries"), audit.get("digest")
    return (entries, digest) if isinstance(entries, int) and isinstance(digest, str) else (0, "")


def _report(run: Run) -> Mapping[str, Json]:
    report = run.details.get(REPORT)
    return report if isinstance(report, dict) else {}
