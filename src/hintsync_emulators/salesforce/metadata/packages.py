"""Packages by name: a package.xml that names itself makes one of what it brings, to be retrieved by that name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_KIND = "package"


def add(org: Org, name: str, components: Mapping[str, Sequence[str]]) -> None:
    """Put components, by type and full name, into the package of that name; it is made when it is new."""
    known = {kind: list(names) for kind, names in (members(org, name) or {}).items()}
    for kind, names in components.items():
        known[kind] = list(dict.fromkeys([*known.get(kind, []), *names]))
    org.storage.keep(_KIND, name, known)


def members(org: Org, name: str) -> dict[str, list[str]] | None:
    """Return what a package holds, by type; None when there is no package of that name."""
    found = org.storage.kept(_KIND).get(name)
    return {str(kind): list(map(str, names)) for kind, names in found.items()} if isinstance(found, dict) else None
