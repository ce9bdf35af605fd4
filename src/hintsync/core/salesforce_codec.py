"""Salesforce's contacts to snapshots, and canonical values to the body of a contact write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hintsync.core.canonical import Unreadable, checkbox
from hintsync.core.conventions import Conventions, PlaceForm
from hintsync.core.converters import (
    NONE_UNREADABLE,
    FoundField,
    PlainField,
    Raw,
    converters,
    read_found,
    read_plain,
    string,
    word,
)
from hintsync.core.errors import BadInput
from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.places import PlaceTable, countries, states
from hintsync.core.records import FieldName, KeyRow, RecordId, RecordState, Snapshot, Values
from hintsync.core.values import ABSENT, Seen, Side

#: Our external id on the contact: the id of the patient it is linked with.
PATIENT_ID_FIELD: Final = "Hint_Patient_Id__c"
#: Our box on the contact.
MARKED_FIELD: Final = "Synced_to_Hint__c"

_KEY_BOOKKEEPING: Final = ("Id", PATIENT_ID_FIELD, MARKED_FIELD, "IsDeleted", "MasterRecordId")
_BOOKKEEPING: Final = (*_KEY_BOOKKEEPING, "AccountId", "SystemModstamp")


class SalesforceCodec:
    """Reads and writes contacts under one mapping table and one set of conventions. Built once, used for every record."""

    def __init__(self, table: FieldTable, conventions: Conventions) -> None:
        """Prepare one reader for each field, so that a record costs no look-ups in the table."""
        self._rows: dict[FieldName, FieldMapping] = {row.name: row for row in table}
        self._converters = converters(Side.SALESFORCE, conventions)
        self._picklists = _picklists(conventions)
        self._person_account_field = conventions.person_account_field
        self._plain: list[PlainField] = []
        self._found: list[FoundField] = []
        for row in table:
            self._prepare(row)
        self._field_of = {api: row.name for row in table for api in self._names(row)}
        self._key_names = tuple(
            self._rows[name].salesforce if name in self._rows else standard
            for name, standard in (
                ("first_name", "FirstName"),
                ("last_name", "LastName"),
                ("birth_date", "Birthdate"),
            )
        )

    def _prepare(self, row: FieldMapping) -> None:
        read = self._converters[row.kind].read
        if row.kind in self._picklists:
            self._found.append(FoundField(row.name, _code_or_label(row.salesforce), read))
        else:
            self._plain.append(PlainField(row.name, row.salesforce, read))

    def _names(self, row: FieldMapping) -> tuple[str, ...]:
        return (row.salesforce, f"{row.salesforce}Code") if row.kind in self._picklists else (row.salesforce,)

    @property
    def fields(self) -> tuple[str, ...]:
        """The API names to select for a full snapshot."""
        mapped = (api for row in self._rows.values() for api in self._names(row))
        return tuple(dict.fromkeys([*_BOOKKEEPING, *self._person_account(), *mapped]))

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The API names to select for a key row."""
        return tuple(dict.fromkeys([*_KEY_BOOKKEEPING, *self._person_account(), *self._key_names]))

    def _person_account(self) -> tuple[str, ...]:
        return (self._person_account_field,) if self._person_account_field else ()

    def snapshot(self, raw: Raw, read_at: float = 0.0) -> Snapshot:
        """Return what a contact's record says.

        Args:
            raw: a record of any REST answer, or a row of a bulk result (all text, nested names dotted); fields it lacks
                are ABSENT.
            read_at: monotonic seconds when the read was sent.

        Raises:
            BadInput: a record without an id.
        """
        values: dict[FieldName, Seen] = {}
        unreadable: list[FieldName] = []
        read_plain(self._plain, raw, values, unreadable)
        read_found(self._found, raw, values, unreadable)
        state, merged_into = _state(raw)
        return Snapshot(
            side=Side.SALESFORCE,
            id=_id(raw),
            stamp=word(raw.get("SystemModstamp")) or "",
            values=values,
            state=state,
            peer_id=word(raw.get(PATIENT_ID_FIELD)),
            marked=_ticked(raw.get(MARKED_FIELD)),
            account_id=word(raw.get("AccountId")),
            person_account=_is_person_account(raw),
            merged_into=merged_into,
            read_at=read_at,
            unreadable=frozenset(unreadable) if unreadable else NONE_UNREADABLE,
        )

    def keyrow(self, raw: Raw) -> KeyRow:
        """Return what matching must know of a contact."""
        first_name, last_name, birth_date = self._key_names
        return KeyRow(
            _id(raw),
            string(raw.get(first_name)),
            string(raw.get(last_name)),
            string(raw.get(birth_date)),
            word(raw.get(PATIENT_ID_FIELD)),
            _ticked(raw.get(MARKED_FIELD)),
            _state(raw)[0],
            _is_person_account(raw),
        )

    def body(self, values: Values) -> dict[str, object]:
        """Return the fields of an update or insert that writes these values and nothing else; None clears."""
        body: dict[str, object] = {}
        for name, value in values.items():
            row = self._rows[name]
            places = self._picklists.get(row.kind)
            if places is not None and (not isinstance(value, str) or places.is_code(value)):
                body[f"{row.salesforce}Code"] = value
            else:
                body[row.salesforce] = self._converters[row.kind].write(value)
        return body

    def field_of(self, api_name: str) -> FieldName | None:
        """Return the mapped field of an API name, or None where it is not ours."""
        return self._field_of.get(api_name)

    def with_partner(self, names: frozenset[FieldName]) -> frozenset[FieldName]:
        """Add country to state and state to country where the org has picklists: it takes the two only together (F8)."""
        if not self._picklists:
            return names
        pair = frozenset(row.name for row in self._rows.values() if row.kind in (Kind.STATE, Kind.COUNTRY))
        return names | pair if names & pair else names


def _picklists(conventions: Conventions) -> Mapping[Kind, PlaceTable]:
    found: dict[Kind, PlaceTable] = {}
    if conventions.salesforce_state is PlaceForm.PICKLIST:
        found[Kind.STATE] = states(conventions.listed_states)
    if conventions.salesforce_country is PlaceForm.PICKLIST:
        found[Kind.COUNTRY] = countries(conventions.listed_countries)
    return found


def _code_or_label(api_name: str) -> Callable[[Raw], object]:
    """Return a finder of the code, or of the label on rows that are older than the picklists and have no code."""
    code_name = f"{api_name}Code"

    def find(raw: Raw) -> object:
        code = raw.get(code_name, ABSENT)
        if code is not ABSENT and code:
            return code
        label = raw.get(api_name, ABSENT)
        return code if label is ABSENT else label

    return find


def _id(raw: Raw) -> RecordId:
    found = raw.get("Id")
    if isinstance(found, str) and found:
        return found
    raise BadInput("a contact without an id: expected the key `Id` with text")


def _state(raw: Raw) -> tuple[RecordState, RecordId | None]:
    """Return how the contact stands; the losers of a merge are deleted rows that name the winner."""
    if not _ticked(raw.get("IsDeleted")):
        return RecordState.LIVE, None
    winner = word(raw.get("MasterRecordId"))
    return (RecordState.MERGED if winner else RecordState.DELETED), winner


def _is_person_account(raw: Raw) -> bool:
    if _ticked(raw.get("IsPersonAccount")) or _ticked(raw.get("Account.IsPersonAccount")):
        return True
    account = raw.get("Account")
    return account is not None and isinstance(account, Mapping) and _ticked(account.get("IsPersonAccount"))


def _ticked(value: object) -> bool:
    """Read a bookkeeping box; what cannot be read is not ticked, for nothing may follow from it."""
    if value is None or value is False:
        return False
    if value is True:
        return True
    try:
        return checkbox(value)
    except Unreadable:
        return False
