"""What a search found, as the results of Sync to Hint show it: ranked, with the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hintsync.core.near import Grade, NearMatch
from hintsync.core.near_weights import Verdict
from hintsync.core.person import Person
from hintsync.core.records import RecordId
from hintsync.engine.search.patients import Likely, Looked
from hintsync.surfaces.web.views.rule_words import evidence_words
from hintsync.surfaces.web.views.values import Who, who_of

_GRADES: Final = {
    Grade.CERTAIN: "Same name and date of birth",
    Grade.PROBABLE: "Probably the same person",
    Grade.POSSIBLE: "Possibly the same person",
}
#: Bits from which a line of evidence is worth a word; less says nothing either way.
_WORTH_SAYING: Final = 0.5
#: Milliseconds until it is worth searching again: while patients are being read, and for names that are being fetched.
_WHILE_READING, _FOR_NAMES = 2000, 500
#: The same, while what changed of late is being read.
_FOR_CHANGES = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of evidence."""

    text: str
    #: "for", "against" or "caution".
    speaks: str


@dataclass(frozen=True, slots=True)
class Result:
    """One patient that was found. Holds people's data."""

    patient: Who
    #: How sure it is; empty where there is nothing to say.
    grade: str
    reasons: tuple[Reason, ...]
    #: The contact it is linked with now.
    linked_to: Who | None
    #: It is linked with the contact that somebody searches for.
    is_linked_here: bool
    archived: bool


@dataclass(frozen=True, slots=True)
class Results:
    """The answer to a search."""

    found: tuple[Result, ...]
    searched: int
    complete: bool
    total: int | None
    trouble: bool
    #: Whoever was born on the day that is looked for was found, although others may be missing.
    by_birth_date: bool
    #: Names of contacts are still being fetched.
    names_to_come: bool
    #: What changed of late is being read; hardly ever anybody who is looked for.
    changes_to_come: bool = False

    @property
    def again(self) -> int:
        """Milliseconds after which a search by itself brings more; 0: this is all there is."""
        if not self.complete:
            return _WHILE_READING
        if self.names_to_come:
            return _FOR_NAMES
        return _FOR_CHANGES if self.changes_to_come else 0

    @property
    def count_words(self) -> str:
        """How many were found, for the eye and for screen readers."""
        if not self.found:
            return "No patient found"
        return "1 patient found" if len(self.found) == 1 else f"{len(self.found)} patients found"


def results(looked: Looked, contact_id: RecordId, names: Mapping[RecordId, Person | None]) -> Results:
    """Return what was found as a page shows it.

    Args:
        looked: What the search brought.
        contact_id: The contact that a patient is searched for.
        names: The contacts that these patients are linked with, as far as they were asked for; None: nobody is there.
    """
    found = tuple(_result(each, contact_id, names) for each in looked.found)
    to_come = any(each.hit.linked_to and each.hit.linked_to not in names for each in looked.found)
    trouble = looked.trouble is not None
    return Results(
        found,
        looked.searched,
        looked.complete,
        looked.total,
        trouble,
        looked.by_birth_date,
        names_to_come=to_come,
        changes_to_come=looked.catching_up,
    )


def _result(likely: Likely, contact_id: RecordId, names: Mapping[RecordId, Person | None]) -> Result:
    entry, peer = likely.hit.found.entry, likely.hit.linked_to
    linked_to = None
    if peer is not None:
        known = names.get(peer)
        linked_to = who_of(peer, known) if known else Who(peer)
    match = likely.match
    grade = _GRADES[match.grade] if match is not None and match.grade is not None else ""
    return Result(
        patient=who_of(entry.record_id, entry.person),
        grade=grade,
        reasons=_reasons(match) if match is not None else (),
        linked_to=linked_to,
        is_linked_here=peer == contact_id,
        archived=entry.archived,
    )


def _reasons(match: NearMatch) -> tuple[Reason, ...]:
    cautions = [Reason(_sentence(each.value), "caution") for each in match.cautions]
    lines = [
        Reason(evidence_words(line), "for" if line.weight > 0 else "against")
        for line in match.evidence
        if abs(line.weight) >= _WORTH_SAYING or line.verdict is Verdict.PLACEHOLDER
    ]
    return (*cautions, *lines)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
