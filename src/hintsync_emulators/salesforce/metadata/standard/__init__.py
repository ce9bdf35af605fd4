"""What an org holds from the beginning: page layouts of the standard objects, and profiles."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.kinds import KINDS, prefix_of
from hintsync_emulators.salesforce.metadata.store import Component

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Metadata name of a profile -> the name that users see; the first is the administrators'.
PROFILES = {"Admin": "System Administrator", "Standard": "Standard User"}


def found(org: Org) -> None:
    """Give a new org what every org has, and its first user the administrators' profile."""
    if org.components.names("Profile"):
        return
    with org.storage.transaction():
        for name, shown in PROFILES.items():
            profile_id = org.insert("Profile", {"Name": shown})
            _put(org, "Profile", name, profile_id)
            if name == "Admin":
                org.storage.update("User", org.user_id, {"ProfileId": profile_id})
        for name in _files("layouts"):
            _put(org, "Layout", name, None)


def _files(folder: str) -> list[str]:
    names = sorted(one.name for one in (resources.files(__package__) / folder).iterdir())
    return [name.rpartition(".")[0] for name in names]


def _put(org: Org, kind: str, name: str, component_id: str | None) -> None:
    file = next(one for one in KINDS if one.name == kind).path(name)
    raw = resources.files(__package__).joinpath(file).read_bytes()
    now, new_id = org.writer.now(), component_id or org.ids.next(prefix_of(kind))
    org.components.put(Component(kind, name, new_id, raw, None, now, org.user_id, now, org.user_id))
