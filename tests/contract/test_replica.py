"""What the Replica port promises, held against every implementation.

`replica_world` tells how a real sandbox is added.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil

import pytest

from hintsync.core.errors import BudgetSpent, FixConfiguration, HintsyncError, ReconnectNeeded, RetryLater
from hintsync.core.fields import Kind
from hintsync.core.limits import Purpose
from hintsync.core.records import RecordId, RecordState, Snapshot
from hintsync.core.values import ABSENT, Side
from hintsync.ports import (
    Bookkeeping,
    Created,
    CreateRefused,
    CreateUnknown,
    Demographics,
    Draft,
    DuplicateRule,
    Gone,
    KeyTaken,
    Later,
    Moved,
    Refused,
    Replica,
    Unknown,
    Update,
    WriteMode,
    Written,
)
from hintsync.replicas.dry_run import DryRunReplica, WriteInDryRun
from hintsync.replicas.hint.facts import HintFacts
from tests.contract.hint_world import GRUDGING, HintWorld
from tests.contract.memory_world import MemoryWorld
from tests.contract.replica_world import BAD_EMAIL, FIELDS, World
from tests.contract.salesforce_world import SalesforceWorld

MODES = pytest.mark.parametrize("mode", list(WriteMode))

WORLDS = ("memory-salesforce", "memory-hint", "salesforce", "hint", "hint-grudging")


async def open_world(name: str) -> World:
    match name:
        case "memory-salesforce":
            return MemoryWorld(Side.SALESFORCE)
        case "memory-hint":
            return MemoryWorld(Side.HINT)
        case "salesforce":
            return await SalesforceWorld.open()
        case "hint":
            return HintWorld()
        case "hint-grudging":
            return HintWorld(replace(GRUDGING), HintFacts())
    raise LookupError(name)


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    world = await open_world(request.param)
    yield world
    await world.aclose()


ADA = {
    "first_name": "Ada",
    "middle_name": "Rose",
    "last_name": "Moor",
    "birth_date": "1980-02-29",
    "email": "ada@example.org",
    "city": "Springfield",
    "mobile_phone": "+14155550132",
}
BEN = {**ADA, "first_name": "Ben", "last_name": "Holt", "birth_date": "1975-07-04", "email": "ben@example.org"}


async def scanned(replica: Replica) -> list[Snapshot]:
    return [snapshot async for page in replica.scan() for snapshot in page.records]


async def read_one(world: World, record_id: RecordId) -> Snapshot:
    return (await world.replica.read([record_id]))[record_id]


async def write(world: World, update: Update, mode: WriteMode = WriteMode.BATCH) -> object:
    (answer,) = await world.replica.update([update], mode)
    return answer


def shown(snapshot: Snapshot) -> dict[str, object]:
    return {name: snapshot.values[name] for name in FIELDS}


# Who and what


async def test_identify_names_the_side_and_always_the_same_id(world: World) -> None:
    first, second = await world.replica.identify(), await world.replica.identify()
    assert first == second
    assert first.side is world.side
    assert first.id
    assert first.name


async def test_describe_gives_the_same_digest_as_long_as_nothing_changes(world: World) -> None:
    first, second = await world.replica.describe(), await world.replica.describe()
    assert first == second
    assert first.digest


async def test_describe_says_that_one_way_fields_cannot_be_written_to_hint(world: World) -> None:
    described = await world.replica.describe()
    one_way = {row.name for row in world.replica.table if row.one_way}
    if world.side is Side.HINT:
        assert described.read_only >= one_way
    assert described.read_only.isdisjoint({"first_name", "last_name", "email"})


# Reading


async def test_read_brings_every_mapped_field_in_canonical_form(world: World) -> None:
    record_id = world.seed(ADA)
    snapshot = await read_one(world, record_id)
    assert shown(snapshot) == ADA
    assert set(snapshot.values) == set(world.replica.table.names)
    assert (snapshot.side, snapshot.id, snapshot.state) == (world.side, record_id, RecordState.LIVE)


async def test_a_field_that_nobody_filled_in_reads_as_blank_and_a_box_as_off(world: World) -> None:
    record_id = world.seed({"first_name": "Ada", "last_name": "Moor"})
    values = (await read_one(world, record_id)).values
    for row in world.replica.table:
        if row.name not in ("first_name", "last_name", "membership_status") and values[row.name] is not ABSENT:
            assert values[row.name] is (False if row.kind is Kind.CHECKBOX else None), row.name


async def test_read_leaves_out_what_does_not_exist(world: World) -> None:
    record_id = world.seed(ADA)
    unknown = record_id[:-6] + ("ZZZZZZ" if world.side is Side.HINT else "999AAA")
    assert set(await world.replica.read([record_id, unknown])) == {record_id}


async def test_read_of_a_doubled_id_brings_the_record_once(world: World) -> None:
    record_id = world.seed(ADA)
    assert list(await world.replica.read([record_id, record_id])) == [record_id]


async def test_a_deleted_record_comes_with_its_state_or_not_at_all(world: World) -> None:
    record_id = world.seed(ADA)
    world.delete(record_id)
    found = await world.replica.read([record_id])
    if world.shows_deleted:
        assert found[record_id].state is RecordState.DELETED
    else:
        assert found == {}


async def test_a_merged_record_names_the_record_it_became_part_of(world: World) -> None:
    loser, winner = world.seed(ADA), world.seed(BEN)
    world.merge(loser, winner)
    snapshot = await read_one(world, loser)
    assert (snapshot.state, snapshot.merged_into) == (RecordState.MERGED, winner)
    assert (await read_one(world, winner)).state is RecordState.LIVE


async def test_an_archived_record_is_read_and_scanned_with_its_state(world: World) -> None:
    if not world.archives:
        pytest.skip("this side archives nobody")
    record_id = world.seed(ADA)
    world.seed(BEN)
    world.archive(record_id)
    assert (await read_one(world, record_id)).state is RecordState.ARCHIVED
    assert {each.id: each.state for each in await scanned(world.replica)}[record_id] is RecordState.ARCHIVED


async def test_read_takes_as_few_calls_as_capabilities_say(world: World) -> None:
    ids = world.seed_many([ADA, BEN, ADA])
    await world.replica.read(ids[:1])
    before = world.replica.calls
    await world.replica.read(ids)
    assert world.replica.calls - before == ceil(len(ids) / world.replica.capabilities.read_size)


async def test_a_snapshot_carries_the_time_at_which_its_read_was_sent(world: World) -> None:
    record_id = world.seed(ADA)
    world.clock.elapsed += 17
    sent = world.clock.elapsed
    assert (await read_one(world, record_id)).read_at == sent


async def test_the_stamp_moves_when_the_record_does_and_only_then(world: World) -> None:
    record_id = world.seed(ADA)
    first, again = await read_one(world, record_id), await read_one(world, record_id)
    world.edit(record_id, {"city": "Shelbyville"})
    assert first.stamp == again.stamp
    assert (await read_one(world, record_id)).stamp != first.stamp


async def test_nothing_asked_costs_no_call(world: World) -> None:
    await world.replica.describe()
    before = world.replica.calls
    assert await world.replica.read([]) == {}
    assert await world.replica.find_by_key([]) == {}
    assert list(await world.replica.update([], WriteMode.BATCH)) == []
    assert list(await world.replica.create([])) == []
    assert world.replica.calls == before


# Scanning


async def test_a_scan_yields_everybody_once_in_pages_and_tells_how_many(world: World) -> None:
    size = world.replica.capabilities.page_size
    ids = world.seed_many([ADA] * (size + 2))
    pages = [page async for page in world.replica.scan()]
    assert [len(page.records) for page in pages] == [size, 2]
    assert sorted(record.id for page in pages for record in page.records) == sorted(ids)
    assert {page.total for page in pages} == {size + 2}
    assert all(len({page.ref.number, page.ref.offset}) for page in pages)
    assert len({page.ref for page in pages}) == 2


async def test_a_scan_of_nobody_yields_nobody(world: World) -> None:
    assert await scanned(world.replica) == []


async def test_a_scan_leaves_deleted_records_out(world: World) -> None:
    kept, deleted = world.seed(ADA), world.seed(BEN)
    world.delete(deleted)
    assert [each.id for each in await scanned(world.replica)] == [kept]


async def test_a_scan_that_is_given_up_half_way_leaves_nothing_running(world: World) -> None:
    world.seed_many([ADA] * (world.replica.capabilities.page_size + 2))
    pages = world.replica.scan()
    async for _ in pages:
        break
    await pages.aclose()  # type: ignore[attr-defined]
    assert len(await scanned(world.replica)) == world.replica.capabilities.page_size + 2


async def test_a_scan_since_a_moment_yields_what_changed_at_or_after_it(world: World) -> None:
    before, changed, _ = world.seed(ADA), world.seed(BEN), world.seed(ADA)
    world.edit(changed, {"city": "Shelbyville"})
    found = {r.id for page in [p async for p in world.replica.scan(since=world.clock.now())] for r in page.records}
    if world.replica.capabilities.changed_since:
        assert found == {changed}
    else:
        assert found >= {changed, before}


async def test_a_scan_since_a_moment_tells_of_deleted_records_where_the_side_does(world: World) -> None:
    record_id = world.seed(ADA)
    world.clock.elapsed += 60
    since = world.clock.now()
    world.delete(record_id)
    found = [r for page in [p async for p in world.replica.scan(since=since)] for r in page.records]
    assert [(r.id, r.state) for r in found] == ([(record_id, RecordState.DELETED)] if world.shows_deleted else [])


async def test_a_scan_since_the_future_yields_nobody_where_it_is_honoured(world: World) -> None:
    world.seed(ADA)
    since = world.clock.now() + timedelta(days=1)
    found = [record for page in [p async for p in world.replica.scan(since=since)] for record in page.records]
    assert bool(found) is not world.replica.capabilities.changed_since


async def test_key_rows_show_of_everybody_what_matching_must_know(world: World) -> None:
    ada, ben = world.seed(ADA, peer_id="peer-1"), world.seed(BEN)
    rows = {row.id: row for page in [page async for page in world.replica.scan_keys()] for row in page}
    assert set(rows) == {ada, ben}
    assert rows[ada][1:5] == ("Ada", "Moor", "1980-02-29", "peer-1")
    assert rows[ben].peer_id is None
    assert rows[ada].state is RecordState.LIVE
    assert not rows[ada].person_account


async def test_a_page_read_again_shows_the_same_records_as_they_are_now(world: World) -> None:
    ids = world.seed_many([ADA, BEN])
    (page,) = [page async for page in world.replica.scan()]
    world.edit(ids[1], {"city": "Shelbyville"})
    again = await world.replica.reread(page.ref)
    assert {record.id for record in again.records} == set(ids)
    assert {record.id: record.values["city"] for record in again.records}[ids[1]] == "Shelbyville"


async def test_a_list_that_keeps_moving_is_to_be_read_later(world: World) -> None:
    world.seed_many([ADA] * (2 * world.replica.capabilities.page_size + 50))
    world.keep_moving()
    with pytest.raises(RetryLater):
        await scanned(world.replica)


# Finding


async def test_find_brings_at_least_those_with_the_same_birth_date(world: World) -> None:
    ada, other_name = world.seed(ADA), world.seed({**BEN, "birth_date": ADA["birth_date"]})
    people = [Demographics("Ada", "Moor", "1980-02-29"), Demographics("Nobody", "Here", "1990-01-01")]
    if not world.replica.capabilities.find_by_birth_date:
        with pytest.raises(NotImplementedError):
            await world.replica.find(people)
        return
    found = {each.id: each for each in await world.replica.find(people)}
    assert set(found) >= {ada, other_name}
    assert shown(found[ada]) == ADA


async def test_find_by_key_believes_only_a_record_that_shows_the_key(world: World) -> None:
    ada, ben = world.seed(ADA, peer_id="peer-1"), world.seed(BEN)
    found = await world.replica.find_by_key(["peer-1", "peer-2", ben])
    assert {key: snapshot.id for key, snapshot in found.items()} == {"peer-1": ada}
    assert found["peer-1"].peer_id == "peer-1"


# Updating


@MODES
async def test_an_update_writes_the_fields_it_names_and_no_other(world: World, mode: WriteMode) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    answer = await write(world, Update(record_id, {"city": "Shelbyville", "middle_name": "Jo"}, seen), mode)
    assert isinstance(answer, Written)
    assert answer.record_id == record_id
    assert world.look(record_id) == {**ADA, "city": "Shelbyville", "middle_name": "Jo", "peer_id": None}


@MODES
async def test_an_edit_of_another_field_survives_an_update_that_did_not_see_it(world: World, mode: WriteMode) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.edit(record_id, {"email": "new@example.org"})
    await write(world, Update(record_id, {"city": "Shelbyville"}, seen), mode)
    assert world.look(record_id)["email"] == "new@example.org"


async def test_a_written_record_reads_back_as_it_was_written(world: World) -> None:
    record_id = world.seed({"first_name": "Ada", "last_name": "Moor"})
    seen = await read_one(world, record_id)
    await write(world, Update(record_id, ADA, seen))
    assert shown(await read_one(world, record_id)) == ADA


async def test_the_snapshot_of_an_answer_is_what_a_read_shows(world: World) -> None:
    record_id = world.seed(ADA)
    answer = await write(world, Update(record_id, {"city": "Shelbyville"}, await read_one(world, record_id)))
    assert isinstance(answer, Written)
    if answer.snapshot is not None:
        now = await read_one(world, record_id)
        assert replace(answer.snapshot, read_at=now.read_at) == now


@MODES
async def test_answers_come_in_the_order_of_the_updates(world: World, mode: WriteMode) -> None:
    ids = world.seed_many([ADA, BEN] * 30)
    seen = await world.replica.read(ids)
    wanted = [Update(each, {"city": f"Town {n}"}, seen[each]) for n, each in enumerate(ids)]
    answers = await world.replica.update(wanted[::-1], mode)
    assert [answer.record_id for answer in answers] == ids[::-1]
    assert all(isinstance(answer, Written) for answer in answers)
    assert [world.look(each)["city"] for each in ids] == [f"Town {n}" for n in range(60)]


@MODES
async def test_a_clear_empties_the_field(world: World, mode: WriteMode) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    clears = {"middle_name": None, "email": None, "mobile_phone": None}
    assert isinstance(await write(world, Update(record_id, clears, seen), mode), Written)
    assert world.look(record_id) == {**ADA, **clears, "peer_id": None}


@MODES
async def test_bookkeeping_is_written_and_emptied_without_touching_fields(world: World, mode: WriteMode) -> None:
    record_id = world.seed(ADA)
    await write(world, Update(record_id, {}, None, Bookkeeping(peer_id="peer-1", marked=True)), mode)
    marked = await read_one(world, record_id)
    assert marked.peer_id == "peer-1"
    assert marked.marked is (world.side is Side.SALESFORCE)
    await write(world, Update(record_id, {}, None, Bookkeeping(peer_id="", marked=False)), mode)
    emptied = await read_one(world, record_id)
    assert (emptied.peer_id, emptied.marked) == (None, False)
    assert world.look(record_id) == {**ADA, "peer_id": None}


@MODES
async def test_an_update_of_a_record_that_is_gone_says_so(world: World, mode: WriteMode) -> None:
    record_id, other = world.seed(ADA), world.seed(BEN)
    seen = await world.replica.read([record_id, other])
    world.delete(record_id)
    updates = [Update(each, {"city": "Shelbyville"}, seen[each]) for each in (record_id, other)]
    gone, written = await world.replica.update(updates, mode)
    assert gone == Gone(record_id)
    assert isinstance(written, Written)


async def test_a_live_update_of_a_record_that_moved_is_not_made_where_conditions_are_possible(world: World) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.edit(record_id, {"city": "Ogdenville"})
    answer = await write(world, Update(record_id, {"city": "Shelbyville"}, seen), WriteMode.LIVE)
    if world.replica.capabilities.conditional_writes:
        assert answer == Moved(record_id)
    assert world.look(record_id)["city"] == ("Ogdenville" if isinstance(answer, Moved) else "Shelbyville")


@MODES
@pytest.mark.parametrize("fresh", [True, False])
async def test_hints_phone_list_is_written_as_a_whole_and_only_on_a_fresh_look(
    world: World, mode: WriteMode, fresh: bool
) -> None:
    """What was done to it since a fresh look is lost; an older look is taken anew, and shows that somebody was there."""
    if world.side is Side.SALESFORCE:
        pytest.skip("a contact's phones are fields of their own")
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.edit(record_id, {"mobile_phone": "+14155550177"})
    if fresh:
        seen = replace(seen, read_at=world.clock.monotonic())
    change = Update(record_id, {"mobile_phone": None}, seen, replaced_phones={"mobile_phone": "+14155550132"})
    answer = await write(world, change, mode)
    assert answer == Moved(record_id) or (fresh and isinstance(answer, Written)), (
        "a side that wants names is read anyway"
    )
    assert world.look(record_id)["mobile_phone"] == ("+14155550177" if answer == Moved(record_id) else None)


@MODES
async def test_f8_a_refusal_names_the_fields_and_writes_nothing(world: World, mode: WriteMode) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    answer = await write(world, Update(record_id, {"email": BAD_EMAIL, "city": "Shelbyville"}, seen), mode)
    assert isinstance(answer, Refused)
    assert answer.fields == {"email"}
    assert answer.code
    assert world.look(record_id) == {**ADA, "peer_id": None}


@MODES
async def test_f9_a_refusal_of_the_whole_record_names_no_field(world: World, mode: WriteMode) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.refuse_record(record_id)
    answer = await write(world, Update(record_id, {"city": "Shelbyville"}, seen), mode)
    assert isinstance(answer, Refused)
    assert answer.fields == frozenset()
    assert world.look(record_id)["city"] == "Springfield"


@MODES
async def test_the_vendors_words_are_shown_to_a_person_and_to_no_log(world: World, mode: WriteMode) -> None:
    record_id = world.seed(ADA)
    answer = await write(world, Update(record_id, {"email": BAD_EMAIL}, await read_one(world, record_id)), mode)
    assert isinstance(answer, Refused)
    assert answer.shown_once
    assert answer.shown_once not in repr(answer)
    assert BAD_EMAIL not in repr(answer)


@MODES
async def test_a_refused_record_does_not_keep_others_from_being_written(world: World, mode: WriteMode) -> None:
    ids = world.seed_many([ADA, BEN, ADA])
    seen = await world.replica.read(ids)
    emails = ("a@example.org", BAD_EMAIL, "c@example.org")
    updates = [Update(each, {"email": email}, seen[each]) for each, email in zip(ids, emails, strict=True)]
    answers = await world.replica.update(updates, mode)
    assert [type(answer) for answer in answers] == [Written, Refused, Written]
    assert [world.look(each)["email"] for each in ids] == ["a@example.org", "ben@example.org", "c@example.org"]


@MODES
async def test_a_lock_puts_one_record_off_and_no_other(world: World, mode: WriteMode) -> None:
    ids = world.seed_many([ADA, BEN])
    seen = await world.replica.read(ids)
    world.lock(ids[0])
    later, written = await world.replica.update([Update(each, {"city": "Town"}, seen[each]) for each in ids], mode)
    assert isinstance(later, Later)
    assert (later.record_id, bool(later.code)) == (ids[0], True)
    assert isinstance(written, Written)
    assert world.look(ids[0])["city"] == "Springfield"


@MODES
@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_lost_reply_to_an_update_is_an_unknown_outcome_that_a_read_settles(
    world: World, mode: WriteMode, carried_out: bool
) -> None:
    record_id = world.seed(ADA)
    await write(world, Update(record_id, {"middle_name": "Jo"}, await read_one(world, record_id)))
    seen = await read_one(world, record_id)
    world.lose_write(carried_out=carried_out)
    assert await write(world, Update(record_id, {"city": "Shelbyville"}, seen), mode) == Unknown(record_id)
    now = (await read_one(world, record_id)).values["city"]
    assert now == world.look(record_id)["city"] == ("Shelbyville" if carried_out else "Springfield")


# Creating


def draft(values: dict[str, str] = ADA, key: str = "key-1") -> Draft:
    return Draft(key, dict(values), Bookkeeping(marked=True))


async def test_a_created_record_carries_its_values_and_its_key(world: World) -> None:
    (answer,) = await world.replica.create([draft()])
    assert isinstance(answer, Created)
    assert answer.key == "key-1"
    assert world.look(answer.record_id) == {**ADA, "peer_id": "key-1"}
    snapshot = await read_one(world, answer.record_id)
    assert (snapshot.peer_id, snapshot.marked) == ("key-1", world.side is Side.SALESFORCE)
    assert (await world.replica.find_by_key(["key-1"]))["key-1"].id == answer.record_id


async def test_created_records_are_answered_in_the_order_of_the_drafts(world: World) -> None:
    answers = await world.replica.create([draft(ADA, "key-1"), draft(BEN, "key-2")])
    assert [answer.key for answer in answers] == ["key-1", "key-2"]
    ids = [answer.record_id for answer in answers if isinstance(answer, Created)]
    assert [world.look(each)["first_name"] for each in ids] == ["Ada", "Ben"]


async def test_a_key_that_is_taken_creates_nobody_and_overwrites_nothing(world: World) -> None:
    holder = world.seed(BEN, peer_id="key-1")
    assert await world.replica.create([draft()]) == [KeyTaken("key-1", holder)]
    assert world.count() == 1
    assert world.look(holder) == {**BEN, "peer_id": "key-1"}


async def test_a_lost_reply_to_a_create_is_found_by_its_key_and_never_made_twice(world: World) -> None:
    await world.replica.describe()
    world.lose_write(carried_out=True)
    assert await world.replica.create([draft()]) == [CreateUnknown("key-1")]
    assert world.count() == 1
    found = (await world.replica.find_by_key(["key-1"]))["key-1"]
    assert shown(found) == ADA


async def test_a_create_that_never_arrived_is_not_found_by_its_key(world: World) -> None:
    await world.replica.describe()
    world.lose_write(carried_out=False)
    assert await world.replica.create([draft()]) == [CreateUnknown("key-1")]
    assert await world.replica.find_by_key(["key-1"]) == {}
    assert world.count() == 0


async def test_a_refused_create_names_the_fields(world: World) -> None:
    (answer,) = await world.replica.create([draft({**ADA, "email": BAD_EMAIL})])
    assert isinstance(answer, CreateRefused)
    assert (answer.key, answer.fields) == ("key-1", {"email"})
    assert BAD_EMAIL not in repr(answer)
    assert world.count() == 0


async def test_a_create_without_a_last_name_is_refused_by_that_name(world: World) -> None:
    (answer,) = await world.replica.create([Draft("key-1", {"first_name": "Ada"})])
    assert isinstance(answer, CreateRefused)
    assert "last_name" in answer.fields


async def test_l12_a_duplicate_rule_names_the_records_and_a_person_may_allow_the_create(world: World) -> None:
    there = world.seed(ADA)
    world.name_duplicate(there, "Moor")
    (answer,) = await world.replica.create([draft()])
    assert answer == DuplicateRule("key-1", (there,), may_be_allowed=True)
    assert world.count() == 1
    (allowed,) = await world.replica.create([replace(draft(), allow_duplicate=True)])
    assert isinstance(allowed, Created)


# What a side may not show


async def test_f6a_a_write_only_field_is_absent_and_its_write_is_acknowledged(world: World) -> None:
    if Side.HINT not in world.replica.table["name_prefix"].write_only or world.side is not Side.HINT:
        pytest.skip("every field is shown here")
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    assert seen.values["name_prefix"] is ABSENT
    assert isinstance(await write(world, Update(record_id, {"name_prefix": "Dr."}, seen)), Written)
    assert (await read_one(world, record_id)).values["name_prefix"] is ABSENT


# Trouble with the side as a whole


#: Of the calls that `every_call` makes, the first so many only read.
READS = 5


async def every_call(world: World, record_id: RecordId, seen: Snapshot) -> list[type[HintsyncError] | None]:
    """Make one call of each kind and return what each raised."""

    async def scan_keys() -> object:
        return [row async for row in world.replica.scan_keys()]

    calls: Sequence[Callable[[], object]] = (
        lambda: world.replica.identify(),
        lambda: scanned(world.replica),
        scan_keys,
        lambda: world.replica.read([record_id]),
        lambda: world.replica.find_by_key(["key-1"]),
        lambda: world.replica.update([Update(record_id, {"city": "Shelbyville"}, seen)], WriteMode.LIVE),
        lambda: world.replica.create([draft()]),
    )
    raised: list[type[HintsyncError] | None] = []
    for call in calls:
        try:
            await call()  # type: ignore[misc]
        except HintsyncError as error:
            raised.append(type(error))
        else:
            raised.append(None)
    return raised


async def test_a_refused_credential_raises_reconnect_needed_from_every_call(world: World) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.revoke()
    assert set(await every_call(world, record_id, seen)) == {ReconnectNeeded}
    assert world.look(record_id)["city"] == "Springfield"


async def test_a_used_up_day_raises_budget_spent_from_every_call(world: World) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.spend_budget()
    assert set(await every_call(world, record_id, seen)) == {BudgetSpent}
    assert world.count() == 1


async def test_g6_the_days_budget_tells_when_it_is_used_up_and_costs_no_call(world: World) -> None:
    record_id = world.seed(ADA)
    await read_one(world, record_id)
    before = world.replica.calls
    known = world.replica.budget
    assert known is None or known.allows(1, Purpose.PARITY)
    assert world.replica.calls == before
    world.spend_budget()
    with pytest.raises(BudgetSpent):
        await read_one(world, record_id)
    spent = world.replica.budget
    assert spent is not None
    assert not spent.allows(1, Purpose.INTERACTIVE)


async def test_what_an_administrator_must_put_right_raises_fix_configuration(world: World) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.misconfigure()
    raised = await every_call(world, record_id, seen)
    # A write may be answered as refused instead: the system need not say that it would refuse every other too.
    assert all(each and issubclass(each, FixConfiguration) for each in raised[:READS])
    assert world.count() == 1
    assert world.look(record_id)["city"] == "Springfield"


async def test_trouble_that_lasts_is_to_be_tried_later_and_nothing_is_written(world: World) -> None:
    record_id = world.seed(ADA)
    seen = await read_one(world, record_id)
    world.fail_for_long()
    assert set(await every_call(world, record_id, seen)) == {RetryLater}
    assert world.look(record_id)["city"] == "Springfield"
    assert world.count() == 1


async def test_trouble_that_passes_is_not_seen(world: World) -> None:
    record_id = world.seed(ADA)
    world.fail_once()
    assert shown(await read_one(world, record_id)) == ADA


async def test_a_lost_reply_to_a_read_is_not_seen(world: World) -> None:
    record_id = world.seed(ADA)
    await world.replica.describe()
    world.lose_reads_once()
    assert shown(await read_one(world, record_id)) == ADA


# Dry runs


async def test_b3_a_dry_run_reads_the_same_and_stops_at_the_first_write(world: World) -> None:
    record_id = world.seed(ADA)
    dry = DryRunReplica(world.replica)
    assert (dry.side, dry.table, dry.capabilities) == (world.side, world.replica.table, world.replica.capabilities)
    assert await dry.identify() == await world.replica.identify()
    assert shown((await dry.read([record_id]))[record_id]) == ADA
    assert [each.id for each in await scanned(dry)] == [record_id]
    before = dry.calls
    with pytest.raises(WriteInDryRun):
        await dry.update([Update(record_id, {"city": "Shelbyville"}, None)], WriteMode.BATCH)
    with pytest.raises(WriteInDryRun):
        await dry.create([draft()])
    assert (dry.calls, world.count(), world.look(record_id)["city"]) == (before, 1, "Springfield")
