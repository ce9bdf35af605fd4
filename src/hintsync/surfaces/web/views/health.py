"""A connection's health as a page shows it: every part with its state in a word and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hintsync.core.values import Side
from hintsync.engine.health.facts import HealthFacts
from hintsync.engine.parity.report import REPORT
from hintsync.state.live import Lane
from hintsync.state.port import Json, RunKind
from hintsync.state.traffic import DEAD_AFTER
from hintsync.surfaces.web.views.budget import BudgetCard, budget_card
from hintsync.surfaces.web.views.durations import ago
from hintsync.surfaces.web.views.rule_words import SYSTEM
from hintsync.surfaces.web.views.traffic import TrafficView, traffic_view

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
    traffic: TrafficView
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
    return HealthView(
        parts=tuple(_parts(facts, database, problem, poll_seconds)),
        queue=tuple((words, facts.figures.backlog.waiting.get(lane, 0)) for lane, words in _LANES.items()),
        oldest=tuple((SYSTEM[side], ago(age)) for side, age in facts.figures.queue_age.items()),
        leased=facts.figures.backlog.leased,
        parked=facts.figures.backlog.parked,
        successes=tuple(_successes(facts)),
        parity=_parity(facts),
        traffic=traffic_view(facts.hours, zone),
        budgets=tuple(budget_card(side, facts.budgets[side], facts.allowances[side]) for side in facts.budgets),
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


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
