"""The log and the audit trail as pages show them: what happened in words, and what may be done about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hintsync.core.errors import BadInput
from hintsync.core.fields import Mapping as FieldTable
from hintsync.state.chain import entry_hash, to_text
from hintsync.state.port import AuditEvent, LogEntry, LogLevel, StoredAudit
from hintsync.surfaces.web.views.rule_words import SYSTEM, rule_words
from hintsync.surfaces.web.views.stops import GUARDS, labels

#: The article's levels (M18), and the kind of their badges.
LEVELS: Final[Mapping[LogLevel, tuple[str, str]]] = {
    LogLevel.DEBUG: ("Debug", "plain"),
    LogLevel.ERROR: ("Error", "warn"),
    LogLevel.EXCEPTION: ("Exception", "bad"),
}

#: Fields that are named in a list; more of them are counted.
_FEW: Final = 5

#: What may be done about an entry, by its code.
_ADVICE: Final = {
    "contact-already-synced": "The contact that matches is linked with another patient. Look whether the patient is there twice.",
    "patient-already-linked": "The patient that matches is linked with another contact. Look whether the contact is there twice.",
    "write-refused": "Correct the record in the system that refused it; it is tried again when it changes.",
    "write-back-refused": "Nothing needs to be done: only a note on the patient is missing.",
    "link-fields-reverted": "Use Sync to Hint or Unlink Patient to change a link; these two fields only show it.",
    "one-way-reverted": "Change these fields in Hint; Salesforce only shows them.",
    "run-stopped": "The run’s page says how to go on with it.",
    "parked": "The parked records may be tried again, on the page of that name.",
    "link-suspended": "It goes on by itself if the record comes back.",
    "links-frozen": "Decide in the review queue which link stays.",
    "create-refused": "Correct the record; it is tried again when it changes.",
    "automatic-work-stopped": "The safety stops show what to do.",
    "automatic-work-paused": "Resume on the page of the safety stops.",
    "left-over": "Nothing needs to be done: the link has ended.",
    "fields-changed": "If a field is missing by mistake, bring it back in its system.",
    "edit-overwritten": "The review queue shows both values.",
    "write-not-kept": "Writes of this kind wait. Tell whoever runs hintsync.",
    "written-in-circles": "Find out which other program changes this field.",
    "hint-log-stopped": "Remove what is in the way; it is tried again every hour. The page of the log says when it goes on.",
    "hint-log-no-anchor": "Remove what is in the way; the next night tries again.",
    "page-failed": "Tell whoever runs hintsync the number of the incident.",
}

#: What was done, by the action of an audit event.
ACTIONS: Final = {
    "linked": "Linked",
    "unlinked": "Unlinked",
    "created": "Created",
    "wrote": "Wrote",
    "agreed": "Noted that both agree",
    "held": "Held back",
    "frozen": "Froze the link",
    "suspended": "Suspended the link",
    "resumed": "Let it go on",
    "moved": "Moved the link",
    "ended": "Ended the link",
    "declined": "Declined a match",
    "decided": "Decided a review",
    "approved": "Approved a plan",
    "checked": "Compared everybody",
    "paused": "Paused",
    "stopped": "Stopped",
    "pinned": "Pinned the systems",
    "replayed": "Tried parked records again",
    "set": "Changed settings",
    "connected": "Connected",
}


#: How an entry names a person of the org who did something.
_ACTOR: Final = re.compile(r"\buser:005[A-Za-z0-9]{15}\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for."""

    level: str = ""
    #: Id of a contact, a patient, a run, a link or an incident.
    naming: str = ""
    #: Days of the clinic's calendar, YYYY-MM-DD; empty: no bound.
    first_day: str = ""
    last_day: str = ""
    #: Where the page before ended.
    before: int | None = None

    @property
    def levels(self) -> tuple[LogLevel, ...]:
        """The levels that are wanted; none: all."""
        return (LogLevel(self.level),) if self.level else ()

    def since(self, zone: str) -> str | None:
        """Return the beginning of the first day, as the store writes moments."""
        return _moment(self.first_day, zone) if self.first_day else None

    def until(self, zone: str) -> str | None:
        """Return the end of the last day, as the store writes moments."""
        return _moment(self.last_day, zone, days=1) if self.last_day else None


def asked(query: Mapping[str, str]) -> Asked:
    """Return what a query asks for.

    Raises:
        BadInput: a day or a level that is none.
    """
    level, before = query.get("level", ""), query.get("before", "")
    if level and level not in set(LogLevel):
        raise BadInput("the level is Debug, Error or Exception")
    return Asked(
        level,
        query.get("naming", "").strip()[:200],
        _day(query.get("from", "")),
        _day(query.get("to", "")),
        int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )


def _day(typed: str) -> str:
    if not typed:
        return ""
    try:
        return date.fromisoformat(typed).isoformat()
    except ValueError:
        raise BadInput("expected a day such as 2026-11-23") from None


def _moment(day: str, zone: str, *, days: int = 0) -> str:
    local = datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), ZoneInfo(zone))
    return f"{local.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class LogRow:
    """An entry of the log in words."""

    entry: LogEntry
    level: str
    kind: str
    #: What happened, with people by name.
    message: str
    fields: str
    advice: str


def log_row(entry: LogEntry, table: FieldTable, names: Mapping[str, str]) -> LogRow:
    """Return an entry in words; `names` are those of the people whom it tells of, by how the log names them."""
    level, kind = LEVELS[entry.level]
    message = _ACTOR.sub(lambda found: names.get(found[0], found[0]), entry.message)
    return LogRow(entry, level, kind, message, labels(entry.fields, table), _ADVICE.get(entry.event, ""))


def actors_in(entries: Iterable[LogEntry]) -> frozenset[str]:
    """Return the people of the org whom entries name, as they name them."""
    return frozenset(found for entry in entries for found in _ACTOR.findall(entry.message))


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An event of the audit trail in words."""

    sequence: int
    event: AuditEvent
    what: str
    #: Which system, where it was one.
    system: str
    fields: str
    #: The same, shortened where they are many.
    fields_shortly: str
    #: The rule in words.
    rule: str


def audit_row(stored: StoredAudit, table: FieldTable) -> AuditRow:
    """Return an event in words."""
    event = stored.event
    system = SYSTEM[event.side] if event.side else ""
    what = ACTIONS.get(event.action, event.action)
    told = labels(event.fields, table)
    shortly = told if len(event.fields) <= _FEW else f"{len(event.fields)} fields"
    return AuditRow(stored.sequence, event, what, system, told, shortly, _rule(event))


def _rule(event: AuditEvent) -> str:
    if event.rule and event.rule in GUARDS:
        return f"Guard {event.rule} watches that: {GUARDS[event.rule]}"
    rows = [event.rule] if event.rule else []
    if event.action in ("wrote", "held"):
        rows += [word for each in (event.reason or "").split("; ") for word in each.split() if word[-1:].isdigit()]
    return rule_words(rows, event.side if event.action == "wrote" else None)


def is_as_written(stored: StoredAudit) -> bool:
    """Say whether an event still has the hash that it was stored with."""
    return entry_hash(stored.previous, stored.sequence, to_text(stored.event)) == stored.hash


def actor_words(actor: str, names: Mapping[str, str]) -> str:
    """Say who acted: a person of the org by name, anybody else as the trail names them."""
    return names.get(actor, actor)
