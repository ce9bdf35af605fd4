"""The store in memory: for tests, dry experiments and the demo's judge; keeps every promise of the port but durability."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import orjson

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.core.records import Link, LinkState, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.state import chain, changes
from hintsync.state.keys import DataKey, Keyring, MasterKeys, new_root
from hintsync.state.memory_live import MemoryLive
from hintsync.state.memory_traffic import MemoryTraffic
from hintsync.state.port import (
    AuditEvent,
    Commit,
    Connection,
    Json,
    LinkChange,
    LinkTaken,
    LogEntry,
    LogLevel,
    Review,
    ReviewKind,
    ReviewStatus,
    Run,
    RunKind,
    RunRow,
    RunStatus,
    StoredAudit,
)

T = TypeVar("T")


class MemoryStore(MemoryTraffic, MemoryLive):
    """A StateStore of dictionaries. No method waits between its first check and its last change, so each is atomic."""

    def __init__(self, keys: MasterKeys | None = None) -> None:
        """Start empty, under the given master keys or a throw-away one."""
        super().__init__()
        self._keyring = Keyring(keys or MasterKeys.parse(MasterKeys.generate()), new_root())
        self._data_key = DataKey.generate()
        self._secrets: dict[tuple[str, str], bytes] = {}
        self._links: dict[str, LinkState] = {}
        self._owners: dict[changes.Claim, str] = {}
        self._declined: dict[str, set[tuple[RecordId, RecordId]]] = {}
        self._runs: dict[str, Run] = {}
        self._rows: dict[str, dict[int, RunRow]] = {}
        self._reviews: dict[str, Review] = {}
        self._log: list[LogEntry] = []
        self._log_id = 0
        self._audit: dict[str, list[chain.Chained]] = {}
        self._heads: dict[str, dict[str, chain.Head]] = {}
        self._sequences: dict[str, int] = {}
        self._calls: Counter[tuple[str, Side, str]] = Counter()

    # --- connections and secrets
    async def put_connection(self, connection: Connection) -> None:
        """Insert or replace a connection."""
        copy = replace(connection, settings=_json(connection.settings), facts=_json(connection.facts))
        self._connections[connection.id] = copy

    async def swap_settings(self, connection_id: str, was: Mapping[str, Json], settings: Mapping[str, Json]) -> bool:
        """Replace a connection's settings and nothing else of it, if they still are as they were read."""
        known = self._connections.get(connection_id)
        if known is None or known.settings != was:
            return False
        self._connections[connection_id] = replace(known, settings=_json(settings))
        return True

    async def connection(self, connection_id: str) -> Connection | None:
        """Return one connection."""
        return self._connections.get(connection_id)

    async def connections(self) -> Sequence[Connection]:
        """Return all connections, by name."""
        return sorted(self._connections.values(), key=lambda connection: (connection.name, connection.id))

    async def put_secret(self, connection_id: str, name: str, secret: bytes) -> None:
        """Store a secret, encrypted under the master key."""
        self._know(connection_id)
        self._secrets[connection_id, name] = self._data_key.seal(connection_id, name, secret)

    async def secret(self, connection_id: str, name: str) -> bytes | None:
        """Return a secret, decrypted."""
        token = self._secrets.get((connection_id, name))
        return None if token is None else self._data_key.open(connection_id, name, token)

    async def drop_secrets(self, connection_id: str) -> int:
        """Destroy every secret of a connection; see the port."""
        kept = {key: token for key, token in self._secrets.items() if key[0] != connection_id}
        dropped, self._secrets = len(self._secrets) - len(kept), kept
        return dropped

    def fingerprint_key(self, connection_id: str) -> bytes:
        """Return the 32 bytes that key a connection's fingerprints."""
        return self._keyring.fingerprint_key(connection_id)

    # --- links
    async def reserve(self, link: Link) -> Link:
        """Insert a live link; see the port."""
        await self.commit(Commit(links=[LinkChange(replace(link, revision=0))]))
        return self._links[link.id].link

    async def link(self, link_id: str) -> LinkState | None:
        """Return one link with its memory."""
        return self._links.get(link_id)

    async def live_links(self, connection_id: str, side: Side, ids: Sequence[RecordId]) -> Mapping[RecordId, LinkState]:
        """Return the live links of these records of one side, by record id."""
        found = {record_id: self._owners.get((connection_id, side, record_id)) for record_id in ids}
        return {record_id: self._links[link_id] for record_id, link_id in found.items() if link_id is not None}

    async def live_pairs(self, connection_id: str) -> Sequence[Link]:
        """Return every live link, without its memory."""
        return [link for link in self._links_of(connection_id) if changes.is_live(link)]

    async def links(
        self, connection_id: str, *, statuses: Sequence[LinkStatus] = (), after: str = "", limit: int = 1000
    ) -> Sequence[LinkState]:
        """Return links in id order, from behind `after`."""
        wanted = [
            link.id
            for link in self._links_of(connection_id)
            if link.id > after and (not statuses or link.status in statuses)
        ]
        return [self._links[link_id] for link_id in wanted[:limit]]

    async def count_links(self, connection_id: str) -> Mapping[LinkStatus, int]:
        """Count links by status."""
        return dict(Counter(link.status for link in self._links_of(connection_id)))

    async def decline(self, connection_id: str, contact_id: RecordId, patient_id: RecordId, by: str, at: str) -> None:
        """Remember that a person parted or declined this pair (row U4)."""
        self._know(connection_id)
        self._declined.setdefault(connection_id, set()).add((contact_id, patient_id))

    async def declined(self, connection_id: str, contact_id: RecordId, patient_id: RecordId) -> bool:
        """Say whether a person parted or declined this pair."""
        return (contact_id, patient_id) in self._declined.get(connection_id, ())

    async def declined_pairs(self, connection_id: str) -> frozenset[tuple[RecordId, RecordId]]:
        """Return all declined pairs as (contact, patient)."""
        return frozenset(self._declined.get(connection_id, ()))

    # --- the one writer
    async def commit(self, commit: Commit) -> None:
        """Carry out a commit, or nothing of it; see the port."""
        for connection_id in changes.connections_of(commit):
            self._know(connection_id)
        for run_id in changes.runs_of(commit):
            self._run(run_id)
        changed = changes.changed_links(self._links.get, commit.links)
        self._refuse_taken(changed)
        run = self._saved(commit.run) if commit.run else None
        rows = [_copied_row(row) for row in changes.checked_rows(commit.rows)]
        given = [replace(review, details=_json(review.details)) for review in commit.reviews]
        reviews = changes.folded_reviews(self._reviews.values(), given) if given else {}
        chained = self._chain(commit.audits)
        # Nothing above changed anything, nothing below can fail.
        self._write_links(changed)
        for row in rows:
            self._rows.setdefault(row.run_id, {})[row.position] = row
        self._reviews.update(reviews)
        for connection_id, (entries, heads) in chained.items():
            self._write_audit(connection_id, entries, heads)
        self._write_log(commit.logs)
        if run is not None:
            self._runs[run.id] = run
            self._cursors.update({(run.connection_id, name): value for name, value in commit.cursors.items()})
        self._finish(commit.done)

    # --- runs
    async def start_run(self, run: Run) -> None:
        """Insert a run, without a lease."""
        self._know(run.connection_id)
        if run.id in self._runs:
            raise BadInput(f"run {run.id}: exists already")
        self._runs[run.id] = replace(changes.new_run(run), details=_json(run.details))

    async def run(self, run_id: str) -> Run | None:
        """Return one run."""
        return self._runs.get(run_id)

    async def runs(
        self,
        connection_id: str,
        *,
        kinds: Sequence[RunKind] = (),
        statuses: Sequence[RunStatus] = (),
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Run]:
        """Return the latest runs, newest first; see the port."""
        known = list(reversed(self._runs.values()))
        if before is not None:
            older = next((at for at, run in enumerate(known, start=1) if run.id == before), len(known))
            known = known[older:]
        return [
            run
            for run in known
            if run.connection_id == connection_id
            and (not kinds or run.kind in kinds)
            and (not statuses or run.status in statuses)
        ][:limit]

    async def save_run(self, run: Run) -> None:
        """Store status, progress and details; see the port."""
        self._runs[run.id] = self._saved(run)

    async def lease_run(self, run_id: str, worker: str, now: float, until: float) -> Run:
        """Take or extend the lease of a run."""
        self._runs[run_id] = changes.leased_run(self._run(run_id), worker, now, until)
        return self._runs[run_id]

    async def ask_abort(self, run_id: str) -> bool:
        """Mark a running run to be aborted; false if it is not running."""
        run = self._runs.get(run_id)
        if run is None or run.status not in (RunStatus.RUNNING, RunStatus.ABORTING):
            return False
        self._runs[run_id] = replace(run, status=RunStatus.ABORTING)
        return True

    async def rows(
        self,
        run_id: str,
        *,
        outcomes: Sequence[Outcome] = (),
        reason: str | None = None,
        after: int = -1,
        limit: int | None = None,
    ) -> AsyncIterator[RunRow]:
        """Yield the rows of a run by position; see the port."""
        rows = self._rows.get(run_id, {})
        wanted = [
            at
            for at in sorted(rows)
            if at > after
            and (not outcomes or rows[at].outcome in outcomes)
            and (reason is None or rows[at].reason == reason)
        ]
        for position in wanted[:limit]:
            yield rows[position]

    async def row_positions(self, run_id: str) -> frozenset[int]:
        """Return the positions that have a row."""
        return frozenset(self._rows.get(run_id, ()))

    async def prune_rows(self, run_id: str, *, limit: int) -> int:
        """Forget rows of a run; see the port."""
        rows = self._rows.get(run_id, {})
        gone = sorted(rows)[:limit]
        for position in gone:
            del rows[position]
        return len(gone)

    async def outcome_counts(self, run_id: str) -> Mapping[Outcome, int]:
        """Count a run's rows by outcome."""
        return dict(Counter(row.outcome for row in self._rows.get(run_id, {}).values()))

    async def reason_counts(self, run_id: str) -> Mapping[tuple[Outcome, str | None], int]:
        """Count a run's rows by outcome and reason."""
        return dict(Counter((row.outcome, row.reason) for row in self._rows.get(run_id, {}).values()))

    # --- people's work and memory of the system
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
        wanted = [
            review
            for review in self._reviews.values()
            if review.connection_id == connection_id
            and review.status is status
            and kind in (None, review.kind)
            and (record_ids is None or review.record_id in record_ids)
        ]
        return sorted(wanted, key=lambda review: (review.opened_at, review.id))[:limit]

    async def count_reviews(self, connection_id: str) -> Mapping[ReviewKind, int]:
        """Count open reviews by kind; a kind that none has is missing."""
        mine = (review for review in self._reviews.values() if review.connection_id == connection_id)
        return Counter(review.kind for review in mine if review.status is ReviewStatus.OPEN)

    async def review(self, review_id: str) -> Review | None:
        """Return one review."""
        return self._reviews.get(review_id)

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
        wanted = [
            entry
            for entry in reversed(self._log)
            if entry.connection_id == connection_id
            and (not levels or entry.level in levels)
            and run_id in (None, entry.run_id)
            and naming in (None, entry.contact_id, entry.patient_id, entry.run_id, entry.incident)
            and (since is None or entry.at >= since)
            and (until is None or entry.at < until)
            and (before is None or (entry.id or 0) < before)
        ]
        return wanted[:limit]

    async def log_after(
        self, connection_id: str, after: int, *, levels: Sequence[LogLevel] = (), limit: int = 200
    ) -> Sequence[LogEntry]:
        """Return log entries in order of id, from behind `after`."""
        wanted = [
            entry
            for entry in self._log
            if entry.connection_id == connection_id
            and (entry.id or 0) > after
            and (not levels or entry.level in levels)
        ]
        return wanted[:limit]

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
        own = [entry for entry in self._log if entry.connection_id == connection_id]
        surplus = own[: max(0, len(own) - keep)] if keep is not None else []
        aged = [entry for entry in own if before is not None and entry.at < before]
        light = [entry for entry in own if entry.level in levels]
        gone = set(sorted({entry.id or 0 for entry in (*surplus, *aged, *light)})[:limit])
        self._log = [entry for entry in self._log if entry.id not in gone]
        return len(gone)

    async def prune_reviews(self, connection_id: str, before: str, *, limit: int) -> int:
        """Forget reviews that were settled before a moment; see the port."""
        own = (review for review in self._reviews.values() if review.connection_id == connection_id)
        settled = (review for review in own if review.status is not ReviewStatus.OPEN)
        gone = [review.id for review in settled if (review.decided_at or before) < before][:limit]
        for review_id in gone:
            del self._reviews[review_id]
        return len(gone)

    async def audit_latest(
        self,
        connection_id: str,
        *,
        naming: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[StoredAudit]:
        """Return the latest audit events, newest first."""
        wanted = [
            entry
            for entry in map(chain.stored, reversed(self._audit.get(connection_id, [])))
            if (before is None or entry.sequence < before)
            and (since is None or entry.event.at >= since)
            and (until is None or entry.event.at < until)
            and (naming is None or chain.names(entry.event, naming))
        ]
        return wanted[:limit]

    async def audit(
        self, connection_id: str, *, chain: str | None = None, after: int = 0, limit: int = 1000
    ) -> Sequence[StoredAudit]:
        """Return audit events in order of sequence, from behind `after`."""
        entries = [
            entry
            for entry in self._audit.get(connection_id, ())
            if entry.sequence > after and chain in (None, entry.chain)
        ]
        return [_stored(entry) for entry in entries[:limit]]

    async def verify_audit(self, connection_id: str) -> Sequence[str]:
        """Check every chain; return what is wrong with each broken one."""
        verifier = chain.Verifier(connection_id)
        verifier.read(self._audit.get(connection_id, ()))
        return verifier.finish(self._sequences.get(connection_id, 0), self._heads.get(connection_id, {}))

    async def get_cursor(self, connection_id: str, name: str) -> str | None:
        """Return a cursor."""
        return self._cursors.get((connection_id, name))

    async def put_cursor(self, connection_id: str, name: str, value: str) -> None:
        """Store a cursor."""
        self._know(connection_id)
        self._cursors[connection_id, name] = value

    async def drop_cursor(self, connection_id: str, name: str) -> bool:
        """Forget a cursor; false if there was none."""
        return self._cursors.pop((connection_id, name), None) is not None

    async def add_calls(self, connection_id: str, side: Side, day: str, calls: int) -> int:
        """Add to the calls sent to a side on a UTC day; return the day's sum."""
        self._know(connection_id)
        self._calls[connection_id, side, day] += calls
        return self._calls[connection_id, side, day]

    async def aclose(self) -> None:
        """Let go of nothing."""

    # --- within
    def _run(self, run_id: str) -> Run:
        if run_id not in self._runs:
            raise changes.unknown_run(run_id)
        return self._runs[run_id]

    def _saved(self, run: Run) -> Run:
        return changes.saved_run(self._run(run.id), replace(run, details=_json(run.details)))

    def _links_of(self, connection_id: str) -> Iterable[Link]:
        ordered = (self._links[link_id].link for link_id in sorted(self._links))
        return [link for link in ordered if link.connection_id == connection_id]

    def _refuse_taken(self, changed: Mapping[str, tuple[LinkState | None, LinkState]]) -> None:
        """Raise LinkTaken if a record is claimed by a link that does not let go of it in the same commit."""
        owners = {self._owners.get(claim) for _, after in changed.values() for claim in changes.claims(after.link)}
        rivals = [self._links[link_id].link for link_id in owners if link_id is not None and link_id not in changed]
        if rivals:
            raise LinkTaken(rivals)

    def _write_links(self, changed: Mapping[str, tuple[LinkState | None, LinkState]]) -> None:
        for before, _ in changed.values():
            for claim in changes.claims(before.link) if before else ():
                del self._owners[claim]
        for link_id, (_, after) in changed.items():
            self._links[link_id] = after
            self._owners.update(dict.fromkeys(changes.claims(after.link), link_id))

    def _chain(self, events: Sequence[AuditEvent]) -> dict[str, tuple[list[chain.Chained], dict[str, chain.Head]]]:
        """Chain the events behind the stored ones; return the new entries and the moved heads, by connection."""
        result = {}
        for connection_id in {event.connection_id for event in events}:
            own = [event for event in events if event.connection_id == connection_id]
            kept = self._heads.get(connection_id, {})
            heads = {event.chain: kept[event.chain] for event in own if event.chain in kept}
            entries = list(chain.extend(own, self._sequences.get(connection_id, 0), heads))
            result[connection_id] = (entries, heads)
        return result

    def _write_audit(self, connection_id: str, entries: list[chain.Chained], heads: dict[str, chain.Head]) -> None:
        self._audit.setdefault(connection_id, []).extend(entries)
        self._heads.setdefault(connection_id, {}).update(heads)
        self._sequences[connection_id] = entries[-1].sequence

    def _write_log(self, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            self._log_id += 1
            self._log.append(replace(entry, id=self._log_id))


def _stored(entry: chain.Chained) -> StoredAudit:
    return chain.stored(entry)


def _json(members: Mapping[str, Json]) -> dict[str, Json]:
    """Return a deep copy that is as plain as a database would give it back; fails on what is not JSON."""
    copy: dict[str, Json] = orjson.loads(orjson.dumps(dict(members)))
    return copy


def _copied_row(row: RunRow) -> RunRow:
    return replace(
        row,
        written=dict(row.written),
        prints={side: dict(prints) for side, prints in row.prints.items()},
        versions=dict(row.versions),
    )
