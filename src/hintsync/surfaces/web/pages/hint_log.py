"""What the page of the log tells of its copy in Salesforce."""

from __future__ import annotations

from hintsync.core.errors import HintsyncError
from hintsync.engine.audit.anchors import latest_anchor
from hintsync.engine.hint_log.copying import standing_of
from hintsync.engine.options import Options
from hintsync.surfaces.web.pages.place import Visit
from hintsync.surfaces.web.views.hint_log import HintLogShown, shown


async def copies_of(visit: Visit) -> HintLogShown:
    """Return how the copy of the log in Salesforce stands."""
    store, own = visit.service.store, visit.connection.id
    options = Options.from_json(visit.connection.settings)
    return shown(options, await standing_of(store, own), await latest_anchor(store, own), await _list_address(visit))


async def _list_address(visit: Visit) -> str:
    """Return where the org lists the entries; empty while it does not answer."""
    try:
        return f"{await visit.org_origin()}/lightning/o/Hint_Log__c/list"
    except HintsyncError:
        return ""
