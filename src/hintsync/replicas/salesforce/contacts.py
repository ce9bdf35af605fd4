"""How one org's contacts are read and written: everything that follows from its describe, put together once."""

from __future__ import annotations

from collections.abc import Sequence

from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions
from hintsync.core.errors import FixConfiguration
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.ports import (
    Clock,
    CreateAnswer,
    CreateRefused,
    Draft,
    Gone,
    Refused,
    Update,
    WriteAnswer,
    WriteMode,
    Written,
)
from hintsync.replicas.salesforce.answers import Complaints
from hintsync.replicas.salesforce.bulk_job import BulkJobs
from hintsync.replicas.salesforce.bulk_writer import COLLECTIONS_UP_TO, BulkWriter
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.collection_writer import CollectionWriter
from hintsync.replicas.salesforce.composite_writer import CompositeWriter
from hintsync.replicas.salesforce.contact_update import ContactUpdate
from hintsync.replicas.salesforce.creator import ContactCreator
from hintsync.replicas.salesforce.describe import ContactFields
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.package_fields import BOOKKEEPING, PATIENT_ID, bookkeeping_body

#: Our word for a field that is not in the org or that our user may not write; nothing was sent.
NOT_WRITABLE = "FIELD_NOT_WRITABLE"

#: What rows of a plain query always show the same of: they are not deleted.
_DELETION = frozenset({"IsDeleted", "MasterRecordId"})


class Contacts:
    """Reads and writes the contacts of an org whose fields are known."""

    def __init__(
        self,
        client: SalesforceClient,
        clock: Clock,
        table: FieldTable,
        fields: ContactFields,
        given: Conventions,
    ) -> None:
        self.fields = fields
        self.codec = Codec(table, fields.conventions(given))
        self.described = fields.described(table, self.codec.conventions)
        #: API names of a full snapshot; mapped fields that the org does not have stay out, hence ABSENT.
        self.selected = fields.existing(self.codec.salesforce_fields())
        #: API names of a key row.
        self.key_selected = tuple(
            name for name in fields.existing(self.codec.salesforce_key_fields()) if name not in _DELETION
        )
        complaints = Complaints(self.codec)
        self._live = CompositeWriter(client, clock, complaints)
        self._collections = CollectionWriter(client, clock, complaints)
        self._bulk = BulkWriter(BulkJobs(client, clock), self._collections, complaints)
        self._creator = ContactCreator(client, clock, complaints, self._values)

    @property
    def missing_package_fields(self) -> tuple[str, ...]:
        """API names of our bookkeeping fields that the org does not have or that our user may not write."""
        return self.fields.unwritable(BOOKKEEPING, create=False)

    async def update(self, updates: Sequence[Update], mode: WriteMode) -> list[WriteAnswer]:
        """Update contacts; one answer for each, in order."""
        self._need({name for update in updates for name in bookkeeping_body(update.bookkeeping)})
        answers: dict[RecordId, WriteAnswer] = {}
        writes: list[ContactUpdate] = []
        for update in updates:
            checked = self._checked(update, mode)
            if isinstance(checked, ContactUpdate):
                writes.append(checked)
            else:
                answers[update.record_id] = checked
        sent = [update for update in updates if update.record_id not in answers]
        for update, answer in zip(sent, await self._send(writes, mode), strict=True):
            answers[update.record_id] = answer
        return [answers[update.record_id] for update in updates]

    async def create(self, drafts: Sequence[Draft]) -> list[CreateAnswer]:
        """Create contacts; one answer for each, in order."""
        self._need({PATIENT_ID}.union(*(bookkeeping_body(draft.bookkeeping) for draft in drafts)))
        refused = {place: why for place, draft in enumerate(drafts) if (why := self._refusal(draft))}
        sent = [place for place in range(len(drafts)) if place not in refused]
        created = await self._creator.create([drafts[place] for place in sent]) if sent else []
        answers: dict[int, CreateAnswer] = {**refused, **dict(zip(sent, created, strict=True))}
        return [answers[place] for place in range(len(drafts))]

    async def _send(self, writes: Sequence[ContactUpdate], mode: WriteMode) -> list[WriteAnswer]:
        if not writes:
            return []
        if mode is WriteMode.LIVE:
            return await self._live.update(writes)
        if len(writes) <= COLLECTIONS_UP_TO:
            return await self._collections.update(writes)
        return await self._bulk.update(writes)

    def _checked(self, update: Update, mode: WriteMode) -> ContactUpdate | WriteAnswer:
        """Turn an update into Salesforce's terms, or say at once what would come of it."""
        record_id = long_id(update.record_id)
        if record_id is None:
            return Gone(update.record_id)
        values = self._values(update)
        unwritable = self.fields.unwritable(values, create=False)
        if unwritable:
            return Refused(update.record_id, NOT_WRITABLE, self.codec.refused(Side.SALESFORCE, unwritable))
        body = {**values, **bookkeeping_body(update.bookkeeping)}
        if not body:
            return Written(update.record_id)
        seen = update.seen
        stamp = seen.stamp if seen and mode is WriteMode.LIVE else ""
        return ContactUpdate(record_id, body, stamp, seen.account_id if seen else None)

    def _refusal(self, draft: Draft) -> CreateRefused | None:
        """Refuse a draft that names fields the org does not take; one such row would fail its whole collection."""
        unwritable = self.fields.unwritable([*self._values(draft), *draft.defaults], create=True)
        if not unwritable:
            return None
        return CreateRefused(draft.key, NOT_WRITABLE, self.codec.refused(Side.SALESFORCE, unwritable))

    def _values(self, source: Update | Draft) -> dict[str, object]:
        return self.codec.salesforce_body(source.values)

    def _need(self, names: set[str]) -> None:
        lacking = sorted(names.intersection(self.missing_package_fields))
        if lacking:
            raise FixConfiguration(
                f"salesforce: Contact lacks {', '.join(lacking)}, or our user may not edit it: "
                "deploy the hintsync package and assign its permission set"
            )
