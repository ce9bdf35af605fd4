"""What people do at the emulated org: log in, open a tab, look into the frame that our pages are in."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Frame, Page

from tests.browser.clinic import Clinic

#: Milliseconds that a frame has to show our page.
_PATIENCE = 15_000


def log_in(window: BrowserContext, clinic: Clinic, username: str) -> Page:
    """Log in at the emulated org; returns the window's page."""
    page = window.new_page()
    page.goto(clinic.org)
    page.locator(f'input[value="{username}"]').check()
    page.get_by_role("button", name="Log In").click()
    page.wait_for_load_state()
    return page


def our_frame(page: Page, clinic: Clinic) -> Frame:
    """Return the frame of our site, once it shows a page of ours."""
    page.wait_for_function("() => document.querySelector('iframe') !== null", timeout=_PATIENCE)
    for _ in range(_PATIENCE // 100):
        found = [each for each in page.frames if each.url.startswith(clinic.url)]
        if found:
            found[-1].wait_for_selector("h1", timeout=_PATIENCE)
            return found[-1]
        page.wait_for_timeout(100)
    raise AssertionError("no frame of ours")
