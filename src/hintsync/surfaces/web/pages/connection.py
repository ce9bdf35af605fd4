"""The Hint Health tab: both sides' state, authorization code, Default Account, webhook."""

from __future__ import annotations

from hintsync.surfaces.web.pages.place import Place

PLACES: tuple[Place, ...] = ()
