"""Routes of the control API about canvas apps.

GET    /_control/canvas            the org's canvas apps, their clients, and the faults set now
PUT    /_control/canvas/apps/NAME  {"url": "http://localhost:8000/canvas"}: an app without a deployment
DELETE /_control/canvas/apps/NAME  forget it
POST   /_control/canvas/request    {"app": "Panel", "record": "003…"}: the signed request itself, without a page
PUT    /_control/canvas/faults     {"wrong_secret": 1, "old": 1, "truncated": 1, "other_org": 1}: of the next so many
DELETE /_control/canvas/faults     no faults
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hintsync_emulators.control import ControlRoute

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.canvas.steering import CanvasSteering
    from hintsync_emulators.salesforce.org import Org

_EXAMPLE_APP = {"url": "http://localhost:8000/canvas", "access_method": "Post", "locations": ["Visualforce"]}
_EXAMPLE_VISIT = {"app": "Panel", "record": "003000000000001AAA", "action": "sync"}
_EXAMPLE_FAULTS = {"wrong_secret": 1, "old": 0, "truncated": 0, "other_org": 0}


def canvas_routes(org: Org) -> list[ControlRoute]:
    """Return the routes below ``/_control/canvas``."""

    def steering() -> CanvasSteering:
        # Imported late: an org whose canvas nobody looks at starts without waiting for it.
        from hintsync_emulators.salesforce.canvas.steering import CanvasSteering

        return CanvasSteering(org)

    at, given, faults = "/canvas", "/canvas/apps/{name}", "/canvas/faults"
    once = "a signed request without its page"
    return [
        ControlRoute("GET", at, lambda call: steering().show(call), "canvas apps, and the page that shows each"),
        ControlRoute("PUT", given, lambda call: steering().put(call), "give a canvas app by hand", _EXAMPLE_APP),
        ControlRoute("DELETE", given, lambda call: steering().drop(call), "forget a canvas app that was given here"),
        ControlRoute("POST", f"{at}/request", lambda call: steering().request(call), once, _EXAMPLE_VISIT),
        ControlRoute("PUT", faults, lambda call: steering().faults(call), "spoil signed requests", _EXAMPLE_FAULTS),
        ControlRoute("DELETE", faults, lambda call: steering().clear(call), "no faults of signed requests"),
    ]
