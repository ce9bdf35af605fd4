"""Reading a form that was filled in: only what the person changed, each value checked on its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hintsync_emulators.salesforce import ids, values
from hintsync_emulators.salesforce.canvas.visit import ROOT
from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.inputs import sent
from hintsync_emulators.salesforce.pages.soql import quoted
from hintsync_emulators.salesforce.schema.model import Field

#: Records of one name that are listed by their ids.
_NAMESAKES = 5


@dataclass(slots=True)
class Filled:
    """What a form asks for."""

    #: Field -> value, as a call of the API would bring it.
    changes: dict[str, object] = field(default_factory=dict)
    #: Field -> what is wrong with its value.
    problems: dict[str, str] = field(default_factory=dict)


def read_changes(click: Click, fields: Iterable[Field]) -> Filled:
    """Return what a form changes, of fields that may be written.

    A field that the form did not show, or that holds what it held when the form was opened, is left alone: whoever
    wrote it in the meantime keeps what they wrote.
    """
    found = Filled()
    for each in fields:
        was = f"was.{each.name}"
        if was not in click.form or sent(each, click.form) == click.form.get(was).strip():
            continue
        try:
            value = _value(click, each, sent(each, click.form))
            values.parse(each, value, loose=True)
        except Refused as refusal:
            found.problems[each.name] = refusal.fault.message
        else:
            found.changes[each.name] = value
    return found


def _value(click: Click, one: Field, text: str) -> object:
    if one.type == "boolean":
        return text == "true"
    if not text:
        return None
    if one.type == "datetime":
        return _moment(click, one, text)
    if one.type == "reference":
        return _target(click, one, text)
    return text


def _moment(click: Click, one: Field, text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("INVALID_FIELD", f"{one.label}: that is no date with a time of day", one.name) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=click.person.zone)
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _target(click: Click, one: Field, text: str) -> str:
    """Return the id of the record that a lookup's text means: an id, or the name of exactly one record.

    Raises:
        Refused: no record has that name, or several have.
    """
    found = click.org.schema.get(one.reference_to[0])
    if ids.normalise(text) is not None and found is not None and text.startswith(found.prefix):
        return text
    records = [] if found is None else _named(click, found.name, text)
    if len(records) == 1:
        return records[0]
    label = found.label if found is not None else one.label
    if not records:
        raise Refused("INVALID_FIELD", f"There is no {label} of that name.", one.name)
    shown = ", ".join(records[:_NAMESAKES])
    raise Refused("INVALID_FIELD", f"Several {label} records have that name; write the id of one: {shown}", one.name)


def _named(click: Click, object_name: str, name: str) -> list[str]:
    statement = f"SELECT Id FROM {object_name} WHERE Name = {quoted(name)} ORDER BY Id LIMIT {_NAMESAKES}"
    page = click.org.queries.run(statement, False, _NAMESAKES, ROOT, click.person.id)
    records = page["records"]
    assert isinstance(records, list)
    return [str(each["Id"]) for each in records]
