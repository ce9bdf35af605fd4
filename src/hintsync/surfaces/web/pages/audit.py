"""The audit trail: who did what and why, entry by entry; its check, and its export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response, StreamingResponse

from hintsync.core.errors import BadInput, HintsyncError
from hintsync.engine.audit.anchors import Compared, compare_anchors
from hintsync.engine.audit.trail import TrailReader, export_lines
from hintsync.engine.parity.report import anchors_of, verify_reports
from hintsync.state.port import StoredAudit
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.log import ROWS, table_of
from hintsync.surfaces.web.pages.names import actor_names, contact_names
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import guards, page, zone_of
from hintsync.surfaces.web.views import log as view

#: Bytes of an export that are sent at a time.
_PIECE = 65_536


async def show(visit: Visit) -> Response:
    """List the trail, newest first."""
    asked, zone = view.asked(visit.query), zone_of(visit.connection)
    found = await visit.service.store.audit_latest(
        visit.connection.id,
        naming=asked.naming or None,
        since=asked.since(zone),
        until=asked.until(zone),
        before=asked.before,
        limit=ROWS + 1,
    )
    return await _listed(visit, found, asked)


async def act_check(visit: Visit) -> Response:
    """Check that the whole trail and the signed reports are as they were written, and as the anchors in Salesforce say."""
    store, connection_id = visit.service.store, visit.connection.id
    faults = [*await store.verify_audit(connection_id), *await verify_reports(store, connection_id)]
    anchored = await _anchored(visit)
    return page(
        visit,
        "audit_check.html",
        title="The audit trail was checked",
        faults=[*faults, *(anchored.faults if anchored else ())],
        anchored=anchored,
    )


async def _anchored(visit: Visit) -> Compared | None:
    """Compare the trail with its anchors; None where the org cannot be asked."""
    try:
        return await compare_anchors(visit.engine) if visit.is_open else None
    except HintsyncError:
        return None


async def show_entry(visit: Visit) -> Response:
    """Show one entry with its place in its chain."""
    sequence = visit.names["sequence"]
    found: Sequence[StoredAudit] = ()
    if sequence.isascii() and sequence.isdigit() and 0 < len(sequence) < 19:
        found = await visit.service.store.audit(visit.connection.id, after=int(sequence) - 1, limit=1)
    if not found or found[0].sequence != int(sequence):
        raise BadInput("there is no such entry in the audit trail")
    (entry,) = found
    contact_id = entry.event.contact_id
    return page(
        visit,
        "audit_entry.html",
        title=f"Audit entry {entry.sequence:,}",
        row=view.audit_row(entry, table_of(visit)),
        entry=entry,
        names=await contact_names(visit, [contact_id] if contact_id else []),
        who=view.actor_words(entry.event.actor, await actor_names(visit, [entry.event.actor])),
        as_written=view.is_as_written(entry),
    )


async def export(visit: Visit) -> Response:
    """Send the whole trail as JSON lines, which `verify_audit.py` checks by itself."""
    store, connection_id = visit.service.store, visit.connection.id
    at = visit.service.clock.now().isoformat(timespec="seconds")
    lines = export_lines(
        TrailReader(store, connection_id), connection_id, at=at, reports=await anchors_of(store, connection_id)
    )
    return StreamingResponse(_in_pieces(lines), headers=guards(), media_type="application/x-ndjson")


async def _in_pieces(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Gather lines, for each piece that is sent costs a wakeup."""
    gathered, size = list[str](), 0
    async for line in lines:
        gathered.append(line)
        size += len(line)
        if size >= _PIECE:
            yield "".join(gathered)
            gathered, size = [], 0
    yield "".join(gathered)


async def _listed(visit: Visit, found: Sequence[StoredAudit], asked: view.Asked) -> Response:
    names = await actor_names(visit, {entry.event.actor for entry in found})
    rows = [view.audit_row(entry, table_of(visit)) for entry in found[:ROWS]]
    whom = {row.event.actor: view.actor_words(row.event.actor, names) for row in rows}
    return page(
        visit,
        "audit.html",
        title="Audit trail",
        rows=rows,
        whom=whom,
        more=len(found) > ROWS,
        asked=asked,
    )


PLACES: tuple[Place, ...] = (
    Place("/audit", show, Role.ADMINISTRATOR),
    Place("/audit/check", act_check, Role.ADMINISTRATOR, "POST"),
    Place("/audit/export", export, Role.ADMINISTRATOR),
    Place("/audit/{sequence}", show_entry, Role.ADMINISTRATOR),
)
