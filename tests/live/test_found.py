"""Cases that histories found: each was a bug of the product once."""

from __future__ import annotations

import pytest

from hintsync.core.link_by_hand import Warned
from hintsync.core.values import Side
from hintsync.engine.by_hand import link_by_hand
from tests.live.history import calm
from tests.live.town import LiveTown


@pytest.mark.parametrize("dies_at", range(1, 40, 2))
async def test_u3_an_edit_made_while_a_relink_is_cut_off_is_not_taken_for_the_former_patients_value(dies_at: int):
    town = LiveTown()
    contact, old = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    new = town.patient("Jon", "Wren", "1952-07-08", city="Dover")
    await link_by_hand(await town.live(), contact, old)
    await town.settle()
    done = await town.attempt(
        lambda engine: link_by_hand(engine, contact, new, confirmed=tuple(Warned)), crash_at=dies_at
    )
    town.org.edit(contact, {"city": "Alton"})
    await calm(town)
    if town.peer_of(Side.SALESFORCE, contact) == new or done:
        assert (town.show(Side.SALESFORCE, contact, "city"), town.show(Side.HINT, new, "city")) == ("Alton", "Alton")
        assert town.show(Side.SALESFORCE, contact, "last_name") == "Wren"
    else:  # nothing was said of it yet when the process died
        assert town.peer_of(Side.SALESFORCE, contact) == old
        assert town.show(Side.HINT, old, "city") == "Alton"
