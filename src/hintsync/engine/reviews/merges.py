"""What a person decides after a merge that nobody could follow alone: whose link stays, or who took a lost record's place."""

from __future__ import annotations

from hintsync.core.errors import BadInput
from hintsync.core.lifecycle import RESUMED, base_after_move, moved_link
from hintsync.core.policy import Choices
from hintsync.core.records import LinkState, RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import HandResult, refuse_restored, sync_with_choices
from hintsync.engine.pairs.holding import holding
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.pairs.parting import Intent, part
from hintsync.engine.pairs.write_back import MESSAGE
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Commit, LinkChange, Review

#: Rows whose review stands between two links that are both frozen: one of them must be kept.
BOTH_FROZEN = frozenset({"D6", "D8"})


async def keep_after_merge(engine: Engine, review: Review, kept: RecordId) -> HandResult:
    """Decide a merge: the record that a person names stays linked with the one that is left, and the pair is synced.

    After D6 and D8 that is one of the two records that were linked to the merged ones; the other link ends (row U1). After
    D2 and D9 it is the record that took the place of the one that is gone; the link goes there, base kept.

    Raises:
        BadInput: the record is none of these, is gone, or is linked already.
    """
    if review.details.get("rule") in BOTH_FROZEN:
        state = await _end_the_other(engine, review, kept)
        survivor = review.record_id
    else:
        state = await _lost_link(engine, review)
        survivor = kept
    state = await _go_to(engine, state, review.side, survivor)
    return await sync_with_choices(engine, state, Choices())


async def _end_the_other(engine: Engine, review: Review, kept: RecordId) -> LinkState:
    """End the link that is not kept (rows D6 and D8) and return the other one."""
    found = await engine.store.live_links(engine.connection.id, review.side.other, review.candidates)
    if kept not in found:
        raise BadInput(f"{kept} is none of {', '.join(review.candidates)}, or is not linked any more")
    for state in found.values():
        refuse_restored(state)
    others = [state for record_id, state in found.items() if record_id != kept]
    async with holding(engine, [state.link.id for state in others]):
        for other in others:
            await part(engine, other, Intent())
    return found[kept]


async def _lost_link(engine: Engine, review: Review) -> LinkState:
    found = await engine.store.live_links(engine.connection.id, review.side, [review.record_id])
    if review.record_id not in found:
        raise BadInput(f"{review.side} {review.record_id} is not linked any more")
    refuse_restored(found[review.record_id])
    return found[review.record_id]


async def _go_to(engine: Engine, state: LinkState, side: Side, survivor: RecordId) -> LinkState:
    """Return the link at the record that is left: thawed if it is there already, moved to it if not."""
    link = state.link
    if survivor == (link.contact_id if side is Side.SALESFORCE else link.patient_id):
        thawed = moved_link(link, side, survivor, reason=RESUMED)
        return LinkState(thawed, state.base, state.holds)
    if survivor in await engine.store.live_links(engine.connection.id, side, [survivor]):
        raise BadInput(f"{side} {survivor} is linked already; unlink it first")
    other_id = link.patient_id if side is Side.SALESFORCE else link.contact_id
    seen, other = await _read(engine, side, survivor), await _read(engine, side.other, other_id or "")
    async with holding(engine, [link.id]):
        moved = moved_link(link, side, survivor)
        base = base_after_move(state, seen, other)
        base.pop(MESSAGE, None)
        rule = "D4" if side is Side.SALESFORCE else "D7"
        audit = Scribe(engine, f"link:{link.id}").audit("moved", moved, rule=rule, side=side, reason="by a person")
        at = engine.clock.now().timestamp()  # its first pass is taken up by a worker if it is cut off here
        await engine.store.mark(engine.connection.id, [Mark(side, survivor, "person", at, Lane.INTERACTIVE)])
        await engine.store.commit(Commit(links=[LinkChange(moved, base, clear_base=True)], audits=[audit]))
    stored = await engine.store.link(link.id)
    assert stored is not None, "it was committed just now"
    return stored


async def _read(engine: Engine, side: Side, record_id: RecordId) -> Snapshot:
    seen = (await engine.replicas[side].read([record_id])).get(record_id)
    if seen is None or seen.state not in (RecordState.LIVE, RecordState.ARCHIVED):
        raise BadInput(f"no {side} record {record_id}")
    return seen
