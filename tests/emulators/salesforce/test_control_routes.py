"""Steering an org over HTTP."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.control import Controlled, Failure
from hintsync_emulators.salesforce import ManualClock, Org


async def test_tokens_are_issued_and_ended(outside: httpx.AsyncClient) -> None:
    token = (await outside.post("/_control/tokens")).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await outside.get("/services/data/v64.0/limits", headers=headers)).status_code == 200
    assert (await outside.delete("/_control/tokens")).json() == {"expired": 2}
    assert (await outside.get("/services/data/v64.0/limits", headers=headers)).status_code == 401


async def test_the_daily_limit_is_set(api: httpx.AsyncClient, outside: httpx.AsyncClient) -> None:
    assert (await outside.put("/_control/limits", json={"daily": 10, "used": 10})).json() == {"daily": 10, "used": 10}
    assert (await api.get("/limits")).status_code == 403
    await outside.put("/_control/limits", json={"used": 0})
    assert (await api.get("/limits")).status_code == 200
    assert (await outside.put("/_control/limits", json={"daily": "many"})).status_code == 400


async def test_the_data_storage_is_used_up_and_given_back(api: httpx.AsyncClient, outside: httpx.AsyncClient) -> None:
    assert (await outside.put("/_control/storage", json={"left": 0})).json() == {"left": 0}
    assert (await api.get("/limits")).json()["DataStorageMB"] == {"Max": 10_240, "Remaining": 0}
    refused = await api.post("/sobjects/Contact", json={"LastName": "A"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "STORAGE_LIMIT_EXCEEDED")
    assert (await outside.put("/_control/storage", json={"left": 10})).status_code == 200
    assert (await outside.get("/_control/storage")).json() == {"left": 10}
    assert (await api.post("/sobjects/Contact", json={"LastName": "A"})).status_code == 201
    for nonsense in ({"left": -1}, {"left": "much"}, {}):
        assert (await outside.put("/_control/storage", json=nonsense)).status_code == 400


async def test_rows_are_held_and_released(api: httpx.AsyncClient, outside: httpx.AsyncClient, org: Org) -> None:
    record_id = org.insert("Contact", {"LastName": "A"})
    assert (await outside.put(f"/_control/locks/{record_id}", json={})).status_code == 204
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "x"})).status_code == 400
    await outside.delete(f"/_control/locks/{record_id}")
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "x"})).status_code == 204


async def test_validation_rules_come_and_go(api: httpx.AsyncClient, outside: httpx.AsyncClient) -> None:
    rule = {"object": "Contact", "field": "Title", "value": "King", "message": "No kings"}
    assert (await outside.post("/_control/rules", json=rule)).status_code == 204
    king = {"LastName": "A", "Title": "King"}
    assert (await api.post("/sobjects/Contact", json=king)).json()[0]["message"] == "No kings"
    await outside.delete("/_control/rules")
    assert (await api.post("/sobjects/Contact", json=king)).status_code == 201
    assert (await outside.post("/_control/rules", json={**rule, "field": "Nope"})).status_code == 400


async def test_features_are_switched(api: httpx.AsyncClient, outside: httpx.AsyncClient) -> None:
    state = (await outside.put("/_control/features", json={"MiddleName": True})).json()
    assert (state["MiddleName"], state["NameSuffix"]) == (True, False)
    assert (await api.post("/sobjects/Contact", json={"LastName": "A", "MiddleName": "B"})).status_code == 201
    assert (await outside.put("/_control/features", json={"Wings": True})).status_code == 400


async def test_late_writes_show_when_they_are_committed(
    outside: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    body = {"object": "Contact", "values": {"LastName": "Late"}}
    assert (await outside.post("/_control/late", json=body)).json() == {"waiting": 1}
    clock.advance(60)
    assert org.count("Contact") == 0
    ids = (await outside.post("/_control/late/commit")).json()["ids"]
    assert org.get("Contact", ids[0])["SystemModstamp"] == "2026-03-02T09:00:00.000+0000"


async def test_calls_are_counted_by_kind(api: httpx.AsyncClient, app: Controlled, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": "A"}] * 201)
    answer = await api.get(
        "/query/", params={"q": "SELECT Id FROM Contact"}, headers={"Sforce-Query-Options": "batchSize=200"}
    )
    await api.get(f"http://emulated{answer.json()['nextRecordsUrl']}")
    await api.post("/composite/sobjects/Contact", json={"ids": [], "fields": []})
    await api.get("/nothing")
    assert app.faults.counts == {"query": 1, "queryMore": 1, "collections.retrieve": 1, "other": 1}


@pytest.mark.parametrize("after_commit", [True, False])
async def test_a_lost_reply_leaves_the_record_only_when_it_was_lost_after_the_commit(
    api: httpx.AsyncClient, app: Controlled, org: Org, after_commit: bool
) -> None:
    app.faults.fail_next.append(Failure(match="^POST .*/Contact$", after_commit=after_commit, drop=True))
    with pytest.raises(httpx.RemoteProtocolError):
        await api.post("/sobjects/Contact", json={"LastName": "Once"})
    assert org.count("Contact") == int(after_commit)
