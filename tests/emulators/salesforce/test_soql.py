"""What statements find, in which order, in which shape, and how wrong ones are refused."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org
from hintsync_emulators.salesforce.schema.model import Field

Row = dict[str, object]

PEOPLE: tuple[Row, ...] = (
    {"LastName": "Adams", "FirstName": "Zoë", "Email": "zoe@example.org", "Birthdate": "1980-03-02", "DoNotCall": True},
    {"LastName": "adams", "FirstName": "Bo", "Birthdate": "2001-03-02", "MailingCity": "Genève"},
    {"LastName": "O'Neil", "FirstName": "Cy", "Email": "cy_1@example.org", "Birthdate": "1990-12-31"},
    {"LastName": "Per%cent", "FirstName": "Di", "Email": "cyx1@example.org", "MailingLatitude": 12.5},
    {"LastName": "Ünal", "FirstName": "Em", "Birthdate": "1975-01-01", "MailingLatitude": -3},
    {"LastName": "Back\\slash", "Birthdate": "1960-02-29"},
)


@pytest.fixture
def people(org: Org, clock: ManualClock) -> list[str]:
    """Six people in two accounts (the last in none), an hour apart; the third belongs to the second account."""
    acme, umbrella = org.insert_many("Account", [{"Name": "Acme", "Type": "Prospect"}, {"Name": "Umbrella"}])
    accounts: list[str | None] = [acme, acme, umbrella, None, None, None]
    ids = []
    for person, account in zip(PEOPLE, accounts, strict=True):
        ids.append(org.insert("Contact", {**person, "AccountId": account}))
        clock.advance(3600)
    return ids


async def _ask(api: httpx.AsyncClient, statement: str, path: str = "/query") -> dict[str, object]:
    answer = await api.get(path, params={"q": statement})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def _places(api: httpx.AsyncClient, ids: list[str], where: str) -> list[int]:
    found = await _ask(api, f"SELECT Id FROM Contact WHERE {where}")
    return [ids.index(one["Id"]) for one in found["records"]]


@pytest.mark.parametrize(
    ("where", "places"),
    [
        ("LastName = 'ADAMS'", [0, 1]),
        ("lastname = 'O\\'Neil'", [2]),
        ("LastName = 'Back\\\\slash'", [5]),
        ("LastName = 'ünal'", [4]),
        ("MailingCity = 'GENÈVE'", [1]),
        ("LastName != 'adams'", [2, 3, 4, 5]),
        ("Email != 'zoe@example.org'", [1, 2, 3, 4, 5]),
        ("Email <> null", [0, 2, 3]),
        ("Email = null", [1, 4, 5]),
        ("Email = ''", [1, 4, 5]),
        ("NOT Email = null", [0, 2, 3]),
        ("NOT Email = 'zoe@example.org'", [1, 2, 3, 4, 5]),
        ("Email LIKE 'cy_1@%'", [2, 3]),
        ("Email LIKE 'CY\\_1@%'", [2]),
        ("LastName LIKE '%\\%%'", [3]),
        ("LastName LIKE '%\\\\%'", [5]),
        ("LastName LIKE 'Ü%'", [4]),
        ("NOT LastName LIKE 'a%'", [2, 3, 4, 5]),
        ("LastName IN ('adams', 'ÜNAL')", [0, 1, 4]),
        ("Email NOT IN ('zoe@example.org')", [1, 2, 3, 4, 5]),
        ("Email NOT IN ('zoe@example.org', null)", [2, 3]),
        ("DoNotCall = true", [0]),
        ("DoNotCall != TRUE", [1, 2, 3, 4, 5]),
        ("DoNotCall = null", [1, 2, 3, 4, 5]),
        ("MailingLatitude > -4 AND MailingLatitude < 12.5", [4]),
        ("MailingLatitude >= 12.5", [3]),
        ("(LastName = 'adams' AND FirstName = 'Bo') OR FirstName = 'Cy'", [1, 2]),
        ("LastName = 'adams' AND (FirstName = 'Bo' OR FirstName = 'Cy')", [1]),
        ("Account.Name = 'acme'", [0, 1]),
        ("Account.Type = 'Prospect' AND FirstName != 'Bo'", [0]),
        ("Account.Name = null", [3, 4, 5]),
        ("Account.Name != 'Acme'", [2, 3, 4, 5]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name LIKE 'U%')", [2]),
        ("AccountId NOT IN (SELECT Id FROM Account WHERE Name = 'Acme')", [2, 3, 4, 5]),
        ("Id IN (SELECT MasterRecordId FROM Account)", []),
        ("CreatedDate >= 2026-03-02T11:00:00Z", [2, 3, 4, 5]),
        ("CreatedDate > 2026-03-02T12:00:00.000+01:00", [3, 4, 5]),
        ("CreatedDate = TODAY", [0, 1, 2, 3, 4, 5]),
        ("CreatedDate < TODAY", []),
        ("CreatedDate = LAST_N_DAYS:1", [0, 1, 2, 3, 4, 5]),
        ("DAY_ONLY(CreatedDate) = 2026-03-02", [0, 1, 2, 3, 4, 5]),
        ("HOUR_IN_DAY(CreatedDate) = 10", [1]),
        ("CALENDAR_YEAR(Birthdate) = 1980", [0]),
        ("LastName > 'p'", [3, 4]),
    ],
)
async def test_a_condition_finds(api: httpx.AsyncClient, people: list[str], where: str, places: list[int]) -> None:
    assert await _places(api, people, where) == places


@pytest.mark.parametrize(
    ("where", "places"),
    [
        ("Birthdate = 1950-03-02", [0, 1]),
        ("Birthdate = TODAY", [0, 1]),
        ("Birthdate != 1950-03-02", [2, 3, 4, 5]),
        ("Birthdate > TODAY", [2]),
        ("Birthdate < 2030-03-02", [4, 5]),
        ("Birthdate <= 2030-03-02", [0, 1, 4, 5]),
        ("Birthdate >= 1900-03-02", [0, 1, 2]),
        ("Birthdate IN (1999-12-31, 2000-02-29)", [2, 5]),
        ("Birthdate = THIS_MONTH", [0, 1]),
        ("Birthdate = LAST_N_DAYS:70", [0, 1, 2, 4, 5]),
        ("Birthdate = THIS_YEAR", [0, 1, 2, 4, 5]),
        ("Birthdate = null", [3]),
    ],
)
async def test_filters_on_birthdate_ignore_the_year(
    api: httpx.AsyncClient, people: list[str], where: str, places: list[int]
) -> None:
    assert await _places(api, people, where) == places


async def test_other_dates_are_compared_whole(api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]) -> None:
    add_field("Since__c", "date")
    old, new = org.insert_many(
        "Contact", [{"LastName": "A", "Since__c": "2020-03-02"}, {"LastName": "B", "Since__c": "2026-03-02"}]
    )
    assert await _places(api, [old, new], "Since__c = TODAY") == [1]
    assert await _places(api, [old, new], "Since__c < TODAY") == [0]


async def test_ids_of_fifteen_characters_find_their_record(api: httpx.AsyncClient, people: list[str]) -> None:
    assert await _places(api, people, f"Id = '{people[3][:15]}'") == [3]
    assert await _places(api, people, f"Id IN ('{people[3][:15]}', '{people[0]}')") == [0, 3]


@pytest.mark.parametrize("length", [15, 18])
async def test_ids_are_compared_in_the_order_of_digits_capitals_and_small_letters(
    api: httpx.AsyncClient, people: list[str], length: int
) -> None:
    second, fifth = people[1][:length], people[4][:length]
    assert await _places(api, people, f"Id < '{second}'") == [0]
    assert await _places(api, people, f"Id >= '{second}' AND Id < '{fifth}'") == [1, 2, 3]
    assert await _places(api, people, f"Id > '{fifth}'") == [5]
    assert await _places(api, people, f"Id < '{second}' OR Id >= '{fifth}'") == [0, 4, 5]
    assert await _places(api, people, "Id >= '003000000000000'") == [0, 1, 2, 3, 4, 5]
    assert await _places(api, people, "Id < '003zzzzzzzzzzzz'") == [0, 1, 2, 3, 4, 5]


async def test_the_lowest_and_the_highest_id_are_those_of_records_that_are_not_deleted(
    api: httpx.AsyncClient, org: Org, people: list[str]
) -> None:
    org.delete("Contact", people[0])
    org.delete("Contact", people[5])
    lowest, highest = [await _ask(api, f"SELECT Id FROM Contact ORDER BY Id{order} LIMIT 1") for order in ("", " DESC")]
    assert [each["Id"] for found in (lowest, highest) for each in found["records"]] == [people[1], people[4]]


@pytest.mark.parametrize(
    "behind",
    [
        "WHERE Id < '003zzzzzzzzzzzz'",
        "WHERE Id >= '003000000000000' AND Id < '003zzzzzzzzzzzz'",
        "WHERE Id >= '003000000000000'",
        "ORDER BY Id LIMIT 1",
        "ORDER BY Id DESC LIMIT 1",
    ],
)
async def test_a_range_of_ids_is_found_by_their_index_with_nothing_to_sort(org: Org, behind: str) -> None:
    plan = org.queries.plan(f"SELECT Id,Name FROM Contact {behind}", all_rows=False)
    sql = f"EXPLAIN QUERY PLAN SELECT {plan.columns}{plan.source}{plan.rest}"
    (step,) = (str(row[-1]) for row in org.storage.rows(sql, plan.parameters))
    assert "USING INDEX Contact.Id" in step


@pytest.mark.parametrize(
    ("order", "places"),
    [
        ("Email", [1, 4, 5, 2, 3, 0]),
        ("Email NULLS LAST", [2, 3, 0, 1, 4, 5]),
        ("Email DESC", [1, 4, 5, 0, 3, 2]),
        ("Email DESC NULLS LAST, FirstName", [0, 3, 2, 5, 1, 4]),
        ("Account.Name DESC NULLS LAST, CreatedDate DESC", [2, 1, 0, 5, 4, 3]),
        ("CreatedDate DESC LIMIT 2", [5, 4]),
        ("CreatedDate LIMIT 2 OFFSET 3", [3, 4]),
    ],
)
async def test_results_are_ordered(api: httpx.AsyncClient, people: list[str], order: str, places: list[int]) -> None:
    found = await _ask(api, f"SELECT Id FROM Contact ORDER BY {order}")
    assert [people.index(one["Id"]) for one in found["records"]] == places


async def test_records_come_in_the_spelling_and_order_of_the_statement(
    api: httpx.AsyncClient, people: list[str]
) -> None:
    statement = "select name, c.account.NAME, isdeleted, Contact.Account.Owner.Name, createddate from contact c limit 1"
    found = await _ask(api, statement)
    assert found["records"] == [
        {
            "attributes": {"type": "Contact", "url": f"/services/data/v64.0/sobjects/Contact/{people[0]}"},
            "Name": "Zoë Adams",
            "Account": {
                "attributes": found["records"][0]["Account"]["attributes"],
                "Name": "Acme",
                "Owner": {
                    "attributes": found["records"][0]["Account"]["Owner"]["attributes"],
                    "Name": "Ina Integration",
                },
            },
            "IsDeleted": False,
            "CreatedDate": "2026-03-02T09:00:00.000+0000",
        }
    ]
    assert list(found["records"][0])[1:] == ["Name", "Account", "IsDeleted", "CreatedDate"]


async def test_a_missing_parent_is_null(api: httpx.AsyncClient, people: list[str]) -> None:
    found = await _ask(api, f"SELECT Account.Name FROM Contact WHERE Id = '{people[5]}'")
    assert found["records"][0]["Account"] is None


async def test_children_come_as_a_result_of_their_own(api: httpx.AsyncClient, people: list[str]) -> None:
    statement = (
        "SELECT Name, (SELECT FirstName FROM Contacts WHERE FirstName != 'Cy' ORDER BY FirstName LIMIT 1) FROM Account"
    )
    acme, umbrella = (await _ask(api, statement))["records"]
    assert (acme["Contacts"]["totalSize"], acme["Contacts"]["done"]) == (1, True)
    assert [one["FirstName"] for one in acme["Contacts"]["records"]] == ["Bo"]
    assert umbrella["Contacts"] is None


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT COUNT(Id) FROM Contact", [{"expr0": 6}]),
        ("SELECT COUNT(Email) filled, MAX(Birthdate) FROM Contact", [{"filled": 3, "expr0": "2001-03-02"}]),
        (
            "SELECT Account.Name, COUNT(Id) n FROM Contact GROUP BY Account.Name ORDER BY COUNT(Id) DESC, Account.Name",
            [{"Name": None, "n": 3}, {"Name": "Acme", "n": 2}, {"Name": "Umbrella", "n": 1}],
        ),
        (
            "SELECT LastName, COUNT(Id) FROM Contact GROUP BY LastName HAVING COUNT(Id) > 1",
            [{"LastName": "Adams", "expr0": 2}],
        ),
        ("SELECT COUNT_DISTINCT(LastName) FROM Contact", [{"expr0": 5}]),
        ("SELECT AVG(MailingLatitude), SUM(MailingLatitude) s FROM Contact", [{"expr0": 4.75, "s": 9.5}]),
        (
            "SELECT CALENDAR_MONTH(Birthdate) m, COUNT(Id) n FROM Contact WHERE Birthdate != null"
            " GROUP BY CALENDAR_MONTH(Birthdate) ORDER BY CALENDAR_MONTH(Birthdate)",
            [{"m": 1, "n": 1}, {"m": 2, "n": 1}, {"m": 3, "n": 2}, {"m": 12, "n": 1}],
        ),
    ],
)
async def test_aggregates(api: httpx.AsyncClient, people: list[str], statement: str, rows: list[Row]) -> None:
    found = await _ask(api, statement)
    assert found["records"] == [{"attributes": {"type": "AggregateResult"}, **row} for row in rows]


async def test_a_bare_count_is_the_total_alone(api: httpx.AsyncClient, people: list[str]) -> None:
    assert await _ask(api, "SELECT COUNT() FROM Contact WHERE Email != null") == {
        "totalSize": 3,
        "done": True,
        "records": [],
    }


async def test_deleted_records_are_seen_only_by_query_all(api: httpx.AsyncClient, org: Org, people: list[str]) -> None:
    org.delete("Contact", people[0])
    statement = "SELECT Id, IsDeleted FROM Contact"
    assert (await _ask(api, statement))["totalSize"] == 5
    everything = await _ask(api, statement, "/queryAll")
    assert everything["totalSize"] == 6
    deleted = await _ask(api, "SELECT Id FROM Contact WHERE IsDeleted = true", "/queryAll")
    assert [one["Id"] for one in deleted["records"]] == [people[0]]


async def test_fields_all_needs_a_small_limit(api: httpx.AsyncClient, people: list[str]) -> None:
    found = await _ask(api, "SELECT FIELDS(ALL) FROM Contact LIMIT 200")
    assert {"Id", "LastName", "MailingAddress", "SystemModstamp"} <= set(found["records"][0])
    assert "LastName" in (await _ask(api, "SELECT FIELDS(STANDARD) FROM Contact"))["records"][0]
    for statement in ("SELECT FIELDS(ALL) FROM Contact", "SELECT FIELDS(CUSTOM) FROM Contact LIMIT 201"):
        answer = await api.get("/query", params={"q": statement})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "MALFORMED_QUERY")


async def test_a_multi_select_picklist_is_searched_by_includes(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Tags__c", "multipicklist", length=4099)
    ids = org.insert_many("Contact", [{"LastName": "A", "Tags__c": tags} for tags in ("a;b;c", "a", None)])
    assert await _places(api, ids, "Tags__c INCLUDES ('a;b')") == [0]
    assert await _places(api, ids, "Tags__c INCLUDES ('b', 'a')") == [0, 1]
    assert await _places(api, ids, "Tags__c EXCLUDES ('b')") == [1, 2]


@pytest.mark.parametrize(
    ("statement", "code", "row_column", "text"),
    [
        ("SELECT Nope FROM Contact", "INVALID_FIELD", (1, 8), "No such column 'Nope' on entity 'Contact'."),
        ("SELECT Id,\nNope FROM Contact", "INVALID_FIELD", (2, 1), "No such column 'Nope'"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD", (1, 8), "Didn't understand relationship 'Nope'"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE", (1, 16), "sObject type 'Nothing' is not supported."),
        ("SELECT Id FROM ScratchOrgInfo limit 1", "INVALID_TYPE", (1, 16), "sObject type 'ScratchOrgInfo'"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY", (1, 29), "unexpected token: '<EOF>'"),
        ('SELECT Id FROM Contact WHERE LastName = "x"', "MALFORMED_QUERY", (1, 41), "unexpected token"),
        ("SELECT Id FROM Contact WHERE a = 1 AND b = 2 OR c = 3", "MALFORMED_QUERY", (1, 46), "unexpected token: 'OR'"),
        ("SELECT Id FROM Contact WHERE LastName = 'a\\qb'", "MALFORMED_QUERY", (1, 43), "Illegal escape"),
        ("SELECT Id, Id FROM Contact", "INVALID_FIELD", (1, 12), "duplicate field selected: Id"),
        (
            "SELECT Id FROM Contact WHERE Birthdate = '1980-03-02'",
            "INVALID_FIELD",
            (1, 42),
            "value of filter criterion for field 'Birthdate' must be of type date and should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD", (1, 41), "should be enclosed in quotes"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", (1, 44), "must be of type dateTime"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD", (1, 30), "can not be filtered"),
        ("SELECT Id FROM Contact WHERE MailingAddress = 'x'", "INVALID_FIELD", (1, 30), "can not be filtered"),
        ("SELECT Id FROM Contact ORDER BY Description", "INVALID_FIELD", (1, 33), "can not be sorted"),
        ("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", (1, 35), "invalid ID field: x"),
        ("SELECT Id FROM Contact WHERE Id LIKE 'x'", "INVALID_QUERY_FILTER_OPERATOR", (1, 30), "invalid operator"),
        (
            "SELECT LastName, COUNT(Id) FROM Contact",
            "MALFORMED_QUERY",
            (1, 8),
            "Field must be grouped or aggregated: LastName",
        ),
        (
            "SELECT Id, (SELECT Id FROM Nothings) FROM Contact",
            "INVALID_TYPE",
            (1, 28),
            "Didn't understand relationship",
        ),
        (
            "SELECT Id FROM Contact WHERE CreatedDate = SOMEDAY",
            "MALFORMED_QUERY",
            (1, 44),
            "unexpected token: 'SOMEDAY'",
        ),
    ],
)
async def test_a_wrong_statement_is_quoted_with_a_caret(
    api: httpx.AsyncClient, statement: str, code: str, row_column: tuple[int, int], text: str
) -> None:
    answer = await api.get("/query", params={"q": statement})
    fault = answer.json()[0]
    assert (answer.status_code, fault["errorCode"]) == (400, code)
    row, column = row_column
    assert f"^\nERROR at Row:{row}:Column:{column}\n" in fault["message"]
    assert text in fault["message"]
    quoted, caret = fault["message"].split("\n")[1:3]
    offset = sum(len(line) + 1 for line in statement.split("\n")[: row - 1]) + column - 1
    assert quoted[caret.index("^") :].startswith(statement[offset : offset + 5].replace("\n", " "))


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("SELECT TYPEOF Owner WHEN User THEN Name END FROM Contact", "TYPEOF"),
        ("SELECT Id FROM Contact WITH SECURITY_ENFORCED", "SECURITY_ENFORCED"),
        ("SELECT Id FROM Contact USING SCOPE mine", "MINE"),
        ("SELECT Id FROM Contact FOR UPDATE", "FOR UPDATE"),
        ("SELECT FORMAT(CreatedDate) shown FROM Contact", "FORMAT"),
        ("SELECT COUNT(Id) FROM Contact GROUP BY ROLLUP(LastName)", "ROLLUP"),
        ("SELECT Id FROM Contact WHERE DISTANCE(MailingAddress, GEOLOCATION(1, 2), 'mi') < 20", "DISTANCE"),
    ],
)
async def test_what_the_engine_leaves_out_is_named(api: httpx.AsyncClient, statement: str, named: str) -> None:
    answer = await api.get("/query", params={"q": statement})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (501, "NOT_EMULATED")
    assert named in answer.json()[0]["message"]


async def test_a_path_through_a_field_that_leads_to_several_objects_is_named(org: Org, api: httpx.AsyncClient) -> None:
    both = Field("Whom__c", "Whom", "reference", reference_to=("Account", "User"), relationship="Whom__r", custom=True)
    org.add_fields("Contact", [both])
    answer = await api.get("/query", params={"q": "SELECT Whom__r.Name FROM Contact"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (501, "NOT_EMULATED")
    assert "Contact.Whom__c" in answer.json()[0]["message"]


async def test_an_offset_above_2000_is_out_of_range(api: httpx.AsyncClient) -> None:
    answer = await api.get("/query", params={"q": "SELECT Id FROM Contact LIMIT 1 OFFSET 2001"})
    assert answer.json()[0]["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"
    assert (await api.get("/query")).json()[0]["errorCode"] == "MALFORMED_QUERY"


async def _pages(api: httpx.AsyncClient, statement: str, batch: int | None, path: str = "/query") -> list[list[str]]:
    headers = {} if batch is None else {"Sforce-Query-Options": f"batchSize={batch}"}
    answer = (await api.get(path, params={"q": statement}, headers=headers)).json()
    pages, total = [answer["records"]], answer["totalSize"]
    while not answer["done"]:
        answer = (await api.get(f"http://emulated{answer['nextRecordsUrl']}")).json()
        assert answer["totalSize"] == total
        pages.append(answer["records"])
    assert "nextRecordsUrl" not in answer
    return [[one["LastName"] for one in page] for page in pages]


@pytest.mark.parametrize(
    ("count", "batch", "sizes"),
    [(2001, None, [2000, 1]), (400, 200, [200, 200]), (401, 200, [200, 200, 1]), (200, 200, [200])],
)
async def test_a_large_result_comes_in_pages_without_gap_or_repetition(
    api: httpx.AsyncClient, org: Org, count: int, batch: int | None, sizes: list[int]
) -> None:
    names = [f"L{number:05}" for number in range(count)]
    org.insert_many("Contact", [{"LastName": name} for name in names])
    pages = await _pages(api, "SELECT LastName FROM Contact ORDER BY LastName DESC", batch)
    assert [len(page) for page in pages] == sizes
    assert [name for page in pages for name in page] == names[::-1]


async def test_a_limit_counts_over_all_pages(api: httpx.AsyncClient, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": f"L{number:03}"} for number in range(700)])
    pages = await _pages(api, "SELECT LastName FROM Contact LIMIT 450", 200)
    assert [len(page) for page in pages] == [200, 200, 50]


@pytest.mark.parametrize("gone", [[], [0], [399], [7, 8, 250]])
async def test_deleted_records_leave_no_hole_in_the_pages(api: httpx.AsyncClient, org: Org, gone: list[int]) -> None:
    names = [f"L{number:03}" for number in range(400)]
    ids = org.insert_many("Contact", [{"LastName": name} for name in names])
    for place in gone:
        org.delete("Contact", ids[place])
    left = [name for place, name in enumerate(names) if place not in gone]
    pages = await _pages(api, "SELECT LastName FROM Contact", 200)
    assert pages == [left[:200], left[200:]]


async def test_records_written_while_paging_do_not_shift_the_pages(api: httpx.AsyncClient, org: Org) -> None:
    ids = org.insert_many("Contact", [{"LastName": f"L{number:03}"} for number in range(400)])
    first = (
        await api.get(
            "/query", params={"q": "SELECT Id, Title FROM Contact"}, headers={"Sforce-Query-Options": "batchSize=200"}
        )
    ).json()
    org.insert("Contact", {"LastName": "New"})
    org.update("Contact", ids[250], {"Title": "changed"})
    second = (await api.get(f"http://emulated{first['nextRecordsUrl']}")).json()
    assert [one["Id"] for one in first["records"] + second["records"]] == ids
    assert second["records"][50]["Title"] == "changed"


async def test_two_long_custom_texts_cut_a_page_to_200(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("One__c", "textarea", length=32000)
    add_field("Two__c", "textarea", length=32000)
    org.insert_many("Contact", [{"LastName": "A"}] * 201)
    one = (await api.get("/query", params={"q": "SELECT One__c FROM Contact"})).json()
    two = (await api.get("/query", params={"q": "SELECT One__c, Two__c FROM Contact"})).json()
    assert (len(one["records"]), len(two["records"])) == (201, 200)


@pytest.mark.parametrize("size", ["199", "2001", "many"])
async def test_a_batch_size_out_of_range_is_refused(api: httpx.AsyncClient, size: str) -> None:
    headers = {"Sforce-Query-Options": f"batchSize={size}"}
    assert (await api.get("/query", params={"q": "SELECT Id FROM Contact"}, headers=headers)).status_code == 400


@pytest.mark.parametrize("locator", ["01gEM0000000001AAA-2000", "nonsense"])
async def test_an_unknown_or_forgotten_locator_is_refused(api: httpx.AsyncClient, org: Org, locator: str) -> None:
    answer = await api.get(f"/query/{locator}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


async def test_column_metadata_is_given_as_the_sf_command_wants_it(api: httpx.AsyncClient) -> None:
    params = {"q": "SELECT Id, FirstName, Account.Name FROM Contact", "columns": "true"}
    body = (await api.get("/query", params=params)).json()
    assert [one["columnName"] for one in body["columnMetadata"]] == ["Id", "FirstName", "Account"]
    assert (body["entityName"], body["keyPrefix"], body["idSelected"], body["groupBy"]) == (
        "Contact",
        "003",
        True,
        False,
    )
    names = [[inner["columnName"] for inner in one["joinColumns"]] for one in body["columnMetadata"]]
    assert names == [[], [], ["Name"]]
