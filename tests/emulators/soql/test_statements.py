"""What statements find beyond plain conditions, and what the engine refuses as the real one does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org
from hintsync_emulators.salesforce.schema.model import Field, PickValue

Row = dict[str, object]


async def _records(api: httpx.AsyncClient, statement: str, path: str = "/query") -> list[Row]:
    answer = await api.get(path, params={"q": statement})
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.json()["records"]
    return found


async def _refusal(api: httpx.AsyncClient, statement: str) -> tuple[str, str]:
    answer = await api.get("/query", params={"q": statement})
    assert answer.status_code == 400, answer.text
    fault = answer.json()[0]
    return fault["errorCode"], fault["message"]


@pytest.mark.parametrize(
    ("statement", "code", "text"),
    [
        (
            "SELECT Id FROM Contact WHERE LastName = 'a' OR AccountId IN (SELECT Id FROM Account)",
            "MALFORMED_QUERY",
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 'a' AND (Title = 'b' AND AccountId IN (SELECT Id FROM Account))",
            "MALFORMED_QUERY",
            "only allowed at the top level WHERE expressions",
        ),
        (
            "SELECT Id FROM Contact WHERE (NOT AccountId IN (SELECT Id FROM Account))",
            "MALFORMED_QUERY",
            "only allowed at the top level WHERE expressions",
        ),
        (
            "SELECT Id FROM Contact WHERE Id IN (SELECT ReportsToId FROM Contact)",
            "MALFORMED_QUERY",
            "The inner and outer selects should not be on the same object type",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)",
            "MALFORMED_QUERY",
            "semi join sub-selects can only query id fields, cannot use: 'LastName'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Account.ParentId FROM Contact)",
            "MALFORMED_QUERY",
            "can only query id fields, cannot use: 'Account.ParentId'",
        ),
        (
            "SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)",
            "MALFORMED_QUERY",
            "can only be compared with id fields, cannot use: 'Name'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE OwnerId IN (SELECT Id FROM User))",
            "MALFORMED_QUERY",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact) AND OwnerId IN (SELECT Id FROM User)"
            " AND CreatedById IN (SELECT Id FROM User)",
            "MALFORMED_QUERY",
            "At most 2 semi join",
        ),
        (
            "SELECT MAX(CreatedDate) FROM Contact LIMIT 1",
            "MALFORMED_QUERY",
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        ("SELECT COUNT(), LastName FROM Contact GROUP BY LastName", "MALFORMED_QUERY", "COUNT() must be the only"),
        ("SELECT COUNT(Id) FROM Contact GROUP BY CreatedDate", "MALFORMED_QUERY", "can not be grouped"),
        ("SELECT COUNT(Id) FROM Contact GROUP BY MailingLatitude", "MALFORMED_QUERY", "can not be grouped"),
        ("SELECT COUNT(DoNotCall) FROM Contact", "MALFORMED_QUERY", "does not support aggregate operator COUNT"),
        ("SELECT SUM(LastName) FROM Contact", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        (
            "SELECT LastName, COUNT(Id) FROM Contact GROUP BY LastName HAVING Title = 'x'",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Title",
        ),
        (
            "SELECT LastName, COUNT(Id) FROM Contact GROUP BY LastName ORDER BY Title",
            "MALFORMED_QUERY",
            "Ordered field must be grouped or aggregated: Title",
        ),
        (
            "SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account",
            "MALFORMED_QUERY",
            "only root queries support aggregate expressions",
        ),
        ("SELECT Id, FIELDS(ALL) FROM Contact LIMIT 5", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM Contact WHERE HOUR_IN_DAY(Birthdate) = 1", "INVALID_FIELD", "does not support function"),
        ("SELECT Id FROM Contact WHERE DAY_ONLY(LastName) = TODAY", "INVALID_FIELD", "does not support function"),
        ("SELECT toLabel(LastName) FROM Contact", "INVALID_FIELD", "does not support function toLabel"),
        ("SELECT Id FROM Contact WHERE LastName = :name", "MALFORMED_QUERY", "Bind variables only allowed in Apex"),
        ("SELECT Id FROM Contact ALL ROWS", "MALFORMED_QUERY", "ALL ROWS not allowed in this context"),
        (
            "SELECT Id FROM Contact WHERE Account.Parent.Parent.Parent.Parent.Parent.Name = 'x'",
            "INVALID_FIELD",
            "Didn't understand relationship 'Parent'",
        ),
    ],
)
async def test_a_statement_that_the_real_one_refuses_is_refused(
    api: httpx.AsyncClient, statement: str, code: str, text: str
) -> None:
    found_code, message = await _refusal(api, statement)
    assert (found_code, text in message) == (code, True), message


async def test_two_semi_joins_may_stand_side_by_side(api: httpx.AsyncClient, org: Org) -> None:
    acme, other = org.insert_many("Account", [{"Name": "Acme"}, {"Name": "Other"}])
    org.insert("Contact", {"LastName": "A", "AccountId": acme})
    statement = (
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'A')"
        " AND OwnerId NOT IN (SELECT Id FROM User WHERE LastName = 'nobody')"
    )
    assert [one["Id"] for one in await _records(api, statement)] == [acme]
    anti = await _records(api, "SELECT Id FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact)")
    assert [one["Id"] for one in anti] == [other]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("DAY_IN_WEEK(CreatedDate) = 7", True),
        ("WEEK_IN_MONTH(CreatedDate) = 3", True),
        ("WEEK_IN_YEAR(CreatedDate) = 33", True),
        ("DAY_IN_YEAR(CreatedDate) = 227", True),
        ("DAY_IN_MONTH(CreatedDate) = 15", True),
        ("CALENDAR_MONTH(CreatedDate) = 8 AND CALENDAR_QUARTER(CreatedDate) = 3", True),
        ("FISCAL_YEAR(CreatedDate) = 2026 AND FISCAL_QUARTER(CreatedDate) = 3", True),
        ("HOUR_IN_DAY(convertTimezone(CreatedDate)) = 23", True),
        ("DAY_ONLY(CreatedDate) IN (2026-08-15, TODAY)", True),
        ("CreatedDate = THIS_FISCAL_QUARTER", True),
        ("CreatedDate = THIS_FISCAL_YEAR", True),
        ("CreatedDate = LAST_N_FISCAL_QUARTERS:2", False),
        ("CreatedDate = N_FISCAL_YEARS_AGO:0", True),
        ("CreatedDate = THIS_WEEK", True),
        ("CreatedDate = NEXT_WEEK", False),
        ("CreatedDate < TOMORROW", True),
        ("CreatedDate > YESTERDAY AND CreatedDate != TOMORROW", True),
        ("CreatedDate = LAST_90_DAYS", True),
    ],
)
async def test_dates_are_taken_apart(
    api: httpx.AsyncClient, org: Org, clock: ManualClock, condition: str, holds: bool
) -> None:
    clock.set(datetime(2026, 8, 15, 23, 59, 59, tzinfo=UTC))
    org.insert("Contact", {"LastName": "A"})
    assert len(await _records(api, f"SELECT Id FROM Contact WHERE {condition}")) == int(holds)


async def test_picklists_sort_by_the_order_of_their_values(api: httpx.AsyncClient, org: Org) -> None:
    salutations = ["Dr.", "Mr.", None, "Zunft", "Mx.", "Ms."]
    org.insert_many("Contact", [{"LastName": "A", "Salutation": one} for one in salutations])
    ordered = await _records(api, "SELECT Salutation FROM Contact ORDER BY Salutation NULLS LAST")
    assert [one["Salutation"] for one in ordered] == ["Mr.", "Ms.", "Dr.", "Mx.", "Zunft", None]
    edges = await _records(api, "SELECT MIN(Salutation) low, MAX(Salutation) high FROM Contact")
    assert (edges[0]["low"], edges[0]["high"]) == ("Mr.", "Zunft")


async def test_labels_are_shown_instead_of_values(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    values = (PickValue("n", "North"), PickValue("s", "South"))
    add_field("Side__c", "picklist", values=values, length=255)
    org.insert("Contact", {"LastName": "A", "Side__c": "s"})
    assert (await _records(api, "SELECT toLabel(Side__c) FROM Contact"))[0]["Side__c"] == "South"
    both = (await _records(api, "SELECT Side__c, toLabel(Side__c) shown FROM Contact"))[0]
    assert (both["Side__c"], both["shown"]) == ("s", "South")


async def test_groups_ignore_case_and_count_distinct_values_so(api: httpx.AsyncClient, org: Org) -> None:
    names = ["Élan", "élan", "ÉLAN", "adams", "Adams", "b"]
    org.insert_many("Contact", [{"LastName": name} for name in names])
    grouped = await _records(api, "SELECT LastName, COUNT(Id) n FROM Contact GROUP BY LastName")
    counts = {str(one["LastName"]).lower(): one["n"] for one in grouped}
    assert counts == {"élan": 3, "adams": 2, "b": 1}
    distinct = await _records(api, "SELECT COUNT_DISTINCT(LastName) FROM Contact")
    assert distinct[0]["expr0"] == 3


async def test_custom_relationships_are_walked_in_both_directions(api: httpx.AsyncClient, org: Org) -> None:
    org.add_fields(
        "Contact",
        [
            Field(
                "Clinic__c",
                "Clinic",
                "reference",
                custom=True,
                reference_to=("Account",),
                relationship="Clinic__r",
                child_relationship="Patients__r",
            )
        ],
    )
    top = org.insert("Account", {"Name": "Top"})
    clinic = org.insert("Account", {"Name": "Clinic", "ParentId": top})
    org.insert_many("Contact", [{"LastName": name, "Clinic__c": clinic} for name in ("B", "A", "C")])
    up = await _records(api, "SELECT Clinic__r.Parent.Name FROM Contact WHERE clinic__r.parent.name = 'top' LIMIT 1")
    assert up[0]["Clinic__r"]["Parent"]["Name"] == "Top"  # type: ignore[index]
    down = await _records(
        api, "SELECT Id, (SELECT LastName FROM Patients__r ORDER BY LastName LIMIT 2 OFFSET 1) FROM Account"
    )
    assert down[0]["Patients__r"] is None
    assert [one["LastName"] for one in down[1]["Patients__r"]["records"]] == ["B", "C"]  # type: ignore[index]


async def test_fields_of_all_kinds_may_be_bounded_by_a_list_of_ids(api: httpx.AsyncClient, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "A"})
    found = await _records(api, f"SELECT FIELDS(ALL) FROM Contact WHERE Id IN ('{contact}')")
    assert found[0]["LastName"] == "A"


async def test_a_locator_is_only_good_for_whom_it_was_given_and_for_two_days(
    api: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    org.insert_many("Contact", [{"LastName": f"L{number}"} for number in range(401)])
    statement, options = "SELECT Id FROM Contact", {"Sforce-Query-Options": "batchSize=200"}
    first = (await api.get("/query", params={"q": statement}, headers=options)).json()
    url = f"http://emulated{first['nextRecordsUrl']}"
    assert (await api.get(url)).status_code == 200
    other = org.auth.issue("005000000000000AAA", "").token
    foreign = await api.get(url, headers={"Authorization": f"Bearer {other}"})
    assert (foreign.status_code, foreign.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")
    clock.advance(2 * 86_400 + 1)
    late = await api.get(url)
    assert (late.status_code, late.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


async def test_column_metadata_nests_parents_and_nested_statements(api: httpx.AsyncClient) -> None:
    statement = "SELECT Id, Parent.Parent.Name, (SELECT LastName FROM Contacts) FROM Account"
    body = (await api.get("/query", params={"q": statement, "columns": "true"})).json()
    own, parent, child = body["columnMetadata"]
    assert (own["columnName"], own["joinColumns"], own["aggregate"]) == ("Id", [], False)
    assert parent["columnName"] == "Parent"
    assert parent["joinColumns"][0]["joinColumns"][0]["columnName"] == "Name"
    assert (child["columnName"], child["aggregate"]) == ("Contacts", True)
    assert [one["columnName"] for one in child["joinColumns"]] == ["LastName"]


async def test_column_metadata_of_functions_names_alias_and_function(api: httpx.AsyncClient) -> None:
    statement = "SELECT LastName, COUNT(Id), MAX(CreatedDate) last FROM Contact GROUP BY LastName"
    body = (await api.get("/query", params={"q": statement, "columns": "true"})).json()
    shown = [(one["columnName"], one["displayName"], one["aggregate"]) for one in body["columnMetadata"]]
    assert shown == [
        ("LastName", "LastName", False),
        ("expr0", "COUNT(Id)", True),
        ("last", "MAX(CreatedDate)", True),
    ]
