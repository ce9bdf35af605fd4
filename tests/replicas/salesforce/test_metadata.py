from __future__ import annotations

import pytest

from hintsync.core.errors import FixConfiguration
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.replicas.salesforce.metadata import deploy_package, grant_permissions
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


async def test_without_the_package_the_missing_permission_set_is_named() -> None:
    office = Office()
    with pytest.raises(FixConfiguration, match="Hint_Sync"):
        await grant_permissions(office.client)
    await office.aclose()


def test_the_mapping_names_only_contact_fields() -> None:
    assert all("." not in row.salesforce for row in DEFAULT_MAPPING)
