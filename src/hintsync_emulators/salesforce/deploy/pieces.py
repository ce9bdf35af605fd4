"""From the files of a package to components, held against package.xml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hintsync_emulators.salesforce.deploy.package import Package
from hintsync_emulators.salesforce.metadata.kinds import CHILDREN, KINDS, LEFT_OUT, ORDER, Kind, is_known
from hintsync_emulators.salesforce.metadata.piece import Outcome, Piece, Problem, failure
from hintsync_emulators.salesforce.metadata.shapes import check_order
from hintsync_emulators.salesforce.metadata.xml import BadXml, Node, document, parse

_META = "-meta.xml"
_STRAY = "Not in package.xml"


@dataclass
class Split:
    """The components of a package, in the order in which they are deployed, and what is wrong with it."""

    pieces: list[Piece] = field(default_factory=list)
    failures: list[Outcome] = field(default_factory=list)


def split(package: Package) -> Split:
    """Take a package apart."""
    found = Split(failures=list(_left_out(package)))
    unknown = not found.failures
    for file, raw in sorted(package.files.items()):
        kind = _kind_of(file)
        if kind is not None and file.endswith(_META) and kind.has_body:
            continue
        if kind is None:
            if unknown and "/" in file:
                found.failures.append(Outcome("", file.partition("/")[2], file, problem=_STRAY))
        elif kind.name == "CustomObject":
            _split_object(package, file, raw, found)
        else:
            _add_file(package, kind, file, raw, found)
    found.failures += _not_found(package, found)
    found.pieces.sort(key=lambda piece: ORDER.index(piece.kind))
    return found


def _left_out(package: Package) -> Iterator[Outcome]:
    """Report types that are not emulated."""
    for kind, members in package.members.items():
        if not is_known(kind):
            for name in members:
                yield Outcome(kind, name, "package.xml", problem=f"not emulated: {kind}")


def _kind_of(file: str) -> Kind | None:
    folder, _, name = file.partition("/")
    plain = name.removesuffix(_META)
    for kind in KINDS:
        if kind.folder != folder:
            continue
        if kind.folder_of is not None:
            if name.endswith(_META) and not plain.endswith(".report"):
                return kind
        elif plain.endswith(f".{kind.suffix}") and (kind.has_body or plain == name):
            return kind
    return None


def _name_of(kind: Kind, file: str) -> str:
    return file.partition("/")[2].removesuffix(_META).removesuffix(f".{kind.suffix}")


def _add_file(package: Package, kind: Kind, file: str, raw: bytes, found: Split) -> None:
    name = _name_of(kind, file)
    if not package.lists(kind.folder_of or kind.name, name):
        found.failures.append(Outcome(kind.name, name, file, problem=_STRAY))
        return
    xml, body = raw, None
    if kind.has_body:
        xml, body = package.files.get(f"{file}{_META}", b""), raw
        if not xml:
            found.failures.append(Outcome(kind.name, name, file, problem=f"No {file}{_META} found"))
            return
    node = _parsed(kind.name, name, file, xml, found)
    if node is not None:
        found.pieces.append(Piece(kind.name, name, file, node, xml, body))


def _parsed(kind: str, name: str, file: str, raw: bytes, found: Split) -> Node | None:
    try:
        return parse(raw)
    except BadXml as problem:
        text = f"Error parsing file: {problem.message}"
        found.failures.append(Outcome(kind, name, file, problem=text, line=problem.line, column=problem.column))
        return None


def _split_object(package: Package, file: str, raw: bytes, found: Split) -> None:
    name = file.rpartition("/")[2].rpartition(".")[0]
    node = _parsed("CustomObject", name, file, raw, found)
    if node is None:
        return
    try:
        check_order("CustomObject", node)
    except Problem as problem:
        found.failures.append(failure("CustomObject", name, file, problem))
        return
    whole = package.lists("CustomObject", name)
    children = [child for child in node.children if child.tag in CHILDREN]
    if whole:
        header = [child for child in node.children if child.tag not in CHILDREN and child.tag not in LEFT_OUT]
        shown = Node("CustomObject", children=header, line=node.line, column=node.column)
        found.pieces.append(Piece("CustomObject", name, file, shown, document("CustomObject", header)))
    elif not any(package.lists(CHILDREN[child.tag], _child_name(name, child)) for child in children):
        found.failures.append(Outcome("CustomObject", name, file, problem=_STRAY))
        return
    for child in children:
        _add_child(package, name, file, child, whole, found)
    for tag in sorted({child.tag for child in node.children} & set(LEFT_OUT)):
        text = f"not emulated: {LEFT_OUT[tag]}"
        found.failures.append(Outcome(LEFT_OUT[tag], name, file, problem=text))


def _child_name(owner: str, child: Node) -> str:
    return f"{owner}.{child.value('fullName') or ''}"


def _add_child(package: Package, owner: str, file: str, child: Node, whole: bool, found: Split) -> None:
    kind, name = CHILDREN[child.tag], _child_name(owner, child)
    if whole or package.lists(kind, name):
        found.pieces.append(Piece(kind, name, file, child, document(child.tag, child.children)))
    else:
        found.failures.append(Outcome(kind, name, file, problem=_STRAY))


def _not_found(package: Package, found: Split) -> Iterator[Outcome]:
    """Report members of package.xml that no file brought."""
    brought = {(one.kind, one.name) for one in found.pieces}
    brought |= {(one.kind, one.name) for one in found.failures}
    brought |= {("Report", one.name) for one in found.pieces if one.kind == "ReportFolder"}
    text = "An object '{}' of type {} was named in package.xml, but was not found in zipped directory"
    for kind, members in package.members.items():
        for name in members:
            if name != "*" and (kind, name) not in brought:
                yield Outcome(kind, name, "package.xml", problem=text.format(name, kind))
