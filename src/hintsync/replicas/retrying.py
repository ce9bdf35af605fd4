"""Repeats remote calls that failed for a passing reason, with growing pauses.

The contract between a client and `Retrying`: the client raises `RetryLater` only for a request that was surely not
carried out, or that reads; it raises `UnknownOutcome` when the reply to a write was lost. What may be repeated after
that is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from hintsync.core.errors import BudgetSpent, RetryLater, UnknownOutcome
from hintsync.ports import Clock

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and after which pauses a call is repeated."""

    #: Attempts in all, the first one included.
    attempts: int = 5
    #: Seconds of the first pause; each further one is twice as long.
    first: float = 0.5
    #: Seconds that no pause exceeds. A side that asks for a longer one is given up on at once: the engine waits better.
    ceiling: float = 30.0

    def pause(self, failures: int, asked: float, draw: float) -> float:
        """Return the seconds to wait after so many failures.

        Args:
            failures: attempts that failed so far, at least 1.
            asked: seconds the other side asked for, 0 if it did not.
            draw: a random number in [0, 1), so that callers who failed together do not come back together.
        """
        grown = min(self.ceiling, self.first * float(2 ** (failures - 1)))
        return max(asked, grown * (0.5 + draw / 2))


class Retrying:
    """Runs calls again while what they raise may pass."""

    def __init__(self, clock: Clock, backoff: Backoff | None = None, *, random: Random | None = None) -> None:
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._random = random or Random()

    async def run(self, call: Callable[[], Awaitable[Answer]], *, repeatable: bool) -> Answer:
        """Make the call, and again while it fails in passing.

        Args:
            call: makes one attempt.
            repeatable: the call may be made again even if it was carried out already (a read, an idempotent write).

        Raises:
            RetryLater: the last attempt's, after all of them; `BudgetSpent` at once, since waiting a little is no use.
            UnknownOutcome: the reply was lost; at once for a call that is not repeatable, else after all attempts.
        """
        failures = 0
        while True:
            try:
                return await call()
            except (RetryLater, UnknownOutcome) as failure:
                failures += 1
                asked = _asked(failure)
                if not self._may_repeat(failure, failures, repeatable):
                    raise
            await self._clock.sleep(self._backoff.pause(failures, asked, self._random.random()))

    def _may_repeat(self, failure: RetryLater | UnknownOutcome, failures: int, repeatable: bool) -> bool:
        if isinstance(failure, BudgetSpent) or (isinstance(failure, UnknownOutcome) and not repeatable):
            return False
        return failures < self._backoff.attempts and _asked(failure) <= self._backoff.ceiling


def _asked(failure: RetryLater | UnknownOutcome) -> float:
    """Return the seconds that the other side asked to wait, 0 if it did not say."""
    return (failure.after or 0.0) if isinstance(failure, RetryLater) else 0.0
