"""Creating and editing records: the layout as a form, and what the org's rules say to what was filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hintsync_emulators.salesforce.appearance.layouts import Layout
from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.dml.writer import Caller
from hintsync_emulators.salesforce.errors import Fault, Refused
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.filled import Filled, read_changes
from hintsync_emulators.salesforce.pages.inputs import input_sections, written_fields
from hintsync_emulators.salesforce.pages.layout import layout_of
from hintsync_emulators.salesforce.pages.records import (
    list_address,
    name_of,
    object_of,
    read,
    row_of,
    view_address,
)
from hintsync_emulators.salesforce.pages.shown import paths_for
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.web.call import Answer


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was written."""

    #: What is wrong, by field.
    fields: Mapping[str, str] = field(default_factory=dict)
    #: What is wrong with the record altogether.
    general: Sequence[str] = ()
    #: Name and address of the records that a duplicate rule found.
    duplicates: Sequence[tuple[str, str]] = ()
    #: The duplicate rule lets people save all the same.
    may_insist: bool = False

    def __bool__(self) -> bool:
        return bool(self.fields or self.general)


def ask_new(click: Click) -> Answer:
    """Show the form of a new record."""
    one = object_of(click, "Create")
    return _form(click, layout_of(click, one), _defaults(click, one))


def create(click: Click) -> Answer:
    """Insert a record."""
    one = object_of(click, "Create")
    layout = layout_of(click, one)
    filled = read_changes(click, _fields(layout, creating=True))
    if not filled.problems:
        try:
            with click.org.storage.transaction():
                record_id = click.org.writer.insert(one, filled.changes, _caller(click))
            return frame.moved(f"{view_address(one, record_id)}?said=created")
        except Refused as refusal:
            return _form(click, layout, _defaults(click, one), _refusal(click, one, filled, refusal.fault))
    return _form(click, layout, _defaults(click, one), Refusal(filled.problems))


def ask_edit(click: Click) -> Answer:
    """Show the form of a record."""
    _, record, layout = _opened(click)
    return _form(click, layout, record)


def save(click: Click) -> Answer:
    """Change a record; what the person left as it was is not written."""
    one, record, layout = _opened(click)
    filled = read_changes(click, _fields(layout, creating=False))
    if filled.problems:
        return _form(click, layout, record, Refusal(filled.problems))
    try:
        if filled.changes:
            with click.org.storage.transaction():
                click.org.writer.update(one, row_of(click, one, str(record["Id"])), filled.changes, _caller(click))
    except Refused as refusal:
        return _form(click, layout, record, _refusal(click, one, filled, refusal.fault))
    return frame.moved(f"{view_address(one, record['Id'])}?said=saved")


def _caller(click: Click) -> Caller:
    return click.caller(allow_duplicates=click.form.get("insist") == "1")


def _opened(click: Click) -> tuple[SObject, Mapping[str, object], Layout]:
    one = object_of(click, "Edit")
    row, layout = row_of(click, one, click.names["id"]), layout_of(click, one)
    paths = [path for each in _fields(layout, creating=False) for path in paths_for(one, each)]
    return one, read(click, one, str(row["Id"]), ["Name", *paths] if one.get("Name") else paths), layout


def _fields(layout: Layout, creating: bool) -> list[Field]:
    found = written_fields(layout, creating)
    return [each for _, columns in found for column in columns for each, _ in column]


def _defaults(click: Click, one: SObject) -> Mapping[str, object]:
    """Return the values that the form of a new record begins with."""
    found: dict[str, object] = {}
    for each in one.defaults:
        if each.default != "$User":
            found[each.name] = format_datetime(int(str(each.default))) if each.type == "datetime" else each.default
    return found


def _refusal(click: Click, one: SObject, filled: Filled, fault: Fault) -> Refusal:
    """Sort out to which inputs a refusal belongs."""
    shown = {each: fault.message for each in fault.fields if f"was.{each}" in click.form}
    general = [] if shown else [fault.message]
    found = fault.extra.get("duplicateResut")
    if not isinstance(found, Mapping):
        return Refusal(shown, general)
    records = [match["record"]["Id"] for each in found["matchResults"] for match in each["matchRecords"]]
    named = [(name_of(click, one, record_id), view_address(one, record_id)) for record_id in records]
    return Refusal(shown, general, named, bool(found["allowSave"]))


def _form(click: Click, layout: Layout, record: Mapping[str, object], refusal: Refusal | None = None) -> Answer:
    """Return the form, with what was sent and what is wrong with it after a refusal."""
    one, refusal = layout.owner, refusal or Refusal()
    sent_form = click.form if refusal else None
    what = str(record.get("Name") or one.label) if "Id" in record else one.label
    return frame.show(
        click,
        "edit.html",
        status=400 if refusal else 200,
        title=f"{'Edit' if 'Id' in record else 'New'} {what}",
        one=one,
        back=view_address(one, record["Id"]) if "Id" in record else list_address(one),
        sections=input_sections(layout, record, sent_form, refusal.fields, click.person),
        refusal=refusal,
    )
