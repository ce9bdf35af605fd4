"""Whose records are whose: one sharing setting for each object, owners, administrators.

An org begins with everything open to everybody. The API and the pages do not mind these settings: they answer as to the
administrators whom integrations sign in as. What minds them is `UserRecordAccess`, which tells what a user may do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.pages.rights import rights_of

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org


class Access(IntEnum):
    """How much a user may do with a record; each level holds those below it. The names are Salesforce's, in capitals."""

    NONE = 0
    READ = 1
    EDIT = 2
    DELETE = 3
    TRANSFER = 4
    ALL = 5


#: Sharing settings by their names here, and what they give to those who do not own a record.
SETTINGS = {"private": Access.NONE, "read": Access.READ, "edit": Access.EDIT}


def access_of(org: Org, user_id: str, record_id: str) -> Access | None:
    """Return what a user may do with a record; None if there is no such record or user.

    Args:
        org: whose settings they are.
        user_id: eighteen characters.
        record_id: eighteen characters.
    """
    one = org.schema.by_prefix(record_id[:3])
    row = org.storage.fetch(one.name, [record_id]).get(record_id) if one else None
    user = org.storage.fetch("User", [user_id]).get(user_id)
    if one is None or row is None or row.get("IsDeleted") or user is None:
        return None
    if not user["IsActive"]:
        return Access.NONE
    if user_id == row.get("OwnerId") or rights_of(org, user_id).is_admin:
        return Access.ALL
    return SETTINGS[org.sharing.get(one.name, "edit")]
