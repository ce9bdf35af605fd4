"""The contract of every StateStore: counts by five minutes, living processes, and looking through log and audit trail."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.values import Side
from hintsync.state.port import AuditEvent, Commit, Connection, LogLevel, StateStore
from hintsync.state.traffic import FORGET_PROCESS, SLOT, ProcessSeen, Tally, slot_of
from tests.contract.state_examples import a_log_entry

AT = slot_of(1_772_000_000.0)
OTHER = Connection("con-2", "Alder Clinic", "00D2", True, "prac-2")


def an_event(number: int, **members: object) -> AuditEvent:
    event = AuditEvent("con-1", "connection", f"2026-03-01T09:00:{number:02}Z", "user-7", "decided")
    return replace(event, **members)  # type: ignore[arg-type]  # members of the event


def test_a_slot_is_five_minutes() -> None:
    assert slot_of(SLOT * 7 + 299.9) == SLOT * 7
    assert slot_of(SLOT * 8) == SLOT * 8


async def test_what_several_processes_count_in_a_slot_adds_up(store: StateStore) -> None:
    each = [Tally(AT, "written", Side.HINT, 2), Tally(AT, "worked", None, 3), Tally(AT, "written", Side.HINT, 1)]
    await asyncio.gather(*(store.add_tallies("con-1", each) for _ in range(5)))
    assert await store.tallies("con-1", since=0) == [
        Tally(AT, "worked", None, 15),
        Tally(AT, "written", Side.HINT, 15),
    ]


async def test_counts_are_told_from_a_moment_on_and_by_word(store: StateStore) -> None:
    told = [Tally(AT + SLOT * n, word, Side.HINT, n + 1) for n in range(3) for word in ("marked", "echo")]
    await store.add_tallies("con-1", told)
    assert [t.at for t in await store.tallies("con-1", since=AT + SLOT)] == [AT + SLOT] * 2 + [AT + SLOT * 2] * 2
    assert [t.number for t in await store.tallies("con-1", since=0, words=["echo"])] == [1, 2, 3]
    await store.put_connection(OTHER)
    assert await store.tallies("con-2", since=0) == []


async def test_counts_of_an_unknown_connection_are_refused(store: StateStore) -> None:
    with pytest.raises(BadInput, match="con-404"):
        await store.add_tallies("con-404", [Tally(AT, "worked", None, 1)])


async def test_old_counts_are_pruned(store: StateStore) -> None:
    await store.add_tallies("con-1", [Tally(AT + SLOT * n, "worked", None, 1) for n in range(4)])
    assert await store.prune_tallies("con-1", AT + SLOT * 2) == 2
    assert [t.at for t in await store.tallies("con-1", since=0)] == [AT + SLOT * 2, AT + SLOT * 3]


async def test_a_process_is_seen_until_a_day_has_gone_by(store: StateStore) -> None:
    old = ProcessSeen("host/1", ("web", "worker"), "1.0", 100.0, 200.0)
    await store.put_process(old)
    await store.put_process(replace(old, seen_at=300.0))
    assert await store.processes() == [replace(old, seen_at=300.0)]
    new = ProcessSeen("host/2", (), "1.0", 0.0, 301.0 + FORGET_PROCESS)
    await store.put_process(new)
    assert await store.processes() == [new]


async def test_the_log_is_looked_through_by_id_time_and_page(store: StateStore) -> None:
    lines = [a_log_entry(f"line-{day}", at=f"2026-03-0{day}T00:00:00Z") for day in range(1, 7)]
    lines[0] = replace(lines[0], contact_id="003-1")
    lines[1] = replace(lines[1], patient_id="pat-1", level=LogLevel.EXCEPTION, incident="0badcafe")
    lines[2] = replace(lines[2], run_id="run-3")
    await store.commit(Commit(logs=lines))
    for wanted, event in (("003-1", "line-1"), ("pat-1", "line-2"), ("0badcafe", "line-2"), ("run-3", "line-3")):
        assert [line.event for line in await store.log("con-1", naming=wanted)] == [event]
    assert (await store.log("con-1", naming="0badcafe"))[0].incident == "0badcafe"
    days = await store.log("con-1", since="2026-03-02T00:00:00Z", until="2026-03-05T00:00:00Z")
    assert [line.event for line in days] == ["line-4", "line-3", "line-2"]
    first = await store.log("con-1", limit=4)
    assert [line.event for line in await store.log("con-1", before=first[-1].id)] == ["line-2", "line-1"]


async def test_the_audit_trail_is_looked_through_backwards_by_id_time_and_page(store: StateStore) -> None:
    events = [
        an_event(1, contact_id="003-1", link_id="link-1"),
        an_event(2, patient_id="pat-1", fields=("email",), reason='it\'s "003-1"'),
        an_event(3, run_id="run-3"),
        an_event(4),
    ]
    await store.commit(Commit(audits=events))
    assert [entry.event for entry in await store.audit_latest("con-1")] == events[::-1]
    for wanted, number in (("003-1", 0), ("link-1", 0), ("pat-1", 1), ("run-3", 2)):
        assert [entry.event for entry in await store.audit_latest("con-1", naming=wanted)] == [events[number]]
    times = await store.audit_latest("con-1", since="2026-03-01T09:00:02Z", until="2026-03-01T09:00:04Z")
    assert [entry.sequence for entry in times] == [3, 2]
    page = await store.audit_latest("con-1", limit=3)
    assert [entry.sequence for entry in await store.audit_latest("con-1", before=page[-1].sequence)] == [1]
    assert await store.audit_latest("con-2") == []


async def test_log_entries_of_some_levels_are_pruned(store: StateStore) -> None:
    lines = [a_log_entry(level, level=level) for level in LogLevel]
    await store.commit(Commit(logs=lines))
    assert await store.prune_log("con-1", levels=[LogLevel.DEBUG, LogLevel.ERROR]) == 2
    assert [line.event for line in await store.log("con-1")] == ["exception"]
