"""Lives through many histories, one seed after the other: `python -m tests.live.runner FIRST COUNT [SECONDS]`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.live.history import live_through


@dataclass(slots=True)
class Figures:
    """What came of many histories."""

    histories: int = 0
    deaths: int = 0
    #: Steps by name.
    steps: Counter[str] = field(default_factory=Counter)
    #: Edits by what became of them.
    edits: Counter[str] = field(default_factory=Counter)
    #: What was wrong, by seed.
    wrong: dict[int, str] = field(default_factory=dict)

    def line(self) -> str:
        """Tell the figures in one line."""
        edits = ", ".join(f"{count} {why}" for why, count in self.edits.most_common())
        seeds = f"; failing seeds {sorted(self.wrong)}" if self.wrong else "; none failed"
        steps = sum(self.steps.values())
        return f"{self.histories} histories, {steps} steps, {self.deaths} deaths, edits: {edits}{seeds}"


def live_through_all(seeds: Iterable[int], seconds: float | None = None) -> Figures:
    """Live through the histories of seeds, as many as begin within some seconds; what fails is kept, not raised."""
    figures, began = Figures(), time.monotonic()
    for seed in seeds:
        if seconds is not None and time.monotonic() - began > seconds:
            break
        figures.histories += 1
        try:
            told = asyncio.run(live_through(seed))
        except Exception as error:  # the seed is what matters; the next ones go on
            figures.wrong[seed] = f"{type(error).__name__} {error} at {traceback.extract_tb(error.__traceback__)[-1]}"
            continue
        figures.deaths += told.deaths
        figures.edits += told.edits
        figures.steps.update(step.partition(" 0")[0].split(" hint ")[0].split(" salesforce ")[0] for step in told.steps)
        if told.problems:
            figures.wrong[seed] = "; ".join(told.problems)
    return figures


def tell(line: str) -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def with_settled_hashes(module: str) -> None:
    """Begin anew with hashes that are the same each time: sets are walked in their order."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})


def main(first: int, count: int, seconds: float | None = None) -> int:
    """Live through histories, telling the figures after every hundred and at the end."""
    logging.disable()
    total, began = Figures(), time.monotonic()
    for start in range(first, first + count, 100):
        left = None if seconds is None else seconds - (time.monotonic() - began)
        if left is not None and left <= 0:
            break
        done = live_through_all(range(start, min(start + 100, first + count)), left)
        total.histories += done.histories
        total.deaths += done.deaths
        total.edits += done.edits
        total.steps += done.steps
        total.wrong |= done.wrong
        for seed, what in done.wrong.items():
            tell(f"seed {seed}: {what}")
        tell(f"from seed {first}: {total.line()}")
    return len(total.wrong)


if __name__ == "__main__":
    with_settled_hashes("tests.live.runner")
    sys.exit(min(main(*(int(each) for each in sys.argv[1:])), 1))
