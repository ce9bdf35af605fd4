"""Reading the zip of a deployment."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from hintsync_emulators.salesforce.errors import ApiError

_NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
_MOST_BYTES = 400 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Package:
    """What a deployment brings."""

    #: Path below the package's root -> content.
    files: Mapping[str, bytes]
    #: Type -> members, as package.xml lists them.
    members: Mapping[str, tuple[str, ...]]
    #: Type -> members to be removed.
    destroyed: Mapping[str, tuple[str, ...]]

    def lists(self, kind: str, name: str) -> bool:
        """Say whether package.xml names a component; a star stands for all custom ones."""
        members = self.members.get(kind, ())
        return name in members or ("*" in members and (kind == "PermissionSet" or name.endswith("__c")))


def read_package(raw: bytes) -> Package:
    """Open a zip; package.xml may lie at its root or in one folder.

    Raises:
        ApiError: the zip or its package.xml cannot be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise ApiError(400, "LIMIT_EXCEEDED", "The zip file is larger than 400 MB when unpacked")
            files = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    except zipfile.BadZipFile:
        raise ApiError(400, "INVALID_FILE_METADATA", "The zip file cannot be read") from None
    root = next(
        (name.removesuffix("package.xml") for name in sorted(files, key=len) if name.endswith("package.xml")), None
    )
    if root is None:
        raise ApiError(400, "INVALID_FILE_METADATA", "No package.xml found")
    inside = {name.removeprefix(root): content for name, content in files.items() if name.startswith(root)}
    destroyed = {}
    for name in ("destructiveChanges.xml", "destructiveChangesPre.xml", "destructiveChangesPost.xml"):
        if name in inside:
            destroyed.update(_members(inside[name], name))
    return Package(inside, _members(inside["package.xml"], "package.xml"), destroyed)


def _members(raw: bytes, name: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for types in read_xml(raw, name).findall("types"):
        kind = text_of(types, "name") or ""
        found[kind] = tuple(member.text or "" for member in types.findall("members"))
    return found


def read_xml(raw: bytes, name: str) -> ElementTree.Element:
    """Parse a metadata file and drop the namespace.

    Raises:
        ApiError: the file is no XML; names the file and the place.
    """
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise ApiError(400, "INVALID_FILE_METADATA", f"{name}: document type declarations are not allowed")
    try:
        root = ElementTree.fromstring(raw)
    except ElementTree.ParseError as problem:
        raise ApiError(400, "INVALID_FILE_METADATA", f"{name}: Error parsing file: {problem}") from None
    for element in root.iter():
        element.tag = element.tag.removeprefix(_NAMESPACE)
    return root


def text_of(element: ElementTree.Element, name: str) -> str | None:
    """Return the text of a child, trimmed; None when it is absent or empty."""
    found = (element.findtext(name) or "").strip()
    return found or None


def flag_of(element: ElementTree.Element, name: str, default: bool = False) -> bool:
    """Return the truth of a child."""
    text = text_of(element, name)
    return default if text is None else text.lower() == "true"
