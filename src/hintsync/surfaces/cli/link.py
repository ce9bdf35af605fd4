"""`hintsync link`: link, re-link or move a contact, or create its patient (M9 to M12)."""

from __future__ import annotations

from typing import Annotated

import typer

from hintsync.core.link_by_hand import Warned
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import create_by_hand, link_by_hand
from hintsync.engine.pairs.considering import preview
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.hand_views import hand_answer, preview_answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, DryRun, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_engine
from hintsync.surfaces.cli.record_ids import contact_id, patient_id


def link(
    contact: Annotated[str, typer.Argument(metavar="CONTACT_ID", help="The contact, 15 or 18 characters.")],
    patient: Annotated[
        str | None, typer.Argument(metavar="[PATIENT_ID]", help="The patient; `hintsync search` finds it.")
    ] = None,
    create: Annotated[bool, typer.Option("--create", help="Create the patient from the contact.")] = False,
    confirm: Annotated[
        list[Warned] | None, typer.Option("--confirm", help="What you were told and agree to; may be repeated.")
    ] = None,
    allow_duplicate: Annotated[
        bool, typer.Option("--allow-duplicate", help="With --create: although a duplicate rule names others.")
    ] = False,
    dry_run: DryRun = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Link a contact with a patient; the contact's values win, its blanks take the patient's."""
    if create == (patient is not None):
        raise typer.BadParameter("give either a patient's id or --create")
    if create and dry_run:
        raise typer.BadParameter("--dry-run shows what linking two records would do; there is no patient yet")

    async def work(engine: Engine) -> Answer:
        contact_18 = contact_id(contact)
        if patient is None:
            return hand_answer(await create_by_hand(engine, contact_18, allow_duplicate=allow_duplicate))
        if dry_run:
            return preview_answer(engine, await preview(engine, contact_18, patient_id(patient)))
        return hand_answer(await link_by_hand(engine, contact_18, patient_id(patient), confirmed=confirm or ()))

    with_engine(Asked(state, connection, as_json), work)
