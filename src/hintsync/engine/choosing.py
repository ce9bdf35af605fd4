"""Changes what an administrator chose for a connection: over nobody's head, and written down with who did it.

Forms are open for minutes and commands run beside them. So a change names what its choices were when they were looked at, and
is merged as fields are: what another person changed meanwhile stays, and where both changed the same, nobody's choice is
overwritten unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

from hintsync.core.errors import BadInput
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.engine.guards.stops import Place
from hintsync.engine.options import Options
from hintsync.state.port import AuditEvent, Commit, Connection, Json, LogEntry, LogLevel

#: A field's conflict policy is a choice of its own, named with this and the field.
POLICY = "policies."


@dataclass(frozen=True, slots=True)
class Chosen:
    """What became of a change."""

    #: As it is stored now.
    connection: Connection
    #: Names of the choices that were changed.
    changed: tuple[str, ...] = ()
    #: Choices that somebody else set to something else meanwhile, as they are now. If there are any, nothing was stored.
    overtaken: Mapping[str, Json] = field(default_factory=dict)


def choices_of(options: Options) -> dict[str, Json]:
    """Return every choice by its name; a policy for each field that travels both ways."""
    choices = {name: value for name, value in options.to_json().items() if name != "policies"}
    table = options.table()
    return choices | {POLICY + row.name: str(row.policy) for row in table if not row.one_way}


def options_of(choices: Mapping[str, Json]) -> Options:
    """Return the options that choices make.

    Raises:
        BadInput: one of them cannot be; the text names it.
    """
    shipped = {POLICY + row.name: str(row.policy) for row in DEFAULT_MAPPING}
    policies: dict[str, Json] = {}
    for name, value in choices.items():
        if name.startswith(POLICY) and value != shipped.get(name):
            policies[name.removeprefix(POLICY)] = value
    others = {name: value for name, value in choices.items() if not name.startswith(POLICY)}
    return Options.from_json({**others, "policies": policies})


async def choose(place: Place, was: Mapping[str, Json], wanted: Mapping[str, Json]) -> Chosen:
    """Change choices of a connection; those that are not touched are left as they are by now.

    Args:
        place: The connection, and who changes it.
        was: The choices as they were looked at, by name.
        wanted: As they are to be, by name; those equal to `was` are not touched.

    Raises:
        BadInput: a choice that cannot be, or does not exist; the text names it. Nothing was stored.
    """
    while True:
        chosen = await _tried(place, was, wanted)
        if chosen is not None:  # else somebody stored settings between our look and our write: look again
            return chosen


async def _tried(place: Place, was: Mapping[str, Json], wanted: Mapping[str, Json]) -> Chosen | None:
    stored = await place.store.connection(place.connection.id)
    if stored is None:
        raise BadInput("there is no such connection")
    now = choices_of(Options.from_json(stored.settings))
    touched = {name: value for name, value in wanted.items() if value != was.get(name)}
    options = options_of({**now, **touched})
    moved = {name: value for name, value in touched.items() if now[name] != value}
    overtaken = {name: now[name] for name in moved if now[name] != was.get(name)}
    if overtaken or not moved:
        return Chosen(stored, overtaken=overtaken)
    settings = options.to_json()
    if not await place.store.swap_settings(stored.id, stored.settings, settings):
        return None
    await _tell(place, now, moved)
    return Chosen(replace(stored, settings=settings), tuple(moved))


async def _tell(place: Place, before: Mapping[str, Json], now: Mapping[str, Json]) -> None:
    reason = "; ".join(_moved(name, before[name], now[name]) for name in sorted(now))
    entry = LogEntry(
        place.connection.id, place.now(), LogLevel.DEBUG, "settings-changed", f"{place.actor} changed {reason}"
    )
    audit = AuditEvent(
        connection_id=place.connection.id,
        chain="connection",
        at=place.now(),
        actor=place.actor,
        action="set",
        fields=tuple(sorted(name.removeprefix(POLICY) for name in now if name.startswith(POLICY))),
        reason=reason,
    )
    await place.store.commit(Commit(audits=[audit], logs=[entry]))


def _moved(name: str, before: Json, now: Json) -> str:
    """Say what became of a choice; what was written into a table or list of an administrator's own is not repeated."""
    if isinstance(before, dict | list):
        return name
    return f"{name}: {_word(before)} became {_word(now)}"


def _word(value: Json) -> str:
    return value if isinstance(value, str) and value else orjson.dumps(value).decode()
