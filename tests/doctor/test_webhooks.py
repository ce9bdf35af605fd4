"""What the doctor finds of the webhooks' way: the address at Hint, DNS and TLS, the certificate, what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette

from hintsync.bootstrap import open_partner
from hintsync.doctor.checks import BY_CODE
from hintsync.doctor.findings import State
from hintsync.engine.detect.webhooks import REGISTERED, SEEN, register_webhook
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.reaching import WEBHOOKS
from hintsync.surfaces.web.serving import listen, serve
from hintsync_emulators.serve import serving
from hintsync_emulators.tls import write_certificate
from tests.doctor.surgery import PUBLIC, AdvancedClock, Surgery


async def register(surgery: Surgery, public_url: str) -> None:
    """Go on with another public address, told to Hint."""
    surgery.set(public_url=public_url)
    service = surgery.service
    now = service.clock.now().isoformat(timespec="seconds")
    await register_webhook(service.store, await surgery.connection(), open_partner(service), public_url + WEBHOOKS, now)


@asynccontextmanager
async def answering(surgery: Surgery) -> AsyncIterator[str]:
    """Serve the real receiver on a socket."""
    listener, stop = listen("127.0.0.1", 0), asyncio.Event()
    task = asyncio.create_task(serve(create_app(surgery.service), listener, stop))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        await task


async def test_a_way_that_leads_here_is_found_well(surgery: Surgery) -> None:
    async with answering(surgery) as url:
        await register(surgery, url)
        await surgery.service.store.put_cursor("demo", SEEN, "2026-11-23T07:00:00Z")
        found = await surgery.look()
    checks = ("webhook-address", "webhook-reach", "certificate", "webhook-heard")
    assert {code: found[code].state for code in checks} == dict.fromkeys(checks, State.OK)


async def test_an_address_that_hint_lost_or_that_is_not_ours_any_more_is_told(surgery: Surgery) -> None:
    assert (await surgery.look())["webhook-address"].state is State.OK
    surgery.set(public_url="https://new.hintsync.invalid")
    assert await surgery.state("webhook-address") == (State.LOOK, "elsewhere")
    [endpoint] = surgery.practice.installation.endpoints
    endpoint.webhook_url = "https://somebody.hintsync.invalid/webhooks/hint"
    assert await surgery.state("webhook-address") == (State.WRONG, "gone")
    surgery.practice.installation.endpoints.clear()
    assert await surgery.state("webhook-address") == (State.WRONG, "gone")


async def test_an_address_that_was_never_told_is_told_to_be_missing(surgery: Surgery) -> None:
    await surgery.service.store.put_cursor("demo", REGISTERED, "")
    surgery.set(public_url="")
    found = await surgery.look()
    assert found["webhook-address"].state is State.LOOK
    assert {found[code].state for code in ("webhook-reach", "certificate")} == {State.NOT_KNOWN}
    assert found["public-url"].state is State.LOOK


async def test_a_name_that_dns_does_not_know_is_told_with_its_own_remedy(surgery: Surgery) -> None:
    assert await surgery.state("webhook-reach") == (State.WRONG, "no-such-host")


async def test_another_server_at_our_address_is_told(surgery: Surgery) -> None:
    with serving(Starlette()) as url:
        await register(surgery, url)
        assert await surgery.state("webhook-reach") == (State.WRONG, "status")


@pytest.mark.parametrize(
    ("days", "state", "case"), [(1, State.OK, ""), (20, State.LOOK, "soon"), (40, State.WRONG, "expired")]
)
async def test_a_certificate_is_read_even_if_nobody_trusts_it(
    surgery: Surgery, tmp_path: Path, days: int, state: State, case: str
) -> None:
    with serving(Starlette(), certificate=write_certificate(tmp_path)) as url:
        await register(surgery, url)
        surgery.service.clock = AdvancedClock(timedelta(days=days))
        found = await surgery.look()
        assert (found["certificate"].state, found["webhook-reach"].state) == (state, State.WRONG)
        assert found["certificate"].remedy == BY_CODE["certificate"].remedies.get(case, "")


async def test_a_port_without_tls_shows_no_certificate(surgery: Surgery) -> None:
    with serving(Starlette()) as url:
        await register(surgery, url.replace("http://", "https://"))
        assert (await surgery.look())["certificate"].state is State.NOT_KNOWN


async def test_webhooks_that_never_came_are_told(surgery: Surgery) -> None:
    store = surgery.service.store
    assert await surgery.state("webhook-heard") == (State.LOOK, "never")  # none since it was registered
    await store.put_cursor("demo", SEEN, "2026-11-23T07:00:00Z")
    assert (await surgery.look())["webhook-heard"].state is State.OK
    await store.put_cursor("demo", "hint:heard", "")
    assert await surgery.state("webhook-heard") == (State.LOOK, "never")


def test_every_way_in_which_an_address_is_not_reached_has_a_remedy() -> None:
    source = Path(__file__).parents[2] / "src" / "hintsync" / "surfaces" / "web" / "reaching.py"
    documented = source.read_text(encoding="utf-8").partition("Stable: reached, ")[2].partition(".\n")[0]
    codes = {code.strip(" #:\n") for code in documented.split(",")}
    assert codes == set(BY_CODE["webhook-reach"].remedies)
    assert PUBLIC.endswith(".invalid")  # never a host of anybody's
