"""A process that commits to a store for ever and says what was acknowledged; tests kill it.

python -m tests.contract.state_worker URL KEY WORKER
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from hintsync.state.keys import MasterKeys
from hintsync.state.open import open_store
from hintsync.state.port import Commit, LinkChange
from tests.contract.state_examples import a_link, a_log_entry, a_review, a_row, a_run, an_event, prints

#: Links, rows and audit events of one commit.
SIZE = 5


def chunk(number: int, worker: str) -> Commit:
    """Return the commit of some links that are new, with their rows, reviews, events and the run's progress."""
    numbers = range(number * SIZE, (number + 1) * SIZE)
    links = [
        replace(a_link(n, contact=f"003-{worker}-{n}", patient=f"pat-{worker}-{n}"), id=f"{worker}-{n}")
        for n in numbers
    ]
    return Commit(
        links=[LinkChange(link, base=prints("email", "city")) for link in links],
        rows=[a_row(n, run_id=worker) for n in numbers],
        reviews=[a_review(f"review-{worker}-{number}", record_id=f"pat-{worker}-{number}")],
        audits=[an_event(f"run:{worker}"), *(an_event(f"link:{link.id}") for link in links)],
        logs=[a_log_entry(run_id=worker)],
        run=replace(a_run(worker), done=(number + 1) * SIZE),
    )


async def work(url: str, key: str, worker: str) -> None:
    """Commit until killed; print the number of each commit once it is acknowledged."""
    store = await open_store(url, MasterKeys.parse(key))
    await store.start_run(a_run(worker))
    number = 0
    while True:
        await store.commit(chunk(number, worker))
        print(number, flush=True)  # noqa: T201
        number += 1


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:4]))
