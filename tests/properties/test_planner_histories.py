"""T4 of the planner, as whole histories: it comes to rest, agrees or holds, and loses no edit, faults included."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hintsync.core.merge import merge_pair
from hintsync.core.plan import Effect, PairPlan
from hintsync.core.values import Side
from tests.properties.worlds import Broken, run_history

#: Of each of four parts, so that test processes share them: 100,000 in every run.
IN_A_PART = 25_000
IN_TORTURE = 100_000


def run_histories(first: int, count: int, planner: Callable[..., PairPlan] = merge_pair) -> int:
    """Run histories by consecutive seeds and return the passes they took together."""
    return sum(run_history(seed, planner) for seed in range(first, first + count))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_hundred_thousand_histories_in_four_parts_come_to_rest_and_lose_no_edit(
    part: int, capsys: pytest.CaptureFixture[str]
) -> None:
    passes = run_histories(part * IN_A_PART, IN_A_PART)
    with capsys.disabled():
        print(f"\nplanner: {IN_A_PART:,} histories, {passes:,} passes, no edit lost")  # noqa: T201


@pytest.mark.torture
def test_another_hundred_thousand_histories_come_to_rest_and_lose_no_edit(capsys: pytest.CaptureFixture[str]) -> None:
    passes = run_histories(1_000_000, IN_TORTURE)
    with capsys.disabled():
        print(f"\nplanner: {IN_TORTURE:,} histories, {passes:,} passes, no edit lost")  # noqa: T201


def letting_hint_win(*args, **more) -> PairPlan:
    """A careless planner: where it should hold two values, it writes the patient's."""
    plan = merge_pair(*args, **more)
    values = args[1].values
    lost = {d.field: values[d.field] for d in plan.decisions if d.effect is Effect.HOLD and d.row == "F5"}
    decisions = tuple(
        d._replace(row="F2", effect=Effect.WRITE_SALESFORCE) if d.field in lost else d for d in plan.decisions
    )
    holds = {name: hold for name, hold in plan.holds.items() if name not in lost}
    writes = {**plan.writes, Side.SALESFORCE: {**plan.writes.get(Side.SALESFORCE, {}), **lost}} if lost else plan.writes
    return replace(plan, decisions=decisions, holds=holds, writes=writes)


def ignoring_hint(*args, **more) -> PairPlan:
    """A careless planner: it never writes Salesforce."""
    plan = merge_pair(*args, **more)
    return replace(plan, writes={side: values for side, values in plan.writes.items() if side is Side.HINT})


def repeating_itself(*args, **more) -> PairPlan:
    """A careless planner: it writes again what both sides show."""
    plan = merge_pair(*args, **more)
    return replace(
        plan, writes={**plan.writes, Side.HINT: {**plan.writes.get(Side.HINT, {}), "city": args[2].values["city"]}}
    )


@pytest.mark.parametrize(
    ("planner", "complaint"),
    [(letting_hint_win, "is lost"), (ignoring_hint, "differs and is not held"), (repeating_itself, "not at rest")],
)
def test_the_oracle_notices_a_planner_that_breaks_its_promises(planner, complaint) -> None:
    with pytest.raises(Broken, match=complaint):
        run_histories(0, 500, planner)
