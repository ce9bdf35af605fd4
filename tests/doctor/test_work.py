"""What the doctor finds of a connection's work: stops, what waits, what was set aside, what was not heard of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hintsync.core.values import Side
from hintsync.doctor.findings import State
from hintsync.engine.guards.stops import OTHER, lift, pause, trip
from hintsync.engine.health.alarms import LAST_SUCCESS
from hintsync.engine.hint_log.copying import copy_log
from hintsync.engine.parity.check import check_parity
from hintsync.engine.parity.report import REPORT
from hintsync.state.live import Mark, Stop
from hintsync.state.port import Commit, LogEntry, LogLevel
from hintsync_emulators.control import Failure
from tests.doctor.surgery import AdvancedClock, Surgery

HOUR = 3600.0


async def test_a_connection_that_has_just_begun_lacks_nothing_but_its_first_work(surgery: Surgery) -> None:
    found = await surgery.look()
    assert {code: found[code].state for code in ("stops", "paused-writes", "queue", "parked")} == dict.fromkeys(
        ("stops", "paused-writes", "queue", "parked"), State.OK
    )
    assert {found[code].state for code in ("last-success", "comparison")} == {State.LOOK}


async def test_a_stop_is_wrong_and_a_pause_is_to_be_looked_at(surgery: Surgery) -> None:
    desk = await surgery.desk()
    await pause(desk, "new server")
    found = (await surgery.look())["stops"]
    assert (found.state, found.found) == (State.LOOK, "paused (new server) since")
    await trip(desk, Stop("demo", "G3", Side.HINT, "25 of 100 links within an hour, 20 are allowed", desk.now()))
    found = (await surgery.look())["stops"]
    assert (found.state, "25 of 100 links" in found.found) == (State.WRONG, True)
    await lift(desk, "G3", Side.HINT)
    assert await surgery.state("stops") == (State.LOOK, "paused")


async def test_another_integration_of_the_org_has_a_remedy_of_its_own(surgery: Surgery) -> None:
    desk = await surgery.desk()
    await trip(desk, Stop("demo", OTHER, None, "Hint's own package is installed", desk.now()))
    assert "hintsync take-over" in ((await surgery.look())["stops"].remedy or "")
    await trip(desk, Stop("demo", "G3", Side.HINT, "25 of 100 links within an hour, 20 are allowed", desk.now()))
    assert "approve" in ((await surgery.look())["stops"].remedy or "")


async def test_a_kind_of_write_that_was_not_kept_as_sent_is_named(surgery: Surgery) -> None:
    connection = await surgery.connection()
    facts = {**connection.facts, "paused": ["clear:salesforce:city"]}
    await surgery.service.store.put_connection(replace(connection, facts=facts))
    found = (await surgery.look())["paused-writes"]
    assert (found.state, found.found) == (State.WRONG, "paused: clear:salesforce:city")


@pytest.mark.parametrize(("minutes", "state"), [(10, State.OK), (45, State.WRONG)])
async def test_a_change_that_waits_too_long_is_wrong(surgery: Surgery, minutes: int, state: State) -> None:
    since = surgery.service.clock.now().timestamp() - minutes * 60
    await surgery.service.store.mark("demo", [Mark(Side.HINT, "pat-1", "webhook", since)])
    found = (await surgery.look())["queue"]
    assert (found.state, found.found) == (state, f"1 record waits, the oldest for {minutes} minutes")


async def test_records_that_were_set_aside_are_counted(surgery: Surgery) -> None:
    store, now = surgery.service.store, surgery.service.clock.now().timestamp()
    await store.mark("demo", [Mark(Side.HINT, f"pat-{number}", "webhook", now) for number in range(3)])
    claimed = await store.claim("demo", "worker", now, now + 30, limit=2)
    await store.put_off(claimed, now, parked="refused")
    found = (await surgery.look())["parked"]
    assert (found.state, found.found) == (State.LOOK, "2 wait for a person")


@pytest.mark.parametrize(("hours", "state"), [(1, State.OK), (7, State.WRONG)])
async def test_silence_is_what_the_dead_mans_alert_means_by_it(surgery: Surgery, hours: int, state: State) -> None:
    now = surgery.service.clock.now().timestamp()
    await surgery.service.store.put_cursor("demo", LAST_SUCCESS, repr(now - hours * HOUR))
    assert (await surgery.look())["last-success"].state is state
    surgery.set(alert_silence_hours=24.0)
    assert (await surgery.look())["last-success"].state is State.OK


async def test_the_comparison_of_everybody_is_found_old_and_found_forged(surgery: Surgery) -> None:
    async with surgery.wire.engine() as engine:
        run = await check_parity(engine)
    assert (await surgery.look())["comparison"].state is State.OK
    clock, surgery.service.clock = surgery.service.clock, AdvancedClock(timedelta(days=3))
    assert await surgery.state("comparison") == (State.LOOK, "late")
    surgery.service.clock = clock
    report = run.details[REPORT]
    assert isinstance(report, dict)
    forged = replace(run, details={**run.details, REPORT: {**report, "missed": 12}})
    await surgery.service.store.save_run(replace(forged, worker=None))
    assert await surgery.state("comparison") == (State.WRONG, "forged")


async def test_the_log_in_salesforce_is_told_where_it_is_not_written(surgery: Surgery) -> None:
    assert await surgery.state("hint-log") == (State.LOOK, "never")
    async with surgery.wire.engine() as engine:
        for _ in range(3):
            await copy_log(engine)
        assert (await surgery.look())["hint-log"].state is State.OK
        refusal = [{"message": "no access", "errorCode": "INSUFFICIENT_ACCESS_OR_READONLY"}]
        surgery.faults(Side.SALESFORCE).fail_next.append(Failure(403, refusal, match="Hint_Log__c", times=50))
        now = engine.now()
        await engine.store.commit(Commit(logs=[LogEntry("demo", now, LogLevel.ERROR, "tried", "something failed")]))
        for _ in range(3):
            await copy_log(engine)
        assert await surgery.state("hint-log") == (State.LOOK, "trouble")
    connection = await surgery.connection()
    off = {**connection.settings, "hint_log_level": "off"}
    await surgery.service.store.put_connection(replace(connection, settings=off))
    assert (await surgery.look())["hint-log"].found == "switched off"
