"""The table of synced fields, with the conflict policy of each that travels both ways."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.core.fields import ConflictPolicy
from hintsync.engine.basis import describe_anew
from hintsync.engine.choosing import POLICY, choices_of, choose
from hintsync.engine.options import Options
from hintsync.state.port import Json
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see
from hintsync.surfaces.web.pages.settings import saved_words, was_of
from hintsync.surfaces.web.views.field_table import POLICIES, field_rows


async def show(visit: Visit) -> Response:
    """Show the table with the policies that are set."""
    was = _policies(visit)
    return _table(visit, was, was)


async def save(visit: Visit) -> Response:
    """Store the policies that were changed, unless somebody else changed the same meanwhile."""
    form = await visit.form()
    was = was_of(form, _policies(visit))
    wanted: dict[str, Json] = {name: form.get(name, "") for name in was}
    if strange := sorted(name for name, policy in wanted.items() if policy not in set(ConflictPolicy)):
        raise BadInput(f"{strange[0].removeprefix(POLICY)}: expected one of the policies that the page offers")
    chosen = await choose(visit.desk, was, wanted)
    if chosen.overtaken:
        return _table(visit, {**was, **chosen.overtaken}, wanted, chosen.overtaken, HTTPStatus.CONFLICT)
    return see(visit, "/fields", saved=len(chosen.changed))


async def look(visit: Visit) -> Response:
    """Ask both systems for their fields now, as after a permission was given."""
    engine = visit.engines.engine(visit.connection.id) or visit.engine  # the one that is kept, not the visitor's copy
    async with engine.watch.lock:
        await describe_anew(engine)
    return see(visit, "/fields", looked=1)


def _policies(visit: Visit) -> dict[str, Json]:
    choices = choices_of(Options.from_json(visit.connection.settings))
    return {name: value for name, value in choices.items() if name.startswith(POLICY)}


def _by_field(policies: Mapping[str, Json]) -> dict[str, str]:
    return {name.removeprefix(POLICY): str(policy) for name, policy in policies.items()}


def _table(
    visit: Visit,
    was: Mapping[str, Json],
    shown: Mapping[str, Json],
    overtaken: Mapping[str, Json] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    engine = visit.engine if visit.is_open else None
    table = engine.table if engine else Options.from_json(visit.connection.settings).table()
    rows = field_rows(table, engine.described if engine else {}, _by_field(shown), _by_field(overtaken or {}))
    return page(
        visit,
        "fields.html",
        status=status,
        title="Synced fields",
        two_way=[row for row in rows if not row.one_way],
        one_way=[row for row in rows if row.one_way],
        troubled=[row for row in rows if row.in_trouble],
        policies=POLICIES,
        prefix=POLICY,
        was=orjson.dumps(dict(was)).decode(),
        is_open=engine is not None,
        overtaken=overtaken or {},
        saved=saved_words(visit),
        looked="looked" in visit.query,
    )


PLACES: tuple[Place, ...] = (
    Place("/fields", show, Role.ADMINISTRATOR, nav="Fields"),
    Place("/fields", save, Role.ADMINISTRATOR, method="POST"),
    Place("/fields/look", look, Role.ADMINISTRATOR, method="POST"),
)
