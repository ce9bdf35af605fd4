"""A Salesforce org that speaks the REST API, for development, tests and demonstrations.

org = Org(seed=7, token="00DEM0000000001!secret")
app = create_app(org)      # an ASGI application: serve it, or mount it in process through httpx.ASGITransport
"""

from __future__ import annotations

from starlette.types import ASGIApp

from hintsync_emulators.control import Controlled, ControlRoute, Faults, Site
from hintsync_emulators.lab import lab_site
from hintsync_emulators.salesforce.auth import App
from hintsync_emulators.salesforce.canvas.control import canvas_routes
from hintsync_emulators.salesforce.clock import ManualClock
from hintsync_emulators.salesforce.dml.rules import DuplicateRule
from hintsync_emulators.salesforce.openapi import openapi
from hintsync_emulators.salesforce.org import FEATURES, LateWrite, Org
from hintsync_emulators.salesforce.pages.urls import owns
from hintsync_emulators.salesforce.pubsub.control import pubsub_routes
from hintsync_emulators.salesforce.responses.control import control_routes
from hintsync_emulators.salesforce.steering import OrgSteering
from hintsync_emulators.salesforce.web.app import Application
from hintsync_emulators.salesforce.web.dispatch import classify
from hintsync_emulators.steering import steering_routes

__all__ = ["FEATURES", "App", "DuplicateRule", "LateWrite", "ManualClock", "Org", "create_app"]


def create_app(org: Org, faults: Faults | None = None) -> Controlled:
    """Return the ASGI application of an org, with the control API below ``/_control``.

    Args:
        org: the state that the application serves.
        faults: what goes wrong; its counters hold the calls by kind. Reachable later as ``app.faults``.
    """
    described = ControlRoute("GET", "/openapi.json", lambda _: openapi(), "the emulated API as OpenAPI 3.1")
    own = [*control_routes(org), *pubsub_routes(org), *canvas_routes(org)]
    routes = [*own, *steering_routes(OrgSteering(org)), described]

    def end_faults() -> None:
        org.events.clear_faults()
        org.canvas.faults.clear()

    def pages(_: Controlled) -> ASGIApp:
        # Imported late: an org that nobody looks at starts without waiting for its pages.
        from hintsync_emulators.salesforce.pages.dispatch import PageDispatcher

        return Application(org, PageDispatcher(org))

    return Controlled(
        Application(org), faults or Faults(), classify, routes, end_faults, [lab_site("Salesforce"), Site(owns, pages)]
    )
