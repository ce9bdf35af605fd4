"""Brings our fields into an org: deploys the shipped package and grants its permission set to our own user."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from importlib import resources
from importlib.abc import Traversable
from typing import Any

import httpx
import orjson

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce.client import Request, SalesforceClient
from hintsync.replicas.salesforce.errors import DUPLICATE_VALUE, Rejected
from hintsync.replicas.salesforce.query import rows
from hintsync.replicas.salesforce.soql import quoted

#: Fields and permissions; nothing works without them.
PACKAGE = "hintsync.salesforce_package"
#: The channel of change events; orgs without change data capture refuse it.
EVENTS_PACKAGE = "hintsync.salesforce_events"
PERMISSION_SET = "Hint_Sync"

#: Seconds between two looks at a deployment, and after which we stop looking; small packages take under a minute.
POLL_SECONDS = 2.0
DEADLINE_SECONDS = 900.0

#: Zip entries carry a time; a fixed one makes equal packages equal bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment that went through."""

    #: Id of the deployment in Setup, `0Af…`.
    id: str
    components: int
    #: Only validated, nothing was changed.
    check_only: bool
    #: Why the org has no channel of change events, so that changes are found by polling; None: it has one.
    without_events: str | None = None


def package_zip(package: str = PACKAGE) -> bytes:
    """Return a shipped package as a zip: `package.xml` and the component files at its root."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, resources.files(package), "")
    return buffer.getvalue()


async def deploy_all(client: SalesforceClient, clock: Clock, *, check_only: bool = False) -> Deployed:
    """Deploy fields and permissions, then the channel of change events if the org takes it.

    Raises:
        FixConfiguration: fields or permissions were refused; the message names each with its problem.
        RetryLater: a deployment does not end.
    """
    deployed = await deploy_package(client, clock, check_only=check_only)
    try:
        events = await deploy_package(client, clock, check_only=check_only, package=EVENTS_PACKAGE)
    except FixConfiguration as refused:
        return replace(deployed, without_events=str(refused))
    return replace(deployed, components=deployed.components + events.components)


async def deploy_package(
    client: SalesforceClient, clock: Clock, *, check_only: bool = False, package: str = PACKAGE
) -> Deployed:
    """Deploy a shipped package and wait for the end; doing so again changes nothing.

    Args:
        client: the org; its user needs "Modify Metadata Through Metadata API Functions" and "Customize Application".
        clock: waits between two looks.
        check_only: let Salesforce validate it and change nothing.
        package: which one.

    Raises:
        FixConfiguration: components were refused; the message names each with its problem.
        RetryLater: the deployment does not end.
    """
    options = {"rollbackOnError": True, "singlePackage": True, "checkOnly": check_only, "ignoreWarnings": True}
    content_type, body = _form(orjson.dumps({"deployOptions": options}), package_zip(package))
    started = await client.send(
        Request("POST", "metadata/deployRequest", "deploy the package", body, {"Content-Type": content_type})
    )
    deployment = str(started.data["id"])
    result = await _finished(client, clock, deployment)
    if not result.get("success"):
        raise FixConfiguration(f"salesforce: the package was not deployed: {_problems(result)}")
    return Deployed(deployment, int(result.get("numberComponentsDeployed") or 0), check_only)


async def grant_permissions(client: SalesforceClient) -> None:
    """Assign the package's permission set to the user we sign in as; a deployment alone lets nobody see its fields.

    Raises:
        FixConfiguration: the permission set is not in the org, or our user may not assign it.
    """
    user = (await client.get("/services/oauth2/userinfo", "look up our own user")).data["user_id"]
    soql = f"SELECT Id FROM PermissionSet WHERE Name = {quoted(PERMISSION_SET)}"
    found = await rows(client, soql, "look up the permission set")
    if not found:
        raise FixConfiguration(f"salesforce: no permission set {PERMISSION_SET}: deploy the hintsync package")
    assignment = {"AssigneeId": user, "PermissionSetId": found[0]["Id"]}
    held = f"AssigneeId = {quoted(user)} AND PermissionSetId = {quoted(found[0]['Id'])}"
    if await rows(client, f"SELECT Id FROM PermissionSetAssignment WHERE {held}", "look up our permissions"):
        return
    try:
        await client.send_json("POST", "sobjects/PermissionSetAssignment", "assign the permission set", assignment)
    except Rejected as refusal:
        if not refusal.has(DUPLICATE_VALUE):
            raise


def _add(archive: zipfile.ZipFile, folder: Traversable, prefix: str) -> None:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        name = prefix + entry.name
        if entry.is_dir():
            if not entry.name.startswith("__"):
                _add(archive, entry, f"{name}/")
        elif not entry.name.endswith((".py", ".pyc")):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.read_bytes())


def _form(options: bytes, package: bytes) -> tuple[str, bytes]:
    """Return the content type and body of the two parts (Metadata API Developer Guide, "Deploy with REST")."""
    request = httpx.Request(
        "POST",
        "https://form.invalid",
        files={
            "json": (None, options, "application/json"),
            "file": ("deploy.zip", package, "application/zip"),
        },
    )
    return request.headers["Content-Type"], request.read()


async def _finished(client: SalesforceClient, clock: Clock, deployment: str) -> dict[str, Any]:
    deadline = clock.monotonic() + DEADLINE_SECONDS
    path = f"metadata/deployRequest/{deployment}?includeDetails=true"
    while clock.monotonic() < deadline:
        result: dict[str, Any] = (await client.get(path, "look at the deployment")).data["deployResult"]
        if result.get("done"):
            return result
        await clock.sleep(POLL_SECONDS)
    raise RetryLater(Side.SALESFORCE, f"deployment {deployment} does not end")


def _problems(result: dict[str, Any]) -> str:
    """Name each refused component with its problem; these texts speak of metadata, never of a person."""
    failures = (result.get("details") or {}).get("componentFailures") or []
    listed = failures if isinstance(failures, list) else [failures]
    named = [f"{each.get('componentType') or 'file'} {each.get('fullName')}: {each.get('problem')}" for each in listed]
    return "; ".join(named) or str(result.get("errorMessage") or result.get("status"))
