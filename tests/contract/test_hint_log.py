"""The contract of every HintLog: the one in memory, and the object of ours in an emulated org."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.values import Side
from hintsync.hint_log import GROUP, LONGEST_KEY, HintLog, KeepsHintLog, OrgEntry, Storage, StorageSpent
from hintsync.replicas.memory import MemoryReplica
from tests.engine.world import HandClock
from tests.replicas.salesforce.office import Office

ENTRY = OrgEntry(
    "0a1b-e-1-20260302T090000Z",
    "2026-03-02T09:00:00Z",
    "Error",
    "salesforce refused the write",
    "Event: write-refused\nFields: email, zip",
    patient_id="pat-77",
    run_id="run-20260302T090000-1",
)


def entries(count: int, *, prefix: str = "0a1b-e-") -> list[OrgEntry]:
    """Return entries of which each is a minute older than the one before."""
    ats = [f"2026-03-02T{8 - n // 60:02}:{59 - n % 60:02}:00Z" for n in range(count)]
    return [OrgEntry(f"{prefix}{n:06}", at, "Debug", f"entry {n}") for n, at in enumerate(ats)]


class Kept(ABC):
    """A Hint Log, and a hand in its org."""

    log: HintLog

    @abstractmethod
    def contact(self) -> str:
        """Add a contact."""

    @abstractmethod
    def delete_contact(self, contact_id: str) -> None:
        """Delete a contact."""

    @abstractmethod
    def fill(self) -> None:
        """Use up the org's storage."""

    @abstractmethod
    def hide_limits(self) -> None:
        """Let our user not see the org's limits."""

    @abstractmethod
    def take_away(self) -> None:
        """Let the org have no such object."""

    @abstractmethod
    def lose_reply(self) -> None:
        """Let the next write be carried out, and no reply to it come."""


class InMemory(Kept):
    def __init__(self) -> None:
        self.replica = MemoryReplica(Side.SALESFORCE, DEFAULT_MAPPING, HandClock())
        self.own = self.replica.hint_log
        self.log = self.own

    def contact(self) -> str:
        return self.replica.put({"last_name": "Okafor"})

    def delete_contact(self, contact_id: str) -> None:
        self.replica.delete(contact_id)

    def fill(self) -> None:
        self.own.room = Storage(10_240, 0)

    def hide_limits(self) -> None:
        self.own.room = None

    def take_away(self) -> None:
        self.own.missing = True

    def lose_reply(self) -> None:
        self.replica.faults.lose_reply()


class InAnOrg(Kept):
    def __init__(self, office: Office) -> None:
        self.office = office
        self.log = office.replica.hint_log

    def contact(self) -> str:
        return self.office.contact()

    def delete_contact(self, contact_id: str) -> None:
        self.office.org.delete("Contact", contact_id)

    def fill(self) -> None:
        self.office.org.rules.storage_left = 0

    def hide_limits(self) -> None:
        body = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}]
        self.office.fail(403, body, match="/limits")

    def take_away(self) -> None:
        self.office.org.schema.remove("Hint_Log__c")

    def lose_reply(self) -> None:
        self.office.lose(match="/composite/sobjects", carried_out=True)


@pytest.fixture(params=["memory", "salesforce"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    """A Hint Log without an entry."""
    if request.param == "memory":
        yield InMemory()
        return
    office = Office()
    await office.deploy()
    yield InAnOrg(office)
    await office.aclose()


async def test_an_entry_comes_back_as_it_was_put(kept: Kept) -> None:
    entry = replace(ENTRY, contact_id=kept.contact())
    assert await kept.log.put([entry]) == {}
    assert list(await kept.log.entries("0a1b-e-")) == [entry]
    assert isinstance(entry.contact_id, str)


async def test_both_replicas_of_an_org_keep_one() -> None:
    assert isinstance(MemoryReplica(Side.SALESFORCE, DEFAULT_MAPPING, HandClock()), KeepsHintLog)
    office = Office()
    assert isinstance(office.replica, KeepsHintLog)
    await office.aclose()


async def test_what_is_put_twice_is_there_once(kept: Kept) -> None:
    await kept.log.put(entries(3))
    await kept.log.put([*entries(2), replace(ENTRY, message="another")])
    assert await kept.log.count("0a1b-") == 4
    assert await kept.log.count("0a1b-a-") == 0
    assert await kept.log.count("ffff-") == 0


async def test_a_lost_reply_doubles_nothing(kept: Kept) -> None:
    kept.lose_reply()
    for _ in range(5):  # a replica may repeat by itself, or leave that to the caller
        try:
            await kept.log.put(entries(3))
            break
        except RetryLater:
            continue
    assert await kept.log.count("0a1b-") == 3


async def test_a_whole_group_goes_in_one_call(kept: Kept) -> None:
    before = kept.log.calls
    assert await kept.log.put(entries(GROUP)) == {}
    assert kept.log.calls == before + 1
    assert await kept.log.count("0a1b-") == GROUP
    assert kept.log.calls == before + 2


async def test_an_entry_about_a_contact_that_is_gone_is_stored_without_it(kept: Kept) -> None:
    lives, gone = kept.contact(), kept.contact()
    kept.delete_contact(gone)
    given = [replace(ENTRY, contact_id=lives), replace(ENTRY, key="0a1b-e-2", contact_id=gone), *entries(1)]
    assert await kept.log.put(given) == {}
    shown = {entry.key: entry.contact_id for entry in await kept.log.entries("0a1b-")}
    assert shown == {ENTRY.key: lives, "0a1b-e-2": None, "0a1b-e-000000": None}


async def test_the_oldest_are_found_and_dropped(kept: Kept) -> None:
    await kept.log.put(entries(6))
    await kept.log.put(entries(1, prefix="0a1b-a-"))
    old = await kept.log.oldest("0a1b-e-", limit=2)
    assert await kept.log.drop(old) == 2
    assert [entry.key[-1] for entry in await kept.log.entries("0a1b-e-")] == ["0", "1", "2", "3"]
    older = await kept.log.oldest("0a1b-e-", before="2026-03-02T08:58:00Z")
    assert len(older) == 2
    assert await kept.log.drop([*older, *old]) == 2, "what is gone already is no error"
    assert await kept.log.count("0a1b-") == 3
    assert await kept.log.drop([]) == 0


async def test_a_long_message_and_a_long_key_fit(kept: Kept) -> None:
    entry = replace(ENTRY, key="k" * LONGEST_KEY, message="long " * 100, details="line\n" * 1_000)
    assert await kept.log.put([entry]) == {}
    (shown,) = await kept.log.entries("kk")
    assert entry.message.startswith(shown.message.rstrip("…"))
    assert len(shown.message) >= 255
    assert shown.details.strip() == entry.details.strip()


async def test_the_room_of_the_org_is_told_unless_our_user_may_not_know(kept: Kept) -> None:
    assert await kept.log.storage() == Storage(10_240, 10_240)
    kept.hide_limits()
    assert await kept.log.storage() is None


async def test_a_full_org_is_told_apart(kept: Kept) -> None:
    await kept.log.put(entries(1))
    kept.fill()
    with pytest.raises(StorageSpent):
        await kept.log.put(entries(3))
    assert await kept.log.put(entries(1)) == {}, "what is there already needs no room"


async def test_an_org_without_the_object_is_a_matter_of_configuration(kept: Kept) -> None:
    kept.take_away()
    log = kept.log
    for attempt in (
        lambda: log.put(entries(1)),
        *(partial(each, "0a1b-") for each in (log.count, log.oldest, log.entries)),
    ):
        with pytest.raises(FixConfiguration, match="no Hint Log"):
            await attempt()
