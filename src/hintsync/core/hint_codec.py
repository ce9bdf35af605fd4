"""Hint's patients to snapshots, and canonical values to the body of a patient write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hintsync.core.canonical import Unreadable, street_lines
from hintsync.core.conventions import Conventions
from hintsync.core.converters import (
    NONE_UNREADABLE,
    FoundField,
    PlainField,
    Raw,
    converters,
    phone_format,
    read_found,
    read_plain,
    string,
    word,
)
from hintsync.core.errors import BadInput
from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.phone_list import PhoneEdit, read_entries, rewritten
from hintsync.core.records import FieldName, KeyRow, PhoneEntry, RecordId, RecordState, Snapshot, Values
from hintsync.core.values import ABSENT, Seen, Side

_NO_PHONES: Final[Mapping[FieldName, str]] = {}


class HintCodec:
    """Reads and writes patients under one mapping table and one set of conventions. Built once, used for every record."""

    def __init__(self, table: FieldTable, conventions: Conventions) -> None:
        """Prepare one reader for each field, so that a record costs no look-ups in the table."""
        self._rows: dict[FieldName, FieldMapping] = {row.name: row for row in table}
        self._converters = converters(Side.HINT, conventions)
        self._form = phone_format(conventions.phone_region)
        self._phones = [(row.name, row.hint[0]) for row in table if row.kind is Kind.PHONE]
        self._no_phones: dict[FieldName, Seen] = {name: ABSENT for name, _ in self._phones}
        self._plain: list[PlainField] = []
        self._found: list[FoundField] = []
        for row in table:
            if row.kind is not Kind.PHONE:
                self._prepare(row)
        self._fields_of = _fields_by_key(table)

    def _prepare(self, row: FieldMapping) -> None:
        read = self._converters[row.kind].read
        if len(row.hint) == 1 and "." not in row.hint[0]:
            self._plain.append(PlainField(row.name, row.hint[0], read))
        else:
            find = _both_lines(row.hint) if row.kind is Kind.STREET else _first_present(row.hint)
            self._found.append(FoundField(row.name, find, read))

    def snapshot(self, raw: Raw, read_at: float = 0.0) -> Snapshot:
        """Return what a patient's record says.

        Args:
            raw: the patient object of any answer or webhook; keys it lacks are ABSENT.
            read_at: monotonic seconds when the read was sent.

        Raises:
            BadInput: a record without an id.
        """
        values: dict[FieldName, Seen] = {}
        unreadable: list[FieldName] = []
        read_plain(self._plain, raw, values, unreadable)
        read_found(self._found, raw, values, unreadable)
        phones = self._read_phones(raw, values, unreadable)
        state, merged_into = _state(raw)
        return Snapshot(
            side=Side.HINT,
            id=_id(raw),
            stamp=word(raw.get("updated_at")) or "",
            values=values,
            state=state,
            peer_id=word(raw.get("integration_record_id")),
            merged_into=merged_into,
            phones=phones,
            read_at=read_at,
            unreadable=frozenset(unreadable) if unreadable else NONE_UNREADABLE,
        )

    def _read_phones(
        self, raw: Raw, values: dict[FieldName, Seen], unreadable: list[FieldName]
    ) -> tuple[PhoneEntry, ...]:
        listed = raw.get("phones", ABSENT)
        if listed is ABSENT:
            values.update(self._no_phones)
            return ()
        try:
            entries, firsts = read_entries(listed, self._form.read)
        except Unreadable:
            values.update(self._no_phones)
            unreadable.extend(self._no_phones)
            return ()
        for name, type_ in self._phones:
            value = values[name] = firsts.get(type_)
            if value is ABSENT:
                unreadable.append(name)
        return entries

    def keyrow(self, raw: Raw) -> KeyRow:
        """Return what matching must know of a patient."""
        return KeyRow(
            _id(raw),
            string(raw.get("first_name")),
            string(raw.get("last_name")),
            string(raw.get("dob")),
            word(raw.get("integration_record_id")),
            False,
            _state(raw)[0],
        )

    def body(
        self,
        values: Values,
        seen_phones: Sequence[PhoneEntry] = (),
        replaced_phones: Mapping[FieldName, str] = _NO_PHONES,
    ) -> dict[str, object]:
        """Return the body of a PATCH or POST that writes these fields and nothing else.

        Args:
            values: canonical; None clears.
            seen_phones: the phone list as read immediately before; the body carries all of it as soon as one number changes.
            replaced_phones: canonical number of the entry that is replaced, where it is not the first of its type;
                `phone_list.APPEND` where none is.

        Raises:
            ValueError: a field that only travels to Salesforce; a fault in the caller.
        """
        body: dict[str, object] = {}
        edits: list[PhoneEdit] = []
        for name, value in values.items():
            row = self._rows[name]
            if row.one_way:
                raise ValueError(f"{name} only travels from Hint to Salesforce")
            if row.kind is Kind.PHONE:
                edits.append(PhoneEdit(row.hint[0], string(value), replaced_phones.get(name)))
            elif row.kind is Kind.STREET:
                body.update(zip(row.hint, street_lines(string(value)), strict=True))
            else:
                body[row.hint[0]] = self._converters[row.kind].write(value)
        if edits:
            body["phones"] = rewritten(seen_phones, edits, self._form)
        return body

    def fields_of(self, key: str) -> frozenset[FieldName]:
        """Return the fields that a key of Hint's answers stands for; `phones` stands for all three."""
        return self._fields_of.get(key, frozenset())


def _fields_by_key(table: FieldTable) -> dict[str, frozenset[FieldName]]:
    found: dict[str, set[FieldName]] = {}
    for row in table:
        keys = ("phones",) if row.kind is Kind.PHONE else row.hint
        for key in keys:
            for spelled in {key, key.partition(".")[0]}:
                found.setdefault(spelled, set()).add(row.name)
    return {key: frozenset(names) for key, names in found.items()}


def _first_present(keys: Sequence[str]) -> Callable[[Raw], object]:
    """Return a finder of the first key that the answer carries, were it null or false there."""
    if any("." in key for key in keys):
        return _first_path([key.split(".") for key in keys])

    def find(raw: Raw) -> object:
        for key in keys:
            value = raw.get(key, ABSENT)
            if value is not ABSENT:
                return value
        return ABSENT

    return find


def _first_path(paths: Sequence[Sequence[str]]) -> Callable[[Raw], object]:
    def find(raw: Raw) -> object:
        return next((value for path in paths if (value := _follow(raw, path)) is not ABSENT), ABSENT)

    return find


def _follow(raw: Raw, path: Sequence[str]) -> object:
    """Follow a dotted path; null on the way is a blank end, a missing key is ABSENT."""
    value: object = raw
    for key in path:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return value
        value = value.get(key, ABSENT)
        if value is ABSENT:
            return ABSENT
    return value


def _both_lines(keys: Sequence[str]) -> Callable[[Raw], object]:
    """Return a finder that joins the address lines; with one of them missing, the street is not known."""
    key1, key2 = keys

    def find(raw: Raw) -> object:
        line1, line2 = raw.get(key1, ABSENT), raw.get(key2, ABSENT)
        if line1 is ABSENT or line2 is ABSENT:
            return ABSENT
        if type(line1) is str and type(line2) is str:
            return f"{line1}\n{line2}"
        if line1 is None or line2 is None:
            return line1 if line2 is None else line2
        return (line1, line2)  # no text: the reader refuses it

    return find


def _id(raw: Raw) -> RecordId:
    found = raw.get("id")
    if isinstance(found, str) and found:
        return found
    raise BadInput("a patient without an id: expected the key `id` with text")


def _state(raw: Raw) -> tuple[RecordState, RecordId | None]:
    survivor = raw.get("merged_into")
    if survivor:
        found = survivor.get("id") if isinstance(survivor, Mapping) else survivor
        return RecordState.MERGED, word(found)
    archived = raw.get("membership_status") == "archived"
    return (RecordState.ARCHIVED if archived else RecordState.LIVE), None
