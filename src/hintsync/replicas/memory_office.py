"""One system's records in memory, and what the people who work in that system do with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count

from hintsync.core.fields import Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.records import FieldName, RecordId, RecordState, Snapshot
from hintsync.core.values import ABSENT, Canonical, Seen, Side
from hintsync.ports import Clock
from hintsync.replicas.memory_faults import Faults
from hintsync.replicas.memory_records import Change, ChangeKind, MemoryRecord, apply_values, make_id


class MemoryOffice:
    """The records of one side, with its people's way in: it counts no calls and meets no faults.

    Attributes:
        faults: the trouble that the replica makes; all off at first.
    """

    def __init__(self, side: Side, table: FieldTable, clock: Clock) -> None:
        """Start without any record."""
        self.side = side
        self.table = table
        self.clock = clock
        self.faults = Faults(side)
        self._records: dict[RecordId, MemoryRecord] = {}
        self._numbers = count(1)
        self._stamps = count(1)
        #: Who ever showed a peer's id; believed only for records that still show it.
        self._by_peer: dict[str, list[RecordId]] = {}
        self._watchers: list[Callable[[Change], None]] = []

    def put(
        self,
        values: Mapping[FieldName, Canonical] | None = None,
        *,
        record_id: RecordId | None = None,
        peer_id: str | None = None,
        marked: bool = False,
        state: RecordState = RecordState.LIVE,
        person_account: bool = False,
        account_id: str | None = None,
        more_phones: Sequence[tuple[str, str]] = (),
    ) -> RecordId:
        """Add a record as a person of that office would, and return its id.

        Args:
            values: canonical values; fields that are not named are blank.
            record_id: its id, made up if not given.
            peer_id: the peer's id that it shows.
            marked: contact only, the Synced to Hint box.
            state: LIVE or ARCHIVED.
            person_account: contact only.
            account_id: contact only.
            more_phones: patient only, types and canonical numbers that stand behind those of `values`.
        """
        now = self.clock.now()
        record = MemoryRecord(record_id or make_id(self.side, next(self._numbers)), {}, now, now, self._next_stamp())
        apply_values(record, self.side, self.table, self._nothing())
        apply_values(record, self.side, self.table, values or {})
        record.phones.extend(more_phones)
        record.peer_id, record.marked, record.state = peer_id, marked, state
        record.person_account, record.account_id = person_account, account_id
        self._records[record.id] = record
        self._tell(record, ChangeKind.CREATED, frozenset(self.table.names), ours=False)
        return record.id

    def edit(self, record_id: RecordId, values: Mapping[FieldName, Canonical] | None = None, **beside: object) -> None:
        """Change a record as a person would; `beside` names attributes such as `peer_id`, `marked`, `phones`.

        Raises:
            KeyError: there is no such record or field.
        """
        record = self._records[record_id]
        changed = apply_values(record, self.side, self.table, values or {})
        for name, value in beside.items():
            if name not in ("peer_id", "marked", "phones", "account_id", "person_account"):
                raise KeyError(name)
            setattr(record, name, value)
        self._changed(record, ChangeKind.UPDATED, changed, ours=False)

    def delete(self, record_id: RecordId) -> None:
        """Delete a record: a contact goes to the recycle bin, a patient is gone."""
        record = self._records[record_id]
        record.state = RecordState.DELETED
        self._changed(record, ChangeKind.DELETED, frozenset(), ours=False)

    def undelete(self, record_id: RecordId) -> None:
        """Take a contact back out of the recycle bin."""
        record = self._records[record_id]
        record.state = RecordState.LIVE
        self._changed(record, ChangeKind.UNDELETED, frozenset(), ours=False)

    def merge(self, loser: RecordId, winner: RecordId) -> None:
        """Merge two records; the winner keeps its values."""
        record = self._records[loser]
        record.state, record.merged_into = RecordState.MERGED, winner
        self._changed(record, ChangeKind.MERGED, frozenset(), ours=False)
        self._changed(self._records[winner], ChangeKind.UPDATED, frozenset(), ours=False)

    def archive(self, record_id: RecordId) -> None:
        """Archive a patient: still listed and readable, and marked so."""
        record = self._records[record_id]
        record.state = RecordState.ARCHIVED
        self._changed(record, ChangeKind.ARCHIVED, frozenset(), ours=False)

    def watch(self, watcher: Callable[[Change], None]) -> None:
        """Call back at every change, our own writes included (`Change.ours`)."""
        self._watchers.append(watcher)

    def records(self) -> tuple[MemoryRecord, ...]:
        """Return all records that are not deleted, merged ones included; for asserting an end state."""
        return tuple(record for record in self._records.values() if record.state is not RecordState.DELETED)

    def shown(self, record_id: RecordId) -> Snapshot:
        """Return what a read would show now, without a call or a fault.

        Raises:
            KeyError: there never was such a record.
        """
        return self._snapshot(self._records[record_id])

    # Shared with the replica

    def _key_holder(self, key: str | None, *, but: MemoryRecord | None = None) -> MemoryRecord | None:
        if not key:
            return None
        shown = (self._records[each] for each in self._by_peer.get(key, ()))
        gone = {RecordState.DELETED} if self.side is Side.HINT else {RecordState.DELETED, RecordState.MERGED}
        holders = (each for each in shown if each.peer_id == key and each.state not in gone)
        return next((each for each in holders if each is not but), None)

    def _changed(self, record: MemoryRecord, kind: ChangeKind, fields: frozenset[FieldName], *, ours: bool) -> None:
        record.changed_at = self.clock.now()
        if not self.faults.frozen_stamps:
            record.stamp = self._next_stamp()
        self._tell(record, kind, fields, ours=ours)

    def _tell(self, record: MemoryRecord, kind: ChangeKind, fields: frozenset[FieldName], *, ours: bool) -> None:
        if record.peer_id and record.id not in self._by_peer.setdefault(record.peer_id, []):
            self._by_peer[record.peer_id].append(record.id)
        for watcher in self._watchers:
            watcher(Change(self.side, record.id, kind, fields, ours))

    def _nothing(self) -> dict[FieldName, Canonical]:
        """Return the values of a record that nobody has filled in; a box is off, never blank."""
        return {row.name: False if row.kind is Kind.CHECKBOX else None for row in self.table}

    def _next_stamp(self) -> str:
        return f"{self.clock.now().isoformat()}#{next(self._stamps)}"

    def _snapshot(self, record: MemoryRecord) -> Snapshot:
        if self.faults.restless_stamps:
            record.stamp = self._next_stamp()
        return Snapshot(
            side=self.side,
            id=record.id,
            stamp=record.stamp,
            values={row.name: self._seen(record, row.name) for row in self.table},
            state=record.state,
            peer_id=record.peer_id,
            marked=record.marked,
            account_id=record.account_id,
            person_account=record.person_account,
            merged_into=record.merged_into,
            phones=record.entries(),
            read_at=self.clock.monotonic(),
        )

    def _seen(self, record: MemoryRecord, name: FieldName) -> Seen:
        row = self.table[name]
        if name in self.faults.hidden or self.side in row.write_only:
            return ABSENT
        return record.value(row, self.side)
