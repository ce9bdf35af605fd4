"""The in-memory replica, as either side."""

from __future__ import annotations

from collections.abc import Mapping

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical, Side
from hintsync.replicas.memory import MemoryReplica
from tests.contract.replica_world import BAD_EMAIL, FIELDS, World
from tests.replicas.clock import HeldClock


class MemoryWorld(World):
    """Trouble is made to order; the bad e-mail address is the one value that it is told to refuse."""

    replica: MemoryReplica

    def __init__(self, side: Side) -> None:
        self.clock = HeldClock()
        self.replica = MemoryReplica(side, DEFAULT_MAPPING, self.clock)
        self.replica.faults.max_length["email"] = len(BAD_EMAIL) - 1
        self.shows_deleted = side is Side.SALESFORCE
        self.archives = side is Side.HINT

    def seed(self, values: Mapping[FieldName, Canonical], peer_id: str | None = None) -> RecordId:
        return self.replica.put(values, peer_id=peer_id)

    def edit(self, record_id: RecordId, values: Mapping[FieldName, Canonical]) -> None:
        self.clock.elapsed += 60
        self.replica.edit(record_id, values)

    def delete(self, record_id: RecordId) -> None:
        self.clock.elapsed += 60
        self.replica.delete(record_id)

    def archive(self, record_id: RecordId) -> None:
        self.replica.archive(record_id)

    def merge(self, loser: RecordId, winner: RecordId) -> None:
        self.replica.merge(loser, winner)

    def look(self, record_id: RecordId) -> dict[str, object]:
        shown = self.replica.shown(record_id)
        return {**{name: shown.values[name] for name in FIELDS}, "peer_id": shown.peer_id}

    def count(self) -> int:
        return len(self.replica.records())

    def lose_write(self, *, carried_out: bool) -> None:
        if carried_out:
            self.replica.faults.lose_reply()
        else:
            self.replica.faults.lose_request()

    def fail_for_long(self) -> None:
        self.replica.faults.fail(10_000)

    def revoke(self) -> None:
        self.replica.faults.revoke()

    def spend_budget(self) -> None:
        self.replica.faults.spend_budget()

    def misconfigure(self) -> None:
        self.replica.faults.misconfigure("the object is not visible")

    def keep_moving(self) -> None:
        self.replica.faults.moving_scans = 1

    def refuse_record(self, record_id: RecordId) -> None:
        self.replica.faults.refuse_record(record_id, "FIELD_CUSTOM_VALIDATION_EXCEPTION")

    def lock(self, record_id: RecordId) -> None:
        self.replica.faults.lock(record_id)

    def name_duplicate(self, record_id: RecordId, last_name: str) -> None:
        if self.side is Side.HINT:
            super().name_duplicate(record_id, last_name)
        self.replica.faults.duplicates["key-1"] = (record_id,)
