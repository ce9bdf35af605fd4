"""Custom fields and objects, from metadata format to the schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from hintsync_emulators.salesforce.deploy.package import flag_of, text_of
from hintsync_emulators.salesforce.schema.model import Field, PickValue, SObject

#: Metadata type -> describe type.
_TYPES = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Time": "time",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
    "MasterDetail": "reference",
}
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255, "Lookup": 18, "MasterDetail": 18, "Picklist": 255}
_UNIQUE_TYPES = ("Text", "Number", "Email")
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")


class Problem(Exception):
    """A component cannot be deployed; the text is shown as its problem."""


def read_field(element: Element) -> Field:
    """Build a field from a CustomField.

    Raises:
        Problem: it is incomplete, contradicts itself, or is of a type that is not emulated.
    """
    name = text_of(element, "fullName") or ""
    kind = text_of(element, "type")
    if not _NAME.fullmatch(name) or len(name) > 43:
        raise Problem(f"The field name '{name}' is not valid: it must end in __c and be at most 40 characters before")
    if kind is None:
        raise Problem("Must specify a non-empty type for the CustomField")
    if kind not in _TYPES or element.find("formula") is not None:
        raise Problem(f"not emulated: CustomField of type {'formula' if element.find('formula') is not None else kind}")
    label = text_of(element, "label")
    if label is None:
        raise Problem("Must specify a non-empty label for the CustomField")
    return Field(
        name=name,
        label=label,
        type=_TYPES[kind],
        custom=True,
        nillable=not flag_of(element, "required") and kind not in ("Checkbox", "MasterDetail"),
        help_text=text_of(element, "inlineHelpText"),
        **_sizes(element, kind),  # type: ignore[arg-type]
        **_keys(element, kind),  # type: ignore[arg-type]
        **_relation(element, kind),  # type: ignore[arg-type]
        **_choice(element, kind),  # type: ignore[arg-type]
    )


def _sizes(element: Element, kind: str) -> dict[str, object]:
    if kind in ("Number", "Currency", "Percent"):
        precision, scale = _number(element, "precision", 1, 18), _number(element, "scale", 0, 17)
        return {"precision": precision, "scale": scale}
    if kind == "Text":
        return {"length": _number(element, "length", 1, 255)}
    if kind == "LongTextArea":
        _number(element, "visibleLines", 2, 50)
        return {"length": _number(element, "length", 256, 131072), "sortable": False}
    if kind == "MultiselectPicklist":
        return {"length": 4099, "sortable": False}
    return {"length": _LENGTHS.get(kind, 0)}


def _number(element: Element, name: str, least: int, most: int) -> int:
    text = text_of(element, name)
    if text is None:
        raise Problem(f"Must specify '{name}' for a CustomField of type {text_of(element, 'type')}")
    if not text.isdigit() or not least <= int(text) <= most:
        raise Problem(f"Value for '{name}' must be between {least} and {most}")
    return int(text)


def _keys(element: Element, kind: str) -> dict[str, object]:
    unique, external = flag_of(element, "unique"), flag_of(element, "externalId")
    if (unique or external) and kind not in _UNIQUE_TYPES:
        raise Problem(f"Can not specify 'externalId' or 'unique' for a CustomField of type {kind}")
    case_sensitive = flag_of(element, "caseSensitive") and unique
    return {"unique": unique, "external_id": external, "id_lookup": external, "case_sensitive": case_sensitive}


def _relation(element: Element, kind: str) -> dict[str, object]:
    if kind not in ("Lookup", "MasterDetail"):
        return {}
    target = text_of(element, "referenceTo")
    if target is None:
        raise Problem(f"Must specify 'referenceTo' for a CustomField of type {kind}")
    name = text_of(element, "fullName") or ""
    child = text_of(element, "relationshipName")
    return {
        "reference_to": (target,),
        "relationship": f"{name.removesuffix('__c')}__r",
        "child_relationship": f"{child}__r" if child else None,
        "cascade": kind == "MasterDetail" or text_of(element, "deleteConstraint") == "Cascade",
        "indexed": True,
    }


def _choice(element: Element, kind: str) -> dict[str, object]:
    default = text_of(element, "defaultValue")
    if kind == "Checkbox":
        return {"default": default == "true"}
    if kind not in ("Picklist", "MultiselectPicklist"):
        return {} if default is None else {"default": _unquoted(default)}
    values = element.find("valueSet")
    definition = values.find("valueSetDefinition") if values is not None else None
    if values is None or definition is None:
        raise Problem("not emulated: picklists without a valueSetDefinition of their own")
    found = tuple(_value(one) for one in definition.findall("value"))
    chosen = next((one.value for one in found if one.default), None)
    return {"values": found, "restricted": flag_of(values, "restricted"), "default": chosen}


def _value(element: Element) -> PickValue:
    name = text_of(element, "fullName") or ""
    label = text_of(element, "label") or name
    return PickValue(name, label, (), flag_of(element, "isActive", True), flag_of(element, "default"))


def _unquoted(text: str) -> str:
    """Return a constant; a default may also be a formula, which is not worked out here."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", text):
        return text
    raise Problem("not emulated: a defaultValue that is a formula")


def read_object(name: str, element: Element, prefix: str, shared: Mapping[str, Field]) -> SObject:
    """Build an object from a CustomObject file; `shared` are the fields that every object has.

    Raises:
        Problem: it is incomplete.
    """
    label, plural = text_of(element, "label"), text_of(element, "pluralLabel")
    if not _NAME.fullmatch(name):
        raise Problem(f"The object name '{name}' is not valid: it must end in __c")
    if label is None or plural is None:
        raise Problem("Must specify a non-empty label and pluralLabel for the CustomObject")
    fields = {"id": shared["id"], "ownerid": shared["ownerid"], "isdeleted": shared["isdeleted"]}
    fields["name"] = _name_field(element)
    fields.update((key, one) for key, one in shared.items() if key not in fields)
    return SObject(name=name, label=label, plural=plural, prefix=prefix, fields=fields, custom=True)


def _name_field(element: Element) -> Field:
    found = element.find("nameField")
    label = (text_of(found, "label") if found is not None else None) or "Name"
    if found is not None and text_of(found, "type") == "AutoNumber":
        shown = text_of(found, "displayFormat") or "{0}"
        digits = re.search(r"\{(0+)\}", shown)
        width = len(digits.group(1)) if digits else 1
        before, after = re.split(r"\{0+\}", shown, maxsplit=1) if digits else (shown, "")
        formula = f"({_sql(before)} || printf('%0{width}d', _row) || {_sql(after)})"
        return Field("Name", label, "string", 80, createable=False, updateable=False, auto_number=True, formula=formula)
    return Field("Name", label, "string", length=80, nillable=True, indexed=True, id_lookup=True)


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
