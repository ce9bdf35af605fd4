"""The Salesforce org as a Replica: contacts of one org, in canonical values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import date, datetime

from hintsync.change_feed import ChangeFeed
from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions
from hintsync.core.errors import FixConfiguration
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.limits import DayBudget
from hintsync.core.records import KeyRow, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.ports import (
    Capabilities,
    Clock,
    CreateAnswer,
    Demographics,
    Described,
    Draft,
    Identity,
    Page,
    PageRef,
    Update,
    WriteAnswer,
    WriteMode,
)
from hintsync.replicas.salesforce.accounts import Accounts
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.collection_writer import COLLECTION_SIZE
from hintsync.replicas.salesforce.contacts import Contacts
from hintsync.replicas.salesforce.describe import read_contact_fields
from hintsync.replicas.salesforce.events_address import EventsAddress
from hintsync.replicas.salesforce.hint_log import SalesforceHintLog
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.package_fields import PATIENT_ID
from hintsync.replicas.salesforce.query import PAGE_SIZE, pages, rows
from hintsync.replicas.salesforce.scanned import ScannedPages
from hintsync.replicas.salesforce.soql import instant, quoted, select, select_in
from hintsync.replicas.salesforce.whole_scan import every_contact
from hintsync.turns import ROWS, in_turns

#: Contacts of one read: their ids take about a third of the address that Salesforce allows.
READ_SIZE = 200

_CAPABILITIES = Capabilities(
    conditional_writes=True,
    read_size=READ_SIZE,
    page_size=PAGE_SIZE,
    write_size=COLLECTION_SIZE,
    find_by_birth_date=True,
    changed_since=True,
)


class SalesforceReplica:
    """A Salesforce org, seen as a place that holds copies of people.

    Attributes:
        accounts: looks up and creates accounts (the Default Account of created contacts).
        hint_log: our log object in the org.
        client: the connection below; its `budget` tells the org's daily requests (guard G6).
    """

    side = Side.SALESFORCE

    def __init__(
        self,
        client: SalesforceClient,
        table: FieldTable = DEFAULT_MAPPING,
        *,
        clock: Clock,
        conventions: Conventions | None = None,
        events: EventsAddress | None = None,
    ) -> None:
        """Put the replica together; nothing is sent yet.

        Args:
            client: the org; closed by `aclose`.
            table: the mapping in force.
            clock: measures and waits.
            conventions: how the connection's values are written; what the org's describe shows is added.
            events: where the org's change events are; Salesforce's own address if not given.
        """
        self.client = client
        self.table = table
        self.accounts = Accounts(client)
        self.hint_log = SalesforceHintLog(client, clock)
        self._clock = clock
        self._given = conventions or Conventions()
        self._events = events or EventsAddress()
        self._contacts: Contacts | None = None
        self._preparing = asyncio.Lock()
        self._scanned = ScannedPages()

    @property
    def capabilities(self) -> Capabilities:
        """What this replica can do."""
        return _CAPABILITIES

    @property
    def calls(self) -> int:
        """Requests sent so far, repeats included."""
        return self.client.calls

    @property
    def budget(self) -> DayBudget | None:
        """The org's requests of the last 24 hours, by anybody, as its latest answer told (guard G6)."""
        return self.client.budget.today

    async def prepare(self) -> Contacts:
        """Describe the org's contacts, unless that was done; every other method does this first by itself."""
        async with self._preparing:
            if self._contacts is None:
                self._contacts = await self._describe()
            return self._contacts

    async def describe(self) -> Described:
        """Ask the org anew what its mapped fields are like; from then on reads and writes go by that answer."""
        self._contacts = await self._describe()
        return self._contacts.described

    async def identify(self) -> Identity:
        """Say which org this is. One call."""
        soql = "SELECT Id,Name,IsSandbox FROM Organization LIMIT 1"
        found = await rows(self.client, soql, "identify the org")
        if not found:
            raise FixConfiguration("salesforce: our user may not see the Organization record")
        return Identity(self.side, found[0]["Id"], found[0]["Name"], found[0]["IsSandbox"])

    async def scan(self, *, since: datetime | None = None) -> AsyncIterator[Page]:
        """Yield every contact, or those changed at or after a moment, deleted and merged ones included.

        Changed means SystemModstamp: unlike LastModifiedDate it cannot be set back. Rows may turn up late (a long
        transaction commits with an earlier stamp), which is what the caller's overlap is for.

        Raises:
            RetryLater: the cursor was lost half-way.
            BudgetSpent: a whole scan would go below the reserve; scans of changes are live work and go on.
        """
        contacts = await self.prepare()
        if since is None:
            self.client.budget.spare_for_batch()
        where = f"SystemModstamp >= {instant(since)}" if since else ""
        soql = select(contacts.selected, "Contact", where)
        read = contacts.codec.snapshot_from_salesforce
        self._scanned = scanned = ScannedPages()
        async with aclosing(pages(self.client, soql, "scan contacts", deleted_too=since is not None)) as found:
            async for page in found:
                records = tuple([read(row, page.read_at) async for row in in_turns(page.rows, ROWS)])
                yield Page(records, scanned.add(records), page.total)

    async def scan_keys(self) -> AsyncIterator[Sequence[KeyRow]]:
        """Yield what matching must know of every contact, in pages of up to 2,000 and in no order.

        A large org is read by several cursors at once, each over a range of record ids (`whole_scan`). A record id never
        changes, so a contact is in exactly one range.

        Raises:
            RetryLater: a cursor was lost half-way.
            BudgetSpent: it would go below the reserve.
        """
        contacts = await self.prepare()
        self.client.budget.spare_for_batch()
        read = contacts.codec.keyrow_from_salesforce
        async with aclosing(every_contact(self.client, contacts.key_selected, "scan names and birth dates")) as found:
            async for page in found:
                yield [read(row) for row in page.rows]

    async def reread(self, ref: PageRef) -> Page:
        """Read the contacts of a page of the latest scan again, by their ids.

        A cursor's page cannot be asked for again in a documented way, so this costs a call per 200 contacts: where only
        some are wanted, `read` is the better call. A page of an earlier scan comes back empty.
        """
        ids = self._scanned.ids(ref)
        found = await self.read(ids)
        return Page(tuple(found[each] for each in ids if each in found), ref)

    async def read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot]:
        """Read contacts by id, 200 a call; deleted and merged ones come with their state, unknown ones are missing.

        By `queryAll`, not by the retrieve call of the collections: retrieve answers null for a deleted contact and for one
        that never was, so that telling them apart takes a second call. What is no record id is never sent, for one such
        id fails its whole statement.
        """
        contacts = await self.prepare()
        known = dict.fromkeys(record_id for each in ids if (record_id := long_id(each)))
        statements = select_in(contacts.selected, "Contact", "Id", [f"'{each}'" for each in known], most=READ_SIZE)
        parts = await asyncio.gather(*(self._snapshots(contacts, each, deleted_too=True) for each in statements))
        return {snapshot.id: snapshot for part in parts for snapshot in part}

    async def find(self, people: Sequence[Demographics]) -> Sequence[Snapshot]:
        """Fetch the contacts born on one of these people's birth dates.

        Salesforce's filter ignores the year (Object Reference, Contact.Birthdate), so about one contact in 365 comes
        back for each distinct day; those that show another date are dropped here.
        """
        contacts = await self.prepare()
        born = {date.fromisoformat(each.birth_date).isoformat() for each in people}
        # Same days next to one another: what the ignored year brings along comes from one statement, not from several.
        by_day = sorted(born, key=lambda each: each[5:])
        statements = select_in(contacts.selected, "Contact", "Birthdate", by_day)
        found = [each for soql in statements for each in await self._snapshots(contacts, soql, born=born)]
        return list({each.id: each for each in found}.values())

    async def find_by_key(self, keys: Sequence[str]) -> Mapping[str, Snapshot]:
        """Look contacts up by Hint Patient ID; only those that show the very key, letter case included.

        Raises:
            FixConfiguration: the org has no such field, or our user may not see it.
        """
        contacts = await self.prepare()
        if not contacts.fields.has(PATIENT_ID):
            raise FixConfiguration(f"salesforce: Contact lacks {PATIENT_ID}: deploy the hintsync package")
        wanted = dict.fromkeys(key for key in keys if key)
        statements = select_in(contacts.selected, "Contact", PATIENT_ID, [quoted(key) for key in wanted])
        found = [each for soql in statements for each in await self._snapshots(contacts, soql)]
        return {each.peer_id: each for each in found if each.peer_id in wanted}

    async def update(self, updates: Sequence[Update], mode: WriteMode) -> Sequence[WriteAnswer]:
        """Write to contacts; one answer for each, in order.

        Live: composite requests of 25, each part on the condition that the contact did not move. Batch: collections of
        200, or Bulk jobs above 2,000 contacts.
        """
        if mode is WriteMode.BATCH:
            self.client.budget.spare_for_batch()
        return await (await self.prepare()).update(updates, mode)

    async def create(self, drafts: Sequence[Draft]) -> Sequence[CreateAnswer]:
        """Insert contacts that carry their key as external id; never an upsert, so never an overwrite."""
        return await (await self.prepare()).create(drafts)

    async def open_feed(self, tenant: str, topic: str = "") -> ChangeFeed:
        """Find the topic of the org's change events and open its feed; see `TellsChanges`."""
        # imported late: an org that is never followed starts without gRPC and Avro
        from hintsync.replicas.salesforce.pubsub_feed import open_feed

        return await open_feed(self._events, self.client, self._codec, self._clock, tenant=tenant, topic=topic)

    async def _codec(self) -> Codec:
        return (await self.prepare()).codec

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _describe(self) -> Contacts:
        fields = await read_contact_fields(self.client)
        return Contacts(self.client, self._clock, self.table, fields, self._given)

    async def _snapshots(
        self, contacts: Contacts, soql: str, *, deleted_too: bool = False, born: Collection[str] = ()
    ) -> list[Snapshot]:
        """Run a statement; with `born`, keep only rows that show one of these birth dates."""
        read = contacts.codec.snapshot_from_salesforce
        async with aclosing(pages(self.client, soql, "read contacts", deleted_too=deleted_too)) as found:
            return [
                read(row, page.read_at)
                async for page in found
                for row in page.rows
                if not born or row["Birthdate"] in born
            ]
