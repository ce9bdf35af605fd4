"""What the doctor finds of an installation, in a real state folder: looked at as it is, and left as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from hintsync.backup.key import load_backup_key
from hintsync.backup.taking import take_backup
from hintsync.bootstrap import open_service
from hintsync.doctor.examine import Report, examine
from hintsync.doctor.findings import Finding, State
from hintsync.doctor.service_facts import DiskSeen
from hintsync.doctor.service_judging import disk
from hintsync.settings import Settings
from hintsync.state.keys import MasterKeys
from hintsync.state.port import Connection
from hintsync.state.sql.looking import DatabaseSeen
from hintsync.state.sql.tables import HEAD
from hintsync.state.traffic import ProcessSeen
from tests.doctor.surgery import AdvancedClock, case_of

GB = 1_000_000_000


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """Return the state folder of an installation without a connection."""
    folder = tmp_path / "state"
    async with open_service(Settings(state=folder)):
        pass
    return folder


def everything(folder: Path) -> Mapping[str, tuple[int, bytes]]:
    """Return all files below a folder with their modes; SQLite's own journals come and go."""
    return {
        str(path): (path.stat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


async def looked(state: Path) -> dict[str, Finding]:
    """Return what is found of the service, by check."""
    return {each.check: each for each in (await examine(state)).service}


async def found(state: Path, check: str) -> tuple[State, str]:
    """Return a check's state and case."""
    finding = (await looked(state))[check]
    return finding.state, case_of(finding)


def let_others_in(folder: Path) -> None:
    folder.chmod(0o755)


def not_opened(report: Report) -> bool:
    return bool(report.not_looked_at) and report.connections == ()


async def test_an_installation_that_is_well_is_found_well(state: Path) -> None:
    seen = await looked(state)
    well = ("settings", "state-folder", "master-key", "database", "schema", "disk", "keys-apart", "version")
    assert {code: seen[code].state for code in well} == dict.fromkeys(well, State.OK)
    assert seen["schema"].found == f"{HEAD}, as this version knows it"


async def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    empty = tmp_path / "nothing"
    report = await examine(empty)
    seen = {each.check: (each.state, case_of(each)) for each in report.service}
    assert seen["state-folder"] == (State.WRONG, "missing")
    assert seen["master-key"] == (State.WRONG, "missing")
    assert seen["database"] == (State.WRONG, "missing")
    assert not_opened(report)
    assert not empty.exists()


async def test_a_setting_that_cannot_be_read_is_named_and_nothing_else_is_guessed(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HINTSYNC_PUBLC_URL", "https://sync.example.org")
    report = await examine(state)
    settings, *others = report.service
    assert (settings.state, "HINTSYNC_PUBLC_URL" in settings.found) == (State.WRONG, True)
    assert {each.state for each in others} == {State.NOT_KNOWN}
    assert not_opened(report)


async def test_what_is_not_set_is_told_with_what_it_is_for(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await looked(state)
    wanted = {"public-url": "PUBLIC_URL", "partner-key": "HINT_PARTNER_KEY", "alerts": "ALERTS"}
    assert {seen[code].state for code in (*wanted, "webhook-keys")} == {State.LOOK}
    values = ("https://sync.example.org", "hunter2-partner", "json://127.0.0.1:9 json://127.0.0.1:8")
    for name, value in zip(wanted.values(), values, strict=True):
        monkeypatch.setenv(f"HINTSYNC_{name}", value)
    seen = await looked(state)
    assert {seen[code].state for code in (*wanted, "webhook-keys")} == {State.OK}
    assert "2 addresses are told" in seen["alerts"].found
    assert not any("hunter2" in each.found + each.remedy for each in seen.values())


async def test_a_folder_and_a_key_that_others_may_read_are_wrong(state: Path) -> None:
    (state / "master.key").chmod(0o640)
    assert await found(state, "master-key") == (State.WRONG, "open")
    (state / "master.key").chmod(0o600)
    assert await found(state, "master-key") == (State.OK, "")
    (state / "settings.env").write_text("HINTSYNC_LISTEN_PORT=8081\n", encoding="utf-8")
    let_others_in(state)
    folder = (await looked(state))["state-folder"]
    assert (folder.state, case_of(folder)) == (State.WRONG, "open")
    assert "the folder and settings.env" in folder.found


async def test_a_key_that_is_gone_is_not_made_anew(state: Path) -> None:
    (state / "master.key").unlink()
    before = everything(state)
    report = await examine(state)
    assert {each.check: case_of(each) for each in report.service}["master-key"] == "missing"
    assert not_opened(report)
    assert everything(state) == before


async def test_a_key_that_is_none_and_one_that_does_not_fit_are_told_apart(state: Path) -> None:
    key = (state / "master.key").read_text(encoding="ascii")
    (state / "master.key").write_text("no key at all", encoding="ascii")
    broken = (await looked(state))["master-key"]
    assert (broken.state, case_of(broken), "no key at all" in broken.found) == (State.WRONG, "broken", False)
    (state / "master.key").write_text(MasterKeys.generate(), encoding="ascii")
    before = everything(state)
    assert await found(state, "master-key") == (State.WRONG, "misfit")
    assert not_opened(await examine(state))
    assert everything(state) == before
    (state / "master.key").write_text(key, encoding="ascii")
    assert await found(state, "master-key") == (State.OK, "")


async def test_a_key_from_the_environment_is_looked_for_there(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = (state / "master.key").rename(state.parent / "elsewhere.key")
    monkeypatch.setenv("HINTSYNC_MASTER_KEYS_FILE", str(key))
    assert (await looked(state))["master-key"].found == "from elsewhere.key; opens the database"
    key.chmod(0o644)
    assert await found(state, "master-key") == (State.WRONG, "open")


@pytest.mark.parametrize(("revision", "case"), [("0003", "older"), ("9999", "newer")])
async def test_t21_tables_of_another_version_are_told_and_left_alone(state: Path, revision: str, case: str) -> None:
    with sqlite3.connect(state / "hintsync.sqlite3") as sql:
        sql.execute("UPDATE hintsync_schema SET version_num = ?", (revision,))
        sql.execute("UPDATE hintsync_schema SET serves = ?", (revision,)) if case == "newer" else None
    report = await examine(state)
    seen = {each.check: each for each in report.service}
    assert (seen["schema"].state, case_of(seen["schema"])) == (State.WRONG, case)
    assert seen["database"].state is State.OK
    assert not_opened(report)
    with sqlite3.connect(state / "hintsync.sqlite3") as sql:
        assert sql.execute("SELECT version_num FROM hintsync_schema").fetchall() == [(revision,)]


async def test_a_damaged_database_is_wrong_and_hides_no_other_check(state: Path) -> None:
    (state / "hintsync.sqlite3").write_bytes(b"no database at all" * 400)
    seen = await looked(state)
    assert (seen["database"].state, case_of(seen["database"])) == (State.WRONG, "unusable")
    assert (seen["master-key"].state, seen["disk"].state, seen["state-folder"].state) == (State.OK,) * 3


async def test_postgresql_is_looked_at_in_the_same_way(
    postgres_url: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HINTSYNC_DATABASE_URL", postgres_url)
    assert await found(state, "schema") == (State.WRONG, "older")  # it has no tables yet, and gets none
    assert await found(state, "schema") == (State.WRONG, "older")
    async with open_service(Settings(state=state, database_url=SecretStr(postgres_url))):
        pass
    seen = await looked(state)
    assert seen["database"].found.startswith("PostgreSQL answers and takes a write; ")
    assert {seen[code].state for code in ("database", "schema", "master-key")} == {State.OK}
    monkeypatch.setenv(
        "HINTSYNC_DATABASE_URL", postgres_url.replace("postgresql://hintsync@/", "postgresql://hintsync@/no_")
    )
    gone = (await looked(state))["database"]
    assert (gone.state, case_of(gone)) == (State.WRONG, "unusable")


async def test_a_store_in_memory_is_told_to_be_forgotten(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HINTSYNC_DATABASE_URL", "memory:")
    assert await found(state, "database") == (State.LOOK, "forgotten")


@pytest.mark.parametrize(
    ("free", "used", "state"),
    [(5 * GB, GB, State.OK), (5 * GB, 3 * GB, State.LOOK), (GB // 2, 0, State.LOOK), (GB // 10, 0, State.WRONG)],
)
def test_room_is_judged_by_the_size_of_the_database(free: int, used: int, state: State) -> None:
    assert disk(DiskSeen(free, 100 * GB), DatabaseSeen("SQLite", used, True)).state is state


async def test_backups_are_found_by_what_was_read_back_and_grow_old(state: Path) -> None:
    assert await found(state, "backup") == (State.LOOK, "none")
    settings = Settings(state=state)
    async with open_service(settings) as service:
        await service.store.put_connection(Connection("clinic", "clinic", "", False, ""))
        (state.parent / "backups").mkdir()
        key = load_backup_key(settings, make=True)
        await take_backup(service.store, key, state.parent / "backups", now=datetime.now(UTC))
    assert await found(state, "backup") == (State.OK, "")
    later = await examine(state, clock=AdvancedClock(timedelta(days=3)))
    assert {each.check: case_of(each) for each in later.service}["backup"] == "old"


async def test_a_key_below_the_folder_for_backups_is_wrong(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HINTSYNC_BACKUP_TO", str(state.parent / "backups"))
    assert await found(state, "keys-apart") == (State.OK, "")
    for folder in (state, state.parent):
        monkeypatch.setenv("HINTSYNC_BACKUP_TO", str(folder))
        together = (await looked(state))["keys-apart"]
        assert (together.state, "master.key" in together.found) == (State.WRONG, True)


async def test_processes_are_judged_by_their_signs_of_life_and_their_version(state: Path) -> None:
    assert await found(state, "processes") == (State.WRONG, "none")
    now = datetime.now(UTC).timestamp()
    async with open_service(Settings(state=state)) as service:
        seen = ProcessSeen("host/boot/1/1", ("web", "worker"), "0.0.1", now - 60, now)
        await service.store.put_process(seen)
        missing = (await looked(state))["processes"]
        assert (missing.state, missing.found) == (State.WRONG, "no process follows Salesforce")
        assert await found(state, "version") == (State.LOOK, "mixed")
        await service.store.put_process(ProcessSeen("host/boot/2/1", ("subscriber",), "0.0.1", now - 60, now))
    assert await found(state, "processes") == (State.OK, "")
    later = await examine(state, clock=AdvancedClock(timedelta(minutes=5)))
    gone = next(each for each in later.service if each.check == "processes")
    assert (case_of(gone), "the last sign of life came 5 minutes ago" in gone.found) == ("none", True)
