"""Objects whose rows the org works out when they are asked for: what the asker may do, duplicate rules, installed packages.

They lie beside the org's records: in a database of their own, filled for one statement and forgotten with it, so that all
of SOQL works on them and nothing of the org's own objects, ids and describes moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, TypeAlias

import orjson

from hintsync_emulators.salesforce.ids import to_18
from hintsync_emulators.salesforce.metadata.xml import parse as parse_xml
from hintsync_emulators.salesforce.queries import DEFAULT_BATCH, Queries
from hintsync_emulators.salesforce.schema.load import read_object
from hintsync_emulators.salesforce.schema.model import Schema, SObject
from hintsync_emulators.salesforce.soql.parse import parse
from hintsync_emulators.salesforce.storage import Row, Storage

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: What the Metadata API wants of who deploys: one of these.
METADATA_RIGHTS = frozenset({"ModifyMetadata", "ModifyAllData"})
#: What users may do whose profile is not the administrators'.
_USUAL = frozenset({"ApiEnabled"})
_PREFIX = "Permissions"
#: Id of rows that have none.
_NO_ID = "000000000000000AAA"

Rows: TypeAlias = Callable[["Org", str], Iterator[Row]]


def rights_of(org: Org, user_id: str) -> frozenset[str]:
    """Return the permissions that a user has, by profile or permission set, as far as the emulator knows them by name."""
    known = frozenset(name.removeprefix(_PREFIX) for name in _permission_fields())
    sql = (
        'SELECT p.PermissionsModifyAllData FROM "User" u JOIN Profile p ON p.Id = u.ProfileId'
        " WHERE u.Id = ? AND u.IsActive = 1"
    )
    found = org.storage.rows(sql, (user_id,))
    rights = known if found and found[0][0] else _USUAL | _granted(org, user_id)
    return (rights & known) - org.withheld


def _granted(org: Org, user_id: str) -> frozenset[str]:
    sql = (
        "SELECT s.Name FROM PermissionSetAssignment a JOIN PermissionSet s ON s.Id = a.PermissionSetId"
        " WHERE a.AssigneeId = ?"
    )
    found: set[str] = set()
    for (name,) in org.storage.rows(sql, (user_id,)):
        component = org.components.get("PermissionSet", str(name))
        for each in parse_xml(component.xml).all("userPermissions") if component else ():
            if each.flag("enabled"):
                found.add(each.value("name") or "")
    return frozenset(found)


def _permissions(org: Org, user_id: str) -> Iterator[Row]:
    rights = rights_of(org, user_id)
    granted = {name: int(name.removeprefix(_PREFIX) in rights) for name in _permission_fields()}
    yield {"Id": _NO_ID, "LastCacheUpdate": org.writer.now(), **granted}


def _permission_fields() -> list[str]:
    fields = _objects("setup")["userpermissionaccess"].fields.values()
    return [each.name for each in fields if each.name.startswith(_PREFIX)]


def _duplicate_rules(org: Org, user_id: str) -> Iterator[Row]:
    for number, rule in enumerate(org.rules.duplicates):
        yield {
            "Id": to_18(f"0Bm5g0000000{number:03d}"),
            "DeveloperName": rule.name,
            "MasterLabel": rule.name.replace("_", " "),
            "SobjectType": rule.object,
            "IsActive": 1,
        }


def _installations(org: Org, user_id: str) -> Iterator[Row]:
    for each in org.managed.values():
        yield {"Id": each.id, "SubscriberPackageId": each.package_id, "SubscriberPackageVersionId": each.version_id}


def _packages(org: Org, user_id: str) -> Iterator[Row]:
    for each in org.managed.values():
        yield {"Id": each.package_id, "Name": each.name, "NamespacePrefix": each.namespace}


def _versions(org: Org, user_id: str) -> Iterator[Row]:
    for each in org.managed.values():
        major, minor = each.version
        numbers = {"MajorVersion": major, "MinorVersion": minor, "PatchVersion": 0, "BuildNumber": 1}
        yield {"Id": each.version_id, "Name": f"{major}.{minor}", **numbers}


_ROWS: dict[str, Rows] = {
    "userpermissionaccess": _permissions,
    "duplicaterule": _duplicate_rules,
    "installedsubscriberpackage": _installations,
    "subscriberpackage": _packages,
    "subscriberpackageversion": _versions,
}


def asks_for(api: str, statement: str) -> bool:
    """Say whether a statement asks for one of these objects of an API, ``setup`` for the data API or ``tooling``."""
    words = statement.lower()
    if not any(name in words for name in _objects(api)):
        return False
    return parse(statement).sources[0].path.names[0].lower() in _objects(api)


def answer(org: Org, api: str, statement: str, root: str, user_id: str) -> dict[str, object]:
    """Answer a statement of an API, ``setup`` for the data API or ``tooling``, with all its rows.

    Raises:
        ApiError: the statement is refused, or names an object that is not here.
    """
    storage, schema = Storage(":memory:"), Schema()
    try:
        for key, one in _objects(api).items():
            schema.add(one)
            storage.prepare(one)
            for row in _ROWS[key](org, user_id):
                storage.insert(one.name, row)
        return Queries(storage, schema, org.ids, org.clock).run(statement, False, DEFAULT_BATCH, root, user_id)
    finally:
        storage.close()


@cache
def _objects(api: str) -> dict[str, SObject]:
    schema = resources.files("hintsync_emulators.salesforce.schema")
    shared = orjson.loads((schema / "objects" / "_system.json").read_bytes())
    files = sorted((schema / api).iterdir(), key=lambda one: one.name)
    found = [read_object(orjson.loads(file.read_bytes()), shared) for file in files if file.name.endswith(".json")]
    return {one.name.lower(): one for one in found}
