"""The guided first start in a real browser: from the code that `hintsync serve` prints to the pages inside the org."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hintsync_emulators.salesforce import App, Org, create_app
from hintsync_emulators.salesforce.managed import install_managed
from hintsync_emulators.serve import serving
from tests.browser.album import Album
from tests.browser.axe import violations
from tests.surfaces.web.pages.desk import new_user

pytestmark = pytest.mark.xdist_group("browser")
KEY, SECRET = "3MVGfirst", "first-secret"


@dataclass(frozen=True, slots=True)
class Fresh:
    """A service that nobody has set up yet, and an org without anything of ours."""

    org: Org
    org_url: str
    address: str
    code: str


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Fresh]:
    org = Org(features=["MiddleName"])
    worker = new_user(org, "Hinty", "Worker")
    run_as = str(org.get("User", worker)["Username"])
    org.pace.deploy_polls = 0
    command = [sys.executable, "-m", "hintsync", "serve", "--port", "0", "--state", str(tmp_path / "state")]
    with serving(create_app(org)) as org_url, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "with the code" in line)
            found = re.search(r"open (\S+)/setup, with the code (\S+)", line)
            assert found is not None, line
            address, code = found.groups()
            app = App(KEY, SECRET, run_as=run_as, scope="api openid", redirect_uris=(f"{address}/setup/callback",))
            org.auth.register([replace(app, requires_pkce=True)])
            yield Fresh(org, org_url, address, code)
        finally:
            process.terminate()
            process.communicate(timeout=30)
    org.close()


def see(page: Page, album: Album, title: str) -> None:
    """Keep pictures, wide and narrow, and let the accessibility checker look."""
    expect(page.locator("#main:not([aria-busy])")).to_be_visible()
    page.wait_for_function("document.getAnimations().every((each) => each.playState !== 'running')")
    assert violations(page) == []
    album.take(page, title)
    page.set_viewport_size({"width": 400, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "nothing sticks out on a telephone"
    album.take(page, f"{title} narrow")
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_m1_from_the_code_on_the_console_to_the_installed_org(
    fresh: Fresh, window: BrowserContext, album: Album
) -> None:
    page = window.new_page()
    page.goto(f"{fresh.address}/setup")
    see(page, album, "First start asks for the code")
    page.get_by_label("Code").fill(fresh.code)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="The Salesforce org")).to_be_visible()
    see(page, album, "The org and its app")
    page.get_by_label("My Domain address of the org").fill("https://acme.example")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Expected the org’s My Domain address")).to_be_visible()
    page.get_by_label("My Domain address of the org").fill(fresh.org_url)
    page.get_by_label("Consumer Key").fill(KEY)
    page.get_by_label("Consumer Secret", exact=True).fill(SECRET)
    page.get_by_role("button", name="Go on").click()
    see(page, album, "Log in as administrator")
    page.get_by_role("link", name="Log in with Salesforce").click()
    page.get_by_label("User").select_option("integration@example.org")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="How the org is")).to_be_visible()
    page.get_by_text("The org made its own key for our app").click()
    expect(page.get_by_label("Consumer Secret of Hint Sync")).to_be_visible()
    see(page, album, "How the org is, and what to install")
    page.get_by_role("button", name="Install").click()
    expect(page.get_by_role("heading", name="hintsync is installed")).to_be_visible(timeout=60_000)
    see(page, album, "hintsync is installed")
    assert fresh.org.components.get("ApexPage", "Hintsync_Home") is not None
    page.get_by_role("link", name="Log in with Salesforce").click()
    page.get_by_role("link", name="Log in with Salesforce").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Connection")).to_be_visible()
    page.get_by_role("link", name="Install", exact=True).click()
    expect(page.get_by_role("heading", name="What to install")).to_be_visible(timeout=60_000)
    see(page, album, "Installing from the page inside")
    page.get_by_role("button", name="Install", exact=True).click()
    expect(page.get_by_text("Contact Layout: has them")).to_be_visible(timeout=60_000)
    see(page, album, "Installed again")
    with fresh.org.guard:
        install_managed(fresh.org, "Hint Health", "hinthealth")
    page.get_by_role("link", name="Install", exact=True).click()
    expect(page.get_by_role("heading", name="What to install")).to_be_visible(timeout=60_000)
    see(page, album, "Another integration is found")
    page.get_by_role("button", name="Install", exact=True).click()
    expect(page.get_by_text("To do: Hint Health 1.0")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Safety stops").click()
    expect(page.get_by_role("button", name="Import its links")).to_be_visible()
    see(page, album, "Stopped beside another integration")
