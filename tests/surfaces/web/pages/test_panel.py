"""The contact panel: how a contact stands, and what is decided there."""

from __future__ import annotations

from dataclasses import replace

from hintsync.core.records import LinkStatus
from hintsync.core.restored import RESTORED
from hintsync.core.values import Side
from hintsync.engine.live.work import work_once
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Commit, LinkChange
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import contact, in_hint, in_org, link, linked, patient
from tests.surfaces.web.pages.reading import heading, hidden, links, words


async def test_m6_a_contact_without_a_link_is_offered_the_search(desk: Desk) -> None:
    mine = contact(desk)
    answer = await desk.front_desk.open("panel", mine)
    assert answer.status_code == 200
    assert "Not linked" in words(answer)
    assert links(answer)["Sync to Hint"] == f"/c/demo/contacts/{mine}/sync"


async def test_m6_a_linked_contact_shows_its_patient_and_what_only_hint_knows_as_it_is_now(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    desk.house.wire.practice.edit(theirs, health_insurance_payer_name="Acme Mutual")
    answer = await desk.front_desk.open("panel", mine)
    said = words(answer)
    assert "Linked" in said
    assert "Insurance Payer Acme Mutual" in said
    assert "Last synced" in said
    assert links(answer)[f"{theirs} (opens a new window)"].endswith(f"/patients/{theirs}")


async def test_the_address_of_patients_can_be_set(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    store = desk.house.wire.service.store
    (connection,) = await store.connections()
    chosen = {**connection.settings, "patient_url": "https://clinic.example/p/"}
    await store.put_connection(replace(connection, settings=chosen))
    answer = await desk.front_desk.open("panel", mine)
    assert links(answer)[f"{theirs} (opens a new window)"] == f"https://clinic.example/p/{theirs}"


async def conflict(desk: Desk) -> tuple[str, str]:
    mine, theirs = await linked(desk, Email="ann@example.org")
    desk.house.wire.org.update("Contact", mine, {"Email": "desk@example.org"})
    desk.house.wire.practice.edit(theirs, email="nurse@example.org")
    await desk.front_desk.open("panel", mine)
    answer = await desk.front_desk.post(f"/contacts/{mine}/sync-now")
    assert "Waiting for a decision: Email" in words(answer)
    return mine, theirs


async def test_b2_a_conflict_shows_both_values_and_the_side_that_is_taken_wins(desk: Desk) -> None:
    mine, theirs = await conflict(desk)
    panel = await desk.front_desk.get(f"/contacts/{mine}")
    said = words(panel)
    assert "Email waits for a decision" in said
    assert "desk@example.org" in said
    assert "nurse@example.org" in said
    form = {"review": hidden(panel, "review"), "take": "hint"}
    done = await desk.front_desk.post(f"/contacts/{mine}/decide", form)
    assert heading(done) == "Decided"
    assert in_org(desk, mine)["Email"] == in_hint(desk, theirs)["email"] == "nurse@example.org"
    assert "waits" not in words(done)


async def test_b2_a_question_that_was_decided_meanwhile_is_said_so(desk: Desk) -> None:
    mine, _ = await conflict(desk)
    panel = await desk.front_desk.get(f"/contacts/{mine}")
    form = {"review": hidden(panel, "review"), "take": "salesforce"}
    await desk.front_desk.post(f"/contacts/{mine}/decide", form)
    again = await desk.front_desk.post(f"/contacts/{mine}/decide", form)
    assert again.status_code == 422
    assert "decided meanwhile" in words(again)


async def test_a_question_about_another_contact_is_not_decided_here(desk: Desk) -> None:
    mine, theirs = await conflict(desk)
    panel = await desk.front_desk.get(f"/contacts/{mine}")
    form = {"review": hidden(panel, "review"), "take": "hint"}
    other = contact(desk, "Bea", "Hill")
    refused = await desk.front_desk.post(f"/contacts/{other}/decide", form)
    assert refused.status_code == 422
    assert in_hint(desk, theirs)["email"] == "nurse@example.org"
    assert in_org(desk, mine)["Email"] == "desk@example.org"


async def overlaid(desk: Desk) -> tuple[str, str]:
    mine, theirs = await linked(desk)
    desk.house.wire.practice.edit(theirs, first_name="Bea", last_name="Hill", dob="1991-02-03")
    await desk.front_desk.open("panel", mine)
    answer = await desk.front_desk.post(f"/contacts/{mine}/sync-now")
    assert "waits for a decision" in words(answer)
    return mine, theirs


async def test_b5_g4_an_overlay_shows_both_people_and_is_let_through_by_same_person(desk: Desk) -> None:
    mine, _ = await overlaid(desk)
    panel = await desk.front_desk.get(f"/contacts/{mine}")
    said = words(panel)
    assert "Is this still the same person?" in said
    assert "First Name Ann Bea" in said
    assert "Sync now" not in said
    form = {"review": hidden(panel, "review"), "take": "same"}
    await desk.front_desk.post(f"/contacts/{mine}/decide", form)
    assert in_org(desk, mine)["FirstName"] == "Bea"


async def test_b5_g4_not_the_same_person_leads_to_unlink_and_leaves_both_as_they_are(desk: Desk) -> None:
    mine, theirs = await overlaid(desk)
    panel = await desk.front_desk.get(f"/contacts/{mine}")
    assert links(panel)["Not the same person"] == f"/c/demo/contacts/{mine}/unlink"
    await desk.front_desk.post(f"/contacts/{mine}/unlink", {"empty": "yes"})
    assert in_org(desk, mine)["FirstName"] == "Ann"
    assert in_hint(desk, theirs)["first_name"] == "Bea"


async def test_why_a_value_is_here_names_time_person_rule_and_direction_without_the_value(desk: Desk) -> None:
    mine, _ = await linked(desk, Email="ann@example.org")
    answer = await desk.front_desk.open("panel", mine)
    table = words(answer).partition("Why is this value here?")[2]
    row = table.partition(" Email ")[2].partition(" Mobile Phone ")[0]
    assert "hintsync" in row
    assert "Salesforce → Hint" in row
    assert "the contact’s was taken" in row
    assert "ann@example.org" not in table


async def test_parked_records_show_the_reason_and_are_tried_again(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    store = desk.house.wire.service.store
    await store.mark("demo", [Mark(Side.HINT, theirs, "webhook", 0.0, Lane.LIVE)])
    claimed = await store.claim("demo", "w", 1.0, 9.0, limit=9)
    await store.put_off(claimed, 2.0, parked="STRING_TOO_LONG Email")
    answer = await desk.front_desk.open("panel", mine)
    assert "STRING_TOO_LONG Email" in words(answer)
    again = await desk.front_desk.act(f"/contacts/{mine}/retry")
    assert "Syncing failed" not in words(again)
    assert [each.parked for each in await store.dirty("demo")] == [None]


async def test_a_contact_that_is_gone_shows_its_link_and_no_name(desk: Desk) -> None:
    mine, _ = await linked(desk)
    await desk.front_desk.open("panel", mine)
    desk.house.wire.org.delete("Contact", mine)
    answer = await desk.front_desk.post(f"/contacts/{mine}/sync-now")
    assert answer.status_code == 409
    assert "is gone, so the link is suspended" in words(answer)
    (link,) = await desk.house.wire.service.store.live_pairs("demo")
    assert link.status is LinkStatus.SUSPENDED


async def test_a_link_out_of_a_backup_is_being_checked_and_nobody_is_sent_to_a_question(desk: Desk) -> None:
    mine, _ = await linked(desk)
    store = desk.house.wire.service.store
    (link,) = await store.live_pairs("demo")
    await store.commit(Commit(links=[LinkChange(replace(link, status=LinkStatus.FROZEN, reason=RESTORED))]))
    said = words(await desk.front_desk.open("panel", mine))
    assert "Being checked" in said
    assert "restored from a backup" in said
    assert "review queue" not in said


async def test_what_is_no_contact_is_told(desk: Desk) -> None:
    await desk.front_desk.open("panel", contact(desk))
    assert (await desk.front_desk.get("/contacts/001000000000001AAA")).status_code == 422
    assert (await desk.front_desk.get("/contacts/pat-1")).status_code == 422


async def test_b7_nothing_that_a_person_typed_into_a_record_becomes_markup(desk: Desk) -> None:
    nasty = "<script>alert(1)</script>"
    mine = contact(desk, nasty[:40], '"><img src=x>')
    theirs = patient(desk, nasty, "Moor", email="a@example.org", address_city="<b>Lynn</b>")
    person = desk.front_desk
    pages = [await person.open("panel", mine), await person.open("sync", mine)]
    pages += [await person.get(f"/contacts/{mine}/sync/preview", patient=theirs)]
    pages += [await person.get(f"/contacts/{mine}/create")]
    pages += [await person.post(f"/contacts/{mine}/sync/results", {"q": nasty})]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "<b>Lynn" not in page.text


async def test_d6_after_a_merge_the_panel_asks_which_patient_stays(desk: Desk) -> None:
    mine, first = await linked(desk)
    other, second = contact(desk), patient(desk)
    assert (await link(desk, other, second)).done
    desk.house.wire.org.merge("Contact", mine, [other])
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await desk.house.wire.service.store.mark("demo", [Mark(Side.SALESFORCE, other, "poll", 0.0, Lane.LIVE)])
    await work_once(engine, "worker", limit=10)
    panel = await desk.front_desk.open("panel", mine)
    said = words(panel)
    assert "Which patient stays linked with it?" in said
    assert said.count("Ann Moor, born 6 May 1980 pat-") == 2
    form = {"review": hidden(panel, "review"), "take": second}
    done = await desk.front_desk.post(f"/contacts/{mine}/decide", form)
    assert heading(done) == "Decided"
    assert in_org(desk, mine)["Hint_Patient_Id__c"] == second
    assert in_hint(desk, first)["integration_record_id"] is None
