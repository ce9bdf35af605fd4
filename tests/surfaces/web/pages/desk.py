"""A desk in the clinic: people with permission sets in the emulated org, who open our pages as a browser does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hintsync.engine.options import Options
from hintsync.logins import CANVAS_APP, CanvasApp, pack_canvas_app
from hintsync.surfaces.web.access.roles import ADMINISTRATOR_SET, USER_SET
from hintsync_emulators.salesforce import Org
from tests.surfaces.web.house import PUBLIC, House, opened

ORG = "http://127.0.0.1:9"
APP = "Hintsync"
_TOKEN = re.compile(r'name="hintsync-token" content="([^"]+)"')


def new_user(org: Org, first: str, last: str, permission_set: str | None = None) -> str:
    """Create a person in the org; returns the user's id."""
    like = org.storage.fetch("User", [org.user_id])[org.user_id]
    name = f"{first}.{last}".lower()
    user_id = org.insert(
        "User",
        {
            "FirstName": first,
            "LastName": last,
            "Username": f"{name}@clinic.example",
            "Email": f"{name}@clinic.example",
            "Alias": last[:8].lower(),
            "ProfileId": like["ProfileId"],
            "TimeZoneSidKey": "America/Chicago",
            "LocaleSidKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
        },
    )
    if permission_set:
        assign(org, user_id, permission_set)
    return user_id


def assign(org: Org, user_id: str, permission_set: str) -> str:
    """Give somebody a permission set, made first if the org has none of that name; returns the assignment's id."""
    found = org.storage.ids_where("PermissionSet", "Name", permission_set, live_only=False)
    set_id = found[0] if found else org.insert("PermissionSet", {"Name": permission_set, "Label": permission_set})
    return org.insert("PermissionSetAssignment", {"AssigneeId": user_id, "PermissionSetId": set_id})


@dataclass(slots=True)
class Person:
    """Somebody at the desk, as their browser holds our page."""

    house: House
    user_id: str
    token: str = ""
    #: What the latest answer was.
    latest: httpx.Response | None = field(default=None, repr=False)

    async def open(self, view: str = "home", contact: str = "") -> httpx.Response:
        """Open one of our pages inside Salesforce."""
        signed = await self.signed_request(view, contact)
        answer = await self.house.http.post("/canvas", data={"signed_request": signed})
        return self._took(answer)

    async def signed_request(self, view: str = "home", contact: str = "") -> str:
        """Return a signed request as the org makes it."""
        body = {"app": APP, "user": self.user_id, "record": contact, "parameters": f'{{"view": "{view}"}}'}
        transport = self.house.wire.service.transports.salesforce
        async with httpx.AsyncClient(transport=transport, base_url=ORG) as org:
            answer = await org.post("/_control/canvas/request", json={k: v for k, v in body.items() if v})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["signed_request"])

    async def get(self, path: str, **query: str) -> httpx.Response:
        """Fetch a page below the connection."""
        headers = {"Authorization": f"Bearer {self.token}", "X-Hintsync-Fetch": "1"}
        return self._took(await self.house.http.get(f"/c/demo{path}", params=query, headers=headers))

    async def post(self, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a form; the answer is not followed."""
        headers = {"Authorization": f"Bearer {self.token}", "X-Hintsync-Fetch": "1"}
        return self._took(
            await self.house.http.post(f"/c/demo{path}", data=dict(form or {}) or {"": ""}, headers=headers)
        )

    async def act(self, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a form and follow to the page that it ends at."""
        answer = await self.post(path, form)
        if answer.status_code != 303:
            return answer
        headers = {"Authorization": f"Bearer {self.token}", "X-Hintsync-Fetch": "1"}
        return self._took(await self.house.http.get(answer.headers["location"], headers=headers))

    def _took(self, answer: httpx.Response) -> httpx.Response:
        found = _TOKEN.search(answer.text) if answer.headers.get("content-type", "").startswith("text/html") else None
        self.token = answer.headers.get("X-Hintsync-Token") or (found.group(1) if found else self.token)
        self.latest = answer
        return answer


@dataclass(slots=True)
class Desk:
    """Everybody at the clinic who matters to our pages."""

    house: House
    #: Has the administrator's permission set.
    administrator: Person
    #: Has the user's permission set.
    front_desk: Person
    #: Has none of our permission sets.
    stranger: Person


@asynccontextmanager
async def at_desk(
    folder: Path, *, options: Options | None = None, database_url: str = "memory:"
) -> AsyncIterator[Desk]:
    """Serve the pages over both emulators, with three people in the org."""
    async with opened(folder, options=options, database_url=database_url) as house:
        org = house.wire.org
        people = [
            new_user(org, "Ada", "Marlow", ADMINISTRATOR_SET),
            new_user(org, "Finn", "Tolliver", USER_SET),
            new_user(org, "Nell", "Ostrander"),
        ]
        async with httpx.AsyncClient(transport=house.wire.service.transports.salesforce, base_url=ORG) as control:
            body = {"url": f"{PUBLIC}/canvas", "locations": ["Visualforce"], "label": "hintsync"}
            given = (await control.put(f"/_control/canvas/apps/{APP}", json=body)).json()
        app = CanvasApp(given["client_id"], given["client_secret"])
        await house.wire.service.store.put_secret("demo", CANVAS_APP, pack_canvas_app(app))
        yield Desk(house, *(Person(house, user_id) for user_id in people))
