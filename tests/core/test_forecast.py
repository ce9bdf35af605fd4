"""What a batch costs, and which way of finding patients is the cheaper one."""

import pytest

from hintsync.core.forecast import PlannedWrites, Way, choose_way, price, short_of
from hintsync.core.limits import DayBudget
from hintsync.core.plan import Cost
from hintsync.core.values import Side

RATES = {Side.HINT: 8.0, Side.SALESFORCE: 10.0}


def priced(writes: PlannedWrites, **read: int) -> Cost:
    return price({Side(side): calls for side, calls in read.items()}, writes, write_size=200, per_second=RATES)


def test_reading_costs_what_the_dry_run_took() -> None:
    assert priced(PlannedWrites(), hint=200, salesforce=3).calls == {Side.HINT: 200, Side.SALESFORCE: 3}


def test_hint_takes_one_call_for_each_patient_and_salesforce_one_for_each_chunk() -> None:
    cost = priced(PlannedWrites(patients=6_000, updating=30, creating=2))
    assert cost.calls == {Side.HINT: 6_000, Side.SALESFORCE: 32}


@pytest.mark.parametrize(("stamped", "calls"), [(0, 0), (1, 1), (201, 2), (2_000, 10), (2_001, 10), (100_000, 10)])
def test_stamps_go_200_in_a_call_and_many_in_one_bulk_job(stamped: int, calls: int) -> None:
    assert priced(PlannedWrites(stamped=stamped)).calls[Side.SALESFORCE] == calls


def test_the_slower_side_decides_how_long_a_batch_takes() -> None:
    assert priced(PlannedWrites(), hint=80, salesforce=20).seconds == pytest.approx(10.0), "80 calls at 8 a second"
    assert priced(PlannedWrites(), hint=8, salesforce=200).seconds == pytest.approx(20.0), "200 calls at 10 a second"


def test_g6_a_batch_that_would_touch_the_reserve_says_how_many_calls_it_lacks() -> None:
    cost = Cost({Side.HINT: 500, Side.SALESFORCE: 10})
    budgets = {Side.HINT: DayBudget(1000, 400, 0.2), Side.SALESFORCE: DayBudget(1000, 0, 0.2)}
    assert short_of(cost, budgets) == {Side.HINT: 100}
    assert short_of(cost, {}) == {}, "nothing can be said of a side whose budget is not known"


@pytest.mark.parametrize(
    ("birth_dates", "patients", "can_filter", "way", "calls"),
    [
        (30, 10_000, True, Way.FILTER, 30),
        (300, 10_000, True, Way.WHOLE_LIST, 100),
        (100, 10_000, True, Way.WHOLE_LIST, 100),
        (30, 10_000, False, Way.WHOLE_LIST, 100),
        (0, 10_000, True, Way.FILTER, 0),
        (5, 0, True, Way.WHOLE_LIST, 1),
        (5, None, True, Way.WHOLE_LIST, 1),
        (1, None, True, Way.FILTER, 1),
    ],
)
def test_patients_are_found_in_the_cheaper_way_and_the_reason_is_given(
    birth_dates, patients, can_filter, way, calls
) -> None:
    finding = choose_way(birth_dates, patients, 100, can_filter=can_filter)
    assert (finding.way, finding.calls) == (way, calls)
    assert finding.reason
