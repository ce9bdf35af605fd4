"""Custom fields, from metadata format to the schema."""

from __future__ import annotations

import re

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.metadata.piece import Problem
from hintsync_emulators.salesforce.metadata.xml import Node
from hintsync_emulators.salesforce.schema.model import Field, PickValue

#: Metadata type -> describe type.
TYPES = {
    "AutoNumber": "string",
    "Checkbox": "boolean",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "Html": "textarea",
    "LongTextArea": "textarea",
    "Lookup": "reference",
    "MasterDetail": "reference",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Percent": "percent",
    "Phone": "phone",
    "Picklist": "picklist",
    "Text": "string",
    "TextArea": "textarea",
    "Time": "time",
    "Url": "url",
}
#: Types that the Metadata API knows and the emulator does not.
_LEFT_OUT = (
    "EncryptedText",
    "ExternalLookup",
    "IndirectLookup",
    "Hierarchy",
    "Location",
    "MetadataRelationship",
    "Summary",
)
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255, "Lookup": 18, "MasterDetail": 18, "Picklist": 255}
_UNIQUE_TYPES = ("Text", "Number", "Email")
_NUMERIC = ("Number", "Currency", "Percent")
NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")


def read_field(node: Node) -> Field:
    """Build a field from a CustomField.

    Raises:
        Problem: it is incomplete, contradicts itself, or is of a type that is not emulated.
    """
    name, kind = node.value("fullName") or "", node.value("type")
    if not NAME.fullmatch(name) or len(name) > 43:
        raise Problem(f"The field name '{name}' is not valid: it must end in __c and be at most 40 characters before")
    if kind is None:
        raise Problem("Must specify a non-empty type for the CustomField")
    if kind in _LEFT_OUT or node.find("formula") is not None:
        raise Problem(f"not emulated: CustomField of type {'formula' if node.find('formula') is not None else kind}")
    if kind not in TYPES:
        raise Problem(f"'{kind}' is not a valid value for the enum 'FieldType'", *_place(node, "type"))
    label = node.value("label")
    if label is None:
        raise Problem("Must specify a non-empty label for the CustomField")
    return Field(
        name=name,
        label=label,
        type=TYPES[kind],
        custom=True,
        nillable=not node.flag("required") and kind not in ("Checkbox", "MasterDetail"),
        help_text=node.value("inlineHelpText"),
        **_sizes(node, kind),  # type: ignore[arg-type]
        **_keys(node, kind),  # type: ignore[arg-type]
        **_relation(node, kind),  # type: ignore[arg-type]
        **_choice(node, kind),  # type: ignore[arg-type]
    )


def _place(node: Node, tag: str) -> tuple[int, int]:
    found = node.find(tag) or node
    return found.line, found.column


def _sizes(node: Node, kind: str) -> dict[str, object]:
    if kind in _NUMERIC:
        precision, scale = _number(node, "precision", 1, 18), _number(node, "scale", 0, 17)
        if scale > precision:
            raise Problem("Scale must be less than or equal to precision")
        return {"precision": precision, "scale": scale}
    if kind == "Text":
        return {"length": _number(node, "length", 1, 255)}
    if kind in ("LongTextArea", "Html"):
        _number(node, "visibleLines", 2 if kind == "LongTextArea" else 10, 50)
        return {"length": _number(node, "length", 256, 131072), "sortable": False, "html": kind == "Html"}
    if kind == "MultiselectPicklist":
        _number(node, "visibleLines", 3, 10)
        return {"length": 4099, "sortable": False}
    if kind == "AutoNumber":
        return {"length": 30, "createable": False, "updateable": False, "auto_number": True, "formula": numbering(node)}
    return {"length": _LENGTHS.get(kind, 0)}


def numbering(node: Node) -> str:
    """Return the SQL expression that numbers a record by its row, in the field's display format."""
    shown = node.value("displayFormat") or "{0}"
    digits = re.search(r"\{(0+)\}", shown)
    width = len(digits.group(1)) if digits else 1
    before, after = re.split(r"\{0+\}", shown, maxsplit=1) if digits else (shown, "")
    return f"({_sql(before)} || printf('%0{width}d', _row) || {_sql(after)})"


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _number(node: Node, name: str, least: int, most: int) -> int:
    text = node.value(name)
    if text is None:
        raise Problem(f"Must specify '{name}' for a CustomField of type {node.value('type')}", node.line, node.column)
    number = whole(text)
    if number is None or not least <= number <= most:
        raise Problem(f"Value for '{name}' must be between {least} and {most}", *_place(node, name))
    return number


def _keys(node: Node, kind: str) -> dict[str, object]:
    unique, external = node.flag("unique"), node.flag("externalId")
    if (unique or external) and kind not in _UNIQUE_TYPES:
        raise Problem(f"Can not specify 'externalId' or 'unique' for a CustomField of type {kind}")
    case_sensitive = node.flag("caseSensitive") and unique
    return {"unique": unique, "external_id": external, "id_lookup": external, "case_sensitive": case_sensitive}


def _relation(node: Node, kind: str) -> dict[str, object]:
    if kind not in ("Lookup", "MasterDetail"):
        return {}
    target = node.value("referenceTo")
    if target is None:
        raise Problem(f"Must specify 'referenceTo' for a CustomField of type {kind}")
    child = node.value("relationshipName")
    return {
        "reference_to": (target,),
        "relationship": f"{(node.value('fullName') or '').removesuffix('__c')}__r",
        "child_relationship": f"{child}__r" if child else None,
        "cascade": kind == "MasterDetail" or node.value("deleteConstraint") == "Cascade",
        "indexed": True,
    }


def _choice(node: Node, kind: str) -> dict[str, object]:
    default = node.value("defaultValue")
    if kind == "Checkbox":
        return {"default": default == "true"}
    if kind not in ("Picklist", "MultiselectPicklist"):
        return {} if default is None else {"default": _unquoted(default)}
    values = node.find("valueSet")
    definition = values.find("valueSetDefinition") if values is not None else None
    if values is None or definition is None:
        raise Problem("not emulated: picklists without a valueSetDefinition of their own")
    found = tuple(_value(one, values) for one in definition.all("value"))
    _check_values(found)
    chosen = next((one.value for one in found if one.default), None)
    controller = values.value("controllingField")
    return {"values": found, "restricted": values.flag("restricted"), "default": chosen, "controller": controller}


def _value(node: Node, values: Node) -> PickValue:
    name = node.value("fullName") or ""
    allowed = tuple(
        one for setting in values.all("valueSettings") if setting.value("valueName") == name
        for one in setting.values("controllingFieldValue")
    )  # fmt: skip
    return PickValue(name, node.value("label") or name, allowed, node.flag("isActive", True), node.flag("default"))


def _check_values(values: tuple[PickValue, ...]) -> None:
    names = [one.value.casefold() for one in values]
    repeated = next((one.value for place, one in enumerate(values) if names[place] in names[:place]), None)
    if repeated is not None:
        raise Problem(f"Duplicate value in picklist: {repeated}")
    if sum(one.default for one in values) > 1:
        raise Problem("Only one value of a picklist can be its default")


def _unquoted(text: str) -> str:
    """Return a constant; a default may also be a formula, which is not worked out here."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", text):
        return text
    raise Problem("not emulated: a defaultValue that is a formula")
