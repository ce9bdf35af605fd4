"""Histories by seed, over both systems in memory, with an oracle that knows nothing of the engine.

What each must end with is in `tests.live.invariants`, what may happen in `tests.live.actions`: T1 (both sides agree), T2 (no edit
is lost), T3 (nothing is written any more), T5 (crashes), T6 (lost replies), T7 (events lost, doubled, late, out of order), T9
(merges, deletes, undeletes), T12 (guards), T15 (the day's calls run out), T16 (trouble that passes, revoked credentials, clocks).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hintsync.core.link_by_hand import Warned
from hintsync.core.values import Side
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync.ports import Update, WriteMode
from tests.live.conftest import FIGURES
from tests.live.invariants import badly_ended
from tests.live.runner import Figures, live_through_all
from tests.live.town import LiveTown

#: Seconds within which histories may begin, and the least number that is worth something.
SECONDS, LEAST = 60.0, 10
#: Histories of `make torture`.
TORTURE = 100_000

Record = Callable[[str, object], None]


def told(figures: Figures) -> str:
    """Return what a failure says: each seed with what is wrong; `python -m tests.live.replay SEED` tells all of it."""
    return "\n".join(f"seed {seed}: {what}" for seed, what in sorted(figures.wrong.items()))


def test_t1_t2_t3_t5_t6_t7_t9_t12_t15_t16_seeded_histories_end_well(record_property: Record) -> None:
    figures = live_through_all(range(1_000_000), SECONDS)
    assert figures.wrong == {}, told(figures)
    assert figures.histories >= LEAST
    assert figures.edits["arrived"] > figures.histories
    record_property(FIGURES, f"live histories in memory, from seed 0: {figures.line()}")


@pytest.mark.torture
def test_t1_t2_t3_a_hundred_thousand_histories(record_property: Record) -> None:
    figures = live_through_all(range(TORTURE))
    record_property(FIGURES, f"live histories in memory, from seed 0: {figures.line()}")
    assert figures.wrong == {}, told(figures)


def test_the_same_seed_is_the_same_history() -> None:
    first, second = live_through_all(range(3, 6)), live_through_all(range(3, 6))
    assert first.line() == second.line()


async def test_the_oracle_does_not_take_a_contact_back_from_the_bin_for_its_former_patients_partner() -> None:
    """It comes back with the marks that nobody could take off it there; the patient is somebody else's by now."""
    town = LiveTown()
    former, patient = town.both("Bea", "Moor", "1961-03-04")
    partner = town.contact("Jon", "Wren", "1952-07-08")
    await link_by_hand(await town.live(), former, patient)
    town.org.delete(former)
    await link_by_hand(await town.live(), partner, patient, confirmed=tuple(Warned))
    town.org.undelete(former)
    await town.settle()
    assert town.org.shown(former).peer_id == patient
    assert town.peer_of(Side.HINT, patient) == partner
    assert town.peer_of(Side.SALESFORCE, partner) == patient
    assert town.peer_of(Side.SALESFORCE, former) is None


@pytest.mark.parametrize("really", [True, False])
async def test_g2_a_round_may_be_stopped_where_really_nobody_is_left_on_a_side_and_nowhere_else(really: bool) -> None:
    town = LiveTown()
    contact, patient = town.both("Bea", "Moor", "1961-03-04")
    await link_by_hand(await town.live(), contact, patient)
    await town.settle()
    if really:
        town.practice.delete(patient)
    else:
        town.hide_everybody(Side.HINT)
    town.events.clear()
    stopped = await check_parity(await town.live())
    town.everybody_there()
    assert "G2" in (stopped.reason or "")
    assert (badly_ended(town, stopped, "parity") == []) is really


async def test_the_oracle_takes_an_edit_to_the_very_value_that_is_being_written_for_one_in_the_window() -> None:
    """Hint tells of it as of our own write, so nobody can know of it; it is followed no further than any other there."""
    for written_first, why in ((False, "in the window"), (True, "")):
        town = LiveTown()
        patient = town.patient("Jon", "Wren", "1952-07-08", city="Lynn")

        def enter(town: LiveTown = town, patient: str = patient) -> None:
            town.practice.edit(patient, {"city": "Dover"})
            town.oracle.edited(Side.HINT, patient, "city", "Dover", in_pass=True)

        if not written_first:
            enter()
        await town.practice.update([Update(patient, {"city": "Dover"}, None)], WriteMode.LIVE)
        if written_first:
            enter()
        assert [edit.ended for edit in town.oracle.edits] == [why]
