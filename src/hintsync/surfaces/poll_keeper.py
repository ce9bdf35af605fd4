"""Polls Salesforce: often while its change events are not followed, now and then while they are."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from hintsync.core.errors import HintsyncError, RetryLater
from hintsync.ports import Clock
from hintsync.surfaces.stream_keeper import PACE, Hands, Pace, Situation

_log = logging.getLogger(__name__)


class PollKeeper:
    """Polls for one connection for as long as it is let."""

    def __init__(self, clock: Clock, hands: Hands, situation: Situation, seconds: float, pace: Pace = PACE) -> None:
        """Put the keeper together.

        Args:
            clock: measures and waits.
            hands: polls.
            situation: tells whether events are followed.
            seconds: between polls while they are not.
            pace: tells how far apart polls are while they are.
        """
        self._clock = clock
        self._hands = hands
        self._situation = situation
        self._seconds = seconds
        self._pace = pace
        #: Monotonic seconds from which the next poll is counted.
        self._last = clock.monotonic()
        #: Not before this moment, whatever happens: the org asked to be left alone.
        self._not_before = float("-inf")

    async def keep(self) -> NoReturn:
        """Poll, again and again."""
        while True:
            await self._until_due()
            self._last = self._clock.monotonic()
            try:
                self._situation.found(await self._hands.poll())
                await self._hands.beat()
            except HintsyncError as error:
                _log.warning("a poll failed: %s", error.code)
                after = error.after if isinstance(error, RetryLater) and error.after else 0.0
                self._not_before = self._clock.monotonic() + after

    async def _until_due(self) -> None:
        """Wait for the time of the next poll; when the stream falls for good, that is now."""
        while True:
            moved = self._situation.moved.is_set()
            self._situation.moved.clear()
            if moved and not self._situation.stands and self._situation.reason:
                self._last = float("-inf")
            wait = max(self._last + self._interval(), self._not_before) - self._clock.monotonic()
            if wait <= 0:
                return
            await self._wait(wait)

    def _interval(self) -> float:
        return self._pace.beside if self._situation.relied_on else self._seconds

    async def _wait(self, seconds: float) -> None:
        """Wait, or until the situation moves."""
        tasks = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._situation.moved.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
