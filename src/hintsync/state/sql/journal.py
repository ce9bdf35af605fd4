"""What people read and decide: reviews and the log."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.records import RecordId
from hintsync.state import changes
from hintsync.state.port import LogEntry, LogLevel, Review, ReviewKind, ReviewStatus
from hintsync.state.sql import codec, tables
from hintsync.state.sql.database import Database
from hintsync.state.sql.part import Part, chunks, uninterrupted

_REVIEWS = tables.reviews
_LOG = tables.log
#: Columns of a log entry that name something.
_IDS = ("contact_id", "patient_id", "run_id", "incident")


class JournalPart(Part):
    """The port's methods about reviews and the log."""

    @uninterrupted
    async def reviews(
        self,
        connection_id: str,
        *,
        status: ReviewStatus = ReviewStatus.OPEN,
        kind: ReviewKind | None = None,
        record_ids: Collection[RecordId] | None = None,
        limit: int = 1000,
    ) -> Sequence[Review]:
        """Return reviews, oldest first; only those about certain records if any are given."""
        wanted = select(_REVIEWS).filter_by(connection_id=connection_id, status=str(status))
        if kind is not None:
            wanted = wanted.filter_by(kind=str(kind))
        if record_ids is not None:
            wanted = wanted.where(_REVIEWS.c.record_id.in_(list(record_ids)))
        async with self._database.reading() as sql:
            found = await sql.execute(wanted.order_by(_REVIEWS.c.opened_at, _REVIEWS.c.id).limit(limit))
            return [codec.review_of(row) for row in found]

    @uninterrupted
    async def count_reviews(self, connection_id: str) -> Mapping[ReviewKind, int]:
        """Count open reviews by kind; a kind that none has is missing."""
        mine = select(_REVIEWS.c.kind, func.count()).filter_by(
            connection_id=connection_id, status=str(ReviewStatus.OPEN)
        )
        async with self._database.reading() as sql:
            found = await sql.execute(mine.group_by(_REVIEWS.c.kind))
            return {ReviewKind(kind): count for kind, count in found}

    @uninterrupted
    async def review(self, review_id: str) -> Review | None:
        """Return one review."""
        async with self._database.reading() as sql:
            found = (await sql.execute(select(_REVIEWS).filter_by(id=review_id))).one_or_none()
        return codec.review_of(found) if found else None

    @uninterrupted
    async def log(
        self,
        connection_id: str,
        *,
        levels: Sequence[LogLevel] = (),
        run_id: str | None = None,
        naming: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 200,
    ) -> Sequence[LogEntry]:
        """Return the latest log entries, newest first."""
        wanted = select(_LOG).filter_by(connection_id=connection_id)
        if levels:
            wanted = wanted.where(_LOG.c.level.in_([str(level) for level in levels]))
        if run_id is not None:
            wanted = wanted.filter_by(run_id=run_id)
        if naming is not None:
            wanted = wanted.where(or_(*(_LOG.c[name] == naming for name in _IDS)))
        if since is not None:
            wanted = wanted.where(_LOG.c.at >= since)
        if until is not None:
            wanted = wanted.where(_LOG.c.at < until)
        if before is not None:
            wanted = wanted.where(_LOG.c.id < before)
        async with self._database.reading() as sql:
            found = await sql.execute(wanted.order_by(_LOG.c.id.desc()).limit(limit))
            return [codec.log_of(row) for row in found]

    @uninterrupted
    async def log_after(
        self, connection_id: str, after: int, *, levels: Sequence[LogLevel] = (), limit: int = 200
    ) -> Sequence[LogEntry]:
        """Return log entries in order of id, from behind `after`."""
        wanted = select(_LOG).where(_LOG.c.connection_id == connection_id, _LOG.c.id > after)
        if levels:
            wanted = wanted.where(_LOG.c.level.in_([str(level) for level in levels]))
        async with self._database.reading() as sql:
            found = await sql.execute(wanted.order_by(_LOG.c.id).limit(limit))
            return [codec.log_of(row) for row in found]

    @uninterrupted
    async def prune_log(
        self,
        connection_id: str,
        *,
        keep: int | None = None,
        before: str | None = None,
        levels: Sequence[LogLevel] = (),
        limit: int | None = None,
    ) -> int:
        """Drop log entries older than `before`, of some levels, and all but the newest `keep`; return how many went."""
        own = _LOG.c.connection_id == connection_id
        newest_gone = select(_LOG.c.id).where(own).order_by(_LOG.c.id.desc()).offset(keep).limit(1).scalar_subquery()
        tests = [] if before is None else [_LOG.c.at < before]
        tests += [_LOG.c.level.in_([str(level) for level in levels])] if levels else []
        tests += [] if keep is None else [_LOG.c.id <= newest_gone]
        if not tests:
            return 0
        oldest = select(_LOG.c.id).where(own, or_(*tests)).order_by(_LOG.c.id).limit(limit)
        async with self._database.writing() as sql:
            return (await sql.execute(delete(_LOG).where(_LOG.c.id.in_(oldest)))).rowcount

    @uninterrupted
    async def prune_reviews(self, connection_id: str, before: str, *, limit: int) -> int:
        """Forget reviews that were settled before a moment; see the port."""
        settled = select(_REVIEWS.c.id).filter_by(connection_id=connection_id).where(_REVIEWS.c.decided_at < before)
        gone = settled.where(_REVIEWS.c.status != str(ReviewStatus.OPEN)).limit(limit)
        async with self._database.writing() as sql:
            return (await sql.execute(delete(_REVIEWS).where(_REVIEWS.c.id.in_(gone)))).rowcount


async def write_log(sql: AsyncConnection, database: Database, entries: Sequence[LogEntry]) -> None:
    """Append log entries."""
    await database.bulk.insert(sql, _LOG, [codec.log_row(entry) for entry in entries])


async def write_reviews(sql: AsyncConnection, database: Database, given: Sequence[Review]) -> None:
    """Open, update and close reviews; opening a subject again updates the review that is open."""
    stored = await _stored(sql, given)
    rows = [codec.review_row(review) for review in changes.folded_reviews(stored, given).values()]
    # Closed ones first: each may make room for another of its subject.
    rows.sort(key=lambda row: row["status"] == ReviewStatus.OPEN)
    await database.bulk.upsert(sql, _REVIEWS, rows)


async def _stored(sql: AsyncConnection, given: Sequence[Review]) -> Sequence[Review]:
    found: dict[str, Review] = {}
    owners = {review.connection_id for review in given}
    for part in chunks(sorted({review.record_id for review in given})):
        subjects = (_REVIEWS.c.connection_id.in_(owners), _REVIEWS.c.record_id.in_(part), tables.OPEN)
        wanted = select(_REVIEWS).where(*subjects)
        found |= {row.id: codec.review_of(row) for row in await sql.execute(wanted)}
    for part in chunks(sorted({review.id for review in given})):
        wanted = select(_REVIEWS).where(_REVIEWS.c.id.in_(part))
        found |= {row.id: codec.review_of(row) for row in await sql.execute(wanted)}
    return list(found.values())
