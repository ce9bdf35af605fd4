"""What a person may do with a contact in the org, which is what they may do with it here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping

from hintsync.core.errors import HintsyncError
from hintsync.core.records import RecordId
from hintsync.ports import Clock
from hintsync.redact import safe_text
from hintsync.replicas.salesforce.people import RecordAccess
from hintsync.surfaces.web.access.believed import Believed
from hintsync.surfaces.web.access.orgs import Orgs

_log = logging.getLogger(__name__)


class ContactAccess:
    """Knows who may see and change which contacts, as their orgs said less than a minute ago."""

    def __init__(self, orgs: Orgs, clock: Clock) -> None:
        """Ask these orgs."""
        self._orgs = orgs
        self._believed: Believed[tuple[str, str, RecordId], RecordAccess] = Believed(clock)
        self._asking: set[asyncio.Task[None]] = set()

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
            access = (await org.accesses(user_id, [contact_id])).get(contact_id)
        if access is None:
            self._believed.drop(key)
        else:
            self._believed.put(key, access)
        return access

    async def shown(
        self, connection_id: str, user_id: str, contact_ids: Collection[RecordId], *, patience: float
    ) -> Mapping[RecordId, bool]:
        """Say which contacts a person may see; what is not known in time is missing, and there for the next who ask.

        Args:
            connection_id: whose org is asked.
            user_id: 18 characters.
            contact_ids: 18 characters; 200 at most.
            patience: seconds to wait for the org.
        """
        keys = {contact_id: (connection_id, user_id, contact_id) for contact_id in contact_ids}
        unknown = [contact_id for contact_id, key in keys.items() if self._believed.get(key) is None]
        if unknown:
            task = asyncio.create_task(self._learn(connection_id, user_id, unknown))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            await asyncio.wait([task], timeout=patience)
        known = {contact_id: self._believed.get(key) for contact_id, key in keys.items()}
        return {contact_id: access >= RecordAccess.READ for contact_id, access in known.items() if access is not None}

    async def _learn(self, connection_id: str, user_id: str, contact_ids: Collection[RecordId]) -> None:
        """Ask about several contacts; where the org does not answer, nothing of them is shown for a while."""
        found: Mapping[RecordId, RecordAccess] = {}
        try:
            async with self._orgs.asked(connection_id) as org:
                found = await org.accesses(user_id, contact_ids)
        except HintsyncError as error:
            _log.info("connection %s cannot say who may see contacts: %s", connection_id, safe_text(error))
        for contact_id in contact_ids:
            self._believed.put((connection_id, user_id, contact_id), found.get(contact_id, RecordAccess.NONE))
