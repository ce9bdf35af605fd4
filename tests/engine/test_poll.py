"""Polling: what is found, what is not found twice, and where the cursor goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from hintsync.core.errors import RetryLater
from hintsync.core.records import Link, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import TakenIn
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.engine.detect.poll import AT_REST, FAR_EVERY, NEAR, NOTE_EVERY, memory_of, poll_once
from hintsync.engine.detect.positions import caught_up_name, load_position, position_name
from hintsync.replicas.memory import MemoryReplica
from hintsync.state.live import Mark
from tests.engine.world import HandClock, World
from tests.replicas.salesforce.office import Office

BOTH = pytest.mark.parametrize("side", list(Side))


@dataclass
class Recording:
    """Takes notices in as the engine does, without judging them: marks every record, stores the cursors."""

    taken: list[Notice] = field(default_factory=list)
    cursors: list[Mapping[str, str]] = field(default_factory=list)
    calls: int = 0

    async def __call__(
        self, engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
    ) -> TakenIn:
        self.calls += 1
        self.taken += notices
        self.cursors += [cursors] if cursors else []
        marks = [Mark(each.side, each.record_id, each.cause, each.at) for each in notices]
        return TakenIn(await engine.store.mark(engine.connection.id, marks, cursors=cursors), 0, 0)

    def ids(self) -> list[str]:
        """Return the records taken in since the last look."""
        found, self.taken = [notice.record_id for notice in self.taken], []
        return found


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def take() -> Recording:
    return Recording()


def _replica(world: World, side: Side) -> MemoryReplica:
    return world.org if side is Side.SALESFORCE else world.practice


async def _at_rest(engine: Engine, side: Side, take: Recording, clock: HandClock) -> None:
    """Poll until nothing is news any more."""
    for _ in range(3):
        await poll_once(engine, side, take=take)
        clock.push(30)
    take.ids()
    take.cursors.clear()
    take.calls = 0


@BOTH
async def test_the_first_poll_reads_everything_and_the_next_what_changed(
    world: World, take: Recording, side: Side
) -> None:
    engine, replica = await world.engine(), _replica(world, side)
    records = [replica.put({"last_name": name}) for name in ("Moor", "Vale", "Lake")]
    world.clock.push(3600)
    records.append(replica.put({"last_name": "Hill"}))
    assert await poll_once(engine, side, take=take) == 4
    assert sorted(take.ids()) == sorted(records)
    await _at_rest(engine, side, take, world.clock)
    replica.edit(records[0], {"first_name": "Ada"})
    await poll_once(engine, side, take=take)
    (notice,) = take.taken
    assert (notice.record_id, notice.kind, notice.cause, notice.complete) == (
        records[0],
        NoticeKind.CHANGED,
        "poll",
        True,
    )
    assert notice.values["first_name"] == "Ada"


@BOTH
async def test_nothing_is_marked_or_stored_while_a_side_is_at_rest(world: World, take: Recording, side: Side) -> None:
    engine, replica = await world.engine(), _replica(world, side)
    for number in range(5):
        replica.put({"last_name": f"Moor{number}"})
    await _at_rest(engine, side, take, world.clock)
    for _ in range(10):
        assert await poll_once(engine, side, take=take) == 0
        world.clock.push(30)
    assert (take.calls, take.taken) == (0, [])


async def test_how_far_we_are_by_our_own_clock_is_noted_now_and_then(world: World, take: Recording) -> None:
    engine = await world.engine()
    world.contact("Ada", "Moor", None)
    await _at_rest(engine, Side.SALESFORCE, take, world.clock)
    world.clock.push(NOTE_EVERY)
    await poll_once(engine, Side.SALESFORCE, take=take)
    assert [set(cursors) for cursors in take.cursors] == [{caught_up_name(Side.SALESFORCE)}]
    assert (await load_position(engine, Side.SALESFORCE)).caught_up == world.clock.now()


@pytest.mark.parametrize("hours", [-48, 48])
async def test_the_cursor_is_a_moment_of_the_side_whatever_our_clock_says(take: Recording, hours: int) -> None:
    world = World()
    theirs = HandClock(moment=world.clock.moment + timedelta(hours=hours))
    world.org = MemoryReplica(Side.SALESFORCE, world.options.table(), theirs)
    engine = await world.engine()
    first = world.contact("Ada", "Moor", None)
    await poll_once(engine, Side.SALESFORCE, take=take)
    reached = (await load_position(engine, Side.SALESFORCE)).read_to
    assert reached == theirs.now()
    for clock in (theirs, world.clock):
        clock.push(1800)
    second = world.contact("Eve", "Vale", None)
    await poll_once(engine, Side.SALESFORCE, take=take)
    assert set(take.ids()) == {first, second}
    assert (await load_position(engine, Side.SALESFORCE)).read_to == theirs.now()


@BOTH
async def test_the_cursor_moves_in_one_transaction_with_the_marks(world: World, take: Recording, side: Side) -> None:
    engine, replica = await world.engine(), _replica(world, side)
    replica.put({"last_name": "Moor"})
    await poll_once(engine, side, take=take)
    assert take.calls == 1
    assert position_name(side) in take.cursors[0]


@BOTH
async def test_a_poll_that_breaks_off_leaves_the_cursor_and_finds_everything_again(
    world: World, take: Recording, side: Side
) -> None:
    engine, replica = await world.engine(), _replica(world, side)
    world.org.put({"last_name": "Moor"})
    world.practice.put({"last_name": "Moor"})
    await _at_rest(engine, side, take, world.clock)
    before = await load_position(engine, side)
    new = replica.put({"last_name": "Vale"})
    replica.faults.fail()
    with pytest.raises(RetryLater):
        await poll_once(engine, side, take=take)
    assert await load_position(engine, side) == before
    assert (await poll_once(engine, side, take=take), take.ids()) == (1, [new])


async def test_t8_a_second_edit_within_the_same_second_is_found(world: World, take: Recording) -> None:
    """The first edit is worked before the second comes, and the stamp does not move."""
    engine = await world.engine()
    contact = world.contact("Ada", "Moor", None)
    await _at_rest(engine, Side.SALESFORCE, take, world.clock)
    world.org.edit(contact, {"first_name": "Eve"})
    world.org.faults.frozen_stamps = True
    await poll_once(engine, Side.SALESFORCE, take=take)
    assert take.ids() == [contact]
    for name in ("Ann", "Eve", "Ann"):
        world.clock.push(0.2)
        world.org.edit(contact, {"first_name": name})
        await poll_once(engine, Side.SALESFORCE, take=take)
        assert take.ids() == [contact]


async def test_t8_an_edit_and_its_undoing_within_a_second_are_both_taken_in(world: World, take: Recording) -> None:
    """Between two polls the value went away and came back: a worker may have read what was there in between."""
    engine = await world.engine()
    contact = world.contact("Ada", "Moor", None)
    await _at_rest(engine, Side.SALESFORCE, take, world.clock)
    world.org.edit(contact, {"first_name": "Eve"})
    world.org.faults.frozen_stamps = True
    await poll_once(engine, Side.SALESFORCE, take=take)
    for _ in range(3):
        world.clock.push(0.3)
        world.org.edit(contact, {"first_name": "Ann"})
        world.org.edit(contact, {"first_name": "Eve"})
        take.ids()
        await poll_once(engine, Side.SALESFORCE, take=take)
        assert take.ids() == [contact]


async def test_a_row_is_taken_in_twice_at_most_however_often_it_is_read(world: World, take: Recording) -> None:
    engine = await world.engine()
    contact = world.contact("Ada", "Moor", None)
    await _at_rest(engine, Side.SALESFORCE, take, world.clock)
    world.org.edit(contact, {"first_name": "Eve"})
    for _ in range(20):
        await poll_once(engine, Side.SALESFORCE, take=take)
        world.clock.push(3)
    assert take.ids() == [contact, contact]


async def test_a_process_that_begins_anew_reads_the_whole_overlap_and_forgets_nothing(take: Recording) -> None:
    world = World()
    engine = await world.engine()
    contacts = [world.contact("Ada", f"Moor{number}", None) for number in range(3)]
    await _at_rest(engine, Side.SALESFORCE, take, world.clock)
    other = World(clock=world.clock)
    other.org, other.practice = world.org, world.practice
    elsewhere = await other.engine()
    await other.store.put_cursor(
        "main",
        position_name(Side.SALESFORCE),
        str(await world.store.get_cursor("main", position_name(Side.SALESFORCE))),
    )
    await poll_once(elsewhere, Side.SALESFORCE, take=take)
    assert sorted(take.ids()) == sorted(contacts)


@BOTH
async def test_d1_records_that_went_are_told_as_gone(world: World, take: Recording, side: Side) -> None:
    engine, replica = await world.engine(), _replica(world, side)
    record, other = replica.put({"last_name": "Moor"}), replica.put({"last_name": "Moor"})
    await _at_rest(engine, side, take, world.clock)
    replica.merge(record, other)
    await poll_once(engine, side, take=take)
    found = {notice.record_id: notice.kind for notice in take.taken}
    assert found == {record: NoticeKind.DELETED, other: NoticeKind.CHANGED}


async def test_a_side_without_a_list_of_changes_is_not_polled(world: World, take: Recording) -> None:
    engine = await world.engine()
    world.practice._capabilities = replace(world.practice.capabilities, changed_since=False)
    with pytest.raises(NotImplementedError):
        await poll_once(engine, Side.HINT, take=take)


async def test_the_way_into_the_dirty_set_drops_what_is_our_own_echo(world: World) -> None:
    engine = await world.engine()
    contact, patient = world.both("Ada", "Moor", "1980-02-29")
    world.org.edit(contact, peer_id=patient, marked=True)
    stranger = world.contact("Eve", "Vale", "1981-01-01")
    link = Link("link-1", "main", contact, patient, LinkStatus.ACTIVE, "manual", "somebody", b"salt", engine.now())
    await world.store.reserve(link)
    await poll_once(engine, Side.SALESFORCE)
    assert [dirty.record_id for dirty in await world.store.dirty("main")] == [contact]
    assert stranger != contact


# --- on the emulated org, with its seconds, its late rows and its recycle bin


@asynccontextmanager
async def _office() -> AsyncIterator[tuple[Office, Engine]]:
    office, world = Office(), World()
    await office.deploy()
    engine = await world.engine()
    engine.replicas = {Side.SALESFORCE: office.replica, Side.HINT: world.practice}
    engine.clock = office.clock
    yield office, engine
    await office.aclose()


async def test_t8_rows_that_turn_up_late_with_an_earlier_second_are_found(take: Recording) -> None:
    async with _office() as (office, engine):
        contact = office.contact()
        await poll_once(engine, Side.SALESFORCE, take=take)
        for seconds in (0, 1, 10):
            take.ids()
            late = office.org.begin_late("Contact", None, {"LastName": f"Late{seconds}"})
            edit = office.org.begin_late("Contact", contact, {"FirstName": f"Late{seconds}"})
            office.clock.elapsed += seconds
            seen = office.contact(LastName="Vale")
            await poll_once(engine, Side.SALESFORCE, take=take)
            assert seen in take.ids()
            new = late.commit()
            edit.commit()
            await poll_once(engine, Side.SALESFORCE, take=take)
            assert {new, contact} <= set(take.ids())


async def test_t8_a_row_that_turns_up_minutes_late_is_found_within_a_minute(take: Recording) -> None:
    async with _office() as (office, engine):
        office.contact()
        await poll_once(engine, Side.SALESFORCE, take=take)
        late = office.org.begin_late("Contact", None, {"LastName": "Late"})
        office.clock.elapsed += 240
        office.contact(LastName="Vale")
        await poll_once(engine, Side.SALESFORCE, take=take)
        take.ids()
        new = late.commit()
        for _ in range(int(FAR_EVERY)):
            office.clock.elapsed += 1
            await poll_once(engine, Side.SALESFORCE, take=take)
        assert new in take.ids()
        assert timedelta(seconds=240) > NEAR


async def test_the_cursor_never_passes_what_changed_while_a_long_reading_went_on(take: Recording) -> None:
    """Two thousand rows a page, one page fetched ahead: a row of the first may change before the last is read."""
    async with _office() as (office, engine):
        contacts = office.org.insert_many("Contact", [{"LastName": f"Moor{number}"} for number in range(4_001)])
        office.clock.elapsed += 1000
        calls = 0

        class Slow(type(office.replica)):  # type: ignore[misc]  # the class of a value
            async def scan(self, *, since=None):  # type: ignore[no-untyped-def]
                nonlocal calls
                async for page in super().scan(since=since):
                    calls += 1
                    yield page
                    if calls == 1:  # ten minutes go by before the last page is asked for
                        office.org.update("Contact", contacts[0], {"FirstName": "Early"})
                        office.clock.elapsed += 600
                        office.org.update("Contact", contacts[-1], {"FirstName": "Late"})

        office.replica.__class__ = Slow
        await poll_once(engine, Side.SALESFORCE, take=take)
        take.ids()
        await poll_once(engine, Side.SALESFORCE, take=take)
        assert contacts[0] in take.ids()


async def test_d1_contacts_in_the_recycle_bin_are_told_as_gone_and_come_back(take: Recording) -> None:
    async with _office() as (office, engine):
        contact = office.contact()
        await poll_once(engine, Side.SALESFORCE, take=take)
        office.clock.elapsed += 600
        office.org.delete("Contact", contact)
        await poll_once(engine, Side.SALESFORCE, take=take)
        office.clock.elapsed += 600
        office.org.undelete("Contact", contact)
        await poll_once(engine, Side.SALESFORCE, take=take)
        assert [notice.kind for notice in take.taken][1:] == [NoticeKind.DELETED, NoticeKind.CHANGED]


async def test_what_was_changed_before_a_long_rest_is_not_read_again_and_again(world: World, take: Recording) -> None:
    small = replace(world.practice.capabilities, page_size=2)
    world.practice = MemoryReplica(Side.HINT, world.options.table(), world.clock, capabilities=small)
    for number in range(40):
        world.patient(f"Ann{number}", "Moor", "1980-05-06")
    world.clock.push(NEAR.total_seconds() + 5)
    world.patient("Bea", "Moor", "1980-05-06")
    engine = await world.engine()
    spent = []
    for _ in range(10):
        before = world.practice.calls
        await poll_once(engine, Side.HINT, take=take)
        spent.append(world.practice.calls - before)
        world.clock.push(FAR_EVERY)
    assert spent[1] > 20
    assert spent[-3:] == [1, 1, 1]
    take.ids()
    late = world.patient("Cai", "Moor", "1980-05-06")
    await poll_once(engine, Side.HINT, take=take)
    assert take.ids() == [late]
    before = world.practice.calls
    world.clock.push(FAR_EVERY)
    await poll_once(engine, Side.HINT, take=take)
    assert world.practice.calls - before == 1


async def test_a_crowd_of_changes_is_not_read_again_once_nothing_can_turn_up_late(take: Recording) -> None:
    world = World()
    small = replace(world.practice.capabilities, page_size=2)
    world.practice = MemoryReplica(Side.HINT, world.options.table(), world.clock, capabilities=small)
    for number in range(40):
        world.patient(f"Ann{number}", "Moor", "1980-05-06")
        world.clock.push(0.3)
    engine = await world.engine()
    await poll_once(engine, Side.HINT, take=take)
    for _ in range(8):
        world.clock.push(FAR_EVERY)
        await poll_once(engine, Side.HINT, take=take)
    before = world.practice.calls
    world.clock.push(1)
    await poll_once(engine, Side.HINT, take=take)
    assert world.practice.calls - before <= 3
    take.ids()
    new = world.patient("Bea", "Moor", "1980-05-06")
    await poll_once(engine, Side.HINT, take=take)
    assert take.ids() == [new]


async def test_a_long_page_is_taken_in_slices_and_the_cursor_moves_with_the_last(take: Recording) -> None:
    world = World()
    contacts = [world.contact(f"Ann{number}", "Moor", "1980-05-06") for number in range(450)]
    engine = await world.engine()
    await poll_once(engine, Side.SALESFORCE, take=take)
    assert (take.calls, len(take.cursors)) == (3, 1)
    assert sorted(take.ids()) == sorted(contacts)


class Slow(MemoryReplica):
    """Takes seconds for each page, and notes how many records each reading showed."""

    seconds = 6.0

    async def scan(self, *, since=None, **more):  # type: ignore[no-untyped-def]
        self.shown = 0
        async for page in super().scan(since=since, **more):
            self.clock.push(self.seconds)
            self.shown += len(page.records)
            yield page


async def test_a_reading_that_gets_faster_brings_nothing_new(world: World, take: Recording) -> None:
    """The position then moves a little at every poll; that alone is no reason to read the overlap again."""
    world.practice = slow = Slow(Side.HINT, world.options.table(), world.clock)
    world.patient("Ann", "Moor", "1980-05-06")
    engine = await world.engine()
    for _ in range(6):
        await poll_once(engine, Side.HINT, take=take)
        world.clock.push(FAR_EVERY)
        slow.seconds -= 1.0
    world.clock.push(FAR_EVERY)
    assert memory_of(engine, Side.HINT).reach(world.clock.monotonic()) == AT_REST


async def test_at_rest_only_the_last_second_of_many_edits_is_read_however_long_a_reading_takes(
    world: World, take: Recording
) -> None:
    world.practice = slow = Slow(Side.HINT, world.options.table(), world.clock)
    engine = await world.engine()
    for number in range(40):
        world.patient(f"Ann{number}", "Moor", "1980-05-06")
        world.clock.push(0.25)
    for _ in range(12):
        await poll_once(engine, Side.HINT, take=take)
        world.clock.push(FAR_EVERY)
    assert slow.shown <= 4
    take.ids()
    edited = world.patient("Bea", "Vale", "1980-05-06")
    await poll_once(engine, Side.HINT, take=take)
    assert take.ids() == [edited]
