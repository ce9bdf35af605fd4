"""The table of synced fields: names in both systems, direction, how values are compared, limits, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hintsync.core.fields import ConflictPolicy, FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.values import Side
from hintsync.ports import Described

POLICIES: tuple[tuple[str, str], ...] = (
    (str(ConflictPolicy.HOLD), "Hold for review"),
    (str(ConflictPolicy.HINT), "Hint wins"),
    (str(ConflictPolicy.SALESFORCE), "Salesforce wins"),
)
_COMPARED: Mapping[Kind, str] = {
    Kind.TEXT: "Text; spaces around it and doubled ones do not count",
    Kind.EMAIL: "E-mail address; capital letters do not count",
    Kind.DATE: "Calendar day",
    Kind.TIMESTAMP: "Moment, to the second",
    Kind.CHECKBOX: "Yes or no",
    Kind.PHONE: "Phone number; however it is written, the same number is the same",
    Kind.STREET: "Two lines in Hint, one field of several lines in Salesforce",
    Kind.STATE: "State; name and two-letter code are the same",
    Kind.COUNTRY: "Country; name and code are the same",
    Kind.GENDER: "Gender; each system’s own words are translated",
}
#: End of the API names of fields that our package brings.
_OURS = "Hint_"


@dataclass(frozen=True, slots=True)
class FieldNote:
    """Something about a field that a person should know."""

    text: str
    #: What to do about it; empty: nothing is wrong.
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field."""

    name: str
    label: str
    hint: str
    salesforce: str
    direction: str
    compared: str
    #: What fits into both systems, such as "40 characters"; empty: no limit is known.
    limit: str
    #: It only follows Hint.
    one_way: bool
    policy: str
    notes: tuple[FieldNote, ...] = ()
    #: What somebody else set the policy to while the form was open.
    overtaken: str = ""

    @property
    def in_trouble(self) -> bool:
        """Whether it is not synced as it should be."""
        return any(note.remedy for note in self.notes)


def field_rows(
    table: FieldTable,
    described: Mapping[Side, Described],
    policies: Mapping[str, str],
    overtaken: Mapping[str, str] | None = None,
) -> tuple[FieldRow, ...]:
    """Return the rows of the table.

    Args:
        table: the mapping in force.
        described: what the systems say of their fields; empty while they are not connected.
        policies: field name to policy, for two-way fields, as typed or stored.
        overtaken: field name to the policy that somebody else set meanwhile.
    """
    return tuple(_row(row, described, policies, overtaken or {}) for row in table)


def policy_word(policy: str) -> str:
    """Return what a policy is called on the page."""
    return dict(POLICIES).get(policy, policy)


def _row(
    row: FieldMapping, described: Mapping[Side, Described], policies: Mapping[str, str], overtaken: Mapping[str, str]
) -> FieldRow:
    meanwhile = overtaken.get(row.name, "")
    return FieldRow(
        name=row.name,
        label=row.label,
        hint=_in_hint(row),
        salesforce=row.salesforce,
        direction="Hint to Salesforce" if row.one_way else "Both ways",
        compared=_COMPARED[row.kind],
        limit=_limit(row, described),
        one_way=row.one_way,
        policy=policies.get(row.name, str(row.policy)),
        notes=tuple(_notes(row, described)),
        overtaken=policy_word(meanwhile) if meanwhile else "",
    )


def _in_hint(row: FieldMapping) -> str:
    if row.kind is Kind.PHONE:
        return f"phones, type {row.hint[0]}"
    if row.kind is Kind.STREET:
        return ", ".join(row.hint)
    first, *others = row.hint
    return first + (f" (or {', '.join(others)})" if others else "")


def _limit(row: FieldMapping, described: Mapping[Side, Described]) -> str:
    lengths = [said.max_length[row.name] for said in described.values() if row.name in said.max_length]
    choices = [len(said.choices[row.name]) for said in described.values() if row.name in said.choices]
    told = [f"{min(lengths):,} characters"] if lengths else []
    return ", ".join(told + [f"{number:,} choices" for number in choices])


def _notes(row: FieldMapping, described: Mapping[Side, Described]) -> list[FieldNote]:
    notes = []
    org = described.get(Side.SALESFORCE)
    if org is not None and row.name in org.missing:
        notes.append(FieldNote("The org does not have this field, or does not show it to hintsync.", _missing(row)))
    elif org is not None and row.name in org.read_only:
        remedy = (
            "Give the permission set Hint Sync to the user that hintsync signs in as, and check field-level security."
        )
        notes.append(FieldNote("hintsync may read this field in Salesforce and not write it.", remedy))
    if Side.HINT in row.write_only:
        notes.append(FieldNote("Hint takes it and never shows it, so an edit in Hint is not seen."))
    if row.one_way:
        notes.append(FieldNote("Read-only in Salesforce: an edit there is set back."))
    elif not row.clearable:
        notes.append(FieldNote("Emptying it on one side never empties the other; it is put to review."))
    return notes


def _missing(row: FieldMapping) -> str:
    if row.salesforce.startswith(_OURS):
        return "Install our package again, and give the permission set Hint Sync to the user that hintsync signs in as."
    if row.salesforce == "MiddleName":
        return "In Setup, under User Interface, enable middle names for person names."
    return "In Setup, let the user that hintsync signs in as see this field of Contact (field-level security)."
