"""Layouts and record pages of an org: read, changed at our places, written back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from hintsync.core.errors import BadInput, FixConfiguration, HintsyncError, RetryLater
from hintsync.replicas.salesforce.auth import Session
from hintsync.replicas.salesforce.layouts import Edited, add_to_pages, layout_names, remove_from_pages
from hintsync.replicas.salesforce.metadata import deploy_all, deploy_archive
from hintsync.replicas.salesforce.metadata_soap import retrieve
from hintsync.replicas.salesforce.packages import Place, manifest, packed
from hintsync_emulators.control import Failure
from hintsync_emulators.salesforce.managed import install_managed
from hintsync_emulators.salesforce.metadata.store import Component
from tests.replicas.salesforce.office import ADDRESS, Office
from tests.replicas.salesforce.test_record_page_edit import page, with_actions

PLACE = Place("https://sync.clinic.example", "ida@clinic.example", "hintsyncKEY", "SECRET")
STANDARD = "Contact-Contact Layout"
SECOND = "Contact-Minor%27s Layout"
DYNAMIC = page(("main", "Region", "flexipage:fieldSection"))
CLASSIC = page(("main", "Region", "force:detailPanel"))
OTHERS = page(("main", "Region", "flexipage:fieldSection"), owner="Account")


@dataclass
class Renewing:
    """Gives one token after the other."""

    tokens: Iterator[str]

    async def new_session(self, http: httpx.AsyncClient) -> Session:
        return Session(ADDRESS, next(self.tokens))


@pytest.fixture
async def clinic() -> AsyncIterator[Office]:
    """An org with our pages, two layouts of contacts, and three record pages."""
    office = Office()
    await deploy_all(office.client, office.clock, place=PLACE)
    files = {
        f"layouts/{SECOND}.layout": (await read(office, STANDARD)).replace(b"Contact Information", b"Minor&apos;s"),
        "flexipages/Dynamic.flexipage": DYNAMIC,
        "flexipages/Classic.flexipage": CLASSIC,
        "flexipages/Other.flexipage": OTHERS,
    }
    members = {"Layout": [SECOND], "FlexiPage": ["Dynamic", "Classic", "Other"]}
    await deploy_archive(office.client, office.clock, packed({"package.xml": manifest(members), **files}))
    yield office
    await office.aclose()


async def read(office: Office, name: str, kind: str = "Layout") -> bytes:
    files = await retrieve(office.client, office.clock, {kind: [name]})
    return next(raw for path, raw in files.items() if path != "package.xml")


async def everything(office: Office) -> dict[str, bytes]:
    members = {"Layout": [STANDARD, SECOND], "FlexiPage": ["Dynamic", "Classic", "Other"]}
    return await retrieve(office.client, office.clock, members)


async def test_everything_is_put_on_and_taken_off_without_a_trace(clinic: Office) -> None:
    before = await everything(clinic)
    edited = await add_to_pages(clinic.client, clinic.clock)
    assert edited == Edited(("Contact Layout", "Minor's Layout", "Dynamic"), ())
    assert b"<page>Hintsync_Panel</page>" in await read(clinic, STANDARD)
    assert b"Hintsync_Panel" in await read(clinic, "Dynamic", "FlexiPage")
    assert await read(clinic, "Classic", "FlexiPage") == CLASSIC
    removed = await remove_from_pages(clinic.client, clinic.clock)
    assert removed == Edited(("Contact Layout", "Minor's Layout", "Dynamic"), ("Classic",))
    assert await everything(clinic) == before


async def test_doing_so_again_writes_nothing(clinic: Office) -> None:
    await add_to_pages(clinic.client, clinic.clock)
    clinic.org.deployments.clear()
    assert (await add_to_pages(clinic.client, clinic.clock)).changed == ()
    assert not clinic.org.deployments
    await remove_from_pages(clinic.client, clinic.clock)
    clinic.org.deployments.clear()
    assert (await remove_from_pages(clinic.client, clinic.clock)).changed == ()
    assert not clinic.org.deployments


async def test_only_the_layouts_that_are_named_are_changed(clinic: Office) -> None:
    edited = await add_to_pages(clinic.client, clinic.clock, layouts=["Minor's Layout"])
    assert edited == Edited(("Minor's Layout",), ())
    assert b"Hintsync" not in await read(clinic, STANDARD)
    with pytest.raises(BadInput, match="no page layout Nurses for contacts; there are: Contact Layout, Minor's Layout"):
        await add_to_pages(clinic.client, clinic.clock, layouts=["Nurses"])


async def test_what_is_only_checked_changes_nothing(clinic: Office) -> None:
    before = await everything(clinic)
    assert (await add_to_pages(clinic.client, clinic.clock, check_only=True)).changed
    assert await everything(clinic) == before


async def test_layouts_are_listed_by_the_names_that_people_see(clinic: Office) -> None:
    assert await layout_names(clinic.client) == ["Contact Layout", "Minor's Layout"]


async def test_without_our_pages_nothing_can_be_shown_and_nothing_is_changed() -> None:
    office = Office()
    before = await read(office, STANDARD)
    with pytest.raises(FixConfiguration, match="no ApexPage named Hintsync_Panel found"):
        await add_to_pages(office.client, office.clock)
    assert await read(office, STANDARD) == before
    await office.aclose()


async def test_what_an_administrator_changes_between_two_runs_stays(clinic: Office) -> None:
    await add_to_pages(clinic.client, clinic.clock)
    edited = (await read(clinic, STANDARD)).replace(b"<field>Fax</field>", b"<field>Hint_Gender__c</field>")
    package = {"package.xml": manifest({"Layout": [STANDARD]}), f"layouts/{STANDARD}.layout": edited}
    await deploy_archive(clinic.client, clinic.clock, packed(package))
    await add_to_pages(clinic.client, clinic.clock)
    assert await read(clinic, STANDARD) == edited
    await remove_from_pages(clinic.client, clinic.clock)
    assert b"Hint_Gender__c" in await read(clinic, STANDARD)


def save(office: Office, old: bytes, new: bytes) -> None:
    """Edit the standard layout as an administrator does in Setup, past every API."""
    known = office.org.components.get("Layout", STANDARD)
    assert known is not None
    office.org.components.put(replace(known, xml=known.xml.replace(old, new)))


@pytest.mark.parametrize("saves", [1, 3])
async def test_what_an_administrator_saves_between_reading_and_writing_stays(
    clinic: Office, monkeypatch: pytest.MonkeyPatch, saves: int
) -> None:
    left = list(range(saves))

    async def then_save(*args: object) -> object:
        files = await retrieve(*args)  # type: ignore[arg-type]
        if left:
            number = left.pop()
            save(clinic, b"</Layout>", b"<!-- saved %d --></Layout>" % number)
        return files

    monkeypatch.setattr("hintsync.replicas.salesforce.layouts.retrieve", then_save)
    await add_to_pages(clinic.client, clinic.clock, layouts=["Contact Layout"])
    now = await read(clinic, STANDARD)
    assert now.count(b"<!-- saved") == saves
    assert now.count(b"<page>Hintsync_Panel</page>") == 1


async def test_pages_that_never_stand_still_are_left_alone(clinic: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def then_save(*args: object) -> object:
        files = await retrieve(*args)  # type: ignore[arg-type]
        save(clinic, b"</Layout>", b"<!-- again --></Layout>")
        return files

    monkeypatch.setattr("hintsync.replicas.salesforce.layouts.retrieve", then_save)
    with pytest.raises(RetryLater, match="somebody is editing"):
        await add_to_pages(clinic.client, clinic.clock, layouts=["Contact Layout"])
    assert b"Hintsync_Panel" not in await read(clinic, STANDARD)


async def test_pages_of_installed_packages_are_left_and_said(clinic: Office) -> None:
    install_managed(clinic.org, "Care Plans", "careplans")
    theirs = Component("FlexiPage", "careplans__Patient", "0M05g00000MINE1AAA", DYNAMIC, None, 1, "", 1, "")
    clinic.org.components.put(theirs)
    assert (await add_to_pages(clinic.client, clinic.clock)).left == ("careplans__Patient",)
    found = clinic.org.components.get("FlexiPage", "careplans__Patient")
    assert found is not None
    assert found.xml == DYNAMIC


async def test_a_page_that_lists_its_own_actions_gets_ours_although_it_shows_the_layout(clinic: Office) -> None:
    given = with_actions("Edit")
    package = {"package.xml": manifest({"FlexiPage": ["Classic"]}), "flexipages/Classic.flexipage": given}
    await deploy_archive(clinic.client, clinic.clock, packed(package))
    assert "Classic" in (await add_to_pages(clinic.client, clinic.clock)).changed
    now = await read(clinic, "Classic", "FlexiPage")
    assert (b"Contact.Sync_to_Hint" in now, b"Hintsync_Panel" in now) == (True, False)
    await remove_from_pages(clinic.client, clinic.clock)
    assert await read(clinic, "Classic", "FlexiPage") == given


async def test_an_interruption_at_any_call_is_made_good_by_the_next_run(clinic: Office) -> None:
    before = await everything(clinic)
    for calls in range(100):
        clinic.faults.fail_next.append(Failure(drop=True, after_commit=calls % 2 == 0, skip=calls, times=1000))
        try:
            await add_to_pages(clinic.client, clinic.clock)
        except HintsyncError:
            interrupted = True
        else:
            interrupted = False
        clinic.faults.fail_next.clear()
        await add_to_pages(clinic.client, clinic.clock)
        assert (await read(clinic, STANDARD)).count(b"<page>Hintsync_Panel</page>") == 1
        await remove_from_pages(clinic.client, clinic.clock)
        assert await everything(clinic) == before
        if not interrupted:
            assert calls > 6
            return
    pytest.fail("it never got through")


async def test_a_session_that_is_over_is_renewed_on_the_way(clinic: Office) -> None:
    fresh = clinic.org.issue_token()

    grant = Renewing(iter(["00DEM!over", fresh]))
    client = clinic.new_client(grant)
    assert await layout_names(client) == ["Contact Layout", "Minor's Layout"]


async def test_files_that_were_sent_and_lost_on_the_way_can_be_asked_for_again(clinic: Office) -> None:
    clinic.faults.fail_next.append(Failure(match="^POST .*/Soap/", drop=True, after_commit=True, skip=1))
    with pytest.raises(RetryLater, match="lost on the way"):
        await retrieve(clinic.client, clinic.clock, {"Layout": [STANDARD]})
    assert await read(clinic, STANDARD)
