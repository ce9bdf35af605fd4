"""Gives people, and the user that we sign in as, their permission sets; a deployment alone lets nobody see anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.replicas.salesforce.client import Request, SalesforceClient
from hintsync.replicas.salesforce.errors import DUPLICATE_VALUE
from hintsync.replicas.salesforce.page_names import PERMISSION_SET
from hintsync.replicas.salesforce.query import rows
from hintsync.replicas.salesforce.soql import quoted

#: Records that one request may carry.
_EACH = 200
#: Somebody else took it meanwhile, or our first attempt did and its answer was lost.
_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})


async def own_user(client: SalesforceClient) -> str:
    """Return the id of the user that we sign in as."""
    return str((await client.get("/services/oauth2/userinfo", "look up our own user")).data["user_id"])


async def own_email(client: SalesforceClient) -> str:
    """Return the e-mail address of the user that we sign in as; no user of an org is without one."""
    soql = f"SELECT Email FROM User WHERE Id = {quoted(await own_user(client))}"
    [user] = await rows(client, soql, "look up our own user")
    return str(user["Email"])


async def grant_permissions(client: SalesforceClient, user: str = "") -> None:
    """Assign the package's permission set to the user that hintsync works as.

    Args:
        client: the org.
        user: id of that user; the one that this client signs in as without it.

    Raises:
        FixConfiguration: the permission set is not in the org, or our user may not assign it.
    """
    await grant(client, PERMISSION_SET, [user or await own_user(client)])


async def grant(client: SalesforceClient, permission_set: str, users: Collection[str]) -> int:
    """Assign a permission set to users, by their ids; return how many did not have it.

    Raises:
        FixConfiguration: the permission set is not in the org, or cannot be assigned; says to how many and why.
    """
    set_id = await _set_id(client, permission_set)
    held = {row["AssigneeId"] for row in await rows(client, _HELD.format(quoted(set_id)), "look up who has it")}
    wanted = sorted(set(users) - held)
    refused: list[str] = []
    for first in range(0, len(wanted), _EACH):
        refused += await _assign(client, set_id, wanted[first : first + _EACH])
    if refused:
        reasons = ", ".join(islice(dict.fromkeys(refused), 3))
        raise FixConfiguration(f"salesforce: {permission_set} was not assigned to {len(refused)} users: {reasons}")
    return len(wanted)


_HELD = "SELECT AssigneeId FROM PermissionSetAssignment WHERE PermissionSetId = {}"


async def users_named(client: SalesforceClient, names: Collection[str]) -> list[str]:
    """Return the ids of active users, by their user names.

    Raises:
        BadInput: there is no such active user; names them.
    """
    listed = ", ".join(map(quoted, names))
    soql = f"SELECT Id, Username FROM User WHERE IsActive = TRUE AND Username IN ({listed})"
    found = {str(row["Username"]).lower(): str(row["Id"]) for row in await rows(client, soql, "look up users")}
    missing = sorted(name for name in names if name.lower() not in found)
    if missing:
        raise BadInput(f"no active user of the org is called {', '.join(missing)}")
    return sorted(found.values())


async def administrators(client: SalesforceClient) -> list[str]:
    """Return the ids of the active users who may change all data of the org by their profile."""
    return await _users(client, "Profile.PermissionsModifyAllData = TRUE")


async def everybody(client: SalesforceClient) -> list[str]:
    """Return the ids of the org's own active users: no guests, portal users or automated ones."""
    return await _users(client, "UserType = 'Standard'")


async def profile_names(client: SalesforceClient) -> list[str]:
    """Return the names of the profiles that active users of the org itself have."""
    soql = "SELECT Profile.Name FROM User WHERE IsActive = TRUE AND UserType = 'Standard'"
    found = await rows(client, soql, "look up profiles")
    return sorted({str(row["Profile"]["Name"]) for row in found if row["Profile"]})


async def users_of_profile(client: SalesforceClient, profile: str) -> list[str]:
    """Return the ids of a profile's active users.

    Raises:
        BadInput: the org has no profile of that name.
    """
    if not await rows(client, f"SELECT Id FROM Profile WHERE Name = {quoted(profile)}", "look up a profile"):
        raise BadInput(f"the org has no profile {profile}")
    return await _users(client, f"Profile.Name = {quoted(profile)}")


async def _users(client: SalesforceClient, who: str) -> list[str]:
    found = await rows(client, f"SELECT Id FROM User WHERE IsActive = TRUE AND {who}", "look up users")
    return [str(row["Id"]) for row in found]


async def _set_id(client: SalesforceClient, name: str) -> str:
    found = await rows(
        client, f"SELECT Id FROM PermissionSet WHERE Name = {quoted(name)}", "look up the permission set"
    )
    if not found:
        raise FixConfiguration(f"salesforce: no permission set {name}: deploy the hintsync package")
    return str(found[0]["Id"])


async def _assign(client: SalesforceClient, set_id: str, users: Sequence[str]) -> list[str]:
    """Assign to a group of users; return the reason of each refusal. Who got it meanwhile from somebody else is fine."""
    records = [
        {"attributes": {"type": "PermissionSetAssignment"}, "AssigneeId": user, "PermissionSetId": set_id}
        for user in users
    ]
    body = {"allOrNone": False, "records": records}
    answer: list[dict[str, Any]] = (
        await client.send_json("POST", "composite/sobjects", "assign a permission set", body)
    ).data
    errors = [each["errors"][0] for each in answer if not each["success"]]
    return [f"{each['statusCode']}: {each['message']}" for each in errors if each["statusCode"] != DUPLICATE_VALUE]


async def holders(client: SalesforceClient, names: Collection[str]) -> list[str]:
    """Return the ids of all assignments of permission sets, given by name, to anybody."""
    listed = ", ".join(map(quoted, names))
    soql = f"SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name IN ({listed})"
    return sorted(str(row["Id"]) for row in await rows(client, soql, "look up who has our permission sets"))


async def withdraw(client: SalesforceClient, names: Collection[str]) -> int:
    """Take permission sets from everybody, as Salesforce wants it before they are deleted; return from how many.

    Raises:
        FixConfiguration: an assignment cannot be removed; says why.
    """
    found = await holders(client, names)
    refused: list[str] = []
    for first in range(0, len(found), _EACH):
        ids = ",".join(found[first : first + _EACH])
        path = f"composite/sobjects?allOrNone=false&ids={ids}"
        answer = await client.send(Request("DELETE", path, "take permission sets from people"))
        errors = [each["errors"][0] for each in answer.data if not each["success"]]
        refused += [f"{each['statusCode']}: {each['message']}" for each in errors if each["statusCode"] not in _GONE]
    if refused:
        raise FixConfiguration(f"salesforce: our permission sets cannot be taken from people: {refused[0]}")
    return len(found)
