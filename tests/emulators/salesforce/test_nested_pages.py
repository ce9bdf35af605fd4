"""Long results of nested statements: the first children come along, the rest behind an address."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org

STATEMENT = "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name"


def _family(org: Org, name: str, children: int) -> str:
    account = org.insert("Account", {"Name": name})
    org.insert_many("Contact", [{"LastName": f"{name} {n:04}", "AccountId": account} for n in range(children)])
    return account


async def _ask(api: httpx.AsyncClient, statement: str = STATEMENT) -> dict[str, object]:
    found: dict[str, object] = (await api.get("/query", params={"q": statement})).json()
    return found


async def _rest(api: httpx.AsyncClient, page: dict[str, object]) -> list[str]:
    """Return the last names of all pages."""
    names = [one["LastName"] for one in page["records"]]
    while not page["done"]:
        page = (await api.get(str(page["nextRecordsUrl"]).removeprefix("/services/data/v64.0"))).json()
        names += [one["LastName"] for one in page["records"]]
    return names


async def test_a_parent_and_its_first_children_make_a_page_of_two_hundred(api: httpx.AsyncClient, org: Org) -> None:
    _family(org, "Birch", 250)
    _family(org, "Maple", 199)
    answer = await _ask(api)
    assert (answer["totalSize"], answer["done"]) == (2, True)
    birch, maple = (one["Contacts"] for one in answer["records"])
    assert (birch["totalSize"], birch["done"], len(birch["records"])) == (250, False, 199)
    assert birch["nextRecordsUrl"].startswith("/services/data/v64.0/query/01g")
    assert birch["nextRecordsUrl"].endswith("-199")
    assert await _rest(api, birch) == [f"Birch {n:04}" for n in range(250)]
    assert (maple["done"], len(maple["records"]), "nextRecordsUrl" in maple) == (True, 199, False)


async def test_later_pages_are_as_large_as_any(api: httpx.AsyncClient, org: Org) -> None:
    _family(org, "Birch", 2_500)
    nested = (await _ask(api))["records"][0]["Contacts"]
    second = (await api.get(nested["nextRecordsUrl"].removeprefix("/services/data/v64.0"))).json()
    assert (len(second["records"]), second["totalSize"], second["done"]) == (2_000, 2_500, False)
    assert second["records"][0]["attributes"]["type"] == "Contact"
    assert len(await _rest(api, nested)) == 2_500


async def test_a_limit_counts_before_pages_are_cut(api: httpx.AsyncClient, org: Org) -> None:
    _family(org, "Birch", 250)
    statement = "SELECT (SELECT LastName FROM Contacts WHERE LastName > 'Birch 0100' LIMIT 120 OFFSET 5) FROM Account"
    nested = (await _ask(api, statement))["records"][0]["Contacts"]
    assert (nested["totalSize"], nested["done"]) == (120, True)


async def test_several_nested_statements_go_on_apart(api: httpx.AsyncClient, org: Org) -> None:
    parent = _family(org, "Birch", 210)
    org.insert_many("Account", [{"Name": f"Branch {n:03}", "ParentId": parent} for n in range(205)])
    statement = (
        "SELECT (SELECT LastName FROM Contacts), (SELECT Name FROM ChildAccounts) FROM Account WHERE Name = 'Birch'"
    )
    record = (await _ask(api, statement))["records"][0]
    addresses = [
        record[name]["nextRecordsUrl"].removeprefix("/services/data/v64.0") for name in ("Contacts", "ChildAccounts")
    ]
    found = [(await api.get(address)).json()["records"] for address in addresses]
    assert [len(one) for one in found] == [11, 6]
    assert {one["attributes"]["type"] for one in found[1]} == {"Account"}


async def test_the_rest_belongs_to_who_asked(api: httpx.AsyncClient, outside: httpx.AsyncClient, org: Org) -> None:
    _family(org, "Birch", 250)
    address = (await _ask(api))["records"][0]["Contacts"]["nextRecordsUrl"]
    other = org.insert("User", {"LastName": "Other", "Username": "o@example.org", "Email": "o@example.org"})
    headers = {"Authorization": f"Bearer {org.auth.issue(other, '').token}"}
    answer = await outside.get(address, headers=headers)
    assert answer.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize("path", ["/query", "/queryAll"])
async def test_deleted_children_count_only_where_they_are_asked_for(
    api: httpx.AsyncClient, org: Org, path: str
) -> None:
    account = _family(org, "Birch", 201)
    org.delete("Contact", org.insert("Contact", {"LastName": "Gone", "AccountId": account}))
    nested = (await api.get(path, params={"q": STATEMENT})).json()["records"][0]["Contacts"]
    assert nested["totalSize"] == (202 if path == "/queryAll" else 201)
    assert nested["nextRecordsUrl"].split("/")[4] == path.strip("/")
    assert len(await _rest(api, nested)) == nested["totalSize"]
