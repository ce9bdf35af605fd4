"""Turns Salesforce's complaints about one record into the port's answers, fields under their canonical names."""

from __future__ import annotations

from collections.abc import Sequence

from hintsync.core.codec import Codec
from hintsync.core.records import FieldName
from hintsync.core.values import Side
from hintsync.ports import CreateRefused, Draft, DuplicateRule, Gone, KeyTaken, Moved, Refused
from hintsync.replicas.salesforce.delivery import Again
from hintsync.replicas.salesforce.errors import DUPLICATE_VALUE, DUPLICATES_DETECTED, VendorError
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.package_fields import PATIENT_ID

PRECONDITION_FAILED = 412
NOT_FOUND = 404


class Complaints:
    """Reads complaints with one mapping in mind."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def of_update(
        self, record_id: str, errors: Sequence[VendorError], status: int = 400
    ) -> Refused | Moved | Gone | Again:
        """Say what the complaints about an update of this contact mean."""
        if status == PRECONDITION_FAILED:
            return Moved(record_id)
        if status == NOT_FOUND or any(each.gone for each in errors):
            return Gone(record_id)
        if all(each.transient for each in errors):
            return Again(errors[0].code)
        telling = self._telling(errors)
        return Refused(record_id, telling.code, self._fields(errors), telling.message or None)

    def of_create(
        self, draft: Draft, errors: Sequence[VendorError]
    ) -> KeyTaken | DuplicateRule | CreateRefused | Again:
        """Say what the complaints about the create of this contact mean."""
        if all(each.transient for each in errors):
            return Again(errors[0].code)
        for each in errors:
            if each.code == DUPLICATE_VALUE and each.duplicate_field in (None, PATIENT_ID):
                return KeyTaken(draft.key, long_id(each.record_id or ""))
        telling = self._telling(errors)
        if telling.code == DUPLICATES_DETECTED:
            ids = tuple(known for found in telling.duplicates if (known := long_id(found)))
            return DuplicateRule(draft.key, ids, telling.allow_save)
        return CreateRefused(draft.key, telling.code, self._fields(errors), telling.message or None)

    def _telling(self, errors: Sequence[VendorError]) -> VendorError:
        """Choose the complaint that decides: what waiting cures does not."""
        return next(each for each in errors if not each.transient)

    def _fields(self, errors: Sequence[VendorError]) -> frozenset[FieldName]:
        """Name the mapped fields that are to be left out (row F8)."""
        return self._codec.refused(Side.SALESFORCE, [name for each in errors for name in each.named_fields])
