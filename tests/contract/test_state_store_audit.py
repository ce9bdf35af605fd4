"""The contract of every StateStore: the audit chains, and that whatever is done to them shows (reliability T18)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace

import pytest
from sqlalchemy import text

from hintsync.core.values import Side
from hintsync.state.memory import MemoryStore
from hintsync.state.port import AuditEvent, Commit, Connection, StateStore
from hintsync.state.sql.store import SqlStore
from tests.contract.state_examples import NOW, an_event

FULL = AuditEvent(
    "con-1",
    "link:link-1",
    NOW,
    "user-7",
    "wrote",
    "link-1",
    "003-1",
    "pat-1",
    "run-1",
    "F2",
    Side.HINT,
    ("email",),
    "édité",
)


async def append(store: StateStore, *events: AuditEvent) -> None:
    """Append events in one commit."""
    await store.commit(Commit(audits=events))


async def test_events_come_back_in_order_by_chain_and_in_pages(store: StateStore) -> None:
    await append(store, FULL, an_event("run:run-1"), an_event())
    await append(store, an_event(action="held"))
    found = await store.audit("con-1")
    assert [entry.sequence for entry in found] == [1, 2, 3, 4]
    assert found[0].event == FULL
    assert [entry.sequence for entry in await store.audit("con-1", chain="link:link-1")] == [1, 3, 4]
    assert [entry.sequence for entry in await store.audit("con-1", after=1, limit=2)] == [2, 3]
    assert await store.audit("con-2") == []


async def test_an_export_verifies_by_a_script_of_its_own(store: StateStore) -> None:
    await append(store, FULL, an_event("run:run-1"))
    await append(store, an_event(), an_event("run:run-1", "held"))
    last: dict[str, str] = {}
    for entry in await store.audit("con-1"):
        members = {name: value for name, value in asdict(entry.event).items() if value}
        canonical = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = last.get(entry.event.chain, "0" * 64)
        digest = hashlib.sha256(f"{previous}\n{entry.sequence}\n{canonical}".encode()).hexdigest()
        assert (entry.previous, entry.hash) == (previous, digest)
        last[entry.event.chain] = digest
    assert len(last) == 2


async def test_untouched_chains_are_whole(store: StateStore) -> None:
    assert list(await store.verify_audit("con-1")) == []
    await store.put_connection(Connection("con-2", "Oak Clinic", "00D2", False, "prac-2"))
    await append(store, *(an_event(f"link:{n % 3}") for n in range(10)), an_event(connection_id="con-2"))
    assert list(await store.verify_audit("con-1")) == []
    assert list(await store.verify_audit("con-2")) == []


async def test_writers_at_once_make_one_sequence_without_a_hole(store: StateStore) -> None:
    await asyncio.gather(*(append(store, an_event(f"link:{n % 3}"), an_event("run:run-1")) for n in range(20)))
    assert [entry.sequence for entry in await store.audit("con-1")] == list(range(1, 41))
    assert list(await store.verify_audit("con-1")) == []


async def _sql(store: SqlStore, *statements: str) -> None:
    async with store._database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


Tamper = Callable[[StateStore], Awaitable[None]]


def tampering(memory: Callable[[MemoryStore], None], *statements: str) -> Tamper:
    """Return the same tampering for every store: on the memory's lists, and as SQL by someone who has the database."""

    async def tamper(store: StateStore) -> None:
        if isinstance(store, MemoryStore):
            memory(store)
        else:
            assert isinstance(store, SqlStore)
            await _sql(store, *statements)

    return tamper


def _edit(store: MemoryStore) -> None:
    entries = store._audit["con-1"]
    entries[2] = replace(entries[2], text=entries[2].text.replace("linked", "parted"))


def _remove(store: MemoryStore) -> None:
    del store._audit["con-1"][2]


def _cut(store: MemoryStore) -> None:
    del store._audit["con-1"][4:]


def _cut_with_sequence(store: MemoryStore) -> None:
    _cut(store)
    store._sequences["con-1"] = 4


def _swap(store: MemoryStore) -> None:
    entries = store._audit["con-1"]
    entries[0], entries[2] = replace(entries[2], sequence=1), replace(entries[0], sequence=3)


def _move(store: MemoryStore) -> None:
    entries = store._audit["con-1"]
    entries[4] = replace(entries[4], chain="link:link-9")


def _drop_chain(store: MemoryStore) -> None:
    store._audit["con-1"] = [entry for entry in store._audit["con-1"] if entry.chain != "run:run-1"]
    del store._heads["con-1"]["run:run-1"]


def _drop_head(store: MemoryStore) -> None:
    del store._heads["con-1"]["run:run-1"]


# Entries 1, 3, 5 are of link:link-1, entries 2, 4, 6 of run:run-1.
TAMPERINGS = {
    "edited": (
        tampering(_edit, "UPDATE audit SET event = replace(event, 'linked', 'parted') WHERE sequence = 3"),
        "link:link-1: entry 3 was changed",
    ),
    "removed": (
        tampering(_remove, "DELETE FROM audit WHERE sequence = 3"),
        "link:link-1: entry 5 does not follow entry 1",
    ),
    "cut": (
        tampering(_cut, "DELETE FROM audit WHERE sequence > 4"),
        "sequence: entries end at 4, 6 were written",
    ),
    "cut with its count": (
        tampering(_cut_with_sequence, "DELETE FROM audit WHERE sequence > 4", "UPDATE audit_sequences SET last = 4"),
        "link:link-1: ends at entry 3 after 2, its head says 5 after 3",
    ),
    "reordered": (
        tampering(
            _swap,
            "UPDATE audit SET sequence = 99 WHERE sequence = 1",
            "UPDATE audit SET sequence = 1 WHERE sequence = 3",
            "UPDATE audit SET sequence = 3 WHERE sequence = 99",
        ),
        "link:link-1: entry 1 does not follow entry 0",
    ),
    "moved to another chain": (
        tampering(_move, "UPDATE audit SET chain = 'link:link-9' WHERE sequence = 5"),
        "link:link-9: entry 5 does not follow entry 0",
    ),
    "a whole chain removed": (
        tampering(
            _drop_chain,
            "DELETE FROM audit WHERE chain = 'run:run-1'",
            "DELETE FROM audit_heads WHERE chain = 'run:run-1'",
        ),
        "sequence: no entry 2: entry 3 follows 1",
    ),
    "a head removed": (
        tampering(_drop_head, "DELETE FROM audit_heads WHERE chain = 'run:run-1'"),
        "run:run-1: ends at entry 6 after 3, its head says 0 after 0",
    ),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
async def test_t18_tampering_shows_and_names_the_chain(store: StateStore, kind: str) -> None:
    await append(store, *(an_event(("link:link-1", "run:run-1")[n % 2]) for n in range(6)))
    tamper, fault = TAMPERINGS[kind]
    await tamper(store)
    assert fault in await store.verify_audit("con-1")


async def test_t18_an_event_rewritten_with_a_fitting_hash_breaks_what_follows(store: StateStore) -> None:
    await append(store, an_event(), an_event(), an_event())
    entries = await store.audit("con-1")
    forged = json.dumps(
        {"action": "parted", "actor": "user-7", "at": NOW, "chain": "link:link-1", "connection_id": "con-1"},
        sort_keys=True,
        separators=(",", ":"),
    )
    digest = hashlib.sha256(f"{entries[0].hash}\n2\n{forged}".encode()).hexdigest()

    def memory(store: MemoryStore) -> None:
        store._audit["con-1"][1] = replace(store._audit["con-1"][1], text=forged, hash=digest)

    await tampering(
        memory, f"UPDATE audit SET event = '{forged}', hash = '{digest}' WHERE sequence = 2".replace(":", "\\:")
    )(store)
    assert list(await store.verify_audit("con-1")) == ["link:link-1: entry 3 does not follow entry 2"]
