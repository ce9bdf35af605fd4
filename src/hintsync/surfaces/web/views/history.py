"""Why each field of a pair has its value, and when the pair was last synced: told from the audit trail, which holds no values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hintsync.core.fields import FieldMapping
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.values import Side
from hintsync.state.port import AuditEvent
from hintsync.surfaces.web.views.rule_words import rule_words

_TO: Final = {Side.HINT: "Salesforce → Hint", Side.SALESFORCE: "Hint → Salesforce"}
#: Actions that bring two records into step.
_SYNCED: Final = frozenset({"wrote", "agreed", "linked", "created", "moved", "resumed", "decided"})
_ACTIONS: Final = {
    "wrote": "a change was carried over",
    "agreed": "both systems showed the same",
    "linked": "the two were linked",
    "created": "the record was created",
    "moved": "the link went to the record that a merge left",
    "resumed": "a record came back",
    "decided": "a person decided",
}
_DECISIONS: Final = {
    "keep salesforce": "Salesforce’s value stays",
    "keep hint": "Hint’s value stays",
    "same person": "it is the same person",
}
_ONE_WAY_ROWS: Final = frozenset({"W1", "W2", "W3"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something."""

    #: "hintsync", "you", or an id.
    text: str
    #: Id of the Salesforce user, where it is one.
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class LastSync:
    """When a pair was last brought into step, and by what."""

    at: str
    actor: Actor
    what: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why a field has its value."""

    label: str
    #: ISO 8601, UTC; empty: nothing was ever done to it.
    at: str
    actor: Actor
    #: The rule in words.
    reason: str
    #: Which way it went; empty where nothing was written.
    direction: str


def actor_of(actor: str, user_id: str) -> Actor:
    """Return who acted, as seen by a Salesforce user."""
    kind, _, name = actor.partition(":")
    if kind == "user" and name:
        return Actor("you" if name == user_id else f"Salesforce user {name}", name)
    return Actor(actor)


def last_sync(trail: Sequence[AuditEvent], user_id: str) -> LastSync | None:
    """Return the latest event that brought the pair into step."""
    for event in reversed(trail):
        if event.action in _SYNCED:
            return LastSync(event.at, actor_of(event.actor, user_id), _ACTIONS[event.action])
    return None


def why_here(trail: Sequence[AuditEvent], table: FieldTable, user_id: str) -> tuple[Why, ...]:
    """Return, for each field, the latest event that concerns its value."""
    latest: dict[str, AuditEvent] = {}
    for event in trail:
        latest.update(dict.fromkeys(event.fields, event))
    return tuple(_why(row, latest.get(row.name), user_id) for row in table)


def _why(row: FieldMapping, event: AuditEvent | None, user_id: str) -> Why:
    if event is None:
        return Why(row.label, "", Actor(""), "nothing was written since the two were linked", "")
    direction = _TO[event.side] if event.side and event.action in ("wrote", "created") else ""
    return Why(row.label, event.at, actor_of(event.actor, user_id), _reason(row, event), direction)


def _reason(row: FieldMapping, event: AuditEvent) -> str:
    if event.action == "wrote":
        rows = (event.reason or "").split()
        mine = [each for each in rows if (each in _ONE_WAY_ROWS) == row.one_way] or rows
        return rule_words(mine, event.side) or _ACTIONS["wrote"]
    if event.action == "decided":
        return (
            f"a person decided: {_DECISIONS.get(event.reason, event.reason)}" if event.reason else _ACTIONS["decided"]
        )
    if event.action == "held":
        words = rule_words(each.split()[0] for each in (event.reason or "").split("; ") if each.split())
        return f"it waits for a decision: {words}" if words else "it waits for a decision"
    if event.action == "unlinked":
        return "it was emptied when the contact was unlinked"
    if event.action == "linked":
        return "both records had the same value when they were linked"
    return _ACTIONS.get(event.action, event.action)
