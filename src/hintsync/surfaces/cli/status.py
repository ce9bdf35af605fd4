"""`hintsync status`: how an installation and a connection stand."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict, replace
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy.engine import make_url

from hintsync.bootstrap import Service, ask_side
from hintsync.core.errors import HintsyncError, SafetyStop
from hintsync.core.guards import Pin, check_identity
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.detect.way import describe_way, load_way
from hintsync.engine.guards.stops import PAUSE, pin_of
from hintsync.engine.live.retry import sides_in_trouble
from hintsync.ports import Identity
from hintsync.redact import safe_text
from hintsync.state.port import Connection
from hintsync.surfaces.cli.answer import Answer, Data, Exit, exit_of_code
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_service
from hintsync.surfaces.cli.run_views import run_data
from hintsync.surfaces.cli.stop_views import stop_data, stop_lines
from hintsync.surfaces.hint_ways import hint_ways

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
        answers = [_exit(each) for each in stands]
        lines = [f"state folder {where['state']}, database {where['database']}"]
        lines += [line for each in stands for line in _lines(each)] or ["no connection yet: hintsync connect"]
        return Answer(
            {**where, "connections": stands},
            (Text("\n".join(lines)),),
            max(answers, default=Exit.DONE) if quiet else Exit.PERSON,
        )

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
        "hint_ways": [asdict(way) for way in hint_ways(connection.facts)] if connection.practice_id else [],
        "audit_problems": list(await store.verify_audit(connection.id)),
    }
    if online:
        told = await asyncio.gather(*(_asked(service, connection, side) for side in Side))
        stands["online"] = {str(side): answer for side, answer in zip(Side, told, strict=True)}
    return stands


async def _asked(service: Service, connection: Connection, side: Side) -> Data:
    """Ask one system who it is; what stands in the way is an answer too, so that the rest can be shown."""
    try:
        identity, described = await ask_side(service, connection, side)
        found = check_identity(pin_of(connection), _seen(pin_of(connection), identity))
        if found is not None:
            raise SafetyStop(found.guard, found.reason)
    except HintsyncError as error:
        return {"error": {"code": error.code, "message": safe_text(error)}}
    return {"missing_fields": sorted(described.missing), "read_only_fields": sorted(described.read_only)}


def _seen(pinned: Pin, identity: Identity) -> Pin:
    """Return the pin as it would be if the other system were the right one."""
    if identity.side is Side.HINT:
        return replace(pinned, practice_id=identity.id)
    return replace(pinned, org_id=identity.id, org_sandbox=identity.sandbox)


def _failures(stands: Data) -> dict[str, dict[str, object]]:
    """Return what kept systems from answering, by side."""
    online = stands.get("online")
    return {side: told["error"] for side, told in online.items() if "error" in told} if isinstance(online, dict) else {}


def _exit(stands: Data) -> Exit:
    """Return the exit code that a connection asks for: what a person must do goes before what may pass by itself."""
    return max((exit_of_code(error["code"]) for error in _failures(stands).values()), default=Exit.DONE)


def _guards(stands: dict[str, object]) -> bool:
    stops = stands["stops"]
    return isinstance(stops, list) and any(stop["guard"] != PAUSE for stop in stops)


def _lines(stands: dict[str, object]) -> list[str]:
    practice = stands["practice_id"] or "not connected yet (the page Connection, or hintsync connect)"
    org = stands["org_id"] or "not connected yet (hintsync connect)"
    lines = [f"{stands['name']}: org {org}, practice {practice}"]
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
    lines += _way_lines(stands["hint_ways"])
    last = stands["last_run"]
    lines.append(
        f"  last run: {last['id']} {last['kind']} {last['status']}" if isinstance(last, dict) else "  no run yet"
    )
    problems = stands["audit_problems"]
    lines.append("  audit trail: whole" if not problems else f"  audit trail BROKEN: {problems}")
    return lines + _online_lines(stands)


def _way_lines(ways: object) -> list[str]:
    """Say in a line what was seen of Hint where its documents leave it open; the page Connection has it in words."""
    if not isinstance(ways, list) or not ways:
        return []
    words = {True: "yes", False: "no", None: "not seen yet"}
    told = [f"{word}: {', '.join(codes)}" for seen, word in words.items() if (codes := _codes(ways, seen))]
    return [f"  Hint as it was seen: {'; '.join(told)}"]


def _codes(ways: list[dict[str, object]], seen: bool | None) -> list[str]:
    return [str(way["code"]) for way in ways if way["seen"] is seen]


def _online_lines(stands: Data) -> list[str]:
    if "online" not in stands:
        return []
    failures = _failures(stands)
    if not failures:
        return ["  both systems answer and are the ones that were pinned"]
    answering = [side for side in Side if side not in failures]
    lines = [f"  {side} answers and is the one that was pinned" for side in answering]
    return [*lines, *(f"  {side} FAILED ({error['code']}): {error['message']}" for side, error in failures.items())]
