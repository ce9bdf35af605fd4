"""The nouns of the core: what a side said (Snapshot), what was decided (Link) and what both last agreed on (Base)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from hintsync.core.quick import quick
from hintsync.core.values import Canonical, Seen, Side

#: A record's id in its own system: 18 characters for Salesforce, `pat-` and its like (opaque, case-sensitive) for Hint.
RecordId: TypeAlias = str

#: Name of a mapped field, as in `core.fields`.
FieldName: TypeAlias = str

#: Keyed fingerprint of one canonical value of one field of one link, 16 bytes; see `core.fingerprints`.
Fingerprint: TypeAlias = bytes

#: What both sides last agreed on: field name to fingerprint. A field that is missing has no base yet.
Base: TypeAlias = Mapping[FieldName, Fingerprint]


class RecordState(StrEnum):
    """How a record stands in its own system."""

    LIVE = "live"
    #: Hint only: hidden from default lists, still readable.
    ARCHIVED = "archived"
    #: In the recycle bin, or said to be gone.
    DELETED = "deleted"
    #: Its system merged it into another record, named by `Snapshot.merged_into`.
    MERGED = "merged"


class PhoneEntry(NamedTuple):
    """One entry of Hint's phone list, in list order: its type, its canonical number and the entry as Hint sent it."""

    type: str
    canonical: str | None
    raw: Mapping[str, object]


@quick
@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one side said of one person at one read."""

    side: Side
    id: RecordId
    #: SystemModstamp or updated_at, verbatim; opaque.
    stamp: str
    #: Canonical value (or ABSENT) of every mapped field. A phone field holds the first entry of its type.
    values: Mapping[FieldName, Seen]
    state: RecordState = RecordState.LIVE
    #: The peer's id as this system shows it: Hint Patient ID on a contact, integration_record_id on a patient.
    peer_id: str | None = None
    #: Contact only: the Synced to Hint box.
    marked: bool = False
    #: Contact only: the account it hangs on, if any.
    account_id: str | None = None
    #: Contact only: the contact half of a person account (row L14).
    person_account: bool = False
    merged_into: RecordId | None = None
    #: Hint only: the whole phone list in order, for read-modify-write.
    phones: tuple[PhoneEntry, ...] = ()
    #: Seconds on the reader's monotonic clock when the read was sent; bounds the overwrite window (section 10).
    read_at: float = 0.0
    #: Fields whose value was there and could not be read, or has no counterpart: ABSENT in `values`, reported by name.
    unreadable: frozenset[FieldName] = frozenset()


class KeyRow(NamedTuple):
    """The least that matching must know of a record, for scans of a whole side. Names and date are as the system sent them."""

    id: RecordId
    first_name: str | None
    last_name: str | None
    birth_date: str | None
    peer_id: str | None
    marked: bool
    state: RecordState
    person_account: bool = False


class LinkStatus(StrEnum):
    """Where a link is in its life. RESERVED, ACTIVE, SUSPENDED and FROZEN are live: unique by contact and by patient."""

    #: Claimed in the store before a record is created, so that no other pass creates it too.
    RESERVED = "reserved"
    ACTIVE = "active"
    #: A record is deleted or not found; resumes by itself when it comes back.
    SUSPENDED = "suspended"
    #: A person must decide (overlay, merge conflict); nothing is written.
    FROZEN = "frozen"
    ENDED = "ended"


LIVE_STATUSES = frozenset({LinkStatus.RESERVED, LinkStatus.ACTIVE, LinkStatus.SUSPENDED, LinkStatus.FROZEN})


class HoldKind(StrEnum):
    """Why a field of a link waits."""

    CONFLICT = "conflict"
    #: A clear of a field that does not allow clears (row F7).
    CLEAR = "clear"
    #: A side refused the value (row F8) or the record (row F9).
    REFUSED = "refused"
    #: Clears or phone writes are paused because the first one was not kept.
    UNVERIFIED = "unverified"
    #: We wrote the field too often (G7).
    LOOP = "loop"
    #: First sync of a recovered link found two values (row I2).
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Hold:
    """A field of a link that waits, with the fingerprints that were seen: it is judged anew once either differs."""

    kind: HoldKind
    row: str
    #: Vendor code and field names only, never vendor text.
    reason: str
    seen: Mapping[Side, Fingerprint | None] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class Link:
    """The decided pair of a contact and a patient."""

    id: str
    connection_id: str
    #: Empty only while RESERVED for a create on that side.
    contact_id: RecordId | None
    patient_id: RecordId | None
    status: LinkStatus
    #: What decided it: "manual", "batch-patients", "batch-contacts", "new-patient", "recovered", "merge".
    origin: str
    #: Who decided: a user id, or "hintsync".
    decided_by: str
    #: Salt of the link's fingerprints; stays with the link when it moves to another record (rows D4, D7).
    salt: bytes
    #: ISO 8601, UTC.
    created_at: str
    #: Why it is suspended, frozen or ended; a code of ours.
    reason: str | None = None
    #: Moves on every store write of the link; compare-and-set.
    revision: int = 0


@quick
@dataclass(frozen=True, slots=True)
class LinkState:
    """A link with its memory: the base and the fields that wait."""

    link: Link
    base: Base
    holds: Mapping[FieldName, Hold]


#: Values to be written, in canonical form; only in memory.
Values: TypeAlias = Mapping[FieldName, Canonical]
