"""Live through one history again and tell what happened: `python -m tests.live.replay SEED`."""

from __future__ import annotations

import asyncio
import logging
import sys

from tests.live.history import live_through
from tests.live.runner import tell, with_settled_hashes


def main(seed: int) -> int:
    """Tell the steps of a seed's history, what became of its edits, and what is wrong."""
    logging.disable()
    told = asyncio.run(live_through(seed))
    for number, step in enumerate(told.steps):
        tell(f"{number:3} {step}")
    tell(f"edits: {dict(told.edits)}; deaths: {told.deaths}")
    for problem in told.problems:
        tell(f"WRONG: {problem}")
    return len(told.problems) > 0


if __name__ == "__main__":
    with_settled_hashes("tests.live.replay")
    sys.exit(main(int(sys.argv[1])))
