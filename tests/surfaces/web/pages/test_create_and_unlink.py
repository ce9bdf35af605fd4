"""Create New Patient and Unlink Patient."""

from __future__ import annotations

from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import contact, in_hint, in_org, linked, patient
from tests.surfaces.web.pages.reading import heading, hidden, links, words


async def test_m10_create_shows_what_will_be_created_and_then_creates_it(desk: Desk) -> None:
    mine = contact(desk, Email="ann@example.org")
    await desk.front_desk.open("sync", mine)
    shown = await desk.front_desk.get(f"/contacts/{mine}/create")
    assert "Email ann@example.org" in words(shown)
    assert len(desk.house.wire.practice) == 0
    done = await desk.front_desk.post(f"/contacts/{mine}/create", {"seal": hidden(shown, "seal")})
    assert heading(done) == "Patient created"
    (made,) = desk.house.wire.practice.patients()
    assert (made["first_name"], made["email"]) == ("Ann", "ann@example.org")
    assert in_org(desk, mine)["Hint_Patient_Id__c"] == made["id"]


async def test_m10_whoever_is_probably_there_already_is_shown_before_a_double_is_created(desk: Desk) -> None:
    mine, theirs = contact(desk), patient(desk)
    await desk.front_desk.open("sync", mine)
    shown = await desk.front_desk.get(f"/contacts/{mine}/create")
    assert "Hint may have this person already" in words(shown)
    way = links(shown)["Sync this patient instead : Ann Moor"]
    assert way == f"/c/demo/contacts/{mine}/sync/preview?patient={theirs}"


async def test_a_contact_that_changed_since_it_was_looked_at_is_shown_again(desk: Desk) -> None:
    mine = contact(desk)
    await desk.front_desk.open("sync", mine)
    shown = await desk.front_desk.get(f"/contacts/{mine}/create")
    desk.house.wire.org.update("Contact", mine, {"LastName": "Hill"})
    again = await desk.front_desk.post(f"/contacts/{mine}/create", {"seal": hidden(shown, "seal")})
    assert again.status_code == 409
    assert "Last Name Hill" in words(again)
    assert len(desk.house.wire.practice) == 0


async def test_l13_without_a_first_name_it_says_what_to_fill_in(desk: Desk) -> None:
    mine = contact(desk, None, "Moor")
    await desk.front_desk.open("sync", mine)
    shown = await desk.front_desk.get(f"/contacts/{mine}/create")
    assert "Fill in the contact’s first name" in words(shown)


async def test_a_linked_contact_gets_no_second_patient(desk: Desk) -> None:
    mine, _ = await linked(desk)
    await desk.front_desk.open("sync", mine)
    shown = await desk.front_desk.get(f"/contacts/{mine}/create")
    assert "linked with a patient already" in words(shown)
    await desk.front_desk.post(f"/contacts/{mine}/create", {"seal": "x"})
    assert len(desk.house.wire.practice) == 1


async def test_m17_u1_unlink_asks_first_and_says_what_is_emptied(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    asked = await desk.front_desk.open("unlink", mine)
    said = words(asked)
    assert "What will happen" in said
    assert "Also empty the contact’s fields that only Hint fills: Hint Membership Status" in said
    assert in_org(desk, mine)["Synced_to_Hint__c"] is True
    done = await desk.front_desk.post(f"/contacts/{mine}/unlink", {"empty": "yes"})
    assert heading(done) == "Unlinked"
    assert "Emptied on the contact: Hint Membership Status" in words(done)
    shown = in_org(desk, mine)
    assert (shown["Synced_to_Hint__c"], shown["Hint_Patient_Id__c"]) == (False, None)
    assert shown["Hint_Membership_Status__c"] is None
    assert in_hint(desk, theirs)["first_name"] == "Ann"


async def test_u1_without_the_tick_the_mirrored_fields_stay(desk: Desk) -> None:
    mine, _ = await linked(desk)
    before = in_org(desk, mine)["Hint_Membership_Status__c"]
    await desk.front_desk.open("unlink", mine)
    await desk.front_desk.post(f"/contacts/{mine}/unlink", {})
    assert in_org(desk, mine)["Hint_Membership_Status__c"] == before is not None


async def test_a_contact_that_is_not_linked_has_nothing_to_unlink(desk: Desk) -> None:
    mine = contact(desk)
    asked = await desk.front_desk.open("unlink", mine)
    assert "nothing to unlink" in words(asked)
    refused = await desk.front_desk.post(f"/contacts/{mine}/unlink", {"empty": "yes"})
    assert refused.status_code == 422
    assert links(refused)["To the contact panel"] == f"/c/demo/contacts/{mine}"
