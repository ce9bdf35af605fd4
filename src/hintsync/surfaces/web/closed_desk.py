"""Takes in the events of a connection whose engine is not open just now: opened anew, or kept shut by the other system.

Nothing can be compared then, so every patient that is named is marked. The worker that opens the engine next reads each of
them, and leaves alone what is not its business.
"""

from __future__ import annotations

import logging

from hintsync.core.values import Side
from hintsync.engine.detect.intake import take_in_unread
from hintsync.engine.detect.webhooks import SEEN
from hintsync.metrics import Metrics
from hintsync.ports import Clock
from hintsync.redact import safe_text
from hintsync.replicas.hint.webhook import Envelope
from hintsync.state.port import StateStore
from hintsync.surfaces.web.desk import Wake
from hintsync.surfaces.web.notices import unread_notices_of

_log = logging.getLogger(__name__)


class ClosedDesk:
    """Takes events in without an engine."""

    def __init__(self, store: StateStore, clock: Clock, wake: Wake | None, metrics: Metrics) -> None:
        """Take what is needed to store them.

        Args:
            store: of the service.
            clock: says when an event came.
            wake: told after something was stored: other processes may have the engine open.
            metrics: what is counted in.
        """
        self._store = store
        self._clock = clock
        self._wake = wake
        self._metrics = metrics

    async def take(self, connection_id: str, envelope: Envelope) -> bool:
        """Return once what an event says is stored; false if it names no patient.

        Raises:
            HintsyncError: the store does not answer; nothing is stored.
        """
        now = self._clock.now()
        notices = unread_notices_of(envelope, now.timestamp())
        seen = await self._store.get_cursor(connection_id, SEEN)
        first = {} if seen else {SEEN: now.isoformat(timespec="seconds").replace("+00:00", "Z")}
        marked = await take_in_unread(self._store, connection_id, notices, cursors=first or None)
        self._metrics.count("marked", connection_id, Side.HINT, marked)
        self._metrics.succeeded(connection_id, "webhook", now.timestamp())
        if notices:
            await self._tell(connection_id)
        return bool(notices)

    async def _tell(self, connection_id: str) -> None:
        if self._wake is None:
            return
        try:
            await self._wake(connection_id)
        except Exception as error:  # whatever a dispatcher raises: the events are stored, and that is what is answered
            _log.warning("workers of %s were not woken: %s", connection_id, safe_text(error))
