"""What a commit says on the bus, read back with fastavro."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org, create_app
from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.pubsub.difference import difference
from hintsync_emulators.salesforce.schema.model import Field
from tests.emulators.pubsub.conftest import TOKEN, Log

BY_HAND = "com/salesforce/api/soap/67.0;client=SfdcInternalAPI/"
ADA = {"LastName": "Moor", "FirstName": "Ada", "Phone": "555-0100", "MailingCity": "Bonn", "Birthdate": "1970-01-02"}


def header(event: dict[str, object]) -> dict[str, object]:
    return event["ChangeEventHeader"]


def values(event: dict[str, object]) -> dict[str, object]:
    """Return the fields that an event gives a value, parts of compound fields by their full name."""
    found: dict[str, object] = {}
    for name, value in event.items():
        if name != "ChangeEventHeader" and isinstance(value, dict):
            found |= {f"{name}.{part}": one for part, one in value.items() if one is not None}
        elif name != "ChangeEventHeader" and value is not None:
            found[name] = value
    return found


@pytest.fixture
def contact(org: Org, log: Log) -> str:
    """A contact whose creation has been read."""
    record_id = org.insert("Contact", ADA)
    log.new()
    return record_id


def test_nothing_is_told_of_objects_that_are_not_selected(org: Org, log: Log) -> None:
    org.insert("Account", {"Name": "Moor"})
    assert log.new("/data/ChangeEvents") == []
    org.events.channels.deselect("Contact")
    org.insert("Contact", ADA)
    org.events.channels.select("Contact")
    assert log.new() == []


def test_a_created_record_is_told_whole(org: Org, log: Log, clock: ManualClock) -> None:
    record_id = org.insert("Contact", ADA)
    [event] = log.new()
    moment = int(clock().timestamp()) * 1000
    head = header(event)
    assert (head["entityName"], head["recordIds"], head["changeType"]) == ("Contact", [record_id], "CREATE")
    assert (head["changeOrigin"], head["commitUser"]) == (BY_HAND, org.user_id)
    assert (head["sequenceNumber"], head["commitTimestamp"]) == (1, moment)
    assert head["changedFields"] == head["nulledFields"] == head["diffFields"] == []
    assert uuid.UUID(head["transactionKey"])
    found = values(event)
    assert found["Name.FirstName"] == "Ada"
    assert found["MailingAddress.City"] == "Bonn"
    assert found["Birthdate"] == int(datetime(1970, 1, 2, tzinfo=UTC).timestamp()) * 1000
    assert found["HasOptedOutOfEmail"] is False
    assert found["CreatedDate"] == found["LastModifiedDate"] == moment
    assert event["OtherAddress"] is None


def test_an_update_tells_what_changed_and_no_more(org: Org, log: Log, contact: str) -> None:
    org.update("Contact", contact, {"Phone": "555-0199", "MailingCity": "Ulm", "FirstName": "Ada"})
    [event] = log.new()
    assert values(event).keys() == {"Phone", "MailingAddress.City", "LastModifiedDate"}
    assert log.names(header(event)["changedFields"]) == {"Phone", "MailingAddress.City", "LastModifiedDate"}
    assert header(event)["nulledFields"] == []


def test_an_emptied_field_is_null_and_named_as_nulled(org: Org, log: Log, contact: str) -> None:
    org.update("Contact", contact, {"Phone": None, "MailingStreet": "1 Main St", "FirstName": ""})
    [event] = log.new()
    assert log.names(header(event)["nulledFields"]) == {"Phone", "Name.FirstName"}
    assert log.names(header(event)["changedFields"]) >= {"Phone", "Name.FirstName", "MailingAddress.Street"}
    assert values(event).keys() == {"MailingAddress.Street", "LastModifiedDate"}


@pytest.mark.parametrize(("first", "maps"), [(False, ["2-0x02"]), (True, ["0x00", "2-0x02"])])
def test_a_part_that_is_emptied_alone_has_a_bitmap_of_top_level_fields_only_if_wanted(
    org: Org, log: Log, contact: str, first: bool, maps: list[str]
) -> None:
    org.events.settings.empty_map_first = first
    org.update("Contact", contact, {"FirstName": None})
    [event] = log.new()
    assert header(event)["nulledFields"] == maps


def test_an_address_that_is_emptied_altogether_is_nulled_as_one_field(org: Org, log: Log, contact: str) -> None:
    org.update("Contact", contact, {"MailingCity": None})
    [event] = log.new()
    assert log.names(header(event)["nulledFields"]) == {"MailingAddress"}
    assert log.names(header(event)["changedFields"]) == {"MailingAddress", "LastModifiedDate"}


def test_a_write_of_equal_values_tells_of_the_new_stamp_alone(org: Org, log: Log, contact: str) -> None:
    org.update("Contact", contact, {"Phone": "555-0100"})
    [event] = log.new()
    assert log.names(header(event)["changedFields"]) == {"LastModifiedDate"}


def test_recorded_edits_of_accounts_have_the_bitmaps_that_were_recorded(org: Org) -> None:
    org.events.channels.select("Account")
    account = org.insert("Account", {"Name": "Moor", "Description": "word " * 300})
    log = Log(org)
    org.update("Account", account, {"BillingStreet": "1 Main St"})
    lines = [f"line {number} of a long text that is worth a difference" for number in range(40)]
    org.update("Account", account, {"Description": "\n".join(lines)})
    org.update("Account", account, {"Description": "\n".join([*lines[:5], "another line", *lines[6:]])})
    street, _, changed = log.new("/data/AccountChangeEvent")
    assert header(street)["changedFields"] == ["0x400000", "4-0x01"]
    assert header(changed)["changedFields"] == ["0x410000"]
    assert header(changed)["diffFields"] == ["0x010000"]


def test_a_deletion_is_a_header_alone_and_an_undeletion_tells_the_record_whole(
    org: Org, log: Log, contact: str
) -> None:
    org.delete("Contact", contact)
    org.undelete("Contact", contact)
    gone, back = log.new()
    assert (header(gone)["changeType"], header(gone)["recordIds"], values(gone)) == ("DELETE", [contact], {})
    assert header(back)["changeType"] == "UNDELETE"
    assert values(back)["Name.LastName"] == "Moor"


def test_a_purge_is_not_told(org: Org, log: Log, contact: str) -> None:
    org.purge("Contact", contact)
    assert log.new() == []


def test_a_merge_deletes_the_losers_and_updates_the_winner(org: Org, log: Log, contact: str) -> None:
    loser = org.insert("Contact", {"LastName": "Moore"})
    log.new()
    org.merge("Contact", contact, [loser])
    assert [(header(one)["changeType"], header(one)["recordIds"]) for one in log.new()] == [
        ("DELETE", [loser]),
        ("UPDATE", [contact]),
    ]


def test_a_flow_in_the_transaction_rides_inside_the_event_of_its_record(org: Org, log: Log, contact: str) -> None:
    org.add_automation("Contact", lambda new, old: {"Title": "Patient"})
    org.update("Contact", contact, {"Phone": "555-0199"})
    [event] = log.new()
    assert log.names(header(event)["changedFields"]) == {"Phone", "Title", "LastModifiedDate"}


def test_a_record_that_is_written_twice_in_a_transaction_is_told_once(org: Org, log: Log) -> None:
    with org.storage.transaction():
        record_id = org.insert("Contact", ADA)
        org.update("Contact", record_id, {"Phone": "555-0199"})
        passing = org.insert("Contact", {"LastName": "Passing"})
        org.delete("Contact", passing)
    [event] = log.new()
    assert (header(event)["changeType"], values(event)["Phone"]) == ("CREATE", "555-0199")


def test_what_is_rolled_back_is_not_told(org: Org, log: Log) -> None:
    undone = [{"LastName": "Undone"}, {"FirstName": "Nobody"}]
    with org.storage.transaction():
        kept = org.insert("Contact", {"LastName": "Kept"})
        with pytest.raises(Refused):
            org.insert_many("Contact", undone)
    with pytest.raises(Refused):
        org.insert_many("Contact", undone)
    assert [header(one)["recordIds"] for one in log.new()] == [[kept]]


def test_events_of_a_transaction_share_its_key_and_count_on(org: Org, log: Log) -> None:
    org.insert_many("Contact", [{"LastName": name} for name in ("One", "Two", "Three")])
    org.insert("Contact", {"LastName": "Other"})
    *together, alone = [header(one) for one in log.new()]
    assert len({(head["transactionKey"], head["commitNumber"]) for head in together}) == 1
    assert [head["sequenceNumber"] for head in together] == [1, 2, 3]
    assert alone["transactionKey"] != together[0]["transactionKey"]
    assert alone["commitNumber"] > together[0]["commitNumber"]


def test_equal_changes_of_several_records_become_one_event(org: Org, log: Log) -> None:
    ids = org.insert_many("Contact", [{"LastName": name} for name in ("One", "Two", "Three")])
    assert len(log.new()) == 3
    with org.storage.transaction():
        for record_id in ids:
            org.update("Contact", record_id, {"Department": "Front" if record_id != ids[1] else "Back"})
    assert [header(one)["recordIds"] for one in log.new()] == [[ids[0], ids[2]], [ids[1]]]
    with org.storage.transaction():
        for record_id in ids:
            org.delete("Contact", record_id)
    assert [header(one)["recordIds"] for one in log.new()] == [ids]


def test_merging_can_be_switched_off(org: Org, log: Log) -> None:
    org.events.settings.merging = False
    ids = org.insert_many("Contact", [{"LastName": name} for name in ("One", "Two")])
    with org.storage.transaction():
        for record_id in ids:
            org.update("Contact", record_id, {"Department": "Front"})
    assert [header(one)["recordIds"] for one in log.new()[2:]] == [[ids[0]], [ids[1]]]


def test_a_person_account_is_told_as_an_account_and_as_a_contact(org: Org) -> None:
    org.enable("PersonAccounts")
    org.events.channels.select("Account")
    log = Log(org)
    account_id, contact_id = org.insert_person({"LastName": "Moor", "FirstName": "Ada"})
    account, contact = log.new("/data/ChangeEvents")
    assert (header(account)["recordIds"], header(contact)["recordIds"]) == ([account_id], [contact_id])
    assert account["IsPersonAccount"] is contact["IsPersonAccount"] is True
    assert account["PersonContactId"] == contact_id


# --- where a change comes from ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "origin"),
    [
        ({}, "com/salesforce/api/rest/67.0"),
        ({"Sforce-Call-Options": "client=hintsync"}, "com/salesforce/api/rest/67.0;client=hintsync"),
        ({"Sforce-Call-Options": "client=a; defaultNamespace=ns"}, "com/salesforce/api/rest/67.0;client=a"),
    ],
)
async def test_a_change_over_rest_names_the_version_and_the_client(
    org: Org, log: Log, sent: dict[str, str], origin: str
) -> None:
    async with rest(org) as api:
        answer = await api.post("/sobjects/Contact", json={"LastName": "Moor"}, headers=sent)
        assert answer.status_code == 201
    [event] = log.new()
    assert header(event)["changeOrigin"] == origin


async def test_a_change_in_bulk_names_the_bulk_api_and_commits_200_records_at_a_time(org: Org, log: Log) -> None:
    job = {"object": "Contact", "operation": "insert", "lineEnding": "LF"}
    async with rest(org) as api:
        path = f"/jobs/ingest/{(await api.post('/jobs/ingest', json=job, headers=CLIENT)).json()['id']}"
        rows = "LastName\n" + "".join(f"Moor{number}\n" for number in range(450))
        await api.put(f"{path}/batches", content=rows, headers={"Content-Type": "text/csv"})
        await api.patch(path, json={"state": "UploadComplete"})
        while (await api.get(path)).json()["state"] != "JobComplete":
            pass
    heads = [header(one) for one in log.new()]
    assert {head["changeOrigin"] for head in heads} == {"com/salesforce/api/bulkapi/67.0;client=hintsync"}
    sizes = [sum(head["transactionKey"] == key for head in heads) for key in {head["transactionKey"] for head in heads}]
    assert sorted(sizes) == [50, 200, 200]


CLIENT = {"Sforce-Call-Options": "client=hintsync"}


def rest(org: Org) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(org))
    base, headers = "http://emulated/services/data/v67.0", {"Authorization": f"Bearer {TOKEN}"}
    return httpx.AsyncClient(transport=transport, base_url=base, headers=headers)


# --- long text --------------------------------------------------------------------------------------------------------

LINES = [f"Line {number}: the patient was seen and asked to come again in spring." for number in range(30)]
TEXT = "\n".join(LINES)


def apply(old: str, patch: str) -> str:
    """Rebuild a value from its difference, by the recipe of the Change Data Capture guide."""
    first, second, *rest_of = patch.split("\n")
    assert first == "--- "
    lines, shift = old.split("\n"), 0
    for line in rest_of:
        if line.startswith("@@"):
            start, length = (int(part) for part in line.split(" ")[1][1:].split(","))
            place = start - 1 + shift if length else start + shift
        elif line.startswith("-"):
            assert lines.pop(place) == line[1:]
            shift -= 1
        else:
            lines.insert(place, line[1:])
            place, shift = place + 1, shift + 1
    new = "\n".join(lines)
    assert second == f"+++ {hashlib.sha256(new.encode()).hexdigest()}"
    return new


@pytest.mark.parametrize(
    "new",
    [
        "\n".join([*LINES[:3], "Line 3: another matter.", *LINES[4:]]),
        "\n".join([*LINES[:3], *LINES[5:]]),
        "\n".join(["A new first line.", *LINES, "A new last line."]),
        "\n".join([*LINES[:2], "one", "two", *LINES[3:20], *LINES[21:]]),
    ],
)
def test_a_small_change_of_a_long_text_travels_as_a_difference(org: Org, log: Log, contact: str, new: str) -> None:
    org.update("Contact", contact, {"Description": TEXT})
    org.update("Contact", contact, {"Description": new})
    _, event = log.new()
    assert log.names(header(event)["diffFields"]) == {"Description"}
    assert log.names(header(event)["changedFields"]) == {"Description", "LastModifiedDate"}
    assert apply(TEXT, str(event["Description"])) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 499, "a\n" * 498 + "b"),
        (TEXT, "\n".join(LINES[:20]) + "\n" + "longer " * 400),
        (TEXT, "\n".join(line.upper() for line in LINES)),
        (TEXT.replace("\n", " "), TEXT.replace("\n", " ").replace("spring", "autumn")),
    ],
    ids=["short", "length changes by more than half", "more than a quarter of lines", "difference is longer"],
)
def test_other_changes_of_text_travel_whole(old: str, new: str) -> None:
    assert difference(old, new) is None


# --- gaps and overflow ------------------------------------------------------------------------------------------------


def test_a_gap_is_a_header_alone_without_an_origin(org: Org, log: Log, contact: str) -> None:
    org.events.gap("contact", [contact], "GAP_DELETE")
    org.events.gap("Contact", ["003*"])
    first, second = log.new()
    assert (header(first)["changeType"], header(first)["recordIds"], values(first)) == ("GAP_DELETE", [contact], {})
    assert (header(first)["changeOrigin"], header(first)["sequenceNumber"]) == ("", 1)
    assert (header(second)["changeType"], header(second)["recordIds"]) == ("GAP_UPDATE", ["003*"])
    with pytest.raises(ValueError, match="GAP_UPDATE"):
        org.events.gap("Contact", [contact], "UPDATE")


def test_changes_beyond_the_limit_of_a_transaction_become_one_overflow_event_per_object(org: Org) -> None:
    org.events.channels.select("Account")
    log = Log(org)
    org.events.settings.overflow_after = 3
    with org.storage.transaction():
        for number in range(5):
            org.insert("Contact", {"LastName": f"Moor{number}"})
        org.insert("Account", {"Name": "Moor"})
    kinds = [(header(one)["entityName"], header(one)["changeType"]) for one in log.new("/data/ChangeEvents")]
    assert kinds == [("Contact", "CREATE")] * 3 + [("Contact", "GAP_OVERFLOW"), ("Account", "GAP_OVERFLOW")]


def test_each_changed_field_of_an_update_counts_towards_overflow(org: Org, log: Log, contact: str) -> None:
    org.events.settings.overflow_after = 3
    org.update("Contact", contact, {"Phone": "1", "Title": "Ms", "MailingStreet": "x"})
    [event] = log.new()
    assert header(event)["changeType"] == "GAP_OVERFLOW"
    assert header(event)["recordIds"] == ["000000000000000AAA"]


def test_an_event_that_is_too_large_becomes_a_gap(org: Org, log: Log, contact: str) -> None:
    org.events.settings.largest_event = 2_000
    org.update("Contact", contact, {"Description": "x" * 3_000})
    [event] = log.new()
    assert (header(event)["changeType"], header(event)["recordIds"]) == ("GAP_UPDATE", [contact])


# --- channels and schemas over time -----------------------------------------------------------------------------------


def test_an_org_selects_five_objects_over_all_its_channels(org: Org) -> None:
    channels = org.events.channels
    for name in ("Account", "User", "PermissionSet", "PermissionSetAssignment"):
        channels.select(name, "Clinic__chn")
    channels.select("Contact", "Clinic__chn")
    with pytest.raises(ValueError, match="5 objects"):
        channels.select("Organization")


def test_a_custom_channel_carries_its_members_only(org: Org) -> None:
    org.events.channels.select("Account", "Clinic__chn")
    log, standard = Log(org), Log(org)
    org.insert("Account", {"Name": "Moor"})
    org.insert("Contact", ADA)
    assert [header(one)["entityName"] for one in log.new("/data/Clinic__chn")] == ["Account"]
    assert [header(one)["entityName"] for one in standard.new("/data/ChangeEvents")] == ["Contact"]


def test_an_event_is_read_in_the_schema_of_its_time(org: Org, log: Log, contact: str) -> None:
    org.update("Contact", contact, {"Phone": "1"})
    org.add_fields("Contact", [Field("Hint_Id__c", "Hint Id", "string", length=30, custom=True)])
    org.update("Contact", contact, {"Hint_Id__c": "pat-1"})
    before, after = log.new()
    assert "Hint_Id__c" not in before
    assert after["Hint_Id__c"] == "pat-1"
    assert log.names(header(after)["changedFields"]) == {"Hint_Id__c", "LastModifiedDate"}


def test_an_org_that_was_kept_in_a_file_goes_on_where_it_was(tmp_path: object) -> None:
    path = str(tmp_path / "org.db")
    first = Org(seed=1, database=path)
    first.events.channels.select("Contact")
    first.insert("Contact", ADA)
    told = first.events.after(0, {"Contact"}, 10)
    first.close()
    again = Org(seed=1, database=path)
    assert again.events.after(0, {"Contact"}, 10) == told
    again.insert("Contact", {"LastName": "Later"})
    [_, later] = again.events.after(0, {"Contact"}, 10)
    assert later.position > told[0].position
    again.close()
