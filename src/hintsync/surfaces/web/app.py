"""The web application of a service: the pages, Hint's webhooks, health, readiness, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from hintsync.bootstrap import Service
from hintsync.engine.detect.intake import take_in as take_in_for_good
from hintsync.metrics import METRICS, Metrics
from hintsync.replicas.hint.webhook import Signatures
from hintsync.surfaces.web.closed_desk import ClosedDesk
from hintsync.surfaces.web.desk import TakeIn, Wake
from hintsync.surfaces.web.engines import Engines
from hintsync.surfaces.web.health import Health
from hintsync.surfaces.web.installing import Installer
from hintsync.surfaces.web.pages import setup
from hintsync.surfaces.web.pages.canvas import CANVAS, CanvasDoor
from hintsync.surfaces.web.pages.doors import Doors
from hintsync.surfaces.web.pages.login import CALLBACK, LOGIN, START, LoginDoor
from hintsync.surfaces.web.pages.places import PLACES
from hintsync.surfaces.web.pages.render import STATIC
from hintsync.surfaces.web.pages.setup import SetupDoor
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
    doors, installer = Doors(service, ours), Installer(service)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with nullcontext() if engines is not None else ours.kept():
            yield
            await installer.aclose()
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
        *_setup(SetupDoor(service, doors.tokens, installer)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.leaving = leaving or asyncio.Event()
    app.state.installer = installer
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


def _setup(door: SetupDoor) -> list[BaseRoute]:
    return [
        Route(setup.SETUP, door.ask, methods=["GET"]),
        Route(setup.SETUP, door.take, methods=["POST"]),
        Route(setup.ORG, door.guarded(door.org), methods=["GET"]),
        Route(setup.ORG, door.guarded(door.save_org, form=True), methods=["POST"]),
        Route(setup.GO, door.guarded(door.go), methods=["GET"]),
        Route(setup.LEAVE, door.guarded(door.leave), methods=["GET"]),
        Route(setup.CALLBACK, door.guarded(door.back), methods=["GET"]),
        Route(setup.INSTALL, door.guarded(door.choose), methods=["GET"]),
        Route(setup.INSTALL, door.guarded(door.install, form=True), methods=["POST"]),
        Route(setup.PROGRESS, door.guarded(door.progress), methods=["GET"]),
    ]
