"""The log that is copied to the org: in groups, once, within its bounds, and in nobody's way."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hintsync.core.errors import RetryLater
from hintsync.core.limits import Purpose
from hintsync.engine.choosing import choices_of, choose
from hintsync.engine.context import Engine
from hintsync.engine.hint_log.copying import CALLS_AN_HOUR, EVERY, copy_log, hint_log_job, standing_of
from hintsync.engine.hint_log.entries import copies_of
from hintsync.engine.options import Options
from hintsync.engine.schedule import run_due
from hintsync.hint_log import GROUP, Storage
from hintsync.replicas.memory_faults import Crash
from hintsync.state.port import Commit, LogEntry, LogLevel
from tests.engine.wire import wired
from tests.engine.world import World

ALL = Options(hint_log_level=LogLevel.DEBUG)


@dataclass(slots=True)
class Clinic:
    """A world whose log is copied."""

    world: World
    engine: Engine

    @property
    def rows(self) -> list[str]:
        """The messages that the org holds, in the order of their keys' ids."""
        held = sorted(self.world.org.hint_log.rows.values(), key=lambda entry: int(entry.key.split("-")[2]))
        return [entry.message for entry in held]

    @property
    def calls(self) -> int:
        return self.world.org.hint_log.calls

    async def log(self, *messages: str, level: LogLevel = LogLevel.DEBUG, event: str = "tried", **ids: str) -> None:
        entries = [LogEntry("main", self.engine.now(), level, event, message, **ids) for message in messages]
        await self.world.store.commit(Commit(logs=entries))

    async def minutes(self, count: int = 3) -> None:
        """Let so many passes be made, a minute apart."""
        for _ in range(count):
            await run_due(self.engine, [hint_log_job()])
            self.world.clock.push(EVERY)

    async def told(self) -> list[tuple[str, str]]:
        """Return what our own log says of the copying, oldest first."""
        found = await self.world.store.log_after("main", 0)
        return [(entry.event, entry.message) for entry in found if entry.event.startswith("hint-log")]


async def clinic(options: Options = ALL) -> Clinic:
    """Return a clinic whose copying has begun."""
    world = World(options=options)
    made = Clinic(world, await world.engine())
    await made.minutes(2)
    return made


async def test_what_is_logged_is_in_the_org_within_minutes_and_once() -> None:
    town = await clinic()
    await town.log("first", "second")
    await town.minutes()
    assert town.rows == ["first", "second"]
    await town.log("third", level=LogLevel.EXCEPTION)
    await town.minutes(10)
    assert town.rows == ["first", "second", "third"]
    standing = await standing_of(town.world.store, "main")
    assert standing is not None
    assert (standing.kept, standing.trouble) == (3, "")


async def test_an_entry_is_open_to_its_details() -> None:
    town = await clinic()
    contact = town.world.contact("Ann", "Moor", "1980-05-06")
    ids = {"contact_id": contact, "patient_id": "pat-1", "run_id": "run-9", "incident": "ab12"}
    entry = LogEntry("main", town.engine.now(), LogLevel.ERROR, "write-refused", "refused", fields=("email",), **ids)
    await town.world.store.commit(Commit(logs=[entry]))
    await town.minutes()
    (copy,) = town.world.org.hint_log.rows.values()
    assert (copy.at, copy.level, copy.contact_id) == (entry.at, "Error", contact)
    assert (copy.patient_id, copy.run_id) == ("pat-1", "run-9")
    for told in ("Event: write-refused", "Fields: email", f"Contact: {contact}", "Incident: ab12"):
        assert told in copy.details


async def test_only_what_is_grave_enough_is_copied() -> None:
    town = await clinic(Options(hint_log_level=LogLevel.ERROR))
    for level in LogLevel:
        await town.log(str(level), level=level)
    await town.minutes()
    assert town.rows == ["error", "exception"]


async def test_where_it_is_off_nothing_is_copied_and_no_call_is_made() -> None:
    town = await clinic(Options(hint_log_level=None))
    await town.log("first", level=LogLevel.EXCEPTION)
    await town.minutes(3)
    assert town.rows == []
    calls = town.calls
    await town.minutes(120)
    assert town.calls == calls


async def test_switched_off_what_is_there_still_goes_when_it_is_old() -> None:
    town = await clinic(replace(ALL, hint_log_days=1))
    await town.log("first")
    await town.minutes()
    was = choices_of(town.engine.options)
    await choose(town.engine, was, {**was, "hint_log_level": "off"})
    await town.log("second")
    await town.minutes(26 * 60)
    assert town.rows == []
    calls = town.calls
    await town.minutes(120)
    assert town.calls == calls


async def test_a_quiet_clinic_costs_two_calls_an_hour() -> None:
    town = await clinic()
    await town.log("first")
    await town.minutes(5)
    calls = town.calls
    await town.minutes(24 * 60)
    assert town.calls - calls <= 24 * 3  # a count, a look at the room, a look for what is old


async def test_of_a_long_log_the_latest_thousand_are_copied_when_the_copying_begins() -> None:
    world = World(options=ALL)
    town = Clinic(world, await world.engine())
    await town.log(*map(str, range(1_500)))
    await town.minutes(8)
    assert town.rows == [str(n) for n in range(500, 1_500)]


async def test_however_much_is_logged_few_calls_are_made_an_hour() -> None:
    town = await clinic(replace(ALL, hint_log_most=100_000))
    while town.world.clock.now().minute:
        await town.minutes(1)
    calls = town.calls
    for _ in range(60):
        await town.log(*map(str, range(400)))
        await town.minutes(1)
    assert len(town.rows) > 5_000
    assert town.calls - calls <= CALLS_AN_HOUR


async def test_what_one_hour_had_no_calls_for_comes_in_the_next() -> None:
    town = await clinic(replace(ALL, hint_log_most=100_000))
    for _ in range(3):
        await town.log(*map(str, range(5_000)))
        await town.minutes(60)
    await town.minutes(60)
    assert len(town.rows) == 15_000


async def test_more_than_the_bound_is_never_kept_and_the_oldest_go_first() -> None:
    town = await clinic(replace(ALL, hint_log_most=300))
    most = 0
    for round_ in range(8):
        await town.log(*(f"{round_}/{n:03}" for n in range(100)))
        await town.minutes(2)
        most = max(most, len(town.rows))
    await town.minutes(3)
    assert most <= 300
    assert town.rows == [f"{round_}/{n:03}" for round_ in range(5, 8) for n in range(100)]


async def test_a_bound_that_is_lowered_is_kept_within_the_hour() -> None:
    town = await clinic()
    await town.log(*map(str, range(900)))
    await town.minutes(8)
    was = choices_of(town.engine.options)
    await choose(town.engine, was, {**was, "hint_log_most": 250})
    await town.minutes(62)
    assert len(town.rows) == 250


async def test_what_is_older_than_its_days_goes_and_does_not_come_back() -> None:
    town = await clinic(replace(ALL, hint_log_days=2))
    await town.log("old")
    await town.minutes()
    assert town.rows == ["old"]
    town.world.clock.push(47 * 3_600)
    await town.log("new")
    await town.minutes(61)
    town.world.clock.push(3_600)
    await town.minutes(61)
    assert town.rows == ["new"]


async def test_entries_of_others_are_left_alone() -> None:
    town = await clinic(replace(ALL, hint_log_most=200, hint_log_days=1))
    await town.log("ours")
    await town.minutes()
    (copy,) = town.world.org.hint_log.rows.values()
    await town.world.org.hint_log.put([replace(copy, key="other-e-1", message="of another practice", at="2020-01-01")])
    town.world.clock.push(3 * 86_400)
    await town.minutes(61)
    assert [entry.message for entry in town.world.org.hint_log.rows.values()] == ["of another practice"]


@pytest.mark.parametrize("nth", range(1, 8))
async def test_a_process_that_dies_at_any_call_leaves_nothing_doubled_and_nothing_out(nth: int) -> None:
    town = await clinic(replace(ALL, hint_log_most=400))
    await town.log(*map(str, range(600)))
    town.world.org.faults.crash_after(nth)
    died = 0
    for _ in range(70):
        try:
            await town.minutes(1)
        except Crash:
            died += 1
            town.engine = await town.world.engine()
            town.world.clock.push(EVERY)
    assert died == 1
    assert 400 - GROUP <= len(town.rows) <= 400
    assert town.rows == [str(n) for n in range(600 - len(town.rows), 600)]


async def test_lost_replies_and_passing_trouble_are_said_nowhere_and_nothing_is_lost() -> None:
    town = await clinic()
    await town.log("first")
    town.world.org.faults.lose_reply()
    await town.minutes(2)
    town.world.org.faults.fail(times=4)
    await town.log("second")
    await town.minutes(40)
    assert town.rows == ["first", "second"]
    assert await town.told() == []


async def test_an_org_without_the_object_is_told_of_once_and_looked_at_once_an_hour() -> None:
    town = await clinic()
    town.world.org.hint_log.missing = True
    await town.log("first")
    await town.minutes(3)
    assert [event for event, _ in await town.told()] == ["hint-log-stopped"]
    assert "hintsync install" in (await town.told())[0][1]
    calls = town.calls
    await town.minutes(5 * 60)
    assert town.calls - calls <= 6
    assert len(await town.told()) == 1
    town.world.org.hint_log.missing = False
    await town.minutes(64)
    assert [event for event, _ in await town.told()] == ["hint-log-stopped", "hint-log-resumed"]
    assert town.rows == ["first"], "and what tells of the copying is not copied"


async def test_it_stops_and_says_so_while_the_orgs_storage_is_nearly_used() -> None:
    town = await clinic()
    town.world.org.hint_log.room = Storage(5_000, 499)
    await town.minutes(61)
    await town.log("first")
    await town.minutes(61)
    assert town.rows == []
    assert await town.told() == [
        (
            "hint-log-stopped",
            "the log is not copied to Salesforce: 499 of 5,000 MB of the org's data storage are left",
        )
    ]
    town.world.org.hint_log.room = Storage(5_000, 501)
    await town.minutes(64)
    assert town.rows == ["first"]


async def test_an_org_that_is_full_is_told_of_once() -> None:
    town = await clinic()
    town.world.org.hint_log.room = Storage(0, 0)
    await town.log("first")
    await town.minutes(3 * 60)
    assert [event for event, _ in await town.told()] == ["hint-log-stopped"]
    assert "no room" in (await town.told())[0][1]


async def test_where_our_user_may_not_know_the_room_the_bound_alone_counts() -> None:
    town = await clinic()
    town.world.org.hint_log.room = None
    await town.log("first")
    await town.minutes(120)
    assert town.rows == ["first"]
    assert await town.told() == []


async def test_what_the_org_will_not_take_is_left_out_and_counted() -> None:
    town = await clinic()
    await town.log("first", "second", "third")
    key = f"{copies_of(town.engine.connection)}000000000002-{town.engine.now().replace('-', '').replace(':', '')}"
    town.world.org.hint_log.refused[key] = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    await town.minutes()
    assert town.rows == ["first", "third"]
    standing = await standing_of(town.world.store, "main")
    assert standing is not None
    assert (standing.left_out, standing.kept, standing.trouble) == (1, 2, "")


async def test_where_the_org_takes_nothing_it_is_said_and_tried_again_later() -> None:
    town = await clinic()
    await town.log("first")
    refused = town.world.org.hint_log.refused
    refused[f"{copies_of(town.engine.connection)}000000000001-20260302T090200Z"] = "REQUIRED_FIELD_MISSING"
    await town.minutes(30)
    assert await town.told() == [
        (
            "hint-log-stopped",
            "the log is not copied to Salesforce: the org takes none of its entries: REQUIRED_FIELD_MISSING",
        )
    ]
    refused.clear()
    await town.minutes(64)
    assert town.rows == ["first"]


async def test_it_is_the_first_to_stop_as_the_days_calls_run_out() -> None:
    town = await clinic()
    town.world.org.faults.limit_day(town.world.org.calls + 12)
    await town.log("first")
    calls = town.calls
    await town.minutes(10)
    budget = town.world.org.budget
    assert budget is not None
    assert budget.allows(1, Purpose.BATCH)
    assert town.calls == calls
    assert await town.told() == []


async def test_another_org_than_the_pinned_one_is_not_written_to() -> None:
    town = await clinic()
    await town.log("first")
    town.world.org.identity = replace(town.world.org.identity, id="another")
    town.world.clock.push(3_600)
    await town.minutes(5)
    assert town.rows == []


async def test_a_failure_to_write_never_reaches_whoever_keeps_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    town = await clinic()
    await town.log("first")
    for fault in (town.world.org.faults.fail, town.world.org.faults.revoke, town.world.org.faults.spend_budget):
        fault()
        assert await copy_log(town.engine) in (True, False)
        town.world.org.faults.restore()


async def test_a_store_that_fails_is_a_matter_of_the_next_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    town = await clinic()
    await town.log("first")

    async def fail(*_: object, **__: object) -> None:
        raise RetryLater(None, "told to fail")

    with monkeypatch.context() as patched:
        patched.setattr(town.world.store, "log_after", fail)
        assert not await copy_log(town.engine)
        assert await run_due(town.engine, [hint_log_job()]) == []
    await town.minutes(8)
    assert town.rows == ["first"]


async def test_ids_that_a_restored_store_gives_again_do_not_replace_what_the_org_has() -> None:
    town = await clinic()
    await town.log("before the backup was restored")
    await town.minutes()
    again = World(options=ALL, clock=town.world.clock)
    again.org = town.world.org
    restored = Clinic(again, await again.engine())
    again.clock.push(60)
    await restored.log("after it")
    await restored.minutes(4)
    assert sorted(town.rows) == ["after it", "before the backup was restored"]


async def test_what_a_later_version_remembers_besides_is_no_trouble_to_this_one() -> None:
    town = await clinic()
    stored = json.loads(await town.world.store.get_cursor("main", "hint-log") or "")
    await town.world.store.put_cursor("main", "hint-log", json.dumps({**stored, "something-new": 1}))
    await town.log("first")
    await town.minutes()
    assert town.rows == ["first"]


async def test_in_an_emulated_org_entries_stand_open_to_their_details_beside_their_contact(tmp_path: Path) -> None:
    async with wired(tmp_path, ALL) as wire, wire.engine() as engine:
        contact = wire.org.insert("Contact", {"FirstName": "Ann", "LastName": "Moor"})
        gone = wire.org.insert("Contact", {"FirstName": "Bo", "LastName": "Moor"})
        wire.org.delete("Contact", gone)
        now, own = engine.now(), engine.connection.id
        logged = [
            LogEntry(own, now, LogLevel.EXCEPTION, "tried", f"entry {n}", contact_id=(contact, gone)[n % 2])
            for n in range(450)
        ]
        await copy_log(engine)
        await engine.store.commit(Commit(logs=logged))
        for _ in range(3):
            assert await copy_log(engine)
        rows = [row for row in wire.org.rows("Hint_Log__c") if str(row["Message__c"]).startswith("entry ")]
        assert len(rows) == 450
        assert len({row["Entry_Id__c"] for row in rows}) == 450
        assert {row["Contact__c"] for row in rows} == {contact, None}
        assert {row["Level__c"] for row in rows} == {"Exception"}
        assert f"Contact: {gone}" in next(str(r["Details__c"]) for r in rows if r["Message__c"] == "entry 1")
        standing = await standing_of(engine.store, own)
        assert standing is not None
        assert standing.trouble == ""


async def test_an_emulated_org_without_our_package_is_told_of_once(tmp_path: Path) -> None:
    async with wired(tmp_path, ALL) as wire, wire.engine() as engine:
        wire.org.schema.remove("Hint_Log__c")
        for _ in range(4):
            await copy_log(engine)
        found = await engine.store.log(engine.connection.id)
        assert [entry.event for entry in found].count("hint-log-stopped") == 1
