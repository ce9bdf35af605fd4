"""Every page, with whatever addresses, fields and people there may be: an answer that is a whole page, never an error."""

from __future__ import annotations

import asyncio
import os
import re
from inspect import signature
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hintsync_emulators.salesforce import Org, create_app
from hintsync_emulators.salesforce.pages.dispatch import handler_of
from hintsync_emulators.salesforce.pages.urls import ROUTES, owns
from tests.emulators.metadata.deploying import RestDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES
from tests.emulators.pages.conftest import BASE, TOKEN
from tests.emulators.pages.reading import Browser, Page

EXAMPLES = int(os.environ.get("HINTSYNC_FUZZ_EXAMPLES", "6")) * 50
NAMES = ["q", "page", "filterName", "fv0", "id", "inline", "with", "recordId", "startURL", "enc", "said", "username",
         "LastName", "was.LastName", "AccountId", "was.AccountId", "Birthdate", "was.Birthdate", "master", "keep.Email",
         "permissionSet", "assignment", "insist", "name", "first", "columns", "field", "operator", "value"]  # fmt: skip
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["1", "-1", "99999999999999999999", "'", "%", "\\", "\x00", "<b>", "None"]
)


def test_every_page_is_there_and_says_what_it_does() -> None:
    for route in ROUTES:
        handler = handler_of(route.handler)
        assert list(signature(handler).parameters) == ["click"]
        assert (handler.__doc__ or "").strip()
        assert owns(re.sub(r"\{prefix\}", "003", re.sub(r"\{record_id\}", "003000000000001", route.path)))


def test_what_changes_anything_is_a_post_and_needs_a_login() -> None:
    for route in ROUTES:
        changing = route.handler.name in (
            "enter", "leave", "create", "save", "delete", "undelete", "merge", "assign", "unassign",
        )  # fmt: skip
        assert (route.method == "POST") == changing
        assert route.guarded or route.handler.name in ("ask", "enter", "leave", "asset")


class _World:
    """An org with a little of everything, and somebody who is logged in."""

    def __init__(self) -> None:
        self.org = Org(seed=3, token=TOKEN, features=["MiddleName"])
        self.app = create_app(self.org)
        account = self.org.insert("Account", {"Name": "<Moors>"})
        people = [self.org.insert("Contact", {"LastName": name, "AccountId": account}) for name in ("Ada", "Bo", "Cy")]
        self.org.delete("Contact", people[2])
        self.ids = [account, *people, self.org.user_id]

    async def begin(self) -> Browser:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"{BASE}/services/data/v67.0", headers=headers
        ) as api:
            await RestDeployer(api).deploy(zipped(FILES, TYPES))
        (sync,) = self.org.storage.ids_where("PermissionSet", "Name", "Sync", live_only=False)
        self.org.insert("PermissionSetAssignment", {"AssigneeId": self.org.user_id, "PermissionSetId": sync})
        log = self.org.insert("Sync_Log__c", {"Contact__c": self.ids[1], "Level__c": "Error"})
        self.ids += [log, sync, *(each.id for each in self.org.components.all("Report"))]
        browser = Browser(httpx.AsyncClient(transport=transport, base_url=BASE))
        await browser.log_in()
        return browser


def test_no_address_and_no_form_breaks_a_page() -> None:
    world = _World()
    known = {"object": ["Contact", "Account", "Sync_Log__c", "User", "Report"], "tab": ["Sync", "Sync_Log__c"],
             "page": ["Panel"], "action": ["Contact.Sync_Now", "Sync_Now"], "file": ["page.css", "__init__.py"],
             "prefix": ["003", "005"]}  # fmt: skip

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        st.sampled_from(ROUTES), st.data(), st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4), st.booleans()
    )
    def run(route: object, data: st.DataObject, given_fields: dict[str, str], honest: bool) -> None:
        path = route.path  # type: ignore[attr-defined]
        for name in re.findall(r"\{(\w+)(?:\.\.\.)?\}", path):
            drawn = data.draw(st.sampled_from([*known.get(name, world.ids), *world.ids]) | TEXTS, label=name)
            path = re.sub(rf"\{{{name}(\.\.\.)?\}}", lambda _, text=drawn: quote(text, safe=""), path, count=1)
        fields = {name: data.draw(st.sampled_from([value, *world.ids])) for name, value in given_fields.items()}
        answer = loop.run(send(route.method, path, fields, honest))  # type: ignore[attr-defined]
        assert answer.status_code in (200, 303, 400, 403, 404, 405, 501), f"{path} {answer.text[:500]}"
        kind = answer.headers.get("content-type", "")
        if kind.startswith("text/html"):
            page = Page(answer)
            assert page.root.one("h1").text
            assert len(page.root.all("script")) == 1
            assert not page.root.all("b")

    async def send(method: str, path: str, fields: dict[str, str], honest: bool) -> httpx.Response:
        client = browser.client
        if not client.cookies:
            await browser.log_in()
        if method == "GET":
            return await client.get(path, params=fields)
        if honest:
            fields = {**fields, "csrf": await browser.csrf()}
        return await client.post(path, data=fields)

    with asyncio.Runner() as loop:
        browser = loop.run(world.begin())
        run()
        loop.run(browser.client.aclose())
    world.org.close()
