"""Fixtures for all tests: the stores, a real PostgreSQL, and the rule that some tests may not be skipped."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hintsync.state.keys import MasterKeys
from hintsync.state.memory import MemoryStore
from hintsync.state.open import upgrade
from hintsync.state.port import Connection, StateStore
from hintsync.state.sql.store import SqlStore, open_sql_store
from hintsync.state.sql.tables import metadata
from tests import postgres
from tests.skip_guard import SkipGuard

#: Tests (by the start of their id) that must have run where CI=true: skipping one fails the session.
MAY_NOT_SKIP = ("tests/contract/test_state_store", "tests/browser/", "tests/emulators/clients/", "tests/live/")

_FOLDER = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the session's PostgreSQL; xdist workers are told it by their controller."""
    if os.environ.get("CI") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipGuard(MAY_NOT_SKIP), "hintsync-skip-guard")
    given = getattr(config, "workerinput", {}).get("postgres_folder")
    if given is not None:
        config.stash[_FOLDER] = Path(given)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:  # type: ignore[no-untyped-def]
    """Tell an xdist worker the folder of the session's PostgreSQL."""
    node.workerinput["postgres_folder"] = str(_folder(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the session's PostgreSQL, if this process named it."""
    if not hasattr(config, "workerinput") and _FOLDER in config.stash:
        postgres.Server(config.stash[_FOLDER]).stop()


def _folder(config: pytest.Config) -> Path:
    if _FOLDER not in config.stash:
        config.stash[_FOLDER] = postgres.new_folder()
    return config.stash[_FOLDER]


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> str:
    """URL of a running PostgreSQL server."""
    if given := os.environ.get(postgres.ENVIRONMENT):
        return given
    server = postgres.Server(_folder(request.config))
    server.ensure_running()
    return server.url


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str) -> Iterator[str]:
    """URL of a PostgreSQL database with all tables, one a test process."""
    with postgres.database(postgres_server) as url:
        asyncio.run(upgrade(url))
        yield url


@pytest.fixture
def postgres_upgraded_url(postgres_tables: str) -> Iterator[str]:
    """URL of a PostgreSQL database with all tables and no rows."""
    yield postgres_tables
    postgres.empty(postgres_tables, [table.name for table in metadata.sorted_tables])


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty PostgreSQL database."""
    with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store' / 'hintsync.db'}"


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "tables.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_upgraded_url(tmp_path: Path, sqlite_tables: Path) -> str:
    """URL of a SQLite file with all tables and no rows."""
    path = shutil.copyfile(sqlite_tables, tmp_path / "hintsync.db")
    return f"sqlite:///{path}"


@pytest.fixture
def master_keys() -> MasterKeys:
    """Fresh master keys."""
    return MasterKeys.parse(MasterKeys.generate())


@pytest.fixture
def connection() -> Connection:
    """The connection that the stores of the fixtures know already."""
    return Connection("con-1", "Maple Clinic", "00D000000000001AAA", False, "prac-1")


@pytest.fixture
async def memory_store(master_keys: MasterKeys, connection: Connection) -> MemoryStore:
    """A store in memory that knows `connection`."""
    store = MemoryStore(master_keys)
    await store.put_connection(connection)
    return store


@pytest.fixture
async def sqlite_store(
    sqlite_upgraded_url: str, master_keys: MasterKeys, connection: Connection
) -> AsyncIterator[SqlStore]:
    """A store in a SQLite file that knows `connection`."""
    store = await open_sql_store(sqlite_upgraded_url, master_keys)
    await store.put_connection(connection)
    yield store
    await store.aclose()


@pytest.fixture
async def postgres_store(
    postgres_upgraded_url: str, master_keys: MasterKeys, connection: Connection
) -> AsyncIterator[SqlStore]:
    """A store on PostgreSQL that knows `connection`."""
    store = await open_sql_store(postgres_upgraded_url, master_keys)
    await store.put_connection(connection)
    yield store
    await store.aclose()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of each database in turn, with all tables, for tests that open the store themselves, perhaps several times."""
    url: str = request.getfixturevalue(f"{request.param}_upgraded_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """URL of each database in turn, without any table."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def sql_store(request: pytest.FixtureRequest) -> SqlStore:
    """Each of the two stores on a database in turn, knowing `connection`."""
    found: SqlStore = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> StateStore:
    """Each of the three stores in turn, knowing `connection`."""
    found: StateStore = request.getfixturevalue(f"{request.param}_store")
    return found


# A busy machine is no fault of what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
