"""Attacks that only a real browser can judge: a foreign page that posts, frames and scripts, and markup that wants to run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Response

from hintsync.demo.staff import ADA
from hintsync.surfaces.web.pages.places import PLACES
from tests.browser.clinic import CONNECTION, Clinic
from tests.browser.people import log_in, our_frame
from tests.browser.records import Records

pytestmark = pytest.mark.xdist_group("browser")

#: Runs if anything lets it: as an element with a handler, and out of either kind of quotes.
HOSTILE = "'\"><img src=x onerror=hit=1>"
#: What a foreign script can read of an address of ours.
_READ = """async (url) => {
    try { return await (await fetch(url, {credentials: "include"})).text(); } catch { return ""; }
}"""
_API = "/services/data/v67.0"


@dataclass(slots=True)
class Foreign:
    """A site of somebody else on this machine; what it shows is set by the test.

    Cookies know no ports: our cookie goes along with what it sends to us, as from a taken-over site beside ours.
    """

    url: str
    html: str = ""


@contextmanager
def _serving() -> Iterator[Foreign]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(site.html.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Foreign(f"http://localhost:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    with _serving() as site:
        yield site


@pytest.fixture
def logged_in(clinic: Clinic, window: BrowserContext) -> Page:
    """Somebody who is logged in to our pages in a window of its own, by a cookie."""
    page = log_in(window, clinic, ADA)
    page.goto(f"{clinic.url}/c/{CONNECTION}/")
    page.get_by_role("link", name="Log in with Salesforce").click()
    allow = page.get_by_role("button", name="Allow")
    page.wait_for_load_state()
    if allow.count():
        allow.click()
    page.wait_for_url(f"{clinic.url}/c/{CONNECTION}/**")
    page.wait_for_selector("h1")
    assert [each for each in window.cookies(clinic.url) if "hintsync" in str(each["name"])], "the cookie is there"
    return page


def _address(clinic: Clinic, path: str) -> str:
    for part in ("contact", "run", "review", "entry", "sequence"):
        path = path.replace(f"{{{part}}}", "0035g00000ZZZZZAA4")
    return f"{clinic.url}/c/{CONNECTION}{path}"


def test_a_foreign_page_that_posts_in_somebodys_name_does_nothing(
    clinic: Clinic, window: BrowserContext, logged_in: Page, foreign: Foreign
) -> None:
    """Our cookie is there; forms and fetches to every place that acts are refused for want of the page's own token."""
    answers: list[Response] = []
    page = window.new_page()
    page.on("response", lambda answer: answers.append(answer) if answer.url.startswith(clinic.url) else None)
    foreign.html = "<!DOCTYPE html><title>foreign</title>"
    places = [place for place in PLACES if place.method == "POST"]
    for place in places:
        page.goto(foreign.url)
        page.evaluate(
            """([url]) => {
                const form = document.createElement("form");
                form.method = "post"; form.action = url;
                for (const [name, value] of [["reason", "csrf"], ["dry", "no"], ["all", "yes"], ["confirm", "yes"]]) {
                    const field = document.createElement("input");
                    field.name = name; field.value = value; form.append(field);
                }
                document.body.append(form);
                form.submit();
            }""",
            [_address(clinic, place.path)],
        )
        page.wait_for_url(f"{clinic.url}/**")
    posted = [answer for answer in answers if answer.request.method == "POST"]
    assert [answer.status for answer in posted] == [401] * len(places)
    assert all("hintsync-" in answer.request.all_headers().get("cookie", "") for answer in posted), (
        "the cookie went along"
    )
    page.goto(foreign.url)
    for place in places:
        told = page.evaluate(
            """async ([url]) => {
                const ways = [
                    {mode: "no-cors", credentials: "include", body: new URLSearchParams({reason: "csrf", dry: "no"})},
                    {mode: "no-cors", credentials: "include", headers: {"Content-Type": "text/plain"}, body: "reason=csrf"},
                    {mode: "cors", credentials: "include", headers: {"X-Hintsync-Fetch": "1"}, body: "reason=csrf"},
                    {mode: "cors", credentials: "include", headers: {Authorization: "Bearer x"}, body: "reason=csrf"},
                ];
                const read = [];
                for (const way of ways) {
                    try { read.push(await (await fetch(url, {method: "POST", ...way})).text()); } catch { read.push(""); }
                }
                return read;
            }""",
            [_address(clinic, place.path)],
        )
        assert told == [""] * 4, "nothing of the answer can be read either"
    for place in PLACES:
        if place.method == "GET":
            assert page.evaluate(_READ, _address(clinic, place.path)) == ""
    logged_in.goto(f"{clinic.url}/c/{CONNECTION}/stops")
    assert "csrf" not in logged_in.content()
    logged_in.goto(f"{clinic.url}/c/{CONNECTION}/runs")
    assert logged_in.locator("tbody tr", has_text="you").count() == 0, "no run was started in their name"


def test_no_foreign_page_can_frame_ours(
    clinic: Clinic, window: BrowserContext, logged_in: Page, foreign: Foreign
) -> None:
    addresses = [_address(clinic, place.path) for place in PLACES if place.method == "GET" and "{" not in place.path]
    addresses = [each for each in addresses if not each.endswith("/export")] + [f"{clinic.url}/login"]
    page = window.new_page()
    page.set_default_timeout(8_000)
    for address in addresses:
        foreign.html = f"<!DOCTYPE html><title>foreign</title><iframe src='{address}'></iframe>"
        page.goto(foreign.url)
        page.wait_for_load_state("networkidle")
        (inner,) = [each for each in page.frames if each is not page.main_frame]
        assert inner.url.startswith("chrome-error:"), address
    foreign.html = f"<!DOCTYPE html><title>foreign</title><iframe src='{clinic.url}/healthz'></iframe>"
    page.goto(foreign.url)
    page.wait_for_load_state("networkidle")
    assert page.frames[-1].url == f"{clinic.url}/healthz", "what forbids nothing is framed"


def test_markup_in_a_persons_fields_never_runs(clinic: Clinic, window: BrowserContext) -> None:
    contact_id, patient_id = _hostile_pair(clinic)
    problems: list[str] = []
    page = log_in(window, clinic, ADA)
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    for tab in (f"/lightning/r/Contact/{contact_id}/view", "/lightning/n/Hint_Health"):
        page.goto(f"{clinic.org}{tab}")
        frame = our_frame(page, clinic)
        _look(frame.evaluate, tab)
        base = f"/c/{CONNECTION}"
        paths = [f"/contacts/{contact_id}{rest}" for rest in ("", "/sync", "/create", "/unlink")]
        paths += [
            f"/contacts/{contact_id}/sync/preview?patient={patient_id}",
            "/",
            "/runs",
            "/reviews",
            "/log",
            "/health",
        ]
        for path in paths:
            frame.evaluate(
                """async (url) => {
                    const link = document.createElement("a");
                    link.href = url; link.id = "robot"; document.getElementById("main").append(link); link.click();
                    const shown = () => !document.getElementById("robot") && document.getElementById("progress").hidden;
                    while (!shown()) await new Promise((done) => setTimeout(done, 20));
                }""",
                base + path,
            )
            _look(frame.evaluate, path)
            if path.endswith("/sync"):
                frame.locator("#q").fill("onerror hit")
                frame.locator("#q").fill(HOSTILE)
                frame.wait_for_selector("#results:not([aria-busy])")
                _look(frame.evaluate, "live results")
    assert problems == []


def test_that_markup_would_run_on_a_page_that_does_not_escape_it(window: BrowserContext, foreign: Foreign) -> None:
    page = window.new_page()
    foreign.html = f"<!DOCTYPE html><title>foreign</title><input value='{HOSTILE}'>"
    page.goto(foreign.url)
    page.wait_for_function("window.hit === 1")


def _look(evaluate: Callable[[str], object], where: str) -> None:
    """Nothing ran, and no element of theirs is in the page."""
    assert evaluate("typeof window.hit") == "undefined", where
    assert evaluate("document.querySelectorAll('img, [onerror], script:not([src])').length") == 0, where


def _hostile_pair(clinic: Clinic) -> tuple[str, str]:
    """Create somebody on both sides whose fields are markup."""
    org, hint = clinic.systems.org, clinic.systems.hint
    contact = {
        "FirstName": HOSTILE,
        "LastName": HOSTILE,
        "Birthdate": "1931-07-13",
        "MailingCity": HOSTILE,
        "MailingStreet": HOSTILE,
        "MobilePhone": HOSTILE,
    }
    patient = {"first_name": HOSTILE, "last_name": HOSTILE, "dob": "1931-07-13", "address_city": HOSTILE}
    with httpx.Client(trust_env=False) as http:
        made = http.post(
            f"{org.url}{_API}/sobjects/Contact", json=contact, headers={"Authorization": f"Bearer {org.token}"}
        )
        born = http.post(
            f"{hint.url}/api/provider/patients", json=patient, headers={"Authorization": f"Bearer {hint.token}"}
        )
    assert Records(clinic).contacts(f"WHERE Id = '{made.raise_for_status().json()['id']}'")
    return str(made.json()["id"]), str(born.raise_for_status().json()["id"])
