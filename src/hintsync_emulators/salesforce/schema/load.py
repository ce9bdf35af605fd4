"""Reading object definitions from the JSON files beside this module."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from importlib import resources

import orjson

from hintsync_emulators.salesforce.schema.model import Field, PickValue, Schema, SObject

_FIELD_KEYS = {one.name for one in dataclasses.fields(Field)}
#: Lengths that the describe of these types always shows.
_LENGTHS = {"id": 18, "reference": 18, "email": 80, "phone": 40}


def standard_schema() -> Schema:
    """Return a schema of the standard objects that the emulator knows."""
    schema = Schema()
    schema.add(*_standard_objects())
    return schema


@cache
def _standard_objects() -> tuple[SObject, ...]:
    folder = resources.files(__package__) / "objects"
    shared = orjson.loads((folder / "_system.json").read_bytes())
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".json")), key=lambda one: one.name)
    return tuple(
        read_object(orjson.loads(file.read_bytes()), shared) for file in files if not file.name.startswith("_")
    )


def read_object(data: Mapping[str, object], shared: list[Mapping[str, object]]) -> SObject:
    """Build an object from its file; fields that every object has come from `shared`."""
    own = data["fields"]
    assert isinstance(own, list)
    skipped = data.get("without", [])
    assert isinstance(skipped, list)
    rows = [row for row in shared if row["name"] not in skipped]
    names = {row["name"] for row in own}
    leading = [row for row in rows if row.get("first") and row["name"] not in names]
    closing = [row for row in rows if not row.get("first") and row["name"] not in names]
    fields = [read_field(row) for row in [*leading, *own, *closing]]
    return SObject(
        name=str(data["name"]),
        label=str(data["label"]),
        plural=str(data["plural"]),
        prefix=str(data["prefix"]),
        fields={one.name.lower(): one for one in fields},
        createable=bool(data.get("createable", True)),
        updateable=bool(data.get("updateable", True)),
        deletable=bool(data.get("deletable", True)),
        mergeable=bool(data.get("mergeable", False)),
        unique_together=tuple(data.get("unique_together", ())),  # type: ignore[arg-type]
    )


def read_field(row: Mapping[str, object]) -> Field:
    """Build a field from its line in a file."""
    given = {key: value for key, value in row.items() if key in _FIELD_KEYS}
    unknown = set(row) - _FIELD_KEYS - {"first"}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)} of field {row['name']}")
    if "reference_to" in given:
        given["reference_to"] = tuple(given["reference_to"])  # type: ignore[arg-type]
    if "values" in given:
        given["values"] = tuple(PickValue(one, one) for one in given["values"])  # type: ignore[attr-defined]
    given.setdefault("length", _LENGTHS.get(str(given["type"]), 0))
    if given.get("formula"):
        given.update(createable=False, updateable=False)
    return Field(**given)  # type: ignore[arg-type]
