"""The review queue: what a person sees of it, and what happens in both systems when they decide."""

from __future__ import annotations

import html
import re

from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.state.port import Review, ReviewStatus
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import contact, in_hint, in_org, link, linked, patient


async def reviews(desk: Desk) -> list[Review]:
    return list(await desk.house.wire.service.store.reviews("demo"))


async def conflict(desk: Desk, first: str = "Ann") -> tuple[str, str, Review]:
    """Link two people and change the city in both systems."""
    mine, theirs = contact(desk, first, MailingCity="Boston"), patient(desk, first)
    await link(desk, mine, theirs)
    desk.house.wire.org.update("Contact", mine, {"MailingCity": "Salem"})
    desk.house.wire.practice.edit(theirs, address_city="Lynn")
    await _sync(desk)
    review = next(each for each in await reviews(desk) if each.record_id == mine)
    return mine, theirs, review


async def ambiguous(desk: Desk) -> tuple[str, str, str, Review]:
    """Give a patient two contacts of the same name and date of birth."""
    first, second = contact(desk, Email="ann@moor.example"), contact(desk, MailingCity="Lynn")
    theirs = patient(desk, email="ann@moor.example")
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await batch_patients(engine)
    (review,) = await reviews(desk)
    return first, second, theirs, review


async def _sync(desk: Desk) -> None:
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await sync_all(engine)


def seen(text: str) -> str:
    """Return the words of a page, its marks taken out."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


async def test_an_empty_queue_says_so(desk: Desk) -> None:
    await desk.administrator.open()
    assert "Nothing waits for a decision" in (await desk.administrator.get("/reviews")).text


async def test_the_front_desk_has_no_queue(desk: Desk) -> None:
    await desk.front_desk.open()
    assert (await desk.front_desk.get("/reviews")).status_code == 403


async def test_the_queue_lists_what_waits_by_kind(desk: Desk) -> None:
    mine, _, review = await conflict(desk)
    first, _, theirs, _ = await ambiguous_too(desk)
    await desk.administrator.open()
    text = (await desk.administrator.get("/reviews")).text
    assert all(word in seen(text) for word in ("Conflict", "City", "Several matches", "2 open", "Ann Moor", theirs))
    one_kind = (await desk.administrator.get("/reviews", kind="conflict")).text
    assert f"/reviews/{review.id}" in one_kind
    assert theirs not in one_kind
    assert mine in one_kind
    assert first not in one_kind


async def ambiguous_too(desk: Desk) -> tuple[str, str, str, Review]:
    first, second = contact(desk, "Bea"), contact(desk, "Bea")
    theirs = patient(desk, "Bea")
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await batch_patients(engine)
    review = next(each for each in await reviews(desk) if each.record_id == theirs)
    return first, second, theirs, review


async def test_b2_a_conflict_shows_both_values_since_when_and_who_moved(desk: Desk) -> None:
    _, _, review = await conflict(desk)
    await desk.administrator.open()
    text = seen((await desk.administrator.get(f"/reviews/{review.id}")).text)
    assert "Conflict: City" in text
    assert "Salem" in text
    assert "Lynn" in text
    assert "differs" in text
    assert "Changed in Salesforce since the two last agreed" in text
    assert "Changed in Hint since the two last agreed" in text
    assert "Last agreed" in text
    assert "Keep Salesforce’s value It is written to Hint" in text


async def test_b2_the_value_that_a_person_keeps_goes_to_the_other_system(desk: Desk) -> None:
    mine, theirs, review = await conflict(desk)
    await desk.administrator.open()
    answer = await desk.administrator.act(f"/reviews/{review.id}", {"decision": "keep-hint"})
    assert "Decided" in seen(answer.text)
    assert "Written to Salesforce: City" in seen(answer.text)
    assert in_org(desk, mine)["MailingCity"] == "Lynn"
    assert in_hint(desk, theirs)["address_city"] == "Lynn"
    stored = await desk.house.wire.service.store.review(review.id)
    assert stored is not None
    assert (stored.status, stored.decided_by) == (ReviewStatus.DECIDED, f"user:{desk.administrator.user_id}")


async def test_a_review_that_was_decided_meanwhile_says_so_and_nothing_is_done_again(desk: Desk) -> None:
    mine, _, review = await conflict(desk)
    await desk.administrator.open()
    await desk.administrator.act(f"/reviews/{review.id}", {"decision": "keep-hint"})
    again = await desk.administrator.act(f"/reviews/{review.id}", {"decision": "keep-salesforce"})
    assert "This was decided already: keep hint" in seen(again.text)
    assert "Ada Marlow" in again.text
    assert in_org(desk, mine)["MailingCity"] == "Lynn"


async def test_b4_candidates_stand_side_by_side_with_what_speaks_for_each(desk: Desk) -> None:
    _, _, _, review = await ambiguous(desk)
    await desk.administrator.open()
    text = seen((await desk.administrator.get(f"/reviews/{review.id}")).text)
    assert "Several contacts have this patient’s name and date of birth" in text
    assert text.count("Same name and date of birth") == 2
    assert "E-mail: shared for" in text
    assert "People who live together share them" in text
    assert "ann@moor.example" in text
    assert "only here" in text


async def test_b4_the_candidate_that_a_person_chooses_is_linked(desk: Desk) -> None:
    _, second, theirs, review = await ambiguous(desk)
    await desk.administrator.open()
    answer = await desk.administrator.act(f"/reviews/{review.id}", {"decision": "link", "record": second})
    assert "linked" in seen(answer.text)
    assert in_org(desk, second)["Hint_Patient_Id__c"] == theirs
    assert await reviews(desk) == []


async def test_another_record_may_be_named_and_nonsense_is_refused(desk: Desk) -> None:
    _, _, theirs, review = await ambiguous(desk)
    third = contact(desk, "Anna")
    await desk.administrator.open()
    none = await desk.administrator.act(f"/reviews/{review.id}", {"decision": "link"})
    assert none.status_code == 422
    assert "choose one of the records" in none.text
    wrong = await desk.administrator.act(f"/reviews/{review.id}", {"decision": "link", "other": "003nonsense"})
    assert wrong.status_code == 422
    await desk.administrator.act(f"/reviews/{review.id}", {"decision": "link", "other": third})
    assert in_org(desk, third)["Hint_Patient_Id__c"] == theirs


async def test_what_a_person_must_be_told_is_asked_before_it_is_done(desk: Desk) -> None:
    mine, _ = await linked(desk, FirstName="Zoe")
    _, _, theirs, review = await ambiguous_too(desk)
    await desk.administrator.open()
    answer = await desk.administrator.act(f"/reviews/{review.id}", {"decision": "link", "other": mine})
    assert "Please confirm" in seen(answer.text)
    assert in_org(desk, mine)["Hint_Patient_Id__c"] != theirs
    form = {"decision": "link", "record": mine, "confirmed": "re-link"}
    await desk.administrator.act(f"/reviews/{review.id}", form)
    assert in_org(desk, mine)["Hint_Patient_Id__c"] == theirs


async def test_u4_none_of_them_is_remembered(desk: Desk) -> None:
    first, _, theirs, review = await ambiguous(desk)
    await desk.administrator.open()
    await desk.administrator.act(f"/reviews/{review.id}", {"decision": "none"})
    assert await desk.house.wire.service.store.declined("demo", first, theirs)


async def test_g4_a_pair_with_another_persons_data_is_told_apart(desk: Desk) -> None:
    mine, theirs = await linked(desk)
    desk.house.wire.practice.edit(theirs, first_name="Zoe", dob="2001-01-02")
    await _sync(desk)
    (review,) = await reviews(desk)
    await desk.administrator.open()
    text = seen((await desk.administrator.get(f"/reviews/{review.id}")).text)
    assert "Is this still the same person?" in text
    assert "2 Jan 2001" in text
    await desk.administrator.act(f"/reviews/{review.id}", {"decision": "other-person"})
    assert in_org(desk, mine)["FirstName"] == "Ann"
    assert not in_org(desk, mine)["Hint_Patient_Id__c"]


async def test_all_alike_are_asked_about_first_and_then_decided(desk: Desk) -> None:
    pairs = [await conflict(desk, name) for name in ("Ann", "Bea", "Cal")]
    await desk.administrator.open()
    one = pairs[0][2]
    asked = await desk.administrator.get("/reviews/alike", review=one.id, decision="keep-hint")
    assert "Decide 3 alike" in seen(asked.text)
    assert {in_org(desk, mine)["MailingCity"] for mine, _, _ in pairs} == {"Salem"}
    until = re.search(r'name="until" value="([^"]+)"', asked.text)
    assert until is not None
    form = {"review": one.id, "decision": "keep-hint", "until": until.group(1)}
    done = await desk.administrator.act("/reviews/alike", form)
    assert "3 decided" in seen(done.text)
    assert {in_org(desk, mine)["MailingCity"] for mine, _, _ in pairs} == {"Lynn"}


async def test_who_is_whom_is_never_decided_for_many(desk: Desk) -> None:
    _, _, _, review = await ambiguous(desk)
    await desk.administrator.open()
    answer = await desk.administrator.get("/reviews/alike", review=review.id, decision="link")
    assert "Several contacts" in answer.text
    assert "for all" not in answer.text


async def test_a_review_of_another_connection_is_not_to_be_had(desk: Desk) -> None:
    await desk.administrator.open()
    answer = await desk.administrator.get("/reviews/rev-of-somebody-else")
    assert answer.status_code == 422
    assert "no such review" in answer.text


async def test_what_people_are_called_cannot_become_part_of_a_page(desk: Desk) -> None:
    evil = "<script>alert(1)</script>"
    mine, theirs = contact(desk, evil), patient(desk, evil)
    contact(desk, evil)
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await batch_patients(engine)
    (review,) = await reviews(desk)
    await desk.administrator.open()
    for path in ("/reviews", f"/reviews/{review.id}"):
        text = (await desk.administrator.get(path)).text
        assert evil not in text
    assert "&lt;script&gt;" in text
    assert {mine, theirs}
