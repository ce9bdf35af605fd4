"""Uniqueness of field values, and duplicate rules."""

from __future__ import annotations

from collections.abc import Mapping

from hintsync_emulators.salesforce.dml.rules import DuplicateRule
from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.storage import Storage, quote


def check_unique(storage: Storage, one: SObject, changes: Mapping[str, object], record_id: str | None) -> None:
    """Refuse a value that a living record holds already in a unique field; empty values may repeat.

    Raises:
        Refused: DUPLICATE_VALUE, naming the other record by its fifteen characters.
    """
    for field in one.uniques:
        value = changes.get(field.name)
        if value is None:
            continue
        live_only = "isdeleted" in one.fields
        for other in storage.ids_where(one.name, field.name, value, live_only):
            if other != record_id:
                message = f"duplicate value found: {field.name} duplicates value on record with id: {other[:15]}"
                raise Refused("DUPLICATE_VALUE", message, field.name)


def check_unique_together(storage: Storage, one: SObject, record: Mapping[str, object], record_id: str | None) -> None:
    """Refuse a record that agrees with another in all fields that only together may occur once.

    Raises:
        Refused: DUPLICATE_VALUE, naming the other record by its fifteen characters.
    """
    if not one.unique_together:
        return
    first, *rest = one.unique_together
    same = storage.ids_where(one.name, first, record.get(first), live_only="isdeleted" in one.fields)
    for other in storage.fetch(one.name, same).values():
        if other["Id"] != record_id and all(other[name] == record.get(name) for name in rest):
            message = f"duplicate value found: {one.name} duplicates value on record with id: {str(other['Id'])[:15]}"
            raise Refused("DUPLICATE_VALUE", message)


def check_duplicates(
    storage: Storage,
    rule: DuplicateRule,
    one: SObject,
    record: Mapping[str, object],
    record_id: str | None,
    version: str,
) -> None:
    """Refuse a record that agrees with another in every field of the rule; a record with a blank never matches.

    Raises:
        Refused: DUPLICATES_DETECTED, with the matches under the key that the API spells ``duplicateResut``.
    """
    wanted = {name: record.get(name) for name in rule.match_on}
    if any(value is None for value in wanted.values()):
        return
    where = " AND ".join(f"{quote(name)} = ?" for name in wanted)
    sql = f"SELECT Id FROM {quote(one.name)} WHERE {where} AND IsDeleted = 0 AND Id IS NOT ? ORDER BY Id LIMIT 100"
    found = [str(row[0]) for row in storage.rows(sql, (*wanted.values(), record_id))]
    if found:
        result = _result(rule, one, found, version)
        raise Refused("DUPLICATES_DETECTED", rule.message, extra={"duplicateResut": result})


def _result(rule: DuplicateRule, one: SObject, found: list[str], version: str) -> dict[str, object]:
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {"type": one.name, "url": f"/services/data/v{version}/sobjects/{one.name}/{record_id}"},
                "Id": record_id,
            },
        }
        for record_id in found
    ]
    return {
        "allowSave": rule.allow_save,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": one.name,
        "errorMessage": rule.message,
        "matchResults": [
            {
                "entityType": one.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": rule.matching_rule,
                "size": len(matches),
                "success": True,
            }
        ],
    }
