"""What an org says of its own setup: edition, API, permissions of our user, fields of the contact, rules, packages.

Each function asks one question. Nothing is written, and no value of a person is read: counts and names of setup only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

from hintsync.replicas.salesforce.client import API_VERSION, SalesforceClient
from hintsync.replicas.salesforce.describe import PERSON_ACCOUNT
from hintsync.replicas.salesforce.query import rows

#: The permission that hintsync needs every day, to see who holds our permission sets.
VIEW_SETUP: Final = "ViewSetup"
#: Permissions by their API names, without the word `Permissions` before them, as the org's Setup calls them.
RIGHTS: Final[Mapping[str, str]] = {
    "ModifyMetadata": "Modify Metadata Through Metadata API Functions",
    "CustomizeApplication": "Customize Application",
    "ManageProfilesPermissionsets": "Manage Profiles and Permission Sets",
    "AssignPermissionSets": "Assign Permission Sets",
    "ModifyAllData": "Modify All Data",
    VIEW_SETUP: "View Setup and Configuration",
}
_PREFIX = "Permissions"


@dataclass(frozen=True, slots=True)
class Edition:
    """Which org it is."""

    #: 18 characters.
    org_id: str
    name: str
    #: Salesforce's words, such as `Enterprise Edition`.
    edition: str
    sandbox: bool


@dataclass(frozen=True, slots=True)
class Api:
    """What the org's REST API gives."""

    #: The org serves the version that we speak.
    serves_ours: bool
    #: Calls of the rolling day: left, and altogether.
    left: int
    daily: int


@dataclass(frozen=True, slots=True)
class Persons:
    """How many contacts there are, and how many of them are person accounts."""

    contacts: int
    person_accounts: int


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package that was installed from elsewhere."""

    name: str
    #: Begins the API names of what it brought; empty for an unlocked package without one.
    namespace: str
    #: Such as `2.14`.
    version: str


async def edition(client: SalesforceClient) -> Edition | None:
    """Return which org this is; None if our user may not see it."""
    found = await rows(client, "SELECT Id, Name, OrganizationType, IsSandbox FROM Organization", "ask for the edition")
    if not found:
        return None
    row = found[0]
    return Edition(str(row["Id"]), str(row["Name"]), str(row["OrganizationType"]), bool(row["IsSandbox"]))


async def api(client: SalesforceClient) -> Api:
    """Return whether our version is served, and how many calls are left. Two calls."""
    versions = (await client.get("/services/data", "list the API versions")).data
    limits = (await client.get("limits", "look at the limits")).data["DailyApiRequests"]
    served = any(each.get("version") == API_VERSION for each in versions)
    return Api(served, int(limits["Remaining"]), int(limits["Max"]))


async def rights(client: SalesforceClient, names: Collection[str] = tuple(RIGHTS)) -> Mapping[str, bool]:
    """Return which permissions our own user has, by name without `Permissions`; no permission is needed to ask.

    Source: Object Reference, "UserPermissionAccess".
    """
    selected = ", ".join(_PREFIX + name for name in names)
    [row] = await rows(client, f"SELECT {selected} FROM UserPermissionAccess", "ask what our own user may do")
    return {name: row[_PREFIX + name] is True for name in names}


async def contact_labels(client: SalesforceClient) -> Mapping[str, str]:
    """Return the contact's fields that our user sees: API name to label."""
    described = await client.get("sobjects/Contact/describe", "describe contacts")
    return {str(each["name"]): str(each["label"]) for each in described.data["fields"]}


async def persons(client: SalesforceClient) -> Persons:
    """Count contacts, and those that are person accounts; the org must know the field `IsPersonAccount`."""
    contacts = await count(client, "Contact")
    return Persons(contacts, await count(client, "Contact", f"{PERSON_ACCOUNT} = TRUE"))


async def count(client: SalesforceClient, name: str, where: str = "") -> int:
    """Return how many records of an object there are."""
    soql = f"SELECT COUNT() FROM {name}" + (f" WHERE {where}" if where else "")
    return int((await client.get(f"query?q={quote_plus(soql)}", "count records")).data["totalSize"])


async def duplicate_rules(client: SalesforceClient) -> tuple[str, ...]:
    """Return the names of the active duplicate rules of contacts, as Setup shows them."""
    soql = "SELECT MasterLabel FROM DuplicateRule WHERE SobjectType = 'Contact' AND IsActive = TRUE"
    return tuple(sorted(str(row["MasterLabel"]) for row in await rows(client, soql, "look for duplicate rules")))


async def installed_packages(client: SalesforceClient) -> tuple[InstalledPackage, ...]:
    """Return the installed packages, by name. Our user needs "View Setup and Configuration".

    Source: Tooling API, "InstalledSubscriberPackage".
    """
    soql = (
        "SELECT SubscriberPackage.Name, SubscriberPackage.NamespacePrefix, SubscriberPackageVersion.MajorVersion,"
        " SubscriberPackageVersion.MinorVersion FROM InstalledSubscriberPackage"
    )
    found = (await client.get(f"tooling/query?q={quote_plus(soql)}", "list the installed packages")).data["records"]
    return tuple(sorted(map(_package, found), key=lambda each: (each.name, each.namespace)))


def _package(row: Mapping[str, Mapping[str, object] | None]) -> InstalledPackage:
    package, version = row["SubscriberPackage"] or {}, row["SubscriberPackageVersion"] or {}
    numbers = (version.get("MajorVersion"), version.get("MinorVersion"))
    told = ".".join(str(each) for each in numbers if each is not None)
    return InstalledPackage(str(package.get("Name") or ""), str(package.get("NamespacePrefix") or ""), told)
