"""How the results of a run add up; counted once for a run that has ended, since a large one takes a tenth of a second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeAlias
from weakref import WeakKeyDictionary

from hintsync.core.plan import Outcome
from hintsync.state.port import Run, StateStore

#: Records by outcome and reason.
Counts: TypeAlias = Mapping[tuple[Outcome, str | None], int]

#: Runs of a store that are remembered.
_MOST = 50
_known: WeakKeyDictionary[StateStore, OrderedDict[tuple[str, str, str, int], Counts]] = WeakKeyDictionary()


async def counts_of(store: StateStore, run: Run) -> Counts:
    """Return the counts of a run's results by outcome and reason."""
    if run.finished_at is None:
        return await store.reason_counts(run.id)
    known = _known.setdefault(store, OrderedDict())
    key = (run.id, run.finished_at, str(run.status), run.done)
    if key not in known:
        known[key] = await store.reason_counts(run.id)
        if len(known) > _MOST:
            known.popitem(last=False)
    return known[key]


def by_outcome(counts: Counts) -> dict[Outcome, int]:
    """Return the counts by outcome alone."""
    sums: dict[Outcome, int] = {}
    for (outcome, _), count in counts.items():
        sums[outcome] = sums.get(outcome, 0) + count
    return sums
