"""Contacts read ahead while the org is scanned: nothing is read twice, nothing old is used, nothing is decided by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from hintsync.core.errors import RetryLater
from hintsync.core.plan import Outcome
from hintsync.core.records import RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch import ahead, population
from hintsync.engine.batch.patients import batch_patients
from hintsync.replicas.memory import MemoryReplica
from hintsync.state.port import Run, RunStatus
from tests.engine.world import World

BORN = "1980-05-06"


class Office(MemoryReplica):
    """An org that writes down what it is asked for, by the phase that the run was in."""

    phase = "reading both sides"
    asked: dict[str, list[RecordId]]
    fails = False

    async def read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot]:
        if self.fails:
            raise RetryLater(self.side, "server trouble")
        self.asked.setdefault(self.phase, []).extend(ids)
        return await super().read(ids)


@dataclass(slots=True)
class Town(World):
    """A world whose org writes down."""

    org: Office = field(init=False)

    def __post_init__(self) -> None:
        World.__post_init__(self)
        self.org = Office(Side.SALESFORCE, self.options.table(), self.clock)
        self.org.asked = {}

    async def batch(self, at_work: Callable[[], object] = lambda: None, *, dry: bool = False) -> Run:
        """Run the batch; `at_work` is called once, as both sides have been read."""
        self.org.phase, self.org.asked = "reading both sides", {}

        def follow(run: Run) -> None:
            phase = str(run.details.get("phase"))
            if phase != self.org.phase:
                self.org.phase = phase
                if phase == "linking and syncing":
                    at_work()

        return await batch_patients(await self.engine(), dry=dry, on_progress=follow)


@pytest.mark.parametrize("dry", [False, True])
async def test_a_first_batch_reads_each_contact_once_while_it_scans(dry: bool) -> None:
    town = Town()
    contacts = [town.both(name, "Moor", BORN)[0] for name in ("Ann", "Ben", "Cid")]
    run = await town.batch(dry=dry)
    assert run.status is RunStatus.DONE
    assert town.org.asked == {"reading both sides": contacts}
    assert {row.outcome for row in (await town.rows(run)).values()} == {Outcome.LINKED}


async def test_who_is_not_alone_with_a_key_or_not_free_is_not_read_ahead() -> None:
    town = Town()
    town.both("Ann", "Moor", BORN)
    town.contact("Ann", "Moor", BORN)
    town.both("Ben", "Moor", BORN)
    town.patient("Ben", "Moor", BORN)
    town.contact("Cid", "Moor", BORN)
    town.patient("Dan", "Moor", BORN)
    await town.batch()
    assert town.org.asked.get("reading both sides", []) == []


async def test_what_is_too_old_by_its_turn_is_read_again() -> None:
    town = Town()
    contact, patient = town.both("Ann", "Moor", BORN, email="ann@example.org")

    def wait_and_edit() -> None:
        town.clock.push(ahead.FRESH + 1)
        town.org.edit(contact, {"city": "Salem"})

    await town.batch(wait_and_edit)
    assert town.org.asked == {"reading both sides": [contact], "linking and syncing": [contact]}
    assert town.practice.shown(patient).values["city"] == "Salem"


async def test_a_contact_deleted_after_it_was_read_ahead_is_not_linked() -> None:
    town = Town()
    contact, patient = town.both("Ann", "Moor", BORN)
    run = await town.batch(lambda: town.org.delete(contact))
    assert (await town.rows(run))[patient].outcome is Outcome.NOT_FOUND
    assert await town.store.live_pairs("main") == []


async def test_later_batches_read_nothing_ahead() -> None:
    town = Town()
    first, _ = town.both("Ann", "Moor", BORN)
    await town.batch()
    second, _ = town.both("Ben", "Moor", BORN)
    await town.batch()
    assert town.org.asked.keys() == {"linking and syncing"}
    assert sorted(town.org.asked["linking and syncing"]) == sorted([first, second])


async def test_for_a_practice_that_is_too_large_nothing_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "SMALL", 1)
    town = Town()
    contacts = [town.both(name, "Moor", BORN)[0] for name in ("Ann", "Ben")]
    await town.batch()
    assert town.org.asked == {"linking and syncing": contacts}


async def test_large_populations_are_read_in_whole_calls_while_they_are_scanned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ahead, "STEP", 250)
    town = Town()
    contacts = [town.both("Ann", f"Moor{number}", BORN)[0] for number in range(2_500)]
    run = await town.batch()
    assert run.done == len(contacts)
    assert sorted(town.org.asked["reading both sides"]) == sorted(contacts)
    assert town.org.asked.keys() == {"reading both sides"}


async def test_an_org_that_fails_while_it_is_read_ahead_stops_the_run_in_order() -> None:
    town = Town()
    contact, patient = town.both("Ann", "Moor", BORN)
    town.org.fails = True
    run = await town.batch()
    assert run.status is RunStatus.STOPPED
    town.org.fails = False
    again = await batch_patients(await town.engine(), resume=run.id)
    assert (await town.rows(again))[patient].peers == (contact,)
