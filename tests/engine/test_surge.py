"""In a burst of webhooks answers go first: groups are begun rarely, what people wait for at once, and nothing stays behind."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hintsync.core.values import Side
from hintsync.engine.live.surge import BETWEEN, MANY, OVER, Surge, surge_of
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
    for tenth in range(20, 120):
        surge.hear(60, tenth / 10)
        if surge.begin(tenth / 10):
            begun.append(tenth / 10)
    assert all(later - earlier >= BETWEEN for earlier, later in pairwise(begun))
    assert len(begun) == int(10 / BETWEEN) + 1


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
