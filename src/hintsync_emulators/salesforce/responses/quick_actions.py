"""Quick actions, those that stand everywhere and those of an object's records."""

from __future__ import annotations

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.appearance.actions import (
    Action,
    action_named,
    actions_of,
    default_values,
    described,
)
from hintsync_emulators.salesforce.errors import ApiError, Refused, not_emulated, not_found
from hintsync_emulators.salesforce.responses.resources import object_of
from hintsync_emulators.salesforce.web.call import Answer, Call


def listing(call: Call) -> Answer:
    """List the actions that were deployed: those that stand everywhere, or an object's with them."""
    return Answer(value=[one.listed(call.root) for one in actions_of(call.org, _context(call))])


def read(call: Call) -> Answer:
    """Say what an action is called and where it leads."""
    return Answer(value=_action(call).listed(call.root))


def describe(call: Call) -> Answer:
    """Describe an action with its layout."""
    return Answer(value=described(call.org, _action(call), call.root, call.origin))


def defaults(call: Call) -> Answer:
    """Return the values that a form of the action begins with, on a record if one is named."""
    action = _action(call)
    given = call.names.get("id")
    context_id = None if given is None else ids.normalise(given)
    if given is not None and context_id is None:
        raise not_found()
    values = default_values(call.org, action, context_id, call.root)
    if values is None:
        raise not_emulated(f"default values of quick actions of type {action.kind}")
    return Answer(value=values)


def perform(call: Call) -> Answer:
    """Carry an action out: create the record that it is for, or change the one it was begun on."""
    action, body = _action(call), call.object()
    record, context = body.get("record") or {}, body.get("contextId")
    if not isinstance(record, dict) or not (context is None or isinstance(context, str)):
        raise ApiError(400, "JSON_PARSER_ERROR", "record must be an object and contextId an id")
    context_id = None if context is None else ids.normalise(context)
    if action.kind not in ("Create", "Update") or default_values(call.org, action, None, call.root) is None:
        raise not_emulated(f"carrying out quick actions of type {action.kind}")
    record_id = _write(call, action, context_id, record)
    created = action.kind == "Create"
    found: dict[str, object] = {
        "contextId": context_id,
        "created": created,
        "errors": [],
        "feedItemIds": [],
        "id": record_id,
    }
    return Answer(201 if created else 200, {**found, "success": True})


def _write(call: Call, action: Action, context_id: str | None, record: dict[str, object]) -> str:
    target = call.org.definition(action.target or "")
    given = {name: value for name, value in record.items() if name != "attributes"}
    try:
        with call.org.storage.transaction():
            if action.kind == "Update":
                return _change(call, target.name, context_id, {**action.presets(), **given})
            begun = default_values(call.org, action, context_id, call.root) or {}
            kept = {name: value for name, value in begun.items() if name != "attributes" and value is not None}
            return call.org.writer.insert(target, {**kept, **given}, call.caller())
    except Refused as refusal:
        raise ApiError.of(refusal.fault) from None


def _change(call: Call, name: str, record_id: str | None, given: dict[str, object]) -> str:
    target = call.org.definition(name)
    row = call.org.storage.fetch(name, [record_id]).get(record_id) if record_id else None
    if record_id is None or row is None or row.get("IsDeleted"):
        raise not_found()
    call.org.writer.update(target, row, given, call.caller())
    return record_id


def _context(call: Call) -> str | None:
    return object_of(call).name if "object" in call.names else None


def _action(call: Call) -> Action:
    found = action_named(call.org, call.names["action"], _context(call))
    if found is None:
        raise not_found()
    return found
