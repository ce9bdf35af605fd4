"""SOQL over REST."""

from __future__ import annotations

import re

from hintsync_emulators.salesforce.appearance.list_views import view_by_id
from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.metadata.kinds import prefix_of
from hintsync_emulators.salesforce.queries import DEFAULT_BATCH, LEAST_BATCH
from hintsync_emulators.salesforce.responses.explain import explained
from hintsync_emulators.salesforce.responses.record_access import answer_access, asks_for_access
from hintsync_emulators.salesforce.schema.model import INTEGERS, NUMBERS, Field
from hintsync_emulators.salesforce.setup_objects import answer, asks_for
from hintsync_emulators.salesforce.soql.plan import Output, Plan, Shape
from hintsync_emulators.salesforce.web.call import Answer, Call

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
#: Stands for a relationship in column metadata.
_RELATIONSHIP = Field("", "", "reference", createable=False, updateable=False)


def query(call: Call) -> Answer:
    """Answer a statement over living records."""
    return _run(call, all_rows=False)


def query_all(call: Call) -> Answer:
    """Answer a statement over all records, deleted ones too."""
    return _run(call, all_rows=True)


def more(call: Call) -> Answer:
    """Answer with the page that a locator names."""
    return Answer(value=call.org.queries.more(call.names["locator"], call.root, _user(call)))


def _run(call: Call, all_rows: bool) -> Answer:
    if "explain" in call.params:
        return Answer(value=_explained(call, call.params["explain"], all_rows))
    statement = call.params.get("q")
    if not statement:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if call.params.get("columns", "").lower() == "true":
        return Answer(value=_columns(call, statement, all_rows))
    if asks_for_access(statement):
        return Answer(value=answer_access(call, statement))
    if asks_for("setup", statement):
        return Answer(value=answer(call.org, "setup", statement, call.root, _user(call)))
    batch = call.batch_size(DEFAULT_BATCH, LEAST_BATCH)
    return Answer(value=call.org.queries.run(statement, all_rows, batch, call.root, _user(call)))


def _explained(call: Call, text: str, all_rows: bool) -> dict[str, object]:
    """Return the plans of a statement, or of the list view that an id names.

    Raises:
        ApiError: the statement is refused, the id is none of a list view, or it is a report's.
    """
    if not text.strip():
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if not _ID.fullmatch(text.strip()):
        return explained(call.org.queries, text, all_rows)
    if text.startswith(prefix_of("Report")):
        raise not_emulated("query plans of reports")
    view = view_by_id(call.org, text.strip())
    if view is None:
        raise ApiError(400, "INVALID_ID", f"The ID is invalid or not the ID of a report or list view: {text.strip()}")
    return explained(call.org.queries, view.statement(_user(call)), all_rows)


def _user(call: Call) -> str:
    return call.session.user_id if call.session else ""


def _columns(call: Call, statement: str, all_rows: bool) -> dict[str, object]:
    plan = call.org.queries.plan(statement, all_rows)
    one = plan.shape.owner
    return {
        "columnMetadata": _metadata(plan, plan.shape, ""),
        "entityName": one.name,
        "groupBy": plan.aggregate,
        "idSelected": any(output.name == "Id" for output in plan.outputs),
        "keyPrefix": one.prefix,
    }


def _metadata(plan: Plan, shape: Shape, prefix: str) -> list[dict[str, object]]:
    """Describe the columns of one record; parents and nested statements hold theirs as joined columns."""
    outputs = {output.name: output for output in plan.outputs}
    found = []
    for name in shape.order:
        if name in shape.parents:
            joined = _metadata(plan, shape.parents[name], f"{prefix}{name}.")
            found.append(_column(Output(name, _RELATIONSHIP), joined, False))
        elif name in shape.children:
            child = shape.children[name].plan
            found.append(_column(Output(name, _RELATIONSHIP), _metadata(child, child.shape, ""), True))
        else:
            output = outputs[f"{prefix}{name}"]
            found.append(_column(output._replace(name=name), [], output.function is not None))
    return found


def _column(output: Output, joined: list[dict[str, object]], aggregate: bool) -> dict[str, object]:
    field = output.field
    number = field.type in INTEGERS | NUMBERS
    return {
        "aggregate": aggregate,
        "apexType": {"boolean": "Boolean", "id": "Id", "reference": "Id"}.get(field.type, "String"),
        "booleanType": field.type == "boolean",
        "columnName": output.name,
        "custom": field.custom,
        "displayName": output.function or output.name,
        "foreignKeyName": field.relationship,
        "insertable": field.createable,
        "joinColumns": joined,
        "numberType": number,
        "textType": not number and field.type != "boolean",
        "updatable": field.updateable,
    }
