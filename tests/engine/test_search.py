"""The service behind a search: everybody of a side, ranked, with whom they are linked."""

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.near import Grade
from hintsync.core.person import Person
from hintsync.core.values import Side
from hintsync.engine.pairs.by_hand import link_by_hand, unlink_by_hand
from hintsync.engine.search.sides import fill_index, find_people, person_at
from tests.engine.world import World


async def test_m9_a_patient_is_found_as_his_name_is_typed_and_shown_with_his_contact():
    world = World()
    contact, patient = world.both("Ann", "Moor", "1980-05-06")
    namesake = world.patient("Anna", "Moore", "1990-05-06")
    engine = await world.engine()
    await link_by_hand(engine, contact, patient)
    index = await fill_index(engine, Side.HINT)
    hits = await find_people(engine, index, Side.HINT, "ann moor")
    assert [(hit.record_id, hit.linked_to) for hit in hits] == [(patient, contact), (namesake, None)]


async def test_a_contact_is_found_on_its_own_side_with_its_patient():
    world = World()
    contact, patient = world.both("Ann", "Moor", "1980-05-06")
    engine = await world.engine()
    await link_by_hand(engine, contact, patient)
    hits = await find_people(engine, await fill_index(engine, Side.SALESFORCE), Side.SALESFORCE, "moor")
    assert [(hit.record_id, hit.linked_to) for hit in hits] == [(contact, patient)]


async def test_who_is_linked_is_what_the_store_says_at_the_moment_of_the_search():
    world = World()
    contact, patient = world.both("Ann", "Moor", "1980-05-06")
    engine = await world.engine()
    await link_by_hand(engine, contact, patient)
    index = await fill_index(engine, Side.HINT)
    await unlink_by_hand(engine, contact)
    assert [hit.linked_to for hit in await find_people(engine, index, Side.HINT, "moor")] == [None]


async def test_a_record_finds_its_likeliest_peers_with_grade_and_evidence():
    world = World()
    details = {"email": "ann@example.org", "city": "Salem", "zip": "01970", "street": "1 Elm Street"}
    contact = world.contact("Ann", "Moor", "1980-05-06", **details)
    slip = world.patient("Ann", "Moor", "1980-05-08", **details)
    world.patient("Bea", "Hill", "1951-01-02")
    engine = await world.engine()
    wanted = await person_at(engine, Side.SALESFORCE, contact)
    (hit,) = await find_people(engine, await fill_index(engine, Side.HINT), Side.HINT, wanted)
    assert (hit.record_id, hit.found.match.grade) == (slip, Grade.PROBABLE)
    assert {line.field.value for line in hit.found.match.evidence} >= {"birth date", "e-mail", "last name"}


async def test_every_phone_number_of_a_record_leads_to_it():
    world = World()
    patient = world.patient("Ann", "Moor", "1980-05-06", mobile_phone="+16175550101", home_phone="+16175550102")
    engine = await world.engine()
    index = await fill_index(engine, Side.HINT)
    for typed in ("617 555 0101", "(617) 555-0102"):
        assert [hit.record_id for hit in await find_people(engine, index, Side.HINT, typed)] == [patient]


async def test_an_archived_patient_is_found_and_marked():
    world = World()
    patient = world.patient("Ann", "Moor", "1980-05-06")
    world.practice.archive(patient)
    engine = await world.engine()
    (hit,) = await find_people(engine, await fill_index(engine, Side.HINT), Side.HINT, "ann moor")
    assert hit.found.entry.archived


async def test_filling_again_brings_what_changed():
    world = World()
    patient = world.patient("Ann", "Moor", "1980-05-06")
    engine = await world.engine()
    index = await fill_index(engine, Side.HINT)
    world.practice.edit(patient, {"last_name": "Quimby"})
    assert await fill_index(engine, Side.HINT, index) is index
    assert [hit.record_id for hit in await find_people(engine, index, Side.HINT, "quimby")] == [patient]
    assert not await find_people(engine, index, Side.HINT, "moor")


async def test_nobody_is_like_a_record_that_is_not_there():
    world = World()
    engine = await world.engine()
    with pytest.raises(BadInput, match="no contact 003000000000099AAA"):
        await person_at(engine, Side.SALESFORCE, "003000000000099AAA")


async def test_a_search_for_nothing_finds_nobody():
    world = World()
    world.patient("Ann", "Moor", "1980-05-06")
    engine = await world.engine()
    index = await fill_index(engine, Side.HINT)
    assert await find_people(engine, index, Side.HINT, "  ") == []
    assert await find_people(engine, index, Side.HINT, Person()) == []
