"""What a person may do, told from the permission sets they hold in the org."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

from hintsync.ports import Clock
from hintsync.surfaces.web.access.believed import Believed
from hintsync.surfaces.web.access.orgs import Orgs

#: API names of the permission sets that our package brings.
USER_SET, ADMINISTRATOR_SET = "Hint_Sync_User", "Hint_Sync_Admin"


class Role(IntEnum):
    """Each role may do what those below it may."""

    #: Nothing: the org gave the person none of our permission sets.
    NOBODY = 0
    #: Works with single contacts: panel, search, sync, unlink.
    USER = 1
    #: Everything.
    ADMINISTRATOR = 2


def role_of(permission_sets: Collection[str]) -> Role:
    """Return the highest role that permission sets give."""
    if ADMINISTRATOR_SET in permission_sets:
        return Role.ADMINISTRATOR
    return Role.USER if USER_SET in permission_sets else Role.NOBODY


class Roles:
    """Knows the roles of people, as their orgs said less than a minute ago."""

    def __init__(self, orgs: Orgs, clock: Clock) -> None:
        """Ask these orgs."""
        self._orgs = orgs
        self._believed: Believed[tuple[str, str], Role] = Believed(clock)

    async def role(self, connection_id: str, user_id: str, *, anew: bool = False) -> Role:
        """Return a person's role in a connection.

        Args:
            connection_id: whose org is asked.
            user_id: 18 characters.
            anew: ask in any case, as when a person comes in.

        Raises:
            HintsyncError: the org does not answer; nobody is let in on an old answer.
        """
        key = (connection_id, user_id)
        known = self._believed.get(key)
        if known is not None and not anew:
            return known
        async with self._orgs.asked(connection_id) as org:
            role = role_of(await org.permission_sets(user_id))
        self._believed.put(key, role)
        return role
