"""The whole article, in its order, as an administrator and a receptionist click through it; Hint is not connected before.

One walk: each step stands on those before it. Pictures of it are the ones in the guide for administrators.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect

from hintsync.bootstrap import open_service
from hintsync.demo.staff import ADA
from hintsync.logins import WithClientCredentials
from hintsync.replicas.salesforce.metadata_soap import Files
from hintsync.settings import load_settings
from tests.browser.album import Album
from tests.browser.axe import violations
from tests.browser.clinic import Clinic, open_clinic
from tests.browser.people import log_in, our_frame
from tests.browser.records import Records, Row, until
from tests.metadata_files import changed_files, files_of_the_org

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def new_clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic in whose org our package was just installed."""
    with open_clinic(tmp_path_factory.mktemp("article") / "state", with_hint=False) as clinic:
        yield clinic


@dataclass(slots=True)
class Walk:
    """Somebody who follows the article, with Salesforce in one tab of the browser and Hint in another."""

    clinic: Clinic
    album: Album
    org: Page
    hint: Page
    records: Records

    def tab(self, word: str) -> Frame:
        """Open the Hint Health tab, and a page of its bar."""
        self.org.goto(f"{self.clinic.org}/lightning/n/Hint_Health")
        frame = our_frame(self.org, self.clinic)
        frame.get_by_role("navigation", name="Pages").get_by_role("link", name=word, exact=True).click()
        expect(frame.locator('#bar a[aria-current="page"]')).to_have_text(word)
        return frame

    def contact(self, contact: Row) -> Frame:
        """Open a contact's record page; returns our panel in it."""
        self.org.goto(f"{self.clinic.org}/lightning/r/Contact/{contact['Id']}/view")
        return our_frame(self.org, self.clinic)

    def press(self, contact: Row, button: str) -> Frame:
        """Press a button of ours on a contact's record page."""
        self.contact(contact)
        self.org.get_by_role("link", name=button, exact=True).or_(
            self.org.get_by_role("button", name=button, exact=True)
        ).first.click()
        self.org.wait_for_load_state()
        return our_frame(self.org, self.clinic)

    def see(self, title: str, frame: Frame | None = None) -> None:
        """Keep a picture of a page at rest, and let axe look."""
        if frame:
            expect(frame.locator("#main:not([aria-busy])")).to_be_visible()
        self.album.take(self.org if frame else self.hint, title)
        assert violations(frame or self.hint) == [], title

    def is_linked(self, contact: Row, patient_id: str | None) -> bool:
        """Say whether Salesforce shows a contact as linked with a patient, or with nobody."""
        (now,) = self.records.contacts(f"WHERE Id = '{contact['Id']}'")
        return (now["Synced_to_Hint__c"], now["Hint_Patient_Id__c"]) == (patient_id is not None, patient_id)


def test_the_article_from_connecting_to_uninstalling(
    new_clinic: Clinic, window: BrowserContext, album: Album, tmp_path: Path
) -> None:
    org = log_in(window, new_clinic, ADA)
    walk = Walk(new_clinic, album, org, window.new_page(), Records(new_clinic))
    connect_hint(walk)
    configure_the_webhook(walk)
    pair = next(each for each in walk.records.pairs())
    look_at_the_contact_page(walk, pair[0])
    sync_a_single_contact(walk, *pair)
    create_a_patient(walk)
    link_with_another_patient(walk, *pair)
    create_contacts_of_new_patients(walk)
    sync_patients_to_contacts(walk)
    run = sync_contacts_to_patients(walk, tmp_path)
    read_the_results(walk, run)
    unlink(walk, pair[0])
    view_the_log(walk)
    uninstall(walk, pair[0], tmp_path)


def connect_hint(walk: Walk) -> None:
    """Step 3 of the installation."""
    walk.hint.goto(f"{walk.clinic.hint}/integrations")
    walk.hint.get_by_role("button", name="Integrate with Salesforce").click()
    code = walk.hint.get_by_label("Authorization code").input_value()
    walk.see("Hint gives an authorization code")
    frame = walk.tab("Connection")
    frame.get_by_label("Authorization Code").fill(code)
    frame.get_by_label("Default Account").fill("Hint Patients")
    walk.see("Authorization Code and Default Account", frame)
    frame.get_by_role("button", name="Save").click()
    expect(frame.locator(".notice-good")).to_be_visible()
    walk.hint.goto(f"{walk.clinic.hint}/integrations")
    expect(walk.hint.locator("#status")).to_have_text("Active")
    walk.see("Hint says that the integration is active")


def configure_the_webhook(walk: Walk) -> None:
    """Step 4 of the installation."""
    frame = walk.tab("Connection")
    frame.get_by_role("link", name="Show Webhook").click()
    expect(frame.get_by_text("Told to Hint")).to_be_visible()  # since Hint was connected
    frame.get_by_role("link", name="Edit").click()
    frame.get_by_role("button", name="Update Webhook").click()
    expect(frame.get_by_text("Hint was told the address")).to_be_visible()
    frame.get_by_role("button", name="Test").click()
    expect(frame.locator(".notice-good")).to_be_visible()
    patient = walk.records.patients()[0]
    walk.hint.goto(f"{walk.clinic.hint}/patients/{patient['id']}/edit")
    walk.hint.get_by_label("City").first.fill("Fairview")
    walk.hint.get_by_role("button", name="Save").click()
    reached = frame.get_by_text("The first signed event came at")
    for _ in range(60):
        frame.get_by_role("link", name="Refresh").click()
        expect(frame.locator("#main:not([aria-busy])")).to_be_visible()
        if reached.count():
            break
        walk.org.wait_for_timeout(500)
    expect(reached).to_be_visible()
    walk.see("Hint has reached the webhook", frame)


def look_at_the_contact_page(walk: Walk, contact: Row) -> None:
    """Step 5 of the installation: the section and the buttons are on the contact's page layout."""
    panel = walk.contact(contact)
    expect(panel.get_by_text("Not linked")).to_be_visible()
    for button in ("Sync to Hint", "Unlink Patient"):
        expect(walk.org.locator("#content").get_by_text(button, exact=True).first).to_be_visible()
    walk.see("A contact that is not linked", panel)


def sync_a_single_contact(walk: Walk, contact: Row, patient: Row) -> None:
    """Manual syncing: search, choose, look, confirm."""
    frame = walk.press(contact, "Sync to Hint")
    key = frame.get_by_label("Search Key")
    expect(key).to_have_value(str(contact["Name"]))
    choice = frame.locator(f"#patient-{patient['id']}")
    expect(choice).to_be_visible()
    key.fill("Zzyzx")
    expect(choice).to_have_count(0)
    key.fill("")
    key.press_sequentially(str(patient["last_name"])[:4], delay=40)
    expect(choice).to_be_visible()
    choice.check()
    walk.see("Sync to Hint", frame)
    frame.get_by_role("button", name="Sync Patient").click()
    expect(frame.get_by_role("button", name="Confirm")).to_be_visible()
    walk.see("What will change where", frame)
    frame.get_by_role("button", name="Confirm").click()
    expect(frame.locator(".notice-good, .badge-good").first).to_be_visible()
    assert walk.is_linked(contact, str(patient["id"]))
    panel = walk.contact(contact)
    expect(panel.get_by_text(str(patient["id"])).first).to_be_visible()
    walk.see("A linked contact", panel)


def create_a_patient(walk: Walk) -> None:
    """Manual syncing: the patient is not in Hint yet."""
    contact = next(each for each in walk.records.only_in_salesforce() if each["Birthdate"] and each["FirstName"])
    before = len(walk.records.patients())
    frame = walk.press(contact, "Sync to Hint")
    frame.get_by_role("link", name="Create New Patient").click()
    walk.see("Create New Patient", frame)
    frame.get_by_role("button", name=re.compile("Create|Confirm")).click()
    expect(frame.locator(".notice-good, .badge-good").first).to_be_visible()
    (now,) = walk.records.contacts(f"WHERE Id = '{contact['Id']}'")
    assert now["Synced_to_Hint__c"]
    assert len(walk.records.patients()) == before + 1


def link_with_another_patient(walk: Walk, contact: Row, old: Row) -> None:
    """Syncing to an already linked contact: asked first, then the former patient is unlinked."""
    new = next(each for each in walk.records.only_in_hint() if each["dob"] and each["first_name"] and each["last_name"])
    frame = walk.press(contact, "Sync to Hint")
    if frame.get_by_role("link", name="another patient").count():
        frame.get_by_role("link", name="another patient").click()
    frame.get_by_label("Search Key").fill(f"{new['first_name']} {new['last_name']}")
    frame.locator(f"#patient-{new['id']}").check()
    frame.get_by_role("button", name="Sync Patient").click()
    expect(frame.get_by_role("button", name="Confirm")).to_be_visible()
    for box in frame.get_by_role("checkbox").all():
        box.check()
    walk.see("Linking with another patient asks first", frame)
    frame.get_by_role("button", name="Confirm").click()
    expect(frame.get_by_role("button", name="Confirm")).to_have_count(0)
    assert walk.is_linked(contact, str(new["id"]))
    assert str(old["id"]) not in {row["Hint_Patient_Id__c"] for row in walk.records.contacts()}


def create_contacts_of_new_patients(walk: Walk) -> None:
    """The checkbox, and a patient who registers in Hint."""
    frame = walk.tab("Settings")
    frame.get_by_label(re.compile("Create new Contact for Patients without Demographics Matches")).check()
    frame.get_by_role("button", name="Save").click()
    expect(frame.locator(".notice-good")).to_be_visible()
    walk.see("Settings", frame)
    walk.hint.goto(f"{walk.clinic.hint}/patients/new")
    for name, value in (("first_name", "Odile"), ("last_name", "Brankovic"), ("dob", "1987-03-21")):
        walk.hint.locator(f"#{name}").fill(value)
    walk.hint.get_by_role("button", name="Register patient").click()
    until(lambda: bool(walk.records.contacts("WHERE LastName = 'Brankovic'")), "a contact of the new patient")
    until(lambda: walk.records.contacts("WHERE LastName = 'Brankovic'")[0]["Synced_to_Hint__c"], "its mark")


def sync_patients_to_contacts(walk: Walk) -> None:
    """Batch of all patients: a dry run, then exactly what it said."""
    frame = walk.tab("Batches")
    section = frame.get_by_role("region", name="Batch Sync Patients to Contacts")
    section.get_by_role("button", name="Dry run").click()
    start = frame.get_by_role("button", name="Start exactly this")
    expect(start).to_be_visible(timeout=60_000)
    walk.see("A dry run of everybody", frame)
    start.click()
    frame.get_by_role("dialog").get_by_role("button", name="Start exactly this").click()
    expect(
        frame.get_by_role("button", name="Abort Batch").or_(frame.locator(".badge-good").first).first
    ).to_be_visible()
    until(lambda: sum(row["Synced_to_Hint__c"] for row in walk.records.contacts()) > 20, "many linked contacts", 90)
    walk.see("A batch", walk.tab("Batches"))


def sync_contacts_to_patients(walk: Walk, folder: Path) -> str:
    """Batch of a report's contacts; returns its Batch Sync ID."""
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
    expect(frame.get_by_text("Text below the data", exact=True)).to_be_visible()
    walk.see("A report is checked before the batch starts", frame)
    checked = frame.locator("#csv-check")
    for box in checked.get_by_role("checkbox").all():
        box.check()
    checked.get_by_role("button", name="Start Batch").click()
    frame.get_by_role("dialog").get_by_role("button", name="Start Batch").click()
    section = frame.get_by_role("region", name="Batch Sync Contacts to Patients")
    run = section.locator(".copy code").first
    expect(run).to_be_visible()
    named = run.inner_text()
    done = section.locator(".badge").filter(has_text=re.compile("done|finished", re.IGNORECASE)).first
    expect(done).to_be_visible(timeout=90_000)
    walk.see("A batch of a report has ended", frame)
    return named


def read_the_results(walk: Walk, run: str) -> None:
    """The results page, and the report in Salesforce with its filter filled."""
    frame = walk.tab("Runs")
    frame.locator(f'a[href*="/runs/{run}"]').first.click()
    expect(frame.locator("table.results tbody tr").first).to_be_visible()
    walk.see("Results record by record", frame)
    frame.get_by_role("link", name="Open the report in Salesforce").click()
    walk.org.wait_for_url(re.compile("/lightning/r/Report/"))
    expect(walk.org.locator("#fv0")).to_have_value(run)
    expect(walk.org.locator("#total strong")).not_to_have_text("0")
    walk.album.take(walk.org, "The report of a batch")


def unlink(walk: Walk, contact: Row) -> None:
    """Unlinking, from the contact."""
    frame = walk.press(contact, "Unlink Patient")
    walk.see("Unlink Patient asks first", frame)
    frame.get_by_role("button", name="Unlink Patient").click()
    expect(frame.get_by_role("button", name="Unlink Patient")).to_have_count(0)
    assert walk.is_linked(contact, None)


def view_the_log(walk: Walk) -> None:
    """The log, and the details of an entry."""
    frame = walk.tab("View Log")
    walk.see("View Log", frame)
    frame.locator("table tbody a").first.click()
    expect(frame.get_by_text("What happened").or_(frame.get_by_text("Code", exact=True)).first).to_be_visible()
    walk.see("Details of an entry", frame)


def uninstall(walk: Walk, contact: Row, tmp_path: Path) -> None:
    """Both steps of uninstalling: our pages leave the org, which is as it was but for our fields; the integration ends in Hint."""
    command = [sys.executable, "-m", "hintsync", "uninstall", "--state", str(walk.clinic.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    walk.org.goto(f"{walk.clinic.org}/lightning/r/Contact/{contact['Id']}/view")
    for word in ("Sync to Hint", "Unlink Patient", "Hint Health"):
        expect(walk.org.locator("body").get_by_text(word, exact=True)).to_have_count(0)
    expect(walk.org.locator("iframe")).to_have_count(0)
    walk.album.take(walk.org, "A contact after uninstalling")
    walk.hint.goto(f"{walk.clinic.hint}/integrations")
    expect(walk.hint.locator("#status")).to_have_text("Inactive")
    assert len(walk.records.contacts()) > 100
    with ThreadPoolExecutor(1) as aside:  # Playwright has a loop of its own in this thread
        after = aside.submit(asyncio.run, _files_now(walk.clinic, tmp_path / "looking")).result()
    assert len(walk.clinic.before) > 10
    assert changed_files(walk.clinic.before, after) == {
        "CustomObject objects/Contact.object",  # our fields, which are said to stay
        "Report reports/unfiled$public/Contacts_to_sync.report",  # the administrator's own, made on the way
    }


async def _files_now(clinic: Clinic, folder: Path) -> Files:
    """Return what the org consists of, as a stranger to hintsync's state sees it."""
    org = clinic.systems.org
    async with open_service(load_settings(state=folder)) as service:
        return await files_of_the_org(service, WithClientCredentials(org.url, org.client_id, org.client_secret))
