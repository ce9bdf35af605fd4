"""What a batch costs, and which way of finding patients is the cheaper one."""

import pytest

from hintsync.core.forecast import SideWork, Terms, Way, calls_of, choose_way, forecast, short_of
from hintsync.core.limits import DayBudget
from hintsync.core.plan import Cost
from hintsync.core.values import Side

HINT = Terms(page_size=100, read_size=1, write_size=1, per_second=8, concurrency=2, call_seconds=0.1)
SALESFORCE = Terms(
    page_size=2000, read_size=200, write_size=200, per_second=50, concurrency=4, call_seconds=0.2, bulk_from=2000
)


def test_pages_reads_and_writes_are_counted_in_whole_calls() -> None:
    work = SideWork(scanned=4001, read=201, written=1, other_calls=2)
    assert calls_of(work, SALESFORCE) == 3 + 2 + 1 + 2


def test_hint_takes_one_call_for_each_patient_that_changes() -> None:
    assert calls_of(SideWork(scanned=20_000, written=6_000), HINT) == 200 + 6_000


def test_many_contacts_are_written_by_one_bulk_job() -> None:
    assert calls_of(SideWork(written=2_000), SALESFORCE) == 10
    assert calls_of(SideWork(written=100_000), SALESFORCE) == 6


def test_stamps_are_counted_beside_other_writes() -> None:
    assert calls_of(SideWork(written=100, stamped=100), SALESFORCE) == 2


def test_the_slower_side_decides_how_long_a_batch_takes() -> None:
    work = {Side.HINT: SideWork(scanned=8_000), Side.SALESFORCE: SideWork(scanned=40_000)}
    cost = forecast(work, {Side.HINT: HINT, Side.SALESFORCE: SALESFORCE})
    assert cost.calls == {Side.HINT: 80, Side.SALESFORCE: 20}
    assert cost.seconds == pytest.approx(10.0), "80 calls at 8 a second"


def test_latency_limits_the_rate_where_few_calls_are_under_way() -> None:
    slow = Terms(page_size=100, read_size=1, write_size=1, per_second=50, concurrency=1, call_seconds=0.5)
    assert slow.calls_a_second == pytest.approx(2.0)


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
