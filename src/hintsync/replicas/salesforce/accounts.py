"""Accounts, as far as contacts created from Hint need one: the Default Account (M4)."""

from __future__ import annotations

from typing import NamedTuple

from hintsync.core.errors import BadInput
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.query import rows
from hintsync.replicas.salesforce.soql import quoted


class Account(NamedTuple):
    """An account to hang contacts on."""

    #: 18 characters.
    id: str
    name: str


class Accounts:
    """Looks accounts up and creates the default one."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    async def find(self, name: str) -> list[Account]:
        """Return the accounts of exactly this name (Salesforce compares without case), at most 50."""
        soql = f"SELECT Id,Name FROM Account WHERE Name = {quoted(name)} LIMIT 50"
        return [Account(row["Id"], row["Name"]) for row in await rows(self._client, soql, "look up accounts")]

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
