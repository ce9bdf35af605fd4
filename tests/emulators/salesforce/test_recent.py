"""Records that users looked at: FOR VIEW, FOR REFERENCE, and the lists of recent records."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org
from hintsync_emulators.salesforce.steering import OrgSteering


async def _look(api: httpx.AsyncClient, statement: str) -> None:
    assert (await api.get("/query", params={"q": statement})).status_code == 200


async def _recent(api: httpx.AsyncClient, **params: str) -> list[tuple[str, str]]:
    found = (await api.get("/recent", params=params)).json()
    return [(one["attributes"]["type"], one["Name"]) for one in found]


@pytest.fixture
def rows(org: Org) -> dict[str, str]:
    account = org.insert("Account", {"Name": "Maple"})
    names = ("Abel", "Baker", "Clark")
    return {"Maple": account, **{name: org.insert("Contact", {"LastName": name}) for name in names}}


async def test_what_was_queried_for_view_is_recent_the_latest_first(
    api: httpx.AsyncClient, org: Org, rows: dict[str, str], clock: ManualClock
) -> None:
    assert await _recent(api) == []
    await _look(api, "SELECT Id FROM Contact WHERE LastName = 'Abel' FOR VIEW")
    await _look(api, "SELECT Id FROM Account FOR REFERENCE")
    await _look(api, "SELECT Id FROM Contact WHERE LastName = 'Baker' FOR VIEW")
    await _look(api, "SELECT Id FROM Contact WHERE LastName = 'Clark'")
    assert await _recent(api) == [("Contact", "Baker"), ("Contact", "Abel"), ("Account", "Maple")]
    assert await _recent(api, limit="1") == [("Contact", "Baker")]
    assert org.get("Contact", rows["Clark"])["LastViewedDate"] is None
    assert org.get("Contact", rows["Baker"])["LastViewedDate"] == clock().strftime("%Y-%m-%dT%H:%M:%S.000+0000")


async def test_a_view_changes_no_stamp_and_a_reference_is_no_view(
    api: httpx.AsyncClient, org: Org, rows: dict[str, str], clock: ManualClock
) -> None:
    before = org.get("Account", rows["Maple"])
    clock.advance(60)
    await _look(api, "SELECT Id FROM Account FOR REFERENCE")
    after = org.get("Account", rows["Maple"])
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"LastReferencedDate"}


async def test_the_brief_describe_of_an_object_lists_its_own_recent_records(
    api: httpx.AsyncClient, org: Org, rows: dict[str, str]
) -> None:
    await _look(api, "SELECT Id FROM Contact ORDER BY LastName LIMIT 2 FOR VIEW")
    await _look(api, "SELECT Id FROM Account FOR VIEW")
    org.delete("Contact", rows["Baker"])
    found = (await api.get("/sobjects/Contact")).json()["recentItems"]
    assert [(one["Id"], one["Name"]) for one in found] == [(rows["Abel"], "Abel")]


async def test_each_user_has_recent_records_of_their_own(
    api: httpx.AsyncClient, outside: httpx.AsyncClient, org: Org, rows: dict[str, str]
) -> None:
    other = org.insert("User", {"LastName": "Other", "Username": "o@example.org", "Email": "o@example.org"})
    headers = {"Authorization": f"Bearer {org.auth.issue(other, '').token}"}
    await _look(api, "SELECT Id FROM Account FOR VIEW")
    assert (await outside.get("/services/data/v64.0/recent", headers=headers)).json() == []


async def test_pages_of_a_view_are_looked_at_as_they_are_fetched(api: httpx.AsyncClient, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": f"Name {n:03}"} for n in range(205)])
    statement = {"q": "SELECT Id FROM Contact ORDER BY LastName FOR VIEW"}
    page = (await api.get("/query", params=statement, headers={"Sforce-Query-Options": "batchSize=200"})).json()
    assert len(await _recent(api)) == 200
    await api.get(page["nextRecordsUrl"].removeprefix("/services/data/v64.0"))
    recent = await _recent(api)
    assert (len(recent), recent[0]) == (200, ("Contact", "Name 200"))


async def test_a_snapshot_holds_what_was_recent(api: httpx.AsyncClient, org: Org, rows: dict[str, str]) -> None:
    await _look(api, "SELECT Id FROM Account FOR VIEW")
    steering = OrgSteering(org)
    kept = steering.snapshot()
    await _look(api, "SELECT Id FROM Contact FOR VIEW")
    steering.restore(kept)
    assert await _recent(api) == [("Account", "Maple")]


@pytest.mark.parametrize("limit", ["0", "-1", "many", "٣"])
async def test_a_limit_must_be_a_number(api: httpx.AsyncClient, limit: str) -> None:
    assert (await api.get("/recent", params={"limit": limit})).status_code == 400


async def test_for_update_is_not_emulated(api: httpx.AsyncClient) -> None:
    answer = await api.get("/query", params={"q": "SELECT Id FROM Contact FOR UPDATE"})
    assert answer.json()[0]["message"] == "not emulated: SOQL FOR UPDATE"
