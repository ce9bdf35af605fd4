"""List views of objects: listed, described, carried out."""

from __future__ import annotations

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.appearance.list_views import (
    Column,
    ListView,
    values_at,
    view_by_id,
    views_of,
)
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.queries import DEFAULT_BATCH
from hintsync_emulators.salesforce.responses.resources import object_of
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Rows of a result when the caller names no number.
_ROWS = 25
#: What the two directions of sorting are called, by type; any other is sorted as text is.
_DIRECTIONS = {
    "picklist": ("Low to High", "High to Low"),
    "phone": ("9-0", "0-9"),
    "date": ("Old to New", "New to Old"),
    "datetime": ("Old to New", "New to Old"),
}


def listing(call: Call) -> Answer:
    """List the list views of an object."""
    one = object_of(call)
    return _listed(call, one.name, views_of(call.org, one))


def recent(call: Call) -> Answer:
    """List the list views that a user used last; here nobody uses them but through this API, which does not count."""
    return _listed(call, object_of(call).name, [])


def _listed(call: Call, name: str, views: list[ListView]) -> Answer:
    found = [_brief(call, each) for each in views]
    return Answer(
        value={"done": True, "listviews": found, "nextRecordsUrl": None, "size": len(found), "sobjectType": name}
    )


def read(call: Call) -> Answer:
    """Say what a list view is called and where it leads."""
    return Answer(value=_brief(call, _view(call)))


def _brief(call: Call, view: ListView) -> dict[str, object]:
    url = f"{call.root}/sobjects/{view.owner.name}/listviews/{view.id}"
    return {
        "describeUrl": f"{url}/describe",
        "developerName": view.name,
        "id": view.id,
        "label": view.label,
        "resultsUrl": f"{url}/results",
        "soqlCompatible": True,
        "url": url,
    }


def _view(call: Call) -> ListView:
    one, found = object_of(call), view_by_id(call.org, call.names["id"])
    if found is None or found.owner.name != one.name:
        raise not_found()
    return found


def describe(call: Call) -> Answer:
    """Describe a list view: its columns, its order and its statement."""
    view = _view(call)
    return Answer(
        value={
            "columns": _columns(view),
            "id": view.id,
            "orderBy": [
                {"fieldNameOrPath": path, "nullsPosition": "first", "sortDirection": "ascending"}
                for path in view.order()
            ],
            "query": view.statement(_user(call)),
            "scope": view.scope(),
            "sobjectType": view.owner.name,
            "whereCondition": view.condition().shown(),
        }
    )


def results(call: Call) -> Answer:
    """Carry a list view out; `limit` and `offset` cut a piece out of it."""
    view = _view(call)
    limit, offset = _number(call, "limit", _ROWS, 1, DEFAULT_BATCH), _number(call, "offset", 1, 1, DEFAULT_BATCH)
    statement = f"{view.statement(_user(call))} LIMIT {limit + 1} OFFSET {offset - 1}"
    page = call.org.queries.run(statement, False, limit + 1, call.root, _user(call))
    records, columns = page["records"], view.columns()
    assert isinstance(records, list)
    shown = [{"columns": list(values_at(each, columns))} for each in records[:limit]]
    return Answer(
        value={
            "columns": _columns(view),
            "developerName": view.name,
            "done": len(records) <= limit,
            "id": view.id,
            "label": view.label,
            "records": shown,
            "size": len(shown),
        }
    )


def _user(call: Call) -> str:
    assert call.session is not None
    return call.session.user_id


def _number(call: Call, name: str, default: int, least: int, most: int) -> int:
    number = whole(call.params.get(name, str(default)))
    if number is None or not least <= number <= most:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", f"{name} must be between {least} and {most}")
    return number


def _columns(view: ListView) -> list[dict[str, object]]:
    first = view.order()[0]
    return [_column(each, each.path == first) for each in view.columns()]


def _column(column: Column, leads: bool) -> dict[str, object]:
    up, down = _DIRECTIONS.get(column.field.type, ("Z-A", "A-Z"))
    sortable = column.field.sortable and not column.hidden
    return {
        "ascendingLabel": up if sortable else None,
        "descendingLabel": down if sortable else None,
        "fieldNameOrPath": column.path,
        "hidden": column.hidden,
        "label": column.field.label,
        "selectListItem": column.selected,
        "sortDirection": "ascending" if leads else None,
        "sortIndex": 0 if leads else None,
        "sortable": sortable,
        "type": column.field.type,
    }
