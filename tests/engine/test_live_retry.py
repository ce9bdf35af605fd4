"""How long a side in trouble is left alone, over all workers."""

from __future__ import annotations

from hintsync.core.errors import BudgetSpent, RetryLater
from hintsync.core.values import Side
from hintsync.engine.live.retry import LONGEST, SHORTEST, pause_after, pause_of_outage
from tests.engine.world import World

DOWN = RetryLater(Side.HINT, "no answer")


async def test_the_pause_of_an_outage_doubles_up_to_its_longest():
    world = World()
    engine = await world.engine()
    pauses = []
    for _ in range(12):
        pauses.append(await pause_of_outage(engine, DOWN))
        world.clock.push(pauses[-1])
    assert pauses[0] == SHORTEST
    assert pauses == sorted(pauses)
    assert (pauses[4], pauses[-1]) == (SHORTEST * 2**4, LONGEST)


async def test_workers_that_meet_the_same_outage_at_once_count_as_one():
    world = World()
    engine = await world.engine()
    assert [await pause_of_outage(engine, DOWN) for _ in range(6)] == [SHORTEST] * 6


async def test_a_side_that_was_well_for_a_while_begins_with_the_shortest_pause_again():
    world = World()
    engine = await world.engine()
    for _ in range(5):
        world.clock.push(await pause_of_outage(engine, DOWN))
    world.clock.push(3600)
    assert await pause_of_outage(engine, DOWN) == SHORTEST


async def test_the_two_sides_do_not_share_their_trouble_and_what_a_side_asks_for_is_heeded():
    world = World()
    engine = await world.engine()
    for _ in range(5):
        world.clock.push(await pause_of_outage(engine, DOWN))
    assert await pause_of_outage(engine, RetryLater(Side.SALESFORCE, "no answer")) == SHORTEST
    assert await pause_of_outage(engine, BudgetSpent(Side.SALESFORCE, "spent", after=900.0)) == 900.0


def test_a_record_s_own_pause_doubles_and_is_spread():
    for failures in range(12):
        whole = min(SHORTEST * 2**failures, LONGEST)
        assert all(whole / 2 <= pause_after(failures) <= whole for _ in range(20))
