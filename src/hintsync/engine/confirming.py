"""Asks, after a restore, whether links still are what they were when the backup was taken, before anything follows from them.

Links out of a backup are frozen. People have linked and unlinked since, and the records say so: the contact shows the patient that
it is linked with. One scan of both sides tells of each link whether it goes on or was ended, and which links were made since.
Nothing is written to either side here. Every pair that goes on is then compared by the ordinary path, where a difference waits for
a person (`core.first_sync.stale_name`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

from hintsync.core.errors import RetryLater
from hintsync.core.lifecycle import RESTORED
from hintsync.core.records import KeyRow, Link, LinkStatus, RecordId, RecordState
from hintsync.core.values import Side
from hintsync.engine.batch.census import refuse_empty
from hintsync.engine.context import Engine
from hintsync.engine.pairs.outcomes import Records, Scribe
from hintsync.engine.reviews.standing import OF_PAIRS, OpenReviews, load_open_reviews
from hintsync.engine.runs.life import check_identity
from hintsync.state.live import Lane, Mark
from hintsync.state.port import LinkChange, LogLevel, StaleLink

#: Name of the work in the schedule, and the cursor that asks for it.
CONFIRM: Final = "confirm-links"
ASKED: Final = f"schedule:{CONFIRM}:asked"
#: Cause of the marks.
CAUSE: Final = "restored"
#: Links changed in one commit.
_GROUP: Final = 500


@dataclass(slots=True)
class _Shown:
    """What the records of both sides say of links."""

    #: Contact id to the patient that it shows and whether it is marked; contacts that show nothing are in here, too.
    contacts: dict[RecordId, tuple[RecordId | None, bool]] = field(default_factory=dict)
    #: Patient id to the contact that it shows; "" where it shows none.
    patients: dict[RecordId, RecordId] = field(default_factory=dict)
    #: Patients that a contact shows.
    claimed: set[RecordId] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What became of restored links."""

    #: Go on.
    kept: int = 0
    #: Were ended since the backup, as both records say.
    ended: int = 0
    #: Patients that a contact shows without a link of ours: their links were made since.
    made: int = 0


async def confirm_links(engine: Engine) -> Confirmed:
    """Let restored links go on, or end them; have every pair compared and links found again that were made since.

    Cut off anywhere, it is done again and goes on with the links that are left.

    Raises:
        SafetyStop: another org or practice than the pinned one (G1), or a side that shows nobody (G2).
        RetryLater: a side does not answer.
    """
    await check_identity(engine)
    links = await engine.store.live_pairs(engine.connection.id)
    shown = await _look(engine)
    refuse_empty(links_exist=bool(links), contacts=len(shown.contacts), patients=len(shown.patients))
    waiting = [link for link in links if link.status is LinkStatus.FROZEN and link.reason == RESTORED]
    ended = [link for link in waiting if _was_ended(link, shown)]
    gone = {link.id for link in ended}
    kept = [link for link in waiting if link.id not in gone]
    await _end(engine, ended)
    await _change(engine, kept, LinkStatus.ACTIVE, "confirmed")
    left = [link for link in links if link.id not in gone]
    made = shown.claimed & shown.patients.keys() - {link.patient_id for link in left}
    await _have_compared(engine, left, made)
    return Confirmed(len(kept), len(ended), len(made))


async def _look(engine: Engine) -> _Shown:
    shown = _Shown()
    async for row in _rows(engine, Side.SALESFORCE):
        shown.contacts[row.id] = row.peer_id, row.marked
        if row.peer_id and row.marked and row.state is RecordState.LIVE:
            shown.claimed.add(row.peer_id)
    async for row in _rows(engine, Side.HINT):
        # behind the point: the reservation it was created under
        shown.patients[row.id] = (row.peer_id or "").partition(".")[0]
    return shown


async def _rows(engine: Engine, side: Side) -> AsyncIterator[KeyRow]:
    async with aclosing(engine.replicas[side].scan_keys()) as pages:  # type: ignore[type-var]  # async generators
        async for page in pages:
            for row in page:
                yield row


def _was_ended(link: Link, shown: _Shown) -> bool:
    """Say whether the records show that a link was ended since the backup.

    That is so where its contact shows another patient, where another contact shows its patient, or where neither shows the
    other. A record that is not there says nothing: the ordinary path finds out what became of it (rows D1 to D9). Where only one of
    the two has lost its mark, somebody edited that by hand, and the mark comes back (row U2).
    """
    peer_id, marked = shown.contacts.get(link.contact_id or "", (None, True))
    if peer_id == link.patient_id:
        return False
    if peer_id or link.patient_id in shown.claimed:
        return True
    return not marked and shown.patients.get(link.patient_id or "", link.contact_id) != link.contact_id


async def _end(engine: Engine, links: Sequence[Link]) -> None:
    """End links in the store alone, and remember the pairs as parted (row U4); their records belong to others by now."""
    for link in links:
        if link.contact_id and link.patient_id:
            ids = (link.contact_id, link.patient_id)
            await engine.store.decline(engine.connection.id, *ids, by=engine.actor, at=engine.now())
    await _change(engine, links, LinkStatus.ENDED, "unlinked")


async def _change(engine: Engine, links: Sequence[Link], status: LinkStatus, action: str) -> None:
    """Give links another status, with what follows from it; those who still wait when it is cut off are found again."""
    ends = status is LinkStatus.ENDED
    reviews = await load_open_reviews(engine) if ends and links else OpenReviews()
    for start in range(0, len(links), _GROUP):
        records = Records()
        for link in links[start : start + _GROUP]:
            records.add(
                _changed(engine, replace(link, status=status, reason=RESTORED if ends else None), action, reviews)
            )
        try:
            await engine.store.commit(records.commit())
        except StaleLink:
            raise RetryLater(None, "a link moved while restored links were confirmed") from None


def _changed(engine: Engine, link: Link, action: str, reviews: OpenReviews) -> Records:
    scribe = Scribe(engine, f"link:{link.id}")
    if link.status is not LinkStatus.ENDED or not link.contact_id:
        return Records(links=[LinkChange(link)], audits=[scribe.audit(action, link, reason="after a restore")])
    text = "the link had been ended since the backup, as its records show; it was ended here, too"
    log = scribe.log(LogLevel.ERROR, "ended-since-backup", text, contact_id=link.contact_id, patient_id=link.patient_id)
    settled = reviews.asked_no_more(Side.SALESFORCE, link.contact_id, OF_PAIRS, engine.now())
    audit = scribe.audit(action, link, reason="after a restore: its records show it")
    return Records([LinkChange(link)], reviews=settled, audits=[audit], logs=[log])


async def _have_compared(engine: Engine, links: Sequence[Link], unknown: Collection[RecordId]) -> None:
    """Mark every pair, and every patient that a contact shows without a link of ours; no event may ever tell of these."""
    now = engine.clock.now().timestamp()
    marks = [Mark(Side.SALESFORCE, link.contact_id, CAUSE, now, Lane.PARITY) for link in links if link.contact_id]
    marks += [Mark(Side.HINT, patient_id, CAUSE, now, Lane.PARITY) for patient_id in sorted(unknown)]
    for start in range(0, len(marks), _GROUP):
        await engine.store.mark(engine.connection.id, marks[start : start + _GROUP])
