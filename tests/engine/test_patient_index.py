"""The index of a practice's patients: filled once, kept fresh by events and re-reads, usable before it is full."""

from __future__ import annotations

import asyncio

from hintsync.core.errors import RetryLater
from hintsync.core.near import Grade
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.engine.search.patients import FRESH, PAUSE, WHOLE_AGAIN, PatientIndex, keep_index, patient_index
from hintsync.engine.search.sides import person_at
from tests.engine.world import World

BORN = "1980-05-06"


async def full(engine: Engine) -> PatientIndex:
    index = patient_index(engine)
    index.freshen(engine)
    await index.settled(10)
    return index


async def names(engine: Engine, text: str) -> list[str]:
    index = patient_index(engine)
    looked = await index.search(engine, text)
    return [each.hit.record_id for each in looked.found]


async def test_m9_people_are_found_with_their_evidence_against_the_contact():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, email="ann@example.org")
    patient = world.patient("Ann", "Moor", BORN, email="ann@example.org")
    namesake = world.patient("Anna", "Moore", "1991-02-03")
    engine = await world.engine()
    index = await full(engine)
    looked = await index.search(engine, "ann moor", await person_at(engine, Side.SALESFORCE, contact))
    assert [each.hit.record_id for each in looked.found] == [patient, namesake]
    assert looked.complete
    first = looked.found[0].match
    assert first is not None
    assert first.grade is Grade.CERTAIN
    assert "e-mail" in {line.field.value for line in first.evidence}


async def test_the_holder_of_a_link_is_what_the_store_says_now():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    engine = await world.engine()
    index = await full(engine)
    await link_by_hand(engine, contact, patient)
    (found,) = (await index.search(engine, "moor")).found
    assert found.hit.linked_to == contact


async def test_searching_twice_reads_nothing_again_while_the_index_is_fresh():
    world = World()
    world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    index = await full(engine)
    calls = world.practice.calls
    await index.search(engine, "moor")
    await index.search(engine, "moore")
    assert world.practice.calls == calls


async def test_what_an_event_shows_is_found_by_the_next_search():
    world = World()
    patient = world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    index = await full(engine)
    world.practice.edit(patient, {"last_name": "Hill"})
    index.hear(world.practice.shown(patient))
    assert await names(engine, "hill") == [patient]
    assert await names(engine, "moor") == []


async def test_an_event_that_comes_late_does_not_put_an_older_name_back():
    world = World()
    patient = world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    index = await full(engine)
    old = world.practice.shown(patient)
    world.clock.push(5)
    world.practice.edit(patient, {"last_name": "Hill"})
    index.hear(world.practice.shown(patient))
    assert await names(engine, "hill") == [patient]
    index.hear(old)
    assert await names(engine, "hill") == [patient]


async def test_a_patient_that_was_destroyed_or_merged_is_found_no_more():
    world = World()
    first, second = world.patient("Ann", "Moor", BORN), world.patient("Anne", "Moor", BORN)
    engine = await world.engine()
    index = await full(engine)
    index.forget(first)
    world.practice.merge(second, world.patient("Bea", "Hill", BORN))
    index.hear(world.practice.shown(second))
    assert await names(engine, "moor") == []


async def test_what_another_process_heard_is_found_once_the_index_is_not_fresh_any_more():
    world = World()
    engine = await world.engine()
    index = await full(engine)
    patient = world.patient("Ann", "Moor", BORN)
    assert await names(engine, "moor") == []
    world.clock.push(FRESH + 1)
    index.freshen(engine)
    await index.settled(10)
    assert await names(engine, "moor") == [patient]


async def test_after_a_persons_action_the_next_search_looks_at_once():
    world = World()
    engine = await world.engine()
    index = await full(engine)
    patient = world.patient("Ann", "Moor", BORN)
    index.stale()
    index.freshen(engine)
    await index.settled(10)
    assert await names(engine, "moor") == [patient]


async def test_everybody_is_read_again_after_a_day_and_who_is_gone_leaves():
    world = World()
    patient = world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    index = await full(engine)
    world.practice.delete(patient)
    world.clock.push(WHOLE_AGAIN + 1)
    index.freshen(engine)
    await index.settled(10)
    assert await names(engine, "moor") == []
    assert len(index) == 0


async def test_while_it_is_filled_whoever_was_born_on_the_day_is_found_already():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    engine = await world.engine()
    index = patient_index(engine)
    person = await person_at(engine, Side.SALESFORCE, contact)
    world.practice.faults.moving_scans = 10  # nobody can read the whole list
    looked = await index.search(engine, "Ann Moor", person)
    assert [each.hit.record_id for each in looked.found] == [patient]
    assert not looked.complete


async def test_a_practice_that_does_not_answer_is_said_so_and_asked_again_after_a_pause():
    world = World()
    patient = world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    world.practice.faults.moving_scans = 1
    index = await full(engine)
    assert (index.complete, index.trouble) == (False, RetryLater.code)
    calls = world.practice.calls
    index.freshen(engine)
    await index.settled(10)
    assert world.practice.calls == calls
    world.clock.push(PAUSE + 1)
    index.freshen(engine)
    await index.settled(10)
    assert await names(engine, "moor") == [patient]
    assert index.trouble is None


async def test_more_events_than_are_kept_make_the_next_search_read_what_changed():
    world = World()
    engine = await world.engine()
    world.patient("Ann", "Moor", BORN)
    index = await full(engine)
    calls = world.practice.calls
    for number in range(1001):
        index.forget(f"pat-{number}")
    index.freshen(engine)
    await index.settled(10)
    assert world.practice.calls > calls


async def test_events_are_not_collected_before_anybody_wants_to_search():
    world = World()
    engine = await world.engine()
    index = patient_index(engine)
    index.hear(world.practice.shown(world.patient("Ann", "Moor", BORN)))
    assert len(index) == 0
    assert not index._heard


async def test_a_process_fills_the_index_before_anybody_searches_and_stops_in_order():
    world = World()
    world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    leaving = asyncio.Event()
    keeping = asyncio.create_task(keep_index(engine, leaving))
    index = patient_index(engine)
    await asyncio.sleep(0)  # it begins
    await index.settled(10)
    assert (index.complete, len(index)) == (True, 1)
    leaving.set()
    await keeping


async def test_two_connections_have_indexes_of_their_own_and_one_has_one():
    world, other = World(), World()
    engine = await world.engine()
    assert patient_index(engine) is patient_index(await world.engine())
    assert patient_index(engine) is not patient_index(await other.engine())


async def test_of_a_family_name_alone_the_contacts_own_match_comes_before_all_namesakes():
    world = World()
    for number in range(12):
        world.patient(f"Aaron{number}", "Moor", f"19{50 + number}-01-02")
    contact = world.contact("Zoe", "Moor", BORN)
    patient = world.patient("Zoe", "Moor", BORN)
    engine = await world.engine()
    index = await full(engine)
    like = await person_at(engine, Side.SALESFORCE, contact)
    for text in ("moor", "MOO", "zoe", "Moor Zoe"):
        found = [each.hit.record_id for each in (await index.search(engine, text, like)).found]
        assert found[0] == patient, text
        assert len(set(found)) == len(found), text
    others = [each.hit.record_id for each in (await index.search(engine, "moor aaron3", like)).found]
    assert others[0] != patient, "another person was typed"
