"""Live updates: composite requests of up to 25 contacts, each on the condition that it did not move since it was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hintsync.ports import Clock, Gone, Later, Moved, Refused, Unknown, WriteAnswer, Written
from hintsync.replicas.salesforce.answers import Complaints
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.contact_update import ContactUpdate, http_date
from hintsync.replicas.salesforce.delivery import Again, Delivery
from hintsync.replicas.salesforce.errors import read_parsed_errors

#: Parts of one composite request (REST API Developer Guide, "Composite").
COMPOSITE_SIZE = 25


class CompositeWriter:
    """Updates few contacts, conditionally."""

    def __init__(self, client: SalesforceClient, clock: Clock, complaints: Complaints) -> None:
        self._client = client
        self._complaints = complaints
        self._delivery: Delivery[ContactUpdate, WriteAnswer] = Delivery(
            clock,
            self._send,
            COMPOSITE_SIZE,
            account_of=lambda update: update.account_id,
            lost=lambda update: Unknown(update.record_id),
            later=lambda update, code: Later(update.record_id, code),
        )

    async def update(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer]:
        """Update contacts; one answer for each, in order. Raises what `Delivery.deliver` does."""
        return await self._delivery.deliver(updates)

    async def _send(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer | Again]:
        """Send one request. A repeat after a lost reply is harmless: what was written already answers 412 or 204."""
        parts = [self._part(place, update) for place, update in enumerate(updates)]
        content = {"allOrNone": False, "compositeRequest": parts}
        reply = await self._client.send_json("POST", "composite", "update contacts", content)
        answered = {part["referenceId"]: part for part in reply.data["compositeResponse"]}
        return [self._answer(update, answered[_reference(place)]) for place, update in enumerate(updates)]

    def _part(self, place: int, update: ContactUpdate) -> dict[str, object]:
        part: dict[str, object] = {
            "method": "PATCH",
            "url": self._client.address(f"sobjects/Contact/{update.record_id}"),
            "referenceId": _reference(place),
            "body": update.body,
        }
        if update.stamp:
            part["httpHeaders"] = {"If-Unmodified-Since": http_date(update.stamp)}
        return part

    def _answer(self, update: ContactUpdate, part: dict[str, Any]) -> Written | Refused | Moved | Gone | Again:
        status: int = part["httpStatusCode"]
        if status < 300:
            return Written(update.record_id)
        return self._complaints.of_update(update.record_id, read_parsed_errors(part["body"], status), status)


def _reference(place: int) -> str:
    return f"update{place}"
