"""Our pages inside the emulated Salesforce: a frame of another site, in which no cookie works."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from hintsync.bootstrap import open_service
from hintsync.demo.staff import ADA, NELL
from hintsync.settings import load_settings
from hintsync.state.port import Commit, LogEntry, LogLevel
from tests.browser.album import Album
from tests.browser.axe import violations
from tests.browser.clinic import CONNECTION, Clinic
from tests.browser.people import log_in, our_frame
from tests.browser.records import Records

pytestmark = pytest.mark.xdist_group("browser")


def test_the_hint_health_tab_opens_our_first_page_in_a_frame_without_cookies(
    clinic: Clinic, window: BrowserContext, album: Album
) -> None:
    page = log_in(window, clinic, ADA)
    page.goto(f"{clinic.org}/lightning/n/Hint_Health")
    frame = our_frame(page, clinic)
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    album.take(page, "Hint Health tab")
    assert frame.evaluate("document.cookie") == ""
    assert [each for each in window.cookies() if clinic.url in str(each.get("domain"))] == []
    assert violations(frame) == []
    assert violations(page) == []


def test_somebody_without_our_permission_sets_sees_no_tab_and_is_told_no(
    clinic: Clinic, window: BrowserContext
) -> None:
    page = log_in(window, clinic, NELL)
    expect(page.get_by_role("link", name="Hint Health")).to_have_count(0)


def test_what_is_typed_before_a_slow_script_came_is_searched_for_all_the_same(
    clinic: Clinic, window: BrowserContext
) -> None:
    contact, patient = Records(clinic).pairs()[0]
    page = log_in(window, clinic, ADA)
    held: list[Route] = []
    slow = True
    page.route(re.compile(r"/static/[a-z]+\.js"), lambda route: held.append(route) if slow else route.continue_())
    page.goto(f"{clinic.org}/lightning/r/Contact/{contact['Id']}/view")
    page.get_by_role("link", name="Sync to Hint", exact=True).first.click()
    frame = our_frame(page, clinic)
    frame.get_by_label("Search Key").fill(f"{patient['last_name']} Zzyzx")
    assert held, "no script was asked for"
    slow = False  # what these scripts import comes at once
    for route in held:
        route.continue_()
    expect(frame.locator("#main").get_by_text("No patient found")).to_be_visible()


def test_a_link_that_is_pressed_before_a_slow_script_came_keeps_the_frame_and_works_afterwards(
    clinic: Clinic, window: BrowserContext
) -> None:
    page = log_in(window, clinic, ADA)
    held: list[Route] = []
    slow = True
    page.route(re.compile(r"/static/[a-z]+\.js"), lambda route: held.append(route) if slow else route.continue_())
    page.goto(f"{clinic.org}/lightning/n/Hint_Health")
    frame = our_frame(page, clinic)
    heading = frame.get_by_role("heading", level=1)
    expect(heading).to_be_visible()
    first = heading.inner_text()
    loading = frame.get_by_text("Loading…")
    expect(loading).to_be_visible()
    health = frame.get_by_role("link", name="Health", exact=True)
    health.click()
    health.press("Enter")
    expect(heading).to_have_text(first)
    assert held, "no script was asked for"
    slow = False  # what these scripts import comes at once
    for route in held:
        route.continue_()
    expect(loading).to_have_count(0)
    health.click()
    expect(heading).not_to_have_text(first)
    assert violations(frame) == []


def test_the_log_fits_a_narrow_window_however_long_its_words_are(clinic: Clinic, window: BrowserContext) -> None:
    entry = LogEntry(
        CONNECTION, "2026-11-23T06:00:00Z", LogLevel.DEBUG, "parity-checked", f"audit trail 7:{'0af3' * 16}"
    )
    with ThreadPoolExecutor(1) as aside:  # Playwright has a loop of its own in this thread
        aside.submit(asyncio.run, _note(clinic, entry)).result()
    page = log_in(window, clinic, ADA)
    page.set_viewport_size({"width": 1100, "height": 900})
    page.goto(f"{clinic.org}/lightning/n/Hint_Health")
    frame = our_frame(page, clinic)
    frame.get_by_role("link", name="View Log", exact=True).first.click()
    expect(frame.get_by_text("audit trail 7:")).to_be_visible()
    too_wide = "[...document.querySelectorAll('.scroll')].filter((each) => each.scrollWidth > each.clientWidth).length"
    assert frame.evaluate(too_wide) == 0


async def _note(clinic: Clinic, entry: LogEntry) -> None:
    async with open_service(load_settings(state=clinic.folder)) as service:
        await service.store.commit(Commit(logs=[entry]))
