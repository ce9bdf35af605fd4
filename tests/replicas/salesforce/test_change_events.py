"""What change events of an emulated org say of contacts, read without a server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from random import Random

import pytest

from hintsync.change_feed import Arrived, ChangeKind, RecordChange
from hintsync.core.codec import Codec
from hintsync.core.fields import DEFAULT_MAPPING, FieldMapping, Kind, Mapping
from hintsync.core.values import ABSENT
from hintsync.replicas.salesforce import pubsub_pb2 as wire
from hintsync.replicas.salesforce.change_events import ChangeReader
from tests.replicas.salesforce.office import Office

TOPIC = "/data/ContactChangeEvent"


class Bus:
    """The org's events as responses, and a reader of them."""

    def __init__(self, office: Office, table: Mapping = DEFAULT_MAPPING) -> None:
        self.office, self.org = office, office.org
        self._table = table
        self._position = self.org.events.tip()
        self.reader = ChangeReader(self._schema, self._codec)
        self.schemas_fetched = 0

    async def _schema(self, schema_id: str) -> str:
        self.schemas_fetched += 1
        text = self.org.events.schema_json(schema_id)
        assert text is not None
        return text

    async def _codec(self) -> Codec:
        fields = (await self.office.replica.prepare()).fields
        return Codec(self._table, fields.conventions((await self.office.replica.prepare()).codec.conventions))

    def responses(self, objects: tuple[str, ...] = ("Contact",)) -> list[wire.FetchResponse]:
        placed = self.org.events.after(self._position, objects, 1_000)
        self._position = placed[-1].position if placed else self._position
        found = []
        for each in placed:
            inner = wire.ProducerEvent(id=each.event.id, schema_id=each.event.schema_id, payload=each.event.payload)
            replay_id = each.position.to_bytes(8)
            event = wire.ConsumerEvent(event=inner, replay_id=replay_id)
            found.append(wire.FetchResponse(events=[event], latest_replay_id=replay_id))
        return found

    async def arrived(self, *objects: str) -> Arrived:
        return await self.reader.read(self.responses(objects or ("Contact",)))

    async def one(self) -> RecordChange:
        (change,) = (await self.arrived()).changes
        return change


@pytest.fixture
async def bus(office: Office) -> Bus:
    office.org.events.channels.select("Contact")
    return Bus(office)


def edit(bus: Bus, contact: str, **fields: object) -> None:
    bus.org.update("Contact", contact, fields)


async def new(bus: Bus, **fields: object) -> str:
    """Add a contact whose event is not looked at."""
    contact = bus.office.contact(**fields)
    await bus.arrived()
    return contact


async def test_a_create_shows_every_mapped_field_as_a_read_does_blank_ones_too(bus: Bus) -> None:
    contact = bus.office.contact(
        Email="Ada@Example.ORG",
        Birthdate="1980-02-29",
        MobilePhone="(512) 555-0147",
        MailingStreet="1 Elm St\nApt 4",
        MailingState="Texas",
        Hint_HIPAA_Authorization_Accepted_At__c="2026-01-05T10:20:30.000+0000",
        Hint_Member_Contract_Accepted__c=True,
    )
    change = await bus.one()
    shown = await bus.office.read(contact)
    assert change.values == {name: value for name, value in shown.values.items() if value is not ABSENT}
    assert change.values["birth_date"] == "1980-02-29"
    assert change.values["hipaa_authorization_accepted_at"] == "2026-01-05T10:20:30Z"
    assert (change.kind, change.complete, change.record_id) == (ChangeKind.CREATED, True, contact)
    assert (change.peer_id, change.marked, change.marks_changed) == ("", False, False)


async def test_a_create_with_our_marks_says_that_they_were_set(bus: Bus) -> None:
    bus.office.contact(Hint_Patient_Id__c="pat-1", Synced_to_Hint__c=True)
    change = await bus.one()
    assert (change.peer_id, change.marked, change.marks_changed) == ("pat-1", True, True)


async def test_an_update_shows_what_changed_and_nothing_else(bus: Bus) -> None:
    contact = await new(bus, Email="ada@example.org", MailingCity="Austin")
    edit(bus, contact, MailingCity="Waco", FirstName="Adah", Title="Dr")
    change = await bus.one()
    assert (change.kind, change.complete) == (ChangeKind.CHANGED, True)
    assert change.values == {"city": "Waco", "first_name": "Adah"}
    assert (change.peer_id, change.marked, change.marks_changed) == (None, None, False)


@pytest.mark.parametrize("empty_map_first", [False, True])
async def test_a_part_that_was_emptied_alone_is_blank_however_its_bitmap_is_spelt(
    bus: Bus, empty_map_first: bool
) -> None:
    bus.org.events.settings.empty_map_first = empty_map_first
    contact = await new(bus, MailingCity="Austin", MailingPostalCode="78701")
    edit(bus, contact, MailingCity=None, FirstName=None)
    change = await bus.one()
    assert change.values == {"city": None, "first_name": None}
    assert change.complete


async def test_an_address_emptied_as_a_whole_is_blank_in_every_part(bus: Bus) -> None:
    contact = await new(bus, MailingStreet="1 Elm St", MailingCity="Austin", MailingState="Texas", MailingCountry="US")
    edit(bus, contact, MailingStreet=None, MailingCity=None, MailingState=None, MailingCountry=None)
    change = await bus.one()
    assert change.values == dict.fromkeys(("street", "city", "state", "zip", "country"))
    assert change.complete


async def test_any_edits_show_what_a_read_shows_of_every_field_that_changed(bus: Bus) -> None:
    chance, contact = Random(20261123), await new(bus)
    choices: dict[str, tuple[object, ...]] = {
        "FirstName": ("Ada", "Zoë", None),
        "LastName": ("Okafor", "O’Neil"),
        "Birthdate": ("1968-12-31", "2004-02-29", None),
        "Email": ("Ada@Example.org", None),
        "MobilePhone": ("(512) 555-0147", "+44 20 7946 0958", None),
        "MailingStreet": ("1 Elm St\nApt 4", "2 Oak Ave", None),
        "MailingCity": ("Austin", None),
        "MailingState": ("Texas", "CA", None),
        "MailingCountry": ("United States", None),
        "Hint_Gender__c": ("Female", "Male", None),
        "Hint_Member_Contract_Accepted__c": (True, False),
        "Hint_HIPAA_Authorization_Accepted_At__c": ("2026-01-05T10:20:30.000+0000", None),
        "Department": ("Lab", None),
    }
    for _ in range(80):
        before = (await bus.office.read(contact)).values
        names = chance.sample(sorted(choices), chance.randint(1, 6))
        edit(bus, contact, **{name: chance.choice(choices[name]) for name in names})
        shown = (await bus.office.read(contact)).values
        change = await bus.one()
        assert change.complete
        assert {name for name in shown if shown[name] != before[name]} <= change.values.keys()
        assert all(shown[name] == value for name, value in change.values.items())


async def test_an_org_with_picklists_shows_the_codes_of_state_and_country() -> None:
    office = Office(features=("StateAndCountryPicklists",))
    await office.deploy()
    office.org.events.channels.select("Contact")
    bus = Bus(office)
    contact = await new(bus, MailingCountryCode="US", MailingStateCode="TX")
    edit(bus, contact, MailingStateCode="CA")
    assert (await bus.one()).values == {"state": "CA"}
    await office.aclose()


async def test_batch_stamps_alone_show_nothing_that_concerns_us(bus: Bus) -> None:
    contact = await new(bus)
    edit(bus, contact, Hint_Last_Batch_Sync_Id__c="run-1", Hint_Last_Batch_Outcome__c="synced", Department="Lab")
    change = await bus.one()
    assert (change.values, change.complete, change.marks_changed) == ({}, True, False)
    assert (change.peer_id, change.marked) == (None, None)


async def test_u2_marks_edited_by_hand_are_told(bus: Bus) -> None:
    contact = await new(bus, Hint_Patient_Id__c="pat-1", Synced_to_Hint__c=True)
    edit(bus, contact, Hint_Patient_Id__c=None)
    change = await bus.one()
    assert (change.peer_id, change.marked, change.marks_changed, change.complete) == ("", None, True, True)
    edit(bus, contact, Synced_to_Hint__c=False)
    change = await bus.one()
    assert (change.peer_id, change.marked, change.marks_changed) == (None, False, True)


async def test_d1_delete_and_undelete_are_told_without_values(bus: Bus) -> None:
    contact = await new(bus)
    bus.org.delete("Contact", contact)
    gone = await bus.one()
    assert (gone.kind, gone.values, gone.complete) == (ChangeKind.DELETED, {}, False)
    bus.org.undelete("Contact", contact)
    back = await bus.one()
    assert (back.kind, back.values, back.complete) == (ChangeKind.UNDELETED, {}, False)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("GAP_CREATE", ChangeKind.CREATED),
        ("GAP_UPDATE", ChangeKind.CHANGED),
        ("GAP_DELETE", ChangeKind.DELETED),
        ("GAP_UNDELETE", ChangeKind.UNDELETED),
    ],
)
async def test_a_gap_names_its_records_and_shows_nothing(bus: Bus, kind: str, expected: ChangeKind) -> None:
    ids = ["003000000000001AAA", "003000000000002"]
    bus.org.events.gap("Contact", ids, kind)
    arrived = await bus.arrived()
    assert [change.record_id for change in arrived.changes] == ["003000000000001AAA", "003000000000002AAA"]
    assert {(change.kind, change.complete, not change.values) for change in arrived.changes} == {
        (expected, False, True)
    }
    assert arrived.lost is None


async def test_an_overflow_and_a_wildcard_name_nobody_so_something_was_lost(bus: Bus) -> None:
    bus.org.events.overflow("Contact")
    overflow = await bus.arrived()
    assert overflow.lost
    assert (overflow.changes, overflow.events) == ((), 1)
    bus.org.events.gap("Contact", ["003*"])
    wildcard = await bus.arrived()
    assert wildcard.lost
    assert (wildcard.changes, wildcard.events) == ((), 1)


async def test_events_of_other_objects_count_and_say_nothing(bus: Bus) -> None:
    bus.org.events.channels.select("Account")
    bus.org.insert("Account", {"Name": "Moor"})
    bus.org.events.overflow("Account")
    arrived = await bus.arrived("Account", "Contact")
    assert (arrived.events, arrived.changes, arrived.lost) == (2, (), None)


async def test_one_event_may_speak_of_several_records(bus: Bus) -> None:
    contacts = [await new(bus, LastName=name) for name in ("Moor", "Vale")]
    records = [{"attributes": {"type": "Contact"}, "Id": contact, "MailingCity": "Waco"} for contact in contacts]
    await bus.office.client.send_json("PATCH", "composite/sobjects", "move", {"allOrNone": True, "records": records})
    arrived = await bus.arrived()
    assert arrived.events == 1
    assert [change.record_id for change in arrived.changes] == contacts
    assert [change.values for change in arrived.changes] == [{"city": "Waco"}] * 2
    assert len({change.event_id for change in arrived.changes}) == 2


async def test_long_text_that_travels_as_a_difference_is_not_taken_for_the_value(office: Office) -> None:
    office.org.events.channels.select("Contact")
    notes = FieldMapping("notes", "Notes", Kind.TEXT, ("notes",), "Description")
    bus = Bus(office, Mapping((*DEFAULT_MAPPING, notes)))
    lines = [f"line {number} of a long text" for number in range(60)]
    contact = await new(bus, Description="\n".join(lines))
    edit(bus, contact, Description="\n".join([*lines, "one more"]), MailingCity="Waco")
    change = await bus.one()
    assert (change.values, change.complete) == ({"city": "Waco"}, False)


async def test_a_schema_is_fetched_once_and_anew_when_the_org_changes(bus: Bus) -> None:
    contact = await new(bus)
    edit(bus, contact, MailingCity="Waco")
    await bus.arrived()
    assert bus.schemas_fetched == 1
    bus.org.enable("MiddleName")
    edit(bus, contact, MiddleName="May", Hint_Gender__c="Female")
    change = await bus.one()
    assert set(change.values) == {"middle_name", "gender"}
    assert change.values["middle_name"] == "May"
    assert bus.schemas_fetched == 2


async def test_null_is_blank_only_where_the_header_says_that_the_field_was_emptied(bus: Bus) -> None:
    names = [each["name"] for each in json.loads(bus.org.events.event_schema("Contact").json)["fields"]]
    email, first_name = f"0x{1 << names.index('Email'):04x}", f"{names.index('Name')}-0x02"
    unknown = await _handmade(bus, [email, first_name], [])
    assert (unknown.values, unknown.complete) == ({"first_name": "Ada"}, False)
    emptied = await _handmade(bus, [email, first_name], [email])
    assert (emptied.values, emptied.complete) == ({"first_name": "Ada", "email": None}, True)


@pytest.mark.parametrize("changed", [[], ["0xzz"], ["0x" + "ff" * 20], ["2-0x01", "Name.FirstName"]])
async def test_an_update_that_does_not_tell_what_changed_is_not_complete(bus: Bus, changed: list[str]) -> None:
    change = await _handmade(bus, changed, [])
    assert (change.values, change.complete, change.kind) == ({}, False, ChangeKind.CHANGED)


async def _handmade(bus: Bus, changed: list[str], emptied: list[str]) -> RecordChange:
    """Return what an event says that the emulator would not send: a first name, and null for all else."""
    schema = bus.org.events.event_schema("Contact")
    header = {
        "entityName": "Contact",
        "recordIds": ["003000000000001AAA"],
        "changeType": "UPDATE",
        "changeOrigin": "",
        "transactionKey": "",
        "sequenceNumber": 1,
        "commitTimestamp": 0,
        "commitNumber": 1,
        "commitUser": "",
        "nulledFields": emptied,
        "diffFields": [],
        "changedFields": changed,
    }
    body = {"ChangeEventHeader": header, "Name": {"FirstName": "Ada"}}
    inner = wire.ProducerEvent(schema_id=schema.id, payload=schema.encode(body))
    arrived = await bus.reader.read(
        [wire.FetchResponse(events=[wire.ConsumerEvent(event=inner, replay_id=b"12345678")])]
    )
    (change,) = arrived.changes
    assert change.event_id is None
    return change


async def test_an_event_that_cannot_be_read_is_a_loss_and_stops_nothing(bus: Bus) -> None:
    contact = bus.office.contact()
    (good,) = bus.responses()
    bad = wire.FetchResponse()
    bad.CopyFrom(good)
    bad.events[0].event.payload = b"\xff" + good.events[0].event.payload[:20]
    arrived = await bus.reader.read([bad, good])
    assert arrived.lost
    assert [change.record_id for change in arrived.changes] == [contact]
    assert arrived.position == good.latest_replay_id.hex()


async def test_a_keepalive_moves_the_position_and_nothing_else(bus: Bus) -> None:
    arrived = await bus.reader.read([wire.FetchResponse(latest_replay_id=b"\0\1\2\3\4\5\6\7")])
    assert arrived == Arrived("0001020304050607")


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    await office.deploy()
    yield office
    await office.aclose()
