"""Who may go where: every place there is, by every kind of person; made from the table of places, so that none is forgotten."""

from __future__ import annotations

import re

import httpx
import pytest

from hintsync.state.port import Connection
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.access.tokens import Entry, Purpose, Tokens, Visitor
from hintsync.surfaces.web.pages.place import Place
from hintsync.surfaces.web.pages.places import PLACES
from tests.surfaces.web.pages.desk import Desk

#: What the parts of addresses are filled with: a contact id of the right shape that nobody has, and nothing else of note.
FILLING = "0035g00000ZZZZZAA4"


def address(place: Place, connection: str = "demo") -> str:
    return re.sub(r"\{[^}]+\}", FILLING, place.route.replace("{connection}", connection))


async def visit(desk: Desk, place: Place, token: str | None, connection: str = "demo") -> httpx.Response:
    headers = {"X-Hintsync-Fetch": "1"} | ({"Authorization": f"Bearer {token}"} if token else {})
    content = b"" if place.method == "GET" else b"a=b"
    form = {"Content-Type": "application/x-www-form-urlencoded"} if content else {}
    request = desk.house.http.build_request(
        place.method, address(place, connection), content=content, headers={**headers, **form}
    )
    return await desk.house.http.send(request)


def token_of(desk: Desk, user_id: str, connection: str = "demo", purpose: Purpose = Purpose.PAGE) -> str:
    service = desk.house.wire.service
    visitor = Visitor(connection, user_id, "", Entry.FRAME, int(service.clock.now().timestamp()), "http://127.0.0.1:9")
    return Tokens(service.store, service.clock).make(visitor, purpose)


def name(place: Place) -> str:
    return f"{place.method} {place.path}"


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
async def test_each_role_reaches_what_it_may_and_nothing_else(desk: Desk, role: Role) -> None:
    people = {Role.NOBODY: desk.stranger, Role.USER: desk.front_desk, Role.ADMINISTRATOR: desk.administrator}
    wrong = []
    for place in PLACES:
        answer = await visit(desk, place, token_of(desk, people[role].user_id))
        may = role >= place.needs and role is not Role.NOBODY
        if (answer.status_code not in (401, 403)) != may or answer.status_code == 500:
            wrong.append((name(place), answer.status_code))
    assert wrong == []


async def test_nobody_gets_in_without_a_token_of_this_very_connection(desk: Desk) -> None:
    """T19, and forged cookies: another connection's token, a token for another purpose, none, and nonsense."""
    store = desk.house.wire.service.store
    here = (await store.connections())[0]
    await store.put_connection(Connection("other", "other", here.org_id, False, "pra-other", here.settings, here.facts))
    theirs = token_of(desk, desk.administrator.user_id, "other")
    cookie = token_of(desk, desk.administrator.user_id, purpose=Purpose.COOKIE)
    ours = token_of(desk, desk.administrator.user_id)
    wrong = []
    for place in PLACES:
        for token in (theirs, cookie, None, "x" * 200):
            wrong += [] if (await visit(desk, place, token)).status_code == 401 else [name(place)]
        for connection in ("other", "none-such", "..", "demo%2f.."):
            wrong += [] if (await visit(desk, place, ours, connection)).status_code in (401, 404) else [name(place)]
    assert wrong == []


async def test_a_cookie_alone_shows_pages_and_never_acts(desk: Desk) -> None:
    cookie = token_of(desk, desk.administrator.user_id, purpose=Purpose.COOKIE)
    desk.house.http.cookies.set("__Host-hintsync-demo", cookie)
    answers = {name(place): (await visit(desk, place, None)).status_code == 401 for place in PLACES}
    assert answers == {name(place): place.method == "POST" for place in PLACES}


def test_every_place_is_meant_for_somebody_and_there_once() -> None:
    assert all(place.needs > Role.NOBODY for place in PLACES)
    assert len({(place.method, place.path) for place in PLACES}) == len(PLACES)
