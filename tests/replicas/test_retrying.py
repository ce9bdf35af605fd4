from __future__ import annotations

from random import Random

import pytest

from hintsync.core.errors import BudgetSpent, ReconnectNeeded, RetryLater, UnknownOutcome
from hintsync.core.values import Side
from hintsync.replicas.retrying import Backoff, Retrying
from tests.replicas.clock import HeldClock

SALESFORCE = Side.SALESFORCE


class Calls:
    """A call that raises what it was given, one after another, and then answers."""

    def __init__(self, *raised: Exception) -> None:
        self.waiting = list(raised)
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        if self.waiting:
            raise self.waiting.pop(0)
        return "answer"


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def retrying(clock: HeldClock) -> Retrying:
    return Retrying(clock, Backoff(attempts=4, first=1, ceiling=30), random=Random(7))


async def test_a_call_that_fails_in_passing_is_made_again_after_growing_pauses(
    clock: HeldClock, retrying: Retrying
) -> None:
    calls = Calls(*[RetryLater(SALESFORCE, "503")] * 3)
    assert await retrying.run(calls, repeatable=False) == "answer"
    assert calls.made == 4
    assert [0.5 <= each / 2**step < 1 for step, each in enumerate(clock.slept)] == [True] * 3


async def test_after_the_last_attempt_the_last_failure_is_raised(retrying: Retrying) -> None:
    calls = Calls(*[RetryLater(SALESFORCE, f"attempt {n}") for n in range(1, 6)])
    with pytest.raises(RetryLater, match="attempt 4"):
        await retrying.run(calls, repeatable=True)
    assert calls.made == 4


async def test_the_pause_that_the_side_asks_for_is_kept(clock: HeldClock, retrying: Retrying) -> None:
    await retrying.run(Calls(RetryLater(SALESFORCE, "429", after=12.5)), repeatable=False)
    assert clock.slept == [12.5]


async def test_a_side_that_asks_for_more_than_the_ceiling_is_given_up_on_at_once(
    clock: HeldClock, retrying: Retrying
) -> None:
    with pytest.raises(RetryLater) as raised:
        await retrying.run(Calls(RetryLater(SALESFORCE, "429", after=31)), repeatable=True)
    assert (raised.value.after, clock.slept) == (31, [])


@pytest.mark.parametrize("final", [BudgetSpent(SALESFORCE, "limit"), ReconnectNeeded(SALESFORCE, "revoked")])
async def test_a_failure_that_waiting_does_not_cure_is_raised_at_once(
    clock: HeldClock, retrying: Retrying, final: Exception
) -> None:
    with pytest.raises(type(final)):
        await retrying.run(Calls(final), repeatable=True)
    assert clock.slept == []


async def test_a_lost_reply_is_repeated_only_where_repeating_is_harmless(retrying: Retrying) -> None:
    lost = UnknownOutcome(SALESFORCE, "create")
    with pytest.raises(UnknownOutcome):
        await retrying.run(Calls(lost), repeatable=False)
    assert await retrying.run(Calls(lost), repeatable=True) == "answer"
