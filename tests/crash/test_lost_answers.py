"""A request or its reply is lost at any call: what was asked is done once, and the end is the same (T6)."""

from __future__ import annotations

from functools import partial

import pytest

from hintsync.core.values import Side
from hintsync.state.memory import MemoryStore
from tests.crash.conftest import FIGURES
from tests.crash.histories import BATCHES, live, wrong
from tests.crash.population import Town
from tests.crash.test_every_point import Record

pytestmark = pytest.mark.usefixtures("small_chunks")


def lose(what: str, side: Side, call: int, town: Town) -> None:
    """Lose the reply to a call of the run, or the request itself; the engine's first call, a describe, is none of it."""
    faults = (town.org if side is Side.SALESFORCE else town.practice).faults
    (faults.lose_reply if what == "reply" else faults.lose_request)(call + 1)


@pytest.mark.parametrize("what", ["reply", "request"])
@pytest.mark.parametrize("kind", ["patients", "contacts"])
async def test_t6_a_lost_reply_or_request_at_any_call_changes_nothing_in_the_end(
    kind: str, what: str, record_property: Record
) -> None:
    store, problems, lost = MemoryStore(), [], 0
    expected = await live(store, "whole", BATCHES[kind])
    for side in Side:
        calls = expected.points.count(f"after a call to {side}")
        for call in range(1, calls + 1):
            trouble = partial(lose, what, side, call)
            further = call % 4 == 0
            found = await live(store, f"{side}-{call}", BATCHES[kind], further=further, trouble=trouble)
            problems += [f"lost the {what} of call {call} to {side}: {line}" for line in wrong(expected, found)]
        lost += calls
    assert problems == [], "\n".join(problems[:20])
    record_property(FIGURES, f"T6 {kind}: the {what} lost at each of {lost} calls, one a history, in memory")
