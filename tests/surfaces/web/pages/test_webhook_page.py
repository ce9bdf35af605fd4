"""The webhook on a page: shown, told to Hint, edited, tested, and green at the first signed event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import pytest
from pydantic import SecretStr

from hintsync.surfaces.web.serving import listen, serve
from tests.surfaces.web.house import KEY, PUBLIC
from tests.surfaces.web.pages.desk import Desk

PAGE = "/connection/webhook"
URL = f"{PUBLIC}/webhooks/hint"
STRANGERS = [
    "",
    "javascript:alert(1)",
    "http://sync.example.org/webhooks/hint",
    "https://sync.example.org:8443/webhooks/hint",
    "https://sync.example.org.evil.example/webhooks/hint",
    "https://sync.example.org@evil.example/webhooks/hint",
    "https://169.254.169.254/latest/meta-data",
    "https://localhost/webhooks/hint",
    "http://127.0.0.1:8080/webhooks/hint",
]


@pytest.fixture
async def office(desk: Desk) -> Desk:
    """Return a desk whose service has its keys."""
    set_up(desk, hint_partner_key=SecretStr(desk.house.wire.practice.partner.key), hint_webhook_keys=SecretStr(KEY))
    await desk.administrator.open()
    return desk


def set_up(desk: Desk, **settings: object) -> None:
    service = desk.house.wire.service
    service.settings = service.settings.model_copy(update=settings)


def told(desk: Desk) -> list[str]:
    return [each.webhook_url for each in desk.house.wire.practice.installation.endpoints]


async def act(desk: Desk, path: str = PAGE, **form: str) -> tuple[int, str]:
    answer = await desk.administrator.act(path, form)
    return answer.status_code, unescape(answer.text)


async def test_m5_the_address_is_shown_told_to_hint_and_green_at_the_first_signed_event(office: Desk) -> None:
    page = (await office.administrator.get(PAGE)).text
    assert URL in page
    assert "Not told to Hint yet" in page
    status, page = await act(office, url=URL)
    assert (status, told(office)) == (200, [URL])
    assert "Now edit a patient in Hint" in page
    assert "Hint has not reached it yet" in page
    await office.house.tell("patient.updated", office.house.shown(office.house.patient()))
    page = (await office.administrator.get(PAGE)).text
    assert "Hint has reached it" in page
    assert "Hint has reached it" in (await office.administrator.get("/connection")).text


async def test_m5_b8_another_address_takes_its_place_and_the_trail_says_who_set_it(office: Desk) -> None:
    await act(office, url=URL)
    assert "Update Webhook" not in (await office.administrator.get(PAGE)).text
    assert "Update Webhook" in (await office.administrator.get(PAGE, edit="1")).text
    await act(office, url=f"{URL}/demo")
    assert told(office) == [f"{URL}/demo"]
    events = [kept.event for kept in await office.house.wire.service.store.audit("demo", chain="connection")]
    assert [each.reason for each in events] == [f"webhook address: {URL}", f"webhook address: {URL}/demo"]
    assert {each.actor for each in events} == {f"user:{office.administrator.user_id}"}


@pytest.mark.parametrize("registered", [False, True])
async def test_m5_an_address_that_is_not_of_this_service_is_neither_told_nor_asked(
    office: Desk, registered: bool
) -> None:
    if registered:
        await act(office, url=URL)
    for url in STRANGERS:
        status, page = await act(office, url=url)
        assert (status, "Expected an" in page, told(office)) == (422, True, [URL] * registered), url


async def test_m5_without_keys_or_address_the_page_says_what_is_missing(office: Desk) -> None:
    set_up(office, hint_webhook_keys=SecretStr(""))
    assert "webhooks are checked with the partner API key" in (await office.administrator.get(PAGE)).text
    set_up(office, hint_partner_key=SecretStr(""), public_url="")
    page = (await office.administrator.get(PAGE)).text
    assert "First: Hint’s partner API key" in page
    assert "HINTSYNC_PUBLIC_URL" in page
    assert "Update Webhook</button>" not in page
    status, page = await act(office, f"{PAGE}/test")
    assert (status, "public_url is not set" in page) == (409, True)


async def test_m5_the_test_goes_out_to_the_address_and_knows_its_own_answer(office: Desk) -> None:
    async with on_a_socket(office) as base:
        set_up(office, public_url=base)
        assert "The service reaches itself there" in (await act(office, f"{PAGE}/test"))[1]
        set_up(office, public_url=f"{base}/elsewhere")
        status, page = await act(office, f"{PAGE}/test")
        assert (status, "status 404" in page) == (200, True)
    assert "Nobody listens there" in (await act(office, f"{PAGE}/test"))[1]


@asynccontextmanager
async def on_a_socket(desk: Desk) -> AsyncIterator[str]:
    """Serve the receiver on a socket of this machine; the lifespan is the house's own."""
    listener, stop = listen("127.0.0.1", 0), asyncio.Event()
    port = listener.getsockname()[1]

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})
            return
        await desk.house.app(scope, receive, send)

    serving = asyncio.create_task(serve(app, listener, stop))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await serving
