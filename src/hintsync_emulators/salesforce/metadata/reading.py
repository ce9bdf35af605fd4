"""Components as the org would hand them out: as trees, as files, with their properties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.managed import namespace_of
from hintsync_emulators.salesforce.metadata import drawn, settings
from hintsync_emulators.salesforce.metadata.kinds import CHILDREN, element_of, is_known, path_of
from hintsync_emulators.salesforce.metadata.xml import Node, document, parse
from hintsync_emulators.salesforce.schema.model import SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Path in a package -> content.
Files = dict[str, bytes]


def names_of(org: Org, kind: str) -> list[str]:
    """Return the full names of every component of a type, sorted."""
    if kind == "CustomObject":
        return [one.name for one in sorted(org.schema.definitions.values(), key=lambda one: one.name)]
    if kind == "CustomField":
        return sorted(
            f"{one.name}.{field.name}"
            for one in org.schema.definitions.values()
            for field in one.fields.values()
            if field.custom
        )
    if kind == "Settings":
        return sorted({"Name", *org.components.names(kind)})
    return org.components.names(kind)


def read(org: Org, kind: str, name: str) -> list[Node] | None:
    """Return what a component's file holds below its root; None when there is no such component."""
    if kind == "CustomObject":
        one = org.schema.definitions.get(name.lower())
        return None if one is None else [*_header(org, one), *_all_children(org, one)]
    if element_of(kind) is not None:
        found = _child(org, kind, name)
        return None if found is None else found.children
    raw = _raw(org, kind, name)
    return None if raw is None else parse(raw).children


def _raw(org: Org, kind: str, name: str) -> bytes | None:
    if (kind, name) == ("Settings", "Name"):
        return settings.name_settings(org)
    found = org.components.get(kind, name)
    return None if found is None else found.xml


def _header(org: Org, one: SObject) -> list[Node]:
    stored = org.components.get("CustomObject", one.name)
    return parse(stored.xml).children if stored else drawn.draw_header(one)


def _child(org: Org, kind: str, name: str) -> Node | None:
    stored = org.components.get(kind, name)
    if stored is not None:
        return parse(stored.xml)
    if kind != "CustomField":
        return None
    owner, _, field_name = name.partition(".")
    one = org.schema.definitions.get(owner.lower())
    field = one.fields.get(field_name.lower()) if one else None
    if field is None:
        return None
    return drawn.draw_field(field) if field.custom else drawn.draw_standard_field(field)


def _all_children(org: Org, one: SObject) -> Iterator[Node]:
    """Return the children of an object, by element and name."""
    for element, kind in sorted(CHILDREN.items()):
        if kind == "CustomField":
            shown = [
                field.name for field in one.fields.values() if field.custom or (not one.custom and not field.system)
            ]
        else:
            shown = [name.partition(".")[2] for name in org.components.names(kind) if name.startswith(f"{one.name}.")]
        for name in sorted(shown):
            found = _child(org, kind, f"{one.name}.{name}")
            if found is not None:
                found.tag = element
                yield found


def files_of(org: Org, kind: str, names: Iterable[str]) -> Files:
    """Return the files that components of a type lie in; the children of an object share its file."""
    found: Files = {}
    for name in names:
        raw = document("CustomObject", read(org, kind, name) or []) if kind == "CustomObject" else _raw(org, kind, name)
        if raw is None:
            continue
        path, stored = path_of(kind, name), org.components.get(kind, name)
        if stored is not None and stored.body is not None:
            found[path] = stored.body
            path = f"{path}-meta.xml"
        found[path] = raw
    return found


def child_files(org: Org, members: Iterable[tuple[str, str]]) -> Files:
    """Return the object files that hold just these children, given as type and full name."""
    by_path: dict[str, list[Node]] = {}
    for kind, name in sorted(members, key=lambda each: (str(element_of(each[0])), each[1])):
        node = _child(org, kind, name)
        if node is not None:
            node.tag = element_of(kind) or node.tag
            by_path.setdefault(path_of(kind, name), []).append(node)
    return {path: document("CustomObject", nodes) for path, nodes in by_path.items()}


def properties(org: Org, kind: str, name: str) -> dict[str, object]:
    """Return the file properties of a component, as listings and retrievals give them."""
    found = org.components.get(kind, name)
    since = int(str(org.storage.rows("SELECT CreatedDate FROM Organization")[0][0]))
    made, changed = (found.created, found.modified) if found else (since, since)
    maker, changer = (found.created_by, found.modified_by) if found else (org.user_id, org.user_id)
    return {
        "createdById": maker,
        "createdByName": _user(org, maker),
        "createdDate": format_datetime(made).replace("+0000", "Z"),
        "fileName": path_of(kind, name),
        "fullName": name,
        "id": found.id if found else "",
        "lastModifiedById": changer,
        "lastModifiedByName": _user(org, changer),
        "lastModifiedDate": format_datetime(changed).replace("+0000", "Z"),
        **_managed(namespace_of(org, name)),
        "type": kind,
    }


def _managed(namespace: str) -> dict[str, object]:
    return (
        {"manageableState": "installed", "namespacePrefix": namespace}
        if namespace
        else {"manageableState": "unmanaged"}
    )


def _user(org: Org, user_id: str) -> str:
    rows = org.storage.rows('SELECT Name FROM "User" WHERE Id = ?', (user_id,))
    return str(rows[0][0]) if rows else ""


def exists(org: Org, kind: str, name: str) -> bool:
    """Say whether the org has a component."""
    return is_known(kind) and read(org, kind, name) is not None
