"""Components one by one over SOAP."""

from __future__ import annotations

import base64
from xml.etree.ElementTree import Element

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import SoapDeployer, plain, results

OBJECT = """<metadata xsi:type="CustomObject"><fullName>{name}</fullName><label>{label}</label>
  <pluralLabel>Notes</pluralLabel><nameField><type>Text</type><label>Name</label></nameField>
  <deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel></metadata>"""
FIELD = """<metadata xsi:type="CustomField"><fullName>Note__c.Text__c</fullName><label>Text</label><length>{length}</length>
  <type>Text</type></metadata>"""
TAB = """<metadata xsi:type="CustomTab"><fullName>Web</fullName><label>Web</label><motif>Custom57: Desert</motif>
  <url>https://example.com</url></metadata>"""


async def _call(soap: SoapDeployer, operation: str, inner: str) -> list[Element]:
    return results(await soap.call(f"<{operation}Metadata>{inner}</{operation}Metadata>"))


def _errors(found: list[Element]) -> list[tuple[str | None, str | None]]:
    return [(one.findtext("errors/statusCode"), one.findtext("errors/message")) for one in found]


def _note(label: str = "Note", name: str = "Note__c") -> str:
    return OBJECT.format(name=name, label=label)


async def test_components_are_created_read_changed_and_deleted(soap: SoapDeployer, org: Org) -> None:
    created = await _call(soap, "create", _note() + FIELD.format(length=10))
    assert [plain(one) for one in created] == [
        {"fullName": "Note__c", "success": True},
        {"fullName": "Note__c.Text__c", "success": True},
    ]
    assert await _call(soap, "update", _note("Remark") + FIELD.format(length=20))
    assert org.definition("Note__c").label == "Remark"
    assert org.definition("Note__c").fields["text__c"].length == 20
    read = await _call(
        soap, "read", "<type>CustomObject</type><fullNames>Note__c</fullNames><fullNames>No__c</fullNames>"
    )
    records = list(read[0])
    assert (records[0].findtext("fullName"), records[0].findtext("fields/fullName")) == ("Note__c", "Text__c")
    assert (records[0].findtext("fields/length"), records[1].text) == ("20", None)
    gone = await _call(
        soap, "delete", "<type>CustomObject</type><fullNames>Note__c</fullNames><fullNames>No__c</fullNames>"
    )
    assert [one.findtext("success") for one in gone] == ["true", "false"]
    assert org.schema.get("Note__c") is None


async def test_creating_twice_and_updating_nothing_are_refused(soap: SoapDeployer) -> None:
    await _call(soap, "create", TAB)
    again = await _call(soap, "create", TAB)
    assert _errors(again) == [("DUPLICATE_DEVELOPER_NAME", "There is already a component of type CustomTab named Web")]
    missing = await _call(soap, "update", _note())
    assert _errors(missing) == [("INVALID_CROSS_REFERENCE_KEY", "No CustomObject named: Note__c found")]


async def test_an_upsert_says_whether_it_created(soap: SoapDeployer) -> None:
    assert (await _call(soap, "upsert", TAB))[0].findtext("created") == "true"
    assert (await _call(soap, "upsert", TAB))[0].findtext("created") == "false"


async def test_one_refused_component_leaves_the_others_alone(soap: SoapDeployer, org: Org) -> None:
    bad = TAB.replace("<url>https://example.com</url>", "<page>Nope</page>").replace("Web<", "Bad<")
    found = await _call(soap, "create", bad + TAB)
    assert [one.findtext("success") for one in found] == ["false", "true"]
    assert _errors(found)[0] == ("INVALID_CROSS_REFERENCE_KEY", "In field: page - no ApexPage named Nope found")
    assert org.components.names("CustomTab") == ["Web"]


async def test_an_object_whose_field_is_refused_is_not_there(soap: SoapDeployer, org: Org) -> None:
    bad = "<fields><fullName>Text__c</fullName><label>T</label><type>Odd</type></fields></metadata>"
    found = await _call(soap, "create", _note().replace("</metadata>", bad))
    assert _errors(found)[0][1] == "'Odd' is not a valid value for the enum 'FieldType'"
    assert org.schema.get("Note__c") is None
    assert (await _call(soap, "create", _note()))[0].findtext("success") == "true"


async def test_a_page_carries_its_markup(soap: SoapDeployer) -> None:
    markup = "<apex:page>hello</apex:page>"
    text = f"""<metadata xsi:type="ApexPage"><fullName>Hello</fullName><apiVersion>67.0</apiVersion>
      <content>{base64.b64encode(markup.encode()).decode()}</content><label>Hello</label></metadata>"""
    assert (await _call(soap, "create", text))[0].findtext("success") == "true"
    files, _ = await soap.retrieve({"ApexPage": ["Hello"]})
    assert files["unpackaged/pages/Hello.page"].decode() == markup
    read = (await _call(soap, "read", "<type>ApexPage</type><fullNames>Hello</fullNames>"))[0][0]
    assert base64.b64decode(read.findtext("content") or "").decode() == markup


async def test_a_renamed_object_keeps_records_fields_and_what_looks_up_to_it(soap: SoapDeployer, org: Org) -> None:
    await _call(soap, "create", _note() + FIELD.format(length=10) + _note(name="Child__c"))
    look = """<metadata xsi:type="CustomField"><fullName>Child__c.Note__c</fullName><label>Note</label><type>Lookup</type>
      <referenceTo>Note__c</referenceTo><relationshipName>Children</relationshipName></metadata>"""
    await _call(soap, "create", look)
    note = org.insert("Note__c", {"Text__c": "kept"})
    child = org.insert("Child__c", {"Note__c": note})
    names = "<oldFullName>Note__c</oldFullName><newFullName>Memo__c</newFullName>"
    found = await _call(soap, "rename", f"<type>CustomObject</type>{names}")
    # The real answer names what the object was called before: jsforce's own tests, run against real orgs, demand it.
    assert plain(found[0]) == {"fullName": "Note__c", "success": True}
    assert org.get("Memo__c", note)["Text__c"] == "kept"
    assert org.definition("Child__c").fields["note__c"].reference_to == ("Memo__c",)
    assert org.get("Child__c", child)["Note__c"] == note
    assert await soap.listed("CustomField") == ["Child__c.Note__c", "Memo__c.Text__c"]
    org.remove_fields("Memo__c", ["Text__c"])
    again = await _call(soap, "rename", f"<type>CustomObject</type>{names}")
    assert _errors(again)[0][1] == "No CustomObject named: Note__c found"


async def test_a_renamed_field_keeps_what_it_holds_and_where_it_shows(soap: SoapDeployer, org: Org) -> None:
    await _call(soap, "create", _note() + FIELD.format(length=10) + _note(name="Other__c"))
    await _call(soap, "create", FIELD.format(length=10).replace("Note__c.", "Other__c."))
    await _call(
        soap,
        "create",
        """<metadata xsi:type="CompactLayout"><fullName>Note__c.Short</fullName><fields>Name</fields>
      <fields>Text__c</fields><label>Short</label></metadata><metadata xsi:type="CompactLayout">
      <fullName>Other__c.Short</fullName><fields>Text__c</fields><label>Short</label></metadata>""",
    )
    await _call(
        soap,
        "create",
        """<metadata xsi:type="PermissionSet"><fullName>Desk</fullName><fieldPermissions>
      <editable>true</editable><field>Note__c.Text__c</field><readable>true</readable></fieldPermissions>
      <fieldPermissions><editable>false</editable><field>Other__c.Text__c</field><readable>true</readable>
      </fieldPermissions><label>Desk</label></metadata>""",
    )
    note = org.insert("Note__c", {"Text__c": "kept"})
    names = "<oldFullName>Note__c.Text__c</oldFullName><newFullName>Note__c.Remark__c</newFullName>"
    found = await _call(soap, "rename", f"<type>CustomField</type>{names}")
    assert plain(found[0]) == {"fullName": "Note__c.Text__c", "success": True}
    assert org.get("Note__c", note)["Remark__c"] == "kept"
    assert await soap.listed("CustomField") == ["Note__c.Remark__c", "Other__c.Text__c"]
    read = await _call(soap, "read", "<type>CustomField</type><fullNames>Note__c.Remark__c</fullNames>")
    assert [one.text for one in read[0].iterfind("records/fullName")] == ["Note__c.Remark__c"]
    layouts = await _call(
        soap,
        "read",
        "<type>CompactLayout</type><fullNames>Note__c.Short</fullNames><fullNames>Other__c.Short</fullNames>",
    )
    assert [one.text for one in layouts[0].iterfind("records/fields")] == ["Name", "Remark__c", "Text__c"]
    granted = (await _call(soap, "read", "<type>PermissionSet</type><fullNames>Desk</fullNames>"))[0]
    assert [one.text for one in granted.iterfind("records/fieldPermissions/field")] == [
        "Note__c.Remark__c",
        "Other__c.Text__c",
    ]
    rows = org.rows("FieldPermissions")
    assert {row["Field"] for row in rows if row["SobjectType"] == "Note__c"} == {"Note__c.Remark__c"}


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("Note__c.Missing__c", "Note__c.Remark__c", "No CustomField named: Note__c.Missing__c found"),
        (
            "Note__c.Text__c",
            "Note__c.Text__c",
            "There is already a component of type CustomField named Note__c.Text__c",
        ),
        ("Note__c.Text__c", "Contact.Text__c", "A field cannot be moved to another object: Contact.Text__c"),
        ("Note__c.Text__c", "Note__c.Remark", "The field name 'Remark' is not valid: it must end in __c"),
        ("Contact.Email", "Contact.Mail__c", "No CustomField named: Contact.Email found"),
    ],
)
async def test_a_field_that_cannot_be_renamed_stays_as_it_was(
    soap: SoapDeployer, org: Org, old: str, new: str, text: str
) -> None:
    await _call(soap, "create", _note() + FIELD.format(length=10))
    names = f"<oldFullName>{old}</oldFullName><newFullName>{new}</newFullName>"
    found = await _call(soap, "rename", f"<type>CustomField</type>{names}")
    assert (found[0].findtext("success"), _errors(found)[0][1]) == ("false", text)
    assert await soap.listed("CustomField") == ["Note__c.Text__c"]


async def test_an_indexed_field_is_found_by_its_new_name(soap: SoapDeployer, org: Org, api: httpx.AsyncClient) -> None:
    key = FIELD.format(length=10).replace("<label>", "<externalId>true</externalId><label>")
    await _call(soap, "create", _note() + key)
    org.insert("Note__c", {"Text__c": "k-1"})
    names = "<oldFullName>Note__c.Text__c</oldFullName><newFullName>Note__c.Key__c</newFullName>"
    await _call(soap, "rename", f"<type>CustomField</type>{names}")
    answer = await api.patch("/sobjects/Note__c/Key__c/k-1", json={"Name": "Found"})
    assert answer.json()["created"] is False
    assert (await api.patch("/sobjects/Note__c/Text__c/k-1", json={"Name": "Lost"})).status_code == 404


async def test_a_tab_is_renamed(soap: SoapDeployer, org: Org) -> None:
    await _call(soap, "create", TAB)
    names = "<oldFullName>Web</oldFullName><newFullName>Site</newFullName>"
    assert (await _call(soap, "rename", f"<type>CustomTab</type>{names}"))[0].findtext("success") == "true"
    assert org.components.names("CustomTab") == ["Site"]


async def test_more_than_ten_and_unknown_types_are_faults(soap: SoapDeployer) -> None:
    many = await soap.call(f"<createMetadata>{TAB * 11}</createMetadata>")
    assert "LIMIT_EXCEEDED" in many.text
    odd = await soap.call(
        '<createMetadata><metadata xsi:type="ApexClass"><fullName>A</fullName></metadata></createMetadata>'
    )
    assert "INVALID_TYPE: not emulated: createMetadata of type ApexClass" in odd.text
    member = await soap.call(
        "<deleteMetadata><type>PlatformEventChannelMember</type><fullNames>A</fullNames></deleteMetadata>"
    )
    assert "INVALID_TYPE" in member.text
