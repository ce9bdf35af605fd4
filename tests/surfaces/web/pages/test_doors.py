"""Who is let in to the pages, and how they stay in."""

from __future__ import annotations

import pytest

from hintsync.surfaces.web.access.believed import BELIEVED
from hintsync_emulators.salesforce import Org
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import link


async def test_a_signed_request_opens_the_page_that_is_meant(desk: Desk) -> None:
    answer = await desk.administrator.open()
    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert "set-cookie" not in answer.headers
    assert "frame-ancestors http://127.0.0.1:9" in answer.headers["content-security-policy"]


async def test_a_page_in_memory_goes_on_with_its_token_alone(desk: Desk) -> None:
    await desk.administrator.open()
    assert (await desk.administrator.get("/")).status_code == 200
    first = desk.administrator.token
    assert (await desk.administrator.get("/")).status_code == 200
    assert desk.administrator.token != first


async def test_without_a_token_nobody_is_in(desk: Desk) -> None:
    assert (await desk.administrator.get("/")).status_code == 401
    away = await desk.house.http.get("/c/demo/")
    assert away.status_code == 303
    assert away.headers["location"].startswith("/login?next=")


async def test_who_has_none_of_our_permission_sets_is_told_so(desk: Desk) -> None:
    answer = await desk.stranger.open()
    assert answer.status_code == 403
    assert "permission sets" in answer.text


@pytest.mark.parametrize("fault", ["wrong_secret", "truncated", "other_org"])
async def test_a_spoilt_signed_request_is_refused(desk: Desk, fault: str) -> None:
    setattr(desk.house.wire.org.canvas.faults, fault, 1)
    answer = await desk.administrator.open()
    assert answer.status_code == 403
    assert not desk.administrator.token


async def test_a_copy_of_a_signed_request_is_worth_nothing_once_the_session_has_ended(desk: Desk) -> None:
    signed = await desk.administrator.signed_request()
    assert (await desk.house.http.post("/canvas", data={"signed_request": signed})).status_code == 200
    _end_sessions(desk.house.wire.org, desk.administrator.user_id)
    assert (await desk.house.http.post("/canvas", data={"signed_request": signed})).status_code == 403


async def test_who_loses_the_permission_set_loses_the_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.administrator.open()
    org = desk.house.wire.org
    (held,) = org.storage.ids_where(
        "PermissionSetAssignment", "AssigneeId", desk.administrator.user_id, live_only=False
    )
    org.delete("PermissionSetAssignment", held)
    clock = desk.house.wire.service.clock
    before = clock.monotonic
    monkeypatch.setattr(type(clock), "monotonic", lambda self: before() + BELIEVED + 1)
    assert (await desk.administrator.get("/")).status_code == 403


async def _not_their_contact(desk: Desk, setting: str) -> str:
    """Make a contact of somebody else's in an org that shares so much of contacts; the front desk is no administrator."""
    org = desk.house.wire.org
    (standard,) = [row["Id"] for row in org.rows("Profile") if row["Name"] == "Standard User"]
    org.update("User", desk.front_desk.user_id, {"ProfileId": standard})
    org.sharing["Contact"] = setting
    return org.insert("Contact", {"FirstName": "Odessa", "LastName": "Brightwater"})


@pytest.mark.parametrize("view", ["panel", "sync", "unlink"])
async def test_a_contact_that_is_not_shared_with_a_person_is_not_shown_to_them(desk: Desk, view: str) -> None:
    contact = await _not_their_contact(desk, "private")
    answer = await desk.front_desk.open(view, contact)
    assert answer.status_code == 403
    assert "Salesforce does not share it with you" in answer.text
    assert "Brightwater" not in answer.text


async def test_who_is_given_access_to_a_contact_need_not_wait(desk: Desk) -> None:
    contact = await _not_their_contact(desk, "private")
    await desk.front_desk.open()
    assert (await desk.front_desk.get(f"/contacts/{contact}")).status_code == 403
    desk.house.wire.org.update("Contact", contact, {"OwnerId": desk.front_desk.user_id})
    assert (await desk.front_desk.get(f"/contacts/{contact}")).status_code == 200


async def test_who_may_only_read_a_contact_looks_and_searches_and_changes_nothing(desk: Desk) -> None:
    contact = await _not_their_contact(desk, "read")
    patient = desk.house.wire.practice.create_patient(first_name="Odessa", last_name="Brightwater", dob="1961-05-02")
    assert (await desk.front_desk.open("sync", contact)).status_code == 200
    assert (await desk.front_desk.post(f"/contacts/{contact}/sync/results", {"q": "Odessa"})).status_code == 200
    for path in ("sync", "create", "unlink", "sync-now", "decide", "retry"):
        answer = await desk.front_desk.post(f"/contacts/{contact}/{path}", {"patient": patient, "seal": "x"})
        assert answer.status_code == 403, path
        assert "does not let you edit it" in answer.text


async def test_who_loses_access_to_a_contact_loses_its_pages_within_a_minute(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = await _not_their_contact(desk, "edit")
    assert (await desk.front_desk.open("panel", contact)).status_code == 200
    desk.house.wire.org.sharing["Contact"] = "private"
    clock = desk.house.wire.service.clock
    before = clock.monotonic
    monkeypatch.setattr(type(clock), "monotonic", lambda self: before() + BELIEVED + 1)
    assert (await desk.front_desk.get(f"/contacts/{contact}")).status_code == 403


async def test_an_org_that_cannot_say_who_may_see_a_contact_lets_nobody_in(desk: Desk) -> None:
    contact = await _not_their_contact(desk, "edit")
    assert (await desk.front_desk.open()).status_code == 200
    desk.house.wire.org.expire_tokens()
    answer = await desk.front_desk.get(f"/contacts/{contact}")
    assert answer.status_code == 409
    assert "Brightwater" not in answer.text


@pytest.mark.parametrize(("setting", "named"), [("private", False), ("read", True)])
async def test_a_search_names_the_contact_of_a_found_patient_only_to_whom_the_org_shows_it(
    desk: Desk, setting: str, named: bool
) -> None:
    others = await _not_their_contact(desk, setting)
    patient = desk.house.wire.practice.create_patient(first_name="Odessa", last_name="Brightwater", dob="1961-05-02")
    assert (await link(desk, others, patient)).done
    org = desk.house.wire.org
    org.update("Contact", others, {"LastName": "Whitcombe"})  # told apart from the patient's own name
    mine = org.insert("Contact", {"LastName": "Brightwater", "OwnerId": desk.front_desk.user_id})
    for person, expected in ((desk.front_desk, named), (desk.administrator, True)):
        answer = await person.open("sync", mine)
        assert patient in answer.text
        assert others in answer.text, "that the patient is linked is told in any case"
        assert ("Whitcombe" in answer.text) is expected


async def test_an_administrator_of_hintsync_sees_every_contact_here(desk: Desk) -> None:
    contact = await _not_their_contact(desk, "private")
    org = desk.house.wire.org
    (standard,) = [row["Id"] for row in org.rows("Profile") if row["Name"] == "Standard User"]
    org.update("User", desk.administrator.user_id, {"ProfileId": standard})
    assert (await desk.administrator.open("panel", contact)).status_code == 200


def _end_sessions(org: Org, user_id: str) -> None:
    for token, session in list(org.auth.sessions.items()):
        if session.user_id == user_id:
            org.auth.revoke(token)
