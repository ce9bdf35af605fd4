"""The review queue as a page shows it: what is asked, of whom, since when; and the decisions in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.records import RecordId
from hintsync.core.restored import DOUBTED
from hintsync.core.values import Side
from hintsync.engine.pairs.standing import candidate_side
from hintsync.engine.reviews.choices import Decision
from hintsync.engine.reviews.merges import BOTH_FROZEN
from hintsync.state.port import Review, ReviewKind, ReviewStatus
from hintsync.surfaces.web.views.rule_words import RECORD, SYSTEM, refusal_words

#: Reviews of one page.
PAGE_SIZE: Final = 25

KINDS: Final[Mapping[ReviewKind, str]] = {
    ReviewKind.AMBIGUOUS: "Several matches",
    ReviewKind.NEAR_MATCH: "Near match",
    ReviewKind.INCOMPLETE: "Incomplete",
    ReviewKind.CONFLICT: "Conflict",
    ReviewKind.DUPLICATE_RULE: "Duplicate rule",
    ReviewKind.OVERLAY: "Another person’s data",
    ReviewKind.MERGE: "Merged records",
    ReviewKind.REFUSED: "Refused",
    ReviewKind.CREATE_UNKNOWN: "Create without an answer",
    ReviewKind.OVERWRITTEN: "Overwritten edit",
}

_QUESTIONS: Final[Mapping[ReviewKind, str]] = {
    ReviewKind.AMBIGUOUS: "Several {others} have this {record}’s name and date of birth. Which one is this person?",
    ReviewKind.NEAR_MATCH: "No {other} matches exactly. Is one of these the same person?",
    ReviewKind.INCOMPLETE: "First name, last name or date of birth is missing, so nobody is matched by itself.",
    ReviewKind.CONFLICT: "The value was changed in both systems. Which one is right?",
    ReviewKind.DUPLICATE_RULE: "A duplicate rule kept a new {other} from being created. Is it one of these?",
    ReviewKind.OVERLAY: "Name and date of birth changed together. Is this still the same person?",
    ReviewKind.REFUSED: "A system did not take a value. Which one shall both have?",
    ReviewKind.CREATE_UNKNOWN: "A {other} was being created, and the answer was lost. Is it there by now?",
    ReviewKind.OVERWRITTEN: "An edit in Hint may have been overwritten while we wrote. Which value is right?",
}

#: The label of a decision's button, and what it does.
_DECISIONS: Final[Mapping[Decision, tuple[str, str]]] = {
    Decision.KEEP_SALESFORCE: ("Keep Salesforce’s value", "It is written to Hint; Hint’s value is replaced."),
    Decision.KEEP_HINT: ("Keep Hint’s value", "It is written to Salesforce; Salesforce’s value is replaced."),
    Decision.SAME_PERSON: (
        "It is the same person",
        "The pair is synced again; name and date of birth are carried over like any other field.",
    ),
    Decision.OTHER_PERSON: (
        "It is another person",
        "The contact is unlinked from the patient. Both records stay as they are, and the two are not linked again by themselves.",
    ),
    Decision.NONE: ("None of them", "None of these is linked or suggested for this person again."),
}


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One review in the list."""

    review_id: str
    kind: str
    side: Side
    record_id: RecordId
    #: "Salesforce contact" or "Hint patient".
    record: str
    field: str
    candidates: int
    opened_at: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision that may be taken."""

    decision: Decision
    label: str
    #: What it will do.
    effect: str


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of the queue."""

    rows: tuple[QueueRow, ...]
    #: Kind, its words, how many are open.
    kinds: tuple[tuple[str, str, int], ...]
    total: int
    page: int
    pages: int
    #: Chosen kind; empty: all.
    kind: str


def queue(reviews: Sequence[Review], table: FieldTable, *, kind: str, number: int) -> Queue:
    """Return one page of the open reviews.

    Args:
        reviews: All open ones, oldest first.
        table: The mapping in force.
        kind: Only of this kind; empty: all.
        number: Which page, from 1.
    """
    counts = Counter(each.kind for each in reviews)
    wanted = [each for each in reviews if kind in ("", each.kind)]
    pages = max(-(-len(wanted) // PAGE_SIZE), 1)
    number = min(max(number, 1), pages)
    shown = wanted[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    kinds = tuple((str(each), KINDS[each], counts[each]) for each in ReviewKind if counts[each])
    return Queue(tuple(queue_row(each, table) for each in shown), kinds, len(wanted), number, pages, kind)


def queue_row(review: Review, table: FieldTable) -> QueueRow:
    """Return one review as a line."""
    return QueueRow(
        review.id,
        KINDS[review.kind],
        review.side,
        review.record_id,
        f"{SYSTEM[review.side]} {RECORD[review.side]}",
        field_label(review, table),
        len(review.candidates),
        review.opened_at,
    )


def field_label(review: Review, table: FieldTable) -> str:
    """Return the label of the field a review is about; empty if it is about none."""
    row = table.by_name.get(review.field_name)
    return row.label if row else review.field_name


def question(review: Review) -> str:
    """Say what is asked."""
    side = candidate_side(review)
    if review.kind is ReviewKind.MERGE:
        if review.details.get("rule") in BOTH_FROZEN:
            return f"Two linked {RECORD[review.side]}s were merged into one. Which {RECORD[side]} stays linked with it?"
        return f"The {RECORD[review.side]} is gone, perhaps merged. Did one of these take its place?"
    if review.kind is ReviewKind.OVERLAY and review.details.get("reason") == DOUBTED:
        return "Were these two unlinked after the backup was taken, or are they still the same person?"
    if review.kind is ReviewKind.REFUSED and not review.field_name:
        return "A system did not take the record. Correct it there; it is tried again by itself when it changes."
    if review.kind is ReviewKind.NEAR_MATCH and not review.candidates:
        return "No record matches exactly, and none that is near is there any more."
    words = {"record": RECORD[review.side], "other": RECORD[side], "others": f"{RECORD[side]}s"}
    return _QUESTIONS[review.kind].format(**words)


def choice(decision: Decision, review: Review) -> Choice:
    """Return a decision in words."""
    if decision is Decision.NONE and review.kind is ReviewKind.MERGE:
        return Choice(decision, "None took its place", "The link goes on waiting for the record to come back.")
    if decision is Decision.LINK:
        if review.kind is ReviewKind.MERGE:
            return Choice(decision, "Keep this one", "The link stays with it, and the pair is synced.")
        return Choice(decision, "It is this one", "The two are linked and synced; the contact’s values win.")
    return Choice(decision, *_DECISIONS[decision])


def asked_because(review: Review) -> str:
    """Say the reason that was noted, in words where we have any."""
    reason = str(review.details.get("reason") or "")
    return _REASONS.get(reason, refusal_words(reason)) if reason else ""


_REASONS: Final = {
    "patients-share-key": "several patients share this name and date of birth",
    "contacts-share-key": "several contacts share this name and date of birth",
    "several-candidates": "several records share this name and date of birth",
    "several-contacts-show-this-patient": "several contacts show this patient’s Hint Patient ID",
    "marked-without-our-link": "the contact is marked as synced, and no link is known",
    "linked-to-another": "the match is linked with somebody else",
    "another-contact-shows-this-patient": "another contact shows this patient’s Hint Patient ID",
    "shows-another-patient": "the contact shows another Hint Patient ID",
    "changed-on-both-sides": "it was changed in both systems",
    "both-filled": "the link was found again or came out of a backup, and both records have a value",
    "differs-since-the-backup": "the link came out of a backup, and one of the two may have been emptied since",
    DOUBTED: "the link came out of a backup; the contact does not show the patient any more, or the patient not the contact",
    "phone-writes-paused": "writes of phone numbers are paused",
    "clears-paused": "emptying this field is paused",
    "clear-not-allowed": "this field is not emptied without a decision",
    "near-match-possible": "somebody similar is there",
    "near-match-probable": "somebody very similar is there",
    "edited in Hint while it was written": "somebody edited it in Hint while it was written",
    "edited on both sides": "it was edited in both systems",
}


def standing_words(review: Review) -> str:
    """Say how a review that is not open any more ended; empty for an open one."""
    if review.status is ReviewStatus.OPEN:
        return ""
    if review.status is ReviewStatus.OBSOLETE:
        return "This settled itself; there is nothing left to decide."
    return f"This was decided already: {review.decision}."
