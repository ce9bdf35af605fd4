"""The rows of the semantics in words that a person at a front desk understands; no word names a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hintsync.core.near import Evidence
from hintsync.core.near_weights import Field, Verdict
from hintsync.core.records import HoldKind
from hintsync.core.values import Side

SYSTEM: Final = {Side.SALESFORCE: "Salesforce", Side.HINT: "Hint"}
RECORD: Final = {Side.SALESFORCE: "contact", Side.HINT: "patient"}

#: Why a field has, or gets, its value.
RULES: Final = {
    "F1": "both systems show what they agreed on before",
    "F2": "it was changed in Hint and not in Salesforce",
    "F3": "it was changed in Salesforce and not in Hint",
    "F4": "both systems were changed to the same value",
    "F5": "both systems were changed to different values",
    "F6": "one system does not show this field, so it is left alone",
    "F6a": "Hint takes this field and never shows it; it was changed in Salesforce",
    "F7": "it was emptied on one side",
    "F8": "a system did not take this value",
    "F9": "a system did not take the record",
    "I1": "both records had the same value when they were linked",
    "I3": "the patient’s was blank when they were linked, so the contact’s was taken",
    "I4": "the contact’s was blank when they were linked, so the patient’s was taken",
    "I5": "both records were blank when they were linked",
    "I6": "Hint takes this field and never shows it, so it was given the contact’s value",
    "U3": "the contact had it from the patient it was linked with before, so the new patient’s is taken",
    "W1": "it follows Hint, and both systems show the same",
    "W2": "it follows Hint, where it was changed",
    "W3": "it follows Hint; an edit in Salesforce was set back",
    "G7": "it was written too often, to and fro",
    "L2": "the record was created with it",
    "U1": "the contact was unlinked",
}

#: The same before it is done, where that reads otherwise.
_AHEAD: Final = {
    "I1": "both records have the same value",
    "I3": "the patient’s is blank, so the contact’s is taken",
    "I4": "the contact’s is blank, so the patient’s is taken",
    "I5": "both records are blank",
    "I6": "Hint takes this field and never shows it",
    "F6a": "Hint takes this field and never shows it",
    "W1": "both systems show the same",
    "W2": "it follows Hint",
    "W3": "it follows Hint; an edit in Salesforce is set back",
    "U3": "the contact has it from the patient it is linked with now, so the new patient’s is taken",
}

_HOLDS: Final = {
    HoldKind.CONFLICT: "It was changed in both systems, to different values. Neither is overwritten until somebody decides.",
    HoldKind.CLEAR: "It was emptied on one side. This field is not emptied on the other side without a decision.",
    HoldKind.REFUSED: "A system did not take the value. It is tried again when either record changes.",
    HoldKind.UNVERIFIED: "Writes of this kind are paused, because a system did not keep an earlier one as it was sent.",
    HoldKind.LOOP: "It was written again and again, to and fro, so it is left alone now. Some other program may be at it.",
    HoldKind.RECOVERED: "The link was found again, or came out of a backup. Nobody can tell which value is newer.",
}
_OVERWRITTEN: Final = "An edit may have been overwritten while this field was being written. Look which value is right."

_REFUSALS: Final = {
    "read-only": "the field can be read and not written there",
    "too-long": "the value is longer than the field takes",
    "not-a-choice": "the value is none of those the field offers",
}

_VERDICTS: Final = {
    Verdict.EQUAL: "the same",
    Verdict.EQUAL_BUT_MARKS: "the same but for accents, spaces or marks",
    Verdict.NICKNAME: "one is a nickname of the other",
    Verdict.PART: "one is part of the other",
    Verdict.MIDDLE_NAME_USED: "one is the other’s middle name",
    Verdict.INITIAL: "an initial, which agrees",
    Verdict.MISSING: "missing on one side",
    Verdict.FIRST_OF_JANUARY: "the same, a first of January, which often means unknown",
    Verdict.DAY_AND_MONTH_SWAPPED: "the same with day and month swapped",
    Verdict.PLACEHOLDER: "a date that means unknown",
}


def rule_words(rows: Iterable[str], written: Side | None = None) -> str:
    """Say why a field has its value; several reasons are joined by "or", since the trail keeps them for several fields.

    Args:
        rows: Rows of the semantics; unknown ones are left out.
        written: The side that was written; tells who won where both had a value.
    """
    told = []
    for row in rows:
        if row == "I2":
            winner = f"; the {RECORD[written.other]}’s was kept" if written else ""
            told.append(f"both records had a value when they were linked{winner}")
        elif row in RULES:
            told.append(RULES[row])
    return " or ".join(told)


def words_ahead(row: str, written: Side | None = None) -> str:
    """Say why a field will get, or keep, its value.

    Args:
        row: Row of the semantics.
        written: The side that will be written; tells who wins where both have a value.
    """
    if row == "I2" and written:
        return f"both records have a value; the {RECORD[written.other]}’s is kept"
    return _AHEAD.get(row) or RULES.get(row, f"rule {row}")


def hold_words(kind: HoldKind | None, reason: str = "") -> str:
    """Say why a field waits; without a kind, an edit may have been overwritten."""
    if kind is None:
        return _OVERWRITTEN
    if kind is HoldKind.REFUSED:
        return f"{_HOLDS[kind]} ({refusal_words(reason)})" if reason else _HOLDS[kind]
    return _HOLDS[kind]


def refusal_words(reason: str) -> str:
    """Say what a side said against a value: ours in words, a vendor's code as it is."""
    side, colon, code = reason.partition(":")
    if colon and side in set(Side):
        return f"{SYSTEM[Side(side)]} says {code}"
    return _REFUSALS.get(reason, reason)


def evidence_words(line: Evidence) -> str:
    """Say a line of evidence: what was compared, and how it came out."""
    field = "First and last name swapped" if line.field is Field.SWAPPED_NAME else line.field.value.capitalize()
    return f"{field}: {_VERDICTS.get(line.verdict, line.verdict.value)}"
