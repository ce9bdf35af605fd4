"""What a person does with one pair: sync it, link it, link it anew, unlink it, create the patient (M9 to M12, M17)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from hintsync.core.draft import draft_values
from hintsync.core.errors import AskPerson, BadInput, RetryLater
from hintsync.core.fingerprints import pair_salt
from hintsync.core.first_sync import inherited_fields
from hintsync.core.lifecycle import RESUMED
from hintsync.core.link import OwnLink, Trigger
from hintsync.core.link_by_hand import ChosenPair, ManualDecision, Step, Warned, decide_by_hand, decide_create_by_hand
from hintsync.core.plan import Match, Mode, Outcome
from hintsync.core.policy import Choices
from hintsync.core.records import (
    FieldName,
    Fingerprint,
    Link,
    LinkState,
    LinkStatus,
    RecordId,
    RecordState,
    Snapshot,
    Values,
)
from hintsync.core.restored import is_restored
from hintsync.core.seal import prints_of
from hintsync.core.values import ABSENT, Side
from hintsync.engine.batch.cases import choices_of, mode_of
from hintsync.engine.batch.linking import outcome_of
from hintsync.engine.context import Engine
from hintsync.engine.pairs.creating import Birth, create_missing, new_link
from hintsync.engine.pairs.holding import holding
from hintsync.engine.pairs.outcomes import Records, Scribe, record_pair, written_by_side
from hintsync.engine.pairs.parting import Intent, finish_parting, part
from hintsync.engine.pairs.settling import Pair, Settled, is_gone, plan_pair, settle
from hintsync.engine.pairs.write_back import write_back
from hintsync.engine.reviews.standing import load_open_reviews
from hintsync.engine.runs.life import check_identity
from hintsync.ports import WriteMode
from hintsync.state.port import Commit, LinkChange, LinkTaken, ReviewKind

#: A contact that was linked with nobody before has nothing from a former patient.
NOTHING_INHERITED: Mapping[FieldName, Fingerprint] = MappingProxyType({})


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


@dataclass(frozen=True, slots=True)
class Considered:
    """What linking two records would do as both stand now; nothing is written. Holds people's data."""

    decision: ManualDecision
    settled: Settled
    #: Moves when either record, or what would be done, does; keyed, so that it tells no value.
    seal: str


@dataclass(frozen=True, slots=True)
class ConsideredCreate:
    """What creating a contact's patient would do as the contact stands now; nothing is written. Holds a person's data."""

    match: Match
    contact: Snapshot
    #: What the new patient is given.
    values: Values
    #: Moves when any of it does; keyed.
    seal: str


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
    contact, patient = await _read_both(engine, contact_id, patient_id)
    before = await _states(engine, contact.id, patient.id)
    async with holding(engine, _ids(*before.values())):
        states = await _states(engine, contact.id, patient.id)
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
    unfinished = _unfinished(states)
    if unfinished is not None:
        return await _sync(engine, unfinished, "L1", Step.LINK)
    decision = decide_by_hand(await _chosen(engine, contact, patient, states), confirmed)
    if decision.step in (Step.ASK, Step.REFUSE):
        return _not_done(decision)
    old, other = states[Side.SALESFORCE], states[Side.HINT]
    if decision.step is Step.SYNC and old is not None:
        return await _sync(engine, old, "L4", Step.SYNC)
    left_over = False
    if other is not None and other != old:
        left_over = (await part(engine, other, Intent())).left_over
    if old is not None:
        inherited = _inherited(engine, contact, old, patient.id)
        left_over |= (await part(engine, old, Intent(True, patient.id, _reason(inherited)))).left_over
    state = await _reserved(engine, contact.id, patient.id)
    async with holding(engine, [state.link.id]):
        result = await _sync(engine, state, decision.row, decision.step)
    return replace(result, left_over=left_over, warnings=tuple(sorted(decision.warnings)))


def _unfinished(states: Mapping[Side, LinkState | None]) -> LinkState | None:
    """Return the link of this very pair if it was cut off in its first sync."""
    state = states[Side.SALESFORCE]
    ours = state is not None and state == states[Side.HINT] and state.link.status is LinkStatus.RESERVED
    return state if ours else None


async def _reserved(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> LinkState:
    """Return the new pair's reservation: made when the contact's old link ended, or made now."""
    known = (await _states(engine, contact_id, patient_id))[Side.SALESFORCE]
    if known is not None and known.link.patient_id == patient_id:
        return known
    link = new_link(engine, str(Trigger.MANUAL), contact_id=contact_id, patient_id=patient_id, reason=_reason())
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
    contact, state, match = await _to_create(engine, contact_id)
    if match.outcome is not Outcome.CREATED:
        return HandResult(
            Step.REFUSE, match.row, match.outcome, reason=match.reason, linked_to=next(iter(match.peers), None)
        )
    if state is None:
        link = new_link(engine, str(Trigger.MANUAL), contact_id=contact_id, patient_id=None, reason=_reason())
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


async def preview(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> Settled:
    """Plan the sync of two records without writing anything: what will change where.

    A pair that is linked is planned as it stands; any other as the first sync of a link made by hand.

    Raises:
        BadInput: no such contact, or no such patient.
    """
    contact, patient = await _read_both(engine, contact_id, patient_id)
    return _planned(engine, contact, patient, (await _states(engine, contact.id, patient.id))[Side.SALESFORCE])


async def consider(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> Considered:
    """Plan the link of two records without writing anything, with what a person must be told before (`link_by_hand`).

    Raises:
        BadInput: no such contact, or no such patient.
    """
    contact, patient = await _read_both(engine, contact_id, patient_id)
    states = await _states(engine, contact.id, patient.id)
    decision = decide_by_hand(await _chosen(engine, contact, patient, states))
    if _unfinished(states) is not None:
        decision = ManualDecision(Step.LINK, "L1")
    settled = _planned(engine, contact, patient, states[Side.SALESFORCE])
    return Considered(decision, settled, _seal_of(engine, decision, settled))


async def consider_create(engine: Engine, contact_id: RecordId) -> ConsideredCreate:
    """Say what `create_by_hand` would do, without writing anything.

    Raises:
        BadInput: no such contact.
    """
    contact, _, match = await _to_create(engine, contact_id)
    values = draft_values(engine.table, contact, engine.constraints())
    fp = engine.fingerprinter(pair_salt(contact.id, None))
    told = (match, fp.of_all(contact.values).hex(), sorted(values))
    return ConsideredCreate(match, contact, values, hashlib.sha256(repr(told).encode()).hexdigest())


async def _to_create(engine: Engine, contact_id: RecordId) -> tuple[Snapshot, LinkState | None, Match]:
    """Read a contact, and decide whether a patient may be created from it."""
    contact = (await engine.salesforce.read([contact_id])).get(contact_id)
    if contact is None or is_gone(contact):
        raise BadInput(f"no contact {contact_id}")
    state = (await engine.store.live_links(engine.connection.id, Side.SALESFORCE, [contact_id])).get(contact_id)
    first, last = contact.values.get("first_name"), contact.values.get("last_name")
    match = decide_create_by_hand(
        _own(state, Side.SALESFORCE),
        first_name=first if isinstance(first, str) else None,
        last_name=last if isinstance(last, str) else None,
        person_account=contact.person_account,
    )
    return contact, state, match


def _seal_of(engine: Engine, decision: ManualDecision, settled: Settled) -> str:
    """Return what a person who confirms has seen: the decision, the plan and both records."""
    pair, plan = settled.pair, settled.plan
    fp = engine.fingerprinter(pair.state.link.salt)
    writes = {side: sorted(prints.items()) for side, prints in sorted(prints_of(plan.writes, fp).items())}
    seen = [fp.of_all(pair.seen(side).values).hex() for side in Side]
    rows = [(each.field, each.row, each.effect) for each in plan.decisions]
    told = (decision.step, decision.row, sorted(decision.warnings), decision.linked_to, plan.frozen, writes, seen, rows)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _planned(engine: Engine, contact: Snapshot, patient: Snapshot, known: LinkState | None) -> Settled:
    """Plan the pair: as it stands if the contact is linked with this patient, else as the first sync of a link by hand."""
    if known is not None and known.link.patient_id == patient.id:
        pair = Pair(known, patient, contact, mode_of(known.link), choices=choices_of(known.link))
        return Settled(pair, plan_pair(engine, pair))
    inherited = _inherited(engine, contact, known, patient.id) if known else {}
    reason = _reason(inherited)  # the fields of a former patient, which the decisions of row U3 name
    link = new_link(engine, str(Trigger.MANUAL), contact_id=contact.id, patient_id=patient.id, reason=reason)
    pair = Pair(LinkState(link, {}, {}), patient, contact, Mode.FIRST_SALESFORCE_WINS, choices=choices_of(link))
    return Settled(pair, plan_pair(engine, pair))


async def _begin(engine: Engine) -> None:
    await check_identity(engine)
    await finish_parting(engine)


async def _read_both(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> tuple[Snapshot, Snapshot]:
    contacts, patients = await asyncio.gather(engine.salesforce.read([contact_id]), engine.hint.read([patient_id]))
    contact, patient = contacts.get(contact_id), patients.get(patient_id)
    if contact is None or contact.state is not RecordState.LIVE:
        raise BadInput(f"no contact {contact_id}")
    if patient is None:
        raise BadInput(f"no patient {patient_id}")
    return contact, patient


async def _states(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> dict[Side, LinkState | None]:
    store, connection_id = engine.store, engine.connection.id
    by_contact = await store.live_links(connection_id, Side.SALESFORCE, [contact_id])
    by_patient = await store.live_links(connection_id, Side.HINT, [patient_id])
    return {Side.SALESFORCE: by_contact.get(contact_id), Side.HINT: by_patient.get(patient_id)}


async def _chosen(
    engine: Engine, contact: Snapshot, patient: Snapshot, states: Mapping[Side, LinkState | None]
) -> ChosenPair:
    return ChosenPair(
        contact.id,
        patient.id,
        contact_link=_own(states[Side.SALESFORCE], Side.SALESFORCE),
        patient_link=_own(states[Side.HINT], Side.HINT),
        patient_state=patient.state,
        person_account=contact.person_account,
        declined=await engine.store.declined(engine.connection.id, contact.id, patient.id),
    )


def _own(state: LinkState | None, side: Side) -> OwnLink | None:
    if state is None:
        return None
    peer = state.link.patient_id if side is Side.SALESFORCE else state.link.contact_id
    return OwnLink(state.link.status, peer, state.link.reason)


def _not_done(decision: ManualDecision) -> HandResult:
    return HandResult(
        decision.step,
        decision.row,
        Outcome.ALREADY_LINKED if decision.linked_to else Outcome.TO_REVIEW,
        reason=decision.reason,
        warnings=tuple(sorted(decision.warnings)),
        linked_to=decision.linked_to,
    )


def _inherited(
    engine: Engine, contact: Snapshot, old: LinkState, patient_id: RecordId
) -> Mapping[FieldName, Fingerprint]:
    """Return the fields that a contact has from its former patient (row U3), with prints that the new link can compare.

    Names alone would not do: the first sync may come later, and somebody may edit the contact until then.
    """
    names = inherited_fields(contact, old.base, engine.fingerprinter(old.link.salt))
    fp = engine.fingerprinter(pair_salt(contact.id, patient_id))
    shown = {name: value for name in names if (value := contact.values[name]) is not ABSENT}
    return {name: fp.of(name, value) for name, value in shown.items()}


def _reason(inherited: Mapping[FieldName, Fingerprint] = NOTHING_INHERITED) -> str:
    """Return how the first sync of a link made by hand is to go, fields of a former patient included (row U3)."""
    mode = str(Mode.FIRST_SALESFORCE_WINS)
    told = ",".join(f"{name}={print_.hex()}" for name, print_ in sorted(inherited.items()))
    return f"{mode}|{told}" if told else mode


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
