"""Mass updates through ingest jobs."""

from __future__ import annotations

import re

import pytest

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.values import Canonical
from hintsync.ports import Bookkeeping, Gone, Later, Refused, Unknown, Update, WriteAnswer, WriteMode, Written
from hintsync.replicas.salesforce.bulk_job import JobPatience
from hintsync.replicas.salesforce.bulk_writer import COLLECTIONS_UP_TO
from tests.replicas.salesforce.office import Office

MANY = COLLECTIONS_UP_TO + 1


@pytest.fixture
async def ids(office: Office) -> list[str]:
    """Just enough contacts that a batch goes by a job."""
    people = ({"LastName": f"Okafor {n}", "Email": f"n{n}@example.org"} for n in range(MANY))
    made = office.org.insert_many("Contact", people)
    await office.replica.prepare()
    office.faults.counts.clear()
    return made


async def _write(office: Office, ids: list[str], first: dict[str, Canonical] | None = None) -> list[WriteAnswer]:
    """Give everybody a city; `first` are the values of the first contact instead."""
    updates = [Update(each, {"city": "Elko"}, None) for each in ids]
    if first is not None:
        updates[0] = Update(ids[0], first, None)
    return list(await office.replica.update(updates, WriteMode.BATCH))


async def test_more_than_2000_go_by_one_job_of_few_calls(office: Office, ids: list[str]) -> None:
    assert await _write(office, ids) == [Written(each) for each in ids]
    assert "collections.update" not in office.faults.counts
    assert office.faults.total < 12
    assert {office.org.get("Contact", each)["MailingCity"] for each in ids[::500]} == {"Elko"}


async def test_rows_write_only_the_fields_they_name(office: Office, ids: list[str]) -> None:
    updates = [Update(each, {"city": "Elko"}, None) for each in ids]
    updates[0] = Update(ids[0], {"email": None}, None, Bookkeeping(marked=True))
    updates[1] = Update(ids[1], {"street": 'Elm "Old" St, 1\nBox 2'}, None)
    await office.replica.update(updates, WriteMode.BATCH)
    first, second, third = (office.org.get("Contact", each) for each in ids[:3])
    assert (first["Email"], first["MailingCity"], first["Synced_to_Hint__c"]) == (None, None, True)
    assert (second["MailingStreet"], second["Email"]) == ('Elm "Old" St, 1\nBox 2', "n1@example.org")
    assert (third["MailingCity"], third["Email"], third["Synced_to_Hint__c"]) == ("Elko", "n2@example.org", False)


async def test_text_that_reads_like_a_clear_goes_by_a_collection(office: Office, ids: list[str]) -> None:
    answers = await _write(office, ids, {"city": "#N/A"})
    assert answers == [Written(each) for each in ids]
    assert office.org.get("Contact", ids[0])["MailingCity"] == "#N/A"
    assert office.faults.counts["collections.update"] == 1


async def test_f8_a_failed_row_is_brought_back_to_its_contact(office: Office, ids: list[str]) -> None:
    answers = await _write(office, ids, {"email": "no address"})
    assert answers[0] == Refused(ids[0], "INVALID_EMAIL_ADDRESS", frozenset({"email"}))
    assert answers[1:] == [Written(each) for each in ids[1:]]


async def test_a_deleted_contact_is_gone(office: Office, ids: list[str]) -> None:
    office.org.delete("Contact", ids[7])
    assert (await _write(office, ids))[7] == Gone(ids[7])


async def test_a_row_that_met_a_lock_is_sent_again_by_a_collection(office: Office, ids: list[str]) -> None:
    # A job tries a locked row again by itself, so the lock must outlast that.
    office.org.lock(ids[3])
    answers = await _write(office, ids)
    assert answers[3] == Later(ids[3], "UNABLE_TO_LOCK_ROW")
    assert sum(isinstance(answer, Written) for answer in answers) == MANY - 1
    assert office.faults.counts["collections.update"] == 4


async def test_a_job_whose_upload_is_in_doubt_is_dropped_for_a_new_one(office: Office, ids: list[str]) -> None:
    office.lose(match="^PUT ", carried_out=True)
    assert await _write(office, ids) == [Written(each) for each in ids]
    assert office.faults.counts["bulk.ingest.create"] == 2


async def test_uploads_that_keep_breaking_off_change_nothing(office: Office, ids: list[str]) -> None:
    office.lose(match="^PUT ", carried_out=False, times=99)
    with pytest.raises(RetryLater):
        await _write(office, ids)
    assert office.org.get("Contact", ids[0])["MailingCity"] is None


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_lost_reply_to_the_start_is_looked_into(office: Office, ids: list[str], carried_out: bool) -> None:
    office.lose(match="^PATCH .*/ingest/", carried_out=carried_out)
    assert await _write(office, ids) == [Written(each) for each in ids]
    assert office.faults.counts["bulk.ingest.create"] == 1


async def test_a_job_whose_end_cannot_be_learned_leaves_its_rows_unknown(office: Office, ids: list[str]) -> None:
    office.fail(503, "down", match="^GET .*/ingest/", times=99)
    assert await _write(office, ids) == [Unknown(each) for each in ids]


async def test_a_job_that_does_not_end_is_stopped_and_its_rows_are_accounted_for(
    office: Office, ids: list[str]
) -> None:
    office.org.pace.bulk_polls = 10**9
    answers = await _write(office, ids)
    assert all(isinstance(answer, Later | Unknown) for answer in answers)
    assert sum(office.clock.slept) >= JobPatience().deadline
    assert office.org.get("Contact", ids[0])["MailingCity"] is None


async def test_unprocessed_rows_are_left_for_later(office: Office, ids: list[str]) -> None:
    listed = "Id,MailingCity\n" + "".join(f"{each},Elko\n" for each in ids)
    office.fail(200, "sf__Id,sf__Created,Id,MailingCity\n", match="successfulResults")
    office.fail(200, listed, match="unprocessedrecords")
    assert await _write(office, ids) == [Later(each, "UNPROCESSED") for each in ids]


async def test_a_row_that_no_list_holds_is_unknown(office: Office, ids: list[str]) -> None:
    office.fail(200, "sf__Id,sf__Created,Id,MailingCity\n", match="successfulResults")
    assert await _write(office, ids) == [Unknown(each) for each in ids]


async def test_a_column_that_the_org_lost_since_its_describe_is_named(office: Office, ids: list[str]) -> None:
    office.org.remove_fields("Contact", ["Hint_Membership_Status__c"])
    with pytest.raises(FixConfiguration) as raised:
        await _write(office, ids, {"membership_status": "active"})
    assert re.search("Hint_Membership_Status__c", str(raised.value))


async def test_a_job_takes_ids_of_15_characters(office: Office, ids: list[str]) -> None:
    answers = await _write(office, [each[:15] for each in ids])
    assert [answer.record_id[:15] for answer in answers] == [each[:15] for each in ids]
    assert all(isinstance(answer, Written) for answer in answers)
