"""Remembers how the pieces of a pass ended, with the finished marks; what stays to be done is put off or parked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hintsync.engine.context import Engine
from hintsync.engine.live.pieces import Ended
from hintsync.engine.live.retry import PARK_AFTER, pause_after
from hintsync.engine.pairs.outcomes import Records
from hintsync.state.live import Dirty
from hintsync.state.port import LinkTaken, LogEntry, LogLevel, StaleLink

#: Pieces of one commit. Each is for itself, so they may go in parts: webhooks wait for the same write lock, and are
#: answered between two of them.
_TOGETHER = 40


async def remember(engine: Engine, ended: Sequence[Ended]) -> list[Ended]:
    """Commit what became of pieces, many at once where nothing moved meanwhile, and let go of their marks.

    Returns:
        The endings as they are: a piece whose link moved since it was read is put off, to be decided anew.
    """
    final = list[Ended]()
    for start in range(0, len(ended), _TOGETHER):
        final += await _commit_together(engine, ended[start : start + _TOGETHER])
    await _put_off(engine, [one for one in final if one.again is not None])
    return final


async def _commit_together(engine: Engine, ended: Sequence[Ended]) -> Sequence[Ended]:
    try:
        await _commit(engine, ended)
    except (StaleLink, LinkTaken):
        return [await _commit_alone(engine, one) for one in ended]
    return ended


async def _commit(engine: Engine, ended: Sequence[Ended]) -> None:
    together = Records()
    for one in ended:
        together.add(one.records)
        if (entry := _parked_entry(engine, one)) is not None:
            together.logs.append(entry)
    done = [mark for one in ended if one.again is None for mark in one.piece.marks]
    if done or not together.empty():
        await engine.store.commit(replace(together.commit(), done=done))


async def _commit_alone(engine: Engine, one: Ended) -> Ended:
    try:
        await _commit(engine, [one])
    except (StaleLink, LinkTaken):
        return Ended(
            one.piece, written=one.written, again=pause_after(one.piece.attempts), failed=True, reason="link-moved"
        )
    return one


def is_parked(one: Ended) -> bool:
    """Say whether a piece has failed so often that it waits for a person."""
    return one.again is not None and one.failed and one.piece.attempts + 1 >= PARK_AFTER


async def _put_off(engine: Engine, ended: Sequence[Ended]) -> None:
    now = engine.clock.now().timestamp()
    groups: dict[tuple[float, bool, str | None], list[Dirty]] = defaultdict(list)
    for one in ended:
        parked = one.reason if is_parked(one) else None
        groups[now + (one.again or 0.0), one.failed, parked].extend(one.piece.marks)
    for (due, failed, parked), marks in groups.items():
        await engine.store.put_off(marks, due, failed=failed, parked=parked)


def _parked_entry(engine: Engine, one: Ended) -> LogEntry | None:
    if not is_parked(one):
        return None
    ids = {f"{mark.side}_id": mark.record_id for mark in one.piece.marks}
    message = f"tried {PARK_AFTER} times without success ({one.reason}); it waits until somebody replays it"
    return LogEntry(
        engine.connection.id,
        engine.now(),
        LogLevel.ERROR,
        "parked",
        message,
        contact_id=ids.get("salesforce_id"),
        patient_id=ids.get("hint_id"),
    )
