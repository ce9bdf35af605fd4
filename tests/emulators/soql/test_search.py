"""SOSL and its form by parameters."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org

PEOPLE = (
    {"LastName": "Van Dam", "FirstName": "Zoë", "Email": "zoe@example.org", "Phone": "(415) 555-0100"},
    {"LastName": "Smith", "FirstName": "Joe", "Title": "Manager of Acme", "MobilePhone": "415.555.0199"},
    {"LastName": "Smithers", "FirstName": "Joan", "MailingCity": "Springfield"},
    {"LastName": "O'Neil", "FirstName": "Ann-Marie", "Description": "knows Joe Smith"},
)


@pytest.fixture
def people(org: Org) -> list[str]:
    org.insert("Account", {"Name": "Acme Clinic"})
    return org.insert_many("Contact", PEOPLE)


async def _places(api: httpx.AsyncClient, people: list[str], statement: str) -> list[int]:
    answer = await api.get("/search", params={"q": statement})
    assert answer.status_code == 200, answer.text
    return [people.index(one["Id"]) for one in answer.json()["searchRecords"]]


@pytest.mark.parametrize(
    ("statement", "places"),
    [
        ("FIND {smith} RETURNING Contact", [1, 3]),
        ("FIND {SMITH*} RETURNING Contact(Id)", [1, 2, 3]),
        ("FIND {sm?th} IN ALL FIELDS RETURNING Contact(Id)", [1, 3]),
        ("FIND {smith} IN NAME FIELDS RETURNING Contact(Id)", [1]),
        ("find {joe smith} returning contact(id)", [1, 3]),
        ('FIND {"joe smith"} RETURNING Contact(Id)', [1, 3]),
        ('FIND {"smith joe"} RETURNING Contact(Id)', []),
        ('FIND {"van dam" OR springfield} RETURNING Contact(Id)', [0, 2]),
        ("FIND {joe AND NOT manager} RETURNING Contact(Id)", [3]),
        ("FIND {(joan OR joe) AND smith*} RETURNING Contact(Id)", [1, 2, 3]),
        ("FIND {zoë} RETURNING Contact(Id)", [0]),
        ("FIND {ZOË} RETURNING Contact(Id)", [0]),
        ("FIND {O\\'Neil} RETURNING Contact(Id)", [3]),
        ("FIND {ann\\-marie} RETURNING Contact(Id)", [3]),
        ("FIND {555} IN PHONE FIELDS RETURNING Contact(Id)", [0, 1]),
        ("FIND {example} IN EMAIL FIELDS RETURNING Contact(Id)", [0]),
        ("FIND {smith*} RETURNING Contact(Id WHERE FirstName LIKE 'Jo%' ORDER BY LastName DESC LIMIT 1)", [2]),
        ("FIND {smith*} RETURNING Contact(Id ORDER BY FirstName) LIMIT 2", [3, 2]),
        ("FIND {smit} RETURNING Contact(Id)", []),
    ],
)
async def test_words_find_records(api: httpx.AsyncClient, people: list[str], statement: str, places: list[int]) -> None:
    assert await _places(api, people, statement) == places


async def test_each_object_returns_the_fields_it_was_asked_for(api: httpx.AsyncClient, people: list[str]) -> None:
    statement = "FIND {acme} IN ALL FIELDS RETURNING Contact(FirstName, Account.Name), Account(Name)"
    found = (await api.get("/search", params={"q": statement})).json()["searchRecords"]
    assert [one["attributes"]["type"] for one in found] == ["Contact", "Account"]
    assert (found[0]["FirstName"], found[0]["Account"], found[1]["Name"]) == ("Joe", None, "Acme Clinic")
    everything = (await api.get("/search", params={"q": "FIND {acme}"})).json()["searchRecords"]
    assert {one["attributes"]["type"] for one in everything} == {"Contact", "Account"}
    assert all(set(one) == {"attributes", "Id"} for one in everything)


async def test_deleted_records_are_not_found(api: httpx.AsyncClient, org: Org, people: list[str]) -> None:
    org.delete("Contact", people[1])
    assert await _places(api, people, "FIND {smith} RETURNING Contact") == [3]


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("FIND {a} RETURNING Contact", 400, "MALFORMED_SEARCH"),
        ("FIND smith RETURNING Contact", 400, "MALFORMED_SEARCH"),
        ("FIND {smith} RETURNING Nothing(Id)", 400, "INVALID_TYPE"),
        ("FIND {smith} RETURNING Contact(Nope)", 400, "INVALID_FIELD"),
        ("FIND {(smith} RETURNING Contact", 400, "MALFORMED_SEARCH"),
        ("FIND {smith OR} RETURNING Contact", 400, "MALFORMED_SEARCH"),
        ("FIND {smith} RETURNING Contact(COUNT(Id))", 400, "MALFORMED_SEARCH"),
        ("FIND {smith} IN SIDEBAR FIELDS RETURNING Contact", 501, "NOT_EMULATED"),
        ("FIND {smith} RETURNING Contact WITH SNIPPET", 501, "NOT_EMULATED"),
        ("", 400, "MALFORMED_SEARCH"),
    ],
)
async def test_a_wrong_search_is_refused(api: httpx.AsyncClient, statement: str, status: int, code: str) -> None:
    answer = await api.get("/search", params={"q": statement})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code), answer.text


async def test_a_search_by_parameters_finds_the_same(api: httpx.AsyncClient, people: list[str]) -> None:
    address = {"q": "smith*", "sobject": "Contact", "Contact.fields": "id,LastName", "Contact.limit": "2"}
    by_address = (await api.get("/parameterizedSearch/", params=address)).json()["searchRecords"]
    assert [one["LastName"] for one in by_address] == ["Smith", "Smithers"]
    body = {
        "q": "smith*",
        "in": "NAME",
        "fields": ["LastName"],
        "sobjects": [{"name": "Contact", "where": "FirstName != 'Joe'"}, {"name": "Account", "fields": ["Name"]}],
        "overallLimit": 5,
    }
    by_body = (await api.post("/parameterizedSearch", json=body)).json()["searchRecords"]
    assert [one["LastName"] for one in by_body] == ["Smithers"]
    assert (await api.get("/parameterizedSearch")).status_code == 400
