"""The items of layouts: a field with its describe, or a gap ("DescribeLayoutItem")."""

from __future__ import annotations

from collections.abc import Iterator

from hintsync_emulators.salesforce.schema import describe
from hintsync_emulators.salesforce.schema.model import Field, SObject


def field_item(one: SObject, field: Field, behavior: str | None, numbers: Iterator[int]) -> dict[str, object]:
    """Return the layout item of a field; a compound one holds its parts as components."""
    parts = one.parts_of(field.name)
    editable = behavior != "Readonly"
    create = editable and any(each.createable for each in parts or (field,))
    update = editable and any(each.updateable for each in parts or (field,))
    component = _component(one, field, numbers)
    component["components"] = [_component(one, each, numbers) for each in parts]
    return item([component], field.label, create, update, behavior == "Required")


def _component(one: SObject, field: Field, numbers: Iterator[int]) -> dict[str, object]:
    return {
        "components": [],
        "details": describe.describe_field(one, field),
        "displayLines": 1 if field.type != "textarea" else 6,
        "tabOrder": next(numbers),
        "type": "Field",
        "value": field.name,
    }


def item(
    components: list[dict[str, object]], label: str, create: bool = False, update: bool = False, required: bool = False
) -> dict[str, object]:
    return {
        "editableForNew": create,
        "editableForUpdate": update,
        "label": label,
        "layoutComponents": components,
        "placeholder": not components,
        "required": required,
    }
