"""Delivers rows in chunks: which run side by side, which are sent again, and what is said of those that got no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hintsync.core.errors import HintsyncError, UnknownOutcome
from hintsync.core.values import Side
from hintsync.ports import Clock

Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: Seconds before rows that met a lock are sent again; then the engine waits instead.
PAUSES = (0.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Again:
    """A row met passing trouble (a lock): nothing of it was written and it may be sent again."""

    code: str


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Item, Answer]):
    """How rows of one kind are sent, in chunks, and what is said of those without an answer."""

    clock: Clock
    #: Sends a chunk; one answer for each row, in order.
    send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Again]]]
    #: Rows of one chunk.
    size: int
    #: The account a row hangs on; two writes below one account at a time lock each other out.
    account_of: Callable[[Item], str | None]
    #: The answer for a row whose chunk's reply was lost.
    lost: Callable[[Item], Answer]
    #: The answer for a row that was surely not written; takes a code.
    later: Callable[[Item, str], Answer]

    async def deliver(self, items: Sequence[Item]) -> list[Answer]:
        """Send all rows and return their answers, in order.

        Raises:
            HintsyncError: what stopped the first chunk. Once any row has an answer, that is worth more than the
                exception: the rows that were not sent are answered with `later`.
        """
        answers: dict[int, Answer | Again] = {}
        failure = await self._round(items, range(len(items)), answers)
        for pause in PAUSES:
            waiting = [place for place, answer in answers.items() if isinstance(answer, Again)]
            if failure or not waiting:
                break
            await self.clock.sleep(pause)
            failure = await self._round(items, waiting, answers)
        if failure and not answers:
            raise failure
        return [self._settled(item, answers.get(place), failure) for place, item in enumerate(items)]

    async def _round(
        self, items: Sequence[Item], places: Sequence[int], answers: dict[int, Answer | Again]
    ) -> HintsyncError | None:
        lanes = account_lanes(places, lambda place: self.account_of(items[place]), self.size)
        failures = await asyncio.gather(*(self._lane(items, lane, answers) for lane in lanes))
        return next((failure for failure in failures if failure), None)

    async def _lane(
        self, items: Sequence[Item], lane: Sequence[Sequence[int]], answers: dict[int, Answer | Again]
    ) -> HintsyncError | None:
        for chunk in lane:
            try:
                answers.update(zip(chunk, await self.send([items[place] for place in chunk]), strict=True))
            except UnknownOutcome:
                answers.update((place, self.lost(items[place])) for place in chunk)
            except HintsyncError as failure:
                return failure
        return None

    def _settled(self, item: Item, answer: Answer | Again | None, failure: HintsyncError | None) -> Answer:
        if answer is None:
            return self.later(item, failure.code if failure else "not-sent")
        return self.later(item, answer.code) if isinstance(answer, Again) else answer


def rows_of(answer: object, count: int, what: str) -> list[dict[str, Any]]:
    """Return the rows of an answer that must hold one for each row sent.

    Raises:
        UnknownOutcome: it is of another shape (something between us and Salesforce answered), so it tells nothing.
    """
    if isinstance(answer, list) and len(answer) == count and all(isinstance(row, dict) for row in answer):
        return answer
    raise UnknownOutcome(Side.SALESFORCE, what)


def account_lanes(places: Sequence[int], account_of: Callable[[int], str | None], size: int) -> list[list[list[int]]]:
    """Cut rows into chunks, rows of one account side by side; chunks that share an account follow one another in a lane.

    Lanes may run in parallel. Salesforce locks a contact's account while it writes the contact, so that parallel chunks
    below one account answer UNABLE_TO_LOCK_ROW.
    """
    ordered = sorted(places, key=lambda place: account_of(place) or "")
    lanes: list[list[list[int]]] = []
    for start in range(0, len(ordered), size):
        chunk = ordered[start : start + size]
        account = account_of(chunk[0])
        if lanes and account and account_of(lanes[-1][-1][-1]) == account:
            lanes[-1].append(chunk)
        else:
            lanes.append([chunk])
    return lanes
