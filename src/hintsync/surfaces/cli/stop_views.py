"""How stops look, to programs and to people; the desk that commands pause and approve from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hintsync.engine.guards.stops import OTHER, PAUSE, Desk
from hintsync.state.live import Stop
from hintsync.surfaces.cli.perform import ACTOR, Local


def desk_of(local: Local) -> Desk:
    """Return what a connection is stopped and let go on from, whether or not its systems answer."""
    return Desk(local.connection, local.service.store, local.service.clock, ACTOR)


def stop_data(stop: Stop) -> dict[str, object]:
    """Return a stop for JSON."""
    return {"guard": stop.guard, "side": stop.side, "reason": stop.reason, "at": stop.at, "plan": stop.run_id}


def stop_lines(stops: Sequence[Mapping[str, object]]) -> list[str]:
    """Return a line for each stop (`stop_data`), with what to do about it."""
    return [f"STOPPED by {_what(stop)}, since {stop['at']}: {_remedy(stop)}" for stop in stops]


def _what(stop: Mapping[str, object]) -> str:
    if stop["guard"] == OTHER:
        return f"another integration: {stop['reason']}"
    who = "a person" if stop["guard"] == PAUSE else f"guard {stop['guard']}"
    return f"{who} ({stop['reason']})"


def _remedy(stop: Mapping[str, object]) -> str:
    if stop["guard"] == PAUSE:
        return "hintsync resume"
    if stop["guard"] == OTHER:
        return "hintsync take-over"
    if stop["plan"] is not None:
        return f"hintsync run {stop['plan']} --rows, then hintsync approve {stop['plan']}"
    return f"hintsync resume --guard {stop['guard']}"
