"""A Replica that reads and never writes, for dry runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from hintsync.core.errors import StopRun
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.limits import DayBudget
from hintsync.core.records import KeyRow, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.ports import (
    Capabilities,
    CreateAnswer,
    Demographics,
    Described,
    Draft,
    Identity,
    Page,
    PageRef,
    Replica,
    Update,
    WriteAnswer,
    WriteMode,
)


class WriteInDryRun(StopRun):
    """A dry run tried to write. Nothing was written, and this is a fault of ours: a dry run only plans."""

    code = "write-in-dry-run"

    def __init__(self, side: Side, what: str, number: int) -> None:
        super().__init__(
            f"{side}: a dry run tried to {what} {number} record(s); nothing was written, please report this"
        )
        self.side = side


class DryRunReplica:
    """Passes every read through to a replica and stops the run at the first write.

    A dry run makes its plan and is done, so no write ever reaches this in a sound engine; it is the second lock on the
    door, not a way to pretend that writes succeeded.
    """

    def __init__(self, inner: Replica) -> None:
        """Wrap a replica; it is closed with this one."""
        self._inner = inner
        self.side: Side = inner.side
        self.table: FieldTable = inner.table

    @property
    def capabilities(self) -> Capabilities:
        """What the wrapped replica can do; plans of a dry run are priced by it."""
        return self._inner.capabilities

    @property
    def calls(self) -> int:
        """Requests the wrapped replica has sent."""
        return self._inner.calls

    @property
    def budget(self) -> DayBudget | None:
        """The wrapped replica's."""
        return self._inner.budget

    async def identify(self) -> Identity:
        """Pass through."""
        return await self._inner.identify()

    async def describe(self) -> Described:
        """Pass through."""
        return await self._inner.describe()

    def scan(self, *, since: datetime | None = None) -> AsyncIterator[Page]:
        """Pass through."""
        return self._inner.scan(since=since)

    def scan_keys(self) -> AsyncIterator[Sequence[KeyRow]]:
        """Pass through."""
        return self._inner.scan_keys()

    async def reread(self, ref: PageRef) -> Page:
        """Pass through."""
        return await self._inner.reread(ref)

    async def read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot]:
        """Pass through."""
        return await self._inner.read(ids)

    async def find(self, people: Sequence[Demographics]) -> Sequence[Snapshot]:
        """Pass through."""
        return await self._inner.find(people)

    async def find_by_key(self, keys: Sequence[str]) -> Mapping[str, Snapshot]:
        """Pass through."""
        return await self._inner.find_by_key(keys)

    async def update(self, updates: Sequence[Update], mode: WriteMode) -> Sequence[WriteAnswer]:
        """Refuse.

        Raises:
            WriteInDryRun: always, an empty list included.
        """
        raise WriteInDryRun(self.side, "update", len(updates))

    async def create(self, drafts: Sequence[Draft]) -> Sequence[CreateAnswer]:
        """Refuse.

        Raises:
            WriteInDryRun: always, an empty list included.
        """
        raise WriteInDryRun(self.side, "create", len(drafts))

    async def aclose(self) -> None:
        """Close the wrapped replica."""
        await self._inner.aclose()
