"""The same pages in a window of their own, after Log in with Salesforce."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hintsync.demo.staff import ADA, FINN, NELL
from tests.browser.axe import violations
from tests.browser.clinic import Clinic

pytestmark = pytest.mark.xdist_group("browser")


def log_in(window: BrowserContext, clinic: Clinic, username: str, wanted: str = "/c/clinic/") -> Page:
    """Come in through Salesforce's own login page."""
    page = window.new_page()
    page.goto(f"{clinic.url}{wanted}")
    assert violations(page) == []
    page.get_by_role("link", name="Log in with Salesforce").click()
    _agree(page, username)
    page.wait_for_url(re.compile("^" + re.escape(clinic.url)))
    return page


def _agree(page: Page, username: str) -> None:
    """Choose who one is at the emulated Salesforce, and allow."""
    page.get_by_label("User").select_option(username)
    page.get_by_role("button", name="Allow").click()


def test_an_administrator_logs_in_looks_around_and_logs_out(clinic: Clinic, window: BrowserContext) -> None:
    page = log_in(window, clinic, ADA, "/c/clinic/fields")
    expect(page.get_by_role("heading", level=1, name="Synced fields")).to_be_visible()
    (kept,) = [each for each in window.cookies() if each["name"] == "hintsync-clinic"]
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Lax")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("link", name="Health", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Health")).to_be_visible()
    assert page.url == f"{clinic.url}/c/clinic/health"
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Synced fields")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1, name="Synced fields")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in with Salesforce")).to_be_visible()
    page.goto(f"{clinic.url}/c/clinic/fields")
    expect(page.get_by_role("link", name="Log in with Salesforce")).to_be_visible()


def test_the_front_desk_sees_no_page_of_administrators(clinic: Clinic, window: BrowserContext) -> None:
    page = log_in(window, clinic, FINN)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    page.goto(f"{clinic.url}/c/clinic/settings")
    expect(page.get_by_role("alert")).to_contain_text("permission sets")


def test_who_has_no_permission_set_of_ours_stays_out(clinic: Clinic, window: BrowserContext) -> None:
    page = window.new_page()
    page.goto(f"{clinic.url}/login")
    page.get_by_role("link", name="Log in with Salesforce").click()
    _agree(page, NELL)
    expect(page.get_by_role("alert")).to_be_visible()
    assert "hintsync-clinic" not in {each["name"] for each in window.cookies()}
