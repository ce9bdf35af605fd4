"""`UserRecordAccess`: what one user may do with up to two hundred records, asked by SOQL under rules of its own.

"UserRecordAccess" in the Object Reference: a statement names the user and the records and selects the record's id; records
that the asker may not read are not in the answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.ids import normalise
from hintsync_emulators.salesforce.sharing import Access, access_of
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.parse import parse
from hintsync_emulators.salesforce.web.call import Call

NAME = "UserRecordAccess"
_MOST = 200
#: Fields that say whether a level is reached.
_LEVELS = {
    "HasReadAccess": Access.READ,
    "HasEditAccess": Access.EDIT,
    "HasDeleteAccess": Access.DELETE,
    "HasTransferAccess": Access.TRANSFER,
    "HasAllAccess": Access.ALL,
}
_FIELDS = {name.lower(): name for name in ("RecordId", "MaxAccessLevel", *_LEVELS)}


def asks_for_access(statement: str) -> bool:
    """Say whether a statement is about `UserRecordAccess`."""
    if NAME.lower() not in statement.lower():
        return False
    sources = parse(statement).sources
    return len(sources) == 1 and [name.lower() for name in sources[0].path.names] == [NAME.lower()]


def answer_access(call: Call, statement: str) -> dict[str, object]:
    """Answer such a statement.

    Raises:
        ApiError: it asks in another way than the object allows.
    """
    query = parse(statement)
    if query.group or query.having or query.order or query.limit is not None or query.offset is not None:
        raise not_emulated(f"{NAME} with GROUP BY, ORDER BY, LIMIT or OFFSET")
    fields = [_selected(item) for item in query.items]
    user_id, record_ids, wanted = _filters(query.where)
    if "RecordId" not in fields or (wanted and fields != ["RecordId"]):
        raise _malformed("RecordId must be selected, and nothing else where an access level is filtered by")
    asker = call.session.user_id if call.session else ""
    found = [
        _record(call, record_id, level, fields)
        for record_id, level in _levels(call, user_id, record_ids, asker)
        if wanted is None or level >= wanted
    ]
    return {"totalSize": len(found), "done": True, "records": found}


def _levels(call: Call, user_id: str, record_ids: list[str], asker: str) -> Iterator[tuple[str, Access]]:
    """Yield the records that the asker may read, with what the user may do."""
    for record_id in record_ids:
        level = access_of(call.org, user_id, record_id)
        if level is not None and (access_of(call.org, asker, record_id) or Access.NONE) >= Access.READ:
            yield record_id, level


def _record(call: Call, record_id: str, level: Access, fields: list[str]) -> dict[str, object]:
    shown: dict[str, object] = {name: level >= needed for name, needed in _LEVELS.items()}
    shown |= {"RecordId": record_id, "MaxAccessLevel": level.name.capitalize()}
    url = f"{call.root}/sobjects/{NAME}/000000000000000AAA"
    return {"attributes": {"type": NAME, "url": url}, **{name: shown[name] for name in fields}}


def _selected(item: tree.Item | tree.Query) -> str:
    named = tree.spelt(item.expression).lower() if isinstance(item, tree.Item) and item.alias is None else ""
    if named not in _FIELDS:
        raise ApiError(400, "INVALID_FIELD", f"No such column on entity '{NAME}' that can be selected")
    return _FIELDS[named]


def _filters(where: tree.Condition | None) -> tuple[str, list[str], Access | None]:
    """Return the user, the records and the access level that a statement filters by."""
    user_id, record_ids, wanted = "", list[str](), None
    for part in where.parts if isinstance(where, tree.AllOf) else (where,):
        name = tree.spelt(part.left).lower() if isinstance(part, tree.Compare | tree.Among) else ""
        if name == "userid" and (texts := _equals(part)) and len(texts) == 1:
            user_id = _id(texts[0])
        elif name == "recordid" and (texts := _equals(part)):
            record_ids = [_id(text) for text in texts]
        elif _FIELDS.get(name) in _LEVELS and isinstance(part, tree.Compare) and part.right.value is True:
            wanted = _LEVELS[_FIELDS[name]]
        else:
            raise _malformed("only UserId, RecordId and an access level can be filtered by, joined by AND")
    if not user_id or not record_ids:
        raise _malformed("UserId and RecordId must be filtered by")
    if len(record_ids) > _MOST:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"Number of records exceeds limit:{_MOST}")
    return user_id, list(dict.fromkeys(record_ids)), wanted


def _equals(part: tree.Condition | None) -> list[str]:
    """Return the texts that a field must be one of; none for any other condition."""
    if isinstance(part, tree.Compare) and part.operator == "=":
        return [str(part.right.value)]
    if isinstance(part, tree.Among) and not part.negated and not isinstance(part.values, tree.Query):
        return [str(value.value) for value in part.values]
    return []


def _id(text: str) -> str:
    found = normalise(text)
    if found is None:
        raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
    return found


def _malformed(words: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", f"{NAME}: {words}")
