"""Names of the contacts that found patients are linked with: for those to whom Salesforce shows them, while keys are pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from hintsync.core.person import Person
from hintsync.core.records import RecordId
from hintsync.engine.search.patients import Looked
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Visit
from hintsync.surfaces.web.recent_contacts import recent_contacts


async def peer_names(visit: Visit, looked: Looked, *, patience: float) -> Mapping[RecordId, Person | None]:
    """Return the contacts as people; None for one that is gone, or that the visitor may not see.

    Args:
        visit: Who searches.
        looked: What was found.
        patience: Seconds to wait for what must be asked; a contact that is missing then is there for the next who ask.
    """
    peers = {each.hit.linked_to for each in looked.found if each.hit.linked_to}
    if not peers:
        return {}
    reading = recent_contacts(visit.engine).people(visit.engine, peers, patience=patience)
    if visit.role >= Role.ADMINISTRATOR:
        return await reading
    asking = visit.contacts.shown(visit.connection.id, visit.visitor.user_id, peers, patience=patience)
    names, shown = await asyncio.gather(reading, asking)
    return {peer: person if shown[peer] else None for peer, person in names.items() if peer in shown}
