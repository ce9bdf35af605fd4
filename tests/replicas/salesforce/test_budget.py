from __future__ import annotations

import pytest

from hintsync.core.errors import BudgetSpent
from hintsync.core.limits import Purpose
from hintsync.replicas.salesforce.budget import FRESH_SECONDS, Budget
from tests.replicas.clock import HeldClock


def _budget(used: int, limit: int = 1_000) -> tuple[Budget, HeldClock]:
    clock = HeldClock()
    budget = Budget(clock, reserve_share=0.1)
    budget.note(f"api-usage={used}/{limit}; per-app-api-usage=17/250(appName=x)")
    return budget, clock


def test_the_figures_are_the_orgs_not_the_apps() -> None:
    budget, _ = _budget(18)
    today = budget.today
    assert today is not None
    assert (today.used, today.limit, today.reserve, today.left_for(Purpose.BATCH)) == (18, 1_000, 100, 882)


@pytest.mark.parametrize("header", [None, "", "nonsense"])
def test_an_answer_without_figures_changes_nothing(header: str | None) -> None:
    budget, _ = _budget(18)
    budget.note(header)
    assert budget.used == 18


def test_g6_a_batch_pauses_before_the_reserve_is_touched() -> None:
    budget, _ = _budget(899)
    budget.spare_for_batch()
    with pytest.raises(BudgetSpent):
        budget.spare_for_batch(2)


def test_g6_old_figures_let_a_call_through_so_that_new_ones_are_learned() -> None:
    budget, clock = _budget(1_000)
    with pytest.raises(BudgetSpent):
        budget.spare_for_batch()
    clock.elapsed += FRESH_SECONDS + 1
    assert budget.today is None
    budget.spare_for_batch()


def test_g6_without_any_figures_nothing_is_held_back() -> None:
    Budget(HeldClock()).spare_for_batch(1_000_000)
