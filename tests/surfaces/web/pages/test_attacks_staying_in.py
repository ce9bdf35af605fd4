"""How long somebody stays in: idle, busy all day, deactivated, without the permission set; by token and by cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hintsync.surfaces.web.access.believed import BELIEVED
from hintsync.surfaces.web.access.tokens import LIFE, LONGEST, Entry, Purpose, Tokens, Visitor
from tests.surfaces.web.pages.desk import Desk

#: Moves the service's clock on by so many seconds.
Pass = Callable[[float], None]


@pytest.fixture
def passes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Pass:
    clock = type(desk.house.wire.service.clock)
    monotonic, gone = clock.monotonic, [0.0]
    monkeypatch.setattr(clock, "now", lambda self: datetime.now(UTC) + timedelta(seconds=gone[0]))
    monkeypatch.setattr(clock, "monotonic", lambda self: monotonic(self) + gone[0])

    def move(seconds: float) -> None:
        gone[0] += seconds

    return move


async def status(desk: Desk, path: str = "/") -> int:
    return (await desk.administrator.get(path)).status_code


async def test_a_page_that_is_left_alone_for_half_an_hour_has_ended(desk: Desk, passes: Pass) -> None:
    await desk.administrator.open()
    passes(LIFE - 5)
    assert await status(desk) == 200
    passes(LIFE + 5)
    assert await status(desk) == 401
    acted = await desk.administrator.post("/stops/pause", {"reason": "x"})
    assert acted.status_code == 401
    assert await desk.house.wire.service.store.stops("demo") == []


async def test_who_works_without_a_pause_must_come_in_anew_after_twelve_hours(desk: Desk, passes: Pass) -> None:
    await desk.administrator.open()
    for _ in range(int(LONGEST / (LIFE - 60))):
        passes(LIFE - 60)
        assert await status(desk) == 200
    passes(LIFE - 60)
    assert await status(desk) == 401


async def test_a_cookie_ends_as_a_token_does(desk: Desk, passes: Pass) -> None:
    service = desk.house.wire.service
    now = int(service.clock.now().timestamp())
    visitor = Visitor("demo", desk.administrator.user_id, "", Entry.WINDOW, now, "http://127.0.0.1:9")
    cookie = Tokens(service.store, service.clock).make(visitor, Purpose.COOKIE)
    desk.house.http.cookies.set("__Host-hintsync-demo", cookie)
    assert (await desk.house.http.get("/c/demo/")).status_code == 200
    passes(LIFE + 1)
    assert (await desk.house.http.get("/c/demo/")).status_code == 303


@pytest.mark.parametrize("loss", ["deactivated", "without the permission set", "without any of them"])
async def test_who_loses_their_rights_is_out_within_a_minute_and_not_let_in_again(
    desk: Desk, passes: Pass, loss: str
) -> None:
    await desk.administrator.open()
    org, user_id = desk.house.wire.org, desk.administrator.user_id
    if loss == "deactivated":
        org.update("User", user_id, {"IsActive": False})
    else:
        for held in org.storage.ids_where("PermissionSetAssignment", "AssigneeId", user_id, live_only=False):
            org.delete("PermissionSetAssignment", held)
    passes(BELIEVED + 1)
    assert await status(desk, "/settings") == 403
    acted = await desk.administrator.post("/stops/pause", {"reason": "x"})
    assert acted.status_code == 403
    assert await desk.house.wire.service.store.stops("demo") == []


async def test_an_administrator_who_becomes_a_user_keeps_single_contacts_only(desk: Desk, passes: Pass) -> None:
    from hintsync.surfaces.web.access.roles import USER_SET
    from tests.surfaces.web.pages.desk import assign

    await desk.administrator.open()
    org, user_id = desk.house.wire.org, desk.administrator.user_id
    for held in org.storage.ids_where("PermissionSetAssignment", "AssigneeId", user_id, live_only=False):
        org.delete("PermissionSetAssignment", held)
    assign(org, user_id, USER_SET)
    passes(BELIEVED + 1)
    assert await status(desk, "/settings") == 403
    assert await status(desk, "/") == 200
