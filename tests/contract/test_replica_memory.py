"""What only the in-memory replica has: trouble made to order, a hand in the records, a call back at every change."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hintsync.core.errors import RetryLater
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.records import RecordState
from hintsync.core.values import ABSENT, Side
from hintsync.engine.batch.csv_ids import to_18
from hintsync.ports import (
    Bookkeeping,
    Created,
    CreateUnknown,
    Draft,
    Gone,
    Later,
    Refused,
    Replica,
    Unknown,
    Update,
    WriteMode,
    Written,
)
from hintsync.replicas.memory import MemoryReplica
from hintsync.replicas.memory_faults import Crash
from hintsync.replicas.memory_records import Change, ChangeKind, make_id
from tests.replicas.clock import HeldClock

ADA = {"first_name": "Ada", "last_name": "Moor", "birth_date": "1980-02-29", "mobile_phone": "+14155550132"}


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture(params=list(Side))
def memory(request: pytest.FixtureRequest, clock: HeldClock) -> MemoryReplica:
    return MemoryReplica(request.param, DEFAULT_MAPPING, clock)


@pytest.fixture
def contacts(clock: HeldClock) -> MemoryReplica:
    return MemoryReplica(Side.SALESFORCE, DEFAULT_MAPPING, clock)


@pytest.fixture
def patients(clock: HeldClock) -> MemoryReplica:
    return MemoryReplica(Side.HINT, DEFAULT_MAPPING, clock)


def town(memory: MemoryReplica, record_id: str) -> object:
    return memory.shown(record_id).values["city"]


def moves(memory: MemoryReplica, record_id: str, name: str = "Shelbyville") -> Update:
    return Update(record_id, {"city": name}, memory.shown(record_id))


def test_it_is_a_replica(memory: MemoryReplica) -> None:
    replica: Replica = memory
    assert replica.side is memory.side


# Crashes


async def test_a_crash_before_a_call_leaves_everything_as_it_was(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    memory.faults.crash_before(2)
    await memory.identify()
    with pytest.raises(Crash):
        await memory.update([moves(memory, record_id)], WriteMode.BATCH)
    assert town(memory, record_id) is None


async def test_a_crash_after_a_call_leaves_it_carried_out(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    memory.faults.crash_after()
    with pytest.raises(Crash):
        await memory.update([moves(memory, record_id)], WriteMode.BATCH)
    assert town(memory, record_id) == "Shelbyville"


async def test_a_crash_between_two_chunks_leaves_the_first_carried_out(patients: MemoryReplica) -> None:
    ids = [patients.put(ADA) for _ in range(3)]
    patients.faults.crash_before(2)
    with pytest.raises(Crash):
        await patients.update([moves(patients, each) for each in ids], WriteMode.BATCH)
    assert [town(patients, each) for each in ids] == ["Shelbyville", None, None]


def test_a_crash_is_nothing_that_a_handler_of_errors_can_catch() -> None:
    assert not issubclass(Crash, Exception)


async def test_trouble_in_the_middle_keeps_the_answers_there_are(patients: MemoryReplica) -> None:
    ids = [patients.put(ADA) for _ in range(3)]
    written = await patients.update([moves(patients, ids[0])], WriteMode.BATCH)
    patients.faults.lose_reply(2)
    answers = await patients.update([moves(patients, each, "Ogdenville") for each in ids], WriteMode.BATCH)
    assert [type(answer) for answer in (*written, *answers)] == [Written, Written, Unknown, Written]


async def test_a_revoked_credential_in_the_middle_puts_the_rest_off(patients: MemoryReplica) -> None:
    ids = [patients.put(ADA) for _ in range(3)]
    patients.watch(lambda change: patients.faults.revoke())
    answers = await patients.update([moves(patients, each) for each in ids], WriteMode.BATCH)
    assert isinstance(answers[0], Written)
    assert answers[1:] == [Later(ids[1], "reconnect-needed"), Later(ids[2], "reconnect-needed")]
    patients.faults.restore()
    created = await patients.create([Draft(f"key-{n}", ADA) for n in range(2)])
    assert isinstance(created[0], Created)
    assert created[1] == CreateUnknown("key-1")


# Versions


async def test_frozen_stamps_stand_still_although_the_record_changes(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    before = memory.shown(record_id)
    memory.faults.frozen_stamps = True
    memory.edit(record_id, {"city": "Shelbyville"})
    now = memory.shown(record_id)
    assert now.stamp == before.stamp
    assert now.values != before.values


async def test_restless_stamps_move_although_nothing_changed(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    memory.faults.restless_stamps = True
    first, second = memory.shown(record_id), memory.shown(record_id)
    assert first.stamp != second.stamp
    assert first.values == second.values


# Values


async def test_a_dropped_write_is_acknowledged_and_not_kept(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    memory.faults.dropped.add("city")
    (answer,) = await memory.update([moves(memory, record_id)], WriteMode.BATCH)
    assert isinstance(answer, Written)
    assert town(memory, record_id) is None


async def test_f6_a_hidden_field_is_absent_and_described_as_missing(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    digest = (await memory.describe()).digest
    memory.faults.hidden.add("first_name")
    assert memory.shown(record_id).values["first_name"] is ABSENT
    described = await memory.describe()
    assert described.missing == {"first_name"}
    assert described.digest != digest
    (rows,) = [page async for page in memory.scan_keys()]
    assert rows[0].first_name is None


@pytest.mark.parametrize(
    ("value", "limits"),
    [("Springfield Gardens", {"max_length": {"city": 10}}), ("Elsewhere", {"choices": {"city": frozenset({"Here"})}})],
)
async def test_f8_a_described_limit_refuses_what_goes_over_it(
    memory: MemoryReplica, value: str, limits: dict[str, dict[str, object]]
) -> None:
    record_id = memory.put(ADA)
    for name, limit in limits.items():
        getattr(memory.faults, name).update(limit)
        assert getattr(await memory.describe(), name) == limit
    (answer,) = await memory.update([moves(memory, record_id, value)], WriteMode.BATCH)
    assert isinstance(answer, Refused)
    assert answer.fields == {"city"}
    memory.faults.clear()
    assert isinstance((await memory.update([moves(memory, record_id, value)], WriteMode.BATCH))[0], Written)


async def test_f8_a_field_can_be_refused_whatever_it_is_given(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    memory.faults.refuse("city", "FIELD_INTEGRITY_EXCEPTION")
    (answer,) = await memory.update([moves(memory, record_id)], WriteMode.BATCH)
    assert answer == Refused(record_id, "FIELD_INTEGRITY_EXCEPTION", frozenset({"city"}))


async def test_a_one_way_field_is_never_written_to_hint(patients: MemoryReplica) -> None:
    record_id = patients.put(ADA)
    with pytest.raises(ValueError, match="practitioner_name"):
        await patients.update([Update(record_id, {"practitioner_name": "Dr. No"}, None)], WriteMode.BATCH)


async def test_other_phones_of_a_patient_stay_as_they_are(patients: MemoryReplica) -> None:
    record_id = patients.put(ADA, more_phones=[("mobile", "+14155550177"), ("call at night", "020 7946 0958")])
    change = Update(
        record_id,
        {"mobile_phone": "+14155550199", "home_phone": "+14155550111"},
        patients.shown(record_id),
        replaced_phones={"mobile_phone": "+14155550177"},
    )
    await patients.update([change], WriteMode.BATCH)
    assert [(entry.type, entry.canonical) for entry in patients.shown(record_id).phones] == [
        ("mobile", "+14155550132"),
        ("mobile", "+14155550199"),
        ("call at night", "020 7946 0958"),
        ("home", "+14155550111"),
    ]


async def test_a_phone_is_added_behind_when_no_entry_is_to_be_replaced(patients: MemoryReplica) -> None:
    record_id = patients.put(ADA)
    change = Update(record_id, {"mobile_phone": "+14155550199"}, None, replaced_phones={"mobile_phone": ""})
    await patients.update([change], WriteMode.BATCH)
    assert [entry.canonical for entry in patients.shown(record_id).phones] == ["+14155550132", "+14155550199"]


async def test_a_stale_phone_list_costs_a_read_and_a_fresh_one_does_not(
    patients: MemoryReplica, clock: HeldClock
) -> None:
    record_id = patients.put(ADA)
    change = Update(record_id, {"mobile_phone": "+14155550199"}, patients.shown(record_id))
    clock.elapsed += 3
    await patients.update([change], WriteMode.BATCH)
    assert patients.calls == 1
    again = Update(record_id, {"mobile_phone": "+14155550122"}, patients.shown(record_id))
    clock.elapsed += 3
    await patients.update([again], WriteMode.LIVE)
    assert patients.calls == 3


async def test_a_phone_list_goes_back_as_it_was_seen(patients: MemoryReplica) -> None:
    record_id = patients.put(ADA)
    change = Update(record_id, {"home_phone": "+14155550111"}, patients.shown(record_id))
    patients.edit(record_id, {"mobile_phone": "+14155550177", "office_phone": "+14155550122"})
    assert isinstance((await patients.update([change], WriteMode.LIVE))[0], Written)
    numbers = [entry.canonical for entry in patients.shown(record_id).phones]
    assert numbers == ["+14155550132", "+14155550111"]


# Sizes


async def test_calls_are_counted_as_salesforce_would_count_them(contacts: MemoryReplica) -> None:
    ids = [contacts.put(ADA) for _ in range(450)]
    await contacts.read(ids)
    assert contacts.calls == 3
    updates = [moves(contacts, each) for each in ids]
    await contacts.update(updates, WriteMode.BATCH)
    assert contacts.calls == 6
    await contacts.update([moves(contacts, each, "Ogdenville") for each in ids[:60]], WriteMode.LIVE)
    assert contacts.calls == 9


async def test_calls_are_counted_as_hint_would_count_them(patients: MemoryReplica) -> None:
    ids = [patients.put(ADA) for _ in range(250)]
    assert [len(page.records) async for page in patients.scan()] == [100, 100, 50]
    assert patients.calls == 3
    await patients.read(ids[:7])
    await patients.update([moves(patients, each) for each in ids[:5]], WriteMode.BATCH)
    assert patients.calls == 15


# People


async def test_a_deleted_contact_comes_back_and_a_deleted_patient_does_not_show(
    contacts: MemoryReplica, patients: MemoryReplica
) -> None:
    contact, patient = contacts.put(ADA), patients.put(ADA)
    contacts.delete(contact)
    patients.delete(patient)
    assert (await contacts.update([Update(contact, {"city": "Town"}, None)], WriteMode.BATCH)) == [Gone(contact)]
    assert await patients.read([patient]) == {}
    contacts.undelete(contact)
    assert (await contacts.read([contact]))[contact].state is RecordState.LIVE


async def test_contacts_that_were_merged_are_in_the_list_of_changes_only(contacts: MemoryReplica) -> None:
    loser, winner = contacts.put(ADA), contacts.put(ADA)
    since = contacts.clock.now() - timedelta(seconds=1)
    contacts.merge(loser, winner)
    assert [r.id async for page in contacts.scan() for r in page.records] == [winner]
    changed = {r.id: r.state async for page in contacts.scan(since=since) for r in page.records}
    assert changed == {loser: RecordState.MERGED, winner: RecordState.LIVE}


async def test_who_watches_is_told_what_changed_and_whether_it_was_us(memory: MemoryReplica) -> None:
    told: list[Change] = []
    memory.watch(told.append)
    record_id = memory.put(ADA)
    memory.edit(record_id, {"city": "Springfield"})
    await memory.update([moves(memory, record_id)], WriteMode.BATCH)
    await memory.update([moves(memory, record_id)], WriteMode.BATCH)
    memory.delete(record_id)
    assert [(change.kind, change.ours) for change in told] == [
        (ChangeKind.CREATED, False),
        (ChangeKind.UPDATED, False),
        (ChangeKind.UPDATED, True),
        (ChangeKind.DELETED, False),
    ]
    assert told[1].fields == told[2].fields == {"city"}


async def test_what_a_contact_is_created_with_beside_its_fields_is_kept(contacts: MemoryReplica) -> None:
    draft = Draft("key-1", ADA, Bookkeeping(batch_id="run-1"), account_id="001", defaults={"LeadSource": "Hint"})
    await contacts.create([draft])
    (record,) = contacts.records()
    assert (record.account_id, record.beside) == ("001", {"batch_id": "run-1", "LeadSource": "Hint"})


async def test_an_edit_of_what_a_record_has_not_is_a_fault_of_the_test(memory: MemoryReplica) -> None:
    record_id = memory.put(ADA)
    with pytest.raises(KeyError):
        memory.edit(record_id, {"shoe_size": "42"})
    with pytest.raises(KeyError):
        memory.edit(record_id, stamp="x")


async def test_a_lost_read_is_to_be_made_again(memory: MemoryReplica) -> None:
    memory.faults.lose_reply()
    with pytest.raises(RetryLater):
        await memory.identify()
    await memory.identify()


@pytest.mark.parametrize("number", [1, 35, 36, 20_000, 999_999])
def test_ids_have_the_shape_of_their_system(number: int) -> None:
    contact, patient = make_id(Side.SALESFORCE, number), make_id(Side.HINT, number)
    assert (len(contact), len(patient)) == (18, 16)
    assert to_18(contact[:15]) == contact
    assert patient.startswith("pat-")
