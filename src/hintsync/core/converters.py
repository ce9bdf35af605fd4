"""One pair of pure conversions for each kind of field and each side, and the loop that reads a record with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from hintsync.core import canonical, places
from hintsync.core.canonical import Unreadable
from hintsync.core.conventions import Conventions, PlaceForm
from hintsync.core.fields import Kind
from hintsync.core.phones import PhoneFormat
from hintsync.core.records import FieldName
from hintsync.core.values import ABSENT, Canonical, Seen, Side

#: A system's record, decoded from JSON or CSV.
Raw: TypeAlias = Mapping[str, object]

#: Makes a value canonical; raises `Unreadable`. Takes null too.
Reader: TypeAlias = Callable[[object], Canonical]

#: Makes a canonical value what the side wants; `None` (a clear) becomes null.
Writer: TypeAlias = Callable[[Canonical], object]


#: Shared by all records that were read without trouble.
NONE_UNREADABLE: Final[frozenset[FieldName]] = frozenset()


class Converter(NamedTuple):
    """The two directions of one kind on one side; reading what was written gives the same canonical value."""

    read: Reader
    write: Writer


class PlainField(NamedTuple):
    """A field that lies under one key of the record."""

    name: FieldName
    key: str
    read: Reader


class FoundField(NamedTuple):
    """A field whose raw value takes some finding: several keys, a dotted path."""

    name: FieldName
    find: Callable[[Raw], object]
    read: Reader


def converters(side: Side, conventions: Conventions) -> Mapping[Kind, Converter]:
    """Return the converters of a side under the conventions of a connection."""
    states, countries = places.states(conventions.listed_states), places.countries(conventions.listed_countries)
    on_hint = side is Side.HINT
    phones, gender = phone_format(conventions.phone_region), conventions.gender
    state_form = conventions.hint_state if on_hint else conventions.salesforce_state
    country_form = conventions.hint_country if on_hint else conventions.salesforce_country
    return {
        Kind.TEXT: Converter(canonical.text, _as_is),
        Kind.EMAIL: Converter(canonical.email, _as_is),
        Kind.DATE: Converter(canonical.calendar_day, _as_is),
        Kind.TIMESTAMP: Converter(canonical.timestamp, _as_is),
        Kind.CHECKBOX: Converter(canonical.checkbox, _as_is),
        Kind.STREET: Converter(canonical.street, _as_is),
        Kind.PHONE: Converter(phones.read, _written(_number_for_hint(phones) if on_hint else phones.for_salesforce)),
        Kind.STATE: Converter(states.read, _place_writer(states, state_form)),
        Kind.COUNTRY: Converter(countries.read, _place_writer(countries, country_form)),
        Kind.GENDER: Converter(gender.read_hint(), _as_is)
        if on_hint
        else Converter(gender.read_salesforce(), _written(gender.label)),
    }


@cache
def phone_format(region: str) -> PhoneFormat:
    """Return the phone format of a region, one for all connections that share it."""
    return PhoneFormat(region)


def read_plain(fields: Sequence[PlainField], raw: Raw, values: dict[FieldName, Seen], unreadable: list[str]) -> None:
    """Read plain fields of a record into `values`; a field that cannot be read is ABSENT and named in `unreadable`."""
    get = raw.get
    for name, key, read in fields:
        value = get(key, ABSENT)
        if value is ABSENT:
            values[name] = ABSENT
            continue
        try:
            values[name] = read(value)
        except Unreadable:
            values[name] = ABSENT
            unreadable.append(name)


def read_found(fields: Sequence[FoundField], raw: Raw, values: dict[FieldName, Seen], unreadable: list[str]) -> None:
    """Do as `read_plain` for fields that take some finding."""
    for name, find, read in fields:
        value = find(raw)
        if value is ABSENT:
            values[name] = ABSENT
            continue
        try:
            values[name] = read(value)
        except Unreadable:
            values[name] = ABSENT
            unreadable.append(name)


def word(value: object) -> str | None:
    """Return an id or a stamp verbatim; blank is none."""
    return value if isinstance(value, str) and value.strip() else None


def string(value: object) -> str | None:
    """Return a value verbatim if it is text, and nothing else."""
    return value if isinstance(value, str) else None


def _as_is(value: Canonical) -> object:
    return value


def _written(form: Callable[[str], str]) -> Writer:
    def write(value: Canonical) -> object:
        return form(value) if isinstance(value, str) else None

    return write


def _number_for_hint(phones: PhoneFormat) -> Callable[[str], str]:
    def number(value: str) -> str:
        return phones.for_hint(value)[0]

    return number


def _place_writer(table: places.PlaceTable, form: PlaceForm) -> Writer:
    return _written(table.label) if form is PlaceForm.LABEL else _as_is
