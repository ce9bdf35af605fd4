from __future__ import annotations

import io
import zipfile

import pytest

from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.replicas.salesforce.grants import (
    administrators,
    everybody,
    grant,
    grant_permissions,
    own_user,
    users_named,
    users_of_profile,
)
from hintsync.replicas.salesforce.metadata import deploy_all, deploy_package
from hintsync.replicas.salesforce.packages import EVENTS_PACKAGE, Place, package_zip
from hintsync.replicas.salesforce.page_names import ADMIN_SET, APP, BATCH_REPORT, PERMISSION_SET, USER_SET
from hintsync_emulators.salesforce.canvas.apps import every
from tests.replicas.salesforce.office import Office

PLACE = Place("https://sync.clinic.example", "ida@clinic.example", "hintsyncKEY", "SECRET")


async def test_after_the_deployment_every_mapped_field_can_be_written() -> None:
    office = Office(features=["MiddleName"])
    assert {"gender", "membership_status"} <= (await office.replica.describe()).missing
    await office.deploy()
    described = await office.replica.describe()
    assert (described.missing, described.read_only) == (frozenset(), frozenset())
    assert (await office.replica.prepare()).missing_package_fields == ()
    await office.aclose()


async def test_deploying_and_granting_again_changes_nothing(office: Office) -> None:
    before = await office.replica.describe()
    assert (await deploy_package(office.client, office.clock)).components > 0
    await grant_permissions(office.client)
    assert await office.replica.describe() == before
    assert office.org.count("PermissionSetAssignment") == 1


async def test_a_check_only_deployment_changes_nothing() -> None:
    office = Office()
    assert (await deploy_package(office.client, office.clock, check_only=True)).check_only
    assert "gender" in (await office.replica.describe()).missing
    await office.aclose()


async def test_a_refused_component_is_named_with_its_problem(office: Office) -> None:
    refused = {
        "componentType": "CustomField",
        "fullName": "Contact.Hint_Gender__c",
        "problem": "Cannot change type from Text",
        "problemType": "Error",
    }
    result = {"done": True, "success": False, "status": "Failed", "details": {"componentFailures": [refused]}}
    office.fail(200, {"id": "0Af", "deployResult": result}, match="^GET .*deployRequest")
    with pytest.raises(FixConfiguration, match=r"Contact\.Hint_Gender__c: Cannot change type"):
        await deploy_package(office.client, office.clock)


async def test_the_channel_of_change_events_is_opened_once() -> None:
    office = Office()
    for _ in range(2):
        deployed = await deploy_all(office.client, office.clock)
        assert deployed.without_events is None
    assert office.org.events.channels.members("Hint_Sync__chn") == ["Contact"]
    await office.aclose()


async def test_an_org_that_refuses_the_channel_still_gets_the_fields() -> None:
    office = Office()
    for name in ("Account", "User", "PermissionSet", "Organization", "Profile"):
        office.org.events.channels.select(name)
    deployed = await deploy_all(office.client, office.clock)
    assert deployed.components > 0
    assert "maximum number of entities" in (deployed.without_events or "")
    assert "gender" not in (await office.replica.describe()).missing
    await office.aclose()


def test_the_channel_lies_in_a_package_of_its_own() -> None:
    names = zipfile.ZipFile(io.BytesIO(package_zip(EVENTS_PACKAGE))).namelist()
    assert sorted(name.partition("/")[0] for name in names) == [
        "package.xml",
        "platformEventChannelMembers",
        "platformEventChannels",
    ]


async def test_without_the_package_the_missing_permission_set_is_named() -> None:
    office = Office()
    with pytest.raises(FixConfiguration, match="Hint_Sync"):
        await grant_permissions(office.client)
    await office.aclose()


def test_the_mapping_names_only_contact_fields() -> None:
    assert all("." not in row.salesforce for row in DEFAULT_MAPPING)


async def test_the_pages_deploy_and_open_our_app_to_people_with_our_permission_sets_only() -> None:
    office = Office()
    deployed = await deploy_all(office.client, office.clock, place=PLACE)
    assert deployed.ids["Report", BATCH_REPORT].startswith("00O")
    app = office.org.auth.apps["hintsyncKEY"]
    assert (app.client_secret, app.redirect_uris) == ("SECRET", ("https://sync.clinic.example/login/callback",))
    assert (app.requires_pkce, app.requires_secret, app.scope.split(), app.approved) == (
        True,
        True,
        ["id", "openid"],
        frozenset(),
    )
    user = await own_user(office.client)
    assert await grant(office.client, ADMIN_SET, [user]) == 1
    assert await grant(office.client, ADMIN_SET, [user]) == 0
    [canvas] = every(office.org)
    assert (canvas.name, canvas.url, canvas.locations) == (APP, "https://sync.clinic.example/canvas", ("Visualforce",))
    assert canvas.client is not None
    assert canvas.client.approved
    await office.aclose()


async def test_pages_of_another_address_replace_the_first_and_keep_a_key_that_is_not_named() -> None:
    office = Office()
    await deploy_all(office.client, office.clock, place=PLACE)
    await deploy_all(office.client, office.clock, place=Place("https://new.clinic.example", "ida@clinic.example"))
    [canvas] = every(office.org)
    assert canvas.url == "https://new.clinic.example/canvas"
    assert canvas.client is not None
    assert (canvas.client.client_id, canvas.client.client_secret) == ("hintsyncKEY", "SECRET")
    await office.aclose()


async def test_permission_sets_are_granted_to_named_users_and_to_whole_groups() -> None:
    office = Office()
    await deploy_all(office.client, office.clock, place=PLACE)
    standard = office.org.storage.ids_where("Profile", "Name", "Standard User", live_only=False)[0]
    made = [
        office.org.insert(
            "User",
            {
                "Username": f"u{number}@x.example",
                "LastName": f"U{number}",
                "Email": "u@x.example",
                "ProfileId": standard,
            },
        )
        for number in range(205)
    ]
    office.org.save("User", made[0], {"IsActive": False}, office.org.caller())
    assert await users_named(office.client, ["U1@x.example", "u2@x.example"]) == sorted(made[1:3])
    with pytest.raises(BadInput, match=r"called nobody@x\.example, u0@x\.example"):
        await users_named(office.client, ["u0@x.example", "nobody@x.example", "u1@x.example"])
    assert await administrators(office.client) == [office.org.user_id]
    assert sorted(await users_of_profile(office.client, "Standard User")) == sorted(made[1:])
    with pytest.raises(BadInput, match="no profile Nurses"):
        await users_of_profile(office.client, "Nurses")
    assert await grant(office.client, USER_SET, made[1:4]) == 3
    assert await grant(office.client, USER_SET, await everybody(office.client)) == 202
    assert office.org.count("PermissionSetAssignment") == 205
    await office.aclose()


async def test_a_permission_set_that_cannot_be_assigned_is_said_with_the_reason() -> None:
    office = Office()
    await office.deploy()
    with pytest.raises(FixConfiguration, match="Hint_Sync was not assigned to 1 users: "):
        await grant(office.client, PERMISSION_SET, ["005000000000000AAA"])
    with pytest.raises(FixConfiguration, match="no permission set Hint_Sync_User"):
        await grant(office.client, USER_SET, [])
    await office.aclose()
