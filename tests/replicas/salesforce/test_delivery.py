from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.errors import BudgetSpent, HintsyncError, UnknownOutcome
from hintsync.core.values import Side
from hintsync.replicas.salesforce.delivery import PAUSES, Again, Delivery, account_lanes
from tests.replicas.clock import HeldClock

SPENT = BudgetSpent(Side.SALESFORCE, "used up")
LOST = UnknownOutcome(Side.SALESFORCE, "update contacts")


class Service:
    """Answers chunks by rules: how often each row is locked, and which call fails with what."""

    def __init__(self, locked: dict[str, int] | None = None, failing: dict[int, HintsyncError] | None = None) -> None:
        self.locked = locked or {}
        self.failing = failing or {}
        self.chunks: list[list[str]] = []
        self.clock = HeldClock()

    async def send(self, rows: Sequence[str]) -> list[str | Again]:
        self.chunks.append(list(rows))
        if failure := self.failing.get(len(self.chunks)):
            raise failure
        return [self._answer(row) for row in rows]

    def _answer(self, row: str) -> str | Again:
        if self.locked.get(row, 0):
            self.locked[row] -= 1
            return Again("UNABLE_TO_LOCK_ROW")
        return f"{row} written"

    def delivery(self, size: int = 2) -> Delivery[str, str]:
        return Delivery(
            self.clock,
            self.send,
            size,
            account_of=lambda _: "one account",
            lost=lambda row: f"{row} unknown",
            later=lambda row, code: f"{row} later {code}",
        )


async def test_rows_are_answered_in_order_whatever_chunks_they_went_in() -> None:
    service = Service()
    assert await service.delivery().deliver(["a", "b", "c"]) == ["a written", "b written", "c written"]
    assert service.chunks == [["a", "b"], ["c"]]


async def test_only_rows_that_met_a_lock_are_sent_again() -> None:
    service = Service(locked={"b": 2})
    assert await service.delivery().deliver(["a", "b", "c"]) == ["a written", "b written", "c written"]
    assert service.chunks == [["a", "b"], ["c"], ["b"], ["b"]]


async def test_a_row_that_stays_locked_is_left_for_later() -> None:
    service = Service(locked={"a": 99})
    assert await service.delivery().deliver(["a", "b"]) == ["a later UNABLE_TO_LOCK_ROW", "b written"]
    assert service.clock.slept == list(PAUSES)


async def test_a_lost_reply_leaves_its_own_rows_unknown_and_the_others_go_on() -> None:
    service = Service(failing={1: LOST})
    assert await service.delivery().deliver(["a", "b", "c"]) == ["a unknown", "b unknown", "c written"]


async def test_what_stops_the_first_chunk_is_raised() -> None:
    with pytest.raises(BudgetSpent):
        await Service(failing={1: SPENT}).delivery().deliver(["a", "b", "c"])


async def test_what_stops_a_later_chunk_does_not_lose_the_answers_before_it() -> None:
    service = Service(failing={2: SPENT})
    answers = await service.delivery().deliver(["a", "b", "c", "d", "e"])
    assert answers == ["a written", "b written", *(f"{row} later budget-spent" for row in "cde")]
    assert len(service.chunks) == 2


@given(st.lists(st.sampled_from([None, "A", "B", "C"]), min_size=1), st.integers(1, 5))
def test_no_account_is_written_by_two_lanes(accounts: list[str | None], size: int) -> None:
    lanes = account_lanes(range(len(accounts)), accounts.__getitem__, size)
    assert sorted(place for lane in lanes for chunk in lane for place in chunk) == list(range(len(accounts)))
    assert all(len(chunk) <= size for lane in lanes for chunk in lane)
    seen = [{accounts[place] for chunk in lane for place in chunk} - {None} for lane in lanes]
    assert sum(len(names) for names in seen) == len(set().union(*seen))
