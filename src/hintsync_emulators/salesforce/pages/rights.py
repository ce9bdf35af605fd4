"""What a user may do on the pages, by profile and permission sets: objects, tabs, Visualforce pages, setup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.schema.model import SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Standard objects whose records have pages; both profiles that an org comes with give every right on them.
STANDARD = ("Contact", "Account")
_SETS = """
    SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = ?1
    UNION SELECT p.Id FROM PermissionSet p JOIN "User" u ON u.ProfileId = p.ProfileId WHERE u.Id = ?1
"""
_OBJECTS = f"""
    SELECT SobjectType, max(PermissionsRead), max(PermissionsCreate), max(PermissionsEdit), max(PermissionsDelete)
    FROM ObjectPermissions WHERE ParentId IN ({_SETS}) GROUP BY SobjectType
"""
_TABS = f"SELECT Name, Visibility FROM PermissionSetTabSetting WHERE ParentId IN ({_SETS})"
_PAGES = f"""
    SELECT p.Name FROM ApexPage p JOIN SetupEntityAccess a ON a.SetupEntityId = p.Id WHERE a.ParentId IN ({_SETS})
"""
_RIGHTS = ("Read", "Create", "Edit", "Delete")
#: Settings of a tab, as profiles and permission sets word them, from the weakest.
_HIDDEN, _LISTED, _SHOWN = 0, 1, 2
_VISIBILITIES = {"DefaultOff": _LISTED, "Available": _LISTED, "DefaultOn": _SHOWN, "Visible": _SHOWN}


@dataclass(frozen=True, slots=True)
class Rights:
    """All that is granted to one user."""

    #: Has the administrators' profile.
    is_admin: bool
    objects: Mapping[str, frozenset[str]]
    tabs: Mapping[str, int]
    pages: frozenset[str]

    def may(self, right: str, one: SObject) -> bool:
        """Say whether a right on an object is granted: Read, Create, Edit or Delete."""
        if one.name in STANDARD or (one.custom and self.is_admin):
            return True
        return one.custom and right in self.objects.get(one.name, frozenset())

    def shows(self, tab: str) -> bool:
        """Say whether a tab stands in the bar."""
        return self._tab(tab) == _SHOWN

    def lists(self, tab: str) -> bool:
        """Say whether a tab stands among all tabs."""
        return self._tab(tab) >= _LISTED

    def _tab(self, name: str) -> int:
        return self.tabs.get(name, _SHOWN if name.startswith("standard-") else _HIDDEN)

    def opens(self, page: str) -> bool:
        """Say whether a Visualforce page may be opened; administrators may open all."""
        return self.is_admin or page in self.pages


def rights_of(org: Org, user_id: str) -> Rights:
    """Return what is granted to a user."""
    tabs: dict[str, int] = {}
    for name, visibility in org.storage.rows(_TABS, (user_id,)):
        tabs[str(name)] = max(tabs.get(str(name), _HIDDEN), _VISIBILITIES.get(str(visibility), _HIDDEN))
    return Rights(
        is_admin=_is_admin(org, user_id),
        objects={
            str(name): frozenset(right for right, given in zip(_RIGHTS, flags, strict=True) if given)
            for name, *flags in org.storage.rows(_OBJECTS, (user_id,))
        },
        tabs=tabs,
        pages=frozenset(str(row[0]) for row in org.storage.rows(_PAGES, (user_id,))),
    )


def _is_admin(org: Org, user_id: str) -> bool:
    profile = org.components.get("Profile", "Admin")
    return profile is not None and org.raw("User", user_id)["ProfileId"] == profile.id
