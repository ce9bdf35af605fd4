"""The Protocols the engine knows the world by: Replica, StateStore (`state.port`), Clock.

A Replica is one system seen as a place that holds copies of people. It speaks canonical values; the vendor's names and
shapes stay below it. Every "Raises" here has a test in the contract suite that all implementations pass.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.limits import DayBudget
from hintsync.core.quick import quick
from hintsync.core.records import FieldName, KeyRow, RecordId, Snapshot, Values
from hintsync.core.values import Side


class Clock(Protocol):
    """Time, so that tests can hold it."""

    def now(self) -> datetime:
        """Return the current time, zone-aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Which org or practice a replica speaks to; pinned by the connection (guard G1)."""

    side: Side
    #: Organization id (18 characters) or practice id.
    id: str
    name: str
    #: Sandbox org, or a Hint sandbox key.
    sandbox: bool


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a replica can do, as declared or probed at connect; data, so that the engine chooses by it."""

    #: Updates may carry a condition on the version that was read.
    conditional_writes: bool
    #: Records that `read` fetches in one call.
    read_size: int
    #: Records of one scan page.
    page_size: int
    #: Records that `update` writes in one call.
    write_size: int
    #: `find` asks the system by birth date (a superset may come back); otherwise it needs the whole list.
    find_by_birth_date: bool
    #: `scan(since=…)` is honoured.
    changed_since: bool


@dataclass(frozen=True, slots=True)
class Described:
    """What the system says of its own fields: which mapped ones it has, and a digest that moves when any of that does."""

    digest: str
    #: Mapped fields that this side does not have, or that we may not read.
    missing: frozenset[FieldName] = frozenset()
    #: Mapped fields we may read but not write.
    read_only: frozenset[FieldName] = frozenset()
    #: Longest text a field takes, where the side says so.
    max_length: Mapping[FieldName, int] = field(default_factory=dict)
    #: Canonical values a restricted picklist takes, where there is one.
    choices: Mapping[FieldName, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageRef:
    """Names a scan page so that it can be read again (`Replica.reread`)."""

    number: int
    offset: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a scan."""

    records: tuple[Snapshot, ...]
    ref: PageRef
    #: Records the whole scan will bring, if the system said.
    total: int | None = None


class WriteMode(StrEnum):
    """How careful and how fast a write must be."""

    #: Few records, conditional where the API allows it.
    LIVE = "live"
    #: Many records, after a fresh read.
    BATCH = "batch"


@quick
@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """What is written beside mapped fields; `None` means leave alone, `""` means empty it.

    On a contact: Hint Patient ID, Synced to Hint, the batch stamps. On a patient: integration_record_id, web link and
    error message (a sentence of ours without patient data).
    """

    peer_id: str | None = None
    marked: bool | None = None
    batch_id: str | None = None
    batch_outcome: str | None = None
    batch_reason: str | None = None
    web_link: str | None = None
    error_message: str | None = None


#: Nothing beside the mapped fields.
NO_BOOKKEEPING = Bookkeeping()


@quick
@dataclass(frozen=True, slots=True)
class Update:
    """A write to one existing record: only the fields that change."""

    record_id: RecordId
    values: Values
    #: What the decision was made on: gives the stamp for a conditional write and Hint's phone list. `None` for pure
    #: bookkeeping, which is never conditional.
    seen: Snapshot | None
    bookkeeping: Bookkeeping = NO_BOOKKEEPING
    #: Phone fields only: the canonical number of the entry that is replaced or removed (the one whose fingerprint is
    #: the base), where it is not the first of its type; `core.phone_list.APPEND` where no entry is replaced.
    replaced_phones: Mapping[FieldName, str] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class Written:
    """The write was acknowledged."""

    record_id: RecordId
    #: The record as the answer showed it, if the system answers a write with the record (Hint does).
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The system will not take it (row F8 when it names fields, else F9). The vendor's text stays out."""

    record_id: RecordId
    #: Vendor code, such as FIELD_CUSTOM_VALIDATION_EXCEPTION or "422".
    code: str
    fields: frozenset[FieldName] = frozenset()
    #: The vendor's own words, for the person acting only: never stored, logged or sent (not even in `repr`).
    shown_once: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Moved:
    """The record changed since it was read (a condition failed): read and plan again."""

    record_id: RecordId


@dataclass(frozen=True, slots=True)
class Gone:
    """No such record, or it is deleted."""

    record_id: RecordId


@dataclass(frozen=True, slots=True)
class Later:
    """This record could not be written now (row lock, rate limit after all retries); the same write may work later."""

    record_id: RecordId
    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The reply was lost: the write may have happened. Reading the record again tells."""

    record_id: RecordId


WriteAnswer: TypeAlias = Written | Refused | Moved | Gone | Later | Unknown


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be created."""

    #: Ours, unique to the reservation: Hint Patient ID (external id) on a contact, integration_record_id on a patient.
    key: str
    values: Values
    bookkeeping: Bookkeeping = NO_BOOKKEEPING
    #: Contact only.
    account_id: str | None = None
    #: Contact only: extra API fields and values that the administrator configured for created contacts.
    defaults: Mapping[str, object] = field(default_factory=dict)
    #: A person has seen the duplicates the system names and allows the create (row L12).
    allow_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Created:
    """The record exists now."""

    key: str
    record_id: RecordId
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """The key exists already (DUPLICATE_VALUE, duplicate integration_record_id): look up and adopt, never overwrite."""

    key: str
    record_id: RecordId | None = None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """A duplicate rule stands in the way (row L12); the records it names."""

    key: str
    records: tuple[RecordId, ...] = ()
    may_be_allowed: bool = False


@dataclass(frozen=True, slots=True)
class CreateRefused:
    """The system will not create it."""

    key: str
    code: str
    fields: frozenset[FieldName] = frozenset()
    shown_once: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CreateUnknown:
    """The reply was lost, or it must be tried later; look up by key before trying again."""

    key: str


CreateAnswer: TypeAlias = Created | KeyTaken | DuplicateRule | CreateRefused | CreateUnknown


@dataclass(frozen=True, slots=True)
class Demographics:
    """What `find` looks for: the parts of an exact match key, as the other side has them."""

    first_name: str
    last_name: str
    #: YYYY-MM-DD.
    birth_date: str


class Replica(Protocol):
    """One system, seen as a place that holds copies of people.

    All methods raise `RetryLater` (after the wrapper's own retries), `BudgetSpent`, `ReconnectNeeded` or
    `FixConfiguration` for the side as a whole; what concerns one record is an answer, not an exception.
    """

    side: Side
    table: FieldTable

    @property
    def capabilities(self) -> Capabilities:
        """What this replica can do."""
        ...

    @property
    def calls(self) -> int:
        """Remote requests sent so far, retries included; for figures and budgets."""
        ...

    @property
    def budget(self) -> DayBudget | None:
        """The day's allowance of calls, over all workers, as known (guard G6); None if nothing is known of late."""
        ...

    async def identify(self) -> Identity:
        """Say which org or practice this is. One call."""
        ...

    async def describe(self) -> Described:
        """Say what the system tells of its mapped fields."""
        ...

    def scan(self, *, since: datetime | None = None) -> AsyncIterator[Page]:
        """Yield every record, archived ones included, deleted ones not, each at least once, in pages.

        With `since`: only records changed at or after it (deleted ones included where the system tells); the caller
        subtracts the overlap. A side without `Capabilities.changed_since` yields everything.

        Raises:
            RetryLater: the list kept moving while it was read.
        """
        ...

    def scan_keys(self) -> AsyncIterator[Sequence[KeyRow]]:
        """Yield what matching must know of every record, each at least once, in as few and as light calls as there are."""
        ...

    async def reread(self, ref: PageRef) -> Page:
        """Read one page of a scan again: the same records unless the list moved meanwhile (the caller checks ids)."""
        ...

    async def read(self, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot]:
        """Read records by id in as few calls as the system allows; deleted ones come with their state, unknown ones are missing."""
        ...

    async def find(self, people: Sequence[Demographics]) -> Sequence[Snapshot]:
        """Fetch a superset of the exact matches of these people (birth date only; rows are believed for what they show).

        Raises:
            NotImplementedError: the replica has no such call (`Capabilities.find_by_birth_date` is false).
        """
        ...

    async def find_by_key(self, keys: Sequence[str]) -> Mapping[str, Snapshot]:
        """Look up records by our key (see `Draft.key`); a row is believed only if it shows that key."""
        ...

    async def update(self, updates: Sequence[Update], mode: WriteMode) -> Sequence[WriteAnswer]:
        """Write; one answer for each update, in order. No record may appear twice in one call."""
        ...

    async def create(self, drafts: Sequence[Draft]) -> Sequence[CreateAnswer]:
        """Create; one answer for each draft, in order. Never overwrites an existing record."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class Dispatcher(Protocol):
    """Wakes workers. The rows of the store are what makes work durable: a wake that is lost only delays it to the next sweep."""

    async def wake(self, connection_id: str) -> None:
        """Tell the workers that a connection has work due now."""
        ...

    async def wait(self, seconds: float) -> frozenset[str]:
        """Wait until woken, or until the seconds are over; return the connections that were named (none after a plain wait)."""
        ...

    async def aclose(self) -> None:
        """Stop listening."""
        ...


class Urgency(StrEnum):
    """How an alert should be taken."""

    TROUBLE = "trouble"
    RECOVERED = "recovered"


class Alerts(Protocol):
    """Tells people. Texts hold ids, counts and field names only."""

    async def send(self, title: str, text: str, urgency: Urgency) -> None:
        """Tell the people who are configured; a failure to reach them is logged, never raised."""
        ...
