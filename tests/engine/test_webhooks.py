"""Registering a connection's webhooks, and what Hint could not deliver, on the emulator through the partner's routes."""

from __future__ import annotations

import httpx
import pytest

from hintsync.core.errors import BadInput, UnknownOutcome
from hintsync.engine.detect.webhooks import SEEN, Missed, Registration, missed_webhooks, register_webhook, webhook_state
from hintsync.replicas.hint.connect import Routes
from hintsync.replicas.hint.partner import PartnerApi
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Connection
from hintsync_emulators.control import Failure
from tests.contract.hint_world import HintWorld

URL = "https://sync.example.org/webhooks/hint"
NOW = "2026-03-02T09:00:00Z"
BOTH = pytest.mark.parametrize("routes", list(Routes))


class Clinic:
    """A practice on the emulator with a connection of ours."""

    def __init__(self, routes: Routes = Routes.LEGACY) -> None:
        self.hint = HintWorld()
        self.store = MemoryStore()
        self.practice = self.hint.practice
        key = self.practice.partner.key
        self.partner = PartnerApi(self.hint.transport, key, self.hint.pace, base_url=self.hint.base_url, routes=routes)
        self.connection = Connection("main", "main", "00D000000000001AAA", False, self.practice.id)

    async def opened(self) -> Clinic:
        await self.store.put_connection(self.connection)
        return self

    async def register(self, url: str = URL, now: str = NOW) -> Registration:
        return await register_webhook(self.store, self.connection, self.partner, url, now)

    @property
    def urls(self) -> list[str]:
        return [each.webhook_url for each in self.practice.installation.endpoints]


@BOTH
async def test_m5_registering_again_changes_nothing(routes: Routes) -> None:
    clinic = await Clinic(routes).opened()
    first = await clinic.register()
    await clinic.store.put_cursor("main", SEEN, NOW)
    again = await clinic.register(now="2026-03-03T09:00:00Z")
    assert again == first
    assert clinic.urls == [URL]
    state = await webhook_state(clinic.store, "main")
    assert (state.registration, state.seen_at) == (first, NOW)


@BOTH
async def test_m5_another_address_moves_ours_and_has_not_been_reached_yet(routes: Routes) -> None:
    clinic = await Clinic(routes).opened()
    first = await clinic.register()
    await clinic.store.put_cursor("main", SEEN, NOW)
    moved = await clinic.register("https://new.example.org/webhooks/hint")
    assert moved.endpoint_id == first.endpoint_id
    assert clinic.urls == ["https://new.example.org/webhooks/hint"]
    assert (await webhook_state(clinic.store, "main")).seen_at is None


async def test_m5_an_address_that_somebody_removed_is_registered_anew() -> None:
    clinic = await Clinic().opened()
    first = await clinic.register()
    clinic.practice.installation.endpoints.clear()
    assert (await clinic.register()).endpoint_id != first.endpoint_id
    assert clinic.urls == [URL]


async def test_m5_an_address_that_is_there_already_is_taken_over_and_never_doubled() -> None:
    clinic = await Clinic().opened()
    clinic.practice.installation.endpoints.append(clinic.practice.partner.new_endpoint(URL))
    found = await clinic.register()
    assert found.endpoint_id == clinic.practice.installation.endpoints[0].id
    assert clinic.urls == [URL]


async def test_m5_two_addresses_of_ours_become_one() -> None:
    clinic = await Clinic().opened()
    await clinic.register("https://old.example.org/webhooks/hint")
    clinic.practice.installation.endpoints.append(clinic.practice.partner.new_endpoint(URL))
    await clinic.register()
    assert clinic.urls == [URL]


async def test_m5_addresses_of_others_are_left_alone() -> None:
    clinic = await Clinic().opened()
    other = clinic.practice.partner.new_endpoint("https://other.example.org/hook")
    clinic.practice.installation.endpoints.append(other)
    await clinic.register()
    assert clinic.urls == ["https://other.example.org/hook", URL]


async def test_m5_a_lost_reply_leaves_one_address() -> None:
    clinic = await Clinic().opened()
    clinic.hint.fail(Failure(match="^POST .*webhook_endpoints", drop=True, after_commit=True))
    await clinic.register()
    assert clinic.urls == [URL]
    clinic.practice.installation.endpoints.clear()
    clinic.hint.fail(Failure(match="^POST .*webhook_endpoints", drop=True))
    with pytest.raises(UnknownOutcome):
        await clinic.register()
    assert clinic.urls == []


async def test_m5_a_practice_that_is_not_connected_in_hint_is_said() -> None:
    clinic = Clinic()
    clinic.connection = Connection("main", "main", "00D000000000001AAA", False, "pra-elsewhere")
    await clinic.opened()
    with pytest.raises(BadInput, match="pra-elsewhere"):
        await clinic.register()
    assert await webhook_state(clinic.store, "main") == await webhook_state(clinic.store, "none")


async def down(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


async def test_what_hint_could_not_deliver_to_us_is_a_reason_to_catch_up() -> None:
    clinic = await Clinic().opened()
    ours = frozenset({(await clinic.register()).endpoint_id})
    since = clinic.practice.clock()
    assert await missed_webhooks(clinic.partner, since, ours) == Missed()
    clinic.practice.create_patient(first_name="Ada", last_name="Moor")
    clinic.practice.announce("invoice.paid", {"id": "inv-1"})
    await clinic.practice.deliver(httpx.MockTransport(down))
    assert await missed_webhooks(clinic.partner, since, ours) == Missed(count=2, patients={}, unknown=1)
    assert await missed_webhooks(clinic.partner, since, frozenset({"whep-other"})) == Missed()
