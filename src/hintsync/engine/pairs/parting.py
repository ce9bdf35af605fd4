"""Ends links: unlink, and the first half of a re-link or a move (rows U1, U3, U5).

The intent is written on the link before anything else, so that a crash half-way leaves a link that says what it is about
to become; `finish_parting` carries it on. Releasing what is released already changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from hintsync.core.errors import RetryLater
from hintsync.core.link import Trigger
from hintsync.core.records import Link, LinkState, LinkStatus, RecordId, Snapshot
from hintsync.core.unlink import Release, UnlinkPlan, is_left_over, plan_unlink
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.creating import new_link
from hintsync.engine.pairs.holding import holding_if_free
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.pairs.writing import Trouble, write_side
from hintsync.engine.reviews.standing import OF_PAIRS, closed
from hintsync.ports import Bookkeeping, Update, WriteMode
from hintsync.state.port import Commit, LinkChange, LinkTaken, LogEntry, LogLevel, Review

#: `Link.reason` of a link that is being ended begins so; with the mirrors of the contact cleared, or kept.
PARTING = "parting"
PARTING_KEEP_MIRRORS = "parting-keep-mirrors"


class NotReleased(RetryLater):
    """A system refuses to let go of one record, for a reason of that record; nobody else's is any worse off."""

    code = "not-released"


@dataclass(frozen=True, slots=True)
class Intent:
    """What a parting link is about to become, as its reason says it."""

    clear_mirrors: bool = True
    #: A re-link: the patient that the contact is linked with next, and the reason of that reservation.
    next_patient: RecordId | None = None
    next_reason: str = ""

    def text(self) -> str:
        """Return the intent as a link's reason."""
        word = PARTING if self.clear_mirrors else PARTING_KEEP_MIRRORS
        return f"{word}>{self.next_patient}>{self.next_reason}" if self.next_patient else word


def intent_of(link: Link) -> Intent | None:
    """Read a parting link's intent; None if the link is not being ended."""
    word, _, rest = (link.reason or "").partition(">")
    if link.status is not LinkStatus.FROZEN or word not in (PARTING, PARTING_KEEP_MIRRORS):
        return None
    patient_id, _, reason = rest.partition(">")
    return Intent(word == PARTING, patient_id or None, reason)


@dataclass(frozen=True, slots=True)
class Parted:
    """What became of a link that was ended."""

    plan: UnlinkPlan
    #: Hint kept our id on the patient.
    left_over: bool


async def part(engine: Engine, state: LinkState, intent: Intent) -> Parted:
    """End a link on both systems, then in the store (row U1); the pair is remembered as parted by a person (U4).

    With a next patient, the new link is reserved in the same commit that ends the old one (row U3).

    Raises:
        RetryLater: a side could not be written now; the link says that it is being ended and may be finished later.
        NotReleased: a side refuses this very record; it is the same with the link.
    """
    link = replace(state.link, status=LinkStatus.FROZEN, reason=intent.text())
    await engine.store.commit(Commit(links=[LinkChange(link)]))
    stored = await engine.store.link(link.id)
    return await _finish(engine, stored or state, intent)


async def finish_parting(engine: Engine) -> int:
    """Finish every parting that was cut off; return how many.

    One that somebody is at is left to them, and one that a system refuses waits: it keeps nobody else from anything.
    """
    frozen = await engine.store.links(engine.connection.id, statuses=[LinkStatus.FROZEN])
    finished = 0
    for state in frozen:
        if intent_of(state.link) is not None:
            async with holding_if_free(engine, state.link.id) as ours:
                with suppress(NotReleased):  # told whoever parted the two, and by the passes that try it again
                    finished += bool(ours and await finish_parting_of(engine, state))
    return finished


async def finish_parting_of(engine: Engine, state: LinkState) -> bool:
    """Finish the parting of one link, which the caller holds; false if it is not being ended (any more)."""
    stored = await engine.store.link(state.link.id)
    intent = intent_of(stored.link) if stored else None
    if stored is None or intent is None:
        return False
    await _finish(engine, stored, intent)
    return True


async def _finish(engine: Engine, state: LinkState, intent: Intent) -> Parted:
    link = state.link
    contact = (await engine.salesforce.read([link.contact_id])).get(link.contact_id) if link.contact_id else None
    patient = (await engine.hint.read([link.patient_id])).get(link.patient_id) if link.patient_id else None
    plan = plan_unlink(link, contact, patient, engine.table, clear_mirrors=intent.clear_mirrors)
    for release in plan.releases:
        if not release.writes_nothing:
            await _release(engine, release)
    left_over = await _kept(engine, plan, patient)
    await _end(engine, state, plan, intent, left_over=left_over)
    return Parted(plan, left_over)


async def _release(engine: Engine, release: Release) -> None:
    keeping = Bookkeeping(peer_id="" if release.empty_peer_id else None, marked=False if release.untick else None)
    update = Update(release.record_id, release.cleared, None, keeping)
    result = (await write_side(engine, release.side, [update], WriteMode.BATCH))[release.record_id]
    if result.trouble not in (None, Trouble.GONE):
        kind = NotReleased if result.trouble is Trouble.REFUSED else RetryLater
        raise kind(release.side, f"{release.record_id} could not be released: {result.code or result.trouble}")


async def _kept(engine: Engine, plan: UnlinkPlan, patient: Snapshot | None) -> bool:
    """Read the patient back: the papers do not say that Hint takes a null for our id."""
    if patient is None or all(release.side is not Side.HINT for release in plan.releases):
        return False
    now = (await engine.hint.read([plan.patient_id])).get(plan.patient_id)
    return now is not None and is_left_over(plan, now)


async def _end(engine: Engine, state: LinkState, plan: UnlinkPlan, intent: Intent, *, left_over: bool) -> None:
    ended = replace(state.link, status=LinkStatus.ENDED, reason="unlinked")
    scribe = Scribe(engine, f"link:{ended.id}")
    note = "Hint kept our id on the patient" if left_over else None
    audit = scribe.audit("unlinked", ended, rule="U1", side=Side.SALESFORCE, fields=sorted(plan.cleared), reason=note)
    await engine.store.decline(engine.connection.id, *plan.parted, by=engine.actor, at=engine.now())
    end = Commit([LinkChange(ended)], reviews=await _asked_no_more(engine, plan), audits=[audit])
    try:
        following = _following(engine, plan, intent)
        await engine.store.commit(replace(end, links=[*end.links, *following], logs=_logs(scribe, plan, note)))
    except (
        LinkTaken
    ):  # cut off, and linked with somebody else before it was gone on with: the old link ends all the same
        taken = f"{intent.next_patient} is linked with another contact by now"
        await engine.store.commit(replace(end, logs=_logs(scribe, plan, note, taken)))


def _following(engine: Engine, plan: UnlinkPlan, intent: Intent) -> list[LinkChange]:
    """Return the reservation of the link that follows a re-link (row U3)."""
    if intent.next_patient is None:
        return []
    link = new_link(
        engine,
        str(Trigger.MANUAL),
        contact_id=plan.contact_id,
        patient_id=intent.next_patient,
        reason=intent.next_reason,
    )
    return [LinkChange(link)]


async def _asked_no_more(engine: Engine, plan: UnlinkPlan) -> list[Review]:
    """Close what was asked about the pair: there is none any more."""
    known = await engine.store.reviews(engine.connection.id, record_ids=[plan.contact_id])
    return [closed(each, engine.now()) for each in known if each.kind in OF_PAIRS]


def _logs(scribe: Scribe, plan: UnlinkPlan, *notes: str | None) -> Sequence[LogEntry]:
    ids = {"contact_id": plan.contact_id, "patient_id": plan.patient_id}
    told = [f"{note}; the link ended all the same (U1)" for note in notes if note is not None]
    return [scribe.log(LogLevel.ERROR, "left-over", text, **ids) for text in told]
