"""How a connection stands, from the store alone: both sides, what stops it, what waits, what ran last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.detect.heard import last_heard
from hintsync.engine.detect.way import Way, describe_way, load_way
from hintsync.engine.detect.webhooks import WebhookState, webhook_state
from hintsync.engine.guards.stops import OTHER, PAUSE
from hintsync.engine.health.figures import Figures, read_figures
from hintsync.engine.live.retry import sides_in_trouble
from hintsync.ports import Clock
from hintsync.setup.connecting import ORG_NAME, PRACTICE_NAME
from hintsync.state.live import Stop
from hintsync.state.port import Connection, ReviewKind, Run, RunKind, RunStatus, StateStore

#: Runs that are looked at, and of those how many are listed.
_RUNS, _LISTED = 50, 5

KINDS: Mapping[RunKind, str] = {
    RunKind.BATCH_PATIENTS: "Batch Sync Patients to Contacts",
    RunKind.BATCH_CONTACTS: "Batch Sync Contacts to Patients",
    RunKind.SYNC: "Sync of all linked pairs",
    RunKind.MANUAL: "Sync by hand",
    RunKind.CATCH_UP: "Catching up after an outage or a gap",
    RunKind.PARITY: "Parity check of everybody",
    RunKind.HELD: "Held back by guard G3",
}
_STATES: Mapping[RunStatus, tuple[str, str]] = {
    RunStatus.RUNNING: ("running", "info"),
    RunStatus.ABORTING: ("being aborted", "warn"),
    RunStatus.ABORTED: ("aborted", "warn"),
    RunStatus.STOPPED: ("stopped", "bad"),
    RunStatus.DONE: ("done", "good"),
}


@dataclass(frozen=True, slots=True)
class Lines:
    """What the store says of the lines to both systems."""

    connection: Connection
    webhook: WebhookState
    way: Way
    heard: Mapping[Side, str | None]
    #: Sides that live work cannot reach, with the seconds since it last tried.
    in_trouble: Mapping[Side, float]


@dataclass(frozen=True, slots=True)
class Stands:
    """What the store says of a connection."""

    lines: Lines
    figures: Figures
    #: Live links.
    links: int
    #: The latest ones, newest first.
    runs: Sequence[Run]


@dataclass(frozen=True, slots=True)
class SideView:
    """One of the two systems."""

    side: Side
    title: str
    connected: bool
    #: What it calls itself.
    name: str
    id: str
    sandbox: bool
    #: ISO 8601; None: never.
    last_event: str | None
    #: How its changes are noticed.
    noticed: str
    #: What is wrong, in words; empty: nothing is known to be.
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class StopView:
    """Something that holds automatic work back."""

    title: str
    reason: str
    #: ISO 8601.
    since: str


@dataclass(frozen=True, slots=True)
class WaitingView:
    """How many of something wait."""

    label: str
    count: int
    #: Where they are shown: reviews, stops, health; empty: nowhere.
    shown_on: str


@dataclass(frozen=True, slots=True)
class RunView:
    """One of the latest runs."""

    id: str
    kind: str
    started_at: str
    state: str
    #: Kind of badge.
    badge: str
    #: Such as "120 of 400".
    progress: str


async def read_lines(store: StateStore, clock: Clock, connection: Connection) -> Lines:
    """Read how the lines to both systems stand; some small reads, no remote call."""
    return Lines(
        connection=connection,
        webhook=await webhook_state(store, connection.id),
        way=await load_way(store, connection),
        heard={side: await last_heard(store, connection.id, side) for side in Side},
        in_trouble=await sides_in_trouble(store, connection.id, clock.now().timestamp()),
    )


async def read_stands(store: StateStore, clock: Clock, connection: Connection) -> Stands:
    """Read how a connection stands; some small reads, no remote call."""
    links = await store.count_links(connection.id)
    return Stands(
        lines=await read_lines(store, clock, connection),
        figures=await read_figures(store, connection.id, clock.now().timestamp()),
        links=sum(count for status, count in links.items() if status is not LinkStatus.ENDED),
        runs=await store.runs(connection.id, limit=_RUNS),
    )


def sides_of(lines: Lines) -> tuple[SideView, SideView]:
    """Return Salesforce and Hint as they are known."""
    connection = lines.connection
    org = SideView(
        side=Side.SALESFORCE,
        title="Salesforce",
        connected=bool(connection.org_id),
        name=_text(connection, ORG_NAME),
        id=connection.org_id,
        sandbox=connection.org_sandbox,
        last_event=lines.heard[Side.SALESFORCE],
        noticed=_sentence(describe_way(connection, lines.way)),
        trouble=_trouble(lines, Side.SALESFORCE),
    )
    practice = SideView(
        side=Side.HINT,
        title="Hint",
        connected=bool(connection.practice_id),
        name=_text(connection, PRACTICE_NAME),
        id=connection.practice_id,
        sandbox=connection.practice_id.startswith("sbx-"),
        last_event=lines.heard[Side.HINT],
        noticed=_how_hint(lines.webhook),
        trouble=_trouble(lines, Side.HINT),
    )
    return org, practice


def stops_of(stops: Sequence[Stop]) -> tuple[StopView, ...]:
    """Return what holds automatic work back, in words."""
    return tuple(StopView(_stop_title(stop), stop.reason, stop.at) for stop in stops)


def waiting_of(figures: Figures) -> tuple[WaitingView, ...]:
    """Return what waits, for the machine first and then for people."""
    reviews, conflicts = sum(figures.reviews.values()), figures.reviews.get(ReviewKind.CONFLICT, 0)
    return (
        WaitingView("Records to be synced", sum(figures.backlog.waiting.values()), "health"),
        WaitingView("Parked after repeated failure", figures.backlog.parked, "stops"),
        WaitingView("Conflicts to decide", conflicts, "reviews"),
        WaitingView("Other reviews", reviews - conflicts, "reviews"),
    )


def runs_of(runs: Sequence[Run]) -> tuple[RunView, ...]:
    """Return the latest runs."""
    return tuple(_run(run) for run in runs[:_LISTED])


def has_dry_run(runs: Sequence[Run]) -> bool:
    """Say whether a batch was looked at before: a dry run, or one that was carried out."""
    batches = (RunKind.BATCH_PATIENTS, RunKind.BATCH_CONTACTS)
    return any(run.kind in batches and run.status is RunStatus.DONE for run in runs)


def _run(run: Run) -> RunView:
    state, badge = _STATES[run.status]
    kind = KINDS[run.kind] + (", dry run" if run.dry and run.kind is not RunKind.HELD else "")
    total = f" of {run.total:,}" if run.total is not None else ""
    return RunView(run.id, kind, run.started_at, state, badge, f"{run.done:,}{total}")


def _stop_title(stop: Stop) -> str:
    if stop.guard == OTHER:
        return "Stopped beside another integration with Hint"
    if stop.guard == PAUSE:
        return "Paused by a person"
    side = {Side.SALESFORCE: " for changes from Salesforce", Side.HINT: " for changes from Hint"}
    return f"Stopped by guard {stop.guard}" + (side[stop.side] if stop.side else "")


def _how_hint(webhook: WebhookState) -> str:
    if webhook.registration is None:
        return "Hint was not told our webhook address yet; its list of changes is asked each minute."
    if webhook.seen_at is None:
        return "Webhooks, but none has come yet; its list of changes is asked each minute."
    return "Webhooks; its list of changes is asked each minute besides."


def _trouble(lines: Lines, side: Side) -> str:
    seconds = lines.in_trouble.get(side)
    if seconds is None:
        return ""
    return f"It does not answer live work (last tried {seconds:.0f} seconds ago). Nothing is lost; it is tried again."


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")


def _text(connection: Connection, fact: str) -> str:
    found = connection.facts.get(fact)
    return found if isinstance(found, str) else ""
