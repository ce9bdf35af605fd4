"""Change events to what they say of contacts, in canonical values, by the same codec that reads records.

Facts (Change Data Capture Developer Guide): an update shows only what changed, and null means "not changed" unless the
header counts the field among the emptied ones. Long text travels as a difference. One event may name several records that
were changed alike. A gap event names records and shows nothing; an overflow event, and a wildcard such as `003*`, name none.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastavro.schema import SchemaParseException

from hintsync.change_feed import Arrived, ChangeKind, RecordChange
from hintsync.core.codec import Codec
from hintsync.core.records import FieldName
from hintsync.core.values import ABSENT, Canonical
from hintsync.replicas.salesforce import pubsub_pb2 as wire
from hintsync.replicas.salesforce.change_bitmaps import UnknownBitmap
from hintsync.replicas.salesforce.change_schema import HEADER, EventField, EventSchema, Payload
from hintsync.replicas.salesforce.ids import long_id
from hintsync.replicas.salesforce.package_fields import MARKED, PATIENT_ID

_log = logging.getLogger(__name__)

CONTACT: Final = "Contact"
_OVERFLOW = "GAP_OVERFLOW"
#: Ends of change types, gap events included. Whatever else there may be one day changed the record.
_KINDS: Final = (
    ("UNDELETE", ChangeKind.UNDELETED),
    ("DELETE", ChangeKind.DELETED),
    ("CREATE", ChangeKind.CREATED),
)
_MARKS: Final = frozenset({PATIENT_ID, MARKED})
#: Schemas kept; an org has one for contacts at a time.
_SCHEMAS = 16


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an event shows of each record it names."""

    values: Mapping[FieldName, Canonical] = field(default_factory=dict, repr=False)
    complete: bool = False
    peer_id: str | None = None
    marked: bool | None = None
    marks_changed: bool = False


_NOTHING = _Shown()


class ChangeReader:
    """Reads the responses of a stream."""

    def __init__(self, fetch_schema: Callable[[str], Awaitable[str]], codec: Callable[[], Awaitable[Codec]]) -> None:
        """Take what fetches a schema's JSON by its id, and what tells how this org's contacts are read at present."""
        self._fetch_schema = fetch_schema
        self._codec = codec
        self._schemas: dict[str, EventSchema] = {}

    async def read(self, responses: Sequence[wire.FetchResponse]) -> Arrived:
        """Return what responses say, together; the position is that of the last one.

        Raises:
            HintsyncError: a schema could not be fetched.
        """
        codec = await self._codec()
        changes: list[RecordChange] = []
        lost: str | None = None
        events = [event for response in responses for event in response.events]
        for event in events:
            found = await self._changes(event.event, codec)
            if isinstance(found, str):
                lost = found
            else:
                changes += found
        return Arrived(_position(responses[-1]), tuple(changes), len(events), lost)

    async def _changes(self, event: wire.ProducerEvent, codec: Codec) -> Sequence[RecordChange] | str:
        """Return what an event says of contacts, or why contacts may have changed that it does not name."""
        try:
            schema = await self._schema(event.schema_id)
            payload = schema.read(event.payload)
            header: Mapping[str, Any] = payload[HEADER]
            if header["entityName"] != CONTACT:
                return ()
            return _overflow(header) or _records(event.id, header, _shown(schema, payload, header, codec))
        except _UNREADABLE as error:
            _log.warning("a change event cannot be read: %s", type(error).__name__)
            return "an event could not be read"

    async def _schema(self, schema_id: str) -> EventSchema:
        known = self._schemas.get(schema_id)
        if known is None:
            known = EventSchema(await self._fetch_schema(schema_id))
            while len(self._schemas) >= _SCHEMAS:
                del self._schemas[next(iter(self._schemas))]
            self._schemas[schema_id] = known
        return known


#: What reading bytes in a schema they were not written in may raise.
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    AttributeError,
    OverflowError,
    struct.error,
    SchemaParseException,
)


def _position(last: wire.FetchResponse) -> str:
    """Return the position behind a response; a keepalive's own is behind everything sent before it."""
    return (last.events[-1].replay_id if last.events else last.latest_replay_id).hex()


def _overflow(header: Mapping[str, Any]) -> str | None:
    if header["changeType"] == _OVERFLOW:
        return "more contacts changed in one transaction than events tell of"
    if any(long_id(each) is None for each in header["recordIds"]):
        return "contacts changed that an event does not name"
    return None


def _records(event_id: str, header: Mapping[str, Any], shown: _Shown) -> list[RecordChange]:
    kind = next((kind for end, kind in _KINDS if header["changeType"].endswith(end)), ChangeKind.CHANGED)
    ids = dict.fromkeys(record_id for each in header["recordIds"] if (record_id := long_id(each)))
    return [
        RecordChange(
            record_id=record_id,
            kind=kind,
            event_id=f"{event_id}:{record_id}" if event_id else None,
            values=shown.values,
            complete=shown.complete,
            peer_id=shown.peer_id,
            marked=shown.marked,
            marks_changed=shown.marks_changed,
        )
        for record_id in ids
    ]


def _shown(schema: EventSchema, payload: Payload, header: Mapping[str, Any], codec: Codec) -> _Shown:
    """Return what an event shows of mapped fields and of our marks."""
    if header["changeType"] == "CREATE":
        return _created(schema, payload, codec)
    if header["changeType"] != "UPDATE":
        return _NOTHING
    try:
        emptied = set(schema.named(header["nulledFields"]))
        differences = set(schema.named(header["diffFields"]))
        changed = {*schema.named(header["changedFields"]), *emptied, *differences}
    except UnknownBitmap:
        return _NOTHING
    ours = [each for each in changed if _is_ours(each, codec)]
    raw = {each.api_name: each.value(payload) for each in ours if each not in differences}
    raw = {each.api_name: raw[each.api_name] for each in ours if _is_told(each, raw, emptied)}
    return _canonical(raw, codec, all_told=bool(changed) and len(raw) == len(ours))


def _created(schema: EventSchema, payload: Payload, codec: Codec) -> _Shown:
    """A new contact's event shows all that is not blank."""
    raw = {each.api_name: each.value(payload) for each in schema.fields if _is_ours(each, codec)}
    shown = _canonical(raw, codec, all_told=True)
    return _without_blank_marks(shown)


def _without_blank_marks(shown: _Shown) -> _Shown:
    """Marks that a new contact does not have were not set by anybody."""
    if shown.peer_id or shown.marked:
        return shown
    return _Shown(shown.values, shown.complete, shown.peer_id, shown.marked)


def _is_ours(one: EventField, codec: Codec) -> bool:
    return one.api_name in _MARKS or codec.field_of_salesforce(one.api_name) is not None


def _is_told(one: EventField, raw: Mapping[str, object], emptied: Iterable[EventField]) -> bool:
    """Say whether the event shows the new value: null does only where the header says that the field was emptied."""
    return one.api_name in raw and (raw[one.api_name] is not None or one in emptied)


def _canonical(raw: Mapping[str, object], codec: Codec, *, all_told: bool) -> _Shown:
    # the id is not known to the codec's reader and does not matter: one event may speak of several records
    snapshot = codec.snapshot_from_salesforce({"Id": "event", **raw})
    values = {name: value for name, value in snapshot.values.items() if value is not ABSENT}
    return _Shown(
        values=values,
        complete=all_told and not snapshot.unreadable,
        peer_id=(snapshot.peer_id or "") if PATIENT_ID in raw else None,
        marked=snapshot.marked if MARKED in raw else None,
        marks_changed=not _MARKS.isdisjoint(raw),
    )
