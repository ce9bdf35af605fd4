"""The event bus of an org: commits go in, events come out, in one order, for three days."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.dml.journal import Change
from hintsync_emulators.salesforce.pubsub.allocation import Allocation
from hintsync_emulators.salesforce.pubsub.channels import Channels
from hintsync_emulators.salesforce.pubsub.drafts import Draft, cut_off, draft, merge, overflow
from hintsync_emulators.salesforce.pubsub.errors import Problem
from hintsync_emulators.salesforce.pubsub.faults import EventFaults
from hintsync_emulators.salesforce.pubsub.layout import Layout, layout_of
from hintsync_emulators.salesforce.pubsub.log import Event, EventLog, Placed
from hintsync_emulators.salesforce.pubsub.transactions import commits, fold
from hintsync_emulators.salesforce.schema.model import SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org
    from hintsync_emulators.salesforce.pubsub.avro import EventSchema

_SCHEMA_KIND = "event schema"
_GAPS = ("GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE")
#: Commit numbers of recorded events have this many digits.
_FIRST_COMMIT = 11_000_000_000_000


@dataclass
class BusSettings:
    """What a test may change about the bus."""

    #: Seconds that events can be replayed for, by the clock of the org.
    retention: int = 72 * 3600
    #: Changes of one transaction that are told; an overflow event stands for the rest.
    overflow_after: int = 100_000
    #: Larger payloads, in bytes, are replaced by a gap event.
    largest_event: int = 1_000_000
    #: Equal changes of several records in one transaction become one event.
    merging: bool = True
    #: A bitmap over the top-level fields comes first even when only parts of compound fields are meant. It is not
    #: published which of the two Salesforce does; its samples and their kin read both, but some not the shorter.
    empty_map_first: bool = False
    #: Seconds until an empty answer tells a subscriber that the stream lives: at most 270, about 60 in the field.
    keepalive: float = 60.0
    #: Seconds until a stream is closed whose subscriber has asked for nothing more.
    idle: float = 70.0


class EventBus:
    """Turns what is committed into change events and keeps them to be replayed.

    Everything here is called under the guard of the org.
    """

    def __init__(self, org: Org, seed: int) -> None:
        self._org, self._storage = org, org.storage
        self._chance = random.Random(f"events of {seed}")
        self._commit = _FIRST_COMMIT + self._chance.randrange(10**10)
        self._layouts: dict[str, tuple[int, Layout, EventSchema]] = {}
        self._wakers: set[Callable[[], None]] = set()
        self.log = EventLog(org.storage, self._chance)
        self.channels, self.settings = Channels(org), BusSettings()
        self.faults, self.allocation = EventFaults(), Allocation()
        #: How often streams were told to end, and with which error.
        self.endings = 0
        self.ending: str | None = None
        org.storage.journal.listeners.append(self._take)

    def __deepcopy__(self, memo: object) -> EventBus:
        """Stay the one bus of the org when what the org knows is copied: streams hang on it."""
        return self

    def restored(self) -> None:
        """Take up what the database holds, after it was put back to an earlier state."""
        self.channels.reload()
        self.log.reopen()
        self._layouts.clear()
        self.wake()

    def now(self) -> int:
        """Return the org's time in epoch seconds."""
        return int(self._org.clock().timestamp())

    # --- for tests ------------------------------------------------------------------------------------------------

    def gap(self, object_name: str, record_ids: Sequence[str], kind: str = "GAP_UPDATE") -> None:
        """Tell of changes that no event holds; a wildcard such as ``003*`` is a record id too.

        Raises:
            LookupError: the org has no such object.
            ValueError: the kind is none of a gap event's.
        """
        if kind not in _GAPS:
            raise ValueError(f"a gap event is one of {', '.join(_GAPS)}")
        self._publish([Draft(self._object(object_name), kind, tuple(record_ids))])

    def overflow(self, object_name: str) -> None:
        """Tell that changes of an object were too many to be told."""
        self._publish([overflow(self._object(object_name))])

    def release(self) -> int:
        """Send the events that a fault kept back; return how many there were."""
        events = self.faults.release()
        self._append(events)
        return len(events)

    def expire(self) -> None:
        """Forget all events, as if the time of retention had passed: every replay id given out so far is invalid."""
        self.log.forget(before=2**62)
        self.wake()

    def end_streams(self, code: str | None = None) -> None:
        """End every open stream: in order, or with an error of the API.

        Raises:
            KeyError: there is no such error.
        """
        if code is not None:
            Problem(code)
        self.endings, self.ending = self.endings + 1, code
        self.wake()

    def clear_faults(self) -> None:
        """Forget every fault; events that were kept back stay so until `release`."""
        self.faults.clear()
        self.wake()

    # --- for streams ----------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Tell every stream to look again."""
        for waker in list(self._wakers):
            waker()

    def join(self, waker: Callable[[], None]) -> Callable[[], None]:
        """Let a stream be woken; return what takes it out again."""
        self._wakers.add(waker)
        return lambda: self._wakers.discard(waker)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._wakers)

    def tip(self) -> int:
        """Return the position after which everything lies that is still to come."""
        self._forget_old()
        return self.log.tip(self.now())

    def after(self, position: int, objects: Collection[str], most: int) -> list[Placed]:
        """Return the next events of some objects that are still kept."""
        self._forget_old()
        return self.log.after(position, objects, most)

    def holds(self, position: int) -> bool:
        """Say whether a position can be replayed from."""
        self._forget_old()
        return self.log.holds(position)

    def event_schema(self, object_name: str) -> EventSchema:
        """Return the schema that an object's events have at present."""
        return self._described(object_name)[1]

    def schema_json(self, schema_id: str) -> str | None:
        """Return a schema that some event has or had."""
        found = self._storage.kept(_SCHEMA_KIND).get(schema_id)
        return None if found is None else str(found)

    def new_id(self) -> str:
        """Return a UUID."""
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    # --- from commit to event -------------------------------------------------------------------------------------

    def _take(self, changes: Sequence[Change]) -> None:
        for commit in commits(changes):
            written = (draft(self._described(each.object)[0], each) for each in fold(commit))
            drafts = cut_off((each for each in written if each is not None), self.settings.overflow_after)
            self._publish(merge(drafts) if self.settings.merging else drafts)

    def _publish(self, drafts: Iterable[Draft]) -> None:
        """Give the events of one transaction their headers and send them."""
        key = self.new_id()
        self._commit += self._chance.randrange(1, 10**6)
        events = [self._event(self.faults.spoil_draft(each), key, n) for n, each in enumerate(drafts, 1)]
        self._append(self.faults.spoil(events))

    def _append(self, events: Iterable[Event]) -> None:
        self._forget_old()
        with self._storage.transaction():
            for event in events:
                self.log.append(event, self.now())
        self.wake()

    def _event(self, one: Draft, key: str, number: int) -> Event:
        schema = self.event_schema(one.entity)
        payload = schema.encode({"ChangeEventHeader": self._header(one, key, number), **one.body})
        if len(payload) > self.settings.largest_event:
            payload = schema.encode({"ChangeEventHeader": self._header(one.as_gap(), key, number)})
        return Event(one.entity, self.new_id(), schema.id, payload)

    def _header(self, one: Draft, key: str, number: int) -> dict[str, object]:
        return {
            "entityName": one.entity,
            "recordIds": list(one.record_ids),
            "changeType": one.kind,
            "changeOrigin": one.origin,
            "transactionKey": key,
            "sequenceNumber": number,
            "commitTimestamp": int(self._org.clock().timestamp() * 1000),
            "commitNumber": self._commit,
            "commitUser": one.user_id,
            "nulledFields": self._maps(one.nulled),
            "diffFields": self._maps(one.diffed),
            "changedFields": self._maps(one.changed),
        }

    def _maps(self, maps: tuple[str, ...]) -> list[str]:
        missing = self.settings.empty_map_first and maps and not maps[0].startswith("0x")
        return ["0x00", *maps] if missing else list(maps)

    def _described(self, object_name: str) -> tuple[Layout, EventSchema]:
        known = self._layouts.get(object_name)
        if known is None or known[0] != self._org.schema.version:
            # Imported late: an org whose changes nobody wants starts without Avro.
            from hintsync_emulators.salesforce.pubsub.avro import schema_of

            layout = layout_of(self._visible(object_name))
            known = self._layouts[object_name] = (self._org.schema.version, layout, schema_of(layout))
            self._storage.keep(_SCHEMA_KIND, known[2].id, known[2].json)
        return known[1], known[2]

    def _object(self, name: str) -> str:
        return self._visible(name).name

    def _visible(self, name: str) -> SObject:
        one = self._org.schema.get(name)
        if one is None:
            raise LookupError(f"the org has no object {name}")
        return one

    def _forget_old(self) -> None:
        self.log.forget(self.now() - self.settings.retention)
