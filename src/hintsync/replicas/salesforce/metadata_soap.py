"""Reads metadata out of an org: which components there are, and their files. Only SOAP offers that.

Source: Metadata API Developer Guide, "listMetadata()", "retrieve()" and "checkRetrieveStatus()".
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from xml.sax.saxutils import escape

from hintsync.core.errors import FixConfiguration, HintsyncError, RetryLater
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce.client import API_VERSION, SalesforceClient
from hintsync.replicas.salesforce.errors import LIMIT_EXCEEDED, TRANSIENT
from hintsync.replicas.salesforce.xml_splice import Element, read_xml

#: Seconds between two looks at a retrieval, and after which we stop looking.
POLL_SECONDS = 1.0
DEADLINE_SECONDS = 300.0

_PATH = f"/services/Soap/m/{API_VERSION}"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="http://soap.sforce.com/2006/04/metadata"><soapenv:Header>'
    "<CallOptions><client>hintsync</client></CallOptions>"
    "<SessionHeader><sessionId>{token}</sessionId></SessionHeader>"
    "</soapenv:Header><soapenv:Body>{call}</soapenv:Body></soapenv:Envelope>"
)

#: A retrieval can be fetched once; a lost answer is gone.
_GONE = "INVALID_LOCATOR"
_NO_TYPE = "INVALID_TYPE"

#: Path in the package -> content.
Files: TypeAlias = dict[str, bytes]


class UnknownType(FixConfiguration):
    """The org has no such type of metadata: the feature that it belongs to is not there."""


class _FetchedAlready(FixConfiguration):
    """The files of this retrieval were sent once, and are not kept."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A component of the org."""

    #: As packages write it: characters beside letters and digits may be percent-encoded.
    full_name: str
    #: Path of its file in a package.
    file: str
    #: Namespace of the installed package that brought it; empty for the org's own.
    namespace: str


async def list_components(client: SalesforceClient, kind: str, folder: str = "") -> list[Listed]:
    """Return the components of a type, by name.

    Args:
        client: the org.
        kind: type of metadata.
        folder: where they lie; types that lie in folders, such as `Report`, are listed by folder only.

    Raises:
        UnknownType: the org has no such type.
        FixConfiguration: the org refuses the question.
        RetryLater: it does not answer.
    """
    place = f"<folder>{escape(folder)}</folder>" if folder else ""
    call = (
        f"<listMetadata><queries>{place}<type>{kind}</type></queries>"
        f"<asOfVersion>{API_VERSION}</asOfVersion></listMetadata>"
    )
    found = await _call(client, f"list the components of type {kind}", call)
    listed = [Listed(each.value("fullName"), each.value("fileName"), each.value("namespacePrefix")) for each in found]
    return sorted(listed, key=lambda each: each.full_name)


async def retrieve(client: SalesforceClient, clock: Clock, members: Mapping[str, Sequence[str]]) -> Files:
    """Return the files of components, given by type and full name.

    Raises:
        FixConfiguration: one of them is not in the org, or the org refuses the question.
        RetryLater: it does not end.
    """
    types = "".join(
        f"<types>{''.join(f'<members>{escape(name)}</members>' for name in names)}<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    call = (
        f"<retrieve><retrieveRequest><apiVersion>{API_VERSION}</apiVersion><singlePackage>true</singlePackage>"
        f"<unpackaged>{types}<version>{API_VERSION}</version></unpackaged></retrieveRequest></retrieve>"
    )
    started = await _call(client, "begin to retrieve metadata", call)
    try:
        result = await _retrieved(client, clock, started[0].value("id"))
    except _FetchedAlready as lost:
        raise RetryLater(Side.SALESFORCE, "the files were sent, and lost on the way") from lost
    problems = [each.value("problem") for each in result.all("messages")]
    if problems or result.value("success") != "true":
        reason = "; ".join(problems) or result.value("errorMessage") or result.value("status")
        raise FixConfiguration(f"salesforce: metadata could not be retrieved: {reason}")
    return _unpacked(result.value("zipFile"))


async def _retrieved(client: SalesforceClient, clock: Clock, job: str) -> Element:
    deadline = clock.monotonic() + DEADLINE_SECONDS
    call = (
        f"<checkRetrieveStatus><asyncProcessId>{escape(job)}</asyncProcessId>"
        "<includeZip>true</includeZip></checkRetrieveStatus>"
    )
    while clock.monotonic() < deadline:
        [result] = await _call(client, "look at the retrieval", call)
        if result.value("done") == "true":
            return result
        await clock.sleep(POLL_SECONDS)
    raise RetryLater(Side.SALESFORCE, f"retrieval {job} does not end")


async def _call(client: SalesforceClient, what: str, call: str) -> list[Element]:
    """Carry an operation out and return its `result` elements."""
    answer = await client.send_soap(
        _PATH, what, lambda token: _ENVELOPE.format(token=escape(token), call=call).encode()
    )
    bodies = read_xml(answer).all("Body")
    content = bodies[0].children[0] if bodies and bodies[0].children else None
    if content is None:
        raise RetryLater(Side.SALESFORCE, f"{what}: an empty answer")
    if content.tag == "Fault":
        raise _fault(what, content)
    return content.all("result")


def _fault(what: str, fault: Element) -> HintsyncError:
    """Return what a refusal means. Its text speaks of metadata, never of a person."""
    code, text = fault.value("faultcode").rpartition(":")[2], fault.value("faultstring")
    if code == _GONE:
        return _FetchedAlready(f"salesforce: {what}: {text}")
    if code == _NO_TYPE:
        return UnknownType(f"salesforce: {what}: {text}")
    if code in TRANSIENT or code == LIMIT_EXCEEDED:
        return RetryLater(Side.SALESFORCE, f"{what}: {code}")
    return FixConfiguration(f"salesforce: {what}: {text}")


def _unpacked(text: str) -> Files:
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(text))) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (binascii.Error, zipfile.BadZipFile):
        raise RetryLater(Side.SALESFORCE, "retrieved metadata came broken") from None
