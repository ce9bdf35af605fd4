"""The contact panel: how a contact stands with Hint, and what is to be decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hintsync.core.fields import KEY_FIELDS
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.records import FieldName, Hold, HoldKind, LinkState, LinkStatus, RecordId, Snapshot
from hintsync.core.restored import DOUBTED, is_restored
from hintsync.core.values import ABSENT, Side
from hintsync.engine.pairs.parting import intent_of
from hintsync.engine.pairs.standing import Standing, candidate_side
from hintsync.engine.reviews.merges import BOTH_FROZEN
from hintsync.engine.reviews.standing import OF_FIELDS, OF_MATCHING
from hintsync.state.live import Dirty
from hintsync.state.port import Review, ReviewKind
from hintsync.surfaces.web.views.history import LastSync, Why, last_sync, why_here
from hintsync.surfaces.web.views.rule_words import RECORD, SYSTEM, hold_words
from hintsync.surfaces.web.views.values import Shown, Who, shown, who

MEMBERSHIP: Final = "membership_status"


@dataclass(frozen=True, slots=True)
class Status:
    """How the link stands, in a word and a sentence."""

    word: str
    #: Kind of badge: "good", "warn", "plain".
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to decide."""

    label: str
    #: What the form sends as `take`.
    take: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A field that waits, with both values as they are now. Holds a person's data."""

    label: str
    contact: Shown
    patient: Shown
    why: str
    review_id: str = ""
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question about the pair or the person as a whole. Holds people's data."""

    kind: ReviewKind
    review_id: str
    text: str
    #: The records among which to choose.
    candidates: tuple[Who, ...] = ()
    candidate_side: Side = Side.HINT
    #: Word of the button that answers "none of them"; empty if one must be kept.
    none: str = ""


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that failed too often."""

    record: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything that the contact panel shows. Holds people's data."""

    contact_id: RecordId
    contact: Who
    patient: Who | None
    status: Status
    is_linked: bool
    is_frozen: bool
    membership: Shown | None
    #: Fields that only Hint fills, as they are in Hint now.
    hint_fields: tuple[tuple[str, Shown], ...]
    last: LastSync | None
    waiting: tuple[Waiting, ...]
    #: Name and birth date on both sides, of a pair that is frozen because both changed.
    overlay: tuple[Waiting, ...]
    questions: tuple[Question, ...]
    parked: tuple[Parked, ...]
    why: tuple[Why, ...]
    #: Systems that do not answer now.
    silent: tuple[str, ...]


def panel(standing: Standing, table: FieldTable, user_id: str) -> Panel:
    """Return how a contact stands as the panel shows it.

    Args:
        standing: What was read.
        table: The mapping in force.
        user_id: The Salesforce user who looks.
    """
    state = standing.state
    patient_id = state.link.patient_id if state else None
    waiting = _waiting(standing, table) if state else ()
    patient = standing.patient
    return Panel(
        contact_id=standing.contact_id,
        contact=who(standing.contact_id, standing.contact),
        patient=who(patient_id, patient) if patient_id else None,
        status=_status(standing),
        is_linked=patient_id is not None,
        is_frozen=state is not None and state.link.status is LinkStatus.FROZEN,
        membership=shown(table[MEMBERSHIP], patient.values.get(MEMBERSHIP, ABSENT)) if patient else None,
        hint_fields=_hint_fields(patient, table) if patient else (),
        last=last_sync(standing.trail, user_id),
        waiting=waiting,
        overlay=_overlay(standing, table),
        questions=tuple(_question(each, standing) for each in standing.reviews if each.kind not in OF_FIELDS),
        parked=tuple(_parked(each) for each in standing.parked),
        why=why_here(standing.trail, table, user_id) if state else (),
        silent=tuple(SYSTEM[side] for side in Side if side in standing.silent),
    )


def _status(standing: Standing) -> Status:
    state = standing.state
    if state is None:
        return _unlinked(standing.contact)
    reason = state.link.reason or ""
    match state.link.status:
        case LinkStatus.ACTIVE:
            return Status("Linked", "good")
        case LinkStatus.RESERVED:
            return Status("Being linked", "plain", "The first sync of this contact was begun and is not finished yet.")
        case LinkStatus.SUSPENDED:
            text = f"The link is suspended ({reason}). It goes on by itself when both records are there again."
            return Status("Suspended", "warn", text)
        case _:
            return _frozen(state, reason)


def _frozen(state: LinkState, reason: str) -> Status:
    if intent_of(state.link) is not None:
        return Status("Being unlinked", "plain", "The link is being ended; what is left of that is done in a moment.")
    if is_restored(state.link):
        text = "hintsync was restored from a backup. Both systems are asked whether this link still is; that takes minutes."
        return Status("Being checked", "plain", text)
    if reason == DOUBTED:
        text = "hintsync was restored from a backup, and the two records do not agree whether they are still linked."
    elif reason == "G4":
        text = "Name and date of birth changed together, as if one person’s record was filled with another’s data."
    else:
        text = "Two linked records were merged, so somebody must say which link stays."
    return Status("Waiting for a decision", "warn", f"{text} Nothing is synced until somebody decides.")


def _unlinked(contact: Snapshot | None) -> Status:
    if contact is not None and contact.person_account:
        return Status("Not linked", "plain", "This contact belongs to a person account, which hintsync does not sync.")
    if contact is not None and contact.peer_id:
        text = f"The contact shows the Hint Patient ID {contact.peer_id}, but no link is known. Sync to Hint links it."
        return Status("Not linked", "warn", text)
    return Status("Not linked", "plain", "Sync to Hint finds this contact’s patient in Hint, or creates one.")


def _hint_fields(patient: Snapshot, table: FieldTable) -> tuple[tuple[str, Shown], ...]:
    rows = [row for row in table if row.one_way and row.name != MEMBERSHIP]
    return tuple((row.label, shown(row, patient.values.get(row.name, ABSENT))) for row in rows)


def _waiting(standing: Standing, table: FieldTable) -> tuple[Waiting, ...]:
    """Return the fields that wait, in table order, each with the review that decides it."""
    holds = standing.state.holds if standing.state else {}
    reviews = {each.field_name: each for each in standing.reviews if each.kind in OF_FIELDS}
    names = [row.name for row in table if row.name in holds or row.name in reviews]
    return tuple(_field_waits(standing, table, name, holds.get(name), reviews.get(name)) for name in names)


def _field_waits(
    standing: Standing, table: FieldTable, name: FieldName, hold: Hold | None, review: Review | None
) -> Waiting:
    kind = None if hold is None or (review and review.kind is ReviewKind.OVERWRITTEN) else hold.kind
    contact, patient = (_value(standing, table, side, name) for side in (Side.SALESFORCE, Side.HINT))
    takes = [
        side
        for side, value in ((Side.SALESFORCE, contact), (Side.HINT, patient))
        if not value.nothing or (value.nothing == "blank" and kind is not HoldKind.CLEAR)
    ]
    choices = tuple(Choice(f"Take {SYSTEM[side]}’s value", str(side)) for side in takes) if review else ()
    why = hold_words(kind, hold.reason if hold else "")
    return Waiting(table[name].label, contact, patient, why, review.id if review else "", choices)


def _value(standing: Standing, table: FieldTable, side: Side, name: FieldName) -> Shown:
    record = standing.contact if side is Side.SALESFORCE else standing.patient
    return shown(table[name], record.values.get(name, ABSENT)) if record else Shown(nothing="not known now")


def _overlay(standing: Standing, table: FieldTable) -> tuple[Waiting, ...]:
    """Return name and birth date on both sides, if the pair is frozen because they changed together."""
    if not any(each.kind is ReviewKind.OVERLAY for each in standing.reviews):
        return ()
    return tuple(_both(standing, table, name) for name in KEY_FIELDS)


def _both(standing: Standing, table: FieldTable, name: FieldName) -> Waiting:
    contact, patient = (_value(standing, table, side, name) for side in (Side.SALESFORCE, Side.HINT))
    return Waiting(table[name].label, contact, patient, "")


def _question(review: Review, standing: Standing) -> Question:
    side = candidate_side(review)
    found = tuple(who(each, _candidate(standing, side, each)) for each in review.candidates)
    text, none = _asked(review)
    return Question(review.kind, review.id, text, () if review.kind is ReviewKind.OVERLAY else found, side, none)


def _candidate(standing: Standing, side: Side, record_id: RecordId) -> Snapshot | None:
    own = standing.contact if side is Side.SALESFORCE else standing.patient
    return own if own is not None and own.id == record_id else standing.candidates.get((side, record_id))


def _asked(review: Review) -> tuple[str, str]:
    """Return a question in words, and the word for "none of them"."""
    other = RECORD[candidate_side(review)]
    if review.kind is ReviewKind.OVERLAY:
        doubted = review.details.get("reason") == DOUBTED
        return "Are these two still the same person?" if doubted else "Is this still the same person?", ""
    if review.kind is ReviewKind.MERGE:
        if review.details.get("rule") in BOTH_FROZEN:
            return f"Two linked records were merged into one. Which {other} stays linked with it?", ""
        return (
            f"The {RECORD[review.side]} is gone, perhaps merged. Did one of these take its place?",
            "None took its place",
        )
    if review.kind in OF_MATCHING and review.candidates:
        return f"Is this person one of these {other}s in {SYSTEM[candidate_side(review)]}?", "None of them"
    return _MATCHING.get(review.kind, "Somebody must look at this record."), ""


_MATCHING: Final = {
    ReviewKind.INCOMPLETE: "First name, last name or date of birth is missing, so no patient can be matched by itself.",
    ReviewKind.CREATE_UNKNOWN: "A record was being created and the answer was lost. Search for it before creating it again.",
    ReviewKind.DUPLICATE_RULE: "A duplicate rule in Salesforce kept the contact from being created.",
}


def _parked(dirty: Dirty) -> Parked:
    return Parked(f"{SYSTEM[dirty.side]} {RECORD[dirty.side]}", dirty.parked or "", dirty.attempts)
