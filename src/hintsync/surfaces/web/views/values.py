"""A value as a page shows it: canonical in, words out; times are told by the page, which knows the clinic's clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.person import Person
from hintsync.core.records import Snapshot
from hintsync.core.values import ABSENT, Seen
from hintsync.engine.search.patients import name_of
from hintsync.engine.search.sides import whole_person


@dataclass(frozen=True, slots=True)
class Shown:
    """A value to be shown. Holds a person's data."""

    text: str = field(default="", repr=False)
    #: `text` is a moment, ISO 8601.
    is_moment: bool = False
    #: Why there is no text: "blank", or "not shown".
    nothing: str = ""


def shown(row: FieldMapping, value: Seen) -> Shown:
    """Return a field's value as a page shows it."""
    if value is ABSENT:
        return Shown(nothing="not shown")
    if isinstance(value, bool):
        return Shown("Yes" if value else "No")
    if not value:
        return Shown(nothing="blank")
    if row.kind is Kind.DATE:
        return Shown(day(value))
    return Shown(value, is_moment=row.kind is Kind.TIMESTAMP)


def day(text: str | None) -> str:
    """Return a date as nobody can misread it, `6 May 1980`; what is no date stays as it is."""
    try:
        read = date.fromisoformat(text or "")
    except ValueError:
        return text or ""
    return f"{read.day} {read:%b %Y}"


@dataclass(frozen=True, slots=True)
class Who:
    """A person in one line. Holds a person's data."""

    record_id: str
    name: str = field(default="", repr=False)
    born: str = field(default="", repr=False)
    #: "archived" and its like; empty for a record that is simply there.
    state: str = ""

    @property
    def text(self) -> str:
        """The name, or the id of one whose name is not known."""
        return self.name or self.record_id


def who(record_id: str, record: Snapshot | None) -> Who:
    """Return a record as one line; without a snapshot, its id alone."""
    if record is None:
        return Who(record_id)
    person = whole_person(record)
    state = "" if record.state == "live" else str(record.state)
    return Who(record_id, name_of(person), day(person.birth_date), state)


def who_of(record_id: str, person: Person) -> Who:
    """Return a person as one line."""
    return Who(record_id, name_of(person), day(person.birth_date))
