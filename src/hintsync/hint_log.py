"""The Hint Log as the engine knows it: the object of ours in an org that holds a copy of recent log entries.

Only Salesforce has one. An entry is known by its key, so that writing it twice leaves one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hintsync.core.errors import StopRun
from hintsync.core.records import RecordId

#: Entries that one `put` or `drop` takes.
GROUP = 200
#: Signs of a key.
LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class OrgEntry:
    """An entry of the Hint Log: ids and field names only."""

    #: Letters, digits and hyphens, at most `LONGEST_KEY`; unique in the org, compared with case.
    key: str
    #: ISO 8601, UTC, to the second.
    at: str
    #: "Debug", "Error" or "Exception".
    level: str
    #: One sentence; what is too long for the org's field is cut there, so `details` hold it too.
    message: str
    #: Lines of what there is to know.
    details: str = ""
    contact_id: RecordId | None = None
    patient_id: RecordId | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """How much room an org has for records, in megabytes; Salesforce counts 2 KB for most records."""

    most: int
    left: int


class StorageSpent(StopRun):
    """The org has no room for another record."""

    code = "storage-spent"


class HintLog(Protocol):
    """The Hint Log of one org.

    Every method raises `FixConfiguration` where the org has no Hint Log or our user may not do it, and `RetryLater`,
    `BudgetSpent`, `UnknownOutcome` or `ReconnectNeeded` for the org as a whole. All may be repeated.
    """

    @property
    def calls(self) -> int:
        """Requests made for it so far, repeats left out."""
        ...

    async def put(self, entries: Sequence[OrgEntry]) -> Mapping[str, str]:
        """Store up to `GROUP` entries of different keys; one that is there already is replaced.

        An entry about a contact that the org no longer has is stored without pointing at it.

        Returns:
            The vendor's code for each entry that the org would not take, by key.

        Raises:
            StorageSpent: there is no room for one of them.
        """
        ...

    async def count(self, prefix: str) -> int:
        """Count the entries whose key begins so. One call."""
        ...

    async def oldest(self, prefix: str, *, before: str | None = None, limit: int = GROUP) -> Sequence[RecordId]:
        """Return the ids of the oldest entries whose key begins so, oldest first; only those before a moment if given. One call."""
        ...

    async def drop(self, ids: Sequence[RecordId]) -> int:
        """Delete up to `GROUP` entries; one that is gone already is no error. Return how many went. One call."""
        ...

    async def entries(self, prefix: str) -> Sequence[OrgEntry]:
        """Return all entries whose key begins so, by key; a call for each 2,000."""
        ...

    async def storage(self) -> Storage | None:
        """Say how much room the org has; None where our user may not know. One call."""
        ...


@runtime_checkable
class KeepsHintLog(Protocol):
    """A replica whose system has a Hint Log."""

    @property
    def hint_log(self) -> HintLog:
        """The Hint Log of the org."""
        ...
