"""The web application of a service: the pages, Hint's webhooks, health, readiness, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from hintsync.bootstrap import Service
from hintsync.engine.intake import take_in as take_in_for_good
from hintsync.metrics import METRICS, Metrics
from hintsync.replicas.hint.webhook import Signatures
from hintsync.surfaces.web.closed_desk import ClosedDesk
from hintsync.surfaces.web.desk import TakeIn, Wake
from hintsync.surfaces.web.engines import Engines
from hintsync.surfaces.web.health import Health
from hintsync.surfaces.web.pages.canvas import CANVAS, CanvasDoor
from hintsync.surfaces.web.pages.doors import Doors
from hintsync.surfaces.web.pages.login import CALLBACK, LOGIN, START, LoginDoor
from hintsync.surfaces.web.pages.places import PLACES
from hintsync.surfaces.web.pages.render import STATIC
from hintsync.surfaces.web.reaching import WEBHOOKS
from hintsync.surfaces.web.receiver import Receiver


def create_app(
    service: Service,
    *,
    engines: Engines | None = None,
    take_in: TakeIn = take_in_for_good,
    wake: Wake | None = None,
    metrics: Metrics = METRICS,
    leaving: asyncio.Event | None = None,
) -> Starlette:
    """Build the application; its lifespan opens the engines, and closes them after the last request.

    Args:
        service: open for as long as the application is served.
        engines: of a caller that keeps them open itself, such as one that works in the same process; none: our own.
        take_in: stores what webhooks say.
        wake: told the connection after something was stored (`Dispatcher.wake`).
        metrics: what is counted in and shown.
        leaving: set when the process is about to stop: streams end then, or they would keep it from stopping.
    """
    ours = engines or Engines(service)
    settings = service.settings
    receiver = Receiver(
        ours,
        Signatures(settings.webhook_keys()),
        ClosedDesk(service.store, service.clock, wake, metrics),
        max_bytes=settings.webhook_max_bytes,
        take_in=take_in,
        wake=wake,
        metrics=metrics,
    )
    health = Health(service, ours, metrics)
    doors = Doors(service, ours)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if engines is not None:
            yield
            await receiver.aclose()
            await doors.aclose()
            return
        async with ours.kept():
            yield
            await receiver.aclose()
            await doors.aclose()

    places = (WEBHOOKS, f"{WEBHOOKS}/{{connection}}")
    routes: list[BaseRoute] = [
        *(Route(place, receiver.receive, methods=["POST"]) for place in places),
        *(Route(place, health.reach, methods=["GET"]) for place in places),
        Route("/healthz", health.alive, methods=["GET"]),
        Route("/readyz", health.ready, methods=["GET"]),
        Route("/metrics", health.metrics, methods=["GET"]),
        *_pages(service, doors),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.leaving = leaving or asyncio.Event()
    return app


def _pages(service: Service, doors: Doors) -> list[BaseRoute]:
    canvas, login = CanvasDoor(service, doors), LoginDoor(service, doors)
    return [
        Route(CANVAS, canvas.open, methods=["POST"]),
        Route(f"{CANVAS}/{{connection}}", canvas.open, methods=["POST"]),
        Route(LOGIN, login.ask, methods=["GET"]),
        Route(START, login.start, methods=["GET"]),
        Route(CALLBACK, login.back, methods=["GET"]),
        *(Route(place.route, doors.guarded(place), methods=[place.method]) for place in PLACES),
        Mount(STATIC, StaticFiles(packages=[("hintsync.surfaces.web", "static")])),
    ]
