"""The settings form and the table of fields: nothing typed is lost, nobody's change is written over."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from hintsync.core.fields import DEFAULT_MAPPING, ConflictPolicy
from hintsync.core.values import Side
from hintsync.engine.options import Options
from tests.surfaces.web.pages.desk import Desk

M13 = "Create new Contact for Patients without Demographics Matches During Sync of Patients to Contacts"
_INPUT = re.compile(r"<input ([^>]*)>")
_SELECT = re.compile(r'<select id="(\w+)" name="[^"]*"[^>]*>(.*?)</select>', re.DOTALL)
_CHOSEN = re.compile(r'<option value="([^"]*)" selected>')
_POLICY = re.compile(r'<select name="(policies\.\w+)"[^>]*>(.*?)</select>', re.DOTALL)
_AREA = re.compile(r'<textarea id="\w+" name="(\w+)"[^>]*>\n(.*?)</textarea>', re.DOTALL)


def sent_by(page: str) -> dict[str, str]:
    """Return what a browser would send of the form on a page as it was made."""
    form: dict[str, str] = {}
    for attributes in _INPUT.findall(page):
        name, value = re.search(r'name="([^"]*)"', attributes), re.search(r'value="([^"]*)"', attributes)
        if name and ("checkbox" not in attributes or " checked" in attributes):
            form[name[1]] = unescape(value[1]) if value else ""
    for name, options in [*_SELECT.findall(page), *_POLICY.findall(page)]:
        form[name] = unescape(_CHOSEN.findall(options)[0])
    return form | {name: unescape(text) for name, text in _AREA.findall(page)}


@pytest.fixture
async def office(desk: Desk) -> Desk:
    await desk.administrator.open()
    return desk


async def form_of(desk: Desk, path: str) -> dict[str, str]:
    return sent_by((await desk.administrator.get(path)).text)


async def options_of(desk: Desk) -> Options:
    return Options.from_json((await desk.house.wire.service.connection("demo")).settings)


async def change_elsewhere(desk: Desk, **values: object) -> None:
    connection = await desk.house.wire.service.connection("demo")
    options = replace(Options.from_json(connection.settings), **values)  # type: ignore[arg-type]
    await desk.house.wire.service.store.put_connection(replace(connection, settings=options.to_json()))


async def test_m13_the_checkbox_stands_there_in_full_words_and_is_kept(office: Desk) -> None:
    assert M13 in (await office.administrator.get("/settings")).text
    form = await form_of(office, "/settings")
    assert "create_contacts" not in form
    answer = await office.administrator.act("/settings", {**form, "create_contacts": "on"})
    assert "Saved: 1 changed" in answer.text
    assert (await options_of(office)).create_contacts is True
    form = await form_of(office, "/settings")
    del form["create_contacts"]
    await office.administrator.act("/settings", form)
    assert (await options_of(office)).create_contacts is False


async def test_a_form_that_is_sent_as_it_was_made_changes_nothing(office: Desk) -> None:
    before = await options_of(office)
    answer = await office.administrator.act("/settings", await form_of(office, "/settings"))
    assert "Nothing was changed" in answer.text
    answer = await office.administrator.act("/fields", await form_of(office, "/fields"))
    assert "Nothing was changed" in answer.text
    assert await options_of(office) == before


async def test_every_kind_of_choice_is_read_as_it_is_typed(office: Desk) -> None:
    typed = {
        "guard_share": "7.5",
        "guard_at_least": "35",
        "salesforce_reserve": "30 %",
        "poll_seconds": "45",
        "phone_region": " CA ",
        "time_zone": "America/Chicago",
        "parity_hour": "2",
        "placeholder_dates": "1900-01-01\r\n\r\n1901-01-01\r\n1900-01-01",
        "contact_defaults": "LeadSource = Hint\r\nLevel__c = a = b",
        "contact_url": "https://acme.lightning.force.com/lightning/r/Contact/",
        "log_level": "error",
    }
    answer = await office.administrator.act("/settings", {**await form_of(office, "/settings"), **typed})
    assert answer.status_code == 200, answer.text
    options = await options_of(office)
    assert (options.guard_share, options.guard_at_least, options.salesforce_reserve) == (0.075, 35, 0.3)
    assert (options.phone_region, options.time_zone, options.parity_hour) == ("CA", "America/Chicago", 2)
    assert options.placeholder_dates == {"1900-01-01", "1901-01-01"}
    assert options.contact_defaults == {"LeadSource": "Hint", "Level__c": "a = b"}
    (kept,) = await office.house.wire.service.store.audit("demo", chain="connection")
    assert kept.event.actor == f"user:{office.administrator.user_id}"
    assert "guard_at_least: 20 became 35" in str(kept.event.reason)


async def test_errors_stand_beside_their_fields_and_what_was_typed_is_kept(office: Desk) -> None:
    before = await options_of(office)
    typed = {"phone_region": "Texas", "guard_share": "500", "parity_hour": "24", "contact_defaults": "<b>"}
    form = {**await form_of(office, "/settings"), **typed, "guard_at_least": "35"}
    answer = await office.administrator.act("/settings", form)
    assert (answer.status_code, "4 fields need to be corrected" in answer.text) == (422, True)
    for name in typed:
        error = re.search(rf'<p class="field-error" id="{name}-error">([^<]*)</p>', answer.text)
        assert error, name
        assert error[1].startswith("Expected "), name
        assert f'aria-describedby="{name}-hint {name}-error" aria-invalid="true"' in answer.text
    assert answer.text.count('aria-invalid="true"') == len(typed)
    assert sent_by(answer.text) == form
    assert "<b>" not in answer.text
    assert await options_of(office) == before


async def test_a_change_made_elsewhere_meanwhile_stays_beside_mine(office: Desk) -> None:
    form = await form_of(office, "/settings")
    await change_elsewhere(office, poll_seconds=99.0)
    await office.administrator.act("/settings", {**form, "guard_at_least": "35"})
    options = await options_of(office)
    assert (options.poll_seconds, options.guard_at_least) == (99.0, 35)


async def test_the_same_setting_changed_elsewhere_meanwhile_is_shown_and_saved_only_when_asked_again(
    office: Desk,
) -> None:
    form = await form_of(office, "/settings")
    await change_elsewhere(office, guard_at_least=99)
    answer = await office.administrator.act("/settings", {**form, "guard_at_least": "35", "poll_seconds": "45"})
    assert (answer.status_code, (await options_of(office)).guard_at_least) == (409, 99)
    assert "Set by somebody else meanwhile: 99" in answer.text
    again = sent_by(answer.text)
    assert (again["guard_at_least"], again["poll_seconds"]) == ("35", "45")
    answer = await office.administrator.act("/settings", again)
    assert answer.status_code == 200
    assert ((await options_of(office)).guard_at_least, (await options_of(office)).poll_seconds) == (35, 45.0)


@pytest.mark.parametrize("was", ["", "null", "[]", '{"guard_share": 1}', "{" * 1000])
async def test_a_form_that_is_not_ours_is_refused(office: Desk, was: str) -> None:
    for path in ("/settings", "/fields"):
        form = {**await form_of(office, path), "was": was}
        answer = await office.administrator.act(path, form)
        assert (answer.status_code, "open the page again" in answer.text) == (422, True)


async def test_m7_the_table_names_every_field_in_both_systems_and_marks_what_only_follows_hint(office: Desk) -> None:
    page = (await office.administrator.get("/fields")).text
    for row in DEFAULT_MAPPING:
        assert row.label in page
        assert row.salesforce in page
        assert (f'name="policies.{row.name}"' in page) is not row.one_way
    assert page.count(">Read-only<") == sum(row.one_way for row in DEFAULT_MAPPING)
    assert "40 characters" in page


async def test_f5_a_policy_is_chosen_for_each_field_and_reaches_the_engine(office: Desk) -> None:
    form = await form_of(office, "/fields")
    answer = await office.administrator.act(
        "/fields", {**form, "policies.city": "hint", "policies.email": "salesforce"}
    )
    assert "Saved: 2 changed" in answer.text
    chosen = {"city": ConflictPolicy.HINT, "email": ConflictPolicy.SALESFORCE}
    assert (await options_of(office)).policies == chosen
    async with office.house.wire.engine() as engine:
        assert engine.table["city"].policy is ConflictPolicy.HINT
    form = await form_of(office, "/fields")
    assert form["policies.city"] == "hint"
    await office.administrator.act("/fields", {**form, "policies.city": "hold"})
    assert (await options_of(office)).policies == {"email": ConflictPolicy.SALESFORCE}


async def test_a_policy_that_is_none_is_refused_and_one_chosen_elsewhere_is_shown(office: Desk) -> None:
    form = await form_of(office, "/fields")
    answer = await office.administrator.act("/fields", {**form, "policies.city": "newest"})
    assert (answer.status_code, "city: expected one of the policies" in answer.text) == (422, True)
    await change_elsewhere(office, policies={"city": ConflictPolicy.SALESFORCE})
    answer = await office.administrator.act("/fields", {**form, "policies.city": "hint"})
    assert (answer.status_code, "Set by somebody else meanwhile: Salesforce wins" in answer.text) == (409, True)
    answer = await office.administrator.act("/fields", sent_by(answer.text))
    assert (await options_of(office)).policies == {"city": ConflictPolicy.HINT}


async def test_what_the_org_does_not_have_or_does_not_show_is_marked_with_the_remedy(office: Desk) -> None:
    engine = office.house.engines.engine("demo")
    assert engine is not None
    lost = {
        side: replace(said, missing=frozenset({"gender"}), read_only=said.read_only | {"city"})
        for side, said in engine.described.items()
    }
    engine.take_over(described=lost)
    page = (await office.administrator.get("/fields")).text
    assert "2 fields are not synced as they should be" in page
    assert "Install our package again" in page
    assert "hintsync may read this field in Salesforce and not write it" in page
    page = (await office.administrator.act("/fields/look")).text
    assert "not synced as they should be" not in page
    assert "Both systems show every field" in page
    assert not engine.described[Side.SALESFORCE].missing, "the engine that works goes on with it"


async def test_the_table_is_there_before_hint_is_connected(office: Desk) -> None:
    store = office.house.wire.service.store
    connection = await office.house.wire.service.connection("demo")
    await store.put_connection(replace(connection, practice_id=""))
    await office.house.engines.refresh()
    for path in ("/", "/connection", "/connection/webhook", "/settings", "/fields"):
        assert (await office.administrator.get(path)).status_code == 200, path
    assert "once both systems are connected" in (await office.administrator.get("/fields")).text
    assert "Connect Hint first" in (await office.administrator.get("/connection/webhook")).text
    assert ">Not connected<" in (await office.administrator.get("/")).text
