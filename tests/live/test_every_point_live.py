"""A process dies before or after every call and every write of the store, delivering or working; the end is the same (T5)."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import event

from hintsync.core.records import LinkStatus
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import take_in
from hintsync.engine.live.work import work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.state.keys import MasterKeys
from hintsync.state.memory import MemoryStore
from hintsync.state.port import StateStore
from hintsync.state.sql.store import open_sql_store
from hintsync.state.sql.tables import metadata
from tests import postgres
from tests.crash.conftest import _do_not_wait
from tests.live.conftest import FIGURES
from tests.live.history import calm
from tests.live.invariants import problems
from tests.live.town import LiveTown

#: Opens a store that holds nothing.
Opener: TypeAlias = Callable[[int], Any]
Record: TypeAlias = Callable[[str, object], None]
#: More points than there are.
MOST = 400


async def _town(store: StateStore) -> LiveTown:
    """Return a town in which something of each kind has just happened, and nobody knows yet."""
    town = LiveTown(store=store, options=Options(create_contacts=True))
    pairs = [
        town.both(first, "Moor", f"19{60 + number}-03-04", city="Lynn", mobile_phone="+14155550111")
        for number, first in enumerate(("Ann", "Bea", "Cai", "Dov", "Eli"))
    ]
    for contact, patient in pairs:
        await link_by_hand(await town.live(), contact, patient)
    town.restart()
    await town.settle()
    contacts, patients = zip(*pairs, strict=True)
    town.org.edit(contacts[0], {"city": "Alton"})
    town.practice.edit(patients[0], {"email": "ann@example.org"})
    town.org.edit(contacts[1], {"city": "Alton"})  # a conflict
    town.practice.edit(patients[1], {"city": "Dover"})
    town.practice.edit(patients[2], {"mobile_phone": None})  # a clear
    town.org.edit(contacts[2], peer_id="pat-nobody", marked=False)
    town.org.delete(contacts[3])
    town.practice.edit(patients[4], {"city": "Dover"})  # the same on both sides
    town.org.edit(contacts[4], {"city": "Dover", "middle_name": "B."})
    town.patient("Nia", "Vale", "2001-05-06", city="Dover")
    return town


async def _deliver_and_work(town: LiveTown, crash_at: int | None) -> tuple[bool, int]:
    events = list(town.events)

    async def do(engine: Engine) -> None:
        await take_in(engine, events)
        town.events = town.events[len(events) :]
        while (await work_once(engine, "worker", limit=7)).claimed:
            pass

    return await town.attempt(do, crash_at), len(town.points_before.names)


async def _end(town: LiveTown) -> dict[str, object]:
    await calm(town)
    assert await problems(town) == []
    states = await town.store.links("main", statuses=[s for s in LinkStatus if s is not LinkStatus.ENDED])
    return {
        "contacts": [(r.id, dict(r.values), r.peer_id, r.marked, r.state) for r in town.org._records.values()],
        "patients": [(r.id, dict(r.values), list(r.phones), r.peer_id) for r in town.practice.records()],
        "links": sorted((s.link.contact_id, s.link.patient_id, s.link.status, sorted(s.holds)) for s in states),
        "reviews": sorted((r.kind, r.record_id, r.field_name) for r in await town.store.reviews("main")),
        "parked": [d.record_id for d in await town.store.dirty("main", parked=True)],
        "broken audit chains": list(await town.store.verify_audit("main")),
    }


async def _die_everywhere(opened: Opener, name: str, record: Record, *, every: int = 1) -> None:
    async with opened(0) as store:
        town = await _town(store)
        done, reached = await _deliver_and_work(town, None)
        assert done
        expected = await _end(town)
    assert 40 < reached < MOST
    for point in range(1, reached + 1, every):
        async with opened(point) as store:
            town = await _town(store)
            done, _ = await _deliver_and_work(town, point)
            assert not done, f"point {point} was not reached"
            assert await _end(town) == expected, f"died at point {point}"
    record(FIGURES, f"T5 live work on {name}: {reached} points, died at {len(range(1, reached + 1, every))} of them")


async def test_t5_live_work_survives_a_crash_at_every_point_in_memory(record_property: Record) -> None:
    @asynccontextmanager
    async def opened(_: int) -> AsyncIterator[StateStore]:
        yield MemoryStore()

    await _die_everywhere(opened, "memory", record_property)


def _on_sqlite(folder: Path, tables: Path, keys: MasterKeys) -> Opener:
    @asynccontextmanager
    async def opened(number: int) -> AsyncIterator[StateStore]:
        path = shutil.copyfile(tables, folder / f"{number}.db")
        store = await open_sql_store(f"sqlite:///{path}", keys)
        await store._database.engine.dispose()
        event.listen(store._database.engine.sync_engine, "connect", _do_not_wait)
        yield store
        await store.aclose()
        path.unlink()

    return opened


def _on_postgresql(url: str, keys: MasterKeys) -> Opener:
    @asynccontextmanager
    async def opened(_: int) -> AsyncIterator[StateStore]:
        postgres.empty(url, [table.name for table in metadata.sorted_tables])
        store = await open_sql_store(url, keys)
        yield store
        await store.aclose()

    return opened


async def test_t5_live_work_survives_a_crash_at_every_eighth_point_on_sqlite(
    tmp_path: Path, sqlite_tables: Path, master_keys: MasterKeys, record_property: Record
) -> None:
    await _die_everywhere(_on_sqlite(tmp_path, sqlite_tables, master_keys), "SQLite", record_property, every=8)


async def test_t5_live_work_survives_a_crash_at_every_sixteenth_point_on_postgresql(
    postgres_upgraded_url: str, master_keys: MasterKeys, record_property: Record
) -> None:
    await _die_everywhere(_on_postgresql(postgres_upgraded_url, master_keys), "PostgreSQL", record_property, every=16)


@pytest.mark.torture
async def test_t5_live_work_at_every_point_on_sqlite(
    tmp_path: Path, sqlite_tables: Path, master_keys: MasterKeys, record_property: Record
) -> None:
    await _die_everywhere(_on_sqlite(tmp_path, sqlite_tables, master_keys), "SQLite", record_property)


@pytest.mark.torture
async def test_t5_live_work_at_every_point_on_postgresql(
    postgres_upgraded_url: str, master_keys: MasterKeys, record_property: Record
) -> None:
    await _die_everywhere(_on_postgresql(postgres_upgraded_url, master_keys), "PostgreSQL", record_property)
