"""Forgets what nobody needs any more, in small groups, once a night: as long as a connection's settings say.

What is kept for good: links with their bases, declined pairs, the audit trail (its chains would not hold with links missing), and
of each run one line with its figures, or the signed report of a parity check.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from hintsync.clock import utc_text
from hintsync.engine.batch.contact_list import drop_input
from hintsync.engine.context import Engine
from hintsync.engine.health.traffic import KEPT as TALLIES_KEPT
from hintsync.state.port import Run, RunStatus

#: Rows deleted in one transaction: a few milliseconds, so that nobody waits long for the store.
GROUP: Final = 2_000
#: Days that event ids are remembered (semantics section 8).
INBOX_DAYS: Final = 7
#: Days that what was written is remembered for the guards; their windows are an hour long.
INTENT_DAYS: Final = 1
#: Detail of a run whose results were forgotten: when.
FORGOTTEN: Final = "results_forgotten_at"

_ENDED: Final = (RunStatus.DONE, RunStatus.ABORTED, RunStatus.STOPPED)
#: Runs looked at in one go.
_PAGE: Final = 200


async def prune(engine: Engine) -> bool:
    """Drop old log entries, those of levels that are not kept, old results, settled reviews, counts, event ids and intents."""
    store, connection_id, options, now = engine.store, engine.connection.id, engine.options, engine.clock.now()
    before = _day(now, options.log_days)
    while await store.prune_log(
        connection_id, keep=options.log_most, before=before, levels=options.levels_dropped, limit=GROUP
    ):
        pass
    while await store.prune_reviews(connection_id, _day(now, options.review_days), limit=GROUP):
        pass
    async for run in _older_runs(engine, _day(now, options.result_days)):
        await _forget_results(engine, run)
    await store.prune_tallies(connection_id, int(now.timestamp()) - TALLIES_KEPT)
    await store.prune_inbox(connection_id, (now - timedelta(days=INBOX_DAYS)).timestamp())
    await store.forget_intents(connection_id, before=(now - timedelta(days=INTENT_DAYS)).timestamp())
    return True


async def _older_runs(engine: Engine, moment: str) -> AsyncIterator[Run]:
    """Yield the runs that ended before a moment and still have their results."""
    last: str | None = None
    while runs := await engine.store.runs(engine.connection.id, statuses=_ENDED, before=last, limit=_PAGE):
        for run in runs:
            if (run.finished_at or run.started_at) < moment and FORGOTTEN not in run.details:
                yield run
        last = runs[-1].id


async def _forget_results(engine: Engine, run: Run) -> None:
    """Forget what a run did record by record, and its list; that it was, and its figures, stay."""
    while await engine.store.prune_rows(run.id, limit=GROUP):
        pass
    await drop_input(engine, run.id)
    details = {**run.details, FORGOTTEN: utc_text(engine.clock.now())}
    await engine.store.save_run(replace(run, details=details, worker=None))


def _day(now: datetime, days: int) -> str:
    return utc_text((now - timedelta(days=days)).astimezone(UTC))
