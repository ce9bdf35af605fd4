"""What the org knows of the people who work in it: who a session belongs to, and which permission sets a person has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum

import httpx

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.replicas.salesforce.client import Row, SalesforceClient
from hintsync.replicas.salesforce.query import rows
from hintsync.replicas.salesforce.soql import quoted, select_in

_USERINFO = "/services/oauth2/userinfo"


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """Whose session an access token is, in the org's own words."""

    #: 18 characters.
    user_id: str
    #: 18 characters.
    org_id: str
    #: For showing to the person only.
    name: str


class RecordAccess(IntEnum):
    """What a person may do with a record, by the org's sharing and permissions; each level holds those below it."""

    NONE = 0
    READ = 1
    EDIT = 2


class OrgPeople:
    """Looks people up in one org, with the eyes of the user that hintsync signs in as."""

    def __init__(self, client: SalesforceClient, http: httpx.AsyncClient) -> None:
        """Take our own way into the org, and bare connections for requests in the name of others.

        Args:
            client: signs in as hintsync; closed by `aclose`.
            http: sends a person's own token to the org, and nowhere else; closed by `aclose`.
        """
        self._client = client
        #: Bare connections to the org, without our credential.
        self.http = http
        #: Developer name of a report to its id.
        self._reports: dict[str, str] = {}

    async def permission_sets(self, user_id: str) -> frozenset[str]:
        """Return the API names of the permission sets that an active person holds; none for anybody else.

        Args:
            user_id: 15 or 18 characters.

        Raises:
            HintsyncError: the org does not answer, or does not let us look.
        """
        soql = (
            "SELECT PermissionSet.Name FROM PermissionSetAssignment "
            f"WHERE AssigneeId = {quoted(user_id)} AND Assignee.IsActive = TRUE"
        )
        found = await rows(self._client, soql, "look up a person's permission sets")
        return frozenset(str(row["PermissionSet"]["Name"]) for row in found)

    async def accesses(self, user_id: str, record_ids: Collection[str]) -> Mapping[str, RecordAccess]:
        """Return what a person may do with records; one that is not there, or not ours to see, is missing.

        Args:
            user_id: 18 characters.
            record_ids: 18 characters, of objects that the org's sharing settings list; 200 at most.

        Raises:
            HintsyncError: the org does not answer, or does not let us look.
        """
        listed = ",".join(quoted(record_id) for record_id in record_ids)
        soql = (
            "SELECT RecordId, HasReadAccess, HasEditAccess FROM UserRecordAccess "
            f"WHERE UserId = {quoted(user_id)} AND RecordId IN ({listed})"
        )
        found = await rows(self._client, soql, "look up what a person may do with records")
        return {str(row["RecordId"]): _access(row) for row in found}

    async def owner_of(self, access_token: str) -> SessionOwner | None:
        """Return whose session a token is; None if it is nobody's, or no longer.

        Raises:
            RetryLater: the org does not answer.
        """
        url = (await self._client.sessions.session()).instance_url + _USERINFO
        try:
            answer = await self.http.get(url, headers={"Authorization": f"Bearer {access_token}"})
        except httpx.RequestError:
            raise RetryLater(Side.SALESFORCE, "no answer when asked whose session it is") from None
        if answer.status_code >= 500:
            raise RetryLater(Side.SALESFORCE, "trouble when asked whose session it is")
        if answer.status_code != 200:
            return None
        return _owner(answer)

    async def origin(self) -> str:
        """Return scheme and host of the org, such as `https://acme.my.salesforce.com`.

        Raises:
            HintsyncError: we cannot sign in.
        """
        return (await self._client.sessions.session()).instance_url

    async def names(self, object_name: str, ids: Collection[str]) -> Mapping[str, str]:
        """Return the names of records by id, for showing only; one that is not there, or not ours to see, is missing.

        Args:
            object_name: such as `Contact` or `User`.
            ids: 18 characters; a few hundred at most.

        Raises:
            HintsyncError: the org does not answer, or does not let us look.
        """
        found: dict[str, str] = {}
        literals = [quoted(record_id) for record_id in dict.fromkeys(ids)]
        for soql in select_in(["Id", "Name"], object_name, "Id", literals):
            for row in await rows(self._client, soql, "look up the names of records"):
                found[str(row["Id"])] = str(row["Name"] or "")
        return found

    async def last_editor(self, contact_id: str) -> str:
        """Return the name of who last changed a contact as a whole, for showing only; empty for one that is not there.

        Raises:
            HintsyncError: the org does not answer, or does not let us look.
        """
        soql = f"SELECT LastModifiedBy.Name FROM Contact WHERE Id = {quoted(contact_id)}"
        found = await rows(self._client, soql, "look up who changed a contact")
        return str((found[0]["LastModifiedBy"] or {}).get("Name") or "") if found else ""

    async def report_id(self, developer_name: str) -> str | None:
        """Return the id of a report, remembered once found; None if there is none that we may see.

        Raises:
            HintsyncError: the org does not answer, or does not let us look.
        """
        if developer_name not in self._reports:
            soql = f"SELECT Id FROM Report WHERE DeveloperName = {quoted(developer_name)}"
            found = await rows(self._client, soql, "look up a report")
            if not found:
                return None
            self._reports[developer_name] = str(found[0]["Id"])
        return self._reports[developer_name]

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self.http.aclose()


def _access(row: Row) -> RecordAccess:
    if row["HasReadAccess"] is not True:
        return RecordAccess.NONE
    return RecordAccess.EDIT if row["HasEditAccess"] is True else RecordAccess.READ


def _owner(answer: httpx.Response) -> SessionOwner | None:
    try:
        told = answer.json()
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    user_id, org_id = told.get("user_id"), told.get("organization_id")
    if not (isinstance(user_id, str) and isinstance(org_id, str)):
        return None
    return SessionOwner(user_id, org_id, str(told.get("name") or ""))
