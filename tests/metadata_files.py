"""What an org consists of, file by file, as its Metadata API hands it out; for comparisons before and after."""

from __future__ import annotations

from hintsync.bootstrap import Service
from hintsync.logins import SalesforceLogin
from hintsync.replicas.salesforce.metadata_soap import Files, list_components, retrieve
from hintsync.setup.installation import open_org

#: Types whose files are compared; objects carry their fields.
KINDS = (
    *("ApexPage", "CspTrustedSite", "CustomObject", "CustomTab", "ExternalClientApplication", "FlexiPage", "Layout"),
    *("ListView", "PermissionSet", "PlatformEventChannel", "Profile", "QuickAction", "Report", "ReportType", "WebLink"),
)


async def files_of_the_org(service: Service, login: SalesforceLogin) -> Files:
    """Return every file of every type that the org hands out, by type and path."""
    files: Files = {}
    async with open_org(service, login) as client:
        for kind in KINDS:
            folders = [folder.full_name for folder in await list_components(client, "ReportFolder")]
            places = [*folders, "unfiled$public"] if kind == "Report" else [""]
            for place in places:
                names = [
                    each.full_name for each in await list_components(client, kind, place) if each.full_name != place
                ]
                found = await retrieve(client, service.clock, {kind: names}) if names else {}
                files |= {f"{kind} {path}": raw for path, raw in found.items() if path != "package.xml"}
    return files


def changed_files(before: Files, after: Files) -> set[str]:
    """Return the files that came, went or are another."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
