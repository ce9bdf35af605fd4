"""Uninstalling: the org as it was but for what is said, no token that works, interrupted anywhere the same end (M19, T22)."""

from __future__ import annotations

import csv
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from hintsync.bootstrap import open_engine, open_partner
from hintsync.core.errors import FixConfiguration, HintsyncError, NotConnected, ReconnectNeeded
from hintsync.core.records import Link, LinkStatus
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.detect.webhooks import register_webhook
from hintsync.engine.guards.stops import resume
from hintsync.logins import (
    CANVAS_APP,
    HINT_TOKEN,
    SALESFORCE_LOGIN,
    WithToken,
    has_ended,
    pack_login,
    unpack_canvas_app,
    unpack_login,
)
from hintsync.replicas.salesforce.metadata_soap import Files
from hintsync.replicas.salesforce.removal import shipped
from hintsync.setup.connecting import connect
from hintsync.setup.installation import Grants, Wish, install_pages, prepare_org
from hintsync.setup.uninstallation import HEADER, Leave, Uninstalled, uninstall
from hintsync.state.port import RunStatus
from hintsync_emulators.control import Controlled, Failure
from hintsync_emulators.salesforce import Org
from tests.engine.wire import INSTANCE, TOKEN, Wire, wired
from tests.metadata_files import changed_files, files_of_the_org
from tests.replicas.clock import HeldClock

URL = "https://sync.clinic.example"
#: Type and full name to what a component is.
Metadata = Mapping[tuple[str, str], bytes]


def metadata(org: Org) -> Metadata:
    return {(one.kind, one.name): one.xml + (one.body or b"") for one in org.components.everything()}


@dataclass
class Site:
    """A connected, installed org and practice, and a hand in what goes wrong."""

    wire: Wire
    before: Metadata = field(default_factory=dict)
    #: Key of our app, as it was last installed.
    app_key: str = ""

    async def install(self) -> None:
        """Install everything, and tell Hint an address."""
        service = self.wire.service
        self.set_partner_key(self.wire.practice.partner.key)
        connection = await service.connection()
        await install_pages(service, connection, Wish(URL, Grants(everybody=True)))
        stored = await service.store.secret(connection.id, CANVAS_APP)
        assert stored is not None
        self.app_key = unpack_canvas_app(stored).consumer_key
        address = f"{URL}/webhooks/hint"
        await register_webhook(service.store, connection, open_partner(service), address, "2026-11-23T05:00:00Z")

    def set_partner_key(self, key: str) -> None:
        service = self.wire.service
        service.settings = service.settings.model_copy(update={"hint_partner_key": SecretStr(key)})

    async def uninstall(self, **wish: object) -> Uninstalled:
        connection = await self.wire.service.connection()
        return await uninstall(self.wire.service, connection, Leave(**wish), actor="tester")  # type: ignore[arg-type]

    def added(self) -> set[tuple[str, str]]:
        """Return what is in the org now and was not before, or is another."""
        now = metadata(self.wire.org)
        assert not set(self.before) - set(now), "something of the org's own is gone"
        return {key for key, xml in now.items() if self.before.get(key) != xml}

    def faults(self) -> list[list[Failure]]:
        ways = self.wire.service.transports
        apps = [way.app for way in (ways.salesforce, ways.hint) if isinstance(way, httpx.ASGITransport)]
        return [app.faults.fail_next for app in apps if isinstance(app, Controlled)]

    def person(self, first: str) -> None:
        org = self.wire.org
        profile_id = org.storage.ids_where("Profile", "Name", "Standard User", live_only=False)[0]
        name = f"{first.lower()}@clinic.example"
        org.insert("User", {"Username": name, "LastName": first, "Email": name, "ProfileId": profile_id})

    async def assert_nothing_opens(self) -> None:
        """See that no credential that was ever ours is taken by anybody, and the store holds none."""
        wire, store = self.wire, self.wire.service.store
        connection = await wire.service.connection()
        for name in (HINT_TOKEN, SALESFORCE_LOGIN, CANVAS_APP):
            assert await store.secret(connection.id, name) is None
        assert wire.org.auth.session(TOKEN) is None
        assert not any(wire.practice.installation.accepts(key.token) for key in wire.practice.installation.keys)
        assert (wire.practice.installation.status, wire.practice.installation.endpoints) == ("deactivated", [])
        assert self.app_key not in wire.org.auth.apps
        with pytest.raises(NotConnected, match="was uninstalled"):
            async with open_engine(wire.service, connection):
                pytest.fail("the engine was opened")

    async def connect_without_fields(self) -> None:
        """Give the store a way into the org again, to look at it with, and put nothing into the org."""
        org, service = self.wire.org, self.wire.service
        org.auth.issue(org.user_id, "PlatformCLI", TOKEN, "full")
        connection = await service.connection()
        await service.store.put_secret(connection.id, SALESFORCE_LOGIN, pack_login(WithToken(INSTANCE, TOKEN)))

    async def connect_again(self) -> None:
        """Connect as an administrator does after an uninstallation: a new session of the org, a new code of Hint."""
        org, service = self.wire.org, self.wire.service
        org.auth.issue(org.user_id, "PlatformCLI", TOKEN, "full")
        login = WithToken(INSTANCE, TOKEN)
        await prepare_org(service, login)
        await connect(service, "demo", hint_token=await self.wire.new_hint_token(), login=login)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with wired(tmp_path) as wire:
        wire.service.clock = HeldClock()  # waits between repeats take no time
        yield Site(wire, metadata(Org(token=TOKEN, features=("MiddleName",))))


def fields() -> set[tuple[str, str]]:
    return {("CustomField", name) for name in shipped()["CustomField"]}


async def test_m19_only_the_fields_stay_in_the_org_and_no_token_works(site: Site) -> None:
    site.person("Finn")
    await site.install()
    assert len(site.added()) > 30
    told: list[str] = []
    connection = await site.wire.service.connection()
    done = await uninstall(site.wire.service, connection, Leave(), actor="tester", tell=told.append)
    assert site.added() == fields()
    assert done.org.pages == ("Contact Layout",)
    assert set(done.org.fields_kept) == {name for _, name in fields()}
    assert (done.hint.addresses, done.hint.deactivated, done.secrets) == (1, True, 3)
    assert "15 fields of Contact stay with what they hold" in " ".join(done.left)
    assert done.org.withdrawn == 3, "our user's, the administrator's, the front desk's"
    assert len(told) > 6
    await site.assert_nothing_opens()


async def test_m19_with_fields_the_org_is_as_it_was_before(site: Site) -> None:
    await site.install()
    definitions = Org(token=TOKEN, features=("MiddleName",)).schema.definitions
    done = await site.uninstall(fields=True)
    assert site.added() == set()
    assert site.wire.org.schema.definitions == definitions
    assert done.org.fields_kept == ()
    await site.assert_nothing_opens()


async def test_t22_done_again_it_finds_nothing_to_do(site: Site) -> None:
    await site.install()
    await site.uninstall()
    again = await site.uninstall()
    assert (again.org.pages, again.org.components, again.hint.deactivated, again.secrets) == ((), (), False, 0)
    assert site.added() == fields()
    await site.assert_nothing_opens()


async def test_what_is_only_checked_is_listed_and_left(site: Site, tmp_path: Path) -> None:
    await site.install()
    added, connection = site.added(), await site.wire.service.connection()
    checked = await site.uninstall(check_only=True)
    assert (checked.export, checked.secrets, checked.hint.deactivated, checked.hint.addresses) == (None, 0, True, 1)
    assert site.added() == added
    assert await site.wire.service.connection() == connection
    assert await site.wire.service.store.stops(connection.id) == []
    assert "links-demo.csv" not in os.listdir(tmp_path)
    async with open_engine(site.wire.service, connection):
        pass
    done = await site.uninstall()
    assert (done.org.pages, done.org.components) == (checked.org.pages, checked.org.components)


async def test_the_links_are_exported_as_ids_and_stay(site: Site, tmp_path: Path) -> None:
    service = site.wire.service
    connection = await service.connection()
    link = Link(
        "link-1",
        connection.id,
        "003x",
        "pat-1",
        LinkStatus.ACTIVE,
        "manual",
        "=someone",
        b"s" * 16,
        "2026-11-01T00:00:00Z",
    )
    await service.store.reserve(link)
    done = await site.uninstall(export=tmp_path / "links.csv")
    assert (done.links, done.export) == (1, tmp_path / "links.csv")
    with (tmp_path / "links.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            list(HEADER),
            ["link-1", "003x", "pat-1", "active", "manual", "2026-11-01T00:00:00Z"],
        ]
    assert (tmp_path / "links.csv").stat().st_mode & 0o077 == 0
    assert await service.store.count_links(connection.id) == {LinkStatus.ACTIVE: 1}
    assert [stop.guard for stop in await service.store.stops(connection.id)] == ["pause"]


@pytest.mark.slow
@pytest.mark.parametrize("system", [0, 1], ids=["salesforce", "hint"])
async def test_t22_interrupted_at_any_call_it_comes_to_the_same_end(site: Site, system: int) -> None:
    site.person("Finn")
    for calls in range(200):
        await site.install()
        site.faults()[system].append(Failure(drop=True, after_commit=calls % 2 == 0, skip=calls, times=10_000))
        try:
            await site.uninstall()
        except HintsyncError:
            interrupted = True
        else:
            interrupted = False
        for failures in site.faults():
            failures.clear()
        await site.uninstall()
        assert site.added() == fields()
        await site.assert_nothing_opens()
        if not interrupted:
            assert calls > (20, 2)[system]
            return
        await site.connect_again()
    pytest.fail("it never got through")


async def test_after_it_the_same_connection_can_be_made_again(site: Site) -> None:
    await site.install()
    await site.uninstall()
    await site.connect_again()
    await site.install()
    async with site.wire.engine() as engine:
        assert engine.connection.name == "demo"


async def test_reports_of_others_in_our_folder_keep_folder_and_type(site: Site) -> None:
    await site.install()
    org = site.wire.org
    ours = org.components.get("Report", "Hint_Sync/Batch_Results")
    assert ours is not None
    org.components.put(replace(ours, name="Hint_Sync/Mine", id="00O5g00000MINE1AAA"))
    done = await site.uninstall()
    kept = {("Report", "Hint_Sync/Mine"), ("ReportFolder", "Hint_Sync"), ("ReportType", "Hint_Batch_Results")}
    assert site.added() == fields() | kept
    assert "reports that others made: Hint_Sync/Mine" in " ".join(done.by_hand)


async def test_t22_what_the_org_still_uses_is_named_and_once_it_does_not_all_goes(site: Site) -> None:
    await site.install()
    org = site.wire.org
    ours = org.components.get("WebLink", "Contact.Sync_to_Hint")
    assert ours is not None
    org.components.put(replace(ours, name="Contact.Theirs", id="00b5g00000MINE1AAA"))
    with pytest.raises(FixConfiguration, match=r"referenced elsewhere.*Contact\.Theirs"):
        await site.uninstall()
    connection = await site.wire.service.connection()
    assert not has_ended(connection.facts)
    assert site.wire.practice.installation.status != "deactivated"
    org.components.drop("WebLink", "Contact.Theirs")
    await site.uninstall()
    assert site.added() == fields()
    await site.assert_nothing_opens()


async def test_without_the_partner_key_the_practice_is_told_to_cancel(site: Site) -> None:
    await site.install()
    site.set_partner_key("")
    done = await site.uninstall()
    assert "Cancel Integration" in " ".join(done.by_hand)
    assert site.wire.practice.installation.status != "deactivated"
    assert done.secrets == 3


async def test_a_refused_login_is_said_and_no_key_is_destroyed(site: Site) -> None:
    await site.install()
    site.wire.org.auth.expire_all()
    with pytest.raises(ReconnectNeeded):
        await site.uninstall()
    connection = await site.wire.service.connection()
    assert await site.wire.service.store.secret(connection.id, HINT_TOKEN) is not None
    assert not has_ended(connection.facts)


def test_everything_that_ships_is_looked_for() -> None:
    members = shipped()
    assert len(members["CustomField"]) == 15
    assert members["ReportFolder"] == ["Hint_Sync"]
    assert {"CustomTab", "PermissionSet", "PlatformEventChannelMember", "ExtlClntAppCanvasSettings"} <= set(members)


async def of_the_org(site: Site) -> Files:
    """Return every file that the org hands out to the connection's own login."""
    connection = await site.wire.service.connection()
    stored = await site.wire.service.store.secret(connection.id, SALESFORCE_LOGIN)
    assert stored is not None
    return await files_of_the_org(site.wire.service, unpack_login(stored))


async def test_m19_after_work_and_uninstalling_the_org_hands_out_what_it_did_before(site: Site) -> None:
    """Install, work, uninstall, compare by the API alone: each file is the same byte for byte but for what is said to stay."""
    wire = site.wire
    await site.install()
    await site.uninstall(fields=True)
    await site.connect_without_fields()
    before = await of_the_org(site)
    assert len(before) > 10
    await site.connect_again()
    await site.install()
    assert len(await of_the_org(site)) > len(before) + 15
    for number in range(3):
        born = f"199{number}-02-03"
        wire.org.insert("Contact", {"FirstName": "Ada", "LastName": f"Moss {number}", "Birthdate": born})
        wire.practice.create_patient(first_name="Ada", last_name=f"Moss {number}", dob=born)
    async with wire.engine() as engine:
        await resume(engine)  # uninstalling paused it
        ran = await batch_patients(engine)
        assert ran.status is RunStatus.DONE
    done = await site.uninstall()
    assert done.links == 3
    await site.connect_without_fields()
    assert changed_files(before, await of_the_org(site)) == {"CustomObject objects/Contact.object"}, (
        "the fields of the contact, which are said to stay"
    )
    assert len(done.org.fields_kept) == 15
    assert wire.org.count("Contact") == 3
