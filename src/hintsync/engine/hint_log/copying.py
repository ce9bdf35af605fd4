"""Copies a connection's log entries to the Hint Log of its org, in groups, and clears there what is old or too much.

Background work: it is the first to stop as the day's calls run out (guard G6), makes few calls an hour, keeps to so many entries,
and stops while the org's data storage is nearly used. What keeps it from writing is said once in our own log, which it never
copies. An entry is copied once it was there for a whole pass: on some databases an entry of a lower id may show after one of a
higher, and none must be passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from hintsync.core.errors import FixConfiguration, HintsyncError, SafetyStop, StopRun
from hintsync.core.limits import Purpose
from hintsync.engine.context import Engine
from hintsync.engine.due import Every
from hintsync.engine.guards.stops import ensure_pinned
from hintsync.engine.hint_log.entries import OWN, copies_of, copy_of
from hintsync.engine.schedule import Job
from hintsync.hint_log import GROUP, HintLog, KeepsHintLog
from hintsync.state.port import Commit, LogEntry, LogLevel, StateStore

#: Cursor that holds where the copying stands.
STANDING: Final = "hint-log"
#: Seconds between two passes.
EVERY: Final = 60.0
#: Seconds before a pass that could not be carried out is tried again.
RETRY: Final = 300.0
#: Calls to the org within an hour of the clock.
CALLS_AN_HOUR: Final = 60
#: Calls that one step makes at most: a group is sent once more where it names contacts that are gone, or meets locks.
_STEP: Final = 8
#: Groups of one pass.
_GROUPS: Final = 5
#: Seconds between two looks at what the org holds.
_LOOK: Final = 3_600.0
#: Part of the org's data storage that must be left.
_STORAGE_LEFT: Final = 0.1
#: Latest entries that are copied when the copying begins.
_FIRST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the copying stands; numbers, moments and words of ours."""

    #: Id of the latest entry that was dealt with, and of the latest that was there at the pass before.
    after: int = 0
    seen: int = 0
    #: Copies in the org, as counted at the latest look and reckoned since.
    kept: int = 0
    #: Entries that the org would not take.
    left_out: int = 0
    #: Moments, ISO 8601, UTC; empty: not yet.
    looked_at: str = ""
    wrote_at: str = ""
    #: Hour of the clock, and the calls made in it.
    hour: str = ""
    calls: int = 0
    #: Why nothing is copied, in our words; empty: nothing is in the way.
    trouble: str = ""


def hint_log_job() -> Job:
    """Return the work of copying, for the schedule."""
    return Job(STANDING, Every(EVERY), copy_log, retry=RETRY)


async def standing_of(store: StateStore, connection_id: str) -> Standing | None:
    """Return where the copying stands; None before its first pass."""
    text = await store.get_cursor(connection_id, STANDING)
    if not text:
        return None
    stored = orjson.loads(text)  # a later version may have written more
    return Standing(**{name: stored[name] for name in Standing.__slots__ if name in stored})


def hint_log_of(engine: Engine) -> HintLog | None:
    """Return the Hint Log of the org; None for a replica that has none."""
    replica = engine.salesforce
    return replica.hint_log if isinstance(replica, KeepsHintLog) else None


async def copy_log(engine: Engine) -> bool:
    """Make one pass; false: the org could not be worked with now. What fails never reaches the caller, but for the store."""
    log = hint_log_of(engine)
    if log is None or not _calls_are_left(engine):
        return True
    before = await standing_of(engine.store, engine.connection.id)
    if before is None:
        await _begin(engine)
        return True
    if not engine.options.levels_copied and not before.kept:
        return True
    copying = _Pass(engine, log, before)
    done = await copying.make()
    await copying.save()
    if copying.standing.trouble != before.trouble:
        await _tell(engine, copying.standing.trouble)
    return done


def _calls_are_left(engine: Engine) -> bool:
    budget = engine.salesforce.budget
    return budget is None or budget.allows(_STEP, Purpose.PARITY)


async def _begin(engine: Engine) -> None:
    """Note where to begin: behind all but the latest entries."""
    store, connection_id = engine.store, engine.connection.id
    most = min(_FIRST, engine.options.hint_log_most)
    latest = await store.log(connection_id, levels=engine.options.levels_copied, limit=most)
    after = (latest[-1].id or 1) - 1 if latest else 0
    # one is kept until they are counted: what an earlier set-up left must be looked for
    await _save(engine, Standing(after, await _newest(engine), kept=1))


async def _newest(engine: Engine) -> int:
    latest = await engine.store.log(engine.connection.id, limit=1)
    return latest[0].id or 0 if latest else 0


async def _save(engine: Engine, standing: Standing) -> None:
    values = {name: getattr(standing, name) for name in Standing.__slots__}
    await engine.store.put_cursor(engine.connection.id, STANDING, orjson.dumps(values).decode())


async def _tell(engine: Engine, trouble: str) -> None:
    """Say in our own log that the copying stopped, or that it goes on."""
    level, event = (LogLevel.ERROR, f"{OWN}-stopped") if trouble else (LogLevel.DEBUG, f"{OWN}-resumed")
    words = f"the log is not copied to Salesforce: {trouble}" if trouble else "the log is copied to Salesforce again"
    entry = LogEntry(engine.connection.id, engine.now(), level, event, words)
    await engine.store.commit(Commit(logs=[entry]))


class _Pass:
    """One pass over what is new."""

    def __init__(self, engine: Engine, log: HintLog, standing: Standing) -> None:
        hour = engine.now()[:13]
        self.standing = standing if standing.hour == hour else replace(standing, hour=hour, calls=0)
        self._engine = engine
        self._log = log
        self._copies = copies_of(engine.connection)
        self._calls_before = log.calls - self.standing.calls

    async def make(self) -> bool:
        """Look after the org if an hour is over, then copy; return whether the org could be worked with."""
        try:
            await ensure_pinned(self._engine)
            if self._look_is_due():
                await self._look()
            if not self.standing.trouble:
                await self._copy()
        except SafetyStop:  # guard G1 has told of it
            return False
        except (FixConfiguration, StopRun) as error:
            self._set(trouble=str(error), looked_at=self._engine.now())
        except HintsyncError:  # passing: whoever needs the org tells of it
            return False
        return True

    async def save(self) -> None:
        """Keep where the copying stands."""
        self._count_calls()
        await _save(self._engine, self.standing)

    def _set(self, **values: object) -> None:
        self.standing = replace(self.standing, **values)  # type: ignore[arg-type]  # names and types of its own fields

    def _count_calls(self) -> None:
        self._set(calls=self._log.calls - self._calls_before)

    def _may_call(self) -> bool:
        """Say whether the hour leaves calls for another step."""
        self._count_calls()
        return self.standing.calls + _STEP <= CALLS_AN_HOUR

    def _look_is_due(self) -> bool:
        if not self.standing.looked_at:
            return self._may_call()
        age = self._engine.clock.now() - datetime.fromisoformat(self.standing.looked_at)
        return not timedelta(0) <= age < timedelta(seconds=_LOOK) and self._may_call()

    async def _look(self) -> None:
        """Count what the org holds of ours, see what room it has, and delete what is too old or too much."""
        self._set(kept=await self._log.count(self._copies), trouble=await self._lack_of_room())
        await self._drop(before=self._oldest_kept())
        await self._make_room(0)
        self._set(looked_at=self._engine.now())

    async def _lack_of_room(self) -> str:
        room = await self._log.storage()
        if room is None or room.left >= room.most * _STORAGE_LEFT:
            return ""
        return f"{room.left:,} of {room.most:,} MB of the org's data storage are left"

    def _oldest_kept(self) -> str:
        oldest = self._engine.clock.now() - timedelta(days=self._engine.options.hint_log_days)
        return f"{oldest.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    async def _make_room(self, coming: int) -> bool:
        """Delete the oldest copies until so many more fit in; return whether they do."""
        over = self.standing.kept + coming - self._engine.options.hint_log_most
        await self._drop(most=over)
        return self.standing.kept + coming <= self._engine.options.hint_log_most

    async def _drop(self, *, before: str | None = None, most: int | None = None) -> None:
        """Delete the oldest copies group by group: those from before a moment, or so many.

        A process that dies here may make the next one delete a group too many: the bound comes first.
        """
        while (most is None or most > 0) and self.standing.kept and self._may_call():
            limit = GROUP if most is None else min(most, GROUP)
            old = await self._log.oldest(self._copies, before=before, limit=limit)
            gone = await self._log.drop(old)
            if gone < len(old):
                raise StopRun("old entries of the Hint Log cannot be deleted")
            self._set(kept=max(self.standing.kept - gone, 0))
            most = None if most is None else most - gone
            if len(old) < limit:
                return

    async def _copy(self) -> None:
        """Copy, group by group, what was there at the pass before."""
        levels, connection = self._engine.options.levels_copied, self._engine.connection
        newest = await _newest(self._engine)
        for _ in range(_GROUPS if levels else 0):
            found = await self._engine.store.log_after(connection.id, self.standing.after, levels=levels, limit=GROUP)
            settled = [entry for entry in found if (entry.id or 0) <= self.standing.seen]
            if settled and not await self._put(settled):
                return
            self._set(after=(settled[-1].id or 0) if settled else max(self.standing.after, self.standing.seen))
            await self.save()
            if len(settled) < GROUP:
                break
        self._set(seen=newest)

    async def _put(self, entries: Sequence[LogEntry]) -> bool:
        """Send one group; return whether it was dealt with."""
        oldest = self._oldest_kept()
        wanted = [entry for entry in entries if entry.at >= oldest and not entry.event.startswith(OWN)]
        if not wanted:
            return True
        if not await self._make_room(len(wanted)) or not self._may_call():
            return False
        refused = await self._log.put([copy_of(self._engine.connection, entry) for entry in wanted])
        if len(refused) == len(wanted):
            raise StopRun(f"the org takes none of its entries: {', '.join(sorted(set(refused.values())))}")
        self._set(
            kept=self.standing.kept + len(wanted) - len(refused),
            left_out=self.standing.left_out + len(refused),
            wrote_at=self._engine.now(),
        )
        return True
