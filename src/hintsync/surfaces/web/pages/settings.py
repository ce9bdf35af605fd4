"""The settings of a connection: one form, whose errors stand beside their fields and which loses nothing that was typed."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.engine.choosing import choices_of, choose
from hintsync.engine.options import Options
from hintsync.state.port import Json
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see
from hintsync.surfaces.web.views.choices import CHOICES, fields_of, read, sent, typed_of


async def show(visit: Visit) -> Response:
    """Show the form with what is set."""
    now = choices_of(Options.from_json(visit.connection.settings))
    was = {name: now[name] for name in CHOICES}
    return _form(visit, typed_of(was), was)


async def save(visit: Visit) -> Response:
    """Store what was changed in the form, unless somebody else changed the same meanwhile."""
    form = await visit.form()
    was, typed = was_of(form, CHOICES), sent(form)
    wanted, errors = read(typed)
    if errors:
        return _form(visit, typed, was, errors=errors, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    chosen = await choose(visit.desk, was, wanted)
    if chosen.overtaken:
        return _form(visit, typed, {**was, **chosen.overtaken}, overtaken=chosen.overtaken, status=HTTPStatus.CONFLICT)
    return see(visit, "/settings", saved=len(chosen.changed))


def was_of(form: Mapping[str, str], names: Mapping[str, object]) -> dict[str, Json]:
    """Return what a form was made from, as it carries it along.

    Raises:
        BadInput: it is not ours.
    """
    try:
        was = orjson.loads(form.get("was", ""))
    except orjson.JSONDecodeError:
        was = None
    if not isinstance(was, dict) or was.keys() != names.keys():
        raise BadInput("the form is not as we made it; open the page again")
    return was


def saved_words(visit: Visit) -> str:
    """Say what was saved, where the page was opened after that."""
    saved = visit.query.get("saved", "")
    if saved == "0":
        return "Nothing was changed, so nothing was saved."
    if saved.isascii() and saved.isdigit():
        return f"Saved: {saved} changed. Workers take it within seconds."
    return ""


def _form(
    visit: Visit,
    typed: Mapping[str, str],
    was: Mapping[str, Json],
    *,
    errors: Mapping[str, str] | None = None,
    overtaken: Mapping[str, Json] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    return page(
        visit,
        "settings.html",
        status=status,
        title="Settings",
        groups=fields_of(typed, errors or {}, overtaken or {}),
        was=orjson.dumps(dict(was)).decode(),
        errors=errors or {},
        overtaken=overtaken or {},
        saved=saved_words(visit),
    )


PLACES: tuple[Place, ...] = (
    Place("/settings", show, Role.ADMINISTRATOR, nav="Settings"),
    Place("/settings", save, Role.ADMINISTRATOR, method="POST"),
)
