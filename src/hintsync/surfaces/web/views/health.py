"""A connection's health as a page shows it: every part with its state in a word, the queue, lag and volume, the day's calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from hintsync.core.limits import DayBudget, Purpose
from hintsync.core.values import Side
from hintsync.engine.day_forecast import DayForecast
from hintsync.engine.health_facts import HealthFacts
from hintsync.engine.parity_report import REPORT
from hintsync.engine.traffic import Hour, whole
from hintsync.state.live import Lane
from hintsync.state.port import Json, RunKind
from hintsync.surfaces.web.views.charts import Chart, Series, bar_chart, line_chart
from hintsync.surfaces.web.views.rule_words import SYSTEM
from hintsync.surfaces.web.views.stops import WORK

#: Seconds without a sign of life after which a process is taken for dead.
DEAD_AFTER: Final = 45.0
#: Seconds that the oldest change may wait before that is said to be long.
_LONG: Final = 600.0

_LANES: Final = {
    Lane.INTERACTIVE: "People wait for it",
    Lane.LIVE: "Live changes",
    Lane.CATCH_UP: "Catching up",
    Lane.PARITY: "Found by the nightly comparison",
}
_RUNS: Final = {
    RunKind.BATCH_PATIENTS: "Batch, patients to contacts",
    RunKind.BATCH_CONTACTS: "Batch, contacts to patients",
    RunKind.SYNC: "Sync of everybody",
    RunKind.CATCH_UP: "Catching up",
    RunKind.PARITY: "Nightly comparison",
}
_ROLES: Final = {"web": "pages and webhooks", "worker": "worker", "subscriber": "subscriber"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the service, and how it is."""

    name: str
    #: "good", "warn" or "bad", and the word for it.
    kind: str
    state: str
    text: str
    #: When it was last seen to work; ISO 8601, or empty.
    at: str = ""


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
class BudgetCard:
    """A side's calls of the day."""

    system: str
    forecast: DayForecast
    #: Whether it will do.
    kind: str
    text: str
    #: Kind of work, calls it leaves over, whether it goes on now.
    order: tuple[tuple[str, int, bool], ...]


@dataclass(frozen=True, slots=True)
class ParityCard:
    """The latest comparison of everybody."""

    run_id: str
    at: str
    signed: bool
    seal: str
    pairs: tuple[tuple[str, int], ...]
    missed: int


@dataclass(frozen=True, slots=True)
class HealthView:
    """Everything on the page."""

    parts: tuple[Part, ...]
    #: Lane in words, records waiting.
    queue: tuple[tuple[str, int], ...]
    #: System, seconds in words.
    oldest: tuple[tuple[str, str], ...]
    leased: int
    parked: int
    #: Kind of run in words, when it last ended well.
    successes: tuple[tuple[str, str], ...]
    parity: ParityCard | None
    volume: Chart
    written: int
    lags: tuple[Lag, ...]
    hours: tuple[HourRow, ...]
    budgets: tuple[BudgetCard, ...]


def health_view(facts: HealthFacts, *, database: str, zone: str, problem: str, poll_seconds: float) -> HealthView:
    """Return a connection's health as the page shows it.

    Args:
        facts: What was read.
        database: What kind of database it is.
        zone: Of the clinic's clock.
        problem: Code of what keeps the connection from being open; empty if it is.
        poll_seconds: Seconds between polls, where no events are followed.
    """
    steps = [_hour_label(hour, zone) for hour in facts.hours]
    day = whole(facts.hours)
    return HealthView(
        parts=tuple(_parts(facts, database, problem, poll_seconds)),
        queue=tuple((words, facts.figures.backlog.waiting.get(lane, 0)) for lane, words in _LANES.items()),
        oldest=tuple((SYSTEM[side], ago(age)) for side, age in facts.figures.queue_age.items()),
        leased=facts.figures.backlog.leased,
        parked=facts.figures.backlog.parked,
        successes=tuple(_successes(facts)),
        parity=_parity(facts),
        volume=_volume(facts.hours, steps),
        written=day.count("written"),
        lags=tuple(_lag(side, facts.hours, day, steps) for side in Side),
        hours=tuple(_row(hour, label) for hour, label in zip(facts.hours, steps, strict=True)),
        budgets=tuple(_budget(side, facts.budgets[side], facts.allowances[side]) for side in facts.budgets),
    )


def _parts(facts: HealthFacts, database: str, problem: str, poll_seconds: float) -> list[Part]:
    return [
        _connection(problem),
        *(_system(side, facts.trouble.get(side)) for side in Side),
        _changes(facts, poll_seconds),
        _webhooks(facts),
        _polls(facts),
        *_processes(facts),
        _queue(facts),
        _last_success(facts),
        Part("Database", "good", "answers", f"{database}, in {facts.store_milliseconds:.0f} ms"),
    ]


def _connection(problem: str) -> Part:
    if problem:
        return Part("Connection", "bad", "not open", f"It cannot be opened ({problem}); the log says more.")
    return Part("Connection", "good", "open", "Both systems are connected in this process.")


def _system(side: Side, silent: float | None) -> Part:
    if silent is not None:
        text = f"It does not answer live work; last tried {ago(silent)} ago. Nothing is lost."
        return Part(SYSTEM[side], "bad", "in trouble", text)
    return Part(SYSTEM[side], "good", "answers", "No trouble is known.")


def _changes(facts: HealthFacts, poll_seconds: float) -> Part:
    heard = facts.heard[Side.SALESFORCE] or ""
    if facts.way.topic:
        text = f"Change events of {facts.way.topic} are followed."
        return Part("Events from Salesforce", "good", "followed", text, heard)
    text = f"Salesforce is asked every {poll_seconds:g} seconds instead: {facts.way.reason}."
    return Part("Events from Salesforce", "warn", "polled", text, heard)


def _webhooks(facts: HealthFacts) -> Part:
    heard = facts.heard[Side.HINT]
    if heard is None:
        text = "None has come yet. Edit a patient in Hint to see one; until then changes are found by polling."
        return Part("Webhooks from Hint", "warn", "none yet", text)
    return Part("Webhooks from Hint", "good", "received", "The latest signed one came:", heard)


def _polls(facts: HealthFacts) -> Part:
    told = [moment for moment in facts.caught_up.values() if moment]
    if not told:
        return Part("Polling", "warn", "not yet", "Neither system was read for changes yet.")
    return Part("Polling", "good", "done", "What events may have missed was last read:", max(told))


def _processes(facts: HealthFacts) -> list[Part]:
    """Return each process; that there is no living worker is a part of its own."""
    parts = []
    for seen in facts.processes:
        age, roles = facts.now - seen.seen_at, ", ".join(_ROLES.get(role, role) for role in seen.roles)
        alive = age < DEAD_AFTER
        host, _, rest = seen.name.partition("/")
        pid = rest.rpartition("/")[0].rpartition("/")[2]
        name = f"Process {pid} on {host}" if pid else f"Process {seen.name}"
        text = f"{roles}; version {seen.version}, running for {ago(seen.seen_at - seen.started_at)}"
        if alive:
            parts.append(Part(name, "good", "alive", f"{text}; last sign of life {ago(age)} ago."))
        elif age < 3600:
            parts.append(Part(name, "warn", "silent", f"{text}; it ended, or was killed, {ago(age)} ago."))
    living = {role for seen in facts.processes if facts.now - seen.seen_at < DEAD_AFTER for role in seen.roles}
    if "worker" not in living:
        parts.append(Part("Workers", "bad", "none", "No worker gives signs of life: what changes waits."))
    return parts


def _queue(facts: HealthFacts) -> Part:
    waiting = sum(facts.figures.backlog.waiting.values())
    oldest = max(facts.figures.queue_age.values(), default=0.0)
    if not waiting:
        return Part("Queue", "good", "empty", "Nothing waits.")
    kind = "warn" if oldest > _LONG else "good"
    return Part("Queue", kind, "waiting", f"{waiting:,} records wait, the oldest for {ago(oldest)}.")


def _last_success(facts: HealthFacts) -> Part:
    if facts.last_success is None:
        return Part("Last success", "warn", "none yet", "Nothing has been worked yet.")
    return Part("Last success", "good", "noted", "Something last went well:", _iso(facts.last_success))


def _successes(facts: HealthFacts) -> list[tuple[str, str]]:
    known = facts.figures.successes
    return [(words, _iso(known[kind]) if kind in known else "") for kind, words in _RUNS.items()]


def _parity(facts: HealthFacts) -> ParityCard | None:
    run = facts.parity
    report = run.details.get(REPORT) if run else None
    if run is None or not isinstance(report, dict):
        return None
    pairs, missed = report.get("pairs"), report.get("missed")
    counted = pairs if isinstance(pairs, dict) else {}
    told = tuple((words, _number(counted.get(name))) for name, words in _PAIRS.items())
    return ParityCard(run.id, run.finished_at or "", facts.parity_signed, run.seal or "", told, _number(missed))


_PAIRS: Final = {
    "agreed": "pairs agree",
    "queued": "differ and wait already",
    "differing": "differed, and nobody knew",
    "missing": "lacked a record, and nobody knew",
    "unrecorded": "agreed, and something was still to be noted",
}


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


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


def _budget(side: Side, forecast: DayForecast, allowance: DayBudget) -> BudgetCard:
    stopping = [WORK[purpose] for purpose in forecast.stopping]
    kind = "good" if not stopping else "warn"
    text = "It will do." if not stopping else f"At this pace these would wait: {', '.join(stopping)}."
    order = tuple((WORK[each], allowance.kept_from(each), allowance.allows(1, each)) for each in Purpose)
    return BudgetCard(SYSTEM[side], forecast, kind, text, order)


def _hour_label(hour: Hour, zone: str) -> str:
    return f"{datetime.fromtimestamp(hour.at, ZoneInfo(zone)):%H:%M}"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def seconds(value: float | None) -> str:
    """Say some seconds of lag: `0.4 s`; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 100 else ago(value)


def ago(duration: float) -> str:
    """Say how long something lasts: `12 seconds`, `3 minutes`, `2 hours`, `4 days`."""
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if duration >= size:
            count = int(duration // size)
            return f"{count} {word}{'s' if count > 1 else ''}"
    count = max(int(duration), 0)
    return f"{count} second{'' if count == 1 else 's'}"
