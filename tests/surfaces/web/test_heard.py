"""When a side was last heard of: noted with what its events bring, now and then."""

from __future__ import annotations

from hintsync.core.values import Side
from hintsync.engine.detect.heard import EVERY, Ear, last_heard
from tests.replicas.clock import HeldClock
from tests.surfaces.web.house import House


async def test_a_signed_event_is_noted_whatever_it_tells_of(house: House) -> None:
    store = house.wire.service.store
    assert await last_heard(store, "demo", Side.HINT) is None
    await house.tell("customer_invoice.paid", {"id": "inv-000000000001"})
    first = await last_heard(store, "demo", Side.HINT)
    assert first is not None
    await house.tell("patient.updated", house.shown(house.patient()))
    assert await last_heard(store, "demo", Side.HINT) == first, "not noted again within seconds"
    assert await last_heard(store, "demo", Side.SALESFORCE) is None


async def test_a_forged_event_is_not_noted(house: House) -> None:
    await house.post(house.envelope("patient.updated", house.shown(house.patient())), key="guessed")
    assert await last_heard(house.wire.service.store, "demo", Side.HINT) is None


async def test_it_is_noted_again_after_a_while(house: House) -> None:
    async with house.wire.engine() as engine:
        engine.clock = clock = HeldClock()
        ear = Ear(Side.SALESFORCE)
        first = ear.heard(engine)
        assert list(first) == ["salesforce:heard"]
        assert ear.heard(engine) == {}
        await clock.sleep(EVERY)
        assert ear.heard(engine)["salesforce:heard"] > first["salesforce:heard"]
