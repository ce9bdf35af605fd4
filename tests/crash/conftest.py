"""Stores for crash tests, and the figures they end with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from _pytest.terminal import TerminalReporter
from sqlalchemy import event

from hintsync.engine.batch import contacts as batch_contacts
from hintsync.engine.batch import pairs as sync_all
from hintsync.engine.batch import patients as batch_patients
from hintsync.state.keys import MasterKeys
from hintsync.state.sql.store import SqlStore, open_sql_store

#: Key of the property under which a test leaves a line of figures.
FIGURES = "figures"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the figures that tests left."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    lines = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == FIGURES]
    if lines:
        terminalreporter.section("crash figures")
        for line in sorted(set(map(str, lines))):
            terminalreporter.write_line(line)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chunks of some ten records, so that a small population is worked in several, at once."""
    for module in (batch_contacts, batch_patients, sync_all):
        monkeypatch.setattr(module, "CHUNK", 12)
    return iter(())


@pytest.fixture
async def hasty_sqlite(sqlite_upgraded_url: str, master_keys: MasterKeys) -> AsyncIterator[SqlStore]:
    """A store in a SQLite file that does not wait for the disk: what dies here is a process, not a machine."""
    store = await open_sql_store(sqlite_upgraded_url, master_keys)
    await store._database.engine.dispose()
    event.listen(store._database.engine.sync_engine, "connect", _do_not_wait)
    yield store
    await store.aclose()


def _do_not_wait(connection, _record) -> None:  # type: ignore[no-untyped-def]  # SQLAlchemy's own
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()
