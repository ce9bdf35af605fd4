"""What the Replica suite needs of each implementation: the replica, and a hand in the system behind it.

A world seeds people with canonical values by its own few lines, not by the product's converters, so that the suite would
notice if those were wrong on the way out and on the way back in.

To run the suite against a real sandbox, write one more `World` on the vendor's API with invented people, name its
credentials in the environment, skip it without them, delete what it created in `aclose`, and register it in
`test_replica.py` with `marks=pytest.mark.live`. What it cannot make happen (a lock, a used-up day) it leaves as the base
class has it, and the tests that need it are skipped for that world only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical, Side
from hintsync.ports import Replica
from tests.replicas.clock import HeldClock

#: Fields that every world can seed, edit and look at.
FIELDS = ("first_name", "middle_name", "last_name", "birth_date", "email", "city", "mobile_phone")

#: An address that both real systems refuse.
BAD_EMAIL = "no address at all"


class World:
    """One replica and the system behind it."""

    replica: Replica
    clock: HeldClock
    #: A record that is deleted is still read, with its state.
    shows_deleted = False
    #: Patients that were archived are listed and read, with their state.
    archives = False

    @property
    def side(self) -> Side:
        return self.replica.side

    # People

    def seed(self, values: Mapping[FieldName, Canonical], peer_id: str | None = None) -> RecordId:
        """Add a record past the replica."""
        raise NotImplementedError

    def seed_many(self, people: Sequence[Mapping[FieldName, Canonical]]) -> list[RecordId]:
        return [self.seed(person) for person in people]

    def edit(self, record_id: RecordId, values: Mapping[FieldName, Canonical]) -> None:
        """Change a record past the replica; the clock moves on by a minute first, so that stamps differ."""
        raise NotImplementedError

    def delete(self, record_id: RecordId) -> None:
        raise NotImplementedError

    def archive(self, record_id: RecordId) -> None:
        raise NotImplementedError

    def merge(self, loser: RecordId, winner: RecordId) -> None:
        raise NotImplementedError

    def look(self, record_id: RecordId) -> dict[str, object]:
        """Return the seeded fields of a record as the system itself holds them, canonical, and `peer_id`."""
        raise NotImplementedError

    def count(self) -> int:
        """Return how many records there are that are not deleted."""
        raise NotImplementedError

    # Trouble

    def lose_write(self, *, carried_out: bool) -> None:
        """Let the next write's reply be lost, however often it is sent, after or before it was carried out."""
        raise NotImplementedError

    def fail_for_long(self) -> None:
        """Let every call fail in passing for longer than any replica tries."""
        raise NotImplementedError

    def fail_once(self) -> None:
        """Let the next call fail in passing, once."""
        pytest.skip("nothing is tried twice here")

    def lose_reads_once(self) -> None:
        """Let the reply to the next call be lost, once; the suite makes it a read."""
        pytest.skip("nothing is tried twice here")

    def revoke(self) -> None:
        raise NotImplementedError

    def spend_budget(self) -> None:
        raise NotImplementedError

    def misconfigure(self) -> None:
        """Bring about what only an administrator can put right, other than a refused credential."""
        raise NotImplementedError

    def keep_moving(self) -> None:
        """Let the list move for ever while it is scanned in more than one page."""
        raise NotImplementedError

    def refuse_record(self, record_id: RecordId) -> None:
        """Let the system refuse any write to a record without naming a field."""
        raise NotImplementedError

    def lock(self, record_id: RecordId) -> None:
        """Let writes to one record meet a lock for longer than any replica tries."""
        pytest.skip("this system locks no single record")

    def name_duplicate(self, record_id: RecordId, last_name: str) -> None:
        """Let a duplicate rule name a record for anyone created with that last name."""
        pytest.skip("this system has no duplicate rules")

    async def aclose(self) -> None:
        await self.replica.aclose()
