"""Contacts that pages showed a moment ago."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from hintsync.core.records import Snapshot
from hintsync.surfaces.web.recent_contacts import FAILED, KEPT, MOST, recent_contacts
from tests.engine.world import World

BORN = "1980-05-06"


async def test_contacts_are_read_once_all_in_one_call_and_again_when_they_are_old():
    world = World()
    ids = [world.contact("Ann", "Moor", BORN), world.contact("Bea", "Hill", BORN)]
    engine = await world.engine()
    calls = world.org.calls
    found = await recent_contacts(engine).people(engine, ids)
    assert [person.first for person in found.values() if person] == ["Ann", "Bea"]
    await recent_contacts(engine).people(engine, ids)
    assert world.org.calls == calls + 1
    world.clock.push(KEPT + 1)
    await recent_contacts(engine).people(engine, ids[:1])
    assert world.org.calls == calls + 2


async def test_who_is_not_there_is_known_not_to_be_there():
    world = World()
    gone = world.contact("Ann", "Moor", BORN)
    world.org.delete(gone)
    engine = await world.engine()
    assert await recent_contacts(engine).people(engine, [gone, "003000000000404AAA"]) == {
        gone: None,
        "003000000000404AAA": None,
    }


async def test_an_org_that_does_not_answer_is_not_asked_at_every_key():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    engine = await world.engine()
    world.org.faults.spend_budget()
    assert await recent_contacts(engine).people(engine, [contact]) == {contact: None}
    world.org.faults.restore()
    assert await recent_contacts(engine).people(engine, [contact]) == {contact: None}
    world.clock.push(FAILED + 1)
    (person,) = (await recent_contacts(engine).people(engine, [contact])).values()
    assert person is not None


async def test_who_has_no_patience_gets_what_is_known_and_the_rest_the_next_time(monkeypatch: pytest.MonkeyPatch):
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    engine = await world.engine()
    gate, read = asyncio.Event(), world.org.read

    async def slowly(ids: Sequence[str]) -> Mapping[str, Snapshot]:
        await gate.wait()
        return await read(ids)

    monkeypatch.setattr(world.org, "read", slowly)
    assert await recent_contacts(engine).people(engine, [contact], patience=0) == {}
    gate.set()
    (person,) = (await recent_contacts(engine).people(engine, [contact])).values()
    assert person is not None


async def test_only_so_many_are_remembered():
    world = World()
    engine = await world.engine()
    contacts = recent_contacts(engine)
    for number in range(MOST + 10):
        contacts.keep(engine, f"003-{number}", None)
    calls = world.org.calls
    await contacts.people(engine, [f"003-{MOST + 9}"])
    assert world.org.calls == calls
    await contacts.people(engine, ["003-0"])
    assert world.org.calls == calls + 1
