"""Up to two hundred records in one call ("sObject Collections")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hintsync_emulators.salesforce import ids, values
from hintsync_emulators.salesforce.dml.writer import Caller
from hintsync_emulators.salesforce.errors import ApiError, Fault, Refused
from hintsync_emulators.salesforce.responses.resources import object_of
from hintsync_emulators.salesforce.responses.sobjects import key_field
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.storage import Row
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Records of a writing call, and ids of a reading one.
MOST_WRITTEN, MOST_READ = 200, 2000
_ROLLED_BACK = Fault(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
Record = dict[str, object]
Result = dict[str, object]


class _RollBack(Exception):
    """Undoes a call whose caller wants all or none."""


def create(call: Call) -> Answer:
    """Insert records."""
    records, whole = _records(call)
    caller = call.caller()
    steps = [_inserter(call, record, caller) for record in records]
    return Answer(value=_run(call, steps, whole))


def update(call: Call) -> Answer:
    """Change records, each named by its id."""
    records, whole = _records(call)
    rows = _Rows.load(call, records)
    caller = call.caller()
    return Answer(value=_run(call, [_updater(call, record, rows, caller) for record in records], whole))


def upsert(call: Call) -> Answer:
    """Change the records that an external id names, insert the rest."""
    one = object_of(call)
    if call.names["field"].lower() == "id":
        return _upsert_by_id(call, one)
    key = key_field(one, call.names["field"])
    records, whole = _records(call)
    keys = [values.parse(key, _given(record, key.name), loose=False) for record in records]
    repeated = {value for value, times in Counter(map(_folded, keys)).items() if times > 1 and value is not None}
    caller = call.caller()
    steps = []
    for record, value in zip(records, keys, strict=True):
        steps.append(_upserter(call, one, key, record, value, _folded(value) in repeated, caller))
    return Answer(value=_run(call, steps, whole))


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


def delete(call: Call) -> Answer:
    """Put records into the recycle bin."""
    wanted = [text for text in call.params.get("ids", "").split(",") if text]
    _check_count(len(wanted), MOST_WRITTEN)
    whole = call.params.get("allOrNone", "").lower() == "true"
    records: list[Record] = [{"Id": text} for text in wanted]
    rows = _Rows.load(call, records)
    caller = call.caller()

    def step(record: Record) -> Callable[[], Result]:
        def run() -> Result:
            one, row = rows.find(record)
            call.org.writer.delete(one, row, caller)
            return {"id": row["Id"], "success": True, "errors": []}

        return run

    return Answer(value=_run(call, [step(record) for record in records], whole))


def retrieve(call: Call) -> Answer:
    """Return fields of records in the order of their ids; null for one that is not there."""
    one = object_of(call)
    if call.method == "GET":
        wanted, fields = call.params.get("ids", "").split(","), call.params.get("fields", "").split(",")
    else:
        body = call.object()
        wanted, fields = _strings(body.get("ids"), "ids"), _strings(body.get("fields"), "fields")
    _check_count(len(wanted), MOST_READ)
    found = [ids.normalise(text.strip()) or "" for text in wanted]
    names = [name.strip() for name in fields if name.strip()]
    for name in names:
        if "." not in name and one.get(name) is None:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {one.name}")
    return Answer(value=call.org.queries.fetch(one, names, found, call.root, living=True))


def _strings(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ApiError(400, "JSON_PARSER_ERROR", f"{name} must be a list of strings")
    return value


def _check_count(count: int, most: int) -> None:
    if count > most:
        text = f"record limit reached. cannot submit more than {most} records in this call"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", text)
    if count == 0:
        raise ApiError(400, "INVALID_INPUT", "The request names no records")


def _records(call: Call) -> tuple[list[Record], bool]:
    body = call.object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise ApiError(400, "JSON_PARSER_ERROR", "records must be a list of objects")
    _check_count(len(records), MOST_WRITTEN)
    return records, body.get("allOrNone") is True


def _run(call: Call, steps: Sequence[Callable[[], Result]], whole: bool) -> list[Result]:
    """Run one step a record; a refused record leaves the others alone unless all or none were asked for."""
    results: list[Result] = []
    try:
        with call.org.storage.transaction():
            results.extend(map(_attempt, steps))
            if whole and not all(one["success"] for one in results):
                raise _RollBack
    except _RollBack:
        return [one if not one["success"] else _failure(_ROLLED_BACK) for one in results]
    return results


def _attempt(step: Callable[[], Result]) -> Result:
    try:
        return step()
    except Refused as refusal:
        return _failure(refusal.fault)


def _failure(fault: Fault) -> Result:
    return {"success": False, "errors": [fault.as_row()]}


def _inserter(call: Call, record: Record, caller: Caller) -> Callable[[], Result]:
    def run() -> Result:
        one = _typed(call, record)
        return {"id": call.org.writer.insert(one, record, caller), "success": True, "errors": []}

    return run


def _typed(call: Call, record: Record) -> SObject:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise ApiError(400, "INVALID_INPUT", "The type of each record must be given in its attributes")
    found = call.org.schema.get(name)
    if found is None:
        raise Refused("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that a call names, read before the first of them changes."""

    call: Call
    rows: dict[str, tuple[SObject, Row]]
    #: Ids that the call names more than once; no record may be written twice by one call.
    repeated: frozenset[str]

    @classmethod
    def load(cls, call: Call, records: Sequence[Record]) -> _Rows:
        named = Counter(filter(None, (ids.normalise(str(_given(record, "Id") or "")) for record in records)))
        wanted: dict[str, list[str]] = {}
        for record_id in named:
            wanted.setdefault(record_id[:3], []).append(record_id)
        rows: dict[str, tuple[SObject, Row]] = {}
        for prefix, found in wanted.items():
            one = call.org.schema.by_prefix(prefix)
            if one is not None:
                rows.update({key: (one, row) for key, row in call.org.storage.fetch(one.name, found).items()})
        return cls(call, rows, frozenset(record_id for record_id, times in named.items() if times > 1))

    def find(self, record: Record) -> tuple[SObject, Row]:
        """Return the object and row that a record names.

        Raises:
            Refused: MALFORMED_ID, MISSING_ARGUMENT, DUPLICATE_VALUE or INVALID_CROSS_REFERENCE_KEY.
        """
        text = _given(record, "Id")
        if text is None:
            raise Refused("MISSING_ARGUMENT", "Id not specified in an update call")
        record_id = ids.normalise(str(text))
        if record_id is None:
            raise Refused("MALFORMED_ID", f"malformed id {text}", "Id")
        if record_id in self.repeated:
            raise Refused("DUPLICATE_VALUE", f"Duplicate id specified: {record_id}", "Id")
        if record_id not in self.rows:
            raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return self.rows[record_id]


def _given(record: Record, name: str) -> object:
    """Return a value by its name in any case."""
    if name in record:
        return record[name]
    return next((value for key, value in record.items() if key.lower() == name.lower()), None)


def _updater(call: Call, record: Record, rows: _Rows, caller: Caller) -> Callable[[], Result]:
    def run() -> Result:
        one = _typed(call, record)
        owner, row = rows.find(record)
        if owner is not one:
            raise Refused("MALFORMED_ID", f"{one.label} ID: id value of incorrect type: {row['Id']}", "Id")
        changes = {name: value for name, value in record.items() if name.lower() != "id"}
        call.org.writer.update(one, row, changes, caller)
        return {"id": row["Id"], "success": True, "errors": []}

    return run


def _upserter(
    call: Call, one: SObject, key: Field, record: Record, value: object, repeated: bool, caller: Caller
) -> Callable[[], Result]:
    def run() -> Result:
        if value is None:
            raise Refused("MISSING_ARGUMENT", f"{key.name} not specified")
        if repeated:
            raise Refused("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", key.name)
        found = call.org.storage.ids_where(one.name, key.name, value, live_only="isdeleted" in one.fields)
        if len(found) > 1:
            text = f"{key.label}: more than one record found for external id field: [{', '.join(found)}]"
            raise Refused("DUPLICATE_EXTERNAL_ID", text, key.name)
        if not found:
            record_id = call.org.writer.insert(one, record, caller)
            return {"id": record_id, "success": True, "errors": [], "created": True}
        row = call.org.storage.fetch(one.name, found)[found[0]]
        changes = {name: given for name, given in record.items() if name.lower() != key.name.lower()}
        call.org.writer.update(one, row, changes, caller)
        return {"id": found[0], "success": True, "errors": [], "created": False}

    return run


def _upsert_by_id(call: Call, one: SObject) -> Answer:
    """Update the records that bring an id, insert the others."""
    records, whole = _records(call)
    rows = _Rows.load(call, records)
    caller = call.caller()

    def step(record: Record) -> Callable[[], Result]:
        if _given(record, "Id") is None:
            inner, created = _inserter(call, {**record, "attributes": {"type": one.name}}, caller), True
        else:
            inner, created = _updater(call, {**record, "attributes": {"type": one.name}}, rows, caller), False
        return lambda: {**inner(), "created": created}

    return Answer(value=_run(call, [step(record) for record in records], whole))
