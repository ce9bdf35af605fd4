"""Writes the figures as Prometheus text; labels name connections, sides and codes, never a person's id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hintsync.core.values import Side
from hintsync.engine.health.figures import Figures
from hintsync.metrics import COUNTED, HELP, LAG_BUCKETS, Metrics
from hintsync.state.port import ReviewKind

CONTENT_TYPE = CONTENT_TYPE_LATEST

#: Label values, and the figure.
_Rows: TypeAlias = Iterable[tuple[Sequence[str], float]]


def exposition(
    metrics: Metrics, figures: Sequence[Figures], opened: Mapping[str, bool], *, store_answers: bool = True
) -> bytes:
    """Return everything as Prometheus text.

    Args:
        metrics: what this process counted.
        figures: what the store knows, a connection each.
        opened: whether the engine of a connection is open, by id.
        store_answers: whether the figures could be read.
    """
    answers = _gauge("hintsync_store_answers", "Whether the store answers.", (), [((), int(store_answers))])
    found = [*_counters(metrics), *_gauges(metrics), *_of_store(metrics, figures), _open(opened), answers]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(found))
    return generate_latest(registry)


class _Once(Collector):
    """Gives metrics that were collected already."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _gauge(name: str, told: str, labels: Sequence[str], rows: _Rows) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=labels)
    for values, figure in rows:
        family.add_metric(values, figure)
    return family


def _counters(metrics: Metrics) -> Iterator[Metric]:
    families = {name: CounterMetricFamily(name, told, labels=_COUNTER_LABELS) for name, told in HELP.items()}
    for key, number in sorted(metrics.counts.items(), key=str):
        family = COUNTED[key.word]
        labels = (key.connection_id, key.side or "", family.result)
        families[family.metric].add_metric(labels, number)
    yield from families.values()


_COUNTER_LABELS = ("connection", "side", "result")


def _gauges(metrics: Metrics) -> Iterator[Metric]:
    shares = {key: metrics.echo_share(*key) for key in sorted(_noticed(metrics))}
    yield _gauge(
        "hintsync_echo_share",
        "Share of a side's events that were our own writes coming back, since the process started.",
        ("connection", "side"),
        ((key, share) for key, share in shares.items() if share is not None),
    )
    yield _gauge(
        "hintsync_budget_left_calls",
        "Calls of the day that are left, by side, as last learned.",
        ("connection", "side"),
        sorted(metrics.budgets.items()),
    )
    lag = HistogramMetricFamily(
        "hintsync_lag_seconds",
        "From an edit on a side to the same value on the other one.",
        labels=("connection", "side"),
    )
    for key, seen in sorted(metrics.lags.items()):
        bounds = [*map(str, LAG_BUCKETS), "+Inf"]
        lag.add_metric(key, list(zip(bounds, accumulate(seen.buckets), strict=True)), seen.total)
    yield lag


def _noticed(metrics: Metrics) -> set[tuple[str, Side]]:
    words = ("marked", "echo", "ignored")
    return {(key.connection_id, key.side) for key in metrics.counts if key.word in words and key.side is not None}


def _of_store(metrics: Metrics, figures: Sequence[Figures]) -> Iterator[Metric]:
    yield _gauge(
        "hintsync_queue_age_seconds",
        "Age of the oldest record of a side that waits to be worked.",
        ("connection", "side"),
        (((each.connection_id, side), age) for each in figures for side, age in each.queue_age.items()),
    )
    yield _gauge(
        "hintsync_backlog_records",
        "Records that wait or are being worked, by lane; parked ones left out.",
        ("connection", "lane"),
        (
            ((each.connection_id, lane.name.lower().replace("_", "-")), number)
            for each in figures
            for lane, number in each.backlog.waiting.items()
        ),
    )
    yield _gauge("hintsync_leased_records", "Records being worked now.", _ONE, _by(figures, lambda f: f.backlog.leased))
    yield _gauge(
        "hintsync_parked_records", "Records that wait for a person.", _ONE, _by(figures, lambda f: f.backlog.parked)
    )
    yield _gauge(
        "hintsync_open_reviews",
        "What people must decide, by kind.",
        ("connection", "kind"),
        (((each.connection_id, kind), each.reviews.get(kind, 0)) for each in figures for kind in ReviewKind),
    )
    yield _gauge(
        "hintsync_stops",
        "Safety stops and pauses in force.",
        ("connection", "guard", "side"),
        (((each.connection_id, stop.guard, stop.side or ""), 1) for each in figures for stop in each.stops),
    )
    yield _gauge(
        "hintsync_last_success_timestamp_seconds",
        "When a kind of work last ended well.",
        ("connection", "kind"),
        sorted(_successes(metrics, figures).items()),
    )


_ONE = ("connection",)


def _by(figures: Sequence[Figures], figure: Callable[[Figures], int]) -> _Rows:
    return (((each.connection_id,), figure(each)) for each in figures)


def _successes(metrics: Metrics, figures: Sequence[Figures]) -> Mapping[tuple[str, str], float]:
    """Return the latest successes that this process or the store knows of."""
    found = {(each.connection_id, kind): at for each in figures for kind, at in each.successes.items()}
    for key, at in metrics.successes.items():
        found[key] = max(at, found.get(key, 0.0))
    return found


def _open(opened: Mapping[str, bool]) -> Metric:
    told = "Whether both systems of a connection could be opened."
    return _gauge("hintsync_connection_open", told, _ONE, (((key,), int(is_open)) for key, is_open in opened.items()))
