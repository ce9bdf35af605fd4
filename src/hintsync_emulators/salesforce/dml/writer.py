"""One record at a time into the org, under all its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hintsync_emulators.salesforce import ids, values
from hintsync_emulators.salesforce.clock import Clock
from hintsync_emulators.salesforce.dml import places
from hintsync_emulators.salesforce.dml.checks import check_required, check_value, field_for
from hintsync_emulators.salesforce.dml.duplicates import check_duplicates, check_unique, check_unique_together
from hintsync_emulators.salesforce.dml.journal import Change
from hintsync_emulators.salesforce.dml.rules import Rules
from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.schema.model import Field, Schema, SObject
from hintsync_emulators.salesforce.storage import Row, Storage

#: Prefixes of standard objects that fields may refer to although the emulator holds no rows of them.
_ELSEWHERE = {"Individual": "0PK", "Profile": "00e"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes, and how."""

    user_id: str
    #: ``Sforce-Duplicate-Rule-Header: allowSave=true``.
    allow_duplicates: bool = False
    #: Values are CSV cells.
    loose: bool = False
    #: API version, for links in answers.
    version: str = "64.0"
    #: Epoch second to stamp instead of the clock's: the write of a transaction that began then.
    stamp: int | None = None
    #: Where the write comes from, as change events name it; empty for what the platform does by itself.
    origin: str = ""


class Writer:
    """Inserts, updates, deletes and undeletes; every method raises `Refused` and then has written nothing."""

    def __init__(self, storage: Storage, schema: Schema, id_source: ids.IdSource, clock: Clock, rules: Rules) -> None:
        self._storage = storage
        self._schema = schema
        self._ids = id_source
        self._clock = clock
        self._rules = rules

    def now(self) -> int:
        """Return the org's time in epoch seconds."""
        return int(self._clock().timestamp())

    def insert(self, one: SObject, given: Mapping[str, object], caller: Caller) -> str:
        """Write a new record and return its id of eighteen characters."""
        self._rules.check_storage()
        changes = self._read(one, given, caller, creating=True)
        record: Row = self._with_defaults(one, changes, caller)
        record |= self._derive(one, record, changes, None)
        check_required(one, record, None)
        self._check(one, record, record, None, caller)
        record_id = self._ids.next(one.prefix)
        stamp = self.now() if caller.stamp is None else caller.stamp
        record.update(Id=record_id, CreatedDate=stamp, CreatedById=caller.user_id)
        record.update(LastModifiedDate=stamp, LastModifiedById=caller.user_id, SystemModstamp=stamp)
        self._storage.insert(one.name, record)
        self._tell(one, "CREATE", {}, record, caller)
        return record_id

    def update(self, one: SObject, old: Row, given: Mapping[str, object], caller: Caller) -> None:
        """Change a record; `old` is its row as it is now."""
        if old.get("IsDeleted"):
            raise Refused("ENTITY_IS_DELETED", "entity is deleted")
        changes = self._read(one, given, caller, creating=False)
        record = {**old, **changes}
        edits = self._derive(one, record, changes, old)
        changes.update(edits)
        record.update(edits)
        check_required(one, record, changes)
        self._rules.check_lock(old["Id"], *_masters(one, record))
        self._check(one, record, changes, str(old["Id"]), caller)
        stamp = self.now() if caller.stamp is None else caller.stamp
        changes.update(LastModifiedDate=stamp, LastModifiedById=caller.user_id, SystemModstamp=stamp)
        self._storage.update(one.name, str(old["Id"]), changes)
        self._tell(one, "UPDATE", old, changes, caller)
        old.update(changes)

    def delete(self, one: SObject, old: Row, caller: Caller) -> None:
        """Put a record, and what cannot live without it, into the recycle bin."""
        if old.get("IsDeleted"):
            raise Refused("ENTITY_IS_DELETED", "entity is deleted")
        if not one.deletable:
            raise Refused("INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {one.name} does not support delete")
        record_id = str(old["Id"])
        self._rules.check_lock(record_id)
        self._let_go_of_children(one, record_id, caller)
        if "isdeleted" not in one.fields:
            self._storage.erase(one.name, record_id)
            self._tell(one, "DELETE", old, {}, caller)
            return
        stamp = self.now() if caller.stamp is None else caller.stamp
        marks: Row = {"IsDeleted": 1, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        self._storage.update(one.name, record_id, {**marks, "LastModifiedById": caller.user_id})
        self._tell(one, "DELETE", old, marks, caller)
        old.update(marks)

    def undelete(self, one: SObject, old: Row, caller: Caller) -> None:
        """Take a record out of the recycle bin; it forgets that it was merged."""
        if not old.get("IsDeleted"):
            raise Refused("UNDELETE_FAILED", "Entity is not in the recycle bin")
        check_unique(self._storage, one, old, str(old["Id"]))
        marks: Row = {"IsDeleted": 0, "LastModifiedDate": self.now(), "SystemModstamp": self.now()}
        if "masterrecordid" in one.fields:
            marks["MasterRecordId"] = None
        self._storage.update(one.name, str(old["Id"]), {**marks, "LastModifiedById": caller.user_id})
        self._tell(one, "UNDELETE", old, {**marks, "LastModifiedById": caller.user_id}, caller)
        old.update(marks)

    def stamp(self, one: SObject, record_id: str, marks: Mapping[str, object]) -> None:
        """Set columns that no caller may write, e.g. the master of a merged record."""
        if one.name in self._storage.journal.watched:
            old = self._storage.fetch(one.name, [record_id])[record_id]
            change = Change(one.name, "UPDATE", record_id, old, {**old, **marks}, "", "", "LastModifiedDate" in marks)
            self._storage.journal.note(change)
        self._storage.update(one.name, record_id, {**marks, "SystemModstamp": self.now()})

    def _tell(self, one: SObject, kind: str, old: Row, changes: Row, caller: Caller) -> None:
        """Note a write for whoever listens to the object."""
        journal = self._storage.journal
        if one.name in journal.watched:
            after = {**old, **changes}
            journal.note(Change(one.name, kind, str(after["Id"]), dict(old), after, caller.user_id, caller.origin))

    def _read(self, one: SObject, given: Mapping[str, object], caller: Caller, creating: bool) -> Row:
        changes: Row = {}
        for name, value in given.items():
            if name == "attributes":
                continue
            ref = one.relationships.get(name.lower())
            if ref is not None and isinstance(value, Mapping):
                changes[ref.name] = self._by_external_id(ref, value)
                continue
            field = field_for(one, name, creating)
            parsed = values.parse(field, value, caller.loose)
            check_value(field, parsed)
            changes[field.name] = parsed
        return changes

    def _by_external_id(self, ref: Field, wanted: Mapping[str, object]) -> object:
        keys = [(name, value) for name, value in wanted.items() if name != "attributes"]
        parent = self._schema.get(ref.reference_to[0])
        field = parent.get(keys[0][0]) if parent and len(keys) == 1 else None
        if parent is None or field is None or not (field.external_id or field.id_lookup):
            message = "A relationship must be given by one external id field of the parent"
            raise Refused("INVALID_FIELD", message, ref.name)
        value = values.parse(field, keys[0][1], loose=False)
        found = self._storage.ids_where(parent.name, field.name, value, live_only="isdeleted" in parent.fields)
        if len(found) != 1:
            message = f"Foreign key external ID: {value} not found for field {field.name} in entity {parent.name}"
            raise Refused("INVALID_FIELD", message)
        return found[0]

    def _with_defaults(self, one: SObject, changes: Row, caller: Caller) -> Row:
        record: Row = {}
        for field in one.defaults:
            default = caller.user_id if field.default == "$User" else field.default
            record[field.name] = values.parse(field, default, loose=False)
        for name, value in changes.items():
            if value is not None or name not in record:
                record[name] = value
        return record

    def _derive(self, one: SObject, record: Row, changes: Row, old: Row | None) -> Row:
        edits: Row = {}
        if self._rules.automations:
            every = self._schema.whole(one)
            for name, value in self._rules.automate(one.name, _whole(every, record), old).items():
                field = every.get(name)
                if field is None:
                    raise LookupError(f"an automation sets {one.name}.{name}, which does not exist")
                edits[field.name] = values.parse(field, value, loose=False)
        if places.FEATURE in self._schema.features:
            edits |= places.resolve(one, {**record, **edits}, {**changes, **edits})
        return edits

    def _check(self, one: SObject, record: Row, changes: Row, record_id: str | None, caller: Caller) -> None:
        self._check_references(one, changes)
        check_unique(self._storage, one, changes, record_id)
        check_unique_together(self._storage, one, record, record_id)
        if self._rules.validation:
            self._rules.validate(one.name, _whole(self._schema.whole(one), record))
        if self._schema.features & {"PersonAccounts"} and record.get("IsPersonAccount"):
            raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot reference person contact")
        for rule in self._rules.duplicates:
            if rule.object == one.name and not (rule.allow_save and caller.allow_duplicates):
                check_duplicates(self._storage, rule, one, record, record_id, caller.version)

    def _check_references(self, one: SObject, changes: Row) -> None:
        for name, value in changes.items():
            field = one.fields.get(name.lower())
            if field is None or field.type != "reference" or value is None:
                continue
            target = self._target(field, str(value))
            self._rules.check_lock(value)
            if target is not None and not self._lives(target, str(value)):
                raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field.name)

    def _target(self, field: Field, value: str) -> SObject | None:
        """Return the object that a reference points into, or None for objects whose rows lie elsewhere."""
        for name in field.reference_to:
            target = self._schema.get(name)
            if target is not None and target.prefix == value[:3]:
                return target
            if target is None and _ELSEWHERE.get(name) == value[:3]:
                return None
        raise Refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", field.name)

    def _lives(self, target: SObject, record_id: str) -> bool:
        return bool(self._storage.ids_where(target.name, "Id", record_id, live_only="isdeleted" in target.fields))

    def _let_go_of_children(self, one: SObject, record_id: str, caller: Caller) -> None:
        for child in one.children:
            owner = self._schema.get(child.object)
            if owner is None or child.field == "MasterRecordId":
                continue
            found = self._storage.ids_where(owner.name, child.field, record_id, live_only="isdeleted" in owner.fields)
            for row in self._storage.fetch(owner.name, found).values():
                if child.cascade:
                    self.delete(owner, row, caller)
                else:
                    self.stamp(owner, str(row["Id"]), {child.field: None})


def _masters(one: SObject, record: Mapping[str, object]) -> list[object]:
    """Return the parents whose rows a write holds too."""
    return [record.get(field.name) for field in one.fields.values() if field.cascade]


def _whole(one: SObject, record: Mapping[str, object]) -> Row:
    """Return a record with every field of its object, the empty ones too, as rules and flows see it."""
    return {field.name: record.get(field.name) for field in one.fields.values() if field.is_stored}
