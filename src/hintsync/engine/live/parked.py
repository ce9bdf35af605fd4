"""Letting records that failed too often be worked again, by a person who looked."""

from __future__ import annotations

from collections.abc import Collection

from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.guards.stops import Place
from hintsync.state.port import AuditEvent, Commit


async def replay_parked(place: Place, records: Collection[tuple[Side, RecordId]] | None = None) -> int:
    """Let parked records be worked again at once, and note who said so.

    Args:
        place: The connection.
        records: Which; None: all.

    Returns:
        How many.
    """
    now = place.clock.now().timestamp()
    replayed = await place.store.replay(place.connection.id, now, records)
    if replayed:
        only = next(iter(records)) if records is not None and len(records) == 1 else None
        event = AuditEvent(
            connection_id=place.connection.id,
            chain="connection",
            at=place.now(),
            actor=place.actor,
            action="replayed",
            contact_id=only[1] if only and only[0] is Side.SALESFORCE else None,
            patient_id=only[1] if only and only[0] is Side.HINT else None,
            reason=f"{replayed} parked records",
        )
        await place.store.commit(Commit(audits=[event]))
    return replayed
