"""Page layouts: read, edited, replaced whole, and held against what they show."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import Deployer, RestDeployer, SoapDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES, xml

NAME = "Contact-Contact Layout"
PATH = f"layouts/{NAME}.layout"
SECTION = """    <layoutSections>
        <customLabel>true</customLabel>
        <detailHeading>true</detailHeading>
        <editHeading>false</editHeading>
        <label>Sync</label>
        <layoutColumns>
            <layoutItems>
                <page>Panel</page>
                <showLabel>false</showLabel>
            </layoutItems>
            <layoutItems>
                <behavior>Readonly</behavior>
                <field>Key__c</field>
            </layoutItems>
        </layoutColumns>
        <style>OneColumn</style>
    </layoutSections>
"""
ACTIONS = """    <platformActionList>
        <actionListContext>Record</actionListContext>
        <platformActionListItems>
            <actionName>Contact.Sync_Now</actionName>
            <actionType>QuickAction</actionType>
            <sortOrder>0</sortOrder>
        </platformActionListItems>
    </platformActionList>
"""


async def _standard(soap: SoapDeployer) -> str:
    files, _ = await soap.retrieve({"Layout": [NAME]})
    return files[f"unpackaged/{PATH}"].decode()


def _edited(text: str) -> str:
    head, _, tail = text.partition("    <showEmailCheckbox>")
    button = "    <customButtons>Unlink</customButtons>\n"
    start, root, rest = head.partition('metadata">\n')
    return f"{start}{root}{button}{rest}{SECTION}{ACTIONS}    <showEmailCheckbox>{tail}"


async def test_the_standard_layout_deploys_back_as_it_was(soap: SoapDeployer) -> None:
    before = await _standard(soap)
    assert "<field>MailingAddress</field>" in before
    result = await soap.deploy(zipped({PATH: before}, {"Layout": [NAME]}))
    assert (result.success, result.passed[NAME]["changed"]) == (True, False)
    assert await _standard(soap) == before


async def test_a_layout_is_edited_and_put_back_whole(soap: SoapDeployer) -> None:
    await soap.deploy(zipped(FILES, TYPES))
    before = await _standard(soap)
    edited = _edited(before)
    result = await soap.deploy(zipped({PATH: edited}, {"Layout": [NAME]}))
    assert (result.problems, result.passed[NAME]["changed"], result.passed[NAME]["created"]) == ([], True, False)
    assert await _standard(soap) == edited
    # The next file replaces it whole: what it does not hold is gone.
    await soap.deploy(zipped({PATH: before}, {"Layout": [NAME]}))
    assert await _standard(soap) == before


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "<field>Email</field>",
            "<field>Nope__c</field>",
            "In field: field - no CustomField named Contact.Nope__c found",
        ),
        ("<field>Email</field>", "<page>Nope</page>", "In field: page - no ApexPage named Nope found"),
        ("<field>Email</field>", "<field>Phone</field>", "Duplicate layout item found: field Phone"),
        ("<field>Name</field>", "<field>Jigsaw</field>", "Layout must contain an item for required layout field: Name"),
        (
            "<style>OneColumn</style>",
            "<style>Round</style>",
            "'Round' is not a valid value for the enum 'LayoutSectionStyle'",
        ),
        (
            "<behavior>Required</behavior>",
            "<behavior>Odd</behavior>",
            "'Odd' is not a valid value for the enum 'UiBehavior'",
        ),
        (
            "<field>Email</field>",
            "<field>Email</field>\n<page>Panel</page>",
            "A layout item must show exactly one thing",
        ),
    ],
)
async def test_a_layout_shows_only_what_exists(soap: SoapDeployer, old: str, new: str, problem: str) -> None:
    before = await _standard(soap)
    assert old in before
    result = await soap.deploy(zipped({PATH: before.replace(old, new, 1)}, {"Layout": [NAME]}))
    assert result.problems == [problem]
    assert await _standard(soap) == before


@pytest.mark.parametrize(("kind", "name"), [("WebLink", "Unlink"), ("QuickAction", "Sync_Now")])
async def test_buttons_and_actions_on_a_layout_must_exist(soap: SoapDeployer, kind: str, name: str) -> None:
    await soap.deploy(zipped(FILES, TYPES))
    before = await _standard(soap)
    result = await soap.deploy(zipped({PATH: _edited(before).replace(name, "Nope")}, {"Layout": [NAME]}))
    assert result.problems[0].endswith(f"no {kind} named Contact.Nope found")


async def test_what_a_layout_shows_goes_with_it_or_holds_it(soap: SoapDeployer, rest: RestDeployer) -> None:
    await soap.deploy(zipped(FILES, TYPES))
    await soap.deploy(zipped({PATH: _edited(await _standard(soap))}, {"Layout": [NAME]}))
    page = await rest.deploy(zipped({}, {}, destructiveChanges={"WebLink": ["Contact.Unlink"]}))
    assert page.problems[0].endswith(f": Page Layout - {NAME}")
    gone = {"CustomField": ["Contact.Key__c"], "QuickAction": ["Contact.Sync_Now"]}
    assert (await rest.deploy(zipped({}, {}, destructiveChanges=gone))).success
    left = await _standard(soap)
    assert "Key__c" not in left
    assert "Sync_Now" not in left
    assert "<page>Panel</page>" in left
    assert (await rest.deploy(zipped({PATH: left}, {"Layout": [NAME]}))).success


async def test_a_required_field_must_be_on_its_layouts(rest: RestDeployer, soap: SoapDeployer) -> None:
    must = xml(
        "CustomObject",
        "<fields><fullName>Must__c</fullName><label>Must</label><length>9</length><required>true</required><type>Text</type></fields>",
    )
    await rest.deploy(zipped({"objects/Contact.object": must}, {"CustomField": ["Contact.Must__c"]}))
    result = await rest.deploy(zipped({PATH: await _standard(soap)}, {"Layout": [NAME]}))
    assert result.problems == ["Layout must contain an item for required layout field: Must__c"]


async def test_a_second_layout_comes_and_goes(deployer: Deployer, org: Org, outside: httpx.AsyncClient) -> None:
    text = await _standard(SoapDeployer(outside))
    name = "Contact-Clinic Layout"
    assert (await deployer.deploy(zipped({f"layouts/{name}.layout": text}, {"Layout": [name]}))).passed[name][
        "created"
    ] is True
    assert (await deployer.deploy(zipped({}, {}, destructiveChanges={"Layout": [name]}))).success
    assert org.components.names("Layout") == ["Account-Account Layout", NAME]
