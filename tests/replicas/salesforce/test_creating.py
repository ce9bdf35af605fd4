from __future__ import annotations

import dataclasses

import pytest

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.ports import (
    Bookkeeping,
    CreateAnswer,
    Created,
    CreateRefused,
    CreateUnknown,
    Draft,
    DuplicateRule,
    KeyTaken,
)
from hintsync_emulators.salesforce import DuplicateRule as Rule
from tests.replicas.salesforce.office import Office

ADA = Draft("pat-1", {"first_name": "Ada", "last_name": "Okafor", "email": "ada@example.org"})
BEN = Draft("pat-2", {"first_name": "Ben", "last_name": "Castellano"})


async def _one(office: Office, draft: Draft) -> CreateAnswer:
    (answer,) = await office.replica.create([draft])
    return answer


async def test_a_contact_is_created_with_key_account_defaults_and_marks(office: Office) -> None:
    account = office.org.insert("Account", {"Name": "Default"})
    marks = Bookkeeping(marked=True, batch_id="run-1")
    draft = dataclasses.replace(ADA, account_id=account, defaults={"LeadSource": "Hint"}, bookkeeping=marks)
    answer = await _one(office, draft)
    assert isinstance(answer, Created)
    stored = office.org.get("Contact", answer.record_id)
    assert (stored["Hint_Patient_Id__c"], stored["AccountId"], stored["LeadSource"]) == ("pat-1", account, "Hint")
    assert (stored["Synced_to_Hint__c"], stored["Hint_Last_Batch_Sync_Id__c"]) == (True, "run-1")
    assert (stored["FirstName"], stored["Email"]) == ("Ada", "ada@example.org")


async def test_many_are_created_200_a_call_and_answered_in_order(office: Office) -> None:
    drafts = [Draft(f"pat-{n}", {"last_name": f"Okafor {n}"}) for n in range(450)]
    await office.replica.prepare()
    office.faults.counts.clear()
    answers = await office.replica.create(drafts)
    assert [answer.key for answer in answers] == [draft.key for draft in drafts]
    assert all(isinstance(answer, Created) for answer in answers)
    assert office.faults.counts == {"collections.create": 3}


@pytest.mark.parametrize("others", [[], [BEN]])
async def test_a_taken_key_names_its_holder_and_overwrites_nothing(office: Office, others: list[Draft]) -> None:
    holder = office.contact(Hint_Patient_Id__c="pat-1", FirstName="Adaeze")
    answers = await office.replica.create([ADA, *others])
    assert answers[0] == KeyTaken("pat-1", holder)
    assert office.org.get("Contact", holder)["FirstName"] == "Adaeze"


@pytest.mark.parametrize("others", [[], [BEN]])
async def test_l12_a_duplicate_rule_names_the_records_in_its_way(office: Office, others: list[Draft]) -> None:
    office.org.add_duplicate_rule(Rule("Contact"))
    there = office.contact(Email="ada@example.org")
    answers = await office.replica.create([ADA, *others])
    assert answers[0] == DuplicateRule("pat-1", (there,), may_be_allowed=True)
    assert office.org.count("Contact") == 1 + len(others)


async def test_l12_a_person_may_allow_the_duplicate(office: Office) -> None:
    office.org.add_duplicate_rule(Rule("Contact"))
    office.contact(Email="ada@example.org")
    answers = await office.replica.create([BEN, dataclasses.replace(ADA, allow_duplicate=True)])
    assert [type(answer) for answer in answers] == [Created, Created]


async def test_l12_a_rule_that_blocks_cannot_be_allowed_away(office: Office) -> None:
    office.org.add_duplicate_rule(Rule("Contact", allow_save=False))
    there = office.contact(Email="ada@example.org")
    answer = await _one(office, dataclasses.replace(ADA, allow_duplicate=True))
    assert answer == DuplicateRule("pat-1", (there,), may_be_allowed=False)


async def test_a_collection_that_does_not_name_the_duplicates_is_followed_by_a_single_insert(office: Office) -> None:
    office.org.add_duplicate_rule(Rule("Contact"))
    there = office.contact(Email="ada@example.org")
    bare = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    row = {"success": False, "errors": [bare]}
    office.fail(200, [row, {"id": "0030000000000zzAAA", "success": True, "errors": []}], match="/composite/sobjects")
    answers = await office.replica.create([ADA, BEN])
    assert answers[0] == DuplicateRule("pat-1", (there,), may_be_allowed=True)


@pytest.mark.parametrize("others", [[], [BEN]])
async def test_a_refusal_names_its_fields_canonically(office: Office, others: list[Draft]) -> None:
    bad = Draft("pat-3", {"last_name": "x" * 81, "email": "ok@example.org"})
    answers = await office.replica.create([bad, *others])
    assert answers[0] == CreateRefused("pat-3", "STRING_TOO_LONG", frozenset({"last_name"}))
    assert "xxx" not in repr(answers[0])


async def test_a_draft_with_a_field_the_org_lacks_does_not_spoil_the_others(office: Office) -> None:
    wrong = dataclasses.replace(ADA, defaults={"Nope__c": "x"})
    lacking = Draft("pat-4", {"last_name": "Okafor", "middle_name": "May"})
    answers = await office.replica.create([wrong, BEN, lacking])
    assert answers[0] == CreateRefused("pat-1", "FIELD_NOT_WRITABLE")
    assert isinstance(answers[1], Created)
    assert answers[2] == CreateRefused("pat-4", "FIELD_NOT_WRITABLE", frozenset({"middle_name"}))


@pytest.mark.parametrize("drafts", [[ADA], [ADA, BEN]])
@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_lost_reply_is_never_followed_by_a_second_create(
    office: Office, drafts: list[Draft], carried_out: bool
) -> None:
    await office.replica.prepare()
    office.faults.counts.clear()
    office.lose(match="^POST ", carried_out=carried_out)
    assert await office.replica.create(drafts) == [CreateUnknown(draft.key) for draft in drafts]
    assert office.faults.total == 1
    assert office.org.count("Contact") == (len(drafts) if carried_out else 0)
    assert set(await office.replica.find_by_key([draft.key for draft in drafts])) == (
        {draft.key for draft in drafts} if carried_out else set()
    )


async def test_a_create_that_met_a_lock_is_repeated_and_then_left_to_a_look_up(office: Office) -> None:
    account = office.org.insert("Account", {"Name": "Default"})
    drafts = [dataclasses.replace(each, account_id=account) for each in (ADA, BEN)]
    office.org.lock(account, times=2)
    assert [type(answer) for answer in await office.replica.create(drafts)] == [Created, Created]
    office.org.lock(account)
    third = dataclasses.replace(ADA, key="pat-3", account_id=account)
    assert await _one(office, third) == CreateUnknown("pat-3")


async def test_an_org_that_is_away_is_left_for_later(office: Office) -> None:
    office.fail(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": ""}], match="^POST ", times=99)
    with pytest.raises(RetryLater):
        await _one(office, ADA)
    assert office.org.count("Contact") == 0


async def test_without_the_external_id_field_nothing_is_created() -> None:
    office = Office()
    with pytest.raises(FixConfiguration, match="Hint_Patient_Id__c"):
        await _one(office, ADA)
    assert office.org.count("Contact") == 0
    await office.aclose()
