"""The statements on the dirty set.

Parameters: `own` is the connection, `holder` the worker, `moment` now, `end` that of a lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, Update, and_, bindparam, case, delete, func, literal, select

from hintsync.core.values import Side
from hintsync.state.live import CROSSED, Backlog, Lane
from hintsync.state.marks import LONGEST_CAUSE
from hintsync.state.sql import tables
from hintsync.state.sql.setwise import changing, given, insertion, is_given, keys, larger, places, smaller

_TABLE = tables.dirty
_C = _TABLE.c

#: What `state` says; see the table.
READY, LATER, PARKED = "ready", "later", "parked"

KEYS = tuple(keys(_TABLE))

#: What is given of a record that is marked.
MARKED = (*KEYS, "lane", "cause", "since", "due", "revision")

#: The order of claims, as `marks.urgency` has it.
URGENCY = (_C.lane, _C.since, _C.side, _C.record_id)

_KEYS = select(*_TABLE.primary_key)
_OWN = _C.connection_id == bindparam("own")
_IS_LATER_AND_DUE = and_(tables.IS_LATER, _C.due <= bindparam("moment"))
_IS_FREE = and_(tables.IS_READY, _C.due <= bindparam("moment"), _C.leased_until <= bindparam("moment"))
_IS_WANTED = and_(_C.lane >= bindparam("first"), _C.lane <= bindparam("last"))

#: Makes ready what was put off and is due now.
WAKING = changing(_TABLE, _KEYS.where(_OWN, _IS_LATER_AND_DUE), wait=False).values(state=READY)

_MOST_URGENT = _KEYS.where(_OWN, _IS_FREE, _IS_WANTED).order_by(_C.lane, _C.since).limit(bindparam("most"))

#: Leases the most urgent free records of some neighbouring lanes, which an index has in order; what `marks.claimed` does to one.
CLAIMING = (
    changing(_TABLE, _MOST_URGENT, wait=False)
    .values(
        worker=bindparam("holder"),
        leased_until=bindparam("end"),
        attempts=_C.attempts + case((_C.worker.is_(None), 0), else_=1),
        again=None,
    )
    .returning(_TABLE)
)

_HELD = places(_TABLE).where(_OWN, _C.worker == bindparam("holder"))

#: Lets go of what a worker holds; what `marks.released` does to one.
LETTING_GO = changing(_TABLE, _HELD).values(worker=None, leased_until=0.0, again=None)


@cache
def renewing(is_sqlite: bool) -> Update:
    """Return what extends the leases of a worker."""
    return changing(_TABLE, _HELD).values(leased_until=larger(is_sqlite, _C.leased_until, bindparam("end")))


@cache
def replaying(is_sqlite: bool, *, some: bool) -> Executable:
    """Return what makes parked records ready, all or those given."""
    parked = places(_TABLE).where(_OWN, _C.state == PARKED)
    if some:
        parked = parked.where(is_given(_TABLE, is_sqlite=is_sqlite))
    clean = {"state": READY, "due": bindparam("moment"), "attempts": 0, "parked": None}
    # Counted by what comes back: the driver of SQLite does not count after WITH.
    return changing(_TABLE, parked).values(clean).returning(_C.record_id)


def _edits_behind(is_sqlite: bool) -> ColumnElement[str]:
    """Return what `marks.cause_again` puts behind the latest cause."""
    place = func.instr(_C.cause, CROSSED) if is_sqlite else func.strpos(_C.cause, CROSSED)
    kept = and_(place > 0, func.length(_C.cause) < LONGEST_CAUSE)
    return case((kept, func.substr(_C.cause, place)), else_="")


@cache
def marking(is_sqlite: bool) -> Executable:
    """Return what does to each given row as `marks.marked` does to a record."""
    clean: dict[str, ColumnElement[Any]] = {
        "state": literal(READY),
        "attempts": literal(0),
        "leased_until": literal(0.0),
    }
    statement = insertion(_TABLE, MARKED, clean, is_sqlite=is_sqlite)
    new = statement.excluded
    again = smaller(is_sqlite, func.coalesce(_C.again, new.since), new.since)
    moved = {
        "state": READY,
        "lane": smaller(is_sqlite, _C.lane, new.lane),
        "cause": new.cause + _edits_behind(is_sqlite),
        "since": smaller(is_sqlite, _C.since, new.since),
        "due": new.due,
        "attempts": 0,
        "revision": _C.revision + new.revision,
        "parked": None,
        "again": case((_C.worker.is_not(None), again)),
    }
    return statement.on_conflict_do_update(index_elements=KEYS, set_=moved)


@cache
def locking(is_sqlite: bool) -> Executable:
    """Return what locks and reads given rows."""
    rows = given(_TABLE, KEYS, is_sqlite=is_sqlite)
    same = and_(*(_C[name] == rows.c[name] for name in KEYS))
    return select(_TABLE).join(rows, same).order_by(*_TABLE.primary_key).with_for_update(of=_TABLE)


@cache
def dropping(is_sqlite: bool) -> Executable:
    """Return what deletes given rows, which are locked already."""
    return delete(_TABLE).where(is_given(_TABLE, is_sqlite=is_sqlite))


# --- counting

# Every name is above the empty one; said so, SQLite uses the index.
_LEASED = and_(_OWN, tables.IS_LEASED, _C.worker > "")

_WAITS = _C.state != PARKED

#: One pass over all rows, which a database does faster than grouping them; see `backlog_of`.
COUNTING = select(
    func.count().filter(_C.state == PARKED),
    func.count().filter(tables.IS_LEASED),
    *(func.count().filter(_WAITS, _C.lane == lane.value) for lane in Lane),
    *(func.min(_C.since).filter(_WAITS, _C.side == side.value) for side in Side),
).where(_OWN)


def backlog_of(counts: Sequence[Any]) -> Backlog:
    """Return what `COUNTING` counted."""
    parked, leased, *others = counts
    waiting = zip(Lane, others[: len(Lane)], strict=True)
    oldest = zip(Side, others[len(Lane) :], strict=True)
    return Backlog(
        waiting={lane: count for lane, count in waiting if count},
        oldest={side: since for side, since in oldest if since is not None},
        leased=leased,
        parked=parked,
    )


#: Free records of which `next_due` looks at `due`. It lies behind us for all but those marked by a host whose clock is
#: ahead, so the first thousand tell.
_LOOKED_AT = 1000


@cache
def next_due(is_sqlite: bool) -> Select[Any]:
    """Return what reads the moment of the next claim: each part by an index of its own."""
    free = select(_C.due).where(_OWN, tables.IS_READY, _C.worker.is_(None)).order_by(_C.lane, _C.since)
    first = free.limit(_LOOKED_AT).subquery()
    later = select(func.min(_C.due)).where(_OWN, tables.IS_LATER)
    leased = select(func.min(larger(is_sqlite, _C.due, _C.leased_until))).where(_LEASED)
    ready = select(func.min(first.c.due))
    return select(ready.scalar_subquery(), later.scalar_subquery(), leased.scalar_subquery())
