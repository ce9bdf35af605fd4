"""The Codec: both systems' records in, snapshots out; canonical values in, request bodies out. What replicas build on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hintsync.core.conventions import Conventions
from hintsync.core.converters import Raw
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.hint_codec import HintCodec
from hintsync.core.records import FieldName, KeyRow, PhoneEntry, Snapshot, Values
from hintsync.core.salesforce_codec import SalesforceCodec
from hintsync.core.values import Side


class Codec:
    """Turns the records of both systems into snapshots and back, under one mapping table and one set of conventions.

    Pure, and safe to share between threads and tasks. Building one takes milliseconds; reading a record microseconds.
    """

    def __init__(self, table: FieldTable, conventions: Conventions | None = None) -> None:
        """Take the mapping table (without fields that the org does not have) and the connection's conventions."""
        self.table = table
        self.conventions = conventions or Conventions()
        self._hint = HintCodec(table, self.conventions)
        self._salesforce = SalesforceCodec(table, self.conventions)

    def snapshot_from_hint(self, raw: Raw, read_at: float = 0.0) -> Snapshot:
        """Return what a patient's record says; see `HintCodec.snapshot`."""
        return self._hint.snapshot(raw, read_at)

    def snapshot_from_salesforce(self, raw: Raw, read_at: float = 0.0) -> Snapshot:
        """Return what a contact's record says; see `SalesforceCodec.snapshot`."""
        return self._salesforce.snapshot(raw, read_at)

    def keyrow_from_hint(self, raw: Raw) -> KeyRow:
        """Return what matching must know of a patient."""
        return self._hint.keyrow(raw)

    def keyrow_from_salesforce(self, raw: Raw) -> KeyRow:
        """Return what matching must know of a contact."""
        return self._salesforce.keyrow(raw)

    def hint_body(
        self,
        values: Values,
        seen_phones: Sequence[PhoneEntry] = (),
        replaced_phones: Mapping[FieldName, str] | None = None,
    ) -> dict[str, object]:
        """Return the body of a patient write; see `HintCodec.body`."""
        return self._hint.body(values, seen_phones, replaced_phones or {})

    def salesforce_body(self, values: Values) -> dict[str, object]:
        """Return the body of a contact write; see `SalesforceCodec.body`."""
        return self._salesforce.body(values)

    def salesforce_fields(self) -> tuple[str, ...]:
        """Return the API names to select for full snapshots, bookkeeping ones included, `Id` first."""
        return self._salesforce.fields

    def salesforce_key_fields(self) -> tuple[str, ...]:
        """Return the API names to select for key rows."""
        return self._salesforce.key_fields

    def field_of_salesforce(self, api_name: str) -> FieldName | None:
        """Return the mapped field of an API name, its `…Code` twin included; None if it is not ours."""
        return self._salesforce.field_of(api_name)

    def refused(self, side: Side, names: Iterable[str]) -> frozenset[FieldName]:
        """Return the fields to leave out when a side refuses a record and names these keys or API names (row F8).

        Names that are not ours are passed over; `phones` means all phone fields; state and country go together where
        the org has picklists.
        """
        if side is Side.HINT:
            return frozenset().union(*(self._hint.fields_of(name) for name in names))
        found = (self._salesforce.field_of(name) for name in names)
        return self._salesforce.with_partner(frozenset(name for name in found if name is not None))
