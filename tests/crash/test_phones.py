"""Hint's phone list when a pass is broken off between its write and the commit, and what a clear leaves behind (F7)."""

from __future__ import annotations

import pytest

from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.replicas.memory_faults import Crash
from hintsync.state.port import RunStatus
from tests.crash.points import bury
from tests.engine.world import World

BORN = "1980-05-06"
HOME, OTHER, THIRD = "+14155550111", "+14155550122", "+14155550133"


async def in_step(*numbers: str, mapped: str) -> tuple[World, str, str]:
    """Return a world with one pair in step: the patient's mobile numbers, and the one that the contact shows too."""
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN, mobile_phone=mapped)
    await link_by_hand(await world.engine(), contact, patient)
    world.practice.edit(patient, phones=[("mobile", number) for number in numbers])
    assert (await sync_all(await world.engine())).status is RunStatus.DONE
    assert world.org.shown(contact).values["mobile_phone"] == mapped
    return world, contact, patient


async def broken_off_after_the_write(world: World, patient: str) -> None:
    """Sync, and die when Hint has taken the write and nobody knows of it yet."""
    before = world.practice.shown(patient).phones
    for call in range(1, 9):
        world.practice.faults.clear()
        world.practice.faults.crash_after(call)
        with pytest.raises(Crash):
            await sync_all(await world.engine())
        await bury()
        if world.practice.shown(patient).phones != before:
            break
    world.practice.faults.clear()
    assert world.practice.shown(patient).phones != before


def numbers_of(world: World, patient: str) -> list[str | None]:
    """Return the patient's numbers in list order."""
    return [entry.canonical for entry in world.practice.shown(patient).phones]


async def finished(world: World) -> None:
    """Resume the latest run, and see that it asks nobody."""
    run = (await world.store.runs("main"))[0]
    assert (await sync_all(await world.engine(), resume=run.id)).status is RunStatus.DONE
    assert await world.store.reviews("main") == []


async def test_f7_a_clear_broken_off_after_the_write_is_not_taken_for_an_edit_of_the_number_left_behind():
    world, contact, patient = await in_step(HOME, OTHER, mapped=HOME)
    world.org.edit(contact, {"mobile_phone": None})
    await broken_off_after_the_write(world, patient)
    await finished(world)
    assert numbers_of(world, patient) == [OTHER]
    assert world.org.shown(contact).values["mobile_phone"] is None


async def test_f3_a_number_written_behind_another_and_broken_off_is_not_taken_for_an_edit():
    world, contact, patient = await in_step(OTHER, HOME, mapped=HOME)
    world.org.edit(contact, {"mobile_phone": THIRD})
    await broken_off_after_the_write(world, patient)
    await finished(world)
    assert numbers_of(world, patient) == [OTHER, THIRD]
    assert world.org.shown(contact).values["mobile_phone"] == THIRD


async def test_f7_what_a_clear_left_behind_is_forgotten_once_the_field_has_a_value_again():
    world, contact, patient = await in_step(HOME, OTHER, mapped=HOME)
    world.org.edit(contact, {"mobile_phone": None})
    await sync_all(await world.engine())
    world.practice.edit(patient, phones=[])
    world.org.edit(contact, {"mobile_phone": THIRD})
    await sync_all(await world.engine())
    assert numbers_of(world, patient) == [THIRD]
    world.practice.edit(patient, phones=[("mobile", OTHER)])  # the very number that the clear had left behind
    await sync_all(await world.engine())
    assert world.org.shown(contact).values["mobile_phone"] == OTHER


async def test_f7_a_first_clear_that_leaves_a_number_behind_was_kept():
    world, contact, _ = await in_step(HOME, OTHER, mapped=HOME)
    world.org.edit(contact, {"mobile_phone": None})
    await sync_all(await world.engine())
    connection = await world.store.connection("main")
    assert connection is not None
    assert connection.facts["paused"] == []
    assert set(connection.facts["verified"]) >= {"phones", "clear:hint:mobile_phone"}  # type: ignore[arg-type]  # a list


async def test_a_first_phone_write_that_is_not_kept_pauses_phones():
    world, contact, _ = await in_step(HOME, OTHER, mapped=HOME)
    world.practice.faults.dropped.add("mobile_phone")
    world.org.edit(contact, {"mobile_phone": THIRD})
    await sync_all(await world.engine())
    connection = await world.store.connection("main")
    assert connection is not None
    assert connection.facts["paused"] == ["phones"]
