"""What a person does with one pair: sync it, link it, link it anew, unlink it, create the patient (M9 to M12, M17)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hintsync.core.errors import AskPerson, BadInput, RetryLater
from hintsync.core.lifecycle import RESUMED
from hintsync.core.link import Trigger
from hintsync.core.link_by_hand import ManualDecision, Step, Warned, decide_by_hand
from hintsync.core.plan import Outcome
from hintsync.core.policy import Choices
from hintsync.core.records import (
    FieldName,
    Link,
    LinkState,
    LinkStatus,
    RecordId,
    RecordState,
    Snapshot,
)
from hintsync.core.restored import is_restored
from hintsync.core.values import Side
from hintsync.engine.batch.cases import choices_of, mode_of
from hintsync.engine.batch.linking import outcome_of
from hintsync.engine.context import Engine
from hintsync.engine.pairs.choice import (
    chosen_pair,
    inherited_prints,
    look_before_create,
    read_both,
    reason_of_first_sync,
    states_of,
    unfinished_of,
)
from hintsync.engine.pairs.creating import Birth, create_missing, new_link
from hintsync.engine.pairs.holding import holding
from hintsync.engine.pairs.outcomes import Records, Scribe, record_pair, written_by_side
from hintsync.engine.pairs.parting import Intent, finish_parting, part
from hintsync.engine.pairs.settling import Pair, is_gone, settle
from hintsync.engine.pairs.write_back import write_back
from hintsync.engine.reviews.standing import load_open_reviews
from hintsync.engine.runs.life import check_identity
from hintsync.ports import WriteMode
from hintsync.state.port import Commit, LinkChange, LinkTaken, ReviewKind


@dataclass(frozen=True, slots=True)
class HandResult:
    """What came of a person's action."""

    step: Step
    #: Semantics row.
    rule: str
    outcome: Outcome
    link: Link | None = None
    written: Mapping[Side, tuple[FieldName, ...]] = field(default_factory=dict)
    held: tuple[FieldName, ...] = ()
    reason: str | None = None
    #: What the person must confirm before it is done.
    warnings: tuple[Warned, ...] = ()
    #: Who stands in the way.
    linked_to: RecordId | None = None
    #: Records that a duplicate rule names (row L12).
    duplicates: tuple[RecordId, ...] = ()
    #: Hint kept our id on a patient that was unlinked.
    left_over: bool = False
    #: A vendor's own words by side, for the person acting only.
    shown_once: Mapping[Side, str] = field(default_factory=dict, repr=False)

    @property
    def done(self) -> bool:
        """Whether the action was carried out."""
        return self.step not in (Step.ASK, Step.REFUSE) and self.outcome is not Outcome.FAILED


async def sync_by_hand(engine: Engine, side: Side, record_id: RecordId) -> HandResult:
    """Sync the pair of a linked record now; a suspended link whose records are both back goes on.

    Raises:
        BadInput: the record is not linked.
        RetryLater: a worker is at the pair and does not let go of it.
    """
    await _begin(engine)
    async with holding(engine, _ids(await _linked(engine, side, record_id))):
        state = await _linked(engine, side, record_id)
        refuse_restored(state)
        if state.link.status is LinkStatus.FROZEN:
            why = f"the link of {record_id} is frozen ({state.link.reason})"
            raise AskPerson(f"{why}; `hintsync review` shows what to decide")
        return await _sync(engine, state, "L4", Step.SYNC)


def refuse_restored(state: LinkState) -> None:
    """Let nobody work or end a link out of a backup before its records were asked whether it still is.

    Raises:
        AskPerson: it was not asked yet.
    """
    if is_restored(state.link):
        why = f"the link of {state.link.contact_id} is frozen (restored): it came out of a backup"
        raise AskPerson(f"{why}, and the service asks its records first: start it, or run `hintsync verify`")


async def _linked(engine: Engine, side: Side, record_id: RecordId) -> LinkState:
    state = (await engine.store.live_links(engine.connection.id, side, [record_id])).get(record_id)
    if state is None or state.link.contact_id is None or state.link.patient_id is None:
        raise BadInput(f"{side} {record_id} is not linked; link it first")
    return state


def _ids(*states: LinkState | None) -> list[str]:
    return list(dict.fromkeys(state.link.id for state in states if state is not None))


async def link_by_hand(
    engine: Engine, contact_id: RecordId, patient_id: RecordId, *, confirmed: Collection[Warned] = ()
) -> HandResult:
    """Link the contact and the patient that a person chose; the contact's values win, its blanks are filled.

    A contact or patient that is linked elsewhere is re-linked or moved once the warnings are confirmed (rows U3, U5).

    Raises:
        BadInput: no such contact, or no such patient.
        RetryLater: a worker is at a link of one of the two and does not let go of it.
    """
    await _begin(engine)
    contact, patient = await read_both(engine, contact_id, patient_id)
    before = await states_of(engine, contact.id, patient.id)
    async with holding(engine, _ids(*before.values())):
        states = await states_of(engine, contact.id, patient.id)
        if _ids(*states.values()) != _ids(*before.values()):
            raise RetryLater(None, "one of the two was linked or unlinked just now; look again")
        return await _link(engine, contact, patient, states, confirmed)


async def _link(
    engine: Engine,
    contact: Snapshot,
    patient: Snapshot,
    states: Mapping[Side, LinkState | None],
    confirmed: Collection[Warned],
) -> HandResult:
    unfinished = unfinished_of(states)
    if unfinished is not None:
        return await _sync(engine, unfinished, "L1", Step.LINK)
    decision = decide_by_hand(await chosen_pair(engine, contact, patient, states), confirmed)
    if decision.step in (Step.ASK, Step.REFUSE):
        return _not_done(decision)
    old, other = states[Side.SALESFORCE], states[Side.HINT]
    if decision.step is Step.SYNC and old is not None:
        return await _sync(engine, old, "L4", Step.SYNC)
    left_over = False
    if other is not None and other != old:
        left_over = (await part(engine, other, Intent())).left_over
    if old is not None:
        inherited = inherited_prints(engine, contact, old, patient.id)
        left_over |= (await part(engine, old, Intent(True, patient.id, reason_of_first_sync(inherited)))).left_over
    state = await _reserved(engine, contact.id, patient.id)
    async with holding(engine, [state.link.id]):
        result = await _sync(engine, state, decision.row, decision.step)
    return replace(result, left_over=left_over, warnings=tuple(sorted(decision.warnings)))


async def _reserved(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> LinkState:
    """Return the new pair's reservation: made when the contact's old link ended, or made now."""
    known = (await states_of(engine, contact_id, patient_id))[Side.SALESFORCE]
    if known is not None and known.link.patient_id == patient_id:
        return known
    link = new_link(
        engine, str(Trigger.MANUAL), contact_id=contact_id, patient_id=patient_id, reason=reason_of_first_sync()
    )
    return await _reserve(engine, link)


async def _reserve(engine: Engine, link: Link) -> LinkState:
    try:
        return LinkState(await engine.store.reserve(link), {}, {})
    except LinkTaken:
        raise AskPerson("one of the two was linked by someone else just now; look again") from None


async def unlink_by_hand(engine: Engine, contact_id: RecordId, *, clear_mirrors: bool = True) -> HandResult:
    """Unlink a contact from its patient; both records stay, demographics stay on both sides (row U1).

    Raises:
        BadInput: the contact is not linked.
    """
    await _begin(engine)
    async with holding(engine, _ids(await _linked(engine, Side.SALESFORCE, contact_id))):
        state = await _linked(engine, Side.SALESFORCE, contact_id)
        refuse_restored(state)
        parted = await part(engine, state, Intent(clear_mirrors))
    ended = await engine.store.link(state.link.id)
    written = {Side.SALESFORCE: parted.plan.cleared}
    return HandResult(
        Step.LINK, "U1", Outcome.SYNCED, ended.link if ended else None, written, left_over=parted.left_over
    )


async def create_by_hand(engine: Engine, contact_id: RecordId, *, allow_duplicate: bool = False) -> HandResult:
    """Create the Hint patient of a contact and link the two (M10).

    Raises:
        BadInput: no such contact.
    """
    await _begin(engine)
    contact, state, match = await look_before_create(engine, contact_id)
    if match.outcome is not Outcome.CREATED:
        return HandResult(
            Step.REFUSE, match.row, match.outcome, reason=match.reason, linked_to=next(iter(match.peers), None)
        )
    if state is None:
        link = new_link(
            engine, str(Trigger.MANUAL), contact_id=contact_id, patient_id=None, reason=reason_of_first_sync()
        )
        state = await _reserve(engine, link)
    async with holding(engine, [state.link.id]):
        return await _create(engine, state, contact, allow_duplicate=allow_duplicate)


async def _create(engine: Engine, state: LinkState, contact: Snapshot, *, allow_duplicate: bool = False) -> HandResult:
    birth = (await create_missing(engine, Side.HINT, [(state, contact)], allow_duplicate=allow_duplicate))[0]
    return await _born(engine, state, birth)


async def finish_create(engine: Engine, state: LinkState) -> HandResult:
    """Carry on the create of a patient that was cut off; the caller holds the reservation.

    The create carries the same key again, so a patient that was made is adopted. A contact that is gone ends it.
    """
    contact_id = state.link.contact_id or ""
    contact = (await engine.salesforce.read([contact_id])).get(contact_id)
    if contact is not None and contact.state is RecordState.LIVE:
        return await _create(engine, state, contact)
    link = replace(state.link, status=LinkStatus.ENDED, reason="contact gone before its patient was created")
    audit = Scribe(engine, f"link:{link.id}").audit("ended", link, reason=link.reason)
    await engine.store.commit(Commit(links=[LinkChange(link)], audits=[audit]))
    return HandResult(Step.REFUSE, "D1", Outcome.NOT_FOUND, link, reason=link.reason)


async def _born(engine: Engine, state: LinkState, birth: Birth) -> HandResult:
    """Finish a create: whatever was created or adopted gets its first sync, which also marks the contact."""
    patient_id = birth.record_id
    if patient_id is None:
        return await _not_born(engine, state, birth)
    link = replace(state.link, patient_id=patient_id)
    base = birth.change.base if birth.change else {}
    scribe = Scribe(engine, f"link:{link.id}")
    audit = scribe.audit("created", link, rule="L2", side=Side.HINT, fields=birth.written)
    await engine.store.commit(Commit(links=[LinkChange(link, base)], audits=[audit]))
    stored = await engine.store.link(link.id)
    result = await _sync(engine, stored or state, "L2", Step.LINK)
    written = {**result.written, Side.HINT: tuple(sorted({*result.written.get(Side.HINT, ()), *birth.written}))}
    return replace(
        result, outcome=Outcome.CREATED if result.outcome is Outcome.LINKED else result.outcome, written=written
    )


async def _not_born(engine: Engine, state: LinkState, birth: Birth) -> HandResult:
    scribe = Scribe(engine, f"link:{state.link.id}")
    contact_id = state.link.contact_id or ""
    reviews = []
    if birth.change is None:
        reviews = [scribe.review(ReviewKind.CREATE_UNKNOWN, Side.SALESFORCE, contact_id, reason=birth.failure or "")]
    links = [birth.change] if birth.change else []
    await engine.store.commit(Commit(links=links, reviews=reviews))
    outcome = Outcome.DUPLICATE_RULE if birth.duplicates else Outcome.FAILED
    shown = {Side.HINT: birth.shown_once} if birth.shown_once else {}
    return HandResult(Step.REFUSE, "L12", outcome, reason=birth.failure, duplicates=birth.duplicates, shown_once=shown)


async def _begin(engine: Engine) -> None:
    await check_identity(engine)
    await finish_parting(engine)


def _not_done(decision: ManualDecision) -> HandResult:
    return HandResult(
        decision.step,
        decision.row,
        Outcome.ALREADY_LINKED if decision.linked_to else Outcome.TO_REVIEW,
        reason=decision.reason,
        warnings=tuple(sorted(decision.warnings)),
        linked_to=decision.linked_to,
    )


async def sync_with_choices(engine: Engine, state: LinkState, choices: Choices) -> HandResult:
    """Sync a linked pair with what a person settled for it (`engine.reviews.deciding`)."""
    await _begin(engine)
    async with holding(engine, [state.link.id]):
        stored = await engine.store.link(state.link.id)
        if stored is None or (stored.link.revision != state.link.revision):
            raise RetryLater(None, "the pair was synced just now; look again")
        refuse_restored(stored)
        return await _sync(engine, state, "F5", Step.SYNC, choices)


async def _sync(engine: Engine, state: LinkState, rule: str, step: Step, choices: Choices | None = None) -> HandResult:
    """Sync one pair in live mode and remember what came of it."""
    link = state.link
    pair_ids: Sequence[RecordId] = [i for i in (link.contact_id, link.patient_id) if i]
    contact = (await engine.salesforce.read(pair_ids[:1])).get(pair_ids[0])
    patient = (await engine.hint.read(pair_ids[1:])).get(pair_ids[-1])
    if contact is None or patient is None or is_gone(contact) or is_gone(patient):
        gone = Side.SALESFORCE if contact is None or is_gone(contact) else Side.HINT
        return await _suspend(engine, state, gone)
    if link.status is LinkStatus.SUSPENDED:  # both are back (row D1)
        state = replace(state, link=replace(link, status=LinkStatus.ACTIVE, reason=RESUMED))
    pair = Pair(state, patient, contact, mode_of(link), choices=choices or choices_of(link))
    settled = (await settle(engine, [pair], WriteMode.LIVE))[0]
    records = Records()
    scribe = Scribe(engine, f"link:{link.id}", open_reviews=await load_open_reviews(engine))
    told = record_pair(scribe, settled, records)
    if (link.status is LinkStatus.SUSPENDED or (choices and choices.overlay_allowed)) and not records.links:
        records.links.append(LinkChange(settled.pair.state.link))
    if settled.gone is None:
        await write_back(engine, [(state, records)])
    if not records.empty():
        await engine.store.commit(records.commit())
    meant = Outcome.LINKED if link.status is LinkStatus.RESERVED else Outcome.SYNCED
    outcome, reason = outcome_of(settled, meant)
    stored = await engine.store.link(link.id)
    waiting = {name for name, hold in told.holds.items() if hold is not None}
    held = tuple(sorted(waiting.union(settled.plan.held)))
    return HandResult(
        step,
        rule,
        outcome,
        stored.link if stored else None,
        written_by_side(settled),
        held,
        reason,
        shown_once={side: r.shown_once for side, r in settled.results.items() if r.shown_once},
    )


async def _suspend(engine: Engine, state: LinkState, gone: Side) -> HandResult:
    link = replace(state.link, status=LinkStatus.SUSPENDED, reason=f"{gone} record not found")
    audit = Scribe(engine, f"link:{link.id}").audit("suspended", link, rule="D9", side=gone, reason=link.reason)
    if state.link.status is not LinkStatus.SUSPENDED:
        await engine.store.commit(Commit(links=[LinkChange(link)], audits=[audit]))
    return HandResult(Step.REFUSE, "D9", Outcome.NOT_FOUND, link, reason=link.reason)
