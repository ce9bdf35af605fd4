"""Log in with Salesforce: the way out, the way back, and everything that may be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from hintsync.surfaces.web.pages.login import safe_path
from tests.surfaces.web.house import PUBLIC
from tests.surfaces.web.pages.desk import ORG, Desk

COOKIE = "__Host-hintsync-demo"
#: Terms without which a browser ignores a cookie of such a name, be it to take it away.
TERMS = ("Max-Age=0", "Secure", "HttpOnly", "Path=/", "SameSite=lax")


@dataclass(slots=True)
class Browser:
    """Somebody's browser, outside Salesforce."""

    desk: Desk
    user_id: str

    @property
    def http(self) -> httpx.AsyncClient:
        return self.desk.house.http

    async def leave(self, wanted: str = "/c/demo/") -> httpx.URL:
        """Press the button; returns the address in Salesforce."""
        answer = await self.http.get("/login/start", params={"next": wanted})
        assert answer.status_code == 303
        return httpx.URL(answer.headers["location"])

    async def agree(self, there: httpx.URL) -> httpx.URL:
        """Log in at Salesforce and allow; returns the address to come back to."""
        username = str(self.desk.house.wire.org.get("User", self.user_id)["Username"])
        transport = self.desk.house.wire.service.transports.salesforce
        async with httpx.AsyncClient(transport=transport, base_url=ORG) as org:
            answer = await org.post(there, data={"username": username, "decision": "allow"})
        assert answer.status_code == 302, answer.text
        return httpx.URL(answer.headers["location"])

    async def log_in(self, wanted: str = "/c/demo/") -> httpx.Response:
        return await self.http.get(await self.agree(await self.leave(wanted)))


@pytest.fixture
def browser(desk: Desk) -> Browser:
    org = desk.house.wire.org
    for key, app in list(org.auth.apps.items()):
        callbacks = (*app.redirect_uris, f"{PUBLIC}/login/callback")
        org.auth.apps[key] = replace(app, redirect_uris=callbacks, scope="api openid refresh_token")
    return Browser(desk, desk.administrator.user_id)


async def test_a_person_logs_in_and_sees_the_pages_with_a_cookie_that_only_shows(browser: Browser) -> None:
    answer = await browser.log_in("/c/demo/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/c/demo/")
    kept = [each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE)]
    assert len(kept) == 1
    assert all(word in kept[0] for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    shown = await browser.http.get("/c/demo/")
    assert shown.status_code == 200
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    acted = await browser.http.post("/c/demo/logout")
    assert acted.status_code == 401, "a cookie alone never acts"


async def test_the_way_out_asks_for_proof_of_key_and_is_bound_to_state_and_nonce(browser: Browser) -> None:
    there = await browser.leave()
    asked = parse_qs(urlsplit(str(there)).query)
    assert (there.host, asked["code_challenge_method"], asked["response_type"]) == ("127.0.0.1", ["S256"], ["code"])
    assert all(len(asked[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert asked["redirect_uri"] == [f"{PUBLIC}/login/callback"]


async def test_an_answer_with_another_state_is_refused(browser: Browser) -> None:
    back = await browser.agree(await browser.leave())
    assert (await browser.http.get(back.copy_set_param("state", "x" * 43))).status_code == 403


async def test_an_answer_to_another_browsers_login_is_refused(browser: Browser) -> None:
    """Somebody is made to open a link that would log them in as the attacker."""
    back = await browser.agree(await browser.leave())
    browser.http.cookies.clear()
    assert (await browser.http.get(back)).status_code == 403


async def test_a_code_works_once(browser: Browser) -> None:
    back = await browser.agree(await browser.leave())
    kept = dict(browser.http.cookies)
    assert (await browser.http.get(back)).status_code == 303
    browser.http.cookies.clear()
    browser.http.cookies.update(kept)
    assert (await browser.http.get(back)).status_code == 403


async def test_who_has_none_of_our_permission_sets_is_not_let_in(desk: Desk, browser: Browser) -> None:
    browser.user_id = desk.stranger.user_id
    answer = await browser.log_in()
    assert answer.status_code == 403
    assert not [each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE)]


async def test_a_login_takes_ten_minutes_at_most(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    back = await browser.agree(await browser.leave())
    tokens = "hintsync.surfaces.web.access.tokens.Tokens._now"
    import time

    monkeypatch.setattr(tokens, lambda self: int(time.time()) + 601)
    assert (await browser.http.get(back)).status_code == 403


async def test_logging_out_takes_the_cookie_away(browser: Browser) -> None:
    await browser.log_in()
    shown = await browser.http.get("/c/demo/")
    headers = {"Authorization": f"Bearer {shown.headers['X-Hintsync-Token']}"}
    answer = await browser.http.post("/c/demo/logout", headers=headers)
    assert answer.headers["location"] == "/login"
    [dropped] = answer.headers.get_list("set-cookie")
    assert dropped.startswith(f'{COOKIE}="";')
    assert set(TERMS) <= set(dropped.split("; "))
    assert (await browser.http.get("/c/demo/")).status_code == 303


async def test_the_attempt_is_taken_away_in_terms_that_a_browser_obeys(browser: Browser) -> None:
    answer = await browser.log_in()
    [dropped] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-hintsync-.login=")]
    assert set(TERMS) <= set(dropped.split("; "))


async def test_on_this_machine_without_tls_cookies_are_set_and_taken_away_without_secure(
    desk: Desk, browser: Browser
) -> None:
    here = "http://127.0.0.1:8321"
    service = desk.house.wire.service
    service.settings = service.settings.model_copy(update={"public_url": here})
    org = desk.house.wire.org
    for key, app in list(org.auth.apps.items()):
        org.auth.apps[key] = replace(app, redirect_uris=(f"{here}/login/callback",))
    desk.house.http.base_url = httpx.URL(here)
    answer = await browser.log_in()
    told = answer.headers.get_list("set-cookie")
    assert sorted(each.partition("=")[0] for each in told) == ["hintsync-.login", "hintsync-demo"]
    assert not [each for each in told if "Secure" in each]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/c/demo/contacts/003?a=b", "/c/demo/contacts/003?a=b"),
        ("https://evil.example/c/", ""),
        ("//evil.example/c/", ""),
        ("/c/\\evil.example", ""),
        ("/c/a\r\nSet-Cookie: x", ""),
        ("/login", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_login_never_leads_anywhere_else(text: str, path: str) -> None:
    assert safe_path(text) == path
