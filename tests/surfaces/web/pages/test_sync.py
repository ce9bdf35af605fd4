"""Sync to Hint: searched, checked, confirmed."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from hintsync.core.errors import BudgetSpent, RetryLater
from hintsync.core.values import Side
from hintsync.engine.search.patients import patient_index
from hintsync.replicas.hint.replica import HintReplica
from hintsync_emulators.salesforce.storage import Row
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import contact, in_hint, in_org, link, linked, patient
from tests.surfaces.web.pages.reading import choices, heading, hidden, links, words


async def found(desk: Desk, mine: str, text: str) -> str:
    return words(await desk.front_desk.post(f"/contacts/{mine}/sync/results", {"q": text}))


async def test_m9_the_search_key_is_filled_and_the_likeliest_patient_comes_first_with_reasons(desk: Desk) -> None:
    mine = contact(desk)
    namesake, theirs = patient(desk, "Anna", "Moore", "1991-02-03"), patient(desk)
    answer = await desk.front_desk.open("sync", mine)
    assert 'value="Ann Moor"' in answer.text
    assert choices(answer) == [theirs, namesake]
    said = words(answer)
    assert "2 patients found" in said
    assert "Same name and date of birth" in said
    assert "For: Birth date: the same" in said
    assert "Caution: The birth dates differ by more than a slip" in said


async def test_m9_results_follow_what_is_typed(desk: Desk) -> None:
    mine = contact(desk)
    other = patient(desk, "Bea", "Hill", "1991-02-03")
    await desk.front_desk.open("sync", mine)
    answer = await desk.front_desk.post(f"/contacts/{mine}/sync/results", {"q": "hil"})
    assert choices(answer) == [other]
    assert 'data-tell="1 patient found"' in answer.text
    assert "<html" not in answer.text
    assert "No patient found" in await found(desk, mine, "zzz")
    assert "No patient found" in await found(desk, mine, "")


async def test_m9_patients_that_are_linked_or_archived_are_marked_with_whom(desk: Desk) -> None:
    other, _ = await linked(desk)
    archived = patient(desk, "Annie", "Moor")
    desk.house.wire.practice.archive(archived)
    mine = contact(desk, "Ann", "Moor", "1980-05-08")
    answer = await desk.front_desk.open("sync", mine)
    assert "Already linked" in words(answer)
    assert "Archived" in words(answer)
    assert links(answer)["Ann Moor (opens a new window)"].endswith(f"/lightning/r/Contact/{other}/view")


async def test_a_new_patient_is_found_by_the_webhook_that_tells_of_it(desk: Desk) -> None:
    mine = contact(desk)
    await desk.front_desk.open("sync", mine)
    theirs = patient(desk, "Cleo", "Marsh")
    await desk.house.tell("patient.created", in_hint(desk, theirs))
    answer = await desk.front_desk.post(f"/contacts/{mine}/sync/results", {"q": "marsh"})
    assert choices(answer) == [theirs]
    desk.house.wire.practice.destroy(theirs)
    await desk.house.tell("patient.destroyed", {"id": theirs})
    assert "No patient found" in await found(desk, mine, "marsh")


async def test_m9_the_preview_shows_both_sides_and_writes_nothing(desk: Desk) -> None:
    mine = contact(desk, Email="ann@example.org")
    theirs = patient(desk, email="old@example.org", address_city="Lynn")
    await desk.front_desk.open("sync", mine)
    answer = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=theirs)
    said = words(answer)
    assert "Email ann@example.org old@example.org will change ann@example.org" in said
    assert "City (blank) will change Lynn Lynn" in said
    assert in_hint(desk, theirs)["email"] == "old@example.org"
    assert await desk.house.wire.service.store.live_pairs("demo") == []


async def confirmed(desk: Desk, mine: str, theirs: str, **more: str) -> httpx.Response:
    preview = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=theirs)
    form = {"patient": theirs, "seal": hidden(preview, "seal"), **more}
    return await desk.front_desk.post(f"/contacts/{mine}/sync", form)


async def test_m11_confirm_links_and_leads_back_to_the_contact_with_all_fields_filled(desk: Desk) -> None:
    mine = contact(desk, Email="ann@example.org")
    theirs = patient(desk, email="old@example.org", address_city="Lynn")
    await desk.front_desk.open("sync", mine)
    preview = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=theirs)
    done = await desk.front_desk.post(f"/contacts/{mine}/sync", {"patient": theirs, "seal": hidden(preview, "seal")})
    assert (done.status_code, heading(done)) == (200, "Synced to Hint")
    shown = in_org(desk, mine)
    assert (shown["Synced_to_Hint__c"], shown["Hint_Patient_Id__c"], shown["MailingCity"]) == (True, theirs, "Lynn")
    assert in_hint(desk, theirs)["email"] == "ann@example.org"
    back = f"/lightning/r/Contact/{mine}/view"
    assert links(done)["Back to the contact in Salesforce"].endswith(back)
    assert 'target="_top"' in done.text
    (event, *_) = [e.event for e in await desk.house.wire.service.store.audit("demo") if e.event.action == "linked"]
    assert event.actor == f"user:{desk.front_desk.user_id}"


async def test_what_changed_since_the_preview_is_shown_again_and_not_carried_out(desk: Desk) -> None:
    mine, theirs = contact(desk), patient(desk)
    await desk.front_desk.open("sync", mine)
    preview = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=theirs)
    desk.house.wire.practice.edit(theirs, address_city="Lynn")
    form = {"patient": theirs, "seal": hidden(preview, "seal")}
    again = await desk.front_desk.post(f"/contacts/{mine}/sync", form)
    assert again.status_code == 409
    assert "changed since you looked" in words(again)
    assert "Lynn" in words(again)
    assert await desk.house.wire.service.store.live_pairs("demo") == []
    form = {"patient": theirs, "seal": hidden(again, "seal")}
    assert (await desk.front_desk.post(f"/contacts/{mine}/sync", form)).status_code == 200


async def test_u3_u5_a_move_names_everybody_who_loses_a_link_and_waits_for_each_box(desk: Desk) -> None:
    mine, old = await linked(desk)
    other, new = contact(desk, "Bea", "Hill", "1991-02-03"), patient(desk, "Bea", "Hill", "1991-02-03")
    await link(desk, other, new)
    await desk.front_desk.open("sync", mine)
    preview = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=new)
    said = words(preview)
    assert f"Linked now: Ann Moor, born 6 May 1980 {old}" in said
    assert f"Linked now: Bea Hill, born 3 Feb 1991 {other}" in said
    form = {"patient": new, "seal": hidden(preview, "seal")}
    unticked = await desk.front_desk.post(f"/contacts/{mine}/sync", {**form, "confirm": "re-link"})
    assert unticked.status_code == 409
    assert "tick each box" in words(unticked)
    assert in_org(desk, mine)["Hint_Patient_Id__c"] == old
    headers = {"Authorization": f"Bearer {desk.front_desk.token}", "X-Hintsync-Fetch": "1"}
    both = {**form, "confirm": ["re-link", "move"]}
    moved = await desk.house.http.post(f"/c/demo/contacts/{mine}/sync", data=both, headers=headers)
    assert moved.status_code == 200
    assert in_org(desk, mine)["Hint_Patient_Id__c"] == new
    assert in_org(desk, other)["Hint_Patient_Id__c"] is None


async def test_u4_a_pair_that_was_parted_before_asks_first(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    await desk.front_desk.open("unlink", mine)
    await desk.front_desk.post(f"/contacts/{mine}/unlink", {"empty": "yes"})
    preview = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=theirs)
    assert "Somebody unlinked these two before" in words(preview)


async def test_a_patient_that_is_gone_is_told_with_the_way_back(desk: Desk) -> None:
    mine, theirs = contact(desk), patient(desk)
    await desk.front_desk.open("sync", mine)
    desk.house.wire.practice.destroy(theirs)
    answer = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=theirs)
    assert answer.status_code == 422
    assert links(answer)["Look again"] == f"/c/demo/contacts/{mine}/sync"


@pytest.mark.parametrize(
    ("error", "says"),
    [(RetryLater(None, "busy"), "at work on this contact"), (BudgetSpent(Side.HINT, "spent"), "allowance of calls")],
)
async def test_trouble_says_what_to_do_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: RetryLater, says: str
) -> None:
    mine, _ = await linked(desk)
    await desk.front_desk.open("panel", mine)

    async def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("hintsync.surfaces.web.pages.panel.sync_by_hand", fails)
    answer = await desk.front_desk.post(f"/contacts/{mine}/sync-now")
    assert answer.status_code == 503
    assert says in words(answer)
    assert "Nothing is lost" in words(answer)


async def test_b7_a_systems_own_words_are_shown_once_to_the_person_and_kept_nowhere(desk: Desk) -> None:
    def fails(row: Row) -> bool:
        return row.get("MailingCity") == "Lynn"

    desk.house.wire.org.add_validation_rule("Contact", fails, "Lynn 4711 is no city of ours")
    mine, theirs = contact(desk), patient(desk, address_city="Lynn")
    await desk.front_desk.open("sync", mine)
    done = await confirmed(desk, mine, theirs)
    assert "Lynn 4711 is no city of ours" in words(done)
    store = desk.house.wire.service.store
    kept = [*await store.audit("demo"), *await store.log("demo"), *await store.reviews("demo")]
    assert kept
    assert "4711" not in repr(kept)
    assert "4711" not in words(await desk.front_desk.get(f"/contacts/{mine}"))


async def test_a_linked_contact_is_synced_or_linked_anew_from_the_search(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    answer = await desk.front_desk.open("sync", mine)
    assert "Choosing another patient ends that link" in words(answer)
    assert "Linked with this contact" in words(answer)
    assert "Create New Patient" not in words(answer)
    assert choices(answer) == [theirs]


async def test_while_patients_are_being_read_the_page_says_so_and_finds_by_birth_date(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    monkeypatch.setattr(type(patient_index(engine)), "freshen", lambda self, engine: None)
    assert isinstance(engine.hint, HintReplica)
    engine.hint._facts = replace(engine.hint.facts, dob_filter=True)  # an empty practice cannot show that it works
    mine, theirs = contact(desk), patient(desk)
    patient(desk, "Anna", "Moore", "1991-02-03")
    answer = await desk.front_desk.open("sync", mine)
    assert "patients are being read" in words(answer)
    assert choices(answer) == [theirs]


async def test_l10_a_pair_that_cannot_be_linked_offers_no_confirm(desk: Desk) -> None:
    other, theirs = await linked(desk)
    desk.house.wire.practice.edit(theirs, first_name="Bea", last_name="Hill", dob="1991-02-03")
    await desk.front_desk.open("panel", other)
    await desk.front_desk.post(f"/contacts/{other}/sync-now")
    mine = contact(desk, "Cy", "Marsh")
    preview = await desk.front_desk.get(f"/contacts/{mine}/sync/preview", patient=theirs)
    assert "waits for a decision" in words(preview)
    assert "<button" not in preview.text
    forced = await desk.front_desk.post(f"/contacts/{mine}/sync", {"patient": theirs, "seal": "x"})
    assert forced.status_code == 409
    assert in_org(desk, mine)["Hint_Patient_Id__c"] is None
