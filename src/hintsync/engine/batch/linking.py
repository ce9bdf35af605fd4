"""Carries out what matching decided for a chunk of records: reserve, first sync or ordinary sync, create, one commit.

Both batches end here. A dry run takes the same way up to the first write and leaves a plan instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from hintsync.core.plan import Match, Mode, Outcome
from hintsync.core.quick import but
from hintsync.core.records import FieldName, Link, LinkState, LinkStatus, Snapshot
from hintsync.core.seal import still_approved
from hintsync.core.values import Side
from hintsync.engine.batch.cases import Case, Work, choices_of, first_link, mode_of, stamps_of
from hintsync.engine.batch.planned import draft_prints, planned_row
from hintsync.engine.guards.judging import stop_at_guards, stop_suspensions
from hintsync.engine.pairs.creating import Birth, create_missing
from hintsync.engine.pairs.outcomes import Records, record_pair, reviews_of_holds, written_by_side
from hintsync.engine.pairs.settling import LOOKS, Pair, Settled, bookkeeping_of, is_gone, settle
from hintsync.engine.pairs.writing import Trouble, write_side
from hintsync.ports import NO_BOOKKEEPING, Update, WriteMode
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Commit, LinkChange, LinkTaken, LogLevel, ReviewKind, RunRow
from hintsync.turns import in_turns

_REVIEWS = {
    Outcome.AMBIGUOUS: ReviewKind.AMBIGUOUS,
    Outcome.TO_REVIEW: ReviewKind.NEAR_MATCH,
    Outcome.INCOMPLETE: ReviewKind.INCOMPLETE,
    Outcome.DUPLICATE_RULE: ReviewKind.DUPLICATE_RULE,
}
_TRY_AGAIN = frozenset({Trouble.LOOK_AGAIN, Trouble.LATER})
_NOTHING: Mapping[Side, tuple[FieldName, ...]] = {}
_LOGGED = frozenset({Outcome.CONTACT_ALREADY_SYNCED, Outcome.PATIENT_ALREADY_LINKED})


async def carry_out(work: Work, cases: Sequence[Case]) -> None:
    """Carry out the decisions of one chunk and commit what became of them.

    Raises:
        SafetyStop: guard G3 holds some of it back.
    """
    if work.keeper.run.dry:
        rows = [planned_row(work, case) for case in cases]
        await work.keeper.commit(rows)
        return
    records = Records()
    await stop_suspensions(work.engine, _suspensions(cases))
    ready = await _reserve(work, cases, records)
    await _settle_pairs(work, [case for case in ready if case.match.outcome is not Outcome.CREATED], records)
    await _create(work, [case for case in ready if case.match.outcome is Outcome.CREATED], records)
    await _let_merges_be_followed(work, cases)
    await work.keeper.commit(
        records.rows, links=records.links, reviews=records.reviews, audits=records.audits, logs=records.logs
    )


async def _let_merges_be_followed(work: Work, cases: Sequence[Case]) -> None:
    """Mark the records whose links are suspended: of those that were merged, live work moves or freezes the links (D4 to D8).

    Their own event may have been lost. Marked first, so that no commit is left without it.
    """
    now = work.engine.clock.now().timestamp()
    gone = [(side, link) for side, links in _suspensions(cases).items() for link in links]
    ids = [(side, link.contact_id if side is Side.SALESFORCE else link.patient_id) for side, link in gone]
    marks = [Mark(side, record_id, "batch", now, Lane.CATCH_UP) for side, record_id in ids if record_id]
    if marks:
        await work.engine.store.mark(work.engine.connection.id, marks)


def _suspensions(cases: Sequence[Case]) -> Mapping[Side, Sequence[Link]]:
    """Return the links that these cases suspend, by the side whose record is gone."""
    found: dict[Side, list[Link]] = {side: [] for side in Side}
    for case in cases:
        if _suspends(case) and case.state is not None:
            gone = case.side if case.subject is None or is_gone(case.subject) else case.side.other
            found[gone].append(case.state.link)
    return found


async def _reserve(work: Work, cases: Sequence[Case], records: Records) -> list[Case]:
    """Reserve a link for every case that needs one; those that lose the race are settled as taken."""
    ready: list[Case] = []
    fresh: list[tuple[Case, Link]] = []
    for case in cases:
        if case.match.outcome in (Outcome.LINKED, Outcome.CREATED) and not _approved(work, case):
            _settle_plain(work, _changed(case), records)
        elif case.match.outcome in (Outcome.LINKED, Outcome.CREATED) and case.state is None:
            fresh.append((case, first_link(work, case)))
        elif case.state is not None and case.match.outcome in (Outcome.LINKED, Outcome.CREATED, Outcome.SYNCED):
            ready.append(case)
        else:
            _settle_plain(work, case, records)
    ready.extend(await _insert(work, await _not_declined(work, fresh, records), records))
    return ready


async def _not_declined(work: Work, fresh: Sequence[tuple[Case, Link]], records: Records) -> list[tuple[Case, Link]]:
    """Settle the pairs that a person has declined since the run began (row U4), and return the others."""
    if not fresh:
        return []
    declined = await work.engine.store.declined_pairs(work.engine.connection.id)
    kept = []
    for case, link in fresh:
        if (link.contact_id, link.patient_id) in declined:
            _settle_plain(work, _declined(case), records)
        else:
            kept.append((case, link))
    return kept


async def _insert(work: Work, fresh: Sequence[tuple[Case, Link]], records: Records) -> list[Case]:
    if not fresh:
        return []
    try:
        await work.engine.store.commit(Commit(links=[LinkChange(link) for _, link in fresh]))
    except LinkTaken:
        return await _insert_singly(work, fresh, records)
    # the commit raised each stored revision by one
    return [_reserved(case, but(link, revision=1)) for case, link in fresh]


async def _insert_singly(work: Work, fresh: Sequence[tuple[Case, Link]], records: Records) -> list[Case]:
    ready = []
    for case, new in fresh:
        try:
            link = await work.engine.store.reserve(new)
        except LinkTaken:
            _settle_plain(work, _taken(case), records)
        else:
            ready.append(_reserved(case, link))
    return ready


def _reserved(case: Case, link: Link) -> Case:
    return but(case, state=LinkState(link, {}, {}))


def _taken(case: Case) -> Case:
    outcome = Outcome.CONTACT_ALREADY_SYNCED if case.side is Side.HINT else Outcome.PATIENT_ALREADY_LINKED
    return replace(case, match=replace(case.match, outcome=outcome, row="L5", reason="linked meanwhile"))


def _declined(case: Case) -> Case:
    return replace(
        case, match=replace(case.match, outcome=Outcome.CHANGED_SINCE, row="U4", reason="declined meanwhile")
    )


def _changed(case: Case) -> Case:
    return replace(case, match=replace(case.match, outcome=Outcome.CHANGED_SINCE, reason="not as approved"))


def _approved(work: Work, case: Case) -> bool:
    """Say whether the approved plan has this very outcome with this very peer; a pair's fields are checked when planned.

    A record to be created has no peer yet: what a plan names there are near matches, and a resumed run names the record.
    """
    if work.approved is None:
        return True
    row = work.approved.get(case.record_id)
    if row is None or row.outcome is not case.match.outcome:
        return False
    if row.outcome is Outcome.CREATED:
        return still_approved(row.prints, draft_prints(work, case))
    return row.peers == case.match.peers


def _settle_plain(work: Work, case: Case, records: Records) -> None:
    """Record a case that leads to no write."""
    match = case.match
    records.rows.append(_row(work, case, match.outcome, reason=match.reason))
    if _suspends(case):
        _suspend(work, case, records)
    kind = _REVIEWS.get(match.outcome)
    if kind is not None:
        records.reviews.append(
            work.scribe.review(
                kind, case.side, case.record_id, candidates=match.peers, rule=match.row, reason=match.reason or ""
            )
        )
    if match.outcome in _LOGGED:
        contact_id = case.record_id if case.side is Side.SALESFORCE else next(iter(match.peers), None)
        patient_id = case.record_id if case.side is Side.HINT else next(iter(match.peers), None)
        records.logs.append(
            work.scribe.log(
                LogLevel.ERROR,
                str(match.outcome).replace(" ", "-"),
                f"{match.outcome}: nothing was linked ({match.row})",
                contact_id=contact_id,
                patient_id=patient_id,
            )
        )


def _suspends(case: Case) -> bool:
    linked = case.state is not None and case.state.link.status is LinkStatus.ACTIVE
    return linked and case.match.outcome is Outcome.NOT_FOUND


def _suspend(work: Work, case: Case, records: Records) -> None:
    """Rows D1, D2, D9: the link waits for its records; nothing is written to the one that is left, nothing created."""
    if case.state is None:
        return
    link = replace(case.state.link, status=LinkStatus.SUSPENDED, reason=case.match.reason)
    records.links.append(LinkChange(link))
    records.audits.append(work.scribe.audit("suspended", link, rule=case.match.row, reason=link.reason))


async def _settle_pairs(work: Work, cases: Sequence[Case], records: Records) -> None:
    pairs = []
    by_link: dict[str, Case] = {}
    for case in cases:
        hint, contact = case.seen(Side.HINT), case.seen(Side.SALESFORCE)
        if case.state is None or hint is None or contact is None:
            continue
        link = case.state.link
        by_link[link.id] = case
        approved = work.approved[case.record_id].prints if work.approved is not None and _approved(work, case) else None
        if work.approved is not None and approved is None:
            approved = {}
        pairs.append(
            Pair(
                case.state,
                hint,
                contact,
                mode_of(link),
                choices_of(link),
                stamps=stamps_of(work, case.match.outcome, case.match.reason or ""),
                approved=approved,
                foreseen=case.foreseen,
            )
        )
    async for settled in in_turns(
        await settle(work.engine, pairs, WriteMode.BATCH, partial(stop_at_guards, work.engine))
    ):
        _record_settled(work, by_link[settled.pair.state.link.id], settled, records)


def _record_settled(work: Work, case: Case, settled: Settled, records: Records) -> None:
    if settled.changed_since:
        records.rows.append(_row(work, case, Outcome.CHANGED_SINCE, reason="not as approved"))
        if case.match.outcome is Outcome.LINKED:  # the reservation was made for nothing
            link = replace(settled.pair.state.link, status=LinkStatus.ENDED, reason="changed since approved")
            records.links.append(LinkChange(link))
        return
    told = record_pair(work.scribe, settled, records)
    outcome, reason = outcome_of(settled, case.match.outcome)
    held = tuple(sorted(name for name, hold in told.holds.items() if hold is not None))
    reason = reason or case.match.reason
    records.rows.append(_row(work, case, outcome, reason=reason, written=written_by_side(settled), held=held))


def outcome_of(settled: Settled, meant: Outcome) -> tuple[Outcome, str | None]:
    """Return what a settled pair is reported as, with the code of what went wrong."""
    if settled.plan.frozen:
        return Outcome.FROZEN, settled.plan.frozen
    if settled.gone is not None:
        return Outcome.NOT_FOUND, f"{settled.gone} record not found"
    if settled.trouble is not None:
        side, result = settled.trouble
        if result.trouble is Trouble.LOOK_AGAIN:
            return Outcome.FAILED, f"{side}: kept changing, or no reply"
        return Outcome.FAILED, f"{side}: {result.code}"
    return meant, None


async def _create(work: Work, cases: Sequence[Case], records: Records) -> None:
    reservations = [(case.state, case.subject) for case in cases if case.state is not None and case.subject is not None]
    if not reservations:
        return
    side = cases[0].side.other
    births = await create_missing(work.engine, side, reservations, stamps_of(work, Outcome.CREATED))
    await _write_back(work, births)
    adopted = []
    for case, birth in zip(cases, births, strict=True):
        if birth.adopted is not None:
            adopted.append(_as_adopted(case, birth.adopted))
        else:
            _record_birth(work, case, birth, records)
    await _settle_pairs(work, adopted, records)


def _as_adopted(case: Case, record: Snapshot) -> Case:
    """Turn a create whose record exists already into a first sync of the pair."""
    if case.state is None:
        return case
    link, by_hint = case.state.link, record.side is Side.HINT
    link = replace(link, patient_id=record.id) if by_hint else replace(link, contact_id=record.id)
    match = replace(case.match, peers=(record.id,), reason=None)
    return replace(case, match=match, peer=record, state=LinkState(link, {}, {}))


async def _write_back(work: Work, births: Sequence[Birth]) -> None:
    """Tell Hint which contact its patient has now (B12); a refusal here does not undo the link."""
    updates = []
    for birth in births:
        if birth.change is None or birth.record_id is None or birth.source.side is not Side.HINT:
            continue
        state = LinkState(birth.change.link, {}, {})
        contact = replace(birth.source, side=Side.SALESFORCE, id=birth.record_id)
        keeping = bookkeeping_of(work.engine, Pair(state, birth.source, contact, Mode.ORDINARY), Side.HINT)
        if keeping != NO_BOOKKEEPING:
            updates.append(Update(birth.source.id, {}, None, keeping))
    for _ in range(LOOKS):  # bookkeeping may be sent twice without harm, so a lost reply needs no look
        if not updates:
            break
        results = await write_side(work.engine, Side.HINT, updates, WriteMode.BATCH)
        updates = [update for update in updates if results[update.record_id].trouble in _TRY_AGAIN]


def _record_birth(work: Work, case: Case, birth: Birth, records: Records) -> None:
    if birth.change is not None:
        records.links.append(birth.change)
    if birth.duplicates or birth.failure == "DUPLICATES_DETECTED":
        match = Match(Outcome.DUPLICATE_RULE, "L12", birth.duplicates, "duplicate rule")
        _settle_plain(work, replace(case, match=match), records)
        return
    if birth.failure is not None or birth.change is None:
        records.rows.append(_row(work, case, Outcome.FAILED, reason=birth.failure))
        return
    link = birth.change.link
    records.audits.append(work.scribe.audit("created", link, rule="L2", side=case.side.other, fields=birth.written))
    holds = {name: hold for name, hold in birth.change.holds.items() if hold is not None}
    records.reviews.extend(reviews_of_holds(work.scribe, link.contact_id or "", link.patient_id or "", holds))
    row = _row(work, case, Outcome.CREATED)
    peers = (birth.record_id,) if birth.record_id else ()
    written = {case.side.other: birth.written}
    records.rows.append(replace(row, peers=peers, written=written, held=tuple(sorted(holds))))


def _row(
    work: Work,
    case: Case,
    outcome: Outcome,
    *,
    reason: str | None = None,
    written: Mapping[Side, tuple[FieldName, ...]] = _NOTHING,
    held: tuple[FieldName, ...] = (),
) -> RunRow:
    return RunRow(
        work.keeper.run.id,
        case.position,
        case.side,
        case.record_id,
        outcome,
        case.match.row,
        peers=case.match.peers,
        reason=reason,
        written=written,
        held=held,
    )
