"""Finds out what of our metadata is in an org, and takes it out by destructive changes.

What is ours is what our own packages name, so that nothing can be shipped and then forgotten here. It goes in stages,
each a deployment of its own: nothing is removed before what uses it. What is gone already is not asked for again.

Source: Metadata API Developer Guide, "Deleting Components from an Organization".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from hintsync.ports import Clock
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.grants import withdraw
from hintsync.replicas.salesforce.metadata import deploy_archive
from hintsync.replicas.salesforce.metadata_soap import UnknownType, list_components
from hintsync.replicas.salesforce.packages import (
    EVENTS_PACKAGE,
    PACKAGE,
    PAGES_PACKAGE,
    manifest,
    package_files,
    packed,
)
from hintsync.replicas.salesforce.page_names import ADMIN_SET, APP, BATCH_REPORT, PERMISSION_SET, USER_SET
from hintsync.replicas.salesforce.xml_splice import read_xml

#: Type and full name.
Component: TypeAlias = tuple[str, str]

#: Our permission sets.
SETS: Final = (PERMISSION_SET, USER_SET, ADMIN_SET)
FIELD: Final = "CustomField"
_FOLDER, _REPORT, _REPORT_TYPE = "ReportFolder", "Report", "ReportType"
#: Begins the types of what belongs to an external client app.
_PART = "ExtlClntApp"
#: Goes with its object.
_LAYOUT = "Layout"
#: Types by the stage at which they go; types that are not named here are used by nothing of ours, and go first.
_SECOND = ("ApexPage", "CspTrustedSite", "ExternalClientApplication", "PlatformEventChannel", _FOLDER, _REPORT_TYPE)
_THIRD = ("CustomObject", "PermissionSet")
_LAST = (FIELD,)


@dataclass(frozen=True, slots=True)
class Ours:
    """What of ours is in an org."""

    #: What is to go.
    found: tuple[Component, ...]
    #: Our fields of the contact that are there and are to stay.
    fields_kept: tuple[str, ...] = ()
    #: Reports of other people in our folder; it and the report type stay for them.
    others_reports: tuple[str, ...] = ()
    #: Types that the org says it does not have: what was never deployed, or a feature that was switched off since.
    unseen: tuple[str, ...] = ()


def shipped() -> dict[str, list[str]]:
    """Return what our packages bring, by type; folders of reports have their own."""
    members: dict[str, list[str]] = {}
    for package in (PACKAGE, EVENTS_PACKAGE, PAGES_PACKAGE):
        for types in read_xml(package_files(package)["package.xml"]).all("types"):
            kind = types.value("name")
            for name in (each.text.strip() for each in types.all("members")):
                folder = kind == _REPORT and "/" not in name
                members.setdefault(_FOLDER if folder else kind, []).append(name)
    members.pop(_LAYOUT, None)
    return members


async def look_for_ours(client: SalesforceClient, *, fields: bool) -> Ours:
    """Ask the org what of ours it has; about twenty calls.

    Args:
        client: the org.
        fields: our fields of the contact are to go, too.

    Raises:
        FixConfiguration: it does not let us look; nothing is taken for absent that we may not see.
        RetryLater: it does not answer.
    """
    found: list[Component] = []
    others: list[str] = []
    unseen: list[str] = []
    for kind, names in shipped().items():
        try:
            there = await _names(client, kind)
        except UnknownType:
            unseen.append(kind)
            continue
        found += [(kind, name) for name in there if name in names or _part_of_app(kind, name)]
        others += [name for name in there if kind == _REPORT and name not in names]
    kept = () if fields else tuple(name for kind, name in found if kind == FIELD)
    stays = {_FOLDER, _REPORT_TYPE} if others else set()
    stays |= set() if fields else {FIELD}
    return Ours(tuple(each for each in found if each[0] not in stays), kept, tuple(others), tuple(unseen))


async def remove_ours(client: SalesforceClient, clock: Clock, ours: Ours) -> int:
    """Take out what was found; return from how many people a permission set was taken.

    Raises:
        FixConfiguration: the org refuses a removal, as while something of its own uses a component; names both.
        RetryLater: a deployment does not end.
    """
    taken = 0
    for stage in _stages(ours.found):
        sets = [name for kind, name in stage if kind == "PermissionSet"]
        taken += await withdraw(client, sets) if sets else 0
        await deploy_archive(client, clock, _removal(stage))
    return taken


async def _names(client: SalesforceClient, kind: str) -> list[str]:
    folder = BATCH_REPORT.partition("/")[0] if kind == _REPORT else ""
    return [each.full_name for each in await list_components(client, kind, folder) if not each.namespace]


def _part_of_app(kind: str, name: str) -> bool:
    """Say whether it is a part of our app that Salesforce may have made by itself, such as default policies."""
    return kind.startswith(_PART) and name.startswith(f"{APP}_")


def _stages(found: Sequence[Component]) -> Iterator[list[Component]]:
    for number in range(4):
        stage = [each for each in found if _stage_of(each[0]) == number]
        if stage:
            yield stage


def _stage_of(kind: str) -> int:
    return next((number for number, kinds in enumerate((_SECOND, _THIRD, _LAST), 1) if kind in kinds), 0)


def _removal(components: Iterable[Component]) -> bytes:
    """Return a package that removes components and brings nothing; folders are named among what lies in them."""
    members: dict[str, list[str]] = {}
    for kind, name in components:
        members.setdefault(_REPORT if kind == _FOLDER else kind, []).append(name)
    return packed({"package.xml": manifest({}), "destructiveChanges.xml": manifest(members)})
