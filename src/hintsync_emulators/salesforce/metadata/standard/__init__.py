"""What an org holds from the beginning: page layouts and list views of the standard objects, profiles, a report."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.kinds import KINDS, prefix_of
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import document, leaf

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: List view -> label and columns, spelt as published files spell them.
_LIST_VIEWS = {
    "Account.AllAccounts": (
        "All Accounts",
        (
            "ACCOUNT.NAME",
            "ACCOUNT.SITE",
            "ACCOUNT.ADDRESS1_STATE",
            "ACCOUNT.PHONE1",
            "ACCOUNT.TYPE",
            "CORE.USERS.ALIAS",
        ),
    ),
    "Contact.AllContacts": (
        "All Contacts",
        ("FULL_NAME", "ACCOUNT.NAME", "CONTACT.TITLE", "CONTACT.PHONE1", "CONTACT.EMAIL", "CORE.USERS.ALIAS"),
    ),
}
#: A report of contacts, as people make them to choose contacts by.
_REPORT = "unfiled$public/Contacts_with_IDs"
#: Metadata name of a profile -> the name that users see; the first is the administrators'.
PROFILES = {"Admin": "System Administrator", "Standard": "Standard User"}


def found(org: Org) -> None:
    """Give a new org what every org has, and its first user the administrators' profile."""
    if org.components.names("Profile"):
        return
    with org.storage.transaction():
        for name, shown in PROFILES.items():
            profile_id = org.insert("Profile", {"Name": shown, "PermissionsModifyAllData": name == "Admin"})
            _put(org, "Profile", name, profile_id)
            if name == "Admin":
                org.storage.update("User", org.user_id, {"ProfileId": profile_id})
        for name in _files("layouts"):
            _put(org, "Layout", name, None)
        _put(org, "Report", _REPORT, None)
        for name, (label, columns) in _LIST_VIEWS.items():
            _keep(org, "ListView", name, org.ids.next(prefix_of("ListView")), _list_view(name, label, columns))


def _list_view(name: str, label: str, columns: tuple[str, ...]) -> bytes:
    shown = [leaf("columns", one) for one in columns]
    head = leaf("fullName", name.partition(".")[2])
    return document("listViews", [head, *shown, leaf("filterScope", "Everything"), leaf("label", label)])


def _files(folder: str) -> list[str]:
    names = sorted(one.name for one in (resources.files(__package__) / folder).iterdir())
    return [name.rpartition(".")[0] for name in names]


def _put(org: Org, kind: str, name: str, component_id: str | None) -> None:
    file = next(one for one in KINDS if one.name == kind).path(name)
    raw = resources.files(__package__).joinpath(file).read_bytes()
    _keep(org, kind, name, component_id or org.ids.next(prefix_of(kind)), raw)


def _keep(org: Org, kind: str, name: str, component_id: str, raw: bytes) -> None:
    now = org.writer.now()
    org.components.put(Component(kind, name, component_id, raw, None, now, org.user_id, now, org.user_id))
