"""`hintsync review`: what waits for a person, and what the person decides."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hintsync.core.errors import BadInput
from hintsync.core.link_by_hand import Warned
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.reviews.deciding import allow_overlay, choose, decline, keep_side
from hintsync.state.port import Review, ReviewKind
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.hand_views import hand_answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, Limit, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_engine, with_store


def review(
    review_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One review; all open ones without it.")
    ] = None,
    kind: Annotated[ReviewKind | None, typer.Option("--kind", help="Only reviews of this kind.")] = None,
    keep: Annotated[Side | None, typer.Option("--keep", help="Decide a conflict: whose value stays.")] = None,
    link: Annotated[
        str | None, typer.Option("--link", metavar="RECORD_ID", help="Decide a match: link with this record.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Decide a match: none of the candidates.")] = False,
    same: Annotated[bool, typer.Option("--same-person", help="Decide an overlay: it is the same person.")] = False,
    confirm: Annotated[
        list[Warned] | None, typer.Option("--confirm", help="With --link: what you were told and agree to.")
    ] = None,
    limit: Limit = 100,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, oldest first; show one review with its evidence, or decide it."""
    decisions = [keep is not None, link is not None, none, same]
    if any(decisions) and (review_id is None or sum(decisions) > 1):
        raise typer.BadParameter("a decision takes one review's id and one of --keep, --link, --none, --same-person")

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

    async def decided(engine: Engine) -> Answer:
        wanted = review_id or ""
        if keep is not None:
            return hand_answer(await keep_side(engine, wanted, keep))
        if link is not None:
            return hand_answer(await choose(engine, wanted, link, confirmed=confirm or ()))
        return hand_answer(await (decline(engine, wanted) if none else allow_overlay(engine, wanted)))

    if any(decisions):
        with_engine(Asked(state, connection, as_json), decided)
    else:
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
