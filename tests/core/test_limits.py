"""The arithmetic of budgets: turns at a pace, and what of a day a batch may use (G6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.limits import DayBudget, Lane, Pace, take_turn


def starts(pace: Pace, arrivals: list[float]) -> list[float]:
    due, found = float("-inf"), []
    for now in arrivals:
        turn = take_turn(pace, due, now)
        due = turn.due
        found.append(turn.start)
    return found


def test_calls_that_come_at_once_are_spaced_evenly() -> None:
    assert starts(Pace(4), [0, 0, 0, 0]) == [0, 0.25, 0.5, 0.75]


def test_a_burst_may_start_at_once_after_a_pause_and_not_before() -> None:
    assert starts(Pace(4, burst=3), [0, 0, 0, 0, 0]) == [0, 0, 0, 0.25, 0.5]
    assert starts(Pace(4, burst=3), [0, 0, 0, 10, 10, 10, 10]) == [0, 0, 0, 10, 10, 10, 10.25]


@given(
    st.sampled_from([1, 2, 4, 8]),
    st.integers(1, 5),
    st.lists(st.integers(0, 40).map(lambda eighths: eighths / 8), min_size=1, max_size=40),
)
def test_no_window_of_a_second_holds_more_than_rate_and_burst(rate, burst, gaps) -> None:
    arrivals, now = [], 0.0
    for gap in gaps:
        now += gap / 4
        arrivals.append(now)
    times = starts(Pace(rate, burst), arrivals)
    assert all(start >= now for start, now in zip(times, arrivals, strict=True))
    for first in times:
        assert sum(1 for start in times if first <= start < first + 1) <= rate + burst - 1


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_pace_that_nothing_could_keep_is_refused(rate, burst) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pace(rate, burst)


def test_g6_a_batch_stops_at_the_reserve_and_live_work_goes_on_into_it() -> None:
    budget = DayBudget(limit=1000, used=790, reserve_share=0.2)
    assert (budget.left, budget.reserve) == (210, 200)
    assert budget.allows(10, Lane.BATCH)
    assert not budget.allows(11, Lane.BATCH)
    assert budget.allows(210, Lane.LIVE)
    assert budget.allows(210, Lane.INTERACTIVE)
    assert not budget.allows(211, Lane.LIVE)


def test_g6_a_budget_used_up_by_others_leaves_nothing_and_is_never_below_nothing() -> None:
    budget = DayBudget(limit=1000, used=1200)
    assert (budget.left, budget.left_for(Lane.BATCH), budget.left_for(Lane.LIVE)) == (0, 0, 0)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.2, 0.5]))
def test_g6_what_batches_may_use_never_touches_the_reserve(limit, used, share) -> None:
    budget = DayBudget(limit, used, share)
    granted = budget.left_for(Lane.BATCH)
    assert granted == 0 or limit - used - granted >= limit * share
