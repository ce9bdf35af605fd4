"""SOQL over REST."""

from __future__ import annotations

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.queries import DEFAULT_BATCH, LEAST_BATCH
from hintsync_emulators.salesforce.schema.model import INTEGERS, NUMBERS, Field
from hintsync_emulators.salesforce.web.call import Answer, Call


def query(call: Call) -> Answer:
    """Answer a statement over living records."""
    return _run(call, all_rows=False)


def query_all(call: Call) -> Answer:
    """Answer a statement over all records, deleted ones too."""
    return _run(call, all_rows=True)


def more(call: Call) -> Answer:
    """Answer with the page that a locator names."""
    return Answer(value=call.org.queries.more(call.names["locator"], call.root))


def _run(call: Call, all_rows: bool) -> Answer:
    if "explain" in call.params:
        raise not_emulated("query plans (explain=)")
    statement = call.params.get("q")
    if not statement:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if call.params.get("columns", "").lower() == "true":
        return Answer(value=_columns(call, statement, all_rows))
    batch = call.batch_size(DEFAULT_BATCH, LEAST_BATCH)
    return Answer(value=call.org.queries.run(statement, all_rows, batch, call.root))


def _columns(call: Call, statement: str, all_rows: bool) -> dict[str, object]:
    plan = call.org.queries.plan(statement, all_rows)
    one = plan.shape.owner
    return {
        "columnMetadata": [_column(name, field, plan.aggregate) for name, field in plan.outputs],
        "entityName": one.name,
        "groupBy": plan.aggregate,
        "idSelected": any(name == "Id" for name, _ in plan.outputs),
        "keyPrefix": one.prefix,
    }


def _column(name: str, field: Field, aggregate: bool) -> dict[str, object]:
    number = field.type in INTEGERS | NUMBERS
    return {
        "aggregate": aggregate and not field.name,
        "apexType": {"boolean": "Boolean", "id": "Id", "reference": "Id"}.get(field.type, "String"),
        "booleanType": field.type == "boolean",
        "columnName": name,
        "custom": field.custom,
        "displayName": name,
        "foreignKeyName": field.relationship,
        "insertable": field.createable,
        "joinColumns": [],
        "numberType": number,
        "textType": not number and field.type != "boolean",
        "updatable": field.updateable,
    }
