"""Connecting with Salesforce on Hint's Integrations page."""

import re

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Practice
from tests.emulators.browsing import Page, Visitor
from tests.emulators.hint.receiver import Receiver

CONNECT = "Integrate with Salesforce"


def code_on(page: Page) -> str:
    """Returns the authorization code that a page shows."""
    found = re.search(r'id="code" value="([^"]+)"', page.answer.text)
    assert found is not None
    return found[1]


async def exchange(app: Controlled, practice: Practice, code: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {practice.partner.key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hint", headers=headers) as api:
        return await api.post("/api/oauth/tokens", json={"grant_type": "authorization_code", "code": code})


@pytest.fixture
def pending(practice: Practice) -> Practice:
    practice.installation.status = "onboarding"
    return practice


async def test_a_code_from_the_page_connects_and_the_page_says_so(
    visitor: Visitor, app: Controlled, pending: Practice
) -> None:
    page = await visitor.get("/integrations")
    assert "Status Pending" in page.text
    page = await visitor.press(page, CONNECT)
    code = code_on(page)
    assert 'data-copy="code"' in page.answer.text
    assert (await exchange(app, pending, code)).json()["access_token"] == pending.token
    page = await visitor.get("/integrations")
    assert "Status Active" in page.text
    assert "Salesforce is connected with this practice." in page.text
    assert code not in page.answer.text
    assert (await exchange(app, pending, code)).status_code == 422


async def test_a_code_is_shown_until_it_was_used(visitor: Visitor, practice: Practice) -> None:
    page = await visitor.press(await visitor.get("/integrations"), CONNECT)
    assert code_on(await visitor.get("/integrations")) == code_on(page)
    assert "Salesforce is connected" not in page.text


async def test_the_integration_is_cancelled_and_made_anew(
    visitor: Visitor, app: Controlled, practice: Practice, receiver: Receiver
) -> None:
    token = practice.token
    page = await visitor.press(await visitor.get("/integrations"), "Cancel Integration")
    assert "Status Inactive" in page.text
    assert not page.has("Cancel Integration")
    assert not practice.installation.accepts(token)
    await practice.deliver()
    assert receiver.types == ["integration.deactivated", "installation.deactivated"]
    page = await visitor.press(page, CONNECT)
    assert "Status Pending" in page.text
    await exchange(app, practice, code_on(page))
    assert "Status Active" in (await visitor.get("/integrations")).text
    assert practice.installation.accepts(token)


async def test_a_practice_that_activates_finishes_its_setup(
    visitor: Visitor, app: Controlled, pending: Practice
) -> None:
    pending.partner.backend.activation_type = "practice_activate"
    page = await visitor.press(await visitor.get("/integrations"), CONNECT)
    await exchange(app, pending, code_on(page))
    page = await visitor.get("/integrations")
    assert "Status Pending" in page.text
    page = await visitor.press(page, "Finish setup")
    assert "Status Active" in page.text


async def test_what_waits_for_nobody_else_is_activated(visitor: Visitor, pending: Practice) -> None:
    pending.installation.status = "pending"
    page = await visitor.press(await visitor.get("/integrations"), "Activate")
    assert "Status Active" in page.text


async def test_a_browser_is_sent_on_where_the_backend_wants_it(visitor: Visitor, practice: Practice) -> None:
    backend = practice.partner.backend
    backend.auth_type, backend.redirect_url = "automatic_redirect", "https://sync.example.com/signup?code="
    page = await visitor.press(await visitor.get("/integrations"), CONNECT)
    (code,) = practice.installation.codes
    assert f'href="https://sync.example.com/signup?code={code}"' in page.answer.text


async def test_a_code_that_was_posted_is_told_with_the_answer(
    visitor: Visitor, practice: Practice, receiver: Receiver
) -> None:
    backend = practice.partner.backend
    backend.auth_type, backend.redirect_url = "automatic_headless", "https://sync.example.com/connect/"
    receiver.statuses.append(503)
    page = await visitor.press(await visitor.get("/integrations"), CONNECT)
    assert "answered with status 503" in page.text
    assert receiver.got[0].path.startswith("/connect/")


async def test_a_way_without_an_address_is_refused(visitor: Visitor, practice: Practice) -> None:
    practice.partner.backend.auth_type = "automatic_redirect"
    page = await visitor.press(await visitor.get("/integrations"), CONNECT)
    assert page.status == 422
    assert "Redirect url can't be blank" in page.text


async def test_webhook_addresses_are_shown_with_their_state(
    visitor: Visitor, practice: Practice, receiver: Receiver
) -> None:
    page = await visitor.get("/integrations")
    assert "https://example.com/hook never 0 open" in page.text
    practice.switches.webhook_mute_after = 1
    receiver.statuses.append(500)
    practice.create_patient(first_name="Ada", last_name="Moor")
    await practice.deliver()
    assert "https://example.com/hook never 1 muted until" in (await visitor.get("/integrations")).text
    practice.partner.endpoints.clear()
    assert "No address is registered." in (await visitor.get("/integrations")).text
