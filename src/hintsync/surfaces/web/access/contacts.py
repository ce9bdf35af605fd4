"""What a person may do with a contact in the org, which is what they may do with it here."""

from __future__ import annotations

from hintsync.core.records import RecordId
from hintsync.ports import Clock
from hintsync.replicas.salesforce.people import RecordAccess
from hintsync.surfaces.web.access.believed import Believed
from hintsync.surfaces.web.access.orgs import Orgs


class ContactAccess:
    """Knows who may see and change which contacts, as their orgs said less than a minute ago."""

    def __init__(self, orgs: Orgs, clock: Clock) -> None:
        """Ask these orgs."""
        self._orgs = orgs
        self._believed: Believed[tuple[str, str, RecordId], RecordAccess] = Believed(clock)

    async def access(
        self, connection_id: str, user_id: str, contact_id: RecordId, needed: RecordAccess, *, anew: bool = False
    ) -> RecordAccess | None:
        """Return what a person may do with a contact; None for one that the org does not show us.

        A refusal is never believed: somebody who was just given the access need not wait.

        Args:
            connection_id: whose org is asked.
            user_id: 18 characters.
            contact_id: 18 characters.
            needed: with less than this, the org is asked again.
            anew: ask in any case, as when a person comes in.

        Raises:
            HintsyncError: the org does not answer; nobody is let in on an old answer.
        """
        key = (connection_id, user_id, contact_id)
        known = self._believed.get(key)
        if known is not None and known >= needed and not anew:
            return known
        async with self._orgs.asked(connection_id) as org:
            access = await org.access(user_id, contact_id)
        if access is None:
            self._believed.drop(key)
        else:
            self._believed.put(key, access)
        return access
