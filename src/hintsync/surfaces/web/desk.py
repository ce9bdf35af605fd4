"""Stores the events of one connection, those that come together in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from hintsync.core.records import Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.heard import Ear
from hintsync.engine.detect.intake import TakenIn
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.engine.detect.webhooks import SEEN
from hintsync.engine.live.surge import surge_of
from hintsync.engine.search.patients import patient_index
from hintsync.metrics import Metrics
from hintsync.redact import safe_text
from hintsync.replicas.hint.replica import HintReplica
from hintsync.replicas.hint.webhook import Envelope
from hintsync.surfaces.web.gathering import Gatherer
from hintsync.surfaces.web.notices import Decode, notices_of, shown_by_hint

_log = logging.getLogger(__name__)

#: Seconds for which it is believed that the first event was noted; a new address begins anew.
_BELIEVED = 5.0

#: Told after events were stored: the connection has work.
Wake: TypeAlias = Callable[[str], Awaitable[None]]


class TakeIn(Protocol):
    """The way into the dirty set (`engine.detect.intake.take_in`)."""

    async def __call__(
        self, engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
    ) -> TakenIn:
        """Mark what may matter and store the cursors, in one transaction."""
        ...


class Desk:
    """Takes the events of one connection in."""

    def __init__(self, engine: Engine, take_in: TakeIn, wake: Wake | None, metrics: Metrics) -> None:
        """Take the connection's engine.

        Args:
            engine: open.
            take_in: stores what may matter.
            wake: told after something was stored, if anybody is to be told.
            metrics: what is counted in.
        """
        self.engine = engine
        self._decode = _decoder(engine)
        self._must_show = shown_by_hint(engine.table)
        self._take_in = take_in
        self._wake = wake
        self._metrics = metrics
        self._gatherer = Gatherer(self._flush)
        self._ear = Ear(Side.HINT)
        self._surge = surge_of(engine)
        #: Monotonic seconds until which the first event is believed to be noted.
        self._seen_until = float("-inf")

    async def take(self, envelope: Envelope) -> bool:
        """Return once what an event says is stored; false if it says nothing of ours.

        Raises:
            HintsyncError: the store does not answer; nothing is stored.
        """
        self._surge.hear(1, self.engine.clock.monotonic())
        notices = notices_of(envelope, self._decode, self._must_show, self.engine.clock.now().timestamp())
        for notice in notices:
            if notice.kind is NoticeKind.DELETED:
                patient_index(self.engine).forget(notice.record_id)
        if notices:
            await self._gatherer.put(notices)
        else:
            for name, value in (await self._heard()).items():
                await self.engine.store.put_cursor(self.engine.connection.id, name, value)
            self._believe()
        return bool(notices)

    async def aclose(self) -> None:
        """Return once what waits is stored or has failed."""
        await self._gatherer.aclose()

    async def _flush(self, notices: Sequence[Notice]) -> None:
        taken = await self._take_in(self.engine, notices, cursors=await self._heard() or None)
        self._believe()
        self._count(taken)
        await self._tell()

    async def _heard(self) -> Mapping[str, str]:
        """Return the cursors that note the first signed event, and the latest, unless they are noted."""
        latest = self._ear.heard(self.engine)
        if self.engine.clock.monotonic() < self._seen_until:
            return latest
        noted = await self.engine.store.get_cursor(self.engine.connection.id, SEEN)
        return latest if noted else {SEEN: self.engine.now(), **latest}

    def _believe(self) -> None:
        if self.engine.clock.monotonic() >= self._seen_until:
            self._seen_until = self.engine.clock.monotonic() + _BELIEVED

    def _count(self, taken: TakenIn) -> None:
        connection_id = self.engine.connection.id
        for word, number in (("marked", taken.marked), ("echo", taken.echoes), ("ignored", taken.ignored)):
            self._metrics.count(word, connection_id, Side.HINT, number)
        self._metrics.succeeded(connection_id, "webhook", self.engine.clock.now().timestamp())

    async def _tell(self) -> None:
        """Wake the workers; a wake that is lost, or left out in a burst, only delays the work to the next sweep."""
        if self._wake is None or self._surge.is_on(self.engine.clock.monotonic()):
            return
        try:
            await self._wake(self.engine.connection.id)
        except Exception as error:  # whatever a dispatcher raises: the events are stored, and that is what is answered
            _log.warning("workers of %s were not woken: %s", self.engine.connection.id, safe_text(error))


def _decoder(engine: Engine) -> Decode:
    """Return what reads a patient as reads of this connection do, and lets this process's searches know of it."""
    if not isinstance(engine.hint, HintReplica):
        raise TypeError("webhooks need Hint's own replica: it alone knows the shape of a patient")
    read, index = engine.hint.snapshot_of, patient_index(engine)

    def decode(shown: Mapping[str, object]) -> Snapshot:
        snapshot = read(shown)
        index.hear(snapshot)
        return snapshot

    return decode
