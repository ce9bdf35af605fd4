"""What a person is shown before and after acting on a pair that waits for a decision."""

from hintsync.core.plan import Effect
from hintsync.core.values import Side
from hintsync.engine.pairs.by_hand import link_by_hand, sync_by_hand
from hintsync.engine.pairs.considering import preview
from tests.engine.world import World

BORN = "1980-05-06"


async def in_conflict(world: World) -> tuple[str, str]:
    contact, patient = world.both("Ann", "Moor", BORN, city="Boston")
    await link_by_hand(await world.engine(), contact, patient)
    world.org.edit(contact, {"city": "Salem"})
    world.practice.edit(patient, {"city": "Lynn"})
    return contact, patient


async def test_f5_a_field_that_still_waits_is_named_at_every_sync():
    world = World()
    contact, _ = await in_conflict(world)
    engine = await world.engine()
    assert (await sync_by_hand(engine, Side.SALESFORCE, contact)).held == ("city",)
    assert (await sync_by_hand(engine, Side.SALESFORCE, contact)).held == ("city",)


async def test_a_preview_of_a_linked_pair_shows_the_sync_that_would_follow_and_not_a_first_one():
    world = World()
    contact, patient = await in_conflict(world)
    world.practice.edit(patient, {"zip": "02110"})
    planned = (await preview(await world.engine(), contact, patient)).plan
    effects = {each.field: (each.row, each.effect) for each in planned.decisions if each.field in ("city", "zip")}
    assert effects == {"city": ("F5", Effect.HOLD), "zip": ("F2", Effect.WRITE_SALESFORCE)}


async def test_a_preview_of_two_free_records_shows_the_first_sync_and_writes_nothing():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, city="Boston")
    patient = world.patient("Ann", "Moor", BORN, city="Lynn")
    engine = await world.engine()
    planned = (await preview(engine, contact, patient)).plan
    assert dict(planned.writes[Side.HINT]) == {"city": "Boston"}
    assert world.practice.shown(patient).values["city"] == "Lynn"
    assert not await world.store.live_pairs("main")


async def test_u3_a_preview_of_a_re_link_names_the_fields_that_take_the_new_patients_values():
    world = World()
    contact, first = world.both("Ann", "Moor", BORN, city="Reno", zip="1")
    second = world.patient("Ann", "Moor", BORN, city="Elko", zip="9", email="n@example.org")
    await link_by_hand(await world.engine(), contact, first)
    world.org.edit(contact, {"zip": "2"})  # the contact's own since
    planned = (await preview(await world.engine(), contact, second)).plan
    rows = {each.field: (each.row, each.effect) for each in planned.decisions if each.field in ("city", "zip", "email")}
    assert rows == {
        "city": ("U3", Effect.WRITE_SALESFORCE),
        "zip": ("I2", Effect.WRITE_HINT),
        "email": ("I4", Effect.WRITE_SALESFORCE),
    }
    assert world.org.shown(contact).values["city"] == "Reno"
