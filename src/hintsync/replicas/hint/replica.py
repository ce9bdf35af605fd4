"""Hint's practice behind the Replica port."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from hintsync.core.codec import Codec
from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.limits import DayBudget
from hintsync.core.records import KeyRow, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.ports import (
    Capabilities,
    CreateAnswer,
    CreateUnknown,
    Demographics,
    Described,
    Draft,
    Identity,
    Later,
    Page,
    PageRef,
    Update,
    WriteAnswer,
    WriteMode,
)
from hintsync.replicas.hint.client import HintClient, Query, expect, record_path
from hintsync.replicas.hint.errors import Rejection
from hintsync.replicas.hint.facts import HintFacts
from hintsync.replicas.hint.lists import PAGE_SIZE, HintPageRef, PatientLists, RawPage
from hintsync.replicas.hint.names import PATIENTS, PRACTICE, WRITABLE
from hintsync.replicas.hint.patient_create import PatientCreator
from hintsync.replicas.hint.patient_write import PatientWriter, Read
from hintsync.replicas.hint.probe import range_query
from hintsync.replicas.hint.workers import work

_ALL: Query = (("filter", "all"),)
_ACTIVE: Query = ()
_ARCHIVED: Query = (("filter", "archived"),)
#: New patients come last then, so that they do not shift pages that were read.
_ORDER: Query = (("sort", "created_at"),)


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many requests of a kind run at a time; the partner's rate holds for all of them together."""

    pages: int = 4
    writes: int = 4
    #: Reads of single patients: Hint advises at most 3 and answers 429 within seconds beyond that.
    single_reads: int = 3


class HintReplica:
    """One practice.

    Hint has no conditional write: an edit made between our read and our write of the same field can be overwritten. The
    phone list is written as a whole, so it is read again unless what was seen is fresh.
    """

    side = Side.HINT

    def __init__(
        self,
        client: HintClient,
        codec: Codec,
        facts: HintFacts | None = None,
        *,
        concurrency: Concurrency | None = None,
    ) -> None:
        """Build the replica; nothing is sent.

        Args:
            client: with the practice's token.
            codec: built on `facts.adapt(table)`, so that the name prefix is write-only or not as was probed.
            facts: what `probe` found out; the careful assumptions if not given.
            concurrency: requests at a time.
        """
        self.table = codec.table
        self._client = client
        self._codec = codec
        self._facts = facts or HintFacts()
        self._concurrency = concurrency or Concurrency()
        self._lists = PatientLists(client, at_a_time=self._concurrency.pages)
        self._single_reads = asyncio.Semaphore(self._concurrency.single_reads)
        self._writes = asyncio.Semaphore(self._concurrency.writes)
        self._writer = PatientWriter(client, codec, self._read_one)
        self._writer.names_required = self._facts.names_required
        self._creator = PatientCreator(client, codec, self.find_by_key)

    @property
    def facts(self) -> HintFacts:
        """What is known of this practice's API by now; the engine keeps it when it has changed."""
        return replace(self._facts, names_required=self._writer.names_required)

    @property
    def capabilities(self) -> Capabilities:
        """What this practice's API can do, as far as it was probed."""
        return Capabilities(
            conditional_writes=False,
            read_size=1,
            page_size=PAGE_SIZE,
            write_size=1,
            find_by_birth_date=self._facts.dob_filter,
            changed_since=self._facts.updated_at_filter is not None,
        )

    @property
    def calls(self) -> int:
        """Requests sent so far, repetitions included."""
        return self._client.calls

    @property
    def budget(self) -> DayBudget:
        """The day's requests of the partner account, over all workers (guard G6)."""
        return self._client.budget

    async def identify(self) -> Identity:
        """Say which practice the token opens; ids of a sandbox start with `sbx-`."""
        raw = expect(await self._client.get(PRACTICE), "the practice").record()
        practice_id = raw.get("id")
        if not isinstance(practice_id, str) or not practice_id:
            raise FixConfiguration("hint: the practice shows no id; check the base URL")
        return Identity(Side.HINT, practice_id, str(raw.get("name") or ""), practice_id.startswith("sbx-"))

    async def describe(self) -> Described:
        """Say which mapped fields can be written; Hint does not describe itself, so this costs no call and rarely changes."""
        read_only = frozenset(row.name for row in self.table if row.one_way)
        shown = repr((sorted(WRITABLE), self._facts.title_echoed, sorted(read_only)))
        return Described(hashlib.sha256(shown.encode()).hexdigest()[:16], read_only=read_only)

    async def scan(self, *, since: datetime | None = None) -> AsyncIterator[Page]:
        """Yield every patient, archived and merged ones included, in pages; destroyed ones are in no list.

        Raises:
            RetryLater: the list kept moving while it was read.
        """
        async with aclosing(self._raw_pages(since)) as pages:
            async for page in pages:
                yield self._page(page)

    async def scan_keys(self) -> AsyncIterator[Sequence[KeyRow]]:
        """Yield what matching must know of every patient; the same calls as `scan`, since Hint has no lighter ones."""
        keyrow = self._codec.keyrow_from_hint
        async with aclosing(self._raw_pages(None)) as pages:
            async for page in pages:
                yield tuple(map(keyrow, page.rows))

    async def reread(self, ref: PageRef) -> Page:
        """Read one page of a scan again."""
        if not isinstance(ref, HintPageRef):
            ref = HintPageRef(ref.number, ref.offset, tuple(self._everybody()[0]))
        return self._page(await self._lists.fetch(ref))

    async def read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot]:
        """Read patients one by one, three at a time; archived and merged ones come with their state, destroyed ones not."""
        wanted = list(dict.fromkeys(ids))
        found = await work(wanted, self._read_one, at_a_time=self._concurrency.single_reads)
        return {each.snapshot.id: each.snapshot for each in found if each is not None}

    async def find(self, people: Sequence[Demographics]) -> Sequence[Snapshot]:
        """Fetch everybody born on those days.

        Raises:
            NotImplementedError: the birth-date filter was not seen to work.
            RetryLater: it does not work any more; `capabilities` say so from now on.
        """
        if not self._facts.dob_filter:
            raise NotImplementedError("hint: the birth-date filter was not seen to work here")
        days = list(dict.fromkeys(person.birth_date for person in people))
        found = await work(days, self._born_on, at_a_time=self._concurrency.pages)
        return [snapshot for group in found for snapshot in group]

    async def find_by_key(self, keys: Sequence[str]) -> Mapping[str, Snapshot]:
        """Look up patients by integration_record_id, which Hint takes in place of its own id."""
        wanted = list(dict.fromkeys(keys))
        found = await work(wanted, self._get, at_a_time=self._concurrency.single_reads)
        shown = {key: each.snapshot for key, each in zip(wanted, found, strict=True) if each is not None}
        return {key: snapshot for key, snapshot in shown.items() if snapshot.peer_id == key}

    async def update(self, updates: Sequence[Update], mode: WriteMode) -> Sequence[WriteAnswer]:
        """Write, one request each; once one has an answer, trouble with the whole side becomes `Later` for the rest."""
        if len({update.record_id for update in updates}) != len(updates):
            raise ValueError("a patient appears twice in one call")
        return await work(
            updates,
            lambda update: self._write(update, mode),
            at_a_time=self._concurrency.writes,
            left_over=lambda update, error: Later(update.record_id, error.code),
        )

    async def create(self, drafts: Sequence[Draft]) -> Sequence[CreateAnswer]:
        """Create, one request each; once one has an answer, trouble with the side becomes `CreateUnknown` for the rest."""
        return await work(
            drafts,
            self._creator.create,
            at_a_time=self._concurrency.writes,
            left_over=lambda draft, _: CreateUnknown(draft.key),
        )

    def snapshot_of(self, shown: Mapping[str, object]) -> Snapshot:
        """Return what a patient's object says that came by another way than a read of ours: a webhook's.

        Raises:
            BadInput: it shows no id.
        """
        return self._codec.snapshot_from_hint(shown)

    async def aclose(self) -> None:
        """Nothing of its own: the transport is shared by the practices of a partner and closed by its owner."""

    # Below the port

    def _everybody(self) -> Sequence[Query]:
        """Return the lists that hold everybody: one if `filter=all` was seen to work, else the active and the archived."""
        lists = (_ALL,) if self._facts.filter_all else (_ACTIVE, _ARCHIVED)
        return [(*query, *_ORDER) for query in lists]

    def _raw_pages(self, since: datetime | None) -> AsyncGenerator[RawPage, None]:
        spelling = self._facts.updated_at_filter
        if since is None or spelling is None:
            return self._lists.pages(self._everybody())
        changed = range_query(spelling, since)
        return self._lists.pages([(*query, *changed) for query in self._everybody()], growing=True)

    def _page(self, page: RawPage) -> Page:
        snapshot = self._codec.snapshot_from_hint
        return Page(tuple(snapshot(row, page.sent_at) for row in page.rows), page.ref, page.total)

    async def _write(self, update: Update, mode: WriteMode) -> WriteAnswer:
        async with self._writes:  # several calls of `update` may be under way
            return await self._writer.write(update, mode)

    async def _read_one(self, record_id: RecordId) -> Read | None:
        """Read one patient; believed only under its own id, since Hint also takes any partner's key for an id."""
        found = await self._get(record_id)
        return found if found and found.snapshot.id == record_id else None

    async def _get(self, id_or_key: str) -> Read | None:
        answer = await self._client.get(record_path(PATIENTS, id_or_key), gate=self._single_reads)
        if isinstance(answer, Rejection):
            if answer.status == 404:
                return None
            raise FixConfiguration(f"hint: reading a patient was rejected with {answer.status}; check the base URL")
        raw = answer.record()
        return Read(raw, self._codec.snapshot_from_hint(raw, answer.sent_at))

    async def _born_on(self, day: str) -> list[Snapshot]:
        found: list[Snapshot] = []
        lists = [(*query, ("dob", day)) for query in self._everybody()]
        async with aclosing(self._lists.pages(lists, growing=True)) as pages:
            async for page in pages:
                if any(row.get("dob") != day for row in page.rows):
                    self._facts = replace(self._facts, dob_filter=False)
                    raise RetryLater(Side.HINT, "the birth-date filter is not honoured any more")
                found += self._page(page).records
        return found
