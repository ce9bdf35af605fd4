"""Many records in one call."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from hintsync_emulators.salesforce import Org

Row = dict[str, object]


def _contacts(*records: Row) -> list[Row]:
    return [{"attributes": {"type": "Contact"}, **one} for one in records]


async def _send(api: httpx.AsyncClient, method: str, path: str, records: list[Row], whole: bool = False) -> list[Row]:
    answer = await api.request(method, f"/composite/sobjects{path}", json={"allOrNone": whole, "records": records})
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.json()
    return found


async def test_a_failed_row_has_no_id_and_the_others_are_saved(api: httpx.AsyncClient, org: Org) -> None:
    good, bad, also = await _send(api, "POST", "", _contacts({"LastName": "A"}, {"FirstName": "B"}, {"LastName": "C"}))
    assert set(good) == {"id", "success", "errors"}
    assert bad == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
            }
        ],
    }
    assert [row["LastName"] for row in org.rows("Contact")] == ["A", "C"]
    assert also["success"] is True


async def test_all_or_none_undoes_the_good_rows(api: httpx.AsyncClient, org: Org) -> None:
    good, bad = await _send(api, "POST", "", _contacts({"LastName": "A"}, {"FirstName": "B"}), whole=True)
    assert [one["statusCode"] for one in good["errors"]] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    assert [one["statusCode"] for one in bad["errors"]] == ["REQUIRED_FIELD_MISSING"]
    assert org.count("Contact") == 0


async def test_updates_answer_in_order_each_with_its_own_fault(api: httpx.AsyncClient, org: Org) -> None:
    first, second, gone, held, other = org.insert_many("Contact", [{"LastName": name} for name in "ABCDE"])
    org.delete("Contact", gone)
    org.lock(held)
    records = _contacts(
        {"id": first[:15], "Title": "one"},
        {"Id": second, "Email": "bad"},
        {"id": gone, "Title": "x"},
        {"id": held, "Title": "x"},
        {"id": "003D000000QV9n2IAD", "Title": "x"},
        {"id": "nonsense", "Title": "x"},
        {"Title": "x"},
        {"id": other, "Nope": 1},
    )
    results = await _send(api, "PATCH", "", records)
    assert results[0] == {"id": first, "success": True, "errors": []}
    codes = [one["errors"][0]["statusCode"] for one in results[1:]]
    assert codes == [
        "INVALID_EMAIL_ADDRESS",
        "ENTITY_IS_DELETED",
        "UNABLE_TO_LOCK_ROW",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "MISSING_ARGUMENT",
        "INVALID_FIELD",
    ]
    assert all("id" not in one for one in results[1:])
    assert org.get("Contact", first)["Title"] == "one"


async def test_a_value_of_the_wrong_type_fails_its_row_alone(api: httpx.AsyncClient, org: Org) -> None:
    records = _contacts({"LastName": "A"}, {"LastName": "B", "Birthdate": "not a date"}, {"LastName": "C", "Title": {}})
    answer = await api.post("/composite/sobjects", json={"records": records})
    codes = [[error["statusCode"] for error in one["errors"]] for one in answer.json()]
    assert (answer.status_code, codes) == (200, [[], ["JSON_PARSER_ERROR"], ["JSON_PARSER_ERROR"]])
    assert [one["LastName"] for one in org.rows("Contact")] == ["A"]


async def test_an_id_named_twice_is_written_by_neither(api: httpx.AsyncClient, org: Org) -> None:
    twice, once = (org.insert("Contact", {"LastName": name}) for name in ("Twice", "Once"))
    records = _contacts(
        {"Id": twice, "Title": "one"}, {"Id": once, "Title": "fine"}, {"Id": twice[:15], "Title": "two"}
    )
    results = (await api.patch("/composite/sobjects", json={"records": records})).json()
    assert [one["success"] for one in results] == [False, True, False]
    assert results[0]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    assert (org.get("Contact", twice)["Title"], org.get("Contact", once)["Title"]) == (None, "fine")
    deleted = (await api.delete("/composite/sobjects", params={"ids": f"{twice},{twice}"})).json()
    assert [one["success"] for one in deleted] == [False, False]


async def test_upsert_rows_say_whether_they_were_created(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", external_id=True, unique=True)
    old = org.insert("Contact", {"LastName": "A", "Key__c": "k1"})
    records = _contacts({"Key__c": "k1", "LastName": "A2"}, {"Key__c": "k2", "LastName": "B"}, {"LastName": "C"})
    first, second, third = await _send(api, "PATCH", "/Contact/Key__c", records)
    assert first == {"id": old, "success": True, "errors": [], "created": False}
    assert (second["success"], second["created"]) == (True, True)
    assert third["success"] is False
    repeated = _contacts({"Key__c": "k3", "LastName": "X"}, {"Key__c": "K3", "LastName": "Y"})
    results = await _send(api, "PATCH", "/Contact/Key__c", repeated)
    assert [one["errors"][0]["statusCode"] for one in results] == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]


async def test_upsert_by_email_and_by_id_work_too(api: httpx.AsyncClient, org: Org) -> None:
    old = org.insert("Contact", {"LastName": "A", "Email": "a@example.org"})
    by_email = await _send(api, "PATCH", "/Contact/Email", _contacts({"Email": "A@example.org", "Title": "x"}))
    assert (by_email[0]["id"], by_email[0]["created"]) == (old, False)
    by_id = await _send(api, "PATCH", "/Contact/Id", _contacts({"Id": old, "Title": "y"}, {"LastName": "New"}))
    assert [one["created"] for one in by_id] == [False, True]
    assert org.get("Contact", old)["Title"] == "y"


@pytest.mark.parametrize("joined", [",", "%2C"])
async def test_deleting_takes_ids_joined_by_commas(api: httpx.AsyncClient, org: Org, joined: str) -> None:
    first, second = org.insert_many("Contact", [{"LastName": "A"}, {"LastName": "B"}])
    org.delete("Contact", second)
    answer = await api.delete(f"/composite/sobjects?ids={first}{joined}{second}&allOrNone=false")
    assert answer.json()[0] == {"id": first, "success": True, "errors": []}
    assert answer.json()[1]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"
    assert org.count("Contact") == 0


async def test_retrieve_answers_in_order_with_null_for_what_is_not_there(api: httpx.AsyncClient, org: Org) -> None:
    first, second, gone = org.insert_many("Contact", [{"LastName": name} for name in "ABC"])
    org.delete("Contact", gone)
    body = {"ids": [second, gone, "nonsense", first[:15]], "fields": ["Id", "LastName", "Owner.Name"]}
    found = (await api.post("/composite/sobjects/Contact", json=body)).json()
    assert [one and one["LastName"] for one in found] == ["B", None, None, "A"]
    assert found[0]["Owner"]["Name"] == "Ina Integration"
    by_get = await api.get("/composite/sobjects/Contact", params={"ids": f"{first},{gone}", "fields": "LastName"})
    assert [one and one["LastName"] for one in by_get.json()] == ["A", None]
    bad = await api.post("/composite/sobjects/Contact", json={"ids": [first], "fields": ["Nope"]})
    assert (bad.status_code, bad.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(("count", "status"), [(200, 200), (201, 400)])
async def test_two_hundred_records_fit_into_a_call(api: httpx.AsyncClient, org: Org, count: int, status: int) -> None:
    records = _contacts(*({"LastName": f"L{number}"} for number in range(count)))
    answer = await api.post("/composite/sobjects", json={"records": records})
    assert answer.status_code == status
    assert org.count("Contact") == (200 if status == 200 else 0)


@pytest.mark.parametrize(
    "body",
    [{}, {"records": "x"}, {"records": [1]}, {"records": []}, {"records": [{"LastName": "no type"}]}],
)
async def test_a_body_without_records_of_a_type_is_refused(api: httpx.AsyncClient, body: Row) -> None:
    assert (await api.post("/composite/sobjects", json=body)).status_code == 400
