"""The review queue."""

from __future__ import annotations

from hintsync.surfaces.web.pages.place import Place

PLACES: tuple[Place, ...] = ()
