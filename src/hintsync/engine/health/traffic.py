"""Lag and volume of the last day: what each process counts is added up in the store, and read back by the hour.

A process counts in memory (`metrics`). `TrafficNotes` adds what has come since the last time to the slots of the store, so that
any number of processes sum up and a restart loses a quarter of a minute at most. Numbers only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from hintsync.core.errors import BadInput
from hintsync.core.values import Side
from hintsync.metrics import LAG_BUCKETS, METRICS, Counted, Metrics
from hintsync.state.port import StateStore
from hintsync.state.traffic import Tally, slot_of

#: Words of the store for the buckets of lags, in the order of `LAG_BUCKETS`; the last one is above them all.
LAG_WORDS: Final = tuple(f"lag:{number}" for number in range(len(LAG_BUCKETS) + 1))
#: Seconds that counts are kept.
KEPT: Final = 8 * 86_400
_HOUR: Final = 3600
#: Hours that are shown.
_HOURS: Final = 24


class TrafficNotes:
    """Adds to the store what this process counted; one a process."""

    def __init__(self, store: StateStore, metrics: Metrics = METRICS) -> None:
        """Begin with what is counted from now on."""
        self._store = store
        self._metrics = metrics
        self._told = _counts(metrics)

    async def add_up(self, now: float) -> None:
        """Add what was counted since the last time to the slot of a moment (seconds since the epoch).

        Raises:
            HintsyncError: the store does not answer; what is not in it yet is added next time.
        """
        new: dict[str, list[Tally]] = defaultdict(list)
        counts = _counts(self._metrics)
        for key, number in counts.items():
            if key.connection_id and (more := number - self._told[key]):
                new[key.connection_id].append(Tally(slot_of(now), key.word, key.side, more))
        for connection_id, tallies in new.items():
            with suppress(BadInput):  # a connection that is gone: nobody looks at its figures any more
                await self._store.add_tallies(connection_id, tallies)
            self._told.update({Counted(tally.word, connection_id, tally.side): tally.number for tally in tallies})


def _counts(metrics: Metrics) -> Counter[Counted]:
    """Return all counts, those of lags among them."""
    counts = Counter(metrics.counts)
    for (connection_id, side), lag in metrics.lags.items():
        for word, number in zip(LAG_WORDS, lag.buckets, strict=True):
            counts[Counted(word, connection_id, side)] += number
    return counts


@dataclass(frozen=True, slots=True)
class Hour:
    """What happened within an hour, over all processes."""

    #: Its first second, since the epoch.
    at: int
    #: By word of `metrics.COUNTED` and side.
    counts: Mapping[tuple[str, Side | None], int] = field(default_factory=dict)
    #: Lags of edits made on a side, by bucket of `LAG_BUCKETS`.
    lags: Mapping[Side, Sequence[int]] = field(default_factory=dict)

    def count(self, word: str, side: Side | None = None) -> int:
        """Return a count of one side, or of both and none."""
        return sum(number for (known, at), number in self.counts.items() if known == word and side in (None, at))

    def lag(self, side: Side, share: float) -> float | None:
        """Return the seconds within which a share of a side's edits reached the other one; None without any."""
        return percentile(self.lags.get(side, ()), share)


async def last_day(store: StateStore, connection_id: str, now: float) -> list[Hour]:
    """Return the last 24 hours, oldest first; the last of them goes on."""
    first = int(now) // _HOUR * _HOUR - (_HOURS - 1) * _HOUR
    return by_hour(await store.tallies(connection_id, since=first), first, _HOURS)


def by_hour(tallies: Sequence[Tally], first: int, hours: int) -> list[Hour]:
    """Sum slots up by hours, from a first one (seconds since the epoch) on."""
    counts: dict[int, Counter[tuple[str, Side | None]]] = defaultdict(Counter)
    for tally in tallies:
        counts[(tally.at - first) // _HOUR][tally.word, tally.side] += tally.number
    return [_hour(first + number * _HOUR, counts[number]) for number in range(hours)]


def whole(hours: Sequence[Hour]) -> Hour:
    """Return several hours as one."""
    counts: Counter[tuple[str, Side | None]] = Counter()
    lags = {side: [0] * len(LAG_WORDS) for side in Side}
    for hour in hours:
        counts.update(hour.counts)
        for side, buckets in hour.lags.items():
            lags[side] = [one + other for one, other in zip(lags[side], buckets, strict=True)]
    return Hour(hours[0].at if hours else 0, counts, lags)


def _hour(at: int, counted: Mapping[tuple[str, Side | None], int]) -> Hour:
    lags = {side: [counted.get((word, side), 0) for word in LAG_WORDS] for side in Side}
    counts = {key: number for key, number in counted.items() if key[0] not in LAG_WORDS}
    return Hour(at, counts, {side: buckets for side, buckets in lags.items() if any(buckets)})


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """Return the seconds below which a share of observations lies, evenly spread within their bucket.

    What lies above the last bound counts as that bound: the true figure is higher.
    """
    wanted, seen = share * sum(buckets), 0.0
    if not sum(buckets):
        return None
    for number, count in enumerate(buckets[: len(LAG_BUCKETS)]):
        if count and seen + count >= wanted:
            low, high = (LAG_BUCKETS[number - 1] if number else 0.0), LAG_BUCKETS[number]
            return low + (high - low) * max(wanted - seen, 0.0) / count
        seen += count
    return LAG_BUCKETS[-1]
