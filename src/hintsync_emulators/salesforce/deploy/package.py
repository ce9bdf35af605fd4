"""Reading the zip of a deployment."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.metadata.piece import Outcome
from hintsync_emulators.salesforce.metadata.xml import BadXml, Node, members_of, parse

_MOST_BYTES = 400 * 1024 * 1024
_MOST_FILES = 10_000
MANIFEST = "package.xml"
#: Files that name what is to be removed, before and after the rest is deployed.
_BEFORE, _AFTER = "destructiveChangesPre.xml", ("destructiveChanges.xml", "destructiveChangesPost.xml")
Members = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Package:
    """What a deployment brings."""

    #: Path below the package's root -> content; without package.xml and the files that name removals.
    files: Mapping[str, bytes]
    #: Type -> members, as package.xml lists them.
    members: Members = field(default_factory=dict)
    #: File -> type -> members to be removed.
    before: Mapping[str, Members] = field(default_factory=dict)
    after: Mapping[str, Members] = field(default_factory=dict)
    version: str = ""
    #: What package.xml calls the package; None for components that are to be in none.
    name: str | None = None
    #: Why the package as a whole cannot be deployed.
    problem: Outcome | None = None

    def lists(self, kind: str, name: str) -> bool:
        """Say whether package.xml names a component; a star stands for all, of objects for all custom ones."""
        members = self.members.get(kind, ())
        return name in members or ("*" in members and (kind != "CustomObject" or name.endswith("__c")))


def read_package(raw: bytes) -> Package:
    """Open a zip; package.xml may lie at its root or in one folder.

    Raises:
        ApiError: the zip cannot be read, or is too large.
    """
    files = _unpack(raw)
    root = next((name.removesuffix(MANIFEST) for name in sorted(files, key=len) if name.endswith(MANIFEST)), None)
    if root is None:
        return _broken(MANIFEST, "No package.xml found")
    inside = {name.removeprefix(root): content for name, content in files.items() if name.startswith(root)}
    removals = [name for name in (_BEFORE, *_AFTER) if name in inside]
    read: dict[str, Node] = {}
    for name in (MANIFEST, *removals):
        try:
            read[name] = parse(inside.pop(name))
        except BadXml as problem:
            return _broken(name, f"Error parsing file: {problem.message}", problem)
    return Package(
        inside,
        members_of(read[MANIFEST]),
        before={name: members_of(root) for name, root in read.items() if name == _BEFORE},
        after={name: members_of(root) for name, root in read.items() if name in _AFTER},
        version=read[MANIFEST].value("version") or "",
        name=read[MANIFEST].value("fullName"),
    )


def _broken(file: str, text: str, place: BadXml | None = None) -> Package:
    line, column = (place.line, place.column) if place else (None, None)
    return Package({}, problem=Outcome("", file, file, problem=text, line=line, column=column))


def _unpack(raw: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > _MOST_FILES:
                raise ApiError(400, "LIMIT_EXCEEDED", f"The zip file contains more than {_MOST_FILES} files")
            if sum(info.file_size for info in infos) > _MOST_BYTES:
                raise ApiError(400, "LIMIT_EXCEEDED", "The zip file is larger than 400 MB when unpacked")
            return {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError, OSError):
        # Broken contents, a password, or a way of packing that nobody uses, are as good as no zip.
        raise ApiError(400, "INVALID_FILE_METADATA", "The zip file cannot be read") from None
