"""A connection that has its org and no practice yet: it hinders nobody, and is whole once Hint is connected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.bootstrap import open_engine
from hintsync.core.errors import BadInput, NotConnected
from hintsync.core.values import Side
from hintsync.logins import HINT_TOKEN, WithToken
from hintsync.setup.connecting import connect_hint, connect_salesforce
from tests.engine.wire import INSTANCE, TOKEN
from tests.surfaces.web.house import House

LOGIN = WithToken(INSTANCE, TOKEN)


async def test_an_org_alone_is_pinned_and_says_that_hint_is_missing(house: House) -> None:
    service = house.wire.service
    made = await connect_salesforce(service, "half", login=LOGIN)
    assert (made.org_id, made.practice_id) == ((await service.connection("demo")).org_id, "")
    with pytest.raises(NotConnected, match="hint is not connected yet"):
        async with open_engine(service, made):
            pass


async def test_half_a_connection_keeps_no_other_from_work_nor_the_service_from_being_ready(house: House) -> None:
    await connect_salesforce(house.wire.service, "half", login=LOGIN)
    await house.engines.refresh()
    assert house.engines.closed == {"half": "not-connected"}
    answer = await house.http.get("/readyz")
    assert (answer.status_code, answer.json()["connections"]) == (200, 1)
    assert (await house.tell("patient.updated", house.shown(house.patient()))).status_code == 200


async def test_it_is_opened_once_hint_is_connected(house: House) -> None:
    await connect_salesforce(house.wire.service, "half", login=LOGIN)
    await house.engines.refresh()
    token = await house.wire.new_hint_token()
    made = await connect_hint(house.wire.service, "half", token)
    assert made.practice_id == house.practice_id
    await house.engines.refresh()
    engine = house.engines.engine("half")
    assert engine is not None
    assert (await engine.hint.identify()).id == house.practice_id


async def test_g1_another_practice_is_refused_and_nothing_is_kept(house: House) -> None:
    store = house.wire.service.store
    pinned = replace(await house.wire.service.connection("demo"), practice_id="pra-another00001")
    await store.put_connection(pinned)
    before = await store.secret("demo", HINT_TOKEN)
    with pytest.raises(BadInput, match=r"G1: this is practice .* pinned is pra-another00001"):
        await connect_hint(house.wire.service, "demo", await house.wire.new_hint_token())
    assert await store.connection("demo") == pinned
    assert await store.secret("demo", HINT_TOKEN) == before


async def test_renewed_credentials_open_the_engine_anew_in_every_process(house: House) -> None:
    engine = house.engines.engine("demo")
    await connect_hint(house.wire.service, "demo", await house.wire.new_hint_token())
    await house.engines.refresh()
    assert house.engines.engine("demo") is not engine
    engine = house.engines.engine("demo")
    await connect_salesforce(house.wire.service, "demo", login=LOGIN)
    await house.engines.refresh()
    assert house.engines.engine("demo") not in (engine, None)


async def test_what_was_learned_of_the_practice_survives_a_new_token(house: House) -> None:
    store = house.wire.service.store
    known = await house.wire.service.connection("demo")
    hint = {**known.facts["hint"], "title_echoed": True}  # type: ignore[dict-item]
    await store.put_connection(replace(known, facts={**known.facts, "hint": hint, "verified": ["phones"]}))
    made = await connect_hint(house.wire.service, "demo", await house.wire.new_hint_token(), {"more": "1"})
    assert (made.facts["verified"], made.facts["more"]) == (["phones"], "1")
    assert made.facts["hint"]["title_echoed"] is True  # type: ignore[index, call-overload]
    async with house.wire.engine() as engine:
        assert Side.HINT not in engine.table["name_prefix"].write_only
