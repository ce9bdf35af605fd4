"""What a person may do, told from the permission sets they hold in the org."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from hintsync.ports import Clock
from hintsync.surfaces.web.access.orgs import Orgs

#: API names of the permission sets that our package brings.
USER_SET, ADMINISTRATOR_SET = "Hint_Sync_User", "Hint_Sync_Admin"
#: Seconds for which a role is believed; who loses a permission set loses the pages this soon.
BELIEVED = 60.0


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


@dataclass(frozen=True, slots=True)
class _Known:
    role: Role
    #: Monotonic seconds.
    until: float


class Roles:
    """Knows the roles of people, as their orgs said less than a minute ago."""

    def __init__(self, orgs: Orgs, clock: Clock) -> None:
        """Ask these orgs."""
        self._orgs = orgs
        self._clock = clock
        self._known: dict[tuple[str, str], _Known] = {}

    async def role(self, connection_id: str, user_id: str, *, anew: bool = False) -> Role:
        """Return a person's role in a connection.

        Args:
            connection_id: whose org is asked.
            user_id: 18 characters.
            anew: ask in any case, as when a person comes in.

        Raises:
            HintsyncError: the org does not answer; nobody is let in on an old answer.
        """
        now, key = self._clock.monotonic(), (connection_id, user_id)
        known = self._known.get(key)
        if known is not None and now < known.until and not anew:
            return known.role
        async with self._orgs.asked(connection_id) as org:
            role = role_of(await org.permission_sets(user_id))
        self._known = {each: kept for each, kept in self._known.items() if now < kept.until}
        self._known[key] = _Known(role, now + BELIEVED)
        return role
