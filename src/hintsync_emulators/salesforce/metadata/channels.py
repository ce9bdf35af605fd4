"""Event channels and what they carry: change data capture is switched on by deploying a member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import parse
from hintsync_emulators.salesforce.pubsub.channels import STANDARD, TooManyObjects

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_TYPES = ("data", "event")


def install_channel(org: Org, piece: Piece) -> None:
    """Check a custom channel for change events and open it.

    Raises:
        Problem: its name or type is wrong, or it carries platform events, which are not emulated.
    """
    kind = piece.node.value("channelType") or ""
    if not piece.name.endswith("__chn"):
        raise Problem(f"The channel name {piece.name} must end in __chn")
    if kind not in _TYPES:
        raise Problem(f"'{kind}' is not a valid value for the enum 'PlatformEventChannelType'", piece.node.line)
    if kind == "event":
        raise Problem("not emulated: PlatformEventChannel of channelType event")
    org.events.channels.open(piece.name)


def remove_channel(org: Org, name: str) -> None:
    """Close a custom channel that carries nothing.

    Raises:
        Problem: objects are still selected for it.
    """
    if org.events.channels.members(name):
        raise Problem("Remove the members of the channel before you delete it")
    org.events.channels.close(name)


def install_member(org: Org, piece: Piece) -> None:
    """Select an object for a channel.

    Raises:
        Problem: there is no such channel or object, the member would change, or too many objects are selected.
    """
    channel, entity = piece.node.value("eventChannel") or "", piece.node.value("selectedEntity") or ""
    if piece.node.find("enrichedFields") is not None or piece.node.find("filterExpression") is not None:
        raise Problem("not emulated: enrichedFields and filterExpression of PlatformEventChannelMember")
    if channel not in org.events.channels.names():
        raise Problem(f"In field: eventChannel - no PlatformEventChannel named {channel} found", piece.node.line)
    known = org.components.get(piece.kind, piece.name)
    if known is not None and _selects(known.xml) != (channel, entity):
        raise Problem("The fields EventChannel and SelectedEntity of a channel member can't be changed")
    try:
        org.events.channels.select(_object_of(org, entity), channel)
    except TooManyObjects:
        raise Problem(
            "You've reached the maximum number of entities that can be selected for change data capture"
        ) from None


def remove_member(org: Org, name: str) -> None:
    """Take an object off a channel."""
    known = org.components.get("PlatformEventChannelMember", name)
    assert known is not None
    channel, entity = _selects(known.xml)
    org.events.channels.deselect(_object_of(org, entity), channel)


def _selects(xml: bytes) -> tuple[str, str]:
    node = parse(xml)
    return node.value("eventChannel") or STANDARD, node.value("selectedEntity") or ""


def _object_of(org: Org, entity: str) -> str:
    """Return the object whose change events an entity is: ``ContactChangeEvent``, ``Log__ChangeEvent``."""
    custom = entity.endswith("__ChangeEvent")
    name = f"{entity.removesuffix('__ChangeEvent')}__c" if custom else entity.removesuffix("ChangeEvent")
    found = org.schema.definitions.get(name.lower())
    if found is None or not entity.endswith("ChangeEvent"):
        raise Problem(f"In field: selectedEntity - no change event named {entity} found")
    return found.name
