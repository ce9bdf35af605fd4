"""One review as a page shows it: records side by side, field by field, with what differs said in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hintsync.core.fields import KEY_FIELDS, FieldMapping
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.near import Caution, Grade, NearMatch
from hintsync.core.near_weights import Field
from hintsync.core.records import Snapshot
from hintsync.core.values import ABSENT, Side
from hintsync.engine.reviews.cases import CaseRecord, ReviewCase
from hintsync.engine.reviews.standing import OF_FIELDS
from hintsync.state.port import ReviewKind
from hintsync.surfaces.web.views.rule_words import RECORD, SYSTEM, evidence_words
from hintsync.surfaces.web.views.values import Shown, Who, shown, who

_GRADES: Final = {
    Grade.CERTAIN: "Same name and date of birth",
    Grade.PROBABLE: "Probably the same person",
    Grade.POSSIBLE: "Possibly the same person",
    None: "Hardly alike",
}
#: What people who live together have in common.
_OF_A_HOME: Final = frozenset({Field.STREET, Field.EMAIL, Field.PHONE})
_HOUSEHOLD: Final = (
    "Home, e-mail or phone are shared. People who live together share them, so they never link anybody by themselves."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One record's value of a field. Holds a person's data."""

    value: Shown
    #: "same", "differs", "only here" or "" in words, compared with the first record.
    verdict: str = ""

    @property
    def differs(self) -> bool:
        """Whether it is not what the first record has."""
        return self.verdict in ("differs", "only here", "missing here")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of all records."""

    label: str
    cells: tuple[Cell, ...]
    #: It is what is asked about.
    in_question: bool = False


@dataclass(frozen=True, slots=True)
class Weighed:
    """One line of evidence."""

    text: str
    #: "for", "against" or "neutral".
    speaks: str
    #: Bits, with a sign.
    weight: str


@dataclass(frozen=True, slots=True)
class Column:
    """One record. Holds a person's data."""

    #: "Salesforce contact" or "Hint patient".
    record: str
    side: Side
    who: Who
    is_candidate: bool
    is_there: bool
    linked_to: str
    grade: str = ""
    evidence: tuple[Weighed, ...] = ()
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """How one side's value came about."""

    system: str
    text: str
    #: When the record as a whole last changed, by its own system; ISO 8601.
    changed_at: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A review with its records side by side. Holds people's data."""

    columns: tuple[Column, ...]
    rows: tuple[FieldRow, ...]
    moved: tuple[Moved, ...]
    #: When both last showed the same; ISO 8601, or empty.
    agreed_at: str
    silent: tuple[str, ...]
    left_out: int


def case_view(case: ReviewCase, table: FieldTable) -> CaseView:
    """Return a review with its records as a page shows them."""
    records = [case.subject, *case.candidates]
    return CaseView(
        columns=tuple(_column(each, is_candidate=number > 0) for number, each in enumerate(records)),
        rows=tuple(_rows(case, records, table)),
        moved=_moved(case, records) if case.review.kind in OF_FIELDS else (),
        agreed_at=case.agreed.at if case.agreed else "",
        silent=tuple(SYSTEM[side] for side in Side if side in case.silent),
        left_out=case.left_out,
    )


def _column(found: CaseRecord, *, is_candidate: bool) -> Column:
    match = found.match
    return Column(
        record=f"{SYSTEM[found.side]} {RECORD[found.side]}",
        side=found.side,
        who=who(found.record_id, found.record),
        is_candidate=is_candidate,
        is_there=found.record is not None,
        linked_to=found.linked_to or "",
        grade=_GRADES[match.grade] if match else "",
        evidence=_evidence(match) if match else (),
        cautions=_cautions(match) if match else (),
    )


def _evidence(match: NearMatch) -> tuple[Weighed, ...]:
    return tuple(
        Weighed(
            evidence_words(line),
            "for" if line.weight > 0 else "against" if line.weight < 0 else "neutral",
            f"{line.weight:+.1f}",
        )
        for line in match.evidence
    )


def _cautions(match: NearMatch) -> tuple[str, ...]:
    told = [_sentence(caution.value) for caution in match.cautions]
    shared = any(line.field in _OF_A_HOME and line.weight > 0 for line in match.evidence)
    if shared and Caution.HOUSEHOLD_ONLY not in match.cautions:
        told.append(_HOUSEHOLD)
    return tuple(told)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _rows(case: ReviewCase, records: list[CaseRecord], table: FieldTable) -> list[FieldRow]:
    """Return the fields worth a look: the one in question, or all two-way ones that any record shows a value of."""
    review = case.review
    if review.kind in OF_FIELDS and review.field_name in table.by_name:
        wanted = [table[review.field_name]]
    else:
        wanted = [row for row in table if not row.one_way]
    asked = {review.field_name} if review.field_name else set()
    if review.kind is ReviewKind.OVERLAY:
        asked = set(KEY_FIELDS)
    rows = [_row(row, records, in_question=row.name in asked) for row in wanted]
    return [row for row in rows if row.in_question or any(cell.value.text for cell in row.cells)]


def _row(row: FieldMapping, records: list[CaseRecord], *, in_question: bool) -> FieldRow:
    first, *others = (_value(row, each.record) for each in records)
    cells = [Cell(first), *(Cell(value, _verdict(first, value)) for value in others)]
    return FieldRow(row.label, tuple(cells), in_question)


def _value(row: FieldMapping, record: Snapshot | None) -> Shown:
    return shown(row, record.values.get(row.name, ABSENT)) if record else Shown(nothing="not known now")


def _verdict(first: Shown, other: Shown) -> str:
    if "not" in first.nothing or "not" in other.nothing:
        return ""
    if first.text == other.text:
        return "same" if first.text else ""
    if not first.text:
        return "only here"
    return "differs" if other.text else "missing here"


def _moved(case: ReviewCase, records: list[CaseRecord]) -> tuple[Moved, ...]:
    """Say for each side whether it left what both last agreed on."""
    told = []
    for each in records:
        if each.record is None:
            continue
        if case.moved is None:
            text = "Nothing was agreed on in this field yet."
        elif each.side in case.moved:
            text = f"Changed in {SYSTEM[each.side]} since the two last agreed."
        else:
            text = f"Still what the two last agreed on; {SYSTEM[each.side]} did not change it."
        told.append(Moved(SYSTEM[each.side], text, each.record.stamp.partition("#")[0]))
    return tuple(told)
