"""Live updates: composite requests of up to 25 contacts, each on the condition that it did not move since it was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hintsync.core.errors import HintsyncError
from hintsync.ports import Clock, Gone, Later, Moved, Refused, Unknown, WriteAnswer, Written
from hintsync.replicas.salesforce.answers import Complaints
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.contact_update import ContactUpdate, http_date
from hintsync.replicas.salesforce.delivery import Again, Delivery, rows_of
from hintsync.replicas.salesforce.errors import Rejected, read_parsed_errors

#: Parts of one composite request (REST API Developer Guide, "Composite").
COMPOSITE_SIZE = 25


#: Salesforce takes this in a part's body for a reference to another part's answer, and no escape is documented.
_REFERENCE = "@{"


class CompositeWriter:
    """Updates few contacts, conditionally."""

    def __init__(self, client: SalesforceClient, clock: Clock, complaints: Complaints) -> None:
        self._client = client
        self._clock = clock
        self._complaints = complaints

    async def update(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer]:
        """Update contacts; one answer for each, in order. Raises what `Delivery.deliver` does."""
        alone = [update for update in updates if _looks_like_reference(update)]
        together = [update for update in updates if not _looks_like_reference(update)]
        answered = await self._delivery(self._send, COMPOSITE_SIZE).deliver(together)
        answers = {update.record_id: answer for update, answer in zip(together, answered, strict=True)}
        for update, answer in zip(alone, await self._singly(alone, bool(answers)), strict=True):
            answers[update.record_id] = answer
        return [answers[update.record_id] for update in updates]

    async def _singly(self, alone: Sequence[ContactUpdate], others_answered: bool) -> list[WriteAnswer]:
        try:
            return await self._delivery(self._send_one, 1).deliver(alone)
        except HintsyncError as failure:
            if not others_answered:
                raise
            return [Later(update.record_id, failure.code) for update in alone]

    def _delivery(
        self, send: Callable[[Sequence[ContactUpdate]], Awaitable[list[WriteAnswer | Again]]], size: int
    ) -> Delivery[ContactUpdate, WriteAnswer]:
        return Delivery(
            self._clock,
            send,
            size,
            account_of=lambda update: update.account_id,
            lost=lambda update: Unknown(update.record_id),
            later=lambda update, code: Later(update.record_id, code),
        )

    async def _send(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer | Again]:
        """Send one request. A repeat after a lost reply is harmless: what was written already answers 412 or 204."""
        parts = [self._part(place, update) for place, update in enumerate(updates)]
        content = {"allOrNone": False, "compositeRequest": parts}
        reply = await self._client.send_json("POST", "composite", "update contacts", content)
        told = reply.data.get("compositeResponse") if isinstance(reply.data, dict) else None
        answered = {part["referenceId"]: part for part in rows_of(told, len(updates), "update contacts")}
        return [self._answer(update, answered[_reference(place)]) for place, update in enumerate(updates)]

    async def _send_one(self, updates: Sequence[ContactUpdate]) -> list[WriteAnswer | Again]:
        (update,) = updates
        path, condition = f"sobjects/Contact/{update.record_id}", _condition(update)
        try:
            await self._client.send_json(
                "PATCH", path, "update a contact", update.body, one_record=True, headers=condition
            )
        except Rejected as refusal:
            return [self._complaints.of_update(update.record_id, refusal.errors, refusal.status)]
        return [Written(update.record_id)]

    def _part(self, place: int, update: ContactUpdate) -> dict[str, object]:
        return {
            "method": "PATCH",
            "url": self._client.address(f"sobjects/Contact/{update.record_id}"),
            "referenceId": _reference(place),
            "httpHeaders": _condition(update),
            "body": update.body,
        }

    def _answer(self, update: ContactUpdate, part: dict[str, Any]) -> Written | Refused | Moved | Gone | Again:
        status: int = part["httpStatusCode"]
        if status < 300:
            return Written(update.record_id)
        return self._complaints.of_update(update.record_id, read_parsed_errors(part["body"], status), status)


def _reference(place: int) -> str:
    return f"update{place}"


def _condition(update: ContactUpdate) -> dict[str, str]:
    return {"If-Unmodified-Since": http_date(update.stamp)} if update.stamp else {}


def _looks_like_reference(update: ContactUpdate) -> bool:
    return any(isinstance(value, str) and _REFERENCE in value for value in update.body.values())
