"""Retrievals: components out of the org, as the zip of a package."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata import packages, reading
from hintsync_emulators.salesforce.metadata.kinds import element_of, is_known
from hintsync_emulators.salesforce.metadata.xml import Node, document, leaf

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Zip entries carry a time; a fixed one makes equal packages equal bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass
class Retrieval:
    """One retrieve request and what became of it."""

    id: str
    #: Type -> members.
    members: Mapping[str, tuple[str, ...]]
    version: str
    #: The files lie at the root of the zip instead of in ``unpackaged``.
    single_package: bool
    polls_left: int = 0
    #: Names of packages to bring along, each in a folder of its own.
    packages: tuple[str, ...] = ()
    zip: bytes | None = None
    properties: list[dict[str, object]] = field(default_factory=list)
    messages: list[dict[str, object]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Say whether the zip is ready."""
        return self.zip is not None


def carry_out(org: Org, retrieval: Retrieval) -> None:
    """Gather what is asked for; what there is not is told in the messages."""
    files: reading.Files = {}
    if retrieval.members or not retrieval.packages:
        files.update(_gathered(org, retrieval, "unpackaged", None, retrieval.members))
    for name in retrieval.packages:
        members = packages.members(org, name)
        if members is None:
            retrieval.messages.append(_message(f"No package named '{name}' found"))
        else:
            living = {kind: [one for one in names if reading.exists(org, kind, one)] for kind, names in members.items()}
            files.update(_gathered(org, retrieval, name, name, living))
    retrieval.zip = pack(files)


def _gathered(
    org: Org, retrieval: Retrieval, folder: str, package: str | None, members: Mapping[str, Sequence[str]]
) -> reading.Files:
    """Return the files of a package, or of what is in none, with their manifest."""
    root = "" if retrieval.single_package else f"{folder}/"
    found = {kind: _members(org, retrieval, kind, names) for kind, names in members.items()}
    files = {f"{root}{path}": raw for path, raw in _files(org, found).items()}
    for kind, names in found.items():
        for name in names:
            known = reading.properties(org, kind, name)
            retrieval.properties.append({**known, "fileName": f"{root}{known['fileName']}"})
    files[f"{root}package.xml"] = _package(found, retrieval.version, package)
    return files


def _members(org: Org, retrieval: Retrieval, kind: str, names: Iterable[str]) -> list[str]:
    """Return the members that there are; a star stands for all custom ones."""
    if not is_known(kind):
        retrieval.messages.append(_message(f"Entity type: '{kind}' is unknown"))
        return []
    found: list[str] = []
    for name in names:
        if name == "*":
            found += [each for each in reading.names_of(org, kind) if kind != "CustomObject" or each.endswith("__c")]
        elif reading.exists(org, kind, name) or _is_folder(org, kind, name):
            found.append(name)
        else:
            retrieval.messages.append(_message(f"Entity of type '{kind}' named '{name}' cannot be found"))
    return list(dict.fromkeys(found))


def _is_folder(org: Org, kind: str, name: str) -> bool:
    return kind == "Report" and reading.exists(org, "ReportFolder", name)


def _message(problem: str) -> dict[str, object]:
    return {"fileName": "unpackaged/package.xml", "problem": problem}


def _files(org: Org, found: Mapping[str, list[str]]) -> reading.Files:
    files: reading.Files = {}
    whole = set(found.get("CustomObject", ()))
    children = []
    for kind, names in found.items():
        if element_of(kind) is not None:
            children += [(kind, name) for name in names if name.partition(".")[0] not in whole]
        elif kind == "Report":
            folders = {name.rpartition("/")[0] or name for name in names}
            files.update(reading.files_of(org, "ReportFolder", folders))
            files.update(reading.files_of(org, kind, names))
        else:
            files.update(reading.files_of(org, kind, names))
    files.update(reading.child_files(org, children))
    return files


def _package(found: Mapping[str, list[str]], version: str, name: str | None) -> bytes:
    types = [
        Node("types", children=[*(leaf("members", name) for name in sorted(names)), leaf("name", kind)])
        for kind, names in sorted(found.items())
        if names
    ]
    named = [] if name is None else [leaf("fullName", name)]
    return document("Package", [*named, *types, leaf("version", version)])


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            info = zipfile.ZipInfo(path, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return raw.getvalue()
