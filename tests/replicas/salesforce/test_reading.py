from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest

from hintsync.core.errors import BudgetSpent, FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.core.limits import Purpose
from hintsync.core.records import RecordState, Snapshot
from hintsync.core.values import ABSENT, Side
from hintsync.ports import Demographics, Page, PageRef
from tests.replicas.salesforce.office import Office


async def _scanned(office: Office, **options: object) -> list[Snapshot]:
    return [each async for page in office.replica.scan(**options) for each in page.records]  # type: ignore[arg-type]


async def _drained(scan: AsyncIterator[Page]) -> list[Page]:
    return [page async for page in scan]


async def test_the_org_says_who_it_is_in_one_call(office: Office) -> None:
    identity = await office.replica.identify()
    assert (identity.side, identity.id, identity.sandbox) == (Side.SALESFORCE, office.org.org_id, False)
    assert office.faults.total == 1


async def test_calls_count_repeats_too(office: Office) -> None:
    before = office.replica.calls
    office.fail(503, "down", match="/query", times=2)
    await office.replica.identify()
    assert office.replica.calls - before == office.faults.total == 3


async def test_a_contact_comes_in_canonical_values(office: Office) -> None:
    record_id = office.contact(Birthdate="1980-02-29", MobilePhone="(212) 555-0123", Hint_Patient_Id__c="pat-1")
    snapshot = await office.read(record_id)
    assert snapshot.values["mobile_phone"] == "+12125550123"
    assert (snapshot.values["birth_date"], snapshot.values["city"]) == ("1980-02-29", None)
    assert snapshot.values["middle_name"] is ABSENT
    assert (snapshot.peer_id, snapshot.marked, snapshot.state) == ("pat-1", False, RecordState.LIVE)


async def test_a_scan_follows_every_page(office: Office) -> None:
    ids = office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(4_500)))
    pages = [page async for page in office.replica.scan()]
    assert [len(page.records) for page in pages] == [2_000, 2_000, 500]
    assert {page.total for page in pages} == {4_500}
    assert sorted(each.id for page in pages for each in page.records) == sorted(ids)


async def test_a_page_is_read_again_by_its_reference(office: Office) -> None:
    office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(2_300)))
    pages = [page async for page in office.replica.scan()]
    again = await office.replica.reread(pages[1].ref)
    assert [each.id for each in again.records] == [each.id for each in pages[1].records]
    assert await office.replica.reread(PageRef(9, 18_000)) == Page((), PageRef(9, 18_000))


async def test_a_whole_scan_leaves_deleted_contacts_out(office: Office) -> None:
    office.org.delete("Contact", office.contact())
    assert await _scanned(office) == []


async def test_a_scan_of_changes_brings_deleted_and_merged_contacts_too(office: Office) -> None:
    old, deleted, winner, loser = (office.contact(FirstName=f"Ada {n}") for n in range(4))
    office.clock.elapsed += 3_600
    moment = office.clock.now()
    office.org.delete("Contact", deleted)
    office.org.merge("Contact", winner, [loser])
    found = {each.id: each for each in await _scanned(office, since=moment)}
    assert {key: each.state for key, each in found.items()} == {
        deleted: RecordState.DELETED,
        winner: RecordState.LIVE,
        loser: RecordState.MERGED,
    }
    assert found[loser].merged_into == winner
    assert old in {each.id for each in await _scanned(office, since=moment - timedelta(hours=2))}


async def test_a_change_within_the_very_second_is_not_missed(office: Office) -> None:
    record_id = office.contact()
    assert [each.id for each in await _scanned(office, since=office.clock.now())] == [record_id]


async def test_a_lost_cursor_ends_the_scan_so_that_it_starts_again(office: Office) -> None:
    office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(2_300)))
    gone = [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
    office.fail(400, gone, match="/query/")
    with pytest.raises(RetryLater):
        await _scanned(office)


@pytest.mark.parametrize("strange", [{"totalSize": 9, "done": False, "records": []}, {"records": []}, [], "ok"])
async def test_an_answer_that_would_end_a_scan_early_is_no_page(office: Office, strange: object) -> None:
    office.contact()
    await office.replica.prepare()
    office.fail(200, orjson.dumps(strange).decode(), match="/query")
    with pytest.raises(RetryLater, match="no page"):
        await _scanned(office)


async def test_key_rows_are_slim_and_complete(office: Office) -> None:
    linked = office.contact(Birthdate="1980-02-29", Hint_Patient_Id__c="pat-1", Synced_to_Hint__c=True)
    office.contact(FirstName=None)
    found = {row.id: row async for rows in office.replica.scan_keys() for row in rows}
    assert len(found) == 2
    assert found[linked] == (linked, "Ada", "Okafor", "1980-02-29", "pat-1", True, RecordState.LIVE, False)


async def test_reading_by_id_takes_one_call_for_200_and_tells_deleted_from_unknown(office: Office) -> None:
    ids = office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(200)))
    office.org.delete("Contact", ids[0])
    await office.replica.prepare()
    office.faults.counts.clear()
    found = await office.replica.read(ids)
    assert office.faults.total == 1
    assert set(found) == set(ids)
    assert found[ids[0]].state is RecordState.DELETED
    unknown = await office.replica.read([ids[1][:15], "0030000000000zzAAA", "pat-1", "", ids[1]])
    assert set(unknown) == {ids[1]}


async def test_reading_any_number_goes_200_a_call(office: Office) -> None:
    ids = office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(450)))
    await office.replica.prepare()
    office.faults.counts.clear()
    assert set(await office.replica.read(ids)) == set(ids)
    assert office.faults.counts == {"query": 3}


async def test_people_are_found_by_birth_date_though_the_filter_ignores_the_year(office: Office) -> None:
    born = office.contact(Birthdate="1980-03-02", FirstName="Someone else")
    office.contact(Birthdate="1981-03-02")
    office.contact(Birthdate="1980-03-03")
    found = await office.replica.find([Demographics("Ada", "Okafor", "1980-03-02")])
    assert [each.id for each in found] == [born]
    assert await office.replica.find([]) == []


async def test_a_find_for_many_people_stays_within_the_address_limit(office: Office) -> None:
    people = [Demographics("A", "B", f"{year}-03-{day:02}") for year in range(1920, 2020) for day in range(1, 29)]
    born = office.contact(Birthdate="2019-03-28")
    assert [each.id for each in await office.replica.find(people)] == [born]


async def test_keys_are_found_with_their_letter_case(office: Office) -> None:
    office.contact(Hint_Patient_Id__c="pat-Ab")
    found = await office.replica.find_by_key(["pat-Ab", "pat-AB", "pat-'x", ""])
    assert list(found) == ["pat-Ab"]


async def test_without_our_fields_reading_goes_on_and_the_missing_field_is_named() -> None:
    office = Office()
    record_id = office.contact()
    snapshot = await office.read(record_id)
    assert snapshot.values["gender"] is ABSENT
    assert [row.id async for rows in office.replica.scan_keys() for row in rows] == [record_id]
    with pytest.raises(FixConfiguration, match="Hint_Patient_Id__c"):
        await office.replica.find_by_key(["pat-1"])
    await office.aclose()


async def test_state_and_country_picklists_are_detected_and_read_as_codes() -> None:
    office = Office(features=["StateAndCountryPicklists"])
    await office.deploy()
    record_id = office.contact(MailingStateCode="NM", MailingCountryCode="US")
    snapshot = await office.read(record_id)
    assert (snapshot.values["state"], snapshot.values["country"]) == ("NM", "US")
    described = await office.replica.describe()
    assert "NM" in described.choices["state"]
    assert "state" not in described.max_length
    await office.aclose()


async def test_the_contact_of_a_person_account_is_marked() -> None:
    office = Office(features=["PersonAccounts"])
    await office.deploy()
    ordinary = office.contact()
    assert not (await office.read(ordinary)).person_account
    assert "IsPersonAccount" in (await office.replica.prepare()).key_selected
    await office.aclose()


async def test_g5_the_digest_moves_with_the_fields_that_matter(office: Office) -> None:
    before = await office.replica.describe()
    assert (await office.replica.describe()).digest == before.digest
    office.org.enable("MiddleName")
    after = await office.replica.describe()
    assert after.digest != before.digest
    assert before.missing - after.missing == {"middle_name"}


async def test_the_describe_tells_lengths(office: Office) -> None:
    described = await office.replica.describe()
    assert (described.max_length["first_name"], described.max_length["insurance_payer"]) == (40, 120)
    assert "gender" not in described.choices


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_passing_trouble_is_waited_out(office: Office, status: int) -> None:
    office.fail(status, "down", match="/query", times=2)
    assert (await office.replica.identify()).id == office.org.org_id
    assert len(office.clock.slept) == 2


async def test_trouble_that_does_not_pass_is_left_to_the_engine(office: Office) -> None:
    office.fail(503, "down", match="/query", times=99)
    with pytest.raises(RetryLater):
        await office.replica.identify()


async def test_a_lost_reply_to_a_read_is_read_again(office: Office) -> None:
    office.lose(match="/query", carried_out=True, times=2)
    assert (await office.replica.identify()).id == office.org.org_id


async def test_an_answer_that_is_no_json_is_read_again(office: Office) -> None:
    office.fail(200, "<html>proxy</html>", match="/query")
    assert (await office.replica.identify()).id == office.org.org_id


async def test_a_session_revoked_in_the_middle_of_a_scan_asks_for_a_reconnect(office: Office) -> None:
    office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(4_500)))
    scan = aiter(office.replica.scan())
    first = await anext(scan)
    office.org.expire_tokens()
    with pytest.raises(ReconnectNeeded):
        await _drained(scan)
    assert len(first.records) == 2_000


async def test_the_days_limit_pauses_reads_at_once(office: Office) -> None:
    office.org.set_daily_limit(100, used=100)
    office.faults.counts.clear()
    with pytest.raises(BudgetSpent):
        await office.replica.identify()
    assert (office.faults.total, office.clock.slept) == (1, [])


async def test_g6_scans_leave_the_reserve_alone_and_live_reads_go_on(office: Office) -> None:
    record_id = office.contact()
    office.org.set_daily_limit(1_000, used=900)
    assert await office.read(record_id)
    with pytest.raises(BudgetSpent):
        await _scanned(office)
    with pytest.raises(BudgetSpent):
        await anext(aiter(office.replica.scan_keys()))
    assert len(await _scanned(office, since=office.clock.now())) == 1
    today = office.replica.budget
    assert today is not None
    assert (today.limit, today.reserve, today.left_for(Purpose.BATCH)) == (1_000, 200, 0)


async def test_a_scan_that_is_left_early_leaves_nothing_running(office: Office) -> None:
    office.org.insert_many("Contact", ({"LastName": f"Okafor {n}"} for n in range(4_500)))
    scan = office.replica.scan()
    await anext(aiter(scan))
    await scan.aclose()  # type: ignore[attr-defined]
    assert office.faults.counts["queryMore"] <= 1
