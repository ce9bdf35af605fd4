"""A whole world in memory for tests of the engine: an org, a practice, a store, a clock that moves when told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical, Side
from hintsync.engine.batch.csv_ids import CsvIds, CsvRow
from hintsync.engine.context import Engine
from hintsync.engine.options import Options
from hintsync.replicas.memory import MemoryReplica
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Connection, Run, RunRow, StateStore

KEY = bytes(range(32))


@dataclass(slots=True)
class HandClock:
    """A clock that only moves when it is slept on or pushed."""

    moment: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    elapsed: float = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.push(seconds)

    def push(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.elapsed += seconds


@dataclass(slots=True)
class World:
    """Both systems and what hintsync remembers."""

    store: StateStore = field(default_factory=MemoryStore)
    options: Options = field(default_factory=Options)
    clock: HandClock = field(default_factory=HandClock)
    org: MemoryReplica = field(init=False)
    practice: MemoryReplica = field(init=False)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        table = self.options.table()
        self.org = MemoryReplica(Side.SALESFORCE, table, self.clock)
        self.practice = MemoryReplica(Side.HINT, table, self.clock)

    async def engine(self) -> Engine:
        """Return an engine as a fresh process would build it."""
        connection = await self.store.connection("main")
        if connection is None:
            org, practice = self.org.identity, self.practice.identity
            connection = Connection("main", "main", org.id, org.sandbox, practice.id, self.options.to_json())
            await self.store.put_connection(connection)
        return Engine(
            connection=connection,
            options=self.options,
            store=self.store,
            replicas={Side.SALESFORCE: self.org, Side.HINT: self.practice},
            described={Side.SALESFORCE: await self.org.describe(), Side.HINT: await self.practice.describe()},
            table=self.options.table(),
            fingerprint_key=self.store.fingerprint_key("main"),
            clock=self.clock,
            new_id=self.new_id,
        )

    def new_id(self, prefix: str) -> str:
        return f"{prefix}-{next(self._ids):06d}"

    def contact(self, first: str, last: str, born: str | None, /, **values: Canonical) -> RecordId:
        return self.org.put(_person(first, last, born, values))

    def patient(self, first: str, last: str, born: str | None, /, **values: Canonical) -> RecordId:
        return self.practice.put(_person(first, last, born, values))

    def both(self, first: str, last: str, born: str, /, **values: Canonical) -> tuple[RecordId, RecordId]:
        return self.contact(first, last, born, **values), self.patient(first, last, born, **values)

    async def rows(self, run: Run) -> dict[RecordId, RunRow]:
        return {row.record_id: row async for row in self.store.rows(run.id)}


def _person(
    first: str | None, last: str, born: str | None, values: Mapping[FieldName, Canonical]
) -> dict[FieldName, Canonical]:
    return {"first_name": first, "last_name": last, "birth_date": born, **values}


def listing(*ids: RecordId) -> CsvIds:
    """Return a CSV of contact ids as read."""
    return CsvIds(tuple(CsvRow(line, record_id) for line, record_id in enumerate(ids, start=2)), True, None)
