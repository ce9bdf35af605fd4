"""Health: the state of every part, the queue, lag and volume of the last day, the day's calls."""

from __future__ import annotations

from sqlalchemy.engine import make_url
from starlette.responses import Response

from hintsync.engine.health.facts import health_facts
from hintsync.engine.options import Options
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page
from hintsync.surfaces.web.views.health import health_view

_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


async def show(visit: Visit) -> Response:
    """Show how the connection is."""
    connection, engine = visit.connection, visit.engines.engine(visit.connection.id)
    options = Options.from_json(connection.settings)
    now = visit.service.clock.now().timestamp()
    facts = await health_facts(visit.service.store, connection, engine, now)
    problem = "" if engine else visit.engines.closed.get(connection.id, "opening")
    view = health_view(
        facts, database=_database(visit), zone=options.time_zone, problem=problem, poll_seconds=options.poll_seconds
    )
    return page(visit, "health.html", title="Health", health=view, deliveries=facts.deliveries)


def _database(visit: Visit) -> str:
    url = visit.service.settings.database()
    kind = make_url(url).get_backend_name() if "://" in url else "memory"
    return _DATABASES.get(kind, "In memory")


PLACES: tuple[Place, ...] = (Place("/health", show, Role.ADMINISTRATOR, nav="Health"),)
