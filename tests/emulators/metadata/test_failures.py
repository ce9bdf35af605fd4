"""What is wrong with components, and how it is told."""

from __future__ import annotations

import pytest

from tests.emulators.metadata.deploying import Deployer, RestDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES, xml


def _field(inner: str) -> dict[str, str]:
    body = f"<fields><fullName>K__c</fullName><label>K</label>{inner}</fields>"
    return {"objects/Contact.object": xml("CustomObject", f"\n  {body}")}


@pytest.mark.parametrize(
    ("files", "types", "problem"),
    [
        (_field("<type>Odd</type>"), {"CustomField": ["Contact.K__c"]}, "'Odd' is not a valid value for the enum 'FieldType'"),
        (_field("<type>Summary</type>"), {"CustomField": ["Contact.K__c"]}, "not emulated: CustomField of type Summary"),
        (
            _field("<type>Number</type><precision>3</precision><scale>4</scale>"),
            {"CustomField": ["Contact.K__c"]},
            "Scale must be less than or equal to precision",
        ),
        (
            _field("<type>Lookup</type><referenceTo>Nope__c</referenceTo>"),
            {"CustomField": ["Contact.K__c"]},
            "referenceTo value of 'Nope__c' does not resolve to a valid sObject type",
        ),
        (
            _field("<type>Lookup</type><referenceTo>Account</referenceTo><relationshipName>A</relationshipName></fields>"
                   "<fields><fullName>L__c</fullName><label>L</label><type>Lookup</type><referenceTo>Account</referenceTo>"
                   "<relationshipName>A</relationshipName>"),
            {"CustomField": ["Contact.K__c", "Contact.L__c"]},
            "There is already a Child Relationship named A on Account.",
        ),
        (
            _field("<type>Picklist</type><valueSet><valueSetDefinition><sorted>false</sorted><value><fullName>A</fullName>"
                   "<default>false</default></value><value><fullName>a</fullName><default>false</default></value>"
                   "</valueSetDefinition></valueSet>"),
            {"CustomField": ["Contact.K__c"]},
            "Duplicate value in picklist: a",
        ),
        ({"tabs/T.tab": xml("CustomTab", "<label>T</label>")}, {"CustomTab": ["T"]}, "Must specify exactly one of page"),
        (
            {"pages/P.page": "<div/>", "pages/P.page-meta.xml": FILES["pages/Panel.page-meta.xml"]},
            {"ApexPage": ["P"]},
            "Markup must have <apex:page> as its root element",
        ),
        (
            {"pages/P.page": "<apex:page></apex:page>",
             "pages/P.page-meta.xml": xml("ApexPage", "<apiVersion>88.0</apiVersion><label>P</label>")},
            {"ApexPage": ["P"]},
            "Invalid api version:88.0",
        ),
        ({"pages/P.page": "<apex:page/>"}, {"ApexPage": ["P"]}, "No pages/P.page-meta.xml found"),
        (
            {"quickActions/Contact.A.quickAction": xml(
                "QuickAction", "<label>A</label><optionsCreateFeedItem>false</optionsCreateFeedItem><page>Nope</page>"
                "<type>VisualforcePage</type>")},
            {"QuickAction": ["Contact.A"]},
            "In field: page - no ApexPage named Nope found",
        ),
        ({"reports/No/R.report": FILES["reports/Sync/Batch.report"]}, {"Report": ["No/R"]}, "Cannot find folder:No"),
        (
            {"extlClntAppOauthSettings/A.ecaOauth": FILES["extlClntAppOauthSettings/Sync_App_oauth.ecaOauth"]},
            {"ExtlClntAppOauthSettings": ["A"]},
            "In field: externalClientApplication - no ExternalClientApplication named Sync_App found",
        ),
        (
            {"settings/Case.settings": xml("CaseSettings", "")},
            {"Settings": ["Case"]},
            "not emulated: Settings Case",
        ),
        (
            {"objects/Contact.object": xml("CustomObject", "<validationRules><fullName>R</fullName></validationRules>")},
            {"CustomObject": ["Contact"]},
            "not emulated: ValidationRule",
        ),
        (
            {"layouts/Nope-Nope Layout.layout": xml("Layout", "")},
            {"Layout": ["Nope-Nope Layout"]},
            "Parent entity failed to deploy: Nope",
        ),
    ],
)  # fmt: skip
async def test_a_bad_component_says_what_is_wrong(
    rest: RestDeployer, files: dict[str, str | bytes], types: dict[str, list[str]], problem: str
) -> None:
    result = await rest.deploy(zipped(files, types))
    assert result.status == "Failed"
    assert len(result.problems) == 1
    assert result.problems[0].startswith(problem)


TAB = "<CustomTab {}>\n  <label>T</label>\n  {}\n  <url>https://example.com</url>\n</CustomTab>"
META = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


@pytest.mark.parametrize(
    ("content", "problem", "line"),
    [
        (TAB.format(META, "<motif>"), "Error parsing file: Mismatched tag", 5),
        (
            TAB.format(META, "<shine>1</shine>"),
            "Error parsing file: Element {ns}shine invalid at this location in type CustomTab",
            3,
        ),
        (
            TAB.format(META, "<label>U</label>"),
            "Error parsing file: Element {ns}label duplicated at this location in type CustomTab",
            3,
        ),
        (
            TAB.format(META, "<hasSidebar>maybe</hasSidebar>"),
            "Error parsing file: 'maybe' is not a valid value for a boolean",
            3,
        ),
        (
            TAB.format(META, "<frameHeight>tall</frameHeight>"),
            "Error parsing file: 'tall' is not a valid value for a number",
            3,
        ),
        (
            '<!DOCTYPE x [<!ENTITY a "b">]>' + TAB.format(META, "<motif>&a;</motif>"),
            "Error parsing file: DOCTYPE is disallowed",
            1,
        ),
    ],
)
async def test_a_bad_file_says_where(deployer: Deployer, content: str, problem: str, line: int) -> None:
    result = await deployer.deploy(zipped({"tabs/T.tab": content}, {"CustomTab": ["T"]}))
    failure = result.failed["T"]
    assert failure["problem"] == problem.replace("{ns}", "{http://soap.sforce.com/2006/04/metadata}")
    assert int(str(failure["lineNumber"])) == line
    assert (failure["componentType"], failure["fileName"], failure["problemType"]) == (
        "CustomTab",
        "tabs/T.tab",
        "Error",
    )


async def test_the_fields_of_an_object_must_stand_together(rest: RestDeployer) -> None:
    scattered = xml(
        "CustomObject",
        "<fields><fullName>A__c</fullName><label>A</label><type>Date</type></fields><label>L</label>"
        "<fields><fullName>B__c</fullName><label>B</label><type>Date</type></fields><pluralLabel>Ls</pluralLabel>",
    )
    result = await rest.deploy(zipped({"objects/L__c.object": scattered}, {"CustomObject": ["L__c"]}))
    assert "Element {http://soap.sforce.com/2006/04/metadata}fields duplicated at this location" in result.problems[0]


async def test_a_file_of_another_type_than_its_folder_is_refused(rest: RestDeployer) -> None:
    result = await rest.deploy(zipped({"tabs/T.tab": xml("ApexPage", "")}, {"CustomTab": ["T"]}))
    assert result.problems == ["Error parsing file: Element ApexPage invalid at this location, expected CustomTab"]
    bare = await rest.deploy(zipped({"tabs/T.tab": TAB.format("", "")}, {"CustomTab": ["T"]}))
    assert "invalid, expected {http://soap.sforce.com/2006/04/metadata}CustomTab" in bare.problems[0]


async def test_a_package_without_package_xml_fails(deployer: Deployer) -> None:
    import io
    import zipfile

    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("tabs/T.tab", "x")
    assert (await deployer.deploy(raw.getvalue())).problems == ["No package.xml found"]


async def test_what_is_in_use_cannot_be_taken_out(rest: RestDeployer) -> None:
    await rest.deploy(zipped(FILES, TYPES))
    for kind, name, problem in [
        ("ApexPage", "Panel", "This visualforce page is referenced elsewhere"),
        ("ReportType", "Sync_Results", "This report type is referenced elsewhere: Report - Sync/Batch"),
        ("Report", "Sync", "Cannot delete a folder that is not empty"),
        ("PlatformEventChannel", "Sync__chn", "Remove the members of the channel"),
        ("ExternalClientApplication", "Sync_App", "This external client app is referenced elsewhere"),
        ("Settings", "Name", "Settings cannot be deleted"),
        ("Layout", "Contact-Contact Layout", "Cannot delete the last layout"),
    ]:
        result = await rest.deploy(zipped({}, {}, destructiveChanges={kind: [name]}))
        assert result.problems[0].startswith(problem), kind
