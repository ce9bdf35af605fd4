"""Safety stops: what stands still and why, the plan behind a stop, pinning, pause and resume."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from hintsync.core.errors import BadInput, HintsyncError
from hintsync.core.guards import Pin, check_identity
from hintsync.core.values import Side
from hintsync.engine.guards.approvals import acknowledge, approve, seal_of
from hintsync.engine.guards.facts import guard_facts
from hintsync.engine.guards.stops import PAUSE, acknowledge_identity, pause, pin_of, repin, resume, seen_identity
from hintsync.setup.taking_over import end_other, import_links
from hintsync.state.port import Run, RunKind, RunStatus
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.log import table_of
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see
from hintsync.surfaces.web.views import stops as view

#: Rows of a plan on one page.
_ROWS = 50
#: Signs of a reason.
_LONGEST_REASON = 200


async def show(visit: Visit) -> Response:
    """Show what is stopped, and how every guard stands."""
    engine, store = visit.engines.engine(visit.connection.id), visit.service.store
    facts = await guard_facts(store, visit.connection, engine)
    table = table_of(visit)
    is_pinned_wrong = any(stop.guard == "G1" for stop in facts.stops)
    return page(
        visit,
        "stops.html",
        title="Safety stops",
        stops=[view.stop_card(stop) for stop in facts.stops if stop.guard != PAUSE],
        pause=next((view.stop_card(stop) for stop in facts.stops if stop.guard == PAUSE), None),
        guards=view.guard_lines(facts, table),
        paused_writes=[view.paused_words(kind, table) for kind in facts.paused_writes],
        parked=(await store.backlog(visit.connection.id)).parked,
        identity=await _identity(visit) if is_pinned_wrong else None,
        told=_imported(visit.query) or _TOLD.get(visit.query.get("done", ""), ""),
    )


_TOLD = {
    "paused": "The connection is paused. People may go on by hand.",
    "resumed": "The connection goes on; what waited is due now.",
    "acknowledged": "The stop has ended. What was held back is looked at anew.",
    "approved": "The plan is approved. The workers do what it still fits.",
    "pinned": "The systems that answer now are pinned, and the stop has ended.",
    "other-ended": "It is noted that the other integration has ended. hintsync goes on alone.",
    "back": "The pinned systems are back, and the stop has ended.",
}


def _imported(query: Mapping[str, str]) -> str:
    """Say what became of the other integration's links."""
    counts = [query.get(name, "") for name in ("imported", "known", "left")]
    if query.get("done") != "imported" or not all(each.isascii() and each.isdigit() for each in counts):
        return ""
    imported, known, left = (f"{int(each[:9]):,}" for each in counts)
    told = f"Links imported: {imported}. Known already: {known}. A dry run of all patients shows them as found again."
    return told if left == "0" else f"{told} Left for people: {left}; hintsync take-over names their contacts."


async def _identity(visit: Visit) -> dict[str, object] | None:
    """Ask both systems who they are now, for whoever is to pin them."""
    pinned = pin_of(visit.connection)
    try:
        seen = await seen_identity(visit.engine)
    except HintsyncError:
        return {"pinned": pinned, "seen": None, "problem": None, "word": ""}
    trip = check_identity(pinned, seen)
    word = view.confirm_word(pinned, seen)
    return {"pinned": pinned, "seen": seen, "problem": trip.reason if trip else None, "word": word}


async def act_pause(visit: Visit) -> Response:
    """Pause all automatic writes."""
    reason = " ".join((await visit.form()).get("reason", "").split())
    if len(reason) > _LONGEST_REASON:
        raise BadInput(f"the reason is longer than {_LONGEST_REASON} signs")
    await pause(visit.desk, reason)
    return see(visit, "/stops", done="paused")


async def act_resume(visit: Visit) -> Response:
    """End a pause."""
    await resume(visit.desk)
    return see(visit, "/stops", done="resumed")


async def act_acknowledge(visit: Visit) -> Response:
    """End a guard's stop without approving what it held back."""
    form = await visit.form()
    side = form.get("side", "")
    if form.get("guard") == "G1":
        await acknowledge_identity(visit.engine)
        return see(visit, "/stops", done="back")
    await acknowledge(visit.desk, form.get("guard", ""), Side(side) if side in set(Side) else None)
    return see(visit, "/stops", done="acknowledged")


async def act_import_links(visit: Visit) -> Response:
    """Import the links of the other integration."""
    links = await import_links(visit.service, visit.engine)
    return see(visit, "/stops", done="imported", imported=len(links.imported), known=len(links.known), left=links.left)


async def act_other_ended(visit: Visit) -> Response:
    """Note that the other integration has ended."""
    await end_other(visit.service, visit.connection, visit.actor)
    return see(visit, "/stops", done="other-ended")


async def act_pin(visit: Visit) -> Response:
    """Pin the systems that answer now, as they were shown and typed in."""
    form, engine = await visit.form(), visit.engine
    shown = Pin(form.get("org", ""), form.get("sandbox") == "yes", form.get("practice", ""))
    if form.get("typed", "").strip() != view.confirm_word(pin_of(engine.connection), shown):
        raise BadInput("what was typed in is not the id that is shown; nothing was pinned")
    if await seen_identity(engine) != shown:
        raise BadInput("other systems answer now than those that were shown; look again")
    await repin(engine)
    return see(visit, "/stops", done="pinned")


async def show_plan(visit: Visit) -> Response:
    """Show the plan that a guard kept, row by row."""
    run = await _kept(visit)
    store, table = visit.service.store, table_of(visit)
    after = visit.query.get("after", "")
    rows = [row async for row in store.rows(run.id)]
    behind = [row for row in rows if not after.isdigit() or row.position > int(after)]
    shown = [view.plan_row(row, table) for row in behind[:_ROWS]]
    waits = run.status is RunStatus.RUNNING
    return page(
        visit,
        "stop_plan.html",
        title="What was held back",
        run=run,
        waits=waits,
        count=len(rows),
        fields=view.field_counts(rows, table),
        rows=shown,
        more=len(behind) > _ROWS,
        seal=await seal_of(visit.desk, run.id) if waits else run.seal,
        side=str(run.details.get("side") or ""),
    )


async def act_approve(visit: Visit) -> Response:
    """Approve a kept plan by the seal of what was seen."""
    run, form = await _kept(visit), await visit.form()
    await approve(visit.desk, run.id, seal=form.get("seal", ""))
    return see(visit, "/stops", done="approved")


async def _kept(visit: Visit) -> Run:
    run = await visit.service.store.run(visit.names["run"])
    if run is None or run.connection_id != visit.connection.id or run.kind is not RunKind.HELD:
        raise BadInput("there is no such plan; the safety stops name those that wait")
    return run


PLACES: tuple[Place, ...] = (
    Place("/stops", show, Role.ADMINISTRATOR, nav="Safety stops"),
    Place("/stops/pause", act_pause, Role.ADMINISTRATOR, "POST"),
    Place("/stops/resume", act_resume, Role.ADMINISTRATOR, "POST"),
    Place("/stops/acknowledge", act_acknowledge, Role.ADMINISTRATOR, "POST"),
    Place("/stops/import-links", act_import_links, Role.ADMINISTRATOR, "POST"),
    Place("/stops/other-ended", act_other_ended, Role.ADMINISTRATOR, "POST"),
    Place("/stops/pin", act_pin, Role.ADMINISTRATOR, "POST"),
    Place("/stops/plans/{run}", show_plan, Role.ADMINISTRATOR),
    Place("/stops/plans/{run}/approve", act_approve, Role.ADMINISTRATOR, "POST"),
)
