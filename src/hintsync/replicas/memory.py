"""The Replica port in memory, for either side: the reference the real replicas are held against, and what tests of the
engine run on.

It keeps people in canonical values and behaves as its side does where the engine can tell: page and chunk sizes and the
count of calls, conditional writes on Salesforce only, a phone list on Hint only, a birth-date filter that ignores the
year on Salesforce, deleted records that stay readable on Salesforce and vanish on Hint. Trouble of every kind is made to
order through `MemoryReplica.faults`. People's edits go through `put`, `edit`, `delete` and their like, which count no
calls; `watch` tells of every change, as notifications would.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import TypeVar

from hintsync.core.errors import HintsyncError, RetryLater
from hintsync.core.fields import KEY_FIELDS, Direction, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.limits import DayBudget
from hintsync.core.records import FieldName, KeyRow, RecordId, RecordState, Snapshot
from hintsync.core.values import Canonical, Side
from hintsync.ports import (
    NO_BOOKKEEPING,
    Capabilities,
    Clock,
    CreateAnswer,
    Created,
    CreateRefused,
    CreateUnknown,
    Demographics,
    Described,
    Draft,
    DuplicateRule,
    Gone,
    Identity,
    KeyTaken,
    Later,
    Moved,
    Page,
    PageRef,
    Refused,
    Unknown,
    Update,
    WriteAnswer,
    WriteMode,
    Written,
)
from hintsync.replicas.freshness import is_fresh, moved_since
from hintsync.replicas.memory_hint_log import MemoryHintLog
from hintsync.replicas.memory_office import MemoryOffice
from hintsync.replicas.memory_records import (
    ChangeKind,
    MemoryRecord,
    apply_bookkeeping,
    apply_values,
    make_id,
)

Item = TypeVar("Item")

#: What each side can do, with the sizes of its API.
CAPABILITIES = {
    Side.SALESFORCE: Capabilities(
        conditional_writes=True,
        read_size=200,
        page_size=2000,
        write_size=200,
        find_by_birth_date=True,
        changed_since=True,
    ),
    Side.HINT: Capabilities(
        conditional_writes=False,
        read_size=1,
        page_size=100,
        write_size=1,
        find_by_birth_date=True,
        changed_since=True,
    ),
}

#: Conditional updates that Salesforce takes in one composite call.
_COMPOSITE_SIZE = 25
#: Fields without which a side takes no record.
_REQUIRED = {Side.SALESFORCE: ("last_name",), Side.HINT: ("first_name", "last_name")}
#: The side's code for a field that must not be blank.
_REQUIRED_CODE = {Side.SALESFORCE: "REQUIRED_FIELD_MISSING", Side.HINT: "422"}
_KEY_TAKEN_CODE = {Side.SALESFORCE: "DUPLICATE_VALUE", Side.HINT: "422"}


class MemoryReplica(MemoryOffice):
    """One side, in memory.

    Attributes:
        faults: the trouble it makes; all off at first.
    """

    def __init__(
        self,
        side: Side,
        table: FieldTable,
        clock: Clock,
        *,
        identity: Identity | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        """Start without any record.

        Args:
            side: whose behaviour is shown.
            table: the mapping in force.
            clock: gives change times and the time of reads.
            identity: which org or practice it says it is.
            capabilities: other sizes or abilities than the side's usual ones.
        """
        super().__init__(side, table, clock)
        self.identity = identity or Identity(side, f"memory-{side}", f"{side} in memory", sandbox=True)
        self._capabilities = capabilities or CAPABILITIES[side]
        #: Told of by the org's side only.
        self.hint_log = MemoryHintLog(self.faults, self._lives)

    # The port

    @property
    def capabilities(self) -> Capabilities:
        """What this replica can do."""
        return self._capabilities

    @property
    def calls(self) -> int:
        """Remote requests that the real side would have got."""
        return self.faults.calls

    @property
    def budget(self) -> DayBudget | None:
        """The day's calls, if the faults limit them (`faults.spend_budget`, `faults.limit_day`)."""
        return self.faults.budget

    async def identify(self) -> Identity:
        """Say which org or practice this is."""
        self._read_call()
        return self.identity

    async def describe(self) -> Described:
        """Say what the side would tell of its fields: the faults set on them, and what Hint never lets us write."""
        self._read_call()
        read_only = {row.name for row in self.table if row.one_way} if self.side is Side.HINT else set()
        digest = repr((sorted(self.faults.hidden), sorted(self.faults.max_length.items()), sorted(self.faults.choices)))
        return Described(
            digest,
            missing=frozenset(self.faults.hidden),
            read_only=frozenset(read_only),
            max_length=dict(self.faults.max_length),
            choices=dict(self.faults.choices),
        )

    async def scan(self, *, since: datetime | None = None) -> AsyncIterator[Page]:
        """Yield pages in the order of creation."""
        size = self._capabilities.page_size
        moving = self.faults.moving_scans > 0
        self.faults.moving_scans -= moving
        for number, offset in enumerate(count(0, size)):
            self._read_call()
            listed = self._listed(since)
            rows = listed[offset : offset + size]
            if rows:
                yield Page(tuple(map(self._snapshot, rows)), PageRef(number, offset), len(listed))
            if moving:
                raise RetryLater(self.side, "the list kept moving while it was read")
            if offset + size >= len(listed):
                return

    async def scan_keys(self) -> AsyncIterator[Sequence[KeyRow]]:
        """Yield the key rows of the same pages."""
        async for page in self.scan():
            yield tuple(map(_key_row, page.records))

    async def reread(self, ref: PageRef) -> Page:
        """Read the records that stand on that page now."""
        self._read_call()
        listed = self._listed(None)
        rows = listed[ref.offset : ref.offset + self._capabilities.page_size]
        return Page(tuple(map(self._snapshot, rows)), ref, len(listed))

    async def read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot]:
        """Read records by id."""
        found: dict[RecordId, Snapshot] = {}
        wanted = list(dict.fromkeys(ids))
        for chunk in _chunks(wanted, self._capabilities.read_size):
            self._read_call()
            found |= {each: self._snapshot(self._records[each]) for each in chunk if self._readable(each)}
        return found

    async def find(self, people: Sequence[Demographics]) -> Sequence[Snapshot]:
        """Fetch everybody born on those days; Salesforce's filter ignores the year."""
        if not self._capabilities.find_by_birth_date:
            raise NotImplementedError(f"{self.side} has no birth-date filter here")
        start = 4 if self.side is Side.SALESFORCE else 0
        days = list(dict.fromkeys(person.birth_date[start:] for person in people))
        found: list[Snapshot] = []
        for chunk in _chunks(days, self._capabilities.read_size):
            self._read_call()
            found += [self._snapshot(each) for each in self._listed(None) if _born(each)[start:] in chunk]
        return found

    async def find_by_key(self, keys: Sequence[str]) -> Mapping[str, Snapshot]:
        """Look up records by the peer's id that they show."""
        found: dict[str, Snapshot] = {}
        for chunk in _chunks(list(dict.fromkeys(keys)), self._capabilities.read_size):
            self._read_call()
            holders = ((key, self._key_holder(key)) for key in chunk)
            found |= {key: self._snapshot(holder) for key, holder in holders if holder is not None}
        return found

    async def update(self, updates: Sequence[Update], mode: WriteMode) -> Sequence[WriteAnswer]:
        """Write; once something was written, trouble with the whole side becomes `Later` for the rest."""
        if len({update.record_id for update in updates}) != len(updates):
            raise ValueError("a record appears twice in one call")
        answers: list[WriteAnswer] = []
        for chunk in _chunks(updates, self._write_size(mode)):
            try:
                ready = [self._ready(each, mode) for each in chunk]
                if not any(ready):
                    answers += [Moved(each.record_id) for each in chunk]
                    continue
                self.faults.begin()
            except HintsyncError as error:
                if not answers:
                    raise
                return [*answers, *(Later(each.record_id, error.code) for each in updates[len(answers) :])]
            done = self._update_all(chunk, ready, mode) if self.faults.arrives else []
            lost = self.faults.end()
            answers += [Unknown(each.record_id) for each in chunk] if lost else done
        return answers

    async def create(self, drafts: Sequence[Draft]) -> Sequence[CreateAnswer]:
        """Create; once something was created, trouble with the whole side becomes `CreateUnknown` for the rest."""
        answers: list[CreateAnswer] = []
        for chunk in _chunks(drafts, self._capabilities.write_size):
            try:
                self.faults.begin()
            except HintsyncError:
                if not answers:
                    raise
                return [*answers, *(CreateUnknown(each.key) for each in drafts[len(answers) :])]
            done = [self._create(each) for each in chunk] if self.faults.arrives else []
            lost = self.faults.end()
            answers += [CreateUnknown(each.key) for each in chunk] if lost else done
        return answers

    async def aclose(self) -> None:
        """Nothing to let go of."""

    # Below the port

    def _read_call(self) -> None:
        self.faults.begin()
        if self.faults.end():
            raise RetryLater(self.side, "the answer was lost")

    def _write_size(self, mode: WriteMode) -> int:
        if mode is WriteMode.LIVE and self._capabilities.conditional_writes:
            return min(_COMPOSITE_SIZE, self._capabilities.write_size)
        return self._capabilities.write_size

    def _ready(self, update: Update, mode: WriteMode) -> Update | None:
        """Return an update with the phone list that it is to change; None if what it would overwrite was edited.

        Hint takes its phone list as a whole. It is read immediately before, unless what was seen is fresh: then whatever
        was done to the list since is lost.
        """
        if not self._writes_phones(update) or is_fresh(update.seen, mode, self.clock):
            return update
        self._read_call()
        if not self._readable(update.record_id):
            return update
        now = self._snapshot(self._records[update.record_id])
        return None if moved_since(update, now) else replace(update, seen=now)

    def _writes_phones(self, update: Update) -> bool:
        return self.side is Side.HINT and any(self.table[name].kind is Kind.PHONE for name in update.values)

    def _update_all(
        self, chunk: Sequence[Update], ready: Sequence[Update | None], mode: WriteMode
    ) -> list[WriteAnswer]:
        pairs = zip(chunk, ready, strict=True)
        return [Moved(each.record_id) if now is None else self._update(now, mode) for each, now in pairs]

    def _update(self, update: Update, mode: WriteMode) -> WriteAnswer:
        record = self._records.get(update.record_id)
        if record is None or record.state in (RecordState.DELETED, RecordState.MERGED):
            return Gone(update.record_id)
        if self.faults.locked(record.id):
            return Later(record.id, "UNABLE_TO_LOCK_ROW" if self.side is Side.SALESFORCE else "429")
        if self._moved(record, update, mode):
            return Moved(record.id)
        refusal = self._refusal(update.record_id, update.values, creating=False)
        if refusal is None and self._key_holder(update.bookkeeping.peer_id, but=record) is not None:
            refusal = _KEY_TAKEN_CODE[self.side], frozenset()
        if refusal is not None:
            return Refused(record.id, refusal[0], refusal[1], shown_once="refused to order")
        kept = {name: value for name, value in update.values.items() if name not in self.faults.dropped}
        listed = update.seen.phones if update.seen is not None and self._writes_phones(update) else None
        changed = apply_values(record, self.side, self.table, kept, update.replaced_phones, listed)
        apply_bookkeeping(record, self.side, update.bookkeeping)
        if changed or update.bookkeeping != NO_BOOKKEEPING:
            self._changed(record, ChangeKind.UPDATED, changed, ours=True)
        return Written(record.id, self._snapshot(record) if self.side is Side.HINT else None)

    def _moved(self, record: MemoryRecord, update: Update, mode: WriteMode) -> bool:
        conditional = self._capabilities.conditional_writes and mode is WriteMode.LIVE
        return conditional and update.seen is not None and update.seen.stamp != record.stamp

    def _create(self, draft: Draft) -> CreateAnswer:
        holder = self._key_holder(draft.key)
        if holder is not None:
            return KeyTaken(draft.key, holder.id)
        named = self.faults.duplicates.get(draft.key)
        if named is not None and not draft.allow_duplicate:
            return DuplicateRule(draft.key, named, may_be_allowed=True)
        refusal = self._refusal(None, draft.values, creating=True)
        if refusal is not None:
            return CreateRefused(draft.key, refusal[0], refusal[1], shown_once="refused to order")
        return Created(draft.key, *self._insert(draft))

    def _insert(self, draft: Draft) -> tuple[RecordId, Snapshot | None]:
        now = self.clock.now()
        record = MemoryRecord(make_id(self.side, next(self._numbers)), {}, now, now, self._next_stamp())
        apply_values(record, self.side, self.table, self._nothing())
        kept = {name: value for name, value in draft.values.items() if name not in self.faults.dropped}
        apply_values(record, self.side, self.table, kept)
        apply_bookkeeping(record, self.side, replace(draft.bookkeeping, peer_id=draft.key))
        if self.side is Side.SALESFORCE:
            record.account_id = draft.account_id
            record.beside |= draft.defaults
        self._records[record.id] = record
        self._tell(record, ChangeKind.CREATED, frozenset(draft.values), ours=True)
        return record.id, self._snapshot(record) if self.side is Side.HINT else None

    def _refusal(
        self, record_id: RecordId | None, values: Mapping[FieldName, Canonical], *, creating: bool
    ) -> tuple[str, frozenset[FieldName]] | None:
        for name in values:
            if self.side is Side.HINT and self.table[name].direction is Direction.HINT_TO_SALESFORCE:
                raise ValueError(f"{name} is never written to Hint")
        required = (name for name in _REQUIRED[self.side] if creating or name in values)
        blank = frozenset(name for name in required if values.get(name) is None)
        return (_REQUIRED_CODE[self.side], blank) if blank else self.faults.refusal(record_id, values)

    def _readable(self, record_id: RecordId) -> bool:
        record = self._records.get(record_id)
        return record is not None and (self.side is Side.SALESFORCE or record.state is not RecordState.DELETED)

    def _lives(self, record_id: RecordId) -> bool:
        record = self._records.get(record_id)
        return record is not None and record.state is RecordState.LIVE

    def _listed(self, since: datetime | None) -> list[MemoryRecord]:
        """Return what a list shows: deleted contacts only in a list of changes, merged patients always."""
        left_out = {RecordState.DELETED}
        if self.side is Side.SALESFORCE:
            left_out = set() if since else {RecordState.DELETED, RecordState.MERGED}
        shown: Iterable[MemoryRecord] = (each for each in self._records.values() if each.state not in left_out)
        if since is not None and self._capabilities.changed_since:
            shown = (each for each in shown if each.changed_at >= since)
        return list(shown)


def _born(record: MemoryRecord) -> str:
    return str(record.values.get("birth_date") or "")


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _key_row(snapshot: Snapshot) -> KeyRow:
    names = (snapshot.values.get(name) for name in KEY_FIELDS)
    first_name, last_name, birth_date = (value if isinstance(value, str) else None for value in names)
    return KeyRow(
        snapshot.id,
        first_name,
        last_name,
        birth_date,
        snapshot.peer_id,
        snapshot.marked,
        snapshot.state,
        snapshot.person_account,
    )
