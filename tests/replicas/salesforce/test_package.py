"""The shipped package against the mapping table and against what the replica writes."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

from hintsync.core.fields import DEFAULT_MAPPING, Kind
from hintsync.replicas.salesforce.metadata import PERMISSION_SET, package_zip
from hintsync.replicas.salesforce.package_fields import BOOKKEEPING, MARKED, PATIENT_ID

SPACE = {"m": "http://soap.sforce.com/2006/04/metadata"}
TYPES = {
    Kind.TEXT: "Text",
    Kind.CHECKBOX: "Checkbox",
    Kind.TIMESTAMP: "DateTime",
    Kind.GENDER: "Picklist",
}


def _archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(package_zip()))


def _xml(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(_archive().read(name))


def _fields() -> dict[str, dict[str, str]]:
    found = _xml("objects/Contact.object").findall("m:fields", SPACE)
    plain = [{child.tag.partition("}")[2]: child.text or "" for child in field} for field in found]
    return {each["fullName"]: each for each in plain}


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


def test_the_manifest_lists_exactly_the_components_of_the_zip() -> None:
    manifest = {
        (kind.findtext("m:name", namespaces=SPACE), member.text)
        for kind in _xml("package.xml").findall("m:types", SPACE)
        for member in kind.findall("m:members", SPACE)
    }
    assert manifest == {("CustomField", f"Contact.{name}") for name in _fields()} | {("PermissionSet", PERMISSION_SET)}
    assert set(_archive().namelist()) == {
        "package.xml",
        "objects/Contact.object",
        f"permissionsets/{PERMISSION_SET}.permissionset",
    }


def test_the_permission_set_opens_every_field_of_the_package() -> None:
    granted = {
        each.findtext("m:field", namespaces=SPACE)
        for each in _xml(f"permissionsets/{PERMISSION_SET}.permissionset").findall("m:fieldPermissions", SPACE)
        if each.findtext("m:editable", namespaces=SPACE) == "true"
    }
    assert granted >= {f"Contact.{name}" for name in _fields()}


def test_the_same_package_is_the_same_bytes() -> None:
    assert package_zip() == package_zip()
