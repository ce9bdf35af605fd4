"""`hintsync status`: how an installation and a connection stand."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy.engine import make_url

from hintsync.bootstrap import Service, open_engine
from hintsync.core.records import LinkStatus
from hintsync.engine.context import Engine
from hintsync.engine.live_retry import sides_in_trouble
from hintsync.engine.runs import check_identity
from hintsync.engine.stops import PAUSE
from hintsync.engine.way import describe_way, load_way
from hintsync.state.port import Connection
from hintsync.surfaces.cli.answer import Answer, Exit
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, with_service
from hintsync.surfaces.cli.run_views import run_data
from hintsync.surfaces.cli.stop_views import stop_data, stop_lines

_ALL = 1_000_000


def status(
    online: Annotated[
        bool,
        typer.Option("--online", help="Ask both systems too whether they answer and are the ones that were pinned."),
    ] = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Show connections, links, what waits or is stopped, the last run, and whether the audit trail is whole."""

    async def work(service: Service) -> Answer:
        known = await service.store.connections()
        chosen = [await service.connection(connection)] if connection else list(known)
        stands = [await _of_connection(service, each, online=online) for each in chosen]
        where = {"state": str(service.settings.state), "database": _address(service)}
        # a broken trail and a guard's stop wait for a person; a pause is one's own
        quiet = all(not each["audit_problems"] and not _guards(each) for each in stands)
        lines = [f"state folder {where['state']}, database {where['database']}"]
        lines += [line for each in stands for line in _lines(each)] or ["no connection yet: hintsync connect"]
        return Answer({**where, "connections": stands}, (Text("\n".join(lines)),), Exit.DONE if quiet else Exit.PERSON)

    with_service(Asked(state, connection, as_json), work)


def _address(service: Service) -> str:
    """Return the database's address without its password."""
    return make_url(service.settings.database()).render_as_string(hide_password=True)


async def _of_connection(service: Service, connection: Connection, *, online: bool) -> dict[str, object]:
    store = service.store
    links = {str(status): count for status, count in (await store.count_links(connection.id)).items()}
    links.pop(str(LinkStatus.ENDED), None)
    reviews = Counter(str(review.kind) for review in await store.reviews(connection.id, limit=_ALL))
    runs = await store.runs(connection.id, limit=1)
    stops, backlog = await store.stops(connection.id), await store.backlog(connection.id)
    trouble = await sides_in_trouble(store, connection.id, service.clock.now().timestamp())
    stands: dict[str, object] = {
        "name": connection.name,
        "org_id": connection.org_id,
        "org_sandbox": connection.org_sandbox,
        "practice_id": connection.practice_id,
        "links": links,
        "reviews": dict(reviews),
        "stops": [stop_data(stop) for stop in stops],
        "waiting": {lane.name.lower().replace("_", "-"): count for lane, count in backlog.waiting.items() if count},
        "parked": backlog.parked,
        "in_trouble": {str(side): round(seconds) for side, seconds in trouble.items()},
        "changes_found_by": describe_way(connection, await load_way(store, connection)),
        "last_run": run_data(runs[0]) if runs else None,
        "audit_problems": list(await store.verify_audit(connection.id)),
    }
    if online:
        async with open_engine(service, connection, actor=ACTOR) as engine:
            stands["online"] = await _answers(engine)
    return stands


async def _answers(engine: Engine) -> dict[str, object]:
    """Ask both systems who they are.

    Raises:
        SafetyStop: one is not the one that was pinned (guard G1).
    """
    await check_identity(engine)
    return {
        str(side): {"missing_fields": sorted(described.missing), "read_only_fields": sorted(described.read_only)}
        for side, described in engine.described.items()
    }


def _guards(stands: dict[str, object]) -> bool:
    stops = stands["stops"]
    return isinstance(stops, list) and any(stop["guard"] != PAUSE for stop in stops)


def _lines(stands: dict[str, object]) -> list[str]:
    practice = stands["practice_id"] or "not connected yet (the page Connection, or hintsync connect)"
    lines = [f"{stands['name']}: org {stands['org_id']}, practice {practice}"]
    stops = stands["stops"]
    lines += [f"  {line}" for line in stop_lines(stops)] if isinstance(stops, list) else []
    for name in ("links", "reviews", "waiting"):
        counts = stands[name]
        told = ", ".join(f"{n:,} {word}" for word, n in counts.items()) if isinstance(counts, dict) else ""
        lines.append(f"  {name}: {told or 'none'}")
    trouble = stands["in_trouble"]
    for side, seconds in trouble.items() if isinstance(trouble, dict) else ():
        lines.append(
            f"  {side} does not answer live work (last tried {seconds} s ago); nothing is lost, hintsync log says more"
        )
    if stands["parked"]:
        lines.append(f"  parked: {stands['parked']} (hintsync parked)")
    lines.append(f"  changes in Salesforce are found by {stands['changes_found_by']}")
    last = stands["last_run"]
    lines.append(
        f"  last run: {last['id']} {last['kind']} {last['status']}" if isinstance(last, dict) else "  no run yet"
    )
    problems = stands["audit_problems"]
    lines.append("  audit trail: whole" if not problems else f"  audit trail BROKEN: {problems}")
    if "online" in stands:
        lines.append("  both systems answer and are the ones that were pinned")
    return lines
