"""Catch-up and parity on both emulators in process, with the real replicas and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.detect.positions import load_position
from hintsync.engine.live.work import work_once
from hintsync.engine.parity.check import check_parity
from hintsync.engine.parity.report import verify_report, verify_reports
from hintsync.logins import WithToken
from hintsync.setup.connecting import connect
from hintsync.state.port import Json, Run, RunKind, RunStatus
from tests.engine.wire import INSTANCE, TOKEN, Wire, wired

BORN = "1980-05-06"
COUNT = 9
CANARY = "Kanarienvogel"


class InStep:
    """Linked pairs on both emulators, with nobody listening to their events."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.pairs = [self._both(f"Ann{number}") for number in range(COUNT)]

    def _both(self, first: str) -> dict[Side, RecordId]:
        contact = {"FirstName": first, "LastName": "Moor", "Birthdate": BORN}
        patient = {"first_name": first, "last_name": "Moor", "dob": BORN, "address_city": "Lynn"}
        phones = [{"type": "mobile", "number": "4155550101"}]
        return {
            Side.SALESFORCE: self.wire.org.insert("Contact", contact),
            Side.HINT: self.wire.practice.create_patient(**patient, phones=phones),
        }

    async def begin(self, engine: Engine) -> None:
        self.engine = engine
        assert (await batch_patients(engine)).status is RunStatus.DONE
        assert pairs(await check_parity(engine)) == {"agreed": COUNT}

    def edit(self, side: Side, number: int, city: str) -> RecordId:
        record_id = self.pairs[number][side]
        if side is Side.SALESFORCE:
            self.wire.org.update("Contact", record_id, {"MailingCity": city})
        else:
            self.wire.practice.edit(record_id, address_city=city)
        return record_id

    async def dirty(self) -> set[RecordId]:
        return {each.record_id for each in await self.engine.store.dirty("demo")}

    async def work(self) -> None:
        while (await work_once(self.engine, "worker")).claimed:
            pass

    def cities(self, number: int) -> set[object]:
        ids = self.pairs[number]
        contact = self.wire.org.get("Contact", ids[Side.SALESFORCE])
        return {contact["MailingCity"], self.wire.practice.patient(ids[Side.HINT])["address_city"]}


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@asynccontextmanager
async def in_step(folder: Path) -> AsyncIterator[InStep]:
    async with wired(folder) as wire:
        made = InStep(wire)
        token, login = wire.practice.token, WithToken(INSTANCE, TOKEN)
        await connect(wire.service, "demo", hint_token=token, login=login)  # an empty practice shows no filters
        async with wire.engine() as engine:
            await made.begin(engine)
            yield made


def report_of(run: Run) -> dict[str, Json]:
    assert run.status is RunStatus.DONE, run.reason
    report = run.details["report"]
    assert isinstance(report, dict)
    return report


def pairs(run: Run) -> dict[str, int]:
    counted = report_of(run)["pairs"]
    assert isinstance(counted, dict)
    return {name: count for name, count in counted.items() if isinstance(count, int) and count}


@pytest.mark.parametrize("side", list(Side))
async def test_t8_events_that_were_dropped_are_made_up_for_by_a_catch_up(tmp_path: Path, side: Side):
    async with in_step(tmp_path) as made:
        edited = {made.edit(side, number, "Salem") for number in (1, 5)}
        run = await catch_up(made.engine, side)
        assert (run.kind, run.status, await made.dirty()) == (RunKind.CATCH_UP, RunStatus.DONE, edited)
        await made.work()
        assert [made.cities(number) for number in (1, 5, 6)] == [{"Salem"}, {"Salem"}, {"Lynn"}]
        again = await catch_up(made.engine, side)
        assert (again.details["marked"], await made.dirty()) == (0, set())


@pytest.mark.parametrize("seconds", [1, 3, 10])
async def test_t8_a_row_of_a_long_transaction_shows_late_and_is_not_missed(tmp_path: Path, seconds: int):
    async with in_step(tmp_path) as made:
        late = made.wire.org.begin_late("Contact", made.pairs[2][Side.SALESFORCE], {"MailingCity": "Salem"})
        late.stamp -= seconds
        made.edit(Side.SALESFORCE, 3, "Boston")
        await catch_up(made.engine, Side.SALESFORCE)
        assert await made.dirty() == {made.pairs[3][Side.SALESFORCE]}
        late.commit()
        await catch_up(made.engine, Side.SALESFORCE)
        assert made.pairs[2][Side.SALESFORCE] in await made.dirty()


async def test_t9_deleted_and_merged_contacts_are_made_up_for(tmp_path: Path):
    async with in_step(tmp_path) as made:
        gone, loser = made.pairs[0][Side.SALESFORCE], made.pairs[1][Side.SALESFORCE]
        winner = made.wire.org.insert("Contact", {"FirstName": "Win", "LastName": "Ner", "Birthdate": BORN})
        made.wire.org.delete("Contact", gone)
        made.wire.org.merge("Contact", winner, [loser])
        await catch_up(made.engine, Side.SALESFORCE)
        assert {gone, loser} <= await made.dirty()


async def test_t9_a_contact_purged_from_the_recycle_bin_is_only_found_by_comparing_everybody(tmp_path: Path):
    async with in_step(tmp_path) as made:
        gone = made.pairs[0][Side.SALESFORCE]
        made.wire.org.delete("Contact", gone)
        made.wire.org.purge("Contact", gone)
        made.wire.practice.destroy(made.pairs[1][Side.HINT])
        for side in Side:
            await catch_up(made.engine, side)
        assert await made.dirty() == set()
        run = await check_parity(made.engine, grace=0)
        assert pairs(run) == {"agreed": COUNT - 2, "missing": 2}
        assert await made.dirty() == {gone, made.pairs[1][Side.HINT]}


async def test_drift_on_either_side_is_found_counted_repaired_and_clean_after(tmp_path: Path):
    async with in_step(tmp_path) as made:
        made.edit(Side.SALESFORCE, 0, "Salem")
        made.edit(Side.HINT, 1, "Boston")
        made.wire.org.update("Contact", made.pairs[2][Side.SALESFORCE], {"Synced_to_Hint__c": False})
        run = await check_parity(made.engine, grace=0)
        assert (pairs(run), report_of(run)["missed"]) == ({"agreed": COUNT - 3, "differing": 3}, 3)
        assert verify_report(made.engine, run)
        await made.work()
        assert [made.cities(number) for number in (0, 1)] == [{"Salem"}, {"Boston"}]
        assert made.wire.org.get("Contact", made.pairs[2][Side.SALESFORCE])["Synced_to_Hint__c"] is True
        again = await check_parity(made.engine, grace=0)
        assert (pairs(again), report_of(again)["missed"]) == ({"agreed": COUNT}, 0)
        assert await verify_reports(made.engine.store, "demo") == []


async def test_a_check_costs_the_pages_of_both_sides_and_little_more(tmp_path: Path):
    async with in_step(tmp_path) as made:
        before = {side: replica.calls for side, replica in made.engine.replicas.items()}
        await check_parity(made.engine, grace=0)
        spent = {side: replica.calls - before[side] for side, replica in made.engine.replicas.items()}
        assert spent[Side.SALESFORCE] <= 2
        assert spent[Side.HINT] <= 4


@pytest.mark.parametrize("side", list(Side))
async def test_the_position_is_read_from_stamps_as_both_systems_write_them(tmp_path: Path, side: Side):
    async with in_step(tmp_path) as made:
        before = (await load_position(made.engine, side)).read_to
        made.edit(side, 0, "Salem")
        await catch_up(made.engine, side)
        after = (await load_position(made.engine, side)).read_to
        assert before is not None
        assert after is not None
        assert timedelta(0) <= after - before < timedelta(hours=1)


async def test_t17_nothing_of_a_person_is_kept_by_catch_up_or_parity(tmp_path: Path):
    async with in_step(tmp_path) as made:
        made.edit(Side.SALESFORCE, 0, f"{CANARY}ville")
        made.edit(Side.HINT, 1, f"{CANARY}burg")
        runs = [await catch_up(made.engine, side) for side in Side] + [await check_parity(made.engine, grace=0)]
        store = made.engine.store
        told = [*runs, *await store.log("demo"), *await store.audit("demo"), *await store.dirty("demo")]
        for run in runs:
            told += [row async for row in store.rows(run.id)]
        assert CANARY not in repr(told)
    for path in files(tmp_path):
        assert CANARY not in path.read_bytes().decode("latin-1"), path.name
