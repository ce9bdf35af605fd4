"""Creates contacts: inserts that carry the external id, so that nobody is created twice. Never an upsert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hintsync.core.errors import HintsyncError, UnknownOutcome
from hintsync.ports import Clock, CreateAnswer, Created, CreateUnknown, Draft, DuplicateRule
from hintsync.replicas.salesforce.answers import Complaints
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.collection_writer import COLLECTION_SIZE, CONTACT
from hintsync.replicas.salesforce.delivery import Again, Delivery, rows_of
from hintsync.replicas.salesforce.errors import Rejected, VendorError, read_parsed_errors
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.package_fields import PATIENT_ID, bookkeeping_body

_RULE_HEADER = "Sforce-Duplicate-Rule-Header"
#: Always asked for: the review shows the records that a duplicate rule names (row L12).
_NAME_DUPLICATES = "includeRecordDetails=true"
#: Lets a person go ahead; it only works where the rule's action is to allow with an alert.
_ALLOW_DUPLICATES = "allowSave=true; includeRecordDetails=true"


@dataclass(frozen=True, slots=True)
class _Insert:
    """A draft and its JSON body."""

    draft: Draft
    body: dict[str, object]


class ContactCreator:
    """Inserts contacts.

    A row that met a lock, or whose reply was lost, is answered `CreateUnknown`: the caller looks the key up first.
    """

    def __init__(
        self,
        client: SalesforceClient,
        clock: Clock,
        complaints: Complaints,
        body_of: Callable[[Draft], dict[str, object]],
    ) -> None:
        """Put the creator together.

        Args:
            client: the org.
            clock: waits between repeats.
            complaints: reads refusals.
            body_of: returns the mapped values of a draft as API names and JSON values.
        """
        self._client = client
        self._clock = clock
        self._complaints = complaints
        self._body_of = body_of

    async def create(self, drafts: Sequence[Draft]) -> list[CreateAnswer]:
        """Insert contacts; one answer for each, in order. Raises what `Delivery.deliver` does."""
        inserts = [self._insert(draft) for draft in drafts]
        answers: dict[int, CreateAnswer] = {}
        for allowed in (False, True):
            places = [place for place, each in enumerate(inserts) if each.draft.allow_duplicate is allowed]
            if places:
                delivered = await self._delivery(allowed).deliver([inserts[place] for place in places])
                answers.update(zip(places, delivered, strict=True))
        return [await self._with_names(inserts[place], answers[place]) for place in range(len(inserts))]

    def _insert(self, draft: Draft) -> _Insert:
        body = {**draft.defaults, **self._body_of(draft), **bookkeeping_body(draft.bookkeeping), PATIENT_ID: draft.key}
        if draft.account_id:
            body["AccountId"] = draft.account_id
        return _Insert(draft, body)

    def _delivery(self, allowed: bool) -> Delivery[_Insert, CreateAnswer]:
        async def send(inserts: Sequence[_Insert]) -> list[CreateAnswer | Again]:
            if len(inserts) == 1:
                return [await self._insert_one(inserts[0], allowed)]
            return await self._insert_many(inserts, allowed)

        return Delivery(
            self._clock,
            send,
            COLLECTION_SIZE,
            account_of=lambda insert: insert.draft.account_id,
            lost=lambda insert: CreateUnknown(insert.draft.key),
            later=lambda insert, _: CreateUnknown(insert.draft.key),
        )

    async def _insert_many(self, inserts: Sequence[_Insert], allowed: bool) -> list[CreateAnswer | Again]:
        content = {"allOrNone": False, "records": [{"attributes": CONTACT, **each.body} for each in inserts]}
        reply = await self._client.send_json(
            "POST", "composite/sobjects", "create contacts", content, once=True, headers=_rule_header(allowed)
        )
        answered = rows_of(reply.data, len(inserts), "create contacts")
        return [self._answer(each.draft, row) for each, row in zip(inserts, answered, strict=True)]

    async def _insert_one(self, insert: _Insert, allowed: bool) -> CreateAnswer | Again:
        path, headers = "sobjects/Contact", _rule_header(allowed)
        try:
            reply = await self._client.send_json(
                "POST", path, "create a contact", insert.body, once=True, one_record=True, headers=headers
            )
        except Rejected as refusal:
            return self._refused(insert.draft, refusal.errors)
        (answered,) = rows_of([reply.data], 1, "create a contact")
        return self._answer(insert.draft, answered)

    def _answer(self, draft: Draft, row: dict[str, Any]) -> CreateAnswer | Again:
        if row["success"]:
            return Created(draft.key, long_id(row["id"]) or row["id"])
        return self._refused(draft, read_parsed_errors(row["errors"], 400))

    def _refused(self, draft: Draft, errors: Sequence[VendorError]) -> CreateAnswer | Again:
        return self._complaints.of_create(draft, errors)

    async def _with_names(self, insert: _Insert, answer: CreateAnswer) -> CreateAnswer:
        """Learn which records a duplicate rule names, where the collection did not say: a single insert does."""
        if not isinstance(answer, DuplicateRule) or answer.records:
            return answer
        try:
            told = await self._insert_one(insert, insert.draft.allow_duplicate)
        except UnknownOutcome:
            return CreateUnknown(insert.draft.key)
        except HintsyncError:
            return answer  # That a rule stands in the way is known, and the other rows' answers must not get lost.
        return answer if isinstance(told, Again) else told


def _rule_header(allowed: bool) -> dict[str, str]:
    return {_RULE_HEADER: _ALLOW_DUPLICATES if allowed else _NAME_DUPLICATES}
