"""Components one by one over SOAP: create, read, update, upsert, delete, rename."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.auth import Session
from hintsync_emulators.salesforce.deploy.run import changing
from hintsync_emulators.salesforce.errors import ApiError, Refused
from hintsync_emulators.salesforce.metadata import objects, reading, references, settings
from hintsync_emulators.salesforce.metadata.installing import install, remove
from hintsync_emulators.salesforce.metadata.kinds import CHILDREN, element_of, is_known
from hintsync_emulators.salesforce.metadata.piece import Outcome, Piece, Problem
from hintsync_emulators.salesforce.metadata.soap.envelope import to_node
from hintsync_emulators.salesforce.metadata.xml import Node, document, leaf

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Components of one call (Metadata API Developer Guide, "CRUD-Based Calls").
_MOST = 10
#: Types that these calls do not take ("PlatformEventChannelMember").
PACKAGES_ONLY = ("PlatformEventChannelMember",)


def create(org: Org, session: Session, arguments: Node) -> list[Node]:
    """Create components; one that exists already is refused."""
    return [_result(_save(org, session, one, may_exist=False)) for one in _given(arguments)]


def update(org: Org, session: Session, arguments: Node) -> list[Node]:
    """Change components; one that does not exist is refused."""
    return [_result(_save(org, session, one, may_be_new=False)) for one in _given(arguments)]


def upsert(org: Org, session: Session, arguments: Node) -> list[Node]:
    """Create components or change them."""
    found = [_save(org, session, one) for one in _given(arguments)]
    return [_result(one, created=one.created) for one in found]


def _given(arguments: Node) -> list[Node]:
    found = list(arguments.all("metadata"))
    if len(found) > _MOST:
        raise ApiError(
            500, "LIMIT_EXCEEDED", f"record limit reached. cannot submit more than {_MOST} records in this call"
        )
    for one in found:
        if one.type is None or not is_known(_kind(one.type)) or _kind(one.type) in PACKAGES_ONLY:
            raise ApiError(500, "INVALID_TYPE", f"not emulated: {arguments.tag} of type {one.type}")
    return found


def _kind(declared: str) -> str:
    return "Settings" if declared in settings.ROOTS.values() else declared


def _save(org: Org, session: Session, node: Node, may_exist: bool = True, may_be_new: bool = True) -> Outcome:
    assert node.type is not None
    kind, name = _kind(node.type), node.value("fullName") or ""
    try:
        if not name:
            raise Problem("Required fields are missing: [FullName]")
        known = reading.exists(org, kind, name)
        if known and not may_exist:
            raise Problem(f"There is already a component of type {kind} named {name}")
        if not known and not may_be_new:
            raise Problem(f"No {kind} named: {name} found")
        with changing(org):
            return _install(org, session, kind, name, node)
    except Problem as problem:
        return Outcome(kind, name, "", problem=problem.text)
    except Refused as refusal:
        return Outcome(kind, name, "", problem=refusal.fault.message)


def _install(org: Org, session: Session, kind: str, name: str, node: Node) -> Outcome:
    """Put the component and, for an object, its fields and views into the org."""
    own = [one for one in node.children if one.tag != "fullName"]
    if kind != "CustomObject":
        return install(org, _piece(kind, name, own), session.user_id)
    header = [one for one in own if one.tag not in CHILDREN]
    outcome = install(org, _piece(kind, name, header), session.user_id)
    for child in own:
        if child.tag in CHILDREN:
            short = f"{name}.{child.value('fullName') or ''}"
            install(org, _piece(CHILDREN[child.tag], short, child.children), session.user_id)
    return outcome


def _piece(kind: str, name: str, children: list[Node]) -> Piece:
    element = element_of(kind)
    if element is not None:
        short = leaf("fullName", name.partition(".")[2])
        children = [short, *(one for one in children if one.tag != "fullName")]
    root = element or (settings.ROOTS.get(name, kind) if kind == "Settings" else kind)
    body = next((_decoded(one.text) for one in children if one.tag == "content"), None)
    shown = [one for one in children if one.tag != "content" and not one.nil]
    return Piece(kind, name, "", Node(root, children=shown), document(root, shown), body)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise Problem("The content is not valid base64") from None


def delete(org: Org, arguments: Node) -> list[Node]:
    """Remove components."""
    kind = arguments.value("type") or ""
    return [_result(_remove(org, kind, name)) for name in _names(arguments, kind)]


def _names(arguments: Node, kind: str) -> list[str]:
    names = arguments.values("fullNames")
    if len(names) > _MOST:
        raise ApiError(
            500, "LIMIT_EXCEEDED", f"record limit reached. cannot submit more than {_MOST} records in this call"
        )
    if not is_known(kind) or kind in PACKAGES_ONLY:
        raise ApiError(500, "INVALID_TYPE", f"not emulated: {arguments.tag} of type {kind}")
    return names


def _remove(org: Org, kind: str, name: str) -> Outcome:
    try:
        with changing(org):
            return remove(org, kind, name, "")
    except Problem as problem:
        return Outcome(kind, name, "", problem=problem.text)


def read(org: Org, arguments: Node) -> list[Node]:
    """Return components as they stand; an empty record for one that there is not."""
    kind = arguments.value("type") or ""
    return [Node("result", children=[_record(org, kind, name) for name in _names(arguments, kind)])]


def _record(org: Org, kind: str, name: str) -> Node:
    found = reading.read(org, kind, name)
    if found is None:
        return Node("records", nil=True)
    own = [leaf("fullName", name), *(one for one in found if one.tag != "fullName")]
    stored = org.components.get(kind, name)
    if stored is not None and stored.body is not None:
        own.append(leaf("content", base64.b64encode(stored.body).decode()))
    return Node("records", children=own, type=settings.ROOTS.get(name, kind) if kind == "Settings" else kind)


def rename(org: Org, session: Session, arguments: Node) -> list[Node]:
    """Give a component another full name."""
    kind, old, new = (arguments.value(tag) or "" for tag in ("type", "oldFullName", "newFullName"))
    if not is_known(kind) or kind in ("Settings", *PACKAGES_ONLY):
        raise ApiError(500, "INVALID_TYPE", f"not emulated: renameMetadata of type {kind}")
    try:
        fixed = kind in ("CustomObject", "CustomField") and not old.endswith("__c")
        if not reading.exists(org, kind, old) or fixed:
            raise Problem(f"No {kind} named: {old} found")
        if reading.exists(org, kind, new):
            raise Problem(f"There is already a component of type {kind} named {new}")
        with changing(org):
            _rename(org, session, kind, old, new)
    except Problem as problem:
        return [_result(Outcome(kind, old, "", problem=problem.text))]
    return [_result(Outcome(kind, old, ""))]


def _rename(org: Org, session: Session, kind: str, old: str, new: str) -> None:
    if kind == "CustomObject":
        objects.rename_object(org, old, new)
        return
    if kind == "CustomField":
        objects.rename_field(org, old, new)
        references.rename_field(org, old, new)
        return
    record = _record(org, kind, old)
    install(org, _piece(kind, new, [one for one in record.children if one.tag != "fullName"]), session.user_id)
    remove(org, kind, old, "")


def _result(one: Outcome, **more: object) -> Node:
    errors = [] if one.problem is None else [{"message": one.problem, "statusCode": _code(one.problem)}]
    body = {**more, "errors": errors, "fullName": one.name, "success": one.problem is None}
    return to_node("result", body)[0]


def _code(problem: str) -> str:
    """Return the code that goes with a problem; both APIs word problems alike."""
    if problem.startswith("There is already"):
        return "DUPLICATE_DEVELOPER_NAME"
    if problem.startswith("No ") or " - no " in problem:
        return "INVALID_CROSS_REFERENCE_KEY"
    return "REQUIRED_FIELD_MISSING" if problem.startswith("Required field") else "FIELD_INTEGRITY_EXCEPTION"
