"""Takes the pictures of the guides from the real pages: `python -m docs.pictures.guide` (the people are invented).

A clinic on the emulators is walked through in the order of the guide for administrators, Hint not connected before. The pictures
replace those in `docs/pictures/guide`; look at them before they are committed.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, FloatRect, Frame, Locator, Page, ViewportSize, expect, sync_playwright
from tests.browser.chromium import ARGUMENTS, ensure
from tests.browser.clinic import Clinic, open_clinic
from tests.browser.people import log_in, our_frame
from tests.browser.records import Records, Row, until

from hintsync.demo.staff import ADA

FOLDER = Path(__file__).parent / "guide"
WIDTH, HEIGHT = 1100, 800
#: Pixels of the window while a picture is taken: every piece is seen whole.
TALL = 1400
#: Bytes of one picture (fewer: nothing was painted) and of all; and how many there may be.
SMALLEST, LARGEST, MOST, COUNT = 10_000, 130_000, 1_500_000, 16
#: More than the twenty pairs that guard G3 lets pass in an hour.
MANY = 26

#: The machine that took the pictures is nobody's business.
_HIDE_HOST = """host => document.querySelectorAll("th").forEach(
  (cell) => { cell.textContent = cell.textContent.replace(`on ${host}`, "on server"); })"""


@dataclass(frozen=True, slots=True)
class Walk:
    """An administrator with Salesforce in one tab of the browser and Hint in another."""

    clinic: Clinic
    org: Page
    hint: Page
    records: Records

    def tab(self, word: str) -> Frame:
        """Open the Hint Health tab, and a page of its bar."""
        self.org.goto(f"{self.clinic.org}/lightning/n/Hint_Health")
        frame = our_frame(self.org, self.clinic)
        frame.get_by_role("navigation", name="Pages").get_by_role("link", name=word, exact=True).click()
        expect(frame.locator('#bar a[aria-current="page"]')).to_have_text(word)
        expect(frame.locator("#main:not([aria-busy])")).to_be_visible()
        return frame

    def contact(self, contact: Row) -> Frame:
        """Open a contact's record page; returns our panel in it."""
        self.org.goto(f"{self.clinic.org}/lightning/r/Contact/{contact['Id']}/view")
        return our_frame(self.org, self.clinic)

    def press(self, contact: Row, button: str) -> Frame:
        """Press a button of ours on a contact's record page."""
        self.contact(contact)
        self.org.locator("#content").get_by_text(button, exact=True).first.click()
        self.org.wait_for_load_state()
        frame = our_frame(self.org, self.clinic)
        expect(frame.locator("h1")).to_have_text(button)
        return frame

    def edit_contact(self, record_id: str, **values: str) -> None:
        """Change a contact, as somebody else does meanwhile."""
        org = self.clinic.systems.org
        url = f"{org.url}/services/data/v67.0/sobjects/Contact/{record_id}"
        httpx.patch(url, json=values, headers={"Authorization": f"Bearer {org.token}"}).raise_for_status()

    def edit_patient(self, record_id: str, **values: str) -> None:
        """Change a patient, as the practice's staff does."""
        httpx.patch(f"{self.clinic.hint}/_control/patients/{record_id}", json=values).raise_for_status()


def main() -> int:
    """Walk, and take all pictures; 1 if they are not as they should be in size and number."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    found = ensure()
    with (
        tempfile.TemporaryDirectory() as state,
        open_clinic(Path(state) / "state", with_hint=False) as clinic,
        sync_playwright() as playwright,
    ):
        path = str(found) if found else None
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        _walk(clinic, browser, Path(state))
        browser.close()
    return _too_much()


def _walk(clinic: Clinic, browser: Browser, folder: Path) -> None:
    size: ViewportSize = {"width": WIDTH, "height": HEIGHT}
    window = browser.new_context(viewport=size, locale="en-US", timezone_id="America/New_York")
    org = log_in(window, clinic, ADA)
    walk = Walk(clinic, org, window.new_page(), Records(clinic))
    pair = _with_namesakes(walk.records)
    connect(walk)
    webhook(walk)
    one_contact(walk, *pair)
    everybody(walk)
    a_report(walk, folder)
    conflict(walk, *pair)
    snap(walk.press(pair[0], "Unlink Patient").locator("#main"), "14-unlink")
    stop(walk)
    log_and_health(walk)


def snap(what: Page | Locator, name: str, below: int = 0) -> None:
    """Keep a picture of a window from its top, or of a piece of a page; of `below` pixels at most if that is given."""
    page = what if isinstance(what, Page) else what.page
    page.bring_to_front()  # a frame of another site is painted only in the tab that is in front
    page.set_viewport_size({"width": WIDTH, "height": TALL})
    clip: FloatRect = {"x": 0, "y": 0, "width": WIDTH, "height": below or HEIGHT}
    if isinstance(what, Page):
        page.evaluate("window.scrollTo(0, 0)")
    else:
        what.scroll_into_view_if_needed()
        clip = what.bounding_box() or clip
        clip["height"] = min(clip["height"], below or clip["height"])
    page.wait_for_timeout(600)  # by a process of its own, which takes its time
    page.screenshot(path=FOLDER / f"{name}.png", clip=clip)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


def connect(walk: Walk) -> None:
    walk.hint.goto(f"{walk.clinic.hint}/integrations")
    walk.hint.get_by_role("button", name="Integrate with Salesforce").click()
    code = walk.hint.get_by_label("Authorization code").input_value()
    snap(walk.hint.get_by_role("region", name="Next step"), "01-authorization-code")
    frame = walk.tab("Connection")
    frame.get_by_label("Authorization Code").fill(code)
    frame.get_by_label("Default Account").fill("Hint Patients")
    snap(walk.org, "02-connection")
    frame.get_by_role("button", name="Save").click()
    expect(frame.locator(".notice-good")).to_be_visible()


def webhook(walk: Walk) -> None:
    frame = walk.tab("Connection")
    frame.get_by_role("link", name="Show Webhook").click()
    frame.get_by_role("button", name="Update Webhook").click()
    expect(frame.get_by_text("Hint was told the address")).to_be_visible()
    walk.edit_patient(str(walk.records.patients()[-1]["id"]), email="first.event@example.com")
    reached = frame.get_by_text("The first signed event came at")

    def seen() -> bool:
        frame.get_by_role("link", name="Refresh").click()
        expect(frame.locator("#main:not([aria-busy])")).to_be_visible()
        return reached.count() > 0

    until(seen, "the first event")
    snap(walk.org, "03-webhook", 560)


def one_contact(walk: Walk, contact: Row, patient: Row) -> None:
    panel = walk.contact(contact)
    expect(panel.get_by_text("Not linked")).to_be_visible()
    snap(walk.org, "04-contact-page", 720)
    snap(walk.tab("Fields").locator("#main"), "05-fields", 640)
    frame = walk.press(contact, "Sync to Hint")
    choice = frame.locator(f"#patient-{patient['id']}")
    expect(choice).to_be_visible()
    choice.check()
    snap(walk.org, "06-sync-to-hint", 640)
    frame.get_by_role("button", name="Sync Patient").click()
    expect(frame.get_by_role("button", name="Confirm")).to_be_visible()
    snap(walk.org, "07-what-will-change")
    frame.get_by_role("button", name="Confirm").click()
    expect(frame.locator(".notice-good, .badge-good").first).to_be_visible()
    expect(walk.contact(contact).get_by_text(str(patient["id"])).first).to_be_visible()
    snap(walk.org, "08-linked-contact", 900)


def everybody(walk: Walk) -> None:
    section = walk.tab("Batches").get_by_role("region", name="Batch Sync Patients to Contacts")
    section.get_by_role("button", name="Dry run").click()
    start = section.get_by_role("button", name="Start exactly this")
    expect(start).to_be_visible(timeout=60_000)
    snap(section, "09-dry-run", 960)
    start.click()
    _yes(walk, "Start exactly this")
    until(lambda: sum(row["Synced_to_Hint__c"] for row in walk.records.contacts()) > 50, "linked contacts", 90)
    _ended(walk, "Batch Sync Patients to Contacts")


def a_report(walk: Walk, folder: Path) -> None:
    walk.org.goto(f"{walk.clinic.org}/lightning/o/Report/new")
    walk.org.get_by_label("Report name").fill("Contacts to sync")
    walk.org.get_by_role("button", name="Save & Run").click()
    with walk.org.expect_download() as coming:
        walk.org.get_by_role("link", name="Export CSV").click()
    report = folder / "report.csv"
    coming.value.save_as(report)
    frame = walk.tab("Batches")
    frame.locator("#csv-file").set_input_files(report)
    expect(frame.get_by_text("What was found in the file")).to_be_visible()
    section = frame.get_by_role("region", name="Batch Sync Contacts to Patients")
    snap(section, "10-file-checked", 820)
    checked = frame.locator("#csv-check")
    for box in checked.get_by_role("checkbox").all():
        box.check()
    checked.get_by_role("button", name="Start Batch").click()
    _yes(walk, "Start Batch")
    run = section.locator(".copy code").first
    expect(run).to_be_visible()
    named = run.inner_text()
    frame = _ended(walk, "Batch Sync Contacts to Patients")
    frame = walk.tab("Runs")
    frame.locator(f'a[href*="/runs/{named}"]').first.click()
    expect(frame.locator("table.results tbody tr").first).to_be_visible()
    snap(frame.locator("#main"), "11-results", 820)


def conflict(walk: Walk, contact: Row, patient: Row) -> None:
    """Pause, edit one field on both sides, go on: what waits is the same as after two edits at one time."""
    frame = walk.tab("Safety stops")
    frame.get_by_label("Reason").fill("two edits at once, for a picture")
    frame.get_by_role("button", name="Pause").click()
    expect(frame.get_by_role("button", name="Resume")).to_be_visible()
    walk.edit_contact(str(contact["Id"]), Email="work@example.com")
    walk.edit_patient(str(patient["id"]), email="home@example.com")
    walk.org.wait_for_timeout(3000)
    frame = walk.tab("Safety stops")
    frame.get_by_role("button", name="Resume").click()
    expect(frame.get_by_role("button", name="Pause")).to_be_visible()
    until(lambda: walk.tab("Reviews").get_by_role("link", name=re.compile("^Conflict")).count() > 0, "the conflict")
    frame = our_frame(walk.org, walk.clinic)
    frame.get_by_role("link", name=re.compile("^Conflict")).first.click()
    expect(frame.get_by_role("button", name="Keep Hint’s value")).to_be_visible()
    snap(frame.locator("#main"), "12-conflict", 900)


def stop(walk: Walk) -> None:
    """Change unusually many patients: guard G3."""
    linked = [row for row in walk.records.contacts() if row["Synced_to_Hint__c"]]
    for row in linked[:MANY]:
        walk.edit_patient(str(row["Hint_Patient_Id__c"]), address_city="Fairview")
    until(lambda: walk.tab("Safety stops").get_by_role("link", name="Look at the plan").count() > 0, "a stop", 90)
    snap(walk.org, "13-safety-stop", 640)


def log_and_health(walk: Walk) -> None:
    frame = walk.tab("View Log")
    frame.get_by_label("Level").select_option(label="Error")
    frame.get_by_role("button", name="Filter").click()
    expect(frame.get_by_text("Debug", exact=True).filter(visible=True)).to_have_count(0)
    snap(frame.locator("#main"), "15-log", 640)
    frame = walk.tab("Health")
    expect(frame.get_by_role("heading", name="Volume, last 24 hours")).to_be_visible()
    frame.evaluate(_HIDE_HOST, socket.gethostname())
    snap(frame.locator("#main"), "16-health", 570)


def _with_namesakes(records: Records) -> tuple[Row, Row]:
    """Return a pair whose last name several patients have, so that a search finds more than one."""
    names = Counter(str(patient["last_name"]) for patient in records.patients())
    return max(records.pairs(), key=lambda pair: (names[str(pair[1]["last_name"])], str(pair[1]["id"])))


def _yes(walk: Walk, name: str) -> None:
    frame = our_frame(walk.org, walk.clinic)
    frame.get_by_role("dialog").get_by_role("button", name=name).click()


def _ended(walk: Walk, name: str) -> Frame:
    def done() -> bool:
        section = walk.tab("Batches").get_by_role("region", name=name)
        return section.locator(".badge").filter(has_text=re.compile("^finished$")).count() > 0

    until(done, f"the end of {name}", 90)
    return our_frame(walk.org, walk.clinic)


def _too_much() -> int:
    sizes = {path.name: path.stat().st_size for path in sorted(FOLDER.glob("*.png"))}
    for name, size in sizes.items():
        sys.stdout.write(f"{name:32} {size:8,}\n")
    sys.stdout.write(f"{len(sizes)} pictures, {sum(sizes.values()):,} bytes\n")
    odd = [name for name, size in sizes.items() if not SMALLEST <= size <= LARGEST]
    sys.stdout.writelines(f"too small or too large: {name}\n" for name in odd)
    return int(bool(odd) or len(sizes) > COUNT or sum(sizes.values()) > MOST)


if __name__ == "__main__":
    sys.exit(main())
