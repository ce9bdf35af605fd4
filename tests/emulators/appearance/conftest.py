"""An org into which a package of every visible kind of component was deployed, and its callers."""

from __future__ import annotations

import httpx
import pytest

from tests.emulators.metadata.deploying import RestDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES, xml
from tests.emulators.salesforce.conftest import api, app, clock, org, outside

__all__ = ["api", "app", "clock", "org", "outside"]

LAYOUT = xml(
    "Layout",
    """<customButtons>Unlink</customButtons><excludeButtons>Clone</excludeButtons>
  <layoutSections><customLabel>true</customLabel><detailHeading>true</detailHeading><editHeading>false</editHeading>
    <label>Who</label>
    <layoutColumns><layoutItems><behavior>Required</behavior><field>Name</field></layoutItems>
      <layoutItems><behavior>Edit</behavior><field>Key__c</field></layoutItems></layoutColumns>
    <layoutColumns><layoutItems><behavior>Readonly</behavior><field>Email</field></layoutItems></layoutColumns>
    <style>TwoColumnsLeftToRight</style></layoutSections>
  <layoutSections><customLabel>true</customLabel><detailHeading>true</detailHeading><editHeading>true</editHeading>
    <label>Panel</label><layoutColumns><layoutItems><height>300</height><page>Panel</page><showLabel>false</showLabel>
      <showScrollbars>true</showScrollbars><width>100%</width></layoutItems></layoutColumns>
    <style>OneColumn</style></layoutSections>
  <quickActionList><quickActionListItems><quickActionName>Contact.Sync_Now</quickActionName></quickActionListItems>
    <quickActionListItems><quickActionName>NewTask</quickActionName></quickActionListItems></quickActionList>
  <relatedLists><fields>Level__c</fields><fields>Name</fields><relatedList>Sync_Log__c.Contact__c</relatedList>
    <sortField>Level__c</sortField><sortOrder>Desc</sortOrder></relatedLists>
  <relatedLists><relatedList>RelatedOpportunityList</relatedList></relatedLists>""",
)
RENAME = xml(
    "QuickAction",
    """<fieldOverrides><field>Department</field><literalValue>Front desk</literalValue></fieldOverrides>
  <label>Rename</label><optionsCreateFeedItem>false</optionsCreateFeedItem>
  <quickActionLayout><layoutSectionStyle>TwoColumnsLeftToRight</layoutSectionStyle>
    <quickActionLayoutColumns><quickActionLayoutItems><emptySpace>false</emptySpace><field>Title</field>
      <uiBehavior>Edit</uiBehavior></quickActionLayoutItems></quickActionLayoutColumns></quickActionLayout>
  <type>Update</type>""",
)
NEW_PATIENT = xml(
    "QuickAction",
    """<fieldOverrides><field>LeadSource</field><literalValue>Web</literalValue></fieldOverrides>
  <label>New Patient</label><optionsCreateFeedItem>false</optionsCreateFeedItem>
  <quickActionLayout><layoutSectionStyle>OneColumn</layoutSectionStyle>
    <quickActionLayoutColumns><quickActionLayoutItems><emptySpace>false</emptySpace><field>LastName</field>
      <uiBehavior>Required</uiBehavior></quickActionLayoutItems><quickActionLayoutItems><emptySpace>false</emptySpace>
      <field>LeadSource</field><uiBehavior>Edit</uiBehavior></quickActionLayoutItems></quickActionLayoutColumns>
  </quickActionLayout><targetObject>Contact</targetObject><targetParentField>AccountId</targetParentField>
  <type>Create</type>""",
)
MORE: dict[str, str | bytes] = {
    "layouts/Contact-Sync Layout.layout": LAYOUT,
    "quickActions/Contact.Rename.quickAction": RENAME,
    "quickActions/Account.New_Patient.quickAction": NEW_PATIENT,
    "quickActions/New_Contact.quickAction": NEW_PATIENT.replace("<targetParentField>AccountId</targetParentField>", ""),
    "tabs/Web.tab": xml("CustomTab", "<label>Web</label><motif>Custom57: Desert</motif><url>https://example.com</url>"),
}
NAMES = {
    "Layout": ["Contact-Sync Layout"],
    "QuickAction": ["Contact.Rename", "Account.New_Patient", "New_Contact"],
    "CustomTab": ["Web"],
}


@pytest.fixture
async def shown(api: httpx.AsyncClient) -> httpx.AsyncClient:
    """A caller of the org, after the deployment."""
    deployer = RestDeployer(api)
    for files, types in ((FILES, TYPES), (MORE, NAMES)):
        result = await deployer.deploy(zipped(files, types))
        assert result.success, result.problems
    return api
