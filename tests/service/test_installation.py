"""Installing our pages in an org: key and secret, permission sets, layouts; again, interrupted, only checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hintsync.core.errors import BadInput, FixConfiguration, HintsyncError
from hintsync.logins import CANVAS_APP, CanvasApp, pack_canvas_app, unpack_canvas_app
from hintsync.replicas.salesforce.page_names import ADMIN_SET, USER_SET
from hintsync.setup.installation import PAGES_FACT, Grants, Installed, Wish, install_pages, new_canvas_app
from hintsync_emulators.control import Controlled, Failure
from hintsync_emulators.salesforce.canvas.apps import every
from hintsync_emulators.salesforce.canvas.kept import CanvasApp as Shown
from tests.engine.wire import Wire, wired
from tests.replicas.clock import HeldClock

URL = "https://sync.clinic.example"


@dataclass
class Site:
    """A connected org, and a hand in what goes wrong."""

    wire: Wire

    async def install(self, public_url: str = URL, **wish: object) -> Installed:
        connection = await self.wire.service.connection()
        return await install_pages(self.wire.service, connection, Wish(public_url, **wish))  # type: ignore[arg-type]

    async def stored(self) -> CanvasApp | None:
        connection = await self.wire.service.connection()
        raw = await self.wire.service.store.secret(connection.id, CANVAS_APP)
        return unpack_canvas_app(raw) if raw else None

    def shown(self) -> Shown:
        [app] = every(self.wire.org)
        return app

    def layout(self) -> bytes:
        found = self.wire.org.components.get("Layout", "Contact-Contact Layout")
        assert found is not None
        return found.xml

    def person(self, first: str, profile: str = "Standard User") -> str:
        org = self.wire.org
        profile_id = org.storage.ids_where("Profile", "Name", profile, live_only=False)[0]
        name = f"{first.lower()}@clinic.example"
        org.insert(
            "User", {"Username": name, "FirstName": first, "LastName": "Moor", "Email": name, "ProfileId": profile_id}
        )
        return name

    def holders(self, permission_set: str) -> set[str]:
        sql = (
            'SELECT u.Username FROM "User" u JOIN PermissionSetAssignment a ON a.AssigneeId = u.Id'
            " JOIN PermissionSet p ON p.Id = a.PermissionSetId WHERE p.Name = ?"
        )
        return {str(row[0]) for row in self.wire.org.storage.rows(sql, (permission_set,))}

    @property
    def faults(self) -> list[Failure]:
        transport = self.wire.service.transports.salesforce
        assert isinstance(transport, httpx.ASGITransport)
        assert isinstance(transport.app, Controlled)
        return transport.app.faults.fail_next

    @property
    def owner(self) -> str:
        return str(self.wire.org.get("User", self.wire.org.user_id)["Username"])


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with wired(tmp_path) as wire:
        wire.service.clock = HeldClock()  # waits between repeats take no time
        yield Site(wire)


async def test_m1_the_org_shows_our_app_with_the_key_that_we_keep(site: Site) -> None:
    installed = await site.install()
    app = await site.stored()
    assert app is not None
    assert site.shown().client is not None
    assert (site.shown().client.client_id, site.shown().client.client_secret) == (app.consumer_key, app.consumer_secret)
    assert site.shown().url == f"{URL}/canvas"
    assert installed.layouts is not None
    assert (installed.layouts.changed, installed.key_missing) == (("Contact Layout",), False)
    assert b"<page>Hintsync_Panel</page>" in site.layout()
    fact = (await site.wire.service.connection()).facts[PAGES_FACT]
    report = site.wire.org.components.get("Report", "Hint_Sync/Batch_Results")
    assert report is not None
    assert fact == {"public_url": URL, "report_id": report.id}


async def test_m1_installing_again_changes_nothing_but_what_was_moved(site: Site) -> None:
    await site.install()
    before, layout = await site.stored(), site.layout()
    again = await site.install("https://new.clinic.example/")
    assert await site.stored() == before
    assert site.layout() == layout
    assert again.deployed.created == frozenset()
    assert sum(again.granted.values()) == 0
    assert site.shown().url == "https://new.clinic.example/canvas"


@pytest.mark.slow
async def test_m1_interrupted_at_any_call_it_comes_to_the_same_end(site: Site) -> None:
    site.person("Finn")
    for calls in range(200):
        site.faults.append(Failure(drop=True, after_commit=calls % 2 == 0, skip=calls, times=10_000))
        try:
            await site.install(grants=Grants(everybody=True))
        except HintsyncError:
            interrupted = True
        else:
            interrupted = False
        site.faults.clear()
        key = await site.stored()
        await site.install(grants=Grants(everybody=True))
        assert key in (None, await site.stored())
        assert site.layout().count(b"<page>Hintsync_Panel</page>") == 1
        assert site.holders(USER_SET) == {"finn@clinic.example"}
        if not interrupted:
            assert calls > 15
            return
    pytest.fail("it never got through")


async def test_m20_people_get_what_the_administrator_chose_and_nobody_loses_anything(site: Site) -> None:
    ida, finn, nell = site.person("Ida", "System Administrator"), site.person("Finn"), site.person("Nell")
    await site.install()
    assert (site.holders(ADMIN_SET), site.holders(USER_SET)) == ({ida, site.owner}, set())
    named = Grants(administrators=False, users={USER_SET: (finn,)})
    assert (await site.install(grants=named)).granted == {USER_SET: 1}
    assert site.holders(USER_SET) == {finn}
    await site.install(grants=Grants(profiles=("Standard User",)))
    assert site.holders(USER_SET) == {finn, nell}
    await site.install()
    assert site.holders(USER_SET) == {finn, nell}


async def test_what_is_only_checked_leaves_the_org_and_the_store_as_they_were(site: Site) -> None:
    first = await site.install(check_only=True)
    assert first.deployed.created
    assert (first.layouts, await site.stored()) == (None, None)
    assert every(site.wire.org) == []
    await site.install()
    layout = site.layout()
    second = await site.install("https://new.clinic.example", check_only=True)
    assert second.layouts is not None
    assert (second.deployed.created, site.layout()) == (frozenset(), layout)
    assert site.shown().url == f"{URL}/canvas"


async def test_a_key_that_the_org_made_is_copied_by_the_administrator_and_checked(site: Site) -> None:
    assert (await site.install(org_makes_key=True)).key_missing
    assert await site.stored() is None
    made = site.shown().client
    assert made is not None
    with pytest.raises(
        FixConfiguration, match=f"another key for the app Hintsync, which ends in {made.client_id[-6:]}"
    ):
        await site.install(app=CanvasApp("3MVG9wrong", "secret"))
    assert await site.stored() is None, "a key that is known to be wrong is not kept"
    copied = CanvasApp(made.client_id, made.client_secret)
    assert not (await site.install(app=copied)).key_missing
    assert await site.stored() == copied
    await site.install()  # and the org keeps its own
    assert site.shown().client == made
    with pytest.raises(FixConfiguration, match="another key"):
        await site.install(app=CanvasApp("3MVG9wrong", "secret"))
    assert await site.stored() == copied, "a slip costs nothing"


async def test_our_key_is_forgotten_when_the_org_has_made_its_own_all_the_same(site: Site) -> None:
    site.wire.org.takes_consumer_keys = False
    with pytest.raises(FixConfiguration, match="below “The org made its own key for our app”"):
        await site.install()
    assert await site.stored() is None


async def test_what_does_not_exist_is_refused_before_anything_is_done(site: Site) -> None:
    for problem, url, wish in (
        ("expected an https:// address", "http://clinic.example", {}),
        ("no profile Nurses", URL, {"grants": Grants(profiles=("Nurses",))}),
        ("no active user of the org is called joe", URL, {"grants": Grants(users={USER_SET: ("joe",)})}),
        ("no page layout Nurses", URL, {"layouts": ("Nurses",)}),
    ):
        with pytest.raises(BadInput, match=problem):
            await site.install(url, **wish)
    assert await site.stored() is None
    assert every(site.wire.org) == []


def test_keys_of_ours_are_never_the_same_and_hold_what_salesforce_takes() -> None:
    first, second = new_canvas_app(), new_canvas_app()
    assert first != second
    assert all(text.isalnum() and 8 <= len(text) <= 256 for text in (first.consumer_key, first.consumer_secret))
    assert first.consumer_secret not in repr(first)


def test_a_stored_key_is_read_back_and_a_broken_one_refused() -> None:
    app = new_canvas_app()
    assert unpack_canvas_app(pack_canvas_app(app)) == app
    for broken in (
        b"",
        b"{}",
        b"[]",
        b'{"consumer_key": "", "consumer_secret": "x"}',
        b'{"consumer_key": 1, "consumer_secret": 2}',
    ):
        with pytest.raises(FixConfiguration, match="install again"):
            unpack_canvas_app(broken)
