"""Icons and colours of objects and tabs ("Themes", "Tabs" of the REST API Developer Guide)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.xml import parse

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Object -> its colour in the newer and in the older theme, and its icon's name in each.
_STANDARD = {
    "Account": ("5867E8", "236FBD", "standard/account", "accounts"),
    "Contact": ("A094ED", "56458C", "standard/contact", "contacts"),
    "User": ("65CAE4", "1797C0", "standard/user", "people"),
}
#: A tab's style, e.g. ``Custom57: Desert``.
_MOTIF = re.compile(r"(Custom\d+)\s*:\s*(.+)")
#: Sizes of the pictures of the newer theme, in pixels; 0 is a drawing, which has none.
_NEWER = ((0, "svg", "image/svg+xml"), (60, "png", "image/png"), (120, "png", "image/png"))


@dataclass(frozen=True, slots=True)
class Style:
    """What something looks like; names are those of picture files, without folder, size and ending."""

    newer: str
    older: str
    #: Six hexadecimal digits for the newer and the older theme; none for styles whose colours are not published.
    colours: tuple[str, str] | None = None

    def colors(self) -> list[dict[str, object]]:
        """Return the theme colours."""
        return [
            {"color": colour, "context": "primary", "theme": theme}
            for theme, colour in zip(("theme4", "theme3"), self.colours or (), strict=False)
        ]

    def icon(self, origin: str, pixels: int) -> str:
        """Return the address of the older theme's picture."""
        return f"{origin}/img/icon/{self.older}{pixels}.png"

    def icons(self, origin: str) -> list[dict[str, object]]:
        """Return the theme icons; `origin` is scheme and host of the org."""
        older = [_icon("image/png", pixels, "theme3", self.icon(origin, pixels)) for pixels in (32, 16)]
        base = f"{origin}/img/icon/t4v35/{self.newer}"
        newer = [
            _icon(kind, pixels, "theme4", f"{base}_{pixels}.{ending}" if pixels else f"{base}.{ending}")
            for pixels, ending, kind in _NEWER
        ]
        return [*older, *newer]


def _icon(kind: str, pixels: int, theme: str, url: str) -> dict[str, object]:
    return {"contentType": kind, "height": pixels, "theme": theme, "url": url, "width": pixels}


def style_of_object(org: Org, name: str) -> Style | None:
    """Return how an object looks: as it always does, or as its tab says; None for one without icons."""
    if name in _STANDARD:
        newer_colour, older_colour, newer, older = _STANDARD[name]
        return Style(newer, older, (newer_colour, older_colour))
    tab = org.components.get("CustomTab", name)
    return None if tab is None else style_of_motif(parse(tab.xml).value("motif") or "")


def style_of_motif(motif: str) -> Style:
    """Return how a custom tab looks."""
    found = _MOTIF.fullmatch(motif.strip())
    if found is None:
        return Style("custom/custom1", "custom32_100")
    return Style(f"custom/{found[1].lower()}", f"custom51_100/{found[2].strip().lower().replace(' ', '')}")


def styled_objects(org: Org) -> list[tuple[str, Style]]:
    """Return every object that has icons, by name."""
    found = ((one.name, style_of_object(org, one.name)) for one in org.schema.objects())
    return [(name, style) for name, style in found if style is not None]
