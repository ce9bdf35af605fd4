"""Putting components into the org and taking them out, whatever their type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.managed import namespace_of
from hintsync_emulators.salesforce.metadata import (
    apps,
    channels,
    layouts,
    objects,
    pages,
    permissions,
    references,
    reports,
    settings,
)
from hintsync_emulators.salesforce.metadata.kinds import element_of, is_known, kind_of, prefix_of
from hintsync_emulators.salesforce.metadata.piece import Outcome, Piece, Problem
from hintsync_emulators.salesforce.metadata.shapes import check_shape
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import NAMESPACE

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org


def _nothing(org: Org, name: str) -> None:
    """Most types leave nothing behind."""


@dataclass(frozen=True, slots=True)
class _Handler:
    #: Checks a component against the org and makes its effects; may return the id of the row that it is.
    install: Callable[[Org, Piece], str | None]
    #: Undoes the effects of a component that is taken out, or refuses.
    remove: Callable[[Org, str], None] = _nothing


def _remove_page(org: Org, name: str) -> None:
    references.refuse_used_page(org, name)
    pages.remove_page(org, name)
    references.forget_page(org, name)


def _remove_object(org: Org, name: str) -> None:
    objects.remove_object(org, name)
    references.forget_object(org, name)


def _remove_field(org: Org, name: str) -> None:
    objects.remove_field(org, name)
    references.forget_field(org, name)


def _refuse_settings(org: Org, name: str) -> None:
    raise Problem("Settings cannot be deleted")


def _as_it_is(org: Org, piece: Piece) -> Piece:
    return piece


#: Types whose files the org completes before it keeps them.
_COMPLETED: dict[str, Callable[[Org, Piece], Piece]] = {
    "ExtlClntAppGlobalOauthSettings": apps.keyed,
    "Profile": permissions.merged,
}
_PART = _Handler(apps.check_part)
_HANDLERS = {
    "Settings": _Handler(settings.install_settings, _refuse_settings),
    "CustomObject": _Handler(objects.install_object, _remove_object),
    "CustomField": _Handler(objects.install_field, _remove_field),
    "RemoteSiteSetting": _Handler(lambda org, piece: None),
    "CspTrustedSite": _Handler(lambda org, piece: None),
    "ExternalClientApplication": _Handler(apps.check_app, apps.remove_app),
    "ExtlClntAppGlobalOauthSettings": _Handler(apps.check_global_settings),
    "ExtlClntAppCanvasSettings": _Handler(apps.check_canvas),
    "ExtlClntAppOauthConfigurablePolicies": _Handler(apps.check_policies),
    "ApexPage": _Handler(pages.install_page, _remove_page),
    "WebLink": _Handler(pages.check_link, references.refuse_used_link),
    "ListView": _Handler(pages.check_list_view),
    "CompactLayout": _Handler(pages.check_compact_layout),
    "QuickAction": _Handler(pages.check_action, references.forget_action),
    "CustomTab": _Handler(pages.check_tab, references.forget_tab),
    "Layout": _Handler(layouts.check_layout, layouts.refuse_last_layout),
    "FlexiPage": _Handler(pages.check_flexi_page),
    "CustomApplication": _Handler(pages.check_application),
    "PlatformEventChannel": _Handler(channels.install_channel, channels.remove_channel),
    "PlatformEventChannelMember": _Handler(channels.install_member, channels.remove_member),
    "ReportType": _Handler(reports.check_report_type, reports.refuse_used_type),
    "ReportFolder": _Handler(reports.check_folder, reports.refuse_full_folder),
    "Report": _Handler(reports.check_report),
    "PermissionSet": _Handler(permissions.install_permission_set, permissions.remove_permission_set),
    "Profile": _Handler(permissions.install_profile, permissions.remove_profile),
}


def install(org: Org, piece: Piece, user_id: str) -> Outcome:
    """Put a component into the org, new or in the place of what was there.

    Raises:
        Problem: it is refused, and nothing of it has happened.
    """
    kind = kind_of(piece.kind)
    if kind and kind.has_body and piece.body is None:
        raise Problem(f"{piece.kind} {piece.name} has no content file")
    if namespace_of(org, piece.name):
        raise Problem(f"Cannot modify managed object: entity={piece.kind}, component={piece.name}")
    _check_root(piece)
    check_shape(settings.ROOTS.get(piece.name, "") if piece.kind == "Settings" else piece.kind, piece.node)
    piece = _COMPLETED.get(piece.kind, _as_it_is)(org, piece)
    known = org.components.get(piece.kind, piece.name)
    existed = known is not None or _in_schema(org, piece.kind, piece.name)
    with org.storage.transaction():
        row_id = _HANDLERS.get(piece.kind, _PART).install(org, piece)
    if known is not None and known.same(piece.xml, piece.body):
        return Outcome(piece.kind, piece.name, piece.file, known.id)
    new_id = row_id or (known.id if known else org.ids.next(prefix_of(piece.kind)))
    now = org.writer.now()
    created, author = (known.created, known.created_by) if known else (now, user_id)
    org.components.put(Component(piece.kind, piece.name, new_id, piece.xml, piece.body, created, author, now, user_id))
    return Outcome(piece.kind, piece.name, piece.file, new_id, created=not existed, changed=True)


def _check_root(piece: Piece) -> None:
    expected = element_of(piece.kind) or piece.kind
    if piece.kind == "Settings":
        expected = settings.ROOTS.get(piece.name, piece.node.tag)
    node = piece.node
    if node.tag != expected:
        text = f"Error parsing file: Element {node.tag} invalid at this location, expected {expected}"
        raise Problem(text, node.line, node.column)
    if node.namespace != NAMESPACE:
        text = f"Error parsing file: Element {{{node.namespace}}}{node.tag} invalid, expected {{{NAMESPACE}}}{expected}"
        raise Problem(text, node.line, node.column)


def remove(org: Org, kind: str, name: str, file: str) -> Outcome:
    """Take a component out of the org.

    Raises:
        Problem: there is none of that name, or something hangs on it.
    """
    if not is_known(kind):
        raise Problem(f"not emulated: {kind}")
    known = org.components.get(kind, name)
    if known is None and not _in_schema(org, kind, name):
        raise Problem(f"No {kind} named: {name} found", warning=True)
    if namespace_of(org, name):
        raise Problem(f"Cannot delete managed object: {name}")
    with org.storage.transaction():
        _HANDLERS.get(kind, _PART).remove(org, name)
        org.components.drop(kind, name)
    return Outcome(kind, name, file, known.id if known else None, changed=True, deleted=True)


def _in_schema(org: Org, kind: str, name: str) -> bool:
    """Say whether the org has something of itself that no deployment brought."""
    if kind == "Settings":
        return name == "Name"
    if kind == "CustomObject":
        return name.lower() in org.schema.definitions
    if kind != "CustomField":
        return False
    owner, _, field = name.partition(".")
    found = org.schema.definitions.get(owner.lower())
    return found is not None and field.lower() in found.fields
