"""The Tooling API, as far as it is asked what packages are installed."""

from __future__ import annotations

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.setup_objects import answer, asks_for, rights_of
from hintsync_emulators.salesforce.web.call import Answer, Call


def query(call: Call) -> Answer:
    """Answer a statement about installed packages; who may not see Setup is refused.

    Raises:
        ApiError: INSUFFICIENT_ACCESS, the statement is refused, or it asks for another object.
    """
    statement = call.params.get("q")
    if not statement:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if not asks_for("tooling", statement):
        raise not_emulated("objects of the Tooling API other than installed packages")
    assert call.session is not None
    if "ViewSetup" not in rights_of(call.org, call.session.user_id):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id")
    return Answer(value=answer(call.org, "tooling", statement, f"{call.root}/tooling", call.session.user_id))
