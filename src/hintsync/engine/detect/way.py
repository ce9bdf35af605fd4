"""How a connection learns of Salesforce's changes just now, by change events or by polling, and why: kept, and shown to people.

It is a cursor of its own, not one of the connection's facts: whoever stores a fact stores them all, and this one moves by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from hintsync.change_feed import CHANGES_FACT
from hintsync.engine.options import Options
from hintsync.state.port import Connection, StateStore

#: Cursor: the way in use, as `Way` packs it.
WAY: Final = "salesforce:way"


@dataclass(frozen=True, slots=True)
class Way:
    """The way in use."""

    #: What is followed; empty: it is polled.
    topic: str
    #: Why it is polled; empty while events are followed.
    reason: str = ""

    def pack(self) -> str:
        """Return it as the store keeps it."""
        return orjson.dumps({"topic": self.topic, "reason": self.reason}).decode()

    @classmethod
    def unpack(cls, stored: str) -> Way:
        """Take back what `pack` gave."""
        raw = orjson.loads(stored)
        return cls(str(raw["topic"]), str(raw["reason"]))


def chosen_way(connection: Connection) -> Way:
    """Return what was found out when the org was connected."""
    fact = connection.facts.get(CHANGES_FACT)
    if not isinstance(fact, dict):
        return Way("", "nobody has looked for change events yet")
    return Way(str(fact.get("topic") or ""), str(fact.get("reason") or ""))


async def load_way(store: StateStore, connection: Connection) -> Way:
    """Return the way in use, or what was chosen at connect while no subscriber has run."""
    stored = await store.get_cursor(connection.id, WAY)
    return Way.unpack(stored) if stored else chosen_way(connection)


def describe_way(connection: Connection, way: Way | None = None) -> str:
    """Say in a sentence how changes in Salesforce are noticed.

    Args:
        connection: whose.
        way: the one in use (`load_way`); what was chosen at connect if not given.
    """
    way = way or chosen_way(connection)
    if way.topic:
        return f"change events of {way.topic}"
    seconds = Options.from_json(connection.settings).poll_seconds
    return f"polling every {seconds:g} seconds: {way.reason}"
