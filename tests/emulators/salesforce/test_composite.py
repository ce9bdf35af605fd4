"""Several calls in one."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.salesforce import Org
from tests.emulators.salesforce.conftest import ROOT

Part = dict[str, object]


def _part(method: str, path: str, name: str, body: object = None, **headers: str) -> Part:
    part: Part = {"method": method, "url": f"{ROOT}{path}", "referenceId": name}
    if body is not None:
        part["body"] = body
    if headers:
        part["httpHeaders"] = {key.replace("_", "-"): value for key, value in headers.items()}
    return part


async def _run(api: httpx.AsyncClient, *parts: Part, whole: bool = False) -> list[dict[str, object]]:
    answer = await api.post("/composite", json={"allOrNone": whole, "compositeRequest": list(parts)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["compositeResponse"]
    return found


async def test_later_parts_refer_to_earlier_answers(api: httpx.AsyncClient, org: Org) -> None:
    results = await _run(
        api,
        _part("POST", "/sobjects/Account", "account", {"Name": "Acme"}),
        _part("POST", "/sobjects/Contact", "contact", {"LastName": "Lovelace", "AccountId": "@{account.id}"}),
        _part("GET", "/query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id='@{contact.id}'", "found"),
        _part("PATCH", "/sobjects/Contact/@{contact.id}", "named", {"Title": "of @{found.records[0].Account.Name}"}),
    )
    assert [one["httpStatusCode"] for one in results] == [201, 201, 200, 204]
    assert [one["referenceId"] for one in results] == ["account", "contact", "found", "named"]
    assert set(results[0]["httpHeaders"]) == {"Location"}
    assert results[3]["body"] is None
    assert org.rows("Contact")[0]["Title"] == "of Acme"


async def test_a_failed_part_leaves_the_others_and_answers_inside_200(api: httpx.AsyncClient, org: Org) -> None:
    results = await _run(
        api,
        _part("POST", "/sobjects/Contact", "good", {"LastName": "Lovelace"}),
        _part("POST", "/sobjects/Contact", "bad", {"FirstName": "Ada"}),
        _part("GET", "/sobjects/Contact/@{bad.id}", "lost"),
        _part("GET", "/nothing", "nowhere"),
    )
    assert [one["httpStatusCode"] for one in results] == [201, 400, 400, 404]
    assert results[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert results[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.count("Contact") == 1


async def test_all_or_none_halts_every_other_part(api: httpx.AsyncClient, org: Org) -> None:
    results = await _run(
        api,
        _part("POST", "/sobjects/Contact", "good", {"LastName": "Lovelace"}),
        _part("POST", "/sobjects/Contact", "bad", {"FirstName": "Ada"}),
        whole=True,
    )
    codes = [one["body"][0]["errorCode"] for one in results]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert org.count("Contact") == 0


async def test_each_part_may_be_conditional(api: httpx.AsyncClient, org: Org) -> None:
    first, second = org.insert_many("Contact", [{"LastName": "A"}, {"LastName": "B"}])
    results = await _run(
        api,
        _part(
            "PATCH",
            f"/sobjects/Contact/{first}",
            "a",
            {"Title": "x"},
            If_Unmodified_Since="Mon, 02 Mar 2026 09:00:00 GMT",
        ),
        _part(
            "PATCH",
            f"/sobjects/Contact/{second}",
            "b",
            {"Title": "x"},
            If_Unmodified_Since="Mon, 02 Mar 2026 08:00:00 GMT",
        ),
        _part("GET", f"/sobjects/Contact/{second}", "c", If_Modified_Since="Mon, 02 Mar 2026 09:00:00 GMT"),
    )
    assert [one["httpStatusCode"] for one in results] == [204, 412, 304]
    assert results[2]["body"] is None


async def test_a_composite_call_counts_as_one(api: httpx.AsyncClient, org: Org, app: Controlled) -> None:
    await _run(api, *(_part("GET", "/limits", f"r{number}") for number in range(10)))
    assert org.limits.used == 1
    assert app.faults.counts == {"composite": 1}


@pytest.mark.parametrize(
    "parts",
    [
        [_part("GET", "/limits", f"r{number}") for number in range(26)],
        [_part("GET", "/query?q=SELECT+Id+FROM+Contact", f"r{number}") for number in range(6)],
        [_part("GET", "/limits", "same"), _part("GET", "/limits", "same")],
        [{"method": "GET", "url": f"{ROOT}/limits"}],
        [],
    ],
    ids=["26 parts", "6 queries", "same name", "no name", "no parts"],
)
async def test_a_composite_call_has_limits(api: httpx.AsyncClient, parts: list[Part]) -> None:
    assert (await api.post("/composite", json={"compositeRequest": parts})).status_code == 400


async def test_a_part_outside_the_api_version_is_refused(api: httpx.AsyncClient) -> None:
    results = await _run(api, {"method": "GET", "url": "/services/oauth2/userinfo", "referenceId": "x"})
    assert results[0]["httpStatusCode"] == 400
