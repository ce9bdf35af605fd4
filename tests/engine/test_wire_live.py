"""Live sync with the real replicas on both emulators: what a worker does to what the two systems show."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import take_in
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import Worked, work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.state.port import ReviewKind
from tests.engine.wire import Wire, wired

ANN = {"first_name": "Ann", "last_name": "Moor", "dob": "1980-05-06"}
ANN_IN_SALESFORCE = {"FirstName": "Ann", "LastName": "Moor", "Birthdate": "1980-05-06"}


@dataclass(slots=True)
class Living:
    """Both emulators with a connection at work on them."""

    wire: Wire
    engine: Engine

    async def hear(self, side: Side, record_id: str, kind: NoticeKind = NoticeKind.CHANGED) -> Worked:
        """Take in an event that shows nothing, and work what it brings until nothing is due."""
        await take_in(self.engine, [Notice(side, record_id, kind, "poll", time.time())])
        worked = await work_once(self.engine, "worker")
        while (await work_once(self.engine, "worker")).claimed:
            pass
        return worked

    async def linked(self, **values: str) -> tuple[str, str]:
        """Return a linked pair that both systems show as such."""
        patient = self.wire.practice.create_patient(**ANN, **values)
        contact = self.wire.org.insert("Contact", ANN_IN_SALESFORCE)
        assert (await link_by_hand(self.engine, contact, patient)).done
        return contact, patient

    async def status(self, contact: str) -> LinkStatus | None:
        """Return the status of a contact's live link."""
        found = await self.engine.store.live_links(self.engine.connection.id, Side.SALESFORCE, [contact])
        return found[contact].link.status if contact in found else None


@asynccontextmanager
async def living(folder: Path, options: Options | None = None) -> AsyncIterator[Living]:
    async with wired(folder, options) as wire, wire.engine() as engine:
        await take_known_patients(engine)
        yield Living(wire, engine)


async def test_edits_travel_both_ways(tmp_path: Path):
    async with living(tmp_path) as live:
        contact, patient = await live.linked(address_city="Lynn")
        live.wire.org.update("Contact", contact, {"MailingCity": "Reno"})
        assert (await live.hear(Side.SALESFORCE, contact)).written == {Side.HINT: 1}
        assert live.wire.practice.patient(patient)["address_city"] == "Reno"
        live.wire.practice.edit(patient, address_city="Elko", email="ann@example.org")
        assert (await live.hear(Side.HINT, patient)).written == {Side.SALESFORCE: 1}
        shown = live.wire.org.get("Contact", contact)
        assert (shown["MailingCity"], shown["Email"]) == ("Elko", "ann@example.org")
        assert (await live.hear(Side.HINT, patient)).written == {}


async def test_f5_a_conflict_is_told_to_the_patient_in_words_of_ours(tmp_path: Path):
    async with living(tmp_path) as live:
        contact, patient = await live.linked(address_city="Lynn")
        live.wire.org.update("Contact", contact, {"MailingCity": "Reno"})
        live.wire.practice.edit(patient, address_city="Elko")
        assert (await live.hear(Side.SALESFORCE, contact)).held == 1
        shown = live.wire.practice.patient(patient)
        assert shown["integration_error_message"] == "hintsync: waiting for a decision: City"
        live.wire.practice.edit(patient, address_city="Reno")
        await live.hear(Side.HINT, patient)
        assert live.wire.practice.patient(patient)["integration_error_message"] is None


async def test_d1_and_its_undelete(tmp_path: Path):
    async with living(tmp_path) as live:
        contact, patient = await live.linked(address_city="Lynn")
        live.wire.org.delete("Contact", contact)
        await live.hear(Side.SALESFORCE, contact, NoticeKind.DELETED)
        assert await live.status(contact) is LinkStatus.SUSPENDED
        live.wire.practice.edit(patient, address_city="Reno")
        live.wire.org.undelete("Contact", contact)
        await live.hear(Side.SALESFORCE, contact, NoticeKind.UNDELETED)
        assert await live.status(contact) is LinkStatus.ACTIVE
        assert live.wire.org.get("Contact", contact)["MailingCity"] == "Reno"


async def test_d2_a_destroyed_patient(tmp_path: Path):
    async with living(tmp_path) as live:
        contact, patient = await live.linked()
        live.wire.practice.destroy(patient)
        await live.hear(Side.HINT, patient, NoticeKind.DELETED)
        assert await live.status(contact) is LinkStatus.SUSPENDED
        assert live.wire.org.get("Contact", contact)["Synced_to_Hint__c"] is False


async def test_d4_a_merge_of_contacts(tmp_path: Path):
    async with living(tmp_path) as live:
        loser, patient = await live.linked(address_city="Lynn", address_zip="01901")
        winner = live.wire.org.insert("Contact", {**ANN_IN_SALESFORCE, "MailingCity": "Reno"})
        live.wire.org.merge("Contact", winner, [loser])
        await live.hear(Side.SALESFORCE, loser, NoticeKind.DELETED)
        assert (await live.status(loser), await live.status(winner)) == (None, LinkStatus.ACTIVE)
        shown = live.wire.org.get("Contact", winner)
        assert (shown["Hint_Patient_Id__c"], shown["Synced_to_Hint__c"]) == (patient, True)
        assert shown["MailingPostalCode"] == "01901"
        assert live.wire.practice.patient(patient)["address_city"] == "Reno"


async def test_d6_a_merge_of_two_linked_contacts(tmp_path: Path):
    async with living(tmp_path) as live:
        loser, first = await live.linked()
        second = live.wire.practice.create_patient(first_name="Anne", last_name="Moor", dob="1980-05-06")
        winner = live.wire.org.insert("Contact", {**ANN_IN_SALESFORCE, "FirstName": "Anne"})
        await link_by_hand(live.engine, winner, second)
        live.wire.org.merge("Contact", winner, [loser])
        await live.hear(Side.SALESFORCE, loser, NoticeKind.DELETED)
        assert (await live.status(loser), await live.status(winner)) == (LinkStatus.FROZEN, LinkStatus.FROZEN)
        (review,) = await live.engine.store.reviews(live.engine.connection.id, kind=ReviewKind.MERGE)
        assert set(review.candidates) == {first, second}


async def test_d7_a_merge_of_patients(tmp_path: Path):
    async with living(tmp_path) as live:
        contact, loser = await live.linked(address_city="Lynn", address_zip="01901")
        survivor = live.wire.practice.create_patient(**ANN, address_city="Reno")
        live.wire.practice.merge(loser, into=survivor)
        await live.hear(Side.HINT, loser)
        assert live.wire.org.get("Contact", contact)["Hint_Patient_Id__c"] == survivor
        assert live.wire.org.get("Contact", contact)["MailingCity"] == "Reno"
        assert live.wire.practice.patient(survivor)["address_zip"] == "01901"


async def test_m13_a_new_patient_gets_a_contact(tmp_path: Path):
    async with living(tmp_path, Options(create_contacts=True)) as live:
        live.wire.org.insert("Contact", {"FirstName": "Zoe", "LastName": "Quill", "Birthdate": "1950-01-01"})
        patient = live.wire.practice.create_patient(**ANN, address_city="Lynn")
        await live.hear(Side.HINT, patient, NoticeKind.CREATED)
        (made,) = [row for row in live.wire.org.rows("Contact") if row["Hint_Patient_Id__c"] == patient]
        assert (made["MailingCity"], made["Synced_to_Hint__c"]) == ("Lynn", True)
        assert live.wire.practice.patient(patient)["integration_record_id"] == made["Id"]


async def test_m13_a_new_patient_is_linked_with_its_one_match(tmp_path: Path):
    async with living(tmp_path) as live:
        contact = live.wire.org.insert("Contact", {**ANN_IN_SALESFORCE, "MailingPostalCode": "01901"})
        patient = live.wire.practice.create_patient(**ANN, address_city="Lynn")
        await live.hear(Side.HINT, patient, NoticeKind.CREATED)
        shown = live.wire.org.get("Contact", contact)
        assert (shown["Hint_Patient_Id__c"], shown["MailingCity"]) == (patient, "Lynn")
        assert live.wire.practice.patient(patient)["address_zip"] == "01901"
