"""In a burst of webhooks answers go first: groups are begun rarely, what people wait for at once, and nothing stays behind."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hintsync.core.values import Side
from hintsync.engine.live.surge import BETWEEN, MANY, OVER, PATIENCE, Surge, surge_of
from hintsync.engine.schedule import ask_catch_up, catch_up_name, run_due
from hintsync.state.live import Lane, Mark
from tests.engine.living import LiveWorld


@pytest.mark.parametrize(
    ("events_a_second", "burst"),
    [(5, False), (MANY / 2, False), (MANY * 2, True), (1000, True)],
)
def test_a_burst_is_many_events_a_second(events_a_second: float, burst: bool) -> None:
    surge = Surge()
    now = 0.0
    while now < 5 * OVER:
        surge.hear(1, now)
        now += 1 / events_a_second
    assert surge.is_on(now) is burst


def test_a_burst_ends_by_itself() -> None:
    surge = Surge()
    surge.hear(1000, 10.0)
    assert (surge.is_on(10.0), surge.is_on(10.0 + 5 * OVER)) == (True, False)


def test_groups_are_begun_at_once_in_quiet_times_and_rarely_in_a_burst() -> None:
    surge = Surge()
    assert [surge.begin(now) for now in (1.0, 1.1, 1.2)] == [True] * 3
    begun = []
    for tenth in range(20, int(30 + 20 * BETWEEN)):
        surge.hear(100, tenth / 10)
        if surge.begin(tenth / 10):
            begun.append(tenth / 10)
    assert all(later - earlier >= BETWEEN for earlier, later in pairwise(begun))
    assert len(begun) == 2
    assert begun[0] >= surge.since + BETWEEN, "a short one is over before anything is begun"


async def test_what_a_person_waits_for_is_worked_in_the_middle_of_a_burst() -> None:
    world = LiveWorld()
    pairs = [await world.linked(city="Lynn") for _ in range(3)]
    for _, patient in pairs:
        world.practice.edit(patient, {"city": "Reno"})
    surge, now = surge_of(await world.live()), world.clock.now().timestamp()
    surge.hear(10_000, world.clock.monotonic())
    surge.begin(world.clock.monotonic())
    (_, waited_for), *others = pairs
    marks = [Mark(Side.HINT, patient, "webhook", now) for _, patient in others]
    await world.store.mark("main", [*marks, Mark(Side.HINT, waited_for, "person", now, Lane.INTERACTIVE)])
    assert (await world.work()).claimed == 1
    assert world.shown(Side.SALESFORCE, pairs[0][0], "city") == "Reno"
    world.clock.push(BETWEEN)
    assert (await world.work()).claimed == 2


async def test_the_schedule_waits_for_the_end_of_a_burst() -> None:
    world = LiveWorld()
    engine = await world.live()
    surge = surge_of(engine)
    surge.hear(10_000, world.clock.monotonic())
    await ask_catch_up(engine, Side.HINT)
    assert await run_due(engine) == []
    world.clock.push(20 * OVER)
    assert catch_up_name(Side.HINT) in await run_due(engine)


def test_what_never_ends_is_no_burst_to_be_waited_for() -> None:
    surge, now = Surge(), 0.0
    while now < PATIENCE + 2 * OVER:
        surge.hear(int(MANY), now)
        assert surge.is_short(now) is (surge.is_on(now) and now < PATIENCE + surge.since)
        now += OVER / 2
    assert (surge.is_on(now), surge.is_short(now)) == (True, False)
    surge.hear(1000, now + 60 * OVER)
    assert surge.is_short(now + 60 * OVER), "another one"
