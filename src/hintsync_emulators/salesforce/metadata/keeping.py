"""Deployed objects and switches in the database file, so that an org that is opened again is the same org."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.schema.model import Field, PickValue, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org


def keep_object(org: Org, one: SObject) -> None:
    """Write down an object's custom fields, and the object itself when it is custom."""
    fields = [dataclasses.asdict(field) for field in one.fields.values() if field.custom or one.custom]
    names = {"name": one.name, "label": one.label, "plural": one.plural, "prefix": one.prefix, "custom": one.custom}
    org.storage.keep("object", one.name, {**names, "fields": fields})


def restore(org: Org) -> None:
    """Put back what was written down."""
    for name, body in org.storage.kept("object").items():
        assert isinstance(body, dict)
        fields = [_field(row) for row in body["fields"]]
        if body["custom"]:
            by_name = {one.name.lower(): one for one in fields}
            head = {key: body[key] for key in ("label", "plural", "prefix", "custom")}
            org.schema.add(SObject(name=name, fields=by_name, **head))
        else:
            org.schema.add_fields(name, fields)
    for feature in org.storage.kept("feature"):
        org.enable(feature)


def _field(row: Mapping[str, object]) -> Field:
    given = dict(row)
    values = given["values"]
    references = given["reference_to"]
    assert isinstance(values, list)
    assert isinstance(references, list)
    given["values"] = tuple(PickValue(**{**one, "valid_for": tuple(one["valid_for"])}) for one in values)
    given["reference_to"] = tuple(references)
    return Field(**given)  # type: ignore[arg-type]
