"""The inputs of a form: from a field and its value to what a browser shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.appearance.layouts import Layout
from hintsync_emulators.salesforce.pages.layout import FieldItem, sections
from hintsync_emulators.salesforce.pages.shown import editable_parts, label_of
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.pages.click import Form, Person

_KINDS = {"boolean": "checkbox", "date": "date", "datetime": "datetime-local", "email": "email", "phone": "tel",
          "url": "url", "textarea": "textarea", "picklist": "select", "multipicklist": "multiple",
          "reference": "lookup"}  # fmt: skip
#: A moment as browsers write it in their inputs.
_MINUTES = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a form, named by its field."""

    field: Field
    label: str
    #: ``text``, ``textarea``, ``select``, ``multiple``, ``checkbox``, ``lookup`` or a type of HTML.
    kind: str
    value: str
    #: What it held when the form was opened: only what differs is written.
    was: str
    required: bool
    problem: str = ""

    @property
    def name(self) -> str:
        """API name of the field."""
        return self.field.name

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Value and label of what can be chosen; what the record holds is among them."""
        known = [(each.value, each.label) for each in self.field.values if each.active]
        return [*known, *((one, one) for one in self.chosen if one not in dict(known))]

    @property
    def chosen(self) -> list[str]:
        """What is chosen now."""
        found = self.value.split(";") if self.kind == "multiple" else [self.value]
        return [one for one in found if one]


@dataclass(frozen=True, slots=True)
class InputSection:
    """A section of a form."""

    heading: str
    columns: Sequence[Sequence[Input]]


def written_fields(layout: Layout, creating: bool) -> list[tuple[str, list[list[tuple[Field, bool]]]]]:
    """Return heading and columns of a layout's sections, with the fields that may be written and whether they must."""
    found = []
    for section in sections(layout, editing=True):
        columns = [list(_of_column(layout.owner, column, creating)) for column in section.columns]
        if any(columns):
            found.append((section.heading, columns))
    return found


def _of_column(owner: SObject, column: Sequence[object], creating: bool) -> Iterator[tuple[Field, bool]]:
    for item in column:
        if not isinstance(item, FieldItem) or item.behavior == "Readonly":
            continue
        for field in editable_parts(owner, item.field):
            if field.createable if creating else field.updateable:
                must = field in owner.required
                yield field, must or (item.behavior == "Required" and not owner.parts_of(item.field.name))


def input_sections(
    layout: Layout, record: Mapping[str, object], form: Form | None, problems: Mapping[str, str], person: Person
) -> list[InputSection]:
    """Return the sections of a form.

    Args:
        layout: which fields stand where.
        record: the record as the API gives it; for a new one its defaults, without an Id.
        form: what was sent and refused; None when the form is opened.
        problems: what is wrong, by field.
        person: who fills it in.
    """
    creating = "Id" not in record

    def made(field: Field, must: bool) -> Input:
        was = text_of(field, record, person) if form is None else form.get(f"was.{field.name}")
        return Input(
            field=field,
            label=label_of(field, layout.owner),
            kind=_KINDS.get(field.type, "text"),
            value=was if form is None else sent(field, form),
            was=was,
            required=must,
            problem=problems.get(field.name, ""),
        )

    return [
        InputSection(heading, [[made(field, must) for field, must in column] for column in columns])
        for heading, columns in written_fields(layout, creating)
    ]


def sent(field: Field, form: Form) -> str:
    """Return what a form brings for a field, as its input held it."""
    if field.type == "multipicklist":
        return ";".join(form.all(field.name))
    return form.get(field.name).strip()


def text_of(field: Field, record: Mapping[str, object], person: Person) -> str:
    """Return what the input of a field holds for a record."""
    value = record.get(field.name)
    if field.type == "boolean":
        return "true" if value else ""
    if value is None:
        return ""
    if field.type == "datetime":
        return datetime.fromisoformat(str(value)).astimezone(person.zone).strftime(_MINUTES)
    if field.type == "reference":
        parent = record.get(str(field.relationship))
        return str(parent.get("Name") if isinstance(parent, Mapping) else value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\r\n", "\n")
