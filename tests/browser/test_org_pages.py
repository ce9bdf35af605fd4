"""The emulated org's own pages in a real browser: read by everybody, worked by keyboard, a foreign app in their frames."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import httpx
import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect

from hintsync_emulators.clock import Clock
from hintsync_emulators.salesforce import Org, create_app
from hintsync_emulators.serve import serving
from tests.browser.axe import violations
from tests.emulators.metadata.deploying import RestDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES
from tests.emulators.pages.test_lists_and_records import LAYOUT, QUICK

pytestmark = pytest.mark.xdist_group("browser")
TOKEN = "00DEM0000000001!secret"
NASTY = "<script>document.title='broken'</script>"
_APP = """<!doctype html><html lang="en"><head><title>App</title></head><body><main><h1>The app</h1>
<p id="view">{view}</p><p id="cookies">{cookies}</p><a href="{back}" target="_top">Back to the contact</a></main>
<script>document.cookie = "kept=here"</script></body></html>"""


@dataclass
class App:
    """A canvas app on a host of its own, which notes how it was opened."""

    url: str = ""
    #: Cookies and envelope of each opening.
    opened: list[tuple[str, dict[str, dict[str, dict[str, object]]]]] = field(default_factory=list)


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    """A canvas app at localhost, which to a browser is another site than 127.0.0.1."""
    found = App()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            envelope = json.loads(base64.b64decode(parse_qs(raw)["signed_request"][0].partition(".")[2]))
            cookies, environment = self.headers.get("Cookie", ""), envelope["context"]["environment"]
            found.opened.append((cookies, envelope))
            origin, record = envelope["client"]["instanceUrl"], environment["record"].get("Id", "")
            back = f"{origin}/lightning/r/Contact/{record}/view"
            page = _APP.format(view=environment["parameters"].get("view"), cookies=cookies, back=back).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html;charset=utf-8")
            self.send_header("Set-Cookie", "server=here; Path=/")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://localhost:{server.server_address[1]}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Served:
    """An org with one of everything deployed, and a contact."""

    org: Org
    url: str
    contact: str
    twin: str


@pytest.fixture(scope="module")
def served(app: App) -> Iterator[Served]:
    org = Org(seed=3, clock=Clock(), token=TOKEN)
    account = org.insert("Account", {"Name": NASTY})
    people = [{"FirstName": f"Ada{n}", "LastName": "Moor", "AccountId": account, "Title": NASTY} for n in range(60)]
    contact, twin, *_, gone = org.insert_many("Contact", people)
    org.delete("Contact", gone)
    with serving(create_app(org)) as url:
        with ThreadPoolExecutor() as aside:  # Playwright's own loop runs in this thread
            aside.submit(lambda: asyncio.run(_deploy(url, app.url))).result()
        (sync,) = org.storage.ids_where("PermissionSet", "Name", "Sync", live_only=False)
        org.insert("PermissionSetAssignment", {"AssigneeId": org.user_id, "PermissionSetId": sync})
        org.insert("Sync_Log__c", {"Contact__c": contact, "Level__c": "Error"})
        yield Served(org, url, contact, twin)
    org.close()


async def _deploy(url: str, app_url: str) -> None:
    files = {name: str(text).replace("https://sync.example.com", app_url) for name, text in FILES.items()}
    layout = {"layouts/Contact-Contact Layout.layout": LAYOUT.format(actions=QUICK)}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{url}/services/data/v67.0", headers=headers) as api:
        for package in (zipped(files, TYPES), zipped(layout, {"Layout": ["Contact-Contact Layout"]})):
            result = await RestDeployer(api).deploy(package)
            assert result.success, result.problems


@pytest.fixture
def page(window: BrowserContext, served: Served) -> Iterator[Page]:
    """A page of somebody who has logged in, which tells what the browser refused because of a policy."""
    page = window.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(served.url)
    page.get_by_role("button", name="Log In").click()
    yield page
    assert refused == []


def check(page: Page) -> None:
    """Ask axe, and see that nothing sticks out, on a wide window and a narrow one."""
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() != "broken"


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/lightning/page/home",
        "/home/showAllTabs.jsp",
        "/lightning/o/Contact/list",
        "/lightning/o/Contact/list?q=nobody",
        "/lightning/o/Contact/new",
        "/lightning/r/Contact/{contact}/view?said=saved",
        "/lightning/r/Contact/{contact}/edit",
        "/lightning/r/Contact/{contact}/delete",
        "/lightning/r/Contact/{contact}/merge",
        "/lightning/r/Contact/{contact}/merge?with={twin}",
        "/lightning/r/Account/{account}/view",
        "/lightning/o/DeleteEvent/home",
        "/lightning/o/Report/home",
        "/lightning/o/Report/new",
        "/lightning/r/Report/{report}/view",
        "/lightning/n/Sync",
        "/lightning/o/Sync_Log__c/list",
        "/lightning/action/quick/Contact.Sync_Now?recordId={contact}",
        "/apex/Panel?id={contact}",
        "/apex/Nothing",
        "/lightning/setup/SetupOneHome/home",
        "/lightning/setup/ManageUsers/home",
        "/lightning/setup/ManageUsers/{user}/view",
        "/lightning/setup/PermSets/home",
        "/lightning/setup/DeployStatus/home",
        "/lightning/setup/ManageExternalClientApplication/home",
    ],
)
def test_a_page_of_the_org_can_be_read_by_everybody(page: Page, served: Served, path: str) -> None:
    report = next(each for each in served.org.components.all("Report") if each.name.endswith("Contacts_with_IDs"))
    names = {"contact": served.contact, "twin": served.twin, "user": served.org.user_id, "report": report.id}
    account = str(served.org.get("Contact", served.contact)["AccountId"])
    page.goto(served.url + path.format(**names, account=account))
    expect(page.locator("p.mark")).to_contain_text("Emulated Salesforce")
    check(page)


def test_a_refused_form_can_be_read_by_everybody(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/lightning/o/Account/new")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Required fields are missing: [Name]")
    expect(page.get_by_label("Account Name")).to_have_attribute("aria-invalid", "true")
    check(page)


def test_a_contact_is_found_and_edited_by_keyboard_alone(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/lightning/o/Contact/list")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="New", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search this list")).to_be_focused()
    page.keyboard.type("ada17")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Ada17 Moor").press("Enter")
    page.get_by_role("link", name="Edit").press("Enter")
    page.get_by_label("First Name").fill("Augusta")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("“Augusta Moor” was saved.")
    assert [each["LastName"] for each in served.org.rows("Contact") if each["FirstName"] == "Augusta"] == ["Moor"]


def _frame_of(page: Page, app: App) -> Frame:
    page.wait_for_load_state("networkidle")
    (frame,) = [each for each in page.frames if each.url.startswith(app.url)]
    return frame


def test_the_layouts_section_shows_the_app_of_another_site_without_its_cookies(
    page: Page, served: Served, app: App, window: BrowserContext
) -> None:
    window.add_cookies([{"name": "first", "value": "party", "url": app.url}])
    app.opened.clear()
    for _ in range(2):
        page.goto(f"{served.url}/lightning/r/Contact/{served.contact}/view")
        frame = _frame_of(page, app)
        expect(frame.locator("#view")).to_have_text("panel")
    assert [cookies for cookies, _ in app.opened] == ["", ""]
    environment = app.opened[0][1]["context"]["environment"]
    assert environment["record"]["Id"] == served.contact  # type: ignore[index]
    assert [each.get("name") for each in window.cookies(app.url)] == ["first"]


def test_a_link_of_the_app_leads_the_whole_window_to_the_contact(page: Page, served: Served, app: App) -> None:
    page.goto(f"{served.url}/lightning/r/Contact/{served.contact}/view")
    page.get_by_role("link", name="Sync Now").click()
    _frame_of(page, app).get_by_role("link", name="Back to the contact").click()
    expect(page).to_have_url(f"{served.url}/lightning/r/Contact/{served.contact}/view")
    expect(page.get_by_role("heading", level=1, name="Ada0 Moor")).to_be_visible()


def test_a_report_is_exported_to_a_file(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/lightning/o/Report/home")
    page.get_by_role("link", name="Contacts with IDs").click()
    page.get_by_label("Last Name starts with").fill("mo")
    page.get_by_role("button", name="Run Report").click()
    expect(page.locator("#total")).to_contain_text("Total Records: 59")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename == "Contacts with IDs.csv"
    assert len(download.value.path().read_text().splitlines()) == 1 + 59 + 2 + 5
