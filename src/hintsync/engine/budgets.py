"""Guard G6: a batch pauses before its calls would eat into what the day's allowance keeps for others."""

from __future__ import annotations

from hintsync.core.values import Side
from hintsync.engine.context import Engine

#: Calls that one chunk makes at most on each side, writes and re-reads included.
CALLS_OF_A_CHUNK = {Side.SALESFORCE: 10, Side.HINT: 250}


async def check_budgets(engine: Engine) -> None:
    """Let a batch begin its next chunk.

    Raises:
        BudgetSpent: a side's reserve would be touched; the run stops here and may be resumed later.
    """
    for side, replica in engine.replicas.items():
        replica.spare_for_batch(CALLS_OF_A_CHUNK[side])
