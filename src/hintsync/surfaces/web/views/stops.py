"""Guards and stops in words: what each watches over, what it saw, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.guards import Pin
from hintsync.core.limits import Purpose
from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Side
from hintsync.engine.detect.notices import plain_cause
from hintsync.engine.guards.facts import GuardFacts
from hintsync.engine.guards.stops import OTHER, PAUSE
from hintsync.state.live import Dirty, Stop
from hintsync.state.port import RunRow
from hintsync.surfaces.web.views.rule_words import RECORD, SYSTEM

#: What each guard watches over.
GUARDS: Final[Mapping[str, str]] = {
    "G1": "These are the Salesforce org and the Hint practice that were pinned, and not a copy or another one.",
    "G2": "No side shows nobody at all while people are linked.",
    "G3": "The changes of one side do not touch more linked people within an hour than is usual.",
    "G4": "Name and date of birth of a linked person do not change together, as if one person’s record was filled with another’s.",
    "G5": "The fields are there and can be written, as they were when a plan was made.",
    "G6": "The day’s calls are not used up: a reserve stays for people and for other applications.",
    "G7": "No field is written again and again, to and fro.",
    "G8": "The org’s event deliveries stay away from their daily limit.",
}

#: Kinds of work, in the order in which they stop as the day’s calls run out.
WORK: Final[Mapping[Purpose, str]] = {
    Purpose.PARITY: "the nightly comparison of everybody",
    Purpose.BATCH: "batches",
    Purpose.CATCH_UP: "catching up after an outage",
    Purpose.LIVE: "live changes",
    Purpose.INTERACTIVE: "what a person waits for",
}


@dataclass(frozen=True, slots=True)
class StopCard:
    """A stop in force."""

    #: Empty: no guard's.
    guard: str
    title: str
    #: What is held back.
    effect: str
    #: What was seen: counts, ids, field names.
    seen: str
    since: str
    #: What to do.
    remedy: str
    side: str
    plan: str
    #: Another integration is in the way.
    is_other: bool = False


@dataclass(frozen=True, slots=True)
class GuardLine:
    """One guard, and how it stands."""

    guard: str
    watches: str
    #: "good", "warn" or "bad".
    kind: str
    state: str
    #: What was seen; empty: nothing.
    seen: str = ""
    #: Path of the page that shows more.
    path: str = ""
    #: Kind of reviews that it shows.
    reviews: str = ""


def stop_card(stop: Stop) -> StopCard:
    """Return a stop in words."""
    paused = stop.guard == PAUSE
    return StopCard(
        guard="" if paused or stop.guard == OTHER else stop.guard,
        title="Paused by a person" if paused else _TITLES.get(stop.guard, f"Guard {stop.guard}"),
        effect=_effect(stop),
        seen=stop.reason,
        since=stop.at,
        remedy=_remedy(stop),
        side=str(stop.side or ""),
        plan=stop.run_id or "",
        is_other=stop.guard == OTHER,
    )


_TITLES: Final = {
    "G1": "Another org or practice answers",
    "G2": "A side shows nobody",
    "G3": "Too many changes at once",
    OTHER: "Another integration with Hint is in the org",
}


def _effect(stop: Stop) -> str:
    if stop.guard == "G1":
        return "Nothing is written at all, by anybody."
    if stop.side is None:
        return "Nothing is written automatically. What people do by hand goes on."
    system, other = SYSTEM[stop.side], SYSTEM[stop.side.other]
    return f"Changes in {system} are not carried to {other} automatically. What people do by hand goes on."


def _remedy(stop: Stop) -> str:
    if stop.guard == PAUSE:
        return "Resume when the reason is gone. Nothing that waits is lost."
    if stop.guard == "G1":
        return "Make the pinned systems answer again, or pin those that answer now if you know that they are meant."
    if stop.guard == OTHER:
        return (
            "Import its links while its fields are there. End it in Hint: its Salesforce integration page, Cancel Integration."
            " Then say here that it has ended. Uninstall its package when all is well."
        )
    if stop.run_id:
        return (
            "Look at the plan of what would be written. Approve it if it is meant; "
            "or let the guards look anew, after what caused it was set right."
        )
    return "Find out what happened there, then let it go on."


def guard_lines(facts: GuardFacts, table: FieldTable) -> tuple[GuardLine, ...]:
    """Return all guards with how they stand."""
    stopped = {stop.guard: stop for stop in facts.stops}
    seen = {
        "G2": _empty_side(facts),
        "G4": _waiting(facts.overlays, "Pairs in doubt, to be decided", "overlay"),
        "G5": _unusable(facts, table),
        "G6": _short(facts),
        "G7": _waiting(facts.loops, "Fields left alone until somebody decides", "conflict"),
        "G8": _way(facts),
    }
    lines = []
    for guard, watches in GUARDS.items():
        kind, state, told, path = seen.get(guard, _QUIET)
        if stop := stopped.get(guard):
            kind, state, told, path = "bad", "stopped", stop.reason, ""
        path, _, reviews = path.partition("?")
        lines.append(GuardLine(guard, watches, kind, state, told, path, reviews))
    return tuple(lines)


#: Kind, state, what was seen, path (with the kind of reviews behind a question mark).
_Line = tuple[str, str, str, str]
_QUIET: Final[_Line] = ("good", "quiet", "", "")


def _empty_side(facts: GuardFacts) -> _Line:
    run = facts.empty_side
    return ("warn", "ended a run", run.reason or "", f"/runs/{run.id}") if run else _QUIET


def _waiting(count: int, words: str, kind: str) -> _Line:
    return ("warn", "waits for people", f"{words}: {count:,}", f"/reviews?{kind}") if count else _QUIET


def _unusable(facts: GuardFacts, table: FieldTable) -> _Line:
    told = [f"{SYSTEM[side]}: {labels(names, table)}" for side, names in facts.unusable.items()]
    return ("warn", "leaves fields alone", "; ".join(told), "/fields") if told else _QUIET


def _short(facts: GuardFacts) -> _Line:
    told = [f"{WORK[purpose]} ({SYSTEM[side]})" for purpose, side in facts.short.items()]
    return ("warn", "holds work back", f"waits for calls: {', '.join(told)}", "/health") if told else _QUIET


def _way(facts: GuardFacts) -> _Line:
    return ("warn", "polls instead", facts.way.reason, "/health") if facts.way.reason.startswith("G8") else _QUIET


def labels(names: Iterable[FieldName], table: FieldTable) -> str:
    """Return fields by their labels, in table order."""
    wanted = set(names)
    known = [row.label for row in table if row.name in wanted]
    return ", ".join([*known, *sorted(wanted - set(table.names))])


def paused_words(kind: str, table: FieldTable) -> str:
    """Say a kind of writes that is paused."""
    if kind == "phones":
        return "phone numbers in Hint: the first one that was written was not kept as it was sent"
    side, _, name = kind.removeprefix("clear:").rpartition(":")
    system = f" in {SYSTEM[Side(side)]}" if side in set(Side) else ""
    return f"emptying {labels([name], table)}{system}: the first time it was not kept"


def confirm_word(pinned: Pin, seen: Pin) -> str:
    """Return what a person types to pin other systems: the id that is another one now."""
    return seen.org_id if (seen.org_id, seen.org_sandbox) != (pinned.org_id, pinned.org_sandbox) else seen.practice_id


@dataclass(frozen=True, slots=True)
class PlanRow:
    """What would be done to one pair."""

    record: str
    side: Side
    record_id: RecordId
    other: str
    other_id: RecordId
    #: What would be written, in labels; or that the link would be suspended.
    what: str
    position: int


def plan_row(row: RunRow, table: FieldTable) -> PlanRow:
    """Return a kept row in words."""
    written = next(iter(row.written), row.side.other)
    names = row.written.get(written, ())
    what = f"{SYSTEM[written]} gets {labels(names, table)}" if names else "the link would be suspended"
    return PlanRow(
        f"{SYSTEM[row.side]} {RECORD[row.side]}",
        row.side,
        row.record_id,
        f"{SYSTEM[row.side.other]} {RECORD[row.side.other]}",
        next(iter(row.peers), ""),
        what,
        row.position,
    )


def field_counts(rows: Iterable[RunRow], table: FieldTable) -> tuple[tuple[str, int], ...]:
    """Count what a plan would write, by field's label, most first."""
    counts = Counter(name for row in rows for names in row.written.values() for name in names)
    return tuple((labels([name], table), count) for name, count in counts.most_common())


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A record that failed too often."""

    record: str
    side: Side
    record_id: RecordId
    reason: str
    attempts: int
    cause: str


def parked_row(dirty: Dirty) -> ParkedRow:
    """Return a parked record in words."""
    record = f"{SYSTEM[dirty.side]} {RECORD[dirty.side]}"
    cause = plain_cause(dirty.cause)
    return ParkedRow(record, dirty.side, dirty.record_id, dirty.parked or "", dirty.attempts, _CAUSES.get(cause, cause))


_CAUSES: Final = {
    "webhook": "a change in Hint",
    "change-event": "a change in Salesforce",
    "poll": "a change that was found by polling",
    "catch-up": "catching up after an outage",
    "batch": "a batch that found it gone",
    "parity": "the nightly comparison",
    "person": "a person",
    "fields-changed": "fields that changed",
}
