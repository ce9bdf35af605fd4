from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

import pytest
from starlette.types import Receive, Scope, Send

from hintsync.core.errors import BudgetSpent, FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.core.values import Canonical
from hintsync.ports import Bookkeeping, Gone, Later, Moved, Refused, Unknown, Update, WriteAnswer, WriteMode, Written
from tests.replicas.salesforce.office import Office

MODES = [WriteMode.LIVE, WriteMode.BATCH]
PATHS = {WriteMode.LIVE: "/composite$", WriteMode.BATCH: "/composite/sobjects$"}


async def _update(office: Office, record_id: str, **values: Canonical) -> Update:
    """Return an update that was decided on what the org shows now; a minute passes."""
    seen = await office.read(record_id)
    office.clock.elapsed += 60
    return Update(record_id, values, seen)


async def _one(office: Office, update: Update, mode: WriteMode) -> WriteAnswer:
    (answer,) = await office.replica.update([update], mode)
    return answer


def _answers(answers: Sequence[WriteAnswer], kind: type) -> int:
    return sum(isinstance(answer, kind) for answer in answers)


@pytest.mark.parametrize("mode", MODES)
async def test_an_update_writes_the_named_fields_and_clears(office: Office, mode: WriteMode) -> None:
    record_id = office.contact(Email="ada@example.org", MailingCity="Reno")
    update = await _update(office, record_id, city="Elko", email=None)
    stamps = Bookkeeping(peer_id="pat-1", marked=True, batch_id="run-1", batch_outcome="linked", batch_reason="")
    assert await _one(office, dataclasses.replace(update, bookkeeping=stamps), mode) == Written(record_id)
    stored = office.org.get("Contact", record_id)
    assert (stored["MailingCity"], stored["Email"], stored["FirstName"]) == ("Elko", None, "Ada")
    assert (stored["Hint_Patient_Id__c"], stored["Synced_to_Hint__c"]) == ("pat-1", True)
    assert (stored["Hint_Last_Batch_Outcome__c"], stored["Hint_Last_Batch_Reason__c"]) == ("linked", None)


@pytest.mark.parametrize("mode", MODES)
async def test_bookkeeping_can_be_emptied(office: Office, mode: WriteMode) -> None:
    record_id = office.contact(Hint_Patient_Id__c="pat-1", Synced_to_Hint__c=True)
    await _one(office, Update(record_id, {}, None, Bookkeeping(peer_id="", marked=False)), mode)
    stored = office.org.get("Contact", record_id)
    assert (stored["Hint_Patient_Id__c"], stored["Synced_to_Hint__c"]) == (None, False)


async def test_a_live_write_to_a_contact_that_moved_is_not_carried_out(office: Office) -> None:
    record_id = office.contact()
    update = await _update(office, record_id, city="Elko")
    office.org.update("Contact", record_id, {"MailingCity": "Fallon"})
    assert await _one(office, update, WriteMode.LIVE) == Moved(record_id)
    assert office.org.get("Contact", record_id)["MailingCity"] == "Fallon"


async def test_pure_bookkeeping_is_written_though_the_contact_moved(office: Office) -> None:
    record_id = office.contact()
    office.clock.elapsed += 60
    office.org.update("Contact", record_id, {"MailingCity": "Fallon"})
    assert await _one(office, Update(record_id, {}, None, Bookkeeping(marked=True)), WriteMode.LIVE) == Written(
        record_id
    )


async def test_live_writes_go_25_a_call_and_batch_writes_200(office: Office) -> None:
    ids = office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(450)))
    updates = [Update(each, {"city": "Elko"}, None) for each in ids]
    await office.replica.prepare()
    office.faults.counts.clear()
    assert _answers(await office.replica.update(updates[:60], WriteMode.LIVE), Written) == 60
    assert _answers(await office.replica.update(updates, WriteMode.BATCH), Written) == 450
    assert office.faults.counts == {"composite": 3, "collections.update": 3}


def _watch(office: Office) -> list[int]:
    """Return a list that will hold how many calls ran together, at the start of each."""
    inner, running, seen = office.app.app, [0], list[int]()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        running[0] += 1
        seen.append(running[0])
        await asyncio.sleep(0)
        await inner(scope, receive, send)
        running[0] -= 1

    office.app.app = watched
    return seen


@pytest.mark.parametrize("shared", [True, False])
async def test_contacts_of_one_account_are_never_written_by_two_calls_at_a_time(office: Office, shared: bool) -> None:
    account = office.org.insert("Account", {"Name": "Default"}) if shared else None
    ids = office.org.insert_many("Contact", ({"LastName": f"N{n}", "AccountId": account} for n in range(60)))
    seen = await office.replica.read(ids)
    together = _watch(office)
    answers = await office.replica.update([Update(each, {"city": "Elko"}, seen[each]) for each in ids], WriteMode.LIVE)
    assert answers == [Written(each) for each in ids]
    assert (len(together), max(together)) == (3, 1 if shared else 3)


@pytest.mark.parametrize("mode", MODES)
async def test_a_row_that_met_a_lock_is_sent_again_alone(office: Office, mode: WriteMode) -> None:
    ids = [office.contact(LastName=f"Okafor {n}") for n in range(3)]
    updates = [await _update(office, each, city="Elko") for each in ids]
    office.org.lock(ids[1], times=2)
    office.clock.slept.clear()
    assert await office.replica.update(updates, mode) == [Written(each) for each in ids]
    assert len(office.clock.slept) == 2


@pytest.mark.parametrize("mode", MODES)
async def test_a_row_that_stays_locked_is_left_for_later(office: Office, mode: WriteMode) -> None:
    first, locked = office.contact(), office.contact()
    updates = [Update(each, {"city": "Elko"}, None) for each in (first, locked)]
    office.org.lock(locked)
    assert await office.replica.update(updates, mode) == [Written(first), Later(locked, "UNABLE_TO_LOCK_ROW")]


@pytest.mark.parametrize("mode", MODES)
async def test_deleted_and_unknown_contacts_are_gone(office: Office, mode: WriteMode) -> None:
    deleted, unknown = office.contact(), "0030000000000zzAAA"
    office.org.delete("Contact", deleted)
    updates = [Update(each, {"city": "Elko"}, None) for each in (deleted, unknown, "no id")]
    assert await office.replica.update(updates, mode) == [Gone(deleted), Gone(unknown), Gone("no id")]


@pytest.mark.parametrize("mode", MODES)
async def test_f8_a_refusal_names_its_field_canonically_and_the_text_is_shown_once(
    office: Office, mode: WriteMode
) -> None:
    record_id = office.contact()
    answer = await _one(office, Update(record_id, {"email": "no address", "city": "Elko"}, None), mode)
    assert answer == Refused(record_id, "INVALID_EMAIL_ADDRESS", frozenset({"email"}))
    assert isinstance(answer, Refused)
    assert answer.shown_once
    assert "no address" not in repr(answer)


@pytest.mark.parametrize("mode", MODES)
async def test_f9_a_refusal_that_names_no_field_is_about_the_record(office: Office, mode: WriteMode) -> None:
    office.org.add_validation_rule("Contact", lambda record: record.get("MailingCity") == "Elko", "Not Elko")
    record_id = office.contact()
    answer = await _one(office, Update(record_id, {"city": "Elko"}, None), mode)
    assert answer == Refused(record_id, "FIELD_CUSTOM_VALIDATION_EXCEPTION")


@pytest.mark.parametrize("mode", MODES)
async def test_f8_state_goes_with_country(mode: WriteMode) -> None:
    office = Office(features=["StateAndCountryPicklists"])
    await office.deploy()
    record_id = office.contact(MailingCountryCode="US")
    answer = await _one(office, Update(record_id, {"state": "Atlantis"}, None), mode)
    assert isinstance(answer, Refused)
    assert answer.fields == {"state", "country"}
    await office.aclose()


@pytest.mark.parametrize("mode", MODES)
async def test_f8_a_field_that_the_org_lacks_is_refused_without_a_call(office: Office, mode: WriteMode) -> None:
    record_id = office.contact()
    await office.replica.prepare()
    office.faults.counts.clear()
    answer = await _one(office, Update(record_id, {"middle_name": "May"}, None), mode)
    assert answer == Refused(record_id, "FIELD_NOT_WRITABLE", frozenset({"middle_name"}))
    assert office.faults.total == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_taken_patient_id_refuses_the_record(office: Office, mode: WriteMode) -> None:
    office.contact(Hint_Patient_Id__c="pat-1")
    record_id = office.contact()
    answer = await _one(office, Update(record_id, {}, None, Bookkeeping(peer_id="pat-1")), mode)
    assert answer == Refused(record_id, "DUPLICATE_VALUE")


@pytest.mark.parametrize("mode", MODES)
async def test_a_lost_reply_is_repeated_since_an_update_may_be(office: Office, mode: WriteMode) -> None:
    record_id = office.contact()
    office.lose(match=PATHS[mode], carried_out=True)
    assert await _one(office, Update(record_id, {"city": "Elko"}, None), mode) == Written(record_id)


async def test_a_live_write_whose_reply_was_lost_shows_as_moved_when_repeated(office: Office) -> None:
    record_id = office.contact()
    update = await _update(office, record_id, city="Elko")
    office.lose(match=PATHS[WriteMode.LIVE], carried_out=True)
    assert await _one(office, update, WriteMode.LIVE) == Moved(record_id)
    assert office.org.get("Contact", record_id)["MailingCity"] == "Elko"


@pytest.mark.parametrize("mode", MODES)
async def test_replies_that_keep_getting_lost_leave_the_outcome_unknown(office: Office, mode: WriteMode) -> None:
    record_id = office.contact()
    office.lose(match=PATHS[mode], carried_out=False, times=99)
    assert await _one(office, Update(record_id, {"city": "Elko"}, None), mode) == Unknown(record_id)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strange", [[], {}, [{}, {}], ["ok"], {"compositeResponse": []}])
async def test_an_answer_of_another_shape_tells_nothing(office: Office, mode: WriteMode, strange: object) -> None:
    record_id = office.contact()
    office.fail(200, strange, match=PATHS[mode])
    assert await _one(office, Update(record_id, {"city": "Elko"}, None), mode) == Unknown(record_id)


@pytest.mark.parametrize("mode", MODES)
async def test_an_internal_error_is_no_proof_that_nothing_was_written(office: Office, mode: WriteMode) -> None:
    record_id = office.contact()
    office.fail(500, "oops", match=PATHS[mode], times=99)
    assert await _one(office, Update(record_id, {"city": "Elko"}, None), mode) == Unknown(record_id)


@pytest.mark.parametrize("mode", MODES)
async def test_an_org_that_says_it_is_unavailable_wrote_nothing(office: Office, mode: WriteMode) -> None:
    record_id = office.contact()
    office.fail(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "Try later"}], match=PATHS[mode], times=99)
    with pytest.raises(RetryLater):
        await _one(office, Update(record_id, {"city": "Elko"}, None), mode)


async def test_the_days_limit_in_the_middle_keeps_the_answers_there_are(office: Office) -> None:
    account = office.org.insert("Account", {"Name": "Default"})
    ids = office.org.insert_many("Contact", ({"LastName": f"N{n}", "AccountId": account} for n in range(50)))
    seen = await office.replica.read(ids)
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    office.fail(403, limit, match=PATHS[WriteMode.LIVE], skip=1)
    answers = await office.replica.update([Update(each, {"city": "Elko"}, seen[each]) for each in ids], WriteMode.LIVE)
    assert (_answers(answers, Written), _answers(answers, Later)) == (25, 25)
    assert Later(ids[49], "budget-spent") in answers


async def test_g6_batch_writes_leave_the_reserve_alone_and_live_writes_go_on(office: Office) -> None:
    update = Update(office.contact(), {"city": "Elko"}, None)
    office.org.set_daily_limit(1_000, used=900)
    await office.replica.identify()
    with pytest.raises(BudgetSpent):
        await _one(office, update, WriteMode.BATCH)
    assert isinstance(await _one(office, update, WriteMode.LIVE), Written)


@pytest.mark.parametrize("mode", MODES)
async def test_a_revoked_session_asks_for_a_reconnect(office: Office, mode: WriteMode) -> None:
    update = Update(office.contact(), {"city": "Elko"}, None)
    await office.replica.prepare()
    office.org.expire_tokens()
    with pytest.raises(ReconnectNeeded):
        await _one(office, update, mode)


@pytest.mark.parametrize("mode", MODES)
async def test_without_the_package_bookkeeping_stops_and_names_field_and_remedy(mode: WriteMode) -> None:
    office = Office()
    update = Update(office.contact(), {}, None, Bookkeeping(marked=True))
    with pytest.raises(FixConfiguration, match=r"Synced_to_Hint__c.*permission set"):
        await _one(office, update, mode)
    await office.aclose()


@pytest.mark.parametrize("mode", MODES)
async def test_text_that_looks_like_a_reference_or_a_clear_is_written_as_it_is(office: Office, mode: WriteMode) -> None:
    first, second = office.contact(), office.contact()
    updates = [await _update(office, first, city="@{update0.id}"), await _update(office, second, city="#N/A")]
    assert await office.replica.update(updates, mode) == [Written(first), Written(second)]
    assert office.org.get("Contact", first)["MailingCity"] == "@{update0.id}"
    assert office.org.get("Contact", second)["MailingCity"] == "#N/A"


async def test_a_live_write_that_must_go_alone_meets_locks_like_others(office: Office) -> None:
    record_id = office.contact()
    office.org.lock(record_id)
    update = Update(record_id, {"city": "@{x}"}, None)
    assert await _one(office, update, WriteMode.LIVE) == Later(record_id, "UNABLE_TO_LOCK_ROW")


async def test_a_live_write_that_must_go_alone_keeps_its_condition(office: Office) -> None:
    record_id = office.contact()
    update = await _update(office, record_id, city="@{x}")
    office.org.update("Contact", record_id, {"MailingCity": "Fallon"})
    assert await _one(office, update, WriteMode.LIVE) == Moved(record_id)
    assert await _one(office, Update("0030000000000zzAAA", {"city": "@{x}"}, None), WriteMode.LIVE) == Gone(
        "0030000000000zzAAA"
    )


async def test_nothing_to_write_is_no_call(office: Office) -> None:
    record_id = office.contact()
    await office.replica.prepare()
    office.faults.counts.clear()
    assert await _one(office, Update(record_id, {}, None), WriteMode.BATCH) == Written(record_id)
    assert office.faults.total == 0


async def test_a_long_reason_is_cut_to_the_field(office: Office) -> None:
    record_id = office.contact()
    await _one(office, Update(record_id, {}, None, Bookkeeping(batch_reason="x" * 300)), WriteMode.BATCH)
    assert office.org.get("Contact", record_id)["Hint_Last_Batch_Reason__c"] == "x" * 255
