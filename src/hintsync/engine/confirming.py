"""Asks, after a restore, whether links still are what they were when the backup was taken, before anything follows from them.

Links out of a backup are frozen, those that waited for something already as well. People have linked and unlinked since, and the
records say so: the contact shows the patient that it is linked with. One scan of both sides tells of each link whether it is again
what it was, was ended, or must be put to a person (`core.restored`), and which links were made since. Nothing is written to either
side here. Every pair that goes on is then taken up by the ordinary path: it finishes an unlink that was begun, finds out what
became of missing records, and lets a difference wait for a person (`core.first_sync.stale_name`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from hintsync.core.errors import RetryLater
from hintsync.core.records import KeyRow, Link, LinkStatus, RecordId, RecordState
from hintsync.core.restored import DOUBTED, RESTORED, Shown, Verdict, before_restore, is_restored, judge
from hintsync.core.values import Side
from hintsync.engine.batch.census import refuse_empty
from hintsync.engine.context import Engine
from hintsync.engine.pairs.outcomes import Records, Scribe
from hintsync.engine.pairs.parting import Intent, intent_of
from hintsync.engine.reviews.standing import OF_PAIRS, OpenReviews, load_open_reviews
from hintsync.engine.runs.life import check_identity
from hintsync.state.live import Lane, Mark
from hintsync.state.port import LinkChange, LogEntry, LogLevel, Review, ReviewKind, StaleLink

#: Name of the work in the schedule, and the cursor that asks for it.
CONFIRM: Final = "confirm-links"
ASKED: Final = f"schedule:{CONFIRM}:asked"
#: Cause of the marks.
CAUSE: Final = "restored"
#: Links changed in one commit.
_GROUP: Final = 500


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What became of restored links."""

    #: Are again what they were when the backup was taken.
    kept: int = 0
    #: Were ended since the backup, as both records say.
    ended: int = 0
    #: Are put to a person, because the records do not agree about that.
    doubted: int = 0
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
    judged = [_judged(link, shown) for link in links if is_restored(link)]
    ended = [link for link in judged if link.status is LinkStatus.ENDED]
    gone = {link.id for link in ended}
    await _decline(engine, ended)
    await _change(engine, judged, {link.id: link for link in links})
    left = [link for link in links if link.id not in gone]
    made = shown.claimed & shown.patients.keys() - {link.patient_id for link in left}
    await _have_compared(engine, left, made)
    doubted = sum(link.reason == DOUBTED for link in judged)
    return Confirmed(len(judged) - len(ended) - doubted, len(ended), doubted, len(made))


async def _look(engine: Engine) -> Shown:
    shown = Shown()
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


def _judged(link: Link, shown: Shown) -> Link:
    """Return a restored link as it is from now on."""
    status, reason = before_restore(link)
    before, verdict = replace(link, status=status, reason=reason), _verdict(link, shown)
    intent = intent_of(before)
    if verdict is Verdict.ENDED or (verdict is Verdict.DOUBTED and intent and _belong_to_others(link, shown)):
        return replace(link, status=LinkStatus.ENDED, reason=RESTORED)
    if intent is not None:
        return replace(before, reason=_still_meant(link, intent, shown).text())
    if verdict is Verdict.DOUBTED and status is not LinkStatus.FROZEN:
        return replace(link, status=LinkStatus.FROZEN, reason=DOUBTED)
    return before  # one that waited for a person does so again


def _verdict(link: Link, shown: Shown) -> Verdict:
    return judge(link.contact_id, link.patient_id, shown) if link.contact_id and link.patient_id else Verdict.GOES_ON


def _belong_to_others(link: Link, shown: Shown) -> bool:
    """Say whether finishing an unlink would empty what somebody else's link has written since."""
    peer_id, _ = shown.contacts.get(link.contact_id or "", (None, False))
    return bool(peer_id) or shown.patients.get(link.patient_id or "") not in (None, "", link.contact_id)


def _still_meant(link: Link, intent: Intent, shown: Shown) -> Intent:
    """Return what is left of an unlink that was begun; the link that was to follow only if nothing of it was done since."""
    contact_id, next_patient = link.contact_id or "", intent.next_patient
    untouched = shown.contacts.get(contact_id, (None, False))[0] == link.patient_id
    if next_patient and untouched and shown.is_free_for(contact_id, next_patient):
        return intent
    return Intent(intent.clear_mirrors)


async def _decline(engine: Engine, links: Sequence[Link]) -> None:
    """Remember pairs as parted (row U4); their links end in the store alone, for their records belong to others by now."""
    for link in links:
        if link.contact_id and link.patient_id:
            ids = (link.contact_id, link.patient_id)
            await engine.store.decline(engine.connection.id, *ids, by=engine.actor, at=engine.now())


async def _change(engine: Engine, judged: Sequence[Link], restored: Mapping[str, Link]) -> None:
    """Store links as judged, with what follows from it; those who still wait when it is cut off are found again."""
    reviews = await load_open_reviews(engine) if judged else OpenReviews()
    frozen = [link for link in judged if link.status is LinkStatus.FROZEN]
    waiting = {each for link in frozen for each in (link.contact_id, link.patient_id) if each}
    for start in range(0, len(judged), _GROUP):
        records = Records()
        for link in judged[start : start + _GROUP]:
            records.add(_changed(engine, link, restored[link.id], reviews, waiting))
        try:
            await engine.store.commit(records.commit())
        except StaleLink:
            raise RetryLater(None, "a link moved while restored links were confirmed") from None


def _changed(engine: Engine, link: Link, restored: Link, reviews: OpenReviews, waiting: Set[RecordId]) -> Records:
    scribe = Scribe(engine, f"link:{link.id}")
    if link.status is LinkStatus.ENDED:
        return _ended(scribe, link, _settled(engine, link, reviews, waiting))
    if link.reason == DOUBTED and before_restore(restored)[1] != DOUBTED:
        return _doubted(scribe, link)
    records = Records(links=[LinkChange(link)], audits=[scribe.audit("confirmed", link, reason="after a restore")])
    meant = intent_of(replace(restored, reason=before_restore(restored)[1]))
    now = intent_of(link)
    if meant and now and meant.next_patient and not now.next_patient:
        text = f"the link with {meant.next_patient} that was to follow is not made: look whether it still is wanted"
        records.logs.append(_log(scribe, link, "relink-dropped", text))
    return records


def _ended(scribe: Scribe, link: Link, settled: list[Review]) -> Records:
    text = "the link had been ended since the backup, as its records show; it was ended here, too"
    audit = scribe.audit("unlinked", link, reason="after a restore: its records show it")
    log = _log(scribe, link, "ended-since-backup", text)
    return Records(links=[LinkChange(link)], reviews=settled, audits=[audit], logs=[log])


def _doubted(scribe: Scribe, link: Link) -> Records:
    """Put a link to a person (row U1): one record says that it was ended since, the other does not."""
    text = "the records do not agree whether the link was ended since the backup; a person decides"
    found = [link.patient_id] if link.patient_id else []
    review = scribe.review(
        ReviewKind.OVERLAY, Side.SALESFORCE, link.contact_id or "", candidates=found, rule="U1", reason=DOUBTED
    )
    audit = scribe.audit("doubted", link, reason="after a restore: its records do not agree")
    log = _log(scribe, link, "doubted-since-backup", text)
    return Records(links=[LinkChange(link)], reviews=[review], audits=[audit], logs=[log])


def _settled(engine: Engine, link: Link, reviews: OpenReviews, waiting: Set[RecordId]) -> list[Review]:
    """Return the reviews that an ended link needs no more; about a merge only if no other link waits for the answer."""
    ids = [(Side.SALESFORCE, link.contact_id or ""), (Side.HINT, link.patient_id or "")]
    settled = reviews.asked_no_more(*ids[0], OF_PAIRS, engine.now())
    merges = [each for key in ids for each in reviews.asked_no_more(*key, {ReviewKind.MERGE}, engine.now())]
    return settled + [each for each in merges if waiting.isdisjoint(each.candidates)]


def _log(scribe: Scribe, link: Link, event: str, text: str) -> LogEntry:
    return scribe.log(LogLevel.ERROR, event, text, contact_id=link.contact_id, patient_id=link.patient_id)


async def _have_compared(engine: Engine, links: Sequence[Link], unknown: Collection[RecordId]) -> None:
    """Mark every pair, and every patient that a contact shows without a link of ours; no event may ever tell of these."""
    now = engine.clock.now().timestamp()
    marks = [Mark(Side.SALESFORCE, link.contact_id, CAUSE, now, Lane.PARITY) for link in links if link.contact_id]
    marks += [Mark(Side.HINT, patient_id, CAUSE, now, Lane.PARITY) for patient_id in sorted(unknown)]
    for start in range(0, len(marks), _GROUP):
        await engine.store.mark(engine.connection.id, marks[start : start + _GROUP])
