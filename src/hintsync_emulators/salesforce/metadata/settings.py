"""Settings of the org that a deployment switches, and the settings as a retrieval shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import document, leaf

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Settings component -> its root element.
ROOTS = {"Name": "NameSettings", "ExternalClientApp": "ExternalClientAppSettings"}
_FEATURES = {"enableMiddleName": "MiddleName", "enableNameSuffix": "NameSuffix"}


def install_settings(org: Org, piece: Piece) -> None:
    """Switch what a settings file switches.

    Raises:
        Problem: the settings are not emulated.
    """
    if piece.name not in ROOTS:
        raise Problem(f"not emulated: Settings {piece.name}")
    if piece.name == "Name":
        for tag, feature in _FEATURES.items():
            if piece.node.find(tag) is not None:
                org.enable(feature, piece.node.flag(tag))


def name_settings(org: Org) -> bytes:
    """Return the file of the name settings as the org stands."""
    return document("NameSettings", [leaf(tag, name in org.schema.features) for tag, name in _FEATURES.items()])
