"""Catch-up after an outage: nothing that a side changed is passed over, echoes cost nothing, and the position moves last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.records import Link, RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up, resume_catch_up
from hintsync.engine.detect.notices import plain_cause
from hintsync.engine.detect.positions import caught_up_name, load_position, moment_of, position_name
from hintsync.engine.pairs.by_hand import sync_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync.engine.runs.life import start_run
from hintsync.replicas.memory import CAPABILITIES, MemoryReplica
from hintsync.replicas.memory_faults import Crash
from hintsync.state.live import Lane
from hintsync.state.port import Run, RunKind, RunStatus
from tests.engine.world import World

BORN = "1980-05-06"
HOUR, DAY = 3600.0, 86_400.0


class Outage:
    """A world in step, caught up with, whose events are lost from now on."""

    def __init__(self) -> None:
        self.world = World()
        self.links: list[Link] = []

    @classmethod
    async def begins(cls, count: int = 10, *, after: float = HOUR) -> Outage:
        """Link everybody, check everybody, and let some time pass."""
        outage = cls()
        world = outage.world
        for number in range(count):
            world.contact(f"Ann{number}", "Moor", BORN)
            world.patient(f"Ann{number}", "Moor", BORN, city="Lynn")
        engine = await outage.engine()
        await batch_patients(engine)
        world.clock.push(HOUR)
        assert (await check_parity(engine)).status is RunStatus.DONE
        outage.links = sorted(await world.store.live_pairs("main"), key=lambda link: link.patient_id or "")
        world.clock.push(after)
        return outage

    async def engine(self) -> Engine:
        return await self.world.engine()

    def office(self, side: Side) -> MemoryReplica:
        return self.world.org if side is Side.SALESFORCE else self.world.practice

    def record(self, side: Side, number: int) -> RecordId:
        link = self.links[number]
        return (link.contact_id if side is Side.SALESFORCE else link.patient_id) or ""

    def edit(self, side: Side, number: int, **values: str | None) -> None:
        self.office(side).edit(self.record(side, number), values)

    async def dirty(self) -> set[tuple[Side, RecordId]]:
        return {(each.side, each.record_id) for each in await self.world.store.dirty("main")}

    def counts(self, run: Run) -> dict[str, object]:
        assert run.status is RunStatus.DONE, run.reason
        return {name: run.details.get(name) for name in ("marked", "echoes", "ignored")}


async def catch_up_with_hint(engine: Engine, *, on_progress: Callable[[Run], None]) -> Run:
    return await catch_up(engine, Side.HINT, on_progress=on_progress)


@pytest.mark.parametrize("side", list(Side))
async def test_t8_what_was_edited_during_an_outage_is_marked_and_nothing_else(side: Side):
    outage = await Outage.begins()
    outage.edit(side, 3, city="Salem")
    outage.world.clock.push(2 * DAY)
    outage.edit(side, 7, city="Boston")
    calls = outage.office(side.other).calls
    run = await catch_up(await outage.engine(), side)
    assert (run.kind, run.done, run.total) == (RunKind.CATCH_UP, 10, 10)
    assert outage.counts(run) == {"marked": 2, "echoes": 8, "ignored": 0}  # the eight stood within the overlap
    assert await outage.dirty() == {(side, outage.record(side, 3)), (side, outage.record(side, 7))}
    (first, *_) = await outage.world.store.dirty("main")
    assert (first.lane, plain_cause(first.cause)) == (Lane.CATCH_UP, "catch-up")
    assert outage.office(side.other).calls - calls <= 2  # who it is, and its fields: no record is read


async def test_t3_our_own_writes_are_told_by_value_without_a_call_or_a_mark():
    outage = await Outage.begins()
    engine = await outage.engine()
    for number in range(10):
        outage.edit(Side.HINT, number, city="Salem")
        await sync_by_hand(engine, Side.HINT, outage.record(Side.HINT, number))
    for side in Side:
        run = await catch_up(engine, side)
        assert outage.counts(run) == {"marked": 0, "echoes": 10, "ignored": 0}
    assert await outage.dirty() == set()


async def test_a_contact_that_nobody_linked_is_ignored():
    outage = await Outage.begins()
    outage.world.contact("Lone", "Stranger", BORN)
    run = await catch_up(await outage.engine(), Side.SALESFORCE)
    assert outage.counts(run) == {"marked": 0, "echoes": 10, "ignored": 1}


async def test_d1_a_deleted_and_a_merged_contact_are_marked():
    outage = await Outage.begins()
    org = outage.world.org
    org.delete(outage.record(Side.SALESFORCE, 0))
    org.merge(outage.record(Side.SALESFORCE, 1), outage.record(Side.SALESFORCE, 2))
    await catch_up(await outage.engine(), Side.SALESFORCE)
    marked = {(Side.SALESFORCE, outage.record(Side.SALESFORCE, number)) for number in (0, 1)}
    assert marked <= await outage.dirty()


@pytest.mark.parametrize("late", [0, 1, 3, 10, 60, 299])
async def test_t8_a_row_that_turns_up_late_with_an_earlier_stamp_is_not_passed_over(late: int):
    outage = await Outage.begins()
    outage.edit(Side.SALESFORCE, 0, city="Salem")
    engine = await outage.engine()
    await catch_up(engine, Side.SALESFORCE)
    outage.edit(Side.SALESFORCE, 1, city="Boston")  # commits now, with a stamp of its long transaction's beginning
    record = outage.world.org._records[outage.record(Side.SALESFORCE, 1)]
    record.changed_at -= timedelta(seconds=late)
    outage.world.clock.push(DAY)
    await catch_up(engine, Side.SALESFORCE)
    assert (Side.SALESFORCE, record.id) in await outage.dirty()


async def test_t8_two_edits_within_one_second_are_two_edits():
    outage = await Outage.begins()
    engine = await outage.engine()
    outage.edit(Side.SALESFORCE, 0, city="Salem")
    await catch_up(engine, Side.SALESFORCE)
    await sync_by_hand(engine, Side.SALESFORCE, outage.record(Side.SALESFORCE, 0))
    now = engine.clock.now().timestamp()
    await engine.store.finish_marks(await engine.store.claim("main", "w", now, now + 15, limit=9))
    outage.world.org.faults.frozen_stamps = True  # the second edit shows the stamp of the first
    outage.edit(Side.SALESFORCE, 0, city="Boston")
    await catch_up(engine, Side.SALESFORCE)
    assert await outage.dirty() == {(Side.SALESFORCE, outage.record(Side.SALESFORCE, 0))}


@pytest.mark.parametrize("side", list(Side))
async def test_the_position_follows_the_sides_own_stamps_and_moves_last(side: Side):
    outage = await Outage.begins()
    engine = await outage.engine()
    before = await load_position(engine, side)
    edited = engine.clock.now()
    outage.edit(side, 0, city="Salem")
    outage.world.clock.push(HOUR)
    moved: list[datetime | None] = []
    run = await catch_up(engine, side, on_progress=lambda run: moved.append(before.read_to))
    after = await load_position(engine, side)
    assert run.status is RunStatus.DONE
    assert (after.read_to, after.caught_up) == (edited, engine.clock.now())
    assert moved
    assert await outage.dirty() == {(side, outage.record(side, 0))}


@pytest.mark.parametrize("reads", [catch_up_with_hint, check_parity])
async def test_t8_what_changes_behind_a_long_reading_is_read_by_the_next(reads: Callable[..., Awaitable[Run]]):
    outage = await Outage.begins(600)
    for number in range(600):
        outage.edit(Side.HINT, number, city="Salem")
    engine = await outage.engine()
    edits: list[datetime] = []

    def work_meanwhile(run: Run) -> None:
        """Edit a patient who was read already, and much later one who was not."""
        if run.done and len(edits) < 2:
            outage.world.clock.push(400)
            outage.edit(Side.HINT, (0, 599)[len(edits)], city="Boston")
            edits.append(engine.clock.now())

    outage.world.clock.push(HOUR)
    assert (await reads(engine, on_progress=work_meanwhile)).status is RunStatus.DONE
    assert len(edits) == 2
    reached = (await load_position(engine, Side.HINT)).read_to
    assert reached is not None
    assert reached <= edits[0]  # a poll goes on from here, whatever our clock says
    while claimed := await engine.store.claim("main", "w", 9e9, 9e9 + 1, limit=1000):
        await engine.store.finish_marks(claimed)
    await catch_up(engine, Side.HINT)
    assert (Side.HINT, outage.record(Side.HINT, 0)) in await outage.dirty()


async def test_the_position_stays_where_it_is_when_the_reading_fails():
    outage = await Outage.begins()
    engine = await outage.engine()
    outage.edit(Side.HINT, 0, city="Salem")
    before = await load_position(engine, Side.HINT)
    outage.world.practice.faults.moving_scans = 1
    run = await catch_up(engine, Side.HINT)
    assert (run.status, (run.reason or "").partition(":")[0]) == (RunStatus.STOPPED, "retry-later")
    assert await load_position(engine, Side.HINT) == before
    run = await resume_catch_up(engine, run.id)
    assert run.status is RunStatus.DONE
    assert await outage.dirty() == {(Side.HINT, outage.record(Side.HINT, 0))}


async def test_g6_a_spent_budget_stops_it_and_nothing_is_lost():
    outage = await Outage.begins()
    engine = await outage.engine()
    outage.edit(Side.HINT, 0, city="Salem")
    before = await load_position(engine, Side.HINT)
    outage.world.practice.faults.spend_budget()
    run = await catch_up(engine, Side.HINT)
    assert (run.status, (run.reason or "").partition(":")[0]) == (RunStatus.STOPPED, "budget-spent")
    assert await load_position(engine, Side.HINT) == before
    outage.world.practice.faults.restore()
    await resume_catch_up(engine, run.id)
    assert await outage.dirty() == {(Side.HINT, outage.record(Side.HINT, 0))}


@pytest.mark.parametrize("call", [1, 2, 3, 4])
async def test_t5_a_catch_up_that_dies_anywhere_is_gone_on_with_and_loses_nothing(call: int):
    outage = await Outage.begins(250)
    for number in range(0, 250, 2):
        outage.edit(Side.HINT, number, city="Salem")
    engine = await outage.engine()
    outage.world.practice.faults.crash_after(call)
    try:
        await catch_up(engine, Side.HINT)
    except Crash:
        outage.world.practice.faults.clear()
        (left, *_) = await outage.world.store.runs("main")
        assert (await resume_catch_up(await outage.engine(), left.id)).status is RunStatus.DONE
    assert len(await outage.dirty()) == 125


async def test_t13_an_abort_stops_between_two_pages_and_a_resume_takes_in_the_rest():
    outage = await Outage.begins(300)
    for number in range(300):
        outage.edit(Side.HINT, number, city="Salem")
    engine = await outage.engine()
    shown: list[int] = []

    def abort(run: Run) -> None:
        shown.append(run.done)
        if run.done == 100:
            outage.world.store._runs[run.id] = replace(  # type: ignore[attr-defined]
                outage.world.store._runs[run.id],  # type: ignore[attr-defined]
                status=RunStatus.ABORTING,
            )

    run = await catch_up(engine, Side.HINT, on_progress=abort)
    assert (run.status, run.done, run.total, len(await outage.dirty())) == (RunStatus.ABORTED, 100, 300, 100)
    run = await resume_catch_up(engine, run.id)
    assert (run.status, len(await outage.dirty())) == (RunStatus.DONE, 300)
    assert (run.done, run.total) == (400, 400)
    assert shown == sorted(shown)


async def test_only_what_is_a_catch_up_and_says_where_it_began_is_gone_on_with():
    outage = await Outage.begins(1)
    engine = await outage.engine()
    with pytest.raises(BadInput, match="no run run-nowhere"):
        await resume_catch_up(engine, "run-nowhere")
    odd = await start_run(engine, RunKind.CATCH_UP, dry=False, details={})
    with pytest.raises(BadInput, match="does not say where it began"):
        await resume_catch_up(engine, odd.id)


@pytest.mark.parametrize(("days", "kind"), [(14.9, RunKind.CATCH_UP), (15.1, RunKind.PARITY), (400, RunKind.PARITY)])
async def test_t9_beyond_what_a_side_keeps_everybody_is_compared_instead(days: float, kind: RunKind):
    outage = await Outage.begins(after=days * DAY)
    contact = outage.record(Side.SALESFORCE, 4)
    outage.world.org.delete(contact)
    if kind is RunKind.PARITY:  # purged from the recycle bin meanwhile: no list of changes shows it
        del outage.world.org._records[contact]
    run = await catch_up(await outage.engine(), Side.SALESFORCE)
    assert (run.kind, run.status) == (kind, RunStatus.DONE)
    assert await outage.dirty() == {(Side.SALESFORCE, contact)}


async def test_a_side_that_was_never_read_is_compared_as_a_whole():
    world = World()
    world.both("Ann", "Moor", BORN)
    engine = await world.engine()
    await batch_patients(engine)
    assert (await catch_up(engine, Side.HINT)).kind is RunKind.PARITY
    assert (await catch_up(engine, Side.HINT)).kind is RunKind.CATCH_UP


async def test_a_side_without_a_list_of_changes_is_compared_as_a_whole():
    outage = await Outage.begins()
    outage.world.practice._capabilities = replace(CAPABILITIES[Side.HINT], changed_since=False)
    outage.edit(Side.HINT, 0, city="Salem")
    run = await catch_up(await outage.engine(), Side.HINT)
    assert (run.kind, len(await outage.dirty())) == (RunKind.PARITY, 1)


async def test_a_moment_that_is_given_goes_before_the_position():
    outage = await Outage.begins()
    engine = await outage.engine()
    outage.edit(Side.HINT, 0, city="Salem")
    await catch_up(engine, Side.HINT)
    now = engine.clock.now().timestamp()
    await engine.store.finish_marks(await engine.store.claim("main", "w", now, now + 15, limit=9))
    outage.world.clock.push(DAY)
    outage.edit(Side.HINT, 1, city="Salem")
    later = engine.clock.now() + timedelta(minutes=4)
    outage.world.clock.push(HOUR)
    await catch_up(engine, Side.HINT, since=later)
    assert await outage.dirty() == {(Side.HINT, outage.record(Side.HINT, 1))}  # within the overlap before it


@pytest.mark.parametrize("side", list(Side))
async def test_g2_a_side_that_shows_nobody_stops_the_pass_and_keeps_the_position(side: Side):
    outage = await Outage.begins()
    engine = await outage.engine()
    before = await load_position(engine, side)
    office = outage.office(side)
    kept, office._records = office._records, {}
    outage.world.clock.push(HOUR)
    run = await catch_up(engine, side)
    assert (run.status, (run.reason or "")[:15]) == (RunStatus.STOPPED, "safety-stop: G2")
    assert await load_position(engine, side) == before
    office._records = kept
    assert (await resume_catch_up(engine, run.id)).status is RunStatus.DONE


async def test_a_quiet_side_is_no_outage():
    outage = await Outage.begins()
    engine = await outage.engine()
    for number in range(10):  # those that are asked for are gone, others are there
        outage.world.practice.delete(outage.record(Side.HINT, number))
    outage.world.patient("Some", "Body", BORN)
    outage.world.clock.push(HOUR)
    latest = outage.world.patient("No", "Body", BORN)
    await catch_up(engine, Side.HINT)
    outage.world.practice.delete(latest)
    outage.world.clock.push(HOUR)
    run = await catch_up(engine, Side.HINT)
    assert (run.status, run.done) == (RunStatus.DONE, 0)


@pytest.mark.parametrize("hours", [-30, 30])
async def test_t16_a_clock_that_jumps_passes_nobody_over(hours: int):
    outage = await Outage.begins()
    engine = await outage.engine()
    outage.world.clock.moment += timedelta(hours=hours)  # ours is wrong now; records are stamped by the side's
    await catch_up(engine, Side.SALESFORCE)
    outage.world.clock.moment -= timedelta(hours=hours)
    outage.edit(Side.SALESFORCE, 0, city="Salem")
    outage.world.clock.push(60)
    await catch_up(engine, Side.SALESFORCE)
    assert (Side.SALESFORCE, outage.record(Side.SALESFORCE, 0)) in await outage.dirty()


async def test_t16_a_position_ahead_of_everything_hides_nothing_and_is_put_right():
    outage = await Outage.begins()
    engine = await outage.engine()
    await engine.store.put_cursor("main", position_name(Side.HINT), "2031-01-01T00:00:00Z")  # their clock was wrong
    outage.edit(Side.HINT, 0, city="Salem")
    edited = engine.clock.now()
    outage.world.clock.push(60)
    assert (await catch_up(engine, Side.HINT)).kind is RunKind.CATCH_UP
    assert await outage.dirty() == {(Side.HINT, outage.record(Side.HINT, 0))}
    assert (await load_position(engine, Side.HINT)).read_to == edited


async def test_t16_a_reading_noted_in_the_future_says_nothing_of_what_is_still_kept():
    outage = await Outage.begins()
    engine = await outage.engine()
    await engine.store.put_cursor("main", caught_up_name(Side.HINT), "2031-01-01T00:00:00Z")  # our clock was wrong
    assert (await catch_up(engine, Side.HINT)).kind is RunKind.PARITY
    assert (await load_position(engine, Side.HINT)).caught_up == engine.clock.now()


async def test_a_quiet_month_that_was_watched_needs_no_comparison():
    outage = await Outage.begins()
    engine = await outage.engine()
    for _ in range(30):
        outage.world.clock.push(DAY)
        run = await catch_up(engine, Side.HINT)
        assert run.kind is RunKind.CATCH_UP
    assert await outage.dirty() == set()


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2026-03-02T09:00:00.000+0000", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00:00.500-08:00", "2026-03-02T17:00:00.500000+00:00"),
        ("2026-03-02T09:00:00+00:00#17", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00:00", None),
        ("v17", None),
        ("", None),
    ],
)
def test_a_stamp_tells_a_moment_or_none(stamp: str, moment: str | None):
    found = moment_of(stamp)
    assert (found.isoformat() if found else None) == moment


def test_positions_lie_under_the_names_that_polls_use():
    assert [position_name(side) for side in Side] == ["salesforce:poll", "hint:poll"]
    assert caught_up_name(Side.HINT) == "hint:caught-up"
