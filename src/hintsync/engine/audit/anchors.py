"""Anchors: what the audit trail came to, night after night, kept in the Hint Log of the org, out of reach of our database.

    seal = HMAC-SHA256( key, canonical JSON of the anchor and of its connection ), in hex

An anchor names how many entries the trail had and the digest over all of them (`audit_trail`), which stands for the heads of all
chains. Nothing up to an anchor can then be edited, removed, reordered or cut off unseen, not even by rewriting every hash. The key
is derived as that of the parity reports, so that nobody in the org can make one; anchors are numbered without a hole, so that none
can be taken away there. Where another org or practice was pinned meanwhile, numbers go on, and each anchor says from which on they
lie where it lies.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Final

from hintsync.core.errors import FixConfiguration, StopRun
from hintsync.core.limits import Purpose
from hintsync.engine.audit.restores import tells_of_restore
from hintsync.engine.audit.trail import TrailReader, figure_of, trail_name
from hintsync.engine.context import Engine
from hintsync.engine.due import Daily
from hintsync.engine.guards.stops import ensure_pinned
from hintsync.engine.hint_log.copying import hint_log_of
from hintsync.engine.hint_log.entries import LEVELS, OWN, place_of
from hintsync.engine.schedule import Job
from hintsync.hint_log import HintLog, OrgEntry
from hintsync.state.chain import GENESIS
from hintsync.state.port import Commit, Connection, LogEntry, LogLevel, StateStore, StoredAudit

#: Cursor that holds the latest anchor.
LATEST: Final = "anchor"
_PURPOSE: Final = b"hintsync anchors"
#: Seconds before an anchor that could not be cast is tried again.
_RETRY: Final = 1_800.0
#: Calls that casting one makes at most.
_CALLS: Final = 10


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a trail came to at one moment."""

    #: From 1 on, without a hole, wherever they lie.
    number: int
    #: Entries of the trail, and the digest over all of them.
    entries: int
    digest: str
    #: ISO 8601, UTC.
    at: str
    #: Number of the first anchor that was put where this one was, without a repin since.
    first: int = 1
    #: Which org and practice were pinned then.
    pin: str = ""
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison of the trail with its anchors came to."""

    #: Anchors that the org holds of this store.
    anchors: int = 0
    #: One sentence for each fault.
    faults: tuple[str, ...] = ()
    #: What explains itself and should be known: anchors that a restored backup went back behind.
    remarks: tuple[str, ...] = ()


def anchor_job(hour: int) -> Job:
    """Return the work of casting an anchor every night."""
    return Job(LATEST, Daily(hour), cast_anchor, retry=_RETRY)


async def latest_anchor(store: StateStore, connection_id: str) -> Anchor | None:
    """Return the anchor that was cast last, as our own store remembers it."""
    text = await store.get_cursor(connection_id, LATEST)
    if not text:
        return None
    stored = json.loads(text)  # a later version may have written more
    return Anchor(**{each.name: stored[each.name] for each in fields(Anchor) if each.name in stored})


async def cast_anchor(engine: Engine) -> bool:
    """Put an anchor for the trail as it is now into the org; false: the day's calls are short, it is tried again later.

    Reads only what came behind the latest anchor: what was rewritten before it must not find its way into a new one.

    Raises:
        HintsyncError: the org cannot be worked with now.
    """
    log, budget = hint_log_of(engine), engine.salesforce.budget
    if log is None:
        return True
    if budget is not None and not budget.allows(_CALLS, Purpose.PARITY):
        return False
    try:
        await ensure_pinned(engine)
        await _cast(engine, log)
    except (FixConfiguration, StopRun) as error:
        words = f"no anchor of the audit trail could be put into Salesforce: {error}"
        entry = LogEntry(engine.connection.id, engine.now(), LogLevel.ERROR, f"{OWN}-no-anchor", words)
        await engine.store.commit(Commit(logs=[entry]))
    return True


async def _cast(engine: Engine, log: HintLog) -> None:
    store, connection = engine.store, engine.connection
    latest = await latest_anchor(store, connection.id)
    behind = (latest.entries, latest.digest) if latest else (0, GENESIS)
    reader = TrailReader(store, connection.id, behind=behind)
    await reader.read()
    if reader.last == behind[0]:
        return
    key = store.fingerprint_key(connection.id)
    number, first = (latest.number if latest else 0) + 1, _first(key, connection, latest)
    bare = Anchor(number, reader.last, reader.digest, engine.now(), first, _pin(connection))
    anchor = replace(bare, seal=_seal(key, connection, bare))
    if refused := await log.put([_entry(key, connection, anchor)]):
        raise StopRun(f"the org does not take it: {', '.join(refused.values())}")
    await store.put_cursor(connection.id, LATEST, json.dumps(asdict(anchor)))


async def compare_anchors(engine: Engine) -> Compared:
    """Compare the trail with every anchor that the org holds.

    Raises:
        HintsyncError: the org cannot be asked, or has no Hint Log.
    """
    log, store, connection = hint_log_of(engine), engine.store, engine.connection
    if log is None:
        return Compared()
    key = store.fingerprint_key(connection.id)
    latest = await latest_anchor(store, connection.id)  # before the org is asked: one may be cast in between
    shown = await log.entries(_keys(key, connection))
    read = {entry.key: _read(key, connection, entry) for entry in shown}
    faults = [
        f"the anchor {name} in Salesforce is not as it was cast" for name, anchor in read.items() if anchor is None
    ]
    found = [anchor for anchor in read.values() if anchor is not None]
    faults += _missing(key, connection, found, latest)
    trail = TrailReader(store, connection.id, marks={anchor.entries for anchor in found})
    try:
        restored = [entry async for entry in trail.entries() if tells_of_restore(key, connection.id, entry)]
    except StopRun as error:  # an entry is no audit event any more
        return Compared(len(shown), (*faults, str(error)))
    torn = [anchor for anchor in found if trail.shown.get(anchor.entries) != anchor.digest]
    explained = [anchor for anchor in torn if _went_back(anchor, restored)]
    faults += [_torn(anchor, trail.last) for anchor in torn if anchor not in explained]
    return Compared(len(shown), tuple(faults), tuple(map(_left_behind, explained)))


def _seal(key: bytes, connection: Connection, anchor: Anchor) -> str:
    bound = asdict(anchor) | {"seal": "", "connection": connection.id}
    text = json.dumps(bound, sort_keys=True, separators=(",", ":"))
    return hmac.new(hmac.digest(key, _PURPOSE, "sha256"), text.encode(), "sha256").hexdigest()


def _is_sealed(key: bytes, connection: Connection, anchor: Anchor) -> bool:
    return hmac.compare_digest(_seal(key, connection, anchor).encode(), anchor.seal.encode())


def _pin(connection: Connection) -> str:
    return f"{connection.org_id[:15]} {connection.practice_id}"  # 15 and 18 characters name the same org


def _first(key: bytes, connection: Connection, newest: Anchor | None) -> int:
    """Return the number from which on anchors lie in the org that is pinned now, as the newest one says.

    One that is not sealed, such as who has the database may put into the cursor, cannot make it forget any.
    """
    if newest is None or not _is_sealed(key, connection, newest):
        return 1
    return newest.first if newest.pin == _pin(connection) else newest.number + 1


def _keys(key: bytes, connection: Connection) -> str:
    """Return what the keys of this store's anchors begin with: one that was set up anew has a trail of its own."""
    return f"{place_of(connection)}-a-{trail_name(key)}-"


def _entry(key: bytes, connection: Connection, anchor: Anchor) -> OrgEntry:
    message = figure_of(key, anchor.entries, anchor.digest)
    details = [f"{name}: {value}" for name, value in asdict(anchor).items()]
    told = "\n".join([*details, "", "What the audit trail of hintsync came to. hintsync verify compares it; keep it."])
    name = f"{_keys(key, connection)}{anchor.number:06}-{anchor.digest[:12]}"
    return OrgEntry(name, anchor.at, LEVELS[LogLevel.DEBUG], message, told)


def _read(key: bytes, connection: Connection, entry: OrgEntry) -> Anchor | None:
    """Return the anchor that an entry holds; None if it is not as we cast it."""
    lines = dict(line.split(": ", 1) for line in entry.details.splitlines() if ": " in line)
    told = {each.name: lines.get(each.name, "").strip() for each in fields(Anchor)}
    number, entries, first = told["number"], told["entries"], told["first"]
    if not (number.isdecimal() and entries.isdecimal() and first.isdecimal()):
        return None
    anchor = Anchor(int(number), int(entries), told["digest"], told["at"], int(first), told["pin"], told["seal"])
    return (
        anchor
        if _is_sealed(key, connection, anchor) and _entry(key, connection, anchor).message == entry.message
        else None
    )


def _missing(key: bytes, connection: Connection, found: Sequence[Anchor], latest: Anchor | None) -> list[str]:
    known = [*found, latest] if latest else found
    newest = max(known, key=attrgetter("number"), default=None)
    wanted = range(_first(key, connection, newest), newest.number + 1 if newest else 1)
    numbers = {anchor.number for anchor in found}
    return [f"anchor {number} is missing in Salesforce" for number in wanted if number not in numbers]


def _went_back(anchor: Anchor, restored: Sequence[StoredAudit]) -> bool:
    """Say whether a backup was restored after an anchor was cast that ends before it."""
    cast = datetime.fromisoformat(anchor.at)
    return any(
        entry.sequence <= anchor.entries and datetime.fromisoformat(entry.event.at) >= cast for entry in restored
    )


def _torn(anchor: Anchor, last: int) -> str:
    named = f"anchor {anchor.number}, cast {anchor.at}"
    if anchor.entries > last:
        return (
            f"the audit trail ends at entry {last}; {named}, names entry {anchor.entries}: what came behind was cut off"
        )
    return f"the audit trail up to entry {anchor.entries} is not the one that {named}, names"


def _left_behind(anchor: Anchor) -> str:
    return f"a restored backup ends before anchor {anchor.number}, cast {anchor.at} over {anchor.entries:,} entries"


def anchor_figures(compared: Compared) -> Mapping[str, object]:
    """Return a comparison for JSON."""
    return {"anchors": compared.anchors, "problems": list(compared.faults), "remarks": list(compared.remarks)}
