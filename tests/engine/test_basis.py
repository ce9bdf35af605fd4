"""Guard G5 in a process that runs: settings that are edited and fields that change are taken over, and told."""

from __future__ import annotations

from dataclasses import replace

from hintsync.core.fields import ConflictPolicy
from hintsync.core.values import Side
from hintsync.engine.basis import look_again
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import may_write
from hintsync.engine.live.work import work_once
from hintsync.state.live import Mark
from hintsync.state.port import LogLevel
from tests.engine.guarded import Clinic


async def worked(clinic: Clinic, engine: Engine, *numbers: int) -> None:
    """Mark some patients and work them."""
    at = clinic.world.clock.now().timestamp()
    marks = [Mark(Side.HINT, clinic.patients[number], "webhook", at) for number in numbers]
    await clinic.world.store.mark("main", marks)
    await work_once(engine, "worker")


async def test_g5_a_mapping_that_is_edited_is_what_a_running_worker_goes_by():
    clinic = await Clinic.of(1)
    worker = await clinic.engine()
    digest = worker.table.digest()
    connection = await clinic.world.store.connection("main")
    assert connection is not None
    edited = replace(clinic.world.options, policies={"city": ConflictPolicy.HINT})
    await clinic.world.store.put_connection(replace(connection, settings=edited.to_json()))
    clinic.world.clock.push(10)
    await may_write(worker)
    assert worker.table.digest() != digest
    clinic.move(0, to="Reno", side=Side.HINT)
    clinic.move(0, to="Ely", side=Side.SALESFORCE)
    await worked(clinic, worker, 0)
    assert clinic.city(0) == "Reno"


async def test_g5_what_was_chosen_for_one_process_stays_chosen():
    clinic = await Clinic.of(1)
    worker = await clinic.engine()
    worker.options = replace(worker.options, create_contacts=True)
    connection = await clinic.world.store.connection("main")
    assert connection is not None
    edited = replace(clinic.world.options, guard_at_least=3)
    await clinic.world.store.put_connection(replace(connection, settings=edited.to_json()))
    clinic.world.clock.push(10)
    await may_write(worker)
    assert (worker.options.create_contacts, worker.options.guard_at_least) == (True, 3)


async def test_g5_facts_that_another_process_learned_are_taken_over():
    clinic = await Clinic.of(1)
    worker = await clinic.engine()
    connection = await clinic.world.store.connection("main")
    assert connection is not None
    facts = {**connection.facts, "paused": ["clear:salesforce:email"]}
    await clinic.world.store.put_connection(replace(connection, facts=facts))
    clinic.world.clock.push(10)
    await may_write(worker)
    assert worker.constraints().paused_clears == {"email"}


async def test_t12_g5_a_field_that_is_gone_pauses_and_the_others_go_on():
    clinic = await Clinic.of(1)
    worker = await clinic.engine()
    await may_write(worker)
    clinic.world.org.faults.hidden.add("city")
    clinic.world.practice.edit(clinic.patients[0], {"city": "Reno", "state": "NV"})
    clinic.world.clock.push(600)
    await worked(clinic, worker, 0)
    clinic.world.org.faults.hidden.clear()
    assert (clinic.city(0), clinic.world.org.shown(clinic.contacts[0]).values["state"]) == ("Elko", "NV")
    (told,) = [entry for entry in await clinic.world.store.log("main") if entry.event == "fields-changed"]
    assert (told.level, told.fields) == (LogLevel.ERROR, ("city",))
    clinic.world.clock.push(600)
    await worked(clinic, worker, 0)
    assert clinic.city(0) == "Reno", "it is back, and what waited is done"


async def test_g5_fields_are_asked_for_every_ten_minutes_and_on_a_hint_once_a_minute():
    clinic = await Clinic.of(1)
    worker = await clinic.engine()
    await may_write(worker)
    asked = clinic.world.org.calls
    clinic.world.clock.push(59)
    await may_write(worker)
    assert not await look_again(worker)
    assert clinic.world.org.calls == asked
    clinic.world.clock.push(1)
    clinic.world.org.faults.max_length["city"] = 3
    assert await look_again(worker)
    assert not await look_again(worker)
    assert clinic.world.org.calls == asked + 1


async def test_f9_what_a_system_refused_is_tried_again_once_its_fields_change():
    clinic = await Clinic.of(2)
    worker = await clinic.engine()
    await may_write(worker)
    clinic.world.org.faults.refuse_record(clinic.contacts[0], "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    clinic.move(0)
    await worked(clinic, worker, 0)
    assert (await clinic.state(0)).holds["city"].row == "F9"
    clinic.world.org.faults.refused_records.clear()
    clinic.world.clock.push(600)
    await may_write(worker)
    assert await clinic.world.store.dirty("main") == []
    clinic.world.org.faults.max_length["email"] = 80
    clinic.world.clock.push(600)
    await may_write(worker)
    (dirty,) = await clinic.world.store.dirty("main")
    assert dirty.record_id == clinic.contacts[0]
    await work_once(worker, "worker")
    assert clinic.city(0) == "Reno"
    assert (await clinic.state(0)).holds == {}
