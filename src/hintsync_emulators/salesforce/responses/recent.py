"""Records that a user looked at last."""

from __future__ import annotations

from itertools import groupby

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.viewed import MOST
from hintsync_emulators.salesforce.web.call import Answer, Call


def recent(call: Call) -> Answer:
    """List the records that the user looked at last, of all objects; `limit` says how many."""
    most = whole(call.params.get("limit", str(MOST)))
    if not most:
        raise ApiError(400, "INVALID_FIELD", "limit must be a whole number above 0")
    assert call.session is not None
    return Answer(value=_records(call, call.org.queries.viewed.of(call.session.user_id))[:most])


def of_object(call: Call, one: SObject) -> list[object]:
    """Return the records of one object that the user looked at last."""
    assert call.session is not None
    return _records(call, call.org.queries.viewed.of(call.session.user_id, one.name))


def _records(call: Call, seen: list[tuple[str, str]]) -> list[object]:
    """Return id and name of records that are still there, in their order."""
    found: list[object] = []
    for name, group in groupby(seen, key=lambda each: each[0]):
        one = call.org.schema.get(name)
        if one is not None:
            names = ["Id", *(["Name"] if one.get("Name") else [])]
            ids = [record_id for _, record_id in group]
            found += [each for each in call.org.queries.fetch(one, names, ids, call.root, living=True) if each]
    return found
