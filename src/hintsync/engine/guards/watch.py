"""What one process knows of the guards of a connection, and how old that knowledge is; all of it can be read again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from hintsync.core.records import FieldName, Fingerprint
from hintsync.core.values import Side
from hintsync.state.live import Intent, Stop

#: Long ago: whatever was known then is too old. Seconds on the monotonic clock.
NEVER = float("-inf")

#: Which writes an administrator approved: link and written side to field and fingerprint. No field: a suspension.
ApprovedWrites = Mapping[tuple[str, Side], Mapping[FieldName, Fingerprint]]


@dataclass(slots=True)
class Watch:
    """Cached answers to what guards ask; each with the moment (monotonic seconds) at which it was learned."""

    #: Held while a system is asked something, so that two tasks do not ask the same.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stops: tuple[Stop, ...] = ()
    stops_at: float = NEVER
    #: When both systems were last seen to be the pinned ones (guard G1).
    pinned_at: float = NEVER
    #: When mapping and fields were last compared with the store's and the systems' (guard G5).
    settings_at: float = NEVER
    described_at: float = NEVER
    #: `described_at` holds a moment: the engine's own describes, or later ones.
    was_described: bool = False
    #: Until when fields that a system refused are tried again because its fields changed (row F9).
    reopened_until: float = NEVER
    #: Intents of the window, oldest first, and up to which moment (seconds since the epoch) they are known.
    window: list[Intent] = field(default_factory=list)
    window_until: float = NEVER
    #: Number of live links.
    links: int = 0
    links_at: float = NEVER
    approved: ApprovedWrites = field(default_factory=dict)
    approved_at: float = NEVER
    #: What `approved` was read from; it is read again when this moves.
    approved_basis: str = ""
