"""Guard G5: what plans are made with (the settings, the mapping, both systems' fields) is kept up with while a process runs.

Plans that live in memory are made anew by every pass, so they follow by themselves: a field that is missing or read-only by
now is left alone (`core.policy.Constraints`). Plans at rest name what they were made with and are refused once it moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from hintsync.core.records import FieldName, HoldKind, LinkState, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.ports import Described
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Commit, LogEntry, LogLevel

#: Seconds after which settings and facts are read from the store again.
SETTINGS_AGE = 10.0
#: Seconds after which both systems describe their fields anew.
DESCRIBE_AGE = 600.0
#: Seconds between two describes that an answer asked for.
_LOOK_AGE = 60.0
#: Links of one look at fields that wait.
_PAGE = 1000


async def keep_up(engine: Engine) -> None:
    """Take over settings that were edited and fields that changed, if it is time to look.

    Raises:
        HintsyncError: a system does not describe itself.
    """
    watch, now = engine.watch, engine.clock.monotonic()
    if now - watch.settings_at >= SETTINGS_AGE:
        watch.settings_at = now
        await _read_settings(engine)
    if not watch.was_described:  # the engine was built just now, with fresh describes
        watch.described_at, watch.was_described = now, True
    elif now - watch.described_at >= DESCRIBE_AGE:
        await describe_anew(engine)


async def look_again(engine: Engine) -> bool:
    """Describe anew after an answer that a changed field would explain, at most once a minute; say whether anything moved."""
    if engine.watch.was_described and engine.clock.monotonic() - engine.watch.described_at < _LOOK_AGE:
        return False
    return await describe_anew(engine)


async def describe_anew(engine: Engine) -> bool:
    """Ask both systems for their fields now, and go on with what they say.

    Returns:
        Whether anything moved. What a system refused is then tried again (rows F8, F9): its links are marked.
    """
    watch = engine.watch
    watch.described_at, watch.was_described = engine.clock.monotonic(), True
    sides = list(engine.replicas)
    found = await asyncio.gather(*(engine.replicas[side].describe() for side in sides))
    described = dict(zip(sides, found, strict=True))
    before = engine.described
    moved = [side for side in sides if described[side].digest != before[side].digest]
    if moved:
        watch.reopened_until = engine.clock.monotonic() + DESCRIBE_AGE
    engine.take_over(described=described)
    for side in moved:
        await _tell(engine, side, before[side], described[side])
    if moved:
        await _mark_refused(engine)
    return bool(moved)


async def _read_settings(engine: Engine) -> None:
    """Take over what another process stored: settings that were edited, facts that were learned."""
    stored = await engine.store.connection(engine.connection.id)
    if stored is None or stored == engine.connection or engine.first_write.locked():
        return  # a first write is being looked at: it is about to store a fact of its own
    engine.take_over(connection=stored)


async def _tell(engine: Engine, side: Side, before: Described, now: Described) -> None:
    gone = _names(now.missing - before.missing, "no longer there")
    fixed = _names(now.read_only - before.read_only, "no longer writable")
    back = _names((before.missing | before.read_only) - (now.missing | now.read_only), "back")
    what = "; ".join(part for part in (gone, fixed, back) if part) or "lengths or choices"
    entry = LogEntry(
        engine.connection.id,
        engine.now(),
        LogLevel.ERROR if gone or fixed else LogLevel.DEBUG,
        "fields-changed",
        f"the fields of {side} changed (G5): {what}",
        fields=tuple(sorted((now.missing - before.missing) | (now.read_only - before.read_only))),
    )
    await engine.store.commit(Commit(logs=[entry]))


def _names(names: Iterable[FieldName], what: str) -> str:
    listed = ", ".join(sorted(names))
    return f"{listed} {what}" if listed else ""


async def _mark_refused(engine: Engine) -> None:
    """Mark the contacts of links that wait because a system refused a value or the record."""
    at, after = engine.clock.now().timestamp(), ""
    while page := await engine.store.links(
        engine.connection.id, statuses=[LinkStatus.ACTIVE], after=after, limit=_PAGE
    ):
        after = page[-1].link.id
        refused = [state.link.contact_id for state in page if state.link.contact_id and _was_refused(state)]
        marks = [Mark(Side.SALESFORCE, contact_id, "fields-changed", at, Lane.CATCH_UP) for contact_id in refused]
        if marks:
            await engine.store.mark(engine.connection.id, marks)


def _was_refused(state: LinkState) -> bool:
    return any(hold.kind is HoldKind.REFUSED for hold in state.holds.values())
