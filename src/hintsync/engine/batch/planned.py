"""The plan of a dry run, record by record, as it is kept at rest: ids, Versions, field names, fingerprints, no value.

Carrying an approved plan out reads everything again and writes only what still has the approved fingerprint (section 9).
"""

from __future__ import annotations

from hintsync.core.draft import draft_values
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.plan import Outcome, PairPlan
from hintsync.core.records import Snapshot
from hintsync.core.seal import Prints, prints_of
from hintsync.core.values import Side
from hintsync.engine.batch.cases import Case, Work, choices_of, first_state, mode_of
from hintsync.engine.pairs.settling import Pair, plan_pair
from hintsync.state.port import RunRow


def version_text(snapshot: Snapshot, fp: Fingerprinter) -> str:
    """Return a snapshot's Version as text: the system's stamp and the digest of the mapped fields."""
    return f"{snapshot.stamp}#{fp.of_all(snapshot.values).hex()}"


def planned_row(work: Work, case: Case) -> RunRow:
    """Return the plan of one record, writing nothing anywhere."""
    plan: PairPlan | None = None
    prints: Prints = {}
    outcome, hint, contact = case.match.outcome, case.seen(Side.HINT), case.seen(Side.SALESFORCE)
    state = case.state or first_state(work, case)
    fp = work.engine.fingerprinter(state.link.salt)
    if outcome in (Outcome.LINKED, Outcome.SYNCED) and hint is not None and contact is not None:
        plan = plan_pair(
            work.engine, Pair(state, hint, contact, mode_of(state.link), choices_of(state.link), foreseen=case.foreseen)
        )
        prints = prints_of(plan.writes, fp)
        outcome = Outcome.FROZEN if plan.frozen else outcome
    elif outcome is Outcome.CREATED:
        prints = draft_prints(work, case)
    return RunRow(
        work.keeper.run.id,
        case.position,
        case.side,
        case.record_id,
        outcome,
        case.match.row,
        peers=case.match.peers,
        reason=case.match.reason,
        written={side: tuple(sorted(names)) for side, names in prints.items()},
        held=plan.held if plan else (),
        prints=prints,
        versions={seen.side: version_text(seen, fp) for seen in (hint, contact) if seen is not None},
    )


def draft_prints(work: Work, case: Case) -> Prints:
    """Return the fingerprints of what a record to be created would be filled with."""
    if case.subject is None:
        return {}
    state = case.state or first_state(work, case)
    values = draft_values(work.engine.table, case.subject, work.engine.constraints())
    return prints_of({case.side.other: values}, work.engine.fingerprinter(state.link.salt))
