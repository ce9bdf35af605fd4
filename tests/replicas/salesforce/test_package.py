"""The shipped packages against the mapping table, against what the replica writes, and against each other."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from xml.etree import ElementTree

import pytest

from hintsync.core.fields import DEFAULT_MAPPING, Kind
from hintsync.replicas.salesforce.package_fields import BOOKKEEPING, MARKED, PATIENT_ID
from hintsync.replicas.salesforce.packages import (
    EVENTS_PACKAGE,
    PACKAGE,
    PAGES_PACKAGE,
    Place,
    package_files,
    package_zip,
)
from hintsync.replicas.salesforce.page_names import (
    ACTIONS,
    ADMIN_SET,
    APP,
    BATCH_REPORT,
    HOME_TAB,
    PAGES,
    PANEL_HEIGHT,
    PANEL_PAGE,
    PERMISSION_SET,
    USER_SET,
)

SPACE = {"m": "http://soap.sforce.com/2006/04/metadata"}
TYPES = {
    Kind.TEXT: "Text",
    Kind.CHECKBOX: "Checkbox",
    Kind.TIMESTAMP: "DateTime",
    Kind.GENDER: "Picklist",
}
#: Folder -> type of the components in it.
FOLDERS = {
    "cspTrustedSites": "CspTrustedSite",
    "externalClientApps": "ExternalClientApplication",
    "extlClntAppCanvasSettings": "ExtlClntAppCanvasSettings",
    "extlClntAppGlobalOauthSets": "ExtlClntAppGlobalOauthSettings",
    "extlClntAppOauthPolicies": "ExtlClntAppOauthConfigurablePolicies",
    "extlClntAppOauthSettings": "ExtlClntAppOauthSettings",
    "extlClntAppPolicies": "ExtlClntAppConfigurablePolicies",
    "layouts": "Layout",
    "pages": "ApexPage",
    "permissionsets": "PermissionSet",
    "platformEventChannelMembers": "PlatformEventChannelMember",
    "platformEventChannels": "PlatformEventChannel",
    "quickActions": "QuickAction",
    "reportTypes": "ReportType",
    "reports": "Report",
    "tabs": "CustomTab",
}
PLACE = Place("https://sync.clinic.example/below", "ida@clinic.example", "hintsyncKEY", "SECRET")


def _xml(name: str, package: str = PACKAGE) -> ElementTree.Element:
    return ElementTree.fromstring(package_files(package, PLACE)[name])


def _texts(root: ElementTree.Element, path: str) -> list[str]:
    return [each.text or "" for each in root.iterfind("/".join(f"m:{part}" for part in path.split("/")), SPACE)]


def _fields(name: str = "objects/Contact.object") -> dict[str, dict[str, str]]:
    found = _xml(name).findall("m:fields", SPACE)
    plain = [{child.tag.partition("}")[2]: child.text or "" for child in field} for field in found]
    return {each["fullName"]: each for each in plain}


def _manifest(package: str) -> set[tuple[str, str]]:
    return {
        (kind.findtext("m:name", namespaces=SPACE) or "", member.text or "")
        for kind in _xml("package.xml", package).findall("m:types", SPACE)
        for member in kind.findall("m:members", SPACE)
    }


def _brought(package: str) -> set[tuple[str, str]]:
    """Return the components that the files of a package bring, by type and full name."""
    found: set[tuple[str, str]] = set()
    for name, raw in package_files(package, PLACE).items():
        folder, _, rest = name.partition("/")
        if folder == "objects":
            owner = PurePosixPath(rest).stem
            found |= {("CustomObject", owner)} if owner.endswith("__c") else set()
            for tag, kind in (("fields", "CustomField"), ("webLinks", "WebLink")):
                names = _texts(ElementTree.fromstring(raw), f"{tag}/fullName") if not owner.endswith("__c") else []
                found |= {(kind, f"{owner}.{each}") for each in names}
        elif rest and not rest.endswith(".page-meta.xml"):
            found.add((FOLDERS[folder], rest.removesuffix("-meta.xml") if "-meta" in rest else rest.rpartition(".")[0]))
    return found


@pytest.mark.parametrize("package", [PACKAGE, EVENTS_PACKAGE, PAGES_PACKAGE])
def test_the_manifest_lists_exactly_the_components_of_the_package(package: str) -> None:
    assert _manifest(package) == _brought(package)


def test_the_package_holds_every_custom_field_that_is_mapped_or_written_and_no_other() -> None:
    mapped = {row.salesforce for row in DEFAULT_MAPPING if row.salesforce.endswith("__c")}
    assert set(_fields()) == mapped | set(BOOKKEEPING)


def test_every_mapped_field_has_the_type_of_its_kind() -> None:
    fields = _fields()
    for row in DEFAULT_MAPPING:
        if row.salesforce in fields:
            assert fields[row.salesforce]["type"] == TYPES[row.kind], row.name


def test_the_external_id_is_unique_and_case_sensitive() -> None:
    key = _fields()[PATIENT_ID]
    assert {name: key[name] for name in ("externalId", "unique", "caseSensitive", "length")} == {
        "externalId": "true",
        "unique": "true",
        "caseSensitive": "true",
        "length": "40",
    }
    assert _fields()[MARKED]["defaultValue"] == "false"


def _granted(name: str, package: str) -> dict[str, bool]:
    """Return the fields that a permission set shows, and whether they may be edited."""
    found = _xml(f"permissionsets/{name}.permissionset", package).findall("m:fieldPermissions", SPACE)
    return {
        each.findtext("m:field", "", SPACE): each.findtext("m:editable", "", SPACE) == "true"
        for each in found
        if each.findtext("m:readable", "", SPACE) == "true"
    }


def test_the_permission_set_of_our_own_user_opens_every_field_of_the_package() -> None:
    granted = _granted(PERMISSION_SET, PACKAGE)
    ours = {f"Contact.{name}" for name in _fields()}
    ours |= {f"Hint_Log__c.{name}" for name in _fields("objects/Hint_Log__c.object")}
    assert all(granted[name] for name in ours)


@pytest.mark.parametrize("name", [USER_SET, ADMIN_SET])
def test_people_see_every_field_and_edit_only_the_one_that_is_kept_in_step_both_ways(name: str) -> None:
    contact = {f: edit for f, edit in _granted(name, PAGES_PACKAGE).items() if f.startswith("Contact.")}
    assert set(contact) == {f"Contact.{each}" for each in _fields()}
    two_way = {f"Contact.{row.salesforce}" for row in DEFAULT_MAPPING if row.direction.value != "hint-to-salesforce"}
    assert {each for each, edit in contact.items() if edit} == set(contact) & two_way


def test_only_administrators_see_settings_and_log() -> None:
    pages = {
        name: set(_texts(_xml(f"permissionsets/{name}.permissionset", PAGES_PACKAGE), "pageAccesses/apexPage"))
        for name in (USER_SET, ADMIN_SET)
    }
    assert pages[ADMIN_SET] == set(PAGES)
    assert pages[USER_SET] == set(PAGES) - {"Hintsync_Home"}
    user, admin = (_xml(f"permissionsets/{name}.permissionset", PAGES_PACKAGE) for name in (USER_SET, ADMIN_SET))
    assert _texts(admin, "tabSettings/tab") == [HOME_TAB, "Hint_Log__c"]
    assert _texts(user, "tabSettings/tab") == []
    assert not any("Log" in each for each in _granted(USER_SET, PAGES_PACKAGE))


def test_the_app_is_open_to_people_with_our_permission_sets_only() -> None:
    policies = _xml(f"extlClntAppOauthPolicies/{APP}_oauthPlcy.ecaOauthPlcy", PAGES_PACKAGE)
    assert _texts(policies, "permittedUsersPolicyType") == ["AdminApprovedPreAuthorized"]
    assert _texts(policies, "commaSeparatedPermissionSet") == [f"{ADMIN_SET},{USER_SET}"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_holds_our_app_and_says_which_view_it_is(page: str) -> None:
    root = ElementTree.fromstring(package_files(PAGES_PACKAGE, PLACE)[f"pages/{page}.page"].replace(b"apex:", b""))
    [canvas] = root.findall("canvasApp")
    assert canvas.get("developerName") == APP
    assert json.loads(canvas.get("parameters") or "") == {"view": page.partition("_")[2].lower()}
    assert root.get("standardController") == (None if page == "Hintsync_Home" else "Contact")
    # nothing of a patient leaves the org with the request
    assert canvas.get("entityFields") in (None, "Id")
    if page == PANEL_PAGE:
        assert canvas.get("height") == f"{PANEL_HEIGHT}px"


def test_actions_and_buttons_of_a_name_open_the_same_page() -> None:
    links = _xml("objects/Contact.object", PAGES_PACKAGE)
    pages = dict(zip(_texts(links, "webLinks/fullName"), _texts(links, "webLinks/page"), strict=True))
    assert set(pages) == set(ACTIONS)
    for name in ACTIONS:
        assert _texts(_xml(f"quickActions/Contact.{name}.quickAction", PAGES_PACKAGE), "page") == [pages[name]]


def test_the_report_begins_with_the_contacts_id_and_filters_by_the_batch() -> None:
    report = _xml(f"reports/{BATCH_REPORT}.report", PAGES_PACKAGE)
    assert _texts(report, "columns/field")[0] == "Contact$Id"
    assert _texts(report, "filter/criteriaItems/column") == ["Contact$Hint_Last_Batch_Sync_Id__c"]


def test_what_is_known_at_deployment_only_is_filled_in_as_xml() -> None:
    place = Place("https://sync.clinic.example/a&b", "ida&<joe>@clinic.example", "hintsyncKEY", "${public_url}")
    files = package_files(PAGES_PACKAGE, place)
    canvas = ElementTree.fromstring(files[f"extlClntAppCanvasSettings/{APP}_canvasSettings.ecaCanvas"])
    assert _texts(canvas, "canvasUrl") == ["https://sync.clinic.example/a&b/canvas"]
    oauth = ElementTree.fromstring(files[f"extlClntAppGlobalOauthSets/{APP}_glbloauth.ecaGlblOauth"])
    assert _texts(oauth, "callbackUrl") == ["https://sync.clinic.example/a&b/login/callback"]
    assert _texts(oauth, "consumerSecret") == ["${public_url}"]
    assert _texts(ElementTree.fromstring(files[f"externalClientApps/{APP}.eca"]), "contactEmail") == [
        "ida&<joe>@clinic.example"
    ]
    trusted = ElementTree.fromstring(files[f"cspTrustedSites/{APP}.cspTrustedSite"])
    assert _texts(trusted, "endpointUrl") == ["https://sync.clinic.example"]


def test_without_key_and_secret_their_elements_are_left_out_and_nothing_else() -> None:
    name = f"extlClntAppGlobalOauthSets/{APP}_glbloauth.ecaGlblOauth"
    bare = package_files(PAGES_PACKAGE, Place(PLACE.public_url, PLACE.contact_email))[name]
    given = package_files(PAGES_PACKAGE, PLACE)[name]
    lines = [line for line in given.splitlines() if b"<consumer" not in line]
    assert bare.splitlines() == lines


def test_no_secret_shows_when_a_place_is_printed() -> None:
    assert "SECRET" not in repr(PLACE)


def test_the_same_package_is_the_same_bytes() -> None:
    assert package_zip() == package_zip()
    assert package_zip(PAGES_PACKAGE, PLACE) == package_zip(PAGES_PACKAGE, PLACE)
