"""What administrators and other users do to a write: rules, flows, locks, late commits, merges, places."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import DuplicateRule, ManualClock, Org

ADA = {"LastName": "Lovelace", "FirstName": "Ada", "Email": "ada@example.org"}


async def test_a_validation_rule_refuses_with_its_own_text(api: httpx.AsyncClient, org: Org) -> None:
    org.add_validation_rule("Contact", lambda row: row["Title"] == "King", "No kings here", "Title")
    answer = await api.post("/sobjects/Contact", json={**ADA, "Title": "King"})
    expected = {"message": "No kings here", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Title"]}
    assert (answer.status_code, answer.json()) == (400, [expected])
    record_id = org.insert("Contact", ADA)
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "King"})).status_code == 400
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Dr"})).status_code == 204


async def test_a_duplicate_rule_answers_with_the_misspelt_key(api: httpx.AsyncClient, org: Org) -> None:
    record_id = org.insert("Contact", ADA)
    org.add_duplicate_rule(DuplicateRule("Contact"))
    answer = await api.post("/sobjects/Contact", json=ADA)
    fault = answer.json()[0]
    assert (answer.status_code, fault["errorCode"]) == (400, "DUPLICATES_DETECTED")
    result = fault["duplicateResut"]
    assert (result["allowSave"], result["duplicateRule"]) == (True, "Standard_Contact_Duplicate_Rule")
    record = result["matchResults"][0]["matchRecords"][0]
    assert (record["record"]["Id"], record["matchConfidence"]) == (record_id, 100.0)


@pytest.mark.parametrize(("allow_save", "status"), [(True, 201), (False, 400)])
async def test_allow_save_passes_an_alerting_rule_but_not_a_blocking_one(
    api: httpx.AsyncClient, org: Org, allow_save: bool, status: int
) -> None:
    org.insert("Contact", ADA)
    org.add_duplicate_rule(DuplicateRule("Contact", allow_save=allow_save))
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
    assert (await api.post("/sobjects/Contact", json=ADA, headers=header)).status_code == status


async def test_a_record_with_a_blank_is_no_duplicate(api: httpx.AsyncClient, org: Org) -> None:
    org.insert("Contact", {"LastName": "Lovelace"})
    org.add_duplicate_rule(DuplicateRule("Contact"))
    assert (await api.post("/sobjects/Contact", json={"LastName": "Lovelace"})).status_code == 201


async def test_a_held_row_refuses_writes_so_many_times(api: httpx.AsyncClient, org: Org) -> None:
    record_id = org.insert("Contact", ADA)
    org.lock(record_id[:15], times=1)
    answer = await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Dr"})
    text = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
    assert answer.json() == [{"message": text, "errorCode": "UNABLE_TO_LOCK_ROW"}]
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Dr"})).status_code == 204


async def test_a_held_account_refuses_new_contacts_until_it_is_released(api: httpx.AsyncClient, org: Org) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    org.lock(account)
    record = {**ADA, "AccountId": account}
    for _ in range(2):
        assert (await api.post("/sobjects/Contact", json=record)).json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    org.unlock(account)
    assert (await api.post("/sobjects/Contact", json=record)).status_code == 201


async def test_a_flow_edits_a_field_in_the_same_transaction(api: httpx.AsyncClient, org: Org) -> None:
    org.add_automation(
        "Contact", lambda new, old: {"Title": f"{new['FirstName']}!", "Department": "old" if old else "new"}
    )
    record_id = (await api.post("/sobjects/Contact", json=ADA)).json()["id"]
    assert (org.get("Contact", record_id)["Title"], org.get("Contact", record_id)["Department"]) == ("Ada!", "new")
    await api.patch(f"/sobjects/Contact/{record_id}", json={"FirstName": "Augusta"})
    assert (org.get("Contact", record_id)["Title"], org.get("Contact", record_id)["Department"]) == ("Augusta!", "old")


async def test_a_late_write_carries_the_stamp_of_its_beginning(
    api: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    record_id = org.insert("Contact", ADA)
    clock.advance(60)
    late = org.begin_late("Contact", record_id, {"Title": "Late"})
    clock.advance(60)
    org.insert("Contact", {"LastName": "Early"})
    statement = "SELECT LastName FROM Contact WHERE SystemModstamp > 2026-03-02T09:00:00Z"
    before = (await api.get("/query", params={"q": statement})).json()["records"]
    assert [one["LastName"] for one in before] == ["Early"]
    assert late.commit() == record_id
    assert org.get("Contact", record_id)["SystemModstamp"] == "2026-03-02T09:01:00.000+0000"
    assert (await api.get("/query", params={"q": statement})).json()["totalSize"] == 2


async def test_a_merge_deletes_the_loser_names_its_master_and_moves_what_hung_on_it(
    api: httpx.AsyncClient, org: Org
) -> None:
    master, loser = org.insert_many("Contact", [ADA, ADA])
    child = org.insert("Contact", {"LastName": "Child", "ReportsToId": loser})
    org.merge("Contact", master, [loser])
    statement = f"SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE Id = '{loser}'"
    assert (await api.get("/query", params={"q": statement})).json()["totalSize"] == 0
    found = (await api.get("/queryAll", params={"q": statement})).json()["records"][0]
    assert (found["IsDeleted"], found["MasterRecordId"]) == (True, master)
    assert org.get("Contact", child)["ReportsToId"] == master


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"MailingCountryCode": "US", "MailingStateCode": "TX"}, ("United States", "US", "Texas", "TX")),
        ({"MailingCountry": "United States", "MailingState": "texas"}, ("United States", "US", "Texas", "TX")),
        ({"MailingCountryCode": "DE"}, ("Germany", "DE", None, None)),
        ({}, (None, None, None, None)),
    ],
)
async def test_codes_and_labels_of_places_imply_each_other(
    api: httpx.AsyncClient, org: Org, given: dict[str, str], kept: tuple[object, ...]
) -> None:
    org.enable("StateAndCountryPicklists")
    record_id = (await api.post("/sobjects/Contact", json={**ADA, **given})).json()["id"]
    row = org.get("Contact", record_id)
    names = ("MailingCountry", "MailingCountryCode", "MailingState", "MailingStateCode")
    assert tuple(row[name] for name in names) == kept


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"MailingCountry": "US"}, "FIELD_INTEGRITY_EXCEPTION", "MailingCountry"),
        ({"MailingCountryCode": "US", "MailingState": "TX"}, "FIELD_INTEGRITY_EXCEPTION", "MailingState"),
        ({"MailingState": "Texas"}, "FIELD_INTEGRITY_EXCEPTION", "MailingState"),
        ({"MailingCountryCode": "CA", "MailingStateCode": "TX"}, "FIELD_INTEGRITY_EXCEPTION", "MailingStateCode"),
        ({"MailingCountryCode": "XX"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "MailingCountryCode"),
    ],
)
async def test_a_place_that_is_in_no_list_is_refused(
    api: httpx.AsyncClient, org: Org, given: dict[str, str], code: str, field: str
) -> None:
    org.enable("StateAndCountryPicklists")
    fault = (await api.post("/sobjects/Contact", json={**ADA, **given})).json()[0]
    assert (fault["errorCode"], fault["fields"]) == (code, [field])


async def test_without_the_picklists_any_text_is_a_state(api: httpx.AsyncClient, org: Org) -> None:
    record_id = (await api.post("/sobjects/Contact", json={**ADA, "MailingState": "Ruritania"})).json()["id"]
    assert org.get("Contact", record_id)["MailingState"] == "Ruritania"


async def test_a_contact_of_a_person_account_cannot_be_written_by_itself(api: httpx.AsyncClient, org: Org) -> None:
    org.enable("PersonAccounts")
    account_id, contact_id = org.insert_person(ADA)
    statement = "SELECT Name, IsPersonAccount, PersonContactId FROM Account"
    found = (await api.get("/query", params={"q": statement})).json()["records"][0]
    assert (found["Name"], found["IsPersonAccount"], found["PersonContactId"]) == ("Ada Lovelace", True, contact_id)
    contact = (await api.get(f"/sobjects/Contact/{contact_id}")).json()
    assert (contact["IsPersonAccount"], contact["AccountId"]) == (True, account_id)
    answer = await api.patch(f"/sobjects/Contact/{contact_id}", json={"Title": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


async def test_a_held_account_refuses_changes_to_its_contacts_too(api: httpx.AsyncClient, org: Org) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    record_id = org.insert("Contact", {**ADA, "AccountId": account})
    org.lock(account, times=1)
    answer = await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "x"})
    assert answer.json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "x"})).status_code == 204
