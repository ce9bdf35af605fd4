"""`hintsync review`: what waits for a person."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hintsync.core.errors import BadInput
from hintsync.state.port import Review, ReviewKind
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, Limit, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store


def review(
    review_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One review; all open ones without it.")
    ] = None,
    kind: Annotated[ReviewKind | None, typer.Option("--kind", help="Only reviews of this kind.")] = None,
    limit: Limit = 100,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, oldest first, or show one review with its evidence."""

    async def listed(local: Local) -> Answer:
        found = await local.service.store.reviews(local.connection.id, kind=kind, limit=limit)
        made = table("review", "kind", "record", "field", "candidates", "opened")
        for each in found:
            candidates = " ".join(each.candidates)
            made.add_row(each.id, each.kind, each.record_id, each.field_name, candidates, each.opened_at)
        return Answer({"reviews": [review_data(each) for each in found]}, (made,))

    async def one(local: Local) -> Answer:
        found = await local.service.store.review(review_id or "")
        if found is None or found.connection_id != local.connection.id:
            raise BadInput(f"no review {review_id}; `hintsync review` lists them")
        return Answer({"review": review_data(found)}, (_told(found),))

    with_store(Asked(state, connection, as_json), one if review_id else listed)


def review_data(found: Review) -> dict[str, object]:
    """Return a review for JSON; it holds no values."""
    return {
        "id": found.id,
        "kind": found.kind,
        "status": found.status,
        "side": found.side,
        "record_id": found.record_id,
        "field": found.field_name or None,
        "candidates": list(found.candidates),
        "details": dict(found.details),
        "opened_at": found.opened_at,
        "run_id": found.run_id,
        "decided_at": found.decided_at,
        "decided_by": found.decided_by,
        "decision": found.decision,
    }


def _told(found: Review) -> Text:
    field = f", {found.field_name}" if found.field_name else ""
    lines = [f"{found.id}  {found.kind} ({found.status}): {found.side} {found.record_id}{field}"]
    lines += [f"candidate {each}" for each in found.candidates]
    lines += [f"{name}: {value}" for name, value in found.details.items() if value not in ("", None)]
    lines.append(f"opened {found.opened_at}" + (f" by run {found.run_id}" if found.run_id else ""))
    return Text("\n".join(lines))
