"""What a person's action would do to a pair, planned without writing anything (`engine.pairs.by_hand` does it)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hintsync.core.draft import draft_values
from hintsync.core.fingerprints import pair_salt
from hintsync.core.link import Trigger
from hintsync.core.link_by_hand import ManualDecision, Step, decide_by_hand
from hintsync.core.plan import Match, Mode
from hintsync.core.records import (
    LinkState,
    RecordId,
    Snapshot,
    Values,
)
from hintsync.core.seal import prints_of
from hintsync.core.values import Side
from hintsync.engine.batch.cases import choices_of, mode_of
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
from hintsync.engine.pairs.creating import new_link
from hintsync.engine.pairs.settling import Pair, Settled, plan_pair


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


async def preview(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> Settled:
    """Plan the sync of two records without writing anything: what will change where.

    A pair that is linked is planned as it stands; any other as the first sync of a link made by hand.

    Raises:
        BadInput: no such contact, or no such patient.
    """
    contact, patient = await read_both(engine, contact_id, patient_id)
    return _planned(engine, contact, patient, (await states_of(engine, contact.id, patient.id))[Side.SALESFORCE])


async def consider(engine: Engine, contact_id: RecordId, patient_id: RecordId) -> Considered:
    """Plan the link of two records without writing anything, with what a person must be told before (`link_by_hand`).

    Raises:
        BadInput: no such contact, or no such patient.
    """
    contact, patient = await read_both(engine, contact_id, patient_id)
    states = await states_of(engine, contact.id, patient.id)
    decision = decide_by_hand(await chosen_pair(engine, contact, patient, states))
    if unfinished_of(states) is not None:
        decision = ManualDecision(Step.LINK, "L1")
    settled = _planned(engine, contact, patient, states[Side.SALESFORCE])
    return Considered(decision, settled, _seal_of(engine, decision, settled))


async def consider_create(engine: Engine, contact_id: RecordId) -> ConsideredCreate:
    """Say what `create_by_hand` would do, without writing anything.

    Raises:
        BadInput: no such contact.
    """
    contact, _, match = await look_before_create(engine, contact_id)
    values = draft_values(engine.table, contact, engine.constraints())
    fp = engine.fingerprinter(pair_salt(contact.id, None))
    told = (match, fp.of_all(contact.values).hex(), sorted(values))
    return ConsideredCreate(match, contact, values, hashlib.sha256(repr(told).encode()).hexdigest())


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
    inherited = inherited_prints(engine, contact, known, patient.id) if known else {}
    reason = reason_of_first_sync(inherited)  # the fields of a former patient, which the decisions of row U3 name
    link = new_link(engine, str(Trigger.MANUAL), contact_id=contact.id, patient_id=patient.id, reason=reason)
    pair = Pair(LinkState(link, {}, {}), patient, contact, Mode.FIRST_SALESFORCE_WINS, choices=choices_of(link))
    return Settled(pair, plan_pair(engine, pair))
