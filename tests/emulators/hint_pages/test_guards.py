"""What keeps the pages to those who look at them: escaping, headers, tokens; and the faults off them."""

import re
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest

from hintsync_emulators.control import Controlled, Failure
from hintsync_emulators.hint import Practice
from hintsync_emulators.lab import ADDRESS
from tests.emulators.browsing import Visitor

NASTY = "<script>alert(1)</script>\"'><b>{{7*7}}"
PAGES = (
    "/patients",
    "/patients?show=all&q=script",
    "/patients/new",
    "/patients/{id}",
    "/patients/{id}/edit",
    "/patients/{id}/merge",
    "/patients/{id}/delete",
    "/practitioners",
    "/integrations",
    ADDRESS,
    "/patients/unknown",
    "/patients/no/such/page",
)
ACTIONS = (
    "/patients/new",
    "/patients/{id}/edit",
    "/patients/{id}/archive",
    "/patients/{id}/restore",
    "/patients/{id}/merge",
    "/patients/{id}/delete",
    "/practitioners",
    "/practitioners/{practitioner}/rename",
    "/practitioners/{practitioner}/remove",
    "/integrations/connect",
    "/integrations/finish",
    "/integrations/activate",
    "/integrations/cancel",
    ADDRESS,
)


@pytest.fixture
def person(practice: Practice) -> dict[str, str]:
    """The ids of a patient and a practitioner whose every text is markup."""
    values = dict.fromkeys(
        ("first_name", "last_name", "title", "gender", "address_city", "address_line1", "pronouns"), NASTY
    )
    values |= {"integration_error_message": NASTY, "integration_web_link": f"https://example.com/{NASTY}"}
    values |= {"health_insurance_payer_name": NASTY, "integration_record_id": NASTY, "email": f'"{"<b>"}"@example.com'}
    practitioner = practice.add_practitioner(NASTY)
    patient = practice.create_patient(
        **values, practitioner=NASTY, phones=[{"type": NASTY, "number": NASTY}], emergency_contact={"name": NASTY}
    )
    practice.add_foreign_record(patient, NASTY, NASTY)
    practice.profile["name"] = NASTY
    return {"id": patient, "practitioner": practitioner}


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_takes_a_text_for_markup(visitor: Visitor, person: dict[str, str], path: str) -> None:
    page = await visitor.get(path.format(**person))
    assert "<script>alert" not in page.answer.text
    assert "<b>" not in page.answer.text
    assert all("<script>" not in value for form in page.forms for value in form.offered)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_marked_and_keeps_to_itself(visitor: Visitor, person: dict[str, str], path: str) -> None:
    page = await visitor.get(path.format(**person))
    assert page.text.index("Emulated Hint.") < page.text.index("All people in it are invented.")
    assert re.search(r"<html lang=.en.>.*<title>[^<]+</title>.*<h1>", page.answer.text, re.DOTALL)
    policy = page.answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; ")
    assert "unsafe" not in policy
    assert page.answer.headers["cache-control"] == "no-store"
    assert page.answer.headers["x-content-type-options"] == "nosniff"
    assert page.answer.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<(script|link|img|iframe|form)[^>]+(src|href|action)=.(https?:)?//", page.answer.text)
    assert " style=" not in page.answer.text
    assert len(page.answer.content) < 150_000


@pytest.fixture
async def stranger(app: Controlled) -> AsyncIterator[httpx.AsyncClient]:
    """Another site's page in the same browser: it can send forms and cannot read any."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
        await client.get("/patients")
        yield client


@pytest.mark.parametrize("path", ACTIONS)
async def test_no_form_of_another_site_is_carried_out(
    stranger: httpx.AsyncClient, practice: Practice, person: dict[str, str], path: str
) -> None:
    before = practice.latest
    answer = await stranger.post(path.format(**person), data={"first_name": "Bo", "last_name": "Moor", "do": "off"})
    assert answer.status_code == 403
    assert practice.latest == before
    assert practice.installation.status == "active"


async def test_a_token_is_good_for_its_own_visitor_and_from_our_own_pages_only(
    visitor: Visitor, stranger: httpx.AsyncClient, practice: Practice, person: dict[str, str]
) -> None:
    values = (await visitor.get("/patients/new")).form("Register patient").values
    filled = {**values, "first_name": "Bo", "last_name": "Moor"}
    assert (await stranger.post("/patients/new", data=filled)).status_code == 403
    foreign = {"Origin": "https://evil.example.com"}
    assert (await visitor.client.post("/patients/new", data=filled, headers=foreign)).status_code == 403
    assert (await visitor.client.post("/patients/new", data=filled, headers={"Origin": "null"})).status_code == 403
    assert (await visitor.client.post("/patients/new", json=filled)).status_code == 415
    assert (
        await visitor.client.post(
            "/patients/new", content=b"a" * 1_000_001, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    ).status_code == 413
    assert len(practice) == 1
    assert (await visitor.client.post("/patients/new", data=filled)).status_code == 200
    assert len(practice) == 2


async def test_a_form_whose_hidden_part_was_spoilt_is_refused(visitor: Visitor, person: dict[str, str]) -> None:
    form = await visitor.get(f"/patients/{person['id']}/edit")
    for spoilt in ("{", "[1]", '"x"', "[" * 100_000):
        assert (await visitor.press(form, "Save", shown=spoilt)).status == 400
    odd = '{"phones": [[1], "x", 5], "first_name": {}}'
    assert (await visitor.press(form, "Save", shown=odd)).status == 200


async def test_the_cookie_is_for_http_and_this_site_only(visitor: Visitor) -> None:
    first = await visitor.get("/patients")
    (cookie,) = SimpleCookie(first.answer.headers["set-cookie"]).values()
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert "set-cookie" not in (await visitor.get("/patients")).answer.headers


async def test_a_cookie_that_somebody_made_up_is_replaced(visitor: Visitor) -> None:
    visitor.client.cookies.set("hintsync_emulators_hint_pages", "x" * 32)
    page = await visitor.get("/patients")
    assert "set-cookie" in page.answer.headers


async def test_faults_of_the_api_do_not_reach_the_pages(
    visitor: Visitor, app: Controlled, person: dict[str, str]
) -> None:
    app.faults.fail_next.append(Failure(times=1000))
    app.faults.latency_ms = 60_000
    for path in PAGES[:9]:
        assert (await visitor.get(path.format(**person))).status == 200
    assert app.faults.total == 0
    assert app.faults.fail_next[0].times == 1000


@pytest.mark.parametrize("path", ["/patientsx", "/integrations.json", "/api/patients", "/admin"])
async def test_other_paths_are_the_apis(visitor: Visitor, path: str) -> None:
    answer = await visitor.client.get(path)
    assert answer.headers["content-type"].startswith("application/json")


async def test_other_sites_do_not_steer_the_emulator(visitor: Visitor, app: Controlled) -> None:
    app.faults.latency_ms = 1
    answer = await visitor.client.post("/_control/reset", headers={"Origin": "https://evil.example.com"})
    assert (answer.status_code, app.faults.latency_ms) == (403, 1)
    answer = await visitor.client.post("/_control/reset", headers={"Origin": "http://emulator"})
    assert (answer.status_code, app.faults.latency_ms) == (204, 0)
