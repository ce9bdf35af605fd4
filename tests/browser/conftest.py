"""The browser and the clinic that the tests of a process share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.album import Album
from tests.browser.chromium import ARGUMENTS, ensure
from tests.browser.clinic import Clinic, open_clinic

#: Where screenshots go; CI keeps the folder.
ALBUM = Path(__file__).parents[2] / ".cache" / "screenshots"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A browser, gone before other tests go on: while Playwright runs, its loop is the thread's, and no other can run."""
    found = ensure()
    with sync_playwright() as playwright:
        path = str(found) if found else None
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS), headless=True)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser window of somebody new, that reaches this machine only and tells us of every other host it asks for."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 1000}, locale="en-US", timezone_id="America/New_York"
    )
    strangers: list[str] = []

    def elsewhere(url: str) -> bool:
        return not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:"))

    context.on("request", lambda request: strangers.append(request.url) if elsewhere(request.url) else None)
    context.set_default_timeout(15_000)
    yield context
    context.close()
    assert strangers == [], "no page may ask another host for anything"


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic that is connected on both sides."""
    with open_clinic(tmp_path_factory.mktemp("clinic")) as clinic:
        yield clinic


@pytest.fixture(scope="session")
def album() -> Album:
    return Album(ALBUM)
