"""Linked pairs by the dozen, for tests of guards."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync.core.records import LinkState, RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.state.live import Intent
from hintsync.state.port import Run, RunRow
from tests.engine.world import World

BORN = "1980-02-03"


@dataclass(slots=True)
class Clinic:
    """A world of linked pairs, in order of the patients' names."""

    world: World
    contacts: list[RecordId]
    patients: list[RecordId]

    @classmethod
    async def of(cls, count: int, world: World | None = None) -> Clinic:
        world = world or World()
        pairs = [world.both(f"Ann{number:03}", "Moor", BORN, city="Elko") for number in range(count)]
        clinic = cls(world, [contact for contact, _ in pairs], [patient for _, patient in pairs])
        await batch_patients(await world.engine())
        world.clock.push(7200)  # the batch is long ago
        return clinic

    async def engine(self) -> Engine:
        """Return an engine as a fresh process would build it."""
        return await self.world.engine()

    def move(self, *numbers: int, to: str = "Reno", side: Side = Side.HINT) -> None:
        """Edit the city of some people on one side."""
        replica, ids = (self.world.practice, self.patients) if side is Side.HINT else (self.world.org, self.contacts)
        for number in numbers:
            replica.edit(ids[number], {"city": to})

    def city(self, number: int, side: Side = Side.SALESFORCE) -> object:
        """Return the city that one side shows."""
        if side is Side.HINT:
            return self.world.practice.shown(self.patients[number]).values["city"]
        return self.world.org.shown(self.contacts[number]).values["city"]

    def moved(self, to: str = "Reno", side: Side = Side.SALESFORCE) -> int:
        """Count the people who live in a city, by one side."""
        return sum(self.city(number, side) == to for number in range(len(self.contacts)))

    async def state(self, number: int) -> LinkState:
        """Return one pair's link."""
        contact = self.contacts[number]
        return (await self.world.store.live_links("main", Side.SALESFORCE, [contact]))[contact]

    async def intent(self, number: int, value: str = "Reno", *, side: Side = Side.SALESFORCE) -> Intent:
        """Return the intent to write one person's city."""
        engine, state = await self.engine(), await self.state(number)
        prints = {"city": engine.fingerprinter(state.link.salt).of("city", value)}
        return Intent(state.link.id, side, self.world.clock.now().timestamp(), prints)

    async def rows(self, run_id: str) -> list[RunRow]:
        """Return the rows of a run."""
        return [row async for row in self.world.store.rows(run_id)]

    async def run(self, run_id: str) -> Run:
        """Return a run."""
        found = await self.world.store.run(run_id)
        assert found is not None
        return found
