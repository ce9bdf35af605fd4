"""Looking for what is ours in an org: what we may not see is never taken for absent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hintsync.core.errors import FixConfiguration
from hintsync.replicas.salesforce.metadata_soap import UnknownType
from hintsync.replicas.salesforce.removal import SETS, Ours, look_for_ours, remove_ours, shipped
from tests.replicas.salesforce.office import Office

FAULT = (
    '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:sf="http://soap.sforce.com/2006/04/metadata"><soapenv:Body><soapenv:Fault>'
    "<faultcode>sf:{code}</faultcode><faultstring>{code}: no</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    await office.deploy()
    yield office
    await office.aclose()


def fields() -> tuple[str, ...]:
    return tuple(shipped()["CustomField"])


async def test_what_was_never_deployed_is_not_found(office: Office) -> None:
    ours = await look_for_ours(office.client, fields=False)
    assert set(ours.found) == {("CustomObject", "Hint_Log__c"), ("PermissionSet", SETS[0])}
    assert set(ours.fields_kept) == set(fields())


async def test_a_type_that_the_org_does_not_have_is_named_and_the_rest_looked_at(office: Office) -> None:
    office.fail(500, FAULT.format(code="INVALID_TYPE"), match="/services/Soap/m/", skip=1)
    ours = await look_for_ours(office.client, fields=False)
    assert ours.unseen == (list(shipped())[1],)
    assert ("PermissionSet", SETS[0]) in ours.found


async def test_t22_what_we_may_not_see_stops_us(office: Office) -> None:
    office.fail(500, FAULT.format(code="INSUFFICIENT_ACCESS"), match="/services/Soap/m/", skip=1)
    with pytest.raises(FixConfiguration, match="INSUFFICIENT_ACCESS") as refused:
        await look_for_ours(office.client, fields=False)
    assert not isinstance(refused.value, UnknownType)


async def test_an_assignment_that_cannot_be_taken_away_is_said(office: Office) -> None:
    refusal = [{"success": False, "errors": [{"statusCode": "INSUFFICIENT_ACCESS_OR_READONLY", "message": "no"}]}]
    office.fail(200, refusal, match="^DELETE ")
    with pytest.raises(FixConfiguration, match="cannot be taken from people: INSUFFICIENT_ACCESS_OR_READONLY"):
        await remove_ours(office.client, office.clock, await look_for_ours(office.client, fields=False))
    assert office.org.components.get("PermissionSet", SETS[0]) is not None


async def test_nothing_found_sends_nothing(office: Office) -> None:
    before = office.client.calls
    assert await remove_ours(office.client, office.clock, Ours(())) == 0
    assert office.client.calls == before
