"""Lag and volume of the last day as a page shows them: drawn, and as figures by the hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hintsync.core.values import Side
from hintsync.engine.health.traffic import Hour, whole
from hintsync.surfaces.web.views.charts import Chart, Series, bar_chart, line_chart
from hintsync.surfaces.web.views.durations import seconds
from hintsync.surfaces.web.views.rule_words import SYSTEM


@dataclass(frozen=True, slots=True)
class HourRow:
    """The figures of one hour."""

    label: str
    written: Mapping[Side, int]
    #: Seconds, by side that was edited: half of the edits, and 95 of 100, were on the other side by then.
    half: Mapping[Side, str]
    most: Mapping[Side, str]


@dataclass(frozen=True, slots=True)
class Lag:
    """Lag of the edits of one side."""

    side: Side
    title: str
    half: str
    most: str
    edits: int
    chart: Chart


@dataclass(frozen=True, slots=True)
class TrafficView:
    """The last day."""

    volume: Chart
    #: Records written in all.
    written: int
    lags: tuple[Lag, ...]
    hours: tuple[HourRow, ...]


def traffic_view(hours: Sequence[Hour], zone: str) -> TrafficView:
    """Return some hours as a page shows them, on the clock of a zone."""
    steps = [_hour_label(hour, zone) for hour in hours]
    day = whole(hours)
    return TrafficView(
        volume=_volume(hours, steps),
        written=day.count("written"),
        lags=tuple(_lag(side, hours, day, steps) for side in Side),
        hours=tuple(_row(hour, label) for hour, label in zip(hours, steps, strict=True)),
    )


def _volume(hours: Sequence[Hour], steps: Sequence[str]) -> Chart:
    series = [
        Series(f"to {SYSTEM[side]}", [float(hour.count("written", side)) for hour in hours], " records")
        for side in (Side.SALESFORCE, Side.HINT)
    ]
    total = sum(hour.count("written") for hour in hours)
    return bar_chart(f"Records written in each of the last 24 hours, {total:,} in all", series, steps)


def _lag(side: Side, hours: Sequence[Hour], day: Hour, steps: Sequence[str]) -> Lag:
    title = f"from {SYSTEM[side]} to {SYSTEM[side.other]}"
    series = [
        Series("half within", [hour.lag(side, 0.5) for hour in hours], " s"),
        Series("95 of 100 within", [hour.lag(side, 0.95) for hour in hours], " s"),
    ]
    half, most = seconds(day.lag(side, 0.5)), seconds(day.lag(side, 0.95))
    told = f"Lag {title}: half of the day’s edits within {half}, 95 of 100 within {most}"
    return Lag(side, title, half, most, sum(day.lags.get(side, ())), line_chart(told, series, steps))


def _row(hour: Hour, label: str) -> HourRow:
    return HourRow(
        label,
        {side: hour.count("written", side) for side in Side},
        {side: seconds(hour.lag(side, 0.5)) for side in Side},
        {side: seconds(hour.lag(side, 0.95)) for side in Side},
    )


def _hour_label(hour: Hour, zone: str) -> str:
    return f"{datetime.fromtimestamp(hour.at, ZoneInfo(zone)):%H:%M}"
