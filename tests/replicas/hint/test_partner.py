"""What the partner asks of Hint, on both forms of its routes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hintsync.core.errors import BadInput, FixConfiguration, RetryLater
from hintsync.replicas.hint.connect import Routes
from hintsync.replicas.hint.partner import PartnerApi
from hintsync_emulators.control import Failure
from hintsync_emulators.hint import Practice, create_app
from tests.contract.hint_world import HintWorld

BOTH = pytest.mark.parametrize("routes", list(Routes))
URL = "https://sync.example.org/webhooks/hint"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def partner(hint: HintWorld, routes: Routes, key: str | None = None) -> PartnerApi:
    key = key or hint.practice.partner.key
    return PartnerApi(hint.transport, key, hint.pace, base_url=hint.base_url, routes=routes)


async def integration_id(hint: HintWorld, api: PartnerApi) -> str:
    found = await api.integration_of(hint.practice.id)
    assert found is not None
    return found.id


@BOTH
async def test_the_connection_of_a_practice_is_found_by_the_practices_id(hint: HintWorld, routes: Routes) -> None:
    api, installation = partner(hint, routes), hint.practice.installation
    found = await api.integration_of(hint.practice.id)
    assert found is not None
    assert found.id == (installation.integration_id if routes is Routes.LEGACY else installation.id)
    assert (found.practice_id, found.status) == (hint.practice.id, "active")
    assert await api.integration_of("pra-elsewhere") is None


@BOTH
async def test_an_address_is_added_listed_moved_and_removed(hint: HintWorld, routes: Routes) -> None:
    hint.practice.switches.version_header_required = True
    api = partner(hint, routes)
    ours = await integration_id(hint, api)
    made = await api.create_endpoint(ours, URL)
    assert await api.endpoints(ours) == [made]
    moved = await api.move_endpoint(ours, made.id, f"{URL}/clinic")
    assert moved is not None
    assert (moved.id, moved.url) == (made.id, f"{URL}/clinic")
    assert [each.webhook_url for each in hint.practice.installation.endpoints] == [f"{URL}/clinic"]
    await api.delete_endpoint(ours, made.id)
    await api.delete_endpoint(ours, made.id)
    assert await api.endpoints(ours) == []
    assert await api.move_endpoint(ours, made.id, URL) is None


@BOTH
async def test_an_address_that_hint_does_not_take_is_said(hint: HintWorld, routes: Routes) -> None:
    api = partner(hint, routes)
    with pytest.raises(BadInput, match="does not take it"):
        await api.create_endpoint(await integration_id(hint, api), "no address")


@BOTH
async def test_a_refused_partner_key_is_a_setting_and_not_a_practice_to_connect(
    hint: HintWorld, routes: Routes
) -> None:
    with pytest.raises(FixConfiguration, match="hint_partner_key") as raised:
        await partner(hint, routes, "wrong").integration_of(hint.practice.id)
    assert "wrong" not in str(raised.value)


@pytest.mark.parametrize("paged", [True, False])
@pytest.mark.parametrize("count", [1, 99, 100, 101, 230])
async def test_every_connection_is_seen_whether_the_older_list_comes_in_pages_or_not(
    hint: HintWorld, count: int, paged: bool
) -> None:
    hint.practice.switches.legacy_lists_paged = paged
    first = hint.practice
    others = [Practice(partner=first.partner, seed=number) for number in range(2, count + 1)]
    for each in others:
        each.switches.legacy_lists_paged = paged
    app = create_app(first, *others)
    app.faults.limits["per_second"] = None
    transport = httpx.ASGITransport(app)
    api = PartnerApi(transport, first.partner.key, hint.pace, base_url=hint.base_url)
    last = (others or [first])[-1]
    found = await api.integration_of(last.id)
    assert found is not None
    assert found.id == last.installation.integration_id


async def broken(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


@BOTH
async def test_what_did_not_get_through_is_listed_by_address(hint: HintWorld, routes: Routes) -> None:
    practice, api = hint.practice, partner(hint, routes)
    made = await api.create_endpoint(await integration_id(hint, api), URL)
    assert await api.undelivered(LONG_AGO) == []
    practice.create_patient(first_name="Ada", last_name="Moor")
    await practice.deliver(httpx.MockTransport(broken))
    [missed] = await api.undelivered(LONG_AGO)
    assert (missed.endpoint_id, missed.type) == (made.id, "patient.created")
    assert (missed.practice_id, missed.record_id) == (None, None), "Hint's example shows no payload"
    assert await api.undelivered(practice.clock() + timedelta(days=1)) == []


@pytest.mark.parametrize("as_text", [True, False])
async def test_a_payload_names_practice_and_patient_where_hint_shows_one(hint: HintWorld, as_text: bool) -> None:
    payload = {"id": "evt-1", "type": "patient.updated", "practice_id": "pra-1", "object": {"id": "pat-1"}}
    shown = json.dumps(payload) if as_text else payload
    row = {"event_type": "patient.updated", "payload": shown, "webhook_endpoint": {"id": "whep-1"}}

    async def rows(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[row] if request.url.params["status"] == "failed" else [])

    api = PartnerApi(httpx.MockTransport(rows), "key", hint.pace, base_url=hint.base_url)
    [missed] = await api.undelivered(LONG_AGO)
    assert (missed.endpoint_id, missed.practice_id, missed.record_id) == ("whep-1", "pra-1", "pat-1")


async def test_a_list_that_never_ends_is_given_up(hint: HintWorld) -> None:
    asked = 0

    async def endless(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(200, json=[{"id": f"int-{asked}-{number}"} for number in range(100)])

    hint.pace.throttle = type(hint.pace.throttle)(hint.pace.clock, per_second=None)
    api = PartnerApi(httpx.MockTransport(endless), "key", hint.pace, base_url=hint.base_url)
    with pytest.raises(RetryLater, match="does not end"):
        await api.integration_of("pra-1")
    assert asked == 1000


@BOTH
async def test_it_is_told_which_form_of_the_routes_the_partner_account_has(hint: HintWorld, routes: Routes) -> None:
    assert await partner(hint, routes).answering_routes() == set(Routes)
    for status in (404, 403, 401):
        hint.app.faults.fail_next.append(Failure(status=status, match=r"^GET /api/partner/installations", times=1))
        assert await partner(hint, routes).answering_routes() == {Routes.LEGACY}, status


@BOTH
async def test_a_partner_key_that_both_forms_refuse_is_told_as_such(hint: HintWorld, routes: Routes) -> None:
    with pytest.raises(FixConfiguration, match="partner key was refused"):
        await partner(hint, routes, "not-the-key").answering_routes()
