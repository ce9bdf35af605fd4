"""Who is who on the pages: choosing a user, staying logged in, leaving, and forms that other sites send."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce.steering import OrgSteering
from tests.emulators.pages.conftest import ADMIN, BASE, browser_of
from tests.emulators.pages.reading import Browser

LIST = "/lightning/o/Contact/list"


async def test_nobody_sees_a_page_before_the_login(outsider: Browser) -> None:
    page = await outsider.get(f"{LIST}?q=ada%20moor")
    assert (page.status, page.url.path) == (200, "/login")
    assert page.url.params["startURL"] == f"{LIST}?q=ada+moor"


async def test_the_login_leads_to_where_somebody_wanted_to_go(outsider: Browser) -> None:
    page = await outsider.log_in(to=f"{LIST}?q=ada")
    assert str(page.url) == f"{BASE}{LIST}?q=ada"


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: y", ""]
)
async def test_the_login_leads_to_no_other_site(outsider: Browser, address: str) -> None:
    page = await outsider.log_in(to=address)
    assert str(page.url) == f"{BASE}/lightning/page/home"


async def test_the_session_lies_in_a_cookie_that_no_script_and_no_other_sites_form_gets(outsider: Browser) -> None:
    form = (await outsider.get("/login")).form("/login")
    answer = await outsider.client.post("/login", data={**form, "username": ADMIN}, follow_redirects=False)
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == "emulated_salesforce_8001"
    assert set(rest.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax"}


async def test_over_https_the_cookie_goes_over_https_alone(app: Controlled) -> None:
    async with browser_of(app) as client:
        client.base_url = "https://127.0.0.1:8001"
        form = (await Browser(client).get("/login")).form("/login")
        answer = await client.post("/login", data={**form, "username": ADMIN}, follow_redirects=False)
        assert answer.headers["set-cookie"].endswith("; Secure")


async def test_active_users_alone_are_offered_and_taken(outsider: Browser, add_user: Callable[..., str]) -> None:
    add_user("Gone", IsActive=False)
    add_user("<b>Here</b>", Username="here@example.org", Email="here@example.org")
    page = await outsider.get("/login")
    assert [each.get("value") for each in page.main.all("input", type="radio")] == ["here@example.org", ADMIN]
    assert "<b>Here</b>" in page.text
    refused = await outsider.log_in("gone@example.org")
    assert (refused.status, refused.url.path) == (400, "/login")
    assert "Choose one of these users." in refused.text


async def test_a_user_who_is_made_inactive_is_out_at_once(
    outsider: Browser, org: Org, add_user: Callable[..., str]
) -> None:
    user = add_user("Temp")
    await outsider.log_in("temp@example.org")
    assert (await outsider.get(LIST)).url.path == LIST
    org.update("User", user, {"IsActive": False})
    assert (await outsider.get(LIST)).url.path == "/login"


async def test_who_logs_out_is_out_with_the_old_cookie_too(browser: Browser) -> None:
    before = dict(browser.client.cookies)
    page = await browser.post("/logout", {"csrf": await browser.csrf()})
    assert page.url.path == "/login"
    assert not dict(browser.client.cookies)
    browser.client.cookies.update(before)
    assert (await browser.get(LIST)).url.path == "/login"


async def test_a_login_outlives_a_snapshot_that_is_put_back(outsider: Browser, org: Org) -> None:
    steering = OrgSteering(org)
    taken = steering.snapshot()
    await outsider.log_in()
    steering.restore(taken)
    assert (await outsider.get(LIST)).url.path == LIST


@pytest.mark.parametrize("csrf", ["", "x", "ü", "of another browser"])
async def test_a_form_without_this_browsers_token_does_nothing(
    browser: Browser, app: Controlled, org: Org, csrf: str
) -> None:
    async with browser_of(app) as client:
        other = Browser(client)
        await other.log_in()
        token = await other.csrf() if csrf.startswith("of") else csrf
    page = await browser.post("/lightning/o/Contact/new", {"csrf": token, "was.LastName": "", "LastName": "Forged"})
    assert (page.status, org.count("Contact")) == (403, 0)
    assert page.head == "This form cannot be used any more"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_form_that_another_site_sends_does_nothing(browser: Browser, org: Org, headers: dict[str, str]) -> None:
    form = {"csrf": await browser.csrf(), "was.LastName": "", "LastName": "Forged"}
    answer = await browser.client.post("/lightning/o/Contact/new", data=form, headers=headers)
    assert (answer.status_code, org.count("Contact")) == (403, 0)
    sent = await browser.client.post("/lightning/o/Contact/new", data=form, headers={"Origin": BASE})
    assert (sent.status_code, org.count("Contact")) == (200, 1)


async def test_nothing_is_done_by_opening_an_address(browser: Browser, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Moor"})
    for path in (f"/lightning/r/Contact/{contact}/delete", f"/lightning/r/Contact/{contact}/undelete", "/logout"):
        await browser.get(path)
    assert org.count("Contact") == 1
    assert (await browser.get(LIST)).url.path == LIST


async def test_pages_are_no_calls_of_the_api(browser: Browser, app: Controlled, org: Org) -> None:
    app.faults.update_from_json({"fail_next": [{"status": 503}]})
    assert (await browser.get(LIST)).status == 200
    assert (dict(app.faults.counts), org.limits.used, len(app.faults.fail_next)) == ({}, 0, 1)


async def test_every_page_says_that_it_is_an_emulators(browser: Browser, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Moor"})
    for path in ("/", LIST, f"/lightning/r/Contact/{contact}/view", "/lightning/nowhere", "/apex/Nothing"):
        page = await browser.get(path)
        assert page.root.one("p", class_="mark").text.startswith("Emulated Salesforce")
        assert page.root.one("title").text.endswith("| Emulated Salesforce")


async def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(browser: Browser) -> None:
    page = await browser.get(LIST)
    policy = page.answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';")
    assert "frame-ancestors 'self'" in policy
    fetched = [each.get("href") for each in page.root.all("link")] + [
        each.get("src") for each in page.root.all("script")
    ]
    for address in fetched:
        answer = await browser.client.get(address)
        assert (answer.status_code, address.startswith("/_emulator/pages/")) == (200, True)
    assert not page.root.all("style")
