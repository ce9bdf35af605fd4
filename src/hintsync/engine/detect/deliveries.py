"""The org's event deliveries as last learned, kept for people to see (guard G8); the subscriber asks, pages show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hintsync.core.guards import Deliveries
from hintsync.engine.context import Engine
from hintsync.state.port import StateStore

#: Cursor: used, limit and the moment they were learned, with spaces between them.
_NAME: Final = "salesforce:deliveries"


@dataclass(frozen=True, slots=True)
class KnownDeliveries:
    """What the org said of its event deliveries, and when."""

    used: int
    limit: int
    #: ISO 8601, UTC.
    at: str


async def note_deliveries(engine: Engine, deliveries: Deliveries) -> None:
    """Remember what the org said just now."""
    told = f"{deliveries.used} {deliveries.limit} {engine.now()}"
    await engine.store.put_cursor(engine.connection.id, _NAME, told)


async def known_deliveries(store: StateStore, connection_id: str) -> KnownDeliveries | None:
    """Return what the org last said; None: never asked."""
    told = (await store.get_cursor(connection_id, _NAME) or "").split()
    return KnownDeliveries(int(told[0]), int(told[1]), told[2]) if len(told) == 3 else None
