"""Checks of single values that need nothing but the field's definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.schema.model import Field, SObject


def check_value(field: Field, value: object) -> None:
    """Hold a stored value against its field's length and picklist.

    Raises:
        Refused: STRING_TOO_LONG or INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST.
    """
    if not isinstance(value, str) or not field.is_text:
        return
    if field.type == "multipicklist":
        _check_picklist(field, value.split(";"))
    elif field.type == "picklist":
        _check_picklist(field, [value])
    if field.length and len(value) > field.length:
        message = f"{field.label}: data value too large: {value} (max length={field.length})"
        raise Refused("STRING_TOO_LONG", message, field.name)


def _check_picklist(field: Field, chosen: Iterable[str]) -> None:
    if not field.restricted:
        return
    known = {one.value for one in field.values if one.active}
    for value in chosen:
        if value not in known:
            message = f"{field.label}: bad value for restricted picklist field: {value}"
            raise Refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)


def check_required(one: SObject, record: Mapping[str, object], given: Mapping[str, object] | None) -> None:
    """Refuse a record that leaves required fields empty; an update (`given`) is held only to the fields it names.

    Raises:
        Refused: REQUIRED_FIELD_MISSING, naming all of them.
    """
    missing = [
        field.name
        for field in one.required
        if record.get(field.name) is None and (given is None or field.name in given)
    ]
    if missing:
        names = ", ".join(missing)
        raise Refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{names}]", *missing)


def field_for(one: SObject, name: str, creating: bool) -> Field:
    """Return the field a caller wants to write.

    Raises:
        Refused: there is no such field, or it cannot be written.
    """
    field = one.fields.get(name.lower())
    if field is None:
        raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {one.name}")
    if not (field.createable if creating else field.updateable):
        message = (
            f"Unable to create/update fields: {field.name}. Please check the security settings of this field and"
            " verify that it is read/write for your profile or permission set."
        )
        raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", message, field.name)
    return field
