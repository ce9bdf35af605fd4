"""Describe answers, in the shape of the REST API ("sObject Describe")."""

from __future__ import annotations

import base64

from hintsync_emulators.salesforce.schema.model import IDS, INTEGERS, NUMBERS, Field, Schema, SObject

_SOAP = {
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
    "id": "tns:ID",
    "reference": "tns:ID",
    **dict.fromkeys(INTEGERS, "xsd:int"),
    **dict.fromkeys(NUMBERS, "xsd:double"),
}
_UNGROUPABLE = {"address", "datetime", "multipicklist", "encryptedstring", *NUMBERS}
#: What no field of the emulated org has.
_NEVER: dict[str, object] = {
    "aiPredictionField": False,
    "calculatedFormula": None,
    "defaultValueFormula": None,
    "deprecatedAndHidden": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "mask": None,
    "maskType": None,
    "namePointing": False,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "writeRequiresMasterRead": False,
}
#: Standard objects whose records show on pages of their own.
_LAYOUTABLE = ("Account", "Contact", "User")
#: Object -> layouts that are known by a name, with the fields on them ("sObject Named Layouts").
NAMED_LAYOUTS = {"User": {"UserAlt": ("Name", "Email", "Username", "Alias", "ProfileId", "IsActive")}}
_MASTER = {
    "active": True,
    "available": True,
    "defaultRecordTypeMapping": True,
    "developerName": "Master",
    "master": True,
    "name": "Master",
    "recordTypeId": "012000000000000AAA",
}


def describe_global(schema: Schema, root: str) -> dict[str, object]:
    """Return the list of all objects; `root` is e.g. ``/services/data/v64.0``."""
    objects = [brief(one, root) for one in schema.objects()]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def brief(one: SObject, root: str) -> dict[str, object]:
    """Return what the list of objects says of each."""
    url = f"{root}/sobjects/{one.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": one.createable,
        "custom": one.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": one.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": one.prefix,
        "label": one.label,
        "labelPlural": one.plural,
        "layoutable": is_layoutable(one),
        "mergeable": one.mergeable,
        "mruEnabled": is_layoutable(one),
        "name": one.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": one.deletable and "isdeleted" in one.fields,
        "updateable": one.updateable,
        "urls": {"rowTemplate": f"{url}/{{ID}}", "describe": f"{url}/describe", "sobject": url},
    }


def is_layoutable(one: SObject) -> bool:
    """Say whether records of an object show on pages of their own; those of the setup do not."""
    return one.custom or one.name in _LAYOUTABLE


def describe(one: SObject, root: str) -> dict[str, object]:
    """Return everything about one object."""
    found = brief(one, root)
    url = f"{root}/sobjects/{one.name}"
    urls = {
        **(_page_urls(one, url) if is_layoutable(one) else {}),
        "rowTemplate": f"{url}/{{ID}}",
        "describe": f"{url}/describe",
        "sobject": url,
    }
    found.update(
        actionOverrides=[],
        childRelationships=[_child(child) for child in _children(one)],
        compactLayoutable=is_layoutable(one),
        defaultImplementation=None,
        extendedBy=None,
        extendsInterfaces=None,
        fields=[describe_field(one, each) for each in one.fields.values()],
        implementedBy=None,
        implementsInterfaces=None,
        listviewable=None,
        lookupLayoutable=None,
        namedLayoutInfos=[
            {"name": name, "urls": {"layout": f"{url}/describe/namedLayouts/{name}"}}
            for name in NAMED_LAYOUTS.get(one.name, ())
        ],
        networkScopeFieldName=None,
        recordTypeInfos=[{**_MASTER, "urls": {"layout": f"{url}/describe/layouts/012000000000000AAA"}}],
        searchLayoutable=True,
        sobjectDescribeOption="FULL",
        supportedScopes=[{"label": f"All {one.plural.lower()}", "name": "everything"}],
        urls=urls,
    )
    return found


def _page_urls(one: SObject, url: str) -> dict[str, object]:
    found: dict[str, object] = {
        "compactLayouts": f"{url}/describe/compactLayouts",
        "approvalLayouts": f"{url}/describe/approvalLayouts",
        "uiDetailTemplate": "/{ID}",
        "uiEditTemplate": "/{ID}/e",
        "listviews": f"{url}/listviews",
        "layouts": f"{url}/describe/layouts",
        "quickActions": f"{url}/quickActions",
    }
    if one.name in NAMED_LAYOUTS:
        found["namedLayouts"] = f"{url}/describe/namedLayouts"
    return found


def _children(one: SObject) -> list[tuple[str, str, str | None, bool]]:
    return [(child.object, child.field, child.relationship, child.cascade) for child in one.children]


def _child(child: tuple[str, str, str | None, bool]) -> dict[str, object]:
    name, field, relationship, cascade = child
    return {
        "cascadeDelete": cascade,
        "childSObject": name,
        "deprecatedAndHidden": False,
        "field": field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": relationship,
        "restrictedDelete": False,
    }


def describe_field(one: SObject, field: Field) -> dict[str, object]:
    """Return everything about one field."""
    filterable = field.type != "address" and not (field.type == "textarea" and field.length > 255)
    length = 0 if field.type in ("boolean", "date", "datetime", "address", *INTEGERS, *NUMBERS) else field.length
    return {
        **_NEVER,
        "aggregatable": filterable and field.type not in ("boolean", "multipicklist"),
        "autoNumber": field.auto_number,
        "byteLength": length * (1 if field.type in IDS else 3),
        "calculated": field.custom and field.formula is not None,
        "cascadeDelete": field.cascade,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound,
        "controllerName": field.controller,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default if field.type in ("boolean", "picklist") else None,
        "defaultedOnCreate": field.default is not None or field.system,
        "dependentPicklist": field.controller is not None,
        "digits": field.digits,
        "displayLocationInDecimal": field.name.endswith(("Latitude", "Longitude")),
        "externalId": field.external_id,
        "extraTypeInfo": _extra_type(one, field),
        "filterable": filterable,
        "groupable": filterable and field.type not in _UNGROUPABLE,
        "htmlFormatted": field.html,
        "idLookup": field.id_lookup or field.external_id,
        "inlineHelpText": field.help_text,
        "label": field.label,
        "length": length,
        "name": field.name,
        "nameField": field.name == "Name",
        "nillable": field.nillable,
        "permissionable": field.nillable and not field.system and field.compound != "Name",
        "picklistValues": picklist_values(one, field),
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": field.precision,
        "queryByDistance": field.type == "address",
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference",
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
    }


def _extra_type(one: SObject, field: Field) -> str | None:
    if field.type == "textarea":
        return "richtextarea" if field.html else "plaintextarea"
    return "personname" if field.name == "Name" and one.get("LastName") else None


def picklist_values(one: SObject, field: Field) -> list[dict[str, object]]:
    """Return the values of a picklist; none for a field of another type."""
    controller = one.get(field.controller) if field.controller else None
    places = {value.value: place for place, value in enumerate(controller.values)} if controller else {}
    return [
        {
            "active": value.active,
            "defaultValue": value.default,
            "label": value.label,
            "validFor": _bits(places, value.valid_for) if controller else None,
            "value": value.value,
        }
        for value in field.values
    ]


def _bits(places: dict[str, int], allowed: tuple[str, ...]) -> str:
    """Return base64 of a bit set over the controller's values, the first value being the highest bit."""
    raw = bytearray((len(places) + 7) // 8)
    for value in allowed:
        place = places[value]
        raw[place >> 3] |= 0x80 >> (place & 7)
    return base64.b64encode(bytes(raw)).decode()
