"""The results of a run as a page shows them: one line a record, with links to it; ids and words only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.batch.csv_ids import CONTACT_PREFIX, RECORD_ID
from hintsync.state.port import RunRow
from hintsync.surfaces.web.views.run_words import field_label, outcome_badge, outcome_name, reason_words

#: Records of one page.
PAGE = 50
#: Candidates of one record that are shown; the review queue shows them all.
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ResultLine:
    """What became of one record."""

    position: int
    #: Contacts and patients that it is about, the record itself among them.
    contacts: tuple[str, ...]
    patients: tuple[str, ...]
    #: Ids that are not shown.
    more: int
    #: Where a row of a file names no contact: its line.
    place: str
    outcome: str
    badge: str
    why: str
    rule: str
    #: Fields written, by system, and fields that wait.
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a filter."""

    value: str
    name: str
    chosen: bool


def result_line(row: RunRow) -> ResultLine:
    """Return one record's result."""
    named = not row.record_id.startswith("line ")
    ids = ((row.record_id,) if named else ()) + row.peers
    contacts = [each for each in dict.fromkeys(ids) if is_contact(each)]
    patients = [each for each in dict.fromkeys(ids) if not is_contact(each)]
    return ResultLine(
        position=row.position,
        contacts=tuple(contacts[:_MOST_SHOWN]),
        patients=tuple(patients[:_MOST_SHOWN]),
        more=max(len(contacts) - _MOST_SHOWN, 0) + max(len(patients) - _MOST_SHOWN, 0),
        place="" if named else f"{row.record_id} of the file",
        outcome=outcome_name(row.outcome),
        badge=outcome_badge(row.outcome),
        why=reason_words(row.reason),
        rule=row.rule,
        fields=tuple(_fields(row)),
    )


def is_contact(record_id: str) -> bool:
    """Say whether an id is a Salesforce contact's; every other id in a result is a patient's."""
    return record_id.startswith(CONTACT_PREFIX) and bool(RECORD_ID.fullmatch(record_id))


def _fields(row: RunRow) -> Iterable[str]:
    for side, system in ((Side.SALESFORCE, "in Salesforce"), (Side.HINT, "in Hint")):
        names = row.written.get(side, ())
        if names:
            yield f"{system}: " + ", ".join(field_label(name) for name in names)
    if row.held:
        yield "waiting for a decision: " + ", ".join(field_label(name) for name in row.held)


def outcome_choices(counts: Mapping[tuple[Outcome, str | None], int], chosen: str) -> list[Choice]:
    """Return the choices of the filter by outcome."""
    sums: dict[Outcome, int] = {}
    for (outcome, _), count in counts.items():
        sums[outcome] = sums.get(outcome, 0) + count
    ordered = sorted(sums, key=lambda each: (-sums[each], each))
    every = Choice("", f"All ({sum(sums.values()):,})", not chosen)
    return [every, *(Choice(str(o), f"{outcome_name(o)} ({sums[o]:,})", str(o) == chosen) for o in ordered)]


def reason_choices(counts: Mapping[tuple[Outcome, str | None], int], outcome: str, chosen: str) -> list[Choice]:
    """Return the choices of the filter by reason, within the outcome that is chosen."""
    sums: dict[str, int] = {}
    for (each, reason), count in counts.items():
        if reason and outcome in ("", str(each)):
            sums[reason] = sums.get(reason, 0) + count
    ordered = sorted(sums, key=lambda each: (-sums[each], each))
    return [
        Choice("", "Any", not chosen),
        *(Choice(r, f"{reason_words(r)} ({sums[r]:,})", r == chosen) for r in ordered),
    ]


def count_chosen(counts: Mapping[tuple[Outcome, str | None], int], outcome: str, reason: str) -> int:
    """Return how many records a filter lets through."""
    return sum(
        count for (each, why), count in counts.items() if outcome in ("", str(each)) and (not reason or why == reason)
    )
