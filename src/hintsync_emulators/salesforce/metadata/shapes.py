"""Which elements each metadata type has, as its WSDL declares them, and checking files against that.

`shapes.json` maps a type to its elements; an element's type ends in ``*`` when it may repeat and in ``?`` when it may
be left out. `enumerations.json` maps the types that are one of some words to those words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import orjson

from hintsync_emulators.salesforce.metadata.piece import Problem
from hintsync_emulators.salesforce.metadata.xml import NAMESPACE, Node

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NUMBERS = ("int", "double", "number")


@cache
def _shapes() -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = orjson.loads((resources.files(__package__) / "shapes.json").read_bytes())
    return found


@cache
def _enumerations() -> Mapping[str, Sequence[str]]:
    raw = (resources.files(__package__) / "enumerations.json").read_bytes()
    found: Mapping[str, Sequence[str]] = orjson.loads(raw)
    return found


def check_shape(kind: str, node: Node) -> None:
    """Check an element and what it holds; types whose elements are not known here pass.

    Raises:
        Problem: an element is unknown, repeated, missing, or holds a value of the wrong type; worded as the Metadata
            API words it, with the place.
    """
    shape = _shapes().get(kind)
    if shape is None:
        return
    check_order(kind, node)
    for child in node.children:
        _check_value(shape[child.tag].rstrip("*?"), child)
    present = {child.tag for child in node.children}
    for name, declared in shape.items():
        if name not in present and declared[-1] not in "*?" and declared != "boolean":
            raise Problem(f"Required field is missing: {name}", node.line, node.column)


def check_order(kind: str, node: Node) -> None:
    """Check that an element holds only what its type may, and that elements which repeat stand together.

    Raises:
        Problem: it does not; names the element and its place.
    """
    shape = _shapes()[kind]
    seen: set[str] = set()
    last = ""
    for child in node.children:
        if child.tag not in shape:
            raise _misplaced("invalid", child, kind)
        again = child.tag in seen
        if again and (child.tag != last or not shape[child.tag].endswith("*")):
            raise _misplaced("duplicated", child, kind)
        seen.add(child.tag)
        last = child.tag


def _misplaced(how: str, child: Node, kind: str) -> Problem:
    text = f"Error parsing file: Element {{{NAMESPACE}}}{child.tag} {how} at this location in type {kind}"
    return Problem(text, child.line, child.column)


def _check_value(declared: str, child: Node) -> None:
    text = child.text.strip()
    if declared == "boolean" and text not in ("true", "false", "1", "0"):
        raise Problem(f"Error parsing file: '{text}' is not a valid value for a boolean", child.line, child.column)
    if declared in _NUMBERS and not _NUMBER.fullmatch(text):
        raise Problem(f"Error parsing file: '{text}' is not a valid value for a number", child.line, child.column)
    check_shape(declared, child)


def children_of(kind: str) -> Mapping[str, str]:
    """Return the elements of a type in the order of its WSDL; empty for a type that is not known here."""
    return _shapes().get(kind, {})


def words_of(kind: str) -> Sequence[str]:
    """Return the words that a type is one of; none for any other type."""
    return _enumerations().get(kind, ())
