"""The Hint Log object of an org (`Hint_Log__c`, in our package), written in collections by its external id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from hintsync.core.errors import FixConfiguration, RetryLater, UnknownOutcome
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.hint_log import GROUP, OrgEntry, Storage, StorageSpent
from hintsync.ports import Clock
from hintsync.replicas.salesforce.client import Reply, Request, Row, SalesforceClient
from hintsync.replicas.salesforce.delivery import Again, Delivery, rows_of
from hintsync.replicas.salesforce.errors import Rejected, VendorError, read_parsed_errors
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.query import pages, rows
from hintsync.replicas.salesforce.soql import quoted

OBJECT: Final = "Hint_Log__c"
KEY: Final = "Entry_Id__c"
_CONTACT: Final = "Contact__c"
_SELECTED: Final = (
    f"SELECT {KEY},Happened_At__c,Level__c,Message__c,Details__c,{_CONTACT},Hint_Patient_Id__c,Run_Id__c FROM {OBJECT}"
)
#: Lengths of the fields, as the package deploys them.
_MESSAGE, _DETAILS, _SHORT = 255, 32_768, 40
#: Codes of a row that points at a contact which is gone, or which our user may not see.
_NO_CONTACT: Final = frozenset(
    {
        "INVALID_CROSS_REFERENCE_KEY",
        "ENTITY_IS_DELETED",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "MALFORMED_ID",
    }
)
_FULL: Final = "STORAGE_LIMIT_EXCEEDED"
#: Codes of a request about an object, or a field of it, that is not there or not ours to see.
_NOT_THERE: Final = ("NOT_FOUND", "INVALID_TYPE", "INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE")
_STORED: Final = ""


class SalesforceHintLog:
    """Writes and reads the Hint Log through a client of the org."""

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._delivery: Delivery[OrgEntry, str] = Delivery(
            clock,
            self._send,
            GROUP,
            account_of=lambda entry: None,
            lost=lambda entry: "UNKNOWN_OUTCOME",
            later=lambda entry, code: code,
        )
        self._calls = 0

    @property
    def calls(self) -> int:
        """Requests made so far, repeats left out."""
        return self._calls

    async def put(self, entries: Sequence[OrgEntry]) -> Mapping[str, str]:
        """Upsert up to 200 entries; those that a lost contact kept out once more without it."""
        codes = await self._put(entries)
        lonely = [
            replace(each, contact_id=None) for each in entries if each.contact_id and codes[each.key] in _NO_CONTACT
        ]
        if lonely:
            codes |= await self._put(lonely)
        if _FULL in codes.values():
            raise StorageSpent("salesforce: the org has no room for another record")
        return {key: code for key, code in codes.items() if code != _STORED}

    async def count(self, prefix: str) -> int:
        """Count entries by an aggregate query."""
        soql = f"SELECT COUNT() FROM {OBJECT} WHERE {_begins(prefix)}"
        self._calls += 1
        try:
            async with aclosing(pages(self._client, soql, "count entries of the Hint Log")) as found:
                return (await anext(found)).total
        except Rejected as refusal:
            raise _explained(refusal) from None

    async def oldest(self, prefix: str, *, before: str | None = None, limit: int = GROUP) -> Sequence[RecordId]:
        """Return ids, oldest first."""
        aged = f" AND Happened_At__c < {before}" if before else ""
        soql = f"SELECT Id FROM {OBJECT} WHERE {_begins(prefix)}{aged} ORDER BY Happened_At__c,{KEY} LIMIT {limit}"
        return [str(row["Id"]) for row in await self._rows(soql, "find old entries of the Hint Log")]

    async def drop(self, ids: Sequence[RecordId]) -> int:
        """Delete up to 200 entries; they go to the org's recycle bin, which empties itself."""
        if not ids:
            return 0
        what = "delete old entries of the Hint Log"
        self._calls += 1
        path = f"composite/sobjects?ids={','.join(ids)}&allOrNone=false"
        reply = await self._client.send(Request("DELETE", path, what))
        return sum(row.get("success") is True for row in rows_of(reply.data, len(ids), what))

    async def entries(self, prefix: str) -> Sequence[OrgEntry]:
        """Return entries by key."""
        soql = f"{_SELECTED} WHERE {_begins(prefix)} ORDER BY {KEY}"
        return [_entry(row) for row in await self._rows(soql, "read the Hint Log")]

    async def storage(self) -> Storage | None:
        """Read the org's limits (REST API Developer Guide, "Limits"), for which a user needs View Setup and Configuration."""
        self._calls += 1
        try:
            reply = await self._client.get("limits", "look at the org's limits")
        except Rejected:
            return None
        return _storage(reply)

    async def _rows(self, soql: str, what: str) -> list[Row]:
        self._calls += 1
        try:
            return await rows(self._client, soql, what)
        except Rejected as refusal:
            raise _explained(refusal) from None

    async def _put(self, entries: Sequence[OrgEntry]) -> dict[str, str]:
        answers = await self._delivery.deliver(entries)
        return {entry.key: code for entry, code in zip(entries, answers, strict=True)}

    async def _send(self, entries: Sequence[OrgEntry]) -> list[str | Again]:
        what = "write to the Hint Log"
        content = {"allOrNone": False, "records": [_body(entry) for entry in entries]}
        self._calls += 1
        try:
            reply = await self._client.send_json("PATCH", f"composite/sobjects/{OBJECT}/{KEY}", what, content)
        except Rejected as refusal:
            raise _explained(refusal) from None
        except UnknownOutcome:  # writing them again does no harm
            raise RetryLater(Side.SALESFORCE, f"{what}: no reply") from None
        return [_code(row) for row in rows_of(reply.data, len(entries), what)]


def _begins(prefix: str) -> str:
    """Return the condition that a key begins so; LIKE takes % and _ for wild cards, which no key of ours has."""
    return f"{KEY} LIKE {quoted(prefix + '%')}"


def _body(entry: OrgEntry) -> dict[str, object]:
    contact_id = long_id(entry.contact_id) if entry.contact_id else None
    return {
        "attributes": {"type": OBJECT},
        KEY: entry.key,
        "Happened_At__c": entry.at,
        "Level__c": entry.level,
        "Message__c": _cut(entry.message, _MESSAGE),
        "Details__c": _cut(entry.details, _DETAILS),
        _CONTACT: contact_id,
        "Hint_Patient_Id__c": (entry.patient_id or "")[:_SHORT] or None,
        "Run_Id__c": (entry.run_id or "")[:_SHORT] or None,
    }


def _cut(text: str, longest: int) -> str | None:
    return (text if len(text) <= longest else text[: longest - 1] + "…") or None


def _entry(row: Row) -> OrgEntry:
    def text(name: str) -> str:
        return str(row.get(name) or "")

    return OrgEntry(
        text(KEY),
        # the org writes milliseconds and an offset of zero
        text("Happened_At__c")[:19] + "Z",
        text("Level__c"),
        text("Message__c"),
        text("Details__c"),
        row.get(_CONTACT),
        row.get("Hint_Patient_Id__c"),
        row.get("Run_Id__c"),
    )


def _code(row: dict[str, Any]) -> str | Again:
    """Return nothing for an entry that is stored, the telling code for one that is not."""
    if row.get("success") is True:
        return _STORED
    errors: Sequence[VendorError] = read_parsed_errors(row.get("errors"), 400)
    telling = next((each for each in errors if not each.transient), None)
    return telling.code if telling else Again(errors[0].code)


def _explained(refusal: Rejected) -> FixConfiguration:
    if refusal.status == 404 or refusal.has(*_NOT_THERE):
        return FixConfiguration(
            "salesforce: the org has no Hint Log, or our user lacks the permission set Hint_Sync: run hintsync install"
        )
    return refusal


def _storage(reply: Reply) -> Storage | None:
    told = reply.data.get("DataStorageMB") if isinstance(reply.data, dict) else None
    if not isinstance(told, dict):
        return None
    most, left = told.get("Max"), told.get("Remaining")
    return Storage(most, left) if isinstance(most, int) and isinstance(left, int) else None
