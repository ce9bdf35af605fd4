"""Field-level security: which custom fields a user does not see, and which they see but may not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.schema.model import View

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Switch of the org; while it is off every user sees every field.
FEATURE = "FieldLevelSecurity"
_GRANTS = """
    SELECT lower(Field), max(PermissionsEdit) FROM FieldPermissions
    WHERE PermissionsRead = 1 AND ParentId IN (
        SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = ?1
        UNION SELECT p.Id FROM PermissionSet p JOIN "User" u ON u.ProfileId = p.ProfileId WHERE u.Id = ?1)
    GROUP BY lower(Field)
"""


def view_of(org: Org, user_id: str) -> View | None:
    """Return what is kept from a user; None when nothing is.

    A custom field is seen by those to whom a permission set or their profile grants it. Fields that a record cannot
    do without are seen by everybody: required ones and those that tie it to its master.
    """
    if FEATURE not in org.schema.features:
        return None
    granted = {str(name): bool(edit) for name, edit in org.storage.rows(_GRANTS, (user_id,))}
    hidden: set[tuple[str, str]] = set()
    frozen: set[tuple[str, str]] = set()
    for object_name, one in org.schema.definitions.items():
        for name, field in one.fields.items():
            if not field.custom or not (field.nillable or field.type == "boolean"):
                continue
            may_edit = granted.get(f"{object_name}.{name}")
            if may_edit is None:
                hidden.add((object_name, name))
            elif not may_edit:
                frozen.add((object_name, name))
    return View(frozenset(hidden), frozenset(frozen))
