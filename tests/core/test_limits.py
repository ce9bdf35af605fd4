"""The arithmetic of budgets: what of a day each kind of work may use (G6)."""

from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.limits import LEAVES, DayBudget, Purpose


def test_g6_a_batch_stops_at_the_reserve_and_live_work_goes_on_into_it() -> None:
    budget = DayBudget(limit=1000, used=790, reserve_share=0.2)
    assert (budget.left, budget.reserve) == (210, 200)
    assert budget.allows(10, Purpose.BATCH)
    assert not budget.allows(11, Purpose.BATCH)
    assert budget.allows(190, Purpose.LIVE)
    assert not budget.allows(191, Purpose.LIVE)
    assert budget.allows(210, Purpose.INTERACTIVE)
    assert not budget.allows(211, Purpose.INTERACTIVE)


def test_g6_work_stops_in_order_parity_first_and_people_last() -> None:
    stopped_at = {}
    for used in range(1001):
        for purpose in Purpose:
            if not DayBudget(1000, used, 0.2).allows(1, purpose):
                stopped_at.setdefault(purpose, used)
    assert sorted(stopped_at, key=lambda purpose: stopped_at[purpose]) == list(Purpose)
    assert len(set(stopped_at.values())) == len(Purpose)
    assert stopped_at[Purpose.INTERACTIVE] == 1000


def test_g6_a_budget_used_up_by_others_leaves_nothing_and_is_never_below_nothing() -> None:
    budget = DayBudget(limit=1000, used=1200)
    assert [budget.left, *(budget.left_for(purpose) for purpose in Purpose)] == [0] * 6


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.2, 0.5]), st.sampled_from(list(Purpose))
)
def test_g6_what_work_may_use_never_touches_what_it_leaves(limit, used, share, purpose) -> None:
    granted = DayBudget(limit, used, share).left_for(purpose)
    assert granted == 0 or limit - used - granted >= limit * share * LEAVES[purpose]
