"""The guards over the last hour: how much the changes of one side did (G3), and which fields go in circles (G7).

The window is the store's intents, over all passes and workers. What this process knows of it is brought up to date at every
look, and read anew before anything trips, for others may have taken intents back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hintsync.core.guards import WINDOW_SECONDS, LinkWrites, Touch, Trip, check_changes, find_loops
from hintsync.core.records import FieldName, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.guards.approvals import approved_writes
from hintsync.engine.guards.held import drop_plan, start_plan
from hintsync.engine.guards.stops import may_write, stop_of, stops_in_force, trip
from hintsync.engine.guards.watch import NEVER, ApprovedWrites
from hintsync.state.live import Intent, Stop

#: Seconds of the window that are read again at every look: other workers' intents may come late, or be taken back.
OVERLAP = 15.0
#: Seconds that the number of links serves.
_LINKS_AGE = 60.0


@dataclass(frozen=True, slots=True)
class Judged:
    """What may be written of what was planned."""

    #: What holds a write back, by link and written side.
    held: Mapping[tuple[str, Side], Stop] = field(default_factory=dict)
    #: Fields that would be written in circles, by link: a two-way field is held, a one-way field left (guard G7).
    loops: Mapping[str, frozenset[FieldName]] = field(default_factory=dict)
    #: `admit`: what is noted as about to be written.
    noted: tuple[Intent, ...] = ()

    def stop(self, link_id: str, side: Side) -> Stop | None:
        """Return what keeps a side of a link from being written; None if nothing does."""
        return self.held.get((link_id, side))


#: Everything may be written.
NOTHING_HELD = Judged()


async def admit(engine: Engine, intents: Sequence[Intent]) -> Judged:
    """Note what is about to be written, judge it, and take back what may not be.

    Noted first and judged then, so that of two workers that plan at once neither overlooks the other.

    Returns:
        What is held, and what is noted: withdraw it unless it is carried out.
    """
    if not intents:
        return NOTHING_HELD
    store, connection_id = engine.store, engine.connection.id
    await store.intend(connection_id, intents)
    try:
        judged = await judge(engine, intents)
    except BaseException:
        await store.withdraw(connection_id, intents)
        raise
    noted = [each for intent in intents if (each := _left(judged, intent)) is not None]
    if noted != list(intents):
        await store.withdraw(connection_id, [intent for intent in intents if intent not in noted])
        await store.intend(connection_id, [intent for intent in noted if intent not in intents])
    return replace(judged, noted=tuple(noted))


def _left(judged: Judged, intent: Intent) -> Intent | None:
    """Return what may be written of an intent; None if nothing may."""
    if judged.stop(intent.link_id, intent.side) is not None:
        return None
    loops = judged.loops.get(intent.link_id, frozenset())
    prints = {name: value for name, value in intent.prints.items() if name not in loops}
    if len(prints) == len(intent.prints):
        return intent
    return replace(intent, prints=prints) if prints else None


async def judge(engine: Engine, intents: Sequence[Intent]) -> Judged:
    """Judge what is about to be written to existing links because of changes on the other side (guards G3 and G7).

    Give it everything that one pass plans, noted already or not; do not name pairs that are linked for the first time.
    Where guard G3 trips, a stop is put in force and a plan begun, and nothing of that side's changes may be written.

    Returns:
        What is held. What an administrator approved is neither held nor counted.
    """
    if not intents:
        return NOTHING_HELD
    stops, approved = await may_write(engine), await approved_writes(engine)
    window = await _window(engine)
    held: dict[tuple[str, Side], Stop] = {}
    for side in Side:
        planned = [intent for intent in intents if intent.side is side and not is_approved(intent, approved)]
        if not planned:
            continue
        stop = stops.of_changes(side.other) or await _too_much(engine, window, planned, approved)
        if stop is not None:
            held.update({(intent.link_id, side): stop for intent in planned})
    going_on = [intent for intent in intents if (intent.link_id, intent.side) not in held]
    return Judged(held, await _loops(engine, window, going_on))


def is_approved(intent: Intent, approved: ApprovedWrites) -> bool:
    """Say whether everything that would be written was approved, down to the value."""
    allowed = approved.get((intent.link_id, intent.side))
    if allowed is None:
        return False
    if not intent.prints:
        return not allowed
    return all(allowed.get(name) == value for name, value in intent.prints.items())


async def _too_much(
    engine: Engine, window: Sequence[Intent], planned: Sequence[Intent], approved: ApprovedWrites
) -> Stop | None:
    """Guard G3: return the stop if these writes are too many on top of those of the last hour."""
    if await _tripped(engine, window, planned, approved) is None:
        return None
    engine.watch.window_until = engine.watch.links_at = NEVER
    found = await _tripped(engine, await _window(engine), planned, approved)
    return None if found is None else await _stop(engine, found, planned[0].side.other)


async def _tripped(
    engine: Engine, window: Sequence[Intent], planned: Sequence[Intent], approved: ApprovedWrites
) -> Trip | None:
    side, links, tolerance = planned[0].side, await _links(engine), engine.options.tolerance
    before = [intent for intent in window if intent.side is side]
    if len({intent.link_id for intent in (*before, *planned)}) <= tolerance.allowed(links):
        return None  # most of the time; what was approved need not be told apart then
    before = [intent for intent in before if not is_approved(intent, approved)]
    return check_changes(_touches([*before, *planned]), links, tolerance)


def _touches(intents: Iterable[Intent]) -> list[Touch]:
    return [Touch(intent.link_id, tuple(intent.prints)) for intent in intents]


async def _stop(engine: Engine, found: Trip, side: Side) -> Stop:
    """Put the stop in force, with a plan for what is held back; where another worker was faster, its stop stands."""
    plan = await start_plan(engine, side)
    reason = f"changes in {_NAMES[side]}: {found.reason}"
    stop = stop_of(engine, found._replace(reason=reason), side, plan.id)
    if await trip(engine, stop):
        return stop
    await drop_plan(engine, plan.id, "another worker's plan stands")
    standing = (await stops_in_force(engine)).of_changes(side)
    return standing or stop


_NAMES = {Side.HINT: "Hint", Side.SALESFORCE: "Salesforce"}


async def _loops(
    engine: Engine, window: Sequence[Intent], planned: Sequence[Intent]
) -> Mapping[str, frozenset[FieldName]]:
    """Guard G7, by what is known; what seems to go in circles is looked up before it is said."""
    one_way = frozenset(row.name for row in engine.table if row.one_way)
    links = {intent.link_id for intent in planned}
    made = [intent for intent in window if intent.link_id in links]
    suspects = find_loops(_writes(made, planned), _writes(planned), one_way)
    if not suspects:
        return suspects
    since = engine.clock.now().timestamp() - WINDOW_SECONDS
    known = await engine.store.intents(engine.connection.id, since=since, link_ids=list(suspects))
    return find_loops(_writes(known, planned), _writes([i for i in planned if i.link_id in suspects]), one_way)


def _writes(intents: Iterable[Intent], planned: Sequence[Intent] = ()) -> list[LinkWrites]:
    """Return intents as the rule takes them, without those that are planned now and noted already."""
    own: dict[tuple[str, float], list[Intent]] = defaultdict(list)
    for intent in planned:
        own[intent.link_id, intent.at].append(intent)
    left = []
    for intent in reversed(list(intents)):  # the latest of equal ones is the planned one
        same = own.get((intent.link_id, intent.at), [])
        if intent in same:
            same.remove(intent)
        else:
            left.append(LinkWrites(intent.link_id, intent.side, intent.prints))
    return left[::-1]


async def _window(engine: Engine) -> Sequence[Intent]:
    """Return the intents of the last hour, oldest first."""
    watch, now = engine.watch, engine.clock.now().timestamp()
    start = now - WINDOW_SECONDS
    since = max(start, min(watch.window_until, now) - OVERLAP)  # a clock may be set back
    fresh = await engine.store.intents(engine.connection.id, since=since)
    watch.window = [intent for intent in watch.window if start <= intent.at < since] + list(fresh)
    watch.window_until = now
    return watch.window


async def _links(engine: Engine) -> int:
    """Return how many links exist, as known within the last minute."""
    watch, now = engine.watch, engine.clock.monotonic()
    if now - watch.links_at >= _LINKS_AGE:
        counts = await engine.store.count_links(engine.connection.id)
        watch.links = sum(count for status, count in counts.items() if status is not LinkStatus.ENDED)
        watch.links_at = now
    return watch.links
