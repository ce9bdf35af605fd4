"""A fact, or why it is not known: given up after a while, told by what stood in the way, never with a value."""

from __future__ import annotations

import asyncio
import logging

import pytest

from hintsync.core.errors import (
    BudgetSpent,
    FixConfiguration,
    HintsyncError,
    NotConnected,
    ReconnectNeeded,
    RetryLater,
    UnknownOutcome,
)
from hintsync.core.values import Side
from hintsync.doctor.known import Unknown, Why, learn


async def raising(error: Exception) -> int:
    raise error


async def test_an_answer_is_known() -> None:
    async def answer() -> int:
        return 7

    assert await learn(answer()) == 7


async def test_a_question_that_gets_no_answer_is_given_up() -> None:
    ended = asyncio.Event()

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    assert await learn(waiting(), 0.01) == Unknown(Why.SILENT, "no answer within 0.01 seconds")
    await ended.wait()


async def test_who_stops_asking_stops_the_question_too() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waiting() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    asking = asyncio.create_task(learn(waiting()))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await ended.wait()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RetryLater(Side.HINT, "429"), Why.SILENT),
        (BudgetSpent(Side.HINT, "spent"), Why.SILENT),
        (UnknownOutcome(Side.HINT, "look"), Why.SILENT),
        (ReconnectNeeded(Side.HINT, "refused"), Why.LOCKED),
        (NotConnected("not yet"), Why.ABSENT),
        (FixConfiguration("salesforce: no permission"), Why.REFUSED),
    ],
)
async def test_what_stands_in_the_way_is_told_by_what_is_to_be_done_next(error: HintsyncError, why: Why) -> None:
    found = await learn(raising(error))
    assert found == Unknown(why, str(error), error.code)


async def test_what_was_not_foreseen_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        found = await learn(raising(ValueError("Zyxwvutcanary")))
    assert isinstance(found, Unknown)
    assert found.why is Why.UNFORESEEN
    assert "Zyxwvutcanary" not in found.words + caplog.text
    assert "ValueError" in caplog.text
