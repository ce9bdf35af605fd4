"""Regular work: what is due when, over jumps of the clock, in several processes, over deaths and failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.errors import RetryLater
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.due import Asked, Daily, Every, Noted, Verdict, day_of, judge
from hintsync.engine.health.alarms import LAST_SUCCESS, Limits
from hintsync.engine.options import Options
from hintsync.engine.parity.check import check_parity
from hintsync.engine.retention import prune
from hintsync.engine.runs.life import start_run
from hintsync.engine.schedule import (
    LEASE,
    RETRY,
    Job,
    ask_catch_up,
    ask_for,
    jobs_of,
    nightly_parity,
    poll_job,
    run_due,
    watch_job,
)
from hintsync.ports import Urgency
from hintsync.replicas.memory import CAPABILITIES
from hintsync.replicas.memory_faults import Crash
from hintsync.state.keys import MasterKeys
from hintsync.state.live import Intent, Mark
from hintsync.state.open import open_store
from hintsync.state.port import Commit, LogEntry, LogLevel, RunKind, RunStatus
from hintsync.state.traffic import Tally, slot_of
from tests.engine.world import World

BORN = "1980-05-06"
ZULU, CHICAGO = ZoneInfo("UTC"), ZoneInfo("America/Chicago")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("done", "now", "verdict"),
    [
        (None, "2026-03-02T12:00", Verdict.NOTE),  # a start at noon is no reason for a night's work
        ("2026-03-02T03:05", "2026-03-02T03:06", Verdict.WAIT),
        ("2026-03-02T03:05", "2026-03-03T02:59", Verdict.WAIT),
        ("2026-03-02T03:05", "2026-03-03T03:00", Verdict.DUE),
        ("2026-03-02T02:59", "2026-03-02T03:00", Verdict.DUE),
        ("2026-03-02T03:05", "2026-03-09T23:00", Verdict.DUE),  # off for a week: once, not seven times
        ("2026-03-02T03:05", "2026-03-02T02:10", Verdict.WAIT),  # set back an hour
        ("2026-03-03T10:00", "2026-03-02T10:05", Verdict.NOTE),  # set forward a day by mistake, and back
    ],
)
def test_daily_work_is_due_once_a_day_from_its_hour_on(done: str | None, now: str, verdict: Verdict):
    assert judge(Daily(3), Noted(at(done) if done else None), at(now), ZULU) is verdict


@pytest.mark.parametrize(
    ("done", "now", "verdict"),
    [
        (None, "2026-03-02T12:00", Verdict.DUE),
        ("2026-03-02T12:00", "2026-03-02T12:04", Verdict.WAIT),
        ("2026-03-02T12:00", "2026-03-02T12:05", Verdict.DUE),
        ("2026-03-02T12:00", "2026-03-02T11:59", Verdict.DUE),  # set back: nobody knows how long ago it was
    ],
)
def test_repeated_work_is_due_after_its_seconds(done: str | None, now: str, verdict: Verdict):
    assert judge(Every(300), Noted(at(done) if done else None), at(now), ZULU) is verdict


@pytest.mark.parametrize(
    ("asked", "answered", "verdict"),
    [(None, None, Verdict.WAIT), ("a", None, Verdict.DUE), ("a", "a", Verdict.WAIT), ("b", "a", Verdict.DUE)],
)
def test_work_that_is_asked_for_is_due_until_it_is_done(asked: str | None, answered: str | None, verdict: Verdict):
    assert judge(Asked(), Noted(asked=asked, answered=answered), at("2026-03-02T12:00"), ZULU) is verdict


@pytest.mark.parametrize("when", [Daily(3), Every(60), Asked()])
def test_work_that_failed_waits_for_its_pause_and_no_longer(when: Daily | Every | Asked):
    now = at("2026-03-05T12:00")
    noted = Noted(at("2026-03-02T03:05"), asked="a", not_before=now + timedelta(minutes=15))
    assert judge(when, noted, now, ZULU) is Verdict.WAIT
    assert judge(when, noted, now + timedelta(minutes=15), ZULU) is Verdict.DUE
    assert judge(when, noted, now - timedelta(days=2), ZULU) is Verdict.DUE  # set back: the pause would last for days


@pytest.mark.parametrize(("hour", "day"), [(1, "2026-11-01"), (2, "2026-11-01")])
def test_where_summer_time_ends_the_day_begins_once(hour: int, day: str):
    # America/Chicago, 1 November 2026: 02:00 becomes 01:00 again at 07:00 UTC.
    days = [day_of(at("2026-11-01T05:00") + timedelta(minutes=n), hour, CHICAGO) for n in range(240)]
    assert days[-1] == date.fromisoformat(day)
    done, runs = at("2026-10-31T12:00"), 0
    for minute in range(36 * 60):
        now = at("2026-10-31T12:00") + timedelta(minutes=minute)
        if judge(Daily(hour), Noted(done), now, CHICAGO) is Verdict.DUE:
            done, runs = now, runs + 1
    assert runs == 1


def test_where_summer_time_skips_the_hour_the_day_begins_all_the_same():
    # 8 March 2026: 02:00 becomes 03:00 at 08:00 UTC.
    done = at("2026-03-07T12:00")
    assert judge(Daily(2), Noted(done), at("2026-03-08T07:59"), CHICAGO) is Verdict.WAIT
    assert judge(Daily(2), Noted(done), at("2026-03-08T08:00"), CHICAGO) is Verdict.DUE


@given(
    steps=st.lists(st.integers(min_value=1, max_value=26 * 60), min_size=1, max_size=60),
    hour=st.integers(min_value=0, max_value=23),
    zone=st.sampled_from([ZULU, CHICAGO, ZoneInfo("Asia/Kathmandu")]),
)
def test_whenever_it_is_asked_each_day_is_worked_at_most_once_and_none_that_was_seen_is_skipped(
    steps: list[int], hour: int, zone: ZoneInfo
):
    now, done = at("2026-03-01T00:00"), at("2026-03-01T00:00")
    worked: list[date] = []
    for step in steps:
        now += timedelta(minutes=step)
        if judge(Daily(hour), Noted(done), now, zone) is Verdict.DUE:
            worked.append(day_of(now, hour, zone))
            done = now
        assert day_of(done, hour, zone) == day_of(now, hour, zone)
    assert worked == sorted(set(worked))


class Diary:
    """Work that writes down when it was done."""

    def __init__(
        self, world: World, *, fails: int = 0, meanwhile: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        self.world = world
        self.fails = fails
        self.meanwhile = meanwhile
        self.entries: list[datetime] = []

    async def __call__(self, engine: Engine) -> bool:
        self.entries.append(self.world.clock.now())
        if self.meanwhile is not None:
            await self.meanwhile()
        await asyncio.sleep(0)
        if self.fails:
            self.fails -= 1
            raise RetryLater(Side.HINT, "told to fail")
        return True


async def test_work_is_done_when_due_and_named():
    world = World()
    engine = await world.engine()
    diary = Diary(world)
    jobs = [Job("often", Every(60), diary), Job("nightly", Daily(3), diary)]
    assert await run_due(engine, jobs) == ["often"]
    assert await run_due(engine, jobs) == []
    world.clock.push(60)
    assert await run_due(engine, jobs) == ["often"]
    world.clock.push(86_400)
    assert await run_due(engine, jobs) == ["often", "nightly"]


async def test_many_processes_that_ask_at_once_do_it_once():
    world = World()
    engines = [await world.engine() for _ in range(8)]
    diary = Diary(world)
    for _ in range(5):
        world.clock.push(60)
        await asyncio.gather(*(run_due(engine, [Job("often", Every(60), diary)]) for engine in engines))
    assert len(diary.entries) == 5


async def test_what_a_dead_process_held_is_taken_over_when_its_lease_runs_out():
    world = World()
    engine = await world.engine()

    async def die(engine: Engine) -> bool:
        raise Crash

    job = Job("often", Every(60), die)
    name = "schedule:often:main"
    now = engine.clock.now().timestamp()
    assert name in await world.store.lease_links("main", [name], "dead/worker", now, now + LEASE)
    diary = Diary(world)
    assert await run_due(engine, [Job("often", Every(60), diary)]) == []
    world.clock.push(LEASE + 1)
    assert await run_due(engine, [Job("often", Every(60), diary)]) == ["often"]
    world.clock.push(60)
    with pytest.raises(Crash):
        await run_due(engine, [job])
    assert await run_due(engine, [Job("often", Every(60), diary)]) == ["often"]


async def test_work_that_fails_is_tried_again_after_a_pause_and_does_not_stop_the_rest():
    world = World()
    engine = await world.engine()
    failing, other = Diary(world, fails=1), Diary(world)
    jobs = [Job("failing", Every(60), failing), Job("other", Every(60), other)]
    assert await run_due(engine, jobs) == ["other"]
    world.clock.push(60)
    assert await run_due(engine, jobs) == ["other"]
    world.clock.push(RETRY)
    assert await run_due(engine, jobs) == ["failing", "other"]


async def test_what_is_asked_for_while_it_is_being_done_is_done_again():
    world = World()
    engine = await world.engine()
    diary = Diary(world, meanwhile=lambda: ask_for(engine, "gap"))
    job = Job("gap", Asked(), diary)
    assert await run_due(engine, [job]) == []
    await ask_for(engine, "gap")
    assert await run_due(engine, [job]) == ["gap"]
    diary.meanwhile = None
    assert await run_due(engine, [job]) == ["gap"]
    assert await run_due(engine, [job]) == []


async def in_step(world: World) -> Engine:
    for number in range(5):
        world.both(f"Ann{number}", "Moor", BORN, city="Lynn")
    engine = await world.engine()
    await batch_patients(engine)
    return engine


def kinds(world: World) -> list[RunKind]:
    return [run.kind for run in world.store._runs.values()]  # type: ignore[attr-defined]


async def test_a_week_has_seven_parity_checks_at_the_clinics_hour_whatever_is_asked_in_between():
    world = World(options=Options(time_zone="America/Chicago", parity_hour=2))
    engine = await in_step(world)
    for _ in range(7 * 24 * 4):
        await run_due(engine)
        world.clock.push(900)
    runs = [run for run in await world.store.runs("main") if run.kind is RunKind.PARITY]
    assert [run.status for run in runs] == [RunStatus.DONE] * 7
    began = [datetime.fromisoformat(run.started_at).astimezone(CHICAGO) for run in reversed(runs)]
    assert [moment.day for moment in began] == [3, 4, 5, 6, 7, 8, 9]
    assert [moment.hour for moment in began] == [2, 2, 2, 2, 2, 3, 2]  # on the 8th there is no hour two


async def test_a_gap_is_caught_up_with_by_whoever_looks_first_and_once():
    world = World()
    engine = await in_step(world)
    await ask_catch_up(engine, Side.HINT)
    assert await run_due(engine) == ["catch-up:hint"]  # nothing was read before: everybody is compared
    world.clock.push(3600)
    patient = _a_patient(world)
    world.practice.edit(patient, {"city": "Salem"})
    await ask_catch_up(engine, Side.HINT)
    await asyncio.gather(*(run_due(engine) for _ in range(4)))
    assert kinds(world) == [RunKind.BATCH_PATIENTS, RunKind.PARITY, RunKind.CATCH_UP]
    assert [each.record_id for each in await world.store.dirty("main")] == [patient]
    assert await world.store.get_cursor("main", LAST_SUCCESS) is not None


def _a_patient(world: World) -> RecordId:
    return world.practice.records()[0].id


async def test_who_compared_everybody_has_caught_up_with_both_sides():
    world = World()
    engine = await in_step(world)
    for side in Side:
        await ask_catch_up(engine, side)
    assert await run_due(engine) == ["catch-up:salesforce"]  # a start: nothing was read before
    assert await run_due(engine) == []
    assert kinds(world) == [RunKind.BATCH_PATIENTS, RunKind.PARITY]


async def test_a_side_without_a_list_of_changes_is_not_polled():
    world = World()
    engine = await in_step(world)
    world.practice._capabilities = replace(CAPABILITIES[Side.HINT], changed_since=False)
    calls = world.practice.calls
    assert await run_due(engine, [poll_job(Side.HINT, 30)]) == ["poll:hint"]
    assert world.practice.calls == calls


async def test_work_that_another_process_did_just_before_the_lease_is_not_done_again(monkeypatch: pytest.MonkeyPatch):
    world = World()
    ours, other = await world.engine(), await world.engine()
    diary = Diary(world)
    jobs = [Job("often", Every(60), diary)]
    lease = world.store.lease_links
    began: list[bool] = []

    async def after_the_other(*lease_of: object) -> frozenset[str]:
        if not began:
            began.append(True)
            assert await run_due(other, jobs) == ["often"]
        return await lease(*lease_of)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "lease_links", after_the_other)
    assert await run_due(ours, jobs) == []
    assert len(diary.entries) == 1


@pytest.fixture(params=["sqlite_url", "postgres_upgraded_url"])
def database(request: pytest.FixtureRequest) -> str:
    """URL of a database of either kind."""
    url: str = request.getfixturevalue(request.param)
    return url


async def test_on_a_database_too_many_processes_do_it_once(database: str):
    store = await open_store(database, MasterKeys.parse(MasterKeys.generate()))
    try:
        world = World(store=store)
        diary = Diary(world)
        engines = [await world.engine() for _ in range(6)]
        for _ in range(3):
            world.clock.push(60)
            await asyncio.gather(*(run_due(engine, [Job("often", Every(60), diary)]) for engine in engines))
        assert len(diary.entries) == 3
    finally:
        await store.aclose()


async def test_a_catch_up_that_failed_goes_on_with_its_run_once_the_side_is_back():
    world = World()
    engine = await in_step(world)
    await nightly_parity(engine)
    world.clock.push(3600)
    world.practice.edit(_a_patient(world), {"city": "Salem"})
    await ask_catch_up(engine, Side.HINT)
    world.practice.faults.moving_scans = 1
    assert await run_due(engine) == []
    assert await run_due(engine) == []
    world.clock.push(60)
    assert await run_due(engine) == ["catch-up:hint"]
    assert kinds(world)[1:] == [RunKind.PARITY, RunKind.CATCH_UP]
    assert len(await world.store.dirty("main")) == 1


async def test_a_check_whose_process_died_is_gone_on_with():
    world = World()
    engine = await in_step(world)
    world.practice.faults.crash_before(1)
    with pytest.raises(Crash):
        await nightly_parity(await world.engine())
    assert await nightly_parity(engine)
    assert kinds(world) == [RunKind.BATCH_PATIENTS, RunKind.PARITY]


async def test_a_check_that_repairs_nothing_is_not_taken_for_the_nights():
    world = World()
    engine = await in_step(world)
    await start_run(engine, RunKind.PARITY, dry=False, details={"repair": False})
    assert await nightly_parity(engine)
    latest, left, *_ = await world.store.runs("main")
    assert (latest.status, latest.details["repair"], left.status) == (RunStatus.DONE, True, RunStatus.RUNNING)


async def test_a_check_that_was_cut_off_behind_its_signature_is_ended_and_the_night_checks_anew():
    world = World()
    engine = await in_step(world)
    signed = await check_parity(engine)
    await world.store.save_run(replace(signed, status=RunStatus.RUNNING, finished_at=None, worker=None))
    assert await nightly_parity(engine)
    latest, ended, *_ = await world.store.runs("main")
    assert (ended.id, ended.status, ended.seal) == (signed.id, RunStatus.DONE, signed.seal)
    assert (latest.kind, latest.status) == (RunKind.PARITY, RunStatus.DONE)


async def test_a_check_that_was_left_days_ago_is_begun_anew():
    world = World()
    engine = await in_step(world)
    await start_run(engine, RunKind.PARITY, dry=False, details={})
    world.clock.push(3 * 86_400)
    assert await nightly_parity(engine)
    assert kinds(world) == [RunKind.BATCH_PATIENTS, RunKind.PARITY, RunKind.PARITY]


async def test_pruning_keeps_what_is_young_enough_to_matter():
    world = World()
    engine = await in_step(world)
    (link, *_) = await world.store.live_pairs("main")

    async def leave_traces() -> float:
        now = engine.clock.now().timestamp()
        await world.store.mark("main", [Mark(Side.HINT, "pat-1", "webhook", now, event_id=f"evt-{now}")])
        await world.store.intend("main", [Intent(link.id, Side.HINT, now)])
        await world.store.commit(Commit(logs=[LogEntry("main", engine.now(), LogLevel.DEBUG, "x", "x")]))
        await world.store.add_tallies("main", [Tally(slot_of(now), "worked", None, 1)])
        return now

    old = await leave_traces()
    world.clock.push(100 * 86_400)
    new = await leave_traces()
    assert await prune(engine)
    assert [intent.at for intent in await world.store.intents("main", since=0)] == [new]
    assert {entry.at for entry in await world.store.log("main")} == {engine.now()}
    assert [tally.at for tally in await world.store.tallies("main", since=0)] == [slot_of(new)]
    assert await world.store.mark("main", [Mark(Side.HINT, "pat-1", "webhook", new, event_id=f"evt-{old}")]) == 1
    assert await world.store.mark("main", [Mark(Side.HINT, "pat-1", "webhook", new, event_id=f"evt-{new}")]) == 0


async def test_m18_log_entries_are_kept_as_long_and_from_the_level_on_that_was_chosen():
    world = World()
    engine = replace(await in_step(world), options=Options(log_level=LogLevel.ERROR, log_days=30))
    for level in LogLevel:
        await world.store.commit(Commit(logs=[LogEntry("main", engine.now(), level, "old", "x")]))
    world.clock.push(31 * 86_400)
    for level in LogLevel:
        await world.store.commit(Commit(logs=[LogEntry("main", engine.now(), level, "new", "x")]))
    assert await prune(engine)
    left = [(entry.level, entry.event) for entry in await world.store.log("main")]
    assert left == [(LogLevel.EXCEPTION, "new"), (LogLevel.ERROR, "new")]


async def test_polls_and_the_dead_mans_alert_are_regular_work_too():
    world = World()
    engine = await in_step(world)
    told: list[tuple[str, Urgency]] = []

    class Kept:
        async def send(self, title: str, text: str, urgency: Urgency) -> None:
            told.append((title, urgency))

    jobs = [poll_job(Side.HINT, 30), watch_job(Kept(), Limits(silence=3600))]
    assert await run_due(engine, jobs) == ["poll:hint", "watch"]
    world.practice.faults.misconfigure("nobody answers")
    world.clock.push(7200)
    assert await run_due(engine, jobs) == ["watch"]
    assert told == [("hintsync main: silence", Urgency.TROUBLE)]


async def test_a_connections_work_goes_by_its_settings():
    world = World(options=Options(parity_hour=23))
    jobs = {job.name: job.when for job in jobs_of(await world.engine())}
    assert jobs == {
        "confirm-links": Asked(),
        "catch-up:salesforce": Asked(),
        "catch-up:hint": Asked(),
        "parity": Daily(23),
        "prune": Daily(0),
    }
