"""Lives through histories over the wire by seed: `python -m tests.live.wire_runner FIRST COUNT [SECONDS]`."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.live.runner import Figures, tell, with_settled_hashes
from tests.live.wire_actions import WireActions
from tests.live.wire_town import WireTown, wire_town

#: Steps of a history.
STEPS = 30


async def live_through(seed: int, figures: Figures) -> list[str]:
    """Live through the history of a seed; return what is wrong."""
    chance = random.Random(seed)
    random.seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with wire_town(Path(folder), seed) as town:
            actions = WireActions(town)
            steps = actions.steps()
            for _ in range(STEPS):
                name = chance.choices(list(steps), [weight for weight, _ in steps.values()])[0]
                await actions.step(name, chance)
            found = await end(town)
            count(figures, town, actions)
            return found


async def end(town: WireTown) -> list[str]:
    """Let a history come to its end; return what is wrong."""
    await town.calm()
    return await town.problems()


def count(figures: Figures, town: WireTown, actions: WireActions) -> None:
    """Add a history to the figures."""
    figures.deaths += town.deaths
    figures.steps.update(actions.told)
    figures.edits += Counter(edit.ended or "waits" for edit in town.oracle.edits)


def live_through_all(seeds: Iterable[int], seconds: float | None = None) -> Figures:
    """Live through the histories of seeds, as many as begin within some seconds; what fails is kept, not raised."""
    figures, began = Figures(), time.monotonic()
    for seed in seeds:
        if seconds is not None and time.monotonic() - began > seconds:
            break
        figures.histories += 1
        try:
            found = asyncio.run(live_through(seed, figures))
        except Exception as error:  # the seed is what matters; the next ones go on
            found = [f"{type(error).__name__} {error} at {traceback.extract_tb(error.__traceback__)[-1]}"]
        if found:
            figures.wrong[seed] = "; ".join(found)
            tell(f"seed {seed}: {figures.wrong[seed]}")
        if figures.histories % 10 == 0:
            tell(figures.line())
    return figures


if __name__ == "__main__":
    with_settled_hashes("tests.live.wire_runner")
    logging.disable()
    first, how_many, *rest = (int(each) for each in sys.argv[1:])
    done = live_through_all(range(first, first + how_many), *rest)
    tell(done.line())
    sys.exit(bool(done.wrong))
