"""Page layouts, compact layouts, approval layouts, tabs and themes."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import RestDeployer, zipped
from tests.emulators.metadata.zoo import xml

ROOT = "/services/data/v64.0"
MASTER = "012000000000000AAA"


async def _get(api: httpx.AsyncClient, path: str) -> dict[str, object]:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def _layout(api: httpx.AsyncClient) -> dict[str, object]:
    """Return the describe of the layout that was deployed."""
    answer = await _get(api, "/sobjects/Contact/describe/layouts")
    headings = {section["heading"]: one for one in answer["layouts"] for section in one["detailLayoutSections"]}
    return headings["Who"]


def _fields(section: dict[str, object]) -> list[list[str]]:
    return [[item["layoutComponents"][0]["value"] for item in row["layoutItems"]] for row in section["layoutRows"]]


async def test_a_deployed_layout_is_described_row_by_row(shown: httpx.AsyncClient, org: Org) -> None:
    layout = await _layout(shown)
    stored = org.components.get("Layout", "Contact-Sync Layout")
    assert stored is not None
    assert layout["id"] == stored.id
    who, panel = layout["detailLayoutSections"]
    assert (who["columns"], who["rows"], who["tabOrder"], who["useHeading"]) == (2, 2, "LeftToRight", True)
    assert _fields(who) == [["Name", "Email"], ["Key__c"]]
    assert [row["numItems"] for row in who["layoutRows"]] == [2, 1]
    name, email = who["layoutRows"][0]["layoutItems"]
    assert (name["required"], name["editableForNew"], email["editableForUpdate"]) == (True, True, False)
    assert [one["value"] for one in name["layoutComponents"][0]["components"]] == [
        "LastName",
        "FirstName",
        "Salutation",
    ]
    assert name["layoutComponents"][0]["details"]["name"] == "Name"
    page = panel["layoutRows"][0]["layoutItems"][0]["layoutComponents"][0]
    assert (page["type"], page["value"], page["url"], page["suggestedHeight"]) == (
        "VisualforcePage", "Panel", "/apex/Panel", "300",
    )  # fmt: skip


async def test_forms_hold_what_can_be_changed_and_no_pages(shown: httpx.AsyncClient) -> None:
    (who,) = (await _layout(shown))["editLayoutSections"]
    assert (_fields(who), who["useHeading"]) == ([["Name"], ["Key__c"]], False)


async def test_buttons_actions_and_related_lists_are_those_that_the_org_has(shown: httpx.AsyncClient) -> None:
    layout = await _layout(shown)
    buttons = layout["buttonLayoutSection"]["detailButtons"]
    assert [(one["name"], one["custom"]) for one in buttons] == [("Edit", False), ("Delete", False), ("Unlink", True)]
    actions = layout["quickActionList"]["quickActionListItems"]
    assert [(one["quickActionName"], one["type"]) for one in actions] == [("Contact.Sync_Now", "VisualforcePage")]
    (logs,) = layout["relatedLists"]
    assert (logs["sobject"], logs["name"], logs["field"], logs["custom"]) == (
        "Sync_Log__c", "Sync_Logs__r", "Contact__c", True,
    )  # fmt: skip
    assert [one["fieldApiName"] for one in logs["columns"]] == ["Level__c", "Name"]
    assert logs["sort"] == [{"ascending": False, "column": "Sync_Log__c.Level__c"}]


async def test_the_master_record_type_names_its_layout_and_all_picklists(shown: httpx.AsyncClient) -> None:
    answer = await _get(shown, "/sobjects/Contact/describe/layouts")
    (mapping,) = answer["recordTypeMappings"]
    assert (mapping["recordTypeId"], mapping["master"], mapping["layoutId"]) == (
        MASTER,
        True,
        answer["layouts"][0]["id"],
    )
    picklists = {one["picklistName"]: one["picklistValues"] for one in mapping["picklistsForRecordType"]}
    assert [one["value"] for one in picklists["Salutation"]][:2] == ["Mr.", "Ms."]
    assert answer["recordTypeSelectorRequired"] == [False]
    path = mapping["urls"]["layout"].removeprefix(ROOT)
    assert await _get(shown, path) == answer["layouts"][0]
    assert await _get(shown, path.removesuffix("AAA")) == answer["layouts"][0]


async def test_an_object_without_a_layout_shows_what_can_be_written(shown: httpx.AsyncClient) -> None:
    (layout,) = (await _get(shown, "/sobjects/Sync_Log__c/describe/layouts"))["layouts"]
    assert layout["id"] is None
    (section,) = layout["detailLayoutSections"]
    assert {name for (name,) in _fields(section)} == {"OwnerId", "Contact__c", "Level__c"}


async def test_users_have_a_layout_with_a_name(api: httpx.AsyncClient) -> None:
    (info,) = (await _get(api, "/sobjects/User/describe"))["namedLayoutInfos"]
    assert info["name"] == "UserAlt"
    answer = await _get(api, info["urls"]["layout"].removeprefix(ROOT))
    assert ["Username"] in _fields(answer["layouts"][0]["detailLayoutSections"][0])


async def test_fields_that_a_user_does_not_see_are_on_no_layout(shown: httpx.AsyncClient, org: Org) -> None:
    org.enable("FieldLevelSecurity")
    assert _fields((await _layout(shown))["detailLayoutSections"][0]) == [["Name", "Email"]]


async def test_describe_leads_to_layouts_of_objects_that_have_pages(api: httpx.AsyncClient) -> None:
    contact = await _get(api, "/sobjects/Contact/describe")
    for name in ("layouts", "compactLayouts", "approvalLayouts", "listviews", "quickActions"):
        assert (await api.get(contact["urls"][name].removeprefix(ROOT))).status_code == 200, name
    setup = await _get(api, "/sobjects/PermissionSet/describe")
    assert (setup["layoutable"], set(setup["urls"])) == (False, {"rowTemplate", "describe", "sobject"})


async def test_compact_layouts_begin_with_that_of_the_system(shown: httpx.AsyncClient, org: Org) -> None:
    answer = await _get(shown, "/sobjects/Contact/describe/compactLayouts")
    system, own = answer["compactLayouts"]
    assert (system["id"], system["name"], system["label"]) == (None, "SYSTEM", "System Default")
    stored = org.components.get("CompactLayout", "Contact.Sync")
    assert stored is not None
    assert (own["id"], own["name"], own["objectType"]) == (stored.id, "Sync", "Contact")
    assert [one["layoutComponents"][0]["value"] for one in own["fieldItems"]] == ["Name", "Key__c"]
    assert not any(one["editableForUpdate"] for one in own["fieldItems"])
    assert answer["defaultCompactLayoutId"] is None
    assert await _get(shown, answer["urls"]["primary"].removeprefix(ROOT)) == system
    mapping = answer["recordTypeCompactLayoutMappings"][0]
    assert await _get(shown, mapping["urls"]["compactLayout"].removeprefix(ROOT)) == system


async def test_an_object_says_which_compact_layout_it_uses(shown: httpx.AsyncClient, org: Org) -> None:
    view = "<compactLayouts><fullName>Short</fullName><fields>Level__c</fields><label>Short</label></compactLayouts>"
    head = (
        "<label>Log</label><nameField><displayFormat>L-{0}</displayFormat><label>Number</label><type>AutoNumber</type>"
    )
    whole = f"<compactLayoutAssignment>Short</compactLayoutAssignment>{view}{head}</nameField><pluralLabel>Logs</pluralLabel>"
    raw = zipped({"objects/Sync_Log__c.object": xml("CustomObject", whole)}, {"CustomObject": ["Sync_Log__c"]})
    result = await RestDeployer(shown).deploy(raw)
    assert result.success, result.problems
    answer = await _get(shown, "/sobjects/Sync_Log__c/describe/compactLayouts")
    assert answer["recordTypeCompactLayoutMappings"][0]["compactLayoutName"] == "Short"
    assert (await _get(shown, "/sobjects/Sync_Log__c/describe/compactLayouts/primary"))["name"] == "Short"


async def test_without_approval_processes_there_are_no_approval_layouts(api: httpx.AsyncClient) -> None:
    assert await _get(api, "/sobjects/Contact/describe/approvalLayouts") == {"approvalLayouts": []}


async def test_tabs_are_those_of_objects_and_those_that_were_deployed(shown: httpx.AsyncClient, org: Org) -> None:
    tabs = {one["name"]: one for one in (await shown.get("/tabs")).json()}
    assert list(tabs) == ["standard-Account", "standard-Contact", "Sync", "Sync_Log__c", "Web"]
    assert (tabs["standard-Contact"]["url"], tabs["standard-Contact"]["sobjectName"]) == (
        "http://emulated/003/o",
        "Contact",
    )
    assert tabs["standard-Contact"]["colors"][0] == {"color": "A094ED", "context": "primary", "theme": "theme4"}
    assert (tabs["Sync_Log__c"]["label"], tabs["Sync_Log__c"]["sobjectName"]) == ("Sync Logs", "Sync_Log__c")
    assert tabs["Sync"]["url"].startswith("http://emulated/apex/Panel?sfdc.tabName=01r")
    assert tabs["Web"]["url"].startswith("http://emulated/servlet/servlet.Integration?lid=01r")
    assert [one["custom"] for one in tabs.values()] == [False, False, True, True, True]
    drawing = next(one for one in tabs["Web"]["icons"] if one["contentType"] == "image/svg+xml")
    assert drawing["url"] == "http://emulated/img/icon/t4v35/custom/custom57.svg"


async def test_the_theme_has_icons_of_objects_and_spares_callers_who_know_it(shown: httpx.AsyncClient) -> None:
    answer = await shown.get("/theme")
    items = {one["name"]: one for one in answer.json()["themeItems"]}
    assert set(items) == {"Account", "Contact", "User", "Sync_Log__c"}
    assert {icon["width"] for icon in items["Contact"]["icons"]} == {0, 16, 32, 60, 120}
    again = await shown.get("/theme", headers={"If-Modified-Since": answer.headers["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/sobjects/Nothing/describe/layouts", "/sobjects/Nothing/listviews"])
async def test_an_object_that_is_not_there_answers_404(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 404
