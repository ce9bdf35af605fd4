"""Switching faults on and off in the fault lab."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from hintsync_emulators import hint, salesforce
from hintsync_emulators.clock import Clock
from hintsync_emulators.lab import ADDRESS
from hintsync_emulators.lab.app import NOT_SHOWN
from hintsync_emulators.lab.card import Card, Input
from hintsync_emulators.salesforce import ManualClock
from tests.emulators.browsing import visiting

from .conftest import Lab, form_of

#: Cards whose inputs show how things are now, with where the control API tells it.
SETTINGS = {
    "Slow answers": "/faults",
    "Limits": "/faults",
    "What Hint's documents leave open": "/switches",
    "How webhooks are sent": "/backend",
    "Events that go wrong": "/pubsub",
    "How streams behave": "/pubsub",
    "Signed requests that are wrong": "/canvas",
    "Features": "/features",
    "Calls of the day": "/limits",
    "Life of sessions": "/sessions",
}
#: What moves by itself, or is nothing that could be off.
UNSTEADY = {"/clock", "/deliveries", "/outbox", "/counts", "/snapshots", "/credentials"}


def another(each: Input) -> str | None:
    """Returns something else than what an input holds."""
    if each.kind == "flag":
        return None if each.value else "on"
    if each.kind == "choice":
        return next(choice for choice in each.choices if choice != each.value)
    if each.kind in ("whole", "number"):
        return "7"
    if each.kind == "names":
        return "service.unavailable, service.auth.error" if each.name == "fail_next" else "patient.*, practice.updated"
    return "https://example.com/x" if each.name.endswith("url") else "phones"


async def state_of(lab: Lab) -> dict[str, Any]:
    shown = [route.path for route in lab.app.routes if route.method == "GET" and "{" not in route.path]
    return {path: copy.deepcopy(await lab.now(path)) for path in shown if path not in NOT_SHOWN}


def values_of(card: Card, state: dict[str, Any]) -> dict[str, object]:
    return {each.name: each.value for each in card.inputs(state)}


async def test_every_setting_is_set_by_itself_and_only_itself(lab: Lab) -> None:
    seen = 0
    for title in SETTINGS.keys() & lab.cards.keys():
        card = lab.cards[title]
        for each in card.inputs(await state_of(lab)):
            before = values_of(card, await state_of(lab))
            page = await lab.press(title, **{each.name: another(each)})
            assert page.status == 200, f"{title}: {each.name}: {page.text[:500]}"
            after = values_of(card, await state_of(lab))
            assert {name for name in before if before[name] != after[name]} == {each.name}, title
            seen += 1
    assert seen >= {"Hint": 45, "Salesforce": 28}[lab.system]


async def test_settings_sent_as_they_stand_change_nothing(lab: Lab) -> None:
    before = await state_of(lab)
    for title in SETTINGS.keys() & lab.cards.keys():
        assert (await lab.press(title)).status == 200
    after = await state_of(lab)
    assert {path: after[path] for path in after.keys() - UNSTEADY} == {
        path: before[path] for path in before.keys() - UNSTEADY
    }


async def test_all_off_ends_everything(lab: Lab) -> None:
    before = await state_of(lab)
    for title in SETTINGS.keys() & lab.cards.keys() - {"Features", "How webhooks are sent"}:
        card = lab.cards[title]
        changes = {each.name: another(each) for each in card.inputs(await state_of(lab)) if each.name != "used"}
        await lab.press(title, **changes)
    await lab.press("Calls that fail", "The next 3 calls answer 503")
    if lab.system == "Hint":
        await lab.press("How webhooks are sent", webhooks_paused="on", webhooks_disabled="on")
        await lab.press("Webhooks that go wrong", "The next is lost")
    else:
        await lab.press("Locked rows", **{"path.id": "003000000000001AAA", "times": ""})
        await lab.press("Validation rule", value="x")
        await lab.press("A write that shows late")
    changed = await state_of(lab)
    assert {path for path in changed.keys() - UNSTEADY if changed[path] != before[path]} == set(SETTINGS_OF[lab.system])
    page = await lab.visitor.press(await lab.look(), "All off")
    assert "Everything is off." in page.text
    after = await state_of(lab)
    assert {path: after[path] for path in after.keys() - UNSTEADY} == {
        path: before[path] for path in before.keys() - UNSTEADY
    }


SETTINGS_OF = {
    "Hint": ["/faults", "/switches", "/backend", "/events/faults"],
    "Salesforce": ["/faults", "/pubsub", "/canvas", "/limits", "/sessions", "/locks", "/rules", "/late"],
}


async def test_a_failure_is_added_strikes_and_is_gone(lab: Lab) -> None:
    await lab.press(
        "Calls that fail", match="^GET /x", times="2", status="503", headers='{"X-Why": "lab"}', body='{"a": [1]}'
    )
    await lab.press("Calls that fail", match="^GET /y", status="504", after_commit="on")
    assert [each["match"] for each in (await lab.now("/faults"))["fail_next"]] == ["^GET /x", "^GET /y"]
    answer = await lab.visitor.client.get("/x")
    assert (answer.status_code, answer.headers["x-why"], answer.json()) == (503, "lab", {"a": [1]})
    page = await lab.look()
    assert "match: ^GET /x" in page.text
    page = await lab.visitor.press(page, "Remove 1")
    assert [each["match"] for each in (await lab.now("/faults"))["fail_next"]] == ["^GET /y"]
    assert (await lab.visitor.client.get("/y")).status_code == 504
    assert "Nothing waits." in (await lab.look()).text


async def test_removing_what_is_gone_already_takes_nothing_else_away(lab: Lab) -> None:
    await lab.press("Calls that fail", match="^GET /x")
    page = await lab.look()
    await lab.press("Calls that fail", match="^GET /y")
    await lab.visitor.client.get("/x")
    await lab.visitor.press(page, "Remove 1")
    assert [each["match"] for each in (await lab.now("/faults"))["fail_next"]] == ["^GET /y"]


async def test_every_preset_is_something_the_control_api_takes(lab: Lab) -> None:
    for title, card in lab.cards.items():
        for preset in card.presets:
            page = await lab.press(title, preset.label)
            assert f"Done: {title}." in page.text, preset.label
    await lab.visitor.press(await lab.look(), "All off")


async def test_no_button_breaks_the_lab(lab: Lab) -> None:
    for title, card in lab.cards.items():
        if card.button:
            page = await lab.press(title)
            assert page.status in (200, 400, 404, 409, 422), f"{title}: {page.status}"
            refused = page.status != 200
            assert ("Done: " in page.text) is not refused
            assert ('role="alert"' in page.answer.text) is refused


async def test_a_refusal_says_why_and_keeps_what_was_typed(lab: Lab) -> None:
    page = await lab.press("Calls that fail", match="(", times="2", drop="on")
    assert page.status == 400
    assert "match is not a regular expression" in page.text
    values = form_of(page, lab.cards["Calls that fail"], "Add").values
    assert (values["match"], values["times"], values["drop"]) == ("(", "2", "on")
    assert "after_commit" not in values
    for wrong, says in (("x", "Times must be a whole number"), ("1.5", "Times must be a whole number")):
        assert says in (await lab.press("Calls that fail", times=wrong)).text
    assert "Body must be JSON" in (await lab.press("Calls that fail", body="{")).text
    assert (await lab.now("/faults"))["fail_next"] == []


async def test_the_clock_is_moved_and_goes_back(lab: Lab) -> None:
    machine = datetime.now(UTC)
    await lab.press("Clock", "A day on")
    assert (datetime.fromisoformat((await lab.now("/clock"))["now"]) - machine).total_seconds() >= 86_400
    await lab.press("Clock", now="2026-03-01T12:00:00Z", running=None)
    assert await lab.now("/clock") == {"now": "2026-03-01T12:00:00+00:00", "running": False}
    page = await lab.look()
    assert "2026-03-01T12:00:00+00:00" in page.text
    assert "running" not in form_of(page, lab.cards["Clock"], "Set the clock").values
    assert "must be a time" in (await lab.press("Clock", now="tomorrow")).text
    await lab.visitor.press(page, "All off")
    assert (await lab.now("/clock"))["running"] is False
    await lab.press("Machine's time")
    assert (await lab.now("/clock"))["running"] is True


async def test_a_clock_that_belongs_to_somebody_else_stays(org: salesforce.Org) -> None:
    own = salesforce.Org(seed=1, clock=ManualClock())
    async with visiting(salesforce.create_app(own)) as visitor:
        page = await visitor.get(ADDRESS)
        assert "a clock of its own" in page.text
        assert (await visitor.press(page, "Set the clock")).status == 409
    own.close()


async def test_snapshots_are_taken_and_gone_back_to(lab: Lab) -> None:
    await lab.press("Snapshots", name="<i>a</i>")
    await lab.press("Nobody left")
    await lab.press("Invented people", count="3", seed="2")
    page = await lab.look()
    assert "<i>" not in page.answer.text
    page = await lab.press("Back to a snapshot", **{"path.name": "b"})
    assert (page.status, "no snapshot 'b'" in page.text) == (404, True)
    assert "Name is needed" in (await lab.press("Back to a snapshot")).text


async def test_what_a_button_answers_is_shown_once(hint_lab: Lab, practice: hint.Practice) -> None:
    page = await hint_lab.press("Authorization code")
    (code,) = practice.installation.codes
    assert code in page.text
    assert page.answer.history[0].status_code == 303
    assert code not in (await hint_lab.look()).text


async def test_staff_s_work_can_be_done_here_too(hint_lab: Lab, practice: hint.Practice) -> None:
    (patient,) = practice.patients()
    await hint_lab.press("Edit a patient", **{"path.id": str(patient["id"]), "body": '{"email": "x@example.com"}'})
    assert practice.patient(str(patient["id"]))["email"] == "x@example.com"
    page = await hint_lab.press("One patient", **{"path.id": str(patient["id"])})
    assert "x@example.com" in page.text
    await hint_lab.press("Register patients", body=json.dumps([{"first_name": "Bo", "last_name": "Roe"}]))
    assert len(practice) == 2
    await hint_lab.press("Archive a patient", **{"path.id": str(patient["id"])})
    assert practice.patient(str(patient["id"]))["membership_status"] == "archived"


async def test_deliveries_of_webhooks_are_shown(hint_lab: Lab, practice: hint.Practice) -> None:
    assert "patient.created" in (await hint_lab.look()).text
    page = await hint_lab.press("Deliveries")
    assert "retrying" in page.text
    (row, *_) = await hint_lab.now("/deliveries")
    assert (row["status"], row["attempts"], row["event_type"]) == ("retrying", 1, "patient.created")
    await hint_lab.press("Not delivered yet")
    assert await hint_lab.now("/outbox") == []


async def test_locks_rules_and_late_writes_are_seen(salesforce_lab: Lab, org: salesforce.Org) -> None:
    (contact,) = org.rows("Contact")
    await salesforce_lab.press("Locked rows", **{"path.id": str(contact["Id"]), "times": "3"})
    await salesforce_lab.press("Validation rule", field="LastName", value="Roe", message="No Roes")
    page = await salesforce_lab.press("A write that shows late", id=str(contact["Id"]), values='{"LastName": "Low"}')
    assert f"{contact['Id']} 3" in page.text
    assert "No Roes" in page.text
    assert '"LastName": "Low"' in page.text
    assert await salesforce_lab.now("/locks") == {contact["Id"]: 3}
    assert await salesforce_lab.now("/rules") == {
        "validation": [{"object": "Contact", "field": "LastName", "message": "No Roes"}],
        "duplicates": [],
    }
    assert (await salesforce_lab.now("/late"))[0]["id"] == contact["Id"]


async def test_a_selected_object_is_told_and_shown(salesforce_lab: Lab) -> None:
    page = await salesforce_lab.press("Whose changes are told")
    assert (await salesforce_lab.now("/pubsub"))["objects"] != {}
    assert "ChangeEvents Contact" in page.text or "Contact" in page.text


@pytest.mark.parametrize("sent", [{"card": "no-such-card"}, {}, {"card": "calls-that-fail", "preset": "99"}])
async def test_what_no_page_sends_is_refused(lab: Lab, sent: dict[str, str]) -> None:
    token = (await lab.look()).form("All off").values["csrf_token"]
    answer = await lab.visitor.client.post(ADDRESS, data={**sent, "csrf_token": token})
    assert answer.status_code in (400, 404)
    odd = {"card": "calls-that-fail", "remove": "{", "csrf_token": token}
    assert (await lab.visitor.client.post(ADDRESS, data=odd)).status_code == 400


async def test_no_form_of_another_site_switches_anything(lab: Lab) -> None:
    lab.app.faults.latency_ms = 5
    async with httpx.AsyncClient(transport=httpx.ASGITransport(lab.app), base_url="http://emulator") as stranger:
        assert (await stranger.post(ADDRESS, data={"do": "off"})).status_code == 403
    assert lab.app.faults.latency_ms == 5


async def test_the_page_takes_no_text_for_markup(lab: Lab) -> None:
    await lab.press("Calls that fail", match="<b>x</b>")
    page = await lab.look()
    assert "<b>" not in page.answer.text
    assert "match: <b>x</b>" in page.text
    assert len(page.answer.content) < 150_000


def test_the_clock_of_the_fixtures_can_be_moved(practice: hint.Practice) -> None:
    assert isinstance(practice.clock, Clock)
