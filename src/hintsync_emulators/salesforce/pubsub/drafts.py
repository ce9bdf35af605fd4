"""What a change event says of a change, before it has its place in the stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson

from hintsync_emulators.salesforce.dml.journal import Change, Row
from hintsync_emulators.salesforce.pubsub.bitmap import FieldSet
from hintsync_emulators.salesforce.pubsub.difference import difference
from hintsync_emulators.salesforce.pubsub.layout import EventField, Layout
from hintsync_emulators.salesforce.schema.model import Field

#: The record id of an overflow event, which names no record.
NO_RECORD = "000000000000000AAA"


@dataclass(frozen=True, slots=True)
class Draft:
    """A change event without its transaction."""

    entity: str
    kind: str
    record_ids: tuple[str, ...]
    #: Who wrote.
    user_id: str = ""
    origin: str = ""
    #: Values by field name; what is not named is null.
    body: Mapping[str, object] = field(default_factory=dict)
    #: Bitmaps, as the header carries them.
    nulled: tuple[str, ...] = ()
    diffed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    #: What it counts towards the overflow of a transaction: an update counts each changed field.
    weight: int = 1

    def as_gap(self) -> Draft:
        """Return the event that tells of the change and holds nothing of it."""
        return Draft(self.entity, f"GAP_{self.kind}", self.record_ids, self.user_id)


def overflow(object_name: str) -> Draft:
    """Return the event that tells that changes of an object were too many to be told."""
    return Draft(object_name, "GAP_OVERFLOW", (NO_RECORD,))


def draft(layout: Layout, change: Change) -> Draft | None:
    """Write the event of a change, or None when nothing that events show has changed."""
    user_id = change.user_id or str(change.after.get("LastModifiedById") or "")
    head = Draft(change.object, change.kind, (change.record_id,), user_id, change.origin)
    if change.kind == "DELETE":
        return head
    if change.kind == "UPDATE":
        return _update(layout, change, head)
    return replace(head, body={name: value for name, value in _whole(layout, change.after) if value is not None})


def _whole(layout: Layout, row: Row) -> Iterable[tuple[str, object]]:
    for each in layout.fields:
        if each.parts:
            parts = {part.name: _shown(part.field, row) for part in each.parts}
            yield each.name, (parts if any(value is not None for value in parts.values()) else None)
        else:
            yield each.name, _shown(each.field, row)


class _Comparison:
    """Collects what an update changed."""

    def __init__(self, change: Change) -> None:
        self.before, self.after, self.touches = change.before, change.after, change.touches
        self.body: dict[str, object] = {}
        self.nulled, self.diffed, self.changed = FieldSet(), FieldSet(), FieldSet()

    def plain(self, position: int, each: EventField) -> None:
        """Compare a field that has one value."""
        old, new = _shown(each.field, self.before), _shown(each.field, self.after)
        if old == new and not (self.touches and each.name == "LastModifiedDate"):
            return
        self.changed.add(position)
        if new is None:
            self.nulled.add(position)
            return
        shorter = difference(str(old or ""), str(new)) if each.long_text else None
        if shorter is not None:
            self.diffed.add(position)
        self.body[each.name] = new if shorter is None else shorter

    def compound(self, position: int, each: EventField) -> None:
        """Compare a field that is made of others; emptied altogether, it counts as one field."""
        old = [_shown(part.field, self.before) for part in each.parts]
        new = [_shown(part.field, self.after) for part in each.parts]
        if old == new:
            return
        if all(value is None for value in new):
            self.changed.add(position)
            self.nulled.add(position)
            return
        moved = [place for place in range(len(new)) if old[place] != new[place]]
        for place in moved:
            self.changed.add(position, place)
            if new[place] is None:
                self.nulled.add(position, place)
        self.body[each.name] = {part.name: new[i] if i in moved else None for i, part in enumerate(each.parts)}


def _update(layout: Layout, change: Change, head: Draft) -> Draft | None:
    found = _Comparison(change)
    for position, each in enumerate(layout.fields, 1):
        if each.parts:
            found.compound(position, each)
        else:
            found.plain(position, each)
    changed = found.changed
    if not (changed.top or changed.children):
        return None
    return replace(
        head,
        body=found.body,
        nulled=tuple(found.nulled.encode()),
        diffed=tuple(found.diffed.encode()),
        changed=tuple(changed.encode()),
        weight=len(changed.top) + sum(map(len, changed.children.values())),
    )


def merge(drafts: Iterable[Draft]) -> list[Draft]:
    """Join events of one transaction that say the same of several records."""
    found: dict[object, Draft] = {}
    for place, one in enumerate(drafts):
        key: object = place
        if one.kind != "CREATE":
            body = orjson.dumps(one.body, option=orjson.OPT_SORT_KEYS)
            key = (one.entity, one.kind, one.user_id, one.origin, body, one.nulled, one.diffed, one.changed)
        same = found.get(key)
        found[key] = one if same is None else replace(same, record_ids=same.record_ids + one.record_ids)
    return list(found.values())


def cut_off(drafts: Iterable[Draft], most: int) -> list[Draft]:
    """Keep the events of the first `most` changes; the rest become one overflow event per object."""
    kept, seen, beyond = [], 0, dict[str, Draft]()
    for one in drafts:
        seen += one.weight
        if seen <= most:
            kept.append(one)
        else:
            beyond.setdefault(one.entity, overflow(one.entity))
    return [*kept, *beyond.values()]


def _shown(one: Field | None, row: Row) -> object:
    """Return a stored value as an event carries it: moments are milliseconds since 1970, dates their midnight."""
    value = None if one is None else row.get(one.name)
    if one is None or value is None:
        return None
    if one.type == "boolean":
        return bool(value)
    if one.type == "datetime":
        return int(str(value)) * 1000
    if one.type == "date":
        return int(datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp()) * 1000
    if one.type == "time":
        clock = datetime.fromisoformat(f"1970-01-01T{str(value).removesuffix('Z')}").replace(tzinfo=UTC)
        return int(clock.timestamp() * 1000)
    return value
