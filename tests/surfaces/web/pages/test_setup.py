"""The guided first start: a code from the console, an administrator's login, and an org that is connected and installed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from hintsync.bootstrap import Service, Transports, open_service
from hintsync.logins import (
    CANVAS_APP,
    SALESFORCE_LOGIN,
    CanvasApp,
    WithClientCredentials,
    WithJwt,
    pack_canvas_app,
    unpack_login,
)
from hintsync.settings import Settings
from hintsync.surfaces.web.access.setup_code import new_code
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.engines import Engines
from hintsync_emulators.control import Controlled
from hintsync_emulators.salesforce import App, Org
from hintsync_emulators.salesforce import create_app as org_app
from hintsync_emulators.salesforce.canvas.apps import every
from tests.replicas.clock import HeldClock
from tests.surfaces.web.pages.desk import new_user
from tests.surfaces.web.pages.test_login import TERMS

ORG = "http://127.0.0.1:9"
PUBLIC = "https://sync.clinic.example"
KEY, SECRET = "3MVGclinic", "app-secret"


@dataclass
class Start:
    """A service without a connection, an org without anything of ours, and a browser."""

    service: Service
    org: Org
    org_app: Controlled
    browser: httpx.AsyncClient
    #: The header that took the cookie away at the end.
    dropped: str = ""

    def code(self) -> str:
        return new_code(self.service.store, self.service.clock)

    async def enter(self) -> None:
        answer = await self.browser.post("/setup", data={"code": self.code()})
        assert (answer.status_code, answer.headers["location"]) == (303, "/setup/org")

    async def proof(self, path: str = "/setup/org") -> str:
        page = await self.browser.get(path)
        assert page.status_code == 200, page.text
        return re.findall(r'name="proof" value="([^"]+)"', page.text)[0]

    async def name_org(self, **fields: str) -> httpx.Response:
        form = {"name": "clinic", "origin": ORG, "client_id": KEY, "client_secret": SECRET, "way": "secret", **fields}
        return await self.browser.post("/setup/org", data={"proof": await self.proof(), **form})

    async def log_in(self, username: str = "") -> httpx.Response:
        """Leave for Salesforce, allow it there, and come back."""
        away = await self.browser.get("/setup/leave")
        assert away.status_code == 303
        who = username or str(self.org.get("User", self.org.user_id)["Username"])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.org_app), base_url=ORG) as salesforce:
            allowed = await salesforce.post(away.headers["location"], data={"username": who, "decision": "allow"})
        assert allowed.status_code == 302, allowed.text
        return await self.browser.get(allowed.headers["location"])

    async def install(self, **fields: str) -> httpx.Response:
        form = {"proof": await self.proof("/setup/install"), "who": "admins", "where": "all", **fields}
        return await self.browser.post("/setup/install", data=form)

    async def ended(self) -> str:
        """Follow the installation to its end; return the page that says so."""
        for _ in range(1000):
            page = await self.browser.get("/setup/progress")
            if 'http-equiv="refresh"' not in page.text:
                self.dropped = page.headers.get("set-cookie", "")
                return page.text
            await asyncio.sleep(0.01)
        raise AssertionError("it never ends")


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    clock = HeldClock(datetime.now(UTC))  # id tokens are compared with the real time
    org = Org(features=["MiddleName"], clock=clock.now)
    worker = new_user(org, "Hinty", "Worker")
    run_as = str(org.get("User", worker)["Username"])
    callback = f"{PUBLIC}/setup/callback"
    org.auth.register(
        [App(KEY, SECRET, run_as=run_as, scope="api openid", redirect_uris=(callback,), requires_pkce=True)]
    )
    org.pace.deploy_polls = 0
    served = org_app(org)
    settings = Settings(state=tmp_path, database_url="memory:", public_url=PUBLIC)
    async with open_service(settings, Transports(salesforce=httpx.ASGITransport(served)), clock) as service:
        app = create_app(service, engines=Engines(service))  # none is opened: nothing is there yet
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC) as browser,
        ):
            yield Start(service, org, served, browser)
    org.close()


async def test_m1_from_a_code_to_an_installed_org(start: Start) -> None:
    await start.enter()
    assert (await start.name_org()).headers["location"] == "/setup/go"
    arrived = await start.log_in()
    assert arrived.headers["location"] == "/setup/install"
    seen = await start.browser.get("/setup/install")
    assert "Emulated Clinic, Enterprise Edition" in seen.text
    assert "Contact Layout" in seen.text
    assert (await start.install()).headers["location"] == "/setup/progress"
    page = await start.ended()
    assert "hintsync is installed" in page, page
    assert "Contact Layout: section and buttons put on" in page
    assert set(TERMS) <= set(start.dropped.split("; ")), "else the browser would keep the cookie"
    [app] = every(start.org)
    assert app.url == f"{PUBLIC}/canvas"
    connection = await start.service.connection("clinic")
    assert connection.org_id == start.org.org_id
    stored = await start.service.store.secret("clinic", SALESFORCE_LOGIN)
    assert stored is not None
    assert isinstance(unpack_login(stored), WithClientCredentials)


async def test_the_administrators_session_is_for_the_installation_only(start: Start) -> None:
    await start.enter()
    await start.name_org()
    await start.log_in()
    sessions = {session.token for session in start.org.auth.sessions.values() if session.user_id == start.org.user_id}
    assert len(sessions) == 1
    await start.install()
    await start.ended()
    assert not [each for each in start.org.auth.sessions.values() if each.token in sessions], "it is revoked"
    held = (
        'SELECT u.Username FROM "User" u JOIN PermissionSetAssignment a ON a.AssigneeId = u.Id JOIN PermissionSet p ON'
    )
    rows = start.org.storage.rows(f"{held} p.Id = a.PermissionSetId WHERE p.Name = 'Hint_Sync'")
    assert [str(row[0]) for row in rows] == ["hinty.worker@clinic.example"], (
        "daily work is not done as the administrator"
    )
    assert (await start.browser.get("/setup/org")).headers["location"] == "/setup", "the way in is closed again"


async def test_a_code_is_good_once_and_not_for_long(start: Start) -> None:
    code = start.code()
    assert (await start.browser.post("/setup", data={"code": f" {code.lower()} "})).status_code == 303
    start.browser.cookies.clear()
    again = await start.browser.post("/setup", data={"code": code})
    assert (again.status_code, "used already" in again.text) == (403, True)
    old = start.code()
    await start.service.clock.sleep(1801)
    assert "too old" in (await start.browser.post("/setup", data={"code": old})).text
    for nonsense in ("", "x" * 24, "ABCD-EFGH-IJKL-MNOP-QRST-UVWX", "ÄÖÜ", old[:-1] + ("A" if old[-1] != "A" else "B")):
        assert "not a code of this service" in (await start.browser.post("/setup", data={"code": nonsense})).text
    assert not start.browser.cookies


async def test_the_way_in_closes_an_hour_after_the_code_whatever_is_done_meanwhile(start: Start) -> None:
    await start.enter()
    for _ in range(3):
        await start.service.clock.sleep(1190)
        assert (await start.name_org()).headers["location"] == "/setup/go"
    kept = dict(start.browser.cookies)
    assert (await start.browser.get("/setup/go")).status_code == 200
    await start.service.clock.sleep(31)
    start.browser.cookies.update(kept)  # as somebody would who does not obey its Max-Age
    assert (await start.browser.get("/setup/go")).headers["location"] == "/setup"
    start.browser.cookies.clear()
    await start.enter()
    assert (await start.browser.get("/setup/org")).status_code == 200


async def test_the_cookie_is_kept_until_then_only(start: Start) -> None:
    await start.enter()
    await start.service.clock.sleep(600)
    assert "Max-Age=3000;" in (await start.name_org()).headers["set-cookie"]


async def test_an_org_that_makes_its_own_key_is_installed_in_with_the_copied_one(start: Start) -> None:
    start.org.takes_consumer_keys = False
    await start.enter()
    await start.name_org()
    await start.log_in()
    await start.install()
    refused = await start.ended()
    assert "the org has another key for the app Hintsync" in refused
    offered = (await start.browser.get("/setup/install")).text
    [named] = re.findall(r"below “([^”]+)”", refused)
    assert f"<summary>{named}</summary>" in offered, "the message names where"
    half = await start.install(consumer_key="3MVG9half")
    assert (half.status_code, "copy both" in half.text) == (422, True)
    [shown] = every(start.org)
    assert shown.client is not None
    await start.service.clock.sleep(30)
    await start.install(consumer_key=f" {shown.client.client_id} ", consumer_secret=shown.client.client_secret)
    page = await start.ended()
    assert "hintsync is installed" in page, page
    assert shown.client.client_secret not in page + offered
    stored = await start.service.store.secret("clinic", CANVAS_APP)
    assert stored == pack_canvas_app(CanvasApp(shown.client.client_id, shown.client.client_secret))


async def test_wrong_codes_are_limited_and_lock_nobody_out(start: Start) -> None:
    answers = [(await start.browser.post("/setup", data={"code": "AAAA"})).status_code for _ in range(12)]
    assert answers == [403] * 10 + [429] * 2
    await start.enter()
    start.browser.cookies.clear()
    await start.service.clock.sleep(60)
    assert (await start.browser.post("/setup", data={"code": "AAAA"})).status_code == 403


async def test_without_a_code_no_step_is_shown(start: Start) -> None:
    for method, path in (
        ("GET", "/setup/org"),
        ("POST", "/setup/org"),
        ("GET", "/setup/go"),
        ("GET", "/setup/leave"),
        ("GET", "/setup/callback?code=a&state=b"),
        ("GET", "/setup/install"),
        ("POST", "/setup/install"),
        ("GET", "/setup/progress"),
    ):
        answer = await start.browser.request(method, path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/setup"), path


async def test_a_form_that_another_site_sends_is_refused(start: Start) -> None:
    await start.enter()
    sent = await start.browser.post(
        "/setup/org", data={"name": "clinic", "origin": ORG, "client_id": KEY, "client_secret": "x"}
    )
    assert sent.status_code == 403
    mine = await start.proof()
    start.browser.cookies.clear()
    await start.enter()
    other = await start.browser.post("/setup/org", data={"proof": mine, "name": "clinic"})
    assert other.status_code == 403, "proof of another session"


async def test_the_secret_goes_to_an_address_of_salesforce_only(start: Start) -> None:
    await start.enter()
    for origin in (
        "https://evil.example",
        "https://my.salesforce.com.evil.example",
        "http://acme.my.salesforce.com",
        "acme",
        "",
    ):
        answer = await start.name_org(origin=origin)
        assert answer.status_code == 422
        assert "My Domain address, such as" in answer.text
    for field, value in (("name", "../x"), ("client_id", ""), ("client_secret", "")):
        assert (await start.name_org(**{field: value})).status_code == 422
    assert (await start.name_org(origin="https://acme.my.salesforce.com/")).status_code == 303


async def test_the_way_out_is_bound_to_state_nonce_and_a_proof_of_key(start: Start) -> None:
    await start.enter()
    await start.name_org()
    away = httpx.URL((await start.browser.get("/setup/leave")).headers["location"])
    asked = parse_qs(away.query.decode())
    assert (asked["scope"], asked["code_challenge_method"]) == (["api openid"], ["S256"])
    assert all(len(asked[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    forged = await start.browser.get("/setup/callback", params={"code": "x", "state": "y"})
    assert forged.status_code == 403
    assert SECRET not in away.query.decode()


async def test_a_login_into_another_org_than_the_pinned_one_is_refused(start: Start) -> None:
    await start.enter()
    await start.name_org()
    await start.log_in()
    await start.install()
    await start.ended()
    connection = await start.service.connection("clinic")
    await start.service.store.put_connection(replace(connection, org_id="00D000000000001AAA"))
    await start.enter()
    await start.name_org()
    answer = await start.log_in()
    assert (answer.status_code, "joins another org" in answer.text) == (422, True)


async def test_an_app_that_does_not_let_hintsync_in_is_said_before_anything_is_installed(start: Start) -> None:
    app = start.org.auth.apps[KEY]
    start.org.auth.apps[KEY] = replace(app, run_as=None)
    await start.enter()
    await start.name_org()
    await start.log_in()
    page = await start.browser.get("/setup/install")
    assert "Client Credentials Flow with a run-as user" in page.text
    assert 'name="proof"' not in page.text
    assert every(start.org) == []


async def test_what_the_org_lacks_is_said_and_nothing_can_be_begun(start: Start) -> None:
    start.org.withheld.add("CustomizeApplication")
    await start.enter()
    await start.name_org()
    await start.log_in()
    page = await start.browser.get("/setup/install")
    assert "The org is not ready" in page.text
    assert "Permission Customize Application" in page.text
    assert 'name="proof"' not in page.text


async def test_what_the_daily_user_lacks_is_said_although_the_administrator_has_it(start: Start) -> None:
    worker = next(row for row in start.org.rows("User") if row["LastName"] == "Worker")
    profile = start.org.storage.ids_where("Profile", "Name", "Standard User", live_only=False)[0]
    start.org.update("User", str(worker["Id"]), {"ProfileId": profile})
    await start.enter()
    await start.name_org()
    await start.log_in()
    page = (await start.browser.get("/setup/install")).text
    assert "lets nobody in to its pages" in page
    assert "12 of 13 looks found all well" in page
    assert 'name="proof"' in page, "it is for a person to look at, and stands in no way"


async def test_with_a_certificate_hintsync_signs_in_by_its_own_key(start: Start) -> None:
    username = "hinty.worker@clinic.example"
    await start.enter()
    assert (await start.name_org(way="key", username=username, client_secret="")).status_code == 303
    shown = (await start.browser.get("/setup/go")).text
    certificate = shown[shown.index("-----BEGIN CERTIFICATE-----") : shown.index("</textarea>")]
    app = start.org.auth.apps[KEY]
    start.org.auth.apps[KEY] = replace(app, certificate=certificate, requires_secret=False)
    assert "PRIVATE KEY" not in shown
    await start.log_in()
    await start.install(who="everybody")
    page = await start.ended()
    assert "hintsync is installed" in page, page
    stored = await start.service.store.secret("clinic", SALESFORCE_LOGIN)
    assert stored is not None
    login = unpack_login(stored)
    assert isinstance(login, WithJwt)
    assert login.username == username


async def test_secrets_are_neither_in_pages_nor_readable_in_the_cookie(start: Start) -> None:
    await start.enter()
    await start.name_org()
    await start.log_in()
    token = next(each.token for each in start.org.auth.sessions.values() if each.user_id == start.org.user_id)
    pages = [(await start.browser.get(path)).text for path in ("/setup/org", "/setup/go", "/setup/install")]
    kept = " ".join(start.browser.cookies.values())
    for secret in (SECRET, token):
        assert not [page for page in pages if secret in page]
        assert secret not in kept
