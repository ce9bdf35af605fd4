"""Deployments: component by component, all or nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.deploy.fields import Problem, read_field, read_object
from hintsync_emulators.salesforce.deploy.kept import keep_object
from hintsync_emulators.salesforce.deploy.package import Package, read_xml, text_of
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Folder of the package -> type of the components in it.
_FOLDERS = {"objects": "CustomObject", "permissionsets": "PermissionSet"}
_DONE = ("Succeeded", "SucceededPartial", "Failed", "Canceled")


@dataclass(frozen=True, slots=True)
class Component:
    """What became of one component."""

    type: str
    name: str
    file: str
    problem: str | None = None
    line: int | None = None
    created: bool = False
    changed: bool = False
    deleted: bool = False

    def as_json(self, moment: str) -> dict[str, object]:
        """Return the component message of a deploy result."""
        found: dict[str, object] = {
            "changed": self.changed,
            "columnNumber": None,
            "componentType": self.type,
            "created": self.created,
            "createdDate": moment,
            "deleted": self.deleted,
            "fileName": self.file,
            "fullName": self.name,
            "id": None,
            "lineNumber": self.line,
            "problem": self.problem,
            "problemType": "Error" if self.problem else None,
            "success": self.problem is None,
        }
        return found


@dataclass
class Deployment:
    """One deploy request and what became of it."""

    id: str
    options: Mapping[str, object]
    package: Package
    started: int
    user_id: str
    status: str = "Pending"
    #: How many status calls it takes until it is carried out.
    polls_left: int = 0
    components: list[Component] = field(default_factory=list)
    ended: int | None = None

    @property
    def done(self) -> bool:
        """Say whether it has come to an end."""
        return self.status in _DONE

    def result(self, details: bool) -> dict[str, object]:
        """Return the deployResult."""
        failed = [one for one in self.components if one.problem]
        passed = [one for one in self.components if not one.problem]
        moment = format_datetime(self.started)
        found: dict[str, object] = {
            "id": self.id,
            "status": self.status,
            "done": self.done,
            "success": self.status == "Succeeded",
            "checkOnly": self.options.get("checkOnly") is True,
            "rollbackOnError": self.options.get("rollbackOnError") is not False,
            "ignoreWarnings": self.options.get("ignoreWarnings") is True,
            "runTestsEnabled": False,
            "createdBy": self.user_id,
            "createdDate": moment,
            "startDate": moment,
            "completedDate": None if self.ended is None else format_datetime(self.ended),
            "numberComponentsTotal": len(self.components),
            "numberComponentsDeployed": len(passed),
            "numberComponentErrors": len(failed),
            "numberTestsTotal": 0,
            "numberTestsCompleted": 0,
            "numberTestErrors": 0,
        }
        if details:
            found["details"] = {
                "componentSuccesses": [one.as_json(moment) for one in passed],
                "componentFailures": [one.as_json(moment) for one in failed],
                "runTestResult": {
                    "numFailures": 0,
                    "numTestsRun": 0,
                    "totalTime": 0.0,
                    "failures": [],
                    "successes": [],
                },
            }
        return found


class _Undo(Exception):
    """Rolls a deployment back."""


def carry_out(org: Org, deployment: Deployment) -> None:
    """Change the org as the package says, unless a component fails or the deployment only checks."""
    before, custom_metadata = dict(org.schema.definitions), dict(org.metadata)
    try:
        with org.storage.transaction():
            deployment.components = [
                *_deploy_files(org, deployment.package),
                *_destroy(org, deployment.package),
            ]
            failed = any(one.problem for one in deployment.components)
            if failed or deployment.options.get("checkOnly") is True:
                raise _Undo
            deployment.status = "Succeeded"
    except _Undo:
        org.schema.definitions = before
        org.schema.rebuild()
        org.metadata = custom_metadata
        failed = any(one.problem for one in deployment.components)
        deployment.status = "Failed" if failed else "Succeeded"
    deployment.ended = org.writer.now()


def _deploy_files(org: Org, package: Package) -> list[Component]:
    found = _left_out_types(package)
    strays = not found
    for file, raw in sorted(package.files.items()):
        folder, _, name = file.partition("/")
        if folder in _FOLDERS and name.endswith((".object", ".permissionset")):
            found += _deploy_file(org, package, _FOLDERS[folder], name.rpartition(".")[0], file, raw)
        elif strays and name:
            found.append(Component("", name, file, "Not in package.xml"))
    return [*found, *_not_found(package, found)]


def _left_out_types(package: Package) -> list[Component]:
    """Report types that are not emulated."""
    emulated = ("CustomField", *_FOLDERS.values())
    return [
        Component(kind, name, "package.xml", f"not emulated: {kind}")
        for kind, members in package.members.items()
        if kind not in emulated
        for name in members
    ]


def _not_found(package: Package, found: list[Component]) -> list[Component]:
    """Report members of package.xml that no file brought."""
    brought = {(one.type, one.name) for one in found}
    brought |= {("CustomObject", _name_of(file)) for file in package.files if file.startswith("objects/")}
    text = "An object '{}' of type {} was named in package.xml, but was not found in zipped directory"
    return [
        Component(kind, name, "package.xml", text.format(name, kind))
        for kind, members in package.members.items()
        for name in members
        if name != "*" and (kind, name) not in brought
    ]


def _name_of(file: str) -> str:
    return file.rpartition("/")[2].rpartition(".")[0]


def _deploy_file(org: Org, package: Package, kind: str, name: str, file: str, raw: bytes) -> list[Component]:
    try:
        element = read_xml(raw, file)
    except ApiError as problem:
        return [Component(kind, name, file, problem.faults[0].message)]
    if kind == "CustomObject":
        return _deploy_object(org, package, name, file, element)
    if not package.lists(kind, name):
        return [Component(kind, name, file, "Not in package.xml")]
    return [_deploy_permission_set(org, name, file, element, raw)]


def _deploy_object(org: Org, package: Package, name: str, file: str, element: Element) -> list[Component]:
    found: list[Component] = []
    if org.schema.definitions.get(name.lower()) is None:
        found.append(_create_object(org, package, name, file, element))
        if found[0].problem:
            return found
    whole = package.lists("CustomObject", name)
    for child in element.findall("fields"):
        field_name = f"{name}.{text_of(child, 'fullName')}"
        if whole or package.lists("CustomField", field_name):
            found.append(_deploy_field(org, org.schema.definitions[name.lower()], file, child))
        else:
            found.append(Component("CustomField", field_name, file, "Not in package.xml"))
    left_out = {"validationRules", "recordTypes", "listViews", "webLinks", "fieldSets", "compactLayouts", "indexes"}
    tags = sorted({child.tag for child in element} & left_out)
    return [*found, *(Component(tag, name, file, f"not emulated: {tag} of CustomObject") for tag in tags)]


def _create_object(org: Org, package: Package, name: str, file: str, element: Element) -> Component:
    if not package.lists("CustomObject", name):
        return Component("CustomObject", name, file, "Not in package.xml")
    try:
        new = read_object(name, element, org.free_prefix(), _shared(org))
    except Problem as problem:
        return Component("CustomObject", name, file, str(problem))
    org.add_object(new)
    keep_object(org, new)
    return Component("CustomObject", name, file, created=True, changed=True)


def _shared(org: Org) -> dict[str, Field]:
    """Return the fields of every object, from one that has them all."""
    account = org.schema.definitions["account"]
    names = [
        "id",
        "ownerid",
        "isdeleted",
        "createddate",
        "createdbyid",
        "lastmodifieddate",
        "lastmodifiedbyid",
        "systemmodstamp",
    ]
    return {name: account.fields[name] for name in names}


def _deploy_field(org: Org, owner: SObject, file: str, element: Element) -> Component:
    name = f"{owner.name}.{text_of(element, 'fullName') or ''}"
    try:
        new = read_field(element)
        old = owner.fields.get(new.name.lower())
        _check_change(org, owner, old, new)
    except Problem as problem:
        return Component("CustomField", name, file, str(problem))
    if old is not None:
        new = replace(new, name=old.name)
    org.add_fields(owner.name, [new])
    keep_object(org, org.schema.definitions[owner.name.lower()])
    return Component("CustomField", name, file, created=old is None, changed=old != new)


def _check_change(org: Org, owner: SObject, old: Field | None, new: Field) -> None:
    for target in new.reference_to:
        if org.schema.get(target) is None:
            raise Problem(f"referenceTo value of '{target}' does not resolve to a valid sObject type")
    if old is None:
        return
    if old.type != new.type or old.case_sensitive != new.case_sensitive:
        raise Problem("not emulated: changing the type of a field")
    if new.unique and not old.unique:
        column = f'"{new.name}"'
        sql = f'SELECT 1 FROM "{owner.name}" WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1 LIMIT 1'
        if org.storage.rows(sql):
            raise Problem("Cannot make the field unique: it holds duplicate values")


def _deploy_permission_set(org: Org, name: str, file: str, element: Element, raw: bytes) -> Component:
    label = text_of(element, "label")
    if label is None:
        return Component("PermissionSet", name, file, "Required fields are missing: [MasterLabel]")
    for permission in element.findall("fieldPermissions"):
        owner_name, _, field_name = (text_of(permission, "field") or "").partition(".")
        owner = org.schema.get(owner_name)
        if owner is None or owner.get(field_name) is None:
            text = f"In field: field - no CustomField named {owner_name}.{field_name} found"
            return Component("PermissionSet", name, file, text)
    known = org.storage.ids_where("PermissionSet", "Name", name, live_only=False)
    record = {"Label": label, "Description": text_of(element, "description")}
    org.save("PermissionSet", known[0] if known else None, record if known else {**record, "Name": name}, org.caller())
    org.metadata["PermissionSet", name] = base64.b64encode(raw).decode()
    org.storage.keep("PermissionSet", name, base64.b64encode(raw).decode())
    return Component("PermissionSet", name, file, created=not known, changed=True)


def _destroy(org: Org, package: Package) -> list[Component]:
    found = []
    for kind, members in package.destroyed.items():
        for name in members:
            if kind == "CustomField":
                found.append(_destroy_field(org, name))
            else:
                found.append(Component(kind, name, "destructiveChanges.xml", f"not emulated: removing {kind}"))
    return found


def _destroy_field(org: Org, name: str) -> Component:
    owner_name, _, field_name = name.partition(".")
    owner = org.schema.definitions.get(owner_name.lower())
    known = owner.fields.get(field_name.lower()) if owner else None
    if owner is None or known is None or not known.custom:
        text = f"No CustomField named: {name} found"
        return Component("CustomField", name, "destructiveChanges.xml", text)
    org.remove_fields(owner.name, [known.name])
    keep_object(org, org.schema.definitions[owner.name.lower()])
    return Component("CustomField", name, "destructiveChanges.xml", deleted=True, changed=True)
