"""Names of contacts and of people who act, asked of the org for the page at hand and kept nowhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hintsync.core.errors import HintsyncError
from hintsync.core.records import RecordId
from hintsync.surfaces.web.pages.place import Visit

_USER = "user:"


async def contact_names(visit: Visit, ids: Collection[RecordId]) -> Mapping[RecordId, str]:
    """Return contacts' names by one query; none where the org does not answer now."""
    return await _names(visit, "Contact", ids)


async def actor_names(visit: Visit, actors: Collection[str]) -> Mapping[str, str]:
    """Return the names of those who acted that are people of the org, by how the audit trail names them."""
    ids = {actor.removeprefix(_USER): actor for actor in actors if actor.startswith(_USER)}
    return {ids[user_id]: name for user_id, name in (await _names(visit, "User", ids)).items() if user_id in ids}


async def last_editor(visit: Visit, contact_id: RecordId) -> str:
    """Return who last changed a contact as a whole; empty where the org does not answer now."""
    try:
        async with visit.orgs.asked(visit.connection.id) as org:
            return await org.last_editor(contact_id)
    except HintsyncError:
        return ""


async def _names(visit: Visit, object_name: str, ids: Collection[str]) -> Mapping[str, str]:
    if not ids:
        return {}
    try:
        async with visit.orgs.asked(visit.connection.id) as org:
            return await org.names(object_name, ids)
    except HintsyncError:
        return {}
