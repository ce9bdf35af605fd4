"""Counts what this process did, so that `/metrics` and health checks can tell; ids of people are never counted by.

Plain numbers in memory, cheap enough for every event. The web surface shows them as Prometheus text; what the store knows
(backlog, stops, reviews) is read there when somebody asks and is not counted here. From one thread only: the event loop's.

    from hintsync.metrics import count, learned_budget, observe_lag, succeeded

    count("echo", engine.connection.id, Side.HINT)          # a notice, recognised as our own write
    count("written", engine.connection.id, Side.SALESFORCE) # a record written to that side
    observe_lag(engine.connection.id, Side.HINT, 0.8)       # edited in Hint, on the other side 0.8 s later
    succeeded(engine.connection.id, "live", now)            # a pass of that kind ended well
    learned_budget(engine.connection.id, Side.HINT, 481_200)

What can be counted is `COUNTED`: what is counted, its meaning, and the metric and label it becomes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hintsync.core.values import Side


class Family(NamedTuple):
    """The metric that counts of one word go into, and the label value it gets there."""

    metric: str
    result: str


#: Metric to its help text; every one has the labels `connection`, `side` (may be empty) and `result`.
HELP: Mapping[str, str] = {
    "hintsync_notices": "Events taken in, by side they came from: marked, echo of our own write, or ignored.",
    "hintsync_records": "What became of records, by side: written, worked, put off, parked or held.",
    "hintsync_stream": "What the change event stream brought: events, gaps, overflows, expired positions, reconnects.",
    "hintsync_webhooks": "Webhook requests, by how they were answered.",
    "hintsync_calls": "Requests sent to a side, retries included.",
    "hintsync_polls": "Records that overlapping reads found changed, by side.",
}

#: Word to metric and label; a word that is not here cannot be counted.
COUNTED: Mapping[str, Family] = {
    # notices, by the side they came from (engine.intake)
    "marked": Family("hintsync_notices", "marked"),
    "echo": Family("hintsync_notices", "echo"),
    "ignored": Family("hintsync_notices", "ignored"),
    # records; "written" by the side written to, the others by the dirty record's side (engine.live)
    "written": Family("hintsync_records", "written"),
    "worked": Family("hintsync_records", "worked"),
    "put-off": Family("hintsync_records", "put-off"),
    "parked": Family("hintsync_records", "parked"),
    "held": Family("hintsync_records", "held"),
    # the change event stream (subscriber)
    "stream-event": Family("hintsync_stream", "event"),
    "gap": Family("hintsync_stream", "gap"),
    "overflow": Family("hintsync_stream", "overflow"),
    "replay-expired": Family("hintsync_stream", "replay-expired"),
    "reconnected": Family("hintsync_stream", "reconnected"),
    # overlapping reads (poll, catch-up)
    "polled": Family("hintsync_polls", "changed"),
    # requests to both systems (surfaces.vital_signs)
    "called": Family("hintsync_calls", "sent"),
    # webhook requests (surfaces.web.receiver); the connection is empty where none could be told
    "webhook-taken": Family("hintsync_webhooks", "taken"),
    "webhook-ignored": Family("hintsync_webhooks", "ignored"),
    "webhook-unknown-practice": Family("hintsync_webhooks", "unknown-practice"),
    "webhook-unreadable": Family("hintsync_webhooks", "unreadable"),
    "webhook-bad-signature": Family("hintsync_webhooks", "bad-signature"),
    "webhook-too-large": Family("hintsync_webhooks", "too-large"),
    "webhook-not-stored": Family("hintsync_webhooks", "not-stored"),
}

#: Upper bounds of the lag's buckets, in seconds; what is above the last one counts in none of them.
LAG_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


class Counted(NamedTuple):
    """What one count is kept under."""

    word: str
    connection_id: str
    side: Side | None


@dataclass(slots=True)
class Lag:
    """How long edits took from one side to the other."""

    #: Observations by bucket of `LAG_BUCKETS`, and those above the last at the end; not cumulated.
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LAG_BUCKETS) + 1))
    #: Seconds, all observations together.
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Take an observation in."""
        self.buckets[bisect_left(LAG_BUCKETS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Metrics:
    """Everything one process counted since it started."""

    counts: Counter[Counted] = field(default_factory=Counter)
    #: By connection and the side that was edited.
    lags: dict[tuple[str, Side], Lag] = field(default_factory=dict)
    #: Seconds since the epoch of the latest success, by connection and kind of pass.
    successes: dict[tuple[str, str], float] = field(default_factory=dict)
    #: Calls left of the day, by connection and side.
    budgets: dict[tuple[str, Side], int] = field(default_factory=dict)

    def count(self, word: str, connection_id: str = "", side: Side | None = None, by: int = 1) -> None:
        """Add to a count.

        Raises:
            KeyError: the word is not one of `COUNTED`.
        """
        if word not in COUNTED:
            raise KeyError(word)
        self.counts[Counted(word, connection_id, side)] += by

    def observe_lag(self, connection_id: str, side: Side, seconds: float) -> None:
        """Take in how long an edit made on `side` took to be on the other one; a clock that jumped back counts as 0."""
        self.lags.setdefault((connection_id, side), Lag()).add(max(seconds, 0.0))

    def succeeded(self, connection_id: str, kind: str, at: float) -> None:
        """Remember when a kind of pass last ended well; `kind` is a code such as "live", "parity" or "webhook"."""
        self.successes[connection_id, kind] = max(at, self.successes.get((connection_id, kind), 0.0))

    def learned_budget(self, connection_id: str, side: Side, left: int) -> None:
        """Remember how many calls of the day are left on a side."""
        self.budgets[connection_id, side] = left

    def total(self, word: str, connection_id: str | None = None, side: Side | None = None) -> int:
        """Return a count, over all connections and sides unless they are named."""
        return sum(
            number
            for key, number in self.counts.items()
            if key.word == word and connection_id in (None, key.connection_id) and side in (None, key.side)
        )

    def echo_share(self, connection_id: str, side: Side) -> float | None:
        """Return the share of a side's notices that were echoes of our own writes, 0 to 1; None before the first."""
        parts = {word: self.counts[Counted(word, connection_id, side)] for word in ("marked", "echo", "ignored")}
        whole = sum(parts.values())
        return parts["echo"] / whole if whole else None


#: What this process counts.
METRICS = Metrics()

count = METRICS.count
observe_lag = METRICS.observe_lag
succeeded = METRICS.succeeded
learned_budget = METRICS.learned_budget
