"""Every page there is, in the order of the bar."""

from __future__ import annotations

from hintsync.surfaces.web.pages import (
    audit,
    batches,
    connection,
    create,
    doctor,
    fields,
    health,
    home,
    install,
    log,
    login,
    panel,
    parked,
    reviews,
    runs,
    settings,
    stops,
    sync,
    unlink,
    webhook,
)
from hintsync.surfaces.web.pages.place import Place

PLACES: tuple[Place, ...] = (
    *home.PLACES,
    *connection.PLACES,
    *webhook.PLACES,
    *install.PLACES,
    *settings.PLACES,
    *fields.PLACES,
    *batches.PLACES,
    *runs.PLACES,
    *reviews.PLACES,
    *stops.PLACES,
    *parked.PLACES,
    *health.PLACES,
    *doctor.PLACES,
    *log.PLACES,
    *audit.PLACES,
    *panel.PLACES,
    *sync.PLACES,
    *create.PLACES,
    *unlink.PLACES,
    *login.PLACES,
)
