"""Permission sets and profiles: their rows, and what they let a user see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import Node, document, parse
from hintsync_emulators.salesforce.schema.model import Field

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_RIGHTS = {
    "allowRead": "Read",
    "allowCreate": "Create",
    "allowEdit": "Edit",
    "allowDelete": "Delete",
    "viewAllRecords": "ViewAllRecords",
    "modifyAllRecords": "ModifyAllRecords",
}
#: What must be granted too before a right may be.
_NEEDS = {
    "Create": ("Read",),
    "Edit": ("Read",),
    "Delete": ("Read", "Edit"),
    "ViewAllRecords": ("Read",),
    "ModifyAllRecords": ("Read", "Edit", "Delete", "ViewAllRecords"),
}
#: Objects whose records cannot be read without those of another.
_PARENTS = {"Contact": "Account"}
_TABLES = ("ObjectPermissions", "FieldPermissions", "PermissionSetTabSetting", "SetupEntityAccess")
#: Elements that say what an entry of a profile is about.
_ABOUT = ("apexPage", "application", "field", "layout", "name", "object", "recordType", "tab")
_VISIBILITIES = {"PermissionSet": ("Available", "None", "Visible"), "Profile": ("DefaultOff", "DefaultOn", "Hidden")}


def install_permission_set(org: Org, piece: Piece) -> str:
    """Write a permission set with all it grants, in the place of what it granted before; return its id.

    Raises:
        Problem: it has no label, names what does not exist, or grants a right without those it depends on.
    """
    if not piece.node.value("label"):
        raise Problem("Required fields are missing: [MasterLabel]")
    _check(org, piece)
    known = org.storage.ids_where("PermissionSet", "Name", piece.name, live_only=False)
    record = {"Label": piece.node.value("label"), "Description": piece.node.value("description")}
    given = record if known else {**record, "Name": piece.name}
    set_id = org.save("PermissionSet", known[0] if known else None, given, org.caller())
    _grant(org, set_id, piece.node, "tabSettings")
    return set_id


def install_profile(org: Org, piece: Piece) -> str:
    """Merge what a profile's file grants into the profile, as deployments of profiles do; return its id.

    Raises:
        Problem: it names what does not exist, or grants a right without those it depends on.
    """
    _check(org, piece)
    profile_id = profile_of(org, piece.name) or org.insert("Profile", {"Name": piece.name})
    set_id = owned_set(org, profile_id)
    _grant(org, set_id, piece.node, "tabVisibilities", merge=True)
    return profile_id


def profile_of(org: Org, name: str) -> str | None:
    """Return the id of a profile, by its name in metadata or the name that users see."""
    known = org.components.get("Profile", name)
    if known is not None:
        return known.id
    return next(iter(org.storage.ids_where("Profile", "Name", name, live_only=False)), None)


def merged(org: Org, piece: Piece) -> Piece:
    """Return a profile's file with what it held before: a deployment adds to a profile and never takes away."""
    known = org.components.get("Profile", piece.name)
    if known is None:
        return piece
    entries = {_entry(node): node for node in parse(known.xml).children}
    entries.update((_entry(node), node) for node in piece.node.children)
    xml = document("Profile", (entries[key] for key in sorted(entries)))
    return replace(piece, xml=xml)


def _entry(node: Node) -> tuple[str, str]:
    """Return what tells an element of a profile from others: its name, and what it is about."""
    about = next((one.text for one in node.children if one.tag in _ABOUT), "")
    return node.tag, about.strip()


def owned_set(org: Org, profile_id: str) -> str:
    """Return the permission set behind a profile, made when there is none."""
    known = org.storage.ids_where("PermissionSet", "ProfileId", profile_id, live_only=False)
    if known:
        return known[0]
    name = f"X{profile_id}"
    set_id = org.insert("PermissionSet", {"Name": name, "Label": name})
    org.storage.update("PermissionSet", set_id, {"IsOwnedByProfile": 1, "IsCustom": 0, "ProfileId": profile_id})
    return set_id


def _check(org: Org, piece: Piece) -> None:
    for permission in piece.node.all("fieldPermissions"):
        _check_field(org, permission)
    rights = {
        permission.value("object") or "": _granted(permission) for permission in piece.node.all("objectPermissions")
    }
    for name, granted in rights.items():
        _check_object(org, name, granted, rights)
    for access in piece.node.all("pageAccesses"):
        _check_named(org, "ApexPage", "apexPage", access)
    tag = "tabSettings" if piece.kind == "PermissionSet" else "tabVisibilities"
    for setting in piece.node.all(tag):
        visibility = setting.value("visibility") or ""
        if visibility not in _VISIBILITIES[piece.kind]:
            raise Problem(f"'{visibility}' is not a valid value for the visibility of a tab", setting.line)
        if not (setting.value("tab") or "").startswith("standard-"):
            _check_named(org, "CustomTab", "tab", setting)


def _check_named(org: Org, kind: str, tag: str, node: Node) -> None:
    name = node.value(tag) or ""
    if org.components.get(kind, name) is None:
        raise Problem(f"In field: {tag} - no {kind} named {name} found", node.line, node.column)


def _check_field(org: Org, permission: Node) -> None:
    name = permission.value("field") or ""
    field = _field(org, name)
    if field is None:
        raise Problem(f"In field: field - no CustomField named {name} found", permission.line, permission.column)
    if not field.nillable and field.type != "boolean":
        raise Problem(f"You cannot deploy to a required field: {name}", permission.line, permission.column)
    if permission.flag("editable") and not permission.flag("readable", True):
        raise Problem(f"Field {name} is editable but not readable", permission.line, permission.column)


def _field(org: Org, path: str) -> Field | None:
    owner_name, _, name = path.partition(".")
    owner = org.schema.definitions.get(owner_name.lower())
    found = owner.fields.get(name.lower()) if owner else None
    return found if found is None or found.feature is None or found.feature in org.schema.features else None


def _granted(permission: Node) -> set[str]:
    return {right for tag, right in _RIGHTS.items() if permission.flag(tag)}


def _check_object(org: Org, name: str, granted: set[str], rights: dict[str, set[str]]) -> None:
    if name.lower() not in org.schema.definitions:
        raise Problem(f"In field: field - no CustomObject named {name} found")
    for right in sorted(granted):
        missing = [need for need in _NEEDS.get(right, ()) if need not in granted]
        parent = _PARENTS.get(name)
        missing_names = [f"{need} {name}" for need in missing]
        if right == "Read" and parent and "Read" not in rights.get(parent, set()):
            missing_names.append(f"Read {parent}")
        if missing_names:
            text = f"Permission {right} {name} depends on permission(s): {', '.join(missing_names)}"
            raise Problem(text)


def _grant(org: Org, set_id: str, node: Node, tabs: str, merge: bool = False) -> None:
    for table in _TABLES:
        if not merge:
            revoke(org, table, org.storage.ids_where(table, "ParentId", set_id, live_only=False))
    for permission in node.all("objectPermissions"):
        rights = {f"Permissions{right}": permission.flag(tag) for tag, right in _RIGHTS.items()}
        _write(org, "ObjectPermissions", set_id, {"SobjectType": permission.value("object")}, rights)
    for permission in node.all("fieldPermissions"):
        _grant_field(org, set_id, permission)
    for access in node.all("pageAccesses"):
        page = org.storage.ids_where("ApexPage", "Name", access.value("apexPage"), live_only=False)
        key = {"SetupEntityId": page[0]}
        if access.flag("enabled"):
            _write(org, "SetupEntityAccess", set_id, key, {"SetupEntityType": "ApexPage"})
    for setting in node.all(tabs):
        _write(
            org, "PermissionSetTabSetting", set_id, {"Name": setting.value("tab")},
            {"Visibility": setting.value("visibility")},
        )  # fmt: skip


def _grant_field(org: Org, set_id: str, permission: Node) -> None:
    path = permission.value("field") or ""
    owner = path.partition(".")[0]
    field = _field(org, path)
    assert field is not None
    key = {"SobjectType": org.schema.definitions[owner.lower()].name, "Field": f"{owner}.{field.name}"}
    rights = {"PermissionsRead": permission.flag("readable", True), "PermissionsEdit": permission.flag("editable")}
    if any(rights.values()):
        _write(org, "FieldPermissions", set_id, key, rights)
    else:
        found = _known(org, "FieldPermissions", set_id, key)
        revoke(org, "FieldPermissions", found)


def _write(org: Org, table: str, set_id: str, key: Mapping[str, object], more: Mapping[str, object]) -> None:
    known = _known(org, table, set_id, key)
    record = more if known else {"ParentId": set_id, **key, **more}
    org.save(table, known[0] if known else None, record, org.caller())


def _known(org: Org, table: str, set_id: str, key: Mapping[str, object]) -> list[str]:
    name, value = list(key.items())[-1]
    sql = f'SELECT Id FROM {table} WHERE ParentId = ? AND "{name}" = ?'
    return [str(row[0]) for row in org.storage.rows(sql, (set_id, value))]


def revoke(org: Org, table: str, row_ids: Iterable[str]) -> None:
    """Take rows of a permission set away."""
    for row_id in row_ids:
        org.storage.erase(table, row_id)


def revoke_where(org: Org, table: str, column: str, value: str) -> None:
    """Take away what any permission set grants on something that is gone."""
    revoke(org, table, org.storage.ids_where(table, column, value, live_only=False))


def remove_permission_set(org: Org, name: str) -> None:
    """Remove a permission set with its assignments.

    Raises:
        Problem: there is none of that name.
    """
    known = org.storage.ids_where("PermissionSet", "Name", name, live_only=False)
    if not known:
        raise Problem(f"No PermissionSet named: {name} found", warning=True)
    for table in (*_TABLES, "PermissionSetAssignment"):
        column = "PermissionSetId" if table == "PermissionSetAssignment" else "ParentId"
        revoke(org, table, org.storage.ids_where(table, column, known[0], live_only=False))
    org.storage.erase("PermissionSet", known[0])


def remove_profile(org: Org, name: str) -> None:
    """Remove a custom profile that no user has.

    Raises:
        Problem: there is none of that name, or it is in use.
    """
    profile_id = profile_of(org, name)
    if profile_id is None:
        raise Problem(f"No Profile named: {name} found", warning=True)
    if org.storage.ids_where("User", "ProfileId", profile_id, live_only=False):
        raise Problem("You cannot delete this profile because users are assigned to it")
    set_id = owned_set(org, profile_id)
    for table in _TABLES:
        revoke(org, table, org.storage.ids_where(table, "ParentId", set_id, live_only=False))
    org.storage.erase("PermissionSet", set_id)
    org.storage.erase("Profile", profile_id)
