"""Canvas: the signed request, the page that posts it, and what may be wrong with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest

from hintsync_emulators.salesforce import App, ManualClock, Org
from hintsync_emulators.salesforce.metadata.apps import credentials
from hintsync_emulators.salesforce.steering import OrgSteering
from tests.emulators.metadata.deploying import RestDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES

PAGE = "/_emulator/canvas"
CONTROL = "/_control/canvas"
URL = "https://sync.example.com/canvas"


class _Elements(HTMLParser):
    """Every element of a page with its attributes, and the texts between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def one(self, tag: str) -> dict[str, str | None]:
        (found,) = [attributes for each, attributes in self.found if each == tag]
        return found


def accepted(signed_request: str, secret: str) -> dict[str, object] | None:
    """Read a signed request as a receiver must: check the still encoded envelope, then decode it."""
    signature, _, encoded = signed_request.partition(".")
    expected = hmac.new(secret.encode(), encoded.encode(), hashlib.sha256).digest()
    try:
        given = base64.b64decode(signature, validate=True)
    except ValueError:
        return None
    if not hmac.compare_digest(given, expected):
        return None
    content: dict[str, object] = json.loads(base64.b64decode(encoded, validate=True))
    return content


@pytest.fixture
async def secret(outside: httpx.AsyncClient) -> str:
    """The consumer secret of an app named Panel, given by the control API."""
    body = {"url": URL, "locations": ["Visualforce", "Publisher"], "label": "Hint Panel"}
    answer = await outside.put(f"{CONTROL}/apps/Panel", json=body)
    return str(answer.json()["client_secret"])


async def opened(outside: httpx.AsyncClient, **params: str) -> str:
    """Return the signed request in the page that shows Panel."""
    answer = await outside.get(PAGE, params={"app": "Panel", **params})
    assert answer.status_code == 200, answer.text
    return str(_Elements(answer.text).one("input")["value"])


async def content(outside: httpx.AsyncClient, secret: str, **params: str) -> dict[str, object]:
    found = accepted(await opened(outside, **params), secret)
    assert found is not None
    return found


async def test_the_signature_is_made_with_the_apps_secret_over_the_encoded_envelope(
    outside: httpx.AsyncClient, secret: str
) -> None:
    signed = await opened(outside)
    assert accepted(signed, secret)
    assert accepted(signed, f"{secret}x") is None
    signature, _, envelope = signed.partition(".")
    assert accepted(f"{signature}.{envelope[:-4]}AAAA", secret) is None


async def test_the_context_names_user_org_app_and_place(outside: httpx.AsyncClient, org: Org, secret: str) -> None:
    found = await content(outside, secret, location="Publisher", theme="Theme3")
    context = found["context"]
    assert isinstance(context, dict)
    assert set(found) == {"algorithm", "issuedAt", "userId", "client", "context"}
    assert (found["algorithm"], found["issuedAt"], found["userId"]) == ("HMACSHA256", None, org.user_id)
    assert set(context) == {"user", "links", "application", "organization", "environment"}
    assert context["user"]["userName"] == "integration@example.org"
    assert context["user"]["fullName"] == "Ina Integration"
    assert context["organization"]["organizationId"] == org.org_id
    assert context["organization"]["name"] == "Emulated Clinic"
    assert context["application"]["developerName"] == "Panel"
    assert context["application"]["name"] == "Hint Panel"
    assert context["application"]["canvasUrl"] == URL
    assert context["application"]["authType"] == "SIGNED_REQUEST"
    environment = context["environment"]
    assert (environment["displayLocation"], environment["uiTheme"]) == ("Publisher", "Theme3")
    assert (environment["parameters"], environment["record"]) == ({}, {})
    assert environment["dimensions"]["maxWidth"] == "522px"
    assert environment["version"] == {"api": "68.0", "season": "WINTER"}


async def test_links_lead_to_apis_that_answer(outside: httpx.AsyncClient, secret: str) -> None:
    found = await content(outside, secret)
    client, context = found["client"], found["context"]
    assert isinstance(client, dict)
    assert isinstance(context, dict)
    links = context["links"]
    headers = {"Authorization": f"Bearer {client['oauthToken']}"}
    for name in ("restUrl", "sobjectUrl"):
        answer = await outside.get(f"{client['instanceUrl']}{links[name]}", headers=headers)
        assert answer.status_code == 200, name
    answer = await outside.get(links["queryUrl"], params={"q": "SELECT Id FROM Contact"}, headers=headers)
    assert answer.json()["done"] is True


async def test_the_token_is_the_users_and_opaque(outside: httpx.AsyncClient, org: Org, secret: str) -> None:
    other = org.insert("User", {"LastName": "Roe", "Username": "roe@example.org", "Email": "roe@example.org"})
    found = await content(outside, secret, user="roe@example.org")
    client = found["client"]
    assert isinstance(client, dict)
    assert found["userId"] == other
    assert client["oauthToken"].startswith(f"{org.org_id[:15]}!")
    headers = {"Authorization": f"Bearer {client['oauthToken']}"}
    seen = (await outside.get("/services/oauth2/userinfo", headers=headers)).json()
    assert (seen["user_id"], seen["organization_id"]) == (other, org.org_id)
    by_id = await content(outside, secret, user=other[:15])
    assert by_id["userId"] == other


async def test_a_refresh_token_comes_with_its_scope_only(outside: httpx.AsyncClient, org: Org, secret: str) -> None:
    client = (await content(outside, secret))["client"]
    assert isinstance(client, dict)
    form = {"grant_type": "refresh_token", "client_id": credentials(org, "Panel")[0], "client_secret": secret}
    answer = await outside.post("/services/oauth2/token", data={**form, "refresh_token": client["refreshToken"]})
    assert answer.status_code == 200
    org.auth.register([App("narrow", "s", scope="api openid")])
    await outside.put(f"{CONTROL}/apps/Panel", json={"url": URL, "client_id": "narrow"})
    narrow = (await content(outside, "s"))["client"]
    assert isinstance(narrow, dict)
    assert "refreshToken" not in narrow
    assert org.auth.sessions[narrow["oauthToken"]].scope == "api openid"


async def test_the_record_carries_the_fields_that_the_place_names(
    outside: httpx.AsyncClient, org: Org, secret: str
) -> None:
    contact = org.insert("Contact", {"FirstName": "Ada", "LastName": "Moor", "Email": "ada@example.com"})

    async def record(**params: str) -> dict[str, object]:
        context = (await content(outside, secret, record=contact[:15], **params))["context"]
        assert isinstance(context, dict)
        found: dict[str, object] = context["environment"]["record"]
        return found

    url = f"/services/data/v68.0/sobjects/Contact/{contact}"
    bare = {"attributes": {"type": "Contact", "url": url}, "Id": contact}
    assert await record() == bare
    assert await record(fields="id, email, Nothing__c") == {**bare, "Email": "ada@example.com"}
    assert (await record(fields="*"))["LastName"] == "Moor"


async def test_the_action_and_the_parameters_reach_the_app(outside: httpx.AsyncClient, secret: str) -> None:
    context = (await content(outside, secret, action="sync", parameters='{"view": "panel", "n": 1}'))["context"]
    assert isinstance(context, dict)
    assert context["environment"]["parameters"] == {"view": "panel", "n": 1, "action": "sync"}


async def test_the_page_posts_into_a_frame_without_cookies_and_lets_nothing_else_happen(
    outside: httpx.AsyncClient, secret: str
) -> None:
    answer = await outside.get(PAGE, params={"app": "Panel"})
    page = _Elements(answer.text)
    form, frame = page.one("form"), page.one("iframe")
    assert (form["method"], form["action"], form["target"]) == ("post", URL, frame["name"])
    assert "credentialless" in frame
    assert "src" not in frame
    assert "Emulated Salesforce." in page.texts
    policy = dict(one.partition(" ")[::2] for one in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["form-action"] == policy["frame-src"] == "https://sync.example.com"
    script = answer.text.partition("<script>")[2].partition("</script>")[0]
    assert policy["script-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    assert answer.headers["Referrer-Policy"] == "origin"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_an_app_of_the_oauth_kind_gets_a_plain_get(outside: httpx.AsyncClient, org: Org) -> None:
    body = {"url": f"{URL}?a=1&b=2#part", "access_method": "Get"}
    await outside.put(f"{CONTROL}/apps/Panel", json=body)
    before = len(org.auth.sessions)
    answer = await outside.get(PAGE, params={"app": "Panel"})
    assert _Elements(answer.text).one("iframe")["src"] == f"{URL}?a=1&b=2"
    assert "signed_request" not in answer.text
    assert len(org.auth.sessions) == before


async def test_a_deployed_app_is_shown_to_those_whom_an_administrator_has_approved(
    outside: httpx.AsyncClient, api: httpx.AsyncClient, org: Org
) -> None:
    assert (await RestDeployer(api).deploy(zipped(FILES, TYPES))).success
    refused = await outside.get(PAGE, params={"app": "Sync_App"})
    assert refused.status_code == 403
    assert "not admin approved" in refused.text
    (permission_set,) = org.storage.ids_where("PermissionSet", "Name", "Sync", live_only=False)
    org.insert("PermissionSetAssignment", {"AssigneeId": org.user_id, "PermissionSetId": permission_set})
    answer = await outside.get(PAGE, params={"app": "Sync_App"})
    found = accepted(str(_Elements(answer.text).one("input")["value"]), credentials(org, "Sync_App")[1])
    assert found is not None
    context = found["context"]
    assert isinstance(context, dict)
    assert (context["application"]["name"], context["application"]["canvasUrl"]) == ("Sync App", URL)
    listed = (await outside.get(CONTROL)).json()["apps"]
    assert [one["name"] for one in listed] == ["Sync_App"]


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({}, 404, "no canvas app ''; it has: Panel"),
        ({"app": "Other"}, 404, "no canvas app 'Other'; it has: Panel"),
        ({"app": "Panel", "record": "003000000000001AAA"}, 404, "no record"),
        ({"app": "Panel", "record": "x"}, 404, "no record 'x'"),
        ({"app": "Panel", "user": "nobody"}, 404, "no user 'nobody'"),
        ({"app": "Panel", "location": "MobileNav"}, 409, "but at Visualforce, Publisher"),
        ({"app": "Panel", "theme": "Theme9"}, 400, "theme is one of"),
        ({"app": "Panel", "parameters": "[1]"}, 400, "must be a JSON object"),
        ({"app": "Panel", "parameters": '{"a":' * 200 + "1" + "}" * 200}, 400, "must be a JSON object"),
    ],
)
async def test_what_cannot_be_shown_says_why(
    outside: httpx.AsyncClient, secret: str, params: dict[str, str], status: int, says: str
) -> None:
    answer = await outside.get(PAGE, params=params)
    assert answer.status_code == status
    assert says in unescape(answer.text)
    assert "signed_request" not in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_deleted_record_is_not_shown(outside: httpx.AsyncClient, org: Org, secret: str) -> None:
    contact = org.insert("Contact", {"LastName": "Moor"})
    org.delete("Contact", contact)
    assert (await outside.get(PAGE, params={"app": "Panel", "record": contact})).status_code == 404


async def test_an_inactive_user_is_not_let_in(outside: httpx.AsyncClient, org: Org, secret: str) -> None:
    user = org.insert("User", {"LastName": "Roe", "Username": "roe@example.org", "Email": "roe@example.org"})
    org.update("User", user, {"IsActive": False})
    assert (await outside.get(PAGE, params={"app": "Panel", "user": user})).status_code == 403


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"url": "javascript:alert(1)"},
        {"url": "https://a.example;script-src *"},
        {"url": "https://user@a.example/"},
        {"url": "https://[::1/"},
        {"url": URL, "locations": "Visualforce"},
        {"url": URL, "locations": ["Moon"]},
        {"url": URL, "access_method": "Put"},
        {"url": URL, "client_id": "unknown"},
        {"url": URL, "label": 1},
        {"url": URL, "colour": "red"},
    ],
)
async def test_the_control_api_refuses_an_app_that_cannot_be_shown(
    outside: httpx.AsyncClient, broken: dict[str, object]
) -> None:
    assert (await outside.put(f"{CONTROL}/apps/Panel", json=broken)).status_code == 400
    assert (await outside.get(CONTROL)).json()["apps"] == []


async def test_names_and_values_never_become_markup(outside: httpx.AsyncClient, org: Org) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x>"
    contact = org.insert("Account", {"Name": evil})
    body = {"url": 'https://sync.example.com/"><img src=x>', "label": evil}
    await outside.put(f"{CONTROL}/apps/Panel", json=body)
    params = {"app": "Panel", "record": contact, "fields": "Name", "action": evil}
    for more in ({}, {"user": evil}, {"location": evil}, {"app": evil}):
        page = _Elements((await outside.get(PAGE, params={**params, **more})).text)
        tags = [tag for tag, _ in page.found]
        assert "img" not in tags
        assert tags.count("script") == (0 if more else 1)


@pytest.mark.parametrize("fault", ["wrong_secret", "truncated"])
async def test_a_spoiled_signature_is_not_accepted_once(outside: httpx.AsyncClient, secret: str, fault: str) -> None:
    await outside.put(f"{CONTROL}/faults", json={fault: 1})
    assert accepted(await opened(outside), secret) is None
    assert accepted(await opened(outside), secret)


async def test_an_old_request_says_so_and_is_signed_well(
    outside: httpx.AsyncClient, clock: ManualClock, secret: str
) -> None:
    await outside.put(f"{CONTROL}/faults", json={"old": 1})
    found = await content(outside, secret)
    assert found["issuedAt"] == (clock().timestamp() - 86_400) * 1000


async def test_another_orgs_id_is_signed_well(outside: httpx.AsyncClient, org: Org, secret: str) -> None:
    await outside.put(f"{CONTROL}/faults", json={"other_org": 1})
    context = (await content(outside, secret))["context"]
    assert isinstance(context, dict)
    other = context["organization"]["organizationId"]
    assert other != org.org_id
    assert len(other) == 18
    assert context["links"]["partnerUrl"].endswith(other[:15])


async def test_faults_end_when_they_are_taken_back_or_everything_is_reset(
    outside: httpx.AsyncClient, secret: str
) -> None:
    for end in (("DELETE", f"{CONTROL}/faults"), ("POST", "/_control/reset")):
        await outside.put(f"{CONTROL}/faults", json={"wrong_secret": 5, "truncated": 5})
        await outside.request(*end)
        assert set((await outside.get(CONTROL)).json()["faults"].values()) == {0}
        assert accepted(await opened(outside), secret)
    assert (await outside.put(f"{CONTROL}/faults", json={"late": 1})).status_code == 400
    assert (await outside.put(f"{CONTROL}/faults", json={"old": -1})).status_code == 400


async def test_a_signed_request_is_had_without_its_page(outside: httpx.AsyncClient, secret: str) -> None:
    answer = (await outside.post(f"{CONTROL}/request", json={"app": "Panel", "action": "sync"})).json()
    assert answer["url"] == URL
    assert accepted(answer["signed_request"], secret)
    assert (await outside.post(f"{CONTROL}/request", json={"app": "Other"})).status_code == 404
    assert (await outside.post(f"{CONTROL}/request", json={"app": 1})).status_code == 400


async def test_a_given_app_can_be_forgotten_and_follows_its_clients_secret(
    outside: httpx.AsyncClient, org: Org, secret: str
) -> None:
    org.auth.register([App(credentials(org, "Panel")[0], "rotated")])
    assert accepted(await opened(outside), "rotated")
    assert (await outside.delete(f"{CONTROL}/apps/Panel")).status_code == 204
    assert (await outside.delete(f"{CONTROL}/apps/Panel")).status_code == 404
    assert (await outside.get(PAGE, params={"app": "Panel"})).status_code == 404


async def test_a_snapshot_keeps_given_apps(outside: httpx.AsyncClient, org: Org, secret: str) -> None:
    steering = OrgSteering(org)
    kept = steering.snapshot()
    await outside.delete(f"{CONTROL}/apps/Panel")
    steering.restore(kept)
    assert accepted(await opened(outside), secret)


@pytest.mark.parametrize("hidden", [True, False])
async def test_a_field_that_is_kept_from_the_user_is_kept_from_the_request(
    outside: httpx.AsyncClient, org: Org, secret: str, add_field: Callable[..., None], hidden: bool
) -> None:
    add_field("Key__c")
    contact = org.insert("Contact", {"LastName": "Moor", "Key__c": "k"})
    if hidden:
        org.enable("FieldLevelSecurity")
    context = (await content(outside, secret, record=contact, fields="Key__c"))["context"]
    assert isinstance(context, dict)
    assert ("Key__c" in context["environment"]["record"]) is not hidden
