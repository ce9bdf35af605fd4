"""Quick actions: those that were deployed, with what they do."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org

ROOT = "/services/data/v64.0"


async def _listed(api: httpx.AsyncClient, path: str) -> list[str]:
    return [one["name"] for one in (await api.get(path)).json()]


async def test_an_org_without_actions_has_none(api: httpx.AsyncClient) -> None:
    assert await _listed(api, "/quickActions") == []
    assert await _listed(api, "/sobjects/Contact/quickActions") == []


async def test_an_object_has_its_own_actions_and_those_of_everywhere(shown: httpx.AsyncClient) -> None:
    assert await _listed(shown, "/quickActions") == ["New_Contact"]
    assert await _listed(shown, "/sobjects/Account/quickActions") == ["Account.New_Patient", "New_Contact"]
    assert await _listed(shown, "/sobjects/Contact/quickActions") == [
        "Contact.Rename",
        "Contact.Sync_Now",
        "New_Contact",
    ]
    action = (await shown.get("/sobjects/Contact/quickActions/Sync_Now")).json()
    assert action["urls"]["describe"] == f"{ROOT}/sobjects/Contact/quickActions/Sync_Now/describe"
    assert (await shown.get("/sobjects/Contact/quickActions/Contact.Sync_Now")).json() == action
    assert (await shown.get("/quickActions/Sync_Now")).status_code == 404


async def test_an_action_is_described_with_its_page_or_its_fields(shown: httpx.AsyncClient) -> None:
    page = (await shown.get("/sobjects/Contact/quickActions/Sync_Now/describe")).json()
    assert (page["visualforcePageName"], page["height"], page["layout"]) == ("Panel", 250, None)
    form = (await shown.get("/sobjects/Account/quickActions/New_Patient/describe")).json()
    assert (form["targetSobjectType"], form["targetParentField"], form["contextSobjectType"]) == (
        "Contact", "AccountId", "Account",
    )  # fmt: skip
    items = [row["layoutItems"][0]["layoutComponents"][0]["value"] for row in form["layout"]["layoutRows"]]
    assert items == ["LastName", "LeadSource"]
    assert form["icons"][0]["url"] == "http://emulated/img/icon/contacts32.png"


async def test_forms_begin_with_presets_and_with_the_record_they_hang_on(shown: httpx.AsyncClient, org: Org) -> None:
    account = org.insert("Account", {"Name": "Maple"})
    base = "/sobjects/Account/quickActions/New_Patient/defaultValues"
    empty = {"attributes": {"type": "Contact"}, "LastName": None, "LeadSource": "Web"}
    assert (await shown.get(base)).json() == empty
    assert (await shown.get(f"{base}/{account[:15]}")).json() == {**empty, "AccountId": account}
    contact = org.insert("Contact", {"LastName": "Abel", "Title": "Dr"})
    form = (await shown.get(f"/sobjects/Contact/quickActions/Rename/defaultValues/{contact}")).json()
    assert (form["Title"], form["Department"]) == ("Dr", "Front desk")


async def test_an_action_creates_a_record_below_another(shown: httpx.AsyncClient, org: Org) -> None:
    account = org.insert("Account", {"Name": "Maple"})
    body = {"contextId": account, "record": {"LastName": "Noether", "attributes": {"type": "Contact"}}}
    answer = await shown.post("/sobjects/Account/quickActions/New_Patient", json=body)
    assert (answer.status_code, answer.json()["success"], answer.json()["created"]) == (201, True, True)
    assert (answer.json()["contextId"], answer.json()["feedItemIds"]) == (account, [])
    made = org.get("Contact", answer.json()["id"])
    assert (made["AccountId"], made["LeadSource"], made["LastName"]) == (account, "Web", "Noether")


async def test_an_action_changes_the_record_it_was_begun_on(shown: httpx.AsyncClient, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Abel"})
    body = {"contextId": contact, "record": {"Title": "Prof"}}
    answer = await shown.post("/sobjects/Contact/quickActions/Rename", json=body)
    assert (answer.json()["id"], answer.json()["created"]) == (contact, False)
    assert (org.get("Contact", contact)["Title"], org.get("Contact", contact)["Department"]) == ("Prof", "Front desk")


async def test_rules_hold_for_actions_too(shown: httpx.AsyncClient, org: Org) -> None:
    answer = await shown.post("/sobjects/Account/quickActions/New_Patient", json={"record": {}})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "REQUIRED_FIELD_MISSING")
    assert org.count("Contact") == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/sobjects/Contact/quickActions/Sync_Now", 501),
        ("GET", "/sobjects/Contact/quickActions/Sync_Now/defaultValues", 501),
        ("GET", "/sobjects/Account/quickActions/New_Patient/defaultValues/nothing", 404),
        ("POST", "/sobjects/Contact/quickActions/Rename", 404),
        ("POST", "/sobjects/Contact/quickActions/Nothing", 404),
    ],
)
async def test_what_an_action_cannot_do_is_refused(
    shown: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await shown.request(method, path, **({"json": {"record": {}}} if method == "POST" else {}))
    assert answer.status_code == status, answer.text
