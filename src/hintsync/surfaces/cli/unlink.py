"""`hintsync unlink`: end the link of a contact (M17)."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import unlink_by_hand
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.hand_views import linked_peer, unlinked_answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, DryRun, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_engine
from hintsync.surfaces.cli.record_ids import contact_id


def unlink(
    contact: Annotated[str, typer.Argument(metavar="CONTACT_ID", help="The contact, 15 or 18 characters.")],
    clear_mirrors: Annotated[
        bool,
        typer.Option(
            "--clear-mirrors/--keep-mirrors", help="Empty the contact's fields that only Hint fills, or leave them."
        ),
    ] = True,
    dry_run: DryRun = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """End a contact's link; both records stay, and so do the demographics on both sides."""

    async def work(engine: Engine) -> Answer:
        contact_18 = contact_id(contact)
        if not dry_run:
            return unlinked_answer(await unlink_by_hand(engine, contact_18, clear_mirrors=clear_mirrors))
        _, patient_id = await linked_peer(engine, Side.SALESFORCE, contact_18)
        mirrors = [row.name for row in engine.table if row.one_way] if clear_mirrors else []
        data = {"dry": True, "contact_id": contact_18, "patient_id": patient_id, "would_clear": mirrors}
        lines = f"contact {contact_18} would part from patient {patient_id}; nothing was written"
        cleared = f"\nemptied on the contact: {', '.join(mirrors)}" if mirrors else ""
        return Answer(data, (Text(lines + cleared),))

    with_engine(Asked(state, connection, as_json), work)
