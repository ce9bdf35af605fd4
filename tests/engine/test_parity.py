"""The parity check on a world in memory: what it counts, what it finds, what it leaves alone, and that it is not fooled."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from hintsync.core.fields import Kind
from hintsync.core.plan import Outcome
from hintsync.core.records import Link, LinkStatus, RecordId
from hintsync.core.values import ABSENT, Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.positions import load_position
from hintsync.engine.live.work import work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import sync_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync.engine.parity.forms import FormMaker
from hintsync.replicas.memory_faults import Crash
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Commit, Json, LinkChange, LogLevel, Run, RunRow, RunStatus
from tests.engine.world import HandClock, World

BORN = "1980-05-06"
FILLED = {
    "middle_name": "Q",
    "email": "a@example.org",
    "mobile_phone": "+14155550101",
    "street": "1 Elm Street",
    "city": "Lynn",
    "state": "MA",
    "zip": "01901",
}
FROM_HINT = {"insurance_payer": "Acme", "membership_status": "active"}


@dataclass(slots=True)
class Town(World):
    """A world whose pairs are linked and in step."""

    links: list[Link] = field(default_factory=list)

    async def settle(self, count: int = 12) -> Engine:
        for number in range(count):
            self.contact(f"Ann{number}", "Moor", BORN)
            self.patient(f"Ann{number}", "Moor", BORN, **FILLED, **FROM_HINT)
        engine = await self.engine()
        assert (await batch_patients(engine)).status is RunStatus.DONE
        self.links = sorted(await self.store.live_pairs("main"), key=lambda link: link.patient_id or "")
        return engine

    def ids(self, number: int) -> dict[Side, RecordId]:
        link = self.links[number]
        return {Side.SALESFORCE: link.contact_id or "", Side.HINT: link.patient_id or ""}

    def edit(self, side: Side, number: int, **values: str | bool | None) -> None:
        """Edit one record of a pair without anybody being told."""
        (self.org if side is Side.SALESFORCE else self.practice).edit(self.ids(number)[side], values)

    async def dirty(self) -> set[tuple[Side, RecordId, Lane]]:
        return {(each.side, each.record_id, each.lane) for each in await self.store.dirty("main")}


async def work(engine: Engine) -> int:
    """Work all that is dirty, as live sync does; return how many records are clean."""
    done = 0
    while (worked := await work_once(engine, "worker")).claimed:
        done += worked.done
    return done


def report_of(run: Run) -> dict[str, Json]:
    assert run.status is RunStatus.DONE, run.reason
    report = run.details["report"]
    assert isinstance(report, dict)
    return report


def pairs(run: Run) -> dict[str, int]:
    """Return how many pairs there are of each kind, kinds without any left out."""
    counted = report_of(run)["pairs"]
    assert isinstance(counted, dict)
    return {name: count for name, count in counted.items() if isinstance(count, int) and count}


async def found(engine: Engine, run: Run) -> dict[RecordId, RunRow]:
    return {row.record_id: row async for row in engine.store.rows(run.id)}


async def test_a_population_in_step_is_counted_and_nothing_is_touched():
    town = Town()
    engine = await town.settle()
    town.contact("Lone", "Contact", BORN)
    town.patient("Lone", "Patient", BORN)
    before = (town.org.records(), town.practice.records())
    run = await check_parity(engine)
    report = report_of(run)
    assert pairs(run) == {"agreed": 12}
    assert (report["missed"], report["marked"]) == (0, 0)
    assert report["records"] == {"salesforce": 13, "hint": 13}
    assert report["unlinked"] == {"salesforce": 1, "hint": 1}
    assert (run.done, run.total) == (12, 12)
    assert (await town.dirty(), await found(engine, run)) == (set(), {})
    assert (town.org.records(), town.practice.records()) == before


@pytest.mark.parametrize("side", list(Side))
async def test_an_edit_whose_event_was_lost_is_found_marked_and_repaired_by_the_ordinary_path(side: Side):
    town = Town()
    engine = await town.settle()
    town.edit(side, 3, city="Salem", email=None)
    town.edit(side, 7, mobile_phone="+14155550199")
    run = await check_parity(engine)
    rows = await found(engine, run)
    assert pairs(run) == {"agreed": 10, "differing": 2}
    assert (report_of(run)["missed"], run.done) == (2, 12)
    assert {row.reason for row in rows.values()} == {"differs: email, city", "differs: mobile_phone"}
    assert {row.outcome for row in rows.values()} == {Outcome.DIFFERS}
    assert {lane for _, _, lane in await town.dirty()} == {Lane.PARITY}
    assert await work(engine) == 2
    again = await check_parity(engine)
    assert (pairs(again), report_of(again)["missed"]) == ({"agreed": 12}, 0)
    assert town.org.shown(town.ids(3)[Side.SALESFORCE]).values["city"] == "Salem"
    assert town.practice.shown(town.ids(3)[Side.HINT]).values["city"] == "Salem"


async def test_a_find_is_told_as_an_error_without_a_value():
    town = Town()
    engine = await town.settle()
    town.edit(Side.HINT, 0, city="Kanarienvogelville")
    run = await check_parity(engine)
    (entry, *_) = await town.store.log("main", run_id=run.id)
    assert (entry.level, entry.event) == (LogLevel.ERROR, "parity-checked")
    assert "1 differed and nobody knew" in entry.message
    told = [run, entry, *(await found(engine, run)).values(), *await town.store.audit("main")]
    assert "Kanarienvogel" not in repr(told)


async def test_a_one_way_field_edited_in_salesforce_is_found():
    town = Town()
    engine = await town.settle()
    town.edit(Side.SALESFORCE, 2, insurance_payer="Other")
    run = await check_parity(engine)
    assert [row.reason for row in (await found(engine, run)).values()] == ["differs: insurance_payer"]
    await work(engine)
    assert town.org.shown(town.ids(2)[Side.SALESFORCE]).values["insurance_payer"] == "Acme"


async def test_f4_the_same_edit_on_both_sides_leaves_the_base_behind_and_is_found():
    town = Town()
    engine = await town.settle()
    for side in Side:
        town.edit(side, 1, city="Salem")
    run = await check_parity(engine)
    assert [row.reason for row in (await found(engine, run)).values()] == ["base behind: city"]
    assert report_of(run)["missed"] == 1
    await work(engine)
    assert pairs(await check_parity(engine)) == {"agreed": 12}


async def test_f6a_a_field_that_hint_never_shows_is_not_counted_but_its_lost_edit_is_found():
    town = Town()
    engine = await town.settle()
    run = await check_parity(engine)
    fields = report_of(run)["fields"]
    assert isinstance(fields, dict)
    assert fields["not_verifiable"] == {"name_prefix": 12}
    town.edit(Side.SALESFORCE, 4, name_prefix="Dr.")
    rows = await found(engine, await check_parity(engine))
    assert [(row.record_id, row.reason) for row in rows.values()] == [(town.ids(4)[Side.HINT], "differs: name_prefix")]
    await work(engine)
    assert pairs(await check_parity(engine)) == {"agreed": 12}


async def test_f6_a_field_that_may_not_be_read_is_left_out():
    town = Town()
    engine = await town.settle()
    town.edit(Side.HINT, 0, city="Salem")
    town.org.faults.hidden.add("city")
    run = await check_parity(await town.engine())
    assert pairs(run) == {"agreed": 12}
    town.org.faults.hidden.clear()
    assert pairs(await check_parity(engine)) == {"agreed": 11, "differing": 1}


async def conflicting(town: Town, number: int) -> Engine:
    """Bring a pair's city into a conflict that waits for a person."""
    engine = await town.settle()
    town.edit(Side.HINT, number, city="Salem")
    town.edit(Side.SALESFORCE, number, city="Boston")
    await sync_by_hand(engine, Side.HINT, town.ids(number)[Side.HINT])
    return engine


async def test_f5_a_conflict_that_waits_for_a_person_is_counted_as_waiting_and_left_alone():
    town = Town()
    engine = await conflicting(town, 5)
    run = await check_parity(engine)
    assert pairs(run) == {"agreed": 11, "queued": 1}
    assert (report_of(run)["missed"], await town.dirty()) == (0, set())
    fields = report_of(run)["fields"]
    assert isinstance(fields, dict)
    assert fields["waiting"] == {"city": 1}


async def test_f5_a_conflict_that_both_sides_took_back_still_waits_and_is_found():
    town = Town()
    engine = await conflicting(town, 5)
    for side in Side:
        town.edit(side, 5, city="Lynn")  # what both agreed on before
    rows = await found(engine, await check_parity(engine))
    assert [row.reason for row in rows.values()] == ["base behind: city"]
    await work(engine)
    state = await town.store.link(town.links[5].id)
    assert state is not None
    assert state.holds == {}


async def test_f6_a_field_that_neither_side_shows_is_not_verifiable():
    town = Town()
    for office in (town.org, town.practice):
        office.faults.hidden.add("city")
    engine = await town.settle()
    run = await check_parity(engine)
    fields = report_of(run)["fields"]
    assert isinstance(fields, dict)
    assert (pairs(run), fields["not_verifiable"]) == ({"agreed": 12}, {"city": 12, "name_prefix": 12})


@pytest.mark.parametrize("side", list(Side))
async def test_f5_an_edit_of_a_field_that_waits_is_missed_like_any_other(side: Side):
    town = Town()
    engine = await conflicting(town, 5)
    town.edit(side, 5, city="Danvers")
    run = await check_parity(engine)
    assert pairs(run) == {"agreed": 11, "differing": 1}
    assert len(await town.dirty()) == 1


async def test_f9_a_refused_record_waits_until_anything_in_it_changes():
    town = Town()
    engine = await town.settle()
    contact = town.ids(6)[Side.SALESFORCE]
    town.org.faults.refuse_record(contact, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    town.edit(Side.HINT, 6, city="Salem")
    await sync_by_hand(engine, Side.HINT, town.ids(6)[Side.HINT])
    assert pairs(await check_parity(engine)) == {"agreed": 11, "queued": 1}
    town.org.edit(contact, {})  # its stamp moves: what refused it may be gone
    assert pairs(await check_parity(engine)) == {"agreed": 11, "differing": 1}


async def test_f9_marks_of_a_refused_record_wait_with_it():
    town = Town()
    engine = await town.settle()
    contact = town.ids(6)[Side.SALESFORCE]
    town.org.faults.refuse_record(contact, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    town.org.edit(contact, marked=False)
    town.edit(Side.HINT, 6, city="Salem")
    await sync_by_hand(engine, Side.HINT, town.ids(6)[Side.HINT])
    run = await check_parity(engine)
    assert (pairs(run), report_of(run)["missed"]) == ({"agreed": 11, "queued": 1}, 0)


@pytest.mark.parametrize("parked", [None, "FIELD_CUSTOM_VALIDATION_EXCEPTION"])
async def test_what_is_in_the_dirty_set_waits_already_parked_or_not(parked: str | None):
    town = Town()
    engine = await town.settle()
    town.edit(Side.HINT, 0, city="Salem")
    now = engine.clock.now().timestamp()
    await town.store.mark("main", [Mark(Side.HINT, town.ids(0)[Side.HINT], "webhook", now)])
    if parked:
        claimed = await town.store.claim("main", "worker", now, now + 15, limit=1)
        await town.store.put_off(claimed, now + 60, parked=parked)
    run = await check_parity(engine)
    assert pairs(run) == {"agreed": 11, "queued": 1}
    assert report_of(run)["missed"] == 0
    (dirty,) = await town.store.dirty("main")
    assert (dirty.lane, dirty.cause, dirty.parked) == (Lane.LIVE, "webhook", parked)


class BusyClock(HandClock):
    """A clock during whose pauses somebody works."""

    meanwhile: Callable[[], object] | None = None

    async def sleep(self, seconds: float) -> None:
        self.push(seconds)
        if self.meanwhile is not None:
            await self.meanwhile()  # type: ignore[misc]


async def test_a_pair_that_was_edited_and_worked_while_the_check_read_is_no_find():
    clock = BusyClock()
    town = Town(clock=clock)
    engine = await town.settle()
    patient = town.ids(2)[Side.HINT]

    def edit(run: Run) -> None:
        if run.details.get("phase") == "reading patients" and clock.meanwhile is None:
            town.edit(Side.HINT, 2, city="Salem")
            clock.meanwhile = lambda: sync_by_hand(engine, Side.HINT, patient)

    run = await check_parity(engine, on_progress=edit)
    assert clock.meanwhile is not None
    assert (pairs(run), report_of(run)["missed"], await town.dirty()) == ({"agreed": 12}, 0, set())


async def test_an_event_that_arrives_late_is_waited_for():
    clock = BusyClock()
    town = Town(clock=clock)
    engine = await town.settle()
    town.edit(Side.HINT, 2, city="Salem")
    mark = Mark(Side.HINT, town.ids(2)[Side.HINT], "webhook", clock.now().timestamp())
    clock.meanwhile = lambda: town.store.mark("main", [mark])
    run = await check_parity(engine)
    assert (pairs(run), report_of(run)["missed"]) == ({"agreed": 11, "queued": 1}, 0)


async def test_the_agreed_entry_of_a_phone_list_counts_wherever_it_stands():
    town = Town()
    engine = await town.settle()
    patient = town.ids(0)[Side.HINT]
    town.practice.edit(
        patient, phones=[("mobile", "+14155550777"), ("mobile", "+14155550101"), ("fax", "+14155550888")]
    )
    assert pairs(await check_parity(engine)) == {"agreed": 12}
    town.practice.edit(patient, phones=[("mobile", "+14155550777"), ("fax", "+14155550101")])
    rows = await found(engine, await check_parity(engine))
    assert [row.reason for row in rows.values()] == ["differs: mobile_phone"]


async def test_a_number_left_behind_by_a_clear_is_no_difference():
    town = Town()
    engine = await town.settle()
    contact, patient = town.ids(0)[Side.SALESFORCE], town.ids(0)[Side.HINT]
    town.practice.edit(patient, phones=[("mobile", "+14155550101"), ("mobile", "+14155550777")])
    town.org.edit(contact, {"mobile_phone": None})
    await sync_by_hand(engine, Side.SALESFORCE, contact)
    assert town.practice.shown(patient).values["mobile_phone"] == "+14155550777"
    assert pairs(await check_parity(engine)) == {"agreed": 12}


@pytest.mark.parametrize("marks", [{"marked": False}, {"peer_id": "pat-someoneelse00"}, {"peer_id": None}])
async def test_u2_marks_edited_by_hand_are_found_and_put_back(marks: dict[str, object]):
    town = Town()
    engine = await town.settle()
    contact = town.ids(8)[Side.SALESFORCE]
    town.org.edit(contact, **marks)
    run = await check_parity(engine)
    assert pairs(run) == {"agreed": 11, "differing": 1}
    assert report_of(run)["marks_unfit"] == {"salesforce": 1, "hint": 0}
    await work(engine)
    shown = town.org.shown(contact)
    assert (shown.marked, shown.peer_id) == (True, town.ids(8)[Side.HINT])


async def test_b12_our_id_gone_from_a_patient_is_written_again_and_no_edit_was_missed():
    town = Town()
    engine = await town.settle()
    town.practice.edit(town.ids(8)[Side.HINT], peer_id=None)
    run = await check_parity(engine)
    assert (pairs(run), report_of(run)["missed"]) == ({"agreed": 11, "unrecorded": 1}, 0)
    await work(engine)
    assert pairs(await check_parity(engine)) == {"agreed": 12}


async def test_b12_without_write_back_hint_is_not_looked_at_for_our_id():
    town = Town(options=Options(write_back=False))
    engine = await town.settle()
    assert pairs(await check_parity(engine)) == {"agreed": 12}


async def test_marks_on_contacts_that_nobody_linked_are_counted():
    town = Town()
    engine = await town.settle()
    town.org.put({"last_name": "Stray"}, marked=True)
    town.org.put({"last_name": "Stray"}, peer_id="pat-unknown")
    assert report_of(await check_parity(engine))["marked_unlinked"] == 2


async def test_records_that_are_gone_are_found_and_their_own_side_is_marked():
    town = Town()
    engine = await town.settle()
    town.org.delete(town.ids(0)[Side.SALESFORCE])
    town.org.merge(town.ids(1)[Side.SALESFORCE], town.contact("Win", "Ner", BORN))
    town.practice.delete(town.ids(2)[Side.HINT])
    town.practice.merge(town.ids(3)[Side.HINT], town.patient("Win", "Ner", BORN))
    run = await check_parity(engine)
    assert pairs(run) == {"agreed": 8, "missing": 4}
    assert report_of(run)["missed"] == 4
    assert {row.outcome for row in (await found(engine, run)).values()} == {Outcome.NOT_FOUND}
    assert {(side, record_id) for side, record_id, _ in await town.dirty()} == {
        (Side.SALESFORCE, town.ids(0)[Side.SALESFORCE]),
        (Side.SALESFORCE, town.ids(1)[Side.SALESFORCE]),
        (Side.HINT, town.ids(2)[Side.HINT]),
        (Side.HINT, town.ids(3)[Side.HINT]),
    }
    await work(engine)
    again = await check_parity(engine)
    assert (report_of(again)["missed"], set(pairs(again)) & {"differing", "missing"}) == (0, set())


async def test_d3_an_archived_patient_is_compared_like_any_other():
    town = Town()
    engine = await town.settle()
    town.practice.archive(town.ids(0)[Side.HINT])
    assert pairs(await check_parity(engine)) == {"agreed": 12}


async def test_d1_a_suspended_link_is_known_and_one_whose_contact_came_back_is_found():
    town = Town()
    engine = await town.settle()
    contact = town.ids(0)[Side.SALESFORCE]
    town.org.delete(contact)
    await sync_by_hand(engine, Side.SALESFORCE, contact)
    run = await check_parity(engine)
    assert (pairs(run), report_of(run)["missed"]) == ({"agreed": 11}, 0)
    assert report_of(run)["not_compared"] == {"suspended": 1, "unfinished": 0}
    town.org.undelete(contact)
    run = await check_parity(engine)
    assert (pairs(run), report_of(run)["missed"]) == ({"agreed": 11, "differing": 1}, 1)
    await work(engine)
    assert pairs(await check_parity(engine)) == {"agreed": 12}


async def test_d2_a_suspended_link_of_a_destroyed_patient_is_known_and_counted_as_done():
    town = Town()
    engine = await town.settle()
    patient = town.ids(0)[Side.HINT]
    town.practice.delete(patient)
    await sync_by_hand(engine, Side.HINT, patient)
    run = await check_parity(engine)
    assert (pairs(run), report_of(run)["missed"]) == ({"agreed": 11}, 0)
    assert report_of(run)["not_compared"] == {"suspended": 1, "unfinished": 0}
    assert (run.done, run.total) == (12, 12)


async def test_g4_a_frozen_pair_waits_for_a_person():
    town = Town()
    engine = await town.settle()
    town.edit(Side.HINT, 0, first_name="Bob", birth_date="1931-01-01")
    await sync_by_hand(engine, Side.HINT, town.ids(0)[Side.HINT])
    run = await check_parity(engine)
    assert report_of(run)["not_compared"] == {"frozen": 1, "unfinished": 0}
    assert (pairs(run), await town.dirty()) == ({"agreed": 11}, set())


async def test_a_pair_that_is_parted_while_the_check_reads_is_passed_over():
    clock = BusyClock()
    town = Town(clock=clock)
    engine = await town.settle()
    town.edit(Side.HINT, 0, city="Salem")
    state = await town.store.link(town.links[0].id)
    assert state is not None

    async def part() -> None:
        change = LinkChange(replace(state.link, status=LinkStatus.ENDED))
        await town.store.commit(Commit(links=[change]))

    clock.meanwhile = part
    run = await check_parity(engine)
    assert (pairs(run), await town.dirty()) == ({"agreed": 11}, set())
    assert report_of(run)["not_compared"] == {"ended": 1, "unfinished": 0}


@pytest.mark.parametrize("side", list(Side))
async def test_g2_a_side_that_shows_nobody_stops_the_check_and_marks_nothing(side: Side):
    town = Town()
    engine = await town.settle()
    office = town.org if side is Side.SALESFORCE else town.practice
    kept, office._records = office._records, {}
    run = await check_parity(engine)
    assert run.status is RunStatus.STOPPED
    assert run.reason is not None
    assert run.reason.startswith("safety-stop: G2")
    assert (run.seal, await town.dirty()) == (None, set())
    office._records = kept
    again = await check_parity(engine, resume=run.id)
    assert (again.id, pairs(again)) == (run.id, {"agreed": 12})


async def test_g1_another_org_stops_the_check():
    town = Town()
    await town.settle()
    town.org.identity = replace(town.org.identity, id="another")
    run = await check_parity(await town.engine())
    assert run.status is RunStatus.STOPPED
    assert run.reason is not None
    assert run.reason.startswith("safety-stop: G1")


async def test_without_repair_nothing_is_marked_and_no_position_moves():
    town = Town()
    engine = await town.settle()
    town.edit(Side.HINT, 0, city="Salem")
    run = await check_parity(engine, repair=False)
    assert (pairs(run), report_of(run)["marked"]) == ({"agreed": 11, "differing": 1}, 0)
    assert await town.dirty() == set()
    assert [(await load_position(engine, side)).caught_up for side in Side] == [None, None]


async def test_a_check_moves_the_position_of_both_sides_to_their_own_latest_stamp():
    town = Town()
    engine = await town.settle()
    written = town.clock.now()
    town.clock.push(3600)
    await check_parity(engine)
    for side in Side:
        position = await load_position(engine, side)
        assert (position.read_to, position.caught_up) == (written, town.clock.now())


async def test_g6_a_spent_budget_gives_the_check_up_and_it_goes_on_later():
    town = Town()
    engine = await town.settle()
    town.edit(Side.HINT, 0, city="Salem")
    town.practice.faults.spend_budget()
    run = await check_parity(engine)
    assert (run.status, (run.reason or "").partition(":")[0]) == (RunStatus.STOPPED, "budget-spent")
    town.practice.faults.restore()
    again = await check_parity(engine, resume=run.id)
    assert (again.id, pairs(again)) == (run.id, {"agreed": 11, "differing": 1})


@pytest.mark.parametrize("call", range(1, 10))
@pytest.mark.parametrize("side", list(Side))
async def test_t5_a_check_that_dies_anywhere_is_gone_on_with_and_counts_each_find_once(side: Side, call: int):
    town = Town()
    engine = await town.settle()
    town.edit(Side.HINT, 0, city="Salem")
    town.org.delete(town.ids(1)[Side.SALESFORCE])
    office = town.org if side is Side.SALESFORCE else town.practice
    office.faults.crash_before(call)
    try:
        run = await check_parity(engine)
    except Crash:
        office.faults.clear()
        (left, *_) = await town.store.runs("main")
        run = await check_parity(await town.engine(), resume=left.id)
    assert report_of(run)["missed"] == 2
    assert len(await town.dirty()) == 2
    assert len(await found(engine, run)) == 2


async def test_t13_an_abort_ends_the_check_and_a_resume_comes_to_the_same_figures():
    town = Town()
    engine = await town.settle(count=250)
    town.edit(Side.SALESFORCE, 9, city="Salem")
    asked: list[Run] = []

    def watch(run: Run) -> None:
        if run.done and not asked:
            asked.append(run)
            town.store._runs[run.id] = replace(town.store._runs[run.id], status=RunStatus.ABORTING)  # type: ignore[attr-defined]

    run = await check_parity(engine, on_progress=watch)
    assert (run.status, run.seal) == (RunStatus.ABORTED, None)
    assert await town.dirty() == set()
    again = await check_parity(engine, resume=run.id)
    assert (again.id, pairs(again), again.done) == (run.id, {"agreed": 249, "differing": 1}, again.total)


async def test_very_many_differences_are_believed_without_reading_each_record(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hintsync.engine.parity.looks.MOST_LOOKS", 0)
    town = Town()
    engine = await town.settle(count=150)
    for number in range(150):
        town.edit(Side.HINT, number, city="Salem")
    before = town.practice.calls
    run = await check_parity(engine)
    assert pairs(run) == {"differing": 150}
    assert len(await town.dirty()) == 150
    assert town.practice.calls - before < 10


async def test_l8_a_patient_who_came_since_changes_were_last_read_is_taken_in():
    town = Town()
    engine = await town.settle()
    old = town.patient("Old", "Timer", BORN)
    await town.store.take_known("main", [old])
    connection = replace(engine.connection, facts={"known_taken_at": engine.now()})
    await town.store.put_connection(connection)
    engine = await town.engine()
    assert report_of(await check_parity(engine))["newcomers"] == 0
    town.clock.push(3600)
    fresh = town.patient("New", "Comer", BORN)
    run = await check_parity(engine)
    assert (report_of(run)["newcomers"], report_of(run)["unlinked"]) == (1, {"salesforce": 0, "hint": 2})
    assert await town.dirty() == {(Side.HINT, fresh, Lane.PARITY)}


async def drop_marks(town: Town) -> None:
    """Empty the dirty set: what a pass over everybody has worked."""
    now = town.clock.now().timestamp()
    while claimed := await town.store.claim("main", "worker", now, now + 15, limit=100):
        await town.store.finish_marks(claimed)


async def test_a_linked_contact_is_kept_in_some_two_hundred_bytes_until_its_patient_comes():
    town = Town()
    engine = await town.settle(count=1)
    link = town.links[0]
    contact = replace(town.org.shown(link.contact_id or ""), values=dict.fromkeys(engine.table.names, "x" * 5000))
    maker = FormMaker(engine.table, {}, write_back=True)
    form = maker.contact_form(contact, link.patient_id, engine.fingerprinter(link.salt))
    assert len(form) == 1 + 8 + 8 * len(engine.table.rows) < 256


def _differing(town: Town, number: int) -> set[str]:
    """Compare a pair by its values, as an oracle that knows nothing of fingerprints."""
    ids = town.ids(number)
    contact, patient = town.org.shown(ids[Side.SALESFORCE]), town.practice.shown(ids[Side.HINT])
    return {
        row.name
        for row in town.org.table
        if ABSENT not in (contact.values[row.name], patient.values[row.name])
        and contact.values[row.name] != patient.values[row.name]
    }


@pytest.mark.parametrize("seed", range(8))
async def test_t1_exactly_the_pairs_that_an_oracle_finds_differing_are_found(seed: int):
    chance = random.Random(seed)
    town = Town(options=Options(guard_share=1.0))
    engine = await town.settle(count=60)
    names = [row.name for row in town.org.table if row.kind in (Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.STREET)]
    names.remove("name_prefix")
    two_way = [name for name in names if not town.org.table[name].one_way]
    for _ in range(40):
        side = chance.choice(list(Side))
        name = chance.choice(names if side is Side.SALESFORCE else two_way)
        value = chance.choice([None, "+14155550100" if "phone" in name else f"new{chance.randrange(3)}"])
        if name not in ("first_name", "last_name") or value is not None:
            town.edit(side, chance.randrange(60), **{name: value})
    truth = {town.ids(number)[Side.HINT]: _differing(town, number) for number in range(60)}
    run = await check_parity(engine)
    rows = await found(engine, run)
    told = {
        each: set((rows[each].reason or "").partition(";")[0].removeprefix("differs: ").split(", ")) for each in rows
    }
    only_base = {each for each in rows if (rows[each].reason or "").startswith("base behind")}
    assert {each: names for each, names in told.items() if each not in only_base} == {
        each: names for each, names in truth.items() if names
    }
    synced = await sync_all(engine)
    assert synced.status is RunStatus.DONE, synced.reason
    await drop_marks(town)
    left = await check_parity(engine)
    waiting = sum(1 for number in range(60) if _differing(town, number))
    assert pairs(left) == {name: count for name, count in (("agreed", 60 - waiting), ("queued", waiting)) if count}
