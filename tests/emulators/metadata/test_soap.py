"""The SOAP endpoint: sessions, versions, faults, looking around."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import SoapDeployer, envelope, plain, results, tree

DESCRIBE = "<describeMetadata><asOfVersion>67.0</asOfVersion></describeMetadata>"


def _fault(answer: httpx.Response) -> tuple[str, str]:
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/xml;charset=UTF-8")
    found = tree(answer).find("./Body/Fault")
    assert found is not None
    return found.findtext("faultcode") or "", found.findtext("faultstring") or ""


@pytest.mark.parametrize("token", ["00DEM0000000001!other", ""])
async def test_a_call_without_a_session_is_a_fault(soap: SoapDeployer, token: str) -> None:
    code, text = _fault(await soap.call(DESCRIBE, token))
    assert code == "sf:INVALID_SESSION_ID"
    assert text.startswith("INVALID_SESSION_ID: Invalid Session ID found in SessionHeader")


async def test_an_ended_session_is_a_fault(soap: SoapDeployer, org: Org) -> None:
    assert (await soap.call(DESCRIBE)).status_code == 200
    org.expire_tokens()
    assert _fault(await soap.call(DESCRIBE))[0] == "sf:INVALID_SESSION_ID"


@pytest.mark.parametrize("version", ["51.0", "59.0", "66.0", "68.0"])
async def test_several_versions_are_served_at_once(outside: httpx.AsyncClient, version: str) -> None:
    assert (await SoapDeployer(outside, version).call(DESCRIBE)).status_code == 200
    assert (await SoapDeployer(outside, f"{version}/00DEM0000000001").call(DESCRIBE)).status_code == 200


@pytest.mark.parametrize("version", ["69.0", "12.0", "latest"])
async def test_other_versions_are_faults(outside: httpx.AsyncClient, version: str) -> None:
    assert _fault(await SoapDeployer(outside, version).call(DESCRIBE))[0] == "sf:UNSUPPORTED_API_VERSION"


async def test_operations_that_are_left_out_are_named(soap: SoapDeployer) -> None:
    code, text = _fault(await soap.call("<describeGlobalTheme/>"))
    assert (code, text) == ("sf:NOT_EMULATED", "NOT_EMULATED: not emulated: describeGlobalTheme of the Metadata API")


async def _described(soap: SoapDeployer, kind: str) -> dict[str, object]:
    """Describe a type: what can be done with it, its parent, and its elements by name."""
    name = f"{{http://soap.sforce.com/2006/04/metadata}}{kind}"
    found = results(await soap.call(f"<describeValueType><type>{name}</type></describeValueType>"))[0]
    fields = {one.findtext("name"): one for one in found.iterfind("valueTypeFields")}
    return {**plain(found), "parent": found.find("parentField"), "fields": fields}


async def test_a_type_is_described_down_to_the_words_that_its_elements_take(soap: SoapDeployer) -> None:
    described = await _described(soap, "CustomObject")
    assert [described[f"api{verb}"] for verb in ("Creatable", "Readable", "Updatable", "Deletable")] == [True] * 4
    assert described["parent"] is None
    fields = described["fields"]
    assert plain(fields["fullName"]) == {
        "isForeignKey": False, "isNameField": True, "minOccurs": "0", "name": "fullName", "soapType": "string",
        "valueRequired": False,
    }  # fmt: skip
    words = [one.findtext("value") for one in fields["sharingModel"].iterfind("picklistValues")]
    assert (fields["sharingModel"].findtext("soapType"), words[:3]) == (
        "SharingModel",
        ["Private", "Read", "ReadSelect"],
    )
    assert "displayFormat" in [one.findtext("name") for one in fields["nameField"].iterfind("fields")]


async def test_a_type_that_lives_inside_an_object_names_its_parent(soap: SoapDeployer) -> None:
    described = await _described(soap, "CustomField")
    parent = described["parent"]
    assert (parent.findtext("isForeignKey"), parent.findtext("foreignKeyDomain")) == ("true", "CustomObject")
    assert described["fields"]["referenceTo"].findtext("foreignKeyDomain") == "CustomObject"
    assert described["fields"]["length"].findtext("soapType") == "int"


async def test_what_cannot_be_called_for_one_by_one_says_so(soap: SoapDeployer) -> None:
    described = await _described(soap, "PlatformEventChannelMember")
    assert described["apiCreatable"] is False
    described = await _described(soap, "NameSettings")
    assert (described["apiCreatable"], described["apiUpdatable"]) == (False, True)


async def test_a_type_that_is_unknown_or_not_emulated_is_a_fault(soap: SoapDeployer) -> None:
    code, _ = _fault(await soap.call("<describeValueType><type>CustomObject</type></describeValueType>"))
    assert code == "sf:INVALID_TYPE"
    name = "{http://soap.sforce.com/2006/04/metadata}ApexClass"
    code, text = _fault(await soap.call(f"<describeValueType><type>{name}</type></describeValueType>"))
    assert (code, text) == ("sf:NOT_EMULATED", "NOT_EMULATED: not emulated: describeValueType of ApexClass")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + envelope(DESCRIBE).partition("?>")[2]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", "The SOAP message cannot be read: No element found"),
        ("<unclosed>", "The SOAP message cannot be read: No element found"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "The SOAP message cannot be read: Unsupported encoding"),
        ("<a></b>", "The SOAP message cannot be read: Mismatched tag"),
        (BOMB, "The SOAP message cannot be read: DOCTYPE is disallowed"),
        ("<a>" * 200 + "</a>" * 200, "The SOAP message cannot be read: Elements are nested too deeply"),
        ("<Envelope/>", "The message is no SOAP envelope with a body"),
        (envelope(""), "The message is no SOAP envelope with a body"),
        (envelope('<login xmlns="urn:partner.soap.sforce.com"/>'), "No operation available for request"),
    ],
)
async def test_messages_that_cannot_be_read_are_faults(outside: httpx.AsyncClient, body: str, text: str) -> None:
    code, found = _fault(await outside.post("/services/Soap/m/67.0", content=body.encode()))
    assert code == "soapenv:Client"
    assert found.startswith(text)


async def test_a_chunked_message_is_read(outside: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        raw = envelope(DESCRIBE).encode()
        for start in range(0, len(raw), 100):
            yield raw[start : start + 100]

    answer = await outside.post("/services/Soap/m/67.0", content=chunks(), headers={"Content-Type": "text/xml"})
    assert answer.status_code == 200


async def test_calls_count_against_the_day(soap: SoapDeployer, org: Org) -> None:
    org.set_daily_limit(2, used=0)
    assert (await soap.call(DESCRIBE)).status_code == 200
    assert (await soap.call(DESCRIBE)).status_code == 200
    assert _fault(await soap.call(DESCRIBE))[0] == "sf:REQUEST_LIMIT_EXCEEDED"


async def test_the_types_are_described(soap: SoapDeployer) -> None:
    found = results(await soap.call(DESCRIBE))[0]
    kinds = {one.findtext("xmlName"): one for one in found.iterfind("metadataObjects")}
    assert plain(kinds["ApexPage"]) == {
        "directoryName": "pages",
        "inFolder": False,
        "metaFile": True,
        "suffix": "page",
        "xmlName": "ApexPage",
    }
    children = [one.text for one in kinds["CustomObject"].iterfind("childXmlNames")]
    assert children == ["CompactLayout", "CustomField", "ListView", "WebLink"]
    assert plain(kinds["Report"])["inFolder"] is True


async def test_a_listing_takes_three_types_at_most_and_known_ones(soap: SoapDeployer) -> None:
    def query(*kinds: str) -> str:
        rows = "".join(f"<queries><type>{kind}</type></queries>" for kind in kinds)
        return f"<listMetadata>{rows}<asOfVersion>67.0</asOfVersion></listMetadata>"

    assert _fault(await soap.call(query("Layout", "Profile", "Report", "ApexPage")))[0] == "sf:EXCEEDED_ID_LIMIT"
    assert _fault(await soap.call(query("ApexClass")))[1] == "INVALID_TYPE: not emulated: metadata type ApexClass"
    found = [plain(one) for one in results(await soap.call(query("Layout", "Profile")))]
    assert {str(one["fullName"]) for one in found} == {
        "Account-Account Layout",
        "Admin",
        "Contact-Contact Layout",
        "Standard",
    }
    assert found[0]["manageableState"] == "unmanaged"
    assert str(found[0]["lastModifiedDate"]).endswith("Z")


@pytest.mark.parametrize(
    "body", ["<deploy><ZipFile>!</ZipFile></deploy>", "<deploy><ZipFile>bm8gemlw</ZipFile></deploy>"]
)
async def test_what_is_no_zip_is_a_fault(soap: SoapDeployer, body: str) -> None:
    assert _fault(await soap.call(body))[0] == "sf:INVALID_FILE_METADATA"


@pytest.mark.parametrize("operation", ["checkDeployStatus", "checkRetrieveStatus", "checkStatus"])
async def test_jobs_that_there_are_not_are_faults(soap: SoapDeployer, operation: str) -> None:
    text = f"<{operation}><asyncProcessId>0AfNOPE</asyncProcessId></{operation}>"
    assert _fault(await soap.call(text))[0] in ("sf:INVALID_CROSS_REFERENCE_KEY", "sf:INVALID_LOCATOR")
