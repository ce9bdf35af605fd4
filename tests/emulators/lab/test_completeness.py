"""Nothing of the control API is missing in the fault lab, and everything is explained there."""

from dataclasses import fields

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hintsync_emulators.control import Controlled, ControlRequest, ControlRoute, Failure, Faults
from hintsync_emulators.hint.event_faults import EventFault
from hintsync_emulators.lab import ADDRESS, lab_site
from hintsync_emulators.lab.app import NOT_SHOWN
from hintsync_emulators.salesforce.canvas.kept import FAULTS
from tests.emulators.browsing import read

from .conftest import Lab, form_of


async def test_every_route_of_the_control_api_is_on_the_page(lab: Lab) -> None:
    page = await lab.look()
    described = {card.route for card in lab.cards.values()}
    for route in lab.app.routes:
        name = f"{route.method} {route.path}"
        if route.method == "GET" and "{" not in route.path:
            is_input_of = {f"{method} {route.path}" for method in ("PUT", "PATCH", "POST")}
            shown = {card.now for card in lab.cards.values()}
            above = route.path.rpartition("/")[0]
            assert route.path in NOT_SHOWN | shown or is_input_of & described or above in shown, name
        else:
            assert f'data-route="{name}"' in page.answer.text, name
    assert "Others" not in page.text


async def test_every_card_acts_through_a_route_and_has_a_name_of_its_own(lab: Lab) -> None:
    routes = {f"{route.method} {route.path}" for route in lab.app.routes}
    assert {card.route for card in lab.cards.values()} <= routes
    page = await lab.look()
    keys = [part.partition('"')[0] for part in page.answer.text.split(' id="')[1:]]
    assert len(keys) == len(set(keys))


async def test_every_input_says_what_it_is_for(lab: Lab) -> None:
    state = {route.path: await lab.now(route.path) for route in lab.app.routes if _is_state(route)}
    settings = ("PUT /switches", "PUT /faults", "PUT /pubsub/settings", "PUT /pubsub/faults", "PUT /canvas/faults")
    for card in lab.cards.values():
        for each in card.inputs(state):
            if card.route in (*settings, "PUT /events/faults", "PATCH /backend", "PUT /features"):
                assert each.words.does, f"{card.title}: {each.name}"
            if card.route in settings and not card.queue:
                assert each.words.survive, f"{card.title}: {each.name}"


def _is_state(route: ControlRoute) -> bool:
    return route.method == "GET" and "{" not in route.path and route.path not in NOT_SHOWN


async def test_every_fault_says_what_a_sync_should_survive(lab: Lab) -> None:
    """Of a card that only tidies up, shows, or sets many things that say it themselves, nobody expects it."""
    silent = {
        "Calls by kind", "Slow answers", "Limits", "Machine's time", "Snapshots", "Forget a snapshot",
        "Practice finishes its set-up", "Open the embedded app", "Credentials", "One patient", "How webhooks are sent",
        "No more event faults", "How streams behave", "Release one row", "Release all rows", "No rules",
        "Let late writes show", "New session", "Passwords", "Clients of the login service", "No more canvas faults",
        "Give an app by hand", "Forget an app",
    }  # fmt: skip
    assert {title for title, card in lab.cards.items() if not card.survive} <= silent


async def test_every_part_of_a_failure_and_every_limit_has_an_input(lab: Lab) -> None:
    page = await lab.look()
    form = form_of(page, lab.cards["Calls that fail"], "Add")
    assert form.offered.keys() >= {each.name for each in fields(Failure)}
    if lab.app.faults.limits:
        form = form_of(page, lab.cards["Limits"], "Set limits")
        assert form.offered.keys() >= {f"limits.{name}" for name in lab.app.faults.limits}


async def test_every_switch_and_every_part_of_a_webhook_fault_has_an_input(hint_lab: Lab) -> None:
    page = await hint_lab.look()
    form = form_of(page, hint_lab.cards["What Hint's documents leave open"], "Set switches")
    assert form.offered.keys() >= {each["name"] for each in await hint_lab.now("/switches")}
    form = form_of(page, hint_lab.cards["Webhooks that go wrong"], "Add")
    assert form.offered.keys() >= {each.name for each in fields(EventFault)}


async def test_every_fault_of_events_and_canvas_apps_has_an_input(salesforce_lab: Lab) -> None:
    page, cards = await salesforce_lab.look(), salesforce_lab.cards
    pubsub = await salesforce_lab.now("/pubsub")
    assert form_of(page, cards["Events that go wrong"], "Set").offered.keys() >= pubsub["faults"].keys()
    assert form_of(page, cards["How streams behave"], "Set").offered.keys() >= {*pubsub["settings"], "daily"}
    assert form_of(page, cards["Signed requests that are wrong"], "Set").offered.keys() >= set(FAULTS)
    assert form_of(page, cards["Features"], "Set").offered.keys() >= (await salesforce_lab.now("/features")).keys()


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that nobody calls."""


@pytest.fixture
def taken() -> list[ControlRequest]:
    return []


@pytest.fixture
def unknown(taken: list[ControlRequest]) -> Controlled:
    """An emulator with a control route that nobody has described."""
    route = ControlRoute("PUT", "/moons/{name}", taken.append, "make the moon full", {"full": True})
    states = [
        ControlRoute("GET", path, lambda _: {"running": True}, "") for path in ("/clock", "/snapshots", "/switches")
    ]
    return Controlled(nothing, Faults(), lambda *_: "x", [route, *states], sites=[lab_site("Hint")])


async def test_a_route_that_nobody_described_is_shown_all_the_same(
    unknown: Controlled, taken: list[ControlRequest]
) -> None:
    from hintsync_emulators.lab.app import groups_of

    others = groups_of(unknown, "Hint")[-1]
    assert [card.route for card in others.cards] == ["PUT /moons/{name}"]
    (card,) = others.cards
    path, body = card.call({}, {"path.name": "Io", "body": '{"full": true}'})
    await unknown.steer("PUT", path, body)
    assert (taken[0].path, taken[0].body) == ({"name": "Io"}, {"full": True})


async def test_the_lab_begins_to_be_made_when_it_is_looked_at(lab: Lab) -> None:
    transport = httpx.ASGITransport(lab.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
        page = read(await client.get(ADDRESS))
    assert f"Emulated {lab.system}." in page.text
    assert lab.app.faults.total == 0
