from __future__ import annotations

import io
import zipfile

import pytest

from hintsync.core.errors import FixConfiguration
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.replicas.salesforce.metadata import (
    EVENTS_PACKAGE,
    deploy_all,
    deploy_package,
    grant_permissions,
    package_zip,
)
from tests.replicas.salesforce.office import Office


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
