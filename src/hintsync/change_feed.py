"""The port through which a system tells of its own changes, event by event, and how a connection learns of them.

Only Salesforce has such a feed (change events). Where there is none, or it may not be used, changes are found by polling.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from hintsync.core.errors import BudgetSpent, HintsyncError
from hintsync.core.guards import Deliveries
from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical, Side

#: Fact of a connection: what was found out at connect about its change events.
CHANGES_FACT: Final = "changes"


class ChangeKind(StrEnum):
    """What an event says happened to a record."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    UNDELETED = "undeleted"


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What one event says of one record; lives only in memory."""

    record_id: RecordId
    kind: ChangeKind
    #: Unique to the event and the record; the same when the event is delivered again.
    event_id: str | None
    #: Canonical values that the event shows of mapped fields.
    values: Mapping[FieldName, Canonical] = field(default_factory=dict, repr=False)
    #: The event shows every mapped field that changed.
    complete: bool = False
    #: Hint Patient ID, if the event shows it; empty: it was emptied.
    peer_id: str | None = None
    #: The Synced to Hint box, if the event shows it.
    marked: bool | None = None
    #: One of the two is among what changed.
    marks_changed: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """Some events, in order, and the position after them."""

    #: Where to go on after them; empty: nothing to be remembered yet.
    position: str
    changes: tuple[RecordChange, ...] = ()
    #: Events that came, those of other objects too; 0: the feed only says that it lives.
    events: int = 0
    #: Why records may have changed that no event names, in our words; None: they have not.
    lost: str | None = None
    #: The feed stands and begins with what happens from now on: what happened before it will not tell.
    fresh: bool = False


class PositionLost(HintsyncError):
    """The feed cannot go on from the position asked for: read what changed meanwhile, then begin at the latest event."""

    code = "position-lost"


class DeliveriesSpent(BudgetSpent):
    """The org's event deliveries are used up or near it (guard G8): polling takes over until the window clears."""

    code = "deliveries-spent"


class ChangeFeed(Protocol):
    """A stream of changes of one org."""

    #: What is followed, such as `/data/ContactChangeEvent`.
    name: str

    def follow(self, position: str | None) -> AsyncGenerator[Arrived, None]:
        """Yield events from behind a position, or from now on; asking for the next says that the last are stored.

        Never ends by itself. Expired tokens and streams that end in order are dealt with inside.

        Raises:
            PositionLost: the position is of no use any more.
            DeliveriesSpent: nothing is delivered until the day's window clears.
            FixConfiguration: it may not be followed; the message names the remedy.
            RetryLater: passing trouble; follow again from the last position that was stored.
        """
        ...

    async def deliveries(self) -> Deliveries | None:
        """Say how many events the org delivered in its rolling day; None where our user may not know. One call."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class TellsChanges(Protocol):
    """A replica whose system has a feed of changes."""

    async def open_feed(self, tenant: str, topic: str = "") -> ChangeFeed:
        """Find out whether the system offers the feed, and open it; nothing is delivered before it is followed.

        Args:
            tenant: the org's id.
            topic: the one to follow; empty: the first of those we know that is there.

        Raises:
            FixConfiguration: there is none that we may follow; the message names the remedy.
            RetryLater: it could not be found out.
        """
        ...


async def look_for_feed(replica: object, tenant: str, topic: str = "") -> dict[str, str]:
    """Return the fact to keep at connect: the topic whose events will be followed, or why polling must do."""
    if not isinstance(replica, TellsChanges):
        return {"topic": "", "reason": f"{Side.SALESFORCE}: this kind of replica has no change events"}
    try:
        feed = await replica.open_feed(tenant, topic)
    except HintsyncError as error:
        return {"topic": "", "reason": str(error)}
    await feed.aclose()
    return {"topic": feed.name, "reason": ""}
