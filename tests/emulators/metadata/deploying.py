"""Packages as zips, and sending them by REST and by SOAP."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from xml.etree import ElementTree

import httpx

from tests.emulators.salesforce.conftest import TOKEN

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
XMLNS = f'xmlns="{NAMESPACE}"'
Types = Mapping[str, tuple[str, ...] | list[str]]


def manifest(types: Types) -> str:
    """Return a package.xml."""
    rows = (
        f"{''.join(f'<members>{one}</members>' for one in names)}<name>{kind}</name>" for kind, names in types.items()
    )
    return f"<Package {XMLNS}>{''.join(f'<types>{row}</types>' for row in rows)}<version>67.0</version></Package>"


def zipped(files: Mapping[str, str | bytes], types: Types, **removals: Types) -> bytes:
    """Return a package; removals are named by their file, e.g. ``destructiveChanges={...}``."""
    manifests = {"package.xml": manifest(types)} | {f"{name}.xml": manifest(named) for name, named in removals.items()}
    return packed({**manifests, **files})


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """Return an archive of files by their paths."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return raw.getvalue()


def unzipped(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@dataclass
class Result:
    """A deploy result, whichever API told it."""

    id: str
    status: str
    success: bool
    #: Full name -> message.
    passed: dict[str, dict[str, object]] = field(default_factory=dict)
    failed: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        return [str(one["problem"]) for one in self.failed.values()]


class Deployer(Protocol):
    """A way to deploy."""

    async def deploy(self, raw: bytes, **options: object) -> Result: ...

    async def start(self, raw: bytes, **options: object) -> str: ...

    async def status(self, job: str) -> Result: ...

    async def quick(self, validated: str) -> httpx.Response: ...

    async def cancel(self, job: str) -> httpx.Response: ...


class RestDeployer:
    """Deploys by the REST resource."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self.api = api

    async def start(self, raw: bytes, **options: object) -> str:
        files = {
            "json": (None, json.dumps({"deployOptions": options}), "application/json"),
            "file": ("package.zip", raw, "application/zip"),
        }
        answer = await self.api.post("/metadata/deployRequest", files=files)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def status(self, job: str) -> Result:
        found = (await self.api.get(f"/metadata/deployRequest/{job}", params={"includeDetails": "true"})).json()
        result = found["deployResult"]
        messages = result["details"]
        return Result(
            result["id"],
            result["status"],
            result["success"],
            {one["fullName"]: one for one in messages["componentSuccesses"]},
            {one["fullName"]: one for one in messages["componentFailures"]},
        )

    async def deploy(self, raw: bytes, **options: object) -> Result:
        return await self.status(await self.start(raw, **options))

    async def quick(self, validated: str) -> httpx.Response:
        return await self.api.post("/metadata/deployRequest", json={"validatedDeployRequestId": validated})

    async def cancel(self, job: str) -> httpx.Response:
        return await self.api.patch(f"/metadata/deployRequest/{job}", json={"deployResult": {"status": "Canceling"}})


def envelope(body: str, token: str = TOKEN) -> str:
    """Return a SOAP message as jsforce writes it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Header {XMLNS}><SessionHeader><sessionId>{token}</sessionId></SessionHeader></soapenv:Header>"
        f"<soapenv:Body {XMLNS}>{body}</soapenv:Body></soapenv:Envelope>"
    )


def tree(answer: httpx.Response) -> ElementTree.Element:
    """Return an answer's XML with bare tags."""
    root = ElementTree.fromstring(answer.content)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def results(answer: httpx.Response) -> list[ElementTree.Element]:
    """Return the `result` elements of an answer."""
    assert answer.status_code == 200, answer.text
    return list(tree(answer).iterfind("./Body/*/result"))


def plain(element: ElementTree.Element) -> dict[str, object]:
    """Return an element's leaves by name; truth as truth."""
    return {one.tag: {"true": True, "false": False}.get(one.text or "", one.text) for one in element if len(one) == 0}


class SoapDeployer:
    """Speaks the SOAP API."""

    def __init__(self, outside: httpx.AsyncClient, version: str = "67.0") -> None:
        self.outside, self.version = outside, version

    async def call(self, body: str, token: str = TOKEN) -> httpx.Response:
        headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
        url = f"/services/Soap/m/{self.version}"
        return await self.outside.post(url, content=envelope(body, token).encode(), headers=headers)

    async def start(self, raw: bytes, **options: object) -> str:
        given = "".join(
            f"<{name}>{str(value).lower() if isinstance(value, bool) else value}</{name}>"
            for name, value in options.items()
        )
        archive = base64.b64encode(raw).decode()
        text = f"<deploy><ZipFile>{archive}</ZipFile><DeployOptions>{given}</DeployOptions></deploy>"
        found = plain(results(await self.call(text))[0])
        assert found["done"] is False
        return str(found["id"])

    async def status(self, job: str) -> Result:
        text = f"<asyncProcessId>{job}</asyncProcessId><includeDetails>true</includeDetails>"
        root = results(await self.call(f"<checkDeployStatus>{text}</checkDeployStatus>"))[0]
        passed = [plain(one) for one in root.iterfind("details/componentSuccesses")]
        failed = [plain(one) for one in root.iterfind("details/componentFailures")]
        return Result(
            root.findtext("id") or "",
            root.findtext("status") or "",
            root.findtext("success") == "true",
            {str(one["fullName"]): one for one in passed},
            {str(one["fullName"]): one for one in failed},
        )

    async def deploy(self, raw: bytes, **options: object) -> Result:
        return await self.status(await self.start(raw, **options))

    async def quick(self, validated: str) -> httpx.Response:
        return await self.call(
            f"<deployRecentValidation><validationId>{validated}</validationId></deployRecentValidation>"
        )

    async def cancel(self, job: str) -> httpx.Response:
        return await self.call(f"<cancelDeploy><String>{job}</String></cancelDeploy>")

    async def listed(self, kind: str) -> list[str]:
        """Return the full names of all components of a type."""
        text = f"<listMetadata><queries><type>{kind}</type></queries><asOfVersion>67.0</asOfVersion></listMetadata>"
        return [one.findtext("fullName") or "" for one in results(await self.call(text))]

    async def retrieve(self, types: Types, single: bool = False) -> tuple[dict[str, bytes], list[str]]:
        """Return the files of a retrieval and the problems it tells."""
        inner = manifest(types).removeprefix(f"<Package {XMLNS}>").removesuffix("</Package>")
        flags = f"<singlePackage>{str(single).lower()}</singlePackage>"
        return await self.retrieve_by(f"{flags}<unpackaged>{inner}</unpackaged>")

    async def retrieve_by(self, request: str) -> tuple[dict[str, bytes], list[str]]:
        """Return what a retrieval brings whose request holds these elements."""
        request = f"<apiVersion>67.0</apiVersion>{request}"
        text = f"<retrieve><retrieveRequest>{request}</retrieveRequest></retrieve>"
        job = results(await self.call(text))[0].findtext("id")
        status = f"<checkRetrieveStatus><asyncProcessId>{job}</asyncProcessId></checkRetrieveStatus>"
        found = results(await self.call(status))[0]
        problems = [one.findtext("problem") or "" for one in found.iterfind("messages")]
        return unzipped(base64.b64decode(found.findtext("zipFile") or "")), problems
