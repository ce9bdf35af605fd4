"""Visualforce pages: canvas apps opened by what the component says, and what cannot be shown says why."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync_emulators.salesforce import App, Org
from hintsync_emulators.salesforce.canvas.kept import CanvasApp
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.pages.expressions import as_json, merged
from hintsync_emulators.salesforce.pages.markup import BadMarkup, read_markup
from tests.emulators.metadata.zoo import PAGE_META
from tests.emulators.pages.conftest import BASE, Deploy
from tests.emulators.pages.reading import Browser, Page

SITE = "https://sync.example.com"


@pytest.fixture
def canvas(org: Org) -> App:
    """A canvas app that anybody may open."""
    client = App("key", "secret", scope="api")
    org.auth.register([client])
    org.canvas.given["Ours"] = CanvasApp("Ours", "Our App", f"{SITE}/canvas#x", "06P", "09H", client)
    return client


@pytest.fixture
def draw(browser: Browser, deploy: Deploy) -> Callable[..., object]:
    """Deploy a page with this markup and open it."""

    async def run(markup: str, **params: str) -> Page:
        files = {"pages/Try.page": markup, "pages/Try.page-meta.xml": PAGE_META}
        await deploy(files, {"ApexPage": ["Try"]})
        return await browser.get("/apex/Try", **params)

    return run


def envelope(page: Page, number: int = 0, secret: str = "secret") -> dict[str, object]:
    """Return what a page's signed request says, after checking its signature."""
    signed = page.main.all("input", name="signed_request")[number].get("value")
    signature, _, encoded = signed.partition(".")
    expected = hmac.new(secret.encode(), encoded.encode(), hashlib.sha256).digest()
    assert hmac.compare_digest(base64.b64decode(signature), expected)
    found = json.loads(base64.b64decode(encoded))
    assert isinstance(found, dict)
    return found


COMPONENT = """<apex:page standardController="Contact" docType="html-5.0">
<apex:canvasApp developerName="Ours" entityFields="FirstName, Email,Nope" parameters='{{"view":"panel"}}' {more}/>
</apex:page>"""


@pytest.mark.usefixtures("canvas")
async def test_an_app_gets_the_person_the_record_and_the_parameters(draw: Callable, org: Org) -> None:
    contact = org.insert("Contact", {"FirstName": "Ada", "LastName": "Moor", "Email": "a@b.co"})
    page = await draw(COMPONENT.format(more='height="420px" width="700"'), id=contact)
    context = envelope(page)["context"]
    assert context["user"]["userId"] == org.user_id
    environment = context["environment"]
    assert environment["parameters"] == {"view": "panel"}
    assert (environment["displayLocation"], environment["uiTheme"]) == ("Visualforce", "Theme4d")
    record = {name: value for name, value in environment["record"].items() if name != "attributes"}
    assert record == {"Id": contact, "FirstName": "Ada", "Email": "a@b.co"}
    sizes = environment["dimensions"]
    assert (sizes["width"], sizes["height"]) == ("700px", "420px")


@pytest.mark.usefixtures("canvas")
async def test_the_frame_is_another_sites_without_cookies_and_without_a_sandbox(draw: Callable) -> None:
    page = await draw(COMPONENT.format(more='height="420px"'))
    frame, form = page.main.one("iframe"), page.main.one("form", method="post")
    assert "credentialless" in frame.attributes
    assert "sandbox" not in frame.attributes
    assert (frame.get("width"), frame.get("height")) == ("800", "420")
    assert (form.get("action"), form.get("target")) == (f"{SITE}/canvas", frame.get("name"))
    policy = dict(one.partition(" ")[::2] for one in page.answer.headers["content-security-policy"].split("; "))
    assert policy["frame-src"] == policy["form-action"] == f"'self' {SITE}"


@pytest.mark.usefixtures("canvas")
async def test_two_apps_on_a_page_have_a_frame_each(draw: Callable) -> None:
    both = "".join(
        f"<p>{{!$User.Username}}</p><apex:canvasApp developerName='Ours' parameters='{{n:{n}}}'/>" for n in (1, 2)
    )
    page = await draw(f"<apex:page>{both}</apex:page>")
    assert [each.get("name") for each in page.main.all("iframe")] == ["canvas-1", "canvas-2"]
    assert [each.get("target") for each in page.main.all("form", method="post")] == ["canvas-1", "canvas-2"]
    assert [envelope(page, n)["context"]["environment"]["parameters"] for n in (0, 1)] == [{"n": 1}, {"n": 2}]
    assert page.main.all("p")[0].text == "integration@example.org"


@pytest.mark.usefixtures("canvas")
async def test_an_app_may_be_named_by_its_label_and_opened_by_get(draw: Callable, org: Org) -> None:
    known = org.canvas.given["Ours"]
    org.canvas.given["Ours"] = CanvasApp(
        known.name, known.label, known.url, known.application_id, known.reference_id, known.client, "Get"
    )
    page = await draw('<apex:page><apex:canvasApp applicationName="Our App" width="100%"/></apex:page>')
    frame = page.main.one("iframe")
    assert (frame.get("src"), frame.get("class")) == (f"{SITE}/canvas", "wide")
    assert not page.main.all("form", method="post")


@pytest.mark.usefixtures("canvas")
async def test_parameters_may_come_from_the_record_and_the_address(draw: Callable, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": 'O\'Neil "Jr" </script>'})
    markup = """<apex:page standardController="Contact"><apex:canvasApp developerName="Ours"
      parameters="{{view: 'sync', name: '{{!JSENCODE(Contact.LastName)}}', back: '{{!$CurrentPage.parameters.back}}',
      org: '{{!$Organization.Id}}', on: true}}"/></apex:page>"""
    page = await draw(markup.replace("{{", "{").replace("}}", "}"), id=contact, back="list")
    assert envelope(page)["context"]["environment"]["parameters"] == {
        "view": "sync", "name": 'O\'Neil "Jr" </script>', "back": "list", "org": org.org_id, "on": True,
    }  # fmt: skip


@pytest.mark.usefixtures("canvas")
@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ('<apex:canvasApp developerName="Theirs"/>', "the org has no canvas app &#39;Theirs&#39;"),
        ('<apex:canvasApp developerName="Ours" parameters="[1]"/>', "its parameters are no JSON object"),
        ('<apex:canvasApp developerName="Ours" parameters="{a"/>', "its parameters are no JSON object"),
        ("<apex:form/>", "Not emulated: the Visualforce component apex:form"),
        ("<c:ours/>", "Not emulated: the Visualforce component c:ours"),
        ("&nbsp;", "The markup cannot be read"),
    ],
)
async def test_what_cannot_be_shown_says_why_in_its_place(draw: Callable, inner: str, said: str) -> None:
    page = await draw(f"<apex:page>{inner}</apex:page>")
    assert said.replace("&#39;", "'") in page.main.one("p", class_="wrong").text


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('<apex:page controller="X"></apex:page>', "not emulated: Visualforce pages with controller"),
        ("<apex:page>{!1 + 1}</apex:page>", "not emulated: the Visualforce expression 1 + 1"),
        ("<apex:page>{!$Api.Session_ID}</apex:page>", "not emulated: the Visualforce expression $Api.Session_ID"),
    ],
)
async def test_what_is_not_emulated_is_named(draw: Callable, page: str, said: str) -> None:
    shown = await draw(page)
    assert (shown.status, said in shown.text) == (501, True)


async def test_a_record_of_another_object_is_refused(draw: Callable, org: Org) -> None:
    account = org.insert("Account", {"Name": "Moor"})
    page = await draw(COMPONENT.format(more=""), id=account)
    assert (page.status, "is not valid for the Contact standard controller" in page.text) == (400, True)


@pytest.mark.usefixtures("zoo")
async def test_a_page_opens_to_those_who_are_granted_it(
    outsider: Browser, org: Org, add_user: Callable[..., str]
) -> None:
    add_user("Finn", "Sync")
    add_user("Nell")
    contact = org.insert("Contact", {"LastName": "Moor"})
    address = f"/apex/panel?id={contact}&inline=1"
    await outsider.log_in("nell@example.org")
    page = await outsider.get(address)
    assert (page.status, page.head) == (403, "Insufficient privileges")
    assert not page.root.all("nav")
    await outsider.log_in("finn@example.org")
    page = await outsider.get(address)
    assert (page.status, len(page.main.all("iframe"))) == (200, 1)
    assert not page.root.all("nav")


@pytest.mark.usefixtures("zoo")
async def test_an_app_that_is_not_open_to_the_person_says_so(browser: Browser) -> None:
    page = await browser.get("/apex/Panel")
    assert "the user is not admin approved to access this app" in page.text


@pytest.mark.usefixtures("zoo")
async def test_a_quick_action_shows_its_page_and_leads_back(
    outsider: Browser, org: Org, add_user: Callable[..., str]
) -> None:
    add_user("Finn", "Sync")
    await outsider.log_in("finn@example.org")
    contact = org.insert("Contact", {"LastName": "Moor"})
    page = await outsider.get(f"/lightning/action/quick/Contact.Sync_Now?recordId={contact}")
    assert (page.head, page.links["Close"]) == ("Sync Now", f"/lightning/r/Contact/{contact}/view")
    assert len(page.main.all("iframe")) == 1


@pytest.mark.usefixtures("zoo")
async def test_tabs_are_those_that_are_granted(
    outsider: Browser, org: Org, deploy: Deploy, add_user: Callable[..., str]
) -> None:
    add_user("Finn", "Sync")
    add_user("Nell")
    await outsider.log_in("finn@example.org")
    page = await outsider.get("/lightning/n/Sync")
    assert page.tabs == ["Contacts", "Accounts", "Reports", "Sync", "All Tabs"]
    assert (page.head, page.root.one("a", aria_current="page").text) == ("Sync", "Sync")
    (setting,) = org.storage.rows("SELECT Id FROM PermissionSetTabSetting WHERE Name = 'Sync'")
    org.update("PermissionSetTabSetting", str(setting[0]), {"Visibility": "Available"})
    page = await outsider.get("/home/showAllTabs.jsp")
    assert page.tabs == ["Contacts", "Accounts", "Reports", "All Tabs"]
    assert page.links["Sync"] == "/lightning/n/Sync"
    await outsider.log_in("nell@example.org")
    page = await outsider.get("/home/showAllTabs.jsp")
    assert "Sync" not in page.links
    assert (await outsider.get("/lightning/n/Sync")).status == 403
    assert str((await outsider.get("/lightning/n/sync")).url).startswith(BASE)


@given(st.dictionaries(st.text(), st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)))  # fmt: skip
def test_every_json_object_is_read_as_itself(value: dict[str, object]) -> None:
    assert json.loads(as_json(json.dumps(value)) or "") == value


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("", {}),
        ("{}", {}),
        ("{view:'panel'}", {"view": "panel"}),
        ("{ $a_1 : 'it\\'s \"so\"', b : [1, -2.5, {c: null}] }", {"$a_1": 'it\'s "so"', "b": [1, -2.5, {"c": None}]}),
        ('{"a": \'{"b": "c"}\'}', {"a": '{"b": "c"}'}),
    ],
)
def test_literals_of_javascript_are_read_too(literal: str, value: object) -> None:
    assert json.loads(as_json(literal) or "") == value


@pytest.mark.parametrize("literal", ["[]", "'a'", "{a:}", "{a:1", "alert(1)", "{a: 1 + 1}", "{" * 5000])
def test_what_is_no_object_is_none(literal: str) -> None:
    assert as_json(literal) is None


@given(st.text())
def test_what_is_encoded_for_a_literal_comes_back_whole(text: str) -> None:
    literal = merged("{name: '{!JSENCODE(x)}'}", lambda name: text if name == "x" else None)
    assert json.loads(as_json(literal) or "") == {"name": text}
    assert "<" not in literal


@given(st.text())
def test_expressions_are_merged_or_named_as_not_emulated(text: str) -> None:
    with suppress(ApiError):
        found = merged(f"a{{!{text}}}b", lambda name: "v" if name == "known" else None)
        assert found.startswith("a")


@pytest.mark.parametrize(
    "text", ["", "<p/>", "<apex:page>", "<!DOCTYPE a [<!ENTITY x 'y'>]><apex:page>&x;</apex:page>", "<a>" * 99]
)
def test_markup_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadMarkup):
        read_markup(text)
