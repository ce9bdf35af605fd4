"""Requests that no browser sends: line breaks and NULs everywhere, other hosts, paths out of the folder, bodies without end."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from hintsync.surfaces.web import receiver
from hintsync.surfaces.web.pages.place import LARGEST_FORM
from hintsync.surfaces.web.pages.places import PLACES
from tests.surfaces.web.pages.desk import Desk

FORM = "application/x-www-form-urlencoded"
BREAKS = (
    "x\r\nSet-Cookie: hit=1",
    "x\nX-Hit: 1",
    "x\x00y",
    "\u2028hit",
    "x\x85",
    "\x1b[2J",
    "\ud7ff\U0010ffff",
    "%0d%0aX-Hit:1",
)
#: What is sent along by whoever wants to be somebody else, or to have links lead to their own host.
FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Prefix": "//evil.example",
    "X-Forwarded-User": "admin",
    "Forwarded": "host=evil.example;proto=http",
    "X-Original-URL": "/metrics",
    "X-Rewrite-URL": "/metrics",
    "X-HTTP-Method-Override": "POST",
    "Referer": "https://evil.example/",
    "Origin": "https://evil.example",
}


def bearer(desk: Desk) -> dict[str, str]:
    return {"Authorization": f"Bearer {desk.administrator.token}", "X-Hintsync-Fetch": "1"}


def escape(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def assert_whole(answer: httpx.Response) -> None:
    """No header came in by a value, and nothing broke."""
    assert answer.status_code < 500 or answer.status_code == 503, (answer.status_code, str(answer.url))
    names = {name.lower() for name in answer.headers}
    assert not names & {"x-hit", "set-cookie"}
    assert not any(char in value for value in answer.headers.values() for char in "\r\n\x00")


async def test_line_breaks_in_addresses_queries_and_forms_come_out_nowhere(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.administrator.open()
    caplog.set_level(logging.DEBUG, "hintsync")
    for typed in BREAKS:
        for place in PLACES:
            path = re.sub(r"\{[^}]+\}", escape(typed), place.route.replace("{connection}", "demo"))
            query = "&".join(
                f"{name}={escape(typed)}" for name in ("naming", "before", "reason", "from", "kind", "edit")
            )
            headers = bearer(desk)
            if place.method == "GET" and not path.endswith("/export"):
                assert_whole(await desk.house.http.get(f"{path}?{query}", headers=headers))
            elif place.path not in ("/batches/patients", "/logout"):
                body = "&".join(
                    f"{name}={escape(typed)}" for name in ("reason", "q", "review", "side", "record", "all")
                )
                headers["Content-Type"] = FORM
                assert_whole(await desk.house.http.post(f"{path}?{query}", content=body, headers=headers))
        assert_whole(await desk.house.http.get(f"/c/{escape(typed)}/"))
        assert_whole(await desk.house.http.get(f"/c/{escape(typed)}/settings", headers=bearer(desk)))
    for record in caplog.records:
        line = record.getMessage()
        assert not any(char in line for char in "\r\n\x00\x1b\u2028\x85"), line


async def test_an_address_to_come_back_to_leads_to_no_other_host(desk: Desk) -> None:
    for typed in ("//evil.example/", "/c//evil.example", "/c/\\evil.example", "https:/c/", *BREAKS):
        for path in (
            f"/c/demo/{escape(typed)}",
            f"/c/{escape(typed)}/",
            f"/c/demo/runs/{escape(typed)}?a={escape(typed)}",
        ):
            answer = await desk.house.http.get(path)
            assert_whole(answer)
            if answer.status_code in (302, 303, 307):
                assert answer.headers["location"].startswith(("/login?next=/c/", "https://sync.example.org/c/"))
        answer = await desk.house.http.get("/login", params={"next": typed})
        away = [
            href for href in re.findall(r'href="([^"]*)"', answer.text) if not re.match(r"/(login/start|static/)", href)
        ]
        assert away == []


async def test_headers_of_proxies_and_other_hosts_change_nothing(desk: Desk) -> None:
    await desk.administrator.open()
    forged = {**bearer(desk), **FORGED}
    for place in PLACES:
        if place.method == "GET" and "{" not in place.path and not place.path.endswith("/export"):
            plain = await desk.house.http.get(f"/c/demo{place.path}", headers=bearer(desk))
            for headers in (forged, {**bearer(desk), "Host": "evil.example"}):
                answer = await desk.house.http.get(f"/c/demo{place.path}", headers=headers)
                assert answer.status_code == plain.status_code
                assert "evil.example" not in answer.text
                assert "evil.example" not in repr(answer.headers)
    for headers in (FORGED, {"Host": "evil.example"}, {"Host": "evil.example\x00"}):
        answer = await desk.house.http.get("/login/start?connection=demo", headers=headers)
        assert "evil.example" not in answer.headers["location"]
        assert "sync.example.org" in answer.headers["location"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "bearer x", "Basic YTpi", "Bearer a b", "Bearer " + "x" * 9_000]
)
async def test_nonsense_for_a_token_opens_nothing(desk: Desk, header: str) -> None:
    answer = await desk.house.http.get("/c/demo/", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_token_that_is_changed_anywhere_opens_nothing(desk: Desk) -> None:
    await desk.administrator.open()
    token = desk.administrator.token
    for at in range(0, len(token), 7):
        bent = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        answer = await desk.house.http.get("/c/demo/", headers={"Authorization": f"Bearer {bent}"})
        assert answer.status_code == 401


async def test_a_token_in_the_address_a_form_or_a_cookie_never_acts(desk: Desk) -> None:
    await desk.administrator.open()
    token, http = desk.administrator.token, desk.house.http
    form = {"reason": "x", "token": token, "hintsync-token": token, "Authorization": f"Bearer {token}"}
    cookies = {"Cookie": f"__Host-hintsync-demo={token}; hintsync-demo={token}"}
    assert (await http.post("/c/demo/stops/pause", params=form, data=form, headers=cookies)).status_code == 401
    assert await desk.house.wire.service.store.stops("demo") == []


async def test_no_address_leads_out_of_the_folder_of_static_files(desk: Desk) -> None:
    paths = (
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/..%5capp.py",
        "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/hintsync.js/../../app.py",
        "/static/%00",
        "/static/hintsync.js%00.css",
        "/static/",
        "/static",
        "/static/" + "a" * 5_000,
        "/static/../pages/templates/base.html",
        "/c/demo/../../static/../app.py",
    )
    for path in paths:
        request = desk.house.http.build_request("GET", "https://sync.example.org/")
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = await desk.house.http.send(request)
        assert answer.status_code in (303, 307, 404, 405), path
        assert "import" not in answer.text
        assert "root:" not in answer.text


async def test_every_form_that_is_too_large_is_refused_and_does_nothing(desk: Desk) -> None:
    await desk.administrator.open()
    before = await desk.house.wire.service.store.audit("demo", after=0, limit=10_000)
    body = b"reason=" + b"x" * (LARGEST_FORM + 1)
    reading = 0
    for place in PLACES:
        if place.method != "POST" or place.path in ("/logout", "/batches/contacts/check"):
            continue
        path = re.sub(r"\{[^}]+\}", "0035g00000ZZZZZAA4", place.route.replace("{connection}", "demo"))
        answer = await desk.house.http.post(path, content=body, headers={**bearer(desk), "Content-Type": FORM})
        assert answer.status_code < 500 or answer.status_code == 503
        reading += answer.status_code == 413
    assert reading > 10
    after = await desk.house.wire.service.store.audit("demo", after=0, limit=10_000)
    assert after == before


async def test_forms_of_other_types_and_with_too_many_fields_are_refused(desk: Desk) -> None:
    await desk.administrator.open()
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/xml"):
        headers = {**bearer(desk), "Content-Type": kind}
        answer = await desk.house.http.post("/c/demo/stops/pause", content=b"reason=x", headers=headers)
        assert answer.status_code == 422
    headers = {**bearer(desk), "Content-Type": FORM}
    for body in (b"a=b&" * 1_001, b"reason=\xff\xfe"):
        answer = await desk.house.http.post("/c/demo/stops/pause", content=body, headers=headers)
        assert answer.status_code == 422
    assert await desk.house.wire.service.store.stops("demo") == []


async def test_a_body_that_never_ends_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.administrator.open()
    monkeypatch.setattr(receiver, "BODY_SECONDS", 0.05)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"reason="
        await asyncio.Event().wait()

    for path, kind in (("/c/demo/stops/pause", FORM), ("/c/demo/batches/contacts/check", ""), ("/canvas", FORM)):
        headers = {**bearer(desk), "Content-Type": kind}
        answer = await desk.house.http.post(path, content=dripping(), headers=headers)
        assert answer.status_code == 408


async def test_signs_that_no_database_keeps_never_reach_one(desk: Desk) -> None:
    """PostgreSQL refuses NULs in text; who sends one is told, and nothing is logged as a fault of ours."""
    await desk.administrator.open()
    for path in ("/c/a%00b/", "/c/demo/runs/a%00b", "/c/demo/log?naming=a%00b", "/c/demo/runs?before=%0a"):
        assert (await desk.house.http.get(path, headers=bearer(desk))).status_code == 404
    answer = await desk.administrator.post("/stops/pause", {"reason": "a\x00b"})
    assert answer.status_code == 422
