"""What tests of a restored world start with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hintsync.engine.options import Options
from hintsync.state.keys import MasterKeys
from hintsync.state.sql.store import SqlStore
from tests.backup.restorable import Restorable


@pytest.fixture
def target(request: pytest.FixtureRequest, sql_store: SqlStore, tmp_path: Path) -> str:
    """URL of another empty place of the kind of the store."""
    if sql_store.database.is_sqlite:
        return f"sqlite:///{tmp_path / 'restored.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def world(sql_store: SqlStore, target: str, tmp_path: Path, master_keys: MasterKeys) -> AsyncIterator[Restorable]:
    """A world on each database in turn."""
    made = Restorable(store=sql_store, options=Options(guard_at_least=1000))
    made.keep_in(tmp_path, target, master_keys)
    yield made
    if made.store is not sql_store:
        await made.store.aclose()
