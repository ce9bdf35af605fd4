"""Accounts, as far as contacts created from Hint need one: the Default Account (M4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from hintsync.core.errors import BadInput
from hintsync.replicas.salesforce.client import Row, SalesforceClient
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.query import rows
from hintsync.replicas.salesforce.soql import quoted


@dataclass(frozen=True, slots=True)
class Account:
    """An account to hang contacts on."""

    #: 18 characters.
    id: str
    name: str
    #: ISO 8601, as the org wrote it; for telling accounts of one name apart.
    created_at: str = field(default="", compare=False)


class Accounts:
    """Looks accounts up and creates the default one."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    async def find(self, name: str) -> list[Account]:
        """Return the accounts of exactly this name (Salesforce compares without case), at most 50."""
        soql = f"SELECT Id,Name,CreatedDate FROM Account WHERE Name = {quoted(name)} ORDER BY CreatedDate,Id LIMIT 50"
        return [_account(row) for row in await rows(self._client, soql, "look up accounts")]

    async def create(self, name: str) -> Account:
        """Create an account.

        Raises:
            UnknownOutcome: the reply was lost; look it up by name before trying again.
            Rejected: the org refuses it (a required field, a duplicate rule).
        """
        reply = await self._client.send_json("POST", "sobjects/Account", "create an account", {"Name": name}, once=True)
        return Account(reply.data["id"], name)

    async def exists(self, account_id: str) -> bool:
        """Say whether the account is there and not deleted.

        Raises:
            BadInput: what was given is no record id.
        """
        known = long_id(account_id)
        if known is None:
            raise BadInput("account id: expected 15 or 18 letters and digits, as in the account's address")
        return bool(await rows(self._client, f"SELECT Id FROM Account WHERE Id = '{known}'", "look at an account"))


def _account(row: Row) -> Account:
    return Account(row["Id"], row["Name"], str(row.get("CreatedDate") or ""))
