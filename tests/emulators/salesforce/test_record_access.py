"""What one user may do with records, as `UserRecordAccess` tells it."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org

READS = "HasReadAccess, HasEditAccess, MaxAccessLevel"


def _user(org: Org, name: str) -> str:
    """Create a user without any right but those of the standard profile."""
    (profile,) = [row["Id"] for row in org.rows("Profile") if row["Name"] == "Standard User"]
    names = {"LastName": name, "Username": f"{name}@example.org", "Email": f"{name}@example.org", "ProfileId": profile}
    return org.insert("User", names)


async def _ask(api: httpx.AsyncClient, user_id: str, *record_ids: str, fields: str = READS) -> list[dict[str, object]]:
    listed = ", ".join(f"'{each}'" for each in record_ids)
    where = f"UserId = '{user_id}' AND RecordId IN ({listed})"
    answer = await api.get("/query", params={"q": f"SELECT RecordId, {fields} FROM UserRecordAccess WHERE {where}"})
    assert answer.status_code == 200, answer.text
    return [{k: v for k, v in row.items() if k != "attributes"} for row in answer.json()["records"]]


@pytest.mark.parametrize(
    ("setting", "read", "edit", "most"),
    [("private", False, False, "None"), ("read", True, False, "Read"), ("edit", True, True, "Edit")],
)
async def test_who_does_not_own_a_record_may_do_with_it_what_the_sharing_setting_says(
    api: httpx.AsyncClient, outside: httpx.AsyncClient, org: Org, setting: str, read: bool, edit: bool, most: str
) -> None:
    contact, user = org.insert("Contact", {"LastName": "Brightwater"}), _user(org, "tolliver")
    await outside.put("/_control/sharing", json={"Contact": setting})
    expected = {"RecordId": contact, "HasReadAccess": read, "HasEditAccess": edit, "MaxAccessLevel": most}
    assert await _ask(api, user, contact) == [expected]


async def test_owners_and_administrators_may_do_everything(
    api: httpx.AsyncClient, outside: httpx.AsyncClient, org: Org
) -> None:
    user = _user(org, "tolliver")
    contact = org.insert("Contact", {"LastName": "Brightwater", "OwnerId": user})
    await outside.put("/_control/sharing", json={"Contact": "private"})
    for each in (user, org.user_id):
        assert (await _ask(api, each, contact, fields="MaxAccessLevel"))[0]["MaxAccessLevel"] == "All"


async def test_somebody_who_was_deactivated_may_do_nothing(api: httpx.AsyncClient, org: Org) -> None:
    contact, user = org.insert("Contact", {"LastName": "Brightwater"}), _user(org, "tolliver")
    org.update("User", user, {"IsActive": False})
    assert (await _ask(api, user, contact, fields="HasReadAccess"))[0]["HasReadAccess"] is False


async def test_records_that_are_gone_are_not_in_the_answer(api: httpx.AsyncClient, org: Org) -> None:
    there, gone = org.insert("Contact", {"LastName": "A"}), org.insert("Contact", {"LastName": "B"})
    org.delete("Contact", gone)
    found = await _ask(api, org.user_id, there, gone, "003000000000001AAA", fields="HasReadAccess")
    assert [row["RecordId"] for row in found] == [there]


async def test_records_that_the_asker_may_not_read_are_not_in_the_answer(outside: httpx.AsyncClient, org: Org) -> None:
    contact, user = org.insert("Contact", {"LastName": "Brightwater"}), _user(org, "tolliver")
    await outside.put("/_control/sharing", json={"Contact": "private"})
    token = org.auth.issue(user, "").token
    statement = f"SELECT RecordId FROM UserRecordAccess WHERE UserId = '{org.user_id}' AND RecordId = '{contact}'"
    headers = {"Authorization": f"Bearer {token}"}
    answer = await outside.get("/services/data/v67.0/query", params={"q": statement}, headers=headers)
    assert answer.json()["records"] == []


async def test_a_level_that_is_filtered_by_leaves_the_others_out(api: httpx.AsyncClient, org: Org) -> None:
    contact, user = org.insert("Contact", {"LastName": "Brightwater"}), _user(org, "tolliver")
    org.sharing["Contact"] = "read"
    statement = f"SELECT RecordId FROM UserRecordAccess WHERE UserId = '{user}' AND RecordId = '{contact}' AND "
    for condition, count in (("HasReadAccess = true", 1), ("HasEditAccess = true", 0)):
        answer = await api.get("/query", params={"q": statement + condition})
        assert answer.json()["totalSize"] == count


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("SELECT HasReadAccess FROM UserRecordAccess WHERE UserId = '{u}' AND RecordId = '{c}'", "MALFORMED_QUERY"),
        ("SELECT RecordId FROM UserRecordAccess WHERE UserId = '{u}'", "MALFORMED_QUERY"),
        ("SELECT RecordId FROM UserRecordAccess WHERE RecordId = '{c}'", "MALFORMED_QUERY"),
        ("SELECT RecordId FROM UserRecordAccess WHERE UserId = '{u}' OR RecordId = '{c}'", "MALFORMED_QUERY"),
        ("SELECT RecordId, UserId FROM UserRecordAccess WHERE UserId = '{u}' AND RecordId = '{c}'", "INVALID_FIELD"),
        (
            "SELECT RecordId, HasEditAccess FROM UserRecordAccess"
            " WHERE UserId = '{u}' AND RecordId = '{c}' AND HasReadAccess = true",
            "MALFORMED_QUERY",
        ),
    ],
)
async def test_a_statement_against_the_rules_of_the_object_is_refused(
    api: httpx.AsyncClient, org: Org, rest: str, code: str
) -> None:
    contact = org.insert("Contact", {"LastName": "Brightwater"})
    answer = await api.get("/query", params={"q": rest.format(u=org.user_id, c=contact)})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code


async def test_more_than_two_hundred_records_are_refused(api: httpx.AsyncClient, org: Org) -> None:
    ids = org.insert_many("Contact", [{"LastName": f"Moor{number}"} for number in range(201)])
    listed = ", ".join(f"'{each}'" for each in ids)
    statement = f"SELECT RecordId FROM UserRecordAccess WHERE UserId = '{org.user_id}' AND RecordId IN ({listed})"
    assert (await api.get("/query", params={"q": statement})).json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


async def test_a_sharing_setting_that_is_none_is_refused(outside: httpx.AsyncClient) -> None:
    for body in ({"Contact": "hidden"}, {"Nothing": "private"}, {"User": "private"}):
        assert (await outside.put("/_control/sharing", json=body)).status_code == 400
    assert (await outside.get("/_control/sharing")).json() == {"Contact": "edit"}
