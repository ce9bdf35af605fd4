"""Custom fields of every type, and how they change."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import RestDeployer, Result, SoapDeployer, zipped
from tests.emulators.metadata.zoo import xml

SIZES = {
    "AutoNumber": "<displayFormat>N-{000}</displayFormat>",
    "Checkbox": "<defaultValue>true</defaultValue>",
    "Currency": "<precision>18</precision><scale>2</scale>",
    "Date": "",
    "DateTime": "",
    "Email": "",
    "Html": "<length>32768</length><visibleLines>25</visibleLines>",
    "LongTextArea": "<length>32768</length><visibleLines>3</visibleLines>",
    "Lookup": "<referenceTo>Account</referenceTo><relationshipName>Kept</relationshipName>",
    "Number": "<precision>5</precision><scale>1</scale>",
    "Percent": "<precision>5</precision><scale>0</scale>",
    "Phone": "",
    "Text": "<length>20</length>",
    "TextArea": "",
    "Time": "",
    "Url": "",
}
SHOWN = {
    "AutoNumber": "string",
    "Checkbox": "boolean",
    "Currency": "currency",
    "Html": "textarea",
    "LongTextArea": "textarea",
    "Lookup": "reference",
    "Number": "double",
    "Text": "string",
    "TextArea": "textarea",
}
VALUES = "<value><fullName>{0}</fullName><default>false</default><label>{0}</label></value>"


def _values(*names: str) -> str:
    rows = "".join(VALUES.format(name) for name in names)
    return f"<valueSetDefinition><sorted>false</sorted>{rows}</valueSetDefinition>"


async def _deploy(rest: RestDeployer, *fields: str) -> Result:
    names = [f"Contact.{one.partition('<fullName>')[2].partition('<')[0]}" for one in fields]
    body = xml("CustomObject", "".join(f"<fields>{one}</fields>" for one in fields))
    return await rest.deploy(zipped({"objects/Contact.object": body}, {"CustomField": names}))


def _field(kind: str, inner: str, name: str = "F__c") -> str:
    return f"<fullName>{name}</fullName><label>F</label>{inner}<type>{kind}</type>"


@pytest.mark.parametrize("kind", sorted(SIZES))
async def test_every_type_of_field_is_described_and_comes_back(
    rest: RestDeployer, soap: SoapDeployer, api: httpx.AsyncClient, kind: str
) -> None:
    assert (await _deploy(rest, _field(kind, SIZES[kind]))).problems == []
    fields = {one["name"]: one for one in (await api.get("/sobjects/Contact/describe")).json()["fields"]}
    assert fields["F__c"]["type"] == SHOWN.get(kind, kind.lower())
    assert fields["F__c"]["htmlFormatted"] is (kind == "Html")
    files, _ = await soap.retrieve({"CustomField": ["Contact.F__c"]})
    back = files["unpackaged/objects/Contact.object"]
    again = await rest.deploy(zipped({"objects/Contact.object": back}, {"CustomField": ["Contact.F__c"]}))
    assert again.passed["Contact.F__c"]["changed"] is False


@pytest.mark.parametrize("kind", sorted(set(SIZES) - {"AutoNumber"}))
async def test_fields_that_a_test_added_come_back_as_metadata_that_deploys(
    rest: RestDeployer, soap: SoapDeployer, org: Org, kind: str
) -> None:
    assert (await _deploy(rest, _field(kind, SIZES[kind]))).success
    kept = org.definition("Contact").fields["f__c"]
    org.components.drop("CustomField", "Contact.F__c")
    files, _ = await soap.retrieve({"CustomField": ["Contact.F__c"]})
    back = {"objects/Contact.object": files["unpackaged/objects/Contact.object"]}
    again = await rest.deploy(zipped(back, {"CustomField": ["Contact.F__c"]}))
    assert (again.problems, again.passed["Contact.F__c"]["created"]) == ([], False)
    assert org.definition("Contact").fields["f__c"] == kept


async def test_an_auto_number_counts(rest: RestDeployer, org: Org) -> None:
    first = org.insert("Contact", {"LastName": "Before"})
    await _deploy(rest, _field("AutoNumber", SIZES["AutoNumber"]))
    second = org.insert("Contact", {"LastName": "After"})
    numbers = [row[0] for row in org.storage.rows("SELECT F__c FROM Contact ORDER BY _row")]
    assert numbers == ["N-001", "N-002"]
    assert first < second


async def test_a_picklist_takes_new_values_and_several_at_once(rest: RestDeployer, api: httpx.AsyncClient) -> None:
    one = _field("Picklist", f"<valueSet><restricted>true</restricted>{_values('A', 'B')}</valueSet>")
    many = _field(
        "MultiselectPicklist", f"<valueSet>{_values('X', 'Y', 'Z')}</valueSet><visibleLines>4</visibleLines>", "M__c"
    )
    assert (await _deploy(rest, one, many)).problems == []
    created = await api.post("/sobjects/Contact", json={"LastName": "Moor", "F__c": "B", "M__c": "X;Z"})
    assert created.status_code == 201, created.text
    assert (await api.post("/sobjects/Contact", json={"LastName": "Moor", "F__c": "C"})).status_code == 400
    wider = _field("Picklist", f"<valueSet><restricted>true</restricted>{_values('A', 'B', 'C')}</valueSet>")
    assert (await _deploy(rest, wider)).passed["Contact.F__c"]["created"] is False
    assert (await api.post("/sobjects/Contact", json={"LastName": "Moor", "F__c": "C"})).status_code == 201


async def test_a_dependent_picklist_says_which_values_go_together(rest: RestDeployer, api: httpx.AsyncClient) -> None:
    first = _field("Picklist", f"<valueSet>{_values('A', 'B')}</valueSet>", "C__c")
    setting = "<valueSettings><controllingFieldValue>B</controllingFieldValue><valueName>Y</valueName></valueSettings>"
    second = _field(
        "Picklist", f"<valueSet><controllingField>C__c</controllingField>{_values('X', 'Y')}{setting}</valueSet>"
    )
    assert (await _deploy(rest, first, second)).problems == []
    fields = {one["name"]: one for one in (await api.get("/sobjects/Contact/describe")).json()["fields"]}
    assert (fields["F__c"]["controllerName"], fields["F__c"]["dependentPicklist"]) == ("C__c", True)
    assert [one["validFor"] for one in fields["F__c"]["picklistValues"]] == ["AA==", "QA=="]
    alone = await _deploy(rest, second.replace("C__c", "Nope__c").replace("F__c", "G__c"))
    assert alone.problems == ["In field: controllingField - no CustomField named Contact.Nope__c found"]


async def test_a_field_grows_but_does_not_become_another(rest: RestDeployer, org: Org) -> None:
    await _deploy(rest, _field("Text", "<length>20</length>"))
    assert (await _deploy(rest, _field("Text", "<length>40</length>"))).passed["Contact.F__c"]["changed"] is True
    assert org.definition("Contact").fields["f__c"].length == 40
    assert (await _deploy(rest, _field("Date", ""))).problems == ["not emulated: changing the type of a field"]


async def test_a_field_becomes_unique_only_when_its_values_are(rest: RestDeployer, org: Org) -> None:
    await _deploy(rest, _field("Text", "<length>20</length>"))
    twice = [org.insert("Contact", {"LastName": "Moor", "F__c": "same"}) for _ in range(2)]
    unique = _field("Text", "<length>20</length>").replace("</label>", "</label><unique>true</unique>")
    assert (await _deploy(rest, unique)).problems == ["Cannot make the field unique: it holds duplicate values"]
    org.update("Contact", twice[0], {"F__c": "other"})
    assert (await _deploy(rest, unique)).problems == []


async def test_an_object_whole_comes_with_its_standard_fields_and_deploys_back(
    soap: SoapDeployer, rest: RestDeployer
) -> None:
    await _deploy(rest, _field("Text", "<length>20</length>"))
    files, _ = await soap.retrieve({"CustomObject": ["Contact"]})
    text = files["unpackaged/objects/Contact.object"].decode()
    assert "<fullName>Birthdate</fullName>" in text
    assert "<fullName>F__c</fullName>" in text
    result = await rest.deploy(zipped({"objects/Contact.object": text}, {"CustomObject": ["Contact"]}))
    assert result.problems == []
    assert not [name for name, one in result.passed.items() if one["created"] is True]


async def test_an_object_that_others_look_up_to_stays(rest: RestDeployer, org: Org) -> None:
    note = xml("CustomObject", "<label>N</label><pluralLabel>Ns</pluralLabel>")
    await rest.deploy(zipped({"objects/N__c.object": note}, {"CustomObject": ["N__c"]}))
    await _deploy(rest, _field("Lookup", "<referenceTo>N__c</referenceTo><relationshipName>Cs</relationshipName>"))
    result = await rest.deploy(zipped({}, {}, destructiveChanges={"CustomObject": ["N__c"]}))
    assert result.problems == ["This custom object is referenced elsewhere: Custom Field - Contact.F__c"]
    both = {"CustomObject": ["N__c"], "CustomField": ["Contact.F__c"]}
    assert (await rest.deploy(zipped({}, {}, destructiveChanges=both))).success
    assert org.schema.get("N__c") is None
