"""Both batches: dry run, start, progress, abort."""

from __future__ import annotations

from hintsync.surfaces.web.pages.place import Place

PLACES: tuple[Place, ...] = ()
