"""Batch updates: collections of up to 200 contacts, without a condition, after a fresh read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hintsync.ports import Clock, Gone, Later, Moved, Refused, Unknown, WriteAnswer, Written
from hintsync.replicas.salesforce.answers import Complaints
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.contact_update import ContactUpdate
from hintsync.replicas.salesforce.delivery import Again, Delivery, rows_of
from hintsync.replicas.salesforce.errors import read_parsed_errors

#: Records of one collection (REST API Developer Guide, "sObject Collections").
COLLECTION_SIZE = 200
CONTACT = {"type": "Contact"}


class CollectionWriter:
    """Updates up to some thousand contacts, 200 a call."""

    def __init__(self, client: SalesforceClient, clock: Clock, complaints: Complaints) -> None:
        self._client = client
        self._complaints = complaints
        self._delivery: Delivery[ContactUpdate, WriteAnswer] = Delivery(
            clock,
            self._send,
            COLLECTION_SIZE,
            account_of=lambda update: update.account_id,
            lost=lambda update: Unknown(update.record_id),
            later=lambda update, code: Later(update.record_id, code),
        )

    async def update(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer]:
        """Update contacts; one answer for each, in order. Raises what `Delivery.deliver` does."""
        return await self._delivery.deliver(updates)

    async def _send(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer | Again]:
        records = [{"attributes": CONTACT, "id": update.record_id, **update.body} for update in updates]
        content = {"allOrNone": False, "records": records}
        reply = await self._client.send_json("PATCH", "composite/sobjects", "update contacts", content)
        answered = rows_of(reply.data, len(updates), "update contacts")
        return [self._answer(update, row) for update, row in zip(updates, answered, strict=True)]

    def _answer(self, update: ContactUpdate, row: dict[str, Any]) -> Written | Refused | Moved | Gone | Again:
        if row["success"]:
            return Written(update.record_id)
        return self._complaints.of_update(update.record_id, read_parsed_errors(row["errors"], 400))
