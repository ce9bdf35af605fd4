"""The emulated Hint's own pages and both fault labs: seen, read out and worked by keyboard, on a wide and a narrow window."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hintsync_emulators import hint, salesforce
from hintsync_emulators.clock import Clock
from hintsync_emulators.lab import ADDRESS
from hintsync_emulators.serve import serving
from tests.browser.axe import violations

pytestmark = pytest.mark.xdist_group("browser")
NARROW = {"width": 400, "height": 800}


@pytest.fixture
def practice() -> hint.Practice:
    practice = hint.Practice(seed=3, clock=Clock(), status="onboarding")
    practice.partner.endpoints.append(practice.partner.new_endpoint("http://127.0.0.1:9/hook"))
    people = [
        {"first_name": f"Ada{number}", "last_name": "Moor", "email": "a" * 60 + "@example.com"} for number in range(30)
    ]
    first, second, *_ = practice.load(people)
    phones = [{"type": "mobile", "number": "5551234567"}]
    practice.edit(first, phones=phones, practitioner="Dr. Roe", integration_error_message="Two contacts fit")
    practice.archive(second)
    return practice


@pytest.fixture
def hint_url(practice: hint.Practice) -> Iterator[str]:
    with serving(hint.create_app(practice)) as url:
        yield url


@pytest.fixture
def salesforce_url() -> Iterator[str]:
    org = salesforce.Org(seed=3, clock=Clock())
    with serving(salesforce.create_app(org)) as url:
        yield url
    org.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    """A page on which the browser refuses nothing that our policy forbids, because nothing of the kind is tried."""
    page = window.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    assert refused == []


def check(page: Page) -> None:
    """Ask axe, and see that nothing sticks out, on a wide window and a narrow one."""
    for size in ({"width": 1280, "height": 900}, NARROW):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize(
    "path",
    [
        "/patients",
        "/patients?show=all&sort=-updated_at&page=2",
        "/patients/new",
        "/patients/{id}",
        "/patients/{archived}",
        "/patients/{id}/edit",
        "/patients/{id}/merge",
        "/patients/{id}/delete",
        "/patients/nobody",
        "/practitioners",
        "/integrations",
        ADDRESS,
    ],
)
def test_a_page_of_hint_can_be_read_by_everybody(page: Page, practice: hint.Practice, hint_url: str, path: str) -> None:
    first, second, *_ = (str(patient["id"]) for patient in practice.patients())
    page.goto(hint_url + path.format(id=first, archived=second))
    expect(page.get_by_text("Emulated Hint.")).to_be_visible()
    check(page)


def test_the_lab_of_salesforce_can_be_read_by_everybody(page: Page, salesforce_url: str) -> None:
    page.goto(salesforce_url + ADDRESS)
    expect(page.get_by_text("Emulated Salesforce.")).to_be_visible()
    check(page)


def test_a_refused_form_can_be_read_by_everybody(page: Page, hint_url: str) -> None:
    page.goto(f"{hint_url}/patients/new")
    page.get_by_label("E-mail", exact=True).fill("no address")
    page.get_by_role("button", name="Register patient").click()
    expect(page.get_by_role("alert")).to_contain_text("Last name can't be blank")
    check(page)


def test_a_patient_is_found_and_edited_by_keyboard_alone(page: Page, practice: hint.Practice, hint_url: str) -> None:
    page.goto(f"{hint_url}/patients")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for name in ("New patient", "Search"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link" if name == "New patient" else "searchbox", name=name)).to_be_focused()
    page.keyboard.type("ada0")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 patient for")).to_be_visible()
    page.get_by_role("link", name="Ada0 Moor").press("Enter")
    page.get_by_role("link", name="Edit").press("Enter")
    page.get_by_label("City").fill("Springfield")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The changes were saved.")
    assert practice.patients()[0]["address_city"] == "Springfield"


def test_the_code_is_copied_and_the_page_tells_when_it_was_used(
    page: Page, practice: hint.Practice, hint_url: str, window: BrowserContext
) -> None:
    window.grant_permissions(["clipboard-read", "clipboard-write"], origin=hint_url)
    page.goto(f"{hint_url}/integrations")
    expect(page.locator("#status")).to_have_text("Pending")
    page.get_by_role("button", name="Integrate with Salesforce").click()
    code = page.get_by_label("Authorization code").input_value()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code
    check(page)
    practice.partner.exchange(practice.installation, code, activate=True)
    page.get_by_role("link", name="Load this page again").click()
    expect(page.get_by_role("status")).to_have_text("Salesforce is connected with this practice.")
    expect(page.locator("#status")).to_have_text("Active")
    check(page)
    page.get_by_role("button", name="Cancel Integration").click()
    expect(page.locator("#status")).to_have_text("Inactive")


def test_a_fault_is_switched_on_strikes_and_is_off_again(page: Page, hint_url: str, practice: hint.Practice) -> None:
    page.goto(hint_url + ADDRESS)
    page.get_by_role("button", name="The next 3 calls answer 503").click()
    expect(page.get_by_role("status")).to_contain_text("Done: Calls that fail.")
    expect(page).to_have_url(re.compile("#calls-that-fail$"))
    check(page)
    api, headers = page.request, {"Authorization": f"Bearer {practice.token}"}
    assert api.get(f"{hint_url}/api/provider/patients", headers=headers).status == 503
    page.get_by_role("button", name="All off").click()
    expect(page.get_by_role("status")).to_contain_text("Everything is off.")
    assert api.get(f"{hint_url}/api/provider/patients", headers=headers).status == 200


def test_pages_work_without_script(page: Page, hint_url: str, window: BrowserContext, practice: hint.Practice) -> None:
    browser = window.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False) as plain:
        bare = plain.new_page()
        bare.goto(f"{hint_url}/integrations")
        bare.get_by_role("button", name="Integrate with Salesforce").click()
        expect(bare.get_by_label("Authorization code")).to_have_value(next(iter(practice.installation.codes)))
        expect(bare.get_by_role("button", name="Copy")).to_have_count(0)
