"""Objects and fields of the schema, drawn as metadata: for those that no deployment brought."""

from __future__ import annotations

from hintsync_emulators.salesforce.metadata.xml import Node, leaf
from hintsync_emulators.salesforce.schema.model import Field, SObject

_TYPES = {
    "boolean": "Checkbox",
    "currency": "Currency",
    "date": "Date",
    "datetime": "DateTime",
    "double": "Number",
    "email": "Email",
    "multipicklist": "MultiselectPicklist",
    "percent": "Percent",
    "phone": "Phone",
    "picklist": "Picklist",
    "reference": "Lookup",
    "string": "Text",
    "textarea": "TextArea",
    "time": "Time",
    "url": "Url",
}
#: Whether each header element of a standard object is on.
_STANDARD_HEADER = {"enableFeeds": False, "enableHistory": False}


def draw_field(field: Field) -> Node:
    """Return the element of a custom field, as a retrieval shows it."""
    kind = _TYPES[field.type]
    if kind == "TextArea" and field.length > 255:
        kind = "Html" if field.html else "LongTextArea"
    found: dict[str, object] = {"fullName": field.name, "label": field.label, "type": kind}
    if kind in ("Text", "LongTextArea", "Html"):
        found["length"] = field.length
    if kind in ("LongTextArea", "Html", "MultiselectPicklist"):
        found["visibleLines"] = 25 if kind == "Html" else 3
    if kind in ("Number", "Currency", "Percent"):
        found.update(precision=field.precision or 18, scale=field.scale)
    if kind == "Checkbox":
        found["defaultValue"] = bool(field.default)
    else:
        found["required"] = not field.nillable
    if kind in ("Text", "Number", "Email"):
        found.update(externalId=field.external_id, unique=field.unique)
    if field.case_sensitive:
        found["caseSensitive"] = True
    if field.help_text:
        found["inlineHelpText"] = field.help_text
    if field.reference_to:
        found["referenceTo"] = field.reference_to[0]
    if field.child_relationship:
        found["relationshipName"] = field.child_relationship.removesuffix("__r")
    children = [leaf(name, found[name]) for name in sorted(found, key=lambda name: (name != "fullName", name))]
    if field.values:
        children.append(_value_set(field))
    return Node("fields", children=children)


def _value_set(field: Field) -> Node:
    values = [
        Node("value", children=[leaf("fullName", one.value), leaf("default", one.default), leaf("label", one.label)])
        for one in field.values
    ]
    definition = Node("valueSetDefinition", children=[leaf("sorted", False), *values])
    return Node("valueSet", children=[leaf("restricted", field.restricted), definition])


def draw_standard_field(field: Field) -> Node:
    """Return the element by which a standard field shows in the file of its object."""
    return Node("fields", children=[leaf("fullName", field.name), leaf("trackFeedHistory", False)])


def draw_header(one: SObject) -> list[Node]:
    """Return the elements of an object that are no components."""
    if not one.custom:
        return [leaf(name, on) for name, on in _STANDARD_HEADER.items()]
    name = one.fields["name"]
    kind = "AutoNumber" if name.auto_number else "Text"
    number = [leaf("displayFormat", "{0}")] if name.auto_number else []
    return [
        leaf("deploymentStatus", "Deployed"),
        leaf("label", one.label),
        Node("nameField", children=[*number, leaf("label", name.label), leaf("type", kind)]),
        leaf("pluralLabel", one.plural),
        leaf("sharingModel", "ReadWrite"),
    ]
