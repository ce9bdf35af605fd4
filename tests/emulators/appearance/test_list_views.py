"""List views: listed, described, carried out, explained."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org
from tests.emulators.metadata.deploying import RestDeployer, zipped
from tests.emulators.metadata.zoo import xml

ROOT = "/services/data/v64.0"


async def _deploy(api: httpx.AsyncClient, inner: str, owner: str = "Contact") -> str:
    """Deploy a list view and return its path."""
    text = f"<listViews><fullName>Mine</fullName>{inner}</listViews>"
    raw = zipped({f"objects/{owner}.object": xml("CustomObject", text)}, {"ListView": [f"{owner}.Mine"]})
    result = await RestDeployer(api).deploy(raw)
    assert result.success, result.problems
    listed = (await api.get(f"/sobjects/{owner}/listviews")).json()["listviews"]
    return str(next(one["url"] for one in listed if one["developerName"] == "Mine")).removeprefix(ROOT)


def _view(filters: str = "", logic: str = "", scope: str = "Everything", columns: str = "FULL_NAME") -> str:
    shown = "".join(f"<columns>{one}</columns>" for one in columns.split())
    return (
        f"{f'<booleanFilter>{logic}</booleanFilter>' if logic else ''}{shown}<filterScope>{scope}</filterScope>{filters}"
        "<label>Mine</label>"
    )


def _filter(field: str, operation: str, value: str | None) -> str:
    held = "" if value is None else f"<value>{value}</value>"
    return f"<filters><field>{field}</field><operation>{operation}</operation>{held}</filters>"


async def _names(api: httpx.AsyncClient, path: str, **params: str) -> list[str]:
    answer = await api.get(f"{path}/results", params=params)
    assert answer.status_code == 200, answer.text
    return [one["columns"][0]["value"] for one in answer.json()["records"]]


@pytest.fixture
def people(org: Org) -> dict[str, str]:
    maple = org.insert("Account", {"Name": "Maple"})
    rows = {
        "Abel": {"Email": "abel@example.org", "Title": "Dr", "AccountId": maple, "LeadSource": "Web"},
        "Baker": {"Title": "Nurse_1", "HasOptedOutOfEmail": True, "LeadSource": "Phone Inquiry"},
        "Clark": {"Title": "Nurse 1", "Birthdate": "1980-02-29"},
    }
    return {name: org.insert("Contact", {"LastName": name, **more}) for name, more in rows.items()}


async def test_standard_objects_have_a_view_of_all(api: httpx.AsyncClient, people: dict[str, str]) -> None:
    answer = (await api.get("/sobjects/Contact/listviews")).json()
    assert (answer["done"], answer["size"], answer["sobjectType"], answer["nextRecordsUrl"]) == (
        True,
        1,
        "Contact",
        None,
    )
    (view,) = answer["listviews"]
    assert (view["developerName"], view["label"], view["soqlCompatible"]) == ("AllContacts", "All Contacts", True)
    assert (await api.get(view["url"].removeprefix(ROOT))).json() == view
    found = (await api.get(view["resultsUrl"].removeprefix(ROOT))).json()
    assert (found["id"], found["size"], found["done"]) == (view["id"], 3, True)
    first = {one["fieldNameOrPath"]: one["value"] for one in found["records"][0]["columns"]}
    assert (first["Name"], first["Account.Name"], first["Owner.Alias"]) == ("Abel", "Maple", "emulated")


async def test_a_view_is_described_with_its_statement_which_runs(api: httpx.AsyncClient, clock: ManualClock) -> None:
    path = await _deploy(api, _view(_filter("CREATED_DATE", "equals", "THIS_WEEK"), columns="FULL_NAME CONTACT.PHONE1"))
    found = (await api.get(f"{path}/describe")).json()
    assert found["query"] == (
        "SELECT Name, Phone, Id, CreatedDate, LastModifiedDate, SystemModstamp FROM Contact"
        " WHERE (CreatedDate = THIS_WEEK) ORDER BY Name ASC NULLS FIRST, Id ASC NULLS FIRST"
    )
    assert found["whereCondition"] == {"field": "CreatedDate", "operator": "equals", "values": ["THIS_WEEK"]}
    assert (found["scope"], found["sobjectType"]) == ("everything", "Contact")
    assert found["orderBy"][1] == {"fieldNameOrPath": "Id", "nullsPosition": "first", "sortDirection": "ascending"}
    name, phone, hidden = found["columns"][:3]
    assert (name["sortIndex"], name["sortDirection"], name["hidden"]) == (0, "ascending", False)
    assert (phone["ascendingLabel"], phone["descendingLabel"], phone["type"]) == ("9-0", "0-9", "phone")
    assert (hidden["fieldNameOrPath"], hidden["hidden"], hidden["sortable"]) == ("Id", True, False)
    assert (await api.get("/query", params={"q": found["query"]})).status_code == 200
    explained = (await api.get("/query", params={"explain": found["id"]})).json()
    assert explained["sourceQuery"] == found["query"]
    assert {tuple(one["fields"]) for one in explained["plans"]} == {("CreatedDate",), ()}


@pytest.mark.parametrize(
    ("filters", "logic", "expected"),
    [
        (_filter("CONTACT.LAST_NAME", "equals", "abel, CLARK"), "", ["Abel", "Clark"]),
        (_filter("CONTACT.LAST_NAME", "notEqual", "Abel,Clark"), "", ["Baker"]),
        (_filter("CONTACT.TITLE", "contains", "e_1"), "", ["Baker"]),
        (_filter("CONTACT.TITLE", "notContain", "urse"), "", ["Abel"]),
        (_filter("CONTACT.TITLE", "startsWith", "nur"), "", ["Baker", "Clark"]),
        (_filter("CONTACT.EMAIL", "equals", None), "", ["Baker", "Clark"]),
        (_filter("CONTACT.EMAIL", "notEqual", ""), "", ["Abel"]),
        (_filter("HasOptedOutOfEmail", "equals", "1"), "", ["Baker"]),
        (_filter("Birthdate", "equals", "1980-02-29"), "", ["Clark"]),
        (_filter("LeadSource", "equals", "Web,Phone Inquiry"), "", ["Abel", "Baker"]),
        (_filter("CREATED_DATE", "lessThan", "YESTERDAY"), "", []),
        (_filter("CREATED_DATE", "greaterOrEqual", "LAST_N_DAYS:2"), "", ["Abel", "Baker", "Clark"]),
        (
            _filter("CONTACT.LAST_NAME", "equals", "Abel") + _filter("CONTACT.TITLE", "startsWith", "Nurse")
            + _filter("Birthdate", "notEqual", ""),
            "1 OR (2 AND 3)",
            ["Abel", "Clark"],
        ),
        (_filter("CONTACT.LAST_NAME", "equals", "Abel") + _filter("CONTACT.TITLE", "equals", "Dr"), "NOT (1 and 2)",
         ["Baker", "Clark"]),
        (_filter("CONTACT.LAST_NAME", "equals", "O'Neil \\"), "", []),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("people")
async def test_filters_leave_those_who_fulfil_them(
    api: httpx.AsyncClient, filters: str, logic: str, expected: list[str]
) -> None:
    assert await _names(api, await _deploy(api, _view(filters, logic))) == expected


async def test_logic_shows_as_a_tree(api: httpx.AsyncClient) -> None:
    two = _filter("CONTACT.LAST_NAME", "equals", "Abel") + _filter("CONTACT.TITLE", "contains", "x")
    path = await _deploy(api, _view(two, "1 OR NOT 2"))
    last_name = {"field": "LastName", "operator": "equals", "values": ["'Abel'"]}
    title = {"field": "Title", "operator": "like", "values": ["'%x%'"]}
    shown = (await api.get(f"{path}/describe")).json()["whereCondition"]
    assert shown == {"conditions": [last_name, {"condition": title}], "conjunction": "or"}


async def test_mine_shows_what_the_caller_owns(api: httpx.AsyncClient, org: Org, people: dict[str, str]) -> None:
    other = org.insert("User", {"LastName": "Other", "Username": "o@example.org", "Email": "o@example.org"})
    org.update("Contact", people["Baker"], {"OwnerId": other})
    path = await _deploy(api, _view(scope="Mine"))
    assert (await api.get(f"{path}/describe")).json()["scope"] == "mine"
    assert await _names(api, path) == ["Abel", "Clark"]


async def test_results_come_in_pieces_and_values_are_texts(api: httpx.AsyncClient, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": f"Name {n:02}", "HasOptedOutOfFax": n == 0} for n in range(30)])
    path = await _deploy(api, _view(columns="FULL_NAME HasOptedOutOfFax LeadSource"))
    answer = (await api.get(f"{path}/results")).json()
    assert (len(answer["records"]), answer["size"], answer["done"]) == (25, 25, False)
    values = {one["fieldNameOrPath"]: one["value"] for one in answer["records"][0]["columns"]}
    assert (values["HasOptedOutOfFax"], values["LeadSource"]) == ("true", None)
    # As Java prints a moment: the test's clock stands still.
    assert values["CreatedDate"] == org.clock().strftime("%a %b %d %H:%M:%S GMT %Y")
    assert await _names(api, path, limit="2", offset="30") == ["Name 29"]
    assert (await api.get(f"{path}/results", params={"limit": "0"})).status_code == 400
    assert (await api.get(f"{path}/results", params={"offset": "x"})).status_code == 400


async def test_the_largest_piece_says_that_there_is_more(api: httpx.AsyncClient, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": f"Name {n:04}"} for n in range(2_001)])
    path = await _deploy(api, _view())
    answer = (await api.get(f"{path}/results", params={"limit": "2000"})).json()
    assert (len(answer["records"]), answer["done"]) == (2_000, False)
    rest = (await api.get(f"{path}/results", params={"limit": "2000", "offset": "2000"})).json()
    assert (len(rest["records"]), rest["done"]) == (2, True)


async def test_nobody_has_used_a_view_in_a_browser(api: httpx.AsyncClient) -> None:
    answer = (await api.get("/sobjects/Contact/listviews/recent")).json()
    assert (answer["listviews"], answer["size"]) == ([], 0)


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (_view(columns="FULL_NAME CONTACT.ADDRESS2_ZIP"), "list view column CONTACT.ADDRESS2_ZIP"),
        (_view(scope="Team"), "list views with filterScope Team"),
        (_view(_filter("FULL_NAME", "equals", '"Moor, Ada"')), "list view filters with quoted values"),
        (
            _view(_filter("CREATED_DATE", "equals", "2026-03-02")),
            "list view filters on datetime fields with values of this form",
        ),
        (_view(_filter("CONTACT.TITLE", "within", "x")), "list view filters with operation within"),
        (
            _view(_filter("Birthdate", "equals", "29.2.1980")),
            "list view filters on date fields with values of this form",
        ),
    ],
)
async def test_what_cannot_be_told_says_so_by_name(api: httpx.AsyncClient, inner: str, text: str) -> None:
    answer = await api.get(f"{await _deploy(api, inner)}/describe")
    assert (answer.status_code, answer.json()[0]["message"]) == (501, f"not emulated: {text}")


@pytest.mark.parametrize("logic", ["1 AND", "3", "1 XOR 2", "(1 OR 2", "1 2", "0"])
async def test_logic_that_cannot_be_read_is_refused(api: httpx.AsyncClient, logic: str) -> None:
    two = _filter("CONTACT.LAST_NAME", "equals", "Abel") + _filter("CONTACT.TITLE", "contains", "x")
    answer = await api.get(f"{await _deploy(api, _view(two, logic))}/describe")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FILTER_LANGUAGE")


async def test_a_view_of_another_object_is_not_found(api: httpx.AsyncClient) -> None:
    path = await _deploy(api, _view())
    assert (await api.get(path.replace("Contact", "Account"))).status_code == 404
