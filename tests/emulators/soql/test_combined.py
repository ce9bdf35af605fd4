"""Graphs, batches and trees: several calls in one."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org

ROOT = "/services/data/v64.0"
Part = dict[str, object]


def _post(name: str, reference: str, **body: object) -> Part:
    return {"method": "POST", "url": f"{ROOT}/sobjects/{name}/", "referenceId": reference, "body": body}


async def _graphs(api: httpx.AsyncClient, *graphs: list[Part]) -> list[dict[str, object]]:
    body = {"graphs": [{"graphId": f"g{number}", "compositeRequest": parts} for number, parts in enumerate(graphs)]}
    answer = await api.post("/composite/graph", json=body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["graphs"]
    return found


async def test_each_graph_is_carried_out_wholly_or_not_at_all(api: httpx.AsyncClient, org: Org) -> None:
    good = [_post("Account", "a", Name="Acme"), _post("Contact", "c", LastName="Lovelace", AccountId="@{a.id}")]
    bad = [_post("Account", "a", Name="Gone"), _post("Contact", "c", FirstName="Nameless", AccountId="@{a.id}")]
    passed, failed = await _graphs(api, good, bad)
    assert (passed["graphId"], passed["isSuccessful"], failed["isSuccessful"]) == ("g0", True, False)
    statuses = [one["httpStatusCode"] for one in passed["graphResponse"]["compositeResponse"]]  # type: ignore[index]
    assert statuses == [201, 201]
    codes = [one["body"][0]["errorCode"] for one in failed["graphResponse"]["compositeResponse"]]  # type: ignore[index]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert [one["Name"] for one in org.rows("Account")] == ["Acme"]


async def test_after_fourteen_failed_graphs_the_rest_are_halted(api: httpx.AsyncClient, org: Org) -> None:
    bad = [_post("Contact", "c", FirstName="Nameless")]
    found = await _graphs(api, *[bad] * 14, [_post("Account", "a", Name="Acme")])
    assert [one["isSuccessful"] for one in found] == [False] * 15
    last = found[-1]["graphResponse"]["compositeResponse"]  # type: ignore[index]
    assert last[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.count("Account") == 0


@pytest.mark.parametrize(
    ("graphs", "text"),
    [
        ([[_post("Account", f"a{number}", Name="A") for number in range(501)]], "501 nodes"),
        ([[_post("Account", "a", Name="A")]] * 76, "76 graphs"),
        (
            [
                [
                    _post("Account", f"a{number}", Name="A", ParentId=f"@{{a{number - 1}.id}}" if number else None)
                    for number in range(16)
                ]
            ],
            "16 nodes in a row",
        ),
        ([[{"method": "GET", "url": f"{ROOT}/query?q=x", "referenceId": "q"}]], "not supported in a composite graph"),
    ],
)
async def test_graphs_are_held_to_their_limits(api: httpx.AsyncClient, graphs: list[list[Part]], text: str) -> None:
    body = {"graphs": [{"graphId": f"g{number}", "compositeRequest": parts} for number, parts in enumerate(graphs)]}
    answer = await api.post("/composite/graph", json=body)
    assert answer.status_code == 400
    assert text in answer.json()[0]["message"]


async def test_parts_of_a_batch_stand_for_themselves(api: httpx.AsyncClient, org: Org) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    parts = [
        {"method": "PATCH", "url": f"v64.0/sobjects/account/{account}", "richInput": {"Name": "New"}},
        {"method": "GET", "url": f"v59.0/sobjects/account/{account}?fields=Name"},
        {"method": "GET", "url": "v64.0/sobjects/account/001000000000000AAA"},
        {"method": "GET", "url": "v64.0/query?q=SELECT+COUNT()+FROM+Account"},
    ]
    answer = (await api.post("/composite/batch", json={"batchRequests": parts})).json()
    assert answer["hasErrors"] is True
    assert [one["statusCode"] for one in answer["results"]] == [204, 200, 404, 200]
    assert (answer["results"][0]["result"], answer["results"][1]["result"]["Name"]) == (None, "New")
    assert answer["results"][2]["result"][0]["errorCode"] == "NOT_FOUND"
    assert answer["results"][3]["result"]["totalSize"] == 1


async def test_a_batch_may_halt_at_its_first_failure(api: httpx.AsyncClient, org: Org) -> None:
    parts = [
        {"method": "POST", "url": "v64.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "POST", "url": "v64.0/sobjects/Contact", "richInput": {}},
        {"method": "POST", "url": "v64.0/sobjects/Account", "richInput": {"Name": "B"}},
    ]
    answer = (await api.post("/composite/batch", json={"batchRequests": parts, "haltOnError": True})).json()
    assert [one["statusCode"] for one in answer["results"]] == [201, 400, 412]
    assert answer["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert [one["Name"] for one in org.rows("Account")] == ["A"]
    assert (await api.post("/composite/batch", json={"batchRequests": parts * 9})).status_code == 400


def _leaf(kind: str, reference: str, **values: object) -> dict[str, object]:
    return {"attributes": {"type": kind, "referenceId": reference}, **values}


async def test_a_tree_is_inserted_level_by_level(api: httpx.AsyncClient, org: Org) -> None:
    tree = _leaf(
        "Account",
        "ref1",
        Name="Acme",
        Contacts={"records": [_leaf("Contact", "ref2", LastName="Smith"), _leaf("Contact", "ref3", LastName="Evans")]},
    )
    answer = await api.post("/composite/tree/Account/", json={"records": [tree, _leaf("Account", "ref4", Name="B")]})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["hasErrors"], [one["referenceId"] for one in body["results"]]) == (
        False,
        ["ref1", "ref4", "ref2", "ref3"],
    )
    made = {one["referenceId"]: one["id"] for one in body["results"]}
    assert {one["AccountId"] for one in org.rows("Contact")} == {made["ref1"]}


async def test_a_tree_with_a_bad_record_leaves_nothing(api: httpx.AsyncClient, org: Org) -> None:
    bad = _leaf("Contact", "ref2", LastName="Smith", Email="123")
    tree = _leaf("Account", "ref1", Name="Acme", Contacts={"records": [bad]})
    answer = await api.post("/composite/tree/Account", json={"records": [tree]})
    assert (answer.status_code, answer.json()["hasErrors"]) == (400, True)
    (result,) = answer.json()["results"]
    assert (result["referenceId"], result["errors"][0]["statusCode"]) == ("ref2", "INVALID_EMAIL_ADDRESS")
    assert result["errors"][0]["fields"] == ["Email"]
    assert org.count("Account") == 0
    twice = await api.post("/composite/tree/Account", json={"records": [_leaf("Account", "x", Name="A")] * 2})
    assert [one["referenceId"] for one in twice.json()["results"]] == ["x", "x"]
    many = [_leaf("Account", f"r{number}", Name="A") for number in range(201)]
    assert "201 records" in (await api.post("/composite/tree/Account", json={"records": many})).json()[0]["message"]


async def test_only_accounts_have_tags(api: httpx.AsyncClient, org: Org) -> None:
    account, contact = org.insert("Account", {"Name": "A"}), org.insert("Contact", {"LastName": "A"})
    url = f"/sobjects/Account/{account}"
    tag = (await api.get(url)).headers["ETag"]
    assert (await api.get(url, headers={"If-None-Match": tag})).status_code == 304
    assert (await api.get(url, headers={"If-Match": '"other"'})).status_code == 412
    assert (await api.patch(url, json={"Name": "B"}, headers={"If-None-Match": tag})).status_code == 412
    assert (await api.patch(url, json={"Name": "B"}, headers={"If-Match": tag})).status_code == 204
    assert (await api.patch(url, json={"Name": "C"}, headers={"If-Match": tag})).status_code == 412
    plain = await api.get(f"/sobjects/Contact/{contact}", headers={"If-Match": '"other"', "If-None-Match": "*"})
    assert (plain.status_code, "ETag" in plain.headers) == (200, False)
