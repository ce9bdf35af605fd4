"""What a commit does to links, runs and reviews, decided purely: every store keeps the same promises from one text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from hintsync.core.errors import BadInput
from hintsync.core.fingerprints import SIZE
from hintsync.core.quick import but
from hintsync.core.records import LIVE_STATUSES, FieldName, Fingerprint, Link, LinkState
from hintsync.core.values import Side
from hintsync.state.live import Intent, SidePrints
from hintsync.state.port import (
    Commit,
    LinkChange,
    LinkTaken,
    Review,
    ReviewStatus,
    Run,
    RunHeld,
    RunRow,
    RunStatus,
    StaleLink,
)

#: What a record id is unique within: connection, side, id.
Claim: TypeAlias = tuple[str, Side, str]

#: What an open review is unique by.
Subject: TypeAlias = tuple[str, str, str, str, str]

_BYTES, _SIZES = frozenset({bytes}), frozenset({SIZE})
_WORKED = frozenset({RunStatus.RUNNING, RunStatus.ABORTING})


def is_live(link: Link) -> bool:
    """Say whether a link claims its records."""
    return link.status in LIVE_STATUSES


def claims(link: Link) -> tuple[Claim, ...]:
    """Return the records that a link claims: none once it has ended."""
    if not is_live(link):
        return ()
    contact = () if link.contact_id is None else ((link.connection_id, Side.SALESFORCE, link.contact_id),)
    patient = () if link.patient_id is None else ((link.connection_id, Side.HINT, link.patient_id),)
    return contact + patient


def changed_links(
    stored: Callable[[str], LinkState | None], changes: Sequence[LinkChange]
) -> Mapping[str, tuple[LinkState | None, LinkState]]:
    """Return each changed link before (None: new) and after the changes, by id.

    Raises:
        StaleLink: a change was made on another revision than the stored one.
        LinkTaken: two links of the same commit claim one record.
    """
    result: dict[str, tuple[LinkState | None, LinkState]] = {}
    for change in changes:
        link_id = change.link.id
        before, current = result.get(link_id) or (stored(link_id),) * 2
        if change.link.revision != (current.link.revision if current else 0):
            raise StaleLink(link_id)
        result[link_id] = (before, _change(current, change))
    _refuse_rivals(after.link for _, after in result.values())
    return result


def _change(current: LinkState | None, change: LinkChange) -> LinkState:
    link = but(change.link, revision=change.link.revision + 1)
    old_base = {} if current is None or change.clear_base else current.base
    held = dict(current.holds) if current else {}
    for name, hold in change.holds.items():
        if hold is None:
            held.pop(name, None)
        else:
            held[name] = hold
    return LinkState(link, {**old_base, **checked_prints(change.base)}, held)


def _refuse_rivals(links: Iterable[Link]) -> None:
    owners: dict[Claim, Link] = {}
    for link in links:
        for claim in claims(link):
            if claim in owners:
                raise LinkTaken([owners[claim]])
            owners[claim] = link


def checked_prints(prints: Mapping[FieldName, Fingerprint]) -> Mapping[FieldName, Fingerprint]:
    """Return fingerprints after making sure that they are some: a value must never slip in where one belongs.

    Raises:
        ValueError: one is not 16 bytes; the message names the field only.
    """
    values = prints.values()
    if {*map(type, values)} <= _BYTES and {*map(len, values)} <= _SIZES:
        return prints
    name = next(name for name, value in prints.items() if type(value) is not bytes or len(value) != SIZE)
    raise ValueError(f"{name}: not a fingerprint")


def new_run(run: Run) -> Run:
    """Return a run as it is first stored: leases are taken by `lease_run` alone."""
    return replace(run, worker=None, leased_until=0.0)


def saved_run(stored: Run, given: Run) -> Run:
    """Return what a stored run becomes when a worker saves its progress.

    Progress never goes backwards, an abort asked meanwhile stays asked, a seal stays set, the lease is left alone; a run
    that has ended lets go of its lease.

    Raises:
        RunHeld: the lease went to another worker meanwhile.
    """
    if given.worker is not None and stored.worker not in (None, given.worker):
        raise RunHeld(given.id)
    asked = stored.status is RunStatus.ABORTING and given.status is RunStatus.RUNNING
    status = RunStatus.ABORTING if asked else given.status
    return replace(
        stored,
        status=status,
        finished_at=given.finished_at,
        total=given.total,
        done=max(stored.done, given.done),
        reason=given.reason,
        details=given.details,
        seal=given.seal or stored.seal,
        approved_by=given.approved_by or stored.approved_by,
        worker=stored.worker if status in _WORKED else None,
        leased_until=stored.leased_until if status in _WORKED else 0.0,
    )


def leased_run(stored: Run, worker: str, now: float, until: float) -> Run:
    """Return a run with its lease taken or extended.

    Raises:
        RunHeld: another worker's lease has not run out.
    """
    if stored.worker not in (None, worker) and stored.leased_until > now:
        raise RunHeld(stored.id)
    return replace(stored, worker=worker, leased_until=until)


def subject(review: Review) -> Subject:
    """Return what an open review is unique by."""
    return (review.connection_id, review.kind, review.side, review.record_id, review.field_name)


def folded_reviews(stored: Iterable[Review], given: Sequence[Review]) -> Mapping[str, Review]:
    """Return the reviews to be stored, by id: opening a subject again updates the review that is open.

    Args:
        stored: At least those of the same ids, and the open ones of the same subjects.
        given: The reviews of the commit, in order.
    """
    known = {review.id: review for review in stored}
    opened = {subject(review): review.id for review in known.values() if review.status is ReviewStatus.OPEN}
    result: dict[str, Review] = {}
    for review in given:
        kept_id = opened.get(subject(review), review.id) if review.status is ReviewStatus.OPEN else review.id
        kept = known.get(kept_id)
        if review.status is ReviewStatus.OBSOLETE and kept is not None and kept.status is ReviewStatus.DECIDED:
            continue  # a person was faster than what would have settled it
        if kept is not None and review.status is kept.status is ReviewStatus.OPEN:
            review = replace(review, id=kept.id, opened_at=kept.opened_at)
        known[review.id] = result[review.id] = review
        _move_opening(opened, review)
    return result


def _move_opening(opened: dict[Subject, str], review: Review) -> None:
    if review.status is ReviewStatus.OPEN:
        opened[subject(review)] = review.id
    elif opened.get(subject(review)) == review.id:
        del opened[subject(review)]


def checked_rows(rows: Sequence[RunRow]) -> Sequence[RunRow]:
    """Return run rows after making sure that their fingerprints are some.

    Raises:
        ValueError: one is not 16 bytes.
    """
    for row in rows:
        for prints in row.prints.values():
            checked_prints(prints)
    return rows


def with_intent(pending: SidePrints, intent: Intent) -> SidePrints:
    """Return what a link is about to write once an intent is added."""
    if not intent.prints:
        return pending
    return {**pending, intent.side: {**pending.get(intent.side, {}), **intent.prints}}


def without_intent(pending: SidePrints, intent: Intent) -> SidePrints:
    """Return what a link is about to write once an intent is taken back."""
    own = pending.get(intent.side, {})
    kept = {name: value for name, value in own.items() if intent.prints.get(name) != value}
    others = {side: prints for side, prints in pending.items() if side is not intent.side}
    return {**others, intent.side: kept} if kept else others


def connections_of(commit: Commit) -> frozenset[str]:
    """Return the connections that a commit speaks of."""
    named = [change.link.connection_id for change in commit.links]
    named += [item.connection_id for items in (commit.reviews, commit.audits, commit.logs) for item in items]
    return frozenset(named)


def runs_of(commit: Commit) -> frozenset[str]:
    """Return the runs that a commit writes rows or progress of."""
    return frozenset(row.run_id for row in commit.rows) | ({commit.run.id} if commit.run else set())


def unknown_connection(connection_id: str) -> BadInput:
    """Return the error for a connection that was never put."""
    return BadInput(f"connection {connection_id}: not known to this store")


def unknown_run(run_id: str) -> BadInput:
    """Return the error for a run that was never started."""
    return BadInput(f"run {run_id}: not known to this store")
