"""The tabs that users have: those of the standard objects, and those that were deployed ("Tabs")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.appearance.icons import Style, style_of_motif, style_of_object
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import Node, parse

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Standard objects that have a tab.
_STANDARD = ("Account", "Contact")


def tabs(org: Org, origin: str) -> list[dict[str, object]]:
    """Return every tab; `origin` is scheme and host of the org."""
    found = []
    for name in _STANDARD:
        one, style = org.schema.get(name), style_of_object(org, name)
        if one is not None and style is not None:
            url = f"{origin}/{one.prefix}/o"
            found.append(_tab(style, origin, f"standard-{name}", one.plural, url, name, custom=False))
    return [*found, *(_custom(org, each, origin) for each in org.components.all("CustomTab"))]


def _custom(org: Org, component: Component, origin: str) -> dict[str, object]:
    node = parse(component.xml)
    style = style_of_motif(node.value("motif") or "")
    one = org.schema.get(component.name) if node.flag("customObject") else None
    label = one.plural if one else node.value("label") or component.name
    url = f"{origin}/{one.prefix}/o" if one else _address(node, component, origin)
    return _tab(style, origin, component.name, label, url, one.name if one else None, custom=True)


def _address(node: Node, component: Component, origin: str) -> str:
    """Return where a tab leads that shows no object: a page, a Lightning page, another site."""
    page, lightning = node.value("page"), node.value("flexiPage")
    if page is not None:
        return f"{origin}/apex/{page}?sfdc.tabName={component.id[:15]}"
    if lightning is not None:
        return f"{origin}/lightning/n/{component.name}"
    return f"{origin}/servlet/servlet.Integration?lid={component.id[:15]}&ic=1"


def _tab(
    style: Style, origin: str, name: str, label: str, url: str, object_name: str | None, custom: bool
) -> dict[str, object]:
    return {
        "colors": style.colors(),
        "custom": custom,
        "iconUrl": style.icon(origin, 32),
        "icons": style.icons(origin),
        "label": label,
        "miniIconUrl": style.icon(origin, 16),
        "name": name,
        "sobjectName": object_name,
        "url": url,
    }
