"""Guard G6: work of each kind pauses before its calls would eat into what the day's allowance keeps for more urgent work.

The order is that of `core.limits.Purpose`: the nightly parity check stops first, what a person waits for last. What is used
is counted over all workers: Salesforce tells it with every answer, for Hint the workers count together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hintsync.core.errors import BudgetSpent
from hintsync.core.limits import Purpose
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.state.live import Lane

#: Calls that the next step of each kind of work makes at most on each side: a page, a group, the chunks of a batch that
#: are under way at once (`engine.batch.chunks`) and that have made none of their calls yet.
CALLS_OF_A_STEP: Final[Mapping[Purpose, Mapping[Side, int]]] = {
    Purpose.PARITY: {Side.SALESFORCE: 10, Side.HINT: 10},
    Purpose.BATCH: {Side.SALESFORCE: 60, Side.HINT: 750},
    Purpose.CATCH_UP: {Side.SALESFORCE: 10, Side.HINT: 50},
    Purpose.LIVE: {Side.SALESFORCE: 10, Side.HINT: 50},
    Purpose.INTERACTIVE: {Side.SALESFORCE: 1, Side.HINT: 1},
}

#: What the records of a lane are worked for.
PURPOSES: Final[Mapping[Lane, Purpose]] = {
    Lane.INTERACTIVE: Purpose.INTERACTIVE,
    Lane.LIVE: Purpose.LIVE,
    Lane.CATCH_UP: Purpose.CATCH_UP,
    Lane.PARITY: Purpose.PARITY,
}

#: Seconds after which it is worth asking again where calls come back bit by bit.
_SOON = 300.0


async def check_budgets(engine: Engine, purpose: Purpose = Purpose.BATCH) -> None:
    """Let a pass begin its next step.

    Raises:
        BudgetSpent: a side's reserve would be touched; the pass stops here and may go on later.
    """
    short = short_side(engine, purpose)
    if short is None:
        return
    budget = engine.replicas[short].budget
    assert budget is not None
    kept = budget.kept_from(purpose)
    reason = f"{purpose} would go below the reserve of {kept} of {budget.limit} daily requests"
    raise BudgetSpent(short, reason, after=_SOON if budget.resets_in is None else budget.resets_in)


def short_side(engine: Engine, purpose: Purpose) -> Side | None:
    """Return a side whose budget of the day keeps a kind of work from its next step; None if both have enough."""
    for side, replica in engine.replicas.items():
        budget = replica.budget
        if budget is not None and not budget.allows(CALLS_OF_A_STEP[purpose][side], purpose):
            return side
    return None


def lanes_within(engine: Engine) -> frozenset[Lane]:
    """Return the lanes that the day's budgets leave calls for; that of people always, to the last call."""
    within = {lane for lane, purpose in PURPOSES.items() if short_side(engine, purpose) is None}
    return frozenset(within | {Lane.INTERACTIVE})
