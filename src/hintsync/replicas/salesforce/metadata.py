"""Brings our metadata into an org, and takes it out: deployments, over REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import orjson

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce.client import Request, SalesforceClient
from hintsync.replicas.salesforce.packages import EVENTS_PACKAGE, PACKAGE, PAGES_PACKAGE, Place, package_zip

#: Seconds between two looks at a deployment, and after which we stop looking; small packages take under a minute.
POLL_SECONDS = 2.0
DEADLINE_SECONDS = 900.0


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
    #: Ids of the components in the org, by type and full name; without those that it does not name.
    ids: Mapping[tuple[str, str], str] = field(default_factory=dict)
    #: Type and full name of what was not in the org before, or would not have been.
    created: frozenset[tuple[str, str]] = frozenset()

    def also(self, other: Deployed) -> Deployed:
        """Return both deployments as one, with the id of the first."""
        components, created = self.components + other.components, self.created | other.created
        return replace(self, components=components, ids={**self.ids, **other.ids}, created=created)


async def deploy_all(
    client: SalesforceClient, clock: Clock, *, place: Place | None = None, check_only: bool = False
) -> Deployed:
    """Deploy fields and permissions, then the channel of change events if the org takes it, then the pages.

    Args:
        client: the org.
        clock: waits between two looks.
        place: what the pages must be told; None leaves them out.
        check_only: let Salesforce validate it and change nothing. Pages show fields of the first package, so they can be
            validated only once that is in the org; before that they are left out.

    Raises:
        FixConfiguration: a component was refused; the message names each with its problem.
        RetryLater: a deployment does not end.
    """
    deployed = await deploy_package(client, clock, check_only=check_only)
    shows_nothing = check_only and bool(deployed.created)
    try:
        deployed = deployed.also(await deploy_package(client, clock, check_only=check_only, package=EVENTS_PACKAGE))
    except FixConfiguration as refused:
        deployed = replace(deployed, without_events=str(refused))
    if place is None or shows_nothing:
        return deployed
    return deployed.also(await deploy_package(client, clock, check_only=check_only, package=PAGES_PACKAGE, place=place))


async def deploy_package(
    client: SalesforceClient,
    clock: Clock,
    *,
    check_only: bool = False,
    package: str = PACKAGE,
    place: Place | None = None,
) -> Deployed:
    """Deploy a shipped package and wait for the end; doing so again changes nothing.

    Args:
        client: the org; its user needs "Modify Metadata Through Metadata API Functions" and "Customize Application".
        clock: waits between two looks.
        check_only: let Salesforce validate it and change nothing.
        package: which one.
        place: fills the blanks of `PAGES_PACKAGE`.

    Raises:
        FixConfiguration: components were refused; the message names each with its problem.
        RetryLater: the deployment does not end.
    """
    return await deploy_archive(client, clock, package_zip(package, place), check_only=check_only)


async def deploy_archive(
    client: SalesforceClient, clock: Clock, archive: bytes, *, check_only: bool = False
) -> Deployed:
    """Deploy a zip, all of it or nothing, and wait for the end.

    Raises:
        FixConfiguration: components were refused; the message names each with its problem.
        RetryLater: the deployment does not end.
    """
    options = {"rollbackOnError": True, "singlePackage": True, "checkOnly": check_only, "ignoreWarnings": True}
    content_type, body = _form(orjson.dumps({"deployOptions": options}), archive)
    started = await client.send(
        Request("POST", "metadata/deployRequest", "deploy the package", body, {"Content-Type": content_type})
    )
    deployment = str(started.data["id"])
    result = await _finished(client, clock, deployment)
    if not result.get("success"):
        raise FixConfiguration(f"salesforce: the package was not deployed: {_problems(result)}")
    components = int(result.get("numberComponentsDeployed") or 0)
    return Deployed(deployment, components, check_only, ids=_ids(result), created=_created(result))


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
    failures = _messages(result, "componentFailures")
    named = [
        f"{each.get('componentType') or 'file'} {each.get('fullName')}: {each.get('problem')}" for each in failures
    ]
    return "; ".join(named) or str(result.get("errorMessage") or result.get("status"))


def _ids(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    successes = _messages(result, "componentSuccesses")
    return {(each["componentType"], each["fullName"]): each["id"] for each in successes if each.get("id")}


def _created(result: dict[str, Any]) -> frozenset[tuple[str, str]]:
    successes = _messages(result, "componentSuccesses")
    return frozenset((each["componentType"], each["fullName"]) for each in successes if each.get("created"))


def _messages(result: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the messages about components; one alone comes without a list."""
    found = (result.get("details") or {}).get(name) or []
    return found if isinstance(found, list) else [found]
