"""The table of fields with direction and conflict policy."""

from __future__ import annotations

from hintsync.surfaces.web.pages.place import Place

PLACES: tuple[Place, ...] = ()
