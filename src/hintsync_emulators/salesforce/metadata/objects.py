"""Deploying and removing objects and what lives inside their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.fields import NAME, numbering, read_field
from hintsync_emulators.salesforce.metadata.keeping import keep_object
from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import Node
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.storage import quote

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Fields of every custom object beside its Name.
_SHARED = (
    "id",
    "ownerid",
    "isdeleted",
    "createddate",
    "createdbyid",
    "lastmodifieddate",
    "lastmodifiedbyid",
    "systemmodstamp",
)
_SHARING = ("Private", "Read", "ReadWrite", "ReadWriteTransfer", "FullAccess", "ControlledByParent")


def install_object(org: Org, piece: Piece) -> None:
    """Create a custom object, or change its labels; of a standard object nothing changes but its file.

    Raises:
        Problem: it is incomplete.
    """
    known = org.schema.definitions.get(piece.name.lower())
    if known is not None and not known.custom:
        return
    label, plural = piece.node.value("label"), piece.node.value("pluralLabel")
    if not NAME.fullmatch(piece.name):
        raise Problem(f"The object name '{piece.name}' is not valid: it must end in __c")
    if label is None or plural is None:
        raise Problem("Must specify a non-empty label and pluralLabel for the CustomObject")
    sharing = piece.node.value("sharingModel")
    if sharing is not None and sharing not in _SHARING:
        raise Problem(f"'{sharing}' is not a valid value for the enum 'SharingModel'")
    if known is None:
        known = _new_object(org, piece, label, plural)
    org.add_object(replace(known, label=label, plural=plural))
    keep_object(org, org.schema.definitions[piece.name.lower()])


def _new_object(org: Org, piece: Piece, label: str, plural: str) -> SObject:
    shared = _shared(org)
    fields = {name: shared[name] for name in ("id", "ownerid", "isdeleted")}
    fields["name"] = _name_field(piece.node.find("nameField") or Node("nameField"))
    fields.update((key, one) for key, one in shared.items() if key not in fields)
    return SObject(piece.name, label, plural, org.free_prefix(), fields, custom=True)


def _shared(org: Org) -> Mapping[str, Field]:
    """Return the fields of every object, from one that has them all."""
    account = org.schema.definitions["account"]
    return {name: account.fields[name] for name in _SHARED}


def _name_field(node: Node) -> Field:
    label = node.value("label") or "Name"
    if node.value("type") == "AutoNumber":
        return Field(
            "Name", label, "string", 80, createable=False, updateable=False, auto_number=True, formula=numbering(node)
        )
    return Field("Name", label, "string", length=80, nillable=True, indexed=True, id_lookup=True)


def remove_object(org: Org, name: str) -> None:
    """Remove a custom object with its records.

    Raises:
        Problem: there is no such object, or fields of other objects refer to it.
    """
    known = org.schema.definitions.get(name.lower())
    if known is None or not known.custom:
        raise Problem(f"No CustomObject named: {name} found", warning=True)
    for other in org.schema.definitions.values():
        for field in other.fields.values():
            if known.name in field.reference_to and other is not known:
                raise Problem(f"This custom object is referenced elsewhere: Custom Field - {other.name}.{field.name}")
    org.schema.remove(known.name)
    org.storage.drop_table(known.name)
    org.storage.forget("object", known.name)
    for kind in ("CustomField", "ListView", "WebLink", "CompactLayout", "Layout"):
        for child in org.components.names(kind):
            if child.startswith((f"{known.name}.", f"{known.name}-")):
                org.components.drop(kind, child)


def rename_object(org: Org, old: str, new: str) -> None:
    """Give a custom object, with its records, fields and views, another name.

    Raises:
        Problem: the new name is no name for an object.
    """
    known = org.schema.definitions[old.lower()]
    if not NAME.fullmatch(new):
        raise Problem(f"The object name '{new}' is not valid: it must end in __c")
    org.storage.rename_table(known.name, new)
    org.schema.remove(known.name)
    org.storage.forget("object", known.name)
    org.add_object(replace(known, name=new))
    keep_object(org, org.schema.definitions[new.lower()])
    for other in list(org.schema.definitions.values()):
        aimed = [field for field in other.fields.values() if known.name in field.reference_to]
        if aimed:
            org.schema.add_fields(other.name, (_aimed_at(field, known.name, new) for field in aimed))
            keep_object(org, org.schema.definitions[other.name.lower()])
    for one in org.components.everything():
        if one.name == known.name or one.name.startswith((f"{known.name}.", f"{known.name}-")):
            org.components.drop(one.kind, one.name)
            org.components.put(replace(one, name=new + one.name.removeprefix(known.name)))


def _aimed_at(field: Field, old: str, new: str) -> Field:
    return replace(field, reference_to=tuple(new if name == old else name for name in field.reference_to))


def owner_of(org: Org, piece_name: str) -> SObject:
    """Return the object that a child is named after.

    Raises:
        Problem: there is none.
    """
    name = piece_name.partition(".")[0]
    found = org.schema.definitions.get(name.lower())
    if found is None:
        raise Problem(f"Entity Enumeration Or ID: bad value for restricted picklist field: {name}")
    return found


def install_field(org: Org, piece: Piece) -> None:
    """Add or change a field.

    Raises:
        Problem: it cannot be as it is described, or cannot become so from what it was.
    """
    owner = owner_of(org, piece.name)
    name = piece.node.value("fullName") or ""
    standard = owner.fields.get(name.lower())
    if standard is not None and not standard.custom and not name.lower().endswith("__c"):
        return
    new = read_field(piece.node)
    old = owner.fields.get(new.name.lower())
    _check_change(org, owner, old, new)
    if old is not None:
        new = replace(new, name=old.name)
    org.add_fields(owner.name, [new])
    keep_object(org, org.schema.definitions[owner.name.lower()])


def _check_change(org: Org, owner: SObject, old: Field | None, new: Field) -> None:
    for target in new.reference_to:
        if target.lower() not in org.schema.definitions:
            raise Problem(f"referenceTo value of '{target}' does not resolve to a valid sObject type")
    if new.controller is not None and owner.get(new.controller) is None:
        raise Problem(f"In field: controllingField - no CustomField named {owner.name}.{new.controller} found")
    _check_child_name(org, owner, new)
    if old is None:
        return
    if old.type != new.type or old.case_sensitive != new.case_sensitive or old.auto_number != new.auto_number:
        raise Problem("not emulated: changing the type of a field")
    if new.unique and not old.unique:
        column, table = quote(new.name), quote(owner.name)
        sql = f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1 LIMIT 1"
        if org.storage.rows(sql):
            raise Problem("Cannot make the field unique: it holds duplicate values")


def _check_child_name(org: Org, owner: SObject, new: Field) -> None:
    """Two fields that look up to one object need different names for the way back."""
    if new.child_relationship is None:
        return
    for other in org.schema.definitions.values():
        for field in other.fields.values():
            if (
                (other.name, field.name.lower()) != (owner.name, new.name.lower())
                and field.child_relationship == new.child_relationship
                and set(field.reference_to) & set(new.reference_to)
            ):
                text = f"There is already a Child Relationship named {new.child_relationship.removesuffix('__r')}"
                raise Problem(f"{text} on {new.reference_to[0]}.")


def remove_field(org: Org, name: str) -> None:
    """Remove a custom field with all it held.

    Raises:
        Problem: there is no such field.
    """
    owner_name, _, field_name = name.partition(".")
    owner = org.schema.definitions.get(owner_name.lower())
    known = owner.fields.get(field_name.lower()) if owner else None
    if owner is None or known is None or not known.custom:
        raise Problem(f"No CustomField named: {name} found", warning=True)
    org.remove_fields(owner.name, [known.name])
    keep_object(org, org.schema.definitions[owner.name.lower()])


def rename_field(org: Org, old: str, new: str) -> None:
    """Give a custom field, with what it holds, another name on the same object.

    Raises:
        Problem: the new name is no name for a field, or one of another object.
    """
    owner, (new_owner, _, name) = owner_of(org, old), new.partition(".")
    if new_owner.lower() != owner.name.lower():
        raise Problem(f"A field cannot be moved to another object: {new}")
    if not NAME.fullmatch(name):
        raise Problem(f"The field name '{name}' is not valid: it must end in __c")
    known = owner.fields[old.partition(".")[2].lower()]
    org.storage.rename_column(owner.name, known.name, name)
    fields = {
        one.name.lower(): replace(one, controller=name) if one.controller == known.name else one
        for one in (replace(each, name=name) if each is known else each for each in owner.fields.values())
    }
    org.add_object(replace(owner, fields=fields))
    keep_object(org, org.schema.definitions[owner.name.lower()])
