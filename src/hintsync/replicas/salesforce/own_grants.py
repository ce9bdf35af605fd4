"""What the user that we sign in as was granted in an org, and how many people have our permission sets; asked, never changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.grants import own_user
from hintsync.replicas.salesforce.query import rows
from hintsync.replicas.salesforce.soql import quoted

#: Rights on the records of an object, by the endings of their API names.
RIGHTS: Final = ("Read", "Create", "Edit", "ViewAllRecords")


@dataclass(frozen=True, slots=True)
class OwnGrants:
    """What our own user has."""

    #: API names of permission sets.
    sets: frozenset[str]
    #: Object -> endings of the rights that any of its permission sets, or its profile, gives.
    rights: Mapping[str, frozenset[str]]


async def own_grants(client: SalesforceClient, objects: Collection[str]) -> OwnGrants:
    """Return what the user that we sign in as was granted on some objects. Three calls.

    Source: Object Reference, "PermissionSetAssignment" (a profile has a permission set of its own) and "ObjectPermissions".
    """
    user = quoted(await own_user(client))
    held = await rows(
        client,
        f"SELECT PermissionSetId, PermissionSet.Name FROM PermissionSetAssignment WHERE AssigneeId = {user}",
        "look up our own permission sets",
    )
    sets = {str(row["PermissionSetId"]): str(row["PermissionSet"]["Name"]) for row in held}
    return OwnGrants(frozenset(sets.values()), await _rights(client, sets, objects) if sets else {})


async def _rights(
    client: SalesforceClient, sets: Collection[str], objects: Collection[str]
) -> Mapping[str, frozenset[str]]:
    soql = (
        f"SELECT SobjectType, {', '.join(f'Permissions{each}' for each in RIGHTS)} FROM ObjectPermissions"
        f" WHERE SobjectType IN ({', '.join(map(quoted, objects))}) AND ParentId IN ({', '.join(map(quoted, sets))})"
    )
    found: dict[str, frozenset[str]] = {}
    for row in await rows(client, soql, "look up our own rights on records"):
        given = frozenset(each for each in RIGHTS if row[f"Permissions{each}"] is True)
        found[str(row["SobjectType"])] = found.get(str(row["SobjectType"]), frozenset()) | given
    return found


async def holders_by_set(client: SalesforceClient, names: Collection[str]) -> Mapping[str, int]:
    """Return how many active people have each of some permission sets; one that is not in the org is missing. Two calls."""
    listed = ", ".join(map(quoted, names))
    there = await rows(
        client, f"SELECT Name FROM PermissionSet WHERE Name IN ({listed})", "look for our permission sets"
    )
    soql = (
        "SELECT AssigneeId, PermissionSet.Name FROM PermissionSetAssignment"
        f" WHERE PermissionSet.Name IN ({listed}) AND Assignee.IsActive = TRUE"
    )
    held = [str(row["PermissionSet"]["Name"]) for row in await rows(client, soql, "look up who has them")]
    return {str(row["Name"]): held.count(str(row["Name"])) for row in there}
