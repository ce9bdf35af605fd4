"""Runs, outcomes and reasons in words that people understand; no word names a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.plan import Outcome
from hintsync.state.port import RunKind

KINDS: Final[Mapping[RunKind, str]] = {
    RunKind.BATCH_PATIENTS: "Batch Sync Patients to Contacts",
    RunKind.BATCH_CONTACTS: "Batch Sync Contacts to Patients",
    RunKind.SYNC: "Sync of all linked pairs",
    RunKind.MANUAL: "Sync by hand",
    RunKind.CATCH_UP: "Catch-up",
    RunKind.PARITY: "Parity check",
    RunKind.HELD: "Plan that a guard kept",
}

#: What became of a record, for somebody who reads the word for the first time.
OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.LINKED: "One exact match: the contact and the patient are linked and synced.",
    Outcome.CREATED: "Nobody matched: a new contact is created and linked.",
    Outcome.SYNCED: "Linked already: the pair gets an ordinary sync.",
    Outcome.ALREADY_LINKED: "Linked already: skipped.",
    Outcome.NO_MATCH: "Nobody has this first name, last name and date of birth: nothing is created.",
    Outcome.AMBIGUOUS: "Several records match: skipped, and put into the review queue.",
    Outcome.CONTACT_ALREADY_SYNCED: "The contact that matches is synced with another patient: nothing is linked.",
    Outcome.PATIENT_ALREADY_LINKED: "The patient that matches is linked with another contact: skipped.",
    Outcome.TO_REVIEW: "A near match only: put into the review queue.",
    Outcome.INCOMPLETE: "First name, last name or date of birth is missing, or is a placeholder.",
    Outcome.FIRST_NAME_NEEDED: "The contact has no first name, and Hint needs one.",
    Outcome.PERSON_ACCOUNT: "The contact belongs to a person account: skipped.",
    Outcome.ARCHIVED: "The patient is archived in Hint: a person may link it.",
    Outcome.SUSPENDED: "The link is suspended, because one of its records is gone: skipped.",
    Outcome.FROZEN: "The link is frozen until somebody decides: skipped.",
    Outcome.DECLINED: "A person parted or declined this pair: nothing automatic links it.",
    Outcome.DUPLICATE_RULE: "A duplicate rule in Salesforce refused the new contact: put into the review queue.",
    Outcome.NOT_FOUND: "The record is not there.",
    Outcome.BAD_ID: "The row of the file names no contact.",
    Outcome.REPEATED: "The row of the file names a contact that an earlier row names.",
    Outcome.CHANGED_SINCE: "It is not any more what the plan said: left alone.",
    Outcome.DIFFERS: "The two records do not agree, and nothing waits for them.",
    Outcome.FAILED: "A system did not take it: see the reason.",
}

#: How good or bad an outcome is: a kind of badge.
_GOOD = frozenset({Outcome.LINKED, Outcome.CREATED, Outcome.SYNCED, Outcome.ALREADY_LINKED})
_BAD = frozenset({Outcome.FAILED, Outcome.BAD_ID, Outcome.DIFFERS})
_ASKS = frozenset({Outcome.AMBIGUOUS, Outcome.TO_REVIEW, Outcome.DUPLICATE_RULE, Outcome.FROZEN, Outcome.CHANGED_SINCE})

_REASONS: Final[Mapping[str, str]] = {
    "recovered": "found again: the contact shows this very patient",
    "unfinished-create": "a create that was begun earlier is finished",
    "patients-share-key": "several patients share the name and date of birth",
    "several-candidates": "several contacts share the name and date of birth",
    "several-contacts-show-this-patient": "several contacts show this patient’s id",
    "marked-without-our-link": "Synced to Hint is ticked, but hintsync knows of no link",
    "linked-to-another": "it is linked with somebody else",
    "shows-another-patient": "the contact shows another patient’s id",
    "automatic-links-are-off": "“Link new patients automatically” is off",
    "near-match-probable": "probably the same person, but not an exact match",
    "near-match-possible": "possibly the same person",
    "checksum": "the last three letters of the id do not fit the others",
    "not an id": "the first cell is no Salesforce ID",
    "id of another object": "the id is not a contact’s",
    "named before": "an earlier row names this contact",
    "not as approved": "the records changed, so that something else would be written than was approved",
    "planned, not there any more": "it was planned, and the record is not there any more",
    "DUPLICATES_DETECTED": "a duplicate rule in Salesforce",
    "G4": "name and date of birth changed together: is it still the same person?",
    "merged": "the record was merged",
}

_PHASES: Final[Mapping[str, str]] = {
    "reading both sides": "Reading both systems",
    "linking and syncing": "Linking and syncing",
    "linking": "Linking and syncing",
    "syncing": "Syncing",
    "stamping contacts": "Noting the results on the contacts",
    "approved": "Approved",
}

_STOPPED: Final[Mapping[str, tuple[str, str]]] = {
    "safety-stop": ("A guard or a pause stopped it. End the stop first; then press Resume.", "/stops"),
    "budget-spent": (
        "The day’s API calls run low. Press Resume when there are calls again; live sync goes on.",
        "/health",
    ),
    "retry-later": ("A system did not answer. Press Resume in a moment.", "/health"),
    "unknown-outcome": ("An answer was lost. Press Resume: it looks before it writes again.", ""),
    "fix-configuration": ("Something is not set up. Set it right; then press Resume.", "/connection"),
    "reconnect-needed": ("A system refused our login. Connect it again; then press Resume.", "/connection"),
    "bad-input": ("It cannot be carried out as it is. Make a new dry run.", "/batches"),
    "worker-died": ("Look into the log of the service for the cause. Then press Resume.", "/log"),
    "unforeseen": ("Tell whoever runs hintsync the number of the incident. You may press Resume.", "/log"),
}


def outcome_badge(outcome: Outcome) -> str:
    """Return the kind of badge for an outcome."""
    if outcome in _GOOD:
        return "good"
    if outcome in _BAD:
        return "bad"
    return "warn" if outcome in _ASKS else "plain"


def outcome_name(outcome: Outcome) -> str:
    """Return an outcome's word, as a heading: `Already linked`."""
    return str(outcome)[:1].upper() + str(outcome)[1:]


def reason_words(reason: str | None) -> str:
    """Say a reason of a result; one without words of its own stands as it is, it is ours."""
    return _REASONS.get(reason, reason) if reason else ""


def phase_words(phase: object) -> str:
    """Say what a run does now."""
    text = str(phase or "")
    return _PHASES.get(text, text[:1].upper() + text[1:])


def stopped_words(reason: str | None) -> tuple[str, str]:
    """Return what to do about a run that was stopped, and the path of the page that helps, if one does."""
    code = (reason or "").partition(":")[0]
    return _STOPPED.get(code, ("Press Resume to go on where it stopped.", ""))


def field_label(name: str) -> str:
    """Return what people call a field."""
    row = DEFAULT_MAPPING.by_name.get(name)
    return row.label if row else name


def duration_words(seconds: float) -> str:
    """Say how long something takes, roughly: `about 4 minutes`."""
    if seconds < 55:
        return f"about {max(round(seconds / 5) * 5, 5)} seconds"
    if seconds < 3300:
        minutes = round(seconds / 60)
        return "about a minute" if minutes <= 1 else f"about {minutes} minutes"
    hours = round(seconds / 1800) / 2
    return "about an hour" if hours <= 1 else f"about {hours:g} hours"
