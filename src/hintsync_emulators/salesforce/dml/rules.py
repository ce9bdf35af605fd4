"""What an administrator has set up in the org and what happens to be going on in it: rules, flows, locks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hintsync_emulators.salesforce.errors import Refused

#: Sees the record as it would be saved (API names to stored values).
Check = Callable[[Mapping[str, object]], bool]
#: Sees the record to be saved and the record as it was (None on insert); returns fields to set in the same
#: transaction, as a before-save flow does.
Automation = Callable[[Mapping[str, object], Mapping[str, object] | None], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses records for which `fails` is true."""

    object: str
    fails: Check
    message: str
    #: Field that the message is shown at; None shows it at the top of the page.
    field: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Looks for records that agree in all `match_on` fields."""

    object: str
    match_on: tuple[str, ...] = ("FirstName", "LastName", "Email")
    #: False blocks always; True lets a caller pass with ``allowSave=true``.
    allow_save: bool = True
    name: str = "Standard_Contact_Duplicate_Rule"
    matching_rule: str = "Standard_Contact_Match_Rule_v1_1"
    message: str = "Use one of these records?"


#: Megabytes of data storage that an org has.
DATA_STORAGE = 10_240


@dataclass
class Rules:
    """All of it, for one org."""

    validation: list[ValidationRule] = field(default_factory=list)
    duplicates: list[DuplicateRule] = field(default_factory=list)
    automations: list[tuple[str, Automation]] = field(default_factory=list)
    #: Record id (18) -> how many more writes it refuses; None until unlocked.
    locks: dict[str, int | None] = field(default_factory=dict)
    #: Megabytes of data storage that are left, as `/limits` tells them; records do not use them up by themselves.
    storage_left: int = DATA_STORAGE

    def check_storage(self) -> None:
        """Refuse a new record once no room is left.

        Raises:
            Refused: STORAGE_LIMIT_EXCEEDED.
        """
        if self.storage_left <= 0:
            raise Refused("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")

    def check_lock(self, *record_ids: object) -> None:
        """Refuse a write that needs a row which another transaction holds.

        Raises:
            Refused: UNABLE_TO_LOCK_ROW.
        """
        if not self.locks:
            return
        held = next((one for one in record_ids if one in self.locks), None)
        if isinstance(held, str):
            self._use_lock(held)
            message = f"unable to obtain exclusive access to this record or 1 records: {held}"
            raise Refused("UNABLE_TO_LOCK_ROW", message)

    def _use_lock(self, record_id: str) -> None:
        left = self.locks[record_id]
        if left is None:
            return
        if left <= 1:
            del self.locks[record_id]
        else:
            self.locks[record_id] = left - 1

    def automate(
        self, object_name: str, new: Mapping[str, object], old: Mapping[str, object] | None
    ) -> dict[str, object]:
        """Return what the flows of an object set on a record about to be saved."""
        edits: dict[str, object] = {}
        for name, automation in self.automations:
            if name == object_name:
                edits.update(automation({**new, **edits}, old))
        return edits

    def validate(self, object_name: str, record: Mapping[str, object]) -> None:
        """Hold a record against the validation rules.

        Raises:
            Refused: FIELD_CUSTOM_VALIDATION_EXCEPTION.
        """
        for rule in self.validation:
            if rule.object == object_name and rule.fails(record):
                fields = (rule.field,) if rule.field else ()
                raise Refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, *fields)
