"""A restored store with the real replicas on both emulators (T21): what the two systems show decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from hintsync.backup.key import BackupKey
from hintsync.backup.restoring import restore_backup
from hintsync.backup.taking import take_backup
from hintsync.bootstrap import load_master_keys, open_engine
from hintsync.core.records import HoldKind, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.live.work import work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand, sync_by_hand, unlink_by_hand
from hintsync.engine.schedule import confirm_job, run_due
from hintsync.state.sql.store import open_sql_store
from tests.engine.wire import Wire, wired

KEY = BackupKey("twelve words that nobody would guess")
BORN = "1980-05-06"


def both(wire: Wire, first: str) -> tuple[str, str]:
    contact = {"FirstName": first, "LastName": "Moor", "Birthdate": BORN, "MailingCity": "Lynn"}
    patient = wire.practice.create_patient(first_name=first, last_name="Moor", dob=BORN, address_city="Lynn")
    return wire.org.insert("Contact", contact), patient


@asynccontextmanager
async def restored(wire: Wire, path: Path, url: str) -> AsyncIterator[Engine]:
    """Put the backup back elsewhere and open an engine on it, as a service does on another machine."""
    service = wire.service
    master, now = load_master_keys(service.settings), service.clock.now()
    await restore_backup(path, KEY, url, master, replace=False, actor="user-7", now=now)
    store = await open_sql_store(url, master)
    there = replace(service, store=store)
    async with open_engine(there, await there.connection()) as engine:
        yield engine
    await store.aclose()


async def test_t21_links_and_values_are_what_both_systems_show(tmp_path: Path) -> None:
    async with wired(tmp_path / "state", Options(guard_at_least=1000)) as wire:
        kept, parted, put_back = (both(wire, first) for first in ("Ann", "Bea", "Cid"))
        async with wire.engine() as engine:
            await batch_patients(engine)
            backup = (
                await take_backup(engine.store, KEY, tmp_path / "of-yesterday.backup", now=engine.clock.now())
            ).path
            await unlink_by_hand(engine, parted[0])
            made = both(wire, "Dan")
            await link_by_hand(engine, *made)
            wire.practice.edit(put_back[1], address_city="Elko")
            await sync_by_hand(engine, Side.HINT, put_back[1])
        assert wire.org.get("Contact", put_back[0])["MailingCity"] == "Elko"
        wire.org.update("Contact", put_back[0], {"MailingCity": "Lynn"})
        async with restored(wire, backup, f"sqlite:///{tmp_path / 'elsewhere.db'}") as engine:
            assert await run_due(engine, [confirm_job()]) == ["confirm-links"]
            while (await work_once(engine, "worker")).claimed:
                pass
            links = {(link.contact_id, link.patient_id): link.status for link in await engine.store.live_pairs("demo")}
            held = (await engine.store.live_links("demo", Side.SALESFORCE, [put_back[0]]))[put_back[0]].holds
        assert links == dict.fromkeys((kept, put_back, made), LinkStatus.ACTIVE)
        assert {name: hold.kind for name, hold in held.items()} == {"city": HoldKind.RECOVERED}
        assert wire.org.get("Contact", put_back[0])["MailingCity"] == "Lynn"
        assert wire.practice.patient(put_back[1])["address_city"] == "Elko"
        assert not wire.org.get("Contact", parted[0])["Synced_to_Hint__c"]
