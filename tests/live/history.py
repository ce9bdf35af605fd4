"""One seeded history: some steps, then quiet, then everything that must hold."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from hintsync.core.values import Side
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.options import Options
from hintsync.engine.parity.check import check_parity
from tests.live.actions import Actions
from tests.live.invariants import problems
from tests.live.town import TAKEOVER, LiveTown


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a history."""

    seed: int
    problems: tuple[str, ...]
    steps: tuple[str, ...]
    edits: Counter[str]
    deaths: int


def new_town(chance: random.Random) -> LiveTown:
    """Return an empty town whose settings are left to chance."""
    options = Options(
        create_contacts=chance.random() < 0.7,
        write_back=chance.random() < 0.7,
        guard_at_least=chance.choice((20, 20, 3)),
    )
    return LiveTown(options=options)


async def live_through(seed: int, steps: int = 40) -> Told:
    """Live through the history of a seed."""
    chance = random.Random(seed)
    random.seed(seed)  # pauses are spread by chance
    town = new_town(chance)
    actions = Actions(town, chance)
    await actions.open()
    for _ in range(steps):
        await actions.step()
    await calm(town)
    found = await problems(town)
    edits = Counter(edit.ended or "waits" for edit in town.oracle.edits)
    return Told(seed, tuple(found), tuple(actions.told), edits, town.deaths)


async def calm(town: LiveTown) -> None:
    """End all trouble, let leases of the dead run out, find what events did not tell, and work until nothing waits."""
    for replica in (town.org, town.practice):
        replica.faults.clear()
    town.everybody_there()
    town.pretend()
    await town.let_go_on()
    town.clock.push(TAKEOVER + town.set_back)
    await town.settle()
    for side in Side:
        await catch_up(await town.live(), side)
    await town.settle()
    await check_parity(await town.live())
    await town.settle()
