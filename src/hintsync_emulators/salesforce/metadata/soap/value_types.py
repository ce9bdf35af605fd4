"""What a metadata type consists of, for clients that draw forms from it: describeValueType."""

from __future__ import annotations

from collections.abc import Mapping

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.metadata.kinds import CHILDREN, is_known
from hintsync_emulators.salesforce.metadata.settings import ROOTS
from hintsync_emulators.salesforce.metadata.shapes import children_of, words_of
from hintsync_emulators.salesforce.metadata.xml import NAMESPACE

#: Elements that name another component, with the type of what they name.
_NAMES = {"referenceTo": "CustomObject", "apexPage": "ApexPage", "controllingField": "CustomField"}


def describe_value_type(name: str, packages_only: tuple[str, ...]) -> dict[str, object]:
    """Return the DescribeValueTypeResult of a type.

    Args:
        name: as a client writes it, with its namespace in braces: ``{http://…/metadata}CustomObject``.
        packages_only: types that calls for single components do not take.

    Raises:
        ApiError: the name has no namespace or another one, or the type's elements are not known here.
    """
    namespace, brace, kind = name.strip().removeprefix("{").partition("}")
    if not brace or namespace != NAMESPACE:
        raise ApiError(500, "INVALID_TYPE", f"Unknown namespace or type: {name}")
    shape = children_of(kind)
    if not shape:
        raise not_emulated(f"describeValueType of {kind}")
    is_setting = kind in ROOTS.values()
    single = (is_known(kind) and kind not in packages_only) or is_setting
    found: dict[str, object] = {
        "apiCreatable": single and not is_setting,
        "apiDeletable": single and not is_setting,
        "apiReadable": single,
        "apiUpdatable": single,
    }
    if kind in CHILDREN.values():
        # The owner stands before the dot of a full name and has no element of its own.
        found["parentField"] = _field("", "string", foreign="CustomObject", required=True)
    found["valueTypeFields"] = _fields(shape, (kind,))
    return found


def _fields(shape: Mapping[str, str], path: tuple[str, ...]) -> list[dict[str, object]]:
    """Return one entry an element; a type inside itself is named and not unfolded again."""
    found = []
    for name, declared in shape.items():
        kind = declared.rstrip("*?")
        entry = _field(name, kind, _NAMES.get(name), required=declared == kind)
        inner = children_of(kind)
        if inner and kind not in path:
            entry["fields"] = _fields(inner, (*path, kind))
        found.append(entry)
    return found


def _field(name: str, kind: str, foreign: str | None = None, required: bool = False) -> dict[str, object]:
    words = words_of(kind)
    return {
        "foreignKeyDomain": foreign,
        "isForeignKey": foreign is not None,
        "isNameField": name == "fullName",
        "minOccurs": int(required),
        "name": name,
        "picklistValues": [{"active": True, "defaultValue": False, "label": word, "value": word} for word in words],
        "soapType": kind,
        "valueRequired": required,
    }
