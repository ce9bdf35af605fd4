"""Installing from the page inside the service: the same steps as by command, followed as they are done, and tried again."""

from __future__ import annotations

import asyncio
import json
import re

import httpx
import pytest

from hintsync.core.errors import FixConfiguration
from hintsync.logins import CANVAS_APP, pack_canvas_app
from hintsync.setup.installation import Wish, install_pages, new_canvas_app
from hintsync.setup.taking_over import keep_apart
from hintsync_emulators.control import Controlled, Failure
from hintsync_emulators.salesforce.canvas.apps import every
from hintsync_emulators.salesforce.managed import install_managed
from hintsync_emulators.salesforce.schema.model import Field
from tests.surfaces.web.house import PUBLIC
from tests.surfaces.web.pages.desk import Desk

FORM = {"who": "admins", "where": "all"}


def faults(desk: Desk) -> list[Failure]:
    transport = desk.house.wire.service.transports.salesforce
    assert isinstance(transport, httpx.ASGITransport)
    assert isinstance(transport.app, Controlled)
    return transport.app.faults.fail_next


def layout(desk: Desk) -> bytes:
    found = desk.house.wire.org.components.get("Layout", "Contact-Contact Layout")
    assert found is not None
    return found.xml


async def told(desk: Desk, path: str) -> list[tuple[str, str]]:
    """Return the events of a stream: name and data."""
    await desk.administrator.open()
    answer = await desk.administrator.get(path)
    assert answer.status_code == 200, answer.text
    blocks = [dict(re.findall(r"^(event|data): ?(.*)$", block, re.M)) for block in answer.text.split("\n\n")]
    whole = ["\n".join(re.findall(r"^data: ?(.*)$", block, re.M)) for block in answer.text.split("\n\n")]
    return [(block["event"], text) for block, text in zip(blocks, whole, strict=True) if "event" in block]


async def ended(desk: Desk) -> str:
    """Follow the installation to its end, and return the page then."""
    events = await told(desk, "/install/progress")
    assert events[-1] == ("done", "/c/demo/install")
    return (await desk.administrator.get("/install")).text


@pytest.fixture(autouse=True)
def _no_waiting(desk: Desk) -> None:
    desk.house.wire.org.pace.deploy_polls = 0


async def test_m1_the_page_shows_how_the_org_is_and_what_there_is_to_choose_from(desk: Desk) -> None:
    desk.house.wire.org.withheld.add("ViewSetup")
    events = await told(desk, "/install/look")
    [part] = [data for name, data in events if name == "part"]
    assert "Permission View Setup and Configuration" in part
    assert "lets nobody in" in part
    assert 'value="Contact Layout"' in part
    assert 'value="System Administrator"' in part
    assert events[-1] == ("done", "")


async def test_m1_it_installs_shows_each_step_and_what_came_of_it(desk: Desk) -> None:
    await desk.administrator.open()
    begun = await desk.administrator.post("/install", FORM)
    assert begun.headers["location"] == "/c/demo/install"
    page = await ended(desk)
    assert "Contact Layout: section and buttons put on" in page
    assert "installed" in page
    assert b"<page>Hintsync_Panel</page>" in layout(desk)


async def test_only_what_was_chosen_is_done(desk: Desk) -> None:
    await desk.administrator.open()
    none = await desk.administrator.post("/install", {**FORM, "where": "some"})
    assert (none.status_code, "choose at least one page layout" in none.text) == (422, True)
    await desk.administrator.post("/install", {**FORM, "where": "some", "layout": "Nurses"})
    page = await ended(desk)
    assert "no page layout Nurses for contacts" in page
    assert b"Hintsync" not in layout(desk)


async def test_what_was_interrupted_is_said_and_trying_again_finishes_it(desk: Desk) -> None:
    await desk.administrator.open()
    lost = Failure(match="deployRequest", drop=True, skip=6, times=10_000)
    faults(desk).append(lost)
    await desk.administrator.post("/install", FORM)
    page = await ended(desk)
    assert "not finished" in page
    assert "it goes on where it was" in page
    faults(desk).clear()
    await desk.administrator.post("/install", FORM)
    assert "section and buttons put on" in await ended(desk)
    assert layout(desk).count(b"<page>Hintsync_Panel</page>") == 1


async def test_an_org_that_makes_its_own_key_is_installed_in_with_the_copied_one(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    org, person = desk.house.wire.org, desk.administrator
    await person.open()
    org.takes_consumer_keys = False
    service = desk.house.wire.service
    await service.store.put_secret("demo", CANVAS_APP, pack_canvas_app(new_canvas_app()))
    with pytest.raises(FixConfiguration, match="the org has another key for the app Hintsync"):
        await install_pages(service, await service.connection(), Wish(PUBLIC))
    part = (await person.get("/install/look")).text
    assert re.search(
        r'<input type="password" id="consumer_secret" name="consumer_secret" autocomplete="off"[^>]*>', part
    )
    [shown] = every(org)
    assert shown.client is not None
    copied = {"consumer_key": shown.client.client_id, "consumer_secret": shown.client.client_secret}
    begun = await person.post("/install", {**FORM, **copied})
    assert begun.status_code == 303, begun.text
    await person.get("/install/progress")
    page = (await person.get("/install")).text
    assert "section and buttons put on" in page
    assert shown.client.client_secret not in page + caplog.text


async def test_two_installations_at_once_are_refused(desk: Desk) -> None:
    await desk.administrator.open()
    assert (await desk.administrator.post("/install", FORM)).status_code == 303
    second = await desk.administrator.post("/install", FORM)
    assert (second.status_code, "an installation is under way" in second.text) == (422, True)
    await ended(desk)


async def test_an_installation_whose_process_died_is_not_waited_for(desk: Desk) -> None:
    store = desk.house.wire.service.store
    silent = {
        "id": "x",
        "by": "user:x",
        "phase": "running",
        "lines": ["looking at the org"],
        "remarks": [],
        "problem": "",
    }
    await store.put_cursor("demo", "installation", json.dumps({**silent, "at": "2026-01-01T00:00:00+00:00"}))
    await desk.administrator.open()
    page = (await desk.administrator.get("/install")).text
    assert "interrupted" in page
    assert "has ended in the middle of it" in page
    assert (await desk.administrator.post("/install", FORM)).status_code == 303
    assert "section and buttons put on" in await ended(desk)


async def test_m21_another_integration_is_said_on_the_page_and_stops_all_automatic_work(desk: Desk) -> None:
    install_managed(desk.house.wire.org, "Hint Health", "hinthealth")
    await desk.administrator.open()
    await desk.administrator.post("/install", FORM)
    assert "Hint Health 1.0, namespace hinthealth is installed" in await ended(desk)
    stops = (await desk.administrator.get("/stops")).text
    assert "Another integration with Hint is in the org" in stops
    answer = await desk.administrator.act("/stops/other-ended")
    assert "It is noted that the other integration has ended" in answer.text
    assert "Nothing is stopped" in answer.text
    assert await desk.house.wire.service.store.stops("demo") == []


async def test_who_watches_sees_the_steps_while_they_are_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()

    async def slowly(*args: object, **kwargs: object) -> object:
        await go_on.wait()
        raise TimeoutError

    monkeypatch.setattr("hintsync.surfaces.web.install_choices.install_pages", slowly)
    await desk.administrator.open()
    await desk.administrator.post("/install", FORM)
    shown = (await desk.administrator.get("/install")).text
    assert 'data-stream="/c/demo/install/progress"' in shown
    assert "/install/look" not in shown, "nothing is begun beside it"
    go_on.set()
    assert "it was noted as incident" in await ended(desk)


async def test_without_a_public_address_it_is_said_what_to_set(desk: Desk) -> None:
    service = desk.house.wire.service
    service.settings = service.settings.model_copy(update={"public_url": ""})
    desk.house.http.base_url = httpx.URL("http://sync.clinic.example")  # and is called by no address that would do
    await desk.administrator.open()
    assert "HINTSYNC_PUBLIC_URL" in (await desk.administrator.get("/install")).text
    assert (await desk.administrator.post("/install", FORM)).status_code == 409


async def test_m21_its_links_are_imported_from_the_page_of_stops(desk: Desk) -> None:
    wire = desk.house.wire
    field = Field("Hint_Patient_ID__c", "Hint Patient ID", "string", length=40)
    install_managed(wire.org, "Hint Health", "hinthealth", [field])
    patient = wire.practice.create_patient(first_name="Ada", last_name="Moss", dob="1990-01-02")
    contact = wire.org.insert("Contact", {"LastName": "Mossgrove", "hinthealth__Hint_Patient_ID__c": patient})
    lost = wire.org.insert("Contact", {"LastName": "Gray", "hinthealth__Hint_Patient_ID__c": "pat-gone"})
    await keep_apart(wire.service, await wire.service.connection())
    await desk.administrator.open()
    assert "Import its links" in (await desk.administrator.get("/stops")).text
    page = (await desk.administrator.act("/stops/import-links")).text
    assert "Links imported: 1. Known already: 0." in page
    assert "Left for people: 1; hintsync take-over names their contacts." in page
    assert wire.org.get("Contact", contact)["Hint_Patient_Id__c"] == patient
    assert wire.org.get("Contact", lost)["Hint_Patient_Id__c"] is None
