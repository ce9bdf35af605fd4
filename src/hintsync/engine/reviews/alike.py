"""Deciding reviews that are alike: the same kind of question, about the same field, for the same reason.

Each one is decided by itself, through the same function as a single one, so that every guard and every check holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hintsync.core.errors import BadInput, HintsyncError
from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import HandResult
from hintsync.engine.reviews.choices import FOR_MANY, Decision, decide
from hintsync.state.port import LinkTaken, Review, ReviewKind, StaleLink, StateStore

#: More than any clinic has people.
_ALL = 10_000_000
#: Reviews that are decided at a time.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Likeness:
    """What alike reviews have in common."""

    kind: ReviewKind
    side: Side
    field: FieldName
    #: Row of the semantics that asked.
    rule: str
    #: Code of a vendor or of ours, for questions about a field; else empty.
    reason: str


def likeness(review: Review) -> Likeness:
    """Return what a review shares with those that are alike; why people are thought to be one differs for each pair."""
    rule, reason = review.details.get("rule"), review.details.get("reason")
    told = str(reason or "") if review.field_name else ""
    return Likeness(review.kind, review.side, review.field_name, str(rule or ""), told)


async def alike(store: StateStore, review: Review) -> list[Review]:
    """Return the open reviews that are alike, oldest first, the given one among them."""
    known = await store.reviews(review.connection_id, kind=review.kind, limit=_ALL)
    return [each for each in known if likeness(each) == likeness(review)]


@dataclass(frozen=True, slots=True)
class Failure:
    """A review that could not be decided with the others."""

    review_id: str
    record_id: RecordId
    #: Ours: codes, ids and field names.
    reason: str


@dataclass(frozen=True, slots=True)
class AllDecided:
    """What came of deciding many."""

    decided: int
    failures: tuple[Failure, ...]
    #: Reviews that were not come to within the time.
    left: int


async def decide_alike(
    engine: Engine, reviews: Sequence[Review], decision: Decision, *, seconds: float = 8.0
) -> AllDecided:
    """Decide many reviews alike, for as long as a person waits; call again for what is left.

    Args:
        engine: The connection, in the name of the person.
        reviews: What is decided, as the person saw it.
        decision: How; one of `FOR_MANY`.
        seconds: After these no further one is begun.

    Raises:
        BadInput: the decision needs a look at each one.
    """
    if decision not in FOR_MANY:
        raise BadInput(f"{decision} is decided one by one")
    until = engine.clock.monotonic() + seconds
    waiting, failures, decided = list(reversed(reviews)), list[Failure](), 0

    async def work() -> None:
        nonlocal decided
        while waiting and engine.clock.monotonic() < until:
            review = waiting.pop()
            problem = await _tried(engine, review, decision)
            if problem is None:
                decided += 1
            else:
                failures.append(Failure(review.id, review.record_id, problem))

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return AllDecided(decided, tuple(sorted(failures, key=lambda each: each.review_id)), len(waiting))


async def _tried(engine: Engine, review: Review, decision: Decision) -> str | None:
    """Decide one; return why it could not be, or None."""
    try:
        result = await decide(engine, review, decision)
    except HintsyncError as error:
        return str(error)
    except (LinkTaken, StaleLink):
        return "the link was changed by someone else just now"
    return None if result.done and not _still_waits(review, result) else (result.reason or str(result.outcome))


def _still_waits(review: Review, result: HandResult) -> bool:
    return bool(review.field_name) and review.field_name in result.held
