"""What is known of a side that live work cannot reach, for whoever looks."""

from __future__ import annotations

from hintsync.core.values import Side
from hintsync.engine.live.retry import sides_in_trouble
from tests.engine.living import LiveWorld


async def test_a_side_that_does_not_answer_is_named_until_it_has_answered_for_a_while() -> None:
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")

    async def trouble() -> dict[Side, float]:
        return dict(await sides_in_trouble(world.store, "main", world.clock.now().timestamp()))

    assert await trouble() == {}
    world.practice.edit(patient, {"city": "Reno"})
    await world.deliver()
    world.practice.faults.fail(times=50)
    await world.work()
    world.clock.push(1.0)
    assert await trouble() == {Side.HINT: 1.0}
    world.practice.faults.clear()
    await world.quiet()
    world.clock.push(600.0)
    assert await trouble() == {}
    assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"
