"""The records of the in-memory replica: people in canonical values, and how a write changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.phone_list import APPEND
from hintsync.core.records import FieldName, PhoneEntry, RecordId, RecordState, Values
from hintsync.core.values import Canonical, Side
from hintsync.ports import Bookkeeping

_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(slots=True)
class MemoryRecord:
    """One person as one side holds it."""

    id: RecordId
    #: Canonical value of every mapped field; phone fields of a patient are in `phones` instead.
    values: dict[FieldName, Canonical]
    created_at: datetime
    changed_at: datetime
    stamp: str
    state: RecordState = RecordState.LIVE
    peer_id: str | None = None
    marked: bool = False
    account_id: str | None = None
    person_account: bool = False
    merged_into: RecordId | None = None
    #: Patient only: types and canonical numbers in list order.
    phones: list[tuple[str, str]] = field(default_factory=list)
    #: Batch stamps, web link and error message, and the defaults a contact was created with.
    beside: dict[str, object] = field(default_factory=dict)

    def value(self, row: FieldMapping, side: Side) -> Canonical:
        """Return a field's value; a patient's phone field shows the first entry of its type."""
        if side is Side.HINT and row.kind is Kind.PHONE:
            return next((number for kind, number in self.phones if kind == row.hint[0]), None)
        return self.values.get(row.name)

    def entries(self) -> tuple[PhoneEntry, ...]:
        """Return the phone list as snapshots carry it."""
        return tuple(PhoneEntry(kind, number, {"type": kind, "number": number}) for kind, number in self.phones)


class ChangeKind(StrEnum):
    """What happened to a record, as a notification would tell."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNDELETED = "undeleted"
    MERGED = "merged"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to one record; passed to whoever watches the replica."""

    side: Side
    record_id: RecordId
    kind: ChangeKind
    #: Mapped fields whose value changed.
    fields: frozenset[FieldName]
    #: Our own write coming back (an echo), not an edit by a person.
    ours: bool


def apply_values(
    record: MemoryRecord,
    side: Side,
    table: FieldTable,
    values: Values,
    replaced_phones: Mapping[FieldName, str] | None = None,
    listed: Sequence[PhoneEntry] | None = None,
) -> frozenset[FieldName]:
    """Write canonical values and return the fields that really changed.

    Args:
        record: What is written.
        side: Whose it is.
        table: The mapping in force.
        values: What to write.
        replaced_phones: See `Update.replaced_phones`.
        listed: The phone list that is sent back with the changes; None: the one that is there.

    Raises:
        KeyError: a field is not in the table.
    """
    phones = {row.name: row.hint[0] for row in table.phones} if side is Side.HINT else {}
    plain = {name: value for name, value in values.items() if name not in phones}
    changed = {name for name, value in plain.items() if record.value(table[name], side) != value}
    record.values.update(plain)
    before = list(record.phones)
    if listed is not None:
        record.phones = [(entry.type, entry.canonical) for entry in listed if entry.canonical is not None]
    for name in (each for each in values if each in phones):
        _set_phone(record, phones[name], values[name], (replaced_phones or {}).get(name))
    return frozenset(changed | {name for name, kind in phones.items() if _of(before, kind) != _of(record.phones, kind)})


def _of(phones: Sequence[tuple[str, str]], kind: str) -> list[str]:
    return [number for each, number in phones if each == kind]


def _set_phone(record: MemoryRecord, kind: str, value: Canonical, replaced: str | None) -> None:
    """Replace, add or remove one entry of the list and leave all others as they are; what is there is not added again."""
    place = _place(record.phones, kind, replaced)
    if value is None:
        if place is not None:
            del record.phones[place]
    elif place is not None:
        record.phones[place] = (kind, str(value))
    elif (kind, value) not in record.phones:
        record.phones.append((kind, str(value)))


def _place(phones: list[tuple[str, str]], kind: str, replaced: str | None) -> int | None:
    if replaced == APPEND:
        return None
    wanted = [place for place, entry in enumerate(phones) if entry[0] == kind and replaced in (None, entry[1])]
    return wanted[0] if wanted else None


def apply_bookkeeping(record: MemoryRecord, side: Side, keeping: Bookkeeping) -> None:
    """Write what stands beside mapped fields; what the side has no place for is ignored, as the real replicas do."""
    if keeping.peer_id is not None:
        record.peer_id = keeping.peer_id or None
    if keeping.marked is not None and side is Side.SALESFORCE:
        record.marked = keeping.marked
    for name in _beside(side):
        value = getattr(keeping, name)
        if value is not None:
            record.beside[name] = value or None


def _beside(side: Side) -> Iterable[str]:
    if side is Side.SALESFORCE:
        return ("batch_id", "batch_outcome", "batch_reason")
    return ("web_link", "error_message")


def make_id(side: Side, number: int) -> RecordId:
    """Return an id of the right shape: an 18-character contact id with its check letters, or `pat-` and twelve characters."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _BASE_36[rest] + digits
    if side is Side.HINT:
        return f"pat-{digits:0>12}"
    return _with_check_letters(f"003{digits.upper():0>12}")


def _with_check_letters(short: str) -> str:
    """Append the three characters that tell upper from lower case in each group of five."""
    groups = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(_SUFFIX[sum(1 << place for place, c in enumerate(part) if c.isupper())] for part in groups)
